"""What the doctor asks the database. Reads alone, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from psycopg import errors

from store import session_lock
from store.connect import Connection
from store.queries import queries
from store.tier import Tier
from store.times import aware, microseconds

_SQL = queries("doctor")

#: How the pages' connections are named: this, and the time zone of their days.
PAGES = "borough dashboard, "


class Server(NamedTuple):
    """The server and our database on it. ``version`` is PostgreSQL's number, 170010 for 17.10.

    ``age``: transactions since the oldest row that was not frozen; ``size`` [bytes]; ``pid`` of the process that serves
    this connection; ``address``: the server's, None for a local socket.
    """

    version: int
    standby: bool
    encoding: str
    superuser: bool
    other_collation: bool
    age: int
    size: int
    pid: int
    address: str | None


class Timescale(NamedTuple):
    """TimescaleDB in this database: the extension's version, the one on the server's disk, and the licence.

    ``compressed``: chunks of readings in the columnstore.
    """

    version: str
    on_disk: str | None
    licence: str
    compressed: int


class Session(NamedTuple):
    """A session at the broker that was ever served: whether it committed anything, when last, and if it is served."""

    name: str
    committed: bool
    at: datetime
    served: bool


class Growth(NamedTuple):
    """``stored`` readings since an instant; ``first`` minute of the account; size and rows of what holds readings.

    ``size`` [bytes] and ``rows`` (the server's estimate) are of the row store alone, the columnstore left out.
    """

    stored: int
    first: datetime | None
    size: int
    rows: int


def settings(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """Settings of the server by name; those that it does not know, or does not let us see, are left out."""
    return dict(connection.execute(_SQL["settings"], (sorted(names),)).fetchall())


def server(connection: Connection) -> Server:
    """What the server is. Raises psycopg.Error."""
    row = connection.execute(_SQL["server"]).fetchone()
    assert row is not None
    return Server(*row)


def unread_slots(connection: Connection) -> list[tuple[str, int]]:
    """Replication slots that nobody reads, each with the bytes of log that are kept for it, most first."""
    return connection.execute(_SQL["wal_kept"]).fetchall()


def archiver_fails_since(connection: Connection) -> datetime | None:
    """When archiving of the write-ahead log failed last, where nothing was archived after it."""
    row = connection.execute(_SQL["wal_archiver"]).fetchone()
    return None if row is None else row[0]


def idle_transaction(connection: Connection) -> tuple[float, str] | None:
    """The oldest transaction that waits for its client: its age [s] and the client's name."""
    row = connection.execute(_SQL["idle"]).fetchone()
    return None if row is None else (row[0], row[1])


def clock(connection: Connection) -> datetime:
    """The server's clock. Raises psycopg.Error."""
    row = connection.execute(_SQL["clock"]).fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def timescale(connection: Connection, tier: Tier) -> Timescale | None:
    """TimescaleDB as it is here; None where this database has none. Raises psycopg.Error."""
    row = connection.execute(_SQL["timescale"]).fetchone()
    if row is None:
        return None
    compressed = 0
    if tier != "plain":
        counted = connection.execute(_SQL["compressed"]).fetchone()
        assert counted is not None
        compressed = counted[0]
    return Timescale(row[0], row[1], row[2], compressed)


def late_chunks(connection: Connection, before: datetime) -> int:
    """Chunks that end before an instant and are not in the columnstore (Community edition). Raises psycopg.Error."""
    row = connection.execute(_SQL["late_chunks"], (aware(before),)).fetchone()
    return 0 if row is None else int(row[0])


def offsets(connection: Connection, zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """The server's rules for a zone: each change of its offset from UTC [s], to the half-hour.

    The first is ``start`` itself. Raises LookupError where the server does not know the zone; psycopg.Error.
    """
    try:
        return connection.execute(
            _SQL["offsets"], {"zone": zone.key, "start": aware(start), "end": aware(end)}
        ).fetchall()
    except errors.InvalidParameterValue:
        raise LookupError(zone.key) from None


def zones_shown(connection: Connection) -> list[str]:
    """Time zones whose days are shown by pages that are served now. Raises psycopg.Error."""
    names = connection.execute(_SQL["zones_shown"], (PAGES,)).fetchall()
    return [name.removeprefix(PAGES) for (name,) in names]


def has_older(connection: Connection, family: str, before: datetime) -> bool:
    """Whether a family has readings from before an instant. Raises psycopg.Error."""
    row = connection.execute(_SQL["expired"], {"family": family, "before": aware(before)}).fetchone()
    return row is not None and bool(row[0])


def oldest_personal_bytes(connection: Connection) -> datetime | None:
    """When the oldest rejected message came whose personal bytes are kept. Raises psycopg.Error."""
    row = connection.execute(_SQL["old_bytes"]).fetchone()
    return None if row is None else row[0]


def growth(connection: Connection, tier: Tier, since: datetime) -> Growth:
    """How fast readings come, and what they take. Raises psycopg.Error."""
    stored = connection.execute(_SQL["stored"], (aware(since),)).fetchone()
    taken = connection.execute(_SQL["table_size"] if tier == "plain" else _SQL["chunk_size"]).fetchone()
    assert stored is not None
    assert taken is not None
    return Growth(*stored, *taken)


def sessions(connection: Connection) -> list[Session]:
    """Every session that was ever served and not ended. Raises psycopg.Error."""
    return [Session(*row) for row in connection.execute(_SQL["sessions"], (session_lock.SPACE,)).fetchall()]


def undrained_since(connection: Connection, since: datetime) -> datetime | None:
    """Since when a queue may have been waiting whose end no collector has seen since ``since``."""
    row = connection.execute(_SQL["undrained"], (aware(since),)).fetchone()
    return None if row is None else row[0]


def subscribed(connection: Connection) -> list[tuple[str, str]]:
    """(session, broker as host:port) of all subscriptions that may stand. Raises psycopg.Error."""
    return connection.execute(_SQL["filters"]).fetchall()


def unknown_tombstones(connection: Connection, logged: Mapping[tuple[str, bytes, int], object]) -> int:
    """How many of the log's tombstones (kind, mark, start [us]) the database does not have. Raises psycopg.Error."""
    known = {
        (kind, bytes(mark), microseconds(start)) for kind, mark, start in connection.execute(_SQL["marks"]).fetchall()
    }
    return sum(key not in known for key in logged)
