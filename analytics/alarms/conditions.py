"""From what was counted to the conditions that hold. Pure: facts in, conditions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.alarms.rules import BY_KEY
from devices.counts import counted
from store.alarm_facts import Facts, Heard, Rejections, Waiting

#: Windows in which a family is expected to send something, the shortest that fits counts.
WINDOWS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
#: In so many of these windows it must have sent something, of at least so many, over at least so long.
REGULAR, LEAST_WINDOWS, LEAST_SPAN = 0.95, 7, timedelta(days=1)
#: Fewer rejected messages than this are no flood.
LEAST_REJECTED = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """``rejected``: part of all messages; ``disk``: part that must be free."""

    rejected: float = 0.05
    disk: float = 0.10


class Disk(NamedTuple):
    """Where a folder lies: bytes that are free for us, and all."""

    folder: str
    free: int
    size: int


class Gateway(NamedTuple):
    """``silent`` of a gateway's ``bays``, open ones alone."""

    name: str
    silent: int
    bays: int


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
        *silent(facts.heard, now),
        *rejected(facts.rejections, limits.rejected),
        *days(facts.waiting),
        *_gateways(gateways),
        *full(disks, limits.disk),
    ]


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


def full(disks: Iterable[Disk], limit: float) -> Iterator[Condition]:
    """Folders on a disk with too little room."""
    for one in disks:
        if one.free < limit * one.size:
            part, free = 100 * one.free / one.size, one.free / 1e9
            yield Condition("disk", one.folder, f"{part:.1f} % is free, {free:,.1f} GB")


def _gateways(gateways: Iterable[Gateway]) -> Iterator[Condition]:
    for one in gateways:
        yield Condition("gateway", one.name, f"{one.silent} of its {counted(one.bays, 'bay')} fell silent together")


_UNITS: Mapping[str, timedelta] = {
    "day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1),
}  # fmt: skip


def _words(length: timedelta) -> str:
    unit = next(name for name, one in _UNITS.items() if length >= one)
    number = length // _UNITS[unit]
    return unit if number == 1 else counted(number, unit)
