"""Expressions of a query as SQL: paths over the entity model, operators, and null by OData's rules.

A boolean expression has two forms. In the *loose* one null may stand for false, which is all that a filter asks at its
top; in the *strict* one (under ``not``, inside a comparison) null is null. Comparisons are never null
(`store.sta_comparison`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from store import sta_query as tree
from store.queries import queries
from store.sta_comparison import compare
from store.sta_functions import FUNCTIONS, Arguments, moved
from store.sta_functions_geo import GEO
from store.sta_model import Entity, Model, Property
from store.sta_query import Expression, QueryRefused
from store.sta_rows import Rows
from store.sta_values import Parameters, Value, any_null, as_kind, fill, refuse

_SQL = queries("sta_expressions")

#: Entities that one query may join, and `any` may look through.
MOST_WAYS = 16

_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%%"}
#: All functions that are served, as the service document of 2.0 lists them.
FUNCTION_NAMES = tuple(sorted([*FUNCTIONS, *GEO, "any"]))
_COMPARED = {"eq", "ne", "gt", "ge", "lt", "le"}


class Expressions:
    """Makes SQL of the expressions of one query option."""

    def __init__(self, model: Model, parameters: Parameters, option: str) -> None:
        self.model, self.parameters, self.option = model, parameters, option
        #: The rows that a variable of `any` stands for.
        self.variables: dict[str, Rows] = {}

    def refuse(self, at: int, words: str) -> QueryRefused:
        """A refusal that names the place."""
        return refuse(self.option, at, words)

    # -------------------------------------------------------------------------------------------------- truth

    def truth(self, node: Expression, rows: Rows) -> str:
        """SQL that is true where the expression is; null may stand for false. Raises QueryRefused."""
        if isinstance(node, tree.Binary):
            if node.operator in {"and", "or"}:
                parts = [self.truth(part, rows) for part in chain(node)]
                return f"({f' {node.operator} '.join(parts)})"
            if node.operator in _COMPARED:
                return self._comparison(node, rows, loose=True)
        return self._boolean(node, rows).sql

    def _boolean(self, node: Expression, rows: Rows) -> Value:
        value = self.value(node, rows)
        found = as_kind(value, "bool")
        if value.kind == "null":
            return replace(value, kind="bool", sql="null::boolean")
        if found is None:
            raise self.refuse(value.at, f"{value.called} stands where a condition is needed, such as name eq 'a'")
        return found

    def _comparison(self, node: tree.Binary, rows: Rows, *, loose: bool) -> str:
        keyed = self._of_key(node.operator, node.left, [node.right], rows)
        keyed = keyed or self._of_key(node.operator, node.right, [node.left], rows)
        if keyed is not None:
            return keyed
        left, right = self.value(node.left, rows), self.value(node.right, rows)
        return compare(self.option, node.at, node.operator, left, right, loose=loose)

    # ------------------------------------------------------------------------------------------------- values

    def value(self, node: Expression, rows: Rows) -> Value:
        """An expression of any kind, null where it is. Raises QueryRefused."""
        if isinstance(node, tree.Path):
            return self._path(node, rows)
        if isinstance(node, tree.Binary):
            return self._binary(node, rows)
        if isinstance(node, tree.Not):
            inner = self._boolean(node.operand, rows)
            return replace(inner, sql=f"(not {inner.sql})", at=node.at)
        if isinstance(node, tree.Minus):
            return self._minus(node, rows)
        if isinstance(node, tree.Call):
            return self._call(node, rows)
        if isinstance(node, tree.In):
            return Value("bool", self._in(node, rows), False, node.at)
        if isinstance(node, tree.Any):
            return Value("bool", self._any(node, rows), False, node.at)
        return self._literal(node)

    def _literal(self, node: tree.Literals) -> Value:
        add, at = self.parameters.add, node.at
        match node:
            case tree.Null():
                return Value("null", "null", True, at)
            case tree.Bool():
                return Value("bool", "true" if node.value else "false", False, at)
            case tree.Int():
                return Value("int", add(node.value, "int8"), False, at)
            case tree.Float():
                return Value("number", add(node.value, "float8"), False, at)
            case tree.Text():
                return Value("text", add(node.value, "text"), False, at, literal=node.value)
            case tree.Instant():
                return Value("instant", add(node.value, "timestamptz"), False, at)
            case tree.Interval():
                start, end = add(node.start, "timestamptz"), add(node.end, "timestamptz")
                return Value("interval", start, False, at, end=end)
            case tree.Duration():
                return Value("duration", add(node.value, "int8"), False, at)
            case tree.Date():
                return Value("date", add(node.value, "date"), False, at)
            case tree.Time():
                return Value("time", add(node.value, "time"), False, at)
            case tree.Geometry():
                if node.geography and self.model.version != "1.1":
                    words = "geography, along the ellipsoid, is not served: write geometry'…', on the plane of degrees"
                    raise QueryRefused(f"{self.option}, character {at + 1}: {words}", status=501)
                return Value("point", "", False, at, literal=node)

    def _minus(self, node: tree.Minus, rows: Rows) -> Value:
        value = self.value(node.operand, rows)
        if value.kind == "duration":
            return replace(value, sql=f"(- {value.sql})", at=node.at)
        found = as_kind(value, "number")
        if found is None:
            raise self.refuse(value.at, f"{value.called} has no sign to turn, a number is needed")
        return replace(found, sql=f"(- {found.sql})", at=node.at)

    def _call(self, node: tree.Call, rows: Rows) -> Value:
        function = FUNCTIONS.get(node.name) or GEO.get(node.name)
        if function is None:
            words = f"there is no function {node.name[:40]}; there are {', '.join(FUNCTION_NAMES)}"
            raise QueryRefused(f"{self.option}, character {node.at + 1}: {words}", status=501)
        values = [self.value(argument, rows) for argument in node.arguments]
        for value in values:
            if value.kind == "null":
                raise self.refuse(value.at, f"null stands as an argument of {node.name}: what comes of it is null")
        return function(Arguments(self.option, node.at, node.name, values, self.parameters))

    def _in(self, node: tree.In, rows: Rows) -> str:
        if node.collection is not None:
            return self._in_array(node, node.collection, rows)
        keyed = self._of_key("in", node.operand, list(node.among), rows)
        if keyed is not None:
            return keyed
        left = self.value(node.operand, rows)
        parts = [compare(self.option, item.at, "eq", left, self._literal_of(item), loose=False) for item in node.among]
        return f"({' or '.join(parts)})"

    def _literal_of(self, node: Expression) -> Value:
        assert not isinstance(node, tree.Path | tree.Call | tree.Not | tree.Minus | tree.Binary | tree.In | tree.Any)
        return self._literal(node)

    def _in_array(self, node: tree.In, path: tree.Path, rows: Rows) -> str:
        array = self.value(path, rows)
        if array.kind != "json":
            raise self.refuse(path.at, f"{'/'.join(path.names)} holds no list; write a list in brackets, in (1,2,3)")
        left = self.value(node.operand, rows)
        member = Value("json", "m.m", True, path.at)
        found = compare(self.option, node.at, "eq", member, left, loose=True)
        return fill(_SQL["members"], array=array.sql, condition=found)

    # ---------------------------------------------------------------------------------------------- operators

    def _binary(self, node: tree.Binary, rows: Rows) -> Value:
        if node.operator in {"and", "or"}:
            parts = [self._boolean(part, rows) for part in chain(node)]
            sql = f"({f' {node.operator} '.join(part.sql for part in parts)})"
            return Value("bool", sql, any_null(parts), node.at)
        if node.operator in _COMPARED:
            return Value("bool", self._comparison(node, rows, loose=False), False, node.at)
        return self._arithmetic(node, self.value(node.left, rows), self.value(node.right, rows))

    def _arithmetic(self, node: tree.Binary, left: Value, right: Value) -> Value:
        sign, nullable = _ARITHMETIC[node.operator], left.nullable or right.nullable
        if node.operator in {"add", "sub"}:
            if left.kind == "instant" and right.kind == "duration":
                return Value("instant", moved(left.sql, sign, right.sql), nullable, node.at)
            if left.kind == "duration" and right.kind == "duration":
                return Value("duration", f"({left.sql} {sign} {right.sql})", nullable, node.at)
            if node.operator == "sub" and left.kind == "instant" and right.kind == "instant":
                sql = f"(extract(epoch from {left.sql} - {right.sql}) * 1000000)::int8"
                return Value("duration", sql, nullable, node.at)
        one, other = as_kind(left, "number"), as_kind(right, "number")
        if one is None or other is None:
            raise self.refuse(node.at, f"{node.operator} cannot take {left.called} and {right.called}")
        nullable = one.nullable or other.nullable
        whole = one.kind == other.kind == "int"
        if node.operator == "mod" and not whole:
            # of the decimals as they are written: 5.3 mod 0.1 is 0; binary fractions would make 0.0999…
            parts = [f"({value.sql})::float8::text::numeric" for value in (one, other)]
            return Value("number", f"mod({parts[0]}, nullif({parts[1]}, 0))::float8", True, node.at)
        divisor = other.sql
        if node.operator in {"div", "mod"}:
            # what a division by zero is, is not known: null
            divisor, nullable = f"nullif({other.sql}, 0)", True
        return Value("int" if whole else "number", f"({one.sql} {sign} {divisor})", nullable, node.at)

    # -------------------------------------------------------------------------------------------------- paths

    def _path(self, path: tree.Path, rows: Rows) -> Value:
        found, rest = self._follow(path, rows)
        item = found.entity.properties.get(rest[0])
        if item is None:
            known = ", ".join(sorted([*found.entity.properties, *found.entity.ways]))
            raise self.refuse(path.at, f"{found.entity.set} have no {rest[0][:60]}; there are {known}")
        return self._property(path, found, item, rest[1:])

    def _follow(self, path: tree.Path, rows: Rows) -> tuple[Rows, tuple[str, ...]]:
        """The rows at whose end the property stands, and the names from there on."""
        if path.variable is not None:
            rows = self.variables[path.variable]
        elif path.names[0] not in rows.entity.properties and path.names[0] not in rows.entity.ways:
            return rows, path.names
        names = path.names
        while names[0] in rows.entity.ways and names[0] not in rows.entity.properties:
            way = rows.entity.ways[names[0]]
            if len(names) == 1:
                raise self.refuse(path.at, f"{names[0]} is an entity: name one of its properties, {names[0]}/id")
            if way.many and not rows.follows_many(way):
                raise self.refuse(
                    path.at, f"{names[0]} are many: ask {names[0]}/any(x: x/{'/'.join(names[1:])[:60]} …)"
                )
            rows, names = rows.follow(self.model, way), names[1:]
            self._check_joins(path.at, rows)
        return rows, names

    def _check_joins(self, at: int, rows: Rows) -> None:
        """Each way is a join, and planning many of them takes longer than answering."""
        if rows.source.aliases.made > MOST_WAYS:
            raise self.refuse(at, f"this goes more than {MOST_WAYS} ways to other entities: ask a part of it")

    def _property(self, path: tree.Path, rows: Rows, item: Property, rest: tuple[str, ...]) -> Value:
        sql = rows.sql(item.sql)
        nullable = item.nullable or rows.nullable
        if item.type == "json":
            if rest:
                sql = f"({sql} #> {self.parameters.add(list(rest), 'text[]')})"
            return Value("json", sql, True, path.at)
        if item.type == "interval" and rest and rest[0] in {"start", "end"} and len(rest) == 1:
            if rest[0] == "start":
                return Value("instant", sql, nullable, path.at)
            return Value("instant", rows.sql(item.end) if item.end else "null::timestamptz", True, path.at)
        if item.type == "point" and rest:
            # a place is written as a GeoJSON Point, which has no other members to ask
            if rest == ("type",):
                return Value("text", f"(case when {sql} is not null then 'Point' end)", nullable, path.at)
            return Value("json", "null::jsonb", True, path.at)
        if rest:
            part = item.parts.get(rest[0])
            if part is None:
                known = f"; there are {', '.join(sorted(item.parts))}" if item.parts else ""
                raise self.refuse(path.at, f"{item.name} has no {rest[0][:60]}{known}")
            return self._property(path, rows, part, rest[1:])
        if item.type == "written":
            raise self.refuse(path.at, f"{item.name} can be read and not asked")
        end = None if item.end is None else rows.sql(item.end)
        return Value(item.type, sql, nullable, path.at, end=end, end_null=item.type == "interval")

    def _of_key(self, operator: str, node: Expression, others: list[Expression], rows: Rows) -> str | None:
        """``id eq '17-…'`` as a comparison of the key's columns; None where the comparison is another."""
        if operator not in {"eq", "ne", "in"} or not isinstance(node, tree.Path) or node.names[-1] != "id":
            return None
        if not all(isinstance(other, tree.Text | tree.Int) for other in others):
            return None
        found, rest = self._follow(node, rows)
        if rest != ("id",) or not found.entity.properties["id"].of_key:
            return None
        parts = [self._same_key(found.entity, found, other) for other in others]
        same = f"({' or '.join(parts)})"
        if found.nullable:
            same = f"coalesce({same}, false)"
        return f"(not {same})" if operator == "ne" else same

    def _same_key(self, entity: Entity, rows: Rows, node: Expression) -> str:
        assert isinstance(node, tree.Text | tree.Int)
        values = entity.key_of(node.value)
        if values is None:
            return "false"
        pairs = zip(entity.key, values, strict=True)
        return f"({' and '.join(f'{rows.sql(key.sql)} = {self.parameters.add(v, key.type)}' for key, v in pairs)})"

    # ---------------------------------------------------------------------------------------------------- any

    def _any(self, node: tree.Any, rows: Rows) -> str:
        base = self.variables[node.path.variable] if node.path.variable else rows
        *ways, last = node.path.names
        for name in ways:
            way = base.entity.ways.get(name)
            if way is None or way.many:
                raise self.refuse(node.path.at, f"{base.entity.set} have no single {name[:60]} to go on from")
            base = base.follow(self.model, way)
        way = base.entity.ways.get(last)
        if way is None or not way.many:
            raise self.refuse(
                node.path.at, f"any goes over many related entities; {last[:60]} of {base.entity.set} are none"
            )
        inner = base.inside(self.model, way)
        self._check_joins(node.at, inner)
        self.variables[node.variable] = inner
        condition = self.truth(node.condition, rows)
        del self.variables[node.variable]
        return inner.exists(condition)


def chain(node: tree.Binary) -> Iterator[Expression]:
    """The parts of a chain of the same ``and`` or ``or``, from the left; without recursion, however long it is."""
    parts: list[Expression] = []
    current: Expression = node
    while isinstance(current, tree.Binary) and current.operator == node.operator:
        parts.append(current.right)
        current = current.left
    parts.append(current)
    return reversed(parts)
