"""Random expressions of any kinds against PostgreSQL: each is answered, or told in words what is wrong with it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest

from dashboard.sensorthings.options import parse
from store.connect import Connection, connect
from store.sta_expressions import FUNCTION_NAMES
from store.sta_query import QueryRefused
from store.sta_scope import Everything
from store.sta_sql import refused, statement
from tests.tools.servers import Cluster
from tests.worlds import sensorthings_query

MODEL = sensorthings_query.model("1.1")
PARTS = [
    "name", "height", "floors", "active", "properties", "properties/level", "location", "life", "since", "seen", "id",
    "Datastreams/name", "Datastreams/Observations/result", "1", "-3", "0", "1e300", "9223372036854775807", "'a'", "''",
    "'%'", "null", "true", "2026-03-29T00:00:00Z", "2026-03-29T00:00:00Z/2026-03-29T01:00:00Z", "duration'P99999D'",
    "2026-03-29", "12:00", "geometry'POINT(0 0)'", "geometry'LINESTRING(0 0,0 0,1 1)'", "now()", "maxdatetime()",
    "geometry'POLYGON((0 0,1 1,2 2,0 0))'", "mindatetime()",
]  # fmt: skip
OPERATORS = ["eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod", "and", "or", "in"]


@pytest.fixture(scope="module")
def connection(timescale: Cluster) -> Iterator[Connection]:
    name = timescale.create(migrated=False)
    with connect(timescale.url(name), autocommit=True) as found:
        sensorthings_query.fill(found, sensorthings_query.rows())
        yield found
    timescale.drop(name)


def expression(random_: random.Random, depth: int) -> str:
    choice = random_.random()
    if depth <= 0 or choice < 0.25:
        return random_.choice(PARTS)
    if choice < 0.6:
        left, right = expression(random_, depth - 1), expression(random_, depth - 1)
        return f"({left} {random_.choice(OPERATORS)} {right})"
    if choice < 0.7:
        return f"{random_.choice(['not ', '-'])}{expression(random_, depth - 1)}"
    name = random_.choice([name for name in FUNCTION_NAMES if name != "any"])
    arguments = [expression(random_, depth - 1) for _ in range(random_.choice([0, 1, 1, 2, 2, 2, 3]))]
    if name == "cast":
        arguments = [expression(random_, depth - 1), random_.choice(["Edm.String", "Edm.Double", "Edm.Boolean"])]
    return f"{name}({','.join(arguments)})"


def answered(connection: Connection, option: str, text: str) -> bool:
    """Whether a query was answered; False where it was refused, an error of the database's own goes on."""
    try:
        made = statement(
            MODEL, "Thing", parse(MODEL, "Thing", [(option, text)]), scope=Everything(), wanted=(), limit=5
        )
        connection.execute(made.sql, made.parameters).fetchall()
    except QueryRefused:
        return False
    except psycopg.Error as error:
        if refused(error) is None:
            raise AssertionError(f"{option}={text}") from error
        return False
    return True


def some(connection: Connection, seed: int, many: int) -> int:
    """How many of random expressions were answered."""
    random_, found = random.Random(seed), 0
    for _ in range(many):
        option = random_.choice(["$filter", "$filter", "$orderby"])
        text = expression(random_, 3)
        if option == "$filter":
            text = f"{text} {random_.choice(OPERATORS[:6])} {expression(random_, 2)}"
        found += answered(connection, option, text)
    return found


def test_what_fits_is_answered_and_all_else_refused_in_words(connection: Connection) -> None:
    assert some(connection, 1, 1_500) > 50


@pytest.mark.soak
def test_much_more_of_it(connection: Connection) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    assert some(connection, seed, 200_000) > 5_000


@pytest.mark.parametrize(
    "text", ["true", "true desc,name", "(null lt 5)", "1", "'a',2", "-0.0", "not active", "null eq null"]
)
def test_constants_give_an_order_that_changes_nothing(connection: Connection, text: str) -> None:
    assert answered(connection, "$orderby", text)
