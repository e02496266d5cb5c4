"""The typed tree of a SensorThings query: what a client asked for, free of text and of SQL.

`dashboard.sensorthings.parser` makes it, `store.sta_sql` makes a statement of it. Every node of an expression says
where it stands in its query option (``at``, characters from 0), so that a refusal can name the place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal


class QueryRefused(ValueError):
    """A query is not answered: its text is the words for the client, what is wrong, where, and what to do.

    ``status`` 400 for what is no such query, or would cost too much; 501 for what the standard has and we do not serve.
    """

    def __init__(self, message: str, *, status: Literal[400, 501] = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of an expression."""

    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Null(Node):
    """``null``."""


@dataclass(frozen=True, slots=True)
class Bool(Node):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Int(Node):
    """A whole number within 64 bits."""

    value: int


@dataclass(frozen=True, slots=True)
class Float(Node):
    """A finite number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A text, quotes taken away; without NUL and surrogates."""

    value: str


@dataclass(frozen=True, slots=True)
class Instant(Node):
    """An aware instant, UTC."""

    value: datetime


@dataclass(frozen=True, slots=True)
class Interval(Node):
    """From an instant on, before another."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """A length of time [us]."""

    value: int


@dataclass(frozen=True, slots=True)
class Date(Node):
    """A day of the calendar."""

    value: date


@dataclass(frozen=True, slots=True)
class Time(Node):
    """A time of day."""

    value: time


@dataclass(frozen=True, slots=True)
class Geometry(Node):
    """A point, a line or a polygon in degrees, longitude first; coordinates are decimals as they were written.

    ``rings``: the line's places, or the polygon's outer ring and its holes, each closed; of a point one place.
    """

    kind: Literal["POINT", "LINESTRING", "POLYGON"]
    rings: tuple[tuple[tuple[str, str], ...], ...]
    geography: bool = False


@dataclass(frozen=True, slots=True)
class Path(Node):
    """Names to a property: ``("Datastream", "Thing", "name")``, ``("properties", "zone")``.

    ``variable``: that of the ``any`` whose member the path begins with; None: the entity that is asked for.
    """

    names: tuple[str, ...]
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with its arguments; ``cast`` has the type's name as its second, a Text."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """``not`` of a boolean expression."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Minus(Node):
    """A number or a duration with its sign turned."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Two operands: ``or and eq ne gt ge lt le add sub mul div mod``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class In(Node):
    """One of several literals; or, ``collection``, a literal among the members of a JSON array."""

    operand: Expression
    among: tuple[Expression, ...] = ()
    collection: Path | None = None


@dataclass(frozen=True, slots=True)
class Any(Node):
    """Whether one entity of a related set, called ``variable`` in ``condition``, makes that true."""

    path: Path
    variable: str
    condition: Expression


Literals = Null | Bool | Int | Float | Text | Instant | Interval | Duration | Date | Time | Geometry
Expression = Literals | Path | Call | Not | Minus | Binary | In | Any


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ``$orderby``."""

    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """One way that is followed, with the options for the entities at its end (which may be expanded themselves)."""

    way: str
    query: Query
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """What one collection, or one entity, is asked. ``select`` None: everything; ``count`` None: not said.

    ``orderby`` is what the client asked and ends without the key; ``token``: ``$skiptoken`` as it came; ``items``: all
    options with their texts, for a link that asks on.
    """

    filter: Expression | None = None
    orderby: tuple[Order, ...] = ()
    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool | None = None
    result_format: str | None = None
    token: str | None = None
    items: tuple[tuple[str, str], ...] = ()
