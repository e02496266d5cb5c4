"""Rows of the store as the JSON of SensorThings 1.1 and 2.0: what a property looks like, and an entity around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from dashboard.sensorthings.addresses import key_text, way_address
from store.sta_entities import MEASUREMENT, Version, model
from store.sta_model import Entity, Property
from store.times import microseconds

#: The columns of a property of one row -> its JSON; None: the property is not shown.
Form = Callable[[Sequence[Any]], Any]

_UTC = "+00:00"
_EXACT = 2**53


def time_text(moment: datetime) -> str:
    """An instant as ISO 8601 in UTC: ``2026-06-01T00:00:00Z``, six digits where it has a fraction."""
    return moment.isoformat().replace(_UTC, "Z")


def number(value: float | None) -> float | int | None:
    """A number as JSON has it best: whole ones without a fraction, what is none (NaN, infinite) as null."""
    if value is None or value - value != 0.0:
        return None
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _point(columns: Sequence[Any]) -> Any:
    lon, lat = columns
    return None if lon is None else {"type": "Point", "coordinates": [number(lon), number(lat)]}


def _place(columns: Sequence[Any]) -> Any:
    """Where nobody knows where, GeoJSON has a feature without a geometry (RFC 7946, 3.2)."""
    return _point(columns) or {"type": "Feature", "geometry": None, "properties": {}}


def _period_1(columns: Sequence[Any]) -> Any:
    start, end = columns
    if start is None:
        return None
    return f"{time_text(start)}/{time_text(end)}" if end is not None else time_text(start)


def _period_2(columns: Sequence[Any]) -> Any:
    start, end = columns
    if start is None:
        return None
    return {"start": start, "end": end} if end is not None else {"start": start}


def _unit_1(columns: Sequence[Any]) -> Any:
    code, name, symbol = columns
    return {"name": name, "symbol": symbol, "definition": None if code is None else f"ucum:{code}"}


def _first(columns: Sequence[Any]) -> Any:
    return columns[0]


def _result_time(columns: Sequence[Any]) -> Any:
    time, stop = columns
    return stop or time


def _constant(text: str) -> Form:
    return lambda _: text


def _nothing(_: Sequence[Any]) -> None:
    return None


def _result_type(root: str) -> Form:
    def form(columns: Sequence[Any]) -> Any:
        label, name, code, unit, symbol = columns
        uom = {} if code is None else {"uom": {"code": code, "label": unit, "symbol": symbol}}
        definition = f"{root}/ObservedProperties({key_text(name)})"
        return {"type": "Quantity", "label": label, "definition": definition, **uom}

    return form


_GEOJSON = _constant("application/geo+json")
#: (entity, property) -> its form, where the type does not say it.
_OWN: Mapping[tuple[str, str], Form] = {
    ("Location", "encodingType"): _GEOJSON,
    ("FeatureOfInterest", "encodingType"): _GEOJSON,
    ("Feature", "encodingType"): _GEOJSON,
    ("FeatureOfInterest", "feature"): _place,
    ("Feature", "feature"): _place,
    ("Sensor", "encodingType"): _constant("text/html"),
    ("Datastream", "unitOfMeasurement"): _unit_1,
    ("Datastream", "observationType"): _constant(MEASUREMENT),
    ("Datastream", "properties"): lambda columns: {"property": columns[0], "kind": columns[1]},
    ("Sensor", "properties"): lambda columns: {"family": columns[0], "model": columns[1]},
    ("FeatureOfInterest", "properties"): lambda columns: {"family": columns[0]},
    ("Feature", "properties"): lambda columns: {"family": columns[0]},
    ("ObservedProperty", "properties"): lambda _: {},
    ("FeatureType", "properties"): lambda _: {},
    ("Observation", "result"): lambda columns: number(columns[0]),
    ("Observation", "resultTime"): _result_time,
}


def form(version: Version, root: str, entity: str, prop: Property) -> Form:
    """How a property is written. Of an ``id`` see `identity`."""
    own = _OWN.get((entity, prop.name))
    if own is not None:
        return own
    if prop.name == "resultType":
        return _result_type(root)
    if prop.type == "point":
        return _point
    if prop.type == "interval":
        if version == "1.1":
            return _period_1 if prop.columns != () else _nothing
        return _nothing if prop.columns == () else _period_2
    return _nothing if prop.columns == () else _first


def identity(entity: str, key: Sequence[Any]) -> str | int:
    """An entity's id, of the values of its key."""
    if entity in ("Observation", "HistoricalLocation"):
        return f"{key[0]}-{microseconds(key[1])}"
    if entity == "Sensor":
        return ":".join(key[:3])
    found: str | int = key[0]
    return found


class Names(NamedTuple):
    """What the annotations of a version are called; ``reference``: the address of the entity itself."""

    id: str
    reference: str
    total: str
    next: str
    link: str


NAMES: Mapping[Version, Names] = {
    "1.1": Names("@iot.id", "@iot.selfLink", "@iot.count", "@iot.nextLink", "@iot.navigationLink"),
    "2.0": Names("id", "@id", "@count", "@nextLink", "@navigationLink"),
}


class Writer:
    """Entities of one kind as they were asked for: rows of a statement in, dictionaries for JSON out.

    ``select``: names of properties, ways and ``id``, None for all. ``annotations``: without them (2.0,
    ``metadata=minimal`` or ``none``) no address is written.
    """

    def __init__(
        self,
        version: Version,
        root: str,
        entity: Entity,
        select: Sequence[str] | None,
        expanded: Sequence[str] = (),
        *,
        annotations: bool = True,
    ) -> None:
        self.entity = entity
        self._names = NAMES[version]
        self._address = f"{root}/{entity.set}("
        self._root = root
        shown = [name for name in entity.properties if name != "id" and (select is None or name in select)]
        #: Properties whose columns the statement has to bring, in this order.
        self.wanted = [name for name in shown if entity.properties[name].written]
        self._id = select is None or "id" in select
        self._reference = annotations and (select is None or "id" in select or version == "2.0")
        self._links = [
            (f"{name}{self._names.link}", f")/{name}")
            for name in entity.ways
            if annotations and (select is None or name in select) and name not in expanded
        ]
        self._forms: list[tuple[str, Form, slice]] = []
        place = len(entity.key)
        for name in shown:
            prop = entity.properties[name]
            width = len(prop.written)
            self._forms.append((name, form(version, root, entity.name, prop), slice(place, place + width)))
            place += width
        #: How many columns of a row are the key's and the properties'; those of the order follow.
        self.width = place

    def write(self, row: Sequence[Any]) -> dict[str, Any]:
        """One entity. ``row`` begins with its key."""
        made: dict[str, Any] = {}
        id_ = identity(self.entity.name, row)
        key = key_text(id_)
        if self._reference:
            made[self._names.reference] = f"{self._address}{key})"
        if self._id:
            made[self._names.id] = id_
        for name, of, columns in self._forms:
            shown = of(row[columns])
            if shown is not None:
                made[name] = shown
        for name, rest in self._links:
            made[name] = f"{self._address}{key}{rest}"
        return made

    def reference(self, row: Sequence[Any]) -> dict[str, str]:
        """Only the address of the entity (``$ref``)."""
        return {self._names.reference: f"{self._address}{key_text(identity(self.entity.name, row))})"}

    def way(self, row: Sequence[Any], name: str) -> str:
        """The address of a way from the entity."""
        return way_address(self._root, self.entity, identity(self.entity.name, row), name)


def observation(
    version: Version,
    root: str,
    series: int,
    time: datetime,
    stop: datetime | None,
    value: float,
    *,
    annotations: bool = True,
) -> dict[str, Any]:
    """One Observation as an answer has it: of a reading at ``time``, that stands for what lies before ``stop``."""
    writer = Writer(version, root, model(version).entities["Observation"], None, annotations=annotations)
    return writer.write((series, time, time, stop, value, time, stop))


def dumps(body: Any) -> bytes:
    """JSON as it goes out: instants in UTC with a ``Z``."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
