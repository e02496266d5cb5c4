"""The writer's rows against a plain dictionary: the first value wins, every fate is counted, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.batch import Counts, Outcome
from store.connect import connect
from store.writer import Writer
from tests.examples import examples
from tests.tools.batches import DAY, HALF_HOUR, T0, Row, fates, make, query, rejection, stored, totals
from tests.tools.servers import wait_for


@pytest.fixture
def writer(each_database: str) -> Iterator[Writer]:
    found = Writer(each_database)
    yield found
    found.close()


def test_new_readings_go_straight_in(writer: Writer, each_database: str) -> None:
    rows = [(s, T0 + t * HALF_HOUR, s + t / 7) for s in range(5) for t in range(700)]  # over three chunks
    outcome = writer.write(make(rows))
    assert not outcome.staged
    assert not outcome.repeated
    assert fates(outcome) == (3500, 0, 0, 0)
    assert outcome.counts["parking-bay"].readings_stored == 2100
    assert stored(each_database) == {(s, t): v for s, t, v in rows}
    assert totals(each_database) == outcome.counts


def test_duplicates_and_conflicts_are_told_exactly(writer: Writer, each_database: str) -> None:
    writer.write(make([(1, T0, 1.0), (2, T0, 2.0), (2, T0 + 8 * DAY, 3.0)]))
    rows = [(1, T0, 1.0), (2, T0, 9.0), (2, T0 + 8 * DAY, 3.0), (3, T0, 4.0), (4, T0, 5.0)]
    outcome = writer.write(make(rows, number=2))
    assert outcome.staged
    assert fates(outcome) == (2, 2, 1, 0)
    assert list(outcome.conflicts) == [1]
    assert outcome.counts["parking-bay"].readings_rejected == 1
    assert outcome.counts["parking-bay"].readings_duplicates == 1
    assert outcome.counts["smart-meter"].readings_duplicates == 1
    assert stored(each_database)[2, T0] == 2.0
    assert query(each_database, "select device, reason, detail from rejected") == [("d2", "conflict", str(T0))]


#: Keys in two chunks, several batches; few keys and values, so that repeats and conflicts are common.
HISTORY = st.lists(
    st.dictionaries(
        st.tuples(st.integers(1, 4), st.sampled_from([T0, T0 + 1, T0 + HALF_HOUR, T0 + 9 * DAY])),
        st.sampled_from([0.0, 1.0, -1.5]),
        max_size=12,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(HISTORY)
def test_any_history_against_a_dictionary(
    writer: Writer, each_database: str, history: list[dict[tuple[int, int], float]]
) -> None:
    with connect(each_database) as connection:
        connection.execute(
            "truncate reading, latest, accounting, rejected, rejected_flood, collector, rejected_bytes,"
            " personal.rejected_bytes, personal.rejected_text"
        )
    table: dict[tuple[int, int], float] = {}
    total: dict[str, Counts] = {}
    for number, rows in enumerate(history):
        expected = [0, 0, 0, 0]
        for key, value in rows.items():
            fate = 0 if key not in table else 1 if table[key] == value else 2
            expected[fate] += 1
            table.setdefault(key, value)
        outcome = writer.write(make([(*key, value) for key, value in rows.items()], number=number))
        assert fates(outcome) == tuple(expected)
        for family, count in outcome.counts.items():
            total.setdefault(family, Counts()).add(count)
    assert stored(each_database) == table
    assert totals(each_database) == total
    newest = {series: max(time for other, time in table if other == series) for series, _ in table}
    rows_of_latest = query(
        each_database, "select series_id, (extract(epoch from time) * 1000000)::int8, value from latest"
    )
    assert {row[0]: (row[1], row[2]) for row in rows_of_latest} == {
        series: (time, table[series, time]) for series, time in newest.items()
    }


def test_a_batch_that_is_committed_already_comes_back_unchanged(writer: Writer, each_database: str) -> None:
    """COMMIT sent, answer lost: the collector writes the same batch again, perhaps after a restart of the thread."""
    writer.write(make([(1, T0, 1.0)]))
    batch = make(
        [(1, T0, 2.0), (1, T0 + 1, 3.0)],
        number=2**62 - 1,
        rejected=[rejection()],
        counts={"smart-meter": Counts(3, 2, 0, 1, 2)},
    )
    first = writer.write(batch)
    before = totals(each_database)
    again = Writer(each_database)
    second = again.write(batch)
    again.close()
    assert second.repeated
    assert replace(second, repeated=False, seconds=0.0) == replace(first, seconds=0.0)
    assert list(second.conflicts) == [0]
    assert totals(each_database) == before
    assert query(each_database, "select count(*) from rejected") == [(2,)]
    assert query(each_database, "select count(*) from touched_day") == [(2,)]
    later = replace(batch, number=3, rejected=[], counts={"smart-meter": Counts(2, 2, 0, 0, 2)})
    assert fates(writer.write(later)) == (0, 1, 1, 0)


def test_the_same_number_of_another_collector_is_another_batch(writer: Writer, each_database: str) -> None:
    writer.write(make([(1, T0, 1.0)], number=7))
    outcome = writer.write(make([(1, T0 + 1, 1.0)], number=7, collector="c2"))
    assert not outcome.repeated
    assert len(stored(each_database)) == 2


def test_a_batch_without_readings(writer: Writer, each_database: str) -> None:
    counts = {"unknown": Counts(messages_received=1, messages_rejected=1)}
    outcome = writer.write(make([], rejected=[rejection(device=None)], counts=counts))
    assert outcome.counts == counts == totals(each_database)
    assert writer.write(make([], number=2, counts={})).counts == {}


def test_an_error_leaves_nothing_and_the_next_write_reconnects(writer: Writer, each_database: str) -> None:
    batch = make([(1, T0, 1.0)])
    with connect(each_database, autocommit=True) as connection:
        connection.execute("alter table accounting rename to elsewhere")
        with pytest.raises(psycopg.errors.UndefinedTable):
            writer.write(batch)
        assert stored(each_database) == {}
        connection.execute("alter table elsewhere rename to accounting")
        assert not writer.write(batch).repeated
        connection.execute("select pg_terminate_backend(%s)", (writer.connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            writer.write(make([(1, T0 + 1, 1.0)], number=2))
    assert not writer.write(make([(1, T0 + 1, 1.0)], number=2)).repeated
    assert len(stored(each_database)) == 2


def test_abort_ends_a_write_that_hangs(database: str) -> None:
    writer = Writer(database, lock_timeout=60, statement_timeout=60)
    numbers = [writer.fileno, writer.connection.fileno(), writer.fileno]
    assert numbers[0] is None
    assert numbers[1] == numbers[2]
    with connect(database) as blocker:
        blocker.execute("lock table reading in access exclusive mode")
        timer = threading.Timer(0.3, writer.abort)
        timer.start()
        with pytest.raises(psycopg.OperationalError):
            writer.write(make([(1, T0, 1.0)]))
        timer.join()
    assert writer.fileno is None, "an error closes it"
    writer.abort()  # of nothing: nothing
    writer.close()


def test_a_lock_in_the_way_is_tried_again_and_not_for_ever(database: str) -> None:
    writer = Writer(database, lock_timeout=0.05)
    with connect(database) as blocker:
        blocker.execute("lock table latest in access exclusive mode")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            writer.write(make([(1, T0, 1.0)]))
        timer = threading.Timer(0.2, blocker.rollback)
        timer.start()
        assert fates(writer.write(make([(1, T0, 1.0)]))) == (1, 0, 0, 0)
        timer.join()
    writer.close()


def test_a_deadlock_is_tried_again(database: str) -> None:
    """Another transaction holds our second key and then wants our first: the server ends one of us, it is us."""
    writer = Writer(database, lock_timeout=20)
    with connect(database) as other:
        other.execute("set deadlock_timeout = '20s'")
        other.execute("insert into reading values (2, to_timestamp(%s), 5)", (T0 // 1_000_000,))
        found: list[Outcome] = []
        thread = threading.Thread(target=lambda: found.append(writer.write(make([(1, T0, 1.0), (2, T0, 1.0)]))))
        thread.start()
        waiting = "select count(*) from pg_locks where not granted and pid = %s"
        assert wait_for(lambda: other.execute(waiting, (backend_of(writer),)).fetchone() == (1,), 10)
        other.execute("insert into reading values (1, to_timestamp(%s), 1)", (T0 // 1_000_000,))
        other.commit()
        thread.join()
    writer.close()
    assert fates(found[0]) == (0, 1, 1, 0)
    assert stored(database) == {(1, T0): 1.0, (2, T0): 5.0}


def backend_of(writer: Writer) -> int:
    """The server's process of a writer that is at work in another thread; 0 before it has one."""
    return 0 if writer.fileno is None else writer.connection.info.backend_pid


def test_two_writers_with_the_same_keys_end_exact(each_database: str) -> None:
    """Overlapping keys in several chunks, in batches that wait for each other and may deadlock."""
    batches: dict[str, list[list[Row]]] = {"a": [], "b": []}
    for name, turns in (("a", range(8)), ("b", reversed(range(8)))):
        for turn in turns:
            batches[name].append(
                [(s, T0 + (turn * 40 + t) * 6 * HALF_HOUR, float(turn)) for s in range(25) for t in range(60)]
            )
    totals_of: list[tuple[int, ...]] = []
    failures: list[BaseException] = []

    def run(name: str) -> None:
        writer = Writer(each_database)
        try:
            for number, rows in enumerate(batches[name]):
                totals_of.append(fates(writer.write(make(rows, number=number, collector=name))))
        except BaseException as error:  # noqa: BLE001  handed to the test
            failures.append(error)
        finally:
            writer.close()

    threads = [threading.Thread(target=run, args=(name,)) for name in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    written = stored(each_database)
    offered: dict[tuple[int, int], list[float]] = {}
    for rows in [*batches["a"], *batches["b"]]:
        for series, time, value in rows:
            offered.setdefault((series, time), []).append(value)
    assert written.keys() == offered.keys()
    assert all(value in offered[key] for key, value in written.items())
    conflicts = sum(other != written[key] for key, values in offered.items() for other in values)
    everything = sum(len(values) for values in offered.values())
    sums = [sum(column) for column in zip(*totals_of, strict=True)]
    assert sums == [len(written), everything - len(written) - conflicts, conflicts, 0]


def test_late_rows_of_the_keep_rule(writer: Writer, each_database: str) -> None:
    """Kept once per half-hour; an exact repeat is a duplicate first."""
    writer.write(make([(1, T0 + 60, 1.0), (1, T0 + 3 * HALF_HOUR, 2.0), (2, T0 + 60, 7.0)]))
    late = [
        (1, T0 + 60, 1.0),  # an exact repeat
        (1, T0 + 61, 1.5),  # its period has a reading
        (1, T0 + HALF_HOUR - 1, 1.5),  # so has this one's
        (1, T0 + HALF_HOUR, 1.7),  # the first of an empty period
        (1, T0 + HALF_HOUR + 5, 1.8),  # the second
        (1, T0 + 2 * HALF_HOUR - 1, 1.9),  # the third
        (1, T0 - 1, 0.5),  # the period before
        (2, T0 + 60, 8.0),  # same key, other value: its period has a reading
    ]
    outcome = writer.write(make([], number=2, late=late))
    assert fates(outcome) == (2, 1, 0, 5)
    assert stored(each_database) == {
        (1, T0 + 60): 1.0,
        (1, T0 + 3 * HALF_HOUR): 2.0,
        (2, T0 + 60): 7.0,
        (1, T0 + HALF_HOUR): 1.7,
        (1, T0 - 1): 0.5,
    }
    assert query(each_database, "select device, reason from rejected") == []


def test_a_late_row_beside_new_ones(writer: Writer, each_database: str) -> None:
    """A late row of a period that this very batch fills is thinned; ordinary repeats beside it are still found."""
    writer.write(make([(2, T0, 1.0)]))
    rows = [(1, T0 + HALF_HOUR + 9, 2.0), (2, T0, 1.0)]
    late = [(1, T0 + HALF_HOUR + 3, 1.0), (1, T0, 0.0)]
    outcome = writer.write(make(rows, number=2, late=late))
    assert fates(outcome) == (2, 1, 0, 1)
    assert stored(each_database) == {(2, T0): 1.0, (1, T0 + HALF_HOUR + 9): 2.0, (1, T0): 0.0}


def test_latest_changes_only_for_newer_ones(writer: Writer, each_database: str) -> None:
    writer.write(make([(1, T0 + 10, 1.0), (2, T0, 5.0)]))
    writer.write(make([(1, T0 + 5, 2.0), (2, T0 + 1, 6.0)], number=2))
    shown = "select series_id, (extract(epoch from time) * 1000000)::int8, value from latest order by 1"
    assert query(each_database, shown) == [(1, T0 + 10, 1.0), (2, T0 + 1, 6.0)]


def test_latest_never_shows_a_value_that_was_rejected(writer: Writer, each_database: str) -> None:
    """The series' newest reading came in by another way than the collector, and conflicts with the message."""
    with connect(each_database) as connection:
        connection.execute("insert into reading values (1, to_timestamp(%s), 1.0)", (T0 / 1e6,))
    outcome = writer.write(make([(1, T0, 2.0), (3, T0, 2.0)]))
    assert fates(outcome) == (1, 0, 1, 0)
    assert query(each_database, "select series_id, value from latest order by 1") == [(1, 1.0), (3, 2.0)]


def test_touched_days(writer: Writer, each_database: str) -> None:
    writer.write(make([(1, T0 - 1, 1.0), (1, T0, 1.0), (2, T0, 1.0)]))
    days = query(each_database, "select family, day::text from touched_day order by id")
    assert days == [("parking-bay", "2026-02-01"), ("smart-meter", "2026-01-31"), ("smart-meter", "2026-02-01")]


def test_accounting_adds_up_over_minutes_and_collectors(writer: Writer, each_database: str) -> None:
    writer.write(make([(1, T0, 1.0)]))
    writer.write(make([(1, T0 + 1, 1.0)], number=2))
    writer.write(make([(1, T0 + 2, 1.0)], number=3, minute=T0 + 60_000_000))
    writer.write(make([(1, T0 + 3, 1.0)], number=4, collector="c2"))
    rows = query(each_database, "select to_char(minute, 'HH24:MI'), collector, readings_stored from accounting")
    assert sorted(rows) == [("00:00", "c1", 2), ("00:00", "c2", 1), ("00:01", "c1", 1)]
