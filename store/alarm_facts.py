"""What the rules of alarms look at: who was heard when, what was rejected, what waits to be computed.

What retries took of rejections is left out: it came once, and that was before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from store.connect import Connection
from store.flow import LAG_BOUNDS
from store.queries import queries
from store.rejected_taken import RETRY
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


class Collectors(NamedTuple):
    """Of all collectors together: the minute of which one wrote last (None: none ever did), for how long [s] any was
    subscribed in the minutes asked for, and how many messages the broker threw away in those."""

    newest: datetime | None = None
    subscribed: float = 0.0
    dropped: int = 0


#: No collector ever wrote anything.
NEVER = Collectors()


class Lag(NamedTuple):
    """A family's readings in some time: how many, and how old half of them were at most when they were stored [s]."""

    family: str
    readings: int
    median: float


class Unarchived(NamedTuple):
    """A collector that cannot archive, and how many messages it ``missed`` since its start."""

    collector: str
    missed: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. ``usual_lags``: of a week that ended a day ago; ``overdue``: complaints that were not acknowledged in
    time; ``unsent``: e-mails that should have been handed over; ``unlooked``: as `store.outbox_list.unlooked`."""

    heard: Sequence[Heard] = ()
    collectors: Collectors = NEVER
    lags: Sequence[Lag] = ()
    usual_lags: Sequence[Lag] = ()
    unarchived: Sequence[Unarchived] = ()
    rejections: Sequence[Rejections] = ()
    waiting: Sequence[Waiting] = ()
    overdue: int = 0
    unsent: int = 0
    unlooked: Sequence[tuple[str, datetime]] = ()


def last_heard(connection: Connection, now: datetime) -> dict[str, datetime]:
    """By family with devices in service, the minute in which it was heard last. Raises psycopg.Error."""
    given = {"since": aware(now) - EXPECTED, "now": now, "retry": RETRY}
    return dict(connection.execute(_SQL["heard"], given).fetchall())


def usual(connection: Connection, family: str, last: datetime, windows: Sequence[timedelta]) -> Heard:
    """How regularly a family was heard before ``last``. Raises psycopg.Error."""
    given = {"family": family, "last": aware(last), "since": last - USUAL, "windows": list(windows), "retry": RETRY}
    row = connection.execute(_SQL["usual"], given).fetchone()
    if row is None or row[0] is None:
        return Heard(family, last, timedelta(0), dict.fromkeys(windows, 0))
    return Heard(family, last, last - row[0], dict(zip(windows, row[1], strict=True)))


def rejections(connection: Connection, since: datetime) -> list[Rejections]:
    """What came and was rejected from a minute on. Raises psycopg.Error."""
    return [Rejections(*row) for row in connection.execute(_SQL["rejections"], (aware(since), RETRY))]


def waiting(connection: Connection) -> list[Waiting]:
    """Notes of written days that wait to be computed. Raises psycopg.Error."""
    return [Waiting(*row) for row in connection.execute(_SQL["waiting"])]


def collectors(connection: Connection, now: datetime, subscribed: timedelta, recent: timedelta) -> Collectors:
    """What all collectors wrote; ``subscribed``, ``recent``: how far back is looked. Raises psycopg.Error."""
    given = {"now": aware(now), "subscribed": now - subscribed, "recent": now - recent}
    row = connection.execute(_SQL["collectors"], given).fetchone()
    assert row is not None
    return Collectors(*row)


def lags(connection: Connection, since: datetime, until: datetime) -> list[Lag]:
    """Lags by family, of minutes. Raises psycopg.Error."""
    return _lags(connection, _SQL["lags"], since, until)


def usual_lags(connection: Connection, now: datetime) -> list[Lag]:
    """Lags by family in the week that ended a day before ``now``. Raises psycopg.Error."""
    until = now - timedelta(days=1)
    return _lags(connection, _SQL["usual_lags"], until - USUAL, until)


def _lags(connection: Connection, query: bytes, since: datetime, until: datetime) -> list[Lag]:
    found = []
    for family, counts in connection.execute(query, {"since": aware(since), "until": aware(until)}):
        total = np.cumsum(counts)
        place = int(np.searchsorted(total, total[-1] / 2))
        median = float(LAG_BOUNDS[place]) if place < len(LAG_BOUNDS) else float("inf")
        found.append(Lag(family, int(total[-1]), median))
    return found


def unarchived(connection: Connection, since: datetime) -> list[Unarchived]:
    """Collectors that said since an instant that they cannot archive. Raises psycopg.Error."""
    return [Unarchived(*row) for row in connection.execute(_SQL["archives"], (aware(since),))]


def note_unarchived(connection: Connection, collector: str, missed: int) -> None:
    """Note that a collector cannot archive. Raises psycopg.Error."""
    connection.execute(_SQL["note_archive"], (collector, missed))
