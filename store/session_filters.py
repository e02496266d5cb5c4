"""What a session is subscribed to at a broker: the subscriptions file of today does not say what that of yesterday had.

Written before the broker is asked, taken away after it has answered: what is remembered may be more than what the
session has, and is never less.
"""

from __future__ import annotations

from collections.abc import Sequence

from store.connect import Connection
from store.queries import queries

_SQL = queries("session_filters")


def known(connection: Connection, session: str) -> list[str]:
    """Filters that a session may have, at whatever broker: one broker can have two addresses. Raises psycopg.Error."""
    return sorted(row[0] for row in connection.execute(_SQL["known"], (session,)))


def remember(connection: Connection, session: str, broker: str, filters: Sequence[str]) -> None:
    """Note filters before they are subscribed; ``broker`` is host:port. Raises psycopg.Error."""
    connection.execute(_SQL["remember"], (session, broker, sorted(filters)))


def forget(connection: Connection, session: str, broker: str, filters: Sequence[str]) -> None:
    """The session has these no more at this broker. Raises psycopg.Error."""
    connection.execute(_SQL["forget"], (list(filters), session, broker))


def retire(connection: Connection, session: str, broker: str) -> None:
    """The session has ended at this broker. Raises psycopg.Error."""
    connection.execute(_SQL["retire"], (session, broker))
