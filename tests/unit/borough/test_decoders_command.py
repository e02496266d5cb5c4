"""``borough decode``: what it prints and how it ends."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from borough.cli import run
from devices.decoders import FORMATS

NATIVE = (
    b'{"time": "2026-02-01T00:30:00.5Z", "import_interval": 0.213, "power": 2e9, "colour": 3, "gas_register": null}'
)


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Piped:
    """Standard input with a message in it."""

    def __init__(self, message: bytes) -> None:
        self.buffer = io.BytesIO(message)

    def isatty(self) -> bool:
        return False


Decode = Callable[..., Done]


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Decode:
    def call(*arguments: str, message: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", Piped(message))
        status = run(["decode", *arguments])
        return Done(status, *capsys.readouterr())

    return call


def test_readings_and_what_is_wrong_with_others(decode: Decode) -> None:
    done = decode("native", "--family", "smart-meter", "--json", message=NATIVE)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["readings"] == [
        {"property": "import_interval", "time": "2026-02-01T00:30:00.500000Z", "value": 0.213, "unit": "kW.h"}
    ]
    assert {row["property"]: row["reason"] for row in told["rejected"]} == {
        "power": "out_of_range",
        "colour": "unknown_property",
        "gas_register": "bad_value",
    }


def test_plain_lines(decode: Decode) -> None:
    done = decode("zigbee2mqtt", message=b'{"battery":100,"occupancy":true}\n')
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "property\ttime\tvalue\tunit\trejected",
        "motion\tarrival\t1\t1\t",
        "battery\tarrival\t100\t%\t",
    ]


@pytest.mark.parametrize(
    ("time", "why"),
    [
        (-1_000_000_000, "before the earliest time that is taken"),  # relative to the arrival: 1995
        (-(10**12), "before the earliest time that is taken"),
        (4_102_444_800, "more than 300 s ahead of the clock"),
        (1e14, "more than 300 s ahead of the clock"),
    ],
)
def test_a_time_that_the_collector_would_refuse(decode: Decode, time: float, why: str) -> None:
    done = decode(
        "senml-json", "--json", message=json.dumps([{"n": "humidity", "u": "%RH", "v": 40, "t": time}]).encode()
    )
    assert done.returncode == 1
    told = json.loads(done.stdout)
    (refused,) = [told["rejection"]] if "rejection" in told else told["rejected"]
    assert refused["reason"] in ("time_out_of_range", "bad_time")
    if refused["reason"] == "time_out_of_range":
        assert why in refused["detail"]


def test_a_time_of_1960(decode: Decode) -> None:
    message = b'{"time": "1960-05-01T10:00:00Z", "import_interval": 0.2}'
    done = decode("native", "--family", "smart-meter", "--json", message=message)
    assert done.returncode == 1
    (refused,) = json.loads(done.stdout)["rejected"]
    assert refused["reason"] == "time_out_of_range"
    assert refused["detail"] == "before the earliest time that is taken, 2000-01-01T00:00:00+00:00"


def test_relative_times_and_a_codec(decode: Decode) -> None:
    done = decode("senml-json", "--json", message=b'[{"n":"humidity","u":"%RH","v":40,"t":-5}]')
    assert json.loads(done.stdout)["readings"][0]["time"] == "arrival -5 s"
    bay = b'{"deviceInfo":{"devEui":"00ff"},"time":"2026-01-05T10:00:00Z","fPort":1,"data":"AQ=="}'
    done = decode("chirpstack", "--model", "bosch-tps110", "--device", "00FF", "--json", message=bay)
    assert json.loads(done.stdout)["readings"][0]["value"] == 1
    done = decode("chirpstack", "--model", "bosch-tps110", "--device", "00fe", "--json", message=bay)
    assert (done.returncode, json.loads(done.stdout)["rejection"]["reason"]) == (1, "device_mismatch")


def test_a_local_time_that_the_clocks_repeat_shows_both_instants(decode: Decode) -> None:
    message = b'{"Time": "2025-10-26T01:30:00", "ENERGY": {"Total": 12.5}}'
    done = decode("tasmota", "--family", "smart-meter", "--attribute", "zone=Europe/London", "--json", message=message)
    (reading,) = json.loads(done.stdout)["readings"]
    assert reading["time"] == "2025-10-26T00:30:00Z or 2025-10-26T01:30:00Z"


def test_a_time_without_an_offset_is_told_what_to_do(decode: Decode) -> None:
    done = decode("native", "--family", "smart-meter", message=b'{"time": "2026-01-29T12:44", "power": 2}')
    assert done.returncode == 1
    assert "bad_time: a time without an offset: write Z or +01:00 behind it" in done.stdout


def test_status_is_no_error(decode: Decode) -> None:
    done = decode("glow", message=b'{"software":"v1.8.13","han":{"rssi":-69}}')
    assert done.returncode == 0
    assert "status" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nativ"], f"unknown format 'nativ'; one of {', '.join(FORMATS)}"),
        (["native", "--family", "bay"], "unknown family 'bay'; one of parking-bay,"),
        (["tasmota", "--attribute", "zone"], "--attribute 'zone' is not NAME=VALUE"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(decode: Decode, arguments: list[str], line: str) -> None:
    done = decode(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (told,) = done.stderr.splitlines()
    assert line in told


def test_an_unreadable_message_ends_with_1_and_quotes_nothing(decode: Decode) -> None:
    done = decode("glow", message=b'{"mpan": 1200000000002')
    assert done.returncode == 1
    assert done.stdout.startswith("rejected\tunreadable\t")
    assert "1200000000002" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_what_nobody_reads_is_named(decode: Decode) -> None:
    message = b'{"energy": 1200.1, "produced_energy": 33.4, "voltage": 231, "current": 1.5}'
    done = decode("zigbee2mqtt", "--family", "smart-meter", message=message)
    assert (done.returncode, done.stderr) == (0, "not read: voltage, current\n")
    assert "voltage" not in done.stdout
    done = decode("zigbee2mqtt", "--family", "smart-meter", "--json", message=message)
    told = json.loads(done.stdout)
    assert (done.stderr, told["not_read"]) == ("", ["voltage", "current"])
    assert [reading["property"] for reading in told["readings"]] == ["import_register", "export_register"]
    empty = json.loads(decode("zigbee2mqtt", "--family", "smart-meter", "--json", message=b'{"voltage": 231}').stdout)
    assert (empty["rejection"]["reason"], empty["not_read"]) == ("empty", ["voltage"])
    plain = json.loads(decode("zigbee2mqtt", "--family", "smart-meter", "--json", message=b'{"power": 5}').stdout)
    assert "not_read" not in plain


def test_a_topic_says_what_the_one_value_is(decode: Decode) -> None:
    done = decode("shelly-gen1", "--topic", "shellies/shellyem-0A1B2C/emeter/1/total", message=b"64541.0")
    assert done.stdout.splitlines()[1].split("\t")[:4] == ["import_register", "arrival", "64.541", "kW.h"]
    done = decode("zigbee2mqtt", "--topic", "zigbee2mqtt/plug-1/voltage", message=b"231")
    assert (done.returncode, done.stderr) == (0, "not read: voltage\n")
    done = decode("shelly-gen1", "--topic", "other/x", message=b"1")
    assert done.returncode == 2
    assert "is none of the format's topics: shellies/{device}/emeter/{channel}/{property}" in done.stderr


def test_a_car_park_is_judged_by_its_capacity(decode: Decode) -> None:
    arguments = ("native", "--family", "car-park", "--attribute", "capacity=100", "--json")
    told = json.loads(decode(*arguments, message=b'{"free_spaces": 111, "occupied_spaces": 3}').stdout)
    assert [(row["property"], row["reason"]) for row in told["rejected"]] == [("free_spaces", "out_of_range")]
    assert decode(*arguments, message=b'{"free_spaces": 110}').returncode == 0


def test_the_help_has_an_example(decode: Decode) -> None:
    assert "Example: borough decode" in decode("--help").stdout
