"""Rejected messages and readings into their tables; a flood is counted but not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from devices.decoding import Reason
from devices.device import DEVICE_ID
from store.batch import Rejected
from store.connect import Connection
from store.copy import Instants, Int8s, text
from store.queries import queries

_SQL = queries("writer")
_HOUR = 3_600_000_000
_UNKNOWN = {Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_TOPIC}
#: Stands for all unknown devices together; they share this many times the limit of one device.
_TOGETHER = ""
_SHARE = 10

_Key = tuple[str, int]


def write_rejections(
    connection: Connection, rejected: Sequence[Rejected], digests: Sequence[bytes | None], limit: int
) -> int:
    """Write rejections inside the running transaction and return how many are kept as rows.

    ``digests`` stands beside ``rejected``: where given, a row that has it already is not written again. Of one
    device and hour (of arrival) the first ``limit`` are kept; devices that nobody registered have ``limit`` each
    and ten times that together, or random ids would make it meaningless. Raises psycopg.Error.
    """
    known = {digest for digest in digests if digest is not None}
    if known:
        rows = connection.execute(_SQL["seen_conflicts"], (list(known),)).fetchall()
        seen = {bytes(row[0]) for row in rows}
        pairs = [pair for pair in zip(rejected, digests, strict=True) if pair[1] not in seen]
    else:
        pairs = list(zip(rejected, digests, strict=True))
    pairs = _within_limits(connection, pairs, limit)
    if not pairs:
        return 0
    kept = [pair[0] for pair in pairs]
    connection.execute(
        _SQL["reject"],
        (
            Instants([item.arrival for item in kept]),
            [text(item.topic) for item in kept],
            [text(item.family) for item in kept],
            [None if item.device is None else text(item.device) for item in kept],
            [None if item.property is None else text(item.property) for item in kept],
            [str(item.reason) for item in kept],
            [text(item.detail) for item in kept],
            [item.payload for item in kept],
            [item.personal for item in kept],
            [pair[1] for pair in pairs],
        ),
    )
    return len(kept)


def _is_unknown(item: Rejected) -> bool:
    return item.device is None or item.reason in _UNKNOWN


def _key(item: Rejected) -> _Key:
    # what is no device's id gets no row of its own: ids may be long and as many as messages
    device = item.device if item.device is not None and DEVICE_ID.match(item.device) else _TOGETHER
    return device, item.arrival // _HOUR * _HOUR


def _within_limits(
    connection: Connection, pairs: list[tuple[Rejected, bytes | None]], limit: int
) -> list[tuple[Rejected, bytes | None]]:
    together = [(_TOGETHER, pair[0].arrival // _HOUR * _HOUR) if _is_unknown(pair[0]) else None for pair in pairs]
    # first what all unknown ones share, so that ids past it leave no row in the table of counts either
    fits = _admit(connection, together, _SHARE * limit)
    pairs = [pair for pair, fit in zip(pairs, fits, strict=True) if fit]
    own = [None if key[0] == _TOGETHER else key for key in (_key(pair[0]) for pair in pairs)]
    fits = _admit(connection, own, limit)
    return [pair for pair, fit in zip(pairs, fits, strict=True) if fit]


def _admit(connection: Connection, keys: Sequence[_Key | None], limit: int) -> list[bool]:
    """Count the keys and say which are among the first ``limit`` of their device and hour; None always is."""
    counts = Counter(key for key in keys if key is not None)
    if not counts:
        return [True] * len(keys)
    devices, hours = zip(*counts, strict=True)
    rows = connection.execute(
        _SQL["flood"], (list(devices), Instants(hours), Int8s(list(counts.values())))
    ).fetchall()
    room = {(device, hour): limit - (total - counts[device, hour]) for device, hour, total in rows}
    fits = []
    for key in keys:
        if key is None:
            fits.append(True)
        else:
            fits.append(room[key] > 0)
            room[key] -= 1
    return fits
