"""Movement sensors of homes: what was heard of them last, their readings as arrays, what is usual.

Only of homes whose tenancy agrees to it (the consent ``care``), and only of the days on which it lives there and the
sensor hangs there: what was before and after is another household's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.device import Origin
from store.connect import Connection
from store.copy import Int8s
from store.queries import queries

_SQL = queries("movement")

#: How far back the newest movement is looked for: longer than any spell that anybody is told of.
LOOKED_BACK = timedelta(days=28)
#: While too little is known of a home it is learnt so often.
AGAIN = timedelta(minutes=10)
#: Kinds of days (Monday to Friday; other days) and half-hours of the clock.
KINDS, BINS = 2, 48


class Sensor(NamedTuple):
    """A movement sensor of a home at an instant.

    ``start``: since when it hangs there for this tenancy; ``heard``: when it said anything last; ``moved``: when the
    newest movement began, ``still``: when the sensor said that it had ended; ``opened``: when the door's contact
    changed last; None: not since ``start``, or not in ``LOOKED_BACK``. ``motion``, ``contact``, ``temperature``:
    numbers of its series. ``battery`` [%]. ``gateway``, ``heartbeat``: attributes of the device.
    """

    tenancy_id: int
    home_id: int
    device: str
    room: str
    origin: Origin
    gateway: str | None
    heartbeat: str | None
    start: datetime
    heard: datetime | None
    motion: int | None
    moved: datetime | None
    still: datetime | None
    contact: int | None
    opened: datetime | None
    battery: float | None
    temperature: int | None


class Series(NamedTuple):
    """One property of a sensor of a tenancy, and the local days (``end`` not included) that are the tenancy's."""

    tenancy_id: int
    device: str
    room: str
    heartbeat: str | None
    property: str
    id: int
    first: date
    end: date | None
    origin: Origin


class Usual(NamedTuple):
    """What is usual in a home: ``limits`` (KINDS, BINS) int64, ``begun`` (BINS,) int64, of spells by when they begin,
    and ``away`` [s], -1 where too little is known; ``active`` (KINDS, BINS) int64: of how many of a hundred days there
    was movement, -1 where too little is known."""

    tenancy_id: int
    day: date
    learned_at: datetime
    days: int
    limits: NDArray[np.int64]
    begun: NDArray[np.int64]
    away: int
    active: NDArray[np.int64]


def sensors(connection: Connection, now: datetime, zone: ZoneInfo, tenancy_id: int | None = None) -> list[Sensor]:
    """The sensors of all homes that agree, or of one, at an instant, home by home. Raises psycopg.Error."""
    values = {
        "now": now, "since": now - LOOKED_BACK, "day": now.astimezone(zone).date(), "zone": zone.key,
        "tenancy": tenancy_id,
    }  # fmt: skip
    # a plan that is kept would be one for all chunks
    return [Sensor(*row) for row in connection.execute(_SQL["sensors"], values, prepare=False)]


def due(connection: Connection, day: date, enough: int, now: datetime) -> list[int]:
    """Tenancies that agree and of which nothing was learnt on a local day yet, or nothing for `AGAIN` of those of which
    fewer than ``enough`` days are known. Raises psycopg.Error."""
    values = {"day": day, "enough": enough, "before": now - AGAIN}
    return [tenancy for (tenancy,) in connection.execute(_SQL["due"], values)]


def series(connection: Connection, tenancies: Sequence[int], first: date, end: date) -> list[Series]:
    """The series of sensors that hung in the homes of tenancies between local days (``end`` not included).

    Raises psycopg.Error.
    """
    values = {"tenancies": Int8s(tenancies), "first": first, "end": end}
    return [Series(*row) for row in connection.execute(_SQL["series"], values)]


def put_usual(connection: Connection, home: Usual) -> bool:
    """Keep what is usual in a home from a day on; False where its tenancy does not agree any more, or is being erased.

    Raises psycopg.Error.
    """
    values = {
        "tenancy": home.tenancy_id, "day": home.day, "now": home.learned_at, "days": home.days, "away": home.away,
        "limits": home.limits.ravel().tolist(), "begun": home.begun.tolist(), "active": home.active.ravel().tolist(),
    }  # fmt: skip
    return connection.execute(_SQL["put_usual"], values).rowcount == 1


def usual(connection: Connection, tenancies: Sequence[int]) -> dict[int, Usual]:
    """What is usual in homes by tenancy, of those of which it is known. Raises psycopg.Error."""
    rows = connection.execute(_SQL["usual"], {"tenancies": Int8s(tenancies)})
    return {
        row[0]: Usual(row[0], row[1], row[2], row[3], _grid(row[4]), np.array(row[5], np.int64), row[6], _grid(row[7]))
        for row in rows
    }


def _grid(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64).reshape(KINDS, BINS)
