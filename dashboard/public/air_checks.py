"""What else there is to know of a monitor, for anybody: its usual day, a year against limits, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response

from analytics.air import network
from analytics.air.exceedances import Exceedance, exceedances
from analytics.air.limits import ONCE, limits
from analytics.air.patterns import diurnal
from analytics.report import words as report_words
from dashboard.public import air_figures, air_hours, air_values, air_words
from dashboard.public.air import monitor_address
from dashboard.public.air_hours import HOUR, full_hour_from, hour_table, pollutants_of
from dashboard.public.air_monitor import open_monitor, tabs
from dashboard.web.air_board import AirBoard
from dashboard.web.site import Site
from dashboard.web.values import Text, Whole
from devices.bank_holidays import bank_holidays
from devices.counts import counted
from store import air, air_places
from store.air import HUMID, POLLUTANTS, Monitor
from store.connect import Connection
from store.times import begin_of, local_day, microseconds

#: Days that a usual day, and a monitor's drift, are told from.
USUAL, DRIFT = 90, 60
#: Others that a monitor is held against, the nearest first, and how far away they may be [m].
_OTHERS, _FAR = 10, 20_000.0
#: Hours before a year that its first means of 8 hours need.
_LEAD = 7
Year = Annotated[Whole | None, Query(alias="year")]
_KEPT = {True: "Yes", False: "No", None: "Not known"}


@dataclass(frozen=True, slots=True)
class Row:
    """A value of a year, in words."""

    pollutant: str
    against: str
    source: str
    found: str
    times: str
    captured: str
    kept: str


@dataclass(frozen=True, slots=True)
class Check:
    """How sure a pollutant is: how much of the last days is known, and whether it moves away from its neighbours."""

    name: str
    known: str
    said: str
    doubtful: bool


def router(site: Site) -> APIRouter:
    """The pages below a monitor's."""
    routes = APIRouter()

    def page(request: Request, monitor: Monitor, here: str, context: dict[str, Any]) -> Response:
        context |= {"monitor": monitor, "tabs": tabs(monitor, here), "here": here, "href": monitor_address(monitor.id)}
        return site.page(request, "public/air_checks.html", context)

    @routes.get("/air/monitor/{device}/usual")
    def usual(request: Request, device: Text) -> Response:
        """Means by hour of the day and kind of day."""
        with site.connection() as connection:
            monitor = open_monitor(connection, site, device)
            end = local_day(air_hours.newest_hour(monitor, datetime.now(UTC)), site.zone)
            first = end - timedelta(days=USUAL)
            start, stop = (full_hour_from(begin_of(day, site.zone)) for day in (first, end))
            table = hour_table(connection, monitor.id, start, stop)
        names = pollutants_of(monitor)
        rows = [POLLUTANTS.index(name) for name in names]
        found = diurnal(table.mean[rows], microseconds(start), site.zone, set(bank_holidays()))
        drawn = {
            name: air_figures.usual_day_figure(type(found)(found.mean[at], found.hours[at]), name)
            for at, name in enumerate(names)
        }
        context = {
            "title": f"The usual day, {report_words.days(first, end)}",
            "figures": [one for one in drawn.values() if one is not None],
        }
        return page(request, monitor, "usual", context)

    @routes.get("/air/monitor/{device}/limits")
    def of_year(
        request: Request, device: Text, wanted: Annotated[Whole | None, Query(alias="year")] = None
    ) -> Response:
        """A calendar year against guidelines and limits."""
        with site.connection() as connection:
            monitor = open_monitor(connection, site, device)
            span = air.span(connection, [monitor.id], site.zone)
            years = [] if span is None else list(range(span[1].year, span[0].year - 1, -1))
            if wanted is not None and wanted not in years:
                raise HTTPException(404)
            year = wanted if wanted is not None else next(iter(years), None)
            found = [] if year is None else _year(site, connection, monitor, year)
        context = {
            "title": "Guidelines and limits" if year is None else f"{year} against guidelines and limits",
            "years": [
                {"href": f"{monitor_address(monitor.id)}/limits?year={one}", "text": one, "here": one == year}
                for one in years
            ],
            "running": year == site.today().year,
            "rows": [_row(one, site.today()) for one in found],
        }
        return page(request, monitor, "limits", context)

    @routes.get("/air/monitor/{device}/checks")
    def checks(request: Request, device: Text) -> Response:
        """How much is known, and whether it keeps in step with the monitors around."""
        with site.connection() as connection:
            board = site.air.current(connection)
            monitor = open_monitor(connection, site, device)
            over = air_hours.newest_hour(monitor, board.at)
            end = datetime(over.year, over.month, over.day, tzinfo=UTC)
            near = _neighbours(board, monitor)
            found = air.hours(connection, [monitor.id, *near], end - timedelta(days=DRIFT), end)
        damp = found.humidity[0]
        known = int(np.isfinite(damp).sum())
        context = {
            "title": f"How sure the values are, {report_words.days(end.date() - timedelta(days=DRIFT), end.date())}",
            "kind": air_words.kind(monitor),
            "checks": [_check(found.mean[:, POLLUTANTS.index(name)], name) for name in pollutants_of(monitor)],
            "damp": f"{100 * float((damp > HUMID).sum()) / known:.0f} %" if known else "",
        }
        return page(request, monitor, "checks", context)

    return routes


def _year(site: Site, connection: Connection, monitor: Monitor, year: int) -> list[Exceedance]:
    start, end = (full_hour_from(begin_of(date(one, 1, 1), site.zone)) for one in (year, year + 1))
    start -= _LEAD * HOUR
    found = air.hours(connection, [monitor.id], start, end)
    so2 = air.quarters(connection, [monitor.id], start, end)[0] if "so2" in monitor.measured else None
    some = [
        one for one in limits() if one.pollutant in monitor.measured and (one.end is None or one.end > date(year, 1, 1))
    ]
    return exceedances(found.mean[0], site.zone, year, some, so2=so2, lead=_LEAD)


def _row(one: Exceedance, today: date) -> Row:
    limit, unit = one.limit, air_words.UNITS[one.limit.pollutant]
    allowed = "" if limit.averaging in ONCE else f", on at most {counted(limit.allowed, 'time')}"
    averaging = air_values.AVERAGING_WORDS[limit.averaging]
    return Row(
        air_words.NAMES[limit.pollutant],
        f"{air_values.body(limit, today)}: {limit.value} {unit} in {averaging}{allowed}",
        limit.source,
        air_words.NOT_KNOWN if one.value is None else air_words.amount(one.value, unit),
        "" if limit.averaging in ONCE else f"{one.times:,}",
        f"{100 * one.captured:.0f} %",
        _KEPT[one.kept],
    )


def _neighbours(board: AirBoard, monitor: Monitor) -> list[str]:
    if monitor.lon is None or monitor.lat is None:
        return []
    near = air_places.within(board.rows, monitor.lon, monitor.lat, _FAR)
    return [one.now.device for one in near if one.now.device != monitor.id][:_OTHERS]


def _check(mean: np.ndarray, name: str) -> Check:
    """``mean`` (monitors, hours): the monitor's and those of the others."""
    known = float(np.isfinite(mean[0]).mean())
    some = mean[np.isfinite(mean).any(axis=1)]
    said, doubtful = "Too few monitors around measure it to tell.", False
    if known and len(some) > network.OTHERS:
        drift = network.drift(some)
        slope, low, high = (float(part[0]) for part in (drift.slope, drift.low, drift.high))
        doubtful = bool(drift.drifting[0])
        if np.isnan(slope):
            said = f"Fewer than {counted(network.DAYS, 'day')} can be compared with the monitors around."
        elif doubtful:
            unit = air_words.UNITS[name]
            said = (
                f"Moves away from the {counted(len(some) - 1, 'monitor')} around, by {air_words.concentration(slope)}"
                f" {unit} in 30 days (95 % sure: {air_words.concentration(low)} to {air_words.concentration(high)})."
                " Its values may be wrong."
            )
        else:
            said = f"Keeps in step with the {counted(len(some) - 1, 'monitor')} around."
    return Check(air_words.NAMES[name], f"{100 * known:.0f} %", said, doubtful)
