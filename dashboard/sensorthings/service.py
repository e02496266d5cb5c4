"""What a service says of itself: its root document in both versions, and the schema of its data (2.0, CSDL)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from store.sta_model import Entity, Model, Property

_SPEC_1 = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_SPEC_2 = "http://www.opengis.net/spec/sensorthings/2.0"

#: Requirements that are served, by the standards' own names (docs/reference/sensorthings.md).
CONFORMANCE_1 = (
    f"{_SPEC_1}/datamodel",
    f"{_SPEC_1}/resource-path/resource-path-to-entities",
    f"{_SPEC_1}/request-data",
)
CONFORMANCE_2 = (
    f"{_SPEC_2}/req-class/datamodel/core",
    f"{_SPEC_2}/req-class/api/read",
    f"{_SPEC_2}/req-class/binding/http",
    f"{_SPEC_2}/req/binding/http/request_response",
)
_NAMESPACE = "org.OGC.STA"
_CONTAINER = "SensorThingsV2"


#: What is served where Observations are published (`borough announce`), and where their broker is said to be.
_PUBLISHED_1 = f"{_SPEC_1}/receive-updates-via-mqtt/receive-updates"
_PUBLISHED_2 = f"{_SPEC_2}/req/binding/mqtt"


def root_document(model: Model, root: str, functions: Sequence[str], endpoints: Sequence[str]) -> dict[str, Any]:
    """The sets of entities and what the server can do. ``endpoints``: brokers that have new Observations."""
    value = [{"name": entity.set, "url": f"{root}/{entity.set}"} for entity in model.entities.values()]
    if model.version == "1.1":
        settings: dict[str, Any] = {"conformance": list(CONFORMANCE_1)}
        if endpoints:
            settings[_PUBLISHED_1] = {"endpoints": list(endpoints)}
        return {"value": value, "serverSettings": settings}
    published = {_PUBLISHED_2: {"endpoints": list(endpoints)}} if endpoints else {}
    return {
        "@context": f"{root}/$metadata",
        "value": value,
        "serverSettings": {
            "conformance": list(CONFORMANCE_2),
            "functions": list(functions),
            f"{_SPEC_2}/req/binding/http": {"endpoints": [root]},
            **published,
        },
    }


def schema(model: Model) -> dict[str, Any]:
    """The entities, their properties and their ways in the words of OData's CSDL JSON 4.01."""
    types: dict[str, Any] = {entity.name: _type(model, entity) for entity in model.entities.values()}
    types["Object"] = {"$Kind": "ComplexType", "$OpenType": True}
    moment = {"$Type": "Edm.DateTimeOffset", "$Precision": 6}
    types["TM_Period"] = {"$Kind": "ComplexType", "start": moment, "end": moment}
    types["TM_Object"] = {"$Kind": "ComplexType", "start": moment, "end": {**moment, "$Nullable": True}}
    container: dict[str, Any] = {"$Kind": "EntityContainer"}
    for entity in model.entities.values():
        container[entity.set] = {
            "$Collection": True,
            "$Type": f"{_NAMESPACE}.{entity.name}",
            "$NavigationPropertyBinding": {way.name: model.entities[way.target].set for way in entity.ways.values()},
        }
    types[_CONTAINER] = container
    return {"$Version": "4.01", "$EntityContainer": f"{_NAMESPACE}.{_CONTAINER}", _NAMESPACE: types}


def _type(model: Model, entity: Entity) -> dict[str, Any]:
    made: dict[str, Any] = {"$Kind": "EntityType", "$Key": ["id"]}
    for prop in entity.properties.values():
        made[prop.name] = _property(entity, prop)
    for way in entity.ways.values():
        target = model.entities[way.target]
        back = [one.name for one in target.ways.values() if one.target == entity.name]
        made[way.name] = {
            "$Kind": "NavigationProperty",
            "$Type": f"{_NAMESPACE}.{way.target}",
            **({"$Collection": True} if way.many else {}),
            **({"$Partner": back[0]} if len(back) == 1 else {}),
        }
    return made


def _property(entity: Entity, prop: Property) -> dict[str, Any]:
    kinds = {
        "int": "Edm.Int64",
        "number": "Edm.Double",
        "bool": "Edm.Boolean",
        "instant": "Edm.DateTimeOffset",
        "json": f"{_NAMESPACE}.Object",
        "sub": f"{_NAMESPACE}.Object",
        "any": "Edm.Untyped",
        "written": "Edm.Untyped",
        "point": "Edm.Geometry",
        "text": "Edm.String",
        "interval": f"{_NAMESPACE}.{'TM_Object' if (entity.name, prop.name) == _OBJECT else 'TM_Period'}",
    }
    made: dict[str, Any] = {} if prop.type == "text" else {"$Type": kinds[prop.type]}
    if prop.type == "point":
        made["$SRID"] = 4326
    if prop.type == "instant":
        made["$Precision"] = 6
    if prop.nullable:
        made["$Nullable"] = True
    return made


_OBJECT = ("Observation", "phenomenonTime")
