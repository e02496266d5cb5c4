"""Periods that are over and could not be published: how many homes must change before it is worth another look.

Whether one can be is a question to all homes. It is asked again when as many have changed as it takes at least.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from store.connect import Connection
from store.queries import queries

_SQL = queries("unpublished")


class Span(NamedTuple):
    """A period of a fuel; ``to_day`` is not included. ``waits``: for its last day; else no home has a figure."""

    kind: str
    from_day: date
    to_day: date
    fuel: str
    waits: bool


def known(connection: Connection, coverage: float) -> dict[tuple[str, date, str], bool]:
    """Kind, first day and fuel of those that nothing that came can have changed; whether they wait for their last day.

    ``coverage``: the setting by which they would be looked at. Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["known"], (coverage,)).fetchall()
    return {(kind, from_day, fuel): waits for kind, from_day, fuel, waits in rows}


def spans(connection: Connection) -> list[Span]:
    """All that were looked at, to count what changes in them. Raises psycopg.Error."""
    return [Span(*row) for row in connection.execute(_SQL["spans"]).fetchall()]


def keep(connection: Connection, span: Span, homes: int, coverage: float) -> None:
    """Note inside the running transaction that a period needs ``homes`` homes more at least. Raises psycopg.Error.

    ``coverage``: the setting by which it was looked at.
    """
    connection.execute(_SQL["keep"], (*span, homes, coverage))


def count_down(connection: Connection, span: Span, homes: int) -> None:
    """Note inside the running transaction that ``homes`` homes changed in a period. Raises psycopg.Error."""
    connection.execute(_SQL["count_down"], (homes, span.kind, span.from_day, span.fuel))


def published(connection: Connection, kind: str, from_day: date, fuel: str) -> None:
    """Note inside the running transaction that a period is published. Raises psycopg.Error."""
    connection.execute(_SQL["published"], (kind, from_day, fuel))
