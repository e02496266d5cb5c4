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


def note(connection: Connection, one: Outcome, *, personal: bool = True) -> str | None:
    """Note a visit: None where it is new. A form that was noted already changes nothing: the outcome it noted.

    ``personal`` False: bays of households are none. Raises LookupError where there is no such bay, or the form's token
    has noted another stay, ValueError where an instant has no time zone, psycopg.Error.
    """
    values = (one.token, aware(one.arrival), aware(one.at), one.account_id, one.outcome, one.minutes_over, one.bay)
    if connection.execute(_SQL["note"], (*values, personal)).fetchone() is not None:
        return None
    row = connection.execute(_SQL["noted"], (one.bay, one.arrival, one.token)).fetchone()
    if row is None:
        raise LookupError(f"there is no bay {one.bay}")
    if not row[1]:
        raise LookupError("the token has noted another stay")
    return str(row[0])


def counts(connection: Connection, since: datetime, *, personal: bool = True) -> list[OutcomeCount]:
    """Outcomes since an instant, by bay; ``personal`` False: without bays of households. Raises psycopg.Error."""
    return [OutcomeCount(*row) for row in connection.execute(_SQL["counts"], (aware(since), personal))]


def visited(connection: Connection, since: datetime) -> set[tuple[str, datetime]]:
    """Stays (bay, arrival) that got an outcome since an instant. Raises psycopg.Error."""
    return {(row[0], row[1]) for row in connection.execute(_SQL["visited"], (aware(since),))}


def last_place(connection: Connection, account_id: int, since: datetime) -> Place | None:
    """Where an account's newest outcome since an instant was, None without one. Raises psycopg.Error."""
    row = connection.execute(_SQL["last_place"], (account_id, aware(since))).fetchone()
    return None if row is None else Place(*row)
