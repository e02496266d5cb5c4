"""Connections that stay open until their database is dropped: to connect costs ten times what a small question does.

A condition that is waited for is asked often, and many tests look at a table after each step. What is run as the
program runs it has a connection of its own, as there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg

if TYPE_CHECKING:
    from store.connect import Connection

#: By address and thread.
_OPEN: dict[tuple[str, int], Connection] = {}


def rows(url: str, text: str, *values: object) -> list[tuple[Any, ...]]:
    """All rows of one statement, committed. A connection that has died meanwhile is replaced."""
    found = _OPEN.get((url, threading.get_ident()))
    if found is not None:
        try:
            return found.execute(text.encode(), values or None).fetchall()
        except psycopg.OperationalError:
            if not found.closed:
                raise
    return _connected(url).execute(text.encode(), values or None).fetchall()


@contextmanager
def transaction(url: str) -> Iterator[Connection]:
    """One transaction."""
    connection = _connected(url)
    with connection.transaction():
        yield connection


def forget(database: str | None = None) -> None:
    """Close all that are to a database of this name; without a name, all."""
    for key in [key for key in list(_OPEN) if database is None or urlsplit(key[0]).path == f"/{database}"]:
        _OPEN.pop(key).close()


def _connected(url: str) -> Connection:
    key = (url, threading.get_ident())
    found = _OPEN.get(key)
    if found is None or found.closed:
        from store.connect import connect  # a test of the servers alone must not need the store

        found = _OPEN[key] = connect(url, autocommit=True)
    return found
