"""Pages of entities: rows of one state, what is expanded from them, how many there are, where the next page begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dashboard.sensorthings.addresses import next_link
from dashboard.sensorthings.forms import NAMES, Writer
from store import sta_count, sta_expense, sta_observations, sta_token
from store.sta_bounds import bound
from store.sta_entities import narrowed
from store.sta_model import Entity, Model
from store.sta_query import Expand, Query
from store.sta_read import Reader
from store.sta_scope import Along, Everything, Related, Scope
from store.sta_sql import count_statement, statement

Items = Sequence[tuple[str, str]]

#: Entities of a page: where nobody says how many, and at most.
PAGE, MOST = 100, 1_000
#: Entities that one answer expands at each level, shared by the entities that they belong to.
MOST_EXPANDED = 10_000


class Page(NamedTuple):
    """Rows of the store, as ``writer`` reads them, and what is said beside them; None where nothing is."""

    rows: list[tuple[Any, ...]]
    writer: Writer
    total: int | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Collections:
    """Collections as one answer has them. All methods raise QueryRefused, TooCostly, psycopg.Error."""

    model: Model
    root: str
    reader: Reader
    origin: sta_count.Origin
    #: About how many readings there are.
    readings: int
    #: Called where days are over and not counted.
    behind: Callable[[], None]
    annotations: bool = True

    def page(
        self, entity: Entity, query: Query, scope: Scope, address: str, items: Items, *, bare: bool = False
    ) -> Page:
        """One page of what a scope holds; ``address`` and ``items`` are what was asked, for the next one.

        ``bare``: only keys are read.
        """
        # by the time all Observations are as quick as by their key
        judged = replace(query, orderby=()) if entity.vast and sta_observations.quick(query) else query
        sta_expense.refuse_costly(self.model, entity.name, judged, scope, self.readings)
        size = MOST if query.top is not None and query.top > MOST else PAGE if query.top is None else query.top
        writer = self.writer(entity, query)
        found, orders = self._rows(entity, query, scope, () if bare else writer.wanted, size + 1)
        rows = found[:size]
        count = self._count(entity, query, scope) if query.count else None
        following = None
        if len(found) > size and size:
            last, left = rows[-1][-orders:], left_of_top(query, items, size)
            following = next_link(address, items, sta_token.encode(last), left)
        return Page(rows, writer, count, following)

    def _rows(
        self, entity: Entity, query: Query, scope: Scope, wanted: Sequence[str], limit: int
    ) -> tuple[list[tuple[Any, ...]], int]:
        """Rows, and how many of their last columns are the order's."""
        if entity.vast:
            found = sta_observations.rows(self.reader, self.model.version, query, scope, wanted, limit)
            if found is not None:
                return found
        asked = statement(self.model, entity.name, query, scope=scope, wanted=wanted, limit=limit)
        if query.token is not None:
            after = sta_token.decode(query.token, asked.orders)
            asked = statement(self.model, entity.name, query, scope=scope, wanted=wanted, limit=limit, after=after)
        return self.reader.rows(asked), len(asked.orders)

    def writer(self, entity: Entity, query: Query) -> Writer:
        """How entities are written that were asked for by a query."""
        return Writer(
            self.model.version,
            self.root,
            entity,
            query.select,
            [item.way for item in query.expand],
            annotations=self.annotations,
        )

    def written(
        self, entity: Entity, query: Query, writer: Writer, rows: Sequence[tuple[Any, ...]]
    ) -> list[dict[str, Any]]:
        """Rows as JSON, with what the query expands from them."""
        made = [writer.write(row) for row in rows]
        if rows:
            for item in query.expand:
                self._expand(entity, item, writer, rows, made)
        return made

    def _expand(
        self,
        entity: Entity,
        item: Expand,
        writer: Writer,
        parents: Sequence[tuple[Any, ...]],
        made: Sequence[dict[str, Any]],
    ) -> None:
        """Put what one way leads to into each of the parents as they are ``made``."""
        way, names = entity.ways[item.way], NAMES[self.model.version]
        target, query = self.model.entities[way.target], item.query
        asked_for = PAGE if query.top is None else query.top
        size = min(asked_for, MOST, max(1, MOST_EXPANDED // len(parents))) if way.many else 1
        scope = Related(entity.name, item.way, [tuple(row[: len(entity.key)]) for row in parents])
        inner = self.writer(target, query)
        groups, orders = self._groups(entity, target, query, scope, inner.wanted, size + 1 if way.many else 1)
        shown = [group[:size] for group in groups]
        written = iter(self.written(target, query, inner, [row for group in shown for row in group]))
        for parent, row, group, some in zip(made, parents, groups, shown, strict=True):
            entities = [next(written) for _ in some]
            parent[item.way] = entities if way.many else (entities[0] if entities else None)
            if way.many and len(group) > size and size:
                left = None if query.top is None else query.top - size
                token = sta_token.encode(some[-1][-orders:])
                parent[f"{item.way}{names.next}"] = next_link(writer.way(row, item.way), query.items, token, left)
        if query.count and way.many:
            for parent, count in zip(made, self._counts(target, query, scope), strict=True):
                parent[f"{item.way}{names.total}"] = count

    def _groups(
        self, entity: Entity, target: Entity, query: Query, scope: Related, wanted: Sequence[str], limit: int
    ) -> tuple[list[list[tuple[Any, ...]]], int]:
        """What each parent of a scope leads to, and how many of the rows' last columns are the order's."""
        groups: list[list[tuple[Any, ...]]] = [[] for _ in scope.keys]
        related, lead, orders = self.model, None, 0
        if target.vast and entity.name == "Datastream" and sta_observations.alone(query):
            related, lead = narrowed(self.model.version, "each"), sta_observations.lead(query)
        elif target.vast and entity.ways[scope.way].many:
            # one after the other each goes by the index of readings; all at once their readings would be sorted
            for number, key in enumerate(scope.keys):
                along = Along(entity.name, key, (scope.way,))
                groups[number], orders = self._rows(target, query, along, wanted, limit)
            return groups, orders
        asked = statement(
            related, target.name, query, scope=scope, wanted=wanted, limit=limit, option="$expand", lead=lead
        )
        for row in self.reader.rows(asked):
            groups[row[0]].append(row[1:])
        return groups, len(asked.orders)

    def _counts(self, target: Entity, query: Query, scope: Related) -> list[int]:
        """How many there are of each parent of a scope."""
        if target.vast:
            known = self._known_of_each(query, scope)
            if known is not None:
                return known
        asked = count_statement(self.model, target.name, replace(query, expand=()), scope=scope)
        counts = [0] * len(scope.keys)
        for ordinal, count in self.reader.rows(asked):
            counts[ordinal] = count
        return counts

    def _known_of_each(self, query: Query, scope: Related) -> list[int] | None:
        """How many Observations each parent of a scope has, where the counts of their days say it."""
        asked = bound(query, Everything())
        if asked is None:
            return None
        if scope.parent != "Datastream":
            if query.filter is not None or len(scope.keys) > PAGE:
                return None
            known = [self._known(query, Along(scope.parent, key, (scope.way,))) for key in scope.keys]
            return None if None in known else [one for one in known if one is not None]
        numbers = [int(str(number)) for (number,) in scope.keys]
        with self.reader.within():
            if query.filter and sta_count.intervals(self.reader.connection, self.reader.own, None, None):
                return None
            counted = sta_count.count_each(self.reader.connection, self.origin, numbers, asked.start, asked.end)
        if counted.behind:
            self.behind()
        return [counted.readings.get(number, 0) for number in numbers]

    def _count(self, entity: Entity, query: Query, scope: Scope) -> int:
        known = self._known(query, scope) if entity.vast else None
        if known is not None:
            return known
        ((count,),) = self.reader.rows(count_statement(self.model, entity.name, query, scope=scope))
        return int(count)

    def _known(self, query: Query, scope: Scope) -> int | None:
        """How many Observations there are, where the counts of their days say it."""
        asked = bound(query, scope)
        if asked is None:
            return None
        connection, origin = self.reader.connection, self.origin
        with self.reader.within():
            if query.filter and sta_count.intervals(connection, self.reader.own, asked.series, asked.device):
                return None
            series = None if asked.series is None else [asked.series]
            if asked.device is not None:
                series = sta_count.series_of(connection, origin, asked.device)
            counted = sta_count.count(connection, origin, series, asked.start, asked.end)
        if counted.behind:
            self.behind()
        return counted.readings


def left_of_top(query: Query, items: Sequence[tuple[str, str]], size: int) -> int | None:
    """``$top`` of the next page; None: it has none. It is counted down, for clients that follow links and never count.

    QGIS means the size of a page by it, and would take its first page for all: it says ``$count=false`` beside it,
    which says nothing else. Then the next page is as large.
    """
    if query.top is None:
        return None
    return query.top if ("$count", "false") in items else query.top - size
