"""Devices files: what is taken, what is said about what is not, and that an export reads back the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Device
from devices.families import FAMILIES
from devices.geojson import read_devices, read_geojson, write_geojson
from devices.registry import (
    RESERVED,
    RegistryError,
    changes,
    differences,
    make_device,
    read_csv,
    shared_names,
    write_csv,
)

MODELS = frozenset({"native", "glow", "zigbee2mqtt"})
HEADER = b"device_id,family,model,lon,lat\n"


def problems(read: Callable[[], object]) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        read()
    return [str(problem) for problem in caught.value.problems]


def test_a_plain_file() -> None:
    assert read_csv(HEADER + b"b1,parking-bay,native,-0.1276,51.5072\nm1,smart-meter,glow,,\n", MODELS) == [
        Device("b1", "parking-bay", "native", -0.1276, 51.5072),
        Device("m1", "smart-meter", "glow", personal=True),
    ]


def test_spreadsheet_habits_are_tolerated() -> None:
    data = (
        b"\xef\xbb\xbfdevice_id, family,model,lon,lat,origin,class,street\r\n"
        b'b1,parking-bay,native,"-0.5",51,simulated,personal,"High Street, ""north"""\r\n'
        b"\r\n,,,,,,,\r\n"
    )
    assert read_csv(data, MODELS) == [
        Device(
            "b1",
            "parking-bay",
            "native",
            -0.5,
            51.0,
            origin="simulated",
            personal=True,
            attributes={"street": 'High Street, "north"'},
        )
    ]


def test_every_problem_is_told_with_its_line() -> None:
    data = HEADER + (
        b"b1,parking-bay,native,0,51\n"
        b'b2,"parking\nbay",native,0,51\n'
        b"b1,parking-bay,native,0,51\n"
        b"b/3,parking-bay,native,0,51\n"
        b"b4,parking-bay,lora,zero,51\n"
        b"b5,parking-bay,native,0\n"
        b"b6,parking-bay,native,,51\n"
        b"b7,parking-bay,native,530000,180000\n"
        b",parking-bay,native,0,51\n"
    )
    told = problems(lambda: read_csv(data, MODELS))
    assert [text.split(":")[0] for text in told] == [
        "line 3",
        "line 5",
        "line 6",
        "line 7",
        "line 7",
        "line 8",
        "line 9",
        "line 10",
        "line 11",
    ]
    assert "unknown family" in told[0]
    assert "device b1 is already given in line 2" in told[1]
    assert "no + # or /" in told[2]
    assert "unknown model 'lora'; one of glow, native" in told[3]
    assert "lon 'zero' is not a number" in told[4]
    assert "has 4 fields, the first line names 5 columns" in told[5]
    assert "given together" in told[6]
    assert "no place on Earth" in told[7]
    assert "has no device_id" in told[8]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty; the first line must name the columns device_id,family,model,lon,lat"),
        (b"device_id;family;model;lon;lat\n", "line 1: does not name the column device_id, family, model, lon, lat; "),
        (b"device_id,family,model,lon\n", "line 1: does not name the column lat"),
        (b"device_id,family,model,lon,lat,lat\n", "line 1: names the column 'lat' twice"),
        (b"device_id,family,model,lon,lat,\n", "line 1: column 6 has no name"),
        (b"device_id,family,model,lon,lat,retired\n", "line 1: 'retired' is no column"),
        (HEADER + b"b1,parking-bay,native,0,51\nb\xe9,parking-bay,native,0,51\n", "line 3: is not UTF-8 text"),
        (HEADER + b'b1,parking-bay,"native,0,51\n', "line 2: is not CSV"),
        (HEADER + b"b1,parking-bay,native,0,51,9\n", "line 2: has 6 fields"),
        (HEADER + b"b1,parking-bay,native,nan,51\n", "line 2: lon 'nan' is not a number"),
        (HEADER + b"b1,parking-bay,native,1_0,51\n", "line 2: lon '1_0' is not a number"),
        (HEADER + b'b1,parking-bay,native,"0,5",51\n', "line 2: lon '0,5' is not a number (degrees with a decimal"),
        (HEADER + b"b1,parking-bay,na\x00tive,0,51\n", "line 2: model holds a control character (U+0000)"),
        (
            HEADER[:-1] + b",bay\nb1,parking-bay,native,0,51,a\xe2\x80\xaeb\n",
            "line 2: bay holds a sign that turns the order of text round (U+202E)",
        ),
        (
            HEADER[:-1] + b",bay\nb1,parking-bay,native,0,51," + b"x" * 1001 + b"\n",
            "line 2: bay is 1,001 letters long; at most 1,000 are taken",
        ),
        (HEADER[:-1] + b",b\x1b[2J\n", "line 1: the name 'b\\\\x1b[2J' holds a control character (U+001B)"),
        (HEADER[:-1] + b"," + b"x" * 81 + b"\n", f"line 1: the name {'x' * 80!r} is 81 letters long; at most 80"),
    ],
)
def test_one_problem(data: bytes, expected: str) -> None:
    (told,) = problems(lambda: read_csv(data, MODELS))
    assert told.startswith(expected)


def test_an_attribute_whose_name_and_text_are_refused_is_named_visibly() -> None:
    cells = {"device_id": "b1", "family": "parking-bay", "model": "native", "b\x1b[2J": "two\x1bwords"}
    told = problems(lambda: make_device(cells, MODELS))
    assert "b\\x1b[2J holds a control character (U+001B)" in told
    assert not any("\x1b" in text for text in told)


def test_class_can_only_be_stricter_than_the_family() -> None:
    header = b"device_id,family,model,lon,lat,class\n"
    assert read_csv(header + b"b1,parking-bay,native,,,personal\n", MODELS)[0].personal
    assert read_csv(header + b"m1,smart-meter,native,,,personal\n", MODELS)[0].personal
    assert not read_csv(header + b"b1,parking-bay,native,,,open\n", MODELS)[0].personal
    assert problems(lambda: read_csv(header + b"m1,smart-meter,native,,,open\n", MODELS)) == [
        "line 2: class open is not possible: a smart-meter is personal, and a device can only be stricter"
    ]
    assert problems(lambda: read_csv(header + b"m1,smart-meter,native,,,public\n", MODELS)) == [
        "line 2: class 'public' is neither open nor personal"
    ]


def test_geojson_problems_name_the_feature() -> None:
    def feature(geometry: object = None, **properties: object) -> dict[str, object]:
        return {"type": "Feature", "geometry": geometry, "properties": properties}

    bay = {"family": "parking-bay", "model": "native"}
    document = {
        "type": "FeatureCollection",
        "features": [
            feature({"type": "Point", "coordinates": [0, 51, 12.5]}, device_id="b1", level=2, roofed=False, **bay),
            feature({"type": "LineString", "coordinates": [[0, 51], [1, 51]]}, device_id="b2", **bay),
            feature(device_id="b3", lon=0, lat=51, **bay),
            feature(device_id="b4", tags=["a"], **bay),
            {"type": "Feature", "id": "b1", "geometry": None, "properties": bay},
            "b6",
        ],
    }
    told = problems(lambda: read_geojson(json.dumps(document).encode(), MODELS))
    assert told == [
        "feature 2 (device b2): its geometry is no Point with longitude and latitude in degrees",
        "feature 3 (device b3): lon is given by the geometry, not by a property",
        "feature 3 (device b3): lat is given by the geometry, not by a property",
        "feature 4 (device b4): property 'tags' is a list or an object; only text, numbers, true and false are taken",
        "feature 5 (device b1): device b1 is already given in feature 1 (device b1)",
        "feature 6: is not a GeoJSON Feature",
    ]
    document["features"] = document["features"][:1]
    assert read_geojson(json.dumps(document).encode(), MODELS) == [
        Device("b1", "parking-bay", "native", 0.0, 51.0, attributes={"level": "2", "roofed": "false"})
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"type": "FeatureCollection",\n "features": [}', "line 2: is not JSON"),
        (b'{"type": "Feature"}', "is not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection"}', "has no list of features"),
        (b'{"type": "FeatureCollection", "features": NaN}', "is not JSON: NaN"),
        (b"[" * 200_000, "is not JSON"),
        (b"\xff", "is not UTF-8 text"),
        (
            b'{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:27700"}},"features":[]}',
            "crs EPSG:27700: coordinates must be WGS 84 degrees",
        ),
    ],
)
def test_no_geojson(data: bytes, expected: str) -> None:
    (told,) = problems(lambda: read_geojson(data, MODELS))
    assert told.startswith(expected)


def test_the_name_says_the_format() -> None:
    assert read_devices("Bays.CSV", HEADER, MODELS) == []
    assert read_devices("bays.json", b'{"type": "FeatureCollection", "features": []}', MODELS) == []
    assert problems(lambda: read_devices("bays.xlsx", b"", MODELS))[0].startswith("its name must end in .csv")


def test_differences_and_their_words() -> None:
    same = Device("b1", "parking-bay", "native")
    old = Device("b2", "parking-bay", "native", attributes={"street": "A", "lane": "1"})
    new = Device("b2", "parking-bay", "glow", 0.5, 51.0, personal=True, attributes={"street": "B"})
    gone = Device("b3", "parking-bay", "native")
    retired = Device("b4", "parking-bay", "native", retired=True)
    added = Device("b5", "parking-bay", "native")
    found = differences([same, old, gone, retired], [added, new, same])
    assert (found.new, found.changed, found.unchanged, found.missing) == ([added], [(old, new)], [same], [gone])
    assert changes(old, new) == [
        "model: native -> glow",
        "lon: none -> 0.5",
        "lat: none -> 51.0",
        "personal: no -> yes",
        "lane: 1 -> none",
        "street: A -> B",
    ]


def test_a_device_on_the_command_line() -> None:
    cells = {"device_id": "b1", "family": "parking-bay", "model": "native", "street": " "}
    assert make_device(cells, MODELS) == Device("b1", "parking-bay", "native")
    assert problems(lambda: make_device({"device_id": "b1"}, MODELS)) == ["has no family", "has no model"]


def test_retired_devices_are_not_exported() -> None:
    devices = [Device("b1", "parking-bay", "native"), Device("b2", "parking-bay", "native", retired=True)]
    assert read_csv(write_csv(devices).encode(), MODELS) == devices[:1]
    assert read_geojson(write_geojson(devices).encode(), MODELS) == devices[:1]


# what CSV, JSON and the stripping of cells could stumble over, and a few ordinary letters
_text = st.text(st.sampled_from("aZ0é😀 ,;:\"'=\\\n\r\t\u200e\u00ad"), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)
_names = _text.filter(lambda text: text not in RESERVED and text.isascii() and not set(text) & set("\n\r\t"))


@st.composite
def _devices(draw: st.DrawFn) -> Device:
    family = draw(st.sampled_from(sorted(FAMILIES)))
    lon, lat = draw(st.just((None, None)) | st.tuples(st.floats(-180, 180), st.floats(-90, 90)))
    return Device(
        draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,20}", fullmatch=True)),
        family,
        draw(st.sampled_from(sorted(MODELS))),
        lon,
        lat,
        origin=draw(st.sampled_from(["real", "simulated"])),
        personal=FAMILIES[family].personal or draw(st.booleans()),
        attributes=draw(st.dictionaries(_names, _text, max_size=4)),
    )


@given(st.lists(_devices(), unique_by=lambda device: device.id, max_size=6))
def test_an_export_reads_back_the_same(devices: list[Device]) -> None:
    assert read_csv(write_csv(devices).encode(), MODELS) == devices
    assert read_geojson(write_geojson(devices).encode(), MODELS) == devices


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_a_registry_error(data: bytes) -> None:
    for name in ("x.csv", "x.json"):
        try:
            assert isinstance(read_devices(name, data, MODELS), list)
        except RegistryError:
            continue


@pytest.mark.parametrize(
    ("name", "cell", "good"),
    [
        ("interval", "PT15M", True),
        ("interval", "30 minutes", False),
        ("interval", "PT0M", False),
        ("zone", "Europe/London", True),
        ("zone", "Mars/Olympus", False),
        ("zone", "../etc/passwd", False),
    ],
)
def test_attributes_with_a_meaning_are_checked(name: str, cell: str, good: bool) -> None:
    cells = {"device_id": "m1", "family": "smart-meter", "model": "native", name: cell}
    if good:
        assert make_device(cells, MODELS).attributes == {name: cell}
    else:
        with pytest.raises(RegistryError, match=name):
            make_device(cells, MODELS)


def test_a_row_without_a_family_tells_its_other_problems_too() -> None:
    told = problems(lambda: make_device({"device_id": "b 1", "lon": "x", "zone": "Nowhere", "model": "odd"}, MODELS))
    for words in ("has no family", "unknown model 'odd'", "lon 'x'", "'Nowhere'"):
        assert sum(words in one for one in told) == 1, words


NAMES = """\
device_id,family,model,lon,lat,topic
m1,smart-meter,zigbee2mqtt,,,Power Monitor
m2,movement-sensor,zigbee2mqtt,,,living_room/sensor
m3,movement-sensor,zigbee2mqtt,,,Küche
"""


def test_a_device_has_a_name_of_its_own_in_the_broker() -> None:
    devices = read_csv(NAMES.encode(), MODELS)
    assert [device.topic for device in devices] == ["Power Monitor", "living_room/sensor", "Küche"]
    assert read_csv(write_csv(devices).encode(), MODELS) == devices
    assert Device("m4", "smart-meter", "native").topic == "m4"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Küche", "K+che", "line 4: topic holds one of + # { }"),
        ("Küche", "/Küche", "line 4: topic has an empty level"),
        ("Küche", "x" * 201, "line 4: topic is 201 letters long; at most 200 are taken"),
        ("Küche", "Power Monitor", "device m3: its topic is also that of device m1"),
        ("Küche", "m2", "device m3: its topic is also that of device m2"),
    ],
)
def test_a_name_that_would_be_another_s_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(RegistryError) as caught:
        read_csv(NAMES.replace(old, new).encode(), MODELS)
    assert says in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_name_that_is_registered_is_refused() -> None:
    devices = read_csv(NAMES.encode(), MODELS)
    other = replace(devices[0], id="m9")
    assert [str(problem) for problem in shared_names([other], devices)] == [
        "device m9: its topic is also that of device m1"
    ]
    assert shared_names([other], [replace(devices[0], retired=True)]) == []
    assert shared_names(devices, devices) == []


@pytest.mark.parametrize("capacity", ["0", "-5", "12.5", "many", "1000000"])
def test_a_capacity_is_a_number_of_spaces(capacity: str) -> None:
    text = f"device_id,family,model,lon,lat,capacity\np1,car-park,native,,,{capacity}\n"
    with pytest.raises(RegistryError, match="is no whole number of spaces"):
        read_csv(text.encode(), MODELS)


@pytest.mark.parametrize(
    ("interval", "label", "instrument", "says"),
    [
        ("PT1H", "end", "reference", None),
        ("PT60M", "end", "indicative", None),
        ("PT1M", "begin", "", None),
        ("PT1H", "End", "", "hour_label 'End' is neither begin nor end"),
        ("PT1H", "", "MCERTS", "class_of_instrument 'MCERTS' is neither indicative nor reference"),
        ("PT1M", "end", "", "hour_label end is of a monitor that sends hours: it needs the interval PT1H"),
        ("", "end", "", "hour_label end is of a monitor that sends hours: it needs the interval PT1H"),
    ],
)
def test_what_an_air_monitor_may_say_of_itself(interval: str, label: str, instrument: str, says: str | None) -> None:
    head = "device_id,family,model,lon,lat,interval,hour_label,class_of_instrument\n"
    row = f"{{}},{{}},native,,,{interval},{label},{instrument}\n"
    # elsewhere these are words like any other
    assert len(read_csv((head + row.format("s1", "movement-sensor")).encode(), MODELS)) == 1
    text = (head + row.format("a1", "air-monitor")).encode()
    if says is None:
        assert len(read_csv(text, MODELS)) == 1
        return
    with pytest.raises(RegistryError) as caught:
        read_csv(text, MODELS)
    assert [str(problem) for problem in caught.value.problems] == [f"line 2: {says}"]
