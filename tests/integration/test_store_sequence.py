"""Message numbers merged into runs, against a set of numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.batch import SequenceSpan
from store.connect import connect
from store.spans import write_spans
from store.writer import Writer
from tests.examples import examples
from tests.tools.batches import T0, make, query

SECOND = 1_000_000


def span(device: str, first: int, last: int) -> SequenceSpan:
    """A run whose messages are a second apart and as old as their numbers."""
    return SequenceSpan(device, first, last, T0 + first * SECOND, T0 + last * SECOND)


def runs(url: str) -> list[tuple[str, int, int]]:
    rows = query(
        url,
        "select device, first, last, extract(epoch from first_time)::int8, extract(epoch from last_time)::int8"
        " from sequence order by device, first",
    )
    assert all((row[3], row[4]) == (T0 // SECOND + row[1], T0 // SECOND + row[2]) for row in rows)
    return [row[:3] for row in rows]


def expected(numbers: set[tuple[str, int]]) -> list[tuple[str, int, int]]:
    found: list[list] = []  # type: ignore[type-arg]
    for device, number in sorted(numbers):
        if found and found[-1][0] == device and found[-1][2] == number - 1:
            found[-1][2] = number
        else:
            found.append([device, number, number])
    return [tuple(run) for run in found]


SPANS = st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.integers(0, 8))


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.lists(SPANS, max_size=6), min_size=1, max_size=6))
def test_any_spans_against_a_set(each_database: str, batches: list[list[tuple[str, int, int]]]) -> None:
    numbers: set[tuple[str, int]] = set()
    with connect(each_database) as connection:
        connection.execute("truncate sequence")
        for batch in batches:
            spans = [span(device, first, first + length) for device, first, length in batch]
            write_spans(connection, spans)
            numbers |= {(item.device, number) for item in spans for number in range(item.first, item.last + 1)}
    assert runs(each_database) == expected(numbers)


@pytest.fixture
def writers(database: str) -> Iterator[list[Writer]]:
    found = [Writer(database), Writer(database)]
    yield found
    for writer in found:
        writer.close()


def test_two_collectors_of_one_device(writers: list[Writer], database: str) -> None:
    """With a shared subscription each gets every other message: at the end the run is whole."""

    def run(number: int) -> None:
        for turn in range(20):
            spans = [span(f"d{device}", at, at) for device in range(30) for at in (2 * turn + number,)]
            writers[number].write(make([], number=turn, collector=f"c{number}", sequences=spans, counts={}))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(database) == sorted((f"d{device}", 0, 39) for device in range(30))


def test_a_number_that_no_counter_reaches_does_not_stop_the_batch(writers: list[Writer], database: str) -> None:
    spans = [span("a", 5, 6), SequenceSpan("b", 2**70, 2**70, T0, T0), SequenceSpan("c", 2**63 - 1, 2**63 - 1, T0, T0)]
    writers[0].write(make([], sequences=spans, counts={}))
    assert runs(database) == [("a", 5, 6)]
