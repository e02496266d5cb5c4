"""Commands as processes of their own without the second that importing everything takes.

One process imports it all once and forks for each command: ``python -m tests.tools.forked FD`` answers JSON lines on a
socket. A forked command has arguments, environment, folder, outputs, session, signals and status like one from a
prompt; what it does not show is how long a start takes and how much memory a fresh one has.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.tools.program import WITH_US, environment

ROOT = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1


class Forked:
    """A running command, as `subprocess.Popen` shows one."""

    def __init__(self, server: Server, pid: int, arguments: Sequence[str]) -> None:
        self._server, self.pid, self._arguments = server, pid, arguments
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its status, once it has ended."""
        if self.returncode is None:
            self.returncode = self._server.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its status. Raises subprocess.TimeoutExpired."""
        began = time.monotonic()
        while (status := self.poll()) is None:
            waited = time.monotonic() - began
            if timeout is not None and waited > timeout:
                raise subprocess.TimeoutExpired(list(self._arguments), timeout)
            time.sleep(max(0.005, min(waited / 20, 0.1)))
        return status

    def send_signal(self, number: int) -> None:
        """Nothing happens to one that has ended: until it was asked for, its number is nobody else's."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Server:
    """The process that forks."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*WITH_US, sys.executable, "-m", "tests.tools.forked", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd=ROOT, env=environment({}),
                start_new_session=True,
            )  # fmt: skip
        self._socket = ours
        self._answers = ours.makefile("rb")

    def start(
        self, arguments: Sequence[str], given: Mapping[str, str], *, folder: Path, stdin: int, stdout: int, stderr: int
    ) -> Forked:
        """Begin ``borough`` with these arguments and no other environment than ``given``; the rest are descriptors."""
        question = {"arguments": list(arguments), "environment": dict(given), "folder": str(folder)}
        socket.send_fds(self._socket, [json.dumps(question).encode() + b"\n"], [stdin, stdout, stderr])
        return Forked(self, int(self._answers.readline()), arguments)

    def ask(self, question: Mapping[str, Any]) -> Any:
        """A question without descriptors."""
        self._socket.sendall(json.dumps(question).encode() + b"\n")
        return json.loads(self._answers.readline())

    def close(self) -> None:
        """End it, and with it what it has begun."""
        self._answers.close()
        self._socket.close()
        self._process.wait(60)


@cache
def server() -> Server:
    """The one of this process."""
    one = Server()
    atexit.register(one.close)
    return one


def start(arguments: Sequence[str], settings: Mapping[str, str], output: int) -> Forked:
    """Begin ``borough`` with these arguments; what it says goes to the descriptor ``output``."""
    with Path(os.devnull).open("rb") as nothing:
        return server().start(
            arguments, environment(settings), folder=ROOT, stdin=nothing.fileno(), stdout=output, stderr=output
        )


def run_bytes(
    arguments: Sequence[str],
    settings: Mapping[str, str],
    *,
    stdin: bytes = b"",
    timeout: float = 300,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``borough`` with these arguments to its end. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        command = server().start(
            arguments, environment(settings), folder=ROOT,
            stdin=given.fileno(), stdout=out.fileno(), stderr=errors.fileno(),
        )  # fmt: skip
        try:
            status = command.wait(timeout)
        except subprocess.TimeoutExpired:
            command.kill()
            raise
        for file in (out, errors):
            file.seek(0)
        return subprocess.CompletedProcess(["borough", *arguments], status, out.read(), errors.read())


def run(
    arguments: Sequence[str],
    settings: Mapping[str, str],
    *,
    stdin: bytes = b"",
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """The same, what it said as text with plain line ends."""
    done = run_bytes(arguments, settings, stdin=stdin, timeout=timeout)
    out, errors = (said.decode().replace("\r\n", "\n") for said in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, errors)


def _import_everything() -> None:
    """All of our modules, and with them the libraries that a command would import when it is asked for."""
    for package in ("devices", "store", "analytics", "ingest", "dashboard", "simulators", "borough"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    gc.freeze()  # a fork that collects garbage would copy all of it


def _serve(asked: socket.socket) -> None:
    _import_everything()
    running: set[int] = set()
    while True:
        data, descriptors, _, _ = socket.recv_fds(asked, 65_536, 3)
        while data and not data.endswith(b"\n"):
            data += asked.recv(65_536)
        if not data:
            break
        question = json.loads(data)
        if "ended" in question:
            pid, ended = os.waitpid(question["ended"], os.WNOHANG)
            running.discard(pid)
            answer: int | None = os.waitstatus_to_exitcode(ended) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                asked.close()
                _become(question, descriptors)
            running.add(answer)
            for descriptor in descriptors:
                os.close(descriptor)
        asked.sendall(json.dumps(answer).encode() + b"\n")
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _become(question: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    """Be the command, as ``borough`` at a prompt: its own session, outputs, environment and folder."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for place, name in ((1, "stdout"), (2, "stderr")):
        setattr(sys, name, open(place, "w", encoding="utf-8", closefd=False, buffering=1))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(question["environment"])
    os.chdir(question["folder"])
    sys.argv = ["borough", *question["arguments"]]
    status: int = 70
    try:
        from borough.cli import main

        main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else left.code is not None
    except BaseException:  # noqa: BLE001  # a fault of the command is shown as at a prompt
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
