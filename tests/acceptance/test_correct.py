"""A decoder that had ``occupied`` inverted is corrected from the archive, by the real processes.

The inverted decoder is a mapping file in the folder ``BOROUGH_MAPPINGS``; the correction runs after that file was put
right. What must stand in the table is worked out here from what the bays said, not by any decoder.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest import archive_files
from simulators.publisher import Message
from tests.tools.account import table_account, total
from tests.tools.collector import Collector
from tests.tools.gate import Gate
from tests.tools.load import ask, assert_stored, count, device, grows, register, rfc3339
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import PATIENCE, Mosquitto, wait_for

MARCH, APRIL = 1_772_323_200_000_000, 1_775_001_600_000_000  # 2026-03-01, 2026-04-01 [us]
DAY = 86_400_000_000
PERIOD = "2026-04-01/2026-05-01"

MAPPING = """
name = "bay-vendor"
topics = ["vendor/{{device}}/state"]
family = "parking-bay"
[time]
path = "at"
[[reading]]
property = "occupied"
path = "state"
values = {values}
[[reading]]
property = "battery"
path = "battery"
"""
INVERTED, RIGHT = "{ free = 1, taken = 0 }", "{ free = 0, taken = 1 }"


@dataclass
class World:
    """A collector with an archive and a mapping file of the borough's own, and what the bays really said."""

    folder: Path
    database: str
    broker: Mosquitto
    collector: Collector

    def map(self, values: str) -> None:
        """Write the mapping file."""
        (self.folder / "mappings").mkdir(exist_ok=True)
        (self.folder / "mappings" / "bay-vendor.toml").write_text(MAPPING.format(values=values))

    def settings(self) -> dict[str, str]:
        """The settings that the collector and the command share."""
        return {
            "BOROUGH_DATABASE_URL": self.database,
            "BOROUGH_MAPPINGS": str(self.folder / "mappings"),
            "BOROUGH_SUBSCRIPTIONS": str(self.folder / "subscriptions.toml"),
            "BOROUGH_ARCHIVE": str(self.folder / "archive"),
            "BOROUGH_BATCH_READINGS": "2000",
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``borough correct`` for the period."""
        return subprocess.Popen(
            [*WITH_US, *BOROUGH, "correct", "--period", PERIOD, "--reason", "occupied was inverted", "--author", "test",
             "--json", *arguments],
            env=environment(self.settings()),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def correct(self, *arguments: str) -> dict[str, object]:
        """Run it to its end; its report."""
        out, errors = self.start(*arguments).communicate(timeout=600)
        assert out, errors.decode()
        report: dict[str, object] = json.loads(out)
        return report


@pytest.fixture
def world(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Iterator[World]:
    (tmp_path / "subscriptions.toml").write_text('[[subscription]]\nformat = "bay-vendor"\n')
    collector = Collector(
        tmp_path,
        database,
        mosquitto.url,
        archive=tmp_path / "archive",
        mappings=tmp_path / "mappings",
        subscriptions=tmp_path / "subscriptions.toml",
    )
    with collector:
        yield World(tmp_path, database, mosquitto, collector)


def fleet(seed: int, bays: int, start: int, days: int) -> tuple[list[Message], dict[tuple[str, str, int], float]]:
    """What bays say: arrivals and departures at random, a battery that falls. And what of it should be stored."""
    chance = random.Random(seed)
    messages: list[tuple[int, Message]] = []
    expected: dict[tuple[str, str, int], float] = {}
    for bay in range(bays):
        name, taken, at = f"bay-{bay:03}", False, start
        while (at := at + chance.randrange(60, 6_000) * 1_000_000) < start + days * DAY:
            taken, battery = not taken, chance.randrange(1000) / 10
            payload = json.dumps({"at": rfc3339(at), "state": "taken" if taken else "free", "battery": battery})
            messages.append((at, (f"vendor/{name}/state", payload.encode())))
            expected[name, "occupied", at] = float(taken)
            expected[name, "battery", at] = battery
    return [message for _, message in sorted(messages)], expected


def wrong(expected: dict[tuple[str, str, int], float]) -> dict[tuple[str, str, int], float]:
    """What the inverted decoder makes of it."""
    return {key: 1 - value if key[1] == "occupied" else value for key, value in expected.items()}


def collect(world: World, bays: int, days: int) -> tuple[dict[tuple[str, str, int], float], ...]:
    """March and April arrive and are decoded wrongly; then the mapping is put right."""
    world.map(INVERTED)
    register(world.database, [device(f"bay-{bay:03}", "parking-bay", "bay-vendor") for bay in range(bays)])
    world.collector.start()
    march_messages, march = fleet(1, bays, MARCH, days)
    april_messages, april = fleet(2, bays, APRIL, days)
    # late ones of April come among March's, and some twice
    chance = random.Random(3)
    messages = march_messages + april_messages
    messages += chance.sample(messages, len(messages) // 20)
    publish(world.broker.port, messages)
    assert grows(world.database, "public.reading", len(march) + len(april), 60)
    world.collector.account()
    assert world.collector.stop() == 0
    assert_stored(world.database, {**wrong(march), **wrong(april)})
    world.map(RIGHT)
    return march, april


def superseded(world: World) -> dict[tuple[str, str, int], tuple[float, float]]:
    rows = ask(
        world.database,
        "select s.device_id, s.property, (extract(epoch from c.time) * 1000000)::int8, c.old_value, c.new_value"
        " from public.superseded c join personal.series s on s.id = c.series_id",
    )
    found = {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}
    assert len(found) == len(rows), "a value was superseded twice"
    return found  # type: ignore[return-value]


def assert_corrected(
    world: World, march: dict[tuple[str, str, int], float], april: dict[tuple[str, str, int], float]
) -> None:
    """Every wrong value of April superseded once, with the old one on record; March as it was; the account adds up."""
    assert_stored(world.database, {**wrong(march), **april})
    expected = {key: (1 - value, value) for key, value in april.items() if key[1] == "occupied"}
    assert superseded(world) == expected
    sums = total(table_account(world.database))
    assert sums.readings_stored == count(world.database, "public.reading") == len(march) + len(april)
    newest = ask(
        world.database,
        "select count(*) from public.latest l join public.reading r using (series_id, time)"
        " where l.value is distinct from r.value",
    )
    assert newest == [(0,)]


def test_an_inverted_decoder_is_corrected_from_the_archive(world: World) -> None:
    march, april = collect(world, 40, 3)
    before = table_account(world.database)
    ask_touched = "select count(*) from public.touched_day where day < '2026-04-01'"
    touched_march = ask(world.database, ask_touched)
    wanted = sum(key[1] == "occupied" for key in april)

    dry = world.correct("--dry-run")
    assert (dry["superseded"], dry["inserted"], dry["unchanged"]) == (wanted, 0, len(april) - wanted)
    assert count(world.database, "public.correction") == count(world.database, "public.superseded") == 0
    assert_stored(world.database, {**wrong(march), **wrong(april)})

    report = world.correct()
    assert {name: report[name] for name in ("superseded", "inserted", "unchanged", "rejected", "thinned")} == {
        "superseded": wanted, "inserted": 0, "unchanged": len(april) - wanted, "rejected": 0, "thinned": 0,
    }  # fmt: skip
    assert report["days"] == [{"family": "parking-bay", "day": f"2026-04-0{day}"} for day in (1, 2, 3)]
    assert_corrected(world, march, april)
    assert table_account(world.database) == before
    assert ask(world.database, ask_touched) == touched_march
    touched = ask(world.database, "select distinct day::text from public.touched_day where day >= '2026-04-01'")
    assert sorted(touched) == [(f"2026-04-0{day}",) for day in (1, 2, 3)]

    again = world.correct()
    assert (again["superseded"], again["inserted"], again["correction"]) == (0, 0, None)
    assert count(world.database, "public.correction") == 1
    assert_corrected(world, march, april)


@pytest.mark.parametrize("seed", [1])
def test_killed_in_the_middle_and_run_again_it_gives_the_same(world: World, seed: int) -> None:
    march, april = collect(world, 200, 3)
    chance = random.Random(seed)
    with Gate(world.database, "public.correction", "public.superseded", len(april) // 3) as gate:
        for _ in range(2):
            done = count(world.database, "public.superseded")
            process = world.start()

            def went_on(before: int = done) -> bool:
                return count(world.database, "public.superseded") > before or gate.reached()

            assert wait_for(went_on, 60, 0.005)
            time.sleep(chance.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE)
            assert count(world.database, "public.superseded") < len(april) // 2, "killed too late to show anything"
    assert ask(world.database, "select count(*), count(finished_at) from public.correction") == [(1, 0)]
    report = world.correct()
    assert report["resumed"] is True
    assert report["superseded"] == len(april) // 2
    assert_corrected(world, march, april)
    assert world.correct()["superseded"] == 0


def test_a_killed_collector_leaves_every_acknowledged_message_in_the_archive(world: World) -> None:
    """The archive is written before the acknowledgement: what was stored can be decoded again."""
    world.map(RIGHT)
    register(world.database, [device(f"bay-{bay:03}", "parking-bay", "bay-vendor") for bay in range(200)])
    messages, expected = fleet(5, 200, MARCH, 3)
    world.collector.start()
    publishing = Publishing(world.broker.port, messages, rate=8_000)
    for _ in range(2):
        time.sleep(0.4)
        world.collector.kill9()
        world.collector.start()
    publishing.join()
    assert grows(world.database, "public.reading", len(expected), 60)
    assert world.collector.stop() == 0
    assert_stored(world.database, expected)
    archived = {
        (topic, bytes(payload))
        for segment in archive_files.segments(world.folder / "archive")
        for frame in archive_files.read_frames(segment.path)
        for topic, payload in zip(frame.topics, frame.payloads, strict=True)
    }
    assert archived == set(messages)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_month_of_400_bays_is_corrected(world: World) -> None:
    march, april = collect(world, 400, 30)
    report = world.correct()
    assert report["superseded"] == len(april) // 2
    assert_corrected(world, march, april)
