"""One message of one device costs the others nothing, whatever it holds: not their readings, not time, not memory."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import cbor2
import psycopg

from devices.device import Device
from simulators.publisher import Message
from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.account import assert_same, table_account, total
from tests.tools.collector import Collector
from tests.tools.load import (
    ask,
    assert_stored,
    count,
    device,
    message,
    native_load,
    now,
    register,
    rfc3339,
)
from tests.tools.mqtt_session import left_in_session, make_session
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

#: What one message may delay another device by [s], and what a collector may need at any time [bytes].
_DELAY = 10.0
_MEMORY = 300_000_000
_LIMIT = 128 * 1024

_BAD = device("bad", "smart-meter")
_AIR = device("bad-air", "air-monitor")
_GOOD = device("good", "parking-bay")


def peak(collector: Collector) -> int:
    """The most memory that the process has had [bytes]."""
    for line in Path(f"/proc/{collector.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def received(database: str) -> int:
    return total(table_account(database)).messages_received


def test_many_unknown_properties_and_many_impossible_readings(
    database: str, mosquitto: Mosquitto, collect: Collect
) -> None:
    """213 kB with 1,200 unknown properties, and a pack of 20,000 temperatures of -999, with a limit that takes them."""
    register(database, [_AIR, _GOOD])
    at = now() - 3_600_000_000
    names = {f"property-{'x' * 160}-{number}": number for number in range(1_200)}
    pack = [{"n": "temperature", "u": "Cel", "v": -999}] * 20_000
    messages = [
        message(_AIR, {"time": rfc3339(at), **names}),
        (f"borough/air-monitor/{_AIR.id}/senml", json.dumps(pack).encode()),
        message(_GOOD, {"time": rfc3339(at), "occupied": 1}),
    ]
    assert len(messages[0][1]) > 200_000
    assert len(messages[1][1]) > 800_000
    make_session(mosquitto.port)
    publish(mosquitto.port, messages)
    collector = collect(database, mosquitto.url, alone=True, payload_maximum=1024 * 1024).start()
    assert wait_for(lambda: count(database, "public.reading") == 1, _DELAY)
    assert wait_for(lambda: received(database) == 3, _DELAY)
    metrics = collector.account_at_rest()
    assert peak(collector) < _MEMORY
    by_reason = collector.metrics()["borough_rejections_total"]
    assert collector.stop() == 0
    account = table_account(database)
    assert_same(metrics, account)
    assert total(account).readings_rejected == 21_200
    assert {name: int(value) for name, value in by_reason.items()} == {
        "unknown_property": 1_200,
        "out_of_range": 20_000,
    }
    rows = ask(database, "select reason, count(*), sum(coalesce(more, 1))::int8 from rejected group by 1 order by 1")
    # what is beyond a device's limit of an hour is counted there; the first message's rejections are kept in any case
    assert [int(str(all_)) for reason, _, all_ in rows if reason == "unknown_property"] == [1_200]
    assert ask(database, "select sum(count)::int8 from rejected_flood") == [(21_200,)]
    assert sum(int(str(number)) for _, number, _ in rows) <= 2 * 51
    assert ask(database, "select sum(length(bytes))::int8 from rejected_bytes")[0][0] <= sum(  # type: ignore[operator]
        len(payload) for _, payload in messages
    )
    assert left_in_session(mosquitto.port) == []


def shapes(chance: random.Random) -> Iterator[bytes]:
    """Messages of about the limit in every shape, JSON and CBOR."""
    limit = _LIMIT - 40
    at = rfc3339(now() - 1_000_000)
    deep = 900
    while True:
        kind = chance.randrange(14)
        if kind == 0:  # many short names
            yield json.dumps({f"{n:x}": n for n in range(9_000)}).encode()[: limit - 2]
        elif kind == 1:
            yield json.dumps({"time": at, **{f"{n:x}": n for n in range(9_000)}}).encode()
        elif kind == 2:  # one long name
            yield json.dumps({"time": at, "x" * (limit - 60): 1}).encode()
        elif kind == 3:  # many nothings
            yield b"[" + b",".join([b"1"] * (limit // 2 - 2)) + b"]"
        elif kind == 4:  # many good records
            yield json.dumps([{"n": "pm1", "v": n} for n in range(4_500)]).encode()
        elif kind == 5:
            yield json.dumps([{"n": "pm1", "v": -999}] * 4_000).encode()
        elif kind == 6:  # nested in each record
            one = b'{"n":"pm1","v":' + b"[" * deep + b"]" * deep + b"}"
            yield b"[" + b",".join([one] * (limit // len(one) - 2)) + b"]"
        elif kind == 7:
            yield b'{"pm1":' + b"[" * (limit // 2) + b"]" * (limit // 2 - 10) + b"}"
        elif kind == 8:
            yield json.dumps({"time": "9" * (limit - 60), "pm1": 1}).encode()
        elif kind == 9:  # base names and times that change
            yield json.dumps([{"bn": "bad-air:", "bt": 1e9 + n, "n": "pm1", "v": n} for n in range(2_000)]).encode()
        elif kind == 10:
            yield b'{"pm1":' + b"9" * (limit - 20) + b"}"
        elif kind == 11:
            yield cbor2.dumps([{0: "pm1", 2: n} for n in range(12_000)])[:limit]
        elif kind == 12:
            yield cbor2.dumps([{0: "pm1", 2: 1.5, 6: -n} for n in range(7_000)])
        else:
            yield chance.randbytes(limit)


def test_memory_stays_small_whatever_messages_hold(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int
) -> None:
    """300 messages of the limit's size, all at once, in every shape, on topics of every length, among good ones."""
    load = native_load(seed, 2_000, devices=40)
    register(database, [*load.devices, _AIR, _BAD, _GOOD])
    made = shapes(chance)
    topics = [
        f"borough/air-monitor/{_AIR.id}/reading",
        f"borough/air-monitor/{_AIR.id}/senml",
        f"borough/air-monitor/{_AIR.id}/senmlc",
        f"borough/smart-meter/{_BAD.id}/reading",
        f"borough/smart-meter/{_BAD.id}/senmlc",
        "borough/air-monitor/nobody/reading",
        f"borough/{'f' * 60_000}/{_AIR.id}/reading",
    ]
    hostile: list[Message] = [(chance.choice(topics), next(made)) for _ in range(300)]
    hostile += [(f"borough/air-monitor/{number}{'y' * 60_000}/reading", b"{}") for number in range(200)]
    messages = [*load.messages, *hostile]
    chance.shuffle(messages)
    make_session(mosquitto.port)
    publish(mosquitto.port, messages)
    collector = collect(database, mosquitto.url, alone=True).launch()
    assert wait_for(lambda: received(database) == len(messages), 150)
    highest = peak(collector)
    metrics = collector.account_at_rest()
    assert collector.stop() == 0
    print(f"peak {highest / 1e6:.0f} MB")
    assert highest < _MEMORY
    account = table_account(database)
    assert_same(metrics, account)
    found = ask(
        database,
        "select device, (extract(epoch from time) * 1000000)::int8, value from personal.observation"
        " where device like 'd0%%' union all"
        " select device, (extract(epoch from time) * 1000000)::int8, value from public.observation"
        " where device like 'd0%%'",
    )
    assert {(str(row[0]), row[1]): row[2] for row in found} == {
        (name, at): value for (name, _, at), value in load.expected.items()
    }
    assert "Traceback" not in collector.said()
    assert left_in_session(mosquitto.port) == []


def test_a_message_that_the_store_does_not_take_is_set_aside(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Two that it refuses, and one that it takes for ever over; the rest of the batch is stored within 10 s."""
    load = native_load(seed, 2_000, devices=50)
    register(database, [*load.devices, _BAD, _GOOD])
    at = now() - 3_600_000_000
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "create function hurt() returns trigger language plpgsql as $$ begin"
            " if new.value = 666.125 then raise exception 'no' using errcode = 'check_violation'; end if;"
            " if new.value = 667.125 then perform pg_sleep(100); end if; return new; end $$"
        )
        connection.execute("create trigger hurt before insert on public.reading for each row execute function hurt()")
    hurting = [
        message(_BAD, {"time": rfc3339(at + place * 1_000_000), "power": value, "seq": place})
        for place, value in enumerate((666.125, 1, 667.125, 666.125))
    ]
    load.expected[_BAD.id, "power", at + 1_000_000] = 1.0
    messages = [*load.messages, *hurting]
    random.Random(seed).shuffle(messages)
    make_session(mosquitto.port)
    publish(mosquitto.port, messages)
    collector = collect(database, mosquitto.url).start()
    assert wait_for(lambda: count(database, "public.reading") == len(load.expected), _DELAY)
    assert wait_for(lambda: received(database) == len(messages), _DELAY)
    # what comes later is stored, and the collector is well
    publish(mosquitto.port, [message(_GOOD, {"time": rfc3339(at), "occupied": 1})])
    load.expected[_GOOD.id, "occupied", at] = 1.0
    assert wait_for(lambda: count(database, "public.reading") == len(load.expected), _DELAY)
    metrics = collector.account_at_rest()
    assert collector.ready()
    assert collector.metric("borough_write_errors_total") == 0
    assert int(collector.metrics()["borough_rejections_total"]["unstorable"]) == 3
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    account = table_account(database)
    assert_same(metrics, account)
    assert total(account).messages_rejected == 3
    rows = ask(
        database,
        "select reason, property, bytes from rejected r join personal.rejected_bytes b on b.id = r.message",
    )
    written = sorted(json.loads(str(row[2], "utf-8"))["seq"] for row in rows)  # type: ignore[call-overload]
    assert written == [0, 2, 3]
    assert len(rows) == 3
    assert {row[:2] for row in rows} == {("unstorable", None)}
    assert left_in_session(mosquitto.port) == []
    assert "Traceback" not in collector.said()


def test_a_message_of_which_not_even_the_rejection_is_taken_is_counted(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Else it would come again for ever, and the others of its batch with it."""
    load = native_load(seed, 200, devices=5)
    register(database, [*load.devices, _BAD])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("alter table public.reading add check (value <> 666.125)")
        connection.execute("alter table public.rejected add check (reason <> 'unstorable')")
    messages = [*load.messages, message(_BAD, {"time": rfc3339(now() - 3_600_000_000), "power": 666.125})]
    random.Random(seed).shuffle(messages)
    make_session(mosquitto.port)
    publish(mosquitto.port, messages)
    collector = collect(database, mosquitto.url).start()
    assert wait_for(lambda: received(database) == len(messages), _DELAY)
    metrics = collector.account()
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    account = table_account(database)
    assert_same(metrics, account)
    assert total(account).messages_rejected == 1
    assert count(database, "public.rejected") == count(database, "personal.rejected_bytes") == 0
    assert left_in_session(mosquitto.port) == []


def test_what_names_a_household_s_device_is_personal(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    """In bytes, topic and names of other devices' messages; and garbage registers no id."""
    register(database, [_AIR, device("1200000000002", "smart-meter")])
    messages = [
        message(_AIR, b"{about 1200000000002"),
        message(_AIR, {"1200000000002": 1}),
        message(_AIR, {"pm2_5": "1200000000002"}),
        (f"borough/1200000000002/{_AIR.id}/reading", b"{}"),
        (f"borough/air-monitor/{_AIR.id}/senml", b'[{"n": "mpan1200000000002", "v": 1}]'),
        message(_AIR, b"{open"),
        message(Device("1200000000003", "smart-meter", "native"), b"{unreadable"),
    ]
    collector = collect(database, mosquitto.url, auto_register="true").start()
    publish(mosquitto.port, messages)
    assert wait_for(lambda: received(database) == len(messages), _DELAY)
    assert collector.stop() == 0
    for table in ("rejected", "rejected_bytes", "rejected_flood"):
        found = ask(database, f"select t::text from public.{table} t")
        assert not any("1200000000002" in str(row) or b"1200000000002".hex() in str(row) for row in found), table
    assert ask(database, "select bytes from public.rejected_bytes") == [(b"{open",)]
    assert count(database, "personal.rejected_bytes") == 6
    assert count(database, "personal.rejected_text") == 5
    assert count(database, "personal.device") == 2
    assert ask(database, "select reason from public.rejected where device = '1200000000003'") == [("unknown_device",)]


def test_a_message_with_counted_rejections_is_judged_again(
    database: str, mosquitto: Mosquitto, collect: Collect
) -> None:
    """80 records before the earliest time: 50 rows and one for 30. After half a fix, and after the whole."""
    register(database, [_AIR])
    start = 1_735_689_600  # 2025-01-01
    pack = [{"n": "pm1", "t": start + 86_400 * day, "v": day} for day in range(80)]
    collector = collect(database, mosquitto.url, earliest="2025-06-01").start()
    publish(mosquitto.port, [(f"borough/air-monitor/{_AIR.id}/senml", json.dumps(pack).encode())])
    assert wait_for(lambda: received(database) == 1, _DELAY)
    assert collector.stop() == 0

    def retry(earliest: str) -> tuple[int, dict[str, int]]:
        done = forked.run(
            ["rejected", "retry", "--device", _AIR.id, "--json"],
            {"BOROUGH_DATABASE_URL": database, "BOROUGH_EARLIEST": earliest},
        )
        ask(database, "update rejected set retried_at = null returning 1")
        return done.returncode, json.loads(done.stdout)

    rows = "select property, more from rejected order by id"
    assert ask(database, rows) == [*[("pm1", None)] * 50, (None, 30)]
    assert count(database, "rejected_bytes") == 1
    # sixty are still too early: all rows stay, since their names are alike
    assert retry("2025-03-02") == (1, {"taken": 0, "rejected_again": 51, "bytes_gone": 0})
    assert (count(database, "reading"), count(database, "rejected")) == (20, 51)
    # ten are: no more than have rows with a name
    assert retry("2025-01-11") == (1, {"taken": 1, "rejected_again": 50, "bytes_gone": 0})
    assert (count(database, "reading"), count(database, "rejected_bytes")) == (70, 1)
    assert retry("2000-01-01") == (0, {"taken": 50, "rejected_again": 0, "bytes_gone": 0})
    assert (count(database, "reading"), count(database, "rejected"), count(database, "rejected_bytes")) == (80, 0, 0)


def test_what_is_kept_of_an_oversize_message_cannot_be_tried_again(
    database: str, mosquitto: Mosquitto, collect: Collect
) -> None:
    register(database, [_AIR])
    collector = collect(database, mosquitto.url).start()
    publish(mosquitto.port, [message(_AIR, b'{"pm1": 1}' + b" " * 1_000_000)])
    assert wait_for(lambda: received(database) == 1, _DELAY)
    assert collector.stop() == 0
    assert ask(database, "select length(bytes), size from rejected_bytes") == [(4096, 1_000_010)]
    done = forked.run(
        ["rejected", "retry", "--all", "--json"],
        {"BOROUGH_DATABASE_URL": database, "BOROUGH_PAYLOAD_MAXIMUM": "2000000"},
    )
    assert json.loads(done.stdout) == {"taken": 0, "rejected_again": 0, "bytes_gone": 1}
    assert count(database, "reading") == 0


def test_a_lock_that_others_hold_while_a_batch_is_cut_sets_no_good_message_aside(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Parts may take little time, and wait for a lock longer than that: what they wait for is not their fault."""
    load = native_load(seed, 500, devices=20)
    register(database, [*load.devices, _BAD])
    at = now() - 3_600_000_000
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "create function hurt() returns trigger language plpgsql as $$ begin"
            " if new.value = 667.125 then perform pg_sleep(100); end if; return new; end $$"
        )
        connection.execute("create trigger hurt before insert on public.reading for each row execute function hurt()")
    messages = [*load.messages, message(_BAD, {"time": rfc3339(at), "power": 667.125})]
    random.Random(seed).shuffle(messages)
    make_session(mosquitto.port)
    publish(mosquitto.port, messages)
    collector = collect(database, mosquitto.url).start()

    def asleep() -> bool:
        return ask(database, "select from pg_stat_activity where wait_event = 'PgSleep'") != []

    def seen() -> float:
        """Tries that failed for the lock, or messages set aside for it."""
        return collector.metric("borough_write_errors_total") + collector.said().count("set aside")

    assert wait_for(asleep, _DELAY)
    with psycopg.connect(database) as other:
        other.execute("lock table public.reading in access exclusive mode")  # when the first try has been cancelled
        assert wait_for(lambda: seen() >= 2, 30)
    assert wait_for(lambda: received(database) == len(messages), 30)
    assert int(collector.metrics()["borough_rejections_total"]["unstorable"]) == 1
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert left_in_session(mosquitto.port) == []
