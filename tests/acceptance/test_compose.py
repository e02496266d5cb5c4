"""docker-compose.yml without Docker: its scripts, its broker configuration and each of its commands, really run.

Hosts and mounted paths are replaced by this machine's; everything else is read from the files as they stand.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from borough.postgres_server import free_port
from scripts.parts import Parts
from tests.tools import forked
from tests.tools.commands import (
    ACCOUNTS,
    ANALYSE,
    COLLECT,
    COMPOSE_COMMANDS,
    DELIVER,
    DOCTOR,
    FLEET,
    LIST,
    MAINTAIN,
    MIGRATE,
    PUBLISH,
    SERVE,
    SIMULATE,
    WATCH,
    WORK,
)
from tests.tools.publisher import publish_as
from tests.tools.servers import Cluster, Mosquitto, wait_for

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
#: In place of the demo's eight weeks: 4 homes, 2 properties, 48 half-hours.
_FLEET = """
name = "small"
start = 2026-01-05T00:00:00Z
days = 1
[smart-meter]
count = 4
properties = ["import_interval", "import_register"]
"""
BOROUGH = str(Path(sys.executable).with_name("borough"))


@dataclass
class Stack:
    """The deployment's files in a folder of the test, with a database server and room for a broker."""

    deploy: Path
    cluster: Cluster
    port: int
    metrics_port: int
    web_port: int

    @property
    def private(self) -> Path:
        return self.deploy / "private"

    def secret(self, name: str) -> str:
        return (self.private / name).read_text()

    def environment(self, command: tuple[str, ...]) -> dict[str, str]:
        """What the service that runs this command gets, with this machine's places."""
        (service,) = (
            found
            for found in COMPOSE["services"].values()
            if "command" in found and tuple(found["command"]) == command[: len(found["command"])]
        )
        assert self.cluster.server is not None
        places = {
            "@database:5432": f"@127.0.0.1:{self.cluster.server.port}",
            "//broker:1883": f"//127.0.0.1:{self.port}",
            "/run/secrets": str(self.private),
            "/erasures": str(self.private / "erasures"),
            "/watched/database": str(self.deploy),
            "/watched/broker": str(self.deploy),
            "/jobs": str(self.private / "jobs"),
            "/open-data": str(self.private / "open-data"),
            "9464": str(self.metrics_port),
            "8000": str(self.web_port),
            "0.0.0.0": "127.0.0.1",
        }
        values = {name: str(value) for name, value in service["environment"].items()}
        return {
            "PATH": os.environ["PATH"],
            **{name: _replaced(_default(value), places) for name, value in values.items()},
        }

    def arguments(self, command: tuple[str, ...]) -> list[str]:
        places = {
            "/accounts": str(self.private / "accounts"),
            "/tmp/alive": str(self.deploy / "alive"),
            "/fleet.toml": str(self.deploy / "fleet.toml"),
            "/broker/": f"{self.deploy}/",
        }
        return [_replaced(part, places) for part in command]

    def run(self, command: tuple[str, ...], **settings: str) -> str:
        """Standard output of one command that must end with 0; ``settings`` are what the image has besides."""
        return said(self.arguments(command), {**self.environment(command), **settings})


def said(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Standard output of ``borough`` with these arguments, which must end with 0."""
    done = forked.run(arguments, environment)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def _default(text: str) -> str:
    """What a value is where its variable is not set."""
    return re.sub(r"\$\{\w+:\+[^}]*\}", "", re.sub(r"\$\{\w+-([^}]*)\}", r"\1", text))


def _replaced(text: str, places: Mapping[str, str]) -> str:
    for old, new in places.items():
        text = text.replace(old, new)
    return text


@pytest.fixture
def stack(durable: Cluster, parts: Parts, tmp_path: Path) -> Iterator[Stack]:
    """Secrets made by prepare.sh, and the role and database that database.sh makes."""
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    for name in ("prepare.sh", "database.sh", "mosquitto.conf"):
        shutil.copy(ROOT / "deploy" / name, deploy)
    subprocess.run(["sh", str(deploy / "prepare.sh")], check=True, capture_output=True)
    assert durable.server is not None
    environment = {
        "PATH": f"{parts.postgres}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(durable.server.port),
        "PGPASSWORD": durable.server.password,
        "POSTGRES_USER": "postgres",
        "SERVICE_PASSWORD_FILE": str(deploy / "private/database_password"),
    }
    subprocess.run(["sh", str(deploy / "database.sh")], check=True, capture_output=True, env=environment)
    yield Stack(deploy, durable, free_port(), free_port(), free_port())
    durable.drop("borough")
    durable.execute("drop role borough")


@pytest.fixture
def broker(stack: Stack, parts: Parts, tmp_path: Path) -> Iterator[Mosquitto]:
    """Mosquitto with deploy/mosquitto.conf; started by the test, once there are accounts."""
    data = tmp_path / "data"
    data.mkdir()
    text = (stack.deploy / "mosquitto.conf").read_text()
    places = {
        "/mosquitto/data/": f"{data}/",
        "/mosquitto/accounts": str(stack.private / "accounts"),
        "listener 1883": f"listener {stack.port} 127.0.0.1",
    }
    broker = Mosquitto(parts.mosquitto, tmp_path / "broker")
    broker.port = stack.port
    broker.configuration.write_text(_replaced(text, places) + ("user root\n" if os.geteuid() == 0 else ""))
    yield broker
    broker.stop()


def test_prepare_makes_secrets_once_and_for_us_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deploy/prepare.sh", tmp_path)
    command = ["sh", str(tmp_path / "prepare.sh")]
    subprocess.run(command, check=True, capture_output=True)
    private = tmp_path / "private"
    first = {path: path.read_text() for path in private.rglob("*") if path.is_file()}
    assert {path.name for path in first} == {*COMPOSE["secrets"], "secrets.csv"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", (private / name).read_text()) for name in COMPOSE["secrets"])
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    subprocess.run(command, check=True, capture_output=True)
    assert {path: path.read_text() for path in first} == first


def test_the_service_is_no_superuser(stack: Stack) -> None:
    assert stack.cluster.server is not None
    port = stack.cluster.server.port
    with psycopg.connect(
        f"postgresql://borough@127.0.0.1:{port}/borough", password=stack.secret("database_password")
    ) as connection:
        rights = connection.execute(
            "select rolsuper, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
        extension = connection.execute("select extname from pg_extension where extname = 'timescaledb'").fetchone()
    assert rights == (False, False, False, False)
    assert extension == ("timescaledb",)


def test_the_commands_of_the_stack_in_their_order(stack: Stack, broker: Mosquitto, letter_fonts: list[Path]) -> None:
    """Migrate, accounts, broker, collector; a message of a registered device arrives; maintain; a graceful end."""
    ran = []

    def run(command: tuple[str, ...]) -> str:
        ran.append(command)
        return stack.run(command)

    (stack.deploy / "fleet.toml").write_text(_FLEET)
    run(MIGRATE)
    run(FLEET)
    run(ACCOUNTS)
    broker.start()
    with (
        _service(stack, COLLECT) as collector,
        _service(stack, SERVE) as dashboard,
        _service(stack, ANALYSE) as analyst,
        _service(stack, WATCH) as watcher,
        _service(stack, DELIVER) as deliverer,
        _service(stack, WORK) as worker,
    ):
        ran += [COLLECT, SERVE, ANALYSE, WATCH, DELIVER, WORK]
        for name, process in (("collector", collector), ("dashboard", dashboard), ("deliverer", deliverer)):
            # each look is a process, as in a container
            assert wait_for(partial(_healthy_or_ended, stack, name, process), 30.0, 1.0)
            assert process.poll() is None, (stack.deploy / "service.log").read_text()
        devices = stack.deploy / "devices.csv"
        devices.write_text("device_id,family,model,lon,lat\nm1,smart-meter,native,-0.1,51.5\n")
        said(["devices", "import", str(devices)], stack.environment(LIST))
        assert "m1" in run(LIST)
        run(ACCOUNTS)
        broker.reload()
        # a collector knows a new device a second later; what comes before is rejected, and said again as devices do

        accounts = stack.private / "accounts/secrets.csv"

        def says() -> bool:
            return publish_as(stack.port, accounts, "m1", b'{"time": "2026-02-01T00:30:00Z", "import_interval": 0.213}')

        assert wait_for(lambda: says() and _stored(stack) == [0.213], 20.0, 1.0), _said_of(stack)
        told = run(SIMULATE)
        assert re.search(r"\b384 readings published", told), told
        assert wait_for(lambda: len(_stored(stack)) == 1 + 384, 20.0)
        run(MAINTAIN)
        # all that is there is a household's, or simulated at a site that is none for tests
        assert "Nothing new is to be published." in run(PUBLISH)
        assert wait_for(lambda: _looked_at(stack), 20.0)
        # the image has fonts
        fonts = {"BOROUGH_LETTER_FONTS": ":".join(map(str, letter_fonts))}
        ran.append(DOCTOR)
        _nothing_is_wrong(stack.run(DOCTOR, **fonts))
        _nothing_is_wrong(stack.run((*DOCTOR, "--acl", "/accounts/acl"), **fonts), acl_seen=True)
        assert _job(stack) == [("done", None)]
        for process in (collector, dashboard, analyst, watcher, deliverer, worker):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert set(ran) == set(COMPOSE_COMMANDS)


def _nothing_is_wrong(told: str, *, acl_seen: bool = False) -> None:
    """What the doctor says of the stack: all is well but for what is no fault of it."""
    lines = [line.split("\t") for line in told.splitlines()[1:]]
    odd = {line[0]: line[2] for line in lines if line[1] != "ok"}
    assert odd.pop("backups").startswith("BOROUGH_BACKUP_FOLDER is not set")
    # Debian's version, where the stack has a newer one
    assert "TimescaleDB 2.19.3" in odd.pop("timescale")
    if acl_seen:
        assert "may read all 3 filters" in {line[0]: line[2] for line in lines}["broker rights"]
    else:
        assert odd.pop("broker file").startswith("acl_file /mosquitto/accounts/acl is not seen")
    assert not odd, told


def _job(stack: Stack) -> list[tuple[str, str | None]]:
    """What becomes of a simulation that sends nothing: of it no device is registered, nor may it be spoken for."""
    (stack.deploy / "none.toml").write_text(_FLEET.replace("small", "none"))
    command = [
        "jobs",
        "ask",
        str(stack.deploy / "none.toml"),
        "--set",
        "hours=0.001",
        "--set",
        "start=2026-01-05T00:07:00Z",
        "--set",
        "register=false",
    ]
    environment = stack.environment(WORK)
    said(command, environment)

    def states() -> list[tuple[str, str | None]]:
        return [
            (job["state"], job["problem"]) for job in json.loads(said(["jobs", "list", "--json"], environment))["jobs"]
        ]

    assert wait_for(lambda: states()[0][0] in ("done", "failed"), 30.0, 0.5), (stack.deploy / "service.log").read_text()
    return states()


@contextmanager
def _service(stack: Stack, command: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """A command as the stack runs it; killed where the test did not end it."""
    with (stack.deploy / "service.log").open("ab") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", BOROUGH, *stack.arguments(command)],
            env=stack.environment(command),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _healthy_or_ended(stack: Stack, name: str, process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None or _healthy(stack, name)


def _healthy(stack: Stack, name: str) -> bool:
    """What the stack's own health check of a service says."""
    _cmd, program, *arguments = COMPOSE["services"][name]["healthcheck"]["test"]
    assert program == "python"
    places = {"9464": str(stack.metrics_port), "8000": str(stack.web_port), "/tmp/alive": str(stack.deploy / "alive")}
    check = [sys.executable, *(_replaced(part, places) for part in arguments)]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def _looked_at(stack: Stack) -> bool:
    """Whether the rules of alarms were looked at, and no disk is missing."""
    assert stack.cluster.server is not None
    address = f"postgresql://borough@127.0.0.1:{stack.cluster.server.port}/borough"
    with psycopg.connect(address, password=stack.secret("database_password")) as connection:
        lost = connection.execute("select text from public.alarm where text like 'cannot be looked at%'").fetchall()
        assert lost == []
        return connection.execute("select from public.watch").fetchone() is not None


def _said_of(stack: Stack) -> str:
    """What became of messages, where none was stored, and the end of the services' log."""
    with psycopg.connect(stack.cluster.url("borough")) as connection:
        rows = connection.execute("select topic, reason, detail from rejected").fetchall()
    return f"{rows}\n{(stack.deploy / 'service.log').read_text()[-3000:]}"


def _stored(stack: Stack) -> list[float]:
    with psycopg.connect(stack.cluster.url("borough")) as connection:
        return [row[0] for row in connection.execute("select value from reading")]
