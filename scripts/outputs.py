"""What the program says of one database, one file for each output: ``diff -r`` of two folders compares two versions.

Asked are the commands that change nothing, the site in every role with some households signed in (pages, API, files),
and a collector that is sent a fixed list of messages. What differs by nature stands there in fixed words
(`scripts.fixed_words`), so the same version says the same twice. Settings come from the environment. Looks, letters'
codes and the collector's messages are written into the database: give it a copy (``createdb -T``), migrated by the
version that is asked.

Example: python -m scripts.outputs postgresql://borough@127.0.0.1/copy before --checkout ../before
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from scripts.fixed_words import FixedWords
from scripts.outputs_collector import ask_collector
from scripts.outputs_site import ask_site, households, newest_day

ROOT = Path(__file__).resolve().parent.parent
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
#: Commands without a household, a device or a file in them.
PLAIN = """
--version
nonsense
migrate --json
devices list
devices list --json --retired
devices list --family air-monitor
devices status --silent-after 1min
devices status --silent-after 1min --json
devices show nobody
devices export
devices export --format geojson
homes status
homes status --json
rejected list
rejected list --json --limit 1000
rejected list --family smart-meter --limit 5
rejected list --reason unreadable
rejected list --reason nonsense
correct list
correct list --json
correct show 1 --values 20
correct show 1 --values 20 --json
correct show 99
correct archive
correct archive --json
decode nonsense
explain 1 2026-W99
letters --period nonsense --out .
subject 1 --json
erase 1 --dry-run
analyse
analyse --json
simulate simulators/fleets/demo.toml --hours 1 --dry-run --json
simulate simulators/fleets/faults-all.toml --hours 1 --dry-run --json
simulate simulators/fleets/demo.toml --hours 1 --dry-run --format vendor
"""
#: Files with mistakes, for the imports' dry runs.
WRONG = {
    "devices": "device_id,family,model,lon,lat,interval\nnew-1,air-monitor,native,-0.1,51.5,\nx y,nonsense,native,,,\n"
    "new-2,smart-meter,native,200,,soon\nnew-1,air-monitor,native,,,\n",
    "homes": "uprn,address,lon,lat,dwelling,heating,from,meters,consent_comparison\n"
    "998000000001,1 New Road;TE1 1AA,-0.1,51.5,flat,gas,2026-01-01,not-there,2026-01-01\n"
    "x,,5,,castle,coal,someday,,\n",
}


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


def main(arguments: Sequence[str]) -> int:
    """Ask everything; 0."""
    parser = argparse.ArgumentParser(prog="python -m scripts.outputs", description=__doc__.splitlines()[0])
    parser.add_argument("database", help="URL of a copy, migrated by the version that is asked")
    parser.add_argument("folder", type=Path, help="a new folder for the outputs")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="of the version that is asked; without it this one")
    parser.add_argument("--ledger", type=Path, action="append", default=[], help="for borough reconcile; repeatable")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="borough-outputs-") as work:
        asked = _asked(options.checkout.resolve(), options.folder.resolve(), Path(work), options.database)
        with commands(asked) as ask:
            _help(ask)
            _decode(ask)
            _plain(ask, [path.resolve() for path in options.ledger])
            chosen = households(asked.database)
            for number, (uprn, tenancy, periods) in enumerate(chosen):
                _household(ask, uprn, tenancy, periods if number else [*periods, "2026-W01"])
            _letters(ask, sorted({period for *_, periods in chosen for period in periods})[-1:])
            ask_site(asked, chosen)
            ask_collector(asked, ask)
    print(f"{asked.files} outputs of {asked.checkout} in {options.folder}", file=sys.stderr)
    return 0


def _asked(checkout: Path, folder: Path, work: Path, database: str) -> Asked:
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


def _help(ask: Commands, *group: str) -> None:
    """The help of a group's commands, and of what is below them."""
    said = ask(*group, "--help", name=f"help/{' '.join(('borough', *group))}")
    for command in re.findall(r"(?m)^  ([a-z]+)(?:  |$)", said.partition("\nCommands:\n")[2]):
        _help(ask, *group, command)


def _decode(ask: Commands) -> None:
    """Messages of real devices: the cases that the tests have, each as table and as JSON."""
    for case in sorted(path.parent for path in (ROOT / "tests/cases").rglob("device.toml")):
        message = next((path for path in sorted(case.glob("message.*"))), None)
        if message is None:
            continue
        device = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))
        known = [text for key, value in sorted(device.get("attributes", {}).items())
                 for text in ("--attribute", f"{key}={value}")]  # fmt: skip
        options = [text for key in ("device", "family", "model") if key in device for text in (f"--{key}", device[key])]
        name = f"decode/{case.parent.name}/{case.name}"
        ask("decode", case.parent.name, *options, *known, given=message.read_bytes(), name=name)
        ask("decode", case.parent.name, *options, *known, "--json", given=message.read_bytes(), name=f"{name}-json")


def _plain(ask: Commands, ledgers: Sequence[Path]) -> None:
    ask()
    for line in PLAIN.strip().splitlines():
        ask(*line.split())
    listed = json.loads(ask("devices", "list", "--json"))
    devices: list[dict[str, Any]] = listed["devices"] if isinstance(listed, dict) else listed
    newest = newest_day(ask.asked.database)
    week = ("--from", str(newest - timedelta(days=8)), "--until", str(newest - timedelta(days=1)))
    named = {family: next(_id(one) for one in devices if one["family"] == family) for family in _families(devices)}
    for family, device in named.items():
        ask("devices", "show", device)
        ask("devices", "show", device, "--json")
        ask("complete", "--family", family, *week, "--json")
    ask("complete", *week)
    exported = ask("devices", "export", "--format", "csv", name="devices export again")
    for name, text in (("exported", exported), ("wrong", WRONG["devices"]), ("cut", exported[: len(exported) // 2])):
        _import(ask, "devices", name, text)
    _import(ask, "homes", "wrong", WRONG["homes"])
    numbers = [one["id"] for one in json.loads(ask("rejected", "list", "--json"))["rejected"]]
    for number in sorted({*numbers[:5], *numbers[-5:]}):
        ask("rejected", "show", str(number))
        ask("rejected", "show", str(number), "--json")
        ask("rejected", "show", str(number), "--raw")
    if ledgers:
        ask("reconcile", *map(str, ledgers), name="reconcile")
        ask("reconcile", *map(str, ledgers), "--json", name="reconcile --json")


def _id(device: dict[str, Any]) -> str:
    return str(device["device_id"] if "device_id" in device else device["id"])


def _families(devices: Sequence[dict[str, Any]]) -> list[str]:
    return sorted({str(one["family"]) for one in devices})


def _import(ask: Commands, what: str, name: str, text: str) -> None:
    file = ask.asked.work / f"{what}-{name}.csv"
    file.write_text(text, encoding="utf-8")
    ask(what, "import", str(file), "--dry-run", name=f"{what} import {name}")
    ask(what, "import", str(file), "--dry-run", "--json", name=f"{what} import {name} --json")


def _household(ask: Commands, uprn: str, tenancy: int, periods: Sequence[str]) -> None:
    for period in periods:
        ask("explain", uprn, period)
        ask("explain", uprn, period, "--json")
    if periods:
        ask("explain", uprn, periods[0], "--neighbours", "--fuel", "electricity")
    ask("subject", str(tenancy), "--json")
    ask("erase", str(tenancy), "--dry-run")
    ask("erase", str(tenancy), "--dry-run", "--json")


def _letters(ask: Commands, periods: Sequence[str]) -> None:
    """Letters of a period: what they say as it is read aloud, without the codes."""
    from tests.tools.pdf import read  # needs the tests' libraries

    for period in periods:
        out = ask.asked.work / "letters"
        out.mkdir()
        made = json.loads(ask("letters", "--period", period, "--out", str(out), "--json", name="letters") or "{}")
        for file in sorted(out.rglob("*.pdf")):
            if file.stem.isdigit():
                text = re.sub(r"\b[A-Z0-9]{4}(?:[- ][A-Z0-9]{4})+\b", "<code>", read(file).text)
                ask.asked.keep(f"letters/{file.stem}", text.replace(". ", ".\n"))
        if made.get("manifest"):
            with io.StringIO(Path(made["manifest"]).read_text(encoding="utf-8")) as listed:
                ask.asked.keep("letters/manifest", "\n".join("\t".join(row) for row in csv.reader(listed)))
        shutil.rmtree(out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
