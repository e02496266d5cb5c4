"""What a SensorThings query means, one entity after another in plain Python, from the text of 18-088, 23-019 and OData.

Queries are trees of tuples (``("lit", kind, value)``, ``("path", variable, names)``, ``("call", name, arguments)``,
``("not", x)``, ``("neg", x)``, ``("bin", operator, left, right)``, ``("in", x, values)``, ``("member", x, path)``,
``("any", path, variable, condition)``); every value goes with its kind, because what an open property is asked as
depends on what stands beside it, also where that is null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from tests.references.sensorthings_functions import MICROSECOND, Tree, Valued, as_kind, call, written

Row = dict[str, Any]
Town = dict[str, list[Row]]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: kind and value of each property, by entity.
PROPERTIES: dict[str, dict[str, Callable[[Row], Valued]]] = {
    "Thing": {
        "id": lambda r: ("text", r["id"]),
        "name": lambda r: ("text", r["name"]),
        "description": lambda r: ("text", r["description"]),
        "height": lambda r: ("number", r["height"]),
        "floors": lambda r: ("int", r["floors"]),
        "active": lambda r: ("bool", r["active"]),
        "properties": lambda r: ("json", r["properties"]),
        "location": lambda r: ("point", r["place"]),
        "life": lambda r: ("interval", (r["since"], r["seen"] if r["seen"] and r["seen"] > r["since"] else None)),
        "since": lambda r: ("instant", r["since"]),
        "seen": lambda r: ("instant", r["seen"]),
    },
    "Sensor": {"id": lambda r: ("text", r["id"]), "name": lambda r: ("text", r["name"])},
    "Datastream": {
        "id": lambda r: ("int", r["id"]),
        "name": lambda r: ("text", r["name"]),
        "unitOfMeasurement/symbol": lambda r: ("text", r["symbol"]),
        "unitOfMeasurement/name": lambda r: ("text", r["unit"]),
        "properties": lambda r: ("json", r["properties"]),
    },
    "Observation": {
        "id": lambda r: ("text", f"{r['stream']}-{(r['time'] - EPOCH) // MICROSECOND}"),
        "phenomenonTime": lambda r: ("interval", (r["time"], r["time"] + r["spread"] if r["spread"] else None)),
        "resultTime": lambda r: ("instant", r["time"]),
        "result": lambda r: ("any", r["value"]),
        "validTime": lambda r: ("instant", r["valid"]),
    },
}
#: The property of the source and of the target that are equal along a way, the target, and whether there are many.
WAYS: dict[str, dict[str, tuple[str, str, str, bool]]] = {
    "Thing": {"Datastreams": ("id", "thing", "Datastream", True)},
    "Sensor": {"Datastreams": ("id", "sensor", "Datastream", True)},
    "Datastream": {
        "Thing": ("thing", "id", "Thing", False),
        "Sensor": ("sensor", "id", "Sensor", False),
        "Observations": ("id", "stream", "Observation", True),
    },
    "Observation": {"Datastream": ("stream", "id", "Datastream", False)},
}
KEYS = {"Thing": ("id",), "Sensor": ("id",), "Datastream": ("id",), "Observation": ("stream", "time")}
TABLES = {"Thing": "thing", "Sensor": "sensor", "Datastream": "stream", "Observation": "observation"}


class World:
    """A town's rows by entity, an observation with what its stream says of its length; ``now``: of a query one."""

    def __init__(self, town: Town) -> None:
        self.now = datetime.now(UTC)
        self.rows = {entity: [dict(row) for row in town[table]] for entity, table in TABLES.items()}
        spreads = {row["id"]: row["spread"] for row in town["stream"]}
        for row in self.rows["Observation"]:
            row["spread"] = spreads[row["stream"]]

    def along(self, entity: str, row: Row, way: str) -> list[Row]:
        """The entities at the end of a way."""
        source, target, name, _ = WAYS[entity][way]
        if row[source] is None:
            return []
        return [other for other in self.rows[name] if other[target] == row[source]]


class Context:
    """Of which entity a condition is asked, and what its variables and its ways to many stand for just now."""

    def __init__(self, world: World, entity: str, row: Row) -> None:
        self.world, self.entity, self.row = world, entity, row
        self.variables: dict[str, tuple[str, Row]] = {}
        self.chosen: dict[tuple[str, ...], Row | None] = {}


# ------------------------------------------------------------------------------------------------------- queries


def matches(world: World, entity: str, row: Row, condition: Tree) -> bool:
    """Whether an entity is in the answer: one combination of related entities makes the condition true (18-088)."""
    context = Context(world, entity, row)
    beginnings = sorted(set(_many(entity, condition)), key=len)
    return any(evaluate(condition, context)[1] is True for _ in _choices(context, beginnings))


def _many(entity: str, node: Any) -> Iterator[tuple[str, ...]]:
    if not isinstance(node, tuple | list):
        return
    if isinstance(node, tuple) and node and node[0] == "path" and node[1] is None:
        current = entity
        for number, name in enumerate(node[2]):
            if name not in WAYS[current]:
                return
            if WAYS[current][name][3]:
                yield tuple(node[2][: number + 1])
            current = WAYS[current][name][2]
        return
    for part in node[2:] if isinstance(node, tuple) and node and node[0] == "any" else node:
        yield from _many(entity, part)


def _choices(context: Context, beginnings: list[tuple[str, ...]]) -> Iterator[None]:
    if not beginnings:
        yield
        return
    beginning, *others = beginnings
    found = _walk(context, context.entity, context.row, beginning[:-1])
    rows: list[Row | None] = [] if found is None else [*context.world.along(*found, beginning[-1])]
    for row in rows or [None]:
        context.chosen[beginning] = row
        yield from _choices(context, others)
        del context.chosen[beginning]


def _walk(context: Context, entity: str, row: Row, names: Sequence[str]) -> tuple[str, Row] | None:
    for number, name in enumerate(names):
        target, many = WAYS[entity][name][2:]
        if many:
            found = context.chosen[tuple(names[: number + 1])]
        else:
            found = next(iter(context.world.along(entity, row, name)), None)
        if found is None:
            return None
        entity, row = target, found
    return entity, row


def ordered(world: World, entity: str, rows: Sequence[Row], terms: Sequence[tuple[Tree, bool]]) -> list[Row]:
    """Rows by the terms (expression, descending), then by the key in the last term's direction; null is the least."""
    whole = [(_columns(expression, world, entity), descending) for expression, descending in terms]
    last = bool(terms) and terms[-1][1]
    whole.append((lambda row: tuple((1, row[name]) for name in KEYS[entity]), last))
    found = list(rows)
    for column, descending in reversed(whole):
        found.sort(key=cmp_to_key(lambda a, b, column=column: _compare(column(a), column(b))), reverse=descending)  # type: ignore[misc]
    return found


def _compare(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    return -1 if one < other else int(one > other)


def _columns(expression: Tree, world: World, entity: str) -> Callable[[Row], tuple[Any, ...]]:
    if expression == ("path", None, ["id"]) and entity == "Observation":
        return lambda row: ((1, row["stream"]), (1, row["time"]))

    def found(row: Row) -> tuple[Any, ...]:
        kind, value = evaluate(expression, Context(world, entity, row))
        if kind == "interval":
            return _null_first(None if value is None else value[0]), _null_first(None if value is None else value[1])
        if kind == "point":
            return (_null_first(None if value is None else f"[{written(value[0])},{written(value[1])}]"),)
        if kind == "json":
            text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else None
            return _null_first(as_kind(("json", value), "number")[1]), _null_first(text)
        return (_null_first(value),)

    return found


def _null_first(value: Any) -> tuple[int, Any]:
    return (0, 0) if value is None else (1, value)


# --------------------------------------------------------------------------------------------------- expressions


def evaluate(node: Tree, context: Context) -> Valued:
    """Kind and value of an expression; the value None is null."""
    head = node[0]
    if head == "lit":
        return node[1], node[2]
    if head == "path":
        return _path(node, context)
    if head == "not":
        value = as_kind(evaluate(node[1], context), "bool")[1]
        return "bool", None if value is None else not value
    if head == "neg":
        kind, value = evaluate(node[1], context)
        if kind not in {"int", "duration"}:
            kind, value = as_kind((kind, value), "number")
        return kind, None if value is None else -value
    if head == "call" and node[1] == "now":
        return "instant", context.world.now
    if head == "call":
        return call(node[1], [evaluate(part, context) for part in node[2]], node[2])
    if head == "in":
        left = evaluate(node[1], context)
        return "bool", any(_same(left, evaluate(part, context)) for part in node[2])
    if head == "member":
        members = evaluate(node[2], context)[1]
        left = evaluate(node[1], context)
        return "bool", isinstance(members, list) and any(_same(("json", part), left) for part in members)
    if head == "any":
        return "bool", _any(node, context)
    return _binary(node[1], evaluate(node[2], context), evaluate(node[3], context))


def _path(node: Tree, context: Context) -> Valued:
    entity, row = (context.entity, context.row) if node[1] is None else context.variables[node[1]]
    names = list(node[2])
    number, current = 0, entity
    while names[number] in WAYS[current]:
        current = WAYS[current][names[number]][2]
        number += 1
    found = _walk(context, entity, row, names[:number])
    rest = names[number:]
    if "/".join(rest[:2]) in PROPERTIES[current]:
        name, rest = "/".join(rest[:2]), rest[2:]
    else:
        name, rest = rest[0], rest[1:]
    example = PROPERTIES[current][name]
    if found is None:
        kind = example(context.world.rows[current][0])[0]
        value = None
    else:
        kind, value = example(found[1])
    if kind == "interval" and rest:
        return "instant", None if value is None else value[0 if rest == ["start"] else 1]
    for key in rest:
        value = value.get(key) if isinstance(value, dict) else None
    return kind, value


def _any(node: Tree, context: Context) -> bool:
    path, variable, condition = node[1:]
    entity, row = (context.entity, context.row) if path[1] is None else context.variables[path[1]]
    found = _walk(context, entity, row, path[2][:-1])
    if found is None:
        return False
    for other in context.world.along(*found, path[2][-1]):
        context.variables[variable] = (WAYS[found[0]][path[2][-1]][2], other)
        truth = evaluate(condition, context)[1]
        del context.variables[variable]
        if truth is True:
            return True
    return False


def _binary(operator: str, left: Valued, right: Valued) -> Valued:
    if operator in {"and", "or"}:
        values = [as_kind(left, "bool")[1], as_kind(right, "bool")[1]]
        deciding = operator == "or"
        if deciding in values:
            return "bool", deciding
        return "bool", None if None in values else not deciding
    if operator == "eq":
        return "bool", _same(left, right)
    if operator == "ne":
        return "bool", not _same(left, right)
    if operator in {"gt", "ge", "lt", "le"}:
        return "bool", _in_order(operator, left, right)
    return _arithmetic(operator, left, right)


def _alike(left: Valued, right: Valued) -> tuple[str, Any, Any]:
    """Both sides as what they are compared as."""
    kinds = {left[0], right[0]}
    if kinds == {"json"}:
        return "json", left[1], right[1]
    for kind in ("interval", "text", "bool", "instant", "date", "time", "duration"):
        if kind in kinds:
            if kind == "interval":
                return kind, _period(left), _period(right)
            return kind, as_kind(left, kind)[1], as_kind(right, kind)[1]
    return "number", as_kind(left, "number")[1], as_kind(right, "number")[1]


def _period(valued: Valued) -> Any:
    kind, value = valued
    return value if kind == "interval" or value is None else (value, None)


def _same(left: Valued, right: Valued) -> bool:
    if "null" in {left[0], right[0]}:
        return left[1] is None and right[1] is None
    kind, one, other = _alike(left, right)
    if kind == "json":
        return _json_same(one, other)
    return bool(one == other) if one is not None and other is not None else one is other


def _json_same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _in_order(operator: str, left: Valued, right: Valued) -> bool:
    if "null" in {left[0], right[0]}:
        return False
    kind, one, other = _alike(left, right)
    if one is None or other is None:
        return False
    if kind != "interval":
        return bool({"gt": one > other, "ge": one >= other, "lt": one < other, "le": one <= other}[operator])
    # half open: of a period up to e all instants are before e; an instant is in itself
    begin, end = one
    begin_other, end_other = other
    if operator == "lt":
        found = begin < begin_other if end is None else end <= begin_other
    elif operator == "gt":
        found = begin > begin_other if end_other is None else begin >= end_other
    elif operator == "ge":
        found = begin >= begin_other
    elif end_other is None:
        found = (begin if end is None else end) <= begin_other
    else:
        found = begin < end_other if end is None else end <= end_other
    return bool(found)


def _arithmetic(operator: str, left: Valued, right: Valued) -> Valued:
    kinds = left[0], right[0]
    missing = left[1] is None or right[1] is None
    sign = -1 if operator == "sub" else 1
    if kinds == ("instant", "duration"):
        return "instant", None if missing else left[1] + sign * right[1] * MICROSECOND
    if kinds == ("duration", "duration"):
        return "duration", None if missing else left[1] + sign * right[1]
    if kinds == ("instant", "instant"):
        return "duration", None if missing else (left[1] - right[1]) // MICROSECOND
    one, other = as_kind(left, "number")[1] if left[0] != "int" else left[1], None
    other = as_kind(right, "number")[1] if right[0] != "int" else right[1]
    whole = kinds == ("int", "int")
    kind = "int" if whole else "number"
    if one is None or other is None or (other == 0 and operator in {"div", "mod"}):
        return kind, None
    if operator == "add":
        return kind, one + other
    if operator == "sub":
        return kind, one - other
    if operator == "mul":
        return kind, one * other
    if operator == "div":
        return kind, math.trunc(Fraction(one, other)) if whole else one / other
    exact = [Fraction(Decimal(repr(value))) for value in (one, other)]
    rest = exact[0] - exact[1] * math.trunc(exact[0] / exact[1])
    return kind, int(rest) if whole else float(rest)
