"""docker-compose.yml as it stands, brought up by Compose: images of ours in place of a registry's, free ports."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from borough.postgres_server import free_port
from tests.tools.containers.daemon import Docker
from tests.tools.containers.images import BROKER, DATABASE
from tests.tools.publisher import publish_as
from tests.tools.servers import wait_for

#: Those that run for good; the others do their work and end.
RUNNING = ("database", "broker", "collector", "analyst", "watcher", "deliverer", "dashboard")
#: Of these Compose is told whether they are well.
CHECKED = ("database", "broker", "collector", "deliverer", "dashboard")


class Stack:
    """The stack of one checkout's files, below one project name: its volumes stay when the files are others."""

    def __init__(self, docker: Docker, project: str) -> None:
        self.docker, self.project = docker, project
        self.broker_port, self.web_port = free_port(), free_port()
        self.folder = Path()

    def use(self, folder: Path, image: str) -> None:
        """Go on with the files of a checkout and an image made of it."""
        self.folder = folder
        compose = yaml.safe_load((folder / "docker-compose.yml").read_text())
        override = {
            name: {"image": image, "build": "!reset"} for name, one in compose["services"].items() if "build" in one
        }
        override |= {"database": {"image": DATABASE}, "broker": {"image": BROKER}}
        # ours have no registry: the lists of ports and networks would be added to, where they are not taken anew
        text = yaml.safe_dump({"services": override}).replace("build: '!reset'", "build: !reset null")
        ports = {"broker": (self.broker_port, 1883), "dashboard": (self.web_port, 8000)}
        for name, (ours, theirs) in ports.items():
            text = text.replace(f"  {name}:\n", f'  {name}:\n    ports: !override ["127.0.0.1:{ours}:{theirs}"]\n')
        (folder / "here.yml").write_text(text)

    def compose(self, *arguments: str, given: str | None = None) -> str:
        """Standard output of ``docker compose``. Raises RuntimeError."""
        return self.docker.run(*self._options(), *arguments, given=given, folder=self.folder)

    def up(self) -> None:
        """Start what is not as the files say, and wait until all is well: on a busy machine that takes its time, and
        Compose's own waiting ends at the first check that fails. Raises RuntimeError."""
        self.compose("up", "--detach", "--no-build", "--pull", "never", *RUNNING)
        if not wait_for(self.is_well, 600, 2):
            raise RuntimeError(f"after ten minutes all is not well: {self.health()}")

    def is_well(self) -> bool:
        """Whether all run, and those that are looked at are healthy."""
        health = self.health()
        return set(health) == set(RUNNING) and all(health[name] == "healthy" for name in CHECKED)

    def tools(self, *arguments: str, mounted: Path | None = None) -> str:
        """A command of the service ``tools``, with a file at the root, by its name, where one is given."""
        volume = [] if mounted is None else ["--volume", f"{mounted}:/{mounted.name}:ro"]
        return self.compose("run", "--rm", "--no-TTY", *volume, "tools", *arguments)

    def accounts(self) -> None:
        """New devices get their accounts, and the broker reads them."""
        self.compose("run", "--rm", "--no-TTY", "accounts")
        self.compose("kill", "--signal", "HUP", "broker")

    def query(self, text: str) -> list[str]:
        """Rows of a query, as text."""
        said = self.compose("exec", "-T", "database", "psql", "-U", "postgres", "-d", "borough", "-Atc", text)
        return said.splitlines()

    def health(self) -> dict[str, str]:
        """By service: how a running one is, "" where nobody looks."""
        listed = [json.loads(line) for line in self.compose("ps", "--format", "json").splitlines()]
        return {one["Service"]: one["Health"] for one in listed if one["State"] == "running"}

    def inspect(self, service: str) -> dict[str, Any]:
        """What the daemon says of a service's container."""
        (number,) = self.compose("ps", "--quiet", service).split()
        (found,) = json.loads(self.docker.run("inspect", number))
        return dict(found)

    def publish(self, device: str, payload: bytes) -> bool:
        """As a device, from outside, with the password of the accounts' list."""
        return publish_as(self.broker_port, self.folder / "deploy/private/accounts/secrets.csv", device, payload)

    def logs(self) -> str:
        """What all said last, for who looks why it went wrong."""
        return self.docker.attempt(*self._options(), "logs", "--no-color", "--tail", "15", folder=self.folder).stdout

    def remove(self) -> None:
        """Containers, volumes and networks go."""
        self.docker.attempt(
            *self._options(), "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "20",
            folder=self.folder,
        )  # fmt: skip

    def _options(self) -> Sequence[str]:
        return ("compose", "--project-name", self.project, "--file", "docker-compose.yml", "--file", "here.yml")


def prepare(folder: Path) -> None:
    """The secrets, made as docker-compose.yml's head says."""
    subprocess.run(["sh", str(folder / "deploy/prepare.sh")], check=True, capture_output=True)
