"""What households are told of each period: one row a tenancy, period and fuel, just as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from store.connect import Connection
from store.queries import queries

_SQL = queries("comparisons")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One household's comparison as it may be shown.

    ``kind``: week, month or four-weeks; ``to_day`` is not included. ``own``, ``before`` [Wh]: exact, of this and of the
    period before, None where too little was measured. ``average``, ``efficient`` [Wh]: shown figures, two significant
    figures, None where the rules of disclosure allow none; ``homes``: about how many neighbours, to tens; ``tenths``:
    so many tenths of them used less. ``state``: great, good, more, neutral or suppressed; ``reason`` says why it is
    neutral (empty, disconnected, under-heated) or suppressed (no-consent, coverage, no-cell, few-homes, dominated,
    other-origin). ``carbon`` [g CO2e]; ``cost`` [pence] by ``tariff``, a reference price where ``tariff_own`` is False.
    ``quarter`` names the cells; ``settled``: nothing of it changes any more; ``revision`` 2: late readings changed it
    once.
    """

    tenancy_id: int
    home_id: int
    kind: str
    from_day: date
    to_day: date
    fuel: str
    own: int | None
    estimated_days: int
    missing_days: int
    before: int | None
    state: str
    reason: str | None
    average: int | None
    efficient: int | None
    homes: int | None
    tenths: int | None
    carbon: int | None
    cost: int | None
    tariff: str | None
    tariff_own: bool
    revision: int
    quarter: date
    settled: bool


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who the neighbours of a home are in a quarter: about its cell and the cells that join it.

    ``step``: area-15, area-30, any-area, few or none. ``homes`` in the cell itself, ``neighbours`` in all cells, the
    home itself left out; ``reach`` [m] to the centroid of the farthest; ``floor_area`` [m2], the cell's median.
    """

    quarter: date
    dwelling: str
    heating: str
    heat_network: str | None
    step: str
    homes: int
    neighbours: int
    reach: float
    floor_area: float


def one(connection: Connection, tenancy_id: int, kind: str, from_day: date, fuel: str) -> Comparison | None:
    """One comparison, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["one"], (tenancy_id, kind, from_day, fuel)).fetchone()
    return None if row is None else _comparison(row)


def of_tenancy(
    connection: Connection, tenancy_id: int, *, kind: str | None = None, fuel: str | None = None, limit: int = 1_000
) -> list[Comparison]:
    """A tenancy's comparisons, the newest first. Raises psycopg.Error."""
    rows = connection.execute(
        _SQL["of_tenancy"], {"tenancy": tenancy_id, "kind": kind, "fuel": fuel, "limit": limit}
    ).fetchall()
    return [_comparison(row) for row in rows]


def neighbourhood(connection: Connection, home_id: int, quarter: date) -> Neighbourhood | None:
    """Who the neighbours of a home are; None where it is in no cell of that quarter. Raises psycopg.Error."""
    row = connection.execute(_SQL["neighbourhood"], {"home": home_id, "quarter": quarter}).fetchone()
    return None if row is None else Neighbourhood(*row)


def _comparison(row: tuple[Any, ...]) -> Comparison:
    return Comparison(*row)
