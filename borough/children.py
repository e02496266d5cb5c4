"""Child processes that never outlive us: own session, ended in our order, and by the kernel when we are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from borough.errors import Failure


class Child:
    """One started program. Start it from the main thread: the kernel ties its life to the thread that started it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        pipes: bool = False,
    ) -> None:
        """Start ``command`` with its output in ``log``; ``pipes`` gives standard input and output to us instead."""
        self.name = name
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else file,
                stderr=file,
                env=dict(environment) if environment is not None else None,
                cwd="/",
                start_new_session=True,  # Ctrl-C at the terminal reaches us alone
            )

    @property
    def stdin(self) -> IO[bytes]:
        """Its standard input, where ``pipes`` was asked for."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Its standard output, where ``pipes`` was asked for."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise Failure with the last line of its log if it has ended."""
        if self.status is not None:
            raise Failure(f"the {self.name} ended by itself with status {self.status}: {self.last_words()}")

    def last_words(self) -> str:
        """The last line of its log, and where the log is."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return f"{lines[-1] if lines else 'it said nothing'} (log: {self.log})"

    def stop(self, timeout: float) -> int:
        """Ask it to end (SIGTERM), after ``timeout`` seconds make it (SIGKILL, its own children too); its status."""
        if self.status is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.returncode
