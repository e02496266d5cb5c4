"""Time beyond what is permitted, told from known stays by the rules alone (docs/decisions/010-parking.md, Overstay).

Plain and slow, stay by stay: what the analytics say of events is held against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devices.bays import Bay

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US = 60_000_000

#: An interval [start, end) [us].
Interval = tuple[int, int]


class Over(NamedTuple):
    """Where a stay's time over begins [us], and how much it is [us]; nothing is 0 from nowhere (-1)."""

    start: int
    length: int


class Limits:
    """What holds at bays when. ``holiday`` tells bank holidays, ``events`` the (zone, day) of events.

    ``closed``: bay -> intervals [us] in which none of its restrictions holds: suspensions and permits.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        holiday: Callable[[date], bool],
        events: Iterable[tuple[str, date]],
        closed: dict[str, list[Interval]],
    ) -> None:
        self._zone, self._holiday, self._events, self._closed = zone, holiday, frozenset(events), closed

    def over(self, bay: Bay, arrival: int, departure: int) -> Over:
        """The time over of a stay [us] at a bay."""
        limits = [rule.maximum_stay for rule in bay.restrictions if rule.maximum_stay is not None]
        if not limits or departure - arrival <= min(limits) * _MINUTE_US:
            return Over(-1, 0)
        start, length = -1, 0
        for stretch in _stretches(self._holding(bay, arrival, departure)):
            clock = stretch[0][0]
            for begin, end, maximum in stretch:
                if maximum is None:
                    continue
                first = max(begin, clock + maximum * _MINUTE_US)
                if first < end:
                    start = first if start < 0 else start
                    length += end - first
        return Over(start, length)

    def _holding(self, bay: Bay, arrival: int, departure: int) -> list[tuple[int, int, int | None]]:
        """What holds within [arrival, departure) in the order of time: begin, end [us], maximum stay [min]."""
        first, last = self._day(arrival), self._day(departure)
        found = []
        for rule in bay.restrictions:
            day = first
            while day <= last:
                if rule.holds_on(day, holiday=self._holiday(day), event=(bay.zone, day) in self._events):
                    begin = max(arrival, self._instant(day, rule.start))
                    end = min(departure, self._instant(day, rule.end))
                    found += [(a, b, rule.maximum_stay) for a, b in self._open(bay.id, begin, end)]
                day += timedelta(days=1)
        return sorted(found, key=lambda one: one[0])

    def _open(self, bay: str, begin: int, end: int) -> Iterator[Interval]:
        """[begin, end) without the closed time of the bay."""
        for start, stop in sorted(self._closed.get(bay, ())):
            if begin < min(start, end):
                yield begin, min(start, end)
            begin = max(begin, stop)
        if begin < end:
            yield begin, end

    def _day(self, moment: int) -> date:
        return (_EPOCH + timedelta(microseconds=moment)).astimezone(self._zone).date()

    def _instant(self, day: date, minute: int) -> int:
        """The instant [us] of a minute of a local day; 1,440 is the next midnight."""
        day, minute = day + timedelta(days=minute // 1_440), minute % 1_440
        local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=self._zone)
        return (local - _EPOCH) // timedelta(microseconds=1)


def _stretches(
    intervals: Sequence[tuple[int, int, int | None]],
) -> Iterator[list[tuple[int, int, int | None]]]:
    """Intervals that touch, together."""
    stretch: list[tuple[int, int, int | None]] = []
    for one in intervals:
        if stretch and stretch[-1][1] != one[0]:
            yield stretch
            stretch = []
        stretch.append(one)
    if stretch:
        yield stretch
