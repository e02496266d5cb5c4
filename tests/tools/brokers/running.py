"""Brokers as child processes of a test: on 127.0.0.1 alone, in a folder of their own, ended with the test."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from borough.postgres_server import free_port
from tests.tools.servers import Mosquitto, wait_for

_CONNECT = bytes.fromhex("100c00044d5154540402000a00" + "00")  # MQTT 3.1.1, clean session, empty client id


@dataclass(frozen=True, slots=True)
class Limits:
    """What a broker is told to bound; None leaves it as large as it goes.

    ``queue``: messages that wait for one session. ``packet``: the largest packet [bytes].
    """

    queue: int | None = None
    packet: int | None = None


class Broker(Protocol):
    """A broker that runs or can be started."""

    port: int

    @property
    def url(self) -> str:
        """``mqtt://`` URL of the plain listener."""

    def start(self, timeout: float = 60.0) -> None:
        """Start and wait until it answers a CONNECT."""

    def stop(self, timeout: float = 60.0) -> None:
        """Clean stop."""

    def kill9(self) -> None:
        """SIGKILL."""

    def restart(self) -> None:
        """Clean stop and start."""

    def freeze(self) -> None:
        """SIGSTOP."""

    def thaw(self) -> None:
        """SIGCONT."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Running:
    """One process that listens on ``port``. The same command and port after every start."""

    def __init__(self, command: Sequence[str], folder: Path, port: int, environment: Mapping[str, str]) -> None:
        self.port = port
        self.log = folder / "broker.log"
        self._command = [*command]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """``mqtt://`` URL of the plain listener."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self, timeout: float = 60.0) -> None:
        """Start and wait until it answers a CONNECT."""
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *self._command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment, start_new_session=True,
            )  # fmt: skip
        if not wait_for(lambda: process.poll() is not None or self._answers(), timeout) or process.poll() is not None:
            self.kill9()
            raise RuntimeError(f"{self._command[0]} did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self, timeout: float = 60.0) -> None:
        """SIGTERM, and wait for the end."""
        self._end(signal.SIGTERM, timeout)

    def kill9(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL, 10.0)

    def restart(self) -> None:
        """Clean stop and start."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, number: signal.Signals, timeout: float) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as probe:
                probe.sendall(_CONNECT)
                return probe.recv(4)[:1] == b"\x20"
        except OSError:
            return False


class Kind(Protocol):
    """A broker of one version that this machine has."""

    name: str
    version: str

    def make(self, folder: Path, limits: Limits) -> Broker:
        """One that does not run yet, with a folder of its own, which is made."""


class MosquittoKind:
    """Mosquitto, whichever version the program is (``more`` is said of it); ``lines`` are more of its configuration."""

    name = "Mosquitto"

    def __init__(self, program: Path, *, more: str = "", lines: Sequence[str] = ()) -> None:
        self.version = _said(program, "-h") + more
        self._program, self._lines = program, lines

    def make(self, folder: Path, limits: Limits) -> Broker:
        """One that does not run yet."""
        folder.mkdir(parents=True)
        broker = Mosquitto(self._program, folder, lines=[line.format(folder=folder) for line in self._lines])
        changed = broker.configuration.read_text()
        if limits.queue is not None:
            changed = changed.replace("max_queued_messages 1000000", f"max_queued_messages {limits.queue}")
        if limits.packet is not None:
            changed = changed.replace("sys_interval 1\n", f"sys_interval 1\nmax_packet_size {limits.packet}\n")
        if any(line.startswith("plugin ") for line in self._lines):
            # 2.1 refuses to start with both
            changed = changed.replace("persistence true\n", "").replace("autosave_interval 1800\n", "")
        broker.configuration.write_text(changed)
        return broker


class MochiKind:
    """Mochi, as ``tests/tools/brokers/mochi`` builds it."""

    name = "Mochi"

    def __init__(self, program: Path) -> None:
        modules = (Path(__file__).parent / "mochi/go.mod").read_text()
        self.version = re.findall(r"mochi-mqtt/server/v2 v(\S+)", modules)[0]
        self._program = program

    def make(self, folder: Path, limits: Limits) -> Broker:
        """One that does not run yet."""
        folder.mkdir(parents=True)
        port = free_port()
        command = [str(self._program), "-port", str(port), "-folder", str(folder / "sessions")]
        queue = str(limits.queue or 65_535)
        command += ["-inflight", queue, "-pending", queue]
        if limits.packet is not None:
            command += ["-packet", str(limits.packet)]
        return Running(command, folder, port, {})


def _said(program: Path, question: str) -> str:
    done = subprocess.run([program, question], capture_output=True, text=True, check=False)
    return str(re.findall(r"version (\d+\.\d+\.\d+)", done.stdout)[0])
