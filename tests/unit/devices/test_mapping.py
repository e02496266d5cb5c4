"""Mapping files: what is wrong with one is said in one clear error, and the engine reads records of any make."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.mapped import packaged_mapping
from devices.decoding import Flaw, Reason, Rejection, Twice
from devices.mapping import MappingError, TimeRule
from devices.mapping_engine import compile_mapping
from devices.mapping_reader import read_mapping
from devices.mapping_time import time_reader
from devices.models import METER_DRIVERS

GOOD = """
name = "bays"
topics = ["bays/{device}"]
family = "parking-bay"
[time]
path = "at"
zone = "Europe/London"
[[reading]]
property = "occupied"
path = "status"
values = { free = 0, taken = 1, true = 1 }
[[reading]]
property = "temperature"
path = "temp"
unit = "F"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "bays"', "name = bays", "at line 2"),
        ('name = "bays"', "", "name, topics: both are needed"),
        (
            "[time]",
            "[time]\ncolour = 1",
            "time, colour: unknown key; known are epoch, path, paths, pattern, repeated, zone",
        ),
        ('"parking-bay"', '"parking"', "family: 'parking' is none of parking-bay,"),
        ('"Europe/London"', '"Europe/Atlantis"', "time, zone: 'Europe/Atlantis' is no IANA time zone"),
        ('"Europe/London"', '"../secret"', "time, zone: '../secret' is no IANA time zone"),
        ('"occupied"', '"ocupied"', "reading 1, property: no family has a property 'ocupied'"),
        ('unit = "F"', 'unit = "kWh"', "reading 2 (temperature), unit: unit 'kWh' (energy) does not convert to Cel"),
        ('unit = "F"', 'unit = "Q"', "reading 2 (temperature), unit: unit 'Q' is not known"),
        ('unit = "F"', "unit = 7", "reading 2 (temperature), unit: is no text"),
        ('path = "temp"', "", "reading 2 (temperature): needs either path or paths"),
        ('path = "temp"', 'path = "a"\npaths = ["b"]', "reading 2 (temperature): needs either path or paths"),
        ('path = "temp"', "path = [7]", "reading 2 (temperature), path: a path is a key or a list of keys"),
        ('path = "temp"', 'path = ["*", "*"]', "reading 2 (temperature), path: has *, any key, more than once"),
        ('path = "temp"', 'path = ["*", "a"]\nplus = [["*", "b"]]', "reading 2 (temperature), plus: has no key *"),
        ('path = "temp"', 'payload = "text"', 'reading 2 (temperature), payload: is "value"'),
        ('path = "temp"', 'path = "t"\ntopic = "a/+"', "reading 2 (temperature), topic: 'a/+' is no end of a topic"),
        ('path = "temp"', 'path = "t"\nsum = 1', "reading 2 (temperature), sum: neither true nor false"),
        ("[time]", "[[status]]\npath = []\n[time]", "status 1: a message that is one word needs the words as values"),
        ("[time]", "[any_key]\nkeys = 1\n[time]", "any_key, keys: unknown key; known are attribute, besides"),
        ("taken = 1", 'taken = "yes"', "reading 1 (occupied), values: 'yes' is no number"),
        ('unit = "F"', "glitch = 0", "reading 2 (temperature), glitch: needs"),
        ('unit = "F"', "zero = 0", "reading 2, zero: unknown key"),
        ('path = "at"', 'path = "at"\nepoch = "us"', "time, epoch: 'us' is none of s, ms and auto"),
        ('path = "at"', 'path = "at"\nrepeated = true', "time, repeated: True is not arrival"),
    ],
)
def test_a_wrong_file_is_one_clear_error(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError) as caught:
        read_mapping(GOOD.replace(old, new, 1), "bays.toml")
    text = str(caught.value)
    assert text.startswith("bays.toml: ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize("text", ["", 'name = "a"\ntopics = ["a/{device}"]', GOOD + '[[status]]\nvalues = ["x"]'])
def test_an_incomplete_file_is_refused(text: str) -> None:
    with pytest.raises(MappingError, match=r"^x\.toml: "):
        read_mapping(text, "x.toml")


def test_a_model_in_two_variants_is_refused() -> None:
    variant = '[[variant]]\nmodels = ["a"]\n[[variant.reading]]\nproperty = "power"\npath = "p"\n'
    with pytest.raises(MappingError, match="'a' is in two variants"):
        read_mapping('name = "x"\ntopics = ["x/{device}"]\n' + variant + variant, "x.toml")


def test_the_engine_reads_rows_of_a_csv_file() -> None:
    text = (
        "when;bay;status;temp\n01/07/2025 12:00;b1;taken;68\n01/07/2025 12:05;b1;free;\n01/07/2025 12:10;b1;gone;cold\n"
    )
    mapping = read_mapping(
        GOOD.replace('path = "at"', 'path = "when"\npattern = "%d/%m/%Y %H:%M"').replace(
            "[time]", 'text_numbers = true\nidentity = ["bay"]\n[time]', 1
        ),
        "bays.toml",
    )
    read = compile_mapping(mapping, "parking-bay", "bays", None)
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert read(rows[0], "b1") == ("2025-07-01T11:00:00Z", {"occupied": 1, "temperature": 20.0}, None)
    time, values, _ = read(rows[2], "b1")
    assert time == "2025-07-01T11:10:00Z"
    assert [flaw.reason for flaw in values.values()] == [Reason.BAD_VALUE, Reason.BAD_VALUE]
    assert "cold" not in repr(values)
    with pytest.raises(Rejection, match="device_mismatch"):
        read({**rows[0], "bay": "b2"}, "b1")


def test_an_empty_cell_of_a_file_is_not_measured() -> None:
    mapping = read_mapping("text_numbers = true\n" + GOOD, "bays.toml")
    read = compile_mapping(mapping, "parking-bay", "bays", None)
    assert read({"at": "2025-07-01T12:00:00", "status": "free", "temp": ""}, "b1")[1] == {"occupied": 0}


def test_enumerations_take_json_truth_and_refuse_what_they_do_not_list() -> None:
    read = compile_mapping(read_mapping(GOOD, "bays.toml"), "parking-bay", "bays", None)
    assert read({"status": True}, "b1")[1] == {"occupied": 1}
    assert read({"status": "closed"}, "b1")[1] == {
        "occupied": Flaw(Reason.BAD_VALUE, "a value that the mapping does not list")
    }
    assert read({"status": ["free"]}, "b1")[1]["occupied"].reason is Reason.BAD_VALUE


def test_readings_of_other_families_are_left_out() -> None:
    read = compile_mapping(packaged_mapping("zigbee2mqtt"), "air-monitor", "zigbee2mqtt", None)
    assert read({"occupancy": True, "temperature": 20.5, "pm25": 3, "battery": 88}, "b1")[1] == {
        "temperature": 20.5,
        "pm2_5": 3,
    }


def test_models_and_mapping_agree_on_the_meters() -> None:
    assert set(packaged_mapping("wmbusmeters").variants or {}) == set(METER_DRIVERS)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (1769905800000, 1769905800.0),
        ("1769905800000", 1769905800.0),
        (True, None),
        ("soon", None),
        ([], None),
        ("nan", None),
    ],
)
def test_epoch_in_milliseconds(value: object, result: float | None) -> None:
    read = time_reader(TimeRule((("t",),), epoch="ms"), None)
    if result is None:
        with pytest.raises(Rejection, match="bad_time"):
            read(value)
    else:
        assert read(value) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (1769905800000, 1769905800.0),
        (1769905800, 1769905800),
        (1769905800.25, 1769905800.25),
        ("1769905800000", 1769905800.0),
        ("1769905800", 1769905800),
        ("2026-02-01T00:30Z", "2026-02-01T00:30Z"),
        ("2026-07-01T00:30", "2026-06-30T23:30:00Z"),
        (-5, -5),
        (99_999_999_999, 99_999_999_999),
        (100_000_000_000, 100_000_000.0),
        (True, None),
        ([], None),
        (10**400, None),
    ],
)
def test_an_epoch_in_seconds_or_milliseconds_by_its_size(value: object, result: object) -> None:
    read = time_reader(TimeRule((("t",),), zone="device", epoch="auto"), "Europe/London")
    if result is None:
        with pytest.raises(Rejection, match="bad_time"):
            read(value)
    else:
        assert read(value) == result


@given(
    instant=st.datetimes(datetime(1996, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 made aware below
    name=st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_local_times_come_back_as_the_instants_that_they_name(instant: datetime, name: str) -> None:
    """Two instants share the repeated hour of autumn (half an hour on Lord Howe); then it is both."""
    zone = ZoneInfo(name)
    aware = instant.replace(tzinfo=UTC)
    local = aware.astimezone(zone).replace(tzinfo=None)
    read = time_reader(TimeRule((("t",),), zone=name), None)(local.isoformat())
    # a plain search: which instants around show this wall-clock time
    around = [aware + timedelta(minutes=30 * step) for step in range(-4, 5)]
    names = [moment for moment in around if moment.astimezone(zone).replace(tzinfo=None) == local]
    assert isinstance(read, str)
    found = [str(read), read.later] if isinstance(read, Twice) else [read]
    assert [datetime.fromisoformat(text) for text in found] == names


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T13:30:00",
        "2026-07-01 13:30:00",
        "2026-07-01t13:30",
        "20260701T133000",
        "20260701T1330",
        "2026-07-01T13:30:00,000",
        "2026-07-01T13:30:00.000000000",
    ],
)
def test_local_times_in_the_forms_of_iso_8601(text: str) -> None:
    assert time_reader(TimeRule((("t",),), zone="device"), "Europe/London")(text) == "2026-07-01T12:30:00Z"


@pytest.mark.parametrize("text", ["2026-13-01T13:30", "20260230T1330", "2026-07-01T24:30", "2026-07-01T13:30+0160"])
def test_a_date_that_does_not_exist_is_told_as_such(text: str) -> None:
    with pytest.raises(Rejection, match="no such date, time of day or offset"):
        time_reader(TimeRule((("t",),), zone="device"), "Europe/London")(text)


def test_the_ends_of_the_calendar_are_no_local_times() -> None:
    read = time_reader(TimeRule((("t",),), zone="device"), "Asia/Kathmandu")
    with pytest.raises(Rejection, match="no such date"):
        read("0001-01-01T00:00:00")
