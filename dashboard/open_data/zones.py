"""How parking zones were used, by quarter hour: CSV for anybody, without bays of households."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dashboard.open_data.making import Exports, File
from dashboard.open_data.spans import From, To, days_of
from dashboard.web.site import Site
from dashboard.web.values import Text
from dashboard.web.visitor import Anybody
from devices.csv_table import CsvTable
from store import open_data
from store.connect import Connection
from store.parking import ZoneDay
from store.times import instant, midnight

COLUMNS = (
    "zone", "start", "bays", "occupied_seconds", "free_seconds", "suspended_seconds", "unknown_seconds", "arrivals",
)  # fmt: skip
_QUARTER = 900_000_000
#: Local days of a zone that go out together.
_TOGETHER = 100

Zones = Annotated[list[Text] | None, Query(alias="zone", max_length=200, description="Only these zones")]


def add(routes: APIRouter, site: Site, exports: Exports) -> None:
    """Add the route."""

    @routes.get("/open-data/exports/zones.csv")
    @site.lane.steps
    async def zones_csv(
        request: Request, visitor: Anybody, zones: Zones = None, begin: From = None, end: To = None
    ) -> Response:
        """Bay-seconds of each quarter hour of a zone, by state, and how many cars arrived."""
        first, last = days_of(begin, end, site.today())

        def begun(connection: Connection) -> Iterator[bytes]:
            found = open_data.zone_days(connection, first, last + timedelta(days=1), origin=exports.origin, zones=zones)
            return _pieces(site, found)

        file = File("zones", "csv", "text/csv; charset=utf-8", "/open-data/exports/zones.csv-metadata.json")
        return await exports.answer(request, visitor, file, begun, (first, last))


def _pieces(site: Site, days: Iterator[ZoneDay]) -> Iterator[bytes]:
    # names of zones are people's: guarded for spreadsheets, as in the yearly return
    table = CsvTable()
    table.add(COLUMNS)
    for number, one in enumerate(days, 1):
        start = midnight(one.day, site.zone)
        for place, (quarter, arrived) in enumerate(zip(one.quarters.tolist(), one.arrivals.tolist(), strict=True)):
            begun = instant(start + place * _QUARTER).isoformat().replace("+00:00", "Z")
            table.add((one.zone, begun, one.bays, *quarter, arrived))
        if number % _TOGETHER == 0:
            yield table.take().encode()
    yield table.take().encode()
