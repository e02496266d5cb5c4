"""Who judges SensorThings: OGC's own suite, and clients of others that count what the database counts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devices.bays import Bay
from devices.device import Device
from store.connect import connect
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import JAVA, Need, NotHad, debian, maven, named, pypi
from tests.tools import ogc_suite, site
from tests.tools.ogc_shim import Borough, Shim
from tests.tools.sta_clients import run
from tests.worlds import open_town, sensorthings

_PATH = "/sta/v1.1"
_SUITE, _CLIENT = "ets-sta10", "frost-sta-client"
_PLURALS = {"ObservedProperty": "ObservedProperties", "FeatureOfInterest": "FeaturesOfInterest"}


@contextmanager
def _database(place: Place, *, filled: bool) -> Iterator[str]:
    name = place.cluster.create()
    try:
        url = place.cluster.url(name)
        if filled:
            sensorthings.filled(url)
        yield url
    finally:
        place.cluster.drop(name)


@contextmanager
def _service(place: Place) -> Iterator[tuple[str, str]]:
    """A filled service: its root and its database."""
    with _database(place, filled=True) as database, site.running(site.options(database)) as url:
        yield f"{url}{_PATH}", database


def _ask_ogc(place: Place) -> Verdict:
    """The core class on a borough, the filter class on what the suite makes."""
    jars = place.had[_SUITE]
    problems: list[str] = []
    passed = 0
    classes: tuple[ogc_suite.Class, ...] = ("core", "filter")
    for which in classes:
        with _database(place, filled=which == "core") as database:
            loader = None if which == "core" else lambda numbers, url=database: Borough(url, numbers)
            with Shim(_PATH, loader) as shim, site.running(site.options(database, public_url=shim.url)) as url:
                shim.site = url
                outcome = ogc_suite.judge(jars, shim.root, which, place.folder / which)
        passed += len(outcome.passed)
        problems += outcome.problems
    return Verdict(passed + len(problems), "tests", tuple(problems))


def _ask_frost_client(place: Place) -> Verdict:
    with _service(place) as (root, database):
        found = run.frost_client(place.had[_CLIENT] / "bin/python", root)
        expected = {_PLURALS.get(name, f"{name}s"): count for name, count in sensorthings.counts(database).items()}
    every = expected["Observations"]
    problems = _differences(found["counted"], expected)
    problems += _differences(found["tops"], {top: min(int(top), every) for top in found["tops"]}, "$top=")
    return Verdict(sum(found["counted"].values()), "entities", tuple(problems))


def _ask_qgis(place: Place) -> Verdict:
    with _service(place) as (root, database):
        found = run.qgis(place.had[run.QGIS], "sensorthings", root)
        expected = sensorthings.counts(database)
    counted = {name: found[name].get("features") for name in expected}
    return Verdict(sum(count or 0 for count in counted.values()), "features", tuple(_differences(counted, expected)))


def _ask_qgis_for_geojson(place: Place) -> Verdict:
    """The exports as layers, from their addresses: which things they have, and that each is where it should be."""
    devices = [one for one in open_town.DEVICES if one.id != "old"]  # it is retired
    layers: dict[str, Sequence[Device | Bay]] = {
        "air-monitor": [one for one in devices if one.family == "air-monitor"],
        "parking-bay": [one for one in devices if one.family == "parking-bay"],
        "bays": open_town.BAYS,
    }
    asked = 0
    problems: list[str] = []
    with _database(place, filled=False) as database:
        with connect(database, autocommit=True) as connection:
            open_town.town(connection)
        with site.running(site.options(database)) as url:
            for name, things in layers.items():
                layer = run.qgis(place.had[run.QGIS], "ogr", f"{url}/open-data/exports/{name}.geojson")["layer"]
                known = [one for one in things if one.origin == "real" and not one.personal]
                asked += len(known)
                ids, placed = sorted(one.id for one in known), sum(one.lon is not None for one in known)
                if (sorted(layer.get("ids", ())), len(layer.get("places", ()))) != (ids, placed):
                    problems.append(f"{name}: {layer}; in the database are {ids}, {placed} of them with a place")
    return Verdict(asked, "features", tuple(problems))


def _differences(found: dict[str, Any], expected: dict[str, int], sign: str = "") -> list[str]:
    return [
        f"{sign}{name}: {found.get(name)} counted, {count} in the database"
        for name, count in expected.items()
        if found.get(name) != count
    ]


def _settle_root(making: Path, _: Path) -> None:
    """What a root wants that one is to be entered by chroot: Debian's links, and of several libraries the first."""
    for name in ("bin", "lib", "lib64", "sbin"):
        if (making / "usr" / name).is_dir() and not (making / name).exists():
            (making / name).symlink_to(f"usr/{name}")
    (making / "tmp").mkdir(exist_ok=True)
    for folder in making.glob("usr/lib/*-linux-gnu*"):
        for file in (*folder.glob("blas/*.so.*"), *folder.glob("lapack/*.so.*")):
            if not (folder / file.name).exists():
                (folder / file.name).symlink_to(f"{file.parent.name}/{file.name}")


_OWN_QGIS = debian("python3-qgis", has="usr/lib/python3/dist-packages/qgis/core/__init__.py", change=_settle_root)


def _find_qgis(store: Path) -> Path:
    """The root that the variable names, else one of our own."""
    if os.environ.get(run.QGIS):
        return named(run.QGIS, "root of a Debian 13 with python3-qgis").find(store)
    if os.geteuid() != 0:
        raise NotHad(f"only root may enter another root, and {run.QGIS} names none with python3-qgis (QGIS 3.40)")
    return _OWN_QGIS.find(store)


_JARS = maven(ogc_suite.SUITE, ogc_suite.JSON, name=_SUITE)
JUDGES: tuple[Judge, ...] = (
    Judge("OGC SensorThings suite (core, filter)", "1.5", (_JARS, JAVA), _ask_ogc),
    Judge("frost-sta-client", "1.1.53", (pypi("frost-sta-client", "1.1.53", name=_CLIENT),), _ask_frost_client),
    Judge("QGIS (SensorThings layers)", "3.40", (Need(run.QGIS, _find_qgis),), _ask_qgis),
    Judge("QGIS (GeoJSON layers)", "3.40", (Need(run.QGIS, _find_qgis),), _ask_qgis_for_geojson),
)
