"""Readings as arrays: whole series travel, one database row each, never rows of readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int32, Int64
from store.connect import Connection
from store.copy import Instants, Int4s, float8s, instants, int4s
from store.queries import queries
from store.times import instant

_SQL = queries("arrays")
_BLOCK = 32 * 1024 * 1024

Ids = Sequence[int] | NDArray[np.integer[Any]]


class SeriesBlock(NamedTuple):
    """Some of the series asked for.

    ``places``: ``(series,)``, their indices in the question, rising; ``offsets``: ``(series + 1,)``; ``times`` [us
    since the Unix epoch] and ``values``: ``(readings,)``; series ``places[i]`` has ``offsets[i]:offsets[i + 1]``, in
    the order of time.
    """

    places: Int64
    offsets: Int64
    times: Int64
    values: Float64


class Readings(NamedTuple):
    """All series asked for: ``offsets`` ``(series + 1,)``, ``times`` [us since the Unix epoch] and ``values``.

    Series ``i`` of the question has ``times[offsets[i]:offsets[i + 1]]``, in the order of time.
    """

    offsets: Int64
    times: Int64
    values: Float64


def stream_series(
    connection: Connection, series_ids: Ids, start: int, end: int, block_bytes: int = _BLOCK
) -> Iterator[SeriesBlock]:
    """Read series block by block, so that memory stays near ``block_bytes`` and one series whatever is asked for.

    ``start`` (included) and ``end`` (not) [us since the Unix epoch]. A series without readings is in no block. The
    query runs until the last block is taken or the generator is closed. Raises psycopg.Error.
    """
    ids = np.asarray(series_ids, np.int32)
    if not len(ids):
        return
    places: list[int] = []
    times: list[bytes] = []
    values: list[bytes] = []
    size = 0
    with connection.cursor(binary=True) as cursor:
        for place, time, value in cursor.stream(_SQL["series"], (Int4s(ids), instant(start), instant(end))):
            places.append(place)
            times.append(time)
            values.append(value)
            size += len(time) + len(value)
            if size >= block_bytes:
                yield block_of(places, times, values)
                places, times, values, size = [], [], [], 0
    if places:
        yield block_of(places, times, values)


def read_series(connection: Connection, series_ids: Ids, start: int, end: int) -> Readings:
    """Read whole series; ``start`` (included) and ``end`` (not) [us since the Unix epoch]. Raises psycopg.Error."""
    counts = np.zeros(len(series_ids), np.int64)
    times, values = [np.empty(0, np.int64)], [np.empty(0)]
    for block in stream_series(connection, series_ids, start, end):
        counts[block.places] = np.diff(block.offsets)
        times.append(block.times)
        values.append(block.values)
    return Readings(_offsets(counts), np.concatenate(times), np.concatenate(values))


def read_matrix(connection: Connection, series_ids: Ids, start: int, end: int, step: int) -> Float64:
    """Read series as a matrix ``(series, time)``: cell k holds the reading in [start + k step, start + (k + 1) step).

    ``start``, ``end`` [us since the Unix epoch], ``step`` [us]. The last reading wins where a cell has several; NaN
    where it has none. The last cell ends at ``end`` even where that makes it shorter. Raises psycopg.Error;
    ValueError for an empty range or step.
    """
    if step <= 0 or end <= start:
        raise ValueError(f"no cells from {start} to {end} in steps of {step} us")
    matrix = np.full((len(series_ids), -(-(end - start) // step)), np.nan)
    for block in stream_series(connection, series_ids, start, end):
        row = np.repeat(block.places, np.diff(block.offsets))
        matrix[row, (block.times - start) // step] = block.values
    return matrix


def values_at(connection: Connection, series: Int32, time: Int64) -> tuple[Int32, Float64]:
    """Readings of single keys: the places of those that are stored, in no order, and their values.

    ``series``, ``time`` [us since the Unix epoch]: ``(keys,)``, at least one. Raises psycopg.Error.
    """
    keys = (Int4s(np.arange(len(series))), Int4s(series), Instants(time))
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["at"], (*keys, instant(time.min()), instant(time.max()))).fetchone()
    assert row is not None
    return int4s(row[0]), float8s(row[1])


def _offsets(counts: Int64) -> Int64:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def block_of(places: Sequence[int], times: Sequence[bytes], values: Sequence[bytes]) -> SeriesBlock:
    """A block of what the database sent: of each series its times and its values as bytes; times are put in order."""
    counts = np.array([len(part) // 8 for part in times])
    offsets = _offsets(counts)
    time, value = instants(b"".join(times)), float8s(b"".join(values))
    rises = time[1:] > time[:-1]
    rises[offsets[1:-1] - 1] = True
    if not rises.all():
        order = np.lexsort((time, np.repeat(np.arange(len(places)), counts)))
        time, value = time[order], value[order]
    return SeriesBlock(np.array(places, np.int64), offsets, time, value)
