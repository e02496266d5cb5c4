"""CSV as an answer: written in blocks while the rows come, guarded for spreadsheets (`devices.csv_table`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from devices.csv_table import CsvTable, Row

__all__ = ["Row", "csv_blocks"]

#: Rows that go out together.
_BLOCK = 1_000


def csv_blocks(head: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """A table for people in blocks of rows, UTF-8; formulas are guarded."""
    table = CsvTable()
    table.add(head)
    for place, row in enumerate(rows, 1):
        table.add(row)
        if place % _BLOCK == 0:
            yield table.take().encode()
    yield table.take().encode()
