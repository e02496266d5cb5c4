"""The order of an answer, always ended by the key, and what comes after a row of it.

Null stands before all else ascending and behind all else descending, as the standard wants it. What follows a page is
said by the values of its last row and not by a number of rows, so that it stays right while data arrive and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from store import sta_query as tree
from store.sta_expressions import Expressions
from store.sta_query import Order
from store.sta_rows import Rows
from store.sta_values import Parameters, Value, as_kind

#: PostgreSQL's types of what can be ordered by.
_TYPES = {
    "bool": "boolean", "int": "int8", "number": "float8", "text": "text", "instant": "timestamptz",
    "duration": "int8", "date": "date", "time": "time",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the order: ``sql`` without collation, PostgreSQL's ``type``; ``constant``: the same in all rows."""

    sql: str
    type: str
    descending: bool
    nullable: bool
    constant: bool = False

    @property
    def compared(self) -> str:
        """The column as it is compared: texts by bytes."""
        return f'({self.sql} collate "C")' if self.type == "text" else self.sql

    def direction(self, column: str) -> str:
        """A term of ``order by``: of the column of a select that holds it, or of an expression."""
        collated = ' collate "C"' if self.type == "text" else ""
        return f"{column}{collated}{' desc' if self.descending else ''}{self._nulls}"

    @property
    def _nulls(self) -> str:
        if not self.nullable:
            # without the word an index serves the order both ways
            return ""
        return " nulls last" if self.descending else " nulls first"


def terms(orderby: Sequence[Order], expressions: Expressions, rows: Rows) -> list[Term]:
    """What an answer is ordered by: the client's terms, then the key. Raises QueryRefused."""
    found: list[Term] = []
    for order in orderby:
        if _is_id_of_key(order, rows):
            found += _key(rows, order.descending)
            continue
        value = expressions.value(order.expression, rows)
        for sql, kind, nullable in _columns(value, expressions):
            found.append(Term(sql, _TYPES[kind], order.descending, nullable))
    # the key in the direction of the last term, so that an index that holds both serves it
    descending = bool(found) and found[-1].descending
    found += _key(rows, descending)
    first: dict[str, Term] = {}
    for term in found:
        first.setdefault(term.sql, term)
    return list(first.values())


def listed(order: Sequence[Term]) -> str:
    """The terms of ``order by``: TimescaleDB reads one chunk after the other only where a time is the first of them."""
    return ", ".join(term.direction(term.sql) for term in order if not term.constant)


def _key(rows: Rows, descending: bool) -> list[Term]:
    return [Term(rows.sql(key.sql), key.type, descending, False, key.constant) for key in rows.entity.key]


def _is_id_of_key(order: Order, rows: Rows) -> bool:
    path = order.expression
    if not isinstance(path, tree.Path) or path.names != ("id",) or path.variable is not None:
        return False
    return rows.entity.properties["id"].of_key


def _columns(value: Value, expressions: Expressions) -> list[tuple[str, str, bool]]:
    """A value as columns of an order: a period by begin and end, a place by the text of its coordinates as JSON has
    them, an open property texts first and then numbers."""
    if value.kind in {"null", "sub"}:
        raise expressions.refuse(value.at, f"{value.called} gives no order: name a property")
    if value.kind == "interval":
        return [(value.sql, "instant", value.nullable), (str(value.end), "instant", True)]
    if value.kind == "point":
        if value.literal is not None:
            raise expressions.refuse(value.at, "a geometry gives no order: name a property")
        return [(f"('[' || ({value.sql})::text || ',' || ({value.end})::text || ']')", "text", value.nullable)]
    if value.kind == "json":
        number = as_kind(value, "number")
        assert number is not None
        text = f"(case when jsonb_typeof({value.sql}) in ('string', 'boolean') then {value.sql} #>> '{{}}' end)"
        return [(number.sql, "number", True), (text, "text", True)]
    if value.kind == "bool":
        # a bare true or false is no expression to PostgreSQL there
        return [(f"({value.sql})::boolean", "bool", value.nullable)]
    found = as_kind(value, "number") if value.kind == "any" else value
    assert found is not None
    return [(found.sql, found.kind, found.nullable)]


def after(order: Sequence[Term], values: Sequence[object], parameters: Parameters) -> str:
    """SQL of what comes behind the row whose values of the order are these, ``(terms,)``."""
    pairs = [pair for pair in zip(order, values, strict=True) if not pair[0].constant]
    first, _ = pairs[0]
    plain = all(not term.nullable and term.descending == first.descending for term, _ in pairs)
    if plain:
        sign = "<" if first.descending else ">"
        placed = ", ".join(parameters.add(value, term.type) for term, value in pairs)
        return f"(({', '.join(term.compared for term, _ in pairs)}) {sign} ({placed}))"
    found = "false"
    for term, value in reversed(pairs):
        found = f"({_behind(term, value, parameters)} or ({_same(term, value, parameters)} and {found}))"
    return f"({_from(*pairs[0], parameters)} and {found})"


def _from(term: Term, value: object, parameters: Parameters) -> str:
    """What is not before the first column: the bound from which an index begins."""
    if value is None:
        return "true" if not term.descending else f"{term.sql} is null"
    sign = "<=" if term.descending else ">="
    bound = f"{term.compared} {sign} {parameters.add(value, term.type)}"
    return f"({bound} or {term.sql} is null)" if term.descending and term.nullable else bound


def _behind(term: Term, value: object, parameters: Parameters) -> str:
    if value is None:
        return "false" if term.descending else f"{term.sql} is not null"
    if not term.descending:
        return f"{term.compared} > {parameters.add(value, term.type)}"
    bound = f"{term.compared} < {parameters.add(value, term.type)}"
    return f"({bound} or {term.sql} is null)" if term.nullable else bound


def _same(term: Term, value: object, parameters: Parameters) -> str:
    if value is None:
        return f"{term.sql} is null"
    return f"{term.sql} = {parameters.add(value, term.type)}"
