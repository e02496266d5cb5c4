"""Who signs in: accounts, their sessions, the one-time codes of letters, and the log of who looked at a home's data.

The database holds no token and no code, only their SHA-256: who reads it can sign in as nobody.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from store.connect import Connection
from store.queries import queries

_SQL = queries("accounts")

#: Letters of codes: no vowels, so that no words come about, and none that is taken for another or for a digit.
ALPHABET = "BCDFGHJKLMNPQRTVWXYZ"
_LENGTH, _GROUP = 12, 4
#: A session that is used all the time is noted as seen so often at most.
_NOTED_EVERY = timedelta(seconds=60)


class Account(NamedTuple):
    """Somebody as an issuer names them; ``tenancy_id`` is the one tenancy that is theirs, None while none is."""

    id: int
    tenancy_id: int | None


class Session(NamedTuple):
    """A running session: whose it is, the tenancy they may see and the roles their issuer gave them."""

    account_id: int
    tenancy_id: int | None
    roles: frozenset[str]


class Code(NamedTuple):
    """What a one-time code opens: a tenancy, or in a demo the roles that somebody signs in with."""

    tenancy_id: int | None
    roles: tuple[str, ...]


class Access(NamedTuple):
    """One look at a home's data, or change of it. ``id`` orders them; ``account_id`` None: the system itself."""

    id: int
    at: datetime
    account_id: int | None
    role: str
    action: str
    detail: str | None


def sign_in(connection: Connection, issuer: str, subject: str) -> Account:
    """The account of ``subject`` at ``issuer``, made at the first sign-in. Raises psycopg.Error."""
    row = connection.execute(_SQL["sign_in"], {"issuer": issuer, "subject": subject}).fetchone()
    assert row is not None
    return Account(*row)


def bind(connection: Connection, account_id: int, tenancy_id: int, by: str, now: datetime, day: date) -> bool:
    """Let an account see a tenancy, and no other any more; ``by``: claim, code or demo.

    False, and nothing is changed, where there is no such tenancy, or where it has ended on the local ``day`` or is
    being erased: all look the same to whoever tries. Raises psycopg.Error.
    """
    values = {"account": account_id, "tenancy": tenancy_id, "by": by, "now": now, "day": day}
    return connection.execute(_SQL["bind"], values).fetchone() is not None


def open_session(
    connection: Connection, account_id: int, roles: Sequence[str], now: datetime, lifetime: timedelta
) -> str:
    """Open a session that ends after ``lifetime`` at the latest; the token for the cookie. Raises psycopg.Error."""
    connection.execute(_SQL["forget_sessions"], {"now": now})
    token = secrets.token_urlsafe(32)
    values = {"token": hashed(token), "account": account_id, "roles": list(roles), "now": now}
    connection.execute(_SQL["open_session"], {**values, "expires": now + lifetime})
    return token


def session(connection: Connection, token: str, now: datetime, idle: timedelta) -> Session | None:
    """The session of a cookie's token; None where it is over, was not used for ``idle``, or never was.

    Notes that it was used. Raises psycopg.Error.
    """
    mark = hashed(token)
    row = connection.execute(_SQL["session"], {"token": mark, "now": now, "idle": now - idle}).fetchone()
    if row is None:
        return None
    account_id, tenancy_id, roles, seen_at = row
    if now - seen_at > min(_NOTED_EVERY, idle / 10):
        connection.execute(_SQL["seen"], {"token": mark, "now": now})
    return Session(account_id, tenancy_id, frozenset(roles))


def rotate_session(connection: Connection, token: str, now: datetime) -> str | None:
    """A new token for a session whose rights have grown; the old one is worth nothing. None: there is no session."""
    new = secrets.token_urlsafe(32)
    values = {"old": hashed(token), "new": hashed(new), "now": now}
    return None if connection.execute(_SQL["rotate_session"], values).fetchone() is None else new


def end_session(connection: Connection, token: str) -> None:
    """End the session of a cookie's token. Raises psycopg.Error."""
    connection.execute(_SQL["end_session"], {"token": hashed(token)})


def end_sessions(connection: Connection, account_id: int) -> int:
    """End all sessions of an account, wherever it is signed in; how many. Raises psycopg.Error."""
    return len(connection.execute(_SQL["end_sessions"], {"account": account_id}).fetchall())


def make_code(
    connection: Connection,
    purpose: str,
    tenancy_id: int | None,
    now: datetime,
    lifetime: timedelta,
    roles: Sequence[str] = (),
) -> str:
    """A new one-time code, valid at once, as it is printed.

    ``purpose``: ``bind`` (a sign-in becomes a tenancy's), ``slip`` (opens a home's details for who enters a tear-off
    slip) or ``demo`` (signs in, with ``roles`` and maybe a tenancy, in a demo only). Raises psycopg.Error.
    """
    code = new_code()
    put_code(connection, code, purpose, tenancy_id, now, now + lifetime, roles)
    return code


def new_code() -> str:
    """A code that is nobody's yet, as it is printed: ``BCDF-GHJK-LMNP``, 52 bits."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def put_code(
    connection: Connection,
    code: str,
    purpose: str,
    tenancy_id: int | None,
    now: datetime,
    until: datetime,
    roles: Sequence[str] = (),
) -> None:
    """Make a printed code valid until an instant: see ``make_code``. Raises psycopg.Error."""
    values = {"code": hashed(plain_code(code)), "tenancy": tenancy_id, "purpose": purpose, "roles": list(roles)}
    connection.execute(_SQL["make_code"], {**values, "now": now, "expires": until})


def find_code(connection: Connection, purpose: str, text: str, now: datetime) -> Code | None:
    """What a code opens, without using it up; None where it is used, over or none. Raises psycopg.Error."""
    return _code(connection, "code", purpose, text, now)


def use_code(connection: Connection, purpose: str, text: str, now: datetime) -> Code | None:
    """What a code opens, this once; None where it is used, over or none. Raises psycopg.Error."""
    return _code(connection, "use_code", purpose, text, now)


def log_access(
    connection: Connection,
    tenancy_id: int,
    account_id: int | None,
    role: str,
    action: str,
    now: datetime,
    detail: str | None = None,
) -> bool:
    """Note who looked at or changed a tenancy's data; its resident reads these words.

    False where there is no such tenancy, or where it is being erased at this moment. Raises psycopg.Error.
    """
    values = {"tenancy": tenancy_id, "account": account_id, "role": role, "action": action, "detail": detail}
    return connection.execute(_SQL["log_access"], {**values, "now": now}).rowcount == 1


def accesses(connection: Connection, tenancy_id: int, *, below: int | None = None, limit: int = 100) -> list[Access]:
    """Who looked at a tenancy's data, the newest first; ``below`` an id: the page after it. Raises psycopg.Error."""
    rows = connection.execute(_SQL["accesses"], {"tenancy": tenancy_id, "below": below, "limit": limit})
    return [Access(*row) for row in rows]


def plain_code(text: str) -> str:
    """A code as typed by people, in small letters, with spaces or hyphens, as it is hashed."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def hashed(token: str) -> bytes:
    """What stands in the database for a token or a plain code."""
    return hashlib.sha256(token.encode()).digest()


def _code(connection: Connection, query: str, purpose: str, text: str, now: datetime) -> Code | None:
    mark = hashed(plain_code(text[:100]))
    found = {"code": _SQL["code"], "use_code": _SQL["use_code"]}[query]
    row = connection.execute(found, {"code": mark, "purpose": purpose, "now": now}).fetchone()
    return None if row is None else Code(row[0], tuple(row[1]))
