"""`borough doctor` against real servers: whatever stops a command from working is told, with status 1."""

from __future__ import annotations

import base64
import hashlib
import http.server
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from borough.cli import run
from scripts.parts import Parts
from store.connect import connect
from tests.tools.doctor import Doctor
from tests.tools.servers import Mosquitto
from tests.worlds import household
from tests.worlds.household import KEY, Household

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))


@pytest.fixture
def page() -> Iterator[int]:
    """The port of something that is no broker."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_nothing_is_wrong_where_nothing_is(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor.wrong() == {}
    doctor.set(letter_fonts=tmp_path, metric_port=1)
    found = doctor.faults()
    assert "no font for names in" in found["letters"][0].found
    assert "BOROUGH_METRICS_PORT is one" in found["settings-unknown"][0].found


def test_tombstones_without_their_key(
    doctor: Doctor, durable_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "other").write_bytes(b"y" * 32)
    with connect(durable_database) as connection:
        tenancy = household.add(connection, ANNA)
    doctor.set(tombstone_key_file=tmp_path / "key", tombstone_log=tmp_path / "log")
    assert run(["erase", str(tenancy), "--yes"]) == 0
    capsys.readouterr()
    assert doctor.wrong() == {}
    doctor.set(tombstone_key_file=tmp_path / "other")
    assert "were made with another key" in doctor.one("tombstones-key").found
    doctor.set(tombstone_key_file="", tombstone_log="")
    found = doctor.wrong()
    assert list(found) == ["tombstones"]
    assert found["tombstones"].startswith("BOROUGH_TOMBSTONE_KEY_FILE: ")
    assert "a collector stores nothing" in found["tombstones"]


@pytest.mark.parametrize(
    ("settings", "check", "words"),
    [
        ({"personal_folders": "{here}:{here}/gone"}, "files", "BOROUGH_PERSONAL_FOLDERS: {here}/gone is no folder"),
        ({"letter_fonts": "{here}/gone"}, "files", "BOROUGH_LETTER_FONTS: {here}/gone is no folder"),
        ({"accounts_folder": "{here}/gone"}, "files", "BOROUGH_ACCOUNTS_FOLDER: {here}/gone is no folder"),
        ({"archive": "{here}/key"}, "files", "BOROUGH_ARCHIVE: {here}/key is no folder"),
        (
            {"tombstone_key_file": "{here}/key", "tombstone_log": "{here}/gone/log"},
            "files",
            "BOROUGH_TOMBSTONE_LOG: {here}/gone is no folder",
        ),
        ({"energy_file": "{here}/gone.toml"}, "energy", "BOROUGH_ENERGY_FILE: {here}/gone.toml"),
        ({"oidc_issuer": "https://id.example"}, "site", "is set without BOROUGH_OIDC_CLIENT_ID"),
        ({"oidc_client_id": "borough"}, "site", "BOROUGH_OIDC_CLIENT_ID is set without BOROUGH_OIDC_ISSUER"),
        (
            {"oidc_issuer": "https://id.example", "oidc_client_id": "b", "web_url": "https://b.example"},
            "site",
            "is set without BOROUGH_WEB_SECRET_FILE",
        ),
        ({"tombstone_key_file": "{here}/key"}, "site", "BOROUGH_TOMBSTONE_LOG is not set"),
        ({"tombstone_log": "{here}/log"}, "site", "BOROUGH_TOMBSTONE_KEY_FILE is not set"),
        ({"jobs_folder": "{here}"}, "jobs", "BOROUGH_INSTALLATION is production: no job can run"),
        ({"installation": "test"}, "jobs", "BOROUGH_JOBS_FOLDER is not set"),
        ({"subscriptions": "{here}/gone.toml"}, "settings", "subscriptions file {here}/gone.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_settings_that_name_nothing_or_are_half_set(
    doctor: Doctor, settings: dict[str, str], check: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(KEY)
    doctor.set(**{name: value.format(here=tmp_path) for name, value in settings.items()})
    assert words.format(here=tmp_path) in doctor.wrong()[check]


@pytest.mark.parametrize(("source", "scheme"), [("mqtt5", "mqtt"), ("paho", "mqtt"), ("paho", "ws")])
def test_the_broker_says_no_or_is_none(
    doctor: Doctor, parts: Parts, tmp_path: Path, page: int, source: str, scheme: str
) -> None:
    nobody = tmp_path / "passwords"
    nobody.touch()
    doctor.set(mqtt_source=source)
    with Mosquitto(parts.mosquitto, tmp_path / "closed", password_file=nobody, websockets=True) as broker:
        port = broker.websockets_port if scheme == "ws" else broker.port
        doctor.set(mqtt_url=f"{scheme}://collector:hidden-word@127.0.0.1:{port}")
        found = doctor.wrong()["broker"]
        assert "refuses the connection" in found
        assert "hidden-word" not in found
    with Mosquitto(parts.mosquitto, tmp_path / "open", websockets=True) as broker:
        port = broker.websockets_port if scheme == "ws" else broker.port
        doctor.set(mqtt_url=f"{scheme}://127.0.0.1:{port}")
        assert doctor.wrong() == {}


# paho gives up a connection whose handshake failed without closing its socket
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("source", "scheme"), [("mqtt5", "mqtt"), ("paho", "mqtt"), ("paho", "ws")])
def test_something_else_listens_on_the_brokers_port(
    doctor: Doctor, page: int, source: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("borough.doctor.probe.ANSWER_SECONDS", 1.0)
    doctor.set(mqtt_url=f"{scheme}://127.0.0.1:{page}", mqtt_source=source)
    assert f"127.0.0.1:{page}" in doctor.wrong()["broker"]


class _Upgrades(http.server.BaseHTTPRequestHandler):
    """Lets websockets in and then says nothing."""

    def do_GET(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", "mqtt")
        self.end_headers()
        self.wfile.flush()
        self.rfile.read(1_000)  # until the other side goes
        self.close_connection = True


def test_websockets_that_no_broker_answers(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("borough.doctor.probe.ANSWER_SECONDS", 1.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Upgrades) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        doctor.set(mqtt_url=f"ws://127.0.0.1:{port}/mqtt", mqtt_source="paho")
        assert doctor.wrong()["broker"] == f"the broker at 127.0.0.1:{port} does not answer when we sign in"
        server.shutdown()


def test_websockets_with_the_source_that_does_not_speak_them(doctor: Doctor) -> None:
    doctor.set(mqtt_url="ws://127.0.0.1:1/mqtt")
    assert "set BOROUGH_MQTT_SOURCE=paho" in doctor.wrong()["settings"]
