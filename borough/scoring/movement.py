"""The rule of quiet spells against planted emergencies (``borough analyse movement --score``): seeded homes, learned
and judged minute by minute as the service would.

An emergency is told in time where an alert comes while it lasts and at most two hours after the quiet is longer than
the home had it within an hour of that time of day in its first 28 days, days away and emergencies left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.movement import quiet, spells, usual
from analytics.movement.arrays import AWAY_LONG, DAY, DOOR, HOUR, MINUTE, NEVER, OPEN, QUIET, SECOND, Readings, Spans
from analytics.movement.clock import bins, kinds
from borough.scoring.movement_homes import HEARTBEAT, Homes
from simulators.movement_life import Spans as TrueSpans

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

ZONE: Final = ZoneInfo("Europe/London")
#: Days that are learned from before anything is judged.
LEARNED: Final = 28
#: From a reading's time to where the service sees it [us].
LAG: Final = 10 * SECOND
#: What may pass after the usual spell until somebody is told [us].
LATE: Final = 2 * HOUR
#: Minutes that an emergency is followed, as long as one can last.
_FOLLOWED: Final = 5 * 1_440
_MONTH: Final = 365.25 / 12


@dataclass(slots=True)
class Score:
    """What became of emergencies and of ordinary days; the first six by home, ``(homes,)``.
    ``watched``: homes with a contact at the door."""

    alone: Bool
    watched: Bool
    months: NDArray[np.float64]
    told: Int64
    due: Int64
    false: Int64
    planted: int = 0
    #: Alerts while somebody who was found is in hospital: no news to their carers, in neither figure.
    known: int = 0
    #: Told as "out for longer than usual", which is a note and no alert, in neither figure.
    notes: int = 0
    #: Told at any time before somebody was found.
    told_ever: int = 0
    #: Found by somebody before they were due to be told, and not told by then.
    found_before: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    #: From the emergency to the alert, and from the end of the usual spell to it [h].
    delay: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    #: Outages of gateways, and false alerts about a person in a home whose gateway was away.
    outages: int = 0
    in_outage: int = 0

    def add(self, other: Score) -> None:
        """Take in the score of other homes."""
        for name in ("alone", "watched", "months", "told", "due", "false"):
            setattr(self, name, np.concatenate((getattr(self, name), getattr(other, name))))
        for name in ("planted", "known", "notes", "told_ever", "found_before", "outages", "in_outage"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missed += other.missed
        self.causes += other.causes
        self.delay += other.delay
        self.late += other.late


class Alerts(NamedTuple):
    """Alerts about a person, ``(alerts,)``: of which home, when, the code of the state, and since when it was quiet."""

    home: Int64
    at: Int64
    state: Int64
    since: Int64


def score(made: Homes) -> Score:
    """Judge every minute after the first `LEARNED` days."""
    homes = len(made.truth.homes)
    none = np.zeros(homes, np.int64)
    months = np.full(homes, (made.days - LEARNED) / _MONTH)
    found = Score(
        made.truth.people == 1,
        np.bincount(made.sensors.home, np.asarray(made.sensors.room) == DOOR, homes) > 0,
        months,
        none,
        none.copy(),
        none.copy(),
        outages=len(np.unique(made.outages.start)),
    )
    alerts = alerts_of(made)
    _false(found, made, alerts)
    _told(found, made, alerts)
    return found


def alerts_of(made: Homes) -> Alerts:
    """One alert a spell, at the first minute at which the rule says so; what is usual is learned anew each day."""
    homes, end = len(made.truth.homes), made.start + made.days * DAY
    heartbeat = np.full((homes, 1), HEARTBEAT * SECOND)
    first_day = int(bins(np.array([made.start]), ZONE)[0][0])
    limits = quiet.gap(heartbeat[:, 0])
    silences = spells.unheard(
        np.asarray(made.sensors.home)[made.beat_sensor], made.beat, homes, limits, made.start, end
    )
    found = spells.find(made.sensors, made.readings, homes, made.start, end)
    without = np.bincount(made.sensors.home, np.asarray(made.sensors.room) == DOOR, homes) == 0
    of_days = (found, silences, homes, first_day, made.days, ZONE)
    by_day, away = usual.longest(*of_days, whole=without)
    lasted = usual.lasted(*of_days, whole=without)
    newest, again = _Newest(made, homes), _split(silences.home, silences.end, homes)
    parts = list[tuple[Int64, ...]]()
    told = np.full(homes, NEVER)
    for day in range(LEARNED, made.days):
        look = slice(max(0, day - usual.DAYS), day)
        which = kinds(first_day + np.arange(look.start, day), ())
        learned = usual.learn(by_day[:, look], away[:, look], lasted[:, look], which)
        now = made.start + day * DAY + np.arange(0, DAY, MINUTE)
        local_day, half = bins(now, ZONE)
        begun, moved, door, heard, weakest = newest.at(now - LAG)
        kind = kinds(local_day, ())
        day_of = np.broadcast_to(local_day, heard.shape)
        limit_heard = quiet.heard_limit(
            learned.limit, np.broadcast_to(kind, heard.shape), np.maximum(heard, made.start), day_of, ZONE
        )
        state, last, _ = quiet.assess(
            learned.limit[:, kind, half],
            limit_heard,
            learned.begun,
            learned.away[:, None],
            *(begun, moved, door, heard, heard, weakest, _newest(again, now - LAG)),
            heartbeat,
            now[None],
            ZONE,
        )
        home, minute = np.nonzero((state == QUIET) | (state == AWAY_LONG))
        since = last[home, minute]
        # each spell once: spells of a home come one after the other
        before = np.append(NEVER, since[:-1])
        first = np.append(True, home[1:] != home[:-1])[: len(home)]
        before = np.where(first, told[home], before[: len(home)])
        new = since > before
        np.maximum.at(told, home, since)
        parts.append((home[new], now[minute[new]], state[home, minute][new], since[new]))
    return Alerts(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Newest:
    """What the service knows of each home at an instant."""

    def __init__(self, made: Homes, homes: int) -> None:
        marks = _Marks(made.sensors.home, made.sensors.room, made.readings)
        self._begun = marks.by_home(marks.on, homes)
        self._ended = marks.by_home(marks.ends, homes)
        self._door = marks.by_home(marks.door, homes)
        edges = (marks.on & ~marks.again) | marks.ends
        self._edges = marks.by_home(edges, homes)
        steps = marks.by_home(edges, homes, np.where(marks.ends, -1, 1))
        self._open = [np.cumsum(one) > 0 for one in steps]
        self._of_sensor = np.asarray(made.sensors.home)[np.asarray(made.sensors.room) != DOOR]
        order = np.lexsort((made.beat, made.beat_sensor))
        motion = np.flatnonzero(np.asarray(made.sensors.room) != DOOR)
        first = np.searchsorted(made.beat_sensor[order], motion)
        last = np.searchsorted(made.beat_sensor[order], motion, "right")
        self._beat = [made.beat[order[low:high]] for low, high in zip(first.tolist(), last.tolist(), strict=True)]

    def at(self, now: Int64) -> tuple[Int64, Int64, Int64, Int64, Int64]:
        """Begun, moved, door, heard and weakest at these instants, each (homes, instants)."""
        begun, ended, door = (_newest(one, now) for one in (self._begun, self._ended, self._door))
        beats, edges = _newest(self._beat, now), np.flatnonzero(np.diff(self._of_sensor, prepend=-1))
        heard, weakest = np.maximum.reduceat(beats, edges), np.minimum.reduceat(beats, edges)
        still = np.stack(
            [
                np.append(state, False)[np.searchsorted(edges, now, "right") - 1]
                for edges, state in zip(self._edges, self._open, strict=True)
            ]
        )
        moved = np.where(ended > NEVER, ended - spells.TIMEOUT, NEVER)
        return begun, np.where(still, OPEN, moved), door, heard, weakest


class _Marks:
    """What each reading of sensors is: movement, its end, the same again, or the door."""

    def __init__(self, homes: Int64, rooms: Int64, readings: Readings) -> None:
        counts = np.diff(readings.offsets)
        sensor = np.repeat(np.arange(len(counts)), counts)
        first = np.append(True, sensor[1:] != sensor[:-1])[: len(sensor)]
        moved, ends = spells.movements(np.asarray(readings.value), first)
        self.home, self.time = np.asarray(homes, np.int64)[sensor], readings.time
        self.door = np.asarray(rooms)[sensor] == DOOR
        self.on, self.ends = moved & ~ends & ~self.door, ends & ~self.door
        self.again = np.append(False, self.on[:-1])[: len(sensor)] & self.on & ~first

    def by_home(self, which: Bool, homes: int, value: Int64 | None = None) -> list[Int64]:
        """Times (or values) of these readings in order of time, home by home."""
        home, time = self.home[which], self.time[which]
        order = np.lexsort((time, home))
        some = time if value is None else value[which]
        return _split(home[order], some[order], homes)


def _split(home: Int64, some: Int64, homes: int) -> list[Int64]:
    return np.split(some, np.searchsorted(home, np.arange(1, homes)))


def _newest(times: list[Int64], now: Int64) -> Int64:
    return np.stack([np.append(own, NEVER)[np.searchsorted(own, now, "right") - 1] for own in times])


def _false(found: Score, made: Homes, alerts: Alerts) -> None:
    for home, at, state, since in zip(*(one.tolist() for one in alerts), strict=True):
        if _meets(made.truth.hospital, home, at, at + 1):
            found.known += 1
        elif state == AWAY_LONG:
            found.notes += 1
        elif not _meets(made.truth.emergencies, home, at, at + 1):
            found.false[home] += 1
            found.causes[_cause(made, home, at, since)] += 1
            found.in_outage += _meets(made.outages, home, at, at + 1)


def _cause(made: Homes, home: int, at: int, since: int) -> str:
    truth = made.truth
    gone, away = _meets(truth.gone, home, at, at + 1), _meets(truth.away, home, at, at + 1)
    if gone or away:
        return "holiday without door" if gone else "outing without door"
    if _meets(made.lost, home, since, at):
        return "sensor silent"
    half = int(bins(np.array([at]), ZONE)[1][0])
    return "long sleep" if half < 22 or half >= 45 else "quiet by day"


def _told(found: Score, made: Homes, alerts: Alerts) -> None:
    begin, end, homes = made.start + LEARNED * DAY, made.start + made.days * DAY, len(made.truth.homes)
    ever = _longest_ever(made)
    marks = _Marks(made.sensors.home, made.sensors.room, made.every)
    movements = marks.by_home(marks.on | marks.ends | marks.door, homes)
    doors, begun = marks.by_home(marks.door, homes), marks.by_home(marks.on, homes)
    for home, low, high in zip(*(one.tolist() for one in made.truth.emergencies), strict=True):
        if low < begin or high > end:
            continue
        found.planted += 1
        last = int(_newest([movements[home]], np.array([low]))[0, 0])
        beyond = _beyond(ever[home], last, low)
        mine = (alerts.home == home) & (alerts.state == QUIET) & (alerts.at >= low) & (alerts.at < high)
        at = int(alerts.at[mine].min(initial=OPEN))
        found.told_ever += at < OPEN
        if at < OPEN:
            found.delay.append((at - low) / HOUR)
            found.late.append((at - beyond) / HOUR)
        elif high <= beyond + LATE:
            found.found_before += 1
            continue
        found.due[home] += 1
        if at <= beyond + LATE:
            found.told[home] += 1
            continue
        by_door = bool(_newest([doors[home]], np.array([low])) >= _newest([begun[home]], np.array([low])) - MINUTE)
        found.missed[_why(made, home, low, min(at, high), by_door)] += 1


def _why(made: Homes, home: int, low: int, until: int, by_door: bool) -> str:
    if by_door:
        return "looked like leaving"
    if _meets(made.lost, home, low, until):
        return "not heard"
    return "pet" if made.truth.pets[home] else "late"


def _longest_ever(made: Homes) -> Int64:
    """The longest quiet within an hour of each half-hour of the clock in the first `LEARNED` days [us], ``(homes,
    BINS)``, as sensors without a fault see it: without what the door tells to be an absence, without emergencies and
    days away."""
    homes = len(made.truth.homes)
    found = spells.find(made.sensors, made.every, homes, made.start, made.start + LEARNED * DAY)
    keep = ~found.away
    for spans in (made.truth.emergencies, made.truth.gone):
        for home, low, high in zip(*(one.tolist() for one in spans), strict=True):
            keep &= ~((found.home == home) & (found.start < high) & (found.end > low))
    ordinary = found._replace(**{name: getattr(found, name)[keep] for name in found._fields})
    none = np.empty(0, np.int64)
    first_day = int(bins(np.array([made.start]), ZONE)[0][0])
    by_day, _ = usual.longest(
        ordinary, Spans(none, none, none), homes, first_day, LEARNED, ZONE, whole=np.ones(homes, np.bool_)
    )
    ever = np.asarray(by_day.max(axis=1), np.int64) * SECOND
    return np.asarray(np.max([np.roll(ever, step, axis=1) for step in range(-2, 3)], axis=0), np.int64)


def _beyond(ever: Int64, last: int, low: int) -> int:
    """The first minute from ``low`` on at which it has been quiet since ``last`` longer than ever at that time."""
    minutes = low + np.arange(_FOLLOWED, dtype=np.int64) * MINUTE
    longer = minutes - last > ever[bins(minutes, ZONE)[1]]
    return int(minutes[np.argmax(longer)]) if longer.any() else OPEN // 2


def _meets(spans: Spans | TrueSpans, home: int, low: int, high: int) -> bool:
    return bool(((spans.home == home) & (spans.start < high) & (spans.end > low)).any())
