"""TimescaleDB, Mosquitto and a collector on this machine, for trying things: until Ctrl-C, all on 127.0.0.1.

The programs are those that the tests use (`scripts.parts`). The addresses go to a file of shell settings, which
another terminal reads: ``. .borough/servers.env``. The data stays for the next start; ``--reset`` removes it first.
Nobody needs an account at the broker, so this is not the place for real data.

Example: python -m scripts.servers
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from borough.children import Child
from borough.errors import Failure
from borough.postgres_server import PostgresError, PostgresServer, free_port, private_folder
from scripts.parts import Parts, PartsError, prepare
from store import migrations

ENVIRONMENT = Path(".borough/servers.env")
_DATABASE = "borough"
_SETTINGS: dict[str, str | int] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
}


def main(arguments: list[str]) -> int:
    """Run the servers until SIGINT or SIGTERM; 1 with one line where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m scripts.servers", description=__doc__.splitlines()[0])
    parser.add_argument("--reset", action="store_true", help="remove the data of earlier runs first")
    parser.add_argument("--name", default="servers", help="of the folder with the data, for a second set of servers")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _serve(prepare(), private_folder() / options.name, reset=options.reset)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 0
    except (PartsError, PostgresError, Failure, OSError) as error:
        print(f"servers: {error}", file=sys.stderr)
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _serve(parts: Parts, folder: Path, *, reset: bool) -> None:
    folder.mkdir(mode=0o755, exist_ok=True)
    with ExitStack() as stack:
        lock = stack.enter_context(folder.with_name(folder.name + ".lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("they run already, in another terminal") from None
        if reset:
            shutil.rmtree(folder)
            folder.mkdir(mode=0o755)
        server = PostgresServer(parts.postgres, folder / "data", settings=_SETTINGS)
        stack.enter_context(server)
        migrations.create_database(server.url(), _DATABASE)
        migrations.upgrade(server.url(_DATABASE))
        broker, port = _mosquitto(parts.mosquitto, folder)
        stack.callback(broker.stop, 10)
        settings = {
            "BOROUGH_DATABASE_URL": server.url(_DATABASE),
            "BOROUGH_MQTT_URL": f"mqtt://127.0.0.1:{port}",
        }
        collector = Child(
            "collector",
            [sys.executable, "-m", "borough", "collect"],
            log=folder / "collector.log",
            environment={**os.environ, **settings, "BOROUGH_METRICS_PORT": str(free_port())},
        )
        stack.callback(collector.stop, 30)
        _write_settings(settings)
        stack.callback(ENVIRONMENT.unlink, missing_ok=True)
        print(
            f"TimescaleDB, Mosquitto and a collector run until Ctrl-C. In another terminal: . {ENVIRONMENT}", flush=True
        )
        while True:
            collector.check()
            broker.check()
            time.sleep(0.5)


def _mosquitto(program: Path, folder: Path) -> tuple[Child, int]:
    """A broker with a persistent queue that answers, and its port."""
    port = free_port()
    configuration = folder / "mosquitto.conf"
    lines = [
        "persistence true",
        f"persistence_location {folder}/",
        "max_inflight_messages 65535",
        "max_queued_messages 1000000",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "allow_anonymous true",
        *(["user root"] if os.geteuid() == 0 else []),
        f"listener {port} 127.0.0.1",
    ]
    configuration.write_text("\n".join(lines) + "\n")
    child = Child("broker", [str(program), "-c", str(configuration)], log=folder / "mosquitto.log")
    until = time.monotonic() + 15
    while time.monotonic() < until:
        child.check()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return child, port
        except OSError:
            time.sleep(0.05)
    child.stop(1)
    raise Failure(f"the broker did not start: {child.last_words()}")


def _write_settings(settings: dict[str, str]) -> None:
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    ENVIRONMENT.unlink(missing_ok=True)
    # it holds the database's password
    with os.fdopen(os.open(ENVIRONMENT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"export {name}='{value}'\n" for name, value in settings.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
