"""A small town of things, streams and observations in tables of its own, and the entity model over them.

It stands for the real model in tests of the query language: each kind of property, each way, null wherever it can be.
``ROWS`` says the same in plain lists, for `tests.references.sensorthings`.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from store.connect import Connection
from store.sta_model import Entity, Key, Model, Property, Way

Row = dict[str, Any]

BEGIN = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)

TEXTS = [
    "", "a", "A", "ab", "Ab", "b", "Bay 17", "bay-17", "  padded\u2003", "Straße", "ÉCOLE", "é", "z", "Ω", "ω",
    "\U0001d518nit", "it's", "100%", "a_b", "%(p1)s", "\\", "née", "ς", "Zone", "zone", "10", "9",
]  # fmt: skip
_JSON: list[Any] = [
    None,
    "a",
    "Zone",
    "10",
    "-3.5",
    "1e3",
    10,
    -3.5,
    0,
    2,
    True,
    False,
    ["x", "y", 2],
    {"deep": "z", "n": 4},
    [],
]
_PLACES = [
    (-0.12, 51.5),
    (0.0, 0.0),
    (1.0, 1.0),
    (0.5, 0.5),
    (2.0, 0.0),
    (1.0, 0.0),
    (-0.125, 51.5),
    (0.1, 0.3),
    (3.0, 3.0),
    None,
]
VALUES = [
    0.0,
    1.0,
    2.0,
    3.0,
    -1.0,
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    21.25,
    9.0,
    10.0,
    0.1,
    0.2,
    0.3,
    1e6,
    -2.0,
    0.49999999999999994,
]
_DDL = """
create table q_thing (id text primary key, name text not null, description text, height double precision, floors int8,
    active boolean, properties jsonb, lon double precision, lat double precision, since timestamptz not null,
    seen timestamptz);
create table q_sensor (id text primary key, name text not null);
create table q_stream (id int primary key, thing text not null references q_thing, sensor text references q_sensor,
    name text not null, unit text, symbol text, spread interval, properties jsonb);
create table q_observation (stream int not null references q_stream, time timestamptz not null, value double precision,
    valid timestamptz, primary key (stream, time));
"""


def rows(seed: int = 5) -> dict[str, list[Row]]:
    """The town by tables: plain values, instants aware, places as pairs."""
    random_ = random.Random(seed)

    def some(values: list[Any], none: float = 0.25) -> Any:
        return None if random_.random() < none else random_.choice(values)

    def moment(step: int = 1) -> datetime:
        return BEGIN + timedelta(
            minutes=random_.randrange(0, 300, step), microseconds=random_.choice([0, 0, 1, 999_999, 500_000])
        )

    things = []
    for number in range(12):
        properties = {key: random_.choice(_JSON) for key in ("zone", "level", "tags", "kind") if random_.random() < 0.7}
        things.append(
            {
                "id": f"{random_.choice(['bay', 'Bay', 'é', 'air'])}-{number}",
                "name": random_.choice(TEXTS),
                "description": some(TEXTS),
                "height": some(VALUES),
                "floors": some([-7, -1, 0, 1, 2, 3, 10]),
                "active": some([True, False]),
                "properties": some([properties], 0.1),
                "place": random_.choice(_PLACES),
                "since": moment(),
                "seen": some([moment()]),
            }
        )
    sensors = [{"id": f"s{number}", "name": random_.choice(TEXTS)} for number in range(4)]
    streams: list[Row] = [
        {
            "id": number + 1,
            "thing": random_.choice(things)["id"],
            "sensor": some([sensor["id"] for sensor in sensors], 0.15),
            "name": random_.choice(TEXTS),
            "unit": some(["ug/m3", "kWh", "°C"]),
            "symbol": some(["µg", "C", ""]),
            "spread": some([timedelta(minutes=30), timedelta(hours=1)], 0.5),
            "properties": some([{"zone": random_.choice(_JSON), "limit": random_.choice([1, 2.5, "3", None])}], 0.2),
        }
        for number in range(20)
    ]
    observations = []
    for stream in streams[:-3]:
        times = sorted(
            {BEGIN + timedelta(minutes=30 * random_.randrange(0, 12)) for _ in range(6)} | {moment() for _ in range(3)}
        )
        observations += [
            {"stream": stream["id"], "time": time, "value": some(VALUES, 0.1), "valid": some([moment()], 0.5)}
            for time in times
        ]
    return {"thing": things, "sensor": sensors, "stream": streams, "observation": observations}


def fill(connection: Connection, town: Mapping[str, list[Row]]) -> None:
    """Make the tables and put a town into them."""
    connection.execute(_DDL.encode())
    for thing in town["thing"]:
        lon, lat = thing["place"] or (None, None)
        properties = None if thing["properties"] is None else json.dumps(thing["properties"])
        values = [thing[name] for name in ("id", "name", "description", "height", "floors", "active")]
        connection.execute(
            "insert into q_thing values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*values, properties, lon, lat, thing["since"], thing["seen"]),
        )
    for sensor in town["sensor"]:
        connection.execute("insert into q_sensor values (%s, %s)", (sensor["id"], sensor["name"]))
    for stream in town["stream"]:
        properties = None if stream["properties"] is None else json.dumps(stream["properties"])
        values = [stream[name] for name in ("id", "thing", "sensor", "name", "unit", "symbol", "spread")]
        connection.execute("insert into q_stream values (%s, %s, %s, %s, %s, %s, %s, %s)", (*values, properties))
    for row in town["observation"]:
        connection.execute(
            "insert into q_observation values (%s, %s, %s, %s)",
            (row["stream"], row["time"], row["value"], row["valid"]),
        )
    connection.execute("analyze q_thing; analyze q_sensor; analyze q_stream; analyze q_observation")


def key_of_observation(name: str | int) -> tuple[object, ...] | None:
    """Stream and instant of ``17-1767225600000000``."""
    match = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,17})", str(name))
    if match is None:
        return None
    return int(match[1]), datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(match[2]))


def _text_key(name: str | int) -> tuple[object, ...] | None:
    return (name,) if isinstance(name, str) else None


def _int_key(name: str | int) -> tuple[object, ...] | None:
    return (name,) if isinstance(name, int) and abs(name) < 2**31 else None


def _by_name(*properties: Property) -> dict[str, Property]:
    return {item.name: item for item in properties}


def _ways(*ways: Way) -> dict[str, Way]:
    return {item.name: item for item in ways}


def model(version: Literal["1.1", "2.0"]) -> Model:
    """The entity model over the town's tables."""
    observation = "(select o.*, o.time + s.spread as until from q_observation o join q_stream s on s.id = o.stream)"
    unit = _by_name(
        Property("symbol", "text", "{t}.symbol", nullable=True), Property("name", "text", "{t}.unit", nullable=True)
    )
    entities = [
        Entity(
            "Thing",
            "Things",
            "q_thing",
            (Key("{t}.id", "text"),),
            _by_name(
                Property("id", "text", "{t}.id"),
                Property("name", "text", "{t}.name"),
                Property("description", "text", "{t}.description", nullable=True),
                Property("height", "number", "{t}.height", nullable=True),
                Property("floors", "int", "{t}.floors", nullable=True),
                Property("active", "bool", "{t}.active", nullable=True),
                Property("properties", "json", "{t}.properties", nullable=True),
                Property("location", "point", "{t}.lon", "{t}.lat", nullable=True),
                Property("life", "interval", "{t}.since", "case when {t}.seen > {t}.since then {t}.seen end"),
                Property("since", "instant", "{t}.since"),
                Property("seen", "instant", "{t}.seen", nullable=True),
                Property("encodingType", "written", "'x'::text"),
            ),
            _ways(Way("Datastreams", "Datastream", True, "{t}.thing = {s}.id")),
            _text_key,
        ),
        Entity(
            "Sensor",
            "Sensors",
            "q_sensor",
            (Key("{t}.id", "text"),),
            _by_name(Property("id", "text", "{t}.id"), Property("name", "text", "{t}.name")),
            _ways(Way("Datastreams", "Datastream", True, "{t}.sensor = {s}.id")),
            _text_key,
        ),
        Entity(
            "Datastream",
            "Datastreams",
            "q_stream",
            (Key("{t}.id", "integer"),),
            _by_name(
                Property("id", "int", "{t}.id"),
                Property("name", "text", "{t}.name"),
                Property("unitOfMeasurement", "sub", parts=unit, columns=("{t}.unit", "{t}.symbol")),
                Property("properties", "json", "{t}.properties", nullable=True),
            ),
            _ways(
                Way("Thing", "Thing", False, "{t}.id = {s}.thing"),
                Way("Sensor", "Sensor", False, "{t}.id = {s}.sensor"),
                Way("Observations", "Observation", True, "{t}.stream = {s}.id"),
            ),
            _int_key,
        ),
        Entity(
            "Observation",
            "Observations",
            observation,
            (Key("{t}.stream", "integer"), Key("{t}.time", "timestamptz")),
            _by_name(
                Property(
                    "id", "text", "{t}.stream || '-' || (extract(epoch from {t}.time) * 1000000)::int8", of_key=True
                ),
                Property("phenomenonTime", "interval", "{t}.time", "{t}.until"),
                Property("resultTime", "instant", "{t}.time"),
                Property("result", "any", "{t}.value", nullable=True),
                Property("validTime", "instant", "{t}.valid", nullable=True),
            ),
            _ways(Way("Datastream", "Datastream", False, "{t}.id = {s}.stream")),
            key_of_observation,
            vast=True,
        ),
    ]
    return Model(version, {entity.name: entity for entity in entities})
