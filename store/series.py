"""Series: one property of one device, known to the readings by a small number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from devices.families import FAMILIES
from store.batch import SeriesState
from store.connect import Connection
from store.queries import queries

_SQL = queries("series")


class NotRegistered(LookupError):
    """A series was asked for of a device that is not in the registry (any more)."""


def resolve(connection: Connection, pairs: Sequence[tuple[str, str]]) -> list[SeriesState]:
    """The series of (device id, property) pairs, in their order, each with its newest reading.

    Missing series are created, in a transaction of its own that ends with the call; inside a running one they are
    part of that, which should then end soon: others who want the same series wait for it. Raises NotRegistered for a
    device that is none, and creates nothing then; psycopg.Error.
    """
    if not pairs:
        return []
    with connection.transaction():
        rows = _find(connection, pairs)
        missing = sorted({pair for pair, row in zip(pairs, rows, strict=True) if row[0] is None})
        if missing:
            personal = [
                (family.name, item.name)
                for family in FAMILIES.values()
                for item in family.properties.values()
                if item.personal
            ]
            connection.execute(
                _SQL["create"],
                (
                    [family for family, _ in personal],
                    [name for _, name in personal],
                    [device for device, _ in missing],
                    [name for _, name in missing],
                ),
            )
            rows = _find(connection, pairs)
        for (device, name), row in zip(pairs, rows, strict=True):
            if row[0] is None:
                raise NotRegistered(f"{name} of device {device}: the device is not registered")
    return [SeriesState(row[0], row[1], math.nan if row[1] is None else row[2]) for row in rows]


def known(connection: Connection, pairs: Sequence[tuple[str, str]]) -> list[SeriesState | None]:
    """The same of series that there are, None for others: for a look that changes nothing. Raises psycopg.Error."""
    return [
        None if row[0] is None else SeriesState(row[0], row[1], math.nan if row[1] is None else row[2])
        for row in _find(connection, pairs)
    ]


def _find(connection: Connection, pairs: Sequence[tuple[str, str]]) -> list[tuple[Any, ...]]:
    devices, names = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(_SQL["find"], (devices, names)).fetchall()
