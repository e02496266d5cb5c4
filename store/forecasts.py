"""What is foretold of zones, and how well that went in a test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from store.connect import Connection
from store.queries import queries

_SQL = queries("forecasts")


class Tested(NamedTuple):
    """Mean absolute errors [share] of a forecast and of the two that it must beat, None where it could not be tested.

    ``shown``: it beats both. ``day``: the local day before which it was tested, on ``days`` days.
    """

    error: float | None
    persistence: float | None
    hour_of_week: float | None
    shown: bool
    day: date
    days: int


class Forecast(NamedTuple):
    """The occupancy [share] of a zone in the quarter hour that ends ``at``, told ``minutes`` before; None: unknown."""

    zone: str
    minutes: int
    at: datetime
    occupancy: float | None
    tested: Tested


def all_forecasts(connection: Connection) -> list[Forecast]:
    """The newest of each zone, by zone and minutes. Raises psycopg.Error."""
    return [_forecast(row) for row in connection.execute(_SQL["all"])]


def shown(connection: Connection, zones: Sequence[str], now: datetime) -> list[Forecast]:
    """Those of some zones that are shown and lie ahead, by zone and minutes. Raises psycopg.Error."""
    values = {"zones": list(zones), "now": now}
    return [_forecast(row) for row in connection.execute(_SQL["shown"], values)]


def replace(connection: Connection, forecasts: Sequence[Forecast]) -> None:
    """These, and no others, are what is foretold. Raises psycopg.Error."""
    connection.execute(_SQL["clear"])
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["add"], [(*one[:4], *one.tested) for one in forecasts])


def _forecast(row: tuple[Any, ...]) -> Forecast:
    zone, minutes, at, occupancy, *tested = row
    return Forecast(zone, minutes, at, occupancy, Tested(*tested))
