"""The energy of all homes together, by month: CSV for anybody, of what was published already and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response

from analytics.neighbours import programme
from dashboard.open_data.making import Exports, File
from dashboard.web.site import Site
from dashboard.web.visitor import Anybody
from devices.csv_table import csv_text
from devices.homes import COMPARED
from store import programme as table
from store.connect import Connection

COLUMNS = ("month", "fuel", "homes", "total_kwh", "average_kwh", "all_kinds_of_home")


def add(routes: APIRouter, site: Site, exports: Exports) -> None:
    """Add the route."""

    @routes.get("/open-data/exports/energy.csv")
    @site.lane.steps
    async def energy_csv(request: Request, visitor: Anybody) -> Response:
        """Months of which something may be said of all homes together, the oldest first."""

        def begun(connection: Connection) -> Iterator[bytes]:
            months = sorted(
                programme.open_months(connection, exports.origin),
                key=lambda one: (one.from_day, COMPARED.index(one.fuel)),
            )
            found = (programme.of_figures(month, table.figures(connection, month)) for month in months)
            return iter([csv_text(COLUMNS, [_row(one) for one in found if one is not None]).encode()])

        file = File("energy", "csv", "text/csv; charset=utf-8", "/open-data/exports/energy.csv-metadata.json")
        return await exports.answer(request, visitor, file, begun)


def _row(one: programme.Altogether) -> tuple[object, ...]:
    kinds = "no" if one.left_out else "yes"
    return (f"{one.from_day:%Y-%m}", one.fuel, one.homes, _kwh(one.total), _kwh(one.each), kinds)


def _kwh(watt_hours: int) -> str:
    """Exactly, for the figure was rounded before it was published."""
    whole, rest = divmod(watt_hours, 1000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")
