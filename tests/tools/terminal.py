"""Commands as real processes with a terminal, or pipes, before them: what arrives there, byte for byte.

Importing everything takes a second, so one process does it once and forks for each command: ``python -m
tests.tools.terminal`` reads a JSON line a command and answers with its process id, then with its status.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.tools.program import WITH_US, environment
from tests.tools.servers import wait_for

ROOT = Path(__file__).parents[2]


class Output(NamedTuple):
    """What a command left behind."""

    status: int
    out: bytes
    errors: bytes


class Terminals:
    """Runs commands. ``folder`` is theirs; ``settings`` are added to the environment of each."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.settings = folder, dict(settings)
        self._server = subprocess.Popen(
            [*WITH_US, sys.executable, "-m", "tests.tools.terminal"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment({}),
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(30)
        self._server.stdout.close()

    def run(
        self,
        arguments: Sequence[str],
        *,
        terminal: bool,
        settings: Mapping[str, str] | None = None,
        stdin: Path | None = None,
        until: Callable[[bytes], bool] | None = None,
    ) -> Output:
        """One command. ``until`` is asked with what it has written so far; once it says yes, SIGTERM ends it."""
        outs = [_Terminal() if terminal else _Pipe() for _ in range(2)]
        given = {**environment({**self.settings, **(settings or {})}), "TERM": "xterm"}
        question = {
            "arguments": list(arguments), "environment": given, "folder": str(self.folder),
            "stdin": str(stdin or os.devnull), "stdout": outs[0].name, "stderr": outs[1].name,
        }  # fmt: skip
        number = self._ask(question)
        if until is not None:
            came = wait_for(lambda: until(outs[0].so_far() + outs[1].so_far()), 300)
            os.kill(number, signal.SIGTERM)
            assert came, outs[1].so_far()
        status = self._answer()
        return Output(status, *(out.read() for out in outs))

    def _ask(self, question: Mapping[str, Any]) -> int:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(question).encode() + b"\n")
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())


class _Pipe:
    """Collects what is written into a pipe, by a thread of its own: a full pipe would stop the writer."""

    def __init__(self) -> None:
        self._reading, self._writing = self._open()
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    @property
    def name(self) -> str:
        """A path under which the other process can open it."""
        return f"/proc/{os.getpid()}/fd/{self._writing}"

    def so_far(self) -> bytes:
        """What came until now."""
        return b"".join(self._parts)

    def read(self) -> bytes:
        """What came, all of it, once the writer has ended."""
        os.close(self._writing)
        self._thread.join(30)
        os.close(self._reading)
        return self.so_far()

    def _open(self) -> tuple[int, int]:
        return os.pipe()

    def _collect(self) -> None:
        try:
            while part := os.read(self._reading, 65_536):
                self._parts.append(part)
        except OSError:
            return  # so a terminal says that nobody has it open any more


class _Terminal(_Pipe):
    """A pseudo-terminal that changes nothing, wide enough that no line is folded."""

    @property
    def name(self) -> str:
        return os.ttyname(self._writing)

    def _open(self) -> tuple[int, int]:
        master, slave = pty.openpty()
        tty.setraw(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2_000, 0, 0))
        return master, slave


def _serve() -> None:
    from borough import app  # noqa: F401  # every command with what it imports

    for line in sys.stdin.buffer:
        question = json.loads(line)
        number = os.fork()
        if number == 0:
            _become(question)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        _, ended = os.waitpid(number, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()


def _become(question: Mapping[str, Any]) -> None:
    """Be the command, as ``borough`` at a prompt: its own session, outputs, environment and folder."""
    os.setsid()
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        os.dup2(os.open(question[name], os.O_RDONLY if place == 0 else os.O_WRONLY | os.O_NOCTTY), place)
    for place, mode in ((1, "w"), (2, "w")):
        stream = open(place, mode, encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        setattr(sys, ("stdin", "stdout", "stderr")[place], stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(question["environment"])
    os.chdir(question["folder"])
    sys.argv = ["borough", *question["arguments"]]
    status = 70
    try:
        from borough.cli import main

        main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001  # a fault of the command is shown as at a prompt
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
