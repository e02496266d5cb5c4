"""What publishing months asks of the database: which were written to late, and what there is of series and places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from store import session_lock
from store.connect import Connection
from store.copy import Int4s
from store.queries import queries
from store.times import microseconds

_SQL = queries("snapshots")
#: Notes of one DELETE.
_ROWS = 20_000
#: Who holds it publishes, or thins the notes: what one who publishes has read must not stand for what came later.
LOCK = "publish"


class Box(NamedTuple):
    """How many places there are, and the rectangle that they lie in [degrees, WGS 84]; None where none has a place."""

    places: int
    west: float | None
    south: float | None
    east: float | None
    north: float | None


class Located(NamedTuple):
    """An open device and where it is [degrees, WGS 84], None where that is not known."""

    id: str
    model: str
    lon: float | None
    lat: float | None
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Late:
    """Months (by their first day) that were written to after their end, with the numbers of the notes that say so."""

    months: Mapping[date, Sequence[int]]


def late(connection: Connection, family: str) -> Late:
    """The notes of a family. Read them before the state that is published begins. Raises psycopg.Error."""
    return Late(dict(connection.execute(_SQL["notes"], (family,)).fetchall()))


def note(connection: Connection, family: str, month: date) -> None:
    """Have a month, by its first day, looked at again by the next run. Raises psycopg.Error."""
    connection.execute(_SQL["note"], (family, month))


def forget(connection: Connection, notes: Sequence[int]) -> None:
    """Take away notes that were acted upon, these and no later ones. Raises psycopg.Error."""
    connection.execute(_SQL["forget"], (list(notes),))


def know(connection: Connection, dataset: str, revisions: Sequence[tuple[date, int]]) -> None:
    """Note months (by their first day) and revisions of them that were made. Raises psycopg.Error."""
    months, numbers = [month for month, _ in revisions], [number for _, number in revisions]
    connection.execute(_SQL["know"], {"dataset": dataset, "months": months, "revisions": numbers})


def revision(connection: Connection, dataset: str, month: date) -> int:
    """The greatest revision of a month that is known, 0 where none is. Raises psycopg.Error."""
    row = connection.execute(_SQL["revision"], (dataset, month)).fetchone()
    assert row is not None
    return int(row[0])


def thin(connection: Connection) -> int:
    """Take away notes of months that have a newer one, unless somebody publishes at this moment; how many.

    Commits step by step, so not inside a transaction. Raises psycopg.Error.
    """
    gone = 0
    if session_lock.take(connection, [LOCK]) is None:
        return gone
    try:
        while done := connection.execute(_SQL["thin"], {"rows": _ROWS}).rowcount:
            gone += done
    finally:
        session_lock.give_back(connection, LOCK)
    return gone


def span(connection: Connection, series: Sequence[int]) -> tuple[int, int] | None:
    """Times of the first and the last reading of some series [us], None where there is none. Raises psycopg.Error."""
    first, last = _times(connection, series)
    return None if first is None or last is None else (microseconds(first), microseconds(last))


def having(connection: Connection, series: Sequence[int], start: datetime, end: datetime) -> list[int]:
    """Of some series those that have a reading from ``start`` to ``end`` (not included). Raises psycopg.Error."""
    return [row[0] for row in connection.execute(_SQL["having"], (Int4s(series), start, end)).fetchall()]


def any_between(connection: Connection, series: Sequence[int], start: datetime, end: datetime) -> bool:
    """Whether some series have a reading from ``start`` to ``end`` (not included). Raises psycopg.Error."""
    row = connection.execute(_SQL["any_between"], (Int4s(series), start, end)).fetchone()
    return row is not None and bool(row[0])


def extent(connection: Connection, family: str, origin: str) -> Box:
    """Open devices of a family and origin, and where they are. Raises psycopg.Error."""
    return _box(connection.execute(_SQL["extent"], {"family": family, "origin": origin}).fetchone())


def places(connection: Connection, devices: Sequence[str]) -> list[Located]:
    """Open devices by id, retired ones too; what is not open is left out. Raises psycopg.Error."""
    return [Located(*row) for row in connection.execute(_SQL["places"], (list(devices),)).fetchall()]


def bays(connection: Connection, day: date, origin: str) -> Box:
    """Bays of an origin and of no household on a local day, and where they are. Raises psycopg.Error."""
    return _box(connection.execute(_SQL["bays"], {"day": day, "origin": origin}).fetchone())


def zone_days(connection: Connection, origin: str) -> tuple[date, date] | None:
    """The first and the last local day of the zones that `store.open_data.zone_days` shows; None: there are none.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["zone_days"], {"origin": origin}).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def _times(connection: Connection, series: Sequence[int]) -> tuple[datetime | None, datetime | None]:
    row = connection.execute(_SQL["span"], (Int4s(series),)).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _box(row: tuple[Any, ...] | None) -> Box:
    return Box(0, None, None, None, None) if row is None else Box(*row)
