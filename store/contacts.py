"""Contacts: how somebody is reached, whether they said that it is theirs, and what they want no more of.

An address stands here and nowhere else of the outbox. A contact goes with its tenancy or account; one with neither is
a subscription's, which forgets it (`forget`) when it ends. Its messages go with it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from devices.device import Origin
from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("contacts")

#: Kinds that are told to a household by all of its ways, and stopped by all of them.
HOUSEHOLD = ("nudge",)
#: As SMTP has it (RFC 5321, 4.5.3.1) [bytes].
_LOCAL, _LONGEST = 64, 254
#: Unquoted, as people write one; letters beyond ASCII are let through (SMTPUTF8).
_LOCAL_PART = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+)*"
)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class BadAddress(ValueError):
    """A text is no e-mail address. Says why, without the address."""


class Stop(NamedTuple):
    """What a link stops: all of a kind, or (``thread`` not empty) one thread of it."""

    contact_id: int
    kind: str
    thread: str
    stopped: bool


def checked(address: str) -> str:
    """An e-mail address as it is kept: its domain in small letters, as ASCII. Raises BadAddress."""
    text = address.strip()
    if not text.isprintable() or any(sign.isspace() for sign in text):
        raise BadAddress("it holds a space or a sign that cannot be seen")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise BadAddress("it has no name before and no domain after an @")
    if _LOCAL_PART.fullmatch(local) is None:
        raise BadAddress("what stands before the @ holds a sign that no address has there")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise BadAddress("what stands after the @ is no domain") from None
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddress("what stands after the @ is no domain")
    found = f"{local}@{domain}"
    if len(local.encode()) > _LOCAL or len(found.encode()) > _LONGEST:
        raise BadAddress(f"it is longer than {_LONGEST} signs, or {_LOCAL} before the @")
    return found


def email(
    connection: Connection,
    address: str,
    *,
    origin: Origin,
    tenancy: int | None = None,
    account: int | None = None,
    confirmed_at: datetime | None = None,
) -> int | None:
    """The contact of an address, of a tenancy, of an account or of neither, made where it is new.

    ``origin``: whether the person is real; in a demo everybody is simulated. ``confirmed_at``: when they showed that
    the address is theirs; an earlier confirmation stays. None: the tenancy or account is not there, or is being erased.
    Raises BadAddress, psycopg.Error.
    """
    values = {
        "channel": "email", "address": checked(address), "origin": origin, "tenancy": tenancy, "account": account,
        "confirmed_at": None if confirmed_at is None else aware(confirmed_at),
    }  # fmt: skip
    return _put(connection, values)


def page(connection: Connection, *, origin: Origin, tenancy: int) -> int | None:
    """The contact by which a tenancy reads messages on its page, ``/home/messages``; None: see ``email``.

    An account has no such page: carers are told by e-mail, and on the pages of the homes. Raises psycopg.Error.
    """
    return _put(connection, _no_address("page", origin, tenancy))


def letter(connection: Connection, *, origin: Origin, tenancy: int) -> int | None:
    """The contact by which a tenancy gets letters; None: see ``email``. Raises psycopg.Error."""
    return _put(connection, _no_address("letter", origin, tenancy))


def confirm(connection: Connection, contact_id: int, at: datetime) -> bool:
    """Note that somebody showed that the address is theirs; False where it was known or there is no such contact.

    Raises psycopg.Error.
    """
    return connection.execute(_SQL["confirm"], {"id": contact_id, "at": aware(at)}).rowcount == 1


def forget(connection: Connection, contact_id: int) -> bool:
    """Delete a contact with its messages and links: its address is known no more; False: there is none.

    Raises psycopg.Error.
    """
    return connection.execute(_SQL["forget"], {"id": contact_id}).rowcount == 1


def stop(connection: Connection, contact_id: int, kind: str, thread: str, at: datetime) -> bool:
    """Note that nothing of a kind (``thread`` empty), or of one thread of it, is wanted; False: it was noted, or there
    is no such contact. What is told to a household (``HOUSEHOLD``) is stopped by every way that it has.

    Raises psycopg.Error.
    """
    values = {"contact": contact_id, "kind": kind, "thread": thread, "at": aware(at)}
    with connection.transaction():
        if (tenancy := _household(connection, contact_id, kind, thread)) is not None:
            return connection.execute(_SQL["stop_household"], {**values, "tenancy": tenancy}).rowcount > 0
        return connection.execute(_SQL["stop"], values).rowcount == 1


def start(connection: Connection, contact_id: int, kind: str, thread: str = "") -> bool:
    """Take a stop back, as only the person may ask; False: there is none. Raises psycopg.Error."""
    values = {"contact": contact_id, "kind": kind, "thread": thread}
    with connection.transaction():
        if (tenancy := _household(connection, contact_id, kind, thread)) is not None:
            return connection.execute(_SQL["start_household"], {**values, "tenancy": tenancy}).rowcount > 0
        return connection.execute(_SQL["start"], values).rowcount == 1


def stopped(connection: Connection, contact_id: int, kind: str, thread: str = "") -> bool:
    """Whether a kind, or a thread of it, is stopped for a contact. Raises psycopg.Error."""
    values = {"contact": contact_id, "kind": kind, "thread": thread}
    return connection.execute(_SQL["stopped"], values).fetchone() is not None


def new_token() -> str:
    """What a new link holds: 256 bits of chance."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> bytes:
    """What stands in the database for a link."""
    return hashlib.sha256(token.encode()).digest()


def by_token(connection: Connection, token: str) -> Stop | None:
    """What a link stops, and whether it has; None: it is no link, or the address is known no more.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["by_token"], {"token": hashed(token[:200])}).fetchone()
    return None if row is None else Stop(*row)


def _household(connection: Connection, contact_id: int, kind: str, thread: str) -> int | None:
    """Whose ways are stopped together, held until the running transaction ends; None: the contact's alone."""
    if kind not in HOUSEHOLD or thread:
        return None
    row = connection.execute(_SQL["household"], {"contact": contact_id}).fetchone()
    return None if row is None else int(row[0])


def _no_address(channel: str, origin: Origin, tenancy: int) -> dict[str, object]:
    return {
        "channel": channel, "address": None, "origin": origin, "tenancy": tenancy, "account": None,
        "confirmed_at": None,
    }  # fmt: skip


def _put(connection: Connection, values: Mapping[str, object]) -> int | None:
    row = connection.execute(_SQL["put"], values).fetchone()
    return None if row is None else int(row[0])
