"""The version that `scripts.outputs` asks: its settings, its commands, and where its answers go."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from scripts.fixed_words import FixedWords

#: Runs commands as processes of their own without starting Python and its libraries for each.
_COMMANDS = """
import gc, json, os, sys
from borough import app, cli
getattr(app, "make_app", list)()  # older versions load all commands anyway
gc.freeze()
write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
while line := sys.stdin.readline():
    arguments, given, said, told = json.loads(line)
    child = os.fork()
    if not child:
        for number, (name, flags) in enumerate(((given, os.O_RDONLY), (said, write), (told, write))):
            os.dup2(os.open(name, flags, 0o600), number)
        sys.argv = ["borough", *arguments]
        cli.main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(slots=True)
class Asked:
    """The program that is asked, and where its answers go."""

    checkout: Path
    folder: Path
    work: Path
    database: str
    words: FixedWords
    environment: dict[str, str]
    files: int = field(default=0)

    def keep(self, name: str, text: str) -> None:
        """Write one answer in fixed words."""
        path = self.folder / f"{re.sub(r'[^A-Za-z0-9_.=/-]+', '_', name)[:180]}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.words(text), encoding="utf-8")
        self.files += 1


class Commands:
    """Commands of the program that is asked: what they say is kept, and given back."""

    def __init__(self, asked: Asked, process: subprocess.Popen[str]) -> None:
        self.asked, self.process = asked, process

    def __call__(self, *arguments: str, given: bytes = b"", name: str = "") -> str:
        """Run one; its standard output."""
        paths = [self.asked.work / part for part in ("given", "said", "told")]
        paths[0].write_bytes(given)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([arguments, *map(str, paths)]) + "\n")
        self.process.stdin.flush()
        status = self.process.stdout.readline().strip()
        if not status:
            raise RuntimeError(f"no command can be run in {self.asked.checkout}")
        said, told = (path.read_bytes().decode("utf-8", "backslashreplace") for path in paths[1:])
        line = " ".join(("borough", *arguments))
        self.asked.keep(
            f"commands/{name or ' '.join(arguments) or 'borough'}", f"$ {line}\nstatus {status}\n{said}---\n{told}"
        )
        return said


@contextmanager
def commands(asked: Asked) -> Iterator[Commands]:
    """For the block."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _COMMANDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=asked.environment,
        cwd=asked.checkout,
        text=True,
    )
    try:
        yield Commands(asked, process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def asked_of(checkout: Path, folder: Path, work: Path, database: str) -> Asked:
    """A checkout over a database, with the settings of the environment and a council's own."""
    zone = ZoneInfo(os.environ.get("BOROUGH_TIME_ZONE") or "Europe/London")
    words = FixedWords(zone)
    words.name({str(checkout): "<checkout>", str(work): "<work>", database.partition("@")[2]: "<database>"})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    words.name({value: f"<{name}>" for name, value in kept.items() if name.startswith("BOROUGH_") and "/" in value})
    environment = {
        **kept,
        "PYTHONPATH": str(checkout),
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "100",
        "TZ": "UTC",
        "BOROUGH_DATABASE_URL": database,
        "BOROUGH_COUNCIL_NAME": "Testborough Council",
        "BOROUGH_COUNCIL_ADDRESS": "Town Hall,High Street,TE5 7ST",
        "BOROUGH_HELP_LINE": "0800 000 0000, weekdays 9 to 5",
    }
    return Asked(checkout, folder, work, database, words, environment)
