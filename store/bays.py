"""The register of bays: what there is, what holds in it when, and which sensor lies in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from devices.bays import Bay, EventDay, Permit, Register, Restriction, SensorLink, Suspension
from devices.device import Device
from devices.uprn import plain
from store.connect import Connection
from store.queries import queries

_SQL = queries("bays")


def load(connection: Connection) -> Register:
    """All of it. Raises psycopg.Error."""
    return Register(
        bays(connection), sensors(connection), suspensions(connection), permits(connection), events(connection)
    )


def bays(connection: Connection, *, personal: bool = True) -> list[Bay]:
    """Every bay with its restrictions, sorted by id; without ``personal`` those of no household.

    Raises psycopg.Error.
    """
    restrictions: dict[str, list[Restriction]] = {}
    for bay_id, *row in connection.execute(_SQL["restrictions"]).fetchall():
        restrictions.setdefault(bay_id, []).append(Restriction(*row))
    return [
        _bay(row, tuple(restrictions.get(row[0], ())))
        for row in connection.execute(_SQL["bays"]).fetchall()
        if personal or not row[10]
    ]


def _bay(row: tuple[Any, ...], restrictions: tuple[Restriction, ...]) -> Bay:
    *first, uprn, origin, from_day, to_day, attributes = row
    known = (*first, None if uprn is None else plain(uprn), origin, from_day, to_day, restrictions, attributes)
    return Bay(*known)


def sensors(connection: Connection) -> list[SensorLink]:
    """Which sensor lies and lay in which bay, sorted by bay and time. Raises psycopg.Error."""
    return [SensorLink(*row) for row in connection.execute(_SQL["sensors"]).fetchall()]


def sensors_at(connection: Connection, at: datetime) -> dict[str, str]:
    """The sensor that lies in each bay at an instant. Raises psycopg.Error."""
    links = sensors(connection)
    return {link.bay: link.device for link in links if link.start <= at and (link.end is None or link.end > at)}


def of_households(connection: Connection, devices: Sequence[str]) -> dict[str, str]:
    """Of these devices those that lie or lay in a bay of a household, with that bay. Raises psycopg.Error."""
    return dict(connection.execute(_SQL["of_households"], (list(devices),)).fetchall()) if devices else {}


def suspensions(connection: Connection) -> list[Suspension]:
    """All suspensions, sorted by bay and time; those of one bay may overlap. Raises psycopg.Error."""
    return [Suspension(*row) for row in connection.execute(_SQL["suspensions"]).fetchall()]


def permits(connection: Connection) -> list[Permit]:
    """All permits, sorted by bay and time; those of one bay may overlap. Raises psycopg.Error."""
    return [Permit(*row) for row in connection.execute(_SQL["permits"]).fetchall()]


def events(connection: Connection) -> list[EventDay]:
    """All event days, sorted by zone and day. Raises psycopg.Error."""
    return [EventDay(*row) for row in connection.execute(_SQL["events"]).fetchall()]


def unlinked(connection: Connection) -> list[tuple[Device, datetime]]:
    """Open parking sensors in use that never lay in a bay, and when each was registered. Raises psycopg.Error."""
    found = []
    for *row, attributes, registered in connection.execute(_SQL["unlinked"]).fetchall():
        known = (*row, {} if attributes is None else json.loads(attributes))
        found.append((Device(*known), registered))
    return found


def row_of(bay: Bay, home_id: int | None) -> tuple[Any, ...]:
    """A bay as the columns of ``save_bay``."""
    return (
        bay.id, bay.street, bay.zone, bay.kind, bay.lon, bay.lat, bay.spaces, bay.off_street, bay.length,
        None if bay.geometry is None else json.dumps(bay.geometry), bay.personal, home_id, bay.origin, bay.from_day,
        bay.to_day, json.dumps(dict(bay.attributes)),
    )  # fmt: skip


def restriction_row(bay_id: str, number: int, one: Restriction) -> tuple[Any, ...]:
    """A restriction as the columns of ``add_restriction``."""
    return (
        bay_id, number, one.days, one.start, one.end, one.maximum_stay, one.no_return, one.bank_holidays,
        one.event_days, one.from_day, one.to_day,
    )  # fmt: skip
