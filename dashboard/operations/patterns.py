"""How zones are used: occupancy by hour of the week, dwell, turnover, and full zones beside emptier ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response

from analytics.parking import patterns as rules
from analytics.parking.patterns import Relief
from dashboard import labels
from dashboard.figures import Cell, Column, Figure, year
from dashboard.operations import heat, words
from dashboard.web.board import Bays
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.values import Text
from devices.counts import counted
from store import board as table
from store import parking
from store.batch import Float64, Int64
from store.connect import Connection
from store.parking import ZoneDay
from store.times import begin_of

#: Days that are looked at: whole weeks before today.
DAYS = 28
#: Edges of how long is parked [s], and what lies below, between and above them.
EDGES = (900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)
DWELL_WORDS = (
    "under 15 min", "15 to 30 min", "30 to 60 min", "1 to 2 h", "2 to 4 h", "4 to 8 h", "8 to 24 h", "a day and more",
)  # fmt: skip
#: The same below columns, and below narrow ones.
_SHORT = ("<15 min", "<30 min", "<1 h", "<2 h", "<4 h", "<8 h", "<24 h", "24 h+")
_NARROW = ("15m", "30m", "1h", "2h", "4h", "8h", "24h", "+")
Table = Literal["hours", "dwell", "turnover", "beside"]


@dataclass(frozen=True, slots=True)
class Turnover:
    """Arrivals in a zone in the time that is looked at, and arrivals a bay and day."""

    zone: str
    bays: int
    days: int
    arrivals: int
    rate: float
    share: float


@dataclass(frozen=True, slots=True)
class Weeks:
    """Zones by hour of the week: ``occupied`` and ``free`` ``(zones, 168)`` [bay-seconds], and their turnover."""

    zones: Sequence[str]
    occupied: Int64
    free: Int64
    turnover: list[Turnover]


def router(site: Site) -> APIRouter:
    """The page and its tables as CSV."""
    routes = APIRouter()

    @routes.get("/parking/patterns")
    def page(request: Request, zone: Text = "") -> Response:
        """The last four weeks, of all zones or of one."""
        today = site.today()
        start = today - timedelta(days=DAYS)
        with site.connection() as connection:
            bays = site.boards.current(connection).open.bays
            days = parking.zone_days(connection, start, today)
            found = weeks(days, site)
            dwell = _dwells(connection, site, start, today, zone)
        if zone and zone not in found.zones and zone not in bays.zones:
            raise HTTPException(404)
        chosen = [place for place, name in enumerate(found.zones) if zone in ("", name)]
        occupied, free = found.occupied[chosen].sum(axis=0), found.free[chosen].sum(axis=0)
        query = f"?{urlencode({'zone': zone})}" if zone else ""
        context = {
            "page": "patterns",
            "zone": zone,
            "query": query,
            "zones": bays.zones or found.zones,
            "first": start,
            "last": today - timedelta(days=1),
            "hours": None if not days else hours_figure(occupied, free, zone, query),
            "dwell": dwell_figure(dwell, zone, query) if dwell.sum() else None,
            "turnover": [one for one in found.turnover if zone in ("", one.zone)],
            "beside": beside(found, bays),
            "said": said,
            "percent": words.percent,
        }
        return site.page(request, "operations/patterns.html", context)

    @routes.get("/parking/patterns/{what}.csv")
    @site.lane.work
    def csv(what: Table, zone: Annotated[Text, Query()] = "") -> Response:
        """One of the tables."""
        today = site.today()
        start = today - timedelta(days=DAYS)
        with site.lane.connection() as connection:
            bays = site.boards.current(connection).open.bays
            found = weeks(parking.zone_days(connection, start, today), site)
            dwell = _dwells(connection, site, start, today, zone)
        if what == "dwell":
            rows: Iterator[Row] = ((name, int(count)) for name, count in zip(DWELL_WORDS, dwell, strict=True))
            return csv_file(site, "parking-dwell", ("parked_for", "stays"), rows)
        if what == "turnover":
            rows = (
                (one.zone, one.bays, one.days, one.arrivals, f"{one.rate:.3f}", f"{one.share:.4f}")
                for one in found.turnover if zone in ("", one.zone)
            )  # fmt: skip
            head = ("zone", "bays", "days", "arrivals", "arrivals_per_bay_and_day", "occupancy")
            return csv_file(site, "parking-turnover", head, rows)
        if what == "beside":
            rows = (
                (one.full, one.room, words.hours(one.start, one.end), f"{one.full_share:.4f}", f"{one.room_share:.4f}",
                 round(one.metres))
                for one in beside(found, bays)
            )  # fmt: skip
            head = ("full_zone", "zone_with_room", "hours", "full_occupancy", "room_occupancy", "metres")
            return csv_file(site, "parking-full-beside-empty", head, rows)
        return csv_file(site, "parking-hours", ("zone", "day", "hour", "occupancy"), _hour_rows(found, zone))

    return routes


def weeks(days: Sequence[ZoneDay], site: Site) -> Weeks:
    """Zones' days summed by hour of the week."""
    names = sorted({day.zone for day in days})
    place = {name: at for at, name in enumerate(names)}
    sums = np.zeros((len(names), rules.WEEK_HOURS, 4), np.int64)
    arrivals, bays, count = (np.zeros(len(names), np.int64) for _ in range(3))
    known: dict[tuple[date, int], Int64] = {}
    for day in days:
        at, key = place[day.zone], (day.day, len(day.quarters))
        if key not in known:
            known[key] = rules.week_hours(day.day, len(day.quarters), site.zone)
        sums[at] += rules.by_hour(known[key], day.quarters)
        arrivals[at] += day.arrivals.sum()
        bays[at] += day.bays
        count[at] += 1
    occupied, free = sums[:, :, 0], sums[:, :, 1]
    share = rules.shares(occupied.sum(axis=1), free.sum(axis=1))
    turnover = [
        Turnover(
            name, round(int(bays[at]) / int(count[at])), int(count[at]), int(arrivals[at]),
            int(arrivals[at]) / int(bays[at]) if bays[at] else 0.0, float(share[at]),
        )
        for at, name in enumerate(names)
    ]  # fmt: skip
    return Weeks(names, occupied, free, sorted(turnover, key=lambda one: -one.rate))


@dataclass(frozen=True, slots=True)
class Beside:
    """A full zone beside one with room, by name, and how far apart their nearest bays are [m]."""

    full: str
    room: str
    start: int
    end: int
    full_share: float
    room_share: float
    metres: float


def beside(found: Weeks, bays: Bays) -> list[Beside]:
    """Full zones beside ones with room, the longest time first."""
    place = {name: at for at, name in enumerate(found.zones)}
    zone = np.array([place.get(name, -1) for name in bays.zone], np.int64)
    some = zone >= 0
    apart = rules.zone_distances(zone[some], bays.lon[some], bays.lat[some], len(found.zones))
    return [_named(one, found.zones, apart) for one in rules.reliefs(found.occupied, found.free, apart)]


def _named(one: Relief, zones: Sequence[str], apart: Float64) -> Beside:
    metres = float(apart[one.full, one.room])
    return Beside(zones[one.full], zones[one.room], one.start, one.end, one.full_share, one.room_share, metres)


def said(one: Beside) -> str:
    """The finding in words."""
    return (
        f"{words.hours(one.start, one.end)}: {one.full} is full ({words.percent(one.full_share)}), and {one.room},"
        f" {labels.distance(one.metres)} away, has room ({words.percent(one.room_share)})."
    )


def hours_figure(occupied: Int64, free: Int64, zone: str, query: str) -> Figure:
    """Occupancy by hour of the week as a heat map."""
    share = rules.shares(occupied, free)
    table_rows = [
        [
            Cell(f"{hour:02d}:00"),
            *(
                Cell(words.percent(float(share[day * 24 + hour])), _value(float(share[day * 24 + hour])))
                for day in range(7)
            ),
        ]
        for hour in range(24)
    ]
    return Figure(
        "hours",
        _finding(share, zone),
        heat.draw(share, f"Occupancy by hour of the week: {_finding(share, zone)}. The table has the numbers."),
        "Occupied bay-time of known bay-time by hour of the week, suspended time left out",
        ("Hour", *labels.DAYS),
        table_rows,
        csv=f"/parking/patterns/hours.csv{query}",
        chart="heat",
        lines=labels.DAYS,
    )


def _finding(share: Float64, zone: str) -> str:
    where = zone or "All zones together"
    if np.isnan(share).all():
        return f"{where}: nothing is known of these weeks"
    most, least = int(np.nanargmax(share)), int(np.nanargmin(share))
    return (
        f"{where}: fullest on {words.hours(most, most + 1)} ({words.percent(float(share[most]))}),"
        f" emptiest on {words.hours(least, least + 1)} ({words.percent(float(share[least]))})"
    )


def _value(share: float) -> float | None:
    return None if np.isnan(share) else round(share * 100, 1)


def dwell_figure(counts: Int64, zone: str, query: str) -> Figure:
    """How long is parked, as columns."""
    total = int(counts.sum())
    most = int(np.argmax(counts))
    shares = [float(count) / total * 100 for count in counts]
    drawn = [
        Column(name, short, share, narrow=narrow)
        for name, short, narrow, share in zip(DWELL_WORDS, _SHORT, _NARROW, shares, strict=True)
    ]
    headline = (
        f"{zone or 'All zones'}: most park for {DWELL_WORDS[most]} ({shares[most]:.0f} % of {counted(total, 'stay')})"
    )
    return Figure(
        "dwell",
        headline,
        year(drawn, f"How long is parked: {headline}. The table has the numbers."),
        "Stays whose beginning and end were seen, by how long they were",
        ("Parked for", "Stays", "Share"),
        [
            [Cell(name), Cell(f"{int(count):,}", int(count)), Cell(f"{share:.1f} %", round(share, 2))]
            for name, count, share in zip(DWELL_WORDS, counts, shares, strict=True)
        ],
        csv=f"/parking/patterns/dwell.csv{query}",
        unit="per cent of stays",
        chart="bar",
        lines=("Share",),
    )


def _dwells(connection: Connection, site: Site, start: date, end: date, zone: str) -> Int64:
    return table.dwells(connection, EDGES, begin_of(start, site.zone), begin_of(end, site.zone), zone or None)


def _hour_rows(found: Weeks, zone: str) -> Iterator[Row]:
    share = rules.shares(found.occupied, found.free)
    for at, name in enumerate(found.zones):
        if zone in ("", name):
            for hour in range(rules.WEEK_HOURS):
                value = float(share[at, hour])
                said = "" if np.isnan(value) else f"{value:.4f}"
                yield name, labels.DAYS[hour // 24], f"{hour % 24:02d}:00", said
