"""In what words the entity model tells `store.sta_sql` what can be asked: entities, properties, ways between them.

`store.sta_entities` fills it for each version of the standard. All SQL in it is our own constant text; ``{t}`` stands
for the alias of the entity's row, ``{s}`` for that of the row a way starts from. A ``%`` in it is written ``%%``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

#: ``number`` float8, ``int`` int8, ``any`` a number that is compared with a text as its text (``result``), ``json``
#: jsonb with open keys, ``sub`` only its parts can be asked, ``written`` can be shown and not be asked.
Type = Literal["text", "number", "int", "bool", "instant", "interval", "json", "any", "point", "sub", "written"]


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an entity.

    ``sql``: its expression; ``end``: of an interval its end (null where it is an instant), of a point its latitude
    (``sql``: longitude). ``columns``: what is needed to write it as JSON; without them ``sql`` and ``end``.
    ``of_key``: made of the key, so that ``eq``, ``ne`` and ``in`` with a literal compare the key's columns, which an
    index serves.
    """

    name: str
    type: Type
    sql: str = ""
    end: str | None = None
    nullable: bool = False
    columns: tuple[str, ...] | None = None
    of_key: bool = False
    parts: Mapping[str, Property] = field(default_factory=dict)

    @property
    def written(self) -> tuple[str, ...]:
        """The columns from which the property is written."""
        if self.columns is not None:
            return self.columns
        return tuple(sql for sql in (self.sql, self.end) if sql)


@dataclass(frozen=True, slots=True)
class Way:
    """From an entity to one or many others: ``on``, a condition between ``{s}`` and ``{t}``."""

    name: str
    target: str
    many: bool
    on: str


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an entity's key: an expression and PostgreSQL's type of it: text, integer, timestamptz.

    ``constant``: all rows that can be asked for have the same, so that it orders nothing.
    """

    sql: str
    type: str
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: ``set`` its name in addresses; ``relation`` what stands after ``from``, before the alias.

    ``key``: its columns in default order, never null. ``key_of``: the key's values from an ``id`` as an address or a
    literal says it, None for what can be no id. ``vast``: so many rows that a question needs a bound
    (`store.sta_expense`).
    """

    name: str
    set: str
    relation: str
    key: tuple[Key, ...]
    properties: Mapping[str, Property]
    ways: Mapping[str, Way]
    key_of: Callable[[str | int], tuple[object, ...] | None]
    vast: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """The entities of one version of the standard by their singular names."""

    version: Literal["1.1", "2.0"]
    entities: Mapping[str, Entity]
