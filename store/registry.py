"""The registered devices in the database."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from devices.device import Device, Origin
from store.connect import Connection
from store.copy import Float8s
from store.queries import queries

_SQL = queries("registry")

State = Literal["reporting", "silent", "never seen"]


class DeviceStatus(NamedTuple):
    """A device in use: the time of its newest reading and when that arrived, None where there is none."""

    id: str
    family: str
    origin: Origin
    state: State
    last_time: datetime | None
    last_arrival: datetime | None


def load(connection: Connection, since: int = 0) -> tuple[list[Device], int]:
    """Devices that changed after the mark ``since``, retired ones too, and the new mark to ask with next time.

    A device whose change commits later than another's has the higher mark: nobody who asks so misses one. Raises
    psycopg.Error; ValueError where the database holds a device of a family that this program does not know.
    """
    rows = connection.execute(_SQL["changed"], (since,)).fetchall()
    return [_device(row) for row in rows], rows[-1][-1] if rows else since


def get(connection: Connection, device_id: str) -> Device | None:
    """One device, or None. Raises psycopg.Error."""
    row = connection.execute(_SQL["get"], (device_id,)).fetchone()
    return None if row is None else _device(row)


def _device(row: Sequence[Any]) -> Device:
    device_id, family, model, lon, lat, origin, personal, retired, attributes, _changed = row
    return Device(
        device_id,
        family,
        model,
        lon,
        lat,
        origin,
        personal,
        retired,
        {} if attributes is None else json.loads(attributes),
    )


def upsert(connection: Connection, devices: Iterable[Device]) -> int:
    """Register devices or bring them up to date inside the running transaction; returns how many are new or changed.

    A device without ``retired`` is in use again. Writers queue until their transactions end. Raises psycopg.Error;
    ValueError for an id that is given twice.
    """
    return _write(connection, _SQL["upsert"], devices)


def kept_closed(connection: Connection, devices: Iterable[Device]) -> list[Device]:
    """Devices to be registered, those as personal that are registered so: for who knows no class but the family's own.

    Raises psycopg.Error.
    """
    rows = list(devices)
    found = connection.execute(_SQL["personal"], ([device.id for device in rows],)).fetchall()
    closed = {row[0] for row in found}
    return [replace(device, personal=True) if device.id in closed else device for device in rows]


def add(connection: Connection, devices: Iterable[Device]) -> int:
    """Register devices that are not registered inside the running transaction; returns how many were not.

    For who knows less of a device than the registry may: place, class, model and retirement of a registered one stay.
    Raises psycopg.Error; ValueError for an id that is given twice.
    """
    return _write(connection, _SQL["add"], devices)


def _write(connection: Connection, query: bytes, devices: Iterable[Device]) -> int:
    rows = list(devices)
    twice = [name for name, count in Counter(device.id for device in rows).items() if count > 1]
    if twice:
        raise ValueError(f"device {twice[0]} is given twice")
    if not rows:
        return 0
    cursor = connection.execute(
        query,
        (
            [device.id for device in rows],
            [device.family for device in rows],
            [device.model for device in rows],
            Float8s([math.nan if device.lon is None else device.lon for device in rows]),
            Float8s([math.nan if device.lat is None else device.lat for device in rows]),
            [device.origin for device in rows],
            [device.personal for device in rows],
            [json.dumps(dict(device.attributes)) if device.attributes else "{}" for device in rows],
            [device.retired for device in rows],
        ),
    )
    return cursor.rowcount


def retire(connection: Connection, ids: Iterable[str]) -> int:
    """Retire devices inside the running transaction; returns how many were in use. Their readings stay.

    Raises LookupError naming an id that is not registered (nothing is changed then); psycopg.Error.
    """
    wanted = sorted(set(ids))
    known = {row[0] for row in connection.execute(_SQL["registered"], (wanted,)).fetchall()}
    for device_id in wanted:
        if device_id not in known:
            raise LookupError(f"device {device_id} is not registered")
    return connection.execute(_SQL["retire"], (wanted,)).rowcount


def status(connection: Connection, silent_after: timedelta) -> list[DeviceStatus]:
    """Every device in use by id; silent is one of which nothing new arrived for longer than ``silent_after``.

    Arrival counts and not the reading's time: a replay of old recordings is no silence. Judged by the database's
    clock, which stamped the arrivals. Raises psycopg.Error.
    """
    row = connection.execute(_SQL["now"]).fetchone()
    assert row is not None
    limit = row[0] - silent_after
    found = []
    for device_id, family, origin, time, arrival in connection.execute(_SQL["status"]).fetchall():
        state: State = "never seen" if arrival is None else "silent" if arrival < limit else "reporting"
        found.append(DeviceStatus(device_id, family, origin, state, time, arrival))
    return found
