"""The outbox as operators see it: how many and how old, what became of one, tried once more. No address, no words;
and what its reader sees on a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from store.connect import Connection
from store.outbox import LASTS, SECRET, Kind, State
from store.queries import queries
from store.times import aware

_SQL = queries("outbox_list")


class Count(NamedTuple):
    """Messages of a kind and state. ``oldest``: since when the oldest of them is due, its quiet hours over, or came to
    its end; of what waits for a time it is that time."""

    kind: Kind
    state: State
    messages: int
    oldest: datetime


class Row(NamedTuple):
    """A message without its words and without whom it goes to; ``contact``: the number of the contact; ``void``: why
    it must not be sent any more."""

    id: int
    key: str
    kind: Kind
    channel: str
    contact: int
    state: State
    reason: str | None
    made_at: datetime
    due_at: datetime
    next_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    tries: int
    void: str | None


class Attempt(NamedTuple):
    """What the relay said at a try."""

    number: int
    at: datetime
    stage: str
    code: int | None
    enhanced: str | None
    answer: str


class RelayState(NamedTuple):
    """How the relay was reached last; ``failing_since`` and ``problem`` None: nothing is wrong."""

    looked_at: datetime
    taken_at: datetime | None
    failing_since: datetime | None
    problem: str | None


class Shown(NamedTuple):
    """A message on its reader's page."""

    id: int
    at: datetime
    subject: str
    text: str


def counts(connection: Connection, now: datetime, span: timedelta) -> list[Count]:
    """What is open, and what came to its end within ``span``, by kind and state. Raises psycopg.Error."""
    return [Count(*row) for row in connection.execute(_SQL["counts"], {"since": aware(now) - span})]


def listed(
    connection: Connection,
    *,
    states: Sequence[str] = (),
    kind: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Row]:
    """Messages in some states (none named: all) and of a kind, the newest first. Raises psycopg.Error."""
    values = {"states": list(states), "kind": kind, "before": before, "limit": limit}
    return [Row(*row) for row in connection.execute(_SQL["listed"], values)]


def one(connection: Connection, message_id: int) -> Row | None:
    """One message; None: there is none of this number. Raises psycopg.Error."""
    row = connection.execute(_SQL["one"], {"id": message_id}).fetchone()
    return None if row is None else Row(*row)


def attempts(connection: Connection, message_id: int) -> list[Attempt]:
    """Its tries, in order. Raises psycopg.Error."""
    return [Attempt(*row) for row in connection.execute(_SQL["attempts"], {"id": message_id})]


def retry(connection: Connection, message_id: int, now: datetime) -> bool:
    """Have one tried again from now on, whatever became of it; it lasts as long as a new one. All rules hold as for
    any other, but a mailbox that was none is tried again. False: it is being sent, there is none, it is void, or it
    holds a secret (`store.outbox.SECRET`) that was sent or is of no use any more.

    Raises psycopg.Error.
    """
    found = one(connection, message_id)
    if found is None:
        return False
    values = {"id": message_id, "now": aware(now), "expires_at": now + LASTS[found.kind], "secret": list(SECRET)}
    return connection.execute(_SQL["retry"], values).rowcount == 1


def late(connection: Connection, before: datetime) -> int:
    """Messages by e-mail that should have been handed over before an instant, and are of use still.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["late"], {"before": aware(before)}).fetchone()
    assert row is not None
    return int(row[0])


def looked(connection: Connection, name: str, now: datetime, *, well: bool) -> None:
    """Note that a cause of messages was looked at, ``well`` without a fault. Raises psycopg.Error."""
    query = _SQL["looked"] if well else _SQL["tried"]
    connection.execute(query, {"name": name, "now": aware(now)})


def unlooked(connection: Connection, before: datetime) -> list[tuple[str, datetime]]:
    """Causes of messages that nobody has looked at without a fault since an instant, and when somebody did last, where
    anybody waits to be told; "" for the name where nobody ever looked. Raises psycopg.Error.
    """
    return connection.execute(_SQL["unlooked"], {"before": aware(before)}).fetchall()


def relay(connection: Connection) -> RelayState | None:
    """How the relay was reached last; None: it never was. Raises psycopg.Error."""
    row = connection.execute(_SQL["relay"]).fetchone()
    return None if row is None else RelayState(*row)


def forget(connection: Connection, before: datetime) -> int:
    """Delete messages that came to their end before an instant; how many. Raises psycopg.Error."""
    return connection.execute(_SQL["forget"], {"before": aware(before)}).rowcount


def on_page(
    connection: Connection, tenancy_id: int, *, hidden: Sequence[int] = (), below: int | None = None, limit: int = 50
) -> list[Shown]:
    """What a tenancy reads on its page, the newest first; ``below``: of smaller numbers; ``hidden``: not these.

    Raises psycopg.Error.
    """
    values = {"tenancy": tenancy_id, "hidden": list(hidden), "below": below, "limit": limit}
    return [Shown(*row) for row in connection.execute(_SQL["on_page"], values)]
