"""A scheduler of Dask and its workers as processes, as an operator starts them, for tests that kill these."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from borough.postgres_server import free_port
from tests.tools.certificates import Pair
from tests.tools.program import WITH_US, environment
from tests.tools.servers import wait_for

_HERE = "127.0.0.1"


class Dask:
    """A scheduler with workers of one thread each; ``address`` is what `borough fleet --scheduler` takes."""

    def __init__(self, folder: Path, settings: dict[str, str], tls: tuple[Path, Pair] | None) -> None:
        self.address = f"{'tcp' if tls is None else 'tls'}://{_HERE}:{free_port()}"
        self._tls: list[str] = []
        if tls is not None:
            authority, pair = tls
            self._tls = [
                "--tls-ca-file",
                str(authority),
                "--tls-cert",
                str(pair.certificate),
                "--tls-key",
                str(pair.key),
            ]
        self.log = folder / "dask.log"
        self._settings = settings
        self._folder = folder
        self.scheduler = self._start(
            "scheduler", "--host", self.address, "--dashboard-address", f"{_HERE}:0", *self._tls
        )
        self.workers: list[subprocess.Popen[bytes]] = []

    def add(self, *more: str) -> subprocess.Popen[bytes]:
        """Start one more worker, without a nanny: who kills it has killed it."""
        worker = self._start(
            "worker", self.address, "--no-nanny", "--nthreads", "1", "--host", _HERE,
            "--dashboard-address", f"{_HERE}:0", "--local-directory", str(self._folder), *self._tls, *more,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def ready(self, workers: int) -> bool:
        """Whether so many have registered, in time."""
        return wait_for(lambda: self.log.read_text().count("Registered to:") >= workers, 60)

    def at_work(self, url: str | None = None) -> list[tuple[subprocess.Popen[bytes], psutil.Process]]:
        """Workers that are at a borough's command, each with its command; of the borough with this database alone."""
        found: list[tuple[subprocess.Popen[bytes], psutil.Process]] = []
        for worker in self.workers:
            if worker.poll() is None:
                for child in psutil.Process(worker.pid).children(recursive=True):
                    try:
                        ours = "borough.fleet.child" in child.cmdline()
                        if ours and url in (None, child.environ().get("BOROUGH_DATABASE_URL")):
                            found.append((worker, child))
                    except psutil.NoSuchProcess:
                        continue  # it ended between the two questions
        return found

    def close(self) -> None:
        """End everything."""
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(60)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*WITH_US, sys.executable, "-m", "dask", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**environment({}), **self._settings}, cwd=Path(__file__).parents[2], start_new_session=True,
            )  # fmt: skip


@contextmanager
def dask(folder: Path, workers: int, *, tls: tuple[Path, Pair] | None = None, **settings: str) -> Iterator[Dask]:
    """A scheduler with so many workers, which have ``settings`` in their environment.

    ``tls``: the authority's file and the certificate of them all.
    """
    made = Dask(folder, settings, tls)
    try:
        for _ in range(workers):
            made.add()
        assert made.ready(workers), made.log.read_text()[-2000:]
        yield made
    finally:
        made.close()


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended; one that nobody waits for any more counts."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def kill9(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL, and wait until it is gone."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
