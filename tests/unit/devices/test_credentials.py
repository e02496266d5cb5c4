"""Broker accounts: hashes as Mosquitto makes them, secrets that stay, rights that end at a device's own topics."""

from __future__ import annotations

import base64
import itertools

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from devices import credentials
from devices.credentials import (
    COLLECTOR,
    Accounts,
    Files,
    Held,
    accounts,
    forget,
    lost_reads,
    read_passwords,
    read_secrets,
)
from devices.device import Device
from devices.models import MODELS

TOPICS = {"native": ["borough/{family}/{device}/reading"], "glow": ["glow/{device}/SENSOR/#"]}
FILTERS = ["borough/+/+/reading", "glow/+/SENSOR/#"]
BAY = Device("b1", "parking-bay", "native")
METER = Device("0CA2:69", "smart-meter", "glow", personal=True)


def make(devices: list[Device], old: Accounts | None = None, *, rotate: bool = False) -> Accounts:
    numbers = itertools.count(sum(map(len, (old.added, old.rotated))) if old else 0)
    files = Files(old.passwords, old.secret_list) if old else None
    return accounts(devices, TOPICS, FILTERS, files, rotate=rotate, token=lambda: f"secret-{next(numbers)}")


def test_the_hash_is_pbkdf2_sha512() -> None:
    salt = bytes(range(12))
    empty, form, iterations, salt_text, digest = credentials.hash_password("pa:ss wörd", salt).split("$")
    assert (empty, form, iterations, base64.b64decode(salt_text)) == ("", "7", "101", salt)
    independent = PBKDF2HMAC(SHA512(), 64, salt, 101).derive("pa:ss wörd".encode())
    assert base64.b64decode(digest) == independent


def test_only_the_secret_matches() -> None:
    hashed = credentials.hash_password("right")
    assert credentials.matches("right", hashed)
    assert not credentials.matches("wrong", hashed)
    for other in ("", "plain", "$6$AAAA$AAAA", hashed.replace("$7$", "$6$"), hashed[:-4]):
        assert not credentials.matches("right", other)


def test_secrets_are_long_and_differ() -> None:
    made = {credentials.random_secret() for _ in range(50)}
    assert len(made) == 50
    assert min(map(len, made)) >= 40


def test_each_device_writes_its_own_topics_and_the_collector_reads() -> None:
    made = make([BAY, METER, Device("b2", "parking-bay", "native", retired=True)])
    assert [line for line in made.acl.splitlines() if line and not line.startswith("#")] == [
        f"user {COLLECTOR}",
        "topic read borough/+/+/reading",
        "topic read glow/+/SENSOR/#",
        "user 0CA2%3A69",
        "topic write glow/0CA2:69/SENSOR/#",
        "user b1",
        "topic write borough/parking-bay/b1/reading",
    ]
    assert list(credentials.read_passwords(made.passwords)) == [COLLECTOR, "0CA2%3A69", "b1"]
    assert made.added == [COLLECTOR, "0CA2:69", "b1"]
    for name, secret in credentials.read_secrets(made.secret_list).items():
        assert credentials.matches(secret, credentials.read_passwords(made.passwords)[credentials.username(name)])


def test_a_gateway_writes_for_its_devices() -> None:
    behind = [Device(name, "parking-bay", "native", attributes={"gateway": "bridge-1"}) for name in ("b1", "b2")]
    made = make(behind)
    assert made.added == [COLLECTOR, "bridge-1"]
    assert made.acl.endswith(
        "user bridge-1\ntopic write borough/parking-bay/b1/reading\ntopic write borough/parking-bay/b2/reading\n"
    )


def test_a_second_run_keeps_adds_and_removes() -> None:
    first = make([BAY, METER])
    again = make([BAY, METER], first)
    assert (again.passwords, again.acl, again.secret_list) == (first.passwords, first.acl, first.secret_list)
    assert (again.added, again.rotated, again.removed) == ([], [], [])
    new = Device("b9", "parking-bay", "native")
    third = make([METER, new], first)
    assert (third.added, third.kept, third.removed) == (["b9"], [COLLECTOR, "0CA2:69"], ["b1"])
    assert "b1" not in third.acl
    assert "b1," not in third.secret_list


def test_a_known_hash_stays_without_its_secret() -> None:
    first = make([BAY])
    again = accounts([BAY], TOPICS, FILTERS, Files(first.passwords, ""))
    assert again.passwords == first.passwords
    assert credentials.read_secrets(again.secret_list) == {}


def test_a_secret_that_was_written_without_its_hash_stays() -> None:
    first = make([BAY])
    again = accounts([BAY], TOPICS, FILTERS, Files("", first.secret_list))
    assert again.secret_list == first.secret_list
    assert again.kept == [COLLECTOR, "b1"]
    assert credentials.matches("secret-1", credentials.read_passwords(again.passwords)["b1"])


def test_rotation_changes_every_secret() -> None:
    first = make([BAY])
    again = make([BAY], first, rotate=True)
    assert again.rotated == [COLLECTOR, "b1"]
    before, after = (credentials.read_secrets(files.secret_list) for files in (first, again))
    assert all(before[name] != after[name] for name in before)


def test_secrets_are_not_shown() -> None:
    made = make([BAY])
    assert "secret-" not in repr(made)
    assert "secret-" not in repr(Files(made.passwords, made.secret_list))
    assert "secret-" not in made.passwords


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (Device("b1", "parking-bay", "unheard"), "model 'unheard' has no topics"),
        (Device(COLLECTOR, "parking-bay", "native"), "the collector's own account"),
        (Device("b1", "parking-bay", "native", attributes={"gateway": "x\ntopic write #"}), "gateway"),
        (Device("b1", "parking-bay", "native", attributes={"gateway": "#"}), "gateway"),
    ],
)
def test_no_account_for(device: Device, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        make([device])


@pytest.mark.parametrize("text", ["b1", "b1:plain", ":"])
def test_a_foreign_password_file_is_not_overwritten(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        accounts([BAY], TOPICS, FILTERS, Files(text, ""))


@pytest.mark.parametrize(
    "text", ["a,b\n", "device_id,username,password\nb1,b1\n", "device_id,username,password\nb1,b1,\n"]
)
def test_a_foreign_list_of_secrets_is_not_overwritten(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        accounts([BAY], TOPICS, FILTERS, Files("", text))


def test_names_that_are_no_id_have_rights_of_their_own() -> None:
    topics = {
        "zigbee2mqtt": MODELS["zigbee2mqtt"].topics,
        "shelly-switch": MODELS["shelly-switch"].topics,
    }
    devices = [
        Device("m1", "smart-meter", "zigbee2mqtt", attributes={"topic": "Power Monitor", "gateway": "bridge-1"}),
        Device("m2", "smart-meter", "zigbee2mqtt", attributes={"topic": "Küche/Licht", "gateway": "bridge-1"}),
        Device("shelly-a", "smart-meter", "shelly-switch"),
        Device("shelly-a:1", "smart-meter", "shelly-switch"),
        Device("garage", "smart-meter", "shelly-switch", attributes={"topic": "home/garage:1"}),
    ]
    made = accounts(devices, topics, ["zigbee2mqtt/+", "zigbee2mqtt/Küche/Licht/+"])
    assert [line for line in made.acl.splitlines() if line and not line.startswith("#")] == [
        f"user {COLLECTOR}", "topic read zigbee2mqtt/+", "topic read zigbee2mqtt/Küche/Licht/+",
        "user bridge-1",
        "topic write zigbee2mqtt/Küche/Licht", "topic write zigbee2mqtt/Küche/Licht/+",
        "topic write zigbee2mqtt/Power Monitor", "topic write zigbee2mqtt/Power Monitor/+",
        "user garage", "topic write home/garage/status/pm1:1", "topic write home/garage/status/switch:1",
        "user shelly-a",
        "topic write shelly-a/status/pm1:0", "topic write shelly-a/status/pm1:1",
        "topic write shelly-a/status/switch:0", "topic write shelly-a/status/switch:1",
    ]  # fmt: skip
    after, gone = forget(Held(made.passwords, made.acl, made.secret_list), {"m1", "Power Monitor", "m2", "Küche/Licht"})
    assert gone == ["borough-collector", "bridge-1"]
    assert "Küche" not in after.acl
    assert "Power Monitor" not in after.acl
    assert "bridge-1" not in after.acl + after.passwords + after.secret_list


@pytest.mark.parametrize("name", ["a\ntopic write #", "#", "+", "a//b", "$SYS/x"])
def test_a_name_that_would_be_another_right_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="device b1: its topic"):
        make([Device("b1", "parking-bay", "native", attributes={"topic": name})])


def held() -> Held:
    """Two meters of their own, one behind a gateway with a sensor, one alone behind another."""
    devices = [
        Device("meter-1", "smart-meter", "native"),
        Device("meter-11", "smart-meter", "native"),
        Device("meter-2", "smart-meter", "native", attributes={"gateway": "gw-a"}),
        Device("air-1", "air-monitor", "native", attributes={"gateway": "gw-a"}),
        Device("meter-3", "smart-meter", "native", attributes={"gateway": "gw-b"}),
    ]
    topics = {"native": ["borough/{family}/{device}/reading"]}
    made = accounts(devices, topics, ["borough/+/+/reading", "more/#"])
    return Held(made.passwords, made.acl, made.secret_list)


def test_erased_devices_leave_all_three_files_and_the_rights_of_their_gateways() -> None:
    before = held()
    after, gone = forget(before, {"meter-1", "meter-2", "meter-3", "never"})
    assert gone == ["gw-a", "gw-b", "meter-1"]
    assert sorted(read_passwords(after.passwords)) == [COLLECTOR, "gw-a", "meter-11"]
    assert sorted(read_secrets(after.secret_list)) == [COLLECTOR, "gw-a", "meter-11"]
    assert [line for line in after.acl.splitlines() if line and not line.startswith("#")] == [
        f"user {COLLECTOR}", "topic read borough/+/+/reading", "topic read more/#",
        "user gw-a", "topic write borough/air-monitor/air-1/reading",
        "user meter-11", "topic write borough/smart-meter/meter-11/reading",
    ]  # fmt: skip
    again, nobody = forget(after, {"meter-1", "meter-2", "meter-3"})
    assert (again, nobody) == (after, [])
    assert forget(Held("", "", ""), {"meter-1"}) == (Held("", "", ""), [])


def test_the_collector_never_loses_its_right_to_read() -> None:
    """A broker throws away what waits for a reader that lost its right."""
    before = held()
    mixed = before.acl.replace("topic read more/#", "topic read borough/smart-meter/meter-1/reading")
    with pytest.raises(ValueError, match="would lose its right to read borough/smart-meter/meter-1/reading"):
        forget(before._replace(acl=mixed), {"meter-1"})
    assert lost_reads(before.acl, mixed) == ["more/#"]
    assert lost_reads("", before.acl) == []
