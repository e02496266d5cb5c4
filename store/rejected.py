"""Rejections that are kept: to look at, to try again after a fix, to delete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from store.connect import Connection
from store.copy import Int8s
from store.queries import queries
from store.times import aware

_SQL = queries("rejected")


class RejectedRow(NamedTuple):
    """One rejection; ``property`` is set where one reading of a message was rejected and not all of it."""

    id: int
    arrival: datetime
    topic: str
    family: str
    device: str | None
    property: str | None
    reason: str
    detail: str
    retried_at: datetime | None
    #: so many further readings of the message, which have no rows; None: the row is one rejection
    more: int | None


class RejectedMessage(NamedTuple):
    """One rejection and its message; ``payload`` is None where the bytes are gone (a household's, after some days).

    ``message`` is one for all rejections of a message. ``size`` [bytes] is set where only its beginning was kept.
    """

    row: RejectedRow
    payload: bytes | None
    personal: bool
    message: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rejections; None is any. ``since`` is an aware instant, ``waiting`` those that were not tried again."""

    family: str | None = None
    device: str | None = None
    reason: str | None = None
    since: datetime | None = None
    waiting: bool = False

    def parameters(self) -> dict[str, object]:
        """The query's parameters. Raises ValueError where ``since`` is naive."""
        return {
            "family": self.family,
            "device": self.device,
            "reason": self.reason,
            "since": None if self.since is None else aware(self.since),
            "waiting": self.waiting,
        }


def find(
    connection: Connection, which: Filter | None = None, limit: int = 100, before: int | None = None
) -> list[RejectedRow]:
    """At most ``limit`` rejections, newest first; ``before`` an id pages on from it. Raises psycopg.Error."""
    parameters = {**(which or Filter()).parameters(), "limit": limit, "before": before}
    return [RejectedRow(*row) for row in connection.execute(_SQL["list"], parameters).fetchall()]


def count(connection: Connection, which: Filter | None = None) -> dict[tuple[str, str], int]:
    """How many rejections are kept, by (family, reason). Raises psycopg.Error."""
    rows = connection.execute(_SQL["count"], (which or Filter()).parameters()).fetchall()
    return {(family, reason): number for family, reason, number in rows}


def get(connection: Connection, rejected_id: int) -> RejectedMessage | None:
    """One rejection with its message, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["get"], (rejected_id,)).fetchone()
    return None if row is None else RejectedMessage(RejectedRow(*row[:10]), *row[10:])


def mark_retried(connection: Connection, ids: Iterable[int]) -> int:
    """Note inside the running transaction that these were tried again now. Raises psycopg.Error."""
    return connection.execute(
        "update public.rejected set retried_at = now() where id = any(%s::int8[])", (Int8s(ids),)
    ).rowcount


def delete(connection: Connection, ids: Iterable[int]) -> int:
    """Delete rejections inside the running transaction, with the last of a message its bytes. Raises psycopg.Error."""
    return connection.execute("delete from public.rejected where id = any(%s::int8[])", (Int8s(ids),)).rowcount
