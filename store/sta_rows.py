"""Rows of entities in a ``from`` clause, and the ways that are followed from one to another as joins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from store import sta_query as tree
from store.queries import queries
from store.sta_model import Entity, Model, Way
from store.sta_query import Expression
from store.sta_values import fill

_SQL = queries("sta_rows")

_NAME = re.compile(r"\w+\.\w+", re.ASCII)


class Aliases:
    """The aliases of one statement; ``made``: how many row sources it has."""

    def __init__(self) -> None:
        self.made = 0

    def __next__(self) -> int:
        self.made += 1
        return self.made


class From:
    """What stands after one ``from``: a first row source and the joins that paths have asked for."""

    def __init__(self, aliases: Aliases, first: str = "") -> None:
        self.aliases = aliases
        self.first = first
        self.joins: list[str] = []

    def alias(self) -> str:
        """An alias that nothing else in the statement has."""
        return f"t{next(self.aliases)}"

    @property
    def sql(self) -> str:
        """The clause without its ``from``."""
        return " ".join([self.first, *self.joins])


class Rows:
    """The row of one entity in a ``from`` clause. ``nullable``: there may be none; ``many``: a path may go on to many
    (18-088: one of all combinations of related entities makes a filter true)."""

    def __init__(self, entity: Entity, alias: str, source: From, *, nullable: bool = False, many: bool = False) -> None:
        self.entity, self.alias, self.source = entity, alias, source
        self.nullable, self.many = nullable, many
        self._followed: dict[str, Rows] = {}
        self._condition = ""

    @classmethod
    def of(cls, entity: Entity) -> Rows:
        """The rows of an entity that a statement begins with."""
        source = From(Aliases())
        alias = source.alias()
        source.first = f"{entity.relation} as {alias}"
        return cls(entity, alias, source)

    def sql(self, expression: str) -> str:
        """An expression of the model over this row."""
        found = expression.replace("{t}", self.alias)
        return found if _NAME.fullmatch(found) else f"({found})"

    def follows_many(self, way: Way) -> bool:
        """Whether a path may go this way to many."""
        return self.many or way.name in self._followed

    def follow(self, model: Model, way: Way) -> Rows:
        """The row at the end of a way, joined once however often it is asked for."""
        if way.name not in self._followed:
            entity = model.entities[way.target]
            alias = self.source.alias()
            self.source.joins.append(f"left join {entity.relation} as {alias} on {self.on(way, alias)}")
            self._followed[way.name] = Rows(entity, alias, self.source, nullable=True, many=self.many)
        return self._followed[way.name]

    def on(self, way: Way, alias: str) -> str:
        """The condition of a way from this row to another."""
        return f"({way.on.replace('{s}', self.alias).replace('{t}', alias)})"

    def inside(self, model: Model, way: Way) -> Rows:
        """The many rows at the end of a way, for an ``exists`` of their own."""
        entity = model.entities[way.target]
        source = From(self.source.aliases)
        alias = source.alias()
        source.first = f"{entity.relation} as {alias}"
        inner = Rows(entity, alias, source)
        inner._condition = self.on(way, alias)
        return inner

    def combined(self, model: Model, certain: Way | None) -> Rows:
        """This row beside all combinations of related ones, for an ``exists`` of their own.

        ``certain``: a way to many without which the condition cannot be true, so that it need not be joined outwards.
        """
        source = From(self.source.aliases, "(select) as x")
        inner = Rows(self.entity, self.alias, source, nullable=self.nullable, many=True)
        if certain is not None:
            entity = model.entities[certain.target]
            alias = source.alias()
            source.first = f"{entity.relation} as {alias}"
            inner._followed[certain.name] = Rows(entity, alias, source, nullable=True, many=True)
            inner._condition = inner.on(certain, alias)
        return inner

    def exists(self, condition: str) -> str:
        """SQL: whether one of these rows makes a condition true; made when all paths of it are known."""
        where = f"{self._condition} and {condition}" if self._condition else condition
        return fill(_SQL["exists"], source=self.source.sql, condition=where)


# ------------------------------------------------------------------------------------- paths over many (18-088)


def many_paths(model: Model, entity: Entity, node: Expression) -> set[tuple[str, ...]]:
    """The beginnings, up to the first way to many, of all paths of an expression that go one."""
    found = set()
    for path in paths(node):
        current = entity
        for number, name in enumerate(path.names):
            way = current.ways.get(name)
            if way is None or name in current.properties:
                break
            if way.many:
                found.add(path.names[: number + 1])
                break
            current = model.entities[way.target]
    return found


def paths(node: Expression) -> Iterator[tree.Path]:
    """Paths from the entity that is asked for; those of a variable of ``any`` are not."""
    waiting: list[Expression] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tree.Path):
            if current.variable is None:
                yield current
        elif isinstance(current, tree.Binary):
            waiting += [current.left, current.right]
        elif isinstance(current, tree.Not | tree.Minus):
            waiting.append(current.operand)
        elif isinstance(current, tree.Call):
            waiting += current.arguments
        elif isinstance(current, tree.In):
            waiting += [current.operand, *([current.collection] if current.collection else [])]
        elif isinstance(current, tree.Any):
            waiting.append(current.condition)


def needs(node: Expression, beginning: tuple[str, ...]) -> bool:
    """Whether an expression cannot be true without a row at the end of ``beginning``: nulls never make it true."""
    if isinstance(node, tree.Binary):
        if node.operator == "and":
            return needs(node.left, beginning) or needs(node.right, beginning)
        if node.operator == "or":
            return needs(node.left, beginning) and needs(node.right, beginning)
        if node.operator in {"gt", "ge", "lt", "le"}:
            return _carries([node.left, node.right], beginning)
        if node.operator == "eq":
            sides = (node.left, node.right), (node.right, node.left)
            return any(_is_value(other) and _carries([one], beginning) for one, other in sides)
    if isinstance(node, tree.In):
        return node.collection is None and all(map(_is_value, node.among)) and _carries([node.operand], beginning)
    return isinstance(node, tree.Call) and _carries(node.arguments, beginning)


def _is_value(node: Expression) -> bool:
    return isinstance(
        node,
        tree.Bool
        | tree.Int
        | tree.Float
        | tree.Text
        | tree.Instant
        | tree.Interval
        | tree.Duration
        | tree.Date
        | tree.Time,
    )


def _carries(nodes: Iterable[Expression], beginning: tuple[str, ...]) -> bool:
    """Whether one of the expressions is null where there is no row at the end of ``beginning``."""
    for node in nodes:
        if isinstance(node, tree.Path) and node.variable is None and node.names[: len(beginning)] == beginning:
            return True
        if isinstance(node, tree.Call) and _carries(node.arguments, beginning):
            return True
        if isinstance(node, tree.Minus) and _carries([node.operand], beginning):
            return True
        arithmetic = isinstance(node, tree.Binary) and node.operator in {"add", "sub", "mul", "div", "mod"}
        if arithmetic and isinstance(node, tree.Binary) and _carries([node.left, node.right], beginning):
            return True
    return False
