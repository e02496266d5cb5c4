"""The catalogue in its forms, snapshots as they are served, and the feed of revisions, over a real database."""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pyarrow.parquet as pq
import pytest

from borough.publishing import run
from borough.publishing.making import Order
from borough.publishing.run import Rules
from dashboard.open_data import catalogue, entries, revisions, shelf
from dashboard.open_data import snapshots as pages
from devices.csvw import OPEN_GOVERNMENT_LICENCE
from store.connect import connect
from tests.tools.servers import Cluster, wait_for
from tests.tools.site import client, running
from tests.worlds import open_months
from tests.worlds.open_months import LATER, MONTHS, hours
from tests.worlds.open_snapshots import World, filled

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def world(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name = timescale.create()
    yield filled(timescale.url(name), tmp_path_factory.mktemp("snapshots"))
    timescale.drop(name)


@pytest.fixture(scope="module")
def web(world: World) -> Iterator[httpx.Client]:
    with running(world.options) as url, client(url) as found:
        yield found


def _document(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_page_lists_what_there_is(web: httpx.Client) -> None:
    page = web.get("/open-data").text
    assert "Air quality: readings of monitors" in page
    assert "Snapshots of 3 months" in page
    assert "Open Government Licence v3.0" in page
    assert "counts of car parks" not in page.lower(), "there are none"
    assert "data@testborough.example" in page
    assert '<a href="/open-data">' in web.get("/").text


def test_an_interface_serves_no_dataset_that_is_not_described(web: httpx.Client) -> None:
    graph = _document(web.get("/open-data/catalogue.jsonld"))["@graph"]
    described = {one["@id"] for one in graph if "dcat:Dataset" in one["@type"]}
    served = [one["@id"] for service in graph for one in service.get("dcat:servesDataset", ())]
    assert served
    assert set(served) <= described, "there are no car parks"


def test_a_dataset_says_when_and_where_its_data_are_from(web: httpx.Client) -> None:
    page = web.get("/open-data/about/air-readings").text
    assert re.search(r"1 January 2026</time>\s+to <time[^>]*>2 March 2026", page), page
    assert "between 51.5031 and 51.5031 north" in page
    (document,) = (
        json.loads(one) for one in re.findall(r"<script type=\"application/ld\+json\">(.*?)</script>", page, re.DOTALL)
    )
    assert document["temporalCoverage"] == "2026-01-01/2026-03-02"
    assert document["spatialCoverage"]["geo"]["box"] == "51.5031 -0.0812 51.5031 -0.0812"
    assert web.get("/open-data/about/car-park-readings").status_code == 404
    assert web.get("/open-data/about/x%00").status_code == 400


def test_nothing_in_a_page_ends_the_element_of_its_json(world: World) -> None:
    name = "</script><script>alert(1)</script> & Council"
    with running(replace(world.options, council_name=name)) as url, client(url) as browser:
        page = browser.get("/open-data").text
    (text,) = re.findall(r"<script type=\"application/ld\+json\">(.*?)</script>", page, re.DOTALL)
    assert "alert" in text
    assert json.loads(text)["publisher"]["name"] == name


def test_columns_of_an_export_are_described(web: httpx.Client) -> None:
    answer = web.get("/open-data/exports/air-monitor.csv-metadata.json")
    assert answer.headers["content-type"] == "application/csvm+json"
    document = _document(answer)
    assert document["url"] == "air-monitor.csv"
    assert [one["name"] for one in document["tableSchema"]["columns"]] == [
        "series",
        "device",
        "property",
        "time",
        "value",
    ]
    assert "no2 [ug/m3]" in document["dc:description"]
    again = web.get(
        "/open-data/exports/air-monitor.csv-metadata.json", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert web.get("/open-data/exports/smart-meter.csv-metadata.json").status_code == 404


def test_a_file_comes_whole_with_its_length_its_hash_and_for_ever(world: World, web: httpx.Client) -> None:
    manifest = _document(web.get("/open-data/snapshots/air-readings/2026-01/1/manifest.json"))
    listed = web.get("/open-data/snapshots/air-readings/2026-01/1/SHA256SUMS").text
    for file in manifest["files"]:
        path = f"/open-data/snapshots/air-readings/2026-01/1/{file['name']}"
        answer = web.get(path)
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert answer.headers["content-length"] == str(file["bytes"]) == str(len(answer.content))
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        said = answer.headers["repr-digest"].removeprefix("sha-256=:").removesuffix(":")
        assert base64.b64decode(said).hex() == file["sha256"]
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert f"{file['sha256']}  {file['name']}\n" in listed
        head = web.head(path)
        assert (head.content, head.headers["content-length"]) == (b"", str(file["bytes"]))
        part = web.get(path, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, answer.content[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{file['bytes']}"
        changed = web.get(path, headers={"Range": "bytes=10-19", "If-Range": '"another"'})
        assert (changed.status_code, changed.content) == (200, answer.content)
        assert web.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        assert web.get(path, headers={"Range": f"bytes={file['bytes']}-"}).status_code == 416
    last = manifest["files"][-1]
    for odd in ("rows=0-9", "bytes=5-2", "bytes=a", "bytes=", "bytes=0-1-2", "bytes 0-1"):
        # by RFC 9110 what is no range of bytes is as if it were not there
        whole = web.get(f"/open-data/snapshots/air-readings/2026-01/1/{last['name']}", headers={"Range": odd})
        assert (whole.status_code, len(whole.content)) == (200, last["bytes"]), odd
    csv_file = manifest["files"][0]["name"]
    answer = web.get(f"/open-data/snapshots/air-readings/2026-01/1/{csv_file}")
    assert answer.headers["link"] == f'<{csv_file}-metadata.json>; rel="describedby"; type="application/csvm+json"'
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == manifest["rows"] == 123


@pytest.mark.parametrize(
    "path",
    [
        "/open-data/snapshots/air-readings/2026-01/1/series.json",
        "/open-data/snapshots/air-readings/2026-01/1/..%2F2026-02.1%2Fmanifest.json",
        "/open-data/snapshots/air-readings/2026-01/1/nothing.csv",
        "/open-data/snapshots/air-readings/2026-01/9/manifest.json",
        "/open-data/snapshots/air-readings/2026-13/1",
        "/open-data/snapshots/..%2F..%2Fetc/2026-01/1",
        "/open-data/snapshots/smart-meter/2026-01/1",
    ],
)
def test_what_is_no_file_of_a_snapshot_is_not_there(web: httpx.Client, path: str) -> None:
    assert web.get(path).status_code == 404


def test_the_feed_tells_what_was_published_and_revised(world: World, web: httpx.Client) -> None:
    answer = web.get("/open-data/revisions.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ET.fromstring(answer.content)
    found = feed.findall(f"{ATOM}entry")
    assert len(found) == 7
    assert found[0].findtext(f"{ATOM}title") == "Air quality: readings of monitors, 2026-02: revision 2"
    assert found[0].findtext(f"{ATOM}summary") == "76 rows of 2 devices, before 75: 1 series with other readings."
    assert len({one.findtext(f"{ATOM}id") for one in found}) == 7
    times = [one.findtext(f"{ATOM}updated") for one in found]
    assert times == sorted(times, reverse=True)  # type: ignore[type-var]
    assert feed.findtext(f"{ATOM}updated") == times[0]
    for link in found[0].findall(f"{ATOM}link[@rel='enclosure']"):
        assert web.head(httpx.URL(link.get("href", "")).path).headers["content-length"] == link.get("length")
    page = web.get("/open-data/revisions").text
    assert page.index("2026-02: revision 2") < page.index(": published")
    again = web.get("/open-data/revisions.atom", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_long_lists_come_in_pages(world: World, web: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "PAGE", 3)
    monkeypatch.setattr(catalogue, "MEMBERS", 4)
    monkeypatch.setattr(catalogue, "MONTHS", 2)
    titles: list[str | None] = []
    path: str | None = "/open-data/revisions.atom"
    while path is not None:
        answer = web.get(path)
        feed = ET.fromstring(answer.content)
        titles += [one.findtext(f"{ATOM}title") for one in feed.findall(f"{ATOM}entry")]
        following = feed.find(f"{ATOM}link[@rel='next']")
        path = None if following is None else httpx.URL(following.get("href", "")).raw_path.decode()
    assert len(titles) == len(set(titles)) == 7
    ids: list[str] = []
    datasets: list[str] = []
    path = "/open-data/catalogue.jsonld"
    while path is not None:
        graph = _document(web.get(path))["@graph"]
        datasets += [one["@id"] for one in graph if "dcat:Dataset" in one["@type"]]
        ids += [one["@id"] for one in graph[0]["dcat:dataset"]]
        view = graph[0].get("hydra:view")
        path = None if view is None else httpx.URL(view["hydra:next"]["@id"]).raw_path.decode()
    assert sorted(ids) == sorted(datasets)
    assert len(set(ids)) == len(ids) == 3 + 2 + 6
    first = web.get("/open-data/about/air-readings").text
    (later,) = re.findall(r'href="(/open-data/about/air-readings\?cursor=[^"#]+)', first)
    assert "2026-01.r1.csv" not in first
    assert "2026-01.r1.csv" in web.get(later).text
    assert web.get("/open-data/about/air-readings?cursor=!!").status_code == 400
    assert "There are no older months" in web.get("/open-data/about/air-readings?cursor=YWJj").text


def test_a_device_that_is_closed_takes_its_files_out_at_once(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_FRESH", 0.0)
    monkeypatch.setattr(entries, "KEPT", 0.0)
    world = filled(database, tmp_path)
    path = "/open-data/snapshots/air-readings/2026-01/1"
    with running(world.options) as url, client(url) as browser:
        file = f"{path}/air-readings-2026-01.r1.csv"
        assert browser.get(file).status_code == 200
        with connect(database) as connection:
            open_months.close(connection, "0042")
        assert browser.get(file).status_code == 410
        assert browser.get(file, headers={"If-None-Match": "*"}).status_code == 410
        assert browser.get(path).status_code == 410
        world.publish()
        told = browser.get(path)
        assert told.status_code == 410
        assert run.CLOSED in told.text
        assert browser.get(file).status_code == 410
        assert "0042" not in browser.get(f"{path.removesuffix('1')}2/air-readings-2026-01.r2.csv").text
        withdrawn = [
            one.findtext(f"{ATOM}title")
            for one in ET.fromstring(browser.get("/open-data/revisions.atom").content).findall(f"{ATOM}entry")
            if one.find(f"{ATOM}category[@term='withdrawn']") is not None
        ]
        assert "Air quality: readings of monitors, 2026-01: revision 1 withdrawn" in withdrawn
        found = shelf.read(tmp_path).find("air-readings", "2026-03", 2)
        assert found is not None
        broken = found.folder / found.manifest.files[0].name
        broken.write_bytes(broken.read_bytes()[:-1])
        assert browser.get(f"{found.path}/{broken.name}").status_code == 500, "a part is not sent as the whole"


def _beyond(turns: Callable[[], int], before: int) -> bool:
    return turns() > before


def test_a_reader_of_a_state_has_one_state_while_readings_arrive_are_corrected_and_erased(
    world: World, database: str, tmp_path: Path
) -> None:
    """Writers go on between the first byte and the last; CSV, Parquet and map of a snapshot agree to the last row."""
    with connect(database) as connection:
        open_months.fill(connection)
    over = threading.Event()
    turns = 0

    def write() -> None:
        nonlocal turns
        with connect(database) as connection:
            at = hours(MONTHS[0])[0]
            while not over.is_set():
                turns += 1
                # below what is deleted: else a turn, after many, takes away what it brought, and nothing has changed
                open_months.late(connection, "air-1", "no2", [at + turns], [float(turns % 50)])
                connection.execute("update reading set value = value + 1 where time = %s", (MONTHS[0],))
                open_months.touch(connection, "air-monitor", [at])
                connection.execute(
                    "delete from reading where ctid in (select ctid from reading where value > 60 limit 1)"
                )
                connection.commit()

    order = Order(tmp_path, "T", OPEN_GOVERNMENT_LICENCE, "real", "0")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert wait_for(lambda: turns > 3, 60)
        with connect(database, autocommit=True) as line:
            for _ in range(5):
                run.publish(line, database, order, Rules(timedelta(days=7), {}), LATER, lambda _: None)
                # the turn under way may be committed already: of the next one all is later than what was read
                assert wait_for(functools.partial(_beyond, lambda: turns, turns + 1), 60)
    finally:
        over.set()
        writer.join()
    found = [one for one in shelf.read(tmp_path).snapshots if one.manifest.month == "2026-01"]
    assert len([one for one in found if one.manifest.dataset == "air-readings"]) == 5
    for one in found:
        text = (one.folder / one.manifest.files[0].name).read_text()
        rows = list(csv.DictReader(io.StringIO(text)))
        table = pq.read_table(one.folder / one.manifest.files[2].name).to_pylist()
        assert len(rows) == len(table) == one.manifest.rows == sum(part.rows for part in one.contents().values())
        for row, other in zip(rows, table, strict=True):
            assert (int(row["series"]), row["device"], row["property"]) == (
                other["series"], other["device"], other["property"],
            )  # fmt: skip
            assert (float(row["value"]) if row["value"] else None) == other["value"]
    with connect(database, autocommit=True) as line:
        report = run.publish(line, database, order, Rules(timedelta(days=7), {}), LATER, lambda _: None)
        assert len(report.made) == 1, "the last of it all"
        again = run.publish(line, database, order, Rules(timedelta(days=7), {}), LATER, lambda _: None)
        assert again.made == []
