"""Devices that say nothing: how many of each family, and which of them are of no household."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from store.connect import Connection
from store.queries import queries

_SQL = queries("silence")


class FamilySilence(NamedTuple):
    """Devices of a family that are registered and not retired, the silent ones, and those of them of households."""

    family: str
    devices: int
    silent: int
    personal: int


class SilentDevice(NamedTuple):
    """A silent device of no household; ``heard``: when something newer of it was stored last, None: never."""

    device: str
    family: str
    model: str
    heard: datetime | None


def families(connection: Connection, limits: Mapping[str, timedelta]) -> list[FamilySilence]:
    """By family, how many devices were not heard for longer than its limit; who never was, since its registration.

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["families"], (list(limits), list(limits.values())))
    return [FamilySilence(*row) for row in rows]


def devices(connection: Connection, limits: Mapping[str, timedelta], most: int) -> list[SilentDevice]:
    """At most ``most`` silent devices of no household, those that were never heard first. Raises psycopg.Error."""
    given = {"families": list(limits), "limits": list(limits.values()), "most": most}
    return [SilentDevice(*row) for row in connection.execute(_SQL["devices"], given)]
