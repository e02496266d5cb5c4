"""Which readings a question about Observations means, where that can be said without looking at them: some series, from
an instant on, before another."""

from __future__ import annotations

from typing import NamedTuple

from store import sta_query as tree
from store.sta_query import Expression, Query
from store.sta_scope import Along, Everything, Scope
from store.times import microseconds

_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq"}
_TIMES = {("phenomenonTime",), ("phenomenonTime", "start"), ("resultTime",)}


class Bound(NamedTuple):
    """Readings of one ``series``, of the series of one ``device``, or of all (both None), from ``start`` on, before
    ``end`` [us since the Unix epoch, None: without a bound].
    """

    series: int | None = None
    device: str | None = None
    start: int | None = None
    end: int | None = None


def bound(query: Query, scope: Scope) -> Bound | None:
    """What a query of Observations asks of a scope, where it is no more than a bound; None where it is.

    It takes phenomenonTime for an instant: of readings that stand for an interval the answer is not to be used where
    the query has a filter.
    """
    start = end = None
    for part in _parts(query.filter):
        found = _time(part)
        if found is None:
            return None
        operator, time = found
        if operator in ("gt", "ge", "eq"):
            begin = time + (operator == "gt")
            start = begin if start is None else max(start, begin)
        if operator in ("lt", "le", "eq"):
            stop = time + (operator != "lt")
            end = stop if end is None else min(end, stop)
    if isinstance(scope, Everything):
        return Bound(None, None, start, end)
    if isinstance(scope, Along) and len(scope.ways) == 1:
        (key,) = scope.key if len(scope.key) == 1 else (None,)
        if scope.start == "Datastream" and isinstance(key, int):
            return Bound(key, None, start, end)
        if scope.start in ("FeatureOfInterest", "Feature") and isinstance(key, str):
            return Bound(None, key, start, end)
    return None


def _parts(node: Expression | None) -> list[Expression]:
    """The terms of a chain of ``and``."""
    found: list[Expression] = []
    waiting = [] if node is None else [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, tree.Binary) and one.operator == "and":
            waiting += [one.left, one.right]
        else:
            found.append(one)
    return found


def _time(node: Expression) -> tuple[str, int] | None:
    """The operator and the instant [us] of a comparison of a reading's time; None for whatever else."""
    if not isinstance(node, tree.Binary) or node.operator not in _TURNED:
        return None
    operator, left, right = node.operator, node.left, node.right
    if isinstance(left, tree.Instant):
        operator, left, right = _TURNED[operator], right, left
    if not (isinstance(left, tree.Path) and left.variable is None and left.names in _TIMES):
        return None
    return (operator, microseconds(right.value)) if isinstance(right, tree.Instant) else None
