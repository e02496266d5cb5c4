"""The demo's processes: an embedded PostgreSQL, an embedded broker, the collector as in production."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from borough.children import Child
from borough.demo.broker import READY
from borough.demo.state import await_database
from borough.errors import Failure
from borough.postgres_server import PostgresServer, embedded_binaries, free_port

USER = "demo"


@dataclass(frozen=True, slots=True)
class EmbeddedBroker:
    """Where the broker is, the one account that it knows, and its process."""

    port: int
    password: str
    child: Child


@contextmanager
def database(folder: Path) -> Iterator[PostgresServer]:
    """The embedded PostgreSQL with its data in the folder, stopped at the end of the block."""
    await_database(folder / "postgres")
    server = PostgresServer(
        embedded_binaries(), folder / "postgres", settings={"shared_buffers": "128MB", "max_connections": 40}
    )
    with server:
        yield server


def start_broker(parts: ExitStack, folder: Path) -> EmbeddedBroker:
    """Start the embedded broker on a free port with a password for this run. Raises Failure."""
    password = secrets.token_urlsafe(12)
    for attempt in range(3):
        port = free_port()
        command = [sys.executable, "-P", "-m", "borough.demo.broker"]
        child = Child("broker", command, log=folder / "broker.log", environment=environment(), pipes=True)
        parts.callback(child.stop, 5.0)
        child.stdin.write(json.dumps({"port": port, "username": USER, "password": password}).encode() + b"\n")
        child.stdin.flush()
        # an end of the process is an empty line: somebody else took the port between our look and its own
        if child.stdout.readline().strip() == READY.encode():
            return EmbeddedBroker(port, password, child)
        if attempt == 2:
            child.stop(5.0)
            child.check()
    raise AssertionError("the loop returns or raises")


def start_collector(folder: Path, url: str, broker: EmbeddedBroker, metrics: int, tombstone_key: Path) -> Child:
    """Start `borough collect` over the database at ``url``; ``metrics`` is the port where it says how it is.

    ``tombstone_key`` is the file with the key that erased households are known by.
    """
    return Child(
        "collector",
        [sys.executable, "-P", "-m", "borough", "collect"],
        log=folder / "collector.log",
        environment={
            **_collector_environment(url, broker, metrics),
            "BOROUGH_TOMBSTONE_KEY_FILE": str(tombstone_key),
        },
    )


def jobs_environment(url: str, broker: EmbeddedBroker, folder: Path) -> dict[str, str]:
    """What a worker of jobs, and whoever asks for them, needs of the demo."""
    return {
        **environment(),
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_MQTT_URL": f"mqtt://127.0.0.1:{broker.port}",
        "BOROUGH_MQTT_USERNAME": USER,
        "BOROUGH_MQTT_PASSWORD": broker.password,
        "BOROUGH_MQTT_SOURCE": "paho",  # the embedded broker speaks MQTT 3.1.1
        "BOROUGH_INSTALLATION": "demo",
        "BOROUGH_JOBS_FOLDER": str(jobs_folder(folder)),
    }


def jobs_folder(folder: Path) -> Path:
    """The folder of the demo's jobs."""
    found = folder / "jobs"
    found.mkdir(exist_ok=True)
    return found


def start_worker(folder: Path, url: str, broker: EmbeddedBroker) -> Child:
    """Start `borough work` over the demo's database and broker."""
    return Child(
        "worker",
        [sys.executable, "-P", "-m", "borough", "work"],
        log=folder / "worker.log",
        environment=jobs_environment(url, broker, folder),
    )


def start_deliverer(folder: Path, url: str, smtp: int, page: str) -> Child:
    """Start `borough deliver` with the demo's relay at the port ``smtp``; ``page``: the site's address."""
    return Child(
        "deliverer",
        [sys.executable, "-P", "-m", "borough", "deliver", "--every", "10"],
        log=folder / "deliverer.log",
        environment={
            **environment(),
            "BOROUGH_DATABASE_URL": url,
            "BOROUGH_INSTALLATION": "demo",
            "BOROUGH_COUNCIL_NAME": "Demo Borough",
            "BOROUGH_WEB_URL": page.rstrip("/"),
            "BOROUGH_SMTP_URL": f"smtp://127.0.0.1:{smtp}",
            "BOROUGH_MAIL_SENDER": "no-reply@demo-borough.example",
            # whoever looks at a demo in the evening sees what is sent
            "BOROUGH_MAIL_QUIET_HOURS": "never",
        },
    )


def await_ready(collector: Child, port: int, stop: threading.Event) -> None:
    """Wait until the collector is ready, or ``stop`` is set. Raises Failure where it ends, or is not after a minute."""
    until = time.monotonic() + 60
    said = "it gave no answer"
    while time.monotonic() < until and not stop.is_set():
        collector.check()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode().strip()
        except OSError as error:
            said = str(error)
        stop.wait(0.05)
    if not stop.is_set():
        raise Failure(f"the collector is not ready: {said}; {collector.last_words()}")


def environment() -> dict[str, str]:
    """Ours without the settings of a real service: the demo must never reach a real database or broker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOROUGH_", "PG"))}
    # the children start in /, so the path must be found from there
    path = [str(Path(entry or ".").resolve()) for entry in sys.path]
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def _collector_environment(url: str, broker: EmbeddedBroker, metrics: int) -> Mapping[str, str]:
    return {
        **environment(),
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_MQTT_URL": f"mqtt://127.0.0.1:{broker.port}",
        "BOROUGH_MQTT_USERNAME": USER,
        "BOROUGH_MQTT_PASSWORD": broker.password,
        "BOROUGH_MQTT_SOURCE": "paho",  # the embedded broker speaks MQTT 3.1.1
        "BOROUGH_MQTT_RECEIVE_MAXIMUM": "1000",
        "BOROUGH_METRICS_PORT": str(metrics),
        # what somebody tries out with the printed account is taken too, and is never taken for real
        "BOROUGH_AUTO_REGISTER": "true",
        "BOROUGH_AUTO_REGISTER_ORIGIN": "simulated",
    }
