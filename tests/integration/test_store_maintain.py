"""Retention and the columnstore, on every tier the same rows stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from borough import cli
from devices.device import Device
from store import accounts, registry, series
from store.connect import connect
from store.maintain import Report, maintain
from store.times import microseconds
from store.writer import Writer
from tests.tools.batches import DAY, fates, make, query, rejection, stored
from tests.tools.servers import Cluster
from tests.tools.site import make_home

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
US = microseconds(NOW)
HOMES = ["sensor1", "sensor2"]


@pytest.fixture
def filled(each_database: str) -> dict[str, int]:
    """A bay and two movement sensors with a reading every other day for 200 days back; their series by device."""
    with connect(each_database) as connection:
        registry.upsert(
            connection,
            [
                Device("bay1", "parking-bay", "native"),
                *[Device(name, "movement-sensor", "native", personal=True) for name in HOMES],
            ],
        )
        pairs = [("bay1", "occupied"), *((name, "motion") for name in HOMES)]
        states = series.resolve(connection, pairs)
    ids = {pair[0]: state.series for pair, state in zip(pairs, states, strict=True)}
    writer = Writer(each_database)
    rows = [(number, US - age * DAY, float(age)) for number in ids.values() for age in range(1, 200, 2)]
    writer.write(make([row for row in rows if row[0] != ids["sensor2"] or row[2] > 150]))
    writer.close()
    return ids


def run(url: str, retention: dict[str, int], **options: int) -> Report:
    with connect(url, autocommit=True) as connection:
        return maintain(connection, retention, NOW, **options)


def oldest(url: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for (number, _), age in stored(url).items():
        found[number] = max(found.get(number, 0.0), age)
    return found


def test_nothing_is_deleted_without_a_retention(each_database: str, filled: dict[str, int]) -> None:
    before = stored(each_database)
    report = run(each_database, {})
    assert (report.readings, report.chunks, report.latest) == ({}, 0, 0)
    assert stored(each_database) == before


def test_a_family_alone_is_deleted_by_series(each_database: str, filled: dict[str, int]) -> None:
    report = run(each_database, {"movement-sensor": 90})
    assert oldest(each_database) == {filled["bay1"]: 199.0, filled["sensor1"]: 89.0}
    assert report.readings == {"movement-sensor": 55 + 25}
    assert report.chunks == 0
    assert report.latest == 1  # the second sensor has been silent for longer than we may know it
    assert query(each_database, "select count(*) from latest") == [(2,)]
    assert run(each_database, {"movement-sensor": 90}).readings == {}


def test_whole_chunks_go_where_every_family_has_a_retention(
    cluster: Cluster, each_database: str, filled: dict[str, int]
) -> None:
    report = run(each_database, {"movement-sensor": 30, "parking-bay": 100})
    assert oldest(each_database) == {filled["bay1"]: 99.0, filled["sensor1"]: 29.0}
    assert (report.chunks > 10) == (cluster.tier != "plain")
    if cluster.tier != "plain":
        chunks = query(
            each_database,
            "select min(range_start) from timescaledb_information.chunks where hypertable_name = 'reading'",
        )
        assert NOW - timedelta(days=107) < chunks[0][0] <= NOW - timedelta(days=99)


def test_of_a_day_that_was_written_to_often_one_note_is_kept(each_database: str) -> None:
    with psycopg.connect(each_database, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into public.touched_day (family, day) values (%s, %s)",
            [(family, f"2026-02-0{day}") for family in ("air-monitor", "smart-meter") for day in (1, 2, 1, 1)],
        )
        newest = query(each_database, "select family, day, max(id) from public.touched_day group by 1, 2 order by 1, 2")
        with psycopg.connect(each_database) as analyst:
            # whoever computes a day takes the notes that were read away, and need not wait for us, nor we for them
            analyst.execute("delete from public.touched_day where family = 'air-monitor'")
            assert run(each_database, {}).touched_days == 2
            analyst.rollback()
    assert run(each_database, {}).touched_days == 2
    assert query(each_database, "select family, day, id from public.touched_day order by 1, 2") == newest


def test_bytes_of_households_and_old_counts_go(each_database: str) -> None:
    writer = Writer(each_database)
    items = [
        rejection(personal=personal, arrival=US - age * DAY, payload=b"[%d,%d]" % (personal, age))
        for personal in (True, False)
        for age in (0, 6, 8)
    ]
    writer.write(make([], rejected=items, counts={}))
    writer.close()
    report = run(each_database, {})
    assert (report.rejected_bytes, report.flood_hours) == (1, 2)
    assert sorted(query(each_database, "select bytes from personal.rejected_bytes")) == [(b"[1,0]",), (b"[1,6]",)]
    assert query(each_database, "select count(*) from rejected_bytes") == [(3,)]
    assert query(each_database, "select count(*) from rejected") == [(6,)]
    assert run(each_database, {}, rejected_bytes_days=1).rejected_bytes == 1


def test_old_chunks_into_the_columnstore(cluster: Cluster, each_database: str, filled: dict[str, int]) -> None:
    """Where there is one; late rows, duplicates and conflicts are the same afterwards, retention too."""
    before = stored(each_database)
    report = run(each_database, {}, columnstore_after_days=30)
    assert (report.columnstore > 10) == (cluster.tier == "community")
    assert stored(each_database) == before
    assert run(each_database, {}, columnstore_after_days=30).columnstore == 0
    bay = filled["bay1"]
    writer = Writer(each_database)
    late = [(bay, US - 150 * DAY, 1.0), (bay, US - 151 * DAY, 151.0), (bay, US - 153 * DAY, 0.5)]
    assert fates(writer.write(make(late, number=9))) == (1, 1, 1, 0)
    writer.close()
    assert stored(each_database) == before | {(bay, US - 150 * DAY): 1.0}
    assert run(each_database, {"parking-bay": 90, "movement-sensor": 90}).chunks == (
        0 if cluster.tier == "plain" else 15
    )
    assert oldest(each_database) == {bay: 89.0, filled["sensor1"]: 89.0}


@pytest.mark.parametrize(
    ("retention", "text"), [({"bus": 9}, "'bus': no such family"), ({"parking-bay": 0}, "at least 1 is needed")]
)
def test_a_wrong_retention_is_told(database: str, retention: dict[str, int], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        run(database, retention)


def test_the_log_of_access_ends_after_years_and_not_before(database: str) -> None:
    now = datetime.now(UTC)  # the database has its own clock for what is younger than a year
    with connect(database, autocommit=True) as connection:
        tenancy = make_home(connection)
        for days in (1, 300, 400, 1_200):
            accounts.log_access(connection, tenancy, None, "assist", str(days), now - timedelta(days=days))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from personal.access where action = '1200'")
        assert maintain(connection, {}, now).accesses == 1
        # a year is kept whatever is asked for
        assert maintain(connection, {}, now, access_days=1).accesses == 1
        connection.execute("select set_config('borough.expiring', 'access', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from personal.access where action = '300'")
    assert query(database, "select action from personal.access order by id") == [("1",), ("300",)]


def test_the_log_of_access_is_kept_as_long_as_the_setting_says(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    with connect(database, autocommit=True) as connection:
        tenancy = make_home(connection)
        for days in (300, 500):
            accounts.log_access(connection, tenancy, None, "assist", str(days), now - timedelta(days=days))
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    for setting, gone in (("600", 0), ("400", 1)):
        monkeypatch.setenv("BOROUGH_RETENTION_ACCESS", setting)
        assert cli.run(["maintain", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["accesses"] == gone
    assert query(database, "select action from personal.access") == [("300",)]


def test_a_folder_of_no_day_in_the_archive_is_told_and_all_else_is_done(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days = tmp_path / "open" / "parking-bay"
    for name in ("2020-01-01", "2020-01-01.old"):
        (days / name).mkdir(parents=True)
        (days / name / "one.frames").write_bytes(b"")
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    monkeypatch.setenv("BOROUGH_ARCHIVE", str(tmp_path))
    monkeypatch.setenv("BOROUGH_ARCHIVE_RETENTION_PARKING_BAY", "30")
    assert cli.run(["maintain"]) == 1
    said = capsys.readouterr()
    assert "Deleted from the archive: 0 bytes of parking-bay." in said.out
    assert f"{days / '2020-01-01.old'}: called by no day" in said.err
    assert "Traceback" not in said.err
    assert [path.name for path in days.iterdir()] == ["2020-01-01.old"]
