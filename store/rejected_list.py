"""Rejections as pages show them: what may name a household is left out by the query, unless it is asked for by number.

A rejection is personal where its device is not registered, is a household's or of a family of households', where its
topic names such a family, where its texts name another's device, or where its bytes were kept as a household's. Of a
device that was unknown then and is registered now as no household's, all is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from devices.families import FAMILIES
from store.connect import Connection
from store.copy import Int8s
from store.queries import queries
from store.rejected import Filter, RejectedMessage, RejectedRow

_PERSONAL = b"""(t.id is not null or d.id is null or d.personal
        or array[d.family, r.family] && %(families)s::text[] or string_to_array(r.topic, '/') && %(families)s::text[]
        or (p.id is not null and r.reason <> 'unknown_device'))"""
_ROWS = b"""public.rejected r
    left join personal.rejected_text t on t.id = r.id
    left join personal.device d on d.id = r.device
    left join personal.rejected_bytes p on p.id = r.message"""
_OPEN = b"case when not " + _PERSONAL + b" then r.%b end"
_COLUMNS = b", ".join(
    (
        b"r.id, r.message, r.arrival, r.family, r.reason, r.retried_at, r.more, r.property is not null",
        _PERSONAL,
        *(_OPEN.replace(b"%b", name) for name in (b"topic", b"device", b"property", b"detail")),
    )
)
_WHICH = b"""(%(family)s::text is null or r.family = %(family)s)
      and (%(device)s::text is null or r.device = %(device)s)
      and (%(reason)s::text is null or r.reason = %(reason)s)
      and (%(since)s::timestamptz is null or r.arrival >= %(since)s)
      and (%(until)s::timestamptz is null or r.arrival < %(until)s)
      and (%(waiting)s::bool is not true or r.retried_at is null)"""
_SQL = {
    name: text.replace(b"{columns}", _COLUMNS)
    .replace(b"{rows}", _ROWS)
    .replace(b"{personal}", _PERSONAL)
    .replace(b"{which}", _WHICH)
    for name, text in queries("rejected_list").items()
}
#: So many bytes of messages are held at once.
HELD = 8 << 20
_FAMILIES = {"families": [family.name for family in FAMILIES.values() if family.personal]}


class Listed(NamedTuple):
    """One rejection; texts are None where it is ``personal``. ``one_reading``: the others of its message were taken."""

    id: int
    message: int
    arrival: datetime
    family: str
    reason: str
    retried_at: datetime | None
    more: int | None
    one_reading: bool
    personal: bool
    topic: str | None
    device: str | None
    property: str | None
    detail: str | None


class Whole(NamedTuple):
    """A rejection with its message; ``personal``: whether both may name a household."""

    item: RejectedMessage
    personal: bool


def find(connection: Connection, which: Filter, limit: int, before: int | None = None) -> list[Listed]:
    """At most ``limit`` rejections, newest first; ``before`` an id pages on from it. Raises psycopg.Error."""
    given = {**which.parameters(), **_FAMILIES, "limit": limit, "before": before}
    return [Listed(*row) for row in connection.execute(_SQL["list"], given)]


def get(connection: Connection, rejected_id: int) -> Listed | None:
    """One rejection; None where it is not kept. Raises psycopg.Error."""
    row = connection.execute(_SQL["one"], {**_FAMILIES, "id": rejected_id}).fetchone()
    return None if row is None else Listed(*row)


def of_message(connection: Connection, message: int) -> list[Listed]:
    """All rejections of a message, in their order. Raises psycopg.Error."""
    return [Listed(*row) for row in connection.execute(_SQL["of_message"], {**_FAMILIES, "message": message})]


def messages(
    connection: Connection, which: Filter, limit: int, before: int | None = None, held: int = HELD
) -> tuple[list[int], bool]:
    """Numbers of messages with such rejections, the newest first, ``before`` one of them; whether more may follow.

    At most ``limit``, and so many that their bytes are not more than ``held``; one at least. Raises psycopg.Error.
    """
    given = {**which.parameters(), "limit": limit, "before": before}
    return _held(connection.execute(_SQL["messages"], given).fetchall(), limit, held)


def oldest(
    connection: Connection, which: Filter, limit: int, after: int, last: int, held: int = HELD
) -> tuple[list[int], bool]:
    """The same, the oldest first: behind ``after`` and up to ``last``. Raises psycopg.Error."""
    given = {**which.parameters(), "limit": limit, "after": after, "last": last}
    return _held(connection.execute(_SQL["oldest"], given).fetchall(), limit, held)


def _held(rows: Sequence[tuple[int, int]], limit: int, held: int) -> tuple[list[int], bool]:
    found: list[int] = []
    for number, size in rows:
        held -= size
        if found and held < 0:
            return found, True
        found.append(number)
    return found, len(rows) == limit


def count_messages(connection: Connection, which: Filter, before: int | None = None) -> int:
    """How many messages have such rejections. Raises psycopg.Error."""
    row = connection.execute(_SQL["count_messages"], {**which.parameters(), "before": before}).fetchone()
    assert row is not None
    return int(row[0])


def whole(connection: Connection, numbers: Sequence[int]) -> list[Whole]:
    """All rejections of some messages, with their bytes: for trials and retries. Raises psycopg.Error."""
    rows = connection.execute(_SQL["whole"], {**_FAMILIES, "messages": Int8s(numbers)}).fetchall()
    return [Whole(RejectedMessage(RejectedRow(*row[:10]), *row[10:14]), row[14]) for row in rows]


def is_open(connection: Connection, device: str) -> bool:
    """Whether a device is registered and no household's. Raises psycopg.Error."""
    row = connection.execute(_SQL["is_open"], {**_FAMILIES, "device": device}).fetchone()
    return row is not None and bool(row[0])


def households(connection: Connection, device: str, first: date, last: date) -> list[int]:
    """Tenancies of the homes in which a meter was on any of some local days, both included. Raises psycopg.Error."""
    given = {"device": device, "first": first, "last": last}
    return [row[0] for row in connection.execute(_SQL["households"], given)]
