"""What pages read of air: hours, the index now, local days. Written by store/air_record.py; of no household's monitor.

An hour is a UTC hour named by its beginning. The hour that is going on is among them as far as it is known: whoever
shows hours ends at the last full one. Real and simulated monitors are told apart by ``origin`` and never mixed in a
figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.device import Origin
from devices.duration import duration
from store.batch import Float64
from store.connect import Connection
from store.copy import float8s, int4s
from store.queries import queries
from store.times import aware, instant, local_day, microseconds

_SQL = queries("air")

Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]

#: In this order in all arrays; the first five have an index.
POLLUTANTS = ("pm2_5", "pm10", "no2", "o3", "so2", "co", "pm1")
INDEXED = POLLUTANTS[:5]
#: What of a monitor is recorded.
RECORDED = (*POLLUTANTS, "humidity")
HUMIDITY = len(POLLUTANTS)

#: Optical instruments read too much of particles above it [%].
HUMID = 85.0
#: The index is of now when its hour is one of the last so many that are over.
FRESH_HOURS = 2
#: In arrays of days: no row.
NONE = -1

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_EPOCH = date(1970, 1, 1)
#: A day without a mean, as it is stored.
_NO_MEANS = np.full(24, np.nan).astype(">f8").tobytes()


class Monitor(NamedTuple):
    """An air monitor of no household.

    ``name``: what people call it; ``lon``, ``lat`` [degrees] or None; ``indicative``: it is no reference instrument;
    ``interval`` [us] between readings, where the register says; ``measured``: of ``RECORDED``, in that order;
    ``heard``: its newest reading of these.
    """

    id: str
    name: str
    lon: float | None
    lat: float | None
    origin: Origin
    indicative: bool
    interval: int | None
    retired: bool
    measured: tuple[str, ...]
    heard: datetime | None
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of monitors from ``start`` [us] on; shapes end with ``hours``.

    ``mean`` (devices, 7, hours) as of ``POLLUTANTS``, [ug/m3], co [mg/m3], NaN where less than 75 % was captured;
    ``captured``, the same shape: readings; ``index`` (devices, 5, hours) as of ``INDEXED``: of the running means, 0 for
    none; ``humidity`` (devices, hours) [%], NaN where not known.
    """

    devices: list[str]
    start: int
    mean: Float64
    captured: Int16
    index: Int8
    humidity: Float64


@dataclass(frozen=True, slots=True)
class Now:
    """The index of a monitor in the newest hour that is over and has a mean of a pollutant.

    ``hour``: the hour's beginning, None where the last two days have none; ``fresh``: it is one of the last two that
    are over, else it is "last heard" and no index of now. ``index``: 1 to 10, 0 for none, of ``worst``, the first of
    equals; ``by_pollutant``: what it rests on; ``missing``: of ``INDEXED`` the others, measured there or not;
    ``humid``: its humidity was over 85 % in that hour.
    """

    monitor: Monitor
    hour: datetime | None
    fresh: bool
    index: int
    worst: str | None
    by_pollutant: dict[str, int]
    missing: tuple[str, ...]
    humid: bool

    @property
    def device(self) -> str:
        """The monitor's id."""
        return self.monitor.id

    @property
    def indicative(self) -> bool:
        """It is no reference instrument."""
        return self.monitor.indicative


@dataclass(frozen=True, slots=True)
class Days:
    """Daily indices of monitors by local day from ``first`` on: 1 to 10, 0 for none, ``NONE`` where nothing is stored.

    ``index`` (devices, days); ``by_pollutant`` (devices, 5, days) as of ``INDEXED``.
    """

    devices: list[str]
    first: date
    index: Int8
    by_pollutant: Int8


def monitors(
    connection: Connection, origin: Origin | None = None, devices: Sequence[str] | None = None
) -> list[Monitor]:
    """Monitors of no household, retired ones too, by id; of one origin, or some ids alone. Raises psycopg.Error."""
    given = {"properties": list(RECORDED), "origin": origin, "devices": None if devices is None else list(devices)}
    return [_monitor(*row) for row in connection.execute(_SQL["monitors"], given)]


def hours(connection: Connection, devices: Sequence[str], start: datetime, end: datetime) -> Hours:
    """Hours of some monitors from ``start`` to ``end`` (not included), both full hours.

    A household's monitor, or one that is not known, has nothing. Raises psycopg.Error; ValueError for other instants.
    """
    begin, stop = _full(start), _full(end)
    count = max(0, (stop - begin) // _HOUR)
    # whole days (UTC), as they are stored; of the first and the last not all hours are asked for
    first = begin // _DAY
    shape = (len(devices), len(RECORDED), -(-stop // _DAY) - first if count else 0, 24)
    mean, captured = np.full(shape, np.nan), np.zeros(shape, np.int16)
    index = np.zeros((len(devices), len(INDEXED), *shape[2:]), np.int8)
    if count and devices:
        given = {"devices": list(devices), "properties": list(RECORDED), **_utc_days(begin, stop)}
        row = _one(connection, _SQL["hours"], given)
        device, what, day = (int4s(part or b"") - less for part, less in zip(row[:3], (1, 1, first), strict=True))
        mean[device, what, day] = float8s(row[3] or b"").reshape(-1, 24)
        captured[device, what, day] = np.frombuffer(row[4] or b"", ">i2").reshape(-1, 24)
        known = what < len(INDEXED)
        index[device[known], what[known], day[known]] = np.frombuffer(row[5] or b"", np.int8).reshape(-1, 24)[known]
    skip = begin // _HOUR - first * 24
    asked = slice(skip, skip + count)
    means = mean.reshape(*shape[:2], shape[2] * 24)[..., asked]
    readings = captured.reshape(*shape[:2], shape[2] * 24)[:, :HUMIDITY, asked]
    indices = index.reshape(len(devices), len(INDEXED), shape[2] * 24)[..., asked]
    return Hours(list(devices), begin, means[:, :HUMIDITY], readings, indices, means[:, HUMIDITY])


def quarters(connection: Connection, devices: Sequence[str], start: datetime, end: datetime) -> Float64:
    """Means of 15 minutes of sulphur dioxide ``(devices, 4 * hours)`` [ug/m3], NaN below 12 minutes.

    ``start`` and ``end`` (not included) are full hours. Raises psycopg.Error; ValueError for other instants.
    """
    begin, stop = _full(start), _full(end)
    count = max(0, (stop - begin) // _HOUR) * 4
    found = np.full((len(devices), count), np.nan)
    if count and devices:
        row = _one(connection, _SQL["quarters"], {"devices": list(devices), **_utc_days(begin, stop)})
        device, day = (int4s(part or b"") for part in row[:2])
        quarter = day.astype(np.int64)[:, None] * 96 + np.arange(96) - begin // _HOUR * 4
        inside = (quarter >= 0) & (quarter < count)
        found[device[np.nonzero(inside)[0]] - 1, quarter[inside]] = float8s(row[2] or b"").reshape(-1, 96)[inside]
    return found


def now(connection: Connection, at: datetime, origin: Origin, devices: Sequence[str] | None = None) -> list[Now]:
    """The index of all monitors of an origin that are in service, or of some of them, at an instant; by id.

    Raises psycopg.Error.
    """
    found = [one for one in monitors(connection, origin, devices) if not one.retired]
    end = instant(microseconds(aware(at)) // _HOUR * _HOUR)
    known = hours(connection, [one.id for one in found], end - timedelta(hours=FRESH_HOURS), end)
    done = _newest(found, known, fresh=True)
    # mostly few are silent, and two days of all of them would be read for these
    silent = [one for one in found if done[one.id].hour is None]
    known = hours(connection, [one.id for one in silent], end - timedelta(hours=48), end)
    done |= _newest(silent, known, fresh=False)
    return [done[one.id] for one in found]


def days(connection: Connection, devices: Sequence[str], start: date, end: date) -> Days:
    """Daily indices of some monitors by local day from ``start`` to ``end`` (not included). Raises psycopg.Error.

    The day that is going on is among them as far as it is known.
    """
    count = max(0, (end - start).days)
    index = np.full((len(devices), count), NONE, np.int8)
    parts = np.full((len(devices), len(INDEXED), count), NONE, np.int8)
    if count and devices:
        row = _one(connection, _SQL["days"], {"devices": list(devices), "first": start, "end": end})
        device, day = int4s(row[0] or b"") - 1, int4s(row[1] or b"") - (start - _EPOCH).days
        index[device, day] = np.frombuffer(row[2] or b"", ">i2")
        parts[device, :, day] = np.frombuffer(row[3] or b"", ">i2").reshape(-1, len(INDEXED))
    return Days(list(devices), start, index, parts)


def span(connection: Connection, devices: Sequence[str], zone: ZoneInfo) -> tuple[date, date] | None:
    """The first local day and the last (included) of which some monitors have a mean of a pollutant, or None.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["span"], {"devices": list(devices)}).fetchone()
    found = [day for day in row or () if day is not None]
    # days without an index have no row of one: carbon monoxide alone is something too
    given = {"devices": list(devices), "properties": list(POLLUTANTS[len(INDEXED) :]), "none": _NO_MEANS}
    with connection.cursor(binary=True) as cursor:
        for day, means in cursor.execute(_SQL["plain_span"], given):
            hours = np.flatnonzero(np.isfinite(float8s(means))).tolist()
            found += [local_day(instant(day * _DAY + hour * _HOUR), zone) for hour in (*hours[:1], *hours[-1:])]
    return (min(found), max(found)) if found else None


def newest(connection: Connection, origin: Origin | None = None) -> datetime | None:
    """The newest reading of any pollutant at monitors of no household, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["newest"], {"properties": list(POLLUTANTS), "origin": origin}).fetchone()
    return None if row is None else row[0]


def _monitor(
    name: str,
    lon: float | None,
    lat: float | None,
    origin: Origin,
    attributes: Mapping[str, str],
    retired: bool,
    properties: Sequence[str] | None,
    heard: datetime | None,
) -> Monitor:
    measured = tuple(one for one in RECORDED if one in (properties or ()))
    called = attributes.get("name") or attributes.get("street") or name
    indicative = attributes.get("class_of_instrument") != "reference"
    interval = duration(attributes.get("interval"))
    return Monitor(name, called, lon, lat, origin, indicative, interval, retired, measured, heard, attributes)


def _newest(found: Sequence[Monitor], known: Hours, *, fresh: bool) -> dict[str, Now]:
    """What each monitor says in the newest of these hours that has a mean of a pollutant."""
    if not found or not known.mean.shape[2]:
        return {}
    there: NDArray[np.bool_] = np.logical_or.reduce(np.isfinite(known.mean), axis=1)
    last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    every = np.arange(len(found))
    index = known.index[every, :, last].tolist()
    humid = (known.humidity[every, last] > HUMID).tolist()
    heard, hour = np.logical_or.reduce(there, axis=1).tolist(), last.tolist()
    return {
        one.id: _now(one, known.start + hour[place] * _HOUR, index[place], humid=humid[place], fresh=fresh)
        if heard[place]
        else Now(one, None, False, 0, None, {}, INDEXED, False)
        for place, one in enumerate(found)
    }


def _now(monitor: Monitor, hour: int, indices: Sequence[int], *, humid: bool, fresh: bool) -> Now:
    parts = {name: value for name, value in zip(INDEXED, indices, strict=True) if value}
    index = max(parts.values(), default=0)
    worst = next((name for name, value in parts.items() if value == index), None)
    missing = tuple(name for name in INDEXED if name not in parts)
    return Now(monitor, instant(hour), fresh, index, worst, parts, missing, humid)


def _full(moment: datetime) -> int:
    number = microseconds(aware(moment))
    if number % _HOUR:
        raise ValueError(f"{moment} is no full hour (UTC)")
    return number


def _utc_days(begin: int, stop: int) -> dict[str, date]:
    return {"first": instant(begin).astimezone(UTC).date(), "last": instant(stop - 1).astimezone(UTC).date()}


def _one(connection: Connection, query: bytes, given: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor(binary=True) as cursor:
        # one plan for one monitor and for hundreds is slow for one of them
        row = cursor.execute(query, given, prepare=False).fetchone()
    assert row is not None
    return row
