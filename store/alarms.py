"""Alarms of the system: how each stands, and who was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from store.connect import Connection
from store.queries import queries
from store.session_lock import take
from store.times import aware

_SQL = queries("alarms")
#: No session of a broker has a blank in its name.
_LOCK = "watch alarms"

Event = Literal["begun", "ended"]
Way = Literal["log", "webhook"]


class Alarm(NamedTuple):
    """A condition that holds since ``seen_at``, an alarm since ``begun_at`` (None: not yet); ``calm_at``: since when it
    does not hold any more while that may be a lull."""

    id: int | None
    rule: str
    subject: str
    severity: str
    text: str
    mark: str
    seen_at: datetime
    begun_at: datetime | None = None
    calm_at: datetime | None = None
    ended_at: datetime | None = None


class Notice(NamedTuple):
    """What is to be told: an alarm's beginning or end. ``key`` is the same at each of the ``tries``."""

    alarm_id: int
    event: Event
    key: UUID
    tries: int
    made_at: datetime
    rule: str
    subject: str
    severity: str
    text: str
    begun_at: datetime
    ended_at: datetime | None


class Told(NamedTuple):
    """An alarm that began, for people; ``notices``: dictionaries of ``event``, ``way``, ``tries``, ``told_at``,
    ``given_up_at``, ``problem``; instants as ISO text."""

    id: int
    rule: str
    subject: str
    severity: str
    text: str
    begun_at: datetime
    ended_at: datetime | None
    notices: Sequence[dict[str, Any]]


def lock(connection: Connection) -> bool:
    """Become the one who watches, until the connection ends; False where another does. Raises psycopg.Error."""
    return take(connection, [_LOCK]) is not None


def unended(connection: Connection) -> list[Alarm]:
    """All that has not ended, conditions that are no alarms yet included, the oldest first. Raises psycopg.Error."""
    return [Alarm(*row) for row in connection.execute(_SQL["open"])]


def add(connection: Connection, one: Alarm) -> int:
    """A new one; its number. Raises psycopg.Error."""
    row = connection.execute(_SQL["add"], one._asdict()).fetchone()
    assert row is not None
    return int(row[0])


def change(connection: Connection, one: Alarm) -> None:
    """Write how one stands. Raises psycopg.Error."""
    connection.execute(_SQL["change"], one._asdict())


def drop(connection: Connection, alarm_id: int) -> None:
    """Forget a condition that was no alarm yet. Raises psycopg.Error."""
    connection.execute(_SQL["drop"], (alarm_id,))


def note(connection: Connection, alarm_id: int, event: Event, ways: Sequence[Way], now: datetime) -> None:
    """Have an alarm's beginning or end told in these ways, in the running transaction. Raises psycopg.Error."""
    connection.execute(_SQL["note"], {"id": alarm_id, "event": event, "ways": list(ways), "now": aware(now)})


def note_begun(
    connection: Connection, alarm_id: int, way: Way, key: UUID, at: datetime, *, tries: int, told_at: datetime | None
) -> None:
    """Note an alarm's beginning that was told by this key already, or (``told_at`` None) was tried to be.

    Raises psycopg.Error.
    """
    given = {"id": alarm_id, "way": way, "key": key, "at": aware(at), "tries": tries, "told_at": told_at}
    connection.execute(_SQL["note_begun"], given)


def due(connection: Connection, way: Way, now: datetime, limit: int) -> list[Notice]:
    """What is to be told in a way by now, the oldest first. Raises psycopg.Error."""
    rows = connection.execute(_SQL["due"], {"way": way, "now": aware(now), "limit": limit})
    return [Notice(*row) for row in rows]


def told(connection: Connection, one: Notice, way: Way, at: datetime) -> None:
    """Note that it was told. Raises psycopg.Error."""
    connection.execute(_SQL["told"], {"id": one.alarm_id, "event": one.event, "way": way, "at": aware(at)})


def failed(
    connection: Connection, one: Notice, way: Way, problem: str, due_at: datetime, *, last: datetime | None
) -> None:
    """Note that it was not told: due again at ``due_at``; ``last``: given up at that instant. Raises psycopg.Error."""
    connection.execute(
        _SQL["failed"],
        {"id": one.alarm_id, "event": one.event, "way": way, "problem": problem, "due_at": due_at, "given_up_at": last},
    )


def give_up(connection: Connection, one: Notice, way: Way, problem: str, at: datetime) -> None:
    """Note that it is not tried again; ``problem``: why, where no try says it. Raises psycopg.Error."""
    given = {"id": one.alarm_id, "event": one.event, "way": way, "problem": problem, "at": aware(at)}
    connection.execute(_SQL["give_up"], given)


def looked(connection: Connection, now: datetime) -> None:
    """Note that the rules were looked at. Raises psycopg.Error."""
    connection.execute(_SQL["looked"], (aware(now),))


def looked_at(connection: Connection) -> datetime | None:
    """When they were last; None: never. Raises psycopg.Error."""
    row = connection.execute(_SQL["looked_at"]).fetchone()
    return None if row is None else row[0]


def history(
    connection: Connection, *, is_open: bool | None = None, before: int | None = None, limit: int = 50
) -> list[Told]:
    """Alarms that began, the newest first: those that are open, those that have ended, or (None) both; ``before``: with
    a smaller number. Raises psycopg.Error."""
    rows = connection.execute(_SQL["history"], {"open": is_open, "before": before, "limit": limit})
    return [Told(*row) for row in rows]


def forget(connection: Connection, before: datetime) -> int:
    """Forget alarms that ended before an instant; how many. Raises psycopg.Error."""
    return connection.execute(_SQL["forget"], (aware(before),)).rowcount
