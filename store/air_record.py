"""What the runner keeps of air: days (UTC) of series with their hours, local days with their index; arrays outside.

Whoever writes or erases them calls ``lock`` first in its transaction. Days are numbers since 1970-01-01. Of households'
monitors there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.duration import duration
from store.air import INDEXED, RECORDED, Int8, Int16
from store.batch import Float64, Int32, Int64
from store.connect import Connection
from store.copy import Int4s, Int8s, float8s, int4s
from store.queries import queries

_SQL = queries("air_record")

Bools = NDArray[np.bool_]

#: Of the first day that is computed from readings: all days are.
ALL_DAYS = -(10**6)
#: In arrays of local days: no row.
NONE = -1
_EPOCH = date(1970, 1, 1)
_SO2 = RECORDED.index("so2")


class Touched(NamedTuple):
    """Notes of monitors that were seen: their ids ``(notes,)`` and the monitors."""

    ids: Int64
    devices: list[str]


class Register(NamedTuple):
    """Series of monitors of no household, by device and property.

    ``devices`` ``(devices,)``; of the series, ``(series,)``: ``ids``, ``device`` (a place in ``devices``), ``what`` (a
    place in ``store.air.RECORDED``), ``interval`` [us] between readings, 0 where the register does not say, ``by_end``:
    its hours are labelled by their end.
    """

    devices: list[str]
    ids: Int32
    device: Int64
    what: Int64
    interval: Int64
    by_end: Bools


@dataclass(frozen=True, slots=True)
class SeriesDays:
    """Days of series, ``(series, days, ...)``.

    ``known``: the day has a reading; ``step`` [us]: the median time between its readings, 0 where it has too few;
    ``mean`` and ``captured`` (24 hours), ``quarters`` (96, of sulphur dioxide, else NaN), ``index`` (24, 0 for none).
    """

    known: Bools
    step: Int64
    mean: Float64
    captured: Int16
    quarters: Float64
    index: Int8

    def after(self, first: int) -> SeriesDays:
        """The days from place ``first`` on, the same arrays."""
        return SeriesDays(
            self.known[:, first:], self.step[:, first:], self.mean[:, first:], self.captured[:, first:],
            self.quarters[:, first:], self.index[:, first:],
        )  # fmt: skip


def nothing(series: int, days: int) -> SeriesDays:
    """Days without a reading."""
    shape = (series, days)
    return SeriesDays(
        np.zeros(shape, np.bool_), np.zeros(shape, np.int64), np.full((*shape, 24), np.nan),
        np.zeros((*shape, 24), np.int16), np.full((*shape, 96), np.nan), np.zeros((*shape, 24), np.int8),
    )  # fmt: skip


def lock(connection: Connection) -> None:
    """Keep the days of monitors to oneself until the transaction ends; waits. Raises psycopg.Error."""
    connection.execute(_SQL["hold"])


def state(connection: Connection) -> tuple[int, str]:
    """From which day on all is computed from readings, and by what rules (empty: nothing yet). Raises psycopg.Error."""
    row = connection.execute(_SQL["state"]).fetchone()
    assert row is not None, "the row is made with the table"
    return ALL_DAYS if row[0] is None else (row[0] - _EPOCH).days, row[1]


def keep_rules(connection: Connection, rules: str) -> None:
    """Note by what rules all is computed. Raises psycopg.Error."""
    connection.execute(_SQL["keep_rules"], (rules,))


def keep_first_day(connection: Connection, day: date) -> None:
    """Note that readings before a day (UTC) are deleted after this transaction; waits for whoever computes.

    What was computed of earlier days stays as it is. The day never goes back. Raises psycopg.Error.
    """
    lock(connection)
    connection.execute(_SQL["keep_first_day"], {"day": day})


def register(connection: Connection) -> Register:
    """What is computed. Raises psycopg.Error."""
    rows = connection.execute(_SQL["register"], {"properties": list(RECORDED)}).fetchall()
    devices = sorted({row[1] for row in rows})
    place = {name: number for number, name in enumerate(devices)}
    return Register(
        devices,
        np.array([row[0] for row in rows], np.int32),
        np.array([place[row[1]] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.array([duration(row[3]) or 0 for row in rows], np.int64),
        np.array([row[4] == "end" for row in rows], np.bool_),
    )


def touched_monitors(connection: Connection) -> Touched:
    """Monitors whose days must all be computed again, as far as this statement sees. Raises psycopg.Error."""
    rows = connection.execute(_SQL["touched_monitors"]).fetchall()
    return Touched(np.array([row[0] for row in rows], np.int64), [row[1] for row in rows])


def forget_monitors(connection: Connection, ids: Int64) -> None:
    """Delete exactly these notes of monitors. Raises psycopg.Error."""
    if len(ids):
        connection.execute(_SQL["forget_monitors"], (Int8s(ids),))


def touch_all(connection: Connection) -> None:
    """Have all days of every monitor computed again. Raises psycopg.Error."""
    connection.execute(_SQL["touch_all"])


def remove_hidden(connection: Connection, devices: Sequence[str]) -> int:
    """Take away what is stored of some monitors that are a household's now; how many rows. Raises psycopg.Error."""
    given = {"devices": list(devices)}
    return (
        connection.execute(_SQL["remove_hidden"], given).rowcount
        + connection.execute(_SQL["remove_hidden_index"], given).rowcount
    )


def empty_index(connection: Connection) -> None:
    """Take away the index of all local days, as for another zone. Raises psycopg.Error."""
    connection.execute(_SQL["empty_index"])


def begin_anew(connection: Connection) -> None:
    """Take away all that readings are left of and have it computed again, inside the running transaction.

    Raises psycopg.Error.
    """
    lock(connection)
    connection.execute(_SQL["empty_days"])
    connection.execute(_SQL["empty_index"])
    connection.execute(_SQL["touch_all"])


def span(connection: Connection, series: Int32) -> tuple[int, int] | None:
    """The first day and the last (included) that is stored of some series, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["span"], (Int4s(series),)).fetchone()
    return None if row is None or row[0] is None else ((row[0] - _EPOCH).days, (row[1] - _EPOCH).days)


def read(connection: Connection, series: Int32, first: int, end: int) -> SeriesDays:
    """Stored days of some series from ``first`` to ``end`` (not included). Raises psycopg.Error."""
    found = nothing(len(series), end - first)
    if not len(series):
        return found
    with connection.cursor(binary=True) as cursor:
        given = {"series": Int4s(series), "first": _day(first), "end": _day(end)}
        row = cursor.execute(_SQL["read"], given).fetchone()
    if row is None or row[0] is None:
        return found
    at = int4s(row[0]) - 1, int4s(row[1]) - first
    found.known[at] = True
    found.step[at] = np.frombuffer(row[2], ">i8")
    found.mean[at] = float8s(row[3]).reshape(-1, 24)
    found.captured[at] = np.frombuffer(row[4], ">i2").reshape(-1, 24)
    for place, day, part in zip(*at, row[5], strict=True):
        if part is not None:
            found.quarters[place, day] = float8s(part)
    found.index[at] = np.frombuffer(row[6], np.int8).reshape(-1, 24)
    return found


def write(
    connection: Connection, ids: Int32, what: Int64, first: int, days: SeriesDays, before: SeriesDays
) -> tuple[Bools, Bools]:
    """Make days of series from ``first`` on what ``days`` says, where it is not what ``before`` (as read) says.

    ``what``: of each series, a place in ``store.air.RECORDED``. Returns which days changed, and which of them in more
    than the index: ``(series, days)``. Inside the running transaction. Raises psycopg.Error.
    """
    hours = (
        (days.known != before.known) | (days.step != before.step) | _differ(days.mean, before.mean)
        | (days.captured != before.captured).any(axis=2) | _differ(days.quarters, before.quarters)
    )  # fmt: skip
    changed = hours | (days.index != before.index).any(axis=2)
    series, day = np.nonzero(changed & ~days.known)
    if len(series):
        connection.execute(_SQL["remove"], {"series": Int4s(ids[series]), "day": _days(day + first)})
    series, day = np.nonzero(changed & days.known)
    if len(series):
        indexed, so2 = what[series] < len(INDEXED), what[series] == _SO2
        at = series, day
        connection.execute(
            _SQL["write"],
            {
                "series": Int4s(ids[series]),
                "day": _days(day + first),
                "step": Int8s(days.step[at]),
                "means": _parts(days.mean[at].astype(">f8")),
                "captured": _parts(days.captured[at].astype(">i2")),
                "quarters": _parts(days.quarters[at].astype(">f8"), so2),
                "indices": _parts(days.index[at], indexed),
            },
        )
    return changed, hours


def write_index(connection: Connection, devices: Sequence[str], first: int, index: Int8) -> int:
    """Make local days of monitors what ``index`` ``(devices, 5, days)`` says, ``NONE`` for no row; how many changed.

    Inside the running transaction. Raises psycopg.Error.
    """
    count = index.shape[2]
    before = np.full(index.shape, NONE, np.int8)
    given = {"devices": list(devices), "first": _day(first), "end": _day(first + count)}
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["read_index"], given).fetchone()
    if row is not None and row[0] is not None:
        before[int4s(row[0]) - 1, :, int4s(row[1]) - first] = np.frombuffer(row[2], ">i2").reshape(-1, len(INDEXED))
    changed, gone = (index != before).any(axis=1), (index == NONE).any(axis=1)
    device, day = np.nonzero(changed & gone)
    if len(device):
        names = [devices[place] for place in device.tolist()]
        connection.execute(_SQL["remove_index"], {"devices": names, "day": _days(day + first)})
    device, day = np.nonzero(changed & ~gone)
    if len(device):
        parts = index[device, :, day].astype(np.int32)
        highest, first_of = parts.max(axis=1), parts.argmax(axis=1)
        worst = [INDEXED[place] if top else "" for place, top in zip(first_of.tolist(), highest.tolist(), strict=True)]
        connection.execute(
            _SQL["write_index"],
            {
                "devices": [devices[place] for place in device.tolist()],
                "day": _days(day + first),
                "index": Int4s(highest),
                "worst": worst,
                **{name: Int4s(parts[:, place]) for place, name in enumerate(INDEXED)},
            },
        )
    return int(changed.sum())


def _differ(one: Float64, other: Float64) -> Bools:
    """Whether days differ in any of their numbers; missing is missing."""
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    found: Bools = ~same.all(axis=2)
    return found


def _parts(rows: NDArray[np.generic], where: Bools | None = None) -> list[bytes | None]:
    """Each row's bytes, None where it is not wanted."""
    data = rows.tobytes()
    width = rows.shape[1] * rows.itemsize
    parts: list[bytes | None] = [data[at : at + width] for at in range(0, len(data), width)]
    if where is None:
        return parts
    return [part if wanted else None for part, wanted in zip(parts, where.tolist(), strict=True)]


def _days(numbers: Int64) -> list[date]:
    return [_day(number) for number in numbers.tolist()]


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)
