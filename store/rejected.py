"""Rejected messages and readings: written, but of a flood only counted; looked at, tried again after a fix, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from devices.decoding import Reason
from devices.device import DEVICE_ID
from devices.families import UNKNOWN
from devices.scrub import without_identifiers, without_number
from store.batch import Rejected
from store.connect import Connection
from store.copy import Instants, Int4s, Int8s, text
from store.queries import queries
from store.times import aware

_SQL = queries("rejected")
_HOUR = 3_600_000_000
_UNKNOWN = {Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_TOPIC}
#: Stands for all unknown devices together; they share this many times the limit of one device.
_TOGETHER = ""
_SHARE = 10

_Key = tuple[str, int, str]  # device, hour [us], reason


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

    ``message`` is one for all rejections of a message. ``size`` [bytes] is set where only its beginning was kept, or
    of a household's nothing: it could not be looked through for identifiers.
    """

    row: RejectedRow
    payload: bytes | None
    personal: bool
    message: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rejections; None is any. They arrived from ``since`` on and before ``until`` (aware instants); ``waiting``:
    those that were not tried again."""

    family: str | None = None
    device: str | None = None
    reason: str | None = None
    since: datetime | None = None
    waiting: bool = False
    until: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """The query's parameters. Raises ValueError where an instant is naive."""
        return {
            "family": self.family,
            "device": self.device,
            "reason": self.reason,
            "since": None if self.since is None else aware(self.since),
            "until": None if self.until is None else aware(self.until),
            "waiting": self.waiting,
        }


def write_rejections(
    connection: Connection,
    rejected: Sequence[Rejected],
    limit: int,
    names_household: Callable[[Rejected], bool] = lambda _: False,
) -> int:
    """Write rejections inside the running transaction and return how many are kept as rows.

    Of one device, hour (of arrival) and reason the first ``limit`` are kept, the others counted; devices that nobody
    registered have ``limit`` each and ten times that together, or random ids would make it meaningless. The rows of a
    message share its bytes. Where one of them ``names_household``, its bytes and the texts of all are personal.
    Personal bytes are kept without a household's identifiers, and where they cannot be looked through, their length
    alone. Raises psycopg.Error.
    """
    kept = _within_limits(connection, rejected, limit)
    if not kept:
        return 0
    first = _first_rows(kept)
    own = [place == row for row, place in enumerate(first)]
    naming: set[int] = set()
    for row, (item, place) in enumerate(zip(kept, first, strict=True)):
        # topic and bytes once a message: both may be long, and its rows many
        if place not in naming and names_household(item if place == row else item._replace(topic="", payload=b"")):
            naming.add(place)
    hidden = [place in naming for place in first]
    personal = [item.personal or hides for item, hides in zip(kept, hidden, strict=True)]
    stored = [
        _stored(item, at_home) if leads else (None, None)
        for item, leads, at_home in zip(kept, own, personal, strict=True)
    ]
    connection.execute(
        _SQL["reject"],
        (
            Int4s([place + 1 for place in first]),
            Instants([item.arrival for item in kept]),
            [text(item.topic) for item in kept],
            [text(item.family) for item in kept],
            [None if item.device is None else text(item.device) for item in kept],
            [
                None
                if item.property is None
                else text(without_number(item.property) if item.personal else item.property)
                for item in kept
            ],
            [str(item.reason) for item in kept],
            [text(item.detail) for item in kept],
            [item.more for item in kept],
            [payload for payload, _ in stored],
            [size for _, size in stored],
            personal,
            hidden,
        ),
    )
    return len(kept)


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


def count_left_out(connection: Connection, which: Filter | None = None) -> dict[tuple[str, str], int]:
    """How many rejections a flood left out, by (family, reason), in the hours from that of ``since`` to that before
    ``until``, whole ones.

    The reason is empty for what was counted before reasons were told apart. What ids that nobody registered share is of
    the family unknown, and of no device. Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["count_left_out"], (which or Filter()).parameters()).fetchall()
    return {(family, reason): number for family, reason, number in rows}


def get(connection: Connection, rejected_id: int) -> RejectedMessage | None:
    """One rejection with its message, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["get"], (rejected_id,)).fetchone()
    return None if row is None else RejectedMessage(RejectedRow(*row[:10]), *row[10:])


def existing(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Which of these rejections are kept. Raises psycopg.Error."""
    return {row[0] for row in connection.execute(_SQL["existing"], (Int8s(ids),))}


def mark_retried(connection: Connection, ids: Iterable[int]) -> int:
    """Note inside the running transaction that these were tried again now. Raises psycopg.Error."""
    return connection.execute(_SQL["mark_retried"], (Int8s(ids),)).rowcount


def delete(connection: Connection, ids: Iterable[int]) -> int:
    """Delete rejections inside the running transaction, with the last of a message its bytes. Raises psycopg.Error."""
    return connection.execute(_SQL["delete"], (Int8s(ids),)).rowcount


def _stored(item: Rejected, personal: bool) -> tuple[bytes, int | None]:
    """The bytes that are kept of a message, and its length where they are not all of it."""
    if not personal:
        return item.payload, item.size
    left = without_identifiers(item.payload, item.scrub) if item.size is None else None
    return (b"", item.size or len(item.payload)) if left is None else (left, None)


def _first_rows(kept: Sequence[Rejected]) -> list[int]:
    """For each rejection the place of the first one of its message."""
    places: dict[int, int] = {}
    return [row if item.message is None else places.setdefault(item.message, row) for row, item in enumerate(kept)]


def _is_unknown(item: Rejected) -> bool:
    return item.device is None or item.family == UNKNOWN or item.reason in _UNKNOWN or not DEVICE_ID.match(item.device)


def _own_key(item: Rejected) -> _Key | None:
    # what is no device's id gets no row of its own: such may be long and as many as messages
    if item.device is None or not DEVICE_ID.match(item.device):
        return None
    return item.device, item.arrival // _HOUR * _HOUR, str(item.reason)


def _together_key(item: Rejected) -> _Key | None:
    return (_TOGETHER, item.arrival // _HOUR * _HOUR, str(item.reason)) if _is_unknown(item) else None


def _within_limits(connection: Connection, rejected: Sequence[Rejected], limit: int) -> Sequence[Rejected]:
    # first what all unknown ones share, so that ids past it leave no row in the table of counts either
    rejected = _admit(connection, rejected, [_together_key(item) for item in rejected], _SHARE * limit)
    return _admit(connection, rejected, [_own_key(item) for item in rejected], limit)


def _admit(
    connection: Connection, rejected: Sequence[Rejected], keys: Sequence[_Key | None], limit: int
) -> Sequence[Rejected]:
    """Count rejections by their keys; those among the first ``limit`` of their key, or without one."""
    counts: dict[_Key, int] = {}
    families: dict[_Key, str] = {}
    weights = [1 if item.more is None else item.more for item in rejected]
    for item, key, weight in zip(rejected, keys, weights, strict=True):
        if key is not None:
            counts[key] = counts.get(key, 0) + weight
            families.setdefault(key, UNKNOWN if key[0] == _TOGETHER else item.family)
    if not counts:
        return rejected
    devices, hours, reasons = zip(*counts, strict=True)
    given = (list(devices), Instants(hours), list(reasons), list(families.values()), Int8s(list(counts.values())))
    rows = connection.execute(_SQL["flood"], given).fetchall()
    room = {
        (device, hour, reason): limit - (total - counts[device, hour, reason]) for device, hour, reason, total in rows
    }
    fits = []
    left_out: dict[_Key, int] = {}
    for item, key, weight in zip(rejected, keys, weights, strict=True):
        if key is None or room[key] > 0:
            fits.append(item)
        else:
            left_out[key] = left_out.get(key, 0) + weight
        if key is not None:
            room[key] -= weight
    if left_out:
        devices, hours, reasons = zip(*left_out, strict=True)
        given_out = (list(devices), Instants(hours), list(reasons), Int8s(list(left_out.values())))
        connection.execute(_SQL["left_out"], given_out)
    return fits
