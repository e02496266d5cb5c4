"""Use by home and local day: month rows of bytes in the table, arrays of homes and days outside.

Whoever writes or erases daily use calls ``lock_daily_use`` first in its transaction, so that nobody writes what was
computed from readings that are being erased. A home without a row has no value on any day of that month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.homes import FUELS
from store.batch import Int64
from store.connect import Connection
from store.copy import Int8s, copy_block
from store.queries import queries
from store.times import next_month

_SQL = queries("daily")

Int16 = NDArray[np.int16]
Bools = NDArray[np.bool_]

#: No value: too little was measured to say.
NONE = -1
_EPOCH_2000 = date(2000, 1, 1)
#: A day's watt-hours are four bytes in the table: more than a thousand homes can use.
_MOST = np.iinfo(np.int32).max


class DailyUse(NamedTuple):
    """Use of homes by local day from ``first`` on.

    ``homes``: ``(homes,)``, rising; ``watt_hours``: ``(homes, days)``, of the whole day, -1 where there is no value;
    ``minutes``: ``(homes, days)``, how many of the day's minutes were measured (where fewer than the day has,
    ``watt_hours`` is an estimate).
    """

    homes: Int64
    first: date
    watt_hours: Int64
    minutes: Int16


class Merged(NamedTuple):
    """``changed``: ``(homes, days)``, what was not so before; ``before``: watt-hours as they were."""

    changed: Bools
    before: Int64


class Touched(NamedTuple):
    """``ids`` of rows that were seen and the home that each names. ``(rows,)``."""

    ids: Int64
    what: Int64


class OtherZone(Exception):
    """The stored days are of the time zone ``kept``, and somebody came with the zone ``given``."""

    def __init__(self, kept: str, given: str) -> None:
        super().__init__(f"the stored days of use are of {kept}, not of {given}")
        self.kept, self.given = kept, given


def check_zone(connection: Connection, zone: ZoneInfo) -> None:
    """Raise OtherZone where the stored days are of another zone than this one; psycopg.Error."""
    row = connection.execute(_SQL["zone"]).fetchone()
    if row is not None and row[0] != zone.key:
        raise OtherZone(row[0], zone.key)


def keep_zone(connection: Connection, zone: ZoneInfo) -> None:
    """Note the zone of the days that are stored from now on, where none is noted yet, inside the running transaction.

    Raises OtherZone where the stored days are of another one; psycopg.Error.
    """
    connection.execute(_SQL["keep_zone"], (zone.key,))
    check_zone(connection, zone)


def change_zone(connection: Connection, zone: ZoneInfo) -> None:
    """Take a zone for the stored days and have all days of every home computed again. Raises psycopg.Error."""
    lock_daily_use(connection)
    connection.execute(_SQL["change_zone"], (zone.key,))


def lock_daily_use(connection: Connection) -> None:
    """Keep daily use to oneself until the transaction ends; waits. Raises psycopg.Error."""
    connection.execute(_SQL["hold"])


def read_days(connection: Connection, fuel: str, start: date, end: date, homes: Int64 | None = None) -> DailyUse:
    """Use of a fuel from ``start`` to ``end`` (not included); of all homes that have any in these months, or of some.

    ``homes``: ``(homes,)`` in any order; they come back rising and each once, known or not. Raises psycopg.Error.
    """
    found = [(month, *_month(connection, fuel, month.first, homes)) for month in _months(start, end)]
    if homes is not None:
        ids = np.unique(homes)
    else:
        ids = np.empty(0, np.int64)
        for part in found:
            if not np.array_equal(ids, part[1]):  # mostly each month has the same homes
                ids = np.union1d(ids, part[1])
    days = (end - start).days
    watt_hours = np.full((len(ids), days), NONE, np.int64)
    minutes = np.zeros((len(ids), days), np.int16)
    while found:
        month, known, used, measured = found.pop()
        rows: slice | NDArray[np.intp] = slice(None)
        if len(known) < len(ids):
            rows = np.searchsorted(ids, known)
        watt_hours[rows, month.inside] = used[:, month.own]
        minutes[rows, month.inside] = measured[:, month.own]
    return DailyUse(ids, start, watt_hours, minutes)


def newest_day(connection: Connection, fuel: str, home: int, start: date, end: date) -> date | None:
    """The last day from ``start`` to ``end`` (not included) of which anything is known in a home, or None.

    Goes back month by month, for mostly it is in the last one. Raises psycopg.Error.
    """
    while start < end:
        begin = max(start, (end - timedelta(days=1)).replace(day=1))
        use = read_days(connection, fuel, begin, end, np.array([home], np.int64))
        places = np.flatnonzero((use.minutes[0] > 0) | (use.watt_hours[0] != NONE))
        if len(places):
            return begin + timedelta(days=int(places[-1]))
        end = begin
    return None


def write_days(connection: Connection, fuel: str, use: DailyUse, where: Bools | None = None) -> Bools:
    """Write use into the month rows inside the running transaction; which days changed ``(homes, days)``.

    Days outside ``use``, and those that ``where`` ``(homes, days)`` leaves out, stay as they are; so do rows of which
    nothing changes. Raises psycopg.Error; ValueError for homes that do not rise, or a value that no home can use.
    """
    return merge_days(connection, fuel, use, where).changed


def merge_days(connection: Connection, fuel: str, use: DailyUse, where: Bools | None = None) -> Merged:
    """Like ``write_days``, with the watt-hours as they were."""
    if fuel not in FUELS:
        raise ValueError(f"{fuel!r} is no fuel")
    if np.any(use.homes[1:] <= use.homes[:-1]):
        raise ValueError("homes must rise")
    if use.watt_hours.size and (use.watt_hours.max() > _MOST or use.watt_hours.min() < NONE):
        raise ValueError(f"watt-hours of a day lie between {NONE} and {_MOST}")
    days = use.watt_hours.shape[1]
    changed = np.zeros(use.watt_hours.shape, np.bool_)
    before = np.full(use.watt_hours.shape, NONE, np.int64)
    if not len(use.homes):
        return Merged(changed, before)
    lock_daily_use(connection)
    for month in _months(use.first, use.first + timedelta(days=days)):
        known, used, measured = _month(connection, fuel, month.first, use.homes)
        places = np.searchsorted(use.homes, known)
        whole = np.full((len(use.homes), month.days), NONE, np.int32)
        lasted = np.zeros((len(use.homes), month.days), np.int16)
        whole[places], lasted[places] = used, measured
        given, took = use.watt_hours[:, month.inside], use.minutes[:, month.inside]
        differs = (whole[:, month.own] != given) | (lasted[:, month.own] != took)
        if where is not None:
            differs &= where[:, month.inside]
        changed[:, month.inside], before[:, month.inside] = differs, whole[:, month.own]
        rows = np.flatnonzero(differs.any(axis=1))
        if len(rows):
            whole[:, month.own] = np.where(differs, given, whole[:, month.own])
            lasted[:, month.own] = np.where(differs, took, lasted[:, month.own])
            _write_month(connection, fuel, month.first, use.homes[rows], whole[rows], lasted[rows], new=not len(known))
    return Merged(changed, before)


def months(connection: Connection, homes: Int64) -> tuple[date, date] | None:
    """The first and the last month in which some of these homes have rows of any fuel, or None."""
    row = connection.execute(_SQL["months"], (Int8s(homes),)).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def touched_homes(connection: Connection) -> Touched:
    """The homes whose meters or tenancies changed, as far as this statement sees."""
    with connection.cursor(binary=True) as cursor:
        rows = np.array(cursor.execute(_SQL["touched_homes"]).fetchall(), np.int64).reshape(-1, 2)
    return Touched(rows[:, 0], rows[:, 1])


def forget_homes(connection: Connection, homes: Int64) -> None:
    """Delete exactly these rows of touched homes, by their ids."""
    if len(homes):
        connection.execute(_SQL["forget_homes"], (Int8s(homes),))


def touch_homes(connection: Connection, homes: Int64) -> None:
    """Have all days of some homes computed again at the next run, as after a change of the calorific values."""
    connection.execute(_SQL["touch_homes"], (Int8s(homes),))


def fuels(connection: Connection, home_id: int, months: Sequence[date]) -> list[str]:
    """The fuels that a home has daily use of in any of these months, in their usual order. Raises psycopg.Error."""
    rows = connection.execute(_SQL["fuels"], (list(FUELS), list(months), home_id)).fetchall()
    found = {row[0] for row in rows}
    return [fuel for fuel in FUELS if fuel in found]


class _Month(NamedTuple):
    """``inside``: its days in the span asked for; ``own``: the same days counted in the month."""

    first: date
    days: int
    inside: slice
    own: slice


def _months(first: date, end: date) -> Iterator[_Month]:
    start = first.replace(day=1)
    while start < end:
        following = next_month(start)
        low, high = max(first, start), min(end, following)
        yield _Month(
            start,
            (following - start).days,
            slice((low - first).days, (high - first).days),
            slice((low - start).days, (high - start).days),
        )
        start = following


def _month(
    connection: Connection, fuel: str, month: date, homes: Int64 | None
) -> tuple[Int64, NDArray[np.signedinteger], NDArray[np.signedinteger]]:
    """Homes that have a row, rising, with their watt-hours and minutes as the bytes are, ``(homes, days of month)``."""
    with connection.cursor(binary=True) as cursor:
        if homes is None:
            row = cursor.execute(_SQL["read_month"], (fuel, month)).fetchone()
        else:
            row = cursor.execute(_SQL["read_month_of"], (fuel, month, Int8s(homes))).fetchone()
    assert row is not None
    ids = np.frombuffer(row[0] or b"", ">i8").astype(np.int64)
    days = (next_month(month) - month).days
    used = np.frombuffer(row[1] or b"", ">i4").reshape(len(ids), days)
    measured = np.frombuffer(row[2] or b"", ">i2").reshape(len(ids), days)
    if np.any(ids[1:] <= ids[:-1]):  # the subquery's order is a habit of the aggregate and no promise
        order = np.argsort(ids)
        ids, used, measured = ids[order], used[order], measured[order]
    return ids, used, measured


def _write_month(
    connection: Connection,
    fuel: str,
    month: date,
    homes: Int64,
    watt_hours: NDArray[np.int32],
    minutes: Int16,
    *,
    new: bool,
) -> None:
    days = watt_hours.shape[1]
    block = np.empty(len(homes), np.dtype([
        ("fields", ">i2"), ("fuel_width", ">i4"), ("fuel", f"S{len(fuel)}"), ("month_width", ">i4"), ("month", ">i4"),
        ("home_width", ">i4"), ("home", ">i8"), ("used_width", ">i4"), ("used", ">i4", days),
        ("measured_width", ">i4"), ("measured", ">i2", days),
    ]))  # fmt: skip
    block["fields"] = 5
    block["fuel_width"], block["fuel"] = len(fuel), fuel.encode()
    block["month_width"], block["month"] = 4, (month - _EPOCH_2000).days
    block["home_width"], block["home"] = 8, homes
    block["used_width"], block["used"] = 4 * days, watt_hours
    block["measured_width"], block["measured"] = 2 * days, minutes
    if new:
        copy_block(connection, _SQL["copy_month"], block)
        return
    connection.execute(_SQL["make_stage"])
    connection.execute(_SQL["empty_stage"])
    copy_block(connection, _SQL["copy_stage"], block)
    connection.execute(_SQL["merge_stage"])
