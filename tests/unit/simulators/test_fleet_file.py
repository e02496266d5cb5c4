"""Fleet files: what they mean, and what is said about a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices.device import Device
from devices.families import FAMILIES
from simulators.fleet_file import FleetError, default_span, load, parse
from simulators.generate import devices_of
from simulators.homes import make_homes
from simulators.plans import DWELLINGS, FORMATS, HEATING, PROPERTIES, Fleet

FLEETS = sorted((Path(__file__).parents[3] / "simulators" / "fleets").glob("*.toml"))
HEAD = "seed = 7\nstart = 2026-01-05T00:00:00Z\n"


def fleet(text: str, *, seed: int | None = None) -> Fleet:
    return parse(HEAD + text, "town.toml", seed=seed)


def every_device(fleet: Fleet) -> list[Device]:
    return [device for devices in devices_of(fleet).values() for device in devices]


def test_the_fleets_that_come_along_are_read() -> None:
    assert {path.stem for path in FLEETS} >= {"demo", "bays-400", "meters-100k", "faults-all"}
    for path in FLEETS:
        assert load(path).name == path.stem


def test_the_demo_has_what_the_analytics_need() -> None:
    demo = load(Path(__file__).parents[3] / "simulators" / "fleets" / "demo.toml")
    counts = {family: len(devices) for family, devices in devices_of(demo).items()}
    assert counts == {"smart-meter": 300, "parking-bay": 200, "air-monitor": 12, "movement-sensor": 40}
    homes = {device.attributes["home"] for device in devices_of(demo)["movement-sensor"]}
    assert len(homes) == 10
    kinds = [
        (device.attributes["dwelling"], device.attributes["heating"]) for device in devices_of(demo)["smart-meter"]
    ]
    assert max(kinds.count(kind) for kind in set(kinds)) >= 100
    start, end = default_span(demo)
    assert (end - start) / 86_400e6 == 56
    assert datetime.fromtimestamp(start / 1e6, UTC) == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(("family", "name"), list(PROPERTIES))
def test_every_format_carries_properties_of_its_family(family: str, name: str) -> None:
    assert name in FORMATS[family]
    assert set(PROPERTIES[family, name]) <= set(FAMILIES[family].properties)


def test_devices_are_simulated_unique_and_a_function_of_file_and_seed() -> None:
    text = (
        "[smart-meter]\ncount = 40\n[parking-bay]\ncount = 30\n[air-monitor]\ncount = 3\n[movement-sensor]\ncount = 2\n"
    )
    one = fleet(text)
    assert every_device(one) == every_device(fleet(text))
    assert every_device(one) != every_device(fleet(text, seed=8))
    assert {device.origin for device in every_device(one)} == {"simulated"}
    assert all(device.personal == FAMILIES[device.family].personal for device in every_device(one))
    ids = [device.id for device in every_device(one)]
    assert len(set(ids)) == len(ids) == 40 + 30 + 3 + 8


@pytest.mark.parametrize(
    ("family", "name", "model"),
    [
        ("smart-meter", "glow", "glow"),
        ("parking-bay", "tts", "bosch-tps110"),
        ("parking-bay", "chirpstack", "bosch-tps110"),
        ("air-monitor", "airgradient", "airgradient"),
        ("movement-sensor", "zigbee2mqtt", "zigbee2mqtt"),
        ("smart-meter", "senml-cbor", "native"),
    ],
)
def test_the_format_decides_the_model(family: str, name: str, model: str) -> None:
    made = fleet(f'[{family}]\ncount = 2\nformat = "{name}"\n')
    assert {device.model for device in every_device(made)} == {model}


def test_shares_are_exact_and_not_by_chance() -> None:
    made = fleet(
        "[smart-meter]\ncount = 200\ndwellings = { flat = 0.25, terraced = 0.75 }\n"
        "heating = { gas = 0.9, electric = 0.1 }\n"
    )
    homes = make_homes(made)
    pairs = list(zip(homes.dwelling.tolist(), homes.heating.tolist(), strict=True))
    flat, terraced = DWELLINGS.index("flat"), DWELLINGS.index("terraced")
    gas, electric = HEATING.index("gas"), HEATING.index("electric")
    assert {pair: pairs.count(pair) for pair in set(pairs)} == {
        (flat, gas): 45, (flat, electric): 5, (terraced, gas): 135, (terraced, electric): 15,
    }  # fmt: skip


def test_planted_homes_and_arms_are_said_in_the_attributes() -> None:
    made = fleet(
        "[smart-meter]\ncount = 100\nplanted = { empty = 3, disconnected = 2, under-heated = 5 }\n"
        "treatment = { share = 0.4, effect = 0.1, start = 2026-02-01T00:00:00Z }\n"
    )
    planted = [device.attributes.get("planted") for device in every_device(made)]
    assert [planted.count(kind) for kind in ("empty", "disconnected", "under-heated")] == [3, 2, 5]
    assert sum(device.attributes["arm"] == "treatment" for device in every_device(made)) == 40
    cut_off = [device for device in every_device(made) if device.attributes.get("planted") == "disconnected"]
    assert {device.attributes["payment"] for device in cut_off} == {"prepayment"}


def test_restrictions_are_attributes_of_the_bay() -> None:
    made = fleet("[parking-bay]\ncount = 20\nstreets = { high-street = 1.0 }\n")
    assert {device.attributes["permitted_minutes"] for device in every_device(made)} == {"60"}
    assert {device.attributes["active_hours"] for device in every_device(made)} == {"Mo-Sa 08:30-18:30"}
    free = fleet("[parking-bay]\ncount = 20\nstreets = { residential = 1.0 }\n")
    assert not any("permitted_minutes" in device.attributes for device in every_device(free))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "town.toml: no devices; it needs a table such as [parking-bay] with a count"),
        ("[parking-bay]\n", "parking-bay.count is missing"),
        ("[parking-bay]\ncount = 0\n", "parking-bay.count = 0; needs to be a whole number from 1"),
        ("[parking-bay]\ncount = true\n", "parking-bay.count = True; needs to be a whole number"),
        ("[parking-bay]\ncount = 2\ncolour = 1\n", "unknown key parking-bay.colour; known are"),
        ('[parking-bay]\ncount = 2\nformat = "glow"\n', "parking-bay.format = 'glow'; one of native"),
        ("[parking-bay]\ncount = 2\nstreets = { moor = 1.0 }\n", "unknown key parking-bay.streets.moor"),
        ("[parking-bay]\ncount = 2\nstreets = { office = 0.5 }\n", "parking-bay.streets = shares that sum to 0.5"),
        ("[smart-meter]\ncount = 2\nevery = 7\n", "smart-meter.every = 7; needs to divide 1800 seconds"),
        ("[smart-meter]\ncount = 2\nproperties = ['occupied']\n", "smart-meter.properties = unknown 'occupied'"),
        ("[smart-meter]\ncount = 2\nproperties = []\n", "smart-meter.properties = []; needs to be a list of"),
        ("[smart-meter]\ncount = 2\nplanted = { empty = 3 }\n", "smart-meter.planted = 3 homes of 2"),
        (
            "[smart-meter]\ncount = 2\n[smart-meter.treatment]\n",
            "smart-meter.treatment.start = None; needs to be an instant",
        ),
        ("[smart-meter]\ncount = 2\nsolar = nan\n", "smart-meter.solar = nan; needs to be a number from 0 to 1"),
        ("[air-monitor]\ncount = 2\nevery = 7\n", "air-monitor.every = 7; needs to divide 3600"),
        ("town = 1\n[air-monitor]\ncount = 2\n", "unknown key town; known are"),
        ("climate = 'moon'\n[air-monitor]\ncount = 2\n", "climate = 'moon'; one of london"),
        ("place = [200, 0]\n[air-monitor]\ncount = 2\n", "place = [200, 0]; needs to be [longitude, latitude]"),
        ("air-monitor = 3\n", "air-monitor = 3; needs to be a table [air-monitor]"),
        ("name = 'a b'\n[air-monitor]\ncount = 2\n", "name = 'a b'; letters, digits and - only"),
        ("[air-monitor\n", "town.toml: "),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_key(text: str, said: str) -> None:
    with pytest.raises(FleetError) as error:
        fleet(text)
    assert said in str(error.value)
    assert str(error.value).startswith("fleet file town.toml: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("start", ["2026-01-05T00:00:00", "2026-01-05", "'soon'"])
def test_a_start_needs_its_offset(start: str) -> None:
    with pytest.raises(FleetError, match=r"start = .*; needs to be an instant such as"):
        parse(f"start = {start}\n[air-monitor]\ncount = 1\n", "town.toml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe4'")
    with pytest.raises(FleetError, match="not UTF-8"):
        load(tmp_path / "latin.toml")
    with pytest.raises(FleetError, match="seed -1"):
        fleet("[air-monitor]\ncount = 1\n", seed=-1)
