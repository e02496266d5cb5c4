"""``borough decode`` as a program: what it prints and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from devices.decoders import FORMATS

ROOT = Path(__file__).parent.parent.parent
NATIVE = (
    b'{"time": "2026-02-01T00:30:00.5Z", "import_interval": 0.213, "power": 2e9, "colour": 3, "gas_register": null}'
)


def decode(*arguments: str, message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "borough", "decode", *arguments]
    return subprocess.run(command, input=message, capture_output=True, timeout=60, cwd=ROOT, check=False)


def test_readings_and_what_is_wrong_with_others() -> None:
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


def test_plain_lines() -> None:
    done = decode("zigbee2mqtt", message=b'{"battery":100,"occupancy":true}\n')
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == ["motion\tarrival\t1\t1\t", "battery\tarrival\t100\t%\t"]


def test_relative_times_and_a_codec() -> None:
    done = decode("senml-json", "--json", message=b'[{"n":"humidity","u":"%RH","v":40,"t":-5}]')
    assert json.loads(done.stdout)["readings"][0]["time"] == "arrival -5 s"
    bay = b'{"deviceInfo":{"devEui":"00ff"},"time":"2026-01-05T10:00:00Z","fPort":1,"data":"AQ=="}'
    done = decode("chirpstack", "--model", "bosch-tps110", "--device", "00FF", "--json", message=bay)
    assert json.loads(done.stdout)["readings"][0]["value"] == 1
    done = decode("chirpstack", "--model", "bosch-tps110", "--device", "00fe", "--json", message=bay)
    assert (done.returncode, json.loads(done.stdout)["rejection"]["reason"]) == (1, "device_mismatch")


def test_status_is_no_error() -> None:
    done = decode("glow", message=b'{"software":"v1.8.13","han":{"rssi":-69}}')
    assert done.returncode == 0
    assert b"status" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nativ"], f"unknown format 'nativ'; one of {', '.join(FORMATS)}"),
        (["native", "--family", "bay"], "unknown family 'bay'; one of parking-bay,"),
        (["tasmota", "--attribute", "zone"], "--attribute 'zone' is not NAME=VALUE"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], line: str) -> None:
    done = decode(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    (told,) = done.stderr.decode().splitlines()
    assert line in told


def test_an_unreadable_message_ends_with_1_and_quotes_nothing() -> None:
    done = decode("glow", message=b'{"mpan": 1200000000002')
    assert done.returncode == 1
    assert done.stdout.startswith(b"rejected\tunreadable\t")
    assert b"1200000000002" not in done.stdout + done.stderr
    assert done.stderr == b""


def test_the_help_has_an_example() -> None:
    assert b"Example: borough decode" in decode("--help").stdout
