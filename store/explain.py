"""What stands behind a home's comparison, for an operator who explains it: its readings by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from store.batch import Int64
from store.connect import Connection
from store.copy import Instants
from store.queries import queries

_SQL = queries("explain")


class DayReadings(NamedTuple):
    """Readings of one series on one local day: how many, the first and the last."""

    series: int
    device_id: str
    property: str
    day: date
    number: int
    first: datetime
    last: datetime


def readings(
    connection: Connection, home_id: int, properties: Sequence[str], days: Sequence[date], edges: Int64
) -> list[DayReadings]:
    """Readings of a home's meters by local day and series; days without any are left out. Raises psycopg.Error.

    ``edges``: when the days begin and the last ends [us since the Unix epoch], shape ``(days + 1,)``.
    """
    rows = connection.execute(
        _SQL["readings"],
        {
            "home": home_id,
            "properties": list(properties),
            "days": list(days),
            "starts": Instants(edges[:-1]),
            "stops": Instants(edges[1:]),
        },
    ).fetchall()
    return [DayReadings(*row) for row in rows]
