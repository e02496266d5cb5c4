"""Homes with movement sensors, carers and what they are told, written into the tables as collector and pages would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from borough.delivery import care as delivery
from borough.delivery.care_telling import CareOptions
from borough.delivery.triggers import TriggerOptions
from devices.device import Device
from store import accounts, care, contacts, homes, movement, registry
from store.connect import Connection
from tests.tools.site import make_home

ZONE = ZoneInfo("Europe/London")
#: A Monday, office hours.
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
OPTIONS = TriggerOptions(
    ZONE, "https://borough.test", "Testham Council", None, "real", {"care": CareOptions(timedelta(minutes=30), (9, 17))}
)


@dataclass(frozen=True, slots=True)
class CareHome:
    """A home with movement sensors."""

    number: int
    home: int
    tenancy: int
    sensors: Sequence[str]

    def sensor(self, room: str) -> str:
        """The id of the sensor in a room."""
        return f"pir-{self.number}-{room}"


def make_care_home(
    connection: Connection,
    number: int = 1,
    rooms: Sequence[str] = ("hall", "kitchen"),
    *,
    consent: bool = True,
    from_day: date = date(2020, 1, 1),
    to_day: date | None = None,
    origin: Any = "real",
    since: datetime = NOW - timedelta(days=100),
    **attributes: str,
) -> CareHome:
    """A home, its tenancy (which agrees) and its sensors; ``attributes`` are those of all of them."""
    one = CareHome(number, 10_000_000_000_000 + number, 20_000_000_000_000 + number, rooms)
    make_home(
        connection, home_id=one.home, tenancy_id=one.tenancy, uprn=str(100_000_000_000 + number), from_day=from_day,
        to_day=to_day,
    )  # fmt: skip
    names = [one.sensor(room) for room in rooms]
    registry.upsert(
        connection,
        [
            Device(name, "movement-sensor", "native", origin=origin, personal=True, attributes=attributes)
            for name in names
        ],
    )
    connection.execute("update personal.device set registered_at = %s where id = any(%s)", (since, names))
    for room, name in zip(rooms, names, strict=True):
        connection.execute(
            "insert into personal.home_sensor (device_id, from_day, home_id, room) values (%s, %s, %s, %s)",
            (name, from_day, one.home, room),
        )
        say(connection, name, "contact" if room == "door" else "motion", since, 0)
    if consent:
        homes.give_consent(connection, one.tenancy, "care", "page", since)
    return one


#: All that a reading leaves, in one statement: some tests tell thousands.
_SAY = """
with known as (
    insert into personal.series (device_id, property, personal) values (%(device)s, %(name)s, true)
    on conflict (device_id, property) do update set personal = true returning id
), told as (
    insert into public.reading (series_id, time, value) select id, %(time)s, %(value)s from known
    on conflict do nothing
)
insert into public.latest as l (series_id, time, value, arrival) select id, %(time)s, %(value)s, %(time)s from known
on conflict (series_id) do update
set time = excluded.time, value = excluded.value, arrival = excluded.arrival where l.time < excluded.time
"""


def say(connection: Connection, device: str, name: str, time: datetime, value: float) -> None:
    """A reading of a sensor, as it came."""
    connection.execute(_SAY, {"device": device, "name": name, "time": time, "value": value})


def move(connection: Connection, home: CareHome, time: datetime, room: str = "hall") -> None:
    """Somebody moves: the sensor says so, and a minute and a half later that nobody does."""
    say(connection, home.sensor(room), "motion", time, 1)
    say(connection, home.sensor(room), "motion", time + timedelta(seconds=90), 0)


def heard(connection: Connection, home: CareHome, time: datetime, rooms: Sequence[str] | None = None) -> None:
    """All sensors say that they live, which is no movement: the battery, and once more what they said."""
    for room in home.sensors if rooms is None else rooms:
        say(connection, home.sensor(room), "battery", time, 80)
        say(connection, home.sensor(room), "contact" if room == "door" else "motion", time, 0)


def know(connection: Connection, home: CareHome, limit: timedelta = 3 * HOUR, away: timedelta = 6 * HOUR) -> None:
    """What is usual in a home: the same at every time of the day."""
    limits = np.full((movement.KINDS, movement.BINS), int(limit.total_seconds()))
    active = np.full((movement.KINDS, movement.BINS), 50)
    known = movement.Usual(
        home.tenancy, TODAY, NOW, 28, limits, np.full(movement.BINS, -1), int(away.total_seconds()), active
    )
    assert movement.put_usual(connection, known)


def add_carer(
    connection: Connection,
    home: CareHome,
    name: str = "Ada",
    *,
    kind: care.Kind = "family",
    mail: str | None = "",
    now: datetime = NOW - timedelta(days=2),
) -> care.Link:
    """A carer who has entered the code; ``mail``: None has no address, "" one made of the name."""
    account = accounts.sign_in(connection, "https://issuer.test", name)
    with connection.transaction():
        named = care.name_carer(connection, home.tenancy, kind, name, f"Home {home.number}", now, TODAY)
        assert named is not None
        link = care.take_code(connection, account.id, named[1], now, TODAY)
    assert link is not None
    if mail is not None:
        contact = contacts.email(
            connection, mail or f"{name.lower()}@example.org", origin="real", account=account.id, confirmed_at=now
        )
        assert care.set_contact(connection, link.id, contact)
    found = care.link(connection, account.id, link.id, TODAY)
    assert found is not None
    return found


def look(connection: Connection, now: datetime = NOW) -> None:
    """One look of `borough deliver` at all homes."""
    delivery.look(connection, OPTIONS, now)


def quiet_home(connection: Connection, number: int = 1) -> CareHome:
    """A home that has been quiet for five hours, three of which are usual, and is heard."""
    one = make_care_home(connection, number, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, NOW - 5 * HOUR)
    heard(connection, one, NOW - MINUTE)
    return one


def sent(connection: Connection) -> None:
    """The relay took all that waits."""
    connection.execute("update personal.message set state = 'sent', settled_at = now() where state = 'waiting'")


def messages(connection: Connection) -> list[tuple[str, str, str, str]]:
    """(key, address, kind, state) of all messages, in the order in which they were put."""
    return connection.execute(
        "select m.key, c.address, m.kind, m.state from personal.message m"
        " join personal.contact c on c.id = m.contact_id order by m.id"
    ).fetchall()


def alerts(connection: Connection) -> list[tuple[Any, ...]]:
    """(kind, device, whether it has ended, shadow) of all alerts."""
    return connection.execute(
        "select kind, device_id, ended_at is not null, shadow from personal.quiet_alert order by id"
    ).fetchall()
