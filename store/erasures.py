"""How far each erasure is: asked for, out of the database, out of the files (docs/decisions/006-erasure.md).

The household's number is a mark here, and what its files are searched for is encrypted, both with the key that stands
outside the database: who has the database alone learns that somebody was erased, and when.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from cryptography.fernet import Fernet, InvalidToken

from devices.naming import Words
from store import tombstones
from store.connect import Connection
from store.queries import queries
from store.tombstones import WrongKey

_SQL = queries("erasures")

#: ``recording``: is being written; ``ledger``: the same; ``archive``, ``damaged``: cannot be read; ``folder``: is not
#: there; ``file``: could not be removed or written; ``look``: names the household, and only a person can say what of it
#: may stay; ``accounts``: the broker's accounts could not be written.
ItemKind = Literal["recording", "ledger", "archive", "damaged", "folder", "file", "look", "accounts"]


class Item(NamedTuple):
    """One file or folder that an erasure has not done yet."""

    kind: ItemKind
    path: str


class State(NamedTuple):
    """How far an erasure is. ``erased``: out of every table; ``swept``: all files were gone through once; ``done``."""

    reference: str
    begun: datetime
    erased: datetime | None
    swept: datetime | None
    done: datetime | None
    items: Sequence[Item]


class Open(NamedTuple):
    """An erasure that is not done; ``words`` are what it is known by."""

    mark: bytes
    words: Words
    erased: bool
    swept: bool
    items: Sequence[Item]


def mark(key: bytes, tenancy_id: int) -> bytes:
    """The mark of a tenancy's number."""
    return tombstones.mark(key, f"tenancy {tenancy_id}")


def begin(connection: Connection, key: bytes, words: Words) -> None:
    """Note that an erasure was asked for, inside the running transaction. Raises psycopg.Error."""
    connection.execute(
        _SQL["begin"],
        {
            "mark": mark(key, words.tenancy),
            "key_mark": tombstones.key_mark(key),
            "reference": secrets.token_hex(8),
            "words": _sealer(key).encrypt(words.as_json().encode()),
            "tenancy": words.tenancy,
        },
    )


def unfinished(connection: Connection, key: bytes) -> list[Open]:
    """Erasures that are not done, the oldest first. Raises WrongKey; psycopg.Error."""
    found = []
    for row in connection.execute(_SQL["open"]).fetchall():
        if bytes(row[1]) != tombstones.key_mark(key):
            raise WrongKey("an erasure that is not done was begun with another key")
        try:
            words = Words.from_json(_sealer(key).decrypt(bytes(row[2])).decode())
        except InvalidToken:
            raise WrongKey("an erasure that is not done cannot be read with this key") from None
        found.append(Open(bytes(row[0]), words, row[3], row[4], _items(row[5])))
    return found


def erased(connection: Connection, its_mark: bytes) -> None:
    """Note inside the running transaction that no table holds anything of it any more. Raises psycopg.Error."""
    connection.execute(_SQL["erased"], (its_mark,))


def note_left(connection: Connection, its_mark: bytes, items: Sequence[Item]) -> bool:
    """Note what is left after the files were gone through; whether it is done. Raises psycopg.Error."""
    text = json.dumps([{"kind": one.kind, "path": one.path} for one in items])
    row = connection.execute(_SQL["settle"], {"mark": its_mark, "items": text}).fetchone()
    return bool(row and row[0])


def state(connection: Connection, key: bytes, tenancy_id: int) -> State | None:
    """How far the erasure of a tenancy is; None where nobody asked for one. Raises psycopg.Error."""
    return _state(connection, _SQL["by_mark"], mark(key, tenancy_id))


def by_reference(connection: Connection, reference: str) -> State | None:
    """The same by the reference that whoever left was given. Raises psycopg.Error."""
    return _state(connection, _SQL["by_reference"], reference)


def by_session(connection: Connection, token: bytes) -> State | None:
    """The same by a sign-in that ended with it: SHA-256 of its cookie. Raises psycopg.Error."""
    return _state(connection, _SQL["by_session"], token)


def forget_sessions(connection: Connection) -> None:
    """Forget the sign-ins of erasures that began over an hour ago. Raises psycopg.Error."""
    connection.execute(_SQL["forget_sessions"])


def count(connection: Connection, readings: Mapping[str, int]) -> None:
    """Add to how many readings erasures took, by family, inside the running transaction. Raises psycopg.Error."""
    if any(readings.values()):
        families = sorted(family for family, number in readings.items() if number)
        connection.execute(_SQL["count"], (families, [readings[family] for family in families]))


def readings(connection: Connection) -> int:
    """How many readings erasures took in all. Raises psycopg.Error."""
    row = connection.execute(_SQL["readings"]).fetchone()
    assert row is not None
    return int(row[0])


def _state(connection: Connection, query: bytes, value: bytes | str) -> State | None:
    row = connection.execute(query, (value,)).fetchone()
    return None if row is None else State(row[0], row[1], row[2], row[3], row[4], _items(row[5]))


def _items(rows: Sequence[Mapping[str, str]]) -> list[Item]:
    return [Item(row["kind"], row["path"]) for row in rows]  # type: ignore[arg-type]


def _sealer(key: bytes) -> Fernet:
    own = hmac.digest(key, b"the words of erasures that are not done", "sha256")
    return Fernet(base64.urlsafe_b64encode(own))
