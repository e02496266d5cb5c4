"""What officers found where the board called a stay over: noted once a form, counted for the queue's precision."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("outcomes")


class Outcome(NamedTuple):
    """One visit. ``token``: of the form; ``arrival``: when the stay began; ``outcome``: a word of the table."""

    token: str
    bay: str
    arrival: datetime
    at: datetime
    account_id: int | None
    outcome: str
    minutes_over: int


class OutcomeCount(NamedTuple):
    """How often an outcome was found at a bay; ``model``: of the sensor that lay there, "" without one."""

    bay: str
    street: str
    kind: str
    model: str
    outcome: str
    visits: int


class Place(NamedTuple):
    """A place [degrees, WGS 84] and its street."""

    lon: float
    lat: float
    street: str


def note(connection: Connection, one: Outcome) -> bool:
    """Note a visit; False where its form was noted already, and then nothing changes.

    Raises LookupError where there is no such bay, ValueError where an instant has no time zone, psycopg.Error.
    """
    values = (one.token, aware(one.arrival), aware(one.at), one.account_id, one.outcome, one.minutes_over, one.bay)
    if connection.execute(_SQL["note"], values).fetchone() is not None:
        return True
    if noted(connection, one.token) is None:
        raise LookupError(f"there is no bay {one.bay}")
    return False


def noted(connection: Connection, token: str) -> str | None:
    """The outcome that a form's token stands for, None for none. Raises psycopg.Error."""
    row = connection.execute(_SQL["noted"], (token,)).fetchone()
    return None if row is None else str(row[0])


def counts(connection: Connection, since: datetime) -> list[OutcomeCount]:
    """Outcomes since an instant, by bay. Raises psycopg.Error."""
    return [OutcomeCount(*row) for row in connection.execute(_SQL["counts"], (aware(since),))]


def visited(connection: Connection, since: datetime) -> set[tuple[str, datetime]]:
    """Stays (bay, arrival) that got an outcome since an instant. Raises psycopg.Error."""
    return {(row[0], row[1]) for row in connection.execute(_SQL["visited"], (aware(since),))}


def last_place(connection: Connection, account_id: int, since: datetime) -> Place | None:
    """Where an account's newest outcome since an instant was, None without one. Raises psycopg.Error."""
    row = connection.execute(_SQL["last_place"], (account_id, aware(since))).fetchone()
    return None if row is None else Place(*row)
