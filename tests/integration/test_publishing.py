"""Snapshots over a real database: once, whole, and anew where something came late, was corrected or was closed."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from borough.publishing import placing, run
from borough.publishing.making import Order
from borough.publishing.run import Report, Rules
from dashboard.open_data import shelf
from devices.csvw import OPEN_GOVERNMENT_LICENCE
from store import session_lock, snapshots
from store.connect import Connection, connect
from store.times import instant
from tests.worlds import open_months
from tests.worlds.open_months import LATER, MONTHS, SOON, hours

RULES = Rules(timedelta(days=7), {})


class Town:
    """A database, a folder, and runs that publish the one into the other."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.order = Order(folder, "Testborough Council", OPEN_GOVERNMENT_LICENCE, "real", "0.1.0")
        self.line: Connection = connect(url, autocommit=True)

    def publish(self, now: datetime = LATER, rules: Rules = RULES) -> Report:
        """One run."""
        return run.publish(self.line, self.url, self.order, rules, now, lambda _: None)

    def names(self, report: Report) -> list[str]:
        """What a run made."""
        return ["/".join(map(str, one.key)) for one in report.made]

    def rows(self, dataset: str, month: str, revision: int) -> list[dict[str, str]]:
        """The rows of a snapshot's CSV."""
        found = shelf.read(self.folder).find(dataset, month, revision)
        assert found is not None
        with (found.folder / f"{dataset}-{month}.r{revision}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def bytes(self) -> dict[str, bytes]:
        """Every file of the folder."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }


@pytest.fixture
def town(database: str, tmp_path: Path) -> Iterator[Town]:
    with connect(database) as connection:
        open_months.fill(connection)
    made = Town(database, tmp_path / "snapshots")
    yield made
    made.line.close()


def test_each_month_once_whole_and_with_its_hashes(town: Town) -> None:
    first = town.publish()
    assert town.names(first) == [
        *(f"air-readings/2026-{month}/1" for month in ("01", "02", "03")),
        *(f"parking-bay-readings/2026-{month}/1" for month in ("01", "02", "03")),
    ]
    rows = town.rows("air-readings", "2026-01", 1)
    assert {row["device"] for row in rows} == {"air-1", "0042", "old"}, "households and simulated ones are left out"
    assert len(rows) == 48 + 24 + 3 + 48
    assert [row["value"] for row in rows if row["device"] == "0042"] == ["", "-0.5", "0.30000000000000004"]
    assert rows == sorted(rows, key=lambda row: (row["device"], row["property"], row["time"]))
    for one in shelf.read(town.folder).snapshots:
        assert [file.name.partition(".r1.")[2] for file in one.manifest.files] == [
            "csv", "csv-metadata.json", "parquet", "places.geojson",
        ]  # fmt: skip
        for file in one.manifest.files:
            content = (one.folder / file.name).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
        table = pq.read_table(one.folder / one.manifest.files[2].name)
        assert table.num_rows == one.manifest.rows
        places = json.loads((one.folder / one.manifest.files[3].name).read_bytes())["features"]
        assert [place["geometry"]["coordinates"] for place in places] == [[-0.0812, 51.5031]] * one.manifest.devices
    before = town.bytes()
    second = town.publish()
    assert (second.made, second.withdrawn, second.unchanged) == ([], [], [])
    assert town.bytes() == before


def test_a_month_waits_for_late_readings(town: Town) -> None:
    assert [one for one in town.names(town.publish(SOON)) if "2026-03" in one] == []
    assert [one for one in town.names(town.publish(LATER)) if "2026-03" not in one] == []


def test_what_comes_late_or_is_corrected_is_a_revision_beside_the_old_one(town: Town) -> None:
    town.publish()
    before = town.bytes()
    with connect(town.url) as connection:
        open_months.late(connection, "air-1", "no2", [hours(MONTHS[1])[0] + 1], [99.25])
    report = town.publish()
    assert town.names(report) == ["air-readings/2026-02/2"]
    manifest = report.made[0].manifest
    assert manifest.changes == shelf.Changes(0, 0, 1, 75)
    assert manifest.rows == 76
    assert before.items() <= town.bytes().items(), "the old one stays as it is"
    with connect(town.url) as connection:
        times = hours(MONTHS[1])
        connection.execute("update reading set value = 7 where time = %s and value = 20", (instant(times[0]),))
        open_months.touch(connection, "air-monitor", times[:1])
    assert town.names(town.publish()) == ["air-readings/2026-02/3"]
    values = [row["value"] for row in town.rows("air-readings", "2026-02", 3) if row["device"] == "air-1"]
    assert values[:2] == ["7.0", "99.25"]
    assert town.line.execute("select count(*) from late_month").fetchone() == (0,)


def test_a_month_that_was_written_to_and_says_the_same_is_no_revision(town: Town) -> None:
    town.publish()
    before = town.bytes()
    with connect(town.url) as connection:
        open_months.touch(connection, "air-monitor", hours(MONTHS[0])[:1])
        open_months.touch(connection, "air-monitor", hours(MONTHS[0])[:1])
    report = town.publish()
    assert report.made == []
    assert report.unchanged == ["air-readings 2026-01"]
    assert town.bytes() == before
    assert town.publish().unchanged == [], "the note is gone with it"


def test_a_device_that_became_a_households_takes_its_files_along(town: Town) -> None:
    town.publish()
    with connect(town.url) as connection:
        open_months.close(connection, "0042")
    report = town.publish()
    assert ["/".join(map(str, one.key)) for one in report.withdrawn] == [
        f"air-readings/2026-{month}/1" for month in ("01", "02", "03")
    ]
    assert town.names(report) == [f"air-readings/2026-{month}/2" for month in ("01", "02", "03")]
    assert not [name for name, content in town.bytes().items() if b"0042" in content and "manifest" not in name]
    known = shelf.read(town.folder)
    gone = known.find("air-readings", "2026-01", 1)
    assert gone is not None
    assert gone.withdrawn is not None
    assert gone.withdrawn.reason == run.CLOSED
    assert sorted(path.name for path in gone.folder.iterdir()) == [shelf.MANIFEST, shelf.WITHDRAWN]
    assert [one.manifest.revision for one in known.current("air-readings")] == [2, 2, 2]
    assert town.publish().made == []


def test_a_device_that_is_opened_again_is_a_revision(town: Town) -> None:
    with connect(town.url) as connection:
        open_months.close(connection, "old")
    town.publish()
    assert "old" not in {row["device"] for row in town.rows("air-readings", "2026-01", 1)}
    town.line.execute("update personal.device set personal = false where id = 'old'")
    report = town.publish()
    assert town.names(report) == ["air-readings/2026-01/2"]
    assert report.made[0].manifest.changes == shelf.Changes(1, 0, 0, 75)


def test_what_is_erased_is_withdrawn(town: Town) -> None:
    town.publish()
    town.line.execute("delete from reading where series_id in (select id from series where device_id = 'bay-7')")
    town.line.execute("delete from latest where series_id in (select id from series where device_id = 'bay-7')")
    town.line.execute("delete from personal.series where device_id = 'bay-7'")
    report = town.publish()
    assert len(report.withdrawn) == 3
    assert report.made == [], "nothing is left of those months"
    assert [name for name in town.bytes() if name.endswith(".csv") and "parking" in name] == []


def test_retention_makes_no_revision_and_no_half_month(town: Town) -> None:
    town.publish()
    kept = Rules(RULES.after, {"air-monitor": (LATER - MONTHS[1]).days - 1, "parking-bay": 400})
    times = hours(MONTHS[0])
    with connect(town.url) as connection:
        connection.execute("delete from reading where time < %s", (instant(times[20]),))
        open_months.touch(connection, "air-monitor", times[30:31])
    before = town.bytes()
    report = town.publish(rules=kept)
    assert report.made == []
    assert report.past == ["air-readings 2026-01"]
    assert town.bytes() == before
    for path in (town.folder / "air-readings").iterdir():
        for one in path.iterdir():
            one.unlink()
        path.rmdir()
    assert town.names(town.publish(rules=kept)) == ["air-readings/2026-03/2"], "of February a part is deleted by now"


def test_what_a_killed_run_left_is_cleared_and_never_seen(town: Town) -> None:
    left = town.folder / ".making-abc"
    left.mkdir(parents=True)
    (left / shelf.MANIFEST).write_text("{")
    assert shelf.read(town.folder) == shelf.Shelf([], [])
    town.publish()
    assert not left.exists()


def test_a_withdrawal_that_was_killed_is_ended(town: Town) -> None:
    town.publish()
    found = shelf.read(town.folder).snapshots[0]
    (found.folder / shelf.WITHDRAWN).write_bytes(shelf.encode(shelf.Withdrawal(LATER, "A fault")))
    assert shelf.read(town.folder).find(*found.key).file(found.manifest.files[0].name) is None  # type: ignore[union-attr]
    town.publish()
    assert sorted(path.name for path in found.folder.iterdir()) == [shelf.MANIFEST, shelf.WITHDRAWN]


def test_one_publishes_at_a_time_and_notes_are_not_thinned_meanwhile(town: Town) -> None:
    with connect(town.url) as connection:
        for _ in range(3):
            open_months.touch(connection, "air-monitor", hours(MONTHS[0])[:1])
    with connect(town.url, autocommit=True) as other, session_lock.alone(other, snapshots.LOCK):
        with pytest.raises(session_lock.Busy):
            town.publish()
        assert snapshots.thin(town.line) == 0
    assert snapshots.thin(town.line) == 2
    assert [len(notes) for notes in snapshots.late(town.line, "air-monitor").months.values()] == [1]


def test_a_note_that_comes_while_a_run_reads_is_of_the_next_run(town: Town) -> None:
    town.publish()
    with connect(town.url) as connection:
        open_months.late(connection, "air-1", "no2", [hours(MONTHS[0])[0] + 1], [1.0])
    came: list[str] = []

    def meanwhile(what: str) -> None:
        if not came:
            came.append(what)
            with connect(town.url) as connection:
                open_months.late(connection, "air-1", "no2", [hours(MONTHS[0])[0] + 2], [2.0])

    first = run.publish(town.line, town.url, town.order, RULES, LATER, meanwhile)
    assert first.made[0].manifest.rows == 123 + 2, "it came before the state was read"
    second = town.publish()
    assert second.made == []
    assert second.unchanged == ["air-readings 2026-01"], "its note was not taken away unread"


def test_what_cannot_be_read_costs_itself_alone(town: Town) -> None:
    town.publish()
    found = shelf.read(town.folder).find("air-readings", "2026-01", 1)
    assert found is not None
    (found.folder / shelf.SERIES).write_bytes(b"{")
    (town.folder / "air-readings" / "2026-02.1" / shelf.MANIFEST).write_bytes(b"[]")
    with connect(town.url) as connection:
        open_months.late(connection, "air-1", "no2", [hours(MONTHS[0])[0] + 1, hours(MONTHS[2])[0] + 1], [1.0, 1.0])
    report = town.publish()
    assert len(report.broken) == 2
    assert town.names(report) == ["air-readings/2026-02/2", "air-readings/2026-03/2"]
    assert len(snapshots.late(town.line, "air-monitor").months) == 1, "the note of the broken one stays"


def test_hashes_and_lengths_are_looked_at(town: Town) -> None:
    town.publish()
    found = shelf.read(town.folder).find("air-readings", "2026-01", 1)
    assert found is not None
    assert placing.flaw(found) is None
    path = found.folder / found.manifest.files[0].name
    content = path.read_bytes()
    path.write_bytes(content.replace(b"20.0", b"21.0"))
    assert "another hash" in (placing.flaw(found) or "")
    assert placing.flaw(found, hashes=False) is None
    path.write_bytes(content[:-9])
    assert "bytes" in (placing.flaw(found, hashes=False) or "")
    path.unlink()
    assert placing.flaw(found, hashes=False) is not None


def test_simulated_ones_are_published_where_the_installation_says_so(town: Town) -> None:
    town.order = replace(town.order, origin="simulated")
    assert town.names(town.publish()) == [f"air-readings/2026-{month}/1" for month in ("01", "02", "03")]
    assert {row["device"] for row in town.rows("air-readings", "2026-01", 1)} == {"made-up"}


def test_what_is_late_is_noted_from_the_month_before_on(town: Town) -> None:
    today = datetime.now(UTC).date()
    town.line.execute("insert into touched_day (family, day) values ('car-park', %s)", (today,))
    assert snapshots.late(town.line, "car-park").months == {}
    last = today.replace(day=1) - timedelta(days=1)
    town.line.execute("insert into touched_day (family, day) values ('car-park', %s)", (last,))
    assert list(snapshots.late(town.line, "car-park").months) == [last.replace(day=1)]


def test_a_folder_that_is_lost_has_no_number_used_again(town: Town) -> None:
    assert {revision for _, _, revision in (one.key for one in town.publish().made)} == {1}
    open_months.late(town.line, "air-1", "no2", [hours(MONTHS[1])[0] + 1], [99.25])
    again = {one.key for one in town.publish().made}
    assert {revision for _, _, revision in again} == {2}
    shutil.rmtree(town.folder)
    made = {one.key for one in town.publish().made}
    assert {(dataset, month) for dataset, month, _ in made} >= {(dataset, month) for dataset, month, _ in again}
    for dataset, month, revision in made:
        assert revision == (3 if (dataset, month, 2) in again else 2)
    assert not town.publish().made


def test_a_folder_from_before_is_counted_on(town: Town) -> None:
    """Of an installation whose database did not note revisions yet, and of a run that was killed before it did."""
    town.publish()
    town.line.execute("delete from snapshot_revision")
    assert not town.publish().made
    shutil.rmtree(town.folder)
    (town.folder / "air-readings" / "2026-13.7").mkdir(parents=True)
    assert {one.key[2] for one in town.publish().made} == {2}
