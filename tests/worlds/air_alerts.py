"""People who asked to be told of the air, and monitors whose index of each hour a test says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from borough.delivery.triggers import TriggerOptions
from devices.device import Origin
from store import air_alerts, contacts
from store.air_alerts import Band
from store.connect import Connection
from tests.worlds.air_town import make_monitor, say

ZONE = ZoneInfo("Europe/London")
#: A full hour of an ordinary day, far from any change of clocks.
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
#: A place; a monitor beside it, and one 1.4 km away.
LON, LAT = -0.1, 51.5
#: Hourly means of NO2 [ug/m3] by their index; 0 stands for an hour without one.
NO2 = (np.nan, 30.0, 100.0, 180.0, 240.0, 300.0, 380.0, 450.0, 500.0, 560.0, 650.0)


class Sent(NamedTuple):
    """A message of the outbox."""

    contact: int
    kind: str
    subject: str
    text: str
    html: str
    state: str
    origin: str


def options(origin: Origin = "real", zone: ZoneInfo = ZONE) -> TriggerOptions:
    """What the trigger is given."""
    return TriggerOptions(zone, "https://air.example", "Testborough Council", None, origin)


def monitor(connection: Connection, name: str = "beside", **more: Any) -> None:
    """A monitor beside the place."""
    make_monitor(connection, name, **{"lon": LON, "lat": LAT, "origin": "real", **more})


def tell(connection: Connection, index: Sequence[int], end: datetime, name: str = "beside", **more: Any) -> None:
    """What a monitor's hours until ``end`` come to; before them it was low for two days."""
    values = np.array([NO2[one] for one in (*[1] * 48, *index)])
    say(connection, name, end, {"no2": values}, heard=end, **more)


def subscribe(
    connection: Connection,
    address: str = "ada@example.com",
    *,
    place: str = "TE5 7ST",
    lon: float = LON,
    lat: float = LAT,
    whole: bool = False,
    band: Band = "moderate",
    tell_end: bool = False,
    at: datetime = NOON - timedelta(days=30),
    confirmed: bool = True,
    origin: Origin = "real",
) -> int:
    """A subscription of an address; its number."""
    with connection.transaction():
        contact = contacts.email(connection, address, origin=origin)
        assert contact is not None
        asked = air_alerts.ask(connection, contact, place, lon, lat, band, at, whole=whole, tell_end=tell_end)
        assert asked is not None
        if confirmed:
            assert air_alerts.confirm(connection, asked.subscription, at)
    return asked.subscription


def sent(connection: Connection) -> list[Sent]:
    """All messages, in the order in which they were put."""
    rows = connection.execute(
        "select contact_id, kind, subject, text, html, state, origin from personal.message order by id"
    )
    return [Sent(*row) for row in rows]


def clean(connection: Connection) -> None:
    """Nobody asked, and there is no monitor."""
    connection.execute(
        "truncate personal.contact, public.air_day, public.air_index_day, public.place cascade;"
        " delete from public.latest; delete from personal.series; delete from personal.device"
    )
