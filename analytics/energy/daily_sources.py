"""The meters of some homes as arrays, and their daily use from their readings. Reads the store, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.energy import daily_use
from analytics.energy.crowded_readings import TOGETHER
from analytics.energy.daily_use import INTERVAL, NONE, SOURCES, Days, Steps
from analytics.periods import day_edges
from store import meters as store_meters
from store.arrays import Readings, read_series
from store.connect import Connection
from store.times import midnight

Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

EPOCH = date(1970, 1, 1)
#: So many messages a broker's queue holds at most, as far as one looks for its end.
_LARGEST_QUEUE = 5_000
#: Intervals of these lengths are read with the days that they reach into, and nothing else is [us].
_SHORT = 2 * 3_600_000_000
#: Stands for "still" where a day is asked for [days since 1970-01-01].
_STILL = 10**7


class GasEnergy(Protocol):
    """What volumes of gas are worth: ``analytics.energy.prices.Energy`` is one."""

    def gas_kwh(self, volume: float, day: date) -> float:
        """Energy [kWh] of a gas volume [m3] on a day."""


class Span(NamedTuple):
    """Local days from ``start`` to ``end`` (not included) [days since 1970-01-01]."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Numbers of the series of which something was left out: more than their supply carries (``beyond``), or days in
    which a register fell more than once without beginning again at zero (``falling``).
    """

    beyond: set[int] = field(default_factory=set)
    falling: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Meters:
    """Meters of some homes. Series are rows ``(rows,)``, those of a property beside each other; links ``(links,)``."""

    #: Rising.
    homes: Int64
    #: Their numbers, by row.
    series: Int32
    #: By row, a place among the devices.
    device: Int64
    #: Of an interval [us], by row.
    length: Int64
    #: Of the supply [units/h], by row.
    limit: Int64
    #: Which rows belong to which property.
    rows: Mapping[str, slice]
    #: How many.
    devices: int
    #: By link, a place in ``homes``.
    home: Int64
    #: By link, a place among the devices.
    meter: Int64
    #: By link [days since 1970-01-01].
    start: Int64
    #: Not included.
    end: Int64

    def linked(self, span: Span) -> Bools:
        """On which days somebody who is measured lives in which home: ``(homes, days)``."""
        days = np.arange(span.start, span.end)
        found = np.zeros((len(self.homes), len(days)), np.bool_)
        np.logical_or.at(found, self.home, (days >= self.start[:, None]) & (days < self.end[:, None]))
        return found

    @property
    def plain(self) -> Bools:
        """Which homes' meters tell nothing but short intervals: ``(homes,)``."""
        other = self.length > _SHORT
        other[self.rows[INTERVAL].stop :] = True
        others = np.zeros(self.devices, np.bool_)
        others[self.device[other]] = True
        found = np.ones(len(self.homes), np.bool_)
        found[self.home[others[self.meter]]] = False
        return found

    def of(self, which: Bools) -> Meters:
        """The meters of some of the homes, ``which`` ``(homes,)``."""
        if which.all():
            return self
        links = which[self.home]
        devices = np.unique(self.meter[links])
        rows = np.isin(self.device, devices)
        before = np.concatenate(([0], np.cumsum(rows))).tolist()
        return Meters(
            homes=self.homes[which],
            series=self.series[rows],
            device=np.searchsorted(devices, self.device[rows]),
            length=self.length[rows],
            limit=self.limit[rows],
            rows={name: slice(before[part.start], before[part.stop]) for name, part in self.rows.items()},
            devices=len(devices),
            home=np.cumsum(which)[self.home[links]] - 1,
            meter=np.searchsorted(devices, self.meter[links]),
            start=self.start[links],
            end=self.end[links],
        )


def load(connection: Connection, homes: Int64, zone: ZoneInfo) -> Meters:
    """The meters of some homes. Raises psycopg.Error."""
    homes = np.unique(homes)
    links = store_meters.links(connection, homes, zone.key)
    devices = {name: place for place, name in enumerate(dict.fromkeys(link.device for link in links))}
    order = {name: place for place, name in enumerate(SOURCES)}
    found = store_meters.series(connection, list(devices), list(SOURCES)) if devices else []
    found.sort(key=lambda item: (order[item.property], devices[item.device]))
    ends = np.searchsorted([order[item.property] for item in found], np.arange(len(SOURCES) + 1)).tolist()
    return Meters(
        homes=homes,
        series=np.array([item.id for item in found], np.int32),
        device=np.array([devices[item.device] for item in found], np.int64),
        length=np.array([daily_use.interval_length(item.interval) for item in found], np.int64),
        limit=np.array([daily_use.supply_limit(item.property, item.supply) for item in found], np.int64),
        rows={name: slice(ends[place], ends[place + 1]) for name, place in order.items()},
        devices=len(devices),
        home=np.searchsorted(homes, np.array([link.home for link in links], np.int64)),
        meter=np.array([devices[link.device] for link in links], np.int64),
        start=np.array([link.start for link in links], np.int64),
        end=np.array([_STILL if link.end is None else link.end for link in links], np.int64),
    )


def edges_of(span: Span, zone: ZoneInfo) -> Int64:
    """The midnights of local days [us]: ``(days + 1,)``."""
    return day_edges(EPOCH + timedelta(days=span.start), span.end - span.start, zone)


def read(connection: Connection, meters: Meters, span: Span, zone: ZoneInfo) -> Readings:
    """All readings that decide the days of a span. Raises psycopg.Error."""
    start, end = (midnight(EPOCH + timedelta(days=day), zone) for day in span)
    margin = daily_use.MARGIN
    found = store_meters.read_around(connection, meters.series, start, end, margin)
    # where a broker's queue stands at an edge, its readings are one and more are needed
    while margin < _LARGEST_QUEUE and _too_few(meters, found, start, end, margin):
        margin *= 8
        found = store_meters.read_around(connection, meters.series, start, end, margin)
    return found


def read_intervals(connection: Connection, meters: Meters, span: Span, zone: ZoneInfo) -> Readings:
    """All readings that decide the days of a span, of meters of ``Meters.plain`` homes. Raises psycopg.Error.

    A step is as long as an interval at most: what is further away reaches no day.
    """
    start, end = (midnight(EPOCH + timedelta(days=day), zone) for day in span)
    longest = int(meters.length.max())
    return read_series(connection, meters.series, start - longest, end + longest)


def _too_few(meters: Meters, readings: Readings, start: int, end: int, margin: int) -> bool:
    """Whether a series may have more readings before or after a span than were read, and needs them."""
    times, offsets = readings.times, readings.offsets
    close = (np.abs(times[1:] - times[:-1]) < TOGETHER) & ((times[:-1] < start) | (times[1:] >= end))
    if not close.any():
        return False
    out = waited(meters, readings)
    if out is None:
        out = np.zeros(len(times), np.bool_)
    # of the last readings nobody knows yet whether they waited with another
    last = np.append(times, 0)[np.maximum(offsets[1:] - 1, 0)]
    unsure = out | (np.repeat(last, np.diff(offsets)) - times < TOGETHER)
    for side, wrong, enough in ((times < start, out, daily_use.MARGIN), (times >= end, unsure, daily_use.MARGIN - 1)):
        if bool(((_counts(offsets, side) >= margin) & (_counts(offsets, side & ~wrong) < enough)).any()):
            return True
    return False


def waited(meters: Meters, readings: Readings) -> Bools | None:
    """Which readings of registers waited in a queue and count for nothing; None: none."""
    found: Bools | None = None
    for name, source in SOURCES.items():
        rows = meters.rows[name]
        if name == INTERVAL or rows.start == rows.stop:
            continue
        offsets = readings.offsets[rows.start : rows.stop + 1]
        part = slice(int(offsets[0]), int(offsets[-1]))
        mine = daily_use.waited(
            offsets - offsets[0], readings.times[part], readings.values[part], meters.limit[rows], source.scale
        )
        if mine is not None:
            found = np.zeros(len(readings.times), np.bool_) if found is None else found
            found[part] = mine
    return found


def _counts(offsets: Int64, which: Bools) -> Int64:
    sums = np.concatenate(([0], np.cumsum(which)))
    counts: Int64 = sums[offsets[1:]] - sums[offsets[:-1]]
    return counts


def compute(
    meters: Meters, readings: Readings, span: Span, zone: ZoneInfo, energy: GasEnergy, left_out: LeftOut | None = None
) -> dict[str, Days]:
    """Use of each fuel that any of the homes has a meter of: ``(homes, days)``, in watt-hours.

    ``left_out`` gets the series of which something was.
    """
    edges = edges_of(span, zone)
    factor = np.array([energy.gas_kwh(1.0, EPOCH + timedelta(days=day)) for day in range(*span)])
    days = np.arange(span.start, span.end)
    allowed = (days >= meters.start[:, None]) & (days < meters.end[:, None])
    found = {}
    for fuel, measured in measurements(meters, readings, edges, factor, zone, left_out).items():
        own = Days(measured.use[meters.meter], measured.minutes[meters.meter])
        own = Days(np.where(allowed, own.use, NONE), np.where(allowed, own.minutes, np.int16(0)))
        found[fuel] = daily_use.together(meters.home, own, len(meters.homes))
    return found


def measurements(
    meters: Meters,
    readings: Readings,
    edges: Int64,
    factor: Float64,
    zone: ZoneInfo,
    left_out: LeftOut | None = None,
) -> dict[str, Days]:
    """Use of each fuel by meter: ``(devices, days)``, in watt-hours, whoever the meter measured.

    ``factor`` ``(days,)`` [kWh/m3 of gas]; ``left_out`` as of `compute`.
    """
    each: dict[str, Days] = {}
    for name, source in SOURCES.items():
        rows = meters.rows[name]
        if rows.start == rows.stop:
            continue
        steps = steps_of(meters, readings, name, zone)
        spread = daily_use.spread(steps, rows.stop - rows.start, edges)
        if left_out is not None:
            left_out.beyond.update(meters.series[rows][steps.beyond].tolist())
            left_out.falling.update(meters.series[rows][daily_use.falling(spread)].tolist())
        found = daily_use.whole_days(spread, edges)
        if source.volume:
            found = daily_use.from_litres(found, factor)
        shape = (meters.devices, len(edges) - 1)
        each[name] = Days(np.full(shape, NONE, np.int64), np.zeros(shape, np.int16))
        each[name].use[meters.device[rows]] = found.use
        each[name].minutes[meters.device[rows]] = found.minutes
    return chosen(each)


def chosen(each: Mapping[str, Days]) -> dict[str, Days]:
    """One measurement a fuel out of those by property: an interval or its register, whichever measured more of the day
    (the interval at ties); a register of energy before one of volume.
    """
    found: dict[str, Days] = {}
    for name, days in each.items():
        fuel = SOURCES[name].fuel
        found[fuel] = daily_use.either(found[fuel], days, _second(fuel, found[fuel], days)) if fuel in found else days
    return found


def chosen_names(each: Mapping[str, Days]) -> list[tuple[str, Bools]]:
    """Of one fuel's measurements, ``(1, days)`` each: which property is the source of which days ``(days,)``.

    A day of which too little was measured for a value has the source that measured most of it.
    """
    found: list[tuple[str, Bools]] = []
    best: Days | None = None
    for name, days in each.items():
        if best is None:
            best, here = days, days.use[0] >= 0
        else:
            here = _second(SOURCES[name].fuel, best, days)[0]
            best = daily_use.either(best, days, here[None, :])
        found = [*((other, theirs & ~here) for other, theirs in found), (name, here)]
    if best is None:
        return found
    minutes = np.array([each[name].minutes[0] for name, _ in found])
    most = np.where((best.use[0] < 0) & (minutes.max(axis=0) > 0), minutes.argmax(axis=0), -1)
    return [(name, here | (most == place)) for place, (name, here) in enumerate(found)]


def _second(fuel: str, first: Days, second: Days) -> Bools:
    if fuel == "electricity":
        return daily_use.more_measured(first, second)
    return daily_use.only_where_missing(first, second)


def steps_of(meters: Meters, readings: Readings, name: str, zone: ZoneInfo) -> Steps:
    """Steps of all series of a property, in rows from 0 on; gaps from one household to another are left out."""
    source, rows = SOURCES[name], meters.rows[name]
    offsets = readings.offsets[rows.start : rows.stop + 1]
    part = slice(int(offsets[0]), int(offsets[-1]))
    offsets = offsets - offsets[0]
    times, values, limit = readings.times[part], readings.values[part], meters.limit[rows]
    if name == INTERVAL:
        return daily_use.interval_steps(offsets, times, values, meters.length[rows], limit)
    steps = daily_use.register_steps(offsets, times, values, limit, source.slack, source.scale)
    row_of = np.full(meters.devices, -1, np.int64)
    row_of[meters.device[rows]] = np.arange(rows.stop - rows.start)
    row = np.tile(row_of[meters.meter], 2)
    day = np.concatenate((meters.start, meters.end))
    cut = (row >= 0) & (day < _STILL)
    unique, place = np.unique(day[cut], return_inverse=True)
    instants = np.array([midnight(EPOCH + timedelta(days=int(each)), zone) for each in unique], np.int64)
    return daily_use.without_crossing(steps, row[cut], instants[place])


def affected(meters: Meters, readings: Readings, start: int, end: int) -> tuple[Int64, Int64]:
    """Between which instants [us] readings from ``start`` to ``end`` may have changed steps: ``(rows,)`` each."""
    offsets, times = readings.offsets, readings.times
    out = waited(meters, readings)
    if out is not None:
        offsets, times = np.concatenate(([0], np.cumsum(_counts(offsets, ~out)))), times[~out]
    low, high = np.full(len(offsets) - 1, start), np.full(len(offsets) - 1, end)
    for limit, result, move in ((start, low, -daily_use.MARGIN), (end, high, daily_use.MARGIN - 1)):
        below = np.concatenate(([0], np.cumsum(times < limit)))
        place = offsets[:-1] + below[offsets[1:]] - below[offsets[:-1]]
        has = (place > offsets[:-1]) if move < 0 else (place < offsets[1:])
        place = np.clip(place + move, offsets[:-1], offsets[1:] - 1)
        result[has] = times[place[has]]
    return low, high


def straddling(meters: Meters, readings: Readings, edges: Int64) -> tuple[Int64, Int64]:
    """Where intervals over the midnights at which a span begins and ends begin and end [us]: ``(rows,)`` each.

    The span's own first and last instant where there is none. Such an interval is shared out between days, and is
    another one where the next reading comes sooner: a reading in the span changes days beside it by these alone.
    """
    row = np.repeat(np.arange(len(readings.offsets) - 1), np.diff(readings.offsets))
    start = readings.times
    end = start + meters.length[row]
    low, high = np.full(len(meters.series), edges[0]), np.full(len(meters.series), edges[-1] - 1)
    over = (start < edges[0]) & (end > edges[0])
    np.minimum.at(low, row[over], start[over])
    over = (start < edges[-1]) & (end > edges[-1])
    np.maximum.at(high, row[over], end[over])
    return low, high
