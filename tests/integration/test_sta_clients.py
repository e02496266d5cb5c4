"""Clients of SensorThings that others wrote count what the database counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools import site
from tests.tools.batches import query
from tests.tools.servers import Cluster
from tests.tools.sta_clients.run import with_frost_client, with_qgis
from tests.worlds import sensorthings

_SETS = {"Sensor": "Sensors", "ObservedProperty": "ObservedProperties", "FeatureOfInterest": "FeaturesOfInterest"}


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    """The filled database."""
    name = timescale.create()
    sensorthings.filled(timescale.url(name))
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def root(database: str) -> Iterator[str]:
    """The service's root."""
    with site.running(site.options(database)) as url:
        yield f"{url}/sta/v1.1"


def test_frost_client_pages_through_everything(root: str, database: str) -> None:
    """Whatever ``$top`` is, smaller or larger than a page."""
    found = with_frost_client(root)
    expected = {_SETS.get(name, f"{name}s"): count for name, count in sensorthings.counts(database).items()}
    assert found["counted"] == expected
    every = expected["Observations"]
    assert found["tops"] == {top: min(int(top), every) for top in found["tops"]}
    assert found["told"] == every
    assert found["name"] == "High Street"


def test_frost_client_reads_what_is_stored(root: str, database: str) -> None:
    found = with_frost_client(root)
    stored = query(database, "select o.value from observation o join series s on s.device_id = o.device and"
                             " s.property = o.property where s.id = 1 order by o.time")  # fmt: skip
    assert [row[2] for row in found["series"]["1"]] == [value for (value,) in stored]
    assert found["series"]["1"][1][:2] == ["1-1769904060000000", "2026-02-01T00:01:00Z"]


def test_qgis_opens_all_entities_as_layers(root: str, database: str) -> None:
    """Headless; each layer has as many features as the database has, those with a place lie where they should."""
    found = with_qgis("sensorthings", root)
    assert found.pop("version").startswith("3.40")
    expected = sensorthings.counts(database)
    assert {name: layer.get("features") for name, layer in found.items()} == expected, found
    places = {tuple(round(value, 6) for value in place) for place in found["Location"]["places"]}
    assert places == {
        (-0.12, 51.5), (-0.1, 51.51), (-0.081, 51.503), (-0.082, 51.504), (-0.08, 51.503), (-0.09, 51.52),
    }  # fmt: skip
    assert found["Location"]["crs"] == "EPSG:4326"
    assert "air-001" in found["Thing"]["ids"]
