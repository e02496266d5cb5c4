"""A household with every kind of trace is erased: a full dump and all folders are searched, and hold nothing of it.

Its neighbour's data are what they were. A backup from before the erasure is restored, erased again, and searched too.
"""

from __future__ import annotations

import json
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from borough.replay.recording import RecordingReader
from ingest import archive_files
from scripts.parts import Parts
from simulators import ledger
from simulators.ledger import NO_TIME, LedgerWriter, Rows
from simulators.publisher import Message
from store import connect
from tests.tools import backups, looking
from tests.tools.collector import Collector
from tests.tools.load import ask, count, grows, rfc3339
from tests.tools.mqtt_session import make_session
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.publisher import publish
from tests.tools.servers import Cluster, Mosquitto, wait_for
from tests.worlds import household
from tests.worlds.household import KEY, Household, dump

DAY = date(2026, 2, 2)  # a Monday
ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
BERT = Household("100021048378", "meter-bert-7732", "Bert Ottershaw", "4 Nightjar Row", 0.314159, date(2026, 1, 1))
HALF_HOUR = 1_800_000_000


@dataclass
class World:
    """A collector, and folders with an archive, ledgers, recordings, letters and exports."""

    folder: Path
    database: str
    broker: Mosquitto
    collector: Collector
    tenancies: dict[str, int] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> Path:
        """What an erasure looks through."""
        return self.folder / "personal"

    def settings(self, database: str | None = None) -> dict[str, str]:
        """What every command gets."""
        return {
            "BOROUGH_DATABASE_URL": database or self.database,
            "BOROUGH_MQTT_URL": self.broker.url,
            "BOROUGH_ARCHIVE": str(self.folder / "archive"),
            "BOROUGH_TOMBSTONE_KEY_FILE": str(self.folder / "key"),
            "BOROUGH_TOMBSTONE_LOG": str(self.folder / "tombstones"),
            "BOROUGH_PERSONAL_FOLDERS": str(self.personal),
            "BOROUGH_COUNCIL_ADDRESS": "Town Hall,Wellington Street,London SE18 6PW",
            **self.more,
        }

    def start(self, *arguments: str, database: str | None = None) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [*WITH_US, *BOROUGH, *arguments], env=environment(self.settings(database)), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def borough(self, *arguments: str, database: str | None = None) -> str:
        """Run a command to its end; what it printed."""
        process = self.start(*arguments, database=database)
        out, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors + out
        return out

    def tenancy(self, who: Household) -> str:
        """The number of a household's tenancy."""
        return str(self.tenancies[who.meter])

    def words(self, who: Household) -> list[str]:
        """What must not be found of a household."""
        return [*who.words(), self.tenancy(who), str(who.watt_hours * 7), f"subject-of-{who.meter}"]

    def look(self, who: Household) -> list[tuple[str, str]]:
        """Where the household is still to be found outside the database."""
        found = looking.find(
            [self.folder / "archive", self.folder / "letters", self.personal], self.words(who), [who.value]
        )
        said = self.collector.said() if self.collector.log.exists() else ""
        return found + [(word, "log") for word in self.words(who) if word in said]


@pytest.fixture
def world(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Iterator[World]:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "personal").mkdir()
    collector = Collector(
        tmp_path, database, mosquitto.url, archive=tmp_path / "archive", tombstone_key_file=tmp_path / "key",
        batch_age=0.05,
    )  # fmt: skip
    with collector:
        yield World(tmp_path, database, mosquitto, collector)


def messages(who: Household, days: int = 7) -> list[Message]:
    """A week of half-hours, one that is out of range, one that is no JSON."""
    start = round(household.midnight(DAY).timestamp()) * 1_000_000
    topic = f"borough/smart-meter/{who.meter}/reading"
    payloads: list[dict[str, object]] = [
        {"time": rfc3339(start + place * HALF_HOUR), "import_interval": who.value, "seq": place}
        for place in range(48 * days)
    ]
    payloads.append({"time": rfc3339(start), "power": who.value * 1e12})
    return [(topic, json.dumps(payload).encode()) for payload in payloads] + [(topic, b"no JSON " + topic.encode())]


def live(world: World, *, papers: bool = True) -> None:
    """Everything that the platform does with two households; ``papers``: letters and exports too."""
    with connect.connect(world.database) as connection:
        for who in (BERT, ANNA):
            world.tenancies[who.meter] = household.add(connection, who)
    world.collector.start()
    make_session(world.broker.port, "borough-recorder", ["borough/#"])
    publish(
        world.broker.port, [message for pair in zip(messages(ANNA), messages(BERT), strict=True) for message in pair]
    )
    assert grows(world.database, "public.reading", 2 * 336)
    assert grows(world.database, "public.rejected", 4)
    (world.personal / "recordings").mkdir()
    world.borough("record", str(world.personal / "recordings"), "--messages", "676")
    with connect.connect(world.database) as connection:
        connection.execute("delete from public.sequence")  # the harness writes its own
        for who in (ANNA, BERT):
            household.trace(connection, who, world.tenancies[who.meter], DAY)
    write_ledger(world.personal / "ledgers" / "ledger.parquet")
    if not papers:
        return
    world.borough("letters", "--period", "2026-W06", "--out", str(world.folder / "letters"))
    for who in (ANNA, BERT):
        world.borough("subject", world.tenancy(who), "--out", str(world.personal / f"{who.name.split()[0][0]}.zip"))


def write_ledger(path: Path) -> None:
    """A ledger of what both meters sent."""
    path.parent.mkdir()
    start = round(household.midnight(DAY).timestamp()) * 1_000_000
    place = np.arange(2 * 336)
    sent = start + place // 2 * HALF_HOUR
    zero = np.zeros(len(place), np.int32)
    values = np.where(place % 2 == 0, ANNA.value, BERT.value)
    rows = Rows(
        ["smart-meter"], [ANNA.meter, BERT.meter], ["import_interval"], [""], [""], place, zero,
        (place % 2).astype(np.int32), zero, sent, values, sent, np.full(len(place), NO_TIME, np.int64), zero,
        np.zeros(len(place), np.uint8), zero, sent, values, np.zeros(len(place), np.int64),
    )  # fmt: skip
    with LedgerWriter(path) as writer:
        writer.append(rows)


def others(world: World, database: str | None = None) -> dict[str, object]:
    """Everything of Bert's, in tables and files, as it can be compared."""
    url = database or world.database
    recording = sorted((world.personal / "recordings").glob("*.btr"))
    archived = [
        (topic, payload)
        for segment in archive_files.segments(world.folder / "archive")
        for frame in archive_files.read_frames(segment.path)
        for topic, payload in zip(frame.topics, frame.payloads, strict=True)
        if BERT.meter in topic
    ]
    (rows,) = ledger.read([world.personal / "ledgers" / "ledger.parquet"])
    mine = rows.device == rows.devices.index(BERT.meter)
    return {
        "readings": ask(
            url,
            "select md5(string_agg(s.property || r.time || ' ' || r.value, ',' order by s.property, r.time))"
            " from public.reading r join personal.series s on s.id = r.series_id where s.device_id = %s", BERT.meter,
        ),
        "rows": {
            name: sorted(line for line in text.splitlines() if any(word in line for word in world.words(BERT)))
            for name, text in dump(url).items()
            if name not in ("personal.letter", "public.accounting", "public.collector", "public.redelivery")
        },
        "recorded": [
            (one.topic, one.payload, one.arrival) for path in recording for one in RecordingReader(path)
            if BERT.meter in one.topic
        ],
        "archived": archived,
        "ledger": (int(mine.sum()), float(rows.value[mine].sum()), rows.time[mine].tolist()),
        "papers": [
            path.read_bytes()
            for path in (world.folder / "letters" / "2026-W06" / f"{world.tenancy(BERT)}.pdf", world.personal / "B.zip")
            if path.exists()
        ],
    }  # fmt: skip


def test_nothing_is_found_and_the_neighbour_is_untouched(world: World, parts: Parts, timescale: Cluster) -> None:
    live(world)
    backup = world.folder / "backup"
    backups.back_up(parts, world.database, backup)
    kinds = {name.partition("/")[0] for _, name in world.look(ANNA)}
    assert kinds == {"personal", "2026-W06", "recordings", "ledgers", "A.zip"}, "every kind of file names her"
    with zipfile.ZipFile(world.personal / "A.zip") as export:
        assert f"letters/{DAY}-week.pdf" in export.namelist()
    text = backups.text(parts, world.database)
    assert [word for word in world.words(ANNA) if word not in text] == [], "a word that is nowhere proves nothing"
    before = others(world)

    dry = json.loads(world.borough("erase", world.tenancy(ANNA), "--dry-run", "--json"))
    assert others(world) == before
    report = json.loads(world.borough("erase", world.tenancy(ANNA), "--yes", "--json"))
    assert report["problems"] == report["mentioned_in"] == []
    assert dry["rows"] == report["rows"]
    assert report["ledger_rows"] == 336
    assert report["recorded_messages"] == 338
    assert len(report["merged_print_runs"]) == 1

    text = backups.text(parts, world.database)
    assert [word for word in world.words(ANNA) if word in text] == []
    assert world.look(ANNA) == []
    assert others(world) == before
    assert count(world.database, "personal.erasure_file") == 0
    assert not list(world.folder.rglob("*print-run*")), "the print run held her letter"

    restored = timescale.url(backups.restore(parts, timescale, backup))
    assert count(restored, "public.reading") == 2 * 336
    again = json.loads(world.borough("erase", "--again", "--json", database=restored))
    assert again["tenancies"] == [world.tenancies[ANNA.meter]]
    text = backups.text(parts, restored)
    assert [word for word in world.words(ANNA) if word in text] == []
    assert others(world, restored)["readings"] == before["readings"]
    publish(world.broker.port, messages(ANNA))
    assert wait_for(lambda: world.collector.account()["smart-meter"].readings_refused == 337, 20)
    assert dump(world.database)["public.rejected"].count("\n") + 1 == 2, "Bert's two"
    assert world.look(ANNA) == []


def test_a_killed_erasure_is_finished_by_the_same_command(world: World, parts: Parts) -> None:
    live(world, papers=False)
    before = others(world)
    for delay in (0.9, 1.2, 1.5):
        process = world.start("erase", world.tenancy(ANNA), "--yes")
        time.sleep(delay)
        process.kill()
        process.communicate()
    done = world.start("erase", world.tenancy(ANNA), "--yes", "--json")
    out, errors = done.communicate(timeout=90)
    # where a killed one came to the end, there is nobody to erase any more
    assert done.returncode == 0 or "there is no tenancy" in errors, errors + out
    text = backups.text(parts, world.database)
    assert [word for word in world.words(ANNA) if word in text] == []
    assert world.look(ANNA) == []
    assert others(world) == before


def test_what_is_held_is_what_the_subject_gets(world: World) -> None:
    live(world, papers=False)
    world.borough("subject", world.tenancy(ANNA), "--out", str(world.personal / "A.zip"))
    found = json.loads(world.borough("subject", world.tenancy(ANNA), "--json"))
    assert found["tenancy"]["name"] == ANNA.name
    assert found["home"]["uprn"] == ANNA.uprn
    assert [one["value"] for one in found["readings"]] == [ANNA.value] * 336
    assert [one["watt_hours"] for one in found["days"]] == [ANNA.watt_hours] * 3
    assert {one["purpose"] for one in found["consents"]} == {"comparison", "messages"}
    assert len(found["archived_messages"]) == 337, "all but the one that is no JSON"
    assert len(found["comparisons"]) == 1
    assert found["accesses"][-1]["action"] == "exported everything"
    kept = sorted((one["reason"], len(one["bytes_hex"]) > 0) for one in found["rejected"])
    assert kept == [("out_of_range", True), ("unreadable", False)], "what cannot be looked through is not kept"
    assert BERT.meter not in json.dumps(found)
    assert BERT.name not in json.dumps(found)
    with zipfile.ZipFile(world.personal / "A.zip") as export:
        lines = export.read("readings.csv").decode().splitlines()
        assert lines[0] == "device,property,unit,time,value"
        assert len(lines) == 337
        assert "README.txt" in export.namelist()
    assert (world.personal / "A.zip").stat().st_mode & 0o777 == 0o600
    rows = ask(world.database, "select count(*) from personal.kept_file where kind = 'export'")
    assert rows == [(1,)]
