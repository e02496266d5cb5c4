"""Settings: what they become, and the one line for each that is wrong."""

from __future__ import annotations

import base64
import os
import stat
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alarms.conditions import Limits
from borough.delivery.alarms import WatchOptions
from borough.delivery.webhook import Webhook
from borough.errors import SettingsError
from borough.settings.addresses import database_place, database_url, mqtt_address
from borough.settings.alarms import watch_options
from borough.settings.collector import collector_options, retention_days
from borough.settings.settings import Settings, read_settings, unknown_variables, variable
from devices.families import FAMILIES
from ingest.errors import OptionsError
from ingest.options import BrokerOptions, CollectorOptions

URL = "postgresql://borough:hidden-word@db.example:5432/borough"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("BOROUGH_"):
            monkeypatch.delenv(name)


def options(monkeypatch: pytest.MonkeyPatch, **settings: str) -> CollectorOptions:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", URL)
    for name, value in settings.items():
        monkeypatch.setenv(f"BOROUGH_{name}", value)
    return collector_options(read_settings())


def told(monkeypatch: pytest.MonkeyPatch, **settings: str) -> str:
    with pytest.raises(OptionsError) as caught:
        options(monkeypatch, **settings)
    text = str(caught.value)
    assert "\n" not in text
    assert "hidden-word" not in text
    return text


def test_the_defaults_are_those_of_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    made = options(monkeypatch)
    assert made == CollectorOptions(URL, BrokerOptions(), made.subscriptions)
    assert {item.filter for item in made.subscriptions} == {
        "borough/+/+/reading",
        "borough/+/+/senml",
        "borough/+/+/senmlc",
    }


def test_what_is_read_is_what_all_checks_together_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """`read_settings` builds the checks of what is set: one of several settings, or of a default, would never run."""
    decorators = Settings.__pydantic_decorators__
    assert not {**decorators.model_validators, **decorators.field_validators, **decorators.root_validators}
    assert read_settings() == Settings()
    given = {"DATABASE_URL": URL, "WEB_PORT": "8123", "TIME_ZONE": "Europe/Paris", "RETENTION_SMART_METER": "400"}
    for name, value in given.items():
        monkeypatch.setenv(f"BOROUGH_{name}", value)
    assert read_settings() == Settings()
    assert read_settings().model_fields_set == Settings().model_fields_set


def test_every_option_of_the_collector_can_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text("pem")
    (tmp_path / "subscriptions.toml").write_text(
        '[[subscription]]\nformat = "tts"\ntopic = "v3/+/devices/{device}/up"\n'
    )
    made = options(
        monkeypatch,
        MQTT_URL="mqtts://user:p%40ss@broker.example",
        MQTT_SOURCE="paho",
        MQTT_CLIENT_ID="north",
        MQTT_SHARED_GROUP="all",
        MQTT_CA_FILE=str(tmp_path / "ca"),
        MQTT_CERT_FILE=str(tmp_path / "cert"),
        MQTT_KEY_FILE=str(tmp_path / "key"),
        MQTT_SESSION_EXPIRY="3600",
        MQTT_KEEP_ALIVE="20",
        MQTT_RECEIVE_MAXIMUM="1000",
        MQTT_READ_INTERVAL="0.001",
        SUBSCRIPTIONS=str(tmp_path / "subscriptions.toml"),
        BATCH_READINGS="10",
        BATCH_AGE="1.5",
        HELD_BYTES="2000000",
        PAYLOAD_MAXIMUM="2000",
        EARLIEST="2015-06-01T00:00:00+01:00",
        AHEAD="60",
        AUTO_REGISTER="true",
        AUTO_REGISTER_ORIGIN="simulated",
        REJECTED_PER_DEVICE_HOUR="5",
        WRITE_TIMEOUT="7",
        REGISTRY_REFRESH="2",
        METRICS_HOST="0.0.0.0",
        METRICS_PORT="0",
        KEEP='{"glow": {"power": 60}}',
    )
    assert made.broker == BrokerOptions(
        host="broker.example",
        port=8883,
        tls=True,
        username="user",
        password="p@ss",
        ca_file=str(tmp_path / "ca"),
        cert_file=str(tmp_path / "cert"),
        key_file=str(tmp_path / "key"),
        client_id="north",
        shared_group="all",
        session_expiry=3600,
        keep_alive=20,
        receive_maximum=1000,
        read_interval=0.001,
        source="paho",
    )
    assert [(item.topic, item.format) for item in made.subscriptions] == [("v3/+/devices/{device}/up", "tts")]
    assert made.earliest == 1_433_113_200_000_000  # 2015-05-31T23:00:00Z, by date(1)
    assert (made.batch_readings, made.batch_age, made.held_bytes, made.payload_maximum) == (10, 1.5, 2_000_000, 2_000)
    assert (made.ahead, made.auto_register, made.auto_register_origin) == (60, True, "simulated")
    assert (made.rejected_per_device_hour, made.write_timeout, made.registry_refresh) == (5, 7, 2)
    assert (made.metrics_host, made.metrics_port, made.keep) == ("0.0.0.0", 0, {"glow": {"power": 60}})


def test_secrets_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "database").write_text("p/w@1\n")
    (tmp_path / "mqtt").write_text("m:q\r\n")
    monkeypatch.setenv("BOROUGH_DATABASE_URL", "postgresql://borough@db.example/borough")
    monkeypatch.setenv("BOROUGH_DATABASE_PASSWORD_FILE", str(tmp_path / "database"))
    monkeypatch.setenv("BOROUGH_MQTT_USERNAME", "collector")
    monkeypatch.setenv("BOROUGH_MQTT_PASSWORD_FILE", str(tmp_path / "mqtt"))
    made = collector_options(read_settings())
    assert made.database_url == "postgresql://borough:p%2Fw%401@db.example/borough"
    assert (made.broker.username, made.broker.password) == ("collector", "m:q")


def test_the_whole_url_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL + "\n")
    monkeypatch.setenv("BOROUGH_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert collector_options(read_settings()).database_url == URL


def test_no_secret_is_shown() -> None:
    shown = repr(Settings(database_url=URL, mqtt_url="mqtt://u:hidden-word@h", mqtt_password="hidden-word"))
    assert "hidden-word" not in shown
    assert "hidden-word" not in repr(mqtt_address("mqtt://u:hidden-word@h", "X"))
    assert database_place(URL) == "db.example:5432/borough"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "db.example", "BOROUGH_DATABASE_URL: is no database address; it looks like postgresql://"),
        ("DATABASE_URL", "mysql://u:hidden-word@h/d", "BOROUGH_DATABASE_URL: is no database address"),
        ("DATABASE_URL", "postgresql://u:hidden-word/2@h/d", "BOROUGH_DATABASE_URL: its port is no number"),
        ("DATABASE_URL", "postgresql://u:hidden-word@h/d?nonsense=1", "BOROUGH_DATABASE_URL: is no database address"),
        ("MQTT_URL", "broker.example", "BOROUGH_MQTT_URL: is no MQTT address; it looks like mqtt://user:password@"),
        ("MQTT_URL", "mqtt://", "BOROUGH_MQTT_URL: is no MQTT address"),
        ("MQTT_URL", "mqtt://u:hidden-word#@h", "BOROUGH_MQTT_URL: its port is no number"),
        ("MQTT_URL", "mqtt://h:0", "BOROUGH_MQTT_URL: its port is no number"),
        ("MQTT_URL", "mqtt://h/path", "BOROUGH_MQTT_URL: has a path"),
        ("MQTT_URL", "ws://h/p?hidden-word", "BOROUGH_MQTT_URL: has a part after ?"),
        ("MQTT_SOURCE", "aiomqtt", "BOROUGH_MQTT_SOURCE: 'aiomqtt' is not one of 'mqtt5' or 'paho'"),
        ("MQTT_CLIENT_ID", "a/b", "BOROUGH_MQTT_CLIENT_ID: 'a/b' holds a sign that is not allowed"),
        ("MQTT_RECEIVE_MAXIMUM", "65535", "BOROUGH_MQTT_RECEIVE_MAXIMUM: '65535' is more than 65534"),
        ("MQTT_PASSWORD", "hidden-word", "BOROUGH_MQTT_PASSWORD is set without BOROUGH_MQTT_USERNAME"),
        ("MQTT_PASSWORD_FILE", "/nowhere/pw", "BOROUGH_MQTT_PASSWORD_FILE: /nowhere/pw: No such file"),
        ("MQTT_CA_FILE", "/nowhere/ca", "BOROUGH_MQTT_CA_FILE is set, but BOROUGH_MQTT_URL is not mqtts://"),
        ("SUBSCRIPTIONS", "/nowhere/s.toml", "subscriptions file /nowhere/s.toml: No such file"),
        ("BATCH_READINGS", "many", "BOROUGH_BATCH_READINGS: 'many' is not a whole number"),
        ("BATCH_AGE", "0", "BOROUGH_BATCH_AGE: '0' is not more than 0"),
        ("BATCH_AGE", "nan", "BOROUGH_BATCH_AGE: 'nan' is"),
        ("AHEAD", "inf", "BOROUGH_AHEAD: 'inf' is not a number"),
        ("EARLIEST", "yesterday", "BOROUGH_EARLIEST: 'yesterday' is no date or time"),
        ("AUTO_REGISTER", "perhaps", "BOROUGH_AUTO_REGISTER: 'perhaps' is neither true nor false"),
        ("KEEP", "glow", "BOROUGH_KEEP: is no JSON object"),
        ("KEEP", '{"glow": 5}', "BOROUGH_KEEP: glow: '5' is no JSON object"),
        ("KEEP", '{"glow": {"power": -1}}', "BOROUGH_KEEP: glow power: '-1' is less than 0"),
        ("RETENTION_SMART_METER", "0", "BOROUGH_RETENTION_SMART_METER: '0' is less than 1"),
        ("METRICS_PORT", "70000", "BOROUGH_METRICS_PORT: '70000' is more than 65535"),
        ("LOG_LEVEL", "loud", "BOROUGH_LOG_LEVEL: 'loud' is not one of"),
        ("TIME_ZONE", "Atlantis/City", "BOROUGH_TIME_ZONE: 'Atlantis/City' is no time zone by its place"),
        ("TIME_ZONE", "CET", "BOROUGH_TIME_ZONE: 'CET' is no time zone by its place such as Europe/London, nor UTC"),
    ],
)
def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", URL)
    assert told(monkeypatch, **{name: value}).startswith(expected)


def test_several_wrong_settings_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, BATCH_AGE="0", METRICS_PORT="x").endswith("(1 more after this one)")


def test_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionsError, match="BOROUGH_DATABASE_URL is not set; give the database as postgresql://"):
        collector_options(read_settings())


@pytest.mark.parametrize("name", ["DATABASE_URL", "MQTT_PASSWORD"])
def test_a_value_and_its_file_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text(URL)
    text = told(monkeypatch, **{name: URL, f"{name}_FILE": str(tmp_path / "secret"), "MQTT_USERNAME": "u"})
    assert text == f"BOROUGH_{name} and BOROUGH_{name}_FILE are both set; keep one"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(mode=0)
    assert stat.S_IMODE(key.stat().st_mode) == 0
    text = told(monkeypatch, MQTT_URL="mqtts://h", MQTT_CERT_FILE=str(key), MQTT_KEY_FILE=str(key))
    assert text == f"BOROUGH_MQTT_CERT_FILE: {key} cannot be read"


def test_an_empty_secret_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("\n")
    text = told(monkeypatch, MQTT_USERNAME="u", MQTT_PASSWORD_FILE=str(tmp_path / "pw"))
    assert text == f"BOROUGH_MQTT_PASSWORD_FILE: {tmp_path}/pw is empty"


def test_unknown_variables_are_told() -> None:
    environment = {
        "BOROUGH_DATABSE_URL": "x",
        "borough_metric_port": "1",
        "BOROUGH_XYZZY": "",
        "BOROUGH_METRICS_PORT": "1",
        "BOROUGH_TEST_DATABASE_URL": "x",
        "HOME": "/",
    }
    assert unknown_variables(environment) == [
        "BOROUGH_DATABSE_URL is no setting and is ignored; BOROUGH_DATABASE_URL is one",
        "BOROUGH_XYZZY is no setting and is ignored",
        "borough_metric_port is no setting and is ignored; BOROUGH_METRICS_PORT is one",
    ]


def test_every_family_has_a_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    assert retention_days(read_settings()) == {"movement-sensor": 90}
    for family in FAMILIES:
        monkeypatch.setenv(f"BOROUGH_RETENTION_{family.upper().replace('-', '_')}", "30")
    assert retention_days(read_settings()) == dict.fromkeys(FAMILIES, 30)
    monkeypatch.setenv("BOROUGH_RETENTION_MOVEMENT_SENSOR", "off")
    assert "movement-sensor" not in retention_days(read_settings())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://h", ("h", 1883, False, "tcp")),
        ("mqtts://h", ("h", 8883, True, "tcp")),
        ("ws://h/mqtt", ("h", 80, False, "websockets")),
        ("wss://h:444/x", ("h", 444, True, "websockets")),
        ("mqtt://[::1]:1884", ("::1", 1884, False, "tcp")),
    ],
)
def test_mqtt_addresses(url: str, expected: tuple[str, int, bool, str]) -> None:
    found = mqtt_address(url, "X")
    assert (found.host, found.port, found.tls, found.transport) == expected


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_settings_error(text: str) -> None:
    for read in (
        lambda: mqtt_address(text, "X"),
        lambda: database_url(text, None, "X"),
        lambda: database_url(text, "p", "X"),
    ):
        try:
            assert read() is not None
        except OptionsError:
            continue


def test_settings_are_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text()
    missing = [variable(name) for name in Settings.model_fields if f"`{variable(name)}`" not in page]
    assert not missing, "not in docs/reference/settings.md"


def told_of_alarms(monkeypatch: pytest.MonkeyPatch, **settings: str) -> str:
    for name, value in settings.items():
        monkeypatch.setenv(f"BOROUGH_{name}", value)
    with pytest.raises(SettingsError) as caught:
        watch_options(read_settings())
    text = str(caught.value)
    assert "\n" not in text
    assert "hidden-word" not in text
    return text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://alerts.example/hidden-word", "is no address of a page; it looks like https://"),
        ("https://", "is no address of a page"),
        ("https:///hidden-word", "is no address of a page"),
        ("https://alerts.example/hidden-word\u202e", "is no address of a page"),
        ("https://alerts.example/hidden word", "is no address of a page"),
        ("https://xn--\u0131.example/", "is no address of a page"),
        ("https://alerts.example:0/hidden-word", "is no address of a page"),
        ("https://alerts.example:hidden-word/", "its port is no number from 1 to 65535"),
        ("https://user:hidden-word@alerts.example/", "holds a user, which is not sent"),
        ("https://alerts.example/#hidden-word", "has a part after #"),
        ("http://alerts.example/hidden-word", "must be https, or on this machine"),
    ],
)
def test_addresses_of_webhooks_that_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, words: str
) -> None:
    (tmp_path / "key").write_text("k" * 32)
    key = str(tmp_path / "key")
    found = told_of_alarms(monkeypatch, ALARM_WEBHOOK_URL=url, ALARM_WEBHOOK_SECRET_FILE=key)
    assert found.startswith("BOROUGH_ALARM_WEBHOOK_URL: ")
    assert words in found
    monkeypatch.delenv("BOROUGH_ALARM_WEBHOOK_URL")
    (tmp_path / "url").write_text(url)
    found = told_of_alarms(monkeypatch, ALARM_WEBHOOK_URL_FILE=str(tmp_path / "url"))
    assert found.startswith("BOROUGH_ALARM_WEBHOOK_URL_FILE: ")


def test_a_webhook_needs_a_key_that_cannot_be_guessed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = {"ALARM_WEBHOOK_URL": "https://alerts.example/hidden-word"}
    assert "openssl rand -hex 32" in told_of_alarms(monkeypatch, **url)
    key = tmp_path / "key"
    given = {**url, "ALARM_WEBHOOK_SECRET_FILE": str(key)}
    assert f"{key}: No such file" in told_of_alarms(monkeypatch, **given)
    key.write_text("hidden-word")
    assert f"{key} holds fewer than 24 bytes" in told_of_alarms(monkeypatch, **given)
    key.write_text("whsec_hidden-word!" + "=" * 40)
    assert "what follows is no Base64" in told_of_alarms(monkeypatch, **given)
    key.write_text("whsec_" + base64.b64encode(b"hidden-word").decode())
    assert f"{key} holds fewer than 24 bytes" in told_of_alarms(monkeypatch, **given)
    assert "are both set" in told_of_alarms(monkeypatch, **given, ALARM_WEBHOOK_URL_FILE=str(key))


def test_what_is_watched_and_who_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert watch_options(read_settings()).webhook is None
    # a key alone harms nobody
    (tmp_path / "key").write_text("whsec_" + base64.b64encode(bytes(range(32))).decode() + "\n")
    monkeypatch.setenv("BOROUGH_ALARM_WEBHOOK_SECRET_FILE", str(tmp_path / "key"))
    assert watch_options(read_settings()).webhook is None
    settings = {
        "ALARM_WEBHOOK_URL": "http://127.0.0.1:8080/hook", "ALARM_LAG": "60", "ALARM_REJECTED": "0.5",
        "ALARM_DISK": "0.2", "ALARM_FOLDERS": f"{tmp_path}:/data", "ARCHIVE": "/data", "WEB_URL": "https://b.example",
        "PARKING_GRACE": "7", "PARKING_SILENCE": "3",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"BOROUGH_{name}", value)
    made = watch_options(read_settings())
    assert made == WatchOptions(
        zone=ZoneInfo("Europe/London"),
        parking_grace=timedelta(minutes=7),
        parking_silence=timedelta(hours=3),
        limits=Limits(lag=60.0, rejected=0.5, disk=0.2),
        folders=(Path("/data"), tmp_path),
        webhook=Webhook("http://127.0.0.1:8080/hook", bytes(range(32))),
        site="https://b.example",
    )
    monkeypatch.setenv("BOROUGH_ALARM_DISK", "1")
    with pytest.raises(SettingsError, match="BOROUGH_ALARM_DISK: '1'"):
        read_settings()
