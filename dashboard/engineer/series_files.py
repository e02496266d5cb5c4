"""Readings of a series to keep: CSV and Parquet, made block by block while they are taken.

A file that was broken off can be told: a CSV ends with a line that says that it is complete and how many readings it
has, a Parquet file without its end is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.pipeline.decimation import Float64, Int64
from analytics.tables.parquet import Drained
from store import open_series
from store.connect import Connection
from store.open_series import OpenSeries

#: Readings of a block: some ten milliseconds of work, and a row group.
BLOCK = 65_536
CSV_COLUMNS = ("time", "value", "changed")
_SCHEMA = (("time", pa.timestamp("us", "UTC")), ("value", pa.float64()), ("changed", pa.bool_()))

#: Gives a connection for one block.
Connections = Callable[[], AbstractContextManager[Connection]]


class Closed(RuntimeError):
    """The series is open no more: the file is broken off."""


class Block(NamedTuple):
    """Readings: ``times`` [us], ``values``, and whether each was ``changed`` after it was stored. ``(readings,)``."""

    times: Int64
    values: Float64
    changed: np.typing.NDArray[np.bool_]


def blocks(connections: Connections, series: OpenSeries, start: int, end: int) -> Iterator[Block]:
    """The readings from ``start`` to ``end`` (not included) [us], each block with a connection of its own.

    Raises Closed, psycopg.Error.
    """
    while start < end:
        with connections() as connection:
            if open_series.get(connection, series.device, series.property) is None:
                raise Closed(f"a series of the family {series.family} is open no more")
            times, values = open_series.block(connection, series.id, start, end, BLOCK)
            if not len(times):
                return
            changed = open_series.changed(connection, series.id, int(times[0]), int(times[-1]))
        yield Block(times, values, np.isin(times, changed))
        if len(times) < BLOCK:
            return
        start = int(times[-1]) + 1


def csv_pieces(found: Iterator[Block]) -> Iterator[bytes]:
    """Time (UTC), value, and whether it was changed; the last line says that this was all."""
    yield (",".join(CSV_COLUMNS) + "\r\n").encode()
    readings = 0
    for times, values, changed in found:
        readings += len(times)
        said = np.datetime_as_string(times.astype("M8[us]"), timezone="UTC").tolist()
        rows = zip(said, values.tolist(), changed.tolist(), strict=True)
        yield "".join(f"{time},{value!r},{'yes' if late else ''}\r\n" for time, value, late in rows).encode()
    yield f"# complete, readings: {readings}\r\n".encode()


def parquet_pieces(found: Iterator[Block], series: OpenSeries) -> Iterator[bytes]:
    """The same as Parquet: a row group a block, times as microseconds in UTC."""
    said = {"device": series.device, "property": series.property, "unit": series.unit or "", "family": series.family}
    schema = pa.schema(_SCHEMA, metadata=said)
    sink = Drained()
    with pq.ParquetWriter(sink, schema, compression="snappy") as writer:
        for times, values, changed in found:
            writer.write_table(pa.table([pa.array(times, _SCHEMA[0][1]), values, changed], schema=schema))
            yield sink.take()
    yield sink.take()
