"""What comes of an erased tenancy is acknowledged, counted ``refused`` and kept nowhere; by the real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from ingest import archive_files
from simulators.publisher import Message
from store import connect, tombstones
from tests.tools import forked
from tests.tools.account import table_account
from tests.tools.collector import Collector
from tests.tools.load import ask, count, device, grows, number, register, rfc3339
from tests.tools.mqtt_session import left_in_session
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, wait_for
from tests.worlds import household
from tests.worlds.household import KEY, Household, dump

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
BERT = Household("100021048378", "meter-bert-7732", "Bert Ottershaw", "4 Nightjar Row", 0.314159, date(2026, 1, 1))
FEBRUARY = 1_769_904_000_000_000
HALF_HOUR = 1_800_000_000


@dataclass
class World:
    """A collector with an archive, the key and the log of tombstones."""

    folder: Path
    database: str
    broker: Mosquitto
    collector: Collector

    def settings(self) -> dict[str, str]:
        """What the collector and the commands share."""
        return {
            "BOROUGH_DATABASE_URL": self.database,
            "BOROUGH_MQTT_URL": self.broker.url,
            "BOROUGH_ARCHIVE": str(self.folder / "archive"),
            "BOROUGH_TOMBSTONE_KEY_FILE": str(self.folder / "key"),
            "BOROUGH_TOMBSTONE_LOG": str(self.folder / "tombstones"),
        }

    def borough(self, *arguments: str) -> str:
        """Run a command to its end; what it printed."""
        done = forked.run(arguments, self.settings())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def erase(self, tenancy: int) -> dict[str, object]:
        """Erase a tenancy; the report."""
        report: dict[str, object] = json.loads(self.borough("erase", str(tenancy), "--yes", "--json"))
        return report

    def add(self, *who: Household) -> list[int]:
        """Import households; their tenancies."""
        with connect.connect(self.database) as connection:
            return [household.add(connection, one) for one in who]

    def words(self, *words: str) -> list[tuple[str, str]]:
        """Where these words are: tables, the archive, the collector's log."""
        places = {**dump(self.database), "log": self.collector.said()}
        for segment in archive_files.segments(self.folder / "archive"):
            names = archive_files.devices_of(segment.path) or set()
            frames = list(archive_files.read_frames(segment.path))
            places[segment.path.name] = repr((names, [(frame.topics, frame.payloads) for frame in frames]))
        return [(word, place) for word in words for place, text in places.items() if word in text]


@pytest.fixture
def world(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Iterator[World]:
    (tmp_path / "key").write_bytes(KEY)
    collector = Collector(
        tmp_path, database, mosquitto.url, archive=tmp_path / "archive", tombstone_key_file=tmp_path / "key",
        batch_age=0.05,
    )  # fmt: skip
    with collector:
        yield World(tmp_path, database, mosquitto, collector)


def readings(who: Household, first: int, until: int, start: int = FEBRUARY) -> list[Message]:
    """Half-hours of a household's meter, each a message with a number."""
    return [
        message(who, {"time": rfc3339(start + place * HALF_HOUR), "import_interval": who.value, "seq": 1_000 + place})
        for place in range(first, until)
    ]


def message(who: Household, payload: dict[str, object] | bytes) -> Message:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return f"borough/smart-meter/{who.meter}/reading", data


def test_what_a_session_held_that_ended_is_in_flight_no_more(
    tmp_path: Path, database: str, mosquitto: Mosquitto
) -> None:
    """A device goes with a message of it on its way: the session begins anew, and the account adds up all the same."""
    register(database, [device("a-1", "air-monitor", "native"), device("a-2", "air-monitor", "native")])
    payload = json.dumps({"time": rfc3339(FEBRUARY), "no2": 21.5}).encode()
    with Collector(tmp_path, database, mosquitto.url, registry_refresh=3_600).start() as collector:
        with connect.connect(database) as connection:
            connection.execute("delete from personal.device where id = 'a-1'")
        publish(mosquitto.port, [(f"borough/air-monitor/{name}/reading", payload) for name in ("a-1", "a-2")])
        assert grows(database, "public.reading", 1)
        account = collector.account_at_rest()
        assert "the registry is read anew" in collector.said()
    assert sum(one.messages_received for one in account.values()) == 2


def of(world: World, meter: str) -> int:
    """Readings in the table of a meter."""
    return number(
        world.database,
        "select count(*) from public.reading r join personal.series s on s.id = r.series_id where s.device_id = %s",
        meter,
    )


def test_late_replayed_and_broken_messages_are_kept_nowhere(world: World) -> None:
    anna, _ = world.add(ANNA, BERT)
    world.collector.start()
    publish(world.broker.port, readings(ANNA, 0, 500) + readings(BERT, 0, 500))
    publish(world.broker.port, [message(ANNA, b"{no JSON of meter-anna"), message(ANNA, {"power": 271.828})])
    assert grows(world.database, "public.reading", 1001)
    assert grows(world.database, "public.rejected", 1)
    assert len({place for _, place in world.words(ANNA.meter, repr(ANNA.value))}) >= 6
    report = world.erase(anna)
    rows = report["rows"]
    assert isinstance(rows, dict)
    assert rows["public.reading"] == 501
    assert report["archived_messages"] == 501
    words = [ANNA.meter, repr(ANNA.value), "271.828", "{no JSON", str(anna), ANNA.uprn, ANNA.name]
    assert world.words(*words) == []
    before = table_account(world.database)
    remembered = set(ask(world.database, "select * from public.redelivery"))

    late = [
        *readings(ANNA, 400, 600),
        message(ANNA, {"power": 271.828}),  # its arrival is its time
        message(ANNA, b"{no JSON of meter-anna"),
        message(ANNA, {"time": rfc3339(FEBRUARY), "import_interval": "0.271828x", "power": 1.0}),
        message(ANNA, {"time": rfc3339(FEBRUARY), "nonsense": 271.828}),
        message(ANNA, {"time": "yesterday", "import_interval": ANNA.value}),
        message(ANNA, {"time": rfc3339(FEBRUARY), "import_interval": 1e9}),
        (f"borough/smart-meter/{ANNA.meter}/senml", json.dumps([
            {"bn": f"{ANNA.meter}:", "n": "import_interval", "t": FEBRUARY // 1_000_000 + 1800 * n, "v": ANNA.value}
            for n in range(50)
        ]).encode()),
        (f"borough/parking-bay/{ANNA.meter}/reading", b'{"occupied": 1}'),
    ]  # fmt: skip
    publish(world.broker.port, late + readings(BERT, 500, 600))
    assert wait_for(lambda: of(world, BERT.meter) == 600, 60)
    if not wait_for(lambda: sum(one.messages_received for one in world.collector.account().values()) == 1310, 60):
        # whole: an assertion's words are cut
        pytest.fail(f"{world.collector.account()}\n{world.collector.metrics()}\n{world.collector.said()}")
    after = table_account(world.database)
    meters = after["smart-meter"]
    refused = 200 + 1 + 2 + 1 + 1 + 50
    assert meters.readings_refused == refused
    assert meters.readings_rejected == 0
    assert meters.messages_rejected - before["smart-meter"].messages_rejected == 3, "no JSON, no time, wrong family"
    assert meters.messages_received == 1310
    assert world.words(*words) == []
    assert count(world.database, "public.rejected") == 0
    assert set(ask(world.database, "select * from public.redelivery")) <= remembered, "no new digest"
    assert count(world.database, "public.rejected_flood") == 0
    assert count(world.database, "public.sequence") == 1, "Bert's run"
    assert world.collector.stop() == 0
    assert left_in_session(world.broker.port) == [], "every message is acknowledged"


def test_nothing_is_written_after_the_erasure_while_messages_stream_in(world: World) -> None:
    anna, _ = world.add(ANNA, BERT)
    others = [device(f"bay-{place:03}", "parking-bay") for place in range(50)]
    register(world.database, others)
    world.collector.start()
    stream: list[Message] = []
    for place in range(12_000):
        stream.append(readings(ANNA, place, place + 1, FEBRUARY - 1_400 * HALF_HOUR)[0])
        at = rfc3339(FEBRUARY + place * 1_000_000)
        stream.append((f"borough/parking-bay/bay-{place % 50:03}/reading",
                       json.dumps({"time": at, "occupied": place % 2}).encode()))  # fmt: skip
    # the last 2,000 of hers come after her erasure, however slow it is; the others before it and while it is made
    streaming, after = stream[:20_000], stream[20_000:]
    publishing = Publishing(world.broker.port, streaming, rate=2_000)
    assert wait_for(lambda: of(world, ANNA.meter) > 3_000, 60)
    world.erase(anna)
    first = of(world, ANNA.meter)
    publishing.join()
    assert first == 0
    publish(world.broker.port, after)
    assert wait_for(lambda: count(world.database, "public.reading") == 12_000, 60), "the bays' readings, all"
    assert of(world, ANNA.meter) == 0
    account = table_account(world.database)["smart-meter"]
    assert account.messages_received == 12_000
    assert account.readings_refused >= 2_000
    rejected = ask(world.database, "select reason, count(*) from public.rejected group by 1")
    assert rejected in ([], [("unknown_device", account.messages_rejected)])


def test_the_next_tenant_is_stored_from_the_first_day_on(world: World) -> None:
    (anna,) = world.add(ANNA)
    world.collector.start()
    publish(world.broker.port, readings(ANNA, 0, 48))
    assert grows(world.database, "public.reading", 48)
    world.erase(anna)
    carl = Household(ANNA.uprn, ANNA.meter, "Carl Underhay", ANNA.street, 0.577216, date(2026, 3, 1))
    (new,) = world.add(carl)
    with connect.connect(world.database) as connection:
        assert tombstones.begin(connection, KEY, [new], household.ZONE) == 1
    march = round(household.midnight(date(2026, 3, 1)).timestamp()) * 1_000_000

    tries = 0

    def knows_the_meter() -> bool:
        nonlocal tries
        tries += 1
        publish(world.broker.port, readings(carl, 0, 1, march))
        return of(world, carl.meter) == 1

    assert wait_for(knows_the_meter, 60), "the collector does not read the registry again"
    publish(world.broker.port, readings(carl, -48, 48, march))
    assert wait_for(lambda: of(world, carl.meter) == 48, 60)
    (row,) = ask(
        world.database,
        "select min(r.time) from public.reading r join personal.series s on s.id = r.series_id where s.device_id = %s",
        carl.meter,
    )
    assert row == (household.midnight(date(2026, 3, 1)),)
    account = table_account(world.database)["smart-meter"]
    # beside the 48 of the time before: what came before the collector had read the registry again. It is refused while
    # the collector knows the tombstone without its end, and then, until it knows the meter too, of an unknown device
    assert account.readings_refused >= 48
    assert account.readings_refused + account.messages_rejected == 48 + tries - account.readings_duplicates


def test_without_the_key_nothing_is_collected_and_nothing_lost(world: World, tmp_path: Path) -> None:
    anna, _ = world.add(ANNA, BERT)
    world.collector.start()
    publish(world.broker.port, readings(ANNA, 0, 10))
    assert grows(world.database, "public.reading", 10)
    world.erase(anna)
    assert world.collector.stop() == 0
    (tmp_path / "other").write_bytes(b"x" * 40)
    with Collector(tmp_path, world.database, world.broker.url, tombstone_key_file=tmp_path / "other") as wrong:
        wrong.launch()
        assert wait_for(lambda: "another key" in wrong.said(), 60)
        assert not wrong.ready()
        publish(world.broker.port, readings(BERT, 0, 10) + readings(ANNA, 0, 10))
        assert count(world.database, "public.reading") == 0
        assert wrong.stop() == 0
    world.collector.start()
    assert wait_for(lambda: of(world, BERT.meter) == 10, 60)
    assert table_account(world.database)["smart-meter"].readings_refused == 10
