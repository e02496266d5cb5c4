"""Notes of the days (UTC) that readings were written to, for those who keep what follows from them.

A note is added in the transaction that writes. Who computes reads the notes, then the readings, and takes away exactly
the notes that were read: what is written meanwhile is either read or still noted. A note names the series that were
written to, where these are few and somebody asks; else it means everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Int32, Int64, TouchedDay, UInt8
from store.connect import Connection
from store.copy import Int4s, Int8s
from store.queries import queries

_SQL = queries("touched")

#: The family whose analysis asks which series were written to. Notes of others never name any.
NAMED = "smart-meter"
#: So many series of a day a note names at most.
FEW = 256

_EPOCH = date(1970, 1, 1)
_DAY = 86_400_000_000


class Notes(NamedTuple):
    """Notes of one family. ``ids`` and ``days`` [days since 1970-01-01]: ``(notes,)``."""

    ids: Int64
    days: Int64
    #: Of each the series that were written to; None: anybody's.
    series: Sequence[Sequence[int] | None]


def days_of(families: Sequence[str], family: UInt8, series: Int32, time: Int64) -> list[TouchedDay]:
    """What readings touch, by day and family; quickest where they are sorted by (series, time).

    ``family`` (a place in ``families``), ``series``, ``time`` [us since the Unix epoch]: ``(rows,)``.
    """
    if not len(time):
        return []
    key = time // _DAY * len(families) + family
    again = (series[1:] == series[:-1]) & (key[1:] == key[:-1])
    first = np.flatnonzero(np.concatenate(([True], ~again)))
    key, series = key[first], series[first]
    if key.min() == key.max():  # as live readings are: nothing is to be sorted
        return [_touched(families, int(key[0]), series)]
    order = np.argsort(key, kind="stable")
    key, series = key[order], series[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    ends = np.append(starts[1:], len(key))
    return [
        _touched(families, number, series[start:end])
        for number, start, end in zip(key[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)
    ]


def _touched(families: Sequence[str], key: int, series: Int32) -> TouchedDay:
    family, day = families[key % len(families)], _EPOCH + timedelta(days=key // len(families))
    named = family == NAMED and len(series) <= FEW
    return TouchedDay(family, day, _each_once(series) if named else None)


def _each_once(series: Int32) -> tuple[int, ...]:
    if len(series) > 1 and not (series[1:] > series[:-1]).all():
        series = np.unique(series)
    return tuple(series.tolist())


def note(connection: Connection, days: Sequence[TouchedDay]) -> None:
    """Note inside the running transaction that it writes to these days. Raises psycopg.Error."""
    if days:
        texts = [None if one.series is None else f"{{{str([*one.series])[1:-1]}}}" for one in days]
        connection.execute(_SQL["note"], ([one.family for one in days], [one.day for one in days], texts))


def notes(connection: Connection, family: str) -> Notes:
    """The notes of a family that this statement sees, held until the transaction ends. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["days"], (family,)).fetchall()
    return Notes(
        np.array([row[0] for row in rows], np.int64),
        np.array([(row[1] - _EPOCH).days for row in rows], np.int64),
        [row[2] for row in rows],
    )


def forget(connection: Connection, ids: Int64) -> None:
    """Delete exactly these notes, inside the running transaction. Raises psycopg.Error."""
    if len(ids):
        connection.execute(_SQL["forget"], (Int8s(ids),))


def homes_of(connection: Connection, series: NDArray[np.integer]) -> tuple[Int64, Int64]:
    """Which homes the meters of some series measure or measured: series and home, ``(links,)``. Raises psycopg.Error.

    Series of nobody's meter, or that are gone, are in no link.
    """
    if not len(series):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["homes_of"], (Int4s(series),)).fetchall()
    found = np.array(rows, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def keep(connection: Connection) -> None:
    """Let nobody thin notes until the transaction ends; waits for who does. Raises psycopg.Error."""
    connection.execute(_SQL["keep"])


def thin(connection: Connection, rows: int) -> int:
    """Make one of notes that name the same day, at most of so many at once; how many went. Raises psycopg.Error.

    Waits for an erasure that takes names away.
    """
    with connection.transaction():
        keep(connection)
        return connection.execute(_SQL["thin"], {"rows": rows, "few": FEW}).rowcount
