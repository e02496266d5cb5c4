"""What is answered to one request: from its address and its options to a body, of one state of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from dashboard.sensorthings.addresses import NotFound, Resource, key_text
from dashboard.sensorthings.collections import Collections
from dashboard.sensorthings.forms import NAMES, Writer, dumps, form, identity, time_text
from store import sta_observations
from store import sta_query as tree
from store.sta_entities import Version
from store.sta_model import Entity, Model
from store.sta_query import Query, QueryRefused
from store.sta_scope import Along, Everything, Key, Keyed, Scope
from store.sta_sql import statement

JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
#: What one entity can be asked, a property of it, and addresses of entities.
_OF_ONE = frozenset({"$select", "$expand", "$format", "$resultFormat"})
_OF_PROPERTY = frozenset({"$format"})
_OF_REFERENCES = frozenset({"$filter", "$orderby", "$top", "$skip", "$skiptoken", "$count", "$format"})
_COMPONENTS = ("id", "phenomenonTime", "resultTime", "result")
_DATA_ARRAY = "dataArray"


class Answer(NamedTuple):
    """A body and its kind; 204 without a body: the property is null."""

    body: bytes
    media_type: str = JSON
    status: int = 200


class Asked(NamedTuple):
    """A resource and what is asked of it; ``address`` and ``items`` as they came, for the next page."""

    resource: Resource
    query: Query
    address: str
    items: Sequence[tuple[str, str]]
    #: Version 2.0: whether what describes an answer goes with it (``full``), some of it (``minimal``) or ``none``.
    metadata: str = "full"


def answer(asked: Asked, collections: Collections) -> Answer:
    """The answer. Raises NotFound, QueryRefused, TooCostly, psycopg.Error."""
    resource = asked.resource
    entity, scope, single = _follow(resource, collections)
    if resource.names:
        _only(asked, _OF_PROPERTY, "a property")
        return _property(asked, collections, entity, scope)
    if resource.ref:
        _only(asked, _OF_REFERENCES, "$ref")
    elif single:
        _only(asked, _OF_ONE, "one entity")
    if asked.query.result_format is not None and (single or resource.ref or entity.name != "Observation"):
        raise QueryRefused(f"$resultFormat={_DATA_ARRAY} is for Observations: leave it out here")
    if single:
        return _one(asked, collections, entity, scope)
    return _many(asked, collections, entity, scope)


def end_of(resource: Resource, model: Model) -> Entity:
    """The kind of entity at the end of an address, which the options are about."""
    entity = resource.start
    for step in resource.steps:
        entity = model.entities[step.way.target]
    return entity


def _only(asked: Asked, allowed: frozenset[str], what: str) -> None:
    for name, _ in asked.items:
        if name.startswith("$") and name not in allowed:
            raise QueryRefused(f"{name} is not for {what}; it takes {', '.join(sorted(allowed))}")


# ------------------------------------------------------------------------------------------------- where it leads


def _follow(resource: Resource, collections: Collections) -> tuple[Entity, Scope, bool]:
    """The entity at the end of an address, the scope of the rows there, and whether it is one.

    Each entity on the way is looked up. Raises NotFound.
    """
    entity = resource.start
    if resource.id is None:
        return entity, Everything(), False
    scope: Scope = Keyed(_key(entity, resource.id))
    for number, step in enumerate(resource.steps):
        key = _exists(collections, entity, scope, Query())
        start, entity = entity, collections.model.entities[step.way.target]
        scope = Along(start.name, key, (step.way.name,))
        if step.id is not None:
            at_end = _exists(collections, entity, scope, Query(filter=_is(entity, step.id)))
            scope = Keyed(at_end)
        elif step.way.many:
            assert number == len(resource.steps) - 1, "an address goes on from one entity only"
            return entity, scope, False
    return entity, scope, True


def _key(entity: Entity, id_: str | int) -> Key:
    key = entity.key_of(id_)
    if key is None:
        raise NotFound(f"There is no {entity.name} {key_text(id_)[:200]}.")
    return key


def _is(entity: Entity, id_: str | int) -> tree.Expression:
    _key(entity, id_)
    literal: tree.Expression = tree.Int(0, id_) if isinstance(id_, int) else tree.Text(0, id_)
    return tree.Binary(0, "eq", tree.Path(0, ("id",)), literal)


def _exists(collections: Collections, entity: Entity, scope: Scope, query: Query) -> Key:
    """The key of the one entity of a scope. Raises NotFound."""
    if entity.name == "Datastream" and isinstance(scope, Keyed):
        # its readings are asked for next, and need the same
        if not sta_observations.is_open(collections.reader, scope.key[0]):
            raise NotFound(f"There is no such {entity.name}.")
        return scope.key
    found = collections.reader.rows(statement(collections.model, entity.name, query, scope=scope, wanted=(), limit=1))
    if not found:
        raise NotFound(f"There is no such {entity.name}.")
    return tuple(found[0][: len(entity.key)])


# ------------------------------------------------------------------------------------------------- what stands there


def _one(asked: Asked, collections: Collections, entity: Entity, scope: Scope) -> Answer:
    writer = collections.writer(entity, asked.query)
    wanted = () if asked.resource.ref else writer.wanted
    rows = collections.reader.rows(
        statement(collections.model, entity.name, Query(), scope=scope, wanted=wanted, limit=1)
    )
    if not rows:
        raise NotFound(f"There is no such {entity.name}.")
    if asked.resource.ref:
        return Answer(dumps({**_context(asked, collections, "$ref"), **writer.reference(rows[0])}))
    (made,) = collections.written(entity, asked.query, writer, rows)
    return Answer(dumps({**_context(asked, collections, f"{entity.set}/$entity"), **made}))


def _many(asked: Asked, collections: Collections, entity: Entity, scope: Scope) -> Answer:
    names = NAMES[collections.model.version]
    in_arrays = asked.query.result_format == _DATA_ARRAY
    if in_arrays and asked.query.expand:
        raise QueryRefused(f"$expand is not for $resultFormat={_DATA_ARRAY}: ask without one of them")
    page = collections.page(entity, asked.query, scope, asked.address, asked.items, bare=asked.resource.ref)
    fragment = "Collection($ref)" if asked.resource.ref else entity.set
    made = _context(asked, collections, fragment)
    if page.total is not None:
        made[names.total] = page.total
    if page.next is not None:
        made[names.next] = page.next
    if asked.resource.ref:
        made["value"] = [page.writer.reference(row) for row in page.rows]
    elif in_arrays:
        made["value"] = _arrays(collections, page.writer, page.rows, asked.query.select or _COMPONENTS)
    else:
        made["value"] = collections.written(entity, asked.query, page.writer, page.rows)
    return Answer(dumps(made))


def context(asked: Asked, version: Version, root: str, fragment: str) -> dict[str, Any]:
    """What an answer begins with: in version 2.0 the address of what describes it."""
    if version == "1.1" or asked.metadata == "none":
        return {}
    return {"@context": f"{root}/$metadata#{fragment}"}


def _context(asked: Asked, collections: Collections, fragment: str) -> dict[str, Any]:
    return context(asked, collections.model.version, collections.root, fragment)


def _arrays(
    collections: Collections, writer: Writer, rows: Sequence[tuple[Any, ...]], components: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Observations as arrays, those of a Datastream together, in the order in which they came."""
    names = NAMES[collections.model.version]
    shown = [names.id if name == "id" else name for name in components]
    groups: dict[int, list[list[Any]]] = {}
    for series, of in groupby(rows, itemgetter(0)):
        entities = map(writer.write, of)
        groups.setdefault(series, []).extend([one.get(name) for name in shown] for one in entities)
    return [
        {
            f"Datastream{names.link}": f"{collections.root}/Datastreams({series})",
            "components": list(components),
            _DATA_ARRAY: values,
        }
        for series, values in groups.items()
    ]


# ------------------------------------------------------------------------------------------------- one property


def _property(asked: Asked, collections: Collections, entity: Entity, scope: Scope) -> Answer:
    name, *inner = asked.resource.names
    prop = entity.properties[name]
    wanted = (name,) if prop.written else ()
    rows = collections.reader.rows(
        statement(collections.model, entity.name, Query(), scope=scope, wanted=wanted, limit=1)
    )
    if not rows:
        raise NotFound(f"There is no such {entity.name}.")
    width = len(entity.key)
    row = rows[0]
    found: Any
    if name == "id":
        found = identity(entity.name, row)
    else:
        version, root = collections.model.version, collections.root
        found = form(version, root, entity.name, prop)(row[width : width + len(prop.written)])
    for number, one in enumerate(inner):
        if not isinstance(found, Mapping) or one not in found:
            raise NotFound(f"{'/'.join([name, *inner[:number]])} has no {one[:80]}.")
        found = found[one]
    if found is None:
        return Answer(b"", status=204)
    if asked.resource.raw:
        return _raw(found)
    if collections.model.version == "1.1":
        shown = NAMES["1.1"].id if asked.resource.names == ("id",) else asked.resource.names[-1]
        return Answer(dumps({shown: found}))
    return Answer(dumps({**_context(asked, collections, _type(found)), "value": found}))


def _raw(found: Any) -> Answer:
    if isinstance(found, datetime):
        return Answer(time_text(found).encode(), _TEXT)
    if isinstance(found, str):
        return Answer(found.encode(), _TEXT)
    return Answer(dumps(found), JSON if isinstance(found, Mapping | list) else _TEXT)


def _type(found: Any) -> str:
    """What OData calls it."""
    if isinstance(found, str):
        return "Edm.String"
    if isinstance(found, datetime):
        return "Edm.DateTimeOffset"
    return "Edm.Double" if isinstance(found, int | float) else "Edm.Untyped"
