"""Open readings to be told to subscribers at the broker: their keys, queued in the transaction that stored them.

Nothing is queued while there is no publisher. For one that could tell nothing for a week what is stored first is, where
nothing waits, and no more: by that it finds out whether the broker takes messages again. The queue holds no values:
what is told is what is stored when it is told, so a reading that was erased meanwhile is told to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from devices.device import Origin
from store import sta_entities
from store.batch import Int32, Int64
from store.connect import Connection
from store.copy import Instants, Int4s, Int8s
from store.queries import queries

_SQL = dict(queries("observation_queue"))
_SQL["read"] = _SQL["read"].replace(b"{observation}", queries("sta_entities")["observation"])


class Queued(NamedTuple):
    """A reading of the queue: ``time`` [us since 1970]; ``changed``: it had another value before.

    ``value``, ``stop`` and ``device`` are None where it is no open reading of the origin that was asked for, or is not
    stored any more. ``stop`` [us since 1970] is the end of the interval that it stands for, None for an instant.
    """

    id: int
    series: int
    time: int
    changed: bool
    value: float | None
    stop: int | None
    device: str | None


def lock(connection: Connection) -> bool:
    """Whether this connection is the publisher's now, until it closes. Raises psycopg.Error."""
    row = connection.execute(_SQL["lock"]).fetchone()
    return bool(row and row[0])


def begin(connection: Connection) -> datetime:
    """From now on what is stored is queued, if it was not before; since when that is so. Raises psycopg.Error."""
    return _since(connection, _SQL["begin"])


def renew(connection: Connection) -> datetime:
    """Note that what was queued could be told; since when all that is stored is queued, without a gap.

    It is later than `begin` said where nothing could be told for a week, and so nothing was queued in the end. Raises
    psycopg.Error.
    """
    return _since(connection, _SQL["renew"])


def keep(connection: Connection) -> bool:
    """Note that nothing waits; False, and nothing is noted, where nothing could be told for a week. Raises
    psycopg.Error."""
    return connection.execute(_SQL["keep"]).rowcount > 0


class Publisher(NamedTuple):
    """When what was queued could last be told, or nothing waited; ``ended``: a week ago, so that nothing is queued any
    more; ``waiting``: how many are queued, at most one more than was asked for."""

    told_at: datetime
    ended: bool
    waiting: int


def publisher(connection: Connection, most: int) -> Publisher | None:
    """How the telling goes; None where nobody is told anything. Raises psycopg.Error."""
    row = connection.execute(_SQL["publisher"], (most,)).fetchone()
    return None if row is None else Publisher(*row)


def end(connection: Connection) -> int:
    """Queue nothing any more and forget what is queued: so many readings. Raises psycopg.Error."""
    with connection.transaction():
        connection.execute(_SQL["end"])
        forgotten = waiting(connection)
        connection.execute(_SQL["empty"])
        return forgotten


def abandon(connection: Connection, before: datetime) -> datetime | None:
    """Forget what is queued where nothing could be told since ``before``: when it last could; None: it could since.

    That nothing could be told stays known, until something is or `end`. Raises psycopg.Error.
    """
    with connection.transaction():
        row = connection.execute(_SQL["abandoned"], (before,)).fetchone()
        if row is None:
            return None
        if _number(connection, "any"):
            connection.execute(_SQL["empty"])
        found: datetime = row[0]
        return found


def add(connection: Connection, series: Int32, time: Int64, *, changed: bool) -> None:
    """Queue readings in their order, in the running transaction, where they are to be told. Shapes ``(readings,)``.

    ``time`` [us since 1970]; readings of households are left out. Raises psycopg.Error.
    """
    if len(series):
        connection.execute(_SQL["add"], {"series": Int4s(series), "time": Instants(time), "changed": changed})


def read(connection: Connection, origin: Origin, limit: int) -> list[Queued]:
    """The first of the queue, in its order. Raises psycopg.Error."""
    parameters = {**sta_entities.parameters(origin, ""), "limit": limit}
    return [Queued(*row) for row in connection.execute(_SQL["read"], parameters).fetchall()]


def told(connection: Connection, ids: Sequence[int]) -> None:
    """Take readings that were told, or are not to be, out of the queue. Raises psycopg.Error."""
    connection.execute(_SQL["told"], (Int8s(ids),))


def waiting(connection: Connection) -> int:
    """How many readings are queued. Raises psycopg.Error."""
    return _number(connection, "waiting")


def _since(connection: Connection, query: bytes) -> datetime:
    row = connection.execute(query).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def _number(connection: Connection, name: str) -> int:
    row = connection.execute(_SQL[name]).fetchone()
    assert row is not None
    return int(row[0])
