"""Each requirement of OGC 18-088 (SensorThings 1.1) that is served, shown on a borough's sensors.

What is expected stands in the standard; the readings are counted in the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from dashboard.options import SiteOptions
from tests.tools import site
from tests.tools.batches import query
from tests.tools.requirement import requirement
from tests.tools.servers import Cluster
from tests.tools.sta_service import Get, getter, names, whole
from tests.worlds import sensorthings

SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req"
#: Entity sets: mandatory properties, and relations (many ones end in s) by the standard's tables.
ENTITIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Things": (("name", "description"), ("Locations", "HistoricalLocations", "Datastreams")),
    "Locations": (("name", "description", "encodingType", "location"), ("Things", "HistoricalLocations")),
    "HistoricalLocations": (("time",), ("Locations", "Thing")),
    "Datastreams": (
        ("name", "description", "unitOfMeasurement", "observationType"),
        ("Thing", "Sensor", "ObservedProperty", "Observations"),
    ),
    "Sensors": (("name", "description", "encodingType", "metadata"), ("Datastreams",)),
    "ObservedProperties": (("name", "definition", "description"), ("Datastreams",)),
    "Observations": (("phenomenonTime", "result", "resultTime"), ("Datastream", "FeatureOfInterest")),
    "FeaturesOfInterest": (("name", "description", "encodingType", "feature"), ("Observations",)),
}


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    """The filled database."""
    name = timescale.create()
    sensorthings.filled(timescale.url(name))
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def options(database: str) -> SiteOptions:
    """The site's options; a broker is said to have new Observations."""
    return site.options(database, observation_endpoints=("mqtts://mqtt.council.example:8883",))


@pytest.fixture(scope="module")
def web(options: SiteOptions) -> Iterator[httpx.Client]:
    """A client of version 1.1."""
    with site.running(options) as url, site.client(f"{url}/sta/v1.1") as client:
        yield client


@pytest.fixture(scope="module")
def get(web: httpx.Client) -> Get:
    """The JSON below a path or address, with options; the answer is good unless another ``status`` is given."""

    return getter(web)


def many(way: str) -> bool:
    return way.endswith("s")


@requirement("1.1", "datamodel/entity-control-information/common-control-information")
@pytest.mark.parametrize("entities", ENTITIES)
def test_control_information(get: Get, entities: str) -> None:
    """Each entity has its id and the absolute address of itself, which leads to it."""
    for one in get(f"/{entities}", top="5")["value"]:
        assert urlsplit(one["@iot.selfLink"]).scheme == "http"
        assert get(one["@iot.selfLink"]) == one
        assert set(one) > {"@iot.id", *(f"{way}@iot.navigationLink" for way in ENTITIES[entities][1])}


@requirement(
    "1.1",
    "datamodel/thing/properties",
    "datamodel/location/properties",
    "datamodel/historical-location/properties",
    "datamodel/datastream/properties",
    "datamodel/sensor/properties",
    "datamodel/observed-property/properties",
    "datamodel/observation/properties",
    "datamodel/feature-of-interest/properties",
)
@pytest.mark.parametrize("entities", ENTITIES)
def test_properties(get: Get, entities: str) -> None:
    """Each has the mandatory properties, of the kinds that the tables say."""
    found = get(f"/{entities}")["value"]
    assert found
    for one in found:
        for name in ENTITIES[entities][0]:
            assert one[name] is not None
            if name in ("name", "description", "encodingType", "observationType", "definition", "time", "metadata"):
                assert isinstance(one[name], str)
                assert one[name]
        for name in ("location", "feature"):
            if name in one:
                assert one["encodingType"] == "application/geo+json"
                assert one[name]["type"] in ("Point", "Feature")
        if "unitOfMeasurement" in one:
            assert set(one["unitOfMeasurement"]) == {"name", "symbol", "definition"}
        if "result" in one:
            assert isinstance(one["result"], int | float)


@requirement(
    "1.1",
    "datamodel/thing/relations",
    "datamodel/location/relations",
    "datamodel/historical-location/relations",
    "datamodel/datastream/relations",
    "datamodel/sensor/relations",
    "datamodel/observed-property/relations",
    "datamodel/observation/relations",
    "datamodel/feature-of-interest/relations",
)
@pytest.mark.parametrize("entities", ENTITIES)
def test_relations(get: Get, entities: str) -> None:
    """Each relation leads somewhere, and what it leads to leads back."""
    back = {"Things": "Thing", "Datastreams": "Datastream", "FeaturesOfInterest": "FeatureOfInterest",
            "Sensors": "Sensor", "ObservedProperties": "ObservedProperty"}  # fmt: skip
    for one in get(f"/{entities}", top="3")["value"]:
        for way in ENTITIES[entities][1]:
            found = get(one[f"{way}@iot.navigationLink"])
            if many(way):
                if entities == "Things" and way == "Locations":
                    assert len(found["value"]) == 1
                assert "value" in found
                targets = found["value"]
            else:
                targets = [found]
            for target in targets[:2]:
                kind = target["@iot.selfLink"].rpartition("/")[2].partition("(")[0]
                ways = ENTITIES[kind][1]
                home = entities if entities in ways else back.get(entities, "")
                link = target.get(f"{home}@iot.navigationLink")
                if link is not None:
                    again = get(link, **({"top": "1000"} if many(home) else {}))
                    assert one["@iot.id"] in (names(again) if many(home) else [again["@iot.id"]])


@requirement("1.1", "resource-path/resource-path-to-entities")
def test_paths(get: Get, web: httpx.Client) -> None:
    """Root, sets, entities, properties, their bare text, related entities, references; nested as far as one goes."""
    root = get("")
    assert [one["name"] for one in root["value"]] == list(ENTITIES) or {one["name"] for one in root["value"]} == set(
        ENTITIES
    )
    assert {one["url"].rpartition("/")[2] for one in root["value"]} == set(ENTITIES)
    thing = "/Things('air-001')"
    assert get(f"{thing}/name") == {"name": "High Street"}
    raw = web.get(f"{thing}/name/$value")
    assert (raw.status_code, raw.text) == (200, "High Street")
    assert raw.headers["content-type"].startswith("text/plain")
    assert get(f"{thing}/properties") == {"properties": {"site": "kerb"}}
    streams = get(f"{thing}/Datastreams")
    assert [one["ObservedProperty"]["name"] for one in get(f"{thing}/Datastreams", expand="ObservedProperty")["value"]]
    number = names(streams)[0]
    assert get(f"{thing}/Datastreams({number})")["@iot.id"] == number
    assert get(f"{thing}/Datastreams({number})/Thing/Locations")["value"][0]["location"]["coordinates"] == [-0.12, 51.5]
    assert get(f"{thing}/Datastreams/$ref")["value"] == [
        {"@iot.selfLink": one["@iot.selfLink"]} for one in streams["value"]
    ]
    assert set(get(f"/Datastreams({number})/Thing/$ref")) == {"@iot.selfLink"}
    for missing in ("/Things('nobody')", f"{thing}/Datastreams(999999)", "/Nothings", f"{thing}/colour"):
        assert web.get(missing).status_code == 404


@requirement("1.1", "request-data/order")
def test_options_are_evaluated_in_the_standards_order(get: Get) -> None:
    """Filter, count, order, skip, top; expanding after paging."""
    found = get("/Observations", filter="result gt 6", count="true", orderby="result desc,phenomenonTime asc",
                skip="3", top="2", expand="Datastream")  # fmt: skip
    whole = get("/Observations", filter="result gt 6", orderby="result desc,phenomenonTime asc", top="5")
    assert found["@iot.count"] > 5
    assert names(found) == names(whole)[3:5]
    assert all("name" in one["Datastream"] for one in found["value"])


@requirement("1.1", "request-data/expand")
def test_expand(get: Get) -> None:
    thing = get(
        "/Things('air-001')", expand="Datastreams($select=name;$expand=Observations($top=2;$count=true)),Locations"
    )
    assert len(thing["Datastreams"]) == 2
    assert {len(stream["Observations"]) for stream in thing["Datastreams"]} == {2}
    assert {stream["Observations@iot.count"] for stream in thing["Datastreams"]} == {sensorthings.READINGS}
    assert "unitOfMeasurement" not in thing["Datastreams"][0]
    assert "Datastreams@iot.navigationLink" not in thing
    deep = get("/Datastreams", expand="Thing/Locations,ObservedProperty")
    assert all(one["Thing"]["Locations"][0]["location"] for one in deep["value"])


@requirement("1.1", "request-data/select")
def test_select(get: Get) -> None:
    assert get("/Things('air-001')", select="name") == {"name": "High Street"}
    chosen = get("/Datastreams", select="@iot.id,name,Observations")["value"]
    assert {tuple(sorted(one)) for one in chosen} == {("@iot.id", "Observations@iot.navigationLink", "name")} or {
        tuple(sorted(one)) for one in chosen
    } == {("@iot.id", "@iot.selfLink", "Observations@iot.navigationLink", "name")}


@requirement("1.1", "request-data/status-code")
def test_status_codes(web: httpx.Client) -> None:
    """200, 404, and what would change something is not allowed."""
    assert web.get("/Things").status_code == 200
    assert web.head("/Things").status_code == 200
    assert web.get("/Things('nobody')").status_code == 404
    assert web.get("/Things('nobody')/Datastreams").status_code == 404
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = web.request(method, "/Things('air-001')", content=b"{}")
        assert answer.status_code == 405
        assert answer.headers["allow"]
    assert web.get("/Things('air-001')/name").json() == {"name": "High Street"}


@requirement("1.1", "request-data/query-status-code")
@pytest.mark.parametrize(
    "given",
    ["$filter=name%20is%20'x'", "$top=-1", "$top=x", "$skip=-1", "$count=maybe", "$orderby=colour", "$expand=Cats",
     "$select=colour", "$filter=(", "$nothing=1", "$filter=result%20gt"],
)  # fmt: skip
def test_queries_that_cannot_be_answered(web: httpx.Client, given: str) -> None:
    """400 or 501, in words; never half an answer."""
    answer = web.get(f"/Observations?{given}")
    assert answer.status_code in (400, 501), answer.text
    assert len(json.dumps(answer.json())) > 30


@requirement("1.1", "request-data/orderby")
def test_orderby(get: Get) -> None:
    up = [one["result"] for one in get("/Observations", orderby="result", top="1000")["value"]]
    down = [one["result"] for one in get("/Observations", orderby="result desc", top="1000")["value"]]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    both = get("/Observations", orderby="result asc,phenomenonTime desc", top="1000")["value"]
    pairs = [(one["result"], one["phenomenonTime"]) for one in both]
    assert pairs == sorted(sorted(pairs, key=lambda pair: pair[1], reverse=True), key=lambda pair: pair[0])
    by_thing = get("/Datastreams", orderby="Thing/name desc", expand="Thing")["value"]
    found = [one["Thing"]["name"] for one in by_thing]
    assert found == sorted(found, reverse=True)


@requirement("1.1", "request-data/top")
def test_top(get: Get) -> None:
    assert len(get("/Observations", top="7")["value"]) == 7
    assert get("/Things", top="0")["value"] == []
    assert len(get("/Things", top="99")["value"]) == len(get("/Things")["value"])


@requirement("1.1", "request-data/skip")
def test_skip(get: Get) -> None:
    every = names(get("/Things"))
    assert names(get("/Things", skip="2")) == every[2:]
    assert get("/Things", skip=str(len(every)))["value"] == []


@requirement("1.1", "request-data/count")
def test_count(get: Get, database: str) -> None:
    ((stored,),) = query(database, "select count(*) from observation o join device d on d.id = o.device"
                                   " where d.origin = 'real'")  # fmt: skip
    assert get("/Observations", count="true", top="1")["@iot.count"] == stored
    assert "@iot.count" not in get("/Observations", count="false", top="1")
    assert get("/Observations", count="true", top="0", filter="result ge 6")["@iot.count"] == sum(
        one["result"] >= 6 for one in whole(get, "/Observations", {})
    )


@requirement("1.1", "request-data/filter")
def test_filter(get: Get) -> None:
    every = whole(get, "/Observations", {})
    chosen = whole(get, "/Observations", {"filter": "result gt 3 and result le 5.5 or result eq 0"})
    assert [one["@iot.id"] for one in chosen] == [
        one["@iot.id"] for one in every if 3 < one["result"] <= 5.5 or one["result"] == 0
    ]
    assert names(get("/Things", filter="Datastreams/ObservedProperty/name eq 'Nitrogen dioxide'")) == [
        "air-001", "air-002",
    ]  # fmt: skip
    assert names(get("/Things", filter="properties/site eq 'kerb'")) == ["air-001"]


@requirement("1.1", "request-data/pagination")
@pytest.mark.parametrize("top", [None, "1", "37", "100", "101", "1000"])
def test_pages(get: Get, top: str | None) -> None:
    """Links lead to the end; each entity comes once, and ``$top`` is kept to by who only follows links."""
    number = names(get("/Things('air-001')/Datastreams"))[0]
    found = [one["@iot.id"] for one in whole(get, f"/Datastreams({number})/Observations", {"top": top} if top else {})]
    assert len(found) == len(set(found)) == min(sensorthings.READINGS, int(top or sensorthings.READINGS))
    assert found == [f"{number}-{1_769_904_000_000_000 + n * 60_000_000}" for n in range(len(found))]


@requirement("1.1", "data-array/data-array")
def test_data_array(get: Get) -> None:
    """One group for each Datastream, its components, and a row for each Observation in their order."""
    every = get("/Observations", top="1000")["value"]
    groups = get("/Observations", top="1000", resultFormat="dataArray", count="true")
    assert groups["@iot.count"] >= len(every)
    rows = []
    for group in groups["value"]:
        assert group["components"][0] == "id"
        assert "/Datastreams(" in group["Datastream@iot.navigationLink"]
        rows += [dict(zip(group["components"], row, strict=True)) for row in group["dataArray"]]
    assert [(row["id"], row["phenomenonTime"], row["result"]) for row in rows] == [
        (one["@iot.id"], one["phenomenonTime"], one["result"]) for one in every
    ]


def test_the_root_says_what_is_served(get: Get) -> None:
    """Nothing that is not, and where new Observations are published."""
    told = get("")["serverSettings"]
    assert told["conformance"]
    served = " ".join(told["conformance"])
    for absent in ("create-update-delete", "batch-request", "multi-datastream", "create-observations-via-mqtt"):
        assert absent not in served
    assert told[f"{SPEC}/receive-updates-via-mqtt/receive-updates"] == {
        "endpoints": ["mqtts://mqtt.council.example:8883"]
    }


@pytest.mark.parametrize("hidden", sensorthings.HIDDEN)
def test_nothing_of_a_household_and_nothing_simulated(get: Get, hidden: str) -> None:
    get(f"/Things('{hidden}')", 404)
    for entities in ENTITIES:
        page = json.dumps(whole(get, f"/{entities}", {"top": "2000"}))
        assert f"'{hidden}" not in page
        assert f'"{hidden}"' not in page


def test_who_says_that_nothing_is_to_be_counted_means_a_pages_size_by_top(get: Get) -> None:
    """As QGIS does, which would take its first page for all; the examples of the standard have the same link."""
    asked = {"top": "400", "count": "false", "filter": "result ge 0"}
    assert len(whole(get, "/Observations", asked)) == len(whole(get, "/Observations", {}))
    assert len(whole(get, "/Observations", {"top": "400", "filter": "result ge 0"})) == 400
