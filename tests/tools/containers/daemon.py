"""A Docker of our own: Debian's daemon with its data in a folder of this user, and Compose of Debian 13.

Nothing of a Docker that runs already is touched: other socket, other data, no default bridge. Needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from borough.postgres_server import locked
from tests.judges.sources import NotHad, debian
from tests.tools.program import WITH_US
from tests.tools.servers import wait_for

_PLUGIN = "usr/libexec/docker/cli-plugins/docker-compose"
_PROGRAMS = {
    "dockerd": "docker.io", "docker": "docker.io or docker-cli", "iptables": "iptables", "debootstrap": "debootstrap",
}  # fmt: skip
#: Making an image or waiting for a stack has so long [s].
PATIENCE = 1800


@dataclass(frozen=True, slots=True)
class Docker:
    """A running daemon, and how it is spoken to."""

    environment: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str, given: str | None = None, folder: Path | None = None) -> str:
        """Standard output of a ``docker`` command. Raises RuntimeError with what it said where it fails."""
        done = self.attempt(*arguments, given=given, folder=folder)
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def attempt(
        self, *arguments: str, given: str | None = None, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same, whatever its status."""
        return subprocess.run(
            ["docker", *arguments], env=self.environment, cwd=folder, input=given, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip

    def has(self, image: str) -> bool:
        """Whether an image is there."""
        return self.attempt("image", "inspect", image).returncode == 0


def missing() -> str:
    """Why no containers can be run here; empty where they can."""
    if os.geteuid() != 0:
        return "containers of a daemon of our own need root"
    lacks = {name: package for name, package in _PROGRAMS.items() if shutil.which(name) is None}
    if lacks:
        return f"there is no {', '.join(lacks)}: install {', '.join(dict.fromkeys(lacks.values()))}"
    return ""


@contextmanager
def docker(store: Path, work: Path) -> Iterator[Docker]:
    """Start the daemon; images stay in ``store`` for the next time, all else is in ``work``. Raises NotHad."""
    reason = missing()
    if reason:
        raise NotHad(reason)
    plugin = debian("docker-compose", has=_PLUGIN).find(store) / _PLUGIN
    plugins = work / "docker/cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(plugin)
    socket, data = work / "docker.sock", store / "docker"
    environment = {
        **os.environ,
        "DOCKER_HOST": f"unix://{socket}",
        "DOCKER_CONFIG": str(plugins.parent),
        "DOCKER_BUILDKIT": "0",  # the other builder is a plugin that Debian has apart
    }
    log = work / "dockerd.log"
    with locked(store / "docker.lock"), log.open("w") as said:
        process = subprocess.Popen(
            [*WITH_US, *_daemon(socket, data, work)], stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        made = Docker(environment)
        try:
            up = wait_for(lambda: process.poll() is not None or made.attempt("info").returncode == 0, 120)
            if not up or process.poll() is not None:
                raise NotHad(f"Docker's daemon does not start here: {log.read_text()[-600:]}")
            yield made
        finally:
            process.terminate()
            process.wait(120)
            _unmount(work)


def _unmount(folder: Path) -> None:
    """What the daemon leaves mounted: a folder with a mount in it cannot be removed."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted(points, reverse=True):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", point], check=True, capture_output=True)


def _daemon(socket: Path, data: Path, work: Path) -> Sequence[str]:
    return (
        "dockerd", "--host", f"unix://{socket}", "--data-root", str(data), "--exec-root", str(work / "run"),
        "--pidfile", str(work / "dockerd.pid"), "--bridge", "none",
    )  # fmt: skip
