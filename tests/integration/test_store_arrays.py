"""Arrays against a plain SELECT."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import psycopg
import pytest

from store import arrays
from store.connect import connect
from store.copy import Int8s, copy_readings
from tests.tools.batches import DAY, HALF_HOUR, T0

SERIES = 40


@pytest.fixture
def filled(each_database: str) -> str:
    """Series of very different lengths, with gaps, over several chunks, loaded out of order; 1 to 3 have none."""
    random = np.random.default_rng(20260201)
    with connect(each_database) as connection:
        for part in range(3):
            rows = []
            for series in range(4, SERIES):
                steps = random.choice(np.arange(part, 1200, 3), int(random.integers(0, 300)), replace=False)
                rows += [(series, T0 + int(step) * HALF_HOUR + series, random.normal()) for step in np.sort(steps)]
            columns = [np.array(column) for column in zip(*rows, strict=True)]
            copy_readings(connection, *columns)
    return each_database


Select = Callable[[int, int, int], list[tuple[int, float]]]


@pytest.fixture
def select(filled: str) -> Select:
    def rows(series: int, start: int, end: int) -> list[tuple[int, float]]:
        with psycopg.connect(filled) as connection:
            return connection.execute(
                "select (extract(epoch from time) * 1000000)::int8 as us, value from reading"
                " where series_id = %s and extract(epoch from time) * 1000000 >= %s"
                " and extract(epoch from time) * 1000000 < %s order by time",
                (series, start, end),
            ).fetchall()

    return rows


RANGES = [(T0, T0 + 30 * DAY), (T0 + 5 * DAY + 7, T0 + 6 * DAY), (T0 - 9 * DAY, T0), (T0 + 4, T0 + 5)]


@pytest.mark.parametrize(("start", "end"), RANGES)
def test_series_equal_a_select(filled: str, select: Select, start: int, end: int) -> None:
    ids = [7, 1, 39, 4, 7, 12345]  # not in order, one twice, one unknown
    with connect(filled) as connection:
        found = arrays.read_series(connection, ids, start, end)
    assert found.offsets.dtype == found.times.dtype == np.int64
    assert len(found.offsets) == len(ids) + 1
    for place, series in enumerate(ids):
        part = slice(found.offsets[place], found.offsets[place + 1])
        assert list(zip(found.times[part], found.values[part], strict=True)) == select(series, start, end)


@pytest.mark.parametrize("step", [HALF_HOUR, DAY, 3 * HALF_HOUR + 1])
def test_a_matrix_equals_a_loop(filled: str, select: Select, step: int) -> None:
    start, end = T0 + DAY, T0 + 12 * DAY + 5
    ids = np.arange(SERIES, dtype=np.int32)[::-1]
    with connect(filled) as connection:
        matrix = arrays.read_matrix(connection, ids, start, end, step)
    expected = np.full((SERIES, math.ceil((end - start) / step)), np.nan)
    for row, series in enumerate(ids):
        for time, value in select(int(series), start, end):
            expected[row, (time - start) // step] = value
    np.testing.assert_array_equal(matrix, expected)
    assert 0 < np.isnan(matrix).sum() < matrix.size


def test_blocks_are_bounded(filled: str) -> None:
    """Memory does not follow the question: a block ends with the series that fills it."""
    with connect(filled) as connection:
        whole = arrays.read_series(connection, range(SERIES), T0, T0 + 30 * DAY)
        longest = int(np.diff(whole.offsets).max())
        blocks = list(arrays.stream_series(connection, range(SERIES), T0, T0 + 30 * DAY, block_bytes=16 * 500))
    assert len(blocks) > 5
    assert max(len(block.values) for block in blocks) < 500 + longest
    np.testing.assert_array_equal(np.concatenate([block.values for block in blocks]), whole.values)
    assert (
        np.concatenate([block.places for block in blocks]).tolist() == np.flatnonzero(np.diff(whole.offsets)).tolist()
    )


def test_nothing_is_an_answer_too(database: str) -> None:
    with connect(database) as connection:
        found = arrays.read_series(connection, [], T0, T0 + DAY)
        assert (found.offsets.tolist(), found.times.tolist(), found.values.tolist()) == ([0], [], [])
        assert arrays.read_series(connection, [1, 2], T0, T0 + DAY).offsets.tolist() == [0, 0, 0]
        assert arrays.read_matrix(connection, [], T0, T0 + DAY, HALF_HOUR).shape == (0, 48)
        assert np.isnan(arrays.read_matrix(connection, [1], T0, T0 + DAY, HALF_HOUR)).all()
        with pytest.raises(ValueError, match="no cells"):
            arrays.read_matrix(connection, [1], T0, T0, HALF_HOUR)
        with pytest.raises(ValueError, match="no cells"):
            arrays.read_matrix(connection, [1], T0, T0 + 1, 0)


def test_a_connection_that_is_not_ours_sends_its_arrays_as_ever(empty_database: str) -> None:
    """Ours knows our parameters; psycopg looks dumpers up by PostgreSQL's type too, where a COPY names its types."""
    with connect(empty_database) as ours:
        assert ours.execute("select %s", (Int8s([1, 2]),)).fetchone() == ([1, 2],)
    with psycopg.connect(empty_database) as other:
        with pytest.raises(psycopg.ProgrammingError, match="cannot adapt"):
            other.execute("select %s", (Int8s([1, 2]),))
        other.rollback()
        other.execute("create temporary table given (numbers int8[])")
        with other.cursor() as cursor, cursor.copy("copy given from stdin (format binary)") as copied:
            copied.set_types(["int8[]"])
            copied.write_row(([1, 2],))
        assert other.execute("select numbers from given").fetchall() == [([1, 2],)]
