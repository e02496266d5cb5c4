"""Never real and simulated ones together: zones, bays and homes in a town where both are, at a site of each origin."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from dashboard.open_data import entries
from dashboard.options import OpenData
from store import snapshots
from store.connect import Connection, connect
from tests.tools import site
from tests.worlds import open_town

JUNE = {"from": "2026-06-01", "to": "2026-06-03"}


@pytest.fixture
def town(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(entries, "KEPT", 0.0)
    with connect(database, autocommit=True) as connection:
        open_town.town(connection)
        yield connection


@pytest.fixture
def real(town: Connection, database: str) -> Iterator[httpx.Client]:
    with site.running(site.options(database)) as url, site.client(url) as found:
        yield found


@pytest.fixture
def test_site(town: Connection, database: str) -> Iterator[httpx.Client]:
    """An installation for tests: what is open there is simulated."""
    options = site.options(database, open_data=OpenData(origin="simulated"))
    with site.running(options) as url, site.client(url) as found:
        yield found


def _zones(web: httpx.Client) -> set[str]:
    answer = web.get("/open-data/exports/zones.csv", params=JUNE)
    assert answer.status_code == 200
    return {row["zone"] for row in csv.DictReader(io.StringIO(answer.text))}


def _datasets(web: httpx.Client) -> dict[str, Any]:
    found = web.get("/open-data/catalogue.jsonld").json()["@graph"]
    return {one["dct:identifier"]: one for one in found if "dct:identifier" in one}


def test_an_installation_for_tests_tells_simulated_bays_alone(test_site: httpx.Client) -> None:
    bays = test_site.get("/open-data/exports/bays.geojson").json()["features"]
    assert [one["id"] for one in bays] == ["play-bay"]
    told = test_site.get("/parking/feed/datex.json").text
    assert "play-bay" in told
    assert "taken" not in told
    assert '"informationStatus":{"value":"test"}' in told
    spaces = list(csv.DictReader(io.StringIO(test_site.get("/open-data/parking/spaces.csv").text)))
    assert {row["zone"] for row in spaces} == {"P"}
    assert _zones(test_site) == {"P"}


def test_the_catalogue_counts_and_dates_one_origin_alone(town: Connection, real: httpx.Client) -> None:
    town.execute("update zone_day set day = '2026-05-07' where zone = 'P'")
    day = date(2026, 6, 1)
    assert snapshots.zone_days(town, "real") == (day, day)
    assert snapshots.zone_days(town, "simulated") == (date(2026, 5, 7), date(2026, 5, 7))
    assert _datasets(real)["parking-zones"]["dct:temporal"]["dcat:startDate"]["@value"] == "2026-05-31T23:00:00Z"
    assert [snapshots.bays(town, day, origin).places for origin in ("real", "simulated")] == [3, 1]
    town.execute("delete from zone_day where zone = 'A'")
    assert snapshots.zone_days(town, "real") is None
    assert "parking-zones" not in _datasets(real)


def test_what_a_simulated_sensor_says_is_of_no_real_bay(town: Connection, real: httpx.Client) -> None:
    assert _zones(real) == {"A"}
    town.execute("update personal.device set origin = 'simulated' where id = 's-taken'")
    assert _zones(real) == set()
    assert snapshots.zone_days(town, "real") is None
    bays = real.get("/open-data/exports/bays.geojson").json()["features"]
    assert {one["id"] for one in bays} == {"free", "unwatched"}
    assert "taken" not in real.get("/parking/feed/datex-status.json").text


def test_a_zone_is_not_told_while_a_bay_that_became_a_households_is_in_its_figures(
    town: Connection, real: httpx.Client
) -> None:
    assert _zones(real) == {"A"}
    town.execute("update personal.bay set personal = true where id = 'taken'")
    assert _zones(real) == set()
    assert snapshots.zone_days(town, "real") is None
    town.execute("delete from personal.touched_bay")  # as the analyst does when the days are computed again
    assert _zones(real) == {"A"}


def test_energy_of_simulated_homes_is_not_told_as_that_of_real_ones(
    town: Connection, real: httpx.Client, test_site: httpx.Client
) -> None:
    def months(web: httpx.Client) -> set[str]:
        return {row["month"] for row in csv.DictReader(io.StringIO(web.get("/open-data/exports/energy.csv").text))}

    both = {"2026-04", "2026-05"}
    assert (months(real), months(test_site)) == (both, both)
    for number, (origin, month) in enumerate((("simulated", date(2026, 4, 1)), ("real", date(2026, 5, 1)))):
        home = 10_000_000_000_001 + number
        tenancy = site.make_home(town, home_id=home, tenancy_id=20_000_000_000_001 + number, uprn=str(number))
        town.execute(
            "insert into personal.device (id, family, model, origin, personal)"
            " values (%s, 'smart-meter', 'x', %s, true)",
            (f"m{number}", origin),
        )
        town.execute(
            "insert into personal.home_meter (home_id, device_id, from_day) values (%s, %s, '2020-01-01')",
            (home, f"m{number}"),
        )
        town.execute(
            "insert into personal.comparison"
            " (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days, missing_days, state)"
            " values (%s, 'month', %s, 'electricity', %s, 240000, 0, 0, 'good')",
            (tenancy, month, home),
        )
    assert (months(real), months(test_site)) == ({"2026-05"}, {"2026-04"})
    assert _datasets(real)["energy-totals"]["dct:temporal"]["dcat:startDate"]["@value"] == "2026-04-30T23:00:00Z"
