"""Addresses of SensorThings resources: read from a request's path, and written into answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from store.sta_model import Entity, Model, Way

#: Below the site's address.
PATH = "/sta"
#: Longer addresses are none of ours; and no path of ours has so many parts.
_LONGEST, _MOST = 4_000, 16
_SEGMENT = re.compile(r"(?P<name>[^('/]+)(?:\((?P<key>'(?:[^']|'')*'|[^()']*)\))?(?:/|\Z)", re.ASCII)
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,30}", re.ASCII)
#: What stands in an address as it is.
_SAFE = "~:@!$'()*,;=-._/"


class NotFound(LookupError):
    """There is no such resource; the text says what is not there."""


@dataclass(frozen=True, slots=True)
class Step:
    """A way that is followed, and of many entities at its end the one with an ``id``; None: all."""

    way: Way
    id: str | int | None


@dataclass(frozen=True, slots=True)
class Resource:
    """What an address names: entities of a set (``id`` None), one of them, or what ``steps`` lead to from that one.

    ``names``: a property of the entity at the end and names within it; ``raw``: its bare text (``$value``); ``ref``:
    only addresses (``$ref``).
    """

    start: Entity
    id: str | int | None
    steps: tuple[Step, ...] = ()
    names: tuple[str, ...] = ()
    raw: bool = False
    ref: bool = False


def root_of(site: str, version: str) -> str:
    """The address that all of a version begin with, at a site (``https://…``)."""
    return f"{site.rstrip('/')}{PATH}/v{version}"


def read(model: Model, path: str) -> Resource:
    """The resource of a path below the version, percent-decoded: ``Things('a')/Datastreams``. Raises NotFound."""
    parts = _parts(path)
    sets = {entity.set: entity for entity in model.entities.values()}
    name, key = parts[0]
    if name not in sets:
        raise NotFound(f"There is no set of entities called {name[:80]}; there are {', '.join(sets)}.")
    start = entity = sets[name]
    single = key is not None
    steps: list[Step] = []
    names: list[str] = []
    raw = ref = False
    for number, (name, found) in enumerate(parts[1:], 1):
        if name in ("$ref", "$value"):
            if number != len(parts) - 1 or found is not None or (name == "$value" and not names) or (ref or raw):
                raise NotFound(f"{name} stands at the end of an address, $value after a property.")
            if name == "$ref" and names:
                raise NotFound("$ref stands after entities; a property has $value.")
            raw, ref = name == "$value", name == "$ref"
        elif names:
            names.append(_without_key(name, found))
        elif not single:
            raise NotFound(f"{name[:80]} needs one entity before it, such as {entity.set}({_example(entity)}).")
        elif name in entity.ways:
            way = entity.ways[name]
            if found is not None and not way.many:
                raise NotFound(f"{name} of one {entity.name} is one entity; it takes no id.")
            steps.append(Step(way, found))
            entity = model.entities[way.target]
            single = found is not None or not way.many
        elif name in entity.properties or name == "@iot.id":
            names.append(_without_key("id" if name == "@iot.id" else name, found))
        else:
            known = ", ".join([*entity.properties, *entity.ways])
            raise NotFound(f"A {entity.name} has no {name[:80]}; it has {known}.")
    return Resource(start, parts[0][1], tuple(steps), tuple(names), raw, ref)


def _parts(path: str) -> list[tuple[str, str | int | None]]:
    if len(path) > _LONGEST:
        raise NotFound(f"An address of ours is no longer than {_LONGEST:,} characters.")
    parts: list[tuple[str, str | int | None]] = []
    at = 0
    while at < len(path):
        found = _SEGMENT.match(path, at)
        if found is None or len(parts) == _MOST:
            raise NotFound(f"The address cannot be read from {path[at : at + 40]!r} on.")
        parts.append((found["name"], _key(found["key"])))
        at = found.end()
    return parts


def _key(text: str | None) -> str | int | None:
    if text is None:
        return None
    if "\x00" in text:
        raise NotFound("No id has a NUL in it.")
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    raise NotFound(f"({text[:80]}) is no id: a whole number, or a text in single quotes.")


def _without_key(name: str, key: str | int | None) -> str:
    if key is not None:
        raise NotFound(f"{name[:80]} is a property; it takes no id.")
    return name


def _example(entity: Entity) -> str:
    return "17" if entity.name == "Datastream" else "'…'"


def key_text(id_: str | int) -> str:
    """An id between the brackets of an address."""
    if isinstance(id_, int):
        return str(id_)
    return f"'{quote(id_.replace(chr(39), chr(39) * 2), safe=_SAFE.replace('/', ''))}'"


def next_link(address: str, items: Iterable[tuple[str, str]], token: str, left: int | None) -> str:
    """The address of what follows: a query's ``items`` as they were, where to go on, and how many are ``left`` of
    ``$top``; None: all."""
    kept = [(name, text) for name, text in items if name not in ("$top", "$skip", "$skiptoken")]
    if left is not None:
        kept.append(("$top", str(left)))
    if token:
        kept.append(("$skiptoken", token))
    return f"{address}?{'&'.join(f'{encoded(name)}={encoded(text)}' for name, text in kept)}"


def encoded(text: str) -> str:
    """A name or a value in a query as it stands in an address."""
    return quote(text, safe=_SAFE)


def way_address(root: str, entity: Entity, id_: str | int, way: str) -> str:
    """Where a way leads from one entity."""
    return f"{root}/{entity.set}({key_text(id_)})/{way}"
