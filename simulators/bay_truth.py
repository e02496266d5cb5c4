"""What is true of a fleet's bays in a span: who stood where, what perfect sensors can know of it, who was over.

A bay is known from its sensor's first reading on; at a change of sensors it is unknown until the new one's first. All
that is said of the bays here follows from the cars alone and from no event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.bays import Register
from simulators.clock import DAY_US, HOUR_US, SECOND_US
from simulators.kerbside import NEVER
from simulators.over_time import Limits
from simulators.parking import NIGHT, Bays, make_bays, stays_of
from simulators.plans import Fleet

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class TrueStays:
    """Stays as perfect sensors know them, sorted by (bay, arrival); arrays of shape (stays,), instants [us].

    ``begun``: the arrival was seen; else the bay was unknown before. ``ended``: the departure was seen; else the sensor
    was changed, or the stay ``lasts`` at the span's end. ``over`` [us] is its time over, from ``over_from`` on, or -1.
    """

    bay: Int64
    arrival: Int64
    departure: Int64
    begun: Bool
    ended: Bool
    lasts: Bool
    over_from: Int64
    over: Int64


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals [start, end) [us] of bays, shapes (intervals,)."""

    bay: Int64
    start: Int64
    end: Int64


@dataclass(frozen=True, slots=True)
class BayTruth:
    """The truth of [start, end) [us]. ``known``: when each bay is known; ``suspended``: suspensions within the span."""

    register: Register
    start: int
    end: int
    stays: TrueStays
    known: Intervals
    suspended: Intervals


def truth_of(fleet: Fleet, register: Register, start: int, end: int, holiday: Callable[[date], bool]) -> BayTruth:
    """The truth of a fleet's bays in a simulation of [start, end) [us]; ``holiday`` tells bank holidays.

    Raises ValueError where the fleet has no bays.
    """
    bays = make_bays(fleet)
    cars = _cars(fleet, bays, start, end)
    known = _known(fleet, bays, cars, start, end)
    ids = {bay.id: place for place, bay in enumerate(register.bays)}
    suspended = Intervals(
        np.array([ids[one.bay] for one in register.suspensions], np.int64),
        np.array([_us(one.start) for one in register.suspensions], np.int64),
        np.array([_us(one.end) for one in register.suspensions], np.int64),
    )
    return BayTruth(
        register, start, end, _seen(fleet, register, cars, known, end, holiday), known, _clipped(suspended, start, end)
    )


def zone_quarters(truth: BayTruth, zone: str, edges: Int64) -> tuple[Int64, Int64]:
    """Occupied and free time [us] of a zone between each two edges [us].

    Bays of households are in no figure of a zone. Shapes: ``edges`` (quarters + 1,), both results (quarters,).
    """
    mine = np.array([bay.zone == zone and not bay.personal for bay in truth.register.bays], np.bool_)
    return held_time(truth.stays, truth.known, truth.suspended, mine, edges)


def held_time(
    stays: TrueStays, known: Intervals, suspended: Intervals, mine: Bool, edges: Int64
) -> tuple[Int64, Int64]:
    """Occupied and free time [us] of ``mine`` (bays,) between each two edges, unknown and suspended time left out."""
    occupied = _open_time(Intervals(stays.bay, stays.arrival, stays.departure), suspended, mine, edges)
    return occupied, _open_time(known, suspended, mine, edges) - occupied


def _open_time(held: Intervals, suspended: Intervals, mine: Bool, edges: Int64) -> Int64:
    """Time [us] of these intervals at ``mine`` (bays,) bays between each two edges, without what is suspended."""
    which = mine[held.bay]
    total = _between(held.start[which], held.end[which], edges)
    for bay, start, end in zip(suspended.bay.tolist(), suspended.start.tolist(), suspended.end.tolist(), strict=True):
        if mine[bay]:
            own = held.bay == bay
            low, high = np.maximum(held.start[own], start), np.minimum(held.end[own], end)
            total -= _between(low[low < high], high[low < high], edges)
    return total


def _between(start: Int64, end: Int64, edges: Int64) -> Int64:
    """How much of these intervals lies between each two edges."""
    base = int(edges[0])

    def before(moments: Int64) -> Int64:
        """For each edge the sum of what has passed since each of the moments."""
        ordered = np.sort(np.clip(moments, base, int(edges[-1]))) - base
        sums = np.concatenate(([0], np.cumsum(ordered)))
        place = np.searchsorted(ordered, edges - base)
        passed: Int64 = place * (edges - base) - sums[place]
        return passed

    return np.diff(before(start) - before(end))


def _cars(fleet: Fleet, bays: Bays, start: int, end: int) -> Intervals:
    """Who stood where, nights joined; one who has not left by the last day's end stays for ever."""
    shift = NIGHT * HOUR_US
    days = range((start - shift) // DAY_US, -(-(end - shift) // DAY_US))
    parts = [stays_of(fleet, bays, day) for day in days]
    bay = np.concatenate([part.bay for part in parts])
    number = np.repeat(np.arange(len(days)), [len(part.bay) for part in parts])
    arrival = np.concatenate([part.arrival for part in parts])
    departure = np.concatenate([part.departure for part in parts])
    order = np.lexsort((arrival, number, bay))
    bay, number, arrival, departure = bay[order], number[order], arrival[order], departure[order]
    first = np.flatnonzero((arrival >= 0) | (number == 0))
    last = np.append(first[1:], len(bay)) - 1
    begin = (days[0] + number) * DAY_US + shift
    leaves = begin[last] + departure[last] * SECOND_US
    return Intervals(
        bay[first],
        begin[first] + arrival[first] * SECOND_US,
        np.where(departure[last] >= _DAY_S, NEVER, leaves),
    )


def _known(fleet: Fleet, bays: Bays, cars: Intervals, start: int, end: int) -> Intervals:
    """From the first reading of each sensor, which may be a heartbeat or an event, to its replacement or the end."""
    plan, kerbside = fleet.bays, bays.kerbside
    assert plan is not None
    assert kerbside is not None
    count = len(bays.kind)
    bay = np.concatenate((np.arange(count), np.array([swap.bay for swap in kerbside.swaps], np.int64)))
    low, high = np.full(len(bay), start), np.full(len(bay), end)
    for swap in kerbside.swaps:
        high[swap.bay] = min(max(swap.at, start), end)
        low[swap.device] = max(swap.at, start)
    period = plan.heartbeat * SECOND_US
    first = low + (bays.phase * SECOND_US - low) % period
    for moments in (cars.start, cars.end):
        order = np.lexsort((moments, cars.bay))
        of_bay, moment = cars.bay[order], moments[order]
        edges = np.searchsorted(of_bay, np.arange(count + 1))
        for sensor, place in enumerate(bay.tolist()):
            own = moment[edges[place] : edges[place + 1]]
            at = int(np.searchsorted(own, low[sensor]))
            if at < len(own):
                first[sensor] = min(int(first[sensor]), int(own[at]))
    return _clipped(Intervals(bay, first, high), start, end)


def _seen(
    fleet: Fleet,
    register: Register,
    cars: Intervals,
    known: Intervals,
    end: int,
    holiday: Callable[[date], bool],
) -> TrueStays:
    """The cars within what is known, with their time over."""
    order = np.lexsort((known.start, known.bay))
    of_bay = known.bay[order]
    lows, highs = np.searchsorted(of_bay, cars.bay), np.searchsorted(of_bay, cars.bay, side="right")
    parts = []
    for turn in range(int((highs - lows).max(initial=0))):
        mine = np.flatnonzero(lows + turn < highs)
        span = order[lows[mine] + turn]
        arrival, departure = (
            np.maximum(cars.start[mine], known.start[span]),
            np.minimum(cars.end[mine], known.end[span]),
        )
        good = arrival < departure
        mine, span, arrival, departure = mine[good], span[good], arrival[good], departure[good]
        begun, ended = cars.start[mine] > known.start[span], cars.end[mine] < known.end[span]
        parts.append((cars.bay[mine], arrival, departure, begun, ended, departure >= end))
    if not parts:
        none, no = np.empty(0, np.int64), np.empty(0, np.bool_)
        return TrueStays(none, none, none, no, no, no, none, none)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    bay, arrival, departure, begun, ended, lasts = (column[order] for column in columns)
    over = _over(fleet, register, bay, arrival, departure, holiday)
    return TrueStays(bay, arrival, departure, begun, ended, lasts, over[:, 0], over[:, 1])


def _over(
    fleet: Fleet,
    register: Register,
    bay: Int64,
    arrival: Int64,
    departure: Int64,
    holiday: Callable[[date], bool],
) -> Int64:
    closed: dict[str, list[tuple[int, int]]] = {}
    for kind in (register.suspensions, register.permits):
        for one in kind:
            closed.setdefault(one.bay, []).append((_us(one.start), _us(one.end)))
    events = [(event.zone, event.day) for event in register.events]
    limits = Limits(ZoneInfo(fleet.climate.zone), holiday, events, closed)
    rows = zip(bay.tolist(), arrival.tolist(), departure.tolist(), strict=True)
    found = [limits.over(register.bays[place], begin, end) for place, begin, end in rows]
    return np.array(found, np.int64).reshape(-1, 2)


def _clipped(one: Intervals, start: int, end: int) -> Intervals:
    low, high = np.maximum(one.start, start), np.minimum(one.end, end)
    good = low < high
    return Intervals(one.bay[good], low[good], high[good])


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
