"""Tables of the operations as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi import Response

from dashboard.web.csv import Row, csv_blocks
from dashboard.web.site import Site
from dashboard.web.streams import Stream


def csv_file(site: Site, name: str, head: Sequence[str], rows: Iterable[Row]) -> Response:
    """A table to keep, from a route of the lane."""
    return Stream(
        site.lane,
        csv_blocks(head, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="parking-{name}.csv"', "Cache-Control": "no-store"},
    )
