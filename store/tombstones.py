"""Tombstones: what was erased and must not come back, without saying whose it was (docs/decisions/006-erasure.md).

A mark is HMAC-SHA256 of a device id, or of a UPRN and a first day, under a key that stands outside the database. Who
has the database alone can neither read a device from a mark nor try ids against it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from devices.uprn import plain, spellings
from store import tombstone_log
from store.connect import Connection
from store.copy import Int8s
from store.queries import queries
from store.times import begin_of, instant, microseconds

_SQL = queries("tombstones")

Kind = Literal["meter", "tenancy"]

#: A key of fewer bytes could be guessed.
KEY_BYTES = 32


class Tombstone(NamedTuple):
    """From ``start`` (included) to ``end`` (not; None: until the next tenancy begins) [us since the Unix epoch].

    ``family`` and ``model`` of a meter, so that its messages can be counted when the device itself is ``gone``.
    ``changed`` tells an older state of the same one from a newer.
    """

    kind: Kind
    mark: bytes
    start: int
    end: int | None
    family: str | None = None
    model: str | None = None
    gone: bool = False
    changed: int = 0


class Stale(Exception):
    """Tombstones were written since the batch was built: it may hold readings that must not be stored."""


class WrongKey(Exception):
    """The database's tombstones were made with another key, or there is none here. The text says which."""


def mark(key: bytes, text: str) -> bytes:
    """The mark of a device id. 32 bytes."""
    return hmac.digest(key, text.encode(), "sha256")


def tenancy_mark(key: bytes, uprn: str, from_day: date) -> bytes:
    """The mark of a tenancy: a device id holds no space, so the two kinds never meet. Leading zeros do not count."""
    return mark(key, f"{plain(uprn)} {from_day.isoformat()}")


def tenancy_marks(key: bytes, uprn: str, from_day: date) -> list[bytes]:
    """Every mark that a tenancy may have: earlier ones were made of the UPRN as it was written."""
    return [mark(key, f"{one} {from_day.isoformat()}") for one in spellings(uprn)]


def key_mark(key: bytes) -> bytes:
    """Tells one key from another, and nothing about it. 8 bytes."""
    return mark(key, "the key of Borough Telemetry's tombstones")[:8]


def share(connection: Connection) -> None:
    """Keep tombstones from being written until the running transaction ends. Raises psycopg.Error."""
    connection.execute(_SQL["share"])


def lock(connection: Connection) -> None:
    """Wait until no writer of readings is in a transaction, and keep them out until ours ends. Raises psycopg.Error."""
    connection.execute(_SQL["lock"])


def version(connection: Connection) -> int:
    """The highest number of change. Raises psycopg.Error."""
    row = connection.execute(_SQL["version"]).fetchone()
    assert row is not None
    return int(row[0])


def check(connection: Connection, known: int) -> None:
    """Within a writer's transaction after `share`: raise Stale where there is more than ``known``."""
    if version(connection) != known:
        raise Stale


def load(connection: Connection, key: bytes | None, since: int = 0) -> tuple[list[Tombstone], int]:
    """Tombstones that changed after the number ``since``, and the new number. Raises WrongKey; psycopg.Error."""
    rows = connection.execute(_SQL["changed"], (since,)).fetchall()
    return _checked(rows, key), rows[-1][-1] if rows else since


def pending(connection: Connection, key: bytes | None) -> list[Tombstone]:
    """Tombstones whose files were not all gone through yet. Raises WrongKey; psycopg.Error."""
    return _checked(connection.execute(_SQL["pending"]).fetchall(), key)


def _checked(rows: Sequence[Sequence[object]], key: bytes | None) -> list[Tombstone]:
    if not rows:
        return []
    if key is None:
        raise WrongKey("the database holds tombstones, and there is no key for them")
    own = key_mark(key)
    if any(row[7] != own for row in rows):
        raise WrongKey("the database's tombstones were made with another key")
    return [Tombstone(*row[:7], row[8]) for row in rows]  # type: ignore[call-arg, arg-type]


def put(connection: Connection, key: bytes, tombstones: Iterable[Tombstone]) -> None:
    """Write tombstones inside the running transaction, which should then end soon. Raises psycopg.Error."""
    rows = list(tombstones)
    if not rows:
        return
    lock(connection)
    connection.execute(
        _SQL["put"],
        (
            key_mark(key),
            [row.kind for row in rows],
            [row.mark for row in rows],
            [instant(row.start) for row in rows],
            [None if row.end is None else instant(row.end) for row in rows],
            [row.family for row in rows],
            [row.model for row in rows],
            [row.gone for row in rows],
        ),
    )


def close_open(
    connection: Connection, key: bytes, device_ids: Iterable[str], at: datetime, log: Path | None = None
) -> int:
    """End tombstones of these meters that have no end: a new tenancy begins at ``at``, and their data are its own.

    Inside the running transaction, which should then end soon: writers of readings wait for it. ``log`` is the log of
    tombstones. Says how many were ended. Raises psycopg.Error, OSError.
    """
    still = {bytes(row[0]) for row in connection.execute(_SQL["open"]).fetchall()}
    marks = [found for found in (mark(key, device_id) for device_id in device_ids) if found in still]
    if not marks:
        return 0
    lock(connection)
    rows = connection.execute(_SQL["close"], {"at": at, "marks": marks}).fetchall()
    if log is not None:
        tombstone_log.append(log, key_mark(key), _lines([Tombstone(*row[:7]) for row in rows]))
    return len(rows)


def begin(connection: Connection, key: bytes, tenancies: Iterable[int], zone: ZoneInfo, log: Path | None = None) -> int:
    """New tenancies begin: end the open tombstones of their meters at the first local midnight that is theirs.

    Inside the transaction that adds them, after they and their meters are added; otherwise like `close_open`.
    """
    if connection.execute(_SQL["open"]).fetchone() is None:
        return 0
    by_day: dict[date, list[str]] = {}
    ids = Int8s(tenancies)
    for device_id, day in connection.execute(_SQL["links"], (ids, ids)).fetchall():
        by_day.setdefault(day, []).append(device_id)
    return sum(close_open(connection, key, by_day[day], begin_of(day, zone), log) for day in sorted(by_day))


def refused(connection: Connection, key: bytes) -> Callable[[str, date], bool]:
    """Says of (UPRN, first day) whether that tenancy was erased and must stay out. Raises psycopg.Error."""
    marks = {bytes(row[0]) for row in connection.execute(_SQL["tenancies"]).fetchall()}

    def is_refused(uprn: str, from_day: date) -> bool:
        return bool(marks) and not marks.isdisjoint(tenancy_marks(key, uprn, from_day))

    return is_refused


def files_done(connection: Connection, tombstones: Sequence[Tombstone]) -> None:
    """Note that no file holds anything of these any more. Raises psycopg.Error."""
    if tombstones:
        kinds, marks, starts = zip(*[(row.kind, row.mark, instant(row.start)) for row in tombstones], strict=True)
        connection.execute(_SQL["files_done"], (list(kinds), list(marks), list(starts)))


def write_log(log: Path, key: bytes, tombstones: Iterable[Tombstone]) -> None:
    """Append tombstones to the log and wait until the disk has them. Raises OSError."""
    tombstone_log.append(log, key_mark(key), _lines(tombstones))


def read_log(log: Path, key: bytes) -> list[Tombstone]:
    """Every tombstone of the log, each as it was written last. Raises OSError; WrongKey; ValueError for no log."""
    found: dict[tuple[str, bytes, int], Tombstone] = {}
    for line in tombstone_log.read(log):
        if line["key"] != key_mark(key).hex():
            raise WrongKey(f"{log} was written with another key")
        row = Tombstone(
            line["kind"],
            bytes.fromhex(line["mark"]),
            microseconds(datetime.fromisoformat(line["from"])),
            None if line["to"] is None else microseconds(datetime.fromisoformat(line["to"])),
            line["family"],
            line["model"],
            line["gone"],
        )
        old = found.get((row.kind, row.mark, row.start))
        if old is not None and row.end is None:
            row = row._replace(end=old.end)
        found[row.kind, row.mark, row.start] = row
    return list(found.values())


def _lines(tombstones: Iterable[Tombstone]) -> list[dict[str, str | bool | None]]:
    return [
        {
            "kind": row.kind,
            "mark": row.mark.hex(),
            "from": instant(row.start).isoformat(),
            "to": None if row.end is None else instant(row.end).isoformat(),
            "family": row.family,
            "model": row.model,
            "gone": row.gone,
        }
        for row in tombstones
    ]
