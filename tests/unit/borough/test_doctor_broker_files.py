"""Mosquitto's own files, read as Mosquitto reads them: what in them loses readings, and who may read what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from borough.doctor import broker_file
from borough.doctor.finding import Finding
from borough.doctor.mosquitto import Unreadable, covers, read_acl, read_configuration, unread
from borough.settings.settings import Settings
from devices.credentials import hash_password
from devices.device import Device

ROOT = Path(__file__).parents[3]
GOOD = """\
max_queued_messages 1000000
max_inflight_messages 65535
persistence true
autosave_interval 60
persistent_client_expiration 14d
max_packet_size 262144
allow_anonymous false
acl_file /elsewhere/acl
listener 1883
"""
NATIVE = ["borough/+/+/reading", "borough/+/+/senml", "borough/+/+/senmlc"]
DROPPED = "$SYS/broker/publish/messages/dropped"


def faults(path: Path, settings: Mapping[str, object] | None = None, version: str | None = "2.0.22") -> list[Finding]:
    given = Settings.model_validate({"database_url": "postgresql://b@h/d", **(settings or {})})
    return [item for item in broker_file.broker_file(path, given, version) if item.code is not None]


def codes(path: Path, settings: Mapping[str, object] | None = None, version: str | None = "2.0.22") -> list[str | None]:
    return [item.code for item in faults(path, settings, version)]


def test_the_configuration_of_the_stack_is_well() -> None:
    assert codes(ROOT / "deploy/mosquitto.conf") == []


def test_rights_may_come_from_a_plugin(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.conf"
    without = GOOD.replace("acl_file /elsewhere/acl\n", "")
    path.write_text(without)
    assert codes(path) == ["broker-file-no-rights"]
    path.write_text(without + "plugin_load keeping /usr/lib/mosquitto_persist_sqlite.so\n")
    assert codes(path, version="2.1.2") == ["broker-file-no-rights"]
    path.write_text(without + "plugin /usr/lib/mosquitto_dynamic_security.so\n")
    assert codes(path) == []


def test_the_broker_with_its_own_defaults_is_not(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.conf"
    path.write_text("# nothing set\n\nlistener 1883\n")
    assert codes(path) == [
        "broker-file-queue", "broker-file-inflight", "broker-file-persistence", "broker-file-no-rights",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "version", "expected"),
    [
        ("", "2.0.22", []),
        ("max_queued_messages 99999", "2.0.22", ["broker-file-queue"]),
        ("max_queued_messages 0", "2.0.22", []),
        ("max_queued_messages 0", "2.1.2", []),
        ("max_queued_messages 0", "2.0.21", ["broker-file-queue-endless"]),
        ("max_queued_messages 0", None, ["broker-file-queue-endless"]),
        ("max_queued_bytes 1000000", "2.0.22", ["broker-file-queue-bytes"]),
        ("max_queued_bytes 1000000000", "2.0.22", []),
        ("max_inflight_messages 20", "2.0.22", ["broker-file-inflight"]),
        ("max_inflight_messages 0", "2.0.22", []),
        ("persistence false", "2.0.22", ["broker-file-persistence"]),
        ("autosave_interval 301", "2.0.22", ["broker-file-autosave"]),
        ("autosave_interval 0", "2.0.22", ["broker-file-autosave"]),
        ("autosave_on_changes true\nautosave_interval 1000", "2.0.22", []),
        ("autosave_on_changes true\nautosave_interval 0", "2.0.22", ["broker-file-autosave"]),
        ("persistent_client_expiration 1d", "2.0.22", ["broker-file-expiry"]),
        ("persistent_client_expiration 1w", "2.0.22", []),
        ("max_keepalive 60", "2.0.22", []),
        ("max_keepalive 60", "2.0.21", ["broker-file-keep-alive"]),
        ("max_keepalive 60", None, ["broker-file-keep-alive"]),
        ("max_packet_size 100000", "2.0.22", ["broker-file-packet"]),
        ("message_size_limit 100000", "2.0.22", ["broker-file-packet"]),
        ("persistence false\nglobal_plugin /usr/lib/mosquitto_persist_sqlite.so", "2.1.2", []),
        ("persistence false\nplugin /usr/lib/mosquitto_dynamic_security.so", "2.1.2", ["broker-file-persistence"]),
        ("listener 1884\nallow_anonymous true", "2.0.22", ["broker-file-anonymous"]),
    ],
)
def test_lines_that_lose_something(tmp_path: Path, lines: str, version: str | None, expected: list[str]) -> None:
    path = tmp_path / "mosquitto.conf"
    path.write_text(GOOD + lines + "\n")
    assert codes(path, version=version) == expected


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("max_queued_messages many", "line 10: max_queued_messages 'many' is no whole number"),
        ("persistence yes", "line 10: persistence 'yes' is neither true nor false"),
        ("persistent_client_expiration 14", "line 10: persistent_client_expiration '14' is no number with one of h, d"),
        ("max_queued_bytes", "line 10: max_queued_bytes has no value"),
        ("include_dir /nowhere/at/all", "line 10: /nowhere/at/all is no folder"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, lines: str, words: str) -> None:
    path = tmp_path / "mosquitto.conf"
    path.write_text(GOOD + lines + "\n")
    (told,) = faults(path)
    assert (told.code, told.state) == ("broker-file", "wrong")
    assert f"{path}, {words}" in told.found


def test_no_file_and_one_that_includes_itself(tmp_path: Path) -> None:
    (gone,) = faults(tmp_path / "gone.conf")
    assert gone.code == "broker-file"
    assert "No such file" in gone.found
    (tmp_path / "a.conf").write_text(f"include_dir {tmp_path}\n")
    (deep,) = faults(tmp_path / "a.conf")
    assert "includes itself" in deep.found


def test_what_is_included_counts_and_the_last_line_wins(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/queue.conf").write_text("max_queued_messages 10\n")
    (tmp_path / "more/not-read.txt").write_text("persistence false\n")
    path = tmp_path / "mosquitto.conf"
    path.write_text(GOOD + f"include_dir {tmp_path}/more\n")
    assert codes(path) == ["broker-file-queue"]
    path.write_text(GOOD + f"include_dir {tmp_path}/more\nmax_queued_messages 1000000\n")
    assert codes(path) == []


def test_a_persistence_location_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.conf"
    path.write_text(GOOD + f"persistence_location {tmp_path}/gone/\n")
    assert codes(path) == ["broker-file-location"]
    (tmp_path / "gone").mkdir()
    assert codes(path) == []
    path.write_text(GOOD + "persistence_location /of-a/container/data/\n")
    assert codes(path) == [], "its folder is not seen from here"


def test_subscriptions_of_qos_0_wait_nowhere(tmp_path: Path) -> None:
    subscriptions = tmp_path / "subscriptions.toml"
    subscriptions.write_text('[[subscription]]\nformat = "native"\ntopic = "b/{device}"\nqos = 0\n')
    path = tmp_path / "mosquitto.conf"
    path.write_text(GOOD)
    (told,) = faults(path, {"subscriptions": subscriptions})
    assert (told.code, "b/{device}" in told.found) == ("broker-file-qos0", True)
    path.write_text(GOOD + "queue_qos0_messages true\n")
    assert codes(path, {"subscriptions": subscriptions}) == []


def test_the_collectors_password_beside_the_password_file(tmp_path: Path) -> None:
    passwords, path = tmp_path / "passwords", tmp_path / "mosquitto.conf"
    path.write_text(GOOD + f"password_file {passwords}\n")
    ours = {"mqtt_username": "borough-collector", "mqtt_password": "right"}
    (gone,) = faults(path, ours)
    assert (gone.code, "cannot be read" in gone.found) == ("broker-file", True)
    passwords.write_text("other:$7$x\n")
    (lacks,) = faults(path, ours)
    assert (lacks.code, "has no account borough-collector" in lacks.found) == ("broker-password", True)
    passwords.write_text(f"borough-collector:{hash_password('wrong')}\n")
    (other,) = faults(path, ours)
    assert other.code == "broker-password"
    assert "right" not in other.found
    passwords.write_text(f"borough-collector:{hash_password('right')}\n")
    assert codes(path, ours) == []
    passwords.write_text("no password file\n")
    (odd,) = faults(path, ours)
    assert (odd.code, "line 1 is no name and hash" in odd.found) == ("broker-file", True)


@pytest.mark.parametrize(
    ("right", "wanted", "expected"),
    [
        ("borough/+/+/reading", "borough/+/+/reading", True),
        ("borough/#", "borough/+/+/reading", True),
        ("#", "borough/+/+/reading", True),
        ("+/#", "a", True),
        ("a/#", "a", True),
        ("a/#", "a/#", True),
        ("a/+", "a/#", False),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/b", "a/+", False),
        ("a/b/+", "a/b", False),
        ("borough/smart-meter/+/reading", "borough/+/+/reading", False),
        ("#", "$SYS/broker/version", False),
        ("+/broker/version", "$SYS/broker/version", False),
        ("$SYS/#", "$SYS/broker/version", True),
    ],
)
def test_one_filter_takes_all_of_another(right: str, wanted: str, expected: bool) -> None:
    assert covers(right, wanted) is expected


ACL_HEAD = "# rights\n\n"
ALL = "".join(f"topic read {topic}\n" for topic in NATIVE)


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        (f"user borough-collector\n{ALL}", []),
        ("user borough-collector\ntopic read borough/#\n", []),
        ("user borough-collector\ntopic borough/#\n", []),
        ("user borough-collector\ntopic readwrite borough/#\n", []),
        ("pattern read borough/#\n", []),
        ("user m1\ntopic read borough/#\n", NATIVE),
        (ALL, NATIVE),
        ("user borough-collector\ntopic write borough/#\n", NATIVE),
        ("user borough-collector\ntopic read borough/+/+/reading\n", NATIVE[1:]),
        ("user borough-collector\ntopic read borough/smart-meter/#\n", NATIVE),
        ("user other\npattern read %u/#\n", NATIVE),
        (f"user borough-collector\n{ALL}topic deny borough/parking-bay/#\n",
            [f"{topic} (line 7 denies borough/parking-bay/#)" for topic in NATIVE]),
    ],
)  # fmt: skip
def test_what_an_acl_file_lets_the_collector_read(tmp_path: Path, text: str, lacking: Sequence[str]) -> None:
    path = tmp_path / "acl"
    path.write_text(ACL_HEAD + text)
    rights = read_acl(path)
    assert unread(rights, "borough-collector", "borough-collector", NATIVE) == list(lacking)
    shared = [f"$share/group/{topic}" for topic in NATIVE]
    assert unread(rights, "borough-collector", "borough-collector", shared) == list(lacking)


def test_patterns_stand_for_who_comes(tmp_path: Path) -> None:
    path = tmp_path / "acl"
    path.write_text("pattern read %c/of/%u/#\n")
    assert unread(read_acl(path), "u", "c", ["c/of/u/x"]) == []
    assert unread(read_acl(path), "other", "c", ["c/of/u/x"]) == ["c/of/u/x"]
    path.write_text("topic read open/#\n")
    assert unread(read_acl(path), None, "c", ["open/x"]) == [], "before any user: who has no name"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("topic look borough/#", "line 3: 'look' is none of read, write"),
        ("topics read x", "line 3: 'topics read x' is"),
    ],
)
def test_an_acl_file_that_mosquitto_refuses(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "acl"
    path.write_text(f"{ACL_HEAD}{line}\n")
    with pytest.raises(Unreadable) as told:
        read_acl(path)
    assert words in str(told.value)
    (found,) = broker_file.rights(path, Settings(database_url="postgresql://b@h/d"), [])
    assert (found.code, found.state) == ("rights", "wrong")


def test_names_of_several_levels_need_rights_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "acl"
    settings = Settings(database_url="postgresql://b@h/d", mqtt_username="borough-collector")
    device = Device("plug", "smart-meter", "native", attributes={"topic": "hall/plug"})
    path.write_text(f"user borough-collector\n{ALL}topic read {DROPPED}\n")
    assert [item.code for item in broker_file.rights(path, settings, [])] == [None]
    (lacks,) = broker_file.rights(path, settings, [device])
    assert lacks.code == "rights-read"
    assert "borough/+/hall/plug/reading" in lacks.found or "borough/smart-meter/hall/plug/reading" in lacks.found
    path.write_text(f"user borough-collector\n{ALL}")
    (unseen,) = broker_file.rights(path, settings, [])
    assert (unseen.code, unseen.state) == ("rights-dropped", "warning")


def test_a_configuration_says_where_each_of_its_lines_is(tmp_path: Path) -> None:
    path = tmp_path / "mosquitto.conf"
    path.write_text("acl_file a\n#acl_file b\n  acl_file   c d \n")
    assert [(line.value, line.place) for line in read_configuration(path).lines("acl_file")] == [
        ("a", f"{path}, line 1"), ("c d", f"{path}, line 3"),
    ]  # fmt: skip
