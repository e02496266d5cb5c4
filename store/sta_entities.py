"""What can be asked of which SensorThings entity: properties with their SQL, and ways from one to another.

The same tables for both versions of the standard; only names and forms differ. Nothing of a household, and nothing of
the other origin than the installation's, is in any relation here, so no way, filter or order leads to it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Literal

from devices.families import FAMILIES
from devices.observed import FAMILY_WORDS, OBSERVED, UNITS
from store import sta_keys
from store.queries import queries
from store.sta_model import Entity, Key, Model, Property, Type, Way

_SQL = queries("sta_entities")

Version = Literal["1.1", "2.0"]
VERSIONS: tuple[Version, ...] = ("1.1", "2.0")

_WORDS = [(family.name, item) for family in FAMILIES.values() for item in family.properties.values()]
_US = "(extract(epoch from {t}.time) * 1000000)::int8"
#: What every result is: a number, by the words of Observations and Measurements.
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


def parameters(origin: Literal["real", "simulated"], root: str) -> dict[str, Any]:
    """What the relations ask for: whose devices, our own words, and the ``root`` of addresses (``…/v1.1``)."""
    return {
        "origin": origin,
        "root": root,
        "families": list(FAMILY_WORDS),
        "family_labels": list(FAMILY_WORDS.values()),
        "properties": list(OBSERVED),
        "labels": [one.label for one in OBSERVED.values()],
        "descriptions": [one.description for one in OBSERVED.values()],
        "definitions": [one.definition for one in OBSERVED.values()],
        "word_families": [family for family, _ in _WORDS],
        "word_properties": [item.name for _, item in _WORDS],
        "word_labels": [OBSERVED[item.name].label for _, item in _WORDS],
        "word_units": [item.unit for _, item in _WORDS],
        "unit_names": [UNITS[item.unit].name for _, item in _WORDS],
        "unit_symbols": [UNITS[item.unit].symbol for _, item in _WORDS],
        "kinds": [item.kind for _, item in _WORDS],
    }


@cache
def model(version: Version) -> Model:
    """The entities of a version."""
    made = (_thing, _location, _historical_location, _datastream, _sensor, _observed_property, _observation, _feature)
    entities = [make(version) for make in made]
    if version == "2.0":
        entities.append(_feature_type())
    return Model(version, {one.name: one for one in entities})


@cache
def narrowed(version: Version, to: Literal["one", "each"]) -> Model:
    """The same entities, where Observations are those of one series that is known (its parameters: ``only``,
    ``only_device``, ``only_length``), or of each Datastream that they are asked of (`store.sta_scope.Related`).

    Only for questions that name Observations nowhere else.
    """
    known = model(version)
    observation = known.entities["Observation"]
    series, time = observation.key
    key = (replace(series, constant=True), time) if to == "one" else observation.key
    relation = _relation("observation_of_one") if to == "one" else _relation("observation_of_each")
    observation = replace(observation, relation=relation, key=key)
    return Model(version, {**known.entities, "Observation": observation})


def _relation(name: str) -> str:
    return f"({_SQL[name].decode()})"


def _properties(*items: Property) -> dict[str, Property]:
    return {item.name: item for item in items}


def _ways(*items: Way) -> dict[str, Way]:
    return {item.name: item for item in items}


def _text(name: str, sql: str | None = None, *, nullable: bool = False) -> Property:
    return Property(name, "text", sql or f"{{t}}.{name}", nullable=nullable)


def _nothing(name: str, kind: Type) -> Property:
    """A property of the standard that no entity of ours has: it can be asked, and is null."""
    of: dict[str, tuple[str, str | None]] = {
        "interval": ("null::timestamptz", "null::timestamptz"),
        "json": ("null::jsonb", None),
        "text": ("null::text", None),
    }
    sql, end = of[kind]
    return Property(name, kind, sql, end, nullable=True, columns=())


def _id(sql: str = "{t}.id", kind: Type = "text") -> Property:
    return Property("id", kind, sql, of_key=True, columns=())


def _own(version: Version) -> tuple[Property, ...]:
    """What version 2.0 gives entities that have no definition of ours."""
    return (_nothing("definition", "text"),) if version == "2.0" else ()


def _thing(version: Version) -> Entity:
    return Entity(
        "Thing",
        "Things",
        _relation("thing"),
        (Key("{t}.id", "text"),),
        _properties(
            _id(),
            _text("name"),
            *_own(version),
            _text("description"),
            Property("properties", "json", "({t}.attributes - 'name' - 'description')"),
        ),
        _ways(
            Way("Datastreams", "Datastream", True, "{t}.device_id = {s}.id"),
            Way("Locations", "Location", True, "{t}.id = {s}.location_id"),
            Way("HistoricalLocations", "HistoricalLocation", True, "{t}.device_id = {s}.id"),
        ),
        sta_keys.of_name,
    )


def _location(version: Version) -> Entity:
    return Entity(
        "Location",
        "Locations",
        _relation("location"),
        (Key("{t}.id", "text"),),
        _properties(
            _id(),
            _text("name"),
            *_own(version),
            _text("description"),
            Property("encodingType", "text", "'application/geo+json'::text", columns=()),
            Property("location", "point", "{t}.lon", "{t}.lat"),
            Property("properties", "json", "{t}.properties"),
        ),
        _ways(
            Way("Things", "Thing", True, "{t}.id = any({s}.things)"),
            Way(
                "HistoricalLocations",
                "HistoricalLocation",
                True,
                "({t}.device_id = any({s}.stayed) and {s}.id = any({t}.locations))",
            ),
        ),
        sta_keys.of_name,
    )


def _historical_location(_: Version) -> Entity:
    return Entity(
        "HistoricalLocation",
        "HistoricalLocations",
        _relation("historical_location"),
        (Key("{t}.device_id", "text"), Key("{t}.time", "timestamptz")),
        _properties(_id(f"({{t}}.device_id || '-' || {_US})"), Property("time", "instant", "{t}.time")),
        _ways(
            Way("Thing", "Thing", False, "{t}.id = {s}.device_id"),
            Way("Locations", "Location", True, "{t}.id = any({s}.locations)"),
        ),
        sta_keys.of_stay,
    )


#: A series' first and last reading; each asks the index for one row.
_FIRST_TIME = "(select x.time from public.reading x where x.series_id = {t}.id order by x.time limit 1)"
_LAST_TIME = "(select x.time from public.reading x where x.series_id = {t}.id order by x.time desc limit 1)"
_LENGTH = "coalesce({t}.length, interval '0')"


def _datastream(version: Version) -> Entity:
    name = "({t}.label || ' at ' || {t}.device_name)"
    description = (
        "({t}.label || coalesce(' in ' || nullif({t}.unit_name, 'one'), '') || ', measured by ' || {t}.device_id)"
    )
    shown = {
        "1.1": (
            Property(
                "unitOfMeasurement",
                "sub",
                columns=("{t}.unit", "{t}.unit_name", "{t}.unit_symbol"),
                parts=_properties(
                    _text("name", "{t}.unit_name", nullable=True),
                    _text("symbol", "{t}.unit_symbol", nullable=True),
                    _text("definition", "('ucum:' || {t}.unit)", nullable=True),
                ),
            ),
            Property("observationType", "text", f"'{MEASUREMENT}'::text", columns=()),
        ),
        "2.0": (
            Property(
                "resultType",
                "sub",
                columns=("{t}.label", "{t}.property", "{t}.unit", "{t}.unit_name", "{t}.unit_symbol"),
                parts=_properties(
                    _text("type", "'Quantity'::text"),
                    _text("label", "{t}.label"),
                    _text("definition", "(%(root)s || '/ObservedProperties(''' || {t}.property || ''')')"),
                    Property(
                        "uom",
                        "sub",
                        parts=_properties(
                            _text("code", "{t}.unit", nullable=True),
                            _text("label", "{t}.unit_name", nullable=True),
                            _text("symbol", "{t}.unit_symbol", nullable=True),
                        ),
                    ),
                ),
            ),
            _nothing("resultEncoding", "json"),
        ),
    }
    last = f"({_LAST_TIME} + {_LENGTH})"
    common = (
        Property("observedArea", "point", "{t}.lon", "{t}.lat", nullable=True),
        Property("phenomenonTime", "interval", _FIRST_TIME, last, nullable=True),
        Property("resultTime", "interval", f"({_FIRST_TIME} + {_LENGTH})", last, nullable=True),
        Property(
            "properties",
            "json",
            "jsonb_build_object('property', {t}.property, 'kind', {t}.kind)",
            columns=("{t}.property", "{t}.kind"),
        ),
    )
    many = version == "2.0"
    ways = [
        Way("Thing", "Thing", False, "{t}.id = {s}.device_id"),
        Way(
            "Sensor",
            "Sensor",
            False,
            "({t}.family = {s}.family and {t}.model = {s}.model and {t}.property = {s}.property)",
        ),
        Way("ObservedProperties" if many else "ObservedProperty", "ObservedProperty", many, "{t}.id = {s}.property"),
        Way("Observations", "Observation", True, "{t}.series_id = {s}.id"),
    ]
    if version == "2.0":
        ways.append(Way("ProximateFeatureOfInterest", "Feature", False, "{t}.id = {s}.device_id"))
        ways.append(Way("UltimateFeaturesOfInterest", "Feature", True, "false"))
    return Entity(
        "Datastream",
        "Datastreams",
        _relation("datastream"),
        (Key("{t}.id", "integer"),),
        _properties(
            _id(kind="int"),
            _text("name", name),
            *_own(version),
            _text("description", description),
            *shown[version],
            *common,
        ),
        _ways(*ways),
        sta_keys.of_series,
    )


def _sensor(version: Version) -> Entity:
    return Entity(
        "Sensor",
        "Sensors",
        _relation("sensor"),
        (Key("{t}.family", "text"), Key("{t}.model", "text"), Key("{t}.property", "text")),
        _properties(
            _id("({t}.family || ':' || {t}.model || ':' || {t}.property)"),
            _text("name", "({t}.model || ': ' || {t}.label)"),
            *_own(version),
            _text("description", "({t}.label || ' by ' || lower({t}.family_label) || ', model ' || {t}.model)"),
            Property("encodingType", "text", "'text/html'::text", columns=()),
            _text("metadata", "({t}.family_label || ', model ' || {t}.model)"),
            Property(
                "properties",
                "json",
                "jsonb_build_object('family', {t}.family, 'model', {t}.model)",
                columns=("{t}.family", "{t}.model"),
            ),
        ),
        _ways(
            Way(
                "Datastreams",
                "Datastream",
                True,
                "({t}.family = {s}.family and {t}.model = {s}.model and {t}.property = {s}.property)",
            )
        ),
        sta_keys.of_sensor,
    )


def _observed_property(_: Version) -> Entity:
    return Entity(
        "ObservedProperty",
        "ObservedProperties",
        _relation("observed_property"),
        (Key("{t}.id", "text"),),
        _properties(
            _id(),
            _text("name"),
            _text("definition"),
            _text("description"),
            Property("properties", "json", "'{}'::jsonb", columns=()),
        ),
        _ways(Way("Datastreams", "Datastream", True, "{t}.property = {s}.id")),
        sta_keys.of_name,
    )


def _observation(version: Version) -> Entity:
    shown = (
        (_nothing("resultQuality", "json"), _nothing("parameters", "json"))
        if version == "1.1"
        else (_nothing("properties", "json"),)
    )
    feature = (
        Way("FeatureOfInterest", "FeatureOfInterest", False, "{t}.id = {s}.device_id")
        if version == "1.1"
        else Way("ProximateFeatureOfInterest", "Feature", False, "{t}.id = {s}.device_id")
    )
    return Entity(
        "Observation",
        "Observations",
        _relation("observation"),
        (Key("{t}.series_id", "integer"), Key("{t}.time", "timestamptz")),
        _properties(
            _id(f"({{t}}.series_id || '-' || {_US})"),
            Property("phenomenonTime", "interval", "{t}.time", "{t}.stop"),
            Property("result", "any", "{t}.value"),
            Property("resultTime", "instant", "coalesce({t}.stop, {t}.time)", columns=("{t}.time", "{t}.stop")),
            _nothing("validTime", "interval"),
            *shown,
        ),
        _ways(Way("Datastream", "Datastream", False, "{t}.id = {s}.series_id"), feature),
        sta_keys.of_reading,
        vast=True,
    )


def _feature(version: Version) -> Entity:
    ways = [Way("Observations", "Observation", True, "{t}.device_id = {s}.id")]
    if version == "2.0":
        ways += [
            Way("DatastreamsProximate", "Datastream", True, "{t}.device_id = {s}.id"),
            Way("DatastreamsUltimate", "Datastream", True, "false"),
            Way("FeatureTypes", "FeatureType", True, "{t}.id = {s}.family"),
        ]
    name, of_set = ("FeatureOfInterest", "FeaturesOfInterest") if version == "1.1" else ("Feature", "Features")
    return Entity(
        name,
        of_set,
        _relation("feature"),
        (Key("{t}.id", "text"),),
        _properties(
            _id(),
            _text("name"),
            *_own(version),
            _text("description"),
            Property("encodingType", "text", "'application/geo+json'::text", columns=()),
            Property("feature", "point", "{t}.lon", "{t}.lat", nullable=True),
            Property("properties", "json", "jsonb_build_object('family', {t}.family)", columns=("{t}.family",)),
        ),
        _ways(*ways),
        sta_keys.of_name,
    )


def _feature_type() -> Entity:
    return Entity(
        "FeatureType",
        "FeatureTypes",
        _relation("feature_type"),
        (Key("{t}.id", "text"),),
        _properties(
            _id(),
            _text("name"),
            _nothing("definition", "text"),
            _text("description", "('Surroundings of a device of the family ' || {t}.id)"),
            Property("properties", "json", "'{}'::jsonb", columns=()),
        ),
        _ways(Way("Features", "Feature", True, "{t}.family = {s}.id")),
        sta_keys.of_name,
    )
