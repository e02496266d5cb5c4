"""The API of air, for anybody: monitors with their index now, their hours and their local days."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from analytics.air.index import band
from dashboard.public import air_models as models
from dashboard.public.air_hours import (
    RUNNING,
    DayTable,
    HourTable,
    day_table,
    full_hour_from,
    hour_table,
    pollutants_of,
    worst,
)
from dashboard.public.air_monitor import open_monitor
from dashboard.web import air_board
from dashboard.web.api import PROBLEMS, After, Limit, answer
from dashboard.web.errors import problem
from dashboard.web.site import Site
from dashboard.web.values import Day, Text, cursor_of
from store.air import INDEXED, POLLUTANTS, Monitor, Now
from store.times import begin_of

#: Local days that one answer may span.
HOUR_DAYS_AT_ONCE, DAYS_AT_ONCE = 31, 400
_PAGE = 50
#: How long an answer may be kept [s].
_NOW, _RECORD = 60, 300

Id = Annotated[Text, Path(examples=["air-001"])]
From = Annotated[Day | None, Query(alias="from", description="First local day; without it as many as are allowed")]
To = Annotated[Day | None, Query(alias="to", description="Last local day; without it today")]


def router(site: Site) -> APIRouter:
    """Routes below /api/v1/air."""
    routes = APIRouter(prefix="/api/v1/air", tags=["air"], responses={key: PROBLEMS[key] for key in (304, 400, 404)})

    @routes.get(
        "/monitors", operation_id="listAirMonitors", response_model=models.Monitors, summary="Monitors in service"
    )
    def list_monitors(request: Request, after: After = None, limit: Limit = _PAGE) -> Response:
        """Monitors in service by their id, each with its index of now; null where too little is known."""
        with site.connection() as connection:
            board = site.air.current(connection)
        rows = sorted(board.rows, key=lambda one: one.device)
        # a monitor that is gone meanwhile leaves its place: the next page goes on behind it
        rows = [one for one in rows if after is None or one.device > after]
        following = cursor_of(rows[limit - 1].device) if len(rows) > limit else None
        items = [monitor_model(one.monitor, one) for one in rows[:limit]]
        return answer(request, models.Monitors(items=items, next=following), following, public=_NOW)

    @routes.get(
        "/monitors/{monitor}", operation_id="getAirMonitor", response_model=models.Monitor, summary="One monitor"
    )
    def get_monitor(request: Request, monitor: Id) -> Response:
        """One monitor, in service or not, with its index of now."""
        with site.connection() as connection:
            board = site.air.current(connection)
            found = open_monitor(connection, site, monitor)
        now = next((one for one in board.rows if one.device == found.id), None)
        return answer(request, monitor_model(found, now), public=_NOW)

    @routes.get(
        "/monitors/{monitor}/hours", operation_id="listAirHours", response_model=models.Hours, summary="Hourly means"
    )
    @site.lane.work
    def list_hours(request: Request, monitor: Id, begin: From = None, end: To = None) -> Response:
        """Means of full hours with their running means and index; null where too little was measured."""
        span = _span(site, begin, end, HOUR_DAYS_AT_ONCE)
        if isinstance(span, Response):
            return span
        over = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start, stop = (full_hour_from(begin_of(day, site.zone)) for day in span)
        with site.lane.connection() as connection:
            found = open_monitor(connection, site, monitor)
            table = hour_table(connection, found.id, start, max(start, min(stop, over)))
        return answer(request, models.Hours(monitor=found.id, items=_hours(found, table)), public=_RECORD)

    @routes.get(
        "/monitors/{monitor}/days", operation_id="listAirDays", response_model=models.AirDays, summary="Local days"
    )
    @site.lane.work
    def list_days(request: Request, monitor: Id, begin: From = None, end: To = None) -> Response:
        """Local days with their index and the day's means; null where too little was measured."""
        span = _span(site, begin, end, DAYS_AT_ONCE)
        if isinstance(span, Response):
            return span
        first, stop = span[0], max(span[0], min(span[1], site.today()))
        with site.lane.connection() as connection:
            found = open_monitor(connection, site, monitor)
            table, _ = day_table(connection, found.id, first, stop, site.zone)
        body = models.AirDays(monitor=found.id, time_zone=site.zone.key, items=_days(found, table))
        return answer(request, body, public=_RECORD)

    return routes


def monitor_model(monitor: Monitor, now: Now | None) -> models.Monitor:
    """A monitor for programs; ``now`` None where it is out of service."""
    return models.Monitor(
        id=monitor.id,
        name=monitor.name,
        lon=monitor.lon,
        lat=monitor.lat,
        indicative=monitor.indicative,
        simulated=monitor.origin == "simulated",
        in_service=not monitor.retired,
        measures=pollutants_of(monitor),  # type: ignore[arg-type]  # as of POLLUTANTS
        last_heard=monitor.heard,
        now=None if now is None else _now(now),
    )


def _now(one: Now) -> models.Now | None:
    index = air_board.index(one)
    named = band(index)
    if named is None or one.hour is None:
        return None
    return models.Now(
        hour=one.hour,
        index=index,
        band=named,  # type: ignore[arg-type]  # as of BANDS
        worst=one.worst,  # type: ignore[arg-type]  # as of INDEXED
        by_pollutant=one.by_pollutant,
        missing=list(one.missing),  # type: ignore[arg-type]  # as of INDEXED
        humid=one.humid,
    )


def _span(site: Site, begin: date | None, last: date | None, most: int) -> tuple[date, date] | Response:
    """The local days of a wish, the end not included; or what is wrong with it."""
    end = (site.today() if last is None else last) + timedelta(days=1)
    first = end - timedelta(days=most) if begin is None else begin
    if first >= end:
        return problem(400, "Something in this request is not right", "Not right: from is after to.")
    if (end - first).days > most:
        return problem(400, "Too many days at once", f"Ask for at most {most} days.")
    return first, end


def _hours(monitor: Monitor, table: HourTable) -> list[models.Hour]:
    names = pollutants_of(monitor)
    rows = [POLLUTANTS.index(name) for name in names]
    mean, long, readings = (part[rows].T.tolist() for part in (table.mean, table.running, table.readings))
    index = table.index.T.tolist()
    return [
        models.Hour(
            start=table.begin(hour),
            pollutant=name,  # type: ignore[arg-type]  # as of POLLUTANTS
            mean=_number(mean[hour][place]),
            readings=readings[hour][place],
            running_mean=_number(long[hour][place]),
            running_hours=RUNNING[name][0],
            index=(index[hour][rows[place]] or None) if name in INDEXED else None,
        )
        for hour in range(table.hours)
        for place, name in enumerate(names)
    ]


def _days(monitor: Monitor, table: DayTable) -> list[models.AirDay]:
    found = []
    for day in range(table.days):
        parts = table.by_pollutant[:, day].tolist()
        found.append(
            models.AirDay(
                day=table.first + timedelta(days=day),
                hours=int(table.hours[day]),
                index=int(table.index[day]) or None,
                worst=worst(parts),  # type: ignore[arg-type]  # as of INDEXED
                pollutants=[_part(table, day, name, parts) for name in pollutants_of(monitor)],
            )
        )
    return found


def _part(table: DayTable, day: int, name: str, indices: list[int]) -> models.DayPart:
    row = POLLUTANTS.index(name)
    return models.DayPart(
        pollutant=name,  # type: ignore[arg-type]  # as of POLLUTANTS
        mean=_number(float(table.mean[row, day])),
        highest_hour=_number(float(table.highest[row, day])),
        highest_8_hours=_number(float(table.highest_running[row, day])) if name == "o3" else None,
        hours_known=int(table.known[row, day]),
        index=(indices[row] or None) if name in INDEXED else None,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
