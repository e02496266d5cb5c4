"""Messages and, beside them, what must stand in the table in the end. A function of the seed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from devices.device import Device
from devices.families import FAMILIES
from simulators.publisher import Message
from store import connect, registry
from tests.tools import kept
from tests.tools.servers import wait_for

#: (device, property, microseconds since the Unix epoch) -> value
Expected = dict[tuple[str, str, int], float]

#: One property of each family, with values that a float64 and JSON carry alike.
PROPERTIES: Mapping[str, tuple[str, float, float, int]] = {
    "parking-bay": ("occupied", 0, 1, 0),
    "smart-meter": ("import_interval", 0, 3, 3),
    "air-monitor": ("pm2_5", 0, 80, 1),
    "movement-sensor": ("illuminance", 0, 900, 0),
}


@dataclass(slots=True)
class Load:
    """What is published and what must come of it."""

    devices: list[Device]
    messages: list[Message] = field(default_factory=list)
    expected: Expected = field(default_factory=dict)


def device(name: str, family: str, model: str = "native") -> Device:
    """A registered device without a place, of its family's class."""
    return Device(name, family, model, personal=FAMILIES[family].personal)


def rfc3339(microseconds: int) -> str:
    """An instant as most devices write it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return moment.isoformat().replace("+00:00", "Z")


def now() -> int:
    """This moment, whole seconds [us since the epoch]."""
    return int(time.time()) * 1_000_000


def native_load(seed: int, messages: int, *, devices: int = 200, name: str = "d", shuffled: bool = False) -> Load:
    """One reading a message, every time different, from devices of four families in turn.

    Times begin two days ago and go on by 10 s a device; ``shuffled`` publishes them in any order.
    """
    chance = random.Random(seed)
    families = list(PROPERTIES)
    load = Load([device(f"{name}{index:04}", families[index % 4]) for index in range(devices)])
    start = now() - 2 * 86_400_000_000
    for index in range(messages):
        sender = load.devices[index % devices]
        what, low, high, digits = PROPERTIES[sender.family]
        at = start + (index // devices) * 10_000_000
        value = float(chance.randint(round(low * 10**digits), round(high * 10**digits)) / 10**digits)
        load.expected[sender.id, what, at] = value
        load.messages.append(message(sender, {"time": rfc3339(at), what: value}))
    if shuffled:
        chance.shuffle(load.messages)
    return load


def message(sender: Device, payload: Mapping[str, object] | bytes) -> Message:
    """A native message of a device."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return f"borough/{sender.family}/{sender.id}/reading", data


def register(database: str, devices: Iterable[Device]) -> None:
    """Put devices into the registry."""
    with connect.connect(database) as connection:
        registry.upsert(connection, list(devices))
        connection.commit()


def ask(database: str, question: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of one query."""
    return kept.rows(database, question, *values)


def number(database: str, question: str, *values: object) -> int:
    """A query's only number."""
    ((found,),) = ask(database, question, *values)
    assert isinstance(found, int)
    return found


def count(database: str, what: str) -> int:
    """``select count(*) from`` what."""
    return number(database, f"select count(*) from {what}")


def grows(database: str, what: str, to: int, timeout: float = 20.0) -> bool:
    """Whether a table has at least so many rows in time."""
    return wait_for(lambda: count(database, what) >= to, timeout)


def stored(database: str) -> Expected:
    """Every reading in the table."""
    rows = ask(
        database,
        "select s.device_id, s.property, (extract(epoch from r.time) * 1000000)::int8, r.value"
        " from public.reading r join personal.series s on s.id = r.series_id",
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}  # type: ignore[misc]


def assert_stored(database: str, expected: Expected) -> None:
    """Each expected reading stands in the table exactly once, with its time and value, and nothing else does."""
    found = stored(database)
    # the primary key makes a second row impossible; were it missing the counts would differ
    rows = count(database, "public.reading")
    lost = [key for key in expected if key not in found]
    strange = [key for key in found if key not in expected]
    wrong = [key for key in expected if key in found and found[key] != expected[key]]
    assert not lost, f"{len(lost)} of {len(expected)} readings lost, such as {lost[:3]}"
    assert not strange, f"{len(strange)} readings that nobody sent, such as {strange[:3]}"
    assert not wrong, f"{len(wrong)} wrong values, such as {[(key, expected[key], found[key]) for key in wrong[:3]]}"
    assert rows == len(expected), f"{rows} rows for {len(expected)} readings"
