"""What each operator and function of a SensorThings query gives on PostgreSQL: examples of 18-088, 23-019 and OData."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from dashboard.sensorthings.options import parse
from store.connect import Connection, connect
from store.sta_model import Model
from store.sta_query import QueryRefused
from store.sta_scope import Along, Everything, Keyed, Related
from store.sta_sql import count_statement, refused, statement
from tests.tools.servers import Cluster
from tests.worlds import sensorthings_query

MODEL: Model = sensorthings_query.model("1.1")
SQUARE = "geometry'POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0), (0.5 0.5, 1.5 0.5, 1.5 1.5, 0.5 1.5, 0.5 0.5))'"
LINE = "geometry'LINESTRING (0 0, 2 0, 2 2)'"


@pytest.fixture(scope="module")
def connection(timescale: Cluster) -> Iterator[Connection]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as found:
        sensorthings_query.fill(found, {"thing": [], "sensor": [], "stream": [], "observation": []})
        found.execute(b"""
            insert into q_thing values ('x', 'Sensor Things', null, 2.5, 7, true,
                '{"zone": "north", "level": 3, "tags": ["Vehicle", 2], "huge": 1e400, "text": "3"}', 0.25, 0.25,
                '2015-12-08T01:02:03.456789Z', '2015-12-08T02:02:03.456789Z');
            insert into q_stream values (1, 'x', null, 'one', 'degree', 'C', null, null),
                (2, 'x', null, 'two', 'm', 'm', '1 h', null);
            insert into q_observation values (1, '2026-03-01T00:00:00Z', 6), (1, '2026-03-01T00:30:00Z', 10),
                (2, '2026-03-01T00:00:00Z', 1e308);
        """)  # fmt: skip
        yield found
    timescale.drop(name)


def holds(connection: Connection, text: str, entity: str = "Thing", model: Model = MODEL) -> bool:
    query = parse(model, entity, [("$filter", text)])
    made = count_statement(model, entity, query, scope=Everything())
    row = connection.execute(made.sql, made.parameters).fetchone()
    assert row is not None
    return bool(row[0])


@pytest.mark.parametrize(
    "text",
    [
        "substringof('Sensor', name)",
        "contains(name, 'Things')",
        "endswith(name,'Things')",
        "startswith(name,'Sensor')",
        "length(name) eq 13",
        "indexof(name,'ensor') eq 1",
        "indexof(name,'x') eq -1",
        "substring(name,1) eq 'ensor Things'",
        "substring(name,2,4) eq 'nsor'",
        "substring(name,99) eq ''",
        "substring(name,0,0) eq ''",
        "tolower(name) eq 'sensor things'",
        "toupper(name) eq 'SENSOR THINGS'",
        "trim(concat(' ', name)) eq name",
        "concat(concat(name,', '),id) eq 'Sensor Things, x'",
        "toupper('straße ω') eq 'STRAßE Ω'",
        "length('\U0001d518') eq 1",
        "'Z' lt 'a'",
        "'a' lt 'é'",
        "'10' lt '9'",
        "'' lt 'a'",
        "contains('100%','%')",
        "not contains('100','%')",
        "not contains('ab','_')",
        "endswith(name,'')",
        "year(since) eq 2015",
        "month(since) eq 12",
        "day(since) eq 8",
        "hour(since) eq 1",
        "minute(since) eq 2",
        "second(since) eq 3",
        "fractionalseconds(since) eq 0.456789",
        "date(since) eq 2015-12-08",
        "time(since) eq 01:02:03.456789",
        "totaloffsetminutes(since) eq 0",
        "totaloffsetminutes(since, '-03:30') eq -210",
        "hour(since,'America/New_York') eq 20",
        "day(since,'America/New_York') eq 7",
        "date(since,'+14:00') eq 2015-12-08",
        "now() gt since",
        "since gt mindatetime()",
        "since lt maxdatetime()",
        "totaloffsetminutes(2026-07-01T00:00:00Z,'Europe/London') eq 60",
        "since add duration'P1D' eq 2015-12-09T01:02:03.456789Z",
        "since sub duration'PT0.456789S' eq 2015-12-08T01:02:03Z",
        "seen sub since eq duration'PT1H'",
        "-duration'PT1H' lt duration'PT0S'",
        "now() sub duration'P1D' lt now()",
        "round(2.5) eq 3",
        "round(-2.5) eq -3",
        "round(0.49999999999999994) eq 0",
        "round(1.5) eq 2",
        "floor(-0.5) eq -1",
        "ceiling(-0.5) eq 0",
        "floor(height) eq 2",
        "ceiling(height) eq 3",
        "round(height) eq 3",
        "5 div 2 eq 2",
        "-5 div 2 eq -2",
        "5.0 div 2 eq 2.5",
        "height div 2 eq 1.25",
        "5 mod 3 eq 2",
        "-5 mod 3 eq -2",
        "5.3 mod 0.1 eq 0",
        "floors sub 2 mul 3 eq 1",
        "(floors sub 2) mul 3 eq 15",
        "0.1 add 0.2 ne 0.3",
        "floors gt 6.5",
        "- floors eq -7",
        "description eq null",
        "null eq null",
        "not (description ne null)",
        "not (description gt 'a')",
        "not (floors lt null)",
        "name ne null",
        "description ne 'a'",
        "name in ('a','Sensor Things')",
        "not (name in ('a','b'))",
        "description in ('a',null)",
        "properties/zone eq 'north'",
        "properties/level eq 3",
        "properties/level gt 2.5",
        "not (properties/level eq '3')",
        "properties/absent eq null",
        "'Vehicle' in properties/tags",
        "2 in properties/tags",
        "not ('2' in properties/tags)",
        "not ('x' in properties/zone)",
        "startswith(properties/zone,'no')",
        "properties/huge ne 5",
        "not (properties/huge gt 5)",
        "cast(properties/text, Edm.Double) eq 3",
        "cast(properties/level, Edm.String) eq '3'",
        "cast('x', Edm.Double) eq null or true",
        "properties/zone eq properties/zone",
        "properties/zone ne properties/level",
        "active",
        "active eq true",
        "not (active eq false)",
        "interval(since, duration'PT1H') eq life",
        "life/end eq seen",
        "life gt 2015-12-08T01:02:03.456788Z",
        "life lt 2015-12-08T02:02:03.456789Z",
        "not (life lt 2015-12-08T02:02:03.456788Z)",
        "year(life) eq 2015",
        "life ge 2015-12-08T01:02:03.456789Z",
        "not (life gt 2015-12-08T01:02:03.456789Z)",
        "interval(seen, since) eq null",
        "life eq 2015-12-08T01:02:03.456789Z/2015-12-08T02:02:03.456789Z",
        "geo.distance(location, geography'POINT (0.25 1.25)') eq 1",
        "geo.distance(geometry'POINT(3.25 4.25)',location) eq 5",
        "geo.length(geometry'LINESTRING (0 0, 3 4, 3 5)') eq 6",
        f"st_within(location,{SQUARE})",
        f"st_contains({SQUARE},location)",
        f"not st_contains(location,{SQUARE})",
        f"geo.intersects(location,{SQUARE})",
        f"not st_disjoint(location,{SQUARE})",
        f"not st_touches(location,{SQUARE})",
        f"st_disjoint(location,{LINE})",
        "st_equals(location,geometry'POINT(0.25 0.25)')",
        "st_equals(location,geometry'POINT(0.2500 0.250)')",
        f"not st_overlaps(location,{SQUARE})",
        f"not st_crosses(location,{LINE})",
        f"st_relate(location,{SQUARE},'T********')",
        f"st_relate(location,{SQUARE},'0FFFFF212')",
        f"st_relate({SQUARE},location,'0F2FF1FF2')",
        "st_touches(location,geometry'LINESTRING(0.25 0.25,1 1)')",
        "st_within(location,geometry'LINESTRING(0 0,1 1)')",
        "st_touches(location,geometry'POLYGON((0 0,1 1,1 0,0 0))')",
        "st_equals(location,location)",
        "geo.intersects(location, geography'Polygon ((0 0, 1 0, 1 1, 0 1, 0 0))')",
        "location/type eq 'Point' or location/geometry/type eq 'Point'",
        "location/geometry/type eq null",
        "Datastreams/any(d: d/unitOfMeasurement/symbol eq 'C') and Datastreams/any(e: e/id eq 2)",
        "not Datastreams/any(d: d/unitOfMeasurement/symbol eq 'C' and d/unitOfMeasurement/symbol eq 'm')",
        "Datastreams/any(d: d/Observations/any(o: o/result gt 5 and d/name eq 'one' and name eq 'Sensor Things'))",
    ],
)
def test_what_is_true(connection: Connection, text: str) -> None:
    assert holds(connection, text)
    assert not holds(connection, f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "1 div 0 eq 1 or false",
        "1.0 mod 0 gt 0",
        "height div (floors sub 7) gt 0",
        "description gt 'a'",
        "null",
        "not startswith(description,'a')",
        "startswith(description,'a')",
        "length(description) ge 0",
        "name eq null",
        "not null",
        "Datastreams/id eq 1 and Datastreams/id eq 2",
        "Datastreams/Observations/result eq 6 and Datastreams/id eq 2",
        "properties/level eq '3'",
        "cast(name, Edm.Double) ge 0",
        "properties/tags",
        "interval(seen, since) lt now()",
    ],
)
def test_what_is_false_or_null(connection: Connection, text: str) -> None:
    assert not holds(connection, text)


def test_a_result_beside_a_text_is_compared_as_text(connection: Connection) -> None:
    for text, expected in [
        ("result lt '3'", ["10"]),
        ("result gt '3'", ["6"]),
        ("result eq '6'", ["6"]),
        ("'10' eq result", ["10"]),
    ]:
        query = parse(MODEL, "Observation", [("$filter", f"Datastream/id eq 1 and {text}")])
        made = statement(MODEL, "Observation", query, scope=Everything(), wanted=["result"], limit=10)
        rows = connection.execute(made.sql, made.parameters).fetchall()
        assert [f"{row[made.columns.index('result:0')]:.0f}" for row in rows] == expected, text


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("Observation", "result mul 10 gt 1"),
        ("Thing", "floors mul 9223372036854775807 gt 1"),
        ("Thing", "maxdatetime()" + " add duration'P100000D'" * 30 + " gt since"),
    ],
)
def test_what_leaves_its_range_is_told_in_words_or_answered(connection: Connection, entity: str, text: str) -> None:
    try:
        holds(connection, text, entity)
    except psycopg.Error as error:
        found = refused(error)
        assert isinstance(found, QueryRefused)
        assert "beyond what can be held" in str(found)


def test_a_fault_of_the_database_is_no_fault_of_the_query() -> None:
    assert refused(psycopg.errors.DiskFull()) is None
    assert refused(psycopg.errors.QueryCanceled()) is None


@pytest.mark.parametrize(
    "text",
    [
        "'; drop table q_thing; --",
        "' or 1=1 --",
        "%(p1)s",
        "%s",
        "{t}",
        "$1",
        "\\'; select 1",
        "\u2019 or true",
        "*/ /*",
    ],
)
def test_a_text_is_a_text_and_no_sql(connection: Connection, text: str) -> None:
    quoted = text.replace("'", "''")
    for query in (
        f"name eq '{quoted}'",
        f"substringof('{quoted}',name)",
        f"name in ('{quoted}')",
        f"id ge '\uffff{quoted}'",
    ):
        assert not holds(connection, query)
        made = count_statement(MODEL, "Thing", parse(MODEL, "Thing", [("$filter", query)]), scope=Everything())
        assert any(text in str(value) for value in made.parameters.values())
        assert text in {"%(p1)s", "{t}"} or text.encode() not in made.sql


def test_paths_to_one_entity_and_from_it(connection: Connection) -> None:
    empty = parse(MODEL, "Observation", [])

    def keys(entity: str, scope: Along | Keyed | Related) -> list[object]:
        made = statement(MODEL, entity, empty, scope=scope, wanted=(), limit=10)
        return [row[:2] for row in connection.execute(made.sql, made.parameters).fetchall()]

    assert len(keys("Observation", Along("Datastream", (1,), ("Observations",)))) == 2
    assert len(keys("Observation", Along("Thing", ("x",), ("Datastreams", "Observations")))) == 3
    assert len(keys("Thing", Along("Datastream", (2,), ("Thing",)))) == 1
    assert keys("Thing", Along("Datastream", (9,), ("Thing",))) == []
    assert len(keys("Datastream", Keyed((2,)))) == 1
    assert keys("Datastream", Related("Thing", "Datastreams", [("nobody",), ("x",)])) == [(1, 1), (1, 2)]
    assert keys("Thing", Related("Datastream", "Thing", [(2,), (9,), (1,)])) == [(0, "x"), (2, "x")]


def test_a_key_is_found_by_its_index(connection: Connection) -> None:
    """A comparison with an id, and an order by time within a Datastream, read an index and sort nothing."""
    connection.execute(b"set enable_seqscan = off")
    try:
        for text in ("id eq '1-1772323200000000'", "Datastream/id eq 1 and phenomenonTime ge 2026-03-01T00:10:00Z"):
            query = parse(MODEL, "Observation", [("$filter", text)])
            made = statement(MODEL, "Observation", query, scope=Everything(), wanted=["result"], limit=5)
            plan = "\n".join(row[0] for row in connection.execute(b"explain " + made.sql, made.parameters).fetchall())
            assert "Index Cond: ((stream = " in plan or "Index Cond: (stream = " in plan, plan
            assert '"time"' in plan.split("Index Cond", 1)[1], plan
    finally:
        connection.execute(b"reset enable_seqscan")


def test_paths_over_many_speak_of_the_same_entities(connection: Connection) -> None:
    """18-088, example of $filter: whoever has one Datastream, and one Observation in it, of which all holds."""
    for text in ("Datastreams/Observations/result eq 6 and Datastreams/id eq 1", "not (Datastreams/id eq 3)"):
        assert holds(connection, text)
    assert holds(connection, "not (Datastreams/id eq 1)"), "the other Datastream is one that is not 1"
    assert not holds(connection, "Datastreams/Observations/result eq 6 and Datastreams/id eq 2")
