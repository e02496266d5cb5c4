"""Who may see what by SensorThings: anybody reads what is open, nobody writes, and a household is nowhere."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboard.sensorthings.collections import MOST
from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import sensorthings_open as sensorthings

V1, V2 = "/sta/v1.1", "/sta/v2.0"
#: What stands in the tables and may be in no answer: ids, names, places and roads of households and of the simulator.
SECRETS = re.compile(
    r"secret|simulated|hidden-home|-0\.3\b|51\.7\b|-0\.3001|51\.7001|bay-home|smart-meter|movement", re.IGNORECASE
)


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[tuple[str, dict[tuple[str, str], int]]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        numbers = sensorthings.fill(connection)
    yield timescale.url(name), numbers
    timescale.drop(name)


@pytest.fixture(scope="module")
def web(filled: tuple[str, dict[tuple[str, str], int]]) -> Iterator[httpx.Client]:
    with site.running(site.options(filled[0])) as url, site.client(url) as client:
        yield client


def links(found: Any) -> Iterator[str]:
    """All addresses in an answer."""
    if isinstance(found, dict):
        for name, inner in found.items():
            if name.endswith(("Link", "@id")) and isinstance(inner, str):
                yield inner
            else:
                yield from links(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from links(inner)


@pytest.mark.parametrize("version", [V1, V2])
def test_a_walk_along_all_links_meets_no_household(web: httpx.Client, version: str) -> None:
    """From the root by every link of every answer; of Observations a few, whose links are all alike."""
    base = str(web.base_url).rstrip("/")
    waiting = deque(f"{version}/{one['name']}?$top=3" for one in web.get(version).json()["value"])
    seen: set[str] = set()
    observations = 0
    while waiting:
        path = waiting.popleft()
        if path in seen:
            continue
        seen.add(path)
        answer = web.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert not SECRETS.search(answer.text), path
        for link in links(answer.json()):
            assert link.startswith(f"{base}{version}/")
            rest = link.removeprefix(base)
            if "/Observations(" in rest:
                observations += 1
                if observations > 60:
                    continue
            if "Observations" in rest and "skiptoken" in rest:
                continue
            waiting.append(rest)
    things = {path for path in seen if re.fullmatch(rf"{version}/Things\('[^']*'\)", path)}
    assert len(things) == len(sensorthings.MONITORS) + len(sensorthings.SENSORS)
    assert len(seen) > 150


def test_hidden_ids_are_not_there(web: httpx.Client, filled: tuple[str, dict[tuple[str, str], int]]) -> None:
    for version in (V1, V2):
        places = "FeaturesOfInterest" if version == V1 else "Features"
        for device in sensorthings.HIDDEN:
            for of_set in ("Things", "Locations", places):
                answer = web.get(f"{version}/{of_set}('{device.id}')")
                assert answer.status_code == 404
                # what is hidden and what never was are told alike
                nobody = web.get(f"{version}/{of_set}('{'x' * len(device.id)}')")
                assert answer.json() == nobody.json()
        for path in (
            "Locations('bay~bay-home')",
            "HistoricalLocations('bay-secret-1772323200000000')",
            "Sensors('smart-meter:native:power')",
        ):
            assert web.get(f"{version}/{path}").status_code == 404
        for (owner, name), number in filled[1].items():
            hidden = any(owner == one.id for one in sensorthings.HIDDEN)
            wanted = 404 if hidden else 200
            for path in (
                f"Datastreams({number})",
                f"Datastreams({number})/Observations",
                f"Datastreams({number})/Thing/name",
                f"Observations('{number}-{sensorthings.START}')",
                f"Observations('{number}-{sensorthings.START}')/Datastream/Thing",
                f"Things('{owner}')/Datastreams({number})",
            ):
                assert web.get(f"{version}/{path}").status_code == wanted, (owner, name, path)


@pytest.mark.parametrize(
    ("of_set", "query"),
    [
        ("Things", "$filter=id eq 'meter-secret' or name eq 'hidden-home' or startswith(id,'bay-s')"),
        ("Things", "$filter=Datastreams/ObservedProperty/id eq 'power'"),
        ("Things", "$filter=Locations/name eq 'Bay bay-home'"),
        ("Things", "$filter=Locations/Things/id eq 'bay-secret'"),
        ("Things", "$filter=Datastreams/Sensor/id eq 'movement-sensor:native:motion'"),
        ("Datastreams", "$filter=Thing/id eq 'air-simulated' or Thing/id eq 'moves-secret'"),
        ("Datastreams", "$filter=Thing/properties/name eq 'hidden-home'"),
        ("Observations", "$filter=Datastream/Thing/id eq 'meter-secret'"),
        ("Observations", "$filter=Datastream/Thing/Locations/name eq 'Bay bay-home'"),
        ("Observations", "$filter=FeatureOfInterest/id eq 'bay-secret'"),
        ("Locations", "$filter=geo.distance(location, geometry'POINT(-0.3 51.7)') lt 0.01"),
        ("Locations", "$filter=HistoricalLocations/Thing/id eq 'bay-secret'"),
        ("HistoricalLocations", "$filter=Thing/id eq 'bay-secret'"),
        ("ObservedProperties", "$filter=id eq 'power' or id eq 'motion'"),
        ("Sensors", "$filter=Datastreams/Thing/id eq 'meter-secret'"),
        ("FeaturesOfInterest", "$filter=id eq 'bay-secret' or Observations/Datastream/Thing/id eq 'bay-secret'"),
    ],
)
def test_no_filter_finds_what_is_hidden(web: httpx.Client, of_set: str, query: str) -> None:
    answer = web.get(f"{V1}/{of_set}?{query}&$count=true")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"@iot.count": 0, "value": []}


def test_no_order_and_no_token_tells_of_what_is_hidden(web: httpx.Client) -> None:
    for path in (
        "Things?$orderby=description&$expand=Datastreams/Observations,Locations,HistoricalLocations",
        "Observations?$orderby=Datastream/Thing/id desc&$top=300",
        "Observations?$skiptoken=WzExLDBd",
        "Datastreams?$orderby=Thing/name&$expand=Thing/Locations,Sensor,ObservedProperty",
    ):
        answer = web.get(f"{V1}/{path}")
        assert answer.status_code == 200, answer.text
        assert not SECRETS.search(answer.text), path


def test_a_device_that_becomes_a_households_is_gone_at_once(timescale: Cluster) -> None:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        numbers = sensorthings.fill(connection)
        with site.running(site.options(timescale.url(name))) as url, site.client(url) as client:
            path = f"{V1}/Datastreams({numbers['sensor-1', 'occupied']})/Observations?$count=true"
            assert client.get(path).status_code == 200
            whole = client.get(f"{V1}/Observations?$count=true&$top=0").json()["@iot.count"]
            connection.execute("update personal.bay set personal = true where id = 'bay-b'")
            connection.execute("update personal.device set personal = true where id = 'sensor-1'")
            assert client.get(path).status_code == 404
            left = client.get(f"{V1}/Observations?$count=true&$top=0").json()["@iot.count"]
            assert whole - left == sensorthings.READINGS
            stays = client.get(f"{V1}/HistoricalLocations?$expand=Locations,Thing&$top=1000").text
            assert "sensor-1" not in stays
            assert "South Road" not in stays
    timescale.drop(name)


def test_a_demo_shows_what_is_simulated_and_nothing_else(filled: tuple[str, dict[tuple[str, str], int]]) -> None:
    with site.running(site.options(filled[0], demo=True)) as url, site.client(url) as client:
        found = client.get(f"{V1}/Things?$expand=Datastreams").json()["value"]
        assert [one["@iot.id"] for one in found] == ["air-simulated"]
        assert client.get(f"{V1}/Observations?$count=true&$top=1").json()["@iot.count"] == sensorthings.READINGS


def test_nobody_writes(web: httpx.Client) -> None:
    for path in (f"{V1}/Things", f"{V1}/Things('air-1')", f"{V2}/Observations", f"{V1}/$batch"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = web.request(method, path, json={"name": "a"}, headers={"Origin": "https://elsewhere.example"})
            assert answer.status_code == 405
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
            assert "not written" in answer.json()["detail"]


def test_scripts_of_other_sites_may_read(web: httpx.Client) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    asked = web.options(f"{V1}/Things", headers=headers)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
    for path in (f"{V1}/Things", V1, f"{V1}/Things('none')", f"{V1}/Things?$filter=("):
        assert web.get(path, headers=headers).headers["access-control-allow-origin"] == "*"


def test_what_has_not_changed_is_not_sent_again(web: httpx.Client) -> None:
    first = web.get(f"{V1}/Things")
    again = web.get(f"{V1}/Things", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = web.head(f"{V1}/Things")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert head.headers["content-length"] == str(len(first.content))


def test_addresses_are_those_that_people_use(filled: tuple[str, dict[tuple[str, str], int]]) -> None:
    public = "http://data.example:8443"
    with site.running(site.options(filled[0], public_url=public)) as url, site.client(url) as client:
        for version in (V1, V2):
            page = client.get(f"{version}/Things?$top=1&$expand=Datastreams($top=1)").json()
            found = list(links(page))
            assert len(found) > 8
            assert all(link.startswith(f"{public}{version}/") for link in found)
            assert all(one["url"].startswith(f"{public}{version}/") for one in client.get(version).json()["value"])


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("Things('none')", 404, "There is no such Thing"),
        ("Things(9223372036854775807)", 404, "There is no Thing"),
        ("Datastreams('a')", 404, "There is no Datastream"),
        ("Datastreams(999999999)/Observations", 404, "There is no such Datastream"),
        ("Observations('1-2-3')", 404, "There is no Observation"),
        ("Observations('01-1772323200000000')", 404, "There is no Observation"),
        ("Thing", 404, "there are Things"),
        ("things", 404, "there are Things"),
        ("Things/Datastreams", 404, "needs one entity before it"),
        ("Things('air-1')/Streams", 404, "A Thing has no Streams"),
        ("Things('air-1')/name/$ref", 404, "a property has $value"),
        ("Things('air-1')/$value", 404, "$value after a property"),
        ("Things('air-1')/properties/colour", 404, "properties has no colour"),
        ("Things('air-1'", 404, "cannot be read"),
        ("Things(1.5)", 404, "is no id"),
        ("Things('air-1')/Thing(1)", 404, "has no Thing"),
        ("Things('air-1')" + "/Datastreams(1)/Thing" * 9, 404, "cannot be read"),
        ("Things?$top=-1", 400, "$top"),
        ("Things?$filter=name eq", 400, "$filter"),
        ("Things?$filter=colour eq 'red'", 400, "colour"),
        ("Things('air-1')?$top=1", 400, "$top is not for one entity"),
        ("Things('air-1')/name?$select=name", 400, "$select is not for a property"),
        ("Things/$ref?$expand=Datastreams", 400, "$expand is not for $ref"),
        ("Things?$apply=groupby((name))", 501, "$apply"),
        ("Things?$count=perhaps", 400, "$count"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(web: httpx.Client, path: str, status: int, words: str) -> None:
    answer = web.get(f"{V1}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "Things('" + "a" * 3_900 + "')", "Things('" + "a" * 9_000 + "')", "Things('%00')", "Things('%ff%fe')",
        "Things('%F0%9F%9A%97')", "Things(''')", "Things('')", "Things()", "Things(1e999)",
        "Observations('" + "9" * 40 + "-1')", "Observations('1--1')", "Observations('1-999999999999999999')",
        "HistoricalLocations('-1')", "HistoricalLocations('air-1-99999999999999999999')", "Sensors('::')",
        "Sensors(':::::')", "Locations('bay~')", "Datastreams(2147483648)", "Datastreams(-1)", "Datastreams(0)",
        "%2e%2e/%2e%2e/etc/passwd", "Things('air-1')//name", "Things?$filter=%00", "Things?%00=%00",
        "Things?$filter=name eq '%00'", "Things?" + "&" * 200, "Things?$skiptoken=" + "A" * 5_000,
        "Things?" + "&".join(f"a{n}=1" for n in range(60)), "$metadata", "$batch", "Things('air-1')/$metadata",
    ],
)  # fmt: skip
def test_hostile_addresses_are_answered_in_words(web: httpx.Client, path: str) -> None:
    for version in (V1, V2):
        answer = web.get(f"{version}/{path}")
        assert answer.status_code in (200, 400, 404, 414, 501), (path, answer.text[:300])
        assert "json" in answer.headers["content-type"]


def test_a_query_that_takes_too_long_is_stopped_and_says_what_to_do(
    filled: tuple[str, dict[tuple[str, str], int]],
) -> None:
    with site.running(site.options(filled[0])) as url, site.client(url) as client, connect(filled[0]) as other:
        other.execute("lock table personal.bay in access exclusive mode")
        answer = client.get(f"{V1}/Locations")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "was stopped after 3 seconds" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "60"
        other.rollback()
        assert client.get(f"{V1}/Locations").status_code == 200


def test_many_questions_at_once_are_all_answered(web: httpx.Client) -> None:
    """More than the lane has open at once: the others wait their turn."""
    answers: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=web.base_url, timeout=60, verify=site.NO_CERTIFICATES) as client:
            answers.extend(client.get(f"{V1}/Observations?$top={MOST}").status_code for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert answers == [200] * 24
