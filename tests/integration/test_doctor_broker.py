"""`borough doctor` and the broker: each fault is planted in a real Mosquitto and its files, and found."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mqtt5
import pytest

from borough import broker_accounts
from borough.broker_accounts import DROPPED, STORED, VERSION
from borough.cli import run
from borough.doctor import probe
from borough.doctor.mosquitto import read_acl, unread
from devices import credentials
from ingest.options import BrokerOptions
from scripts.parts import Parts
from store import session_lock
from store.connect import connect
from tests.tools.doctor import Doctor
from tests.tools.mqtt_session import NATIVE, Session
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

#: A configuration that the doctor finds nothing in, but for where its files are.
LINES = ("persistent_client_expiration 14d", "autosave_interval 60", "max_packet_size 262144")


@contextmanager
def mosquitto_with(parts: Parts, folder: Path, *lines: str) -> Iterator[Mosquitto]:
    with Mosquitto(parts.mosquitto, folder, lines=lines) as broker:
        yield broker


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("max_inflight_messages 20", "broker-inflight", "20 messages in flight at most"),
        ("max_packet_size 2000", "broker-packet", "takes packets of 2000 bytes"),
        ("max_keepalive 3600", "broker-keep-alive", "max_keepalive is 3600 on Mosquitto 2.0.21"),
    ],
)
def test_bounds_that_a_running_broker_tells(
    doctor: Doctor, parts: Parts, tmp_path: Path, line: str, code: str, words: str
) -> None:
    with mosquitto_with(parts, tmp_path / "bounded", line) as broker:
        doctor.set(mqtt_url=broker.url)
        told = doctor.one(code)
        assert words in told.found
        assert told.name == "broker limits"
        doctor.set(mqtt_source="paho")
        assert words in doctor.one(code).found, "a source of MQTT 3.1.1 has the same broker"


def test_a_broker_that_lets_anybody_in(doctor: Doctor, parts: Parts, mosquitto: Mosquitto, tmp_path: Path) -> None:
    told = doctor.one("broker-anonymous")
    assert told.found == "the broker lets us in without a name"
    doctor.set(mqtt_url=f"mqtt://somebody:secret@127.0.0.1:{mosquitto.port}")
    assert "anybody" in doctor.one("broker-anonymous").found
    passwords = tmp_path / "passwords"
    passwords.write_text(f"somebody:{credentials.hash_password('secret')}\n")
    passwords.chmod(0o644)
    with Mosquitto(parts.mosquitto, tmp_path / "closed", password_file=passwords) as broker:
        doctor.set(mqtt_url=f"mqtt://somebody:secret@127.0.0.1:{broker.port}")
        assert "broker-anonymous" not in doctor.faults()


def test_a_queue_that_ran_over_and_one_that_waits(
    doctor: Doctor, durable_database: str, mosquitto: Mosquitto, parts: Parts, tmp_path: Path
) -> None:
    messages = [("borough/smart-meter/m/reading", b"%d" % number) for number in range(11_000)]
    with mosquitto_with(parts, tmp_path / "small", "max_queued_messages 10") as broker:
        with Session(broker.port, "away") as session:
            session.subscribe(NATIVE)
        publish(broker.port, messages[:100])
        doctor.set(mqtt_url=broker.url)
        assert wait_for(lambda: _told(broker, DROPPED) == 90, 20.0, 0.1)
        assert "thrown away 90 messages" in doctor.one("queue-dropped").found
    with Session(mosquitto.port, "away") as session:
        session.subscribe(NATIVE)
    publish(mosquitto.port, messages)
    assert wait_for(lambda: (_told(mosquitto, STORED) or 0) >= 11_000, 20.0, 0.1)
    doctor.set(mqtt_url=mosquitto.url)
    assert doctor.one("queue-long").found == "11,000 messages wait at the broker"
    with connect(durable_database, autocommit=True) as collector:
        collector.execute(
            "insert into collector (name, batch, at) values ('borough-collector', 1, now() - interval '10 minutes')"
        )
        assert session_lock.take(collector, ["borough-collector"]) is not None
        told = doctor.one("queue-stuck")
    assert told.found.startswith("11,000 messages wait at the broker, and nothing was committed since ")
    assert told.found.endswith("(10 minutes)")


def _told(broker: Mosquitto, topic: str) -> int | None:
    return probe.look(BrokerOptions(port=broker.port)).number(topic)


def test_the_doctor_leaves_no_session_behind(doctor: Doctor, mosquitto: Mosquitto) -> None:
    doctor.faults()
    with Session(mosquitto.port, "borough-collector-doctor") as session:
        assert not session.present


def test_a_configuration_and_its_files_beside_the_broker(
    doctor: Doctor, parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Accounts as `borough devices credentials` writes them: nothing is wrong; then one thing after the other is."""
    accounts = tmp_path / "accounts"
    accounts.mkdir()
    assert run(["devices", "credentials", str(accounts)]) == 0
    secret = credentials.read_secrets((accounts / "secrets.csv").read_text())[credentials.COLLECTOR]
    acl, passwords = accounts / "acl", accounts / "passwords"
    with Mosquitto(parts.mosquitto, tmp_path / "broker", password_file=passwords, acl_file=acl, lines=LINES) as broker:
        doctor.set(mqtt_url=broker.url, mqtt_username=credentials.COLLECTOR, mqtt_password=secret)
        given = ("--broker-config", broker.configuration)
        assert not [code for code in doctor.faults(*given) if code.startswith(("broker", "rights"))]
        ours = BrokerOptions(port=broker.port, username=credentials.COLLECTOR, password=secret)
        assert wait_for(lambda: probe.look(ours).told.keys() >= {*broker_accounts.TOLD}, 10.0), (
            "its account may read that"
        )

        (tmp_path / "new").write_text(acl.read_text().replace("topic read borough/+/+/senml\n", ""))
        told = doctor.one("rights-read", "--acl", tmp_path / "new")
        assert told.found == f"by {tmp_path}/new borough-collector may not read borough/+/+/senml"
        assert "do not put this file in place" in told.todo
        assert doctor.one("rights-read", *given, "--acl", tmp_path / "new").found == told.found
        (tmp_path / "new").write_text(acl.read_text().replace(f"topic read {DROPPED}\n", ""))
        assert doctor.one("rights-dropped", "--acl", tmp_path / "new").state == "warning"
        assert "No such file" in doctor.one("rights", "--acl", tmp_path / "gone").found

        acl.rename(tmp_path / "aside")
        assert doctor.one("broker-file-unseen", *given).found == f"acl_file {acl} is not seen from here"
        (tmp_path / "aside").rename(acl)
        passwords.write_text(f"{credentials.COLLECTOR}:{credentials.hash_password('another')}\n")
        assert "has another password" in doctor.one("broker-password", *given).found
        assert doctor.one("broker-file", "--broker-config", tmp_path / "gone.conf").state == "wrong"


def test_a_look_may_last_beyond_the_turn_of_a_second(parts: Parts, tmp_path: Path) -> None:
    """With the longest keep-alive, the first to speak in a new second of Mosquitto's clock (it is ours) is dropped."""
    with (
        Mosquitto(parts.mosquitto, tmp_path / "broker") as broker,
        probe._Line(BrokerOptions(port=broker.port)) as line,
    ):
        line.enter(None, None, "speaks", 0)
        end = int(time.monotonic()) + 3
        while time.monotonic() < end:
            line._socket.sendall(mqtt5.PingReqPacket().write())
            assert isinstance(line._packet(), mqtt5.PingRespPacket)


def test_an_acl_file_is_read_as_the_broker_reads_it(parts: Parts, tmp_path: Path) -> None:
    """Mosquitto itself says who may read what: each user gets just the messages that we say it may read all of."""
    rules = {
        "whole": "topic read borough/#",
        "either": "topic readwrite borough/+/+/reading",
        "bare": "topic borough/smart-meter/+/reading\ntopic read borough/air-monitor/+/reading",
        "deny": "topic read borough/#\ntopic deny borough/air-monitor/#",
        "late-deny": "topic deny borough/air-monitor/+/reading\ntopic read borough/+/+/reading",
        "write": "topic write borough/#",
        "nothing": "topic read elsewhere/#",
        "named": "topic read elsewhere/#\npattern read borough/+/named/reading",
        "hash": "topic read #",
        "deep": "topic read borough/+/+/reading/#",
    }
    topics = ("borough/smart-meter/m/reading", "borough/air-monitor/a/reading", "borough/air-monitor/named/reading")
    acl, passwords = tmp_path / "acl", tmp_path / "passwords"
    text = "".join(f"user {name}\n{lines}\n\n" for name, lines in rules.items())
    acl.write_text("topic write borough/#\n\n" + text + "user sender\ntopic write borough/#\n")
    passwords.write_text("".join(f"{name}:{credentials.hash_password('x')}\n" for name in (*rules, "sender")))
    for path in (acl, passwords):
        path.chmod(0o644)
    rights = read_acl(acl)
    with Mosquitto(parts.mosquitto, tmp_path / "broker", password_file=passwords, acl_file=acl) as broker:
        options = {name: BrokerOptions(port=broker.port, username=name, password="x") for name in (*rules, "sender")}
        with ExitStack() as stack:
            lines = {name: stack.enter_context(probe._Line(options[name])) for name in options}
            for name, line in lines.items():
                line.enter(name, "x", name, 0)
            for name in rules:
                lines[name].read(["borough/+/+/reading"])
            for topic in topics:
                lines["sender"]._socket.sendall(mqtt5.PublishPacket(topic, b"1").write())
            lines["sender"].read(["borough/nothing"])
            got = {name: lines[name].read(["borough/nothing"]) for name in rules}
    for name in rules:
        readable = [topic for topic in topics if not unread(rights, name, name, [topic])]
        assert sorted(got[name]) == sorted(readable), name


def test_backups_in_a_folder(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor.one("backups-unset").state == "warning"
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "newest.dump").write_bytes(b"x")
    doctor.set(backup_folder=folder)
    assert not [code for code in doctor.faults() if code.startswith("backups")]
    two_days_ago = datetime.now(UTC) - timedelta(hours=48)
    os.utime(folder / "newest.dump", (two_days_ago.timestamp(),) * 2)
    assert doctor.one("backups-old").found.endswith("48 hours old; allowed: 26")


def test_strict_takes_a_warning_for_a_fault(doctor: Doctor, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "backups\twarning\tBOROUGH_BACKUP_FOLDER is not set" in said
    assert run(["doctor", "--strict"]) == 1


@pytest.mark.timeout(60)
def test_a_look_at_a_broker_takes_no_time(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for answers and not for a while: what is retained stands before the ping's answer."""
    options = BrokerOptions(port=mosquitto.port)
    assert wait_for(lambda: VERSION in probe.look(options).told, 10.0)
    monkeypatch.setattr(probe, "ANSWER_SECONDS", 600.0)
    assert {VERSION, STORED} <= probe.look(options).told.keys()
