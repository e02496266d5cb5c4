"""A truth as a Parquet file beside a ledger: rows of several kinds in one table, told apart by the column ``what``.

The same truth gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulators import parquet

INSTANT = pa.timestamp("us", tz="UTC")
#: An instant that there is none of, in arrays [us]; null in the file.
NONE = -1
_GROUP_READ, _GROUP_BYTES = 1 << 21, 512 << 20


class TruthError(ValueError):
    """A file is no truth of its kind. The text names the file and what is wrong."""


def part(schema: pa.Schema, what: str, of: Sequence[str], **columns: Any) -> pa.Table:
    """Rows of one kind; ``of``: the second column. A whole number stands in every row, what is not given is null."""
    count, (first, second) = len(of), schema.names[:2]
    known = {first: what, second: list(of), **columns}
    arrays = []
    for field in schema:
        given = known.get(field.name)
        if given is None:
            arrays.append(pa.nulls(count, field.type))
        elif field.type == INSTANT:
            moments = np.asarray(given, np.int64)
            arrays.append(pa.array(moments, mask=moments == NONE).cast(INSTANT))
        else:
            arrays.append(pa.array([given] * count if isinstance(given, int | str) else list(given), field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def write(path: Path, parts: Sequence[pa.Table]) -> None:
    """Write a truth, so that a kill leaves the old or the new one. Raises OSError."""
    whole = path.with_name(path.name + ".part")
    pq.write_table(pa.concat_tables(parts), whole, compression="zstd", compression_level=3)
    whole.replace(path)


def read(path: Path, schema: pa.Schema) -> pa.Table:
    """The rows of a truth; nothing large is unpacked. Raises TruthError."""
    try:
        parquet.check_footer(path)
        if not pq.read_schema(path).equals(schema):
            raise TruthError(f"truth {path}: has not the columns {', '.join(schema.names)}")
        parquet.check(path, schema.names, group_rows=_GROUP_READ, group_bytes=_GROUP_BYTES)
        return pq.read_table(path, partitioning=None)
    except (OSError, parquet.TooLarge) as error:
        raise TruthError(f"truth {path}: {error}") from None
    except pa.ArrowException as error:
        raise TruthError(f"truth {path}: is no whole Parquet file ({str(error).splitlines()[0]})") from None
