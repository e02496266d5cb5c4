"""The stack of docker-compose.yml in real containers: it gets well, keeps its secrets, outlives restarts, and upgrades.

Minutes, gigabytes and root: ``BOROUGH_TEST_CONTAINERS=1`` or ``make judges`` runs it. docker-compose.yml's commands
are run without containers in test_compose.py.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import unavailable
from tests.judges.sources import NotHad, cache
from tests.tools.containers import images
from tests.tools.containers.daemon import docker, missing
from tests.tools.containers.stack import CHECKED, RUNNING, Stack, prepare
from tests.tools.servers import wait_for

ROOT = Path(__file__).resolve().parents[2]
NOW, BEFORE = "borough-test/now", "borough-test/before"
DEVICES = "device_id,family,model,lon,lat\nm1,smart-meter,native,-0.1,51.5\n"
_STORED = "select value from reading order by time"


@dataclass
class Ran:
    """The stack after its upgrade, and what was seen on the way."""

    stack: Stack
    revisions: list[str] = field(default_factory=list)
    stored: list[list[str]] = field(default_factory=list)


def _reading(minute: int, value: float) -> bytes:
    return json.dumps({"time": f"2026-02-01T00:{minute:02d}:00Z", "import_interval": value}).encode()


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    """The stack of the schema before, with a device and a reading of it; then the same with this checkout's."""
    if not os.environ.get("BOROUGH_TEST_CONTAINERS"):
        pytest.skip("BOROUGH_TEST_CONTAINERS is not set: it takes minutes and gigabytes; `make judges` runs it")
    if reason := missing():
        unavailable(reason)
    with tempfile.TemporaryDirectory(prefix="borough-containers-") as work:
        try:
            with docker(cache(), Path(work)) as daemon:
                images.prepare(daemon)
                now = images.working_tree(Path(work, "now"))
                images.service(daemon, now, NOW)
                before = images.checkout(images.previous_schema(ROOT), Path(work, "before"))
                images.service(daemon, before, BEFORE)
                seen = Ran(Stack(daemon, f"borough-test-{os.getpid()}"))
                try:
                    _upgrade(seen, before, now)
                    yield seen
                except RuntimeError as error:
                    raise AssertionError(f"{error}\n{seen.stack.logs()}") from None
                finally:
                    seen.stack.remove()
        except NotHad as error:
            unavailable(str(error))


def _upgrade(seen: Ran, before: Path, now: Path) -> None:
    stack = seen.stack
    stack.use(before, BEFORE)
    prepare(before)
    stack.up()
    devices = before / "devices.csv"
    devices.write_text(DEVICES)
    stack.tools("devices", "import", "/devices.csv", mounted=devices)
    stack.accounts()
    assert stack.publish("m1", _reading(0, 0.1))
    assert wait_for(lambda: stack.query(_STORED) == ["0.1"], 120, 1)
    seen.revisions += stack.query("select version_num from alembic_version")
    seen.stored.append(stack.query(_STORED))
    # the folder of secrets goes along, as docs/how-to say of an upgrade
    subprocess.run(["cp", "-a", str(before / "deploy/private"), str(now / "deploy/private")], check=True)
    stack.use(now, NOW)
    stack.up()
    seen.revisions += stack.query("select version_num from alembic_version")
    seen.stored.append(stack.query(_STORED))


def test_everything_gets_well(ran: Ran) -> None:
    health = ran.stack.health()
    assert set(health) == set(RUNNING)
    assert {name for name, state in health.items() if state == "healthy"} == set(CHECKED)
    answer = httpx.get(f"http://127.0.0.1:{ran.stack.web_port}/")
    assert answer.status_code == 200
    assert "Borough" in answer.text or "Your council" in answer.text


def test_an_upgrade_migrates_and_keeps_what_was_there(ran: Ran) -> None:
    before, now = ran.revisions
    assert before != now
    assert ran.stored == [["0.1"], ["0.1"]]
    assert ran.stack.publish("m1", _reading(1, 0.2))
    assert wait_for(lambda: ran.stack.query(_STORED) == ["0.1", "0.2"], 120, 1)


@pytest.mark.parametrize("name", RUNNING)
def test_nobody_is_root_and_secrets_are_files(ran: Ran, name: str) -> None:
    found = ran.stack.inspect(name)
    assert found["Config"]["User"].partition(":")[0] not in ("", "0", "root")
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    number = ran.stack.compose("exec", "-T", name, "id", "-u").strip()
    assert number == found["Config"]["User"].partition(":")[0]
    wanted = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][name].get("secrets", [])
    assert _secrets_of(found) == set(wanted)
    private = ran.stack.folder / "deploy/private"
    secrets = [path.read_text() for path in private.iterdir() if path.is_file()]
    assert secrets
    told = json.dumps([found["Config"], found["Args"], found["Path"]])
    assert not any(secret in told for secret in secrets)


def _secrets_of(found: dict[str, Any]) -> set[str]:
    mounts = (mount["Destination"] for mount in found["Mounts"])
    return {path.rpartition("/")[2] for path in mounts if path.startswith("/run/secrets/")}


def test_restarts_in_any_order_lose_nothing(ran: Ran) -> None:
    """Each is restarted or killed while readings are sent; each reading that the broker took is stored once."""
    chance = random.Random(16)
    order = [*RUNNING, *RUNNING]
    chance.shuffle(order)
    before = len(ran.stack.query(_STORED))
    sent = 0
    for number, name in enumerate(order):
        if chance.random() < 0.5:
            ran.stack.compose("restart", "--timeout", "30", name)
        else:
            ran.stack.compose("kill", name)
            ran.stack.compose("up", "--detach", "--no-build", "--no-deps", name)
        if name != "broker" or wait_for(lambda: ran.stack.health().get("broker") == "healthy", 120, 1):
            assert ran.stack.publish("m1", _reading(10 + number, 1.0 + number))
            sent += 1
    assert wait_for(lambda: len(ran.stack.query(_STORED)) == before + sent, 240, 1), ran.stack.logs()
    assert wait_for(ran.stack.is_well, 600, 2), ran.stack.health()
