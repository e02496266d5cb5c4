"""What messages had that nobody reads, by family, format and name: no value, and of no device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from store.connect import Connection
from store.copy import Int4s
from store.queries import queries

_SQL = queries("unread")


class Unread(NamedTuple):
    """A name, and by how many devices it was sent."""

    family: str
    format: str
    name: str
    devices: int


class Noted(NamedTuple):
    """The same, with when it was seen last."""

    family: str
    format: str
    name: str
    devices: int
    last_seen: datetime


def note(connection: Connection, rows: Sequence[Unread]) -> None:
    """Note names; those that were not seen for a month are forgotten, and above 2,000 no new ones are taken.

    Raises psycopg.Error.
    """
    with connection.transaction():
        connection.execute(_SQL["forget"])
        connection.execute(
            _SQL["note"],
            (
                [row.family for row in rows],
                [row.format for row in rows],
                [row.name for row in rows],
                Int4s([row.devices for row in rows]),
            ),
        )


def noted(connection: Connection, within: timedelta) -> list[Noted]:
    """What was seen within this time, what most devices send first. Raises psycopg.Error."""
    return [Noted(*row) for row in connection.execute(_SQL["noted"], (within,)).fetchall()]
