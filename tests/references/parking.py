"""Parking once more, from the rules alone: one bay, one reading, one minute at a time, in plain Python.

Instants are whole microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from devices.bays import Restriction

Interval = tuple[int, int]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000
STUCK = 28 * 24 * 60 * MINUTE


@dataclass(frozen=True)
class Event:
    bay: int
    time: int
    value: float
    device: int


@dataclass(frozen=True)
class Link:
    """A sensor in a bay; ``end`` None: still."""

    bay: int
    device: int
    start: int
    end: int | None


@dataclass(frozen=True)
class Bay:
    """``limit`` of silence and ``heartbeat`` (0: none) [us]; what holds there; when suspended, when with a permit."""

    limit: int
    heartbeat: int = 0
    zone: int = 0
    restrictions: tuple[Restriction, ...] = ()
    event_days: frozenset[date] = frozenset()
    suspended: tuple[Interval, ...] = ()
    permits: tuple[Interval, ...] = ()


@dataclass
class Span:
    """``why`` it ends: reading, silent, swapped, stuck, lasts; of unknown time nothing is said."""

    start: int
    end: int
    state: str
    why: str = ""


@dataclass(frozen=True)
class Stay:
    arrival: int
    departure: int
    begins: str
    ends: str


@dataclass
class Found:
    """Of one bay."""

    spans: list[Span] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    used: int = 0
    outside: int = 0
    invalid: int = 0
    duplicates: int = 0
    conflicts: int = 0
    repeated: int = 0


def one_device_after_another(links: Iterable[Link]) -> list[Link]:
    """A bay's links by time; two that touch and are of one device are one."""
    found: list[Link] = []
    for link in sorted(links, key=lambda link: link.start):
        if found and found[-1].device == link.device and found[-1].end == link.start:
            found[-1] = Link(link.bay, link.device, found[-1].start, link.end)
        else:
            found.append(link)
    return found


def _is_heartbeat(heartbeat: int, arrival: int, before: int | None, time: int) -> bool:
    """Whether a reading of an occupied bay may be a heartbeat. The first one after the arrival may, for heartbeats come
    at times of their own; from then on each is about a heartbeat from the one before."""
    if heartbeat <= 0 or before is None:
        return False
    return before == arrival or 5 * (time - before) >= 4 * heartbeat


def watch(bay: int, of: Bay, events: Sequence[Event], links: Sequence[Link], start: int, end: int) -> Found:
    """What is known of a bay from ``start`` to ``end``, of which nothing was known before."""
    found = Found()
    own = one_device_after_another(link for link in links if link.bay == bay)
    readings: list[dict[int, list[float]]] = [{} for _ in own]
    for event in events:
        if event.bay != bay:
            continue
        holds = [
            place
            for place, link in enumerate(own)
            if link.device == event.device and link.start <= event.time and (link.end is None or event.time < link.end)
        ]
        if not holds or not start <= event.time < end:
            found.outside += 1
        elif event.value not in (0, 1):
            found.invalid += 1
        else:
            readings[holds[0]].setdefault(event.time, []).append(event.value)

    known: list[Span] = []
    for link, values in zip(own, readings, strict=True):
        last = end if link.end is None else min(link.end, end)
        times = sorted(values)
        since: int | None = None
        stuck = False
        before: int | None = None
        for place, time in enumerate(times):
            said = values[time]
            found.used += 1
            if len(set(said)) > 1:
                found.conflicts += 1
                found.duplicates += len(said) - 2
            else:
                found.duplicates += len(said) - 1
            value = min(said)
            following = times[place + 1] if place + 1 < len(times) else None
            falls_silent = time + of.limit
            if following is not None and following <= falls_silent:
                until, why = following, "reading"
            elif falls_silent <= last and falls_silent < end:
                until, why = falls_silent, "silent"
            else:
                until, why = last, "swapped" if last < end else "lasts"
            if value == 0:
                stuck, since = False, None
                known.append(Span(time, until, "free", why))
            elif not stuck:
                if since is None:
                    since = time
                elif time - since < STUCK and not _is_heartbeat(of.heartbeat, since, before, time):
                    found.repeated += 1
                if until - since > STUCK or (until - since == STUCK and why == "silent"):
                    known.append(Span(time, since + STUCK, "occupied", "stuck"))
                    stuck = True
                else:
                    known.append(Span(time, until, "occupied", why))
            if why == "silent":
                since = None
            before = time

    # runs, and what is between them
    runs: list[Span] = []
    for span in known:
        if runs and runs[-1].end == span.start and runs[-1].state == span.state and runs[-1].why == "reading":
            runs[-1].end, runs[-1].why = span.end, span.why
        else:
            runs.append(span)
    for place, run in enumerate(runs):
        if run.state == "occupied":
            came = place > 0 and runs[place - 1].end == run.start and runs[place - 1].why == "reading"  # it was free
            found.stays.append(Stay(run.start, run.end, "reading" if came else "unknown", run.why))
    at = start
    for run in runs:
        if run.start > at:
            found.spans.append(Span(at, run.start, "unknown"))
        found.spans.append(run)
        at = run.end
    if at < end:
        found.spans.append(Span(at, end, "unknown"))
    return found


def overlap(one: Interval, other: Interval) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def inside(at: int, intervals: Iterable[Interval]) -> bool:
    return any(begin <= at < stop for begin, stop in intervals)


def cut(begin: int, stop: int, *closed: Iterable[Interval]) -> list[Interval]:
    """A time in pieces in which nothing of what is given begins or ends."""
    bounds = {begin, stop}
    for intervals in closed:
        bounds |= {bound for interval in intervals for bound in interval if begin < bound < stop}
    return list(pairwise(sorted(bounds)))


def quarters(of: Bay, spans: Sequence[Span], edges: Sequence[int]) -> list[tuple[int, int, int]]:
    """Occupied, free and suspended time of each quarter hour."""
    found = []
    for begin, stop in pairwise(edges):
        occupied = free = suspended = 0
        for piece in cut(begin, stop, of.suspended):
            if inside(piece[0], of.suspended):
                suspended += piece[1] - piece[0]
                continue
            for span in spans:
                time = overlap(piece, (span.start, span.end))
                occupied += time if span.state == "occupied" else 0
                free += time if span.state == "free" else 0
        found.append((occupied, free, suspended))
    return found


def holds(restriction: Restriction, local: datetime, of: Bay, bank_holidays: frozenset[date]) -> bool:
    """Whether a restriction holds at a local time."""
    day, minute = local.date(), local.hour * 60 + local.minute
    if not restriction.days & (1 << day.weekday()):
        return False
    if not restriction.start <= minute < restriction.end:
        return False
    if restriction.from_day is not None and day < restriction.from_day:
        return False
    if restriction.to_day is not None and day >= restriction.to_day:
        return False
    holiday, event = day in bank_holidays, day in of.event_days
    if (restriction.bank_holidays, holiday) in (("off", True), ("only", False)):
        return False
    return (restriction.event_days, event) not in (("only", False), ("not", True))


def at_minute(minute: int, of: Bay, zone: ZoneInfo, bank_holidays: frozenset[date]) -> Restriction | None:
    """What holds in a minute that begins at an instant."""
    local = (EPOCH + timedelta(microseconds=minute)).astimezone(zone)
    held = [restriction for restriction in of.restrictions if holds(restriction, local, of, bank_holidays)]
    assert len(held) <= 1, "two at once are refused at the import"
    return held[0] if held else None


def over(of: Bay, stay: Stay, zone: ZoneInfo, bank_holidays: frozenset[date]) -> tuple[int, int, int]:
    """From when on a stay is over (-1: it is not), how long, and how long the bay was suspended in it."""
    since, total, suspended = -1, 0, 0
    clock: int | None = None
    minute = stay.arrival // MINUTE * MINUTE
    while minute < stay.departure:
        held = at_minute(minute, of, zone, bank_holidays)
        begin, stop = max(minute, stay.arrival), min(minute + MINUTE, stay.departure)
        for first, last in cut(begin, stop, of.suspended, of.permits):
            if inside(first, of.suspended):
                suspended += last - first
            if held is None or inside(first, of.suspended) or inside(first, of.permits):
                clock = None
                continue
            if clock is None:
                clock = first
            if held.maximum_stay is not None:
                late = max(first, clock + held.maximum_stay * MINUTE)
                if late < last:
                    since = late if since < 0 else since
                    total += last - late
        minute += MINUTE
    return since, total, suspended
