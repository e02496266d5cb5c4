"""Chunks that late readings and corrections left partly in rows are converted again, and nothing is lost meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from borough.doctor import retention
from borough.settings.settings import Settings
from devices.device import Device
from store import columnstore, corrections, open_data, registry, series
from store.columnstore import Converted
from store.connect import Connection, connect
from store.copy import copy_readings
from store.corrections import Key, Rows, Tally
from store.maintain import maintain
from store.times import instant, microseconds
from store.writer import Writer
from tests.tools.batches import DAY, HALF_HOUR, fates, make, query, stored
from tests.tools.servers import PATIENCE, Cluster, wait_for

NOW = datetime(2026, 6, 4, 12, tzinfo=UTC)
#: Chunks begin on Thursdays: ten whole ones before the one of NOW, which is a Thursday.
FIRST = microseconds(datetime(2026, 3, 26, tzinfo=UTC))
WEEKS, METERS = 10, 120
TURNS = WEEKS * 7 * 48
#: Of each series one reading in so many is missing, and comes late.
_GAP = 97
PARTIAL = (
    "select count(*) from timescaledb_information.chunks where hypertable_name = 'reading' and is_compressed"
    " and _timescaledb_functions.chunk_status(format('%I.%I', chunk_schema, chunk_name)::regclass) & 8 <> 0"
)
#: Bytes of the rows that lie beside the columnstore in chunks that are converted, their indexes left out.
ROWS = (
    "select coalesce(sum(pg_relation_size(format('%I.%I', chunk_schema, chunk_name)::regclass)), 0)::int8"
    " from timescaledb_information.chunks where hypertable_name = 'reading' and is_compressed"
)
Readings = dict[tuple[int, int], float]


@pytest.fixture
def url(community: Cluster) -> Iterator[str]:
    """A database on TimescaleDB Community."""
    name = community.create()
    yield community.url(name)
    community.drop(name)


@pytest.fixture
def filled(url: str) -> Readings:
    """Half-hours of some meters over ten weeks, all in the columnstore; what is missing, by key."""
    chance = np.random.default_rng(17)
    late: Readings = {}
    with connect(url, autocommit=True) as connection:
        names = [f"m{number}" for number in range(METERS)]
        registry.upsert(connection, [Device(name, "smart-meter", "native", personal=True) for name in names])
        found = series.resolve(connection, [(name, "import_interval") for name in names])
        for place, one in enumerate(found):
            times = FIRST + np.arange(TURNS, dtype=np.int64) * HALF_HOUR
            values = chance.integers(0, 900, TURNS) / 1_000
            missing = np.arange(TURNS) % _GAP == place % _GAP
            late |= {
                (one.series, at): value
                for at, value in zip(times[missing].tolist(), values[missing].tolist(), strict=True)
            }
            ids = np.full(TURNS, one.series, np.int32)
            with connection.transaction():
                copy_readings(connection, ids[~missing], times[~missing], values[~missing])
        assert run(connection) == Converted(WEEKS, 0, 0)
    return late


def run(connection: Connection, seconds: float = 600.0) -> Converted:
    return columnstore.convert(connection, NOW - timedelta(hours=12), seconds)


def write(url: str, rows: Readings, number: int = 1, collector: str = "late") -> tuple[int, int, int, int]:
    writer = Writer(url)
    outcome = writer.write(make([(*key, value) for key, value in rows.items()], number=number, collector=collector))
    writer.close()
    return fates(outcome)


def correct(url: str, changes: Readings) -> None:
    """A correction of these readings, as `borough correct` makes it."""
    keys = sorted(changes)
    count = len(keys)
    rows = Rows(
        np.array([key[0] for key in keys], np.int32), np.array([key[1] for key in keys], np.int64),
        np.array([changes[key] for key in keys]), np.zeros(count, np.uint8), np.zeros(count, np.int64),
        np.array([key[1] for key in keys], np.int64), np.ones(count, np.bool_), ("smart-meter",),
        np.zeros(count, np.bool_),
    )  # fmt: skip
    words = Key("me", "test", instant(FIRST), NOW, "test", "1", None, None)
    with connect(url) as connection:
        number, _, _ = corrections.begin(connection, words, {})
        assert corrections.apply(connection, number, rows, Tally(), 1).superseded == count
        assert corrections.finish(connection, number) is not None


def size(url: str) -> int:
    ((total,),) = query(url, "select hypertable_size('public.reading')::int8")
    assert isinstance(total, int)
    return total


def number(url: str, text: str) -> int:
    ((found,),) = query(url, text)
    assert isinstance(found, int)
    return found


def test_what_came_late_and_what_was_corrected_is_converted_again(url: str, filled: Readings) -> None:
    """Nine bytes a reading hold, and each reading is what it was."""
    before, readings = size(url), number(url, "select count(*) from reading")
    assert before / readings < 15
    assert write(url, filled) == (len(filled), 0, 0, 0)
    known = sorted(stored(url).items())[::50]
    changed = {key: value + 1 for key, value in known if key not in filled}
    correct(url, changed)
    expected = stored(url)
    assert len(expected) == METERS * TURNS
    assert {key: expected[key] for key in changed} == changed
    assert number(url, PARTIAL) == WEEKS
    assert size(url) > 1.3 * before
    with connect(url, autocommit=True) as connection:
        report = maintain(connection, {}, NOW + timedelta(days=1), columnstore_after_days=1)
    assert (report.columnstore, report.columnstore_again, report.columnstore_left) == (0, WEEKS, 0)
    assert (number(url, PARTIAL), number(url, ROWS)) == (0, 0)
    assert size(url) / (METERS * TURNS) < 1.15 * before / readings
    assert stored(url) == expected
    with connect(url, autocommit=True) as connection:
        assert run(connection) == Converted(0, 0, 0)


def test_what_an_export_expects_of_a_part_of_a_week_is_never_far_too_little(url: str, filled: Readings) -> None:
    with open_data.one_state(url) as connection:
        some = [
            open_data.OpenSeries(one, f"m{one}", "import_interval", "", "")
            for (one,) in query(url, "select id from personal.series order by id")
        ]
        for start, days in ((0, 6), (1, 5), (8, 12), (0, 70), (69, 3)):
            begin, end = FIRST + start * DAY, FIRST + (start + days) * DAY
            there = open_data.count(connection, some, begin, end, 10**9)
            assert open_data.expected(connection, some, begin, end) >= 0.8 * there, (start, days, there)


def test_what_is_converted_again_is_known_again(url: str, filled: Readings) -> None:
    """A duplicate is a duplicate and another value a conflict, as in a chunk of rows."""
    write(url, filled)
    with connect(url, autocommit=True) as connection:
        assert run(connection).again == WEEKS
    some = dict(sorted(filled.items())[:100])
    assert write(url, some, 2) == (0, 100, 0, 0)
    assert write(url, {key: value + 1 for key, value in some.items()}, 3) == (0, 0, 100, 0)
    assert number(url, "select count(*) from reading") == METERS * TURNS


def test_the_chunk_that_is_written_now_stays_rows(url: str, filled: Readings) -> None:
    ((key, _),) = sorted(filled.items())[:1]
    write(url, {(key[0], microseconds(NOW)): 1.0, (key[0], microseconds(NOW) - DAY): 0.5})
    with connect(url, autocommit=True) as connection:
        assert run(connection) == Converted(0, 1, 0)  # yesterday's lies in the last of the ten
    open_chunks = "select count(*) from timescaledb_information.chunks where hypertable_name = 'reading'"
    assert number(url, f"{open_chunks} and not is_compressed") == 1


def test_retention_has_no_limit_in_the_columnstore(url: str) -> None:
    """As chunks hold what another family keeps for ever, they are not dropped, and all is deleted by series."""
    with connect(url, autocommit=True) as connection:
        names = [f"m{number}" for number in range(METERS)]
        registry.upsert(connection, [Device(name, "smart-meter", "native", personal=True) for name in names])
        registry.upsert(connection, [Device("bay1", "parking-bay", "native")])
        ids = [one.series for one in series.resolve(connection, [(name, "power") for name in names])]
        connection.execute(
            "insert into public.reading (series_id, time, value) select id, at, 1 from unnest(%s::int4[]) id,"
            " generate_series('2026-03-26'::timestamptz, '2026-04-01 23:50', '10 minutes') at order by 1, 2",
            (ids,),
        )
        assert run(connection) == Converted(1, 0, 0)
        report = maintain(connection, {"smart-meter": 65}, NOW)
    assert (report.chunks, report.readings) == (0, {"smart-meter": METERS * 792})
    assert query(url, "select count(*), min(time) from reading") == [
        (METERS * (7 * 144 - 792), NOW - timedelta(days=65))
    ]


def test_a_run_is_bounded(url: str, filled: Readings) -> None:
    write(url, filled)
    with connect(url, autocommit=True) as connection:
        assert run(connection, seconds=0) == Converted(0, 0, WEEKS)
        assert run(connection) == Converted(0, WEEKS, 0)


def test_a_chunk_that_somebody_writes_to_waits_for_the_end_of_the_run(url: str, filled: Readings) -> None:
    write(url, filled)
    key = min(filled)
    with connect(url) as busy, connect(url, autocommit=True) as connection, ThreadPoolExecutor(1) as pool:
        busy.execute("delete from reading where series_id = %s and time = %s", (key[0], instant(key[1])))
        running = pool.submit(run, connection)
        try:
            assert wait_for(lambda: number(url, PARTIAL) == 1 or running.done(), PATIENCE)
            assert not running.done()
        finally:
            busy.rollback()
        assert running.result() == Converted(0, WEEKS, 0)
        ((timeout,),) = connection.execute("show lock_timeout").fetchall()
    assert timeout == "0"
    assert number(url, "select count(*) from reading") == METERS * TURNS


def test_beside_a_reader_nothing_is_done_in_vain(url: str, filled: Readings) -> None:
    """A transaction that stays open after it read: what came late is converted, a chunk of rows when it has ended.

    And the doctor names it as a cause of what is not compressed.
    """
    key, at = min(filled)[0], FIRST - 7 * DAY
    write(url, {(key, at): 0.5, min(filled): 0.5})
    with connect(url) as busy, connect(url, autocommit=True) as connection, ThreadPoolExecutor(1) as pool:
        busy.execute("select count(*) from reading")
        before = scans(connection, at)
        assert run(connection, seconds=10) == Converted(0, 1, 1)
        assert scans(connection, at) == before
        (found,) = retention.kept(connection, Settings(), NOW + timedelta(days=60))
        assert "1 chunk should be compressed" in found.found
        assert "pg_stat_activity" in str(found.todo)
        running = pool.submit(run, connection)
        busy.rollback()
        assert running.result() == Converted(1, 0, 0)


def scans(connection: Connection, at: int) -> int:
    """Of the chunk of an instant [us], those of transactions that gave up as well."""
    connection.execute("select pg_stat_force_next_flush()")
    ((found,),) = connection.execute(
        "select s.seq_scan + coalesce(s.idx_scan, 0) from timescaledb_information.chunks k join pg_stat_all_tables s"
        " on s.relid = format('%%I.%%I', k.chunk_schema, k.chunk_name)::regclass"
        " where k.hypertable_name = 'reading' and k.range_start <= %(at)s and k.range_end > %(at)s",
        {"at": instant(at)},
    ).fetchall()
    assert isinstance(found, int)
    return found


def test_writers_corrections_and_an_erasure_meanwhile(url: str, filled: Readings) -> None:
    """Each late reading is stored once, told twice or not; what is corrected stays so; what is deleted is gone."""
    keys = sorted(filled)
    erased = {key[0] for key in keys[:: len(keys) // 7]}
    late = {key: filled[key] for key in keys if key[0] not in erased}
    before = {key: value for key, value in stored(url).items() if key[0] not in erased}
    changed = {key: value + 1 for key, value in sorted(before.items())[::500]}
    parts = [dict(list(late.items())[place::40]) for place in range(40)]
    done = threading.Event()
    errors: list[BaseException] = []
    twice: list[tuple[int, int, int, int]] = []

    def again_and_again() -> None:
        with connect(url, autocommit=True) as connection:
            while not done.is_set():
                run(connection)

    def tell(collector: str) -> None:
        twice.extend(write(url, part, place + 1, collector) for place, part in enumerate(parts))

    def correct_some() -> None:
        values = list(changed.items())
        for place in range(0, len(values), 20):
            correct(url, dict(values[place : place + 20]))

    def erase() -> None:
        for one in sorted(erased):
            _again(lambda one=one: _delete(url, one))  # type: ignore[misc]

    def watched(work: Callable[[], None]) -> Callable[[], None]:
        def watch() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
                errors.append(error)

        return watch

    converting = threading.Thread(target=watched(again_and_again))
    others = [
        threading.Thread(target=watched(work))
        for work in (lambda: tell("one"), lambda: tell("two"), correct_some, erase)
    ]
    for thread in (converting, *others):
        thread.start()
    for thread in others:
        thread.join()
    done.set()
    converting.join()
    assert not errors, errors
    assert sum(one[0] for one in twice) == len(late), "each late reading was stored by one of the two"
    assert sum(one[1] for one in twice) == len(late), "and is a duplicate for the other"
    with connect(url, autocommit=True) as connection:
        run(connection)
    assert number(url, PARTIAL) == 0
    # the primary key does not see what lies in the columnstore: rows are counted, not keys
    rows = number(url, "select count(*) from reading")
    found = stored(url)
    assert rows == len(found), "a reading is there twice"
    assert found == before | late | changed


def _delete(url: str, one: int) -> None:
    with connect(url) as connection:
        connection.execute("set local timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
        connection.execute("delete from public.reading where series_id = any(%s::int4[])", ([one],))


def _again(work: Callable[[], None]) -> None:
    """As all who write do: the database may ask to try again."""
    for attempt in range(50):
        try:
            work()
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            if attempt == 49:
                raise
        else:
            return
