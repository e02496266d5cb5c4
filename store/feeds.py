"""What anybody may read of bays: those of no household, by zones, and how many spaces there are.

``origin``: whose bays; real and simulated ones are never told together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from devices.bays import Bay, Restriction
from devices.device import Origin
from devices.parking_return import Spaces
from store.connect import Connection
from store.queries import queries

_SQL = queries("feeds")

#: A zone with more bays is cut.
MOST = 2_000


class Part(NamedTuple):
    """A zone, or a part of one that has more than `MOST` bays: its number from 0 on, and how many bays it has."""

    zone: str
    number: int
    bays: int

    @property
    def whole(self) -> bool:
        """Whether it is all of a zone, as far as its size says: a full part may be followed by others."""
        return self.number == 0 and self.bays < MOST


def parts(connection: Connection, day: date, *, origin: Origin = "real") -> list[Part]:
    """All zones that have a bay on a local day, in order, the large ones in parts. Raises psycopg.Error."""
    rows = connection.execute(_SQL["zones"], {"day": day, "origin": origin}).fetchall()
    return [
        Part(zone, begin // MOST, min(MOST, count - begin)) for zone, count in rows for begin in range(0, count, MOST)
    ]


def bays(connection: Connection, wanted: Sequence[Part], day: date, *, origin: Origin = "real") -> list[Bay]:
    """The bays of whole zones, or of one part of a large one, on a local day, by zone and id. Raises psycopg.Error."""
    given = {
        "day": day,
        "origin": origin,
        "zones": [part.zone for part in wanted],
        "offset": wanted[0].number * MOST,
        "count": sum(part.bays for part in wanted),
    }
    rows = connection.execute(_SQL["bays"], given).fetchall()
    restrictions: dict[str, list[Restriction]] = {}
    for bay_id, *row in connection.execute(_SQL["restrictions"], ([row[0] for row in rows],)).fetchall():
        restrictions.setdefault(bay_id, []).append(Restriction(*row))
    return [_bay(row, restrictions.get(row[0], ())) for row in rows]


def _bay(row: tuple[Any, ...], restrictions: Sequence[Restriction]) -> Bay:
    id_, street, zone, kind, lon, lat, spaces, off_street, length, geometry, origin, from_day, to_day, attributes = row
    return Bay(
        id_, street, zone, kind, lon, lat, spaces, off_street, length, geometry, origin=origin, from_day=from_day,
        to_day=to_day, restrictions=tuple(restrictions), attributes=attributes,
    )  # fmt: skip


def spaces(connection: Connection, day: date, *, origin: Origin = "real") -> list[Spaces]:
    """How many spaces there are on a local day, by zone, kind and place. Raises psycopg.Error."""
    rows = connection.execute(_SQL["spaces"], {"day": day, "origin": origin}).fetchall()
    return [Spaces(*row) for row in rows]
