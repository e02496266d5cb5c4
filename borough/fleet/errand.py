"""What a worker does for one borough: the command as anybody would run it there, in a process of its own.

So a borough's settings and readings stay in that process, a run that is killed leaves what a killed command leaves, and
what comes back is what the command said, byte for byte. A scheduler sees `Place` and the words of the task; the answer
is fetched from the worker (`borough.fleet.over`).
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from pathlib import Path

from borough.errors import SettingsError
from borough.fleet.boroughs_file import Place
from borough.settings.settings import PREFIX
from devices.files import read_text

#: Status of the child where waiting may mend it (EX_TEMPFAIL of sysexits.h).
TEMPORARY = 75
_DISTRIBUTION = "borough-telemetry"
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one borough's task."""

    name: str
    #: Exit status of the command, 75 where waiting may mend it; None where none was begun.
    status: int | None
    #: Standard output, as it came.
    out: str = ""
    #: Why it is not done, in words.
    why: str = ""
    #: [s] on the worker.
    seconds: float = 0.0
    #: The machine that did it.
    host: str = ""

    @property
    def done(self) -> bool:
        """Whether the command ended well."""
        return self.status == 0

    @property
    def passing(self) -> bool:
        """Whether it may be done when asked again: the database is away or busy, or its run was killed."""
        return self.status is not None and (self.status == TEMPORARY or self.status < 0)


def run(place: Place, words: Sequence[str], program: str) -> Outcome:
    """Run a task in one borough and wait for its end. Called on a worker; whatever goes wrong is in what it returns.

    ``program``: version of who sends it; a worker of another one would compute otherwise.
    """
    began, host = time.monotonic(), platform.node()
    here = version(_DISTRIBUTION)
    if here != program:
        return Outcome(place.name, None, why=f"the worker on {host} is borough {here}, not {program}: install the same")
    try:
        settings = environment(place, os.environ)
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "borough.fleet.child", *words]
        done = subprocess.run(
            command,
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except SettingsError as error:
        return Outcome(place.name, None, why=str(error), host=host)
    except OSError as error:
        return Outcome(place.name, None, why=f"{host}: {error.filename}: {error.strerror}", host=host)
    why = "" if done.returncode == 0 else _why(done)
    return Outcome(place.name, done.returncode, done.stdout, why, time.monotonic() - began, host)


def environment(place: Place, around: Mapping[str, str]) -> dict[str, str]:
    """The environment of one borough's command: the worker's ``around``, with that borough's settings.

    These stand in for all of ours that the worker has, and for libpq's (``PGPASSWORD`` would complete any URL): what
    belongs to another borough must not show through. Raises SettingsError naming the file, never with what it holds.
    """
    kept = {name: value for name, value in around.items() if not name.upper().startswith((PREFIX, "PG"))}
    return {**kept, **read_settings_file(Path(place.settings))}


def read_settings_file(path: Path) -> dict[str, str]:
    """Settings by name, of lines ``BOROUGH_…=value`` as systemd and docker take them. Raises SettingsError."""
    from dotenv.parser import parse_stream

    where = f"{path} on {platform.node()}"
    try:
        text = read_text(path)
    except OSError as error:
        raise SettingsError(f"{where}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{where} is not UTF-8 text") from None
    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        whole = binding.original.string
        line = whole.strip()
        number = binding.original.line + len(_LINE_END.findall(whole[: len(whole) - len(whole.lstrip())]))
        # a quote that is closed on a later line would take the settings between for its text
        if binding.error or _LINE_END.search(line) or "\0" in line:
            raise SettingsError(
                f"{where}: line {number} cannot be read: look at its quotes, and what stands after them"
            )
        if binding.key is None:
            continue  # a comment, or nothing
        if binding.value is None or not line.startswith(PREFIX):
            raise SettingsError(f"{where}: line {number} is no setting such as {PREFIX}WEB_PORT=8000")
        found[binding.key] = binding.value
    return found


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """Why a command ended otherwise than well, in its own last words."""
    if done.returncode < 0:
        return f"its run was killed by signal {-done.returncode}"
    for said in (done.stderr, done.stdout):
        if lines := said.strip().splitlines():
            return lines[-1].removeprefix("borough: ")
    return f"ended with status {done.returncode}"
