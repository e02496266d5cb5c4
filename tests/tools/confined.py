"""``borough replay`` with what it said and the most memory that it ever had.

One process has imported what the command imports, and nothing else, and forks for each: so a fork begins with the
memory of a fresh process, without the second that it takes to become one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.tools.program import WITH_US, environment

_SERVE = """
import json, os, sys, traceback
import borough.commands.replay, borough.replay.job
from borough.cli import run
for line in sys.stdin:
    arguments, folder = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for place, name in (1, "out"), (2, "err"):
            os.dup2(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), place)
        status = 70
        try:
            status = run(arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            for line in open("/proc/self/status"):
                if line.startswith("VmHWM:"):
                    open(os.path.join(folder, "peak"), "w").write(line.split()[1])
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Ended(NamedTuple):
    """``peak``: the process's own high-water mark [MB]."""

    status: int
    out: str
    err: str
    peak: float


class Confined:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*WITH_US, sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment({}), text=True,
        )  # fmt: skip

    def replay(self, folder: Path, arguments: Sequence[str]) -> Ended:
        """Run ``borough replay`` with these arguments to its end; what it says and had is kept in ``folder``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([["replay", *arguments], str(folder)]) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = ((folder / name).read_text(errors="surrogateescape") for name in ("out", "err"))
        assert (folder / "peak").exists(), f"it ended with {status}: {err[-3000:]}"
        return Ended(status, out, err, int((folder / "peak").read_text()) / 1024)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
