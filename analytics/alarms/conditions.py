"""From what was counted to the conditions that hold. Pure: facts in, conditions out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.alarms.rules import BY_KEY
from devices.counts import counted
from store.alarm_facts import Collectors, Facts, Heard, Lag, Rejections, Unarchived, Waiting

#: Windows in which a family is expected to send something, the shortest that fits counts.
WINDOWS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
#: In so many of these windows it must have sent something, of at least so many, over at least so long.
REGULAR, LEAST_WINDOWS, LEAST_SPAN = 0.95, 7, timedelta(days=1)
#: Fewer rejected messages than this are no flood, and of fewer readings no lag is told.
LEAST_REJECTED = LEAST_READINGS = 20
#: A collector writes every few seconds; one that did not for so long does not run.
COLLECTOR_SILENT = timedelta(minutes=3)
#: What rules without a subject of their own are of.
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Limits:
    """``lag`` [s]; ``rejected``: part of all messages; ``disk``: part that must be free."""

    lag: float = 600.0
    rejected: float = 0.05
    disk: float = 0.10


class Disk(NamedTuple):
    """Where a folder lies: bytes that are free for us, and all."""

    folder: str
    free: int
    size: int


class Gateway(NamedTuple):
    """``silent`` of a gateway's ``bays``, open ones alone; or, ``what`` "home", of its homes with movement sensors."""

    name: str
    silent: int
    bays: int
    what: str = "bay"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong. A ``mark`` that changes says that it is another one by the same name."""

    rule: str
    subject: str
    text: str
    mark: str = ""

    def __post_init__(self) -> None:
        if self.rule not in BY_KEY:
            raise ValueError(f"there is no rule {self.rule!r}")


def find(
    facts: Facts, disks: Iterable[Disk], gateways: Iterable[Gateway], limits: Limits, now: datetime
) -> list[Condition]:
    """All conditions that hold at ``now``."""
    return [
        *collecting(facts.collectors, now),
        *silent(facts.heard, now),
        *late(facts.lags, facts.usual_lags, limits.lag),
        *rejected(facts.rejections, limits.rejected),
        *_archives(facts.unarchived),
        *days(facts.waiting),
        *_gateways(gateways),
        *complaints(facts.overdue),
        *messages(facts.unsent, facts.unlooked),
        *full(disks, limits.disk),
    ]


def collecting(found: Collectors, now: datetime) -> Iterator[Condition]:
    """Whether collectors run, are subscribed, and hear that the broker throws messages away; nothing where none ever
    ran."""
    if found.newest is None:
        return
    # the last minute that was written may have lasted to its end
    if now - found.newest >= COLLECTOR_SILENT + timedelta(minutes=1):
        yield Condition("collector", SYSTEM, f"none has written anything since {found.newest:%Y-%m-%d %H:%M} UTC")
    elif found.subscribed <= 0:
        yield Condition("broker", SYSTEM, "none is subscribed at the broker")
    if found.dropped > 0:
        yield Condition("dropped", SYSTEM, f"{counted(found.dropped, 'message')} in 15 minutes")


def late(lags: Iterable[Lag], usual: Iterable[Lag], limit: float) -> Iterator[Condition]:
    """Families whose readings come later than the limit [s] and did not before. Of one that has no before none is told:
    a history that is loaded is late by years."""
    before = {one.family: one for one in usual if one.readings >= LEAST_READINGS}
    for one in lags:
        then = before.get(one.family)
        if then is None or one.readings < LEAST_READINGS or one.median <= limit or then.median > limit:
            continue
        yield Condition(
            "lag", one.family, f"half of {counted(one.readings, 'reading')} were about {_age(one.median)} old"
        )


def quiet_after(one: Heard) -> timedelta | None:
    """How long a family is never quiet: the shortest window in which it regularly sent something; None: it is not
    regular, or not known for long enough."""
    if one.span < LEAST_SPAN:
        return None
    for window in WINDOWS:
        whole = one.span // window
        if whole >= LEAST_WINDOWS and one.windows[window] >= REGULAR * whole:
            return window
    return None


def silent(heard: Iterable[Heard], now: datetime) -> Iterator[Condition]:
    """Families of which nothing has come for longer than they are ever quiet."""
    for one in heard:
        window = quiet_after(one)
        # the minute in which it was heard last may have been full of messages
        if window is not None and now - one.last >= window + timedelta(minutes=1):
            text = (
                f"nothing has come since {one.last:%Y-%m-%d %H:%M} UTC; usually something does every {_words(window)}"
            )
            yield Condition("silent", one.family, text)


def rejected(rows: Sequence[Rejections], limit: float) -> Iterator[Condition]:
    """Families of whose messages too many were rejected. Of ``unknown`` all are: they count among all families'."""
    everything = sum(row.received for row in rows)
    for row in rows:
        received = everything if row.family == "unknown" else row.received
        if row.rejected >= LEAST_REJECTED and row.rejected > limit * received:
            text = f"{row.rejected:,} of {counted(received, 'message')} in 15 minutes were rejected"
            yield Condition("rejected", row.family, text)


def days(waiting: Iterable[Waiting]) -> Iterator[Condition]:
    """Families whose notes of days are not taken away: the oldest of them is the condition's mark."""
    for row in waiting:
        yield Condition("days", row.family, f"{counted(row.notes, 'note')} of written days wait", str(row.oldest))


def complaints(overdue: int) -> Iterator[Condition]:
    """Whether complaints are past the day by which they must be acknowledged; nothing of what they say."""
    if overdue > 0:
        yield Condition("complaint", SYSTEM, f"{counted(overdue, 'complaint')} not acknowledged in time")


def messages(unsent: int, unlooked: Sequence[tuple[str, datetime]]) -> Iterator[Condition]:
    """Whether messages to people are not handed over, or nobody looks whether there is cause for any; of nobody."""
    if unlooked:
        name, since = unlooked[0]
        if name:
            yield Condition(
                "unlooked", SYSTEM, f"{name}: not looked at without a fault since {since:%Y-%m-%d %H:%M} UTC"
            )
        else:
            yield Condition("unlooked", SYSTEM, f"nobody ever looked; somebody waits since {since:%Y-%m-%d %H:%M} UTC")
    if unsent > 0:
        yield Condition("unsent", SYSTEM, f"{counted(unsent, 'e-mail')} due for ten minutes and more")


def full(disks: Iterable[Disk], limit: float) -> Iterator[Condition]:
    """Folders on a disk with too little room."""
    for one in disks:
        if one.free < limit * one.size:
            part, free = 100 * one.free / one.size, one.free / 1e9
            yield Condition("disk", one.folder, f"{part:.1f} % is free, {free:,.1f} GB")


def _archives(found: Iterable[Unarchived]) -> Iterator[Condition]:
    for one in found:
        yield Condition("archive", one.collector, f"{counted(one.missed, 'message')} missing since its start")


def _gateways(gateways: Iterable[Gateway]) -> Iterator[Condition]:
    for one in gateways:
        yield Condition("gateway", one.name, f"{one.silent} of its {counted(one.bays, one.what)} fell silent together")


_UNITS: Mapping[str, timedelta] = {
    "day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1),
}  # fmt: skip


def _words(length: timedelta) -> str:
    unit = next(name for name, one in _UNITS.items() if length >= one)
    number = length // _UNITS[unit]
    return unit if number == 1 else counted(number, unit)


def _age(seconds: float) -> str:
    if math.isinf(seconds):
        return "a month or more"
    for name, unit in _UNITS.items():
        if seconds >= 2 * unit.total_seconds():
            return counted(seconds / unit.total_seconds(), name)
    return counted(seconds, "second")
