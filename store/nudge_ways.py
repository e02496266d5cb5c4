"""By which ways a household is told nudges, and that it stops them: by all of them in one step.

Its page always; an e-mail to an address that a code has shown to be theirs; a letter where it asked for one. Who
changes something holds the household's row, so that nothing is told meanwhile by a way that was just stopped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from devices.device import Origin
from store import contacts
from store.accounts import hashed, new_code, plain_code
from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("nudge_ways")

Channel = Literal["email", "letter"]
#: A code is of use so long, and so many wrong ones are borne.
CODE_LASTS, MOST_TRIES = timedelta(minutes=30), 5


class Way(NamedTuple):
    """A way beside the page. ``confirmed_at`` None: its code was not entered yet, and is of use until ``code_until``;
    ``bounced``: a relay said that there is no such mailbox."""

    channel: Channel
    address: str | None
    asked_at: datetime
    confirmed_at: datetime | None
    code_until: datetime | None
    bounced: bool


def of_tenancy(connection: Connection, tenancy: int) -> list[Way]:
    """The ways of a household beside its page. Raises psycopg.Error."""
    return [Way(*row) for row in connection.execute(_SQL["of_tenancy"], {"tenancy": tenancy})]


def reached(connection: Connection, tenancy: int) -> list[tuple[Channel, int]]:
    """By which contacts a household is told beside its page: confirmed, and not known to be wrong.

    Raises psycopg.Error.
    """
    return [(row[0], row[1]) for row in connection.execute(_SQL["reached"], {"tenancy": tenancy})]


def ask_email(connection: Connection, tenancy: int, contact: int, now: datetime) -> str:
    """Take a contact of the household as its address once the code that this gives is entered, in the running
    transaction. An earlier address is told nothing any more and is forgotten. Raises psycopg.Error."""
    _hold(connection, tenancy)
    before = _contact(connection, tenancy, "email")
    code = new_code()
    values = {
        "tenancy": tenancy, "contact": contact, "now": aware(now), "code": hashed(plain_code(code)),
        "until": aware(now) + CODE_LASTS,
    }  # fmt: skip
    connection.execute(_SQL["ask"], values)
    connection.execute(_SQL["try_again"], {"contact": contact})
    _forget(connection, tenancy, before)
    return code


def enter_code(connection: Connection, tenancy: int, text: str, now: datetime) -> bool:
    """Whether a code is the one that was sent; then the address is confirmed, in the running transaction.

    Raises psycopg.Error.
    """
    values = {"tenancy": tenancy, "code": hashed(plain_code(text[:100])), "now": aware(now), "most": MOST_TRIES}
    row = connection.execute(_SQL["enter"], values).fetchone()
    if row is None or not row[0]:
        return False
    contacts.confirm(connection, row[1], now)
    return True


def add_letter(connection: Connection, tenancy: int, contact: int, now: datetime) -> bool:
    """Note that a household wants letters; False: it did. Raises psycopg.Error."""
    _hold(connection, tenancy)
    values = {"tenancy": tenancy, "contact": contact, "now": aware(now)}
    return connection.execute(_SQL["letter"], values).rowcount == 1


def drop(connection: Connection, tenancy: int, channel: Channel) -> bool:
    """End a way, in the running transaction; an address is forgotten with it; False: there is none.

    Raises psycopg.Error.
    """
    _hold(connection, tenancy)
    row = connection.execute(_SQL["drop"], {"tenancy": tenancy, "channel": channel}).fetchone()
    if row is not None:
        _forget(connection, tenancy, row[0])
    return row is not None


def stop(connection: Connection, tenancy: int, origin: Origin, now: datetime) -> bool:
    """Stop nudges by every way of a household, in the running transaction; False: it had, or is being erased.

    ``origin``: of its people. Raises psycopg.Error.
    """
    _hold(connection, tenancy)
    if stopped(connection, tenancy) is not None:
        return False
    # who was never told anything has no contact yet to write it down at
    contacts.page(connection, origin=origin, tenancy=tenancy)
    return connection.execute(_SQL["stop"], {"tenancy": tenancy, "at": aware(now)}).rowcount > 0


def start(connection: Connection, tenancy: int) -> bool:
    """Take a stop back, as only the household may ask; False: there is none. Raises psycopg.Error."""
    _hold(connection, tenancy)
    return connection.execute(_SQL["start"], {"tenancy": tenancy}).rowcount > 0


def stopped(connection: Connection, tenancy: int) -> datetime | None:
    """Since when a household wants none; None: it does not say so. Raises psycopg.Error."""
    row = connection.execute(_SQL["stopped"], {"tenancy": tenancy}).fetchone()
    return None if row is None else row[0]


def _hold(connection: Connection, tenancy: int) -> None:
    connection.execute(_SQL["hold"], {"tenancy": tenancy})


def _contact(connection: Connection, tenancy: int, channel: Channel) -> int | None:
    row = connection.execute(_SQL["contact"], {"tenancy": tenancy, "channel": channel}).fetchone()
    return None if row is None else int(row[0])


def _forget(connection: Connection, tenancy: int, contact: int | None) -> None:
    """A contact that is no way any more goes with its messages, but not where a complaint is answered there."""
    if contact is not None:
        connection.execute(_SQL["unused"], {"tenancy": tenancy, "contacts": [contact]})
