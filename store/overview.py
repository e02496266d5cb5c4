"""What the overview page shows: counts by minute and the newest readings of simulated devices."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from store.connect import Connection
from store.queries import queries

_SQL = queries("overview")


class MinuteCount(NamedTuple):
    """One family in one minute (of arrival, UTC): messages received and readings that were new in the table."""

    minute: datetime
    family: str
    messages_received: int
    readings_stored: int


class LatestReading(NamedTuple):
    """The newest reading of one series; ``unit`` is a UCUM code, None for a property that the program dropped."""

    device: str
    family: str
    property: str
    unit: str | None
    time: datetime
    value: float


def minutes(connection: Connection, since: datetime) -> list[MinuteCount]:
    """Counts by minute and family from ``since`` on, oldest first, of all collectors together."""
    rows = connection.execute(_SQL["minutes"], (since,))
    return [MinuteCount(*row) for row in rows]


def latest_simulated(connection: Connection, devices: int, family: str | None = None) -> list[LatestReading]:
    """The newest readings of the first ``devices`` simulated devices of each family, or of one, by family and id.

    Real devices never appear: among them are homes, and this page asks nobody who they are.
    """
    rows = connection.execute(_SQL["latest_simulated"], (devices, family, family))
    return [LatestReading(*row) for row in rows]


def simulated_heard(connection: Connection) -> dict[str, int]:
    """By family, how many simulated devices have said anything."""
    return dict(connection.execute(_SQL["simulated_heard"]).fetchall())


def count_readings(connection: Connection) -> int:
    """How many rows the table ``reading`` has, counted one by one."""
    row = connection.execute(_SQL["count_readings"]).fetchone()
    assert row is not None
    return int(row[0])
