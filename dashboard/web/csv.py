"""CSV as an answer: written in blocks while the rows come, guarded for spreadsheets (`devices.csv_table`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fastapi import Response

from dashboard.web.site import Site
from dashboard.web.streams import Stream
from devices.csv_table import CsvTable, Row

__all__ = ["Row", "csv_blocks", "csv_file"]

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


def csv_file(site: Site, name: str, head: Sequence[str], rows: Iterable[Row]) -> Response:
    """A table to keep, ``name`` without its ending, from a route of the lane."""
    return Stream(
        site.lane,
        csv_blocks(head, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )
