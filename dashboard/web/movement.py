"""What is shown of movement in a home, to its resident and to the carers that they named: the same to both.

It says when something was noticed last and never how anybody is: movement is not well-being, and no movement is no
proof of anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.movement.arrays import BINS
from analytics.movement.clock import bins, day_number, kinds
from analytics.movement.patterns import begun
from analytics.movement.sources import read as read_homes
from analytics.movement.usual import ENOUGH
from dashboard.figures import Cell, Figure
from dashboard.web.csv import Row
from dashboard.web.movement_figure import strips
from dashboard.web.site import Site
from devices.bank_holidays import bank_holidays
from devices.counts import counted
from store import care_alerts, movement
from store.care_alerts import Shown
from store.connect import Connection
from store.movement import Sensor
from store.times import instant, local_day, microseconds, midnight

CSV_COLUMNS = ("from", "to", "movements", "days_of_100_with_movement")
#: So long ended notices are shown.
_SHOWN = timedelta(days=30)
#: A charge at which somebody should change it [%].
_LOW = 15
#: Usual is what there is on so many of a hundred days.
_MOST_DAYS = 50
#: So many stretches of the day are named in a sentence.
_STRETCHES = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A sensor for a page: its room, when it noticed something and when it was heard last, in words; its charge."""

    room: str
    noticed: str
    heard: str
    battery: int | None
    low: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert for a page: what is so, since when, whether it has ended, and who answered."""

    id: int
    text: str
    more: str
    noted: str
    ended: str
    answered: str
    told: int
    quiet: bool
    shadow: bool

    @property
    def unanswered(self) -> bool:
        """Whether somebody may still answer."""
        return not self.ended and not self.answered and not self.shadow


@dataclass(frozen=True, slots=True)
class Movement:
    """A home's movement. ``last``: the last movement and where, in words, None where none is known; ``unheard``: why
    nothing can be said of now, "" where something can; ``learning``: how much is known of what is usual while that is
    too little; ``made_up``: sensors are simulated."""

    last: str | None
    unheard: str
    places: Sequence[Place]
    figure: Figure | None
    notices: Sequence[Notice]
    learning: str
    made_up: bool
    agreed: bool

    @property
    def lasting(self) -> Sequence[Notice]:
        """Notices that have not ended."""
        return [one for one in self.notices if not one.ended]


@dataclass(frozen=True, slots=True)
class Today:
    """Half-hours of the wall clock (48,): movements that began today, one where an earlier one went on, and on how many
    of a hundred such days there was one (None: not known); ``now``: the one that runs."""

    counts: Sequence[int]
    usual: Sequence[int] | None
    now: int
    days: int


def look(site: Site, connection: Connection, tenancy_id: int, now: datetime, csv: str | None) -> Movement:
    """What is shown of a home at an instant; ``csv``: the address of the day's numbers. Raises psycopg.Error."""
    zone = site.zone
    sensors = movement.sensors(connection, now, zone, tenancy_id)
    agreed = bool(sensors)
    seen = [(at, sensor) for sensor in sensors if (at := noticed(sensor)) is not None]
    newest = max(seen, key=lambda one: one[0], default=None)
    day = today(connection, tenancy_id, now, zone)
    found = care_alerts.of_tenancy(connection, tenancy_id, now - _SHOWN)
    last = None if newest is None else f"{when(newest[0], now, zone)}, {place(newest[1])}"
    unheard = _unheard(connection, found, sensors, now, zone)
    return Movement(
        last=last,
        unheard=unheard,
        places=[_place(sensor, now, zone) for sensor in sensors],
        figure=_figure(day, newest[0] if newest else None, now, zone, csv, heard=not unheard) if sensors else None,
        notices=[notice(one, now, zone) for one in found],
        learning="" if day.usual is not None else f"{counted(day.days, 'day')} of {ENOUGH}",
        made_up=any(sensor.origin == "simulated" for sensor in sensors),
        agreed=agreed,
    )


def today(connection: Connection, tenancy_id: int, now: datetime, zone: ZoneInfo) -> Today:
    """The day that runs, beside what is usual. Raises psycopg.Error."""
    day = local_day(now, zone)
    start, end = midnight(day, zone), microseconds(now) + 1
    series = movement.series(connection, [tenancy_id], day, day + timedelta(days=1))
    found = read_homes(connection, series, [tenancy_id], start, end, zone)
    moved = found.readings.value != 0
    moved |= np.repeat(np.asarray(found.sensors.room) < 0, np.diff(found.readings.offsets))
    seen, began = (
        np.bincount(bins(time, zone)[1], minlength=BINS)
        for time in (found.readings.time[moved], begun(found.sensors, found.readings)[0])
    )
    # a sensor may say again and again that somebody moves: one movement, in each half-hour in which it says so
    counts = np.maximum(began, np.minimum(seen, 1))
    known = movement.usual(connection, [tenancy_id]).get(tenancy_id)
    kind = int(kinds(np.array([day_number(day)]), bank_holidays().keys())[0])
    usual = None if known is None or known.days < ENOUGH or known.active[kind, 0] < 0 else known.active[kind].tolist()
    running = int(bins(np.array([microseconds(now)]), zone)[1][0])
    return Today(counts.tolist(), usual, running, 0 if known is None else known.days)


def csv_rows(day: Today) -> Iterator[Row]:
    """The half-hours that have begun, as `CSV_COLUMNS`; "" where it is not known."""
    for place_, count in enumerate(day.counts):
        began = place_ <= day.now
        yield (*_hours(place_), count if began else "", "" if day.usual is None else day.usual[place_])


def noticed(sensor: Sensor) -> datetime | None:
    """When a sensor noticed something last: movement, or the door."""
    return max((at for at in (sensor.moved, sensor.opened) if at is not None), default=None)


def place(sensor: Sensor) -> str:
    """Where a sensor hangs, in words; a door's contact tells of the door."""
    if sensor.motion is None and sensor.room in ("", "door"):
        return "front door"
    return sensor.room.replace("-", " ") or "a room"


def when(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """An instant in words: ``10:42`` today, ``yesterday 22:10``, ``Monday 23 November, 10:42``."""
    local, today_ = at.astimezone(zone), local_day(now, zone)
    clock = local.strftime("%H:%M")
    if local.date() == today_:
        return clock
    if local.date() == today_ - timedelta(days=1):
        return f"yesterday {clock}"
    return f"{local:%A} {local.day} {local:%B}, {clock}"


def length(seconds: int) -> str:
    """A length in words, to half-hours: ``2 hours``, ``3 and a half hours``."""
    halves = round(seconds / 1800)
    whole, half = divmod(halves, 2)
    if whole == 0:
        return "half an hour"
    return f"{whole} and a half hours" if half else counted(whole, "hour")


def notice(shown: Shown, now: datetime, zone: ZoneInfo) -> Notice:
    """An alert in words."""
    alert = shown.alert
    since = when(alert.since, now, zone)
    ended = "" if alert.ended_at is None else when(alert.ended_at, now, zone)
    room = shown.room.replace("-", " ") or "one room"
    if alert.kind == "quiet":
        text = f"No movement noticed since {since}" if not ended else f"No movement noticed from {since} on"
        usual = length(alert.usual_seconds or 0)
        more = f"At that time of day this home is usually without movement for {usual} at most."
    elif alert.kind == "cold":
        text, more = f"Cold since {since}", "All rooms with a thermometer were below 18 °C by day or 16 °C by night."
    elif alert.device:
        text = f"The sensor in {room} has not been heard since {since}"
        more = "This says nothing about movement. Its battery may be empty."
    else:
        text = f"This home has not been heard since {since}"
        more = "This says nothing about movement. Its gateway or its network may be off."
    answered = ""
    if alert.acknowledged_at is not None:
        answered = f"{shown.answered or 'A former carer'}, {when(alert.acknowledged_at, now, zone)}"
    return Notice(
        alert.id, text, more, when(alert.noted_at, now, zone), ended, answered, shown.told, alert.kind == "quiet",
        alert.shadow,
    )  # fmt: skip


def _unheard(
    connection: Connection, found: Sequence[Shown], sensors: Sequence[Sensor], now: datetime, zone: ZoneInfo
) -> str:
    """Of a home by itself, or with its gateway, of which no carer gets a notice."""
    since = None
    for one in found:
        if one.alert.kind == "silent" and not one.alert.device and one.alert.ended_at is None:
            since = one.alert.since
    watched = [sensor for sensor in sensors if sensor.motion is not None]
    silent = {one.name for one in care_alerts.gateways(connection)}
    if since is None and watched and {sensor.gateway for sensor in watched} <= silent:
        since = max(sensor.heard or sensor.start for sensor in watched)
    return "" if since is None else f"Not heard since {when(since, now, zone)}: nothing can be said about movement now."


def _place(sensor: Sensor, now: datetime, zone: ZoneInfo) -> Place:
    at = noticed(sensor)
    return Place(
        place(sensor),
        "nothing in the last 28 days" if at is None else when(at, now, zone),
        "never" if sensor.heard is None else when(sensor.heard, now, zone),
        None if sensor.battery is None else round(sensor.battery),
        sensor.battery is not None and sensor.battery < _LOW,
    )


def _figure(
    day: Today, last: datetime | None, now: datetime, zone: ZoneInfo, csv: str | None, *, heard: bool
) -> Figure:
    begin = instant(midnight(local_day(now, zone), zone))
    if not heard:
        head = "This home is not heard now: where no movement is shown, nobody knows"
    elif last is None or last < begin:
        head = "No movement noticed today"
    else:
        head = f"Movement noticed in {counted(sum(count > 0 for count in day.counts), 'half-hour')} of today so far"
    head += f"; {usual_words(day.usual)}" if day.usual is not None else "; what is usual is not known yet"
    rows = [
        (
            Cell(f"{_hours(number)[0]} to {_hours(number)[1]}"),
            Cell(str(count) if number <= day.now else "not yet", count if number <= day.now else None),
            Cell("not known") if day.usual is None else Cell(f"{day.usual[number]} of 100 days", day.usual[number]),
        )
        for number, count in enumerate(day.counts)
    ]
    return Figure(
        name="movement",
        headline=f"{head}.",
        drawing=strips(day.counts, day.usual, day.now, f"{head}. The table below has the numbers."),
        caption="Movement today by half-hours, and on how many such days there usually is some",
        columns=("Time", "Movements today", "Usual"),
        rows=rows,
        csv=csv,
    )


def usual_words(usual: Sequence[int]) -> str:
    """At which times of the day there is movement on most days; ``usual``: as in `Today`. The longest are named."""
    often = np.concatenate([[0], np.asarray(usual) >= _MOST_DAYS, [0]])
    edges = np.flatnonzero(np.diff(often)).reshape(-1, 2).tolist()
    if not edges:
        return "there is no time of day at which movement is usual"
    named = sorted(sorted(edges, key=lambda one: one[0] - one[1])[:_STRETCHES])
    said = [f"from {_hours(first)[0]} to {_hours(end - 1)[1]}" for first, end in named]
    together = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"on most such days there is some {'above all ' if len(edges) > len(named) else ''}{together}"


def _hours(number: int) -> tuple[str, str]:
    """When a half-hour begins and ends, by the clock."""
    ends = number + 1
    return f"{number // 2:02d}:{number % 2 * 30:02d}", f"{ends // 2:02d}:{ends % 2 * 30:02d}"
