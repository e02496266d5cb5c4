"""What the program says of one database, one file for each output: ``diff -r`` of two folders compares two versions.

Asked are the commands that change nothing, the site in every role with some households signed in (pages, API, files),
and a collector that is sent a fixed list of messages. What differs by nature stands there in fixed words
(`scripts.fixed_words`), so the same version says the same twice. Settings come from the environment. Looks, letters'
codes and the collector's messages are written into the database: give it a copy (``createdb -T``), migrated by the
version that is asked. "What is arriving" tells of the last half hour: wait for so long after the data came.

Example: python -m scripts.outputs postgresql://borough@127.0.0.1/copy before --checkout ../before
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from scripts.outputs_asked import Commands, asked_of, commands
from scripts.outputs_collector import ask_collector
from scripts.outputs_site import ask_site, households, newest_day

ROOT = Path(__file__).resolve().parent.parent
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
        asked = asked_of(options.checkout.resolve(), options.folder.resolve(), Path(work), options.database)
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
