"""Digests of days: what of a series' day is drawn in a picture of months, kept so that it is not read again.

A digest is there only while the readings say the same: the database forgets it in the transaction that writes to its
day (trigger on ``touched_day``), and it is made under a lock that keeps such transactions out. Deleting readings
touches no day: retention and erasure delete the digests themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from store.batch import Float64, Int64
from store.connect import Connection
from store.copy import EPOCH_2000, Int4s, float8s, instants
from store.queries import queries

_SQL = queries("digests")


class Digest(NamedTuple):
    """One day (UTC) [days since 1970-01-01]: how many ``readings`` it has, and of these the ones that are kept."""

    day: int
    readings: int
    times: Int64
    values: Float64


class Known(NamedTuple):
    """What is known of a span of days: of which ``days`` [since 1970-01-01], rising, how many ``readings`` they have
    together, and the ones that are kept, in order."""

    days: Int64
    readings: int
    times: Int64
    values: Float64


def read(connection: Connection, series: int, first: date, end: date) -> Known:
    """The digests of a series from a day to another (not included). Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["read"], (series, first, end)).fetchall()
    return Known(
        np.array([row[0] for row in rows], np.int64),
        sum(row[1] for row in rows),
        instants(b"".join(row[2] for row in rows)),
        float8s(b"".join(row[3] for row in rows)),
    )


def alone(connection: Connection) -> bool:
    """Whether the running transaction may make digests; what it reads after this counts. Raises psycopg.Error."""
    row = connection.execute(_SQL["alone"]).fetchone()
    return row is not None and bool(row[0])


def write(connection: Connection, series: int, digests: Sequence[Digest]) -> None:
    """Keep digests of a series, if it is open, inside a transaction that is `alone`. Raises psycopg.Error."""
    connection.execute(
        _SQL["write"],
        (
            [date.fromordinal(_EPOCH_DAY + one.day) for one in digests],
            Int4s([one.readings for one in digests]),
            [(one.times - EPOCH_2000).astype(">i8").tobytes() for one in digests],
            [one.values.astype(">f8").tobytes() for one in digests],
            series,
        ),
    )


def wait(connection: Connection) -> None:
    """Inside a transaction: nobody makes digests or counts until it ends, and who does now is done.

    Raises psycopg.Error.
    """
    connection.execute(_SQL["wait"])


def forget(connection: Connection, until: date, family: str | None = None) -> int:
    """Delete the digests of the days until one, it included; after their readings were deleted. Returns how many.

    Not inside a transaction: what it waits for must see the readings gone. Raises psycopg.Error.
    """
    with connection.transaction():
        wait(connection)
        return connection.execute(_SQL["forget"], {"day": until, "family": family}).rowcount


_EPOCH_DAY = date(1970, 1, 1).toordinal()
