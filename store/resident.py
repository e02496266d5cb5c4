"""What a household's own pages look up beside comparisons: which periods and fuels there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from devices.homes import FUELS
from store.connect import Connection
from store.queries import queries

_SQL = queries("resident")


class Told(NamedTuple):
    """A period of a fuel that a tenancy has a comparison of; ``to_day`` is not included."""

    kind: str
    from_day: date
    to_day: date
    fuel: str


def periods(connection: Connection, tenancy_id: int, limit: int = 1_000) -> list[Told]:
    """What a tenancy was told of, the newest first. Raises psycopg.Error."""
    return [Told(*row) for row in connection.execute(_SQL["periods"], (tenancy_id, limit)).fetchall()]


def fuels(connection: Connection, home_id: int, months: Sequence[date]) -> list[str]:
    """The fuels that a home has daily use of in any of these months, in their usual order. Raises psycopg.Error."""
    rows = connection.execute(_SQL["fuels"], (list(FUELS), list(months), home_id)).fetchall()
    found = {row[0] for row in rows}
    return [fuel for fuel in FUELS if fuel in found]
