"""Commands as real processes with a terminal, or pipes, before them: what arrives there, byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
import threading
import tty
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.tools.forked import server
from tests.tools.program import environment
from tests.tools.servers import wait_for


@dataclass(frozen=True, slots=True)
class Case:
    """A command's arguments. ``shows``: what it prints holds hostile text, which must be seen, made visible.

    ``raw``: it writes a file's or message's own bytes, which go into a pipe as they are.
    """

    arguments: Sequence[str] = ()
    shows: bool = True
    raw: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    stdin: Path | None = None
    until: Callable[[bytes], bool] | None = None
    json: bool = True


class Output(NamedTuple):
    """What a command left behind."""

    status: int
    out: bytes
    errors: bytes


class Terminals:
    """Runs commands. ``folder`` is theirs; ``settings`` are added to the environment of each."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.settings = folder, dict(settings)

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
        with (stdin or Path(os.devnull)).open("rb") as read:
            command = server().start(
                arguments, given, folder=self.folder,
                stdin=read.fileno(), stdout=outs[0].writing, stderr=outs[1].writing,
            )  # fmt: skip
        if until is not None:
            came = wait_for(lambda: until(outs[0].so_far() + outs[1].so_far()), 300)
            command.send_signal(signal.SIGTERM)
            assert came, outs[1].so_far()
        status = command.wait(600)
        return Output(status, *(out.read() for out in outs))


class _Pipe:
    """Collects what is written into a pipe, by a thread of its own: a full pipe would stop the writer."""

    def __init__(self) -> None:
        self._reading, self.writing = self._open()
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    def so_far(self) -> bytes:
        """What came until now."""
        return b"".join(self._parts)

    def read(self) -> bytes:
        """What came, all of it, once the writer has ended."""
        os.close(self.writing)
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

    def _open(self) -> tuple[int, int]:
        master, slave = pty.openpty()
        tty.setraw(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2_000, 0, 0))
        return master, slave
