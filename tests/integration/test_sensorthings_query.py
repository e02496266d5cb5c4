"""Random SensorThings queries against PostgreSQL: the same entities in the same order as the reference finds."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from dashboard.sensorthings.options import parse
from store.connect import Connection, connect
from store.sta_model import Model
from store.sta_query import Query
from store.sta_scope import Everything, Related, Scope
from store.sta_sql import count_statement, statement
from store.sta_token import decode, encode
from tests.references.sensorthings import KEYS, WAYS, World, matches, ordered
from tests.tools.sensorthings_queries import Queries
from tests.tools.sensorthings_values import Option
from tests.tools.servers import Cluster
from tests.worlds import sensorthings_query

VERSIONS: tuple[Literal["1.1", "2.0"], ...] = ("1.1", "2.0")
ENTITIES = ("Thing", "Datastream", "Observation", "Sensor")
MODELS: dict[str, Model] = {version: sensorthings_query.model(version) for version in VERSIONS}
MANY = 10_000

#: An entity's key and what was expanded, by way.
Found = tuple[tuple[Any, ...], dict[str, Any]]


@pytest.fixture(scope="module")
def connection(timescale: Cluster) -> Iterator[Connection]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as found:
        sensorthings_query.fill(found, sensorthings_query.rows())
        yield found
    timescale.drop(name)


@pytest.fixture(scope="module")
def world() -> World:
    return World(sensorthings_query.rows())


def fitting(world: World, entity: str, option: Option, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the reference finds a filter true of."""
    return [row for row in rows if option.filter is None or matches(world, entity, row, option.filter.tree)]


def expected(world: World, entity: str, option: Option, kept: Sequence[dict[str, Any]]) -> list[Found]:
    """What the reference answers, of the rows that a filter has left."""
    kept = ordered(world, entity, kept, [(term.tree, down) for term, down in option.orderby])[option.skip :]
    kept = kept if option.top is None else kept[: option.top]
    found = []
    for row in kept:
        expanded = {}
        for way, inner in option.expand.items():
            target = WAYS[entity][way][2]
            expanded[way] = expected(world, target, inner, fitting(world, target, inner, world.along(entity, row, way)))
        found.append((tuple(row[name] for name in KEYS[entity]), expanded))
    return found


def answered(connection: Connection, model: Model, entity: str, query: Query, page: int) -> list[Found]:
    """What the database answers, page after page, each from where the one before ended."""
    found: list[Found] = []
    token: str | None = None
    left = MANY if query.top is None else query.top
    while True:
        after = None
        made = statement(model, entity, query, scope=Everything(), wanted=(), limit=min(page, left))
        if token is not None:
            after = decode(token, made.orders)
            made = statement(model, entity, query, scope=Everything(), wanted=(), limit=min(page, left), after=after)
        rows = connection.execute(made.sql, made.parameters).fetchall()
        found += with_expanded(connection, model, entity, query, [split(made.columns, row)[0] for row in rows])
        left -= len(rows)
        if len(rows) < page or not left:
            return found
        token = encode(split(made.columns, rows[-1])[1])


def with_expanded(
    connection: Connection, model: Model, entity: str, query: Query, keys: list[tuple[Any, ...]]
) -> list[Found]:
    found: list[Found] = [(key, {item.way: [] for item in query.expand}) for key in keys]
    for item in query.expand if keys else ():
        target = model.entities[entity].ways[item.way].target
        limit = MANY if item.query.top is None else item.query.top
        scope: Scope = Related(entity, item.way, keys)
        made = statement(model, target, item.query, scope=scope, wanted=(), limit=limit, option="$expand")
        rows = connection.execute(made.sql, made.parameters).fetchall()
        children = with_expanded(
            connection, model, target, item.query, [split(made.columns[1:], row[1:])[0] for row in rows]
        )
        for row, child in zip(rows, children, strict=True):
            found[row[0]][1][item.way].append(child)
        counted = count_statement(model, target, item.query, scope=scope)
        counts = [row[1] for row in connection.execute(counted.sql, counted.parameters).fetchall()]
        if not item.query.skip and item.query.top is None:
            assert counts == [len(entry[1][item.way]) for entry in found]
    return found


def split(columns: Sequence[str], row: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """The key and the order's values of a row."""
    named = list(zip(columns, row, strict=True))
    return tuple(value for name, value in named if name.startswith("key")), [
        value for name, value in named if name.startswith("order")
    ]


def check(connection: Connection, world: World, seed: int) -> int:
    """One random query of each entity; how many there were."""
    world.now = datetime.now(UTC)
    for number, entity in enumerate(ENTITIES):
        version = "1.1" if (seed + number) % 2 else "2.0"
        model = MODELS[version]
        option = Queries(seed * len(ENTITIES) + number, entity, version).option()
        items = option.items()
        query = parse(model, entity, items)
        page = random.Random(seed).choice([1, 3, 1_000, 1_000])
        if entity == "Observation" and option.top is None:
            page = max(page, 20)
        words = f"seed {seed}, {version} {entity}: {items}"
        kept = fitting(world, entity, option, world.rows[entity])
        assert answered(connection, model, entity, query, page) == expected(world, entity, option, kept), words
        counted = count_statement(model, entity, query, scope=Everything())
        assert connection.execute(counted.sql, counted.parameters).fetchone() == (len(kept),), words
    return len(ENTITIES)


#: Seeds whose queries had another answer once: ``not`` of a comparison with a period that has no end, and
#: ``now() ne now()``, of which the reference was wrong.
FOUND = (730_001_900, 731_000_415)


def test_random_queries_answer_as_the_reference_does(connection: Connection, world: World) -> None:
    for seed in (*range(50), *FOUND):
        check(connection, world, seed)


@pytest.mark.soak
def test_a_hundred_thousand_random_queries(connection: Connection, world: World) -> None:
    first = int(os.environ.get("BOROUGH_TEST_SEED", random.randrange(10**9)))
    many = int(os.environ.get("BOROUGH_TEST_QUERIES", "100000"))
    print(f"BOROUGH_TEST_SEED={first} BOROUGH_TEST_QUERIES={many}")
    seen, seed = 0, first
    while seen < many:
        seen += check(connection, world, seed)
        seed += 1
    print(f"{seen:,} queries, equal")
