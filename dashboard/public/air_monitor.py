"""One monitor, for anybody: 24 hours, 30 days and a year of each pollutant, what they mean, and how sure they are.

A monitor that was last heard some time ago is shown up to then, and that is said. A household's has no page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response

from analytics.air.index import ADVICE, AT_RISK, band
from analytics.report import words as report_words
from dashboard import plan
from dashboard.labels import distance
from dashboard.public import air_figures, air_hours, air_words, air_year
from dashboard.public.air import monitor_address, shown
from dashboard.public.air_hours import HOUR, DayTable, HourTable, day_table, hour_table, pollutants_of
from dashboard.web import air_board
from dashboard.web.air_board import AirBoard
from dashboard.web.site import Site
from dashboard.web.values import Text
from devices.counts import counted
from store import air, air_places
from store.air import HUMID, INDEXED, POLLUTANTS, Monitor
from store.connect import Connection
from store.times import local_day

#: What of a monitor is shown at once.
Span = Literal["day", "month", "year"]
SPANS: tuple[tuple[Span, str], ...] = (("day", "24 hours"), ("month", "30 days"), ("year", "A year"))
#: Pages below a monitor's.
BELOW = (("usual", "Usual day"), ("limits", "Guidelines and limits"), ("checks", "How sure"))
MONTH = 30
#: Monitors that another is offered to be compared with, the nearest first, and how far away they may be [m].
_OTHERS = 8
_FAR = 50_000.0


@dataclass(frozen=True, slots=True)
class Line:
    """A pollutant in the table: its newest mean, the mean that its index is of, its index, and what is known of it."""

    name: str
    newest: str
    long: str
    index: str
    known: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another monitor to be compared with."""

    name: str
    far: str
    href: str


def router(site: Site) -> APIRouter:
    """The page of a monitor."""
    routes = APIRouter()

    @routes.get("/air/monitor/{device}")
    def page(request: Request, device: Text, span: Span = "day") -> Response:
        """One monitor over one span."""
        with site.connection() as connection:
            board = site.air.current(connection)
            monitor = open_monitor(connection, site, device)
            end = air_hours.newest_hour(monitor, board.at)
            context = _of_span(site, connection, monitor, end, span)
        now = next((one for one in board.rows if one.device == monitor.id), None)
        index = 0 if now is None else air_board.index(now)
        found = band(index)
        return site.page(
            request,
            "public/air_monitor.html",
            {
                "monitor": monitor,
                "symbols": plan.symbols(plan.AIR),
                "now": None if now is None else shown(site, now, board),
                "advice": None if found is None else ADVICE[found],
                "at_risk": AT_RISK,
                "kind": air_words.kind(monitor),
                "heard": air_words.heard(monitor, board.at, site.zone),
                "measures": [air_words.NAMES[one] for one in pollutants_of(monitor)],
                "late": board.at.replace(minute=0, second=0, microsecond=0) - end > 2 * HOUR,
                "tabs": tabs(monitor, span),
                "span": span,
                "others": _others(board, monitor),
                "hours_csv": f"{monitor_address(monitor.id)}/hours.csv",
                "days_csv": f"{monitor_address(monitor.id)}/days.csv",
                **context,
            },
        )

    return routes


def open_monitor(connection: Connection, site: Site, device: str) -> Monitor:
    """A monitor of the site's origin and of no household. Raises HTTPException 404 for every other."""
    found = air.monitors(connection, site.air.origin, [device])
    if not found:
        raise HTTPException(404)
    return found[0]


def tabs(monitor: Monitor, here: str) -> list[dict[str, object]]:
    """The pages of a monitor, as `parts.tabs` takes them."""
    base = monitor_address(monitor.id)
    found: list[tuple[str, str, str]] = [
        (key, monitor_address(monitor.id, span="" if key == "day" else key), text) for key, text in SPANS
    ]
    found += [(key, f"{base}/{key}", text) for key, text in BELOW]
    return [{"href": href, "text": text, "here": key == here} for key, href, text in found]


def compare_address(one: str, other: str) -> str:
    """The address of two monitors side by side."""
    return f"/air/compare?{urlencode({'one': one, 'other': other})}"


def _of_span(site: Site, connection: Connection, monitor: Monitor, end: datetime, span: Span) -> dict[str, Any]:
    if span == "day":
        return _day(site, monitor, hour_table(connection, monitor.id, end - 24 * HOUR, end))
    today = local_day(end, site.zone)
    if span == "month":
        first = today - timedelta(days=MONTH)
        days, _ = day_table(connection, monitor.id, first, today, site.zone)
        return _month(monitor, days, today)
    return air_year.context(site, connection, monitor, today)


def _day(site: Site, monitor: Monitor, table: HourTable) -> dict[str, Any]:
    end = table.begin(table.hours)
    first, last = local_day(table.start, site.zone), local_day(end - HOUR, site.zone)
    csv = f"{monitor_address(monitor.id)}/hours.csv?from={first}&to={last}"
    names = pollutants_of(monitor)
    drawn = {one: air_figures.day_figure(table, one, csv, site.zone) for one in names}
    return {
        "title": f"24 hours until {air_words.day_and_time(end, site.zone)}",
        "figures": [one for one in drawn.values() if one is not None],
        "none": [air_words.NAMES[name] for name, one in drawn.items() if one is None],
        "lines": [_line(table, one) for one in names],
        "humid": _humid(table),
    }


def _month(monitor: Monitor, table: DayTable, today: date) -> dict[str, Any]:
    csv = f"{monitor_address(monitor.id)}/days.csv?from={table.first}&to={today - timedelta(days=1)}"
    drawn = {one: air_figures.month_figure(table, one, csv) for one in pollutants_of(monitor)}
    calendar = air_figures.calendar_figure(table, csv)
    return {
        "title": report_words.days(table.first, today),
        "figures": [one for one in (calendar, *drawn.values()) if one is not None],
        "none": [air_words.NAMES[name] for name, one in drawn.items() if one is None],
    }


def _line(table: HourTable, pollutant: str) -> Line:
    row, unit = POLLUTANTS.index(pollutant), air_words.UNITS[pollutant]
    known = int(np.isfinite(table.mean[row]).sum())
    index = int(table.index[INDEXED.index(pollutant), -1]) if pollutant in INDEXED else None
    return Line(
        air_words.NAMES[pollutant],
        air_words.amount(float(table.mean[row, -1]), unit),
        air_words.amount(float(table.running[row, -1]), unit),
        "has none" if index is None else air_words.index_words(index),
        f"{known} of {table.hours}",
    )


def _humid(table: HourTable) -> str:
    damp = int((table.humidity > HUMID).sum())
    if damp:
        return (
            f"In {counted(damp, 'hour')} of {table.hours} the air at this monitor was damp (over {HUMID:.0f} %"
            " humidity): its particles may read too high then."
        )
    return "" if np.isfinite(table.humidity).any() else "How damp the air was is not known here."


def _others(board: AirBoard, monitor: Monitor) -> list[Other]:
    """Others to be compared with: the nearest, and where it has no place any."""
    if monitor.lon is None or monitor.lat is None:
        some = [(one.monitor, "") for one in board.rows if one.device != monitor.id][:_OTHERS]
    else:
        near = air_places.within(board.rows, monitor.lon, monitor.lat, _FAR)
        some = [(one.now.monitor, distance(one.metres)) for one in near if one.now.device != monitor.id][:_OTHERS]
    return [Other(one.name, far, compare_address(monitor.id, one.id)) for one, far in some]
