"""What the rules of alarms look at: who was heard when, what was rejected, what waits to be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("alarm_facts")
#: A family that was not heard for longer is expected no more.
EXPECTED = timedelta(days=90)
#: What is usual is asked of so much time before a family was heard last.
USUAL = timedelta(days=7)


class Heard(NamedTuple):
    """The minute in which a family was ``last`` heard; of the time before it (``span``, at most `USUAL`), cut into
    windows of several lengths, in how many it was heard."""

    family: str
    last: datetime
    span: timedelta
    windows: Mapping[timedelta, int]


class Rejections(NamedTuple):
    """Messages of a family in some minutes."""

    family: str
    received: int
    rejected: int


class Waiting(NamedTuple):
    """Notes of written days: the ``oldest``'s number, and how many there are."""

    family: str
    oldest: int
    notes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    heard: Sequence[Heard] = ()
    rejections: Sequence[Rejections] = ()
    waiting: Sequence[Waiting] = ()


def last_heard(connection: Connection, now: datetime) -> dict[str, datetime]:
    """By family with devices in service, the minute in which it was heard last. Raises psycopg.Error."""
    given = {"since": aware(now) - EXPECTED, "now": now}
    return dict(connection.execute(_SQL["heard"], given).fetchall())


def usual(connection: Connection, family: str, last: datetime, windows: Sequence[timedelta]) -> Heard:
    """How regularly a family was heard before ``last``. Raises psycopg.Error."""
    given = {"family": family, "last": aware(last), "since": last - USUAL, "windows": list(windows)}
    row = connection.execute(_SQL["usual"], given).fetchone()
    if row is None or row[0] is None:
        return Heard(family, last, timedelta(0), dict.fromkeys(windows, 0))
    return Heard(family, last, last - row[0], dict(zip(windows, row[1], strict=True)))


def rejections(connection: Connection, since: datetime) -> list[Rejections]:
    """What came and was rejected from a minute on. Raises psycopg.Error."""
    return [Rejections(*row) for row in connection.execute(_SQL["rejections"], (aware(since),))]


def waiting(connection: Connection) -> list[Waiting]:
    """Notes of written days that wait to be computed. Raises psycopg.Error."""
    return [Waiting(*row) for row in connection.execute(_SQL["waiting"])]
