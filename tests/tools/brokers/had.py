"""Which brokers this machine has: Mosquitto 2.0 always; RabbitMQ from Debian; Mochi where Go is; 2.1 where it is named.

``BOROUGH_TEST_BROKERS`` chooses among ``NAMES``, by commas; all without it. ``BOROUGH_TEST_MOSQUITTO_21`` is the path
of a Mosquitto 2.1 program, which Debian 13 has not; ``BOROUGH_TEST_MOSQUITTO_21_SQLITE`` that of its plugin
``mosquitto_persist_sqlite.so``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from borough.postgres_server import locked, private_folder
from scripts.parts import Parts, PartsError
from tests.tools.brokers import rabbitmq
from tests.tools.brokers.running import Kind, MochiKind, MosquittoKind

NAMES = ("mosquitto", "mosquitto21", "mosquitto21-sqlite", "rabbitmq", "mochi")
_GO = Path(__file__).parent / "mochi"


class NotHad(Exception):
    """This machine lacks that broker, or the run does not want it. The text says why."""


def get(name: str, parts: Parts) -> Kind:
    """The broker of one of ``NAMES``. Raises NotHad."""
    wanted = os.environ.get("BOROUGH_TEST_BROKERS")
    if wanted and name not in wanted.split(","):
        raise NotHad(f"BOROUGH_TEST_BROKERS is {wanted}")
    if name == "mosquitto":
        return MosquittoKind(parts.mosquitto)
    if name == "mosquitto21":
        return MosquittoKind(_named("BOROUGH_TEST_MOSQUITTO_21"))
    if name == "mosquitto21-sqlite":
        plugin = _named("BOROUGH_TEST_MOSQUITTO_21_SQLITE")
        lines = [f"plugin {plugin}", "plugin_opt_db_file {folder}/sessions.sqlite"]
        return MosquittoKind(_named("BOROUGH_TEST_MOSQUITTO_21"), more=" with SQLite", lines=lines)
    if name == "mochi":
        return MochiKind(_mochi())
    try:
        return rabbitmq.RabbitMqKind(rabbitmq.prepare())
    except PartsError as error:
        raise NotHad(str(error)) from None


def _named(variable: str) -> Path:
    path = os.environ.get(variable)
    if not path:
        raise NotHad(f"{variable} is not set")
    return Path(path)


def _mochi() -> Path:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    if go is None:
        raise NotHad("there is no Go to build Mochi with")
    folder = private_folder() / "mochi"
    folder.mkdir(exist_ok=True)
    with locked(private_folder() / "mochi.lock"):
        done = subprocess.run(
            [go, "build", "-trimpath", "-o", str(folder / "mochi"), "."], cwd=_GO, capture_output=True, text=True,
            env={**os.environ, "GOTOOLCHAIN": "local"}, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise NotHad(f"Mochi does not build: {done.stderr.strip()[-500:]}")
    return folder / "mochi"
