"""The collector's part of `scripts.outputs`: a fixed list of messages, and what it says of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from borough.postgres_server import free_port
from scripts.fixed_words import log_words
from scripts.outputs_asked import Asked, Commands
from scripts.parts import prepare

DEVICES = (
    ("outputs-meter", "smart-meter"),
    ("outputs-bay", "parking-bay"),
    ("outputs-air", "air-monitor"),
    ("outputs-room", "movement-sensor"),
    ("outputs-left", "parking-bay"),
)
METER, BAY, AIR = (
    "borough/smart-meter/outputs-meter",
    "borough/parking-bay/outputs-bay",
    "borough/air-monitor/outputs-air",
)
#: Topic and payload; each is sent after the one before it was written.
MESSAGES: tuple[tuple[str, bytes], ...] = tuple(
    (f"{topic}/reading", payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    for topic, payload in (
        (METER, {"time": "2026-02-01T00:30:00Z", "import_interval": 0.213, "sequence": 1}),
        (METER, {"time": "2026-02-01T01:00:00Z", "import_interval": 0.4, "import_register": 1000.5, "sequence": 2}),
        (METER, {"time": "2026-02-01T00:30:00Z", "import_interval": 0.213, "sequence": 1}),
        (METER, {"time": "2026-02-01T00:30:00Z", "import_interval": 0.5}),
        (METER, {"time": "2026-02-01T01:30:00Z", "import_interval": 1e12, "mpan": "1234567890123"}),
        (METER, {"time": "2026-02-01T02:00:00Z", "nonsense": 1, "name": "A Person", "import_interval": "x"}),
        (METER, {"time": "1999-02-01T02:00:00Z", "import_interval": 1}),
        (METER, {"time": "2126-02-01T02:00:00Z", "import_interval": 1}),
        (METER, {"time": "soon", "import_interval": 1}),
        (METER, b'{"time": "2026-02-01T02:00:00Z", "address": "1 Test Street'),
        (METER, b"\xff\xfe\x00"),
        (METER, b""),
        (METER, b"[" * 3000),
        (METER, b'{"a": "' + b"x" * 2_000_000 + b'"}'),
        (BAY, {"time": "2026-02-01T08:00:00.25Z", "occupied": True}),
        (BAY, {"time": "2026-02-01T08:00:00.25Z", "occupied": False}),
        (BAY, {"time": "2026-02-01T09:00:00Z", "occupied": 2}),
        (AIR, {"time": "2026-02-01T08:00:00Z", "pm2_5": 7.5, "temperature": -200, "humidity": None}),
        (AIR, {"pm2_5": 7.5}),
        (AIR, b"not json"),
        ("borough/movement-sensor/outputs-room", {"time": "2026-02-01T08:00:00Z", "motion": 1}),
        ("borough/parking-bay/outputs-left", {"time": "2026-02-01T08:00:00Z", "occupied": True}),
        ("borough/parking-bay/outputs-meter", {"time": "2026-02-01T08:00:00Z", "occupied": True}),
        ("borough/smart-meter/outputs-unknown", {"time": "2026-02-01T08:00:00Z", "import_interval": 1, "mpan": "123"}),
    )
)


def ask_collector(asked: Asked, ask: Commands) -> None:
    """Register devices, collect the messages; its metrics, and what the commands say afterwards."""
    from tests.tools.servers import Mosquitto  # needs the tests' libraries

    for device, family in DEVICES:
        ask("devices", "add", device, "--family", family)
    ask("devices", "add", DEVICES[0][0], "--family", "smart-meter", name="devices add again")
    ask("devices", "retire", "outputs-left", "nobody")
    ask("devices", "retire", "outputs-left")
    with Mosquitto(prepare().mosquitto, asked.work / "broker") as broker:
        metrics = free_port()
        asked.words.name({f"127.0.0.1:{broker.port}": "<broker>", f":{metrics}": ":<metrics>"})
        asked.environment.update({"BOROUGH_MQTT_URL": broker.url, "BOROUGH_METRICS_PORT": str(metrics)})
        log = asked.work / "collect.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "borough", "collect"],
                env=asked.environment, cwd=asked.work, stdout=file, stderr=file,
            )  # fmt: skip
        try:
            _until(process, lambda: _get(metrics, "/health/ready")[0] == 200)
            client = Client(CallbackAPIVersion.VERSION2)
            client.connect("127.0.0.1", broker.port)
            client.loop_start()
            for number, (topic, payload) in enumerate(MESSAGES, 1):
                client.publish(topic, payload, qos=1)
                _until(process, partial(_taken, metrics, number))
            client.disconnect()
            client.loop_stop()
            for path in ("/metrics", "/health/live", "/health/ready", "/nonsense"):
                status, text = _get(metrics, path)
                asked.keep(f"collector{path}", f"{status}\n{text}")
        finally:
            process.terminate()
            process.wait(60)
    asked.keep("collector/log", log_words(log.read_text(encoding="utf-8")))
    for device, family in DEVICES:
        ask("rejected", "list", "--device", device, name=f"after/rejected list {device}")
        ask("complete", "--device", device, "--from", "2026-02-01", "--until", "2026-02-02", "--json",
            name=f"after/complete {family} {device}")  # fmt: skip
    listed = ask("rejected", "list", "--json", "--limit", "40", name="after/rejected list --json")
    for one in json.loads(listed)["rejected"]:
        ask("rejected", "show", str(one["id"]), name=f"after/rejected show {one['id']}")
    ask("devices", "status", "--silent-after", "5min", name="after/devices status")
    ask("rejected", "retry", "--device", "outputs-meter", "--json", name="after/rejected retry")
    ask("doctor", "--json", name="after/doctor --json")


def _until(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the collector does not take what is sent")
        time.sleep(0.05)


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code), error.read().decode()
    except OSError:
        return 0, ""


def _taken(port: int, number: int) -> bool:
    """Whether so many messages are written."""
    metrics = _get(port, "/metrics")[1]
    received, flying = (
        sum(float(value) for value in re.findall(rf"(?m)^borough_messages_{word}\{{.*\}} (\S+)$", metrics))
        for word in ("received_total", "in_flight")
    )
    return received - flying == number
