"""The ledger: a Parquet file of what was sent, when, with which fault, and what should become of it.

One row a reading. The same rows give the same bytes: no clock and no machine goes into the file.

======================  ====================  ========================================================================
column                  type                  meaning
======================  ====================  ========================================================================
message                 int64                 number of the message in this ledger, from 0; readings sent together
                                              share it
family                  string
device                  string
property                string
time                    timestamp[us, UTC]    as the device says it; null where the message has no time of its own
value                   double                as the device says it, in the unit that it says
due                     timestamp[us, UTC]    when it is to be sent, on the simulation's or the recording's clock
published               timestamp[us, UTC]    when it went to the broker; null in a dry run, and where it never goes
fault                   string                "" is none; "stuck+duplicate" where two meet
expect                  string                one of `simulators.stream.EXPECTATIONS`
reason                  string                why it should be rejected (`devices.decoding.Reason`), else ""
stored_time             timestamp[us, UTC]    what the table should hold for a stored or duplicate row, else null
stored_value            double                the same for its value, in the property's unit
tolerance               int64                 how far the stored time may be from ``stored_time`` [us]; 0 where the
                                              time is the message's own
======================  ====================  ========================================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulators import parquet
from simulators.stream import EXPECTATIONS, Float64, Int32, Int64, Stream, UInt8

#: In the columns of instants: there is none.
NO_TIME: int = int(np.iinfo(np.int64).min)

#: Rows of one row group, whatever the appends were.
GROUP = 1 << 18
#: Rows of a row group that is read, and what it becomes when it is unpacked [bytes].
_GROUP_READ, _GROUP_BYTES = 1 << 20, 256 << 20

_INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("message", pa.int64()),
        ("family", pa.string()),
        ("device", pa.string()),
        ("property", pa.string()),
        ("time", _INSTANT),
        ("value", pa.float64()),
        ("due", _INSTANT),
        ("published", _INSTANT),
        ("fault", pa.string()),
        ("expect", pa.string()),
        ("reason", pa.string()),
        ("stored_time", _INSTANT),
        ("stored_value", pa.float64()),
        ("tolerance", pa.int64()),
    ]
)
_NAMES = ("family", "device", "property", "fault", "reason")
#: Largest number of a message, and tolerance [us].
_MOST = 1 << 40
#: Columns that say something by being empty.
_NULLABLE = ("time", "value", "published", "stored_time", "stored_value")
_INSTANTS = ("time", "due", "published", "stored_time")


class LedgerError(ValueError):
    """A file is no ledger. The text names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a ledger as columns, shapes ``(rows,)``; instants [us since the Unix epoch] or ``NO_TIME``.

    ``family`` indexes ``families`` and so on; ``expect`` indexes EXPECTATIONS. ``stored_value`` is NaN and
    ``stored_time`` ``NO_TIME`` where nothing is to be stored.
    """

    families: Sequence[str]
    devices: Sequence[str]
    properties: Sequence[str]
    faults: Sequence[str]
    reasons: Sequence[str]
    message: Int64
    family: Int32
    device: Int32
    property: Int32
    time: Int64
    value: Float64
    due: Int64
    published: Int64
    fault: Int32
    expect: UInt8
    reason: Int32
    stored_time: Int64
    stored_value: Float64
    tolerance: Int64

    def __len__(self) -> int:
        return len(self.message)

    def take(self, which: NDArray[Any]) -> Rows:
        """The rows of an index or a mask."""
        return replace(self, **{name: getattr(self, name)[which] for name in _ARRAYS})


_ARRAYS = [item.name for item in fields(Rows)][5:]


def from_stream(stream: Stream, *, first_message: int = 0, published: Int64 | None = None, tolerance: int = 0) -> Rows:
    """The ledger's rows of a stream. ``published``: ``(rows,)`` [us] or ``NO_TIME``; None is a dry run.

    ``tolerance`` [us] goes to the rows of a stream without times of its own, and to no other.
    """
    count = len(stream.message)
    nothing = np.full(count, NO_TIME, np.int64)
    holds = stream.expect <= EXPECTATIONS.index("duplicate")
    return Rows(
        families=(stream.family,),
        devices=[device.id for device in stream.devices],
        properties=stream.properties,
        faults=stream.faults,
        reasons=stream.reasons,
        message=stream.message + first_message,
        family=np.zeros(count, np.int32),
        device=stream.device.astype(np.int32),
        property=stream.property.astype(np.int32),
        time=stream.time if stream.sent_time else nothing,
        value=stream.value,
        due=stream.due,
        published=nothing if published is None else published,
        fault=stream.fault.astype(np.int32),
        expect=stream.expect,
        reason=stream.reason.astype(np.int32),
        stored_time=np.where(holds, stream.stored_time, NO_TIME),
        stored_value=np.where(holds, stream.stored_value, np.nan),
        tolerance=np.full(count, 0 if stream.sent_time else tolerance, np.int64),
    )


class LedgerWriter:
    """Writes a ledger, row group by row group; holds at most one of them and one append.

    Use as a context manager. The file gets its name when all of it is written: until then it is ``<name>.part``, which
    is removed where an error ends the block. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        # a constant codec and level, no dictionary of our own making: the same rows, the same bytes
        self._writer = pq.ParquetWriter(self._part, SCHEMA, compression="zstd", compression_level=3)
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def append(self, rows: Rows) -> None:
        """Add rows at the end. Raises OSError."""
        if not len(rows):
            return
        self._waiting.append(_table(rows))
        self._rows += len(rows)
        if self._rows >= GROUP:
            whole = pa.concat_tables(self._waiting)
            cut = self._rows // GROUP * GROUP
            self._writer.write_table(whole.slice(0, cut), row_group_size=GROUP)
            self._rows -= cut
            self._waiting = [whole.slice(cut)]

    def close(self) -> None:
        """Write what is left and give the file its name. Raises OSError."""
        if self._rows:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=GROUP)
        self._writer.close()
        self._part.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        self._writer.close()
        self._part.unlink(missing_ok=True)


def read(paths: Iterable[Path]) -> Iterator[Rows]:
    """The rows of ledgers, row group by row group, in their order. Raises LedgerError."""
    for path in paths:
        try:
            parquet.check_footer(path)
            _check(path, pq.read_schema(path))
            parquet.check(path, SCHEMA.names, group_rows=_GROUP_READ, group_bytes=_GROUP_BYTES)
            with pq.ParquetFile(path, read_dictionary=[*_NAMES, "expect"]) as file:
                for group in range(file.num_row_groups):
                    yield _rows(path, file.read_row_group(group))
        except OSError as error:
            raise LedgerError(f"ledger {path}: {_why(error)}") from None
        except parquet.TooLarge as error:
            raise LedgerError(f"ledger {path}: {error}") from None
        except pa.ArrowException as error:
            raise LedgerError(f"ledger {path}: is no whole Parquet file ({str(error).splitlines()[0]})") from None


def is_ledger(path: Path) -> bool:
    """Whether a file is a ledger by its columns."""
    try:
        parquet.check_footer(path)
        _check(path, pq.read_schema(path))
    except (OSError, pa.ArrowException, parquet.TooLarge, LedgerError):
        return False
    return True


def count(paths: Iterable[Path]) -> int:
    """How many rows the ledgers have together. Raises LedgerError."""
    total = 0
    for path in paths:
        try:
            total += pq.read_metadata(path).num_rows
        except OSError as error:
            raise LedgerError(f"ledger {path}: {_why(error)}") from None
        except pa.ArrowInvalid as error:
            raise LedgerError(f"ledger {path}: is no whole Parquet file ({str(error).splitlines()[0]})") from None
    return total


def _why(error: OSError) -> str:
    """The system's words for an error; Arrow puts its own around them."""
    return os.strerror(error.errno) if error.errno else str(error).splitlines()[0]


def _check(path: Path, schema: pa.Schema) -> None:
    for field in SCHEMA:
        place = schema.get_field_index(field.name)
        if place < 0:
            raise LedgerError(f"ledger {path}: has no column {field.name}")
        kind = schema.field(place).type
        if kind != field.type:
            raise LedgerError(f"ledger {path}: column {field.name} is {kind}, not {field.type}")


def _table(rows: Rows) -> pa.Table:
    columns: dict[str, Any] = {}
    for field in SCHEMA:
        name = field.name
        column = getattr(rows, name)
        if name in _NAMES or name == "expect":
            names = EXPECTATIONS if name == "expect" else getattr(rows, _plural(name))
            columns[name] = pa.array(list(names), pa.string()).take(pa.array(column))
        elif name in _INSTANTS:
            columns[name] = pa.array(column, mask=column == NO_TIME).cast(_INSTANT)
        elif name == "stored_value":
            columns[name] = pa.array(column, mask=rows.stored_time == NO_TIME)
        else:
            columns[name] = pa.array(column)
    return pa.table(columns, schema=SCHEMA)


def _rows(path: Path, table: pa.Table) -> Rows:
    columns: dict[str, Any] = {}
    for name in SCHEMA.names:
        if name not in _NULLABLE and table.column(name).null_count:
            raise LedgerError(f"ledger {path}: column {name} has rows without a value")
        array = table.column(name).combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # an empty column has no chunk to combine
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
        if name in _NAMES or name == "expect":
            names = array.dictionary.to_pylist()
            codes = array.indices.to_numpy(zero_copy_only=False)
            if name == "expect":
                unknown = set(names) - set(EXPECTATIONS)
                if unknown:
                    raise LedgerError(f"ledger {path}: column expect holds {min(unknown)!r}")
                columns[name] = np.array([EXPECTATIONS.index(word) for word in names], np.uint8)[codes]
            else:
                columns[_plural(name)] = names
                columns[name] = codes.astype(np.int32)
        elif name in _INSTANTS:
            columns[name] = array.cast(pa.int64()).fill_null(NO_TIME).to_numpy(zero_copy_only=False)
        elif name in ("value", "stored_value"):
            columns[name] = array.fill_null(np.nan).to_numpy(zero_copy_only=False)
        else:
            columns[name] = array.to_numpy(zero_copy_only=False)
    for name, highest in (("message", _MOST), ("tolerance", _MOST)):
        numbers = columns[name]
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() <= highest):
            raise LedgerError(f"ledger {path}: column {name} holds a number that is not from 0 to {highest}")
    return Rows(**columns)


def _plural(name: str) -> str:
    return {"family": "families", "property": "properties"}.get(name, f"{name}s")
