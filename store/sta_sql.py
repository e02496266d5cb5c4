"""A SensorThings query as one statement over the tables, with all values of the client as parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import errors

from store import sta_query as tree
from store.queries import queries
from store.sta_expressions import Expressions, chain
from store.sta_model import Entity, Model
from store.sta_order import Term, terms
from store.sta_order import after as behind
from store.sta_order import listed as in_order
from store.sta_query import Expression, Query, QueryRefused
from store.sta_rows import Rows, many_paths, needs
from store.sta_scope import Along, Keyed, Related, Scope
from store.sta_values import Parameters, fill

_SQL = queries("sta_sql")


@dataclass(frozen=True, slots=True)
class Lead:
    """A ``column`` of a relation that rises with the first term of an order, and that an index has where it has not the
    term. ``bound``: what is true of it in all rows that come behind a ``{value}`` of the term.
    """

    column: str
    bound: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """``sql`` with named parameters; ``columns``: what each column of its rows is: ``ordinal`` (the parent's place from
    0, with `Related`), ``key0``…, ``name:0``… of each wanted property, ``order0``… (what ``after`` wants).

    ``orders``: PostgreSQL's types of the columns ``order…``.
    """

    sql: bytes
    parameters: dict[str, object]
    columns: list[str]
    orders: list[str]


def statement(
    model: Model,
    entity: str,
    query: Query,
    *,
    scope: Scope,
    wanted: Sequence[str],
    limit: int,
    after: Sequence[object] | None = None,
    option: str = "$filter",
    lead: Lead | None = None,
) -> Statement:
    """The rows that a query asks for, at most ``limit`` (with `Related` of each parent), in its order.

    ``wanted``: names of properties to write. ``after``: the values ``order…`` of the row behind which to go on; then
    ``query.skip`` is spent. ``option``: what the filter is called in refusals. ``lead``: of rows for which
    it says the same order. Raises QueryRefused.
    """
    parts = _Parts(model, model.entities[entity], query, option)
    rows, parameters = parts.rows, parts.parameters
    columns = {f"key{number}": rows.sql(key.sql) for number, key in enumerate(rows.entity.key)}
    for name in wanted:
        written = rows.entity.properties[name].written
        columns |= {f"{name}:{number}": rows.sql(sql) for number, sql in enumerate(written)}
    columns |= {f"order{number}": term.sql for number, term in enumerate(parts.order)}
    where = list(parts.where)
    if after is not None:
        where.append(behind(parts.order, after, parameters))
        if lead is not None:
            where.append(fill(lead.bound, t=rows.alias, value=parameters.add(after[0], parts.order[0].type)))
    rest = f"limit {parameters.add(limit, 'int8')}"
    if query.skip and after is None:
        rest += f" offset {parameters.add(query.skip, 'int8')}"
    names = list(columns)
    listed = ", ".join(f"{sql} as c{number}" for number, sql in enumerate(columns.values()))
    order = in_order(parts.order)
    if lead is not None:
        order = f"{rows.sql(lead.column)}{' desc' if parts.order[0].descending else ''}, {order}"
    source = parts.source(scope, where)
    if not isinstance(scope, Related):
        sql = fill(_SQL["page"], columns=listed, source=source, order=order, rest=rest)
    elif not model.entities[scope.parent].ways[scope.way].many:
        sql = fill(_SQL["one_of_each"], columns=listed, parents=parts.parents(scope), source=source)
    else:
        outer = ", ".join(
            term.direction(f"r.c{names.index(f'order{number}')}") for number, term in enumerate(parts.order)
        )
        parents = parts.parents(scope)
        sql = fill(
            _SQL["page_of_each"], parents=parents, columns=listed, source=source, order=order, rest=rest, outer=outer
        )
    if isinstance(scope, Related):
        names.insert(0, "ordinal")
    return Statement(sql.encode(), parameters.values, names, [term.type for term in parts.order])


def count_statement(model: Model, entity: str, query: Query, *, scope: Scope, most: int | None = None) -> Statement:
    """How many there are, of what ``query.filter`` asks: one row; with `Related` ordinal and number of each parent, who
    has ``most`` of them or more."""
    parts = _Parts(model, model.entities[entity], replace(query, orderby=()), "$filter")
    source = parts.source(scope, parts.where)
    if isinstance(scope, Related):
        if most is not None:
            source = f"(select from {source} limit {parts.parameters.add(most, 'int8')}) as m"
        sql = fill(_SQL["count_of_each"], parents=parts.parents(scope), source=source)
        names = ["ordinal", "count"]
    else:
        sql, names = fill(_SQL["count"], source=source), ["count"]
    return Statement(sql.encode(), parts.parameters.values, names, [])


def check(model: Model, entity: str, query: Query, option: str = "$filter") -> None:
    """Raises QueryRefused where a statement of this query, or of what it expands, would be refused."""
    _Parts(model, model.entities[entity], query, option)
    for item in query.expand:
        check(model, model.entities[entity].ways[item.way].target, item.query, "$expand")


def refused(error: psycopg.Error) -> QueryRefused | None:
    """What a running query did that its data did not bear, in words; None where the error is no query's fault."""
    if isinstance(error, errors.NumericValueOutOfRange | errors.DatetimeFieldOverflow | errors.IntervalFieldOverflow):
        return QueryRefused(
            "A number or an instant that the query reckons is beyond what can be held: ask for smaller ones"
        )
    if isinstance(error, errors.InvalidParameterValue):
        return QueryRefused("The query names a time zone that the database has not: give an offset, such as '+01:00'")
    return None


class _Parts:
    """What every statement of a query is made of: rows, conditions and order, of one set of parameters."""

    def __init__(self, model: Model, entity: Entity, query: Query, option: str) -> None:
        self.model, self.parameters = model, Parameters()
        self.rows = Rows.of(entity)
        expressions = Expressions(model, self.parameters, option)
        self.where = [] if query.filter is None else self._where(query.filter, expressions)
        ordered = Expressions(model, self.parameters, "$orderby" if option == "$filter" else option)
        self.order: list[Term] = terms(query.orderby, ordered, self.rows)

    def _where(self, node: Expression, expressions: Expressions) -> list[str]:
        """The conditions of a filter, each true. In 1.1 those that go over the same ways to many speak of the same
        entities there, and stand in one ``exists``."""
        whole = isinstance(node, tree.Binary) and node.operator == "and"
        parts = list(chain(node)) if whole and isinstance(node, tree.Binary) else [node]
        found: list[str] = []
        groups: list[tuple[set[tuple[str, ...]], list[Expression]]] = []
        for part in parts:
            beginnings = many_paths(self.model, self.rows.entity, part) if self.model.version == "1.1" else set()
            if not beginnings:
                found.append(expressions.truth(part, self.rows))
                continue
            joined = [group for group in groups if group[0] & beginnings]
            groups = [group for group in groups if not group[0] & beginnings]
            together: list[Expression] = [one for group in joined for one in group[1]]
            groups.append((beginnings.union(*(group[0] for group in joined)), [*together, part]))
        return found + [self._exists(beginnings, items, expressions) for beginnings, items in groups]

    def _exists(self, beginnings: set[tuple[str, ...]], parts: list[Expression], expressions: Expressions) -> str:
        certain = None
        if len(beginnings) == 1:
            (beginning,) = beginnings
            if len(beginning) == 1 and any(needs(part, beginning) for part in parts):
                certain = self.rows.entity.ways[beginning[0]]
        inner = self.rows.combined(self.model, certain)
        return inner.exists(" and ".join(expressions.truth(part, inner) for part in parts))

    def source(self, scope: Scope, where: Sequence[str]) -> str:
        """``from`` and ``where`` for a scope, without their first word."""
        conditions, joins = list(where), ""
        if isinstance(scope, Keyed):
            conditions.append(self._keyed(self.rows.entity, self.rows.alias, scope.key))
        elif isinstance(scope, Along):
            joins, condition = self._along(scope)
            conditions.append(condition)
        elif isinstance(scope, Related):
            way = self.model.entities[scope.parent].ways[scope.way]
            conditions.append(f"({way.on.replace('{s}', 'p').replace('{t}', self.rows.alias)})")
        listed = f" where {' and '.join(conditions)}" if conditions else ""
        return f"{joins}{self.rows.source.sql}{listed}"

    def _keyed(self, entity: Entity, alias: str, key: Sequence[object]) -> str:
        pairs = zip(entity.key, key, strict=True)
        return " and ".join(
            f"{column.sql.replace('{t}', alias)} = {self.parameters.add(value, column.type)}" for column, value in pairs
        )

    def _along(self, scope: Along) -> tuple[str, str]:
        """The rows from which a path comes, and the conditions that lead from one to the next."""
        entity = self.model.entities[scope.start]
        names = [f"s{number}" for number in range(len(scope.ways))] + [self.rows.alias]
        conditions = [self._keyed(entity, names[0], scope.key)]
        sources = []
        for name, alias, other in zip(scope.ways, names, names[1:], strict=False):
            sources.append(f"{entity.relation} as {alias} cross join ")
            way = entity.ways[name]
            conditions.append(f"({way.on.replace('{s}', alias).replace('{t}', other)})")
            entity = self.model.entities[way.target]
        return "".join(sources), " and ".join(conditions)

    def parents(self, scope: Related) -> str:
        """The parents as rows ``p``, each with its ``k.place`` from 1."""
        entity = self.model.entities[scope.parent]
        columns = [
            self.parameters.add([key[number] for key in scope.keys], f"{column.type}[]")
            for number, column in enumerate(entity.key)
        ]
        names = [f"key{number}" for number in range(len(columns))]
        on = " and ".join(
            f"{column.sql.replace('{t}', 'p')} = k.{name}" for column, name in zip(entity.key, names, strict=True)
        )
        listed = f"unnest({', '.join(columns)}) with ordinality as k ({', '.join(names)}, place)"
        return f"{listed} join {entity.relation} as p on {on}"
