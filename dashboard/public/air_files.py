"""Hours and days of a monitor to keep, and all monitors now: CSV for anybody.

A file that was broken off can be told: the last line of each says that it is complete and how many rows it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dashboard.public import air_words
from dashboard.public.air_hours import HOUR, RUNNING, day_table, full_hour_from, hour_table, pollutants_of, worst
from dashboard.public.air_monitor import open_monitor
from dashboard.web import air_board
from dashboard.web.site import Site
from dashboard.web.streams import Stream
from dashboard.web.values import Day, Text
from dashboard.web.visitor import Anybody
from devices.csv_table import CsvTable
from store import air
from store.air import INDEXED, POLLUTANTS, Monitor
from store.connect import Connection
from store.times import begin_of

#: Local days that are read and written together.
BLOCK = timedelta(days=31)
HOURS = (
    "start", "pollutant", "unit", "mean", "readings", "capture", "running_mean", "running_hours", "index",
)  # fmt: skip
DAYS = (
    "day", "pollutant", "unit", "mean", "highest_hour", "highest_8_hours", "hours_known", "hours", "index",
    "daily_index", "worst",
)  # fmt: skip
MONITORS = (
    "id", "name", "lon", "lat", "indicative", "last_heard", "hour", "index", "band", "worst",
    *(f"index_{one}" for one in INDEXED), "humid",
)  # fmt: skip

From = Annotated[Day | None, Query(alias="from", description="First local day; without it the first that there is")]
To = Annotated[Day | None, Query(alias="to", description="Last local day; without it the newest")]


#: Lines of a monitor's local days, from one to another (not included).
Rows = Callable[[Site, Connection, Monitor, date, date], Iterator[str]]


class Closed(RuntimeError):
    """The monitor is open no more: the file is broken off."""


def router(site: Site) -> APIRouter:
    """The files."""
    routes = APIRouter()

    @routes.get("/air/monitors.csv")
    def monitors() -> Response:
        """All monitors in service and their index now."""
        with site.connection() as connection:
            board = site.air.current(connection)
        table = CsvTable()
        table.add(MONITORS)
        for one in board.rows:
            monitor, index = one.monitor, air_board.index(one)
            parts = one.by_pollutant if one.fresh else {}
            table.add((
                monitor.id, monitor.name, _number(monitor.lon), _number(monitor.lat), _yes(monitor.indicative),
                _utc(monitor.heard), _utc(one.hour) if one.fresh else "", index or "",
                air_words.band_words(index) if index else "", one.worst if index else "",
                *(parts.get(name, "") for name in INDEXED), _yes(one.humid and one.fresh),
            ))  # fmt: skip
        return _file("air-monitors", (table.take() + _complete(len(board.rows))).encode())

    @routes.get("/air/monitor/{device}/hours.csv")
    @site.lane.work
    def hours(request: Request, visitor: Anybody, device: Text, begin: From = None, end: To = None) -> Response:
        """Its hours: means, how much was captured, running means and the index."""
        site.limit(request, "export", visitor)
        with site.lane.connection() as connection:
            monitor = open_monitor(connection, site, device)
            days = _days(site, connection, monitor, begin, end)
        return _stream(site, monitor, "hours", blocks(site, monitor, days, HOURS, hour_rows))

    @routes.get("/air/monitor/{device}/days.csv")
    @site.lane.work
    def day_file(request: Request, visitor: Anybody, device: Text, begin: From = None, end: To = None) -> Response:
        """Its local days: means, highest values and the daily index."""
        site.limit(request, "export", visitor)
        with site.lane.connection() as connection:
            monitor = open_monitor(connection, site, device)
            days = _days(site, connection, monitor, begin, end)
        return _stream(site, monitor, "days", blocks(site, monitor, days, DAYS, day_rows))

    return routes


def hour_rows(site: Site, connection: Connection, monitor: Monitor, first: date, end: date) -> Iterator[str]:
    """Lines of the hours that begin in local days; those that are not over are left out."""
    over = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = full_hour_from(begin_of(first, site.zone))
    table = hour_table(connection, monitor.id, start, max(start, min(over, full_hour_from(begin_of(end, site.zone)))))
    expected = None if monitor.interval is None else HOUR / timedelta(microseconds=monitor.interval)
    names = pollutants_of(monitor)
    rows = [POLLUTANTS.index(name) for name in names]
    # lists: a number of an array takes ten times as long to say
    mean, long, readings = (part[rows].T.tolist() for part in (table.mean, table.running, table.readings))
    index = table.index.T.tolist()
    for hour in range(table.hours):
        begun = table.begin(hour).isoformat().replace("+00:00", "Z")
        for place, name in enumerate(names):
            captured = "" if expected is None else _number(min(1.0, readings[hour][place] / expected), 4)
            found = index[hour][rows[place]] if name in INDEXED else 0
            yield (
                f"{begun},{name},{air_words.UCUM[name]},{_number(mean[hour][place])},{readings[hour][place]},{captured},"
                f"{_number(long[hour][place])},{RUNNING[name][0]},{found or ''}\r\n"
            )


def day_rows(site: Site, connection: Connection, monitor: Monitor, first: date, end: date) -> Iterator[str]:
    """Lines of local days; the one that is going on is left out."""
    end = min(end, site.today())
    if end <= first:
        return
    table, _ = day_table(connection, monitor.id, first, end, site.zone)
    for day in range(table.days):
        named = (first + timedelta(days=day)).isoformat()
        overall, parts = int(table.index[day]), table.by_pollutant[:, day].tolist()
        for name in pollutants_of(monitor):
            row = POLLUTANTS.index(name)
            eight = _number(float(table.highest_running[row, day])) if name == "o3" else ""
            index = parts[row] if name in INDEXED else 0
            mean, highest = (_number(float(part[row, day])) for part in (table.mean, table.highest))
            yield (
                f"{named},{name},{air_words.UCUM[name]},{mean},{highest},{eight},{int(table.known[row, day])},"
                f"{int(table.hours[day])},{index or ''},{overall or ''},{worst(parts) or ''}\r\n"
            )


def blocks(site: Site, monitor: Monitor, days: tuple[date, date], head: tuple[str, ...], rows: Rows) -> Iterator[bytes]:
    """A file's pieces, each of some local days with a short use of the lane; the last says that it is complete.

    Raises Closed, psycopg.Error: then the file ends without it.
    """
    yield (",".join(head) + "\r\n").encode()
    first, end = days
    count = 0
    while first < end:
        until = min(first + BLOCK, end)
        with site.lane.connection() as connection:
            if not air.monitors(connection, site.air.origin, [monitor.id]):
                raise Closed(monitor.id)
            lines = list(rows(site, connection, monitor, first, until))
        count += len(lines)
        yield "".join(lines).encode()
        first = until
    yield _complete(count).encode()


def _days(
    site: Site, connection: Connection, monitor: Monitor, begin: date | None, last: date | None
) -> tuple[date, date]:
    """The local days of a wish that there is something of, the end not included."""
    known = air.span(connection, [monitor.id], site.zone)
    if known is None:
        return date.min, date.min
    first = known[0] if begin is None else max(begin, known[0])
    end = known[1] if last is None else min(last, known[1])
    return first, end + timedelta(days=1)


def _complete(rows: int) -> str:
    return f"# complete, rows: {rows}\r\n"


def _stream(site: Site, monitor: Monitor, what: str, pieces: Iterator[bytes]) -> Response:
    # ids may hold signs that a header's value cannot: a name for a file has the plainest only
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in monitor.id)[:100]
    return Stream(site.lane, pieces, media_type="text/csv; charset=utf-8", headers=_headers(f"air-{name}-{what}"))


def _file(name: str, body: bytes) -> Response:
    return Response(body, media_type="text/csv; charset=utf-8", headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}


def _number(value: float | None, places: int = 6) -> str:
    """A number with at most so many decimals; "" for none."""
    if value is None or math.isnan(value):
        return ""
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _yes(value: bool) -> str:
    return "yes" if value else ""


def _utc(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
