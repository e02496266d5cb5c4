"""Each requirement of OGC 23-019 (SensorThings 2.0) that is served, shown on a borough's sensors.

What is expected stands in the standard; the readings are counted in the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.tools import site
from tests.tools.batches import query
from tests.tools.requirement import requirement
from tests.tools.servers import Cluster
from tests.worlds import sensorthings

SPEC = "http://www.opengis.net/spec/sensorthings/2.0"
#: Entity sets: attributes that each entity must have, and relations by the standard's tables.
ENTITIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Things": (("name",), ("Locations", "HistoricalLocations", "Datastreams")),
    "Locations": (("name", "encodingType", "location"), ("Things", "HistoricalLocations")),
    "HistoricalLocations": (("time",), ("Locations", "Thing")),
    "Datastreams": (
        ("name", "resultType"),
        ("Thing", "Sensor", "ObservedProperties", "Observations", "ProximateFeatureOfInterest",
         "UltimateFeaturesOfInterest"),
    ),
    "Sensors": (("name",), ("Datastreams",)),
    "ObservedProperties": (("name", "definition"), ("Datastreams",)),
    "Observations": (("phenomenonTime", "result"), ("Datastream", "ProximateFeatureOfInterest")),
    "Features": (
        ("name", "encodingType", "feature"),
        ("Observations", "DatastreamsProximate", "DatastreamsUltimate", "FeatureTypes"),
    ),
    "FeatureTypes": (("name",), ("Features",)),
}  # fmt: skip
_OF_CLASS = {
    "Things": "thing", "Locations": "location", "HistoricalLocations": "historical", "Datastreams": "datastream",
    "Sensors": "sensor", "ObservedProperties": "observed", "Observations": "observation", "Features": "feature",
}  # fmt: skip
Get = Callable[..., Any]


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    """The filled database."""
    name = timescale.create()
    sensorthings.filled(timescale.url(name))
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[httpx.Client]:
    """A client of version 2.0."""
    options = site.options(database, observation_endpoints=("mqtts://mqtt.council.example:8883",))
    with site.running(options) as url, site.client(f"{url}/sta/v2.0") as client:
        yield client


@pytest.fixture(scope="module")
def get(web: httpx.Client) -> Get:
    """The JSON below a path or address, with options; the answer is good unless another ``status`` is given."""

    def asked(path: str, status: int = 200, **given: str) -> Any:
        answer = web.get(path, params={f"${name}": value for name, value in given.items()} or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def ids(found: Any) -> list[Any]:
    return [one["id"] for one in found["value"]]


def whole(get: Get, path: str, given: dict[str, str]) -> list[dict[str, Any]]:
    """All entities of a set, page after page."""
    found: list[dict[str, Any]] = []
    page = get(path, **given)
    while True:
        found += page["value"]
        if "@nextLink" not in page:
            return found
        page = get(page["@nextLink"])


@requirement(
    "2.0",
    "datamodel/core/thing",
    "datamodel/core/location",
    "datamodel/core/historical",
    "datamodel/core/datastream",
    "datamodel/core/sensor",
    "datamodel/core/observed",
    "datamodel/core/observation",
    "datamodel/core/feature",
)
@pytest.mark.parametrize("entities", ENTITIES)
def test_entities(get: Get, entities: str) -> None:
    """Mandatory attributes, the address of each, and relations that lead somewhere."""
    found = get(f"/{entities}")["value"]
    assert found
    for one in found[:5]:
        assert get(one["@id"])["id"] == one["id"]
        for name in ENTITIES[entities][0]:
            assert one[name] is not None
        for way in ENTITIES[entities][1]:
            link = one[f"{way}@navigationLink"]
            if way != "ProximateFeatureOfInterest":
                assert get(link)
        if "resultType" in one:
            assert one["resultType"]["type"] == "Quantity"
            assert one["resultType"]["uom"]["code"]
        if entities == "Observations":
            assert set(one["phenomenonTime"]) <= {"start", "end"}
            assert "T" in one["phenomenonTime"]["start"]


@requirement("2.0", "api/read/paths")
def test_paths(get: Get, web: httpx.Client) -> None:
    root = get("")
    assert {one["name"] for one in root["value"]} == set(ENTITIES)
    assert root["@context"].endswith("/$metadata")
    assert get("/$metadata")["$Version"].startswith("4.")
    thing = "/Things('air-001')"
    assert get("/Things")["@context"].endswith("/$metadata#Things")
    assert get(thing)["@context"].endswith("/$metadata#Things/$entity")
    named = get(f"{thing}/name")
    assert named["value"] == "High Street"
    assert "@context" in named
    assert web.get(f"{thing}/name/$value").text == "High Street"
    streams = get(f"{thing}/Datastreams")
    number = ids(streams)[0]
    assert get(f"{thing}/Datastreams({number})")["id"] == number
    assert get(f"{thing}/Datastreams({number})/Thing/Locations")["value"][0]["id"]
    references = get(f"{thing}/Datastreams/$ref")
    assert references["value"] == [{"@id": one["@id"]} for one in streams["value"]]
    assert get(f"/Datastreams({number})/Thing/$ref")["@id"].endswith("/Things('air-001')")
    for missing in ("/Things('nobody')", "/Nothings", f"{thing}/colour"):
        assert web.get(missing).status_code == 404


@requirement("2.0", "api/read/options/precedence")
def test_the_order_in_which_options_hold(get: Get) -> None:
    asked = {"filter": "result gt 6", "orderby": "result desc,id asc"}
    found = get("/Observations", **asked, count="true", skip="3", top="2", expand="Datastream")
    assert found["@count"] > 5
    assert ids(found) == ids(get("/Observations", **asked, top="5"))[3:5]
    assert all("name" in one["Datastream"] for one in found["value"])


@requirement("2.0", "api/read/options/select")
def test_select(get: Get) -> None:
    one = get("/Things('air-001')", select="name,Datastreams", expand="Locations")
    assert one["name"] == "High Street"
    assert "Datastreams@navigationLink" in one
    assert one["Locations"][0]["location"]
    assert not {"description", "properties", "HistoricalLocations@navigationLink"} & set(one)


@requirement("2.0", "api/read/options/expand")
def test_expand(get: Get) -> None:
    thing = get("/Things('air-001')", expand="Datastreams($select=name;$expand=Observations($top=2;$count=true))")
    assert {len(stream["Observations"]) for stream in thing["Datastreams"]} == {2}
    assert {stream["Observations@count"] for stream in thing["Datastreams"]} == {sensorthings.READINGS}
    assert "resultType" not in thing["Datastreams"][0]


@requirement("2.0", "api/read/options/top")
def test_top(get: Get, web: httpx.Client) -> None:
    assert len(get("/Observations", top="7")["value"]) == 7
    assert get("/Things", top="0")["value"] == []
    assert web.get("/Things?$top=-1").status_code == 400
    assert web.get("/Things?$top=1.5").status_code == 400


@requirement("2.0", "api/read/options/skip")
def test_skip(get: Get, web: httpx.Client) -> None:
    every = ids(get("/Things"))
    assert ids(get("/Things", skip="2")) == every[2:]
    assert web.get("/Things?$skip=-1").status_code == 400


@requirement("2.0", "api/read/options/count")
def test_count(get: Get, web: httpx.Client, database: str) -> None:
    ((stored,),) = query(database, "select count(*) from observation o join device d on d.id = o.device"
                                   " where d.origin = 'real'")  # fmt: skip
    assert get("/Observations", count="true", top="1", skip="3")["@count"] == stored
    assert "@count" not in get("/Observations", count="false", top="1")
    assert web.get("/Observations?$count=maybe").status_code == 400


@requirement("2.0", "api/read/options/orderby")
def test_orderby(get: Get) -> None:
    pairs = [(one["result"], one["id"]) for one in whole(get, "/Observations", {"orderby": "result desc,id asc"})]
    assert [pair[0] for pair in pairs] == sorted((pair[0] for pair in pairs), reverse=True)
    nulls = [one.get("observedArea") is None for one in get("/Datastreams", orderby="observedArea")["value"]]
    assert nulls == sorted(nulls, reverse=True)


@requirement("2.0", "api/read/options/filter")
def test_filter(get: Get) -> None:
    every = whole(get, "/Observations", {})
    chosen = whole(get, "/Observations", {"filter": "result gt 3 and result le 5.5 or result eq 0"})
    expected = [one["id"] for one in every if 3 < one["result"] <= 5.5 or one["result"] == 0]
    assert [one["id"] for one in chosen] == expected
    assert ids(get("/Things", filter="contains(name,'High')")) == ["air-001"]
    assert ids(get("/Things", filter="name in ('High Street','air-002')")) == ["air-001", "air-002"]
    assert ids(get("/Things", filter="Datastreams/any(d:d/Sensor/name eq 'x')")) == []
    late = get("/Observations", filter="phenomenonTime/start ge 2026-02-01T04:00:00Z", count="true", top="1")
    assert late["@count"] == sum(one["phenomenonTime"]["start"] >= "2026-02-01T04:00:00Z" for one in every) > 0


@requirement("2.0", "api/read/options/filter")
def test_the_functions_that_are_told_are_there(get: Get, web: httpx.Client) -> None:
    """None of them is answered as one that is not known."""
    functions = get("")["serverSettings"]["functions"]
    assert len(functions) > 20
    for name in functions:
        answer = web.get("/Things", params={"$filter": f"{name}()"})
        assert "not known" not in answer.text, (name, answer.text)
    assert web.get("/Things?$filter=madeup(name)%20eq%201").status_code in (400, 501)


@requirement("2.0", "api/read/options/format")
def test_format(get: Get, web: httpx.Client) -> None:
    """JSON by name and by its short one; as much of what describes it as was asked for."""
    for name in ("json", "application/json", "application/json;metadata=full"):
        assert "@context" in get("/Things", format=name)
    minimal = get("/Things", format="application/json;metadata=minimal", top="1", count="true")
    assert {"@context", "@count", "@nextLink", "value"} == set(minimal)
    assert not [name for name in minimal["value"][0] if name.startswith("@") or "@navigationLink" in name]
    nothing = get("/Things", format="application/json;metadata=none", top="1", count="true")
    assert {"@count", "@nextLink", "value"} == set(nothing)
    assert web.get("/Things?$format=xml").status_code in (400, 406, 501)


@requirement("2.0", "api/read/options/pagination")
@pytest.mark.parametrize("top", [None, "1", "37", "101"])
def test_pages(get: Get, top: str | None) -> None:
    number = ids(get("/Things('air-001')/Datastreams"))[0]
    found = [one["id"] for one in whole(get, f"/Datastreams({number})/Observations", {"top": top} if top else {})]
    assert found == [
        f"{number}-{1_769_904_000_000_000 + n * 60_000_000}" for n in range(min(250, int(top or sensorthings.READINGS)))
    ]


@requirement("2.0", "binding/http/advertisement", "binding/http/request_response", "binding/mqtt/advertisement")
def test_bindings(get: Get, web: httpx.Client) -> None:
    """Where the service is, by HTTP and by MQTT; methods that it does not have."""
    told = get("")["serverSettings"]
    assert told[f"{SPEC}/req/binding/http"]["endpoints"] == [str(web.base_url).rstrip("/")]
    assert told[f"{SPEC}/req/binding/mqtt"]["endpoints"] == ["mqtts://mqtt.council.example:8883"]
    for name in ("api/cud", "request_response", "websub", "simple_create", "pub_sub"):
        assert not [one for one in told["conformance"] if name in one and "binding/http/request_response" not in one]
    answer = web.get("/Things")
    assert answer.headers["content-type"].startswith("application/json")
    assert web.head("/Things").status_code == 200
    assert web.post("/Things", content=b"{}").status_code == 405


@pytest.mark.parametrize("hidden", sensorthings.HIDDEN)
def test_nothing_of_a_household_and_nothing_simulated(get: Get, hidden: str) -> None:
    get(f"/Things('{hidden}')", 404)
    for entities in ENTITIES:
        page = json.dumps(whole(get, f"/{entities}", {"top": "2000"}))
        assert f"'{hidden}" not in page
        assert f'"{hidden}"' not in page
