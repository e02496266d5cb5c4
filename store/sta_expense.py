"""What would cost more than an index can give is refused before it is run, with what to ask instead.

A rule and not an estimate: whoever asks the same twice gets the same answer. It holds from `MANY` observations on;
below, whatever is asked is cheap. What the rule lets through still runs under its time limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from devices.counts import counted
from store import sta_query as tree
from store.sta_expressions import chain
from store.sta_model import Entity, Model
from store.sta_query import Expression, Query, QueryRefused
from store.sta_rows import paths
from store.sta_scope import Everything, Keyed, Scope

#: From so many observations on questions to them need a bound, of the time or of whose they are.
MANY = 1_000_000
#: The longest time that bounds a question to all.
LONGEST = timedelta(days=7)

#: Entities one of which has observations of the whole borough: their id bounds nothing.
_WIDE = frozenset({"ObservedProperty", "Sensor", "FeatureType"})
_TIMES = frozenset({"phenomenonTime", "resultTime"})
_LOWER = {"gt": "left", "ge": "left", "eq": "left", "lt": "right", "le": "right"}
_UPPER = {"lt": "left", "le": "left", "eq": "left", "gt": "right", "ge": "right"}

Beginning = tuple[str | None, tuple[str, ...]]


def refuse_costly(
    model: Model, entity: str, query: Query, scope: Scope, rows: int, now: datetime | None = None
) -> None:
    """Raises QueryRefused for a question to too many observations; ``rows``: about how many there are.

    ``now``: what the query's ``now()`` is, for whether a time from there on is short.
    """
    if rows < MANY:
        return
    rule = _Rule(model, now or datetime.now(UTC))
    asked = model.entities[entity]
    if asked.vast and isinstance(scope, Everything):
        rule.check_all(asked, query)
    if query.filter is not None:
        rule.check_related(asked, query.filter)
    rule.check_expanded(asked, query, single=isinstance(scope, Keyed))


class _Rule:
    def __init__(self, model: Model, now: datetime) -> None:
        self.model, self.now = model, now

    def check_all(self, entity: Entity, query: Query) -> None:
        """All of a vast entity: in the key's order without a filter, or with a bound."""
        bounded = query.filter is not None and self._bounded(entity, query.filter, (None, ()))
        if query.filter is not None and not bounded:
            raise QueryRefused(f"$filter: {_advice(entity)}")
        by_key = all(isinstance(o.expression, tree.Path) and o.expression.names == ("id",) for o in query.orderby)
        if not by_key and not bounded:
            raise QueryRefused(f"$orderby: {_advice(entity)}")

    def check_related(self, entity: Entity, node: Expression) -> None:
        """Observations that a filter of other entities asks for: each way to them with a bound of its own."""
        for beginning, target in self._vast(entity, node):
            if not self._bounded(entity, node, beginning):
                raise QueryRefused(f"$filter: {_advice(target, '/'.join(beginning[1]))}")
        for item in _anys(node):
            end = self._end(item, entity)
            if end is not None and end.vast and not self._bounded(end, item.condition, (item.variable, ())):
                raise QueryRefused(f"$filter: {_advice(end, '/'.join(item.path.names))}")

    def check_expanded(self, entity: Entity, query: Query, *, single: bool) -> None:
        """Observations of each of many: by time, which the index has, or within a bound."""
        for item in query.expand:
            way = entity.ways[item.way]
            target = self.model.entities[way.target]
            inner = item.query
            if target.vast and way.many and not single:
                bounded = inner.filter is not None and self._bounded(target, inner.filter, (None, ()))
                if inner.filter is not None and not bounded and not self._of_time(inner.filter):
                    raise QueryRefused(f"$filter in $expand={item.way}: {_advice(target)}")
                if not bounded and not all(_by_time(order.expression) for order in inner.orderby):
                    raise QueryRefused(f"$orderby in $expand={item.way}: {_advice(target)}")
            if inner.filter is not None:
                self.check_related(target, inner.filter)
            self.check_expanded(target, inner, single=single and not way.many)

    # ------------------------------------------------------------------------------------------------- bounds

    def _bounded(self, entity: Entity, node: Expression, beginning: Beginning) -> bool:
        """Whether a condition holds of few observations at the end of ``beginning`` (variable and ways)."""
        if isinstance(node, tree.Binary) and node.operator == "or":
            return all(self._bounded(entity, part, beginning) for part in chain(node))
        parts = list(chain(node)) if isinstance(node, tree.Binary) and node.operator == "and" else [node]
        if any(self._names(entity, part, beginning) for part in parts):
            return True
        either = [part for part in parts if isinstance(part, tree.Binary) and part.operator == "or"]
        if any(self._bounded(entity, part, beginning) for part in either):
            return True
        lower = [at for part in parts if (at := self._limit(part, beginning, _LOWER)) is not None]
        upper = [at for part in parts if (at := self._limit(part, beginning, _UPPER)) is not None]
        if not lower:
            return False
        # nothing is observed long after now
        return min([*upper, self.now + timedelta(days=1)]) - max(lower) <= LONGEST

    def _names(self, entity: Entity, node: Expression, beginning: Beginning) -> bool:
        """Whether a condition names one entity, or a few, whose observations are meant."""
        if isinstance(node, tree.Binary) and node.operator == "eq":
            pairs = [(node.left, node.right), (node.right, node.left)]
        elif isinstance(node, tree.In) and all(isinstance(item, tree.Text | tree.Int) for item in node.among):
            pairs = [(node.operand, item) for item in node.among[:1]]
        else:
            return False
        return any(
            isinstance(path, tree.Path)
            and isinstance(value, tree.Text | tree.Int)
            and path.names[-1] == "id"
            and path.variable == beginning[0]
            and path.names[: len(beginning[1])] == beginning[1]
            and self._owner(entity, path) not in _WIDE
            for path, value in pairs
        )

    def _owner(self, entity: Entity, path: tree.Path) -> str:
        for name in path.names[:-1]:
            if name not in entity.ways:
                break
            entity = self.model.entities[entity.ways[name].target]
        return entity.name

    def _limit(self, node: Expression, beginning: Beginning, sides: dict[str, str]) -> datetime | None:
        if not isinstance(node, tree.Binary) or node.operator not in sides:
            return None
        left_first = sides[node.operator] == "left"
        pairs = [(node.left, node.right)] if left_first else [(node.right, node.left)]
        if node.operator == "eq":
            pairs.append((node.right, node.left))
        for path, value in pairs:
            if isinstance(path, tree.Path) and path.variable == beginning[0] and _is_time(path, beginning[1]):
                return self._instant(value, sides is _UPPER)
        return None

    def _instant(self, node: Expression, upper: bool) -> datetime | None:
        """The instant that an expression of literals is; None where it is none."""
        if isinstance(node, tree.Instant):
            return node.value
        if isinstance(node, tree.Interval):
            return node.end if upper else node.start
        if isinstance(node, tree.Call) and node.name == "now":
            return self.now
        if isinstance(node, tree.Binary) and node.operator in {"add", "sub"} and isinstance(node.right, tree.Duration):
            begin = self._instant(node.left, upper)
            length = timedelta(microseconds=node.right.value)
            try:
                return None if begin is None else begin + length if node.operator == "add" else begin - length
            except OverflowError:
                return None
        return None

    # --------------------------------------------------------------------------------------------------- ways

    def _vast(self, entity: Entity, node: Expression) -> Iterator[tuple[Beginning, Entity]]:
        """The ways of a filter's paths that lead to a vast entity, each as far as there."""
        for path in paths(node):
            current = entity
            for number, name in enumerate(path.names):
                way = current.ways.get(name)
                if way is None or name in current.properties:
                    break
                current = self.model.entities[way.target]
                if current.vast and way.many:
                    yield (None, path.names[: number + 1]), current
                    break

    def _end(self, item: tree.Any, entity: Entity) -> Entity | None:
        """What an `any` goes over: of a variable that is not known here the way's name says it."""
        if item.path.variable is not None:
            for known in self.model.entities.values():
                way = known.ways.get(item.path.names[-1])
                if way is not None:
                    return self.model.entities[way.target]
            return None
        for name in item.path.names:
            entity = self.model.entities[entity.ways[name].target]
        return entity

    def _of_time(self, node: Expression) -> bool:
        parts = list(chain(node)) if isinstance(node, tree.Binary) and node.operator == "and" else [node]
        return all(any(self._limit(part, (None, ()), sides) for sides in (_LOWER, _UPPER)) for part in parts)


def _is_time(path: tree.Path, ways: tuple[str, ...]) -> bool:
    rest = path.names[len(ways) :]
    return path.names[: len(ways)] == ways and bool(rest) and rest[0] in _TIMES


def _by_time(node: Expression) -> bool:
    return isinstance(node, tree.Path) and (node.names[0] in _TIMES or node.names == ("id",))


def _anys(node: Expression) -> Iterator[tree.Any]:
    waiting: list[Expression] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tree.Any):
            yield current
            waiting.append(current.condition)
        elif isinstance(current, tree.Binary):
            waiting += [current.left, current.right]
        elif isinstance(current, tree.Not | tree.Minus | tree.In):
            waiting.append(current.operand)
        elif isinstance(current, tree.Call):
            waiting += current.arguments


def _advice(entity: Entity, way: str = "") -> str:
    where = f"{way}/" if way else ""
    week = f"{where}phenomenonTime ge 2026-03-01T00:00:00Z and {where}phenomenonTime lt 2026-03-08T00:00:00Z"
    return (
        f"{entity.set} of all are too many to look through. Bound the time, {week} "
        f"({counted(LONGEST.days, 'day')} at most), or ask one Datastream: Datastreams(17)/Observations"
    )
