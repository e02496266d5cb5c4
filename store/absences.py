"""Readings whose time is an arrival after an absence: what the broker kept while no collector read a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from store.batch import Late
from store.connect import Connection
from store.queries import queries
from store.times import aware, instant, microseconds

_SQL = queries("absences")


class Absence(NamedTuple):
    """One family's part of a session's absence; ``messages`` and ``readings`` are those without a time of their own.

    ``lost_at``: when the session was last read, None where that is not known; ``drained_at``: when the last of the
    broker's queue had come, None where the connection was lost before.
    """

    collector: str
    family: str
    lost_at: datetime | None
    back_at: datetime
    drained_at: datetime | None
    messages: int
    readings: int


def left_at(connection: Connection, collector: str) -> int | None:
    """When a session last committed a batch [us since the Unix epoch]; None: never. Raises psycopg.Error."""
    row = connection.execute(_SQL["left_at"], (collector,)).fetchone()
    return None if row is None else microseconds(row[0])


def add(connection: Connection, collector: str, found: Sequence[Late]) -> None:
    """Count what a batch has of absences, inside the running transaction. Raises psycopg.Error."""
    for item in sorted(found, key=lambda item: (item.back_at, item.family)):
        lost_at = None if item.lost_at is None else instant(item.lost_at)
        connection.execute(
            _SQL["add"], (collector, instant(item.back_at), item.family, lost_at, item.messages, item.readings)
        )


def drained(connection: Connection, collector: str, back_at: int, at: int) -> None:
    """Note when the last of a queue had come, both [us since the Unix epoch]. Raises psycopg.Error."""
    connection.execute(_SQL["drained"], (instant(at), collector, instant(back_at)))


def recent(connection: Connection, since: datetime, family: str = "") -> list[Absence]:
    """Absences since an aware instant, newest first, of all families or one. Raises psycopg.Error."""
    return [Absence(*row) for row in connection.execute(_SQL["recent"], (aware(since), family, family))]


def delete(connection: Connection, before: datetime) -> int:
    """Forget absences before an aware instant; returns how many rows. Raises psycopg.Error."""
    return connection.execute(_SQL["delete"], (aware(before),)).rowcount
