"""What users of other systems reported there, tried on ours: a test for each entry of the page
docs/explanation/what-others-got-wrong.md, named after its issue, through the real broker, collector and store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from analytics.energy.daily_half_hours import MeterReader
from analytics.energy.half_hours import Float64
from simulators.publisher import Message
from store.batch import Counts
from store.connect import connect
from tests.references.daily_use import utc
from tests.tools.account import assert_same, table_account, total
from tests.tools.batches import DAY, HALF_HOUR
from tests.tools.collector import Collector
from tests.tools.load import ask, assert_stored, count, device, message, native_load, now, register, rfc3339
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for
from tests.worlds.daily_world import LONDON, T0, World, half_hourly

AIR = device("air", "air-monitor")
SECOND = 1_000_000
#: An hour ago: old enough for any order, young enough for any bound.
HOUR_AGO = now() - 3_600 * SECOND

#: Publishes messages, waits until they are committed, and gives what became of them so far.
Send = Callable[[Sequence[Message]], Counts]


@pytest.fixture
def start(database: str, mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., Collector]]:
    """Starts a collector of a borough with one air monitor."""
    register(database, [AIR])
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Collector(tmp_path, database, mosquitto.url, **settings)).start()


@pytest.fixture
def send(database: str, mosquitto: Mosquitto, start: Callable[..., Collector]) -> Send:
    """A collector that runs."""
    collector = start()

    def published(messages: Sequence[Message]) -> Counts:
        before = total(table_account(database)).messages_received
        publish(mosquitto.port, messages)
        assert wait_for(lambda: total(table_account(database)).messages_received >= before + len(messages), 30)
        assert_same(collector.account_at_rest(), table_account(database))
        return total(table_account(database))

    return published


def at(seconds: float, **values: object) -> Message:
    """A message of the air monitor, so many seconds after an hour ago."""
    return message(AIR, {"time": rfc3339(HOUR_AGO + round(seconds * SECOND)), **values})


def latest(database: str) -> dict[str, float]:
    """The newest value of each property."""
    rows = ask(
        database,
        "select s.property, l.value from public.latest l join personal.series s on s.id = l.series_id",
    )
    return {str(row[0]): float(str(row[1])) for row in rows}


# -- equal times, server time, latest ----------------------------------------------------------------------------------


def test_thingsboard_15447(database: str, send: Send) -> None:
    """Equal times: what two messages of one instant say of different things stands, whichever comes first."""
    counts = send([at(0, pm2_5=4.5), at(0, pm10=9.0), at(0, temperature=12.0, humidity=80)])
    assert counts.readings_stored == 4
    assert latest(database) == {"pm2_5": 4.5, "pm10": 9.0, "temperature": 12.0, "humidity": 80.0}


def test_thingsboard_15958(database: str, send: Send) -> None:
    """Delivered twice some seconds apart, a message that says its time makes one reading, at that time."""
    counts = send([at(0, pm2_5=4.5), at(10, pm2_5=4.5)])
    again = send([at(0, pm2_5=4.5), at(10, pm2_5=4.5)])
    assert (counts.readings_stored, again.readings_stored, again.readings_duplicates) == (2, 2, 2)
    assert_stored(database, {("air", "pm2_5", HOUR_AGO): 4.5, ("air", "pm2_5", HOUR_AGO + 10 * SECOND): 4.5})


def test_thingsboard_8215(database: str, send: Send) -> None:
    """As many as came are accounted for: stored, or named as what they are. 610 came, 33 of them with a time again."""
    messages = [at(second, pm2_5=second / 10) for second in range(577)]
    again = [at(second, pm2_5=second / 10) for second in range(20)] + [at(second, pm2_5=99) for second in range(13)]
    counts = send([*messages, *again])
    assert (counts.messages_received, counts.messages_decoded, counts.readings_decoded) == (610, 610, 610)
    assert (counts.readings_stored, counts.readings_duplicates, counts.readings_rejected) == (577, 20, 13)
    assert count(database, "public.reading") == 577
    assert ask(database, "select reason, count(*) from public.rejected group by 1") == [("conflict", 13)]


def test_thingsboard_5714(database: str, send: Send) -> None:
    """Another value for a time that is taken replaces nothing in silence: the first stands, the second is kept."""
    counts = send([at(0, pm2_5=1), at(0, pm2_5=2)])
    assert (counts.readings_stored, counts.readings_rejected) == (1, 1)
    assert_stored(database, {("air", "pm2_5", HOUR_AGO): 1.0})
    rows = ask(
        database,
        "select r.device, r.property, r.reason, convert_from(b.bytes, 'UTF8')::json ->> 'pm2_5'"
        " from public.rejected r join public.rejected_bytes b on b.id = r.message",
    )
    assert rows == [("air", "pm2_5", "conflict", "2")]


def test_thingsboard_1769(database: str, send: Send) -> None:
    """The latest is the newest by its own time and not what came last, in any order and however often."""
    four = [at(64 * place, temperature=place) for place in (1, 2, 3, 4)]
    for order in ((1, 2, 3, 0), (3, 2, 1, 0), (0, 3, 1, 2), (2, 3, 0, 1)):
        send([four[place] for place in order])
        assert latest(database) == {"temperature": 4.0}
    assert count(database, "public.reading") == 4


# -- silent drops, late values -----------------------------------------------------------------------------------------


def test_magistrala_3605(database: str, send: Send) -> None:
    """JSON that is no SenML, where SenML is expected, is rejected by name with its bytes, and counted."""
    plain = json.dumps({"temperature": 21.5}).encode()
    counts = send([("borough/air-monitor/air/senml", plain), at(0, temperature=21.5)])
    assert (counts.messages_received, counts.messages_decoded, counts.messages_rejected) == (2, 1, 1)
    rows = ask(
        database,
        "select r.device, r.reason, b.bytes from public.rejected r join public.rejected_bytes b on b.id = r.message",
    )
    assert rows == [("air", "unreadable", plain)]


def test_openremote_1642(database: str, send: Send) -> None:
    """What is older than the newest value is stored all the same, and the newest stays the newest."""
    send([at(600, pm2_5=6)])
    counts = send([at(0, pm2_5=1), at(300, pm2_5=3)])
    assert counts.readings_stored == 3
    assert latest(database) == {"pm2_5": 6.0}
    times = [HOUR_AGO, HOUR_AGO + 300 * SECOND, HOUR_AGO + 600 * SECOND]
    assert_stored(database, {("air", "pm2_5", time): value for time, value in zip(times, (1.0, 3.0, 6.0), strict=True)})


def test_telegraf_13476(database: str, mosquitto: Mosquitto, start: Callable[..., Collector]) -> None:
    """More unreadable messages than may be unacknowledged at once: each is acknowledged, and what follows is stored."""
    collector = start(mqtt_receive_maximum=100)
    topic = "borough/air-monitor/air/reading"
    publish(mosquitto.port, [(topic, b"21.5 C, %d" % number) for number in range(1_500)])
    publish(mosquitto.port, [at(second, pm2_5=5) for second in range(50)])
    assert wait_for(lambda: count(database, "public.reading") == 50, 30)
    account = collector.account_at_rest()
    assert account["air-monitor"].messages_rejected == 1_500
    assert_same(account, table_account(database))


def test_quantumleap_722(database: str, mosquitto: Mosquitto, start: Callable[..., Collector]) -> None:
    """Nothing is said to be taken before it is stored: killed in the middle, twice, it has every reading in the end."""
    load = native_load(722, 6_000)
    register(database, load.devices)
    collector = start(batch_readings=200)
    collector.kill9()
    publish(mosquitto.port, load.messages[:3_000])
    collector.launch()
    assert wait_for(lambda: count(database, "public.reading") > 0, 20)
    collector.kill9()
    publish(mosquitto.port, load.messages[3_000:])
    collector.start()
    assert wait_for(lambda: count(database, "public.reading") >= len(load.expected), 30)
    assert collector.stop() == 0
    assert_stored(database, load.expected)


def test_frost_1576(each_database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """What an instrument kept for two years is stored in batches; nothing runs once a row."""
    register(each_database, [AIR])
    begin = now() - 2 * 365 * DAY
    packs = []
    for first in range(0, 20_000, 2_000):
        records: list[dict[str, object]] = [{"bn": "air:", "bt": begin // SECOND + first * 3_000, "n": "pm2_5", "v": 0}]
        records += [{"n": "pm2_5", "t": row * 3_000, "v": row % 90} for row in range(1, 2_000)]
        packs.append(("borough/air-monitor/air/senml", json.dumps(records).encode()))
    with Collector(tmp_path, each_database, mosquitto.url) as collector:
        collector.start()
        publish(mosquitto.port, packs)
        assert wait_for(lambda: count(each_database, "public.reading") == 20_000, 60)
        assert collector.stop() == 0
    by_row = ask(
        each_database,
        "select tgname from pg_trigger where tgrelid = 'public.reading'::regclass and tgtype & 1 = 1"
        " and not tgisinternal and tgname not like 'ts_%%'",
    )
    assert by_row == []
    ((transactions,),) = ask(each_database, "select count(distinct xmin::text) from public.reading")
    assert int(str(transactions)) <= len(packs)


def test_frost_2096(database: str, send: Send) -> None:
    """An observation that is posted again, alone or within a batch of others, is one reading."""
    pack = [{"bn": "air:", "bt": HOUR_AGO // SECOND, "n": "no2", "v": 10}, {"n": "no2", "t": 60, "v": 11}]
    senml = "borough/air-monitor/air/senml", json.dumps(pack).encode()
    counts = send([at(0, no2=10), senml, senml])
    assert (counts.readings_stored, counts.readings_duplicates, counts.readings_rejected) == (2, 3, 0)
    assert count(database, "public.reading") == 2


# -- days of 23 hours --------------------------------------------------------------------------------------------------


@pytest.fixture
def world(each_database: str) -> World:
    """Homes of a world on each kind of server; the clocks go forward on 29 March 2026."""
    return World(each_database)


def halves(world: World, day: date) -> Float64:
    """The half-hours of the first home's electricity on a local day [Wh]."""
    with connect(world.url) as connection:
        return MeterReader(connection, LONDON).half_hours(world.homes[0], "electricity", day)


def test_home_assistant_core_170362(world: World) -> None:
    """An ordinary day is 24 hours: the one before midnight is there and belongs to it."""
    begin = utc("2026-05-10T23:00")  # midnight in London, in summer
    values = [0.1] * 46 + [0.9, 1.1]
    world.write(half_hourly("m1", "import_interval", [0.2] * 48 + values + [0.3] * 48, begin - DAY))
    world.update()
    found = halves(world, date(2026, 5, 11))
    assert found.tolist() == [100] * 46 + [900, 1_100]
    assert world.table()[world.homes[0], "electricity", date(2026, 5, 11)] == (4_600 + 2_000, 1_440)


def test_home_assistant_frontend_24877(world: World) -> None:
    """The day that the clocks go forward has 23 hours, and the days beside it keep all of theirs."""
    world.write(half_hourly("m1", "import_interval", [0.1] * (4 * 48 + 46 + 48)))
    world.update()
    days = [date(2026, 3, day) for day in (28, 29, 30)]
    assert [len(halves(world, day)) for day in days] == [48, 46, 48]
    assert [int(halves(world, day).sum()) for day in days] == [4_800, 4_600, 4_800]
    table = world.table()
    assert [table[world.homes[0], "electricity", day] for day in days] == [(4_800, 1440), (4_600, 1380), (4_800, 1440)]


def test_emoncms_314(world: World) -> None:
    """Daily figures of before the clocks change are there after it."""
    rows = half_hourly("m1", "import_register", [100 + k / 10 for k in range(10 * 48)])
    world.write(rows[: 4 * 48 + 1])
    world.update()
    before = {key: value for key, value in world.table().items() if key[2] < date(2026, 3, 29)}
    assert {key[2].day for key in before} == {25, 26, 27, 28}
    world.write(rows[4 * 48 + 1 :])
    world.update()
    table = world.table()
    assert all(table[key] == value for key, value in before.items())
    assert table[world.homes[0], "electricity", date(2026, 3, 29)] == (4_600, 1380)
    assert table == world.recomputed()


def test_emoncms_368(world: World) -> None:
    """The day that the clocks go back has 25 hours; the days sum to what the register rose."""
    begin = utc("2026-10-23T23:00")
    world.write(half_hourly("m1", "import_register", [500 + k / 5 for k in range(48 + 50 + 48 + 1)], begin))
    world.update()
    days = [date(2026, 10, day) for day in (24, 25, 26)]
    table = world.table()
    assert [table[world.homes[0], "electricity", day] for day in days] == [
        (9_600, 1440),
        (10_000, 1500),
        (9_600, 1440),
    ]
    assert len(halves(world, days[1])) == 50


def test_emoncms_1805(world: World) -> None:
    """A register that reads 0 for once, or comes back after a gap, makes no spike: days sum to its rise."""
    values = [7_000 + k / 10 for k in range(4 * 48 + 1)]
    rows = half_hourly("m1", "import_register", [*values[:60], 0.0, *values[61:]])
    world.write([row for row in rows if not T0 + 100 * HALF_HOUR < row[2] < T0 + 112 * HALF_HOUR])
    world.update()
    use = [world.table()[world.homes[0], "electricity", date(2026, 3, day)][0] for day in (25, 26, 27, 28)]
    assert sum(use) == 19_200
    assert max(use) == 4_800
