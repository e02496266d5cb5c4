"""Readings as arrays: whole series travel, one database row each, never rows of readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int64
from store.connect import Connection
from store.copy import Int4s, float8s, instants
from store.queries import queries
from store.times import aware, microseconds

_SQL = queries("arrays")
_BLOCK = 32 * 1024 * 1024


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


def stream_series(
    connection: Connection,
    series_ids: Sequence[int] | NDArray[np.integer[Any]],
    start: datetime,
    end: datetime,
    block_bytes: int = _BLOCK,
) -> Iterator[SeriesBlock]:
    """Read series block by block, so that memory stays near ``block_bytes`` and one series whatever is asked for.

    ``start`` (included) and ``end`` (not) are aware instants. A series without readings is in no block. The query
    runs until the last block is taken or the generator closed. Raises psycopg.Error; ValueError for a naive instant.
    """
    bounds = (aware(start), aware(end))
    ids = np.asarray(series_ids, np.int32)
    if not len(ids):
        return
    places: list[int] = []
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    size = 0
    with connection.cursor(binary=True) as cursor:
        for place, times, values in cursor.stream(_SQL["series"], (Int4s(ids), *bounds)):
            places.append(place)
            parts[0].append(times)
            parts[1].append(values)
            size += len(times) + len(values)
            if size >= block_bytes:
                yield _block(places, *parts)
                places, parts, size = [], ([], []), 0
    if places:
        yield _block(places, *parts)


def read_series(
    connection: Connection, series_ids: Sequence[int] | NDArray[np.integer[Any]], start: datetime, end: datetime
) -> tuple[Int64, Int64, Float64]:
    """Read series as three arrays: offsets ``(series + 1,)``, times [us since the Unix epoch] and values.

    Series ``i`` of the question has ``times[offsets[i]:offsets[i + 1]]``, in the order of time. ``start`` (included)
    and ``end`` (not) are aware instants. Raises psycopg.Error; ValueError for a naive instant.
    """
    counts = np.zeros(len(series_ids), np.int64)
    times: list[Int64] = []
    values: list[Float64] = []
    for block in stream_series(connection, series_ids, start, end):
        counts[block.places] = np.diff(block.offsets)
        times.append(block.times)
        values.append(block.values)
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    if not times:
        return offsets, np.empty(0, np.int64), np.empty(0)
    return offsets, np.concatenate(times), np.concatenate(values)


def read_matrix(
    connection: Connection,
    series_ids: Sequence[int] | NDArray[np.integer[Any]],
    start: datetime,
    end: datetime,
    step: timedelta,
) -> Float64:
    """Read series as a matrix ``(series, time)``: cell k of a row is its reading in [start + k step, start + (k+1) step).

    The last reading wins where a cell has several; NaN where it has none. The last cell ends at ``end`` even where
    that is no whole step. Raises psycopg.Error; ValueError for naive instants and an empty range or step.
    """
    origin, stop, width = microseconds(start), microseconds(end), step // timedelta(microseconds=1)
    if width <= 0 or stop <= origin:
        raise ValueError(f"no cells from {start} to {end} in steps of {step}")
    matrix = np.full((len(series_ids), -(-(stop - origin) // width)), np.nan)
    for block in stream_series(connection, series_ids, start, end):
        row = np.repeat(block.places, np.diff(block.offsets))
        matrix[row, (block.times - origin) // width] = block.values
    return matrix


def _block(places: Sequence[int], times: Sequence[bytes], values: Sequence[bytes]) -> SeriesBlock:
    counts = np.array([len(part) // 8 for part in times])
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    time, value = instants(b"".join(times)), float8s(b"".join(values))
    rises = time[1:] > time[:-1]
    rises[offsets[1:-1] - 1] = True
    if not rises.all():
        order = np.lexsort((time, np.repeat(np.arange(len(places)), counts)))
        time, value = time[order], value[order]
    return SeriesBlock(np.array(places, np.int64), offsets, time, value)
