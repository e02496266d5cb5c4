"""Operators and functions of OGC 18-088 (SensorThings 1.1), each shown on a borough's sensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.tools import site
from tests.tools.requirement import requirement
from tests.tools.servers import Cluster
from tests.tools.sta_service import Get, getter, names, whole
from tests.worlds import sensorthings


@pytest.fixture(scope="module")
def get(timescale: Cluster) -> Iterator[Get]:
    """Asks a service of version 1.1 over the filled database."""
    name = timescale.create()
    sensorthings.filled(timescale.url(name))
    with site.running(site.options(timescale.url(name))) as url, site.client(f"{url}/sta/v1.1") as web:
        yield getter(web)
    timescale.drop(name)


_OPERATORS: dict[str, Callable[[float], bool]] = {
    "result eq 6": lambda result: result == 6,
    "result ne 6": lambda result: result != 6,
    "result gt 6": lambda result: result > 6,
    "result ge 6": lambda result: result >= 6,
    "result lt 6": lambda result: result < 6,
    "result le 6": lambda result: result <= 6,
    "result gt 2 and result lt 6": lambda result: 2 < result < 6,
    "result lt 2 or result gt 6": lambda result: result < 2 or result > 6,
    "not (result lt 6)": lambda result: not result < 6,
    "result add 1 eq 3": lambda result: result + 1 == 3,
    "result sub 1 eq 3": lambda result: result - 1 == 3,
    "result mul 2 eq 3": lambda result: result * 2 == 3,
    "result div 2 eq 3": lambda result: result / 2 == 3,
    "result mod 2 eq 1": lambda result: result % 2 == 1,
    "(result add 1) mul 2 eq 6": lambda result: (result + 1) * 2 == 6,
    "result add 1 mul 2 eq 6": lambda result: result + 1 * 2 == 6,
}


@requirement("1.1", "request-data/built-in-filter-operations")
@pytest.mark.parametrize("expression", _OPERATORS)
def test_operators(get: Get, expression: str) -> None:
    every = whole(get, "/Observations", {})
    chosen = whole(get, "/Observations", {"filter": expression})
    expected = [one["@iot.id"] for one in every if _OPERATORS[expression](one["result"])]
    assert expected, "the world has nothing to find"
    assert [one["@iot.id"] for one in chosen] == expected


_FUNCTIONS = {
    "substringof('High',name)": True,
    "endswith(name,'Street')": True,
    "startswith(name,'High')": True,
    "length(name) eq 11": True,
    "indexof(name,'Street') eq 5": True,
    "substring(name,5) eq 'Street'": True,
    "substring(name,5,3) eq 'Str'": True,
    "tolower(name) eq 'high street'": True,
    "toupper(name) eq 'HIGH STREET'": True,
    "trim(concat('  ',name)) eq 'High Street'": True,
    "concat(concat(name,', '),'kerb') eq 'High Street, kerb'": True,
    "round(8.5) eq 9": True,
    "floor(8.9) eq 8": True,
    "ceiling(8.1) eq 9": True,
    "now() gt 2026-01-01T00:00:00Z": True,
    "mindatetime() lt maxdatetime()": True,
    "geo.distance(Locations/location,geography'POINT(-0.12 51.5)') lt 0.001": True,
    "geo.intersects(Locations/location,geography'POLYGON((-1 51,0 51,0 52,-1 52,-1 51))')": True,
    "st_within(Locations/location,geography'POLYGON((-1 51,0 51,0 52,-1 52,-1 51))')": True,
    "st_disjoint(Locations/location,geography'POLYGON((1 51,2 51,2 52,1 52,1 51))')": True,
    "st_equals(Locations/location,geography'POINT(-0.12 51.5)')": True,
    "geo.length(geography'LINESTRING(0 0,0 1)') gt 0.9": True,
}
_OF_TIME = {
    "year(phenomenonTime) eq 2026": 250,
    "month(phenomenonTime) eq 2": 250,
    "day(phenomenonTime) eq 1": 250,
    "hour(phenomenonTime) eq 1": 60,
    "minute(phenomenonTime) eq 7": 5,
    "second(phenomenonTime) eq 0": 250,
    "fractionalseconds(phenomenonTime) eq 0": 250,
    "date(phenomenonTime) eq date(2026-02-01T12:00:00Z)": 250,
    "time(phenomenonTime) eq time(2025-07-01T01:00:00Z)": 1,
    "totaloffsetminutes(phenomenonTime) eq 0": 250,
}


@requirement("1.1", "request-data/built-in-query-functions")
@pytest.mark.parametrize("expression", _FUNCTIONS)
def test_functions_of_texts_numbers_and_places(get: Get, expression: str) -> None:
    """Each of the standard's is understood, and finds the monitor of High Street."""
    assert "air-001" in names(get("/Things", filter=expression))


@requirement("1.1", "request-data/built-in-query-functions")
def test_functions_of_time(get: Get) -> None:
    number = names(get("/Things('air-001')/Datastreams"))[0]
    for expression, count in _OF_TIME.items():
        path = f"/Datastreams({number})/Observations"
        try:
            found = get(path, filter=expression, count="true", top="1")["@iot.count"]
        except AssertionError as error:
            raise AssertionError(f"{expression}: {error}") from None
        assert found == count, expression
