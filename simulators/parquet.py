"""What reading a Parquet file would take, told by its footer and page headers before anything is unpacked.

A page says how large it becomes, and the reader makes room for that: a file of a kilobyte may ask for gigabytes. The
footer's own sums cannot be trusted, so the headers of the pages themselves are read (Thrift's compact protocol, as
parquet-format's ``PageHeader``).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow.parquet as pq

#: Largest footer, largest header of a page [bytes].
FOOTER = 16 << 20
_HEADER = 1 << 20
#: Unpacked, of all columns that are read at the same time: the largest page and the dictionary of each [bytes].
PAGES = 64 << 20
#: A value of fixed length, at most [bytes]; a decimal has 32.
_FIXED = 256
COLUMNS = 10_000

_DICTIONARY_PAGE = 2
#: Each value is the start of the one before and some bytes: what it becomes cannot be told without unpacking it.
_DELTA_BYTE_ARRAY = 7
_BOOL, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = (1, 2), 3, 7, 8, 9, 10, 11, 12
_DEEPEST = 8


class TooLarge(ValueError):
    """A Parquet file that is refused before it is unpacked. The text says why, and what could be done."""


class _Page(NamedTuple):
    kind: int
    unpacked: int
    packed: int
    encoding: int
    header: int


def check(
    path: Path, columns: Collection[str] | None = None, *, group_rows: int | None = None, group_bytes: int | None = None
) -> None:
    """Check that a file can be read in bounded memory.

    ``columns``: those that are read (names of the schema's first level), None is all. For who reads whole row groups:
    ``group_rows``, and ``group_bytes`` [unpacked bytes]. Raises TooLarge, OSError, pyarrow.ArrowException.
    """
    check_footer(path)
    with pq.ParquetFile(path) as file, path.open("rb") as raw:
        meta, names = file.metadata, set(file.schema_arrow.names)
        chosen = []
        for number in range(meta.num_columns):
            column = meta.schema.column(number)
            if columns is None or _first_level(column.path, names) in columns:
                _check_column(column, nested=column.path not in names)
                chosen.append((number, column.path))
        if len(chosen) > COLUMNS:
            raise TooLarge(f"has {len(chosen)} columns; {COLUMNS} are read at most")
        for at in range(meta.num_row_groups):
            group = meta.row_group(at)
            if group_rows is not None and group.num_rows > group_rows:
                raise TooLarge(f"row group {at} has {group.num_rows} rows; {group_rows} are read at most")
            largest = total = 0
            for number, name in chosen:
                page, everything = _chunk(raw, group.column(number), name, at)
                largest += page
                total += everything
            if largest > PAGES:
                raise TooLarge(f"row group {at} unpacks into pages of {largest} bytes; {PAGES} are read at most")
            if group_bytes is not None and total > group_bytes:
                raise TooLarge(f"row group {at} unpacks to {total} bytes; {group_bytes} are read at most")


def check_footer(path: Path) -> None:
    """Check that the footer is not beyond what any table needs. Raises TooLarge, OSError."""
    with path.open("rb") as raw:
        size = raw.seek(0, os.SEEK_END)
        if size < 12:
            return  # no Parquet file, as the reader will say
        raw.seek(-8, os.SEEK_END)
        length = int.from_bytes(raw.read(4), "little")
    if FOOTER < length < size:
        raise TooLarge(f"has a footer of {length} bytes; {FOOTER} are read at most")


def _first_level(path: str, names: Collection[str]) -> str:
    """The column that a path is in: a name may have dots itself."""
    parts = path.split(".")
    starts = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((start for start in starts if start in names), path)


def _check_column(column: object, *, nested: bool) -> None:
    name, kind = column.path, column.physical_type  # type: ignore[attr-defined]
    if column.max_repetition_level:  # type: ignore[attr-defined]
        raise TooLarge(f"column {name} holds lists; a cell holds one value")
    if nested and kind == "BYTE_ARRAY":
        raise TooLarge(f"column {name} holds texts within a structure; they are read from columns of their own only")
    if kind == "FIXED_LEN_BYTE_ARRAY" and column.length > _FIXED:  # type: ignore[attr-defined]
        raise TooLarge(f"column {name} holds values of {column.length} bytes; {_FIXED} are read at most")  # type: ignore[attr-defined]


def _chunk(raw: BinaryIO, chunk: object, name: str, group: int) -> tuple[int, int]:
    """Largest page and dictionary together, and all pages together [bytes, unpacked]."""
    start = chunk.data_page_offset  # type: ignore[attr-defined]
    first = chunk.dictionary_page_offset  # type: ignore[attr-defined]
    if chunk.has_dictionary_page and first is not None and 0 < first < start:  # type: ignore[attr-defined]
        start = first
    largest = dictionary = total = 0
    for page in _pages(raw, start, start + chunk.total_compressed_size, name, group):  # type: ignore[attr-defined]
        if page.encoding == _DELTA_BYTE_ARRAY:
            raise TooLarge(
                f"column {name} is packed as DELTA_BYTE_ARRAY, which is not read; write it with a dictionary"
            )
        total += page.unpacked
        if page.kind == _DICTIONARY_PAGE:
            dictionary = max(dictionary, page.unpacked)
        else:
            largest = max(largest, page.unpacked)
    return largest + dictionary, total


def _pages(raw: BinaryIO, start: int, end: int, name: str, group: int) -> Iterator[_Page]:
    while start < end:
        page = _page(raw, start, end)
        if page is None or page.unpacked < 0 or page.packed < 0:
            raise TooLarge(f"column {name} in row group {group} is damaged: at byte {start} there is no page")
        yield page
        start += page.header + page.packed


def _page(raw: BinaryIO, start: int, end: int) -> _Page | None:
    """The header of the page at a place; None where there is none."""
    for length in (512, _HEADER):
        raw.seek(start)
        data = raw.read(min(length, end - start))
        try:
            fields, at = _struct(data, 0, 0)
        except IndexError:
            continue  # cut off, or none
        except ValueError:
            return None
        kind, unpacked, packed = fields.get(1), fields.get(2), fields.get(3)
        if not (isinstance(kind, int) and isinstance(unpacked, int) and isinstance(packed, int)):
            return None
        one, two = fields.get(5), fields.get(8)
        encoding = one.get(2) if isinstance(one, dict) else two.get(4) if isinstance(two, dict) else None
        return _Page(kind, unpacked, packed, encoding if isinstance(encoding, int) else -1, at)
    return None


# -- Thrift's compact protocol: of all that there may be, numbers and structures are kept ---------------------------

_Fields = dict[int, "int | dict[int, object] | None"]


def _struct(data: bytes, at: int, depth: int) -> tuple[_Fields, int]:
    """A structure's fields by number, and the place behind it. Raises IndexError (cut off), ValueError (none)."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    fields: _Fields = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        if kind in _BOOL:
            fields[number] = None
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[int | dict[int, object] | None, int]:
    if 4 <= kind <= 6:
        return _zigzag(data, at)
    if kind == _STRUCT:
        fields, at = _struct(data, at, depth + 1)
        return dict(fields), at
    if kind in (*_BOOL, _BYTE):
        return None, at + 1
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind in (_LIST, _SET):
        head = data[at]
        size, at = (head >> 4, at + 1) if head >> 4 != 15 else _varint(data, at + 1)
        for _ in range(size):
            _, at = _value(data, at, head & 15, depth + 1)
            data[at - 1]  # a list that is cut off ends here, whatever number of items it claims
        return None, at
    raise ValueError(f"no type {kind} in a page's header")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at
