"""Readings as Parquet, piece by piece: a file without its end is none, so nobody takes a part for the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from store.arrays import SeriesBlock
from store.open_data import OpenSeries

#: Columns as in the CSV. Names are text and no categories: readers would make of those what they like.
_SCHEMA = (
    ("series", pa.int32()),
    ("device", pa.string()),
    ("property", pa.string()),
    ("time", pa.timestamp("us", "UTC")),
    ("value", pa.float64()),
)
#: Readings of a row group: blocks are gathered until they have so many.
_GROUP = 131_072


def parquet_blocks(
    series: Sequence[OpenSeries], blocks: Iterable[SeriesBlock], *, metadata: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """A Parquet file in pieces; ``blocks`` as `store.open_data.readings` gives them.

    Columns: ``series`` (int32), ``device`` and ``property`` (text), ``time`` (microseconds in UTC), ``value`` (double,
    null where it is not known). ``metadata`` becomes the file's key-value metadata, text.
    """
    written = pa.schema([(name, _coded(kind)) for name, kind in _SCHEMA])
    devices, properties = (
        pa.array([one.device for one in series], pa.string()), pa.array([one.property for one in series], pa.string())
    )  # fmt: skip
    ids = np.array([one.id for one in series], np.int32)
    sink = Drained()
    with pq.ParquetWriter(
        sink,
        written,
        compression="zstd",
        compression_level=1,
        use_dictionary=["series", "device", "property", "value"],
        # Arrow's own copy of the schema would make categories of the names for who reads with Arrow
        store_schema=False,
    ) as writer:
        writer.add_key_value_metadata(dict(metadata or {}))
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for block in blocks:
            place = np.repeat(block.places.astype(np.int32), np.diff(block.offsets))
            columns = [
                pa.array(ids[place]),
                pa.DictionaryArray.from_arrays(pa.array(place), devices),
                pa.DictionaryArray.from_arrays(pa.array(place), properties),
                pa.array(block.times, pa.timestamp("us", "UTC")),
                pa.array(block.values, pa.float64(), from_pandas=True),
            ]
            waiting.append(pa.record_batch(columns, schema=written))
            rows += len(place)
            if rows >= _GROUP:
                writer.write_table(pa.Table.from_batches(waiting), rows)
                waiting, rows = [], 0
                yield sink.take()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), rows)
    yield sink.take()


def _coded(kind: pa.DataType) -> pa.DataType:
    return pa.dictionary(pa.int32(), kind) if kind == pa.string() else kind


class Drained:
    """A file that is only written to, and from which what was written is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0
        self.closed = False

    def take(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)

    def write(self, data: bytes | memoryview) -> int:
        """As of files."""
        self._parts.append(bytes(data))
        self._at += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        """As of files."""
        return self._at

    def flush(self) -> None:
        """As of files: nothing is held back."""

    def close(self) -> None:
        """As of files."""
        self.closed = True

    def writable(self) -> bool:
        """As of files."""
        return True

    def readable(self) -> bool:
        """As of files."""
        return False

    def seekable(self) -> bool:
        """As of files."""
        return False
