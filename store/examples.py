"""Households that show what a demo can show: one for each state of the newest week."""

from __future__ import annotations

from typing import NamedTuple

from store.connect import Connection
from store.queries import queries

_SQL = queries("examples")


class Example(NamedTuple):
    """One household and what its newest week says: state and reason as in ``store.comparisons.Comparison``."""

    state: str
    reason: str | None
    tenancy_id: int


def examples(connection: Connection) -> list[Example]:
    """One household for each state and reason of the newest week of electricity, the best first."""
    return [Example(*row) for row in connection.execute(_SQL["examples"]).fetchall()]
