"""Query options: names that are there, numbers, counts, expansions inside each other."""

from __future__ import annotations

from typing import Literal

import pytest

from dashboard.sensorthings.options import parse
from store import sta_query as tree
from store.sta_model import Model
from store.sta_query import Query, QueryRefused
from tests.worlds import sensorthings_query

VERSIONS: tuple[Literal["1.1", "2.0"], ...] = ("1.1", "2.0")
MODELS: dict[str, Model] = {version: sensorthings_query.model(version) for version in VERSIONS}


def ask(entity: str, version: str = "1.1", **options: str) -> Query:
    return parse(MODELS[version], entity, [(f"${name}", text) for name, text in options.items()])


def test_all_options_at_once() -> None:
    query = ask(
        "Datastream",
        filter="id eq 1",
        orderby="Thing/name desc, id",
        select="id,name,Observations",
        top="5",
        skip="2",
        count="true",
        expand="Observations($filter=result eq 1;$orderby=phenomenonTime desc;$top=1;$count=true),Thing",
        resultFormat="dataArray",
        skiptoken="abc",
    )
    assert (query.top, query.skip, query.count, query.result_format, query.token) == (5, 2, True, "dataArray", "abc")
    assert query.select == ("id", "name", "Observations")
    assert [order.descending for order in query.orderby] == [True, False]
    observations, thing = query.expand
    assert (observations.way, observations.query.top, observations.query.count) == ("Observations", 1, True)
    assert isinstance(observations.query.filter, tree.Binary)
    assert observations.query.items == (
        ("$filter", "result eq 1"),
        ("$orderby", "phenomenonTime desc"),
        ("$top", "1"),
        ("$count", "true"),
    )
    assert (thing.way, thing.query) == ("Thing", Query())


def test_ways_with_strokes_are_ways_inside_each_other() -> None:
    query = ask("Thing", expand="Datastreams/Observations($top=1),Datastreams/Sensor,Datastreams($select=name)")
    (datastreams,) = query.expand
    assert datastreams.query.select == ("name",)
    assert [item.way for item in datastreams.query.expand] == ["Observations", "Sensor"]
    assert datastreams.query.expand[0].query.top == 1
    again = ask("Thing", expand=f"Datastreams({';'.join('='.join(item) for item in datastreams.query.items)})")
    assert again.expand == query.expand or again.expand[0].query.expand == datastreams.query.expand


def test_what_is_not_asked_is_not_said() -> None:
    assert ask("Thing") == Query()
    assert parse(MODELS["1.1"], "Thing", [("resultFormat", "x"), ("key", "y")]) == Query()
    assert ask("Thing", count="false").count is False
    assert ask("Thing", select="*").select is None
    assert ask("Thing", select="@iot.id").select == ("id",)
    assert ask("Thing", top="0").top == 0


@pytest.mark.parametrize(
    ("entity", "option", "text", "words", "status"),
    [
        ("Thing", "top", "-1", "$top is a whole number, 0 or more", 400),
        ("Thing", "top", "1.5", "$top is a whole number", 400),
        ("Thing", "top", "", "$top is a whole number", 400),
        ("Thing", "skip", "1e3", "$skip is a whole number", 400),
        ("Thing", "skip", "99999999999999999999", "follow nextLink", 400),
        ("Thing", "count", "yes", "$count is true or false", 400),
        ("Thing", "count", "", "$count is true or false", 400),
        ("Thing", "select", "colour", "Things have no colour; there are Datastreams, active,", 400),
        ("Thing", "select", "", "the name of a property is expected, the end stands there", 400),
        ("Thing", "select", "properties/zone", "select properties whole", 501),
        ("Thing", "select", "distinct:name", "distinct is not served", 501),
        ("Thing", "expand", "Thing", "Things have no Thing; there are Datastreams", 400),
        ("Thing", "expand", "Datastreams(top=1)", "an option such as $filter is expected", 400),
        ("Thing", "expand", "Datastreams($search=x)", "$search is not served in $expand", 400),
        ("Thing", "expand", "Datastreams($top=1;$top=2)", "$top is given twice", 400),
        ("Thing", "expand", "Datastreams($top=1),Datastreams($top=2)", "has options twice", 400),
        ("Thing", "expand", "Datastreams($filter=nowhere eq 1)", "Datastreams have no nowhere", 400),
        ("Thing", "expand", "/".join(["Datastreams", "Thing"] * 4), "5 levels deep", 400),
        ("Thing", "search", "x", "$search is not served", 501),
        ("Thing", "apply", "x", "$apply is not served", 501),
        ("Thing", "orderby", "Datastreams/name", "Datastreams are many", 400),
        ("Thing", "orderby", "unknown", "Things have no unknown", 400),
        ("Thing", "orderby", "name descending", "is not expected here", 400),
        ("Thing", "orderby", ",".join(["name"] * 11), "more than 10 terms", 400),
        ("Thing", "filter", "Datastreams/Thing/" * 9 + "name eq 'x'", "more than 16 ways to other entities", 400),
        ("Thing", "filter", " and ".join(["Datastreams/any(d: d/id eq 1)"] * 17), "more than 16 ways", 400),
        ("Thing", "filter", "encodingType eq 'x'", "can be read and not asked", 400),
        ("Thing", "filter", "Datastreams eq 1", "Datastreams is an entity", 400),
        ("Thing", "filter", "name gt 5", "a text and a number cannot be compared by gt", 400),
        ("Thing", "filter", "height eq 'a'", "a number and a text cannot be compared by eq", 400),
        ("Thing", "filter", "since gt '2026-03-01T00:00:00Z'", "an instant stands without quotes", 400),
        ("Thing", "filter", "date(since) eq 2026", "a day and a number", 400),
        ("Thing", "filter", "location eq 'x'", "geo.distance, st_within", 400),
        ("Thing", "filter", "name", "a text stands where a condition is needed", 400),
        ("Thing", "filter", "name add 1 eq 2", "add cannot take a text and a number", 400),
        ("Thing", "filter", "length(height) eq 1", "argument 1 of length is a number, a text is needed", 400),
        ("Thing", "filter", "length() eq 1", "length takes 1 argument, 0 are given", 400),
        ("Thing", "filter", "substring(name,1,2,3) eq 'a'", "substring takes 2 to 3 arguments, 4 are given", 400),
        ("Thing", "filter", "substring(name,'a') eq 'a'", "argument 2 of substring is a whole number", 400),
        ("Thing", "filter", "length(null) eq 1", "null stands as an argument of length", 400),
        ("Thing", "filter", "sin(height) eq 1", "there is no function sin; there are any, cast", 501),
        ("Thing", "filter", "year(since,'CET') eq 2026", "is no time zone here", 400),
        ("Thing", "filter", "year(since,name) eq 2026", "a time zone is given as a text", 400),
        ("Thing", "filter", "cast(name,Edm.Guid) eq 'x'", "cast to Edm.Guid is not served", 501),
        ("Thing", "filter", "geo.length(location) eq 1", "geo.length takes a line", 400),
        ("Thing", "filter", "geo.distance(location,geometry'LINESTRING(0 0,1 1)') lt 1", "between points", 400),
        ("Thing", "filter", "st_relate(location,geometry'POINT(0 0)','T')", "a text of nine", 400),
        ("Thing", "filter", "properties/a gt properties/b", "cast(a, Edm.Double) gt", 400),
        ("Datastream", "filter", "unitOfMeasurement eq 'kWh'", "name one of the properties after a /", 400),
        ("Datastream", "filter", "unitOfMeasurement/code eq 'kWh'", "has no code; there are name, symbol", 400),
        ("Observation", "filter", "Datastream/any(d: d/id eq 1)", "any goes over many related entities", 400),
        ("Observation", "filter", "result eq true", "a number and true or false cannot be compared", 400),
        ("Observation", "filter", "phenomenonTime eq 2026-03-01", "take date(…) or time(…)", 400),
    ],
)
def test_refusals(entity: str, option: str, text: str, words: str, status: int) -> None:
    with pytest.raises(QueryRefused) as refusal:
        ask(entity, "1.1", **{option: text})
    assert words in str(refusal.value)
    assert refusal.value.status == status


def test_in_2_0_a_path_does_not_go_over_many_and_geography_is_not_served() -> None:
    with pytest.raises(QueryRefused, match="Datastreams are many: ask Datastreams/any"):
        ask("Thing", "2.0", filter="Datastreams/name eq 'a'")
    with pytest.raises(QueryRefused, match="geography, along the ellipsoid, is not served"):
        ask("Thing", "2.0", filter="st_equals(location,geography'POINT(0 0)')")
    assert ask("Thing", "2.0", filter="Datastreams/any(d: d/name eq 'a' and d/Thing/name eq name)").filter


def test_an_option_that_is_given_twice_is_refused() -> None:
    with pytest.raises(QueryRefused, match=r"\$top is given twice"):
        parse(MODELS["1.1"], "Thing", [("$top", "1"), ("$top", "2")])
    with pytest.raises(QueryRefused, match="given both"):
        parse(MODELS["2.0"], "Thing", [("$format", "json"), ("$resultFormat", "dataArray")])
