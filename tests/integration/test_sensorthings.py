"""SensorThings as clients read it: documents, entities, ways, properties, options, in both versions of the standard."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

from devices.families import FAMILIES
from devices.observed import FAMILY_WORDS, OBSERVED, UNITS
from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import sensorthings_open as sensorthings
from tests.worlds.sensorthings_open import READINGS, START, at

V1, V2 = "/sta/v1.1", "/sta/v2.0"
FIRST = f"{START}"


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[tuple[str, dict[tuple[str, str], int]]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        numbers = sensorthings.fill(connection)
    yield timescale.url(name), numbers
    timescale.drop(name)


@pytest.fixture(scope="module")
def numbers(filled: tuple[str, dict[tuple[str, str], int]]) -> dict[tuple[str, str], int]:
    return filled[1]


@pytest.fixture(scope="module")
def web(filled: tuple[str, dict[tuple[str, str], int]]) -> Iterator[httpx.Client]:
    with site.running(site.options(filled[0])) as url, site.client(url) as client:
        yield client


def get(web: httpx.Client, path: str) -> Any:
    answer = web.get(path)
    assert answer.status_code == 200, (path, answer.text)
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def root(web: httpx.Client, version: str) -> str:
    return f"{str(web.base_url).rstrip('/')}{version}"


def test_the_root_says_what_there_is(web: httpx.Client) -> None:
    sets = [
        "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
        "FeaturesOfInterest",
    ]  # fmt: skip
    for path in (V1, f"{V1}/"):
        found = get(web, path)
        assert found["value"] == [{"name": name, "url": f"{root(web, V1)}/{name}"} for name in sets]
        spec = "http://www.opengis.net/spec/iot_sensing/1.1/req"
        assert f"{spec}/datamodel" in found["serverSettings"]["conformance"]
    found = get(web, V2)
    assert [one["name"] for one in found["value"]] == [*sets[:-1], "Features", "FeatureTypes"]
    settings = found["serverSettings"]
    assert {"any", "startswith", "year", "geo.distance"} <= set(settings["functions"])
    http = settings["http://www.opengis.net/spec/sensorthings/2.0/req/binding/http"]
    assert http == {"endpoints": [root(web, V2)]}
    assert get(web, "/sta")["value"] == [
        {"name": "v1.1", "url": root(web, V1)},
        {"name": "v2.0", "url": root(web, V2)},
    ]


def test_a_thing(web: httpx.Client) -> None:
    base = f"{root(web, V1)}/Things('air-1')"
    assert get(web, f"{V1}/Things('air-1')") == {
        "@iot.selfLink": base,
        "@iot.id": "air-1",
        "name": "High Street",
        "description": "Opposite the school",
        "properties": {"zone": "Europe/London", "floor": "2"},
        "Datastreams@iot.navigationLink": f"{base}/Datastreams",
        "Locations@iot.navigationLink": f"{base}/Locations",
        "HistoricalLocations@iot.navigationLink": f"{base}/HistoricalLocations",
    }
    plain = get(web, f"{V1}/Things('air-2')")
    assert (plain["name"], plain["description"], plain["properties"]) == ("air-2", "Air monitor", {})
    found = get(web, f"{V2}/Things('air-1')")
    base = f"{root(web, V2)}/Things('air-1')"
    assert found["@context"] == f"{root(web, V2)}/$metadata#Things/$entity"
    assert (found["@id"], found["id"], found["name"]) == (base, "air-1", "High Street")
    assert found["Datastreams@navigationLink"] == f"{base}/Datastreams"


def test_a_datastream_of_1_1(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    number = numbers["air-1", "no2"]
    found = get(web, f"{V1}/Datastreams({number})")
    assert found["@iot.id"] == number
    assert found["name"] == "Nitrogen dioxide at High Street"
    assert found["unitOfMeasurement"] == {
        "name": "microgram per cubic metre", "symbol": "µg/m³", "definition": "ucum:ug/m3"
    }  # fmt: skip
    assert found["observationType"] == "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
    assert found["observedArea"] == {"type": "Point", "coordinates": [-0.1, 51.5]}
    assert found["phenomenonTime"] == "2026-03-01T00:00:00Z/2026-03-11T09:00:00Z" == found["resultTime"]
    assert "observedArea" not in get(web, f"{V1}/Datastreams({numbers['air-3', 'no2']})")


def test_a_datastream_of_2_0(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    found = get(web, f"{V2}/Datastreams({numbers['air-1', 'no2']})")
    assert found["resultType"] == {
        "type": "Quantity",
        "label": "Nitrogen dioxide",
        "definition": f"{root(web, V2)}/ObservedProperties('no2')",
        "uom": {"code": "ug/m3", "label": "microgram per cubic metre", "symbol": "µg/m³"},
    }
    (observed,) = get(web, f"{V2}/Datastreams({numbers['air-1', 'no2']})/ObservedProperties")["value"]
    assert observed["@id"] == found["resultType"]["definition"]
    assert found["phenomenonTime"] == {"start": "2026-03-01T00:00:00Z", "end": "2026-03-11T09:00:00Z"}


def test_an_observation(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    id_ = f"{numbers['air-1', 'pm2_5']}-{START + 3_600_000_007}"
    found = get(web, f"{V1}/Observations('{id_}')")
    assert (found["@iot.id"], found["result"]) == (id_, 1.25)
    assert found["phenomenonTime"] == found["resultTime"] == "2026-03-01T01:00:00.000007Z"
    assert get(web, f"{V1}/Observations('{id_}')/Datastream")["@iot.id"] == numbers["air-1", "pm2_5"]
    assert get(web, f"{V1}/Observations('{id_}')/Datastream/Thing")["@iot.id"] == "air-1"
    assert get(web, f"{V1}/Observations('{id_}')/FeatureOfInterest")["feature"]["coordinates"] == [-0.1, 51.5]
    found = get(web, f"{V2}/Observations('{id_}')")
    assert (found["id"], found["phenomenonTime"]) == (id_, {"start": "2026-03-01T01:00:00.000007Z"})
    assert get(web, f"{V2}/Observations('{id_}')/ProximateFeatureOfInterest")["id"] == "air-1"


def test_where_a_sensor_lay(web: httpx.Client) -> None:
    """Two sensors lay in two bays, and were exchanged."""
    (now,) = get(web, f"{V1}/Things('sensor-1')/Locations")["value"]
    assert (now["@iot.id"], now["location"]["coordinates"]) == ("bay~bay-b", [-0.2002, 51.6002])
    assert now["description"] == "South Road, zone S"
    stays = get(web, f"{V1}/Things('sensor-1')/HistoricalLocations?$expand=Locations&$orderby=time")["value"]
    assert [(one["time"], one["Locations"][0]["@iot.id"]) for one in stays] == [
        ("2026-03-01T00:00:00Z", "bay~bay-a"),
        ("2026-03-05T00:00:00Z", "bay~bay-b"),
    ]
    there = get(web, f"{V1}/Locations('bay~bay-a')?$expand=Things,HistoricalLocations/Thing")
    assert [one["@iot.id"] for one in there["Things"]] == ["sensor-2"]
    assert sorted(one["Thing"]["@iot.id"] for one in there["HistoricalLocations"]) == ["sensor-1", "sensor-2"]
    # who lies in no bay has a place of its own, or none
    assert [one["@iot.id"] for one in get(web, f"{V1}/Things('air-1')/Locations")["value"]] == ["air-1"]
    assert get(web, f"{V1}/Things('air-3')/Locations")["value"] == []
    assert get(web, f"{V1}/FeaturesOfInterest('air-3')")["feature"] == {
        "type": "Feature", "geometry": None, "properties": {}
    }  # fmt: skip


def test_a_sensor_is_what_measures_one_property_in_a_model(web: httpx.Client) -> None:
    ids = [one["@iot.id"] for one in get(web, f"{V1}/Sensors")["value"]]
    assert "air-monitor:airgradient:no2" in ids
    assert "parking-bay:bosch:occupied" in ids
    assert len(ids) == 7 == len(set(ids))
    odd = next(one for one in get(web, f"{V1}/Sensors")["value"] if "Hara" in one["@iot.id"])
    # quotes, blanks and slashes in an id: its own link finds it
    assert get(web, odd["@iot.selfLink"])["@iot.id"] == odd["@iot.id"]
    assert len(get(web, odd["Datastreams@iot.navigationLink"])["value"]) == 1


def test_one_property(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    number = numbers["air-1", "no2"]
    assert get(web, f"{V1}/Things('air-1')/name") == {"name": "High Street"}
    assert get(web, f"{V1}/Things('air-1')/properties/floor") == {"floor": "2"}
    assert get(web, f"{V1}/Things('air-1')/@iot.id") == {"@iot.id": "air-1"}
    assert get(web, f"{V1}/Datastreams({number})/unitOfMeasurement/symbol") == {"symbol": "µg/m³"}
    assert get(web, f"{V1}/Datastreams({number})/Thing/name") == {"name": "High Street"}
    answer = web.get(f"{V1}/Datastreams({number})/Thing/name/$value")
    assert (answer.text, answer.headers["content-type"]) == ("High Street", "text/plain; charset=utf-8")
    assert web.get(f"{V1}/Observations('{number}-{START}')/resultTime/$value").text == "2026-03-01T00:00:00Z"
    assert web.get(f"{V1}/Observations('{number}-{START}')/result/$value").text == "0"
    assert web.get(f"{V1}/Locations('air-1')/location/$value").json()["type"] == "Point"
    assert get(web, f"{V2}/Things('air-1')/name") == {
        "@context": f"{root(web, V2)}/$metadata#Edm.String", "value": "High Street"
    }  # fmt: skip
    nothing = web.get(f"{V1}/Observations('{number}-{START}')/validTime")
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_references(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    links = [f"{root(web, V1)}/Datastreams({numbers['air-1', name]})" for name in sensorthings.PROPERTIES]
    found = get(web, f"{V1}/Things('air-1')/Datastreams/$ref")
    assert found == {"value": [{"@iot.selfLink": link} for link in sorted(links)]}
    assert get(web, f"{V1}/Datastreams({numbers['air-1', 'no2']})/Thing/$ref") == {
        "@iot.selfLink": f"{root(web, V1)}/Things('air-1')"
    }
    assert get(web, f"{V2}/Datastreams({numbers['air-1', 'no2']})/Thing/$ref") == {
        "@context": f"{root(web, V2)}/$metadata#$ref", "@id": f"{root(web, V2)}/Things('air-1')"
    }  # fmt: skip
    page = get(web, f"{V1}/Observations/$ref?$top=2&$filter=result gt 38")
    assert len(page["value"]) == 2
    assert "@iot.nextLink" in page


def test_select_and_expand(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    number = numbers["air-1", "no2"]
    assert get(web, f"{V1}/Things('air-1')?$select=name") == {"name": "High Street"}
    assert set(get(web, f"{V1}/Things('air-1')?$select=id,Datastreams")) == {
        "@iot.selfLink", "@iot.id", "Datastreams@iot.navigationLink"
    }  # fmt: skip
    found = get(
        web,
        f"{V1}/Things('air-1')?$select=name&$expand=Datastreams($select=name;$orderby=id desc;$top=2;$count=true;"
        "$expand=Observations($select=result;$orderby=phenomenonTime desc;$top=1),ObservedProperty($select=id))",
    )
    assert set(found) == {"name", "Datastreams", "Datastreams@iot.count", "Datastreams@iot.nextLink"}
    assert found["Datastreams@iot.count"] == 3
    assert [one["name"] for one in found["Datastreams"]] == ["Temperature at High Street", "PM2.5 at High Street"]
    assert found["Datastreams"][0]["Observations"] == [{"result": 9.5}]
    assert found["Datastreams"][1]["ObservedProperty"]["@iot.id"] == "pm2_5"
    # what is left of an expansion has the options that it was asked with
    following = get(web, found["Datastreams"][0]["Observations@iot.nextLink"].replace("$top=0", "$top=2"))
    assert following["value"] == [{"result": 8.5}, {"result": 7.5}]
    assert get(web, f"{V1}/Datastreams({number})?$expand=Thing/Locations")["Thing"]["Locations"][0]["name"]
    assert get(web, f"{V1}/Things('air-3')?$expand=Locations")["Locations"] == []


def test_data_array(web: httpx.Client, numbers: dict[tuple[str, str], int]) -> None:
    number = numbers["air-1", "no2"]
    found = get(web, f"{V1}/Datastreams({number})/Observations?$resultFormat=dataArray&$top=2&$count=true")
    assert found["@iot.count"] == READINGS
    assert found["value"] == [
        {
            "Datastream@iot.navigationLink": f"{root(web, V1)}/Datastreams({number})",
            "components": ["id", "phenomenonTime", "resultTime", "result"],
            "dataArray": [
                [f"{number}-{START}", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", 0],
                [f"{number}-{START + 3_600_000_007}", *["2026-03-01T01:00:00.000007Z"] * 2, 1],
            ],
        }
    ]
    query = "$resultFormat=dataArray&$select=result,id&$filter=phenomenonTime eq 2026-03-01T00:00:00Z&$orderby=result"
    groups = get(web, f"{V1}/Observations?{query}")["value"]
    assert [one["components"] for one in groups] == [["result", "id"]] * 11
    assert sorted(int(one["Datastream@iot.navigationLink"].split("(")[1][:-1]) for one in groups) == sorted(
        number for (device, _), number in numbers.items() if device.startswith(("air-1", "air-2", "air-3", "sensor"))
    )
    for wrong in ("Observations?$resultFormat=dataArray&$expand=Datastream", "Things?$resultFormat=dataArray"):
        assert web.get(f"{V1}/{wrong}").status_code == 400
    assert web.get(f"{V1}/Observations?$resultFormat=CSV").status_code == 501


def test_formats_of_2_0(web: httpx.Client) -> None:
    for kind in ("json", "application/json", "application/json;metadata=full"):
        assert "Datastreams@navigationLink" in get(web, f"{V2}/Things('air-1')?$format={kind}")
    minimal = get(web, f"{V2}/Things?$format=json;metadata=minimal&$top=1&$count=true")
    assert set(minimal) == {"@context", "@count", "@nextLink", "value"}
    assert set(minimal["value"][0]) == {"id", "name", "description", "properties"}
    none = get(web, f"{V2}/Things?$format=json;metadata=none&$top=1&$count=true")
    assert set(none) == {"@count", "@nextLink", "value"}
    assert set(get(web, none["@nextLink"].replace("$top=0", "$top=1"))["value"][0]) == set(none["value"][0])
    assert web.get(f"{V2}/Things?$format=xml").status_code == 501
    assert web.get(f"{V2}/Things?$format=json;metadata=some").status_code == 400


def test_the_schema_names_what_is_served(web: httpx.Client) -> None:
    found = get(web, f"{V2}/$metadata")
    types = found["org.OGC.STA"]
    container = types["SensorThingsV2"]
    for of_set, said in container.items():
        if of_set == "$Kind":
            continue
        kind = types[said["$Type"].removeprefix("org.OGC.STA.")]
        (one, *_) = get(web, f"{V2}/{of_set}?$top=1")["value"]
        assert {name for name in one if "@" not in name} <= set(kind)
        links = {name.removesuffix("@navigationLink") for name in one if name.endswith("@navigationLink")}
        assert links == set(said["$NavigationPropertyBinding"])
        for name, target in said["$NavigationPropertyBinding"].items():
            assert container[target]["$Type"] == kind[name]["$Type"]


def test_readings_that_stand_for_an_interval(timescale: Cluster) -> None:
    """No open property is of that kind today: one is made so."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        sensorthings.fill(connection)
        connection.execute(
            "update personal.device set personal = false, attributes = %s where id = 'meter-secret'",
            ('{"interval": "PT15M"}',),
        )
        connection.execute(
            "update personal.series set personal = false, property = 'import_interval' where device_id = 'meter-secret'"
        )
    with site.running(site.options(timescale.url(name))) as url, site.client(url) as web:
        (stream,) = get(web, f"{V1}/Things('meter-secret')/Datastreams")["value"]
        assert stream["phenomenonTime"] == "2026-03-01T00:00:00Z/2026-03-11T09:15:00Z"
        assert stream["resultTime"] == "2026-03-01T00:15:00Z/2026-03-11T09:15:00Z"
        (first, *_) = get(web, f"{V1}/Datastreams({stream['@iot.id']})/Observations")["value"]
        assert first["phenomenonTime"] == "2026-03-01T00:00:00Z/2026-03-01T00:15:00Z"
        assert first["resultTime"] == "2026-03-01T00:15:00Z"
        (first, *_) = get(web, f"{V2}/Datastreams({stream['@iot.id']})/Observations")["value"]
        assert first["phenomenonTime"] == {"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:15:00Z"}
        bound = f"{at(200).isoformat().replace('+00:00', 'Z')}"
        for operator in ("gt", "ge", "lt", "le"):
            query = f"$filter=phenomenonTime {operator} {bound}&$count=true&$top=1000"
            page = get(web, f"{V1}/Datastreams({stream['@iot.id']})/Observations?{query}")
            assert page["@iot.count"] == len(page["value"]) > 0
    timescale.drop(name)


def test_every_property_and_unit_has_words() -> None:
    properties = [item for family in FAMILIES.values() for item in family.properties.values()]
    assert {item.name for item in properties} == set(OBSERVED)
    assert {item.unit for item in properties} == set(UNITS)
    assert set(FAMILIES) == set(FAMILY_WORDS)


def test_units_are_read_by_a_parser_of_ucum(web: httpx.Client) -> None:
    if find_spec("ucumvert") is None:
        pytest.skip("ucumvert, a parser of UCUM codes, is not installed: pip install ucumvert")
    from ucumvert import PintUcumRegistry  # type: ignore[import-not-found,import-untyped,unused-ignore]

    registry = PintUcumRegistry()
    for one in get(web, f"{V1}/Datastreams")["value"]:
        assert registry.from_ucum(one["unitOfMeasurement"]["definition"].removeprefix("ucum:")) is not None
    for code in UNITS:
        assert registry.from_ucum(code) is not None
