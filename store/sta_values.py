"""What a part of a query is on its way to SQL: an expression with its kind, and the parameters that it uses.

Text of a client never becomes SQL: every literal is a parameter of the statement, every expression is made of constants
of ours and of the names ``p1``, ``p2``, …
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from store.sta_query import QueryRefused

Kind: TypeAlias = Literal[
    "null", "bool", "int", "number", "text", "instant", "interval", "duration", "date", "time", "point", "json", "any",
    "sub",
]  # fmt: skip

#: What each kind is called to people.
CALLED: dict[str, str] = {
    "null": "null", "bool": "true or false", "int": "a number", "number": "a number", "text": "a text",
    "instant": "an instant", "interval": "a period", "duration": "a duration", "date": "a day", "time": "a time of day",
    "point": "a place", "json": "an open property", "any": "a number", "sub": "a group of properties",
}  # fmt: skip

#: Numbers in JSON beyond these have no float8; they count as none.
_NUMBER = """case when jsonb_typeof({j}) = 'number' then
 case when ({j})::numeric = 0 or abs(({j})::numeric) between 1e-300 and 1e300 then ({j})::float8 end end"""
_TEXT = "case when jsonb_typeof({j}) = 'string' then ({j}) #>> '{}' end"
_BOOL = "case when jsonb_typeof({j}) = 'boolean' then ({j})::boolean end"


_PART = re.compile(r"\{([a-z]\w*)\}")


class Parameters:
    """The parameters of one statement by name, in the order in which they came."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def add(self, value: object, cast: str) -> str:
        """A placeholder for a value, cast to PostgreSQL's type of it."""
        name = f"p{len(self.values) + 1}"
        self.values[name] = value
        return f"%({name})s::{cast}"


@dataclass(frozen=True, slots=True)
class Value:
    """An expression: ``sql``; ``end``, of an interval its end (``end_null``: which may be null: an instant), of a point
    its latitude; ``nullable``: whether it can be null; ``at``: where it stands; ``literal``: a text or a geometry that
    functions look into."""

    kind: Kind
    sql: str
    nullable: bool
    at: int
    end: str | None = None
    end_null: bool = False
    literal: object = None

    @property
    def called(self) -> str:
        """What it is, for people."""
        return "a geometry" if self.kind == "point" and self.literal is not None else CALLED[self.kind]


def fill(query: bytes, **parts: str) -> str:
    """A query of a file with its ``{names}`` in place, each once: what is put in is not looked into."""
    return _PART.sub(lambda match: parts[match[1]], query.decode())


def refuse(option: str, at: int, words: str) -> QueryRefused:
    """A refusal that names the place."""
    return QueryRefused(f"{option}, character {at + 1}: {words}")


def as_kind(value: Value, kind: str) -> Value | None:
    """The value as one of a kind, None where it is of another: an open property and a result are what they are asked
    as, an interval is its start where an instant is needed, a whole number is a number."""
    if value.kind == kind or (kind == "number" and value.kind == "int"):
        return value
    if value.kind == "json":
        if kind in {"text", "number", "bool"}:
            shape = {"text": _TEXT, "number": _NUMBER, "bool": _BOOL}[kind]
            return replace(value, kind=kind, sql=f"({shape.replace('{j}', value.sql)})", nullable=True)  # type: ignore[arg-type]
        return None
    if value.kind == "any" and kind == "number":
        return replace(value, kind="number")
    if value.kind == "any" and kind == "text":
        return replace(value, kind="text", sql=f"({value.sql})::text")
    if value.kind == "interval" and kind == "instant":
        return replace(value, kind="instant", end=None, end_null=False)
    return None


def is_null(value: Value) -> str:
    """Whether a value is null, as SQL."""
    if value.kind == "json":
        return f"({value.sql} is null or {value.sql} = 'null'::jsonb)"
    return f"({value.sql} is null)" if value.nullable else "false"


def any_null(values: Sequence[Value]) -> bool:
    """Whether one of the values can be null: what is made of them can be then."""
    return any(value.nullable for value in values)
