"""Rows of Observations by the index of readings, series by series, where the order is by the key or by the time.

A reading is found by its series and its time. Asked for all Observations, or those of a device, the database would sort
millions of rows for a page of a hundred; asked of each series for its first hundred, it reads no more than those.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from store import sta_query as tree
from store import sta_token
from store.queries import queries
from store.sta_entities import Version, narrowed
from store.sta_query import Order, Query, QueryRefused
from store.sta_read import Reader
from store.sta_scope import Along, Everything, Related, Scope
from store.sta_sql import Lead, Statement, count_statement, statement
from store.sta_values import fill

_SQL = queries("sta_observations")

#: Series that are asked at once: few at first, for they have enough in most cases.
_FIRST, _MORE = 2, 4
#: With more series an order by time is left to the database.
_MOST = 2_000
_TIMES = {("phenomenonTime",), ("phenomenonTime", "start"), ("resultTime",)}

Rows = tuple[list[tuple[Any, ...]], int]


def rows(
    reader: Reader, version: Version, query: Query, scope: Scope, wanted: Sequence[str], limit: int
) -> Rows | None:
    """The first ``limit`` rows, as `store.sta_sql.statement` has them, and how many of their last columns are the
    order's; None where it is not for us. Raises QueryRefused, TooCostly, psycopg.Error.
    """
    if not alone(query):
        return None
    if isinstance(scope, Along) and scope.start == "Datastream":
        return _of_one(reader, version, query, scope, wanted, limit)
    if isinstance(scope, Along):
        numbers = _numbers(reader, str(scope.key[0]))
    elif isinstance(scope, Everything):
        numbers = _numbers(reader, None)
    else:
        return None
    if not query.orderby or _by_key(query.orderby):
        return _by_series(reader, version, query, numbers, wanted, limit)
    if all(_by_time(order) for order in query.orderby) and len(numbers) <= _MOST:
        return _by_times(reader, version, query, numbers, wanted, limit)
    return None


def alone(query: Query) -> bool:
    """Whether a question about Observations names no others beside them."""
    return not any("Observations" in text for name, text in query.items if name in ("$filter", "$orderby"))


def quick(query: Query) -> bool:
    """Whether all Observations are asked for in an order that costs little, without a filter."""
    return query.filter is None and all(_by_time(order) for order in query.orderby)


def lead(query: Query) -> Lead | None:
    """What orders the rows of one series as resultTime does, which is their time and one length."""
    if not query.orderby or _names(query.orderby[0]) != ("resultTime",):
        return None
    descending = query.orderby[0].descending
    if any(not _by_time(order) or order.descending != descending for order in query.orderby):
        return None
    return Lead("{t}.time", _SQL["behind_falling"] if descending else _SQL["behind_rising"])


def _of_one(
    reader: Reader, version: Version, query: Query, scope: Along, wanted: Sequence[str], limit: int
) -> Rows | None:
    row = _series(reader, scope.key[0])
    if row is None:
        return [], 0
    model = narrowed(version, "one")

    def make(after: Sequence[object] | None) -> Statement:
        return statement(
            model, "Observation", query, scope=Everything(), wanted=wanted, limit=limit, after=after, lead=lead(query)
        )

    asked = make(None)
    if query.token is not None:
        asked = make(sta_token.decode(query.token, asked.orders))
    only = {"only": scope.key[0], "only_device": row[0], "only_length": row[1]}
    return reader.rows(asked, only), len(asked.orders)


def is_open(reader: Reader, series: object) -> bool:
    """Whether there is a Datastream of this number. Raises TooCostly, psycopg.Error."""
    return _series(reader, series) is not None


def _series(reader: Reader, number: object) -> tuple[Any, ...] | None:
    """What is to be known of a series before its readings; one answer asks once."""
    if number not in reader.series:
        with reader.within():
            asked = {**reader.own, "id": number}
            reader.series[number] = reader.connection.execute(_SQL["series"], asked).fetchone()
    return reader.series[number]


def _by_series(
    reader: Reader, version: Version, query: Query, numbers: Sequence[int], wanted: Sequence[str], limit: int
) -> Rows | None:
    """By the key: the first series with all it has, then the next."""
    descending = bool(query.orderby) and query.orderby[0].descending
    left = sorted(numbers, reverse=descending)
    plain = replace(query, token=None, skip=0)
    found: list[tuple[Any, ...]] = []
    orders = _each(version, plain, [], wanted, 1).orders
    skip = query.skip
    if query.token is not None:
        skip = 0
        series, time = after = sta_token.decode(query.token, orders)
        if not isinstance(series, int) or time is None:
            raise QueryRefused("$skiptoken is none of this query (no key is null): take nextLink as it came")
        left = [one for one in left if (one < series if descending else one > series)]
        if series in numbers:
            asked = _each(version, plain, [series], wanted, limit, after)
            found = [row[1:] for row in reader.rows(asked)]
    for batch in _batches(left):
        if len(found) >= limit:
            break
        some = batch
        if skip:
            # what is skipped is counted by the database and not fetched
            some, skip = _behind(reader, version, plain, batch, skip)
        if skip and some:
            first = _each(version, replace(plain, skip=skip), some[:1], wanted, limit)
            found += [row[1:] for row in reader.rows(first)]
            some, skip = some[1:], 0
        if some and len(found) < limit:
            asked = _each(version, plain, some, wanted, limit - len(found))
            found += [row[1:] for row in reader.rows(asked)]
    return found[:limit], len(orders)


def _behind(
    reader: Reader, version: Version, query: Query, numbers: Sequence[int], skip: int
) -> tuple[Sequence[int], int]:
    """The series that are left of some when so many rows are skipped, and how many are to be skipped of these."""
    counted = count_statement(narrowed(version, "each"), "Observation", query, scope=_scope(numbers), most=skip + 1)
    for place, (_, rows) in enumerate(reader.rows(counted)):
        if rows > skip:
            return numbers[place:], skip
        skip -= rows
    return [], skip


def _by_times(
    reader: Reader, version: Version, query: Query, numbers: Sequence[int], wanted: Sequence[str], limit: int
) -> Rows | None:
    """By the time: the first of each series, and of these the first."""
    plain = replace(query, token=None, skip=0)
    skip = 0 if query.token is not None else query.skip
    asked = _each(version, plain, numbers, wanted, limit + skip)
    if query.token is not None:
        after = sta_token.decode(query.token, asked.orders)
        asked = _each(version, plain, numbers, wanted, limit, after)
    directions = [one.descending for one in query.orderby]
    columns = [name for name in asked.columns if name.startswith("order")]
    # the terms of a time are all of one direction; those of the key have the last one's
    if len(set(directions)) > 1:
        return None
    word = "desc nulls last" if directions[-1] else "asc nulls first"
    listed = ", ".join(f"c{number}" for number in range(len(asked.columns) - 1))
    order = ", ".join(f"c{asked.columns.index(name) - 1} {word}" for name in columns)
    each, rest = asked.sql.decode(), f"limit {limit:d} offset {skip:d}"
    sql = fill(_SQL["first_of_all"], listed=listed, each=each, order=order, rest=rest)
    return reader.rows(replace(asked, sql=sql.encode())), len(asked.orders)


def _each(
    version: Version,
    query: Query,
    numbers: Sequence[int],
    wanted: Sequence[str],
    limit: int,
    after: Sequence[object] | None = None,
) -> Statement:
    model, scope = narrowed(version, "each"), _scope(numbers)
    return statement(
        model, "Observation", query, scope=scope, wanted=wanted, limit=limit, after=after, lead=lead(query)
    )


def _scope(numbers: Sequence[int]) -> Related:
    return Related("Datastream", "Observations", [(number,) for number in numbers])


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    rest, size = iter(numbers), _FIRST
    while some := list(itertools.islice(rest, size)):
        yield some
        size *= _MORE


def _numbers(reader: Reader, device: str | None) -> list[int]:
    with reader.within():
        found = reader.connection.execute(_SQL["all"], {**reader.own, "device": device}).fetchall()
    return [row[0] for row in found]


def _by_key(orderby: Sequence[Order]) -> bool:
    return len(orderby) == 1 and _names(orderby[0]) == ("id",)


def _by_time(order: Order) -> bool:
    return _names(order) in _TIMES


def _names(order: Order) -> tuple[str, ...] | None:
    path = order.expression
    return path.names if isinstance(path, tree.Path) and path.variable is None else None
