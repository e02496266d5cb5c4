"""Open feeds of parking over a real database: what is in them, what never is, and what is not sent again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.public import feeds as pages
from devices.bays import Bay, Restriction, SensorLink, Suspension
from devices.bays_file import BaysFile, Given
from devices.device import Device
from devices.parking_account import Account, Line
from store import bays_import, feeds, registry
from store.connect import connect
from tests.tools import forked
from tests.tools.servers import Cluster
from tests.tools.site import client, options, running
from tests.worlds.parking_interchange import document, provision

NOW = datetime.now(UTC)
HOURS = (Restriction(31, 480, 1110, 120, 60),)
ACCOUNT = Account(date(2025, 4, 1), date(2026, 3, 31), (Line("income", "on-street parking", 150),))


def _bay(name: str, zone: str = "A", **changes: Any) -> Bay:
    return Bay(name, "Mill Road", zone, **{"kind": "pay", "lon": -0.0812, "lat": 51.5031, **changes})


BAYS = [
    _bay("free", restrictions=HOURS),
    _bay("taken"),
    _bay("silent"),
    _bay("never"),
    _bay("stuck"),
    _bay("closed"),
    _bay("unwatched"),
    _bay("hers", personal=True, kind="disabled"),
    _bay("play", origin="simulated"),
    _bay("gone", to_day=date(2020, 1, 1)),
    _bay("lot", "B é", spaces=40, off_street=True),
    _bay("open", "B é", kind="unrestricted"),
]
#: Sensors by bay: how long ago each spoke, and what it said.
READINGS = {
    "free": (timedelta(minutes=5), 0.0),
    "taken": (timedelta(minutes=9), 1.0),
    "silent": (timedelta(hours=26), 1.0),
    "stuck": (timedelta(minutes=5), 1.0),
    "closed": (timedelta(minutes=5), 0.0),
    "hers": (timedelta(minutes=5), 1.0),
}


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    url = timescale.url(name)
    watched = [*READINGS, "never"]
    with connect(url) as connection:
        registry.upsert(
            connection,
            [Device(f"s-{bay}", "parking-bay", "native", -0.0812, 51.5031, personal=bay == "hers") for bay in watched],
        )
        start = NOW - timedelta(days=9)
        given = BaysFile(
            bays=[Given("", bay) for bay in BAYS],
            sensors=[Given("", SensorLink(bay, f"s-{bay}", start, None)) for bay in watched],
            suspensions=[Given("", Suspension("closed", start, NOW + timedelta(days=1), "Gas works"))],
        )
        plan = bays_import.import_file(connection, given, pages_zone())
        assert plan.problems == []
        for bay, (ago, value) in READINGS.items():
            row = connection.execute(
                "insert into personal.series (device_id, property, personal) values (%s, 'occupied', %s) returning id",
                (f"s-{bay}", bay == "hers"),
            ).fetchone()
            assert row is not None
            connection.execute("insert into public.latest values (%s, %s, %s, now())", (row[0], NOW - ago, value))
        # how the record ended yesterday: stuck since then
        connection.execute(
            "insert into personal.bay_day (bay_id, day, quarters, arrivals, repeated, carry_state, carry_since,"
            " carry_heard, carry_device) values ('stuck', %s, '', 0, 0, 3, %s, %s, 's-stuck')",
            ((NOW - timedelta(days=1)).date(), NOW - timedelta(days=3), NOW - timedelta(hours=20)),
        )
    yield url
    timescale.drop(name)


def pages_zone() -> Any:
    return options("").zone


@pytest.fixture(scope="module")
def web(filled: str) -> Iterator[httpx.Client]:
    with running(options(filled, parking_accounts=(ACCOUNT,))) as url, client(url, None) as found:
        yield found


def _elements(publication: dict[str, Any]) -> dict[str, str]:
    """Ids of what is in a table, with its kind."""
    tables = publication["payload"]["prkParkingTablePublication"]["parkingTable"]
    elements = (element for table in tables for element in table["hierarchyElementGeneral"])
    return {inner["idG"]: kind for element in elements for kind, inner in element.items()}


def test_the_table_has_bays_that_are_there_and_of_no_household(web: httpx.Client) -> None:
    found = _elements(web.get("/parking/feed/datex.json").json())
    assert found == {
        "zone/A": "prkPlace",
        **dict.fromkeys(("closed", "free", "never", "silent", "stuck", "taken", "unwatched"), "prkSpace"),
        "zone/B é": "prkPlace",
        "lot": "prkSpecificArea",
        "open": "prkSpace",
    }


def test_the_status_says_what_is_known(web: httpx.Client) -> None:
    answer = web.get("/parking/feed/datex-status.json")
    assert "hers" not in answer.text
    zone, *its = answer.json()["payload"]["prkParkingStatusPublication"]["parkingStatusInformation"]
    counts = {"numberOfVacantSpaces": 1, "numberOfOccupiedSpaces": 1}
    assert zone["prkPlaceStatus"]["occupancy"] == counts
    said = {inner["reference"]["idG"]: inner.get("occupied") for one in its for inner in one.values()}
    assert said == {"free": False, "taken": True, "silent": None, "never": None, "stuck": None, "closed": False}


def test_the_status_is_by_the_settings_of_every_page(filled: str) -> None:
    with running(options(filled, parking_silence=timedelta(hours=27))) as url, client(url, None) as patient:
        text = patient.get("/parking/feed/datex-status.json").text
    _, *its = json.loads(text)["payload"]["prkParkingStatusPublication"]["parkingStatusInformation"]
    said = {inner["reference"]["idG"]: inner.get("occupied") for one in its for inner in one.values()}
    assert said["silent"] is True


def test_what_has_not_changed_is_not_sent_again(web: httpx.Client) -> None:
    for path in ("/parking/feed/datex.json", "/parking/feed/datex-status.json", "/open-data/parking/spaces.csv"):
        first = web.get(path)
        assert first.headers["cache-control"].startswith("public, max-age=")
        assert "set-cookie" not in first.headers
        again = web.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert web.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_pages_are_whole_zones(web: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 7)
    first = web.get("/parking/feed/datex.json")
    following = first.links["next"]["url"]
    second = web.get(following)
    assert "next" not in second.links
    assert set(_elements(first.json())) & {"lot", "free"} == {"free"}
    assert set(_elements(second.json())) == {"zone/B é", "lot", "open"}
    # no sensor in that zone: there is nothing to say of it
    assert web.get(following.replace("datex.json", "datex-status.json")).status_code == 404
    assert set(_elements(web.get("/parking/feed/datex.json", params={"zone": "B é"}).json())) == {
        "zone/B é", "lot", "open",
    }  # fmt: skip
    assert web.get("/parking/feed/datex.json", params={"zone": "nowhere"}).status_code == 404
    assert web.get("/parking/feed/datex.json", params={"cursor": "eA"}).status_code == 404


def test_a_zone_with_more_bays_than_a_page_is_cut(
    filled: str, web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST", 4)
    url: str | None = "/parking/feed/datex.json"
    counts = []
    while url is not None:
        answer = web.get(url)
        counts.append(len(_elements(answer.json())) - 1)
        url = answer.links.get("next", {}).get("url")
    assert counts == [4, 3, 2]
    with connect(filled) as connection:
        parts = feeds.parts(connection, NOW.date())
        assert parts == [("A", 0, 4), ("A", 1, 3), ("B é", 0, 2)]
        found = [[bay.id for bay in feeds.bays(connection, [part], NOW.date())] for part in parts]
    assert found == [["closed", "free", "never", "silent"], ["stuck", "taken", "unwatched"], ["lot", "open"]]


def test_simulated_bays_are_in_a_demo_alone(filled: str, web: httpx.Client) -> None:
    assert "play" not in web.get("/parking/feed/datex.json").text
    with running(options(filled, demo=True)) as url, client(url, None) as demo:
        answer = demo.get("/parking/feed/datex.json")
    assert "play" in _elements(answer.json())
    header = answer.json()["payload"]["prkParkingTablePublication"]["headerInformation"]
    assert header["informationStatus"] == {"value": "test"}


def test_the_yearly_return(web: httpx.Client) -> None:
    answer = web.get("/open-data/parking/spaces.csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert [row[1:] for row in rows[1:]] == [
        ["A", "pay", "on-street", "yes", "7"],
        ["B é", "pay", "off-street", "no", "40"],
    ]
    described = web.get("/open-data/parking/" + answer.links["describedby"]["url"])
    assert described.headers["content-type"] == "application/csvm+json"
    assert described.json()["url"] == "spaces.csv"
    before = web.get("/open-data/parking/spaces.csv", params={"on": "2019-12-31"})
    assert ["2019-12-31", "A", "pay", "on-street", "yes", "8"] in csv.reader(io.StringIO(before.text))
    account = web.get("/open-data/parking/account.csv")
    assert account.text.splitlines()[1] == "2025-04-01,2026-03-31,income,on-street parking,1.50"
    assert web.get("/open-data/parking/account.csv-metadata.json").json()["dc:publisher"] == "Testborough Council"


def test_without_an_account_there_is_none(filled: str) -> None:
    with running(options(filled)) as url, client(url, None) as found:
        assert found.get("/open-data/parking/account.csv").status_code == 404
        assert found.get("/open-data/parking/account.csv-metadata.json").status_code == 404


def _run(url: str, *arguments: str, status: int = 0, **settings: str) -> str:
    done = forked.run(["bays", *arguments], {"BOROUGH_DATABASE_URL": url, **settings})
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if status == 0 else done.stderr


def test_borough_bays_return(filled: str, tmp_path: Path) -> None:
    file = tmp_path / "account.toml"
    file.write_text(
        "[[account]]\nfrom = 2025-04-01\nto = 2026-03-31\nexpenditure = {}\n"
        'income = {"on-street parking" = 1, "off-street parking" = 2, "penalty charge notices" = 3}\n'
    )
    said = _run(filled, "return", "--year", "2026", "--out", str(tmp_path / "out"), BOROUGH_PARKING_ACCOUNT=str(file))
    assert said.startswith("47 controlled spaces on 2026-03-31")
    names = {"spaces.csv", "spaces.csv-metadata.json", "account.csv", "account.csv-metadata.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    said = _run(filled, "return", "--year", "2025", "--out", str(tmp_path / "two"), BOROUGH_PARKING_ACCOUNT=str(file))
    assert "The return is not whole: no account of the year that ends in 2025" in said
    file.write_text("[[account]]\n")
    assert "BOROUGH_PARKING_ACCOUNT" in _run(
        filled, "return", "--year", "2026", "--out", str(tmp_path), status=2, BOROUGH_PARKING_ACCOUNT=str(file)
    )


def test_borough_bays_with_a_dtro(database: str, tmp_path: Path) -> None:
    """Imported, exported, imported again: nothing changes; a dry run changes nothing; a later order suspends."""
    order, out = tmp_path / "order.json", tmp_path / "out.json"
    order.write_bytes(document(provision(), provision(reference="Z", kind="kerbsideControlledParkingZone")))
    said = _run(database, "import", str(order), "--dry-run")
    assert "provision Z: left out: all of it: kerbsideControlledParkingZone, a zone without marked bays" in said
    assert "Nothing was changed." in said
    assert json.loads(_run(database, "import", str(order), "--json"))["left_out"]
    assert "say the authority's number" in _run(database, "export", str(out), "--format", "d-tro", status=2)
    _run(database, "export", str(out), "--format", "d-tro", "--authority", "9001", "--made", "2026-01-05")
    assert json.loads(out.read_bytes())["data"]["source"]["traCreator"] == 9001
    again = _run(database, "import", str(out), "--dry-run")
    assert "1 unchanged bay" in again

    def closes(found: dict[str, Any]) -> None:
        found["regulation"]["temporaryProvision"] = [{"temporaryOverriddenProvision": {"reference": "P1"}}]
        validity = {"start": "2026-07-01T07:00:00", "end": "2026-07-02T19:00:00", "isPlaceholderTro": False}
        found["regulation"]["condition"]["timeValidity"] = validity

    order.write_bytes(document(provision(closes, reference="S1", kind="miscBaySuspension")))
    assert "1 new suspension" in _run(database, "import", str(order))
    order.write_bytes(document(schemaVersion="3.5.0"))
    assert "is a D-TRO of version 3.5.0" in _run(database, "import", str(order), status=2)
