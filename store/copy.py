"""NumPy to and from PostgreSQL's binary words: COPY blocks, array parameters, aggregated bytes.

Instants are int64 microseconds since the Unix epoch on our side and since 2000-01-01 on PostgreSQL's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from store.batch import Float64, Int32, Int64
from store.queries import queries

_SQL = queries("copy")

#: 2000-01-01T00:00:00Z, PostgreSQL's epoch [us since the Unix epoch].
EPOCH_2000 = 946_684_800_000_000

_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_END = b"\xff\xff"

# Every field is preceded by its length, every row by its number of fields; fixed widths make the block an array.
_READING = np.dtype(
    [
        ("fields", ">i2"),
        ("series_width", ">i4"),
        ("series", ">i4"),
        ("time_width", ">i4"),
        ("time", ">i8"),
        ("value_width", ">i4"),
        ("value", ">f8"),
    ]
)
_STAGED = np.dtype([*_READING.descr, ("row_width", ">i4"), ("row", ">i4")])


def reading_block(series: Int32, time: Int64, value: Float64) -> NDArray[np.void]:
    """Rows (series_id, time, value) as one block of binary COPY, without header and end. Shapes: (rows,)."""
    block = np.empty(len(series), _READING)
    block["fields"] = 3
    _fill(block, series, time, value)
    return block


def staged_block(series: Int32, time: Int64, value: Float64, row: Int32) -> NDArray[np.void]:
    """Rows (series_id, time, value, row) as one block of binary COPY, without header and end. Shapes: (rows,)."""
    block = np.empty(len(series), _STAGED)
    block["fields"] = 4
    _fill(block, series, time, value)
    block["row_width"], block["row"] = 4, row
    return block


def copy_readings(connection: psycopg.Connection[Any], series: Int32, time: Int64, value: Float64) -> None:
    """Write readings straight into the table inside the running transaction. Shapes: (rows,).

    The quickest way, for rows that are sorted by (series, time) and new. Raises psycopg.errors.UniqueViolation, and
    the transaction is lost, where one is not; psycopg.Error.
    """
    copy_block(connection, _SQL["readings"], reading_block(series, time, value))


def copy_block(connection: psycopg.Connection[Any], statement: bytes, block: NDArray[np.void]) -> None:
    """Run a ``copy … from stdin (format binary)`` with one block of rows. Raises psycopg.Error."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_COPY_HEADER)
        copy.write(block.tobytes())
        copy.write(_COPY_END)


def _fill(block: NDArray[np.void], series: Int32, time: Int64, value: Float64) -> None:
    block["series_width"], block["series"] = 4, series
    block["time_width"], block["time"] = 8, time - EPOCH_2000
    block["value_width"], block["value"] = 8, value


class ArrayParameter:
    """A one-dimensional array as a query parameter, sent as one binary block. Use one of the subclasses."""

    __slots__ = ("values",)

    def __init__(self, values: NDArray[Any] | Iterable[int] | Iterable[float]) -> None:
        self.values = values if isinstance(values, np.ndarray) else np.array(list(values))


class Int4s(ArrayParameter):
    """``int4[]``."""

    __slots__ = ()


class Int8s(ArrayParameter):
    """``int8[]``."""

    __slots__ = ()


class Float8s(ArrayParameter):
    """``float8[]``."""

    __slots__ = ()


class Instants(ArrayParameter):
    """``timestamptz[]`` from int64 microseconds since the Unix epoch."""

    __slots__ = ()


class _ArrayDumper(Dumper):
    format = Format.BINARY
    element: ClassVar[int]
    dtype: ClassVar[np.dtype[Any]]
    shift: ClassVar[int] = 0

    def dump(self, obj: ArrayParameter) -> Buffer:
        size = len(obj.values)
        if size == 0:
            return struct.pack("!iii", 0, 0, self.element)
        block = np.empty(size, np.dtype([("width", ">i4"), ("value", self.dtype)]))
        block["width"] = self.dtype.itemsize
        block["value"] = obj.values - self.shift if self.shift else obj.values
        # one dimension, no nulls, element type, length, first index
        return struct.pack("!iiiii", 1, 0, self.element, size, 1) + block.tobytes()


def _dumper(name: str, array: str, element: str, dtype: str, shift: int = 0) -> type[_ArrayDumper]:
    types = psycopg.adapters.types
    members = {
        "oid": types[element].array_oid,
        "element": types[element].oid,
        "dtype": np.dtype(dtype),
        "shift": shift,
        "__doc__": f"Sends {array} in binary.",
    }
    return type(name, (_ArrayDumper,), members)


#: The parameters and what sends each.
_DUMPERS = (
    (Int4s, _dumper("Int4sDumper", "int4[]", "int4", ">i4")),
    (Int8s, _dumper("Int8sDumper", "int8[]", "int8", ">i8")),
    (Float8s, _dumper("Float8sDumper", "float8[]", "float8", ">f8")),
    (Instants, _dumper("InstantsDumper", "timestamptz[]", "timestamptz", ">i8", EPOCH_2000)),
)


def register(connection: psycopg.Connection[Any]) -> None:
    """Have a connection take our parameters: once, when it is opened.

    Not for the whole process: psycopg finds a dumper also by the number of its PostgreSQL type, and the arrays of a
    connection that is not ours would go to ours.
    """
    for parameter, dumper in _DUMPERS:
        connection.adapters.register_dumper(parameter, dumper)


def int4s(data: Buffer) -> Int32:
    """Decode ``string_agg(int4send(…), '')``."""
    return np.frombuffer(data, ">i4").astype(np.int32)


def float8s(data: Buffer) -> Float64:
    """Decode ``string_agg(float8send(…), '')``."""
    return np.frombuffer(data, ">f8").astype(np.float64)


def instants(data: Buffer) -> Int64:
    """Decode ``string_agg(timestamptz_send(…), '')`` to microseconds since the Unix epoch."""
    return np.frombuffer(data, ">i8").astype(np.int64) + EPOCH_2000


def text(value: str) -> str:
    """``value`` as PostgreSQL can hold it: what a topic or an error text may contain and it cannot is replaced."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
