"""Weeks of a few bays, made up for tests of numbers: what was sent in which order, and what holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from analytics.parking.arrays import OPEN, BayTable, Closed, Events, Hours, Int64, Links, closed
from analytics.parking.hours import Regime, compile_hours
from devices.bays import Restriction
from tests.references.parking import Bay, Event, Interval, Link

LONDON = ZoneInfo("Europe/London")
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: 2026, with the substitute day of Boxing Day, a Saturday.
HOLIDAYS = frozenset(
    date(2026, month, day) for month, day in ((1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28))
)
#: Mondays: of both changes of the clock, of Christmas with its substitute day, of Easter, and of any week.
MONDAYS = tuple(
    date(2026, month, day) for month, day in ((3, 23), (10, 19), (12, 21), (12, 28), (3, 30), (4, 6), (6, 15))
)


@dataclass(frozen=True)
class World:
    """Bays from ``start`` to ``end`` [us], which are local midnights; ``events`` in the order in which they came."""

    bays: tuple[Bay, ...]
    links: tuple[Link, ...]
    events: tuple[Event, ...]
    first: date
    days: int

    @property
    def start(self) -> int:
        return midnight(self.first)

    @property
    def end(self) -> int:
        return midnight(self.first + timedelta(days=self.days))

    def of(self, events: Sequence[Event]) -> World:
        return replace(self, events=tuple(events))

    def event_arrays(self) -> Events:
        return events_of(self.events)

    def link_arrays(self) -> Links:
        rows = [(link.bay, link.device, link.start, OPEN if link.end is None else link.end) for link in self.links]
        return Links(*whole(rows, 4))

    def table(self) -> BayTable:
        rows = [(place, bay.zone, bay.limit, bay.heartbeat) for place, bay in enumerate(self.bays)]
        return BayTable(*whole(rows, 4))

    def hours(self) -> Hours:
        regimes = [Regime(bay.restrictions, bay.event_days) for bay in self.bays]
        return compile_hours(regimes, self.first, self.days, LONDON, HOLIDAYS)

    def suspended(self) -> Closed:
        return closed_of([bay.suspended for bay in self.bays])

    def permits(self) -> Closed:
        return closed_of([bay.permits for bay in self.bays])

    def edges(self) -> Int64:
        return np.arange(self.start, self.end + 1, 15 * MINUTE)


def midnight(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=LONDON).timestamp()) * 1_000_000


def whole(rows: Sequence[tuple[int, ...]], width: int) -> Int64:
    """Columns of rows of whole numbers."""
    return np.array(rows, np.int64).reshape(-1, width).T


def events_of(events: Sequence[Event]) -> Events:
    bay, time, device = whole([(event.bay, event.time, event.device) for event in events], 3)
    return Events(bay, time, np.array([event.value for event in events], np.float64), device)


def closed_of(intervals: Sequence[Sequence[Interval]]) -> Closed:
    return closed(*whole([(bay, *interval) for bay, own in enumerate(intervals) for interval in own], 3))


@st.composite
def restrictions(draw: st.DrawFn) -> tuple[Restriction, ...]:
    """Of one bay, never two at once: a day cut at some minutes, and in each part some that exclude each other."""
    cuts = sorted(draw(st.sets(st.sampled_from([0, 60, 90, 120, 150, 510, 720, 721, 1110, 1440]), min_size=2)))
    lengths = st.sampled_from([None, 1, 30, 120, 240])
    masks = st.sampled_from([127, 31, 96, 64])
    found: list[Restriction] = []
    for start, end in pairwise(cuts):
        rule = Restriction(draw(masks), start, end, draw(lengths))
        other = replace(rule, maximum_stay=draw(lengths))
        ways: Literal[0, 1, 2, 3, 4] = draw(st.sampled_from([0, 1, 2, 3, 4]))
        if ways == 1:
            found += [rule]
        elif ways == 2:
            found += [replace(rule, bank_holidays="off"), replace(other, bank_holidays="only", days=127)]
        elif ways == 3:
            found += [replace(rule, event_days="not"), replace(other, event_days="only")]
        elif ways == 4:
            change = draw(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
            found += [replace(rule, to_day=change), replace(other, from_day=change)]
    return tuple(found)


@st.composite
def weeks(draw: st.DrawFn) -> World:
    """A week: up to three bays with sensors that are changed, closures, and events of all sorts."""
    first = draw(st.sampled_from(MONDAYS) | st.dates(date(2026, 1, 1), date(2026, 12, 24)))
    start, end = midnight(first), midnight(first + timedelta(days=7))
    bays = draw(st.integers(1, 3))
    moments = _moments(draw, start, end)
    lengths = st.sampled_from([10 * MINUTE, 3 * HOUR, 30 * HOUR])
    intervals = st.lists(st.tuples(moments, lengths).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=2)
    made, links, devices = [], [], 0
    for bay in range(bays):
        heartbeat = draw(st.sampled_from([0, 0, HOUR, 30 * MINUTE]))
        limit = 25 * HOUR if not heartbeat else heartbeat * 5 // 2
        event_days = draw(st.frozensets(st.integers(0, 6).map(lambda day: first + timedelta(days=day)), max_size=2))
        held = draw(restrictions())
        made.append(Bay(limit, heartbeat, bay, held, event_days, tuple(draw(intervals)), tuple(draw(intervals))))
        changes = sorted(draw(st.sets(moments, max_size=2)))
        bounds = [start - DAY, *changes, None]
        for place, begin in enumerate(bounds[:-1]):
            stop = bounds[place + 1]
            if begin is not None and (place == 0 or draw(st.integers(0, 3))):
                devices += draw(st.integers(0, 3)) > 0  # now and then the same one again
                links.append(Link(bay, devices, begin, stop))
        devices += 1
    events = draw(st.lists(_events(links, moments), max_size=40))
    return World(tuple(made), tuple(links), tuple(events), first, 7)


@st.composite
def long_times(draw: st.DrawFn) -> World:
    """Nine weeks in steps of four days, so that bays are stuck, some at the very instant of something else."""
    first = date(2026, 1, 5)
    start = midnight(first)
    moments = st.integers(0, 16).map(lambda step: start + step * 4 * DAY)
    links = []
    for bay in range(2):
        bounds = [start, *sorted(draw(st.sets(moments.filter(lambda at: at > start), max_size=2))), None]
        for place, begin in enumerate(bounds[:-1]):
            assert begin is not None
            links.append(Link(bay, 10 * bay + place, begin, bounds[place + 1]))
    limits = st.sampled_from([8 * DAY, 16 * DAY, 28 * DAY, 40 * DAY])
    bays = tuple(Bay(draw(limits), zone=bay) for bay in range(2))
    said = st.sampled_from([None, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    events = draw(st.lists(_events(links, moments), max_size=3))
    for link in links:
        for step in range(17):
            at = start + step * 4 * DAY
            if link.start <= at and (link.end is None or at < link.end) and (value := draw(said)) is not None:
                events.append(Event(link.bay, at, value, link.device))
    return World(bays, tuple(links), tuple(events), first, 66)


def _moments(draw: st.DrawFn, start: int, end: int) -> st.SearchStrategy[int]:
    """Instants of a span: of a coarse grid, at local midnight, the same ones again, and any."""
    grid = st.integers(0, (end - start) // (15 * MINUTE) - 1).map(lambda quarter: start + quarter * 15 * MINUTE)
    again = st.sampled_from(draw(st.lists(grid, min_size=1, max_size=6)))
    night = st.integers(0, (end - start) // DAY - 1).map(lambda day: start + day * DAY)
    return grid | again | night | st.integers(start, end - 1)


def _events(links: Sequence[Link], moments: st.SearchStrategy[int]) -> st.SearchStrategy[Event]:
    """Most of a link that holds or has held, some of nobody, some that say nothing."""
    pairs = [(link.bay, link.device) for link in links] * 4 + [(0, 999)]
    values = st.sampled_from([*[0.0] * 5, *[1.0] * 7, 0.5, float("nan")])
    return st.builds(
        lambda pair, time, value: Event(pair[0], time, value, pair[1]), st.sampled_from(pairs), moments, values
    )
