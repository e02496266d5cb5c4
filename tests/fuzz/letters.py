"""People of many scripts get their letters: homes file, import, comparison, ``borough letters``, the PDF's own text.

Then some of them are called, in the database, what no import takes: those letters are listed and no other is touched.
"""

from __future__ import annotations

import json
import random
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.parts import fonts, prepare
from store.connect import connect
from tests.fuzz.names import HOSTILE, NAMES
from tests.tools.pdf import plain, read
from tests.tools.program import BOROUGH, environment
from tests.tools.servers import TIMESCALE_SETTINGS, own_cluster
from tests.worlds.neighbourhood import Street, at

MONDAY = date(2026, 8, 3)
PERIOD = "2026-W32"


def run(seed: int, count: int, say: Callable[[str], None]) -> list[str]:
    """So many households with a server of their own; what was wrong, nothing: all is well."""
    cluster = own_cluster("fuzz-letters", prepare().postgres, TIMESCALE_SETTINGS)
    try:
        with TemporaryDirectory() as folder:
            return check(cluster.url(cluster.create()), Path(folder), fonts(), seed, count, say)
    finally:
        cluster.close()


def check(
    url: str, folder: Path, folders: Sequence[Path], seed: int, count: int, say: Callable[[str], None]
) -> list[str]:
    """The same against a fresh database, with fonts in ``folders``; letters stay in ``folder``."""
    chance = random.Random(seed)
    street = _Street(url, max(count, 110), chance=chance)
    street.build(MONDAY, 7)
    street.analyse(at(MONDAY + timedelta(days=7)))
    names = street.tenancies()
    made, faults = _letters(url, folder, folders, names)
    by_script = Counter(street.scripts[name] for name in names.values())
    say(
        f"letters: {len(names)} households of {len(by_script)} scripts and languages, {made['letters']} letters,"
        f" {len(made['not_made'])} could not be made, {len(faults)} faults"
    )
    for one in made["not_made"]:
        say(f"letters: none to {names[one['tenancy']]!r}: {one['reason']}")
        faults.append(f"{names[one['tenancy']]!r}: {one['reason']}")
    well = sorted(names.keys() - {one["tenancy"] for one in made["not_made"]})
    odd = dict(zip(chance.sample(well, len(HOSTILE)), HOSTILE, strict=True))
    with connect(url) as connection:
        for tenancy, (name, _) in odd.items():
            connection.execute("update personal.tenancy set name = %s where id = %s", (name, tenancy))
        connection.commit()
    others = {tenancy: names[tenancy] for tenancy in well if tenancy not in odd}
    before = {one["tenancy"] for one in made["not_made"]}
    made, more = _letters(url, folder, folders, others)
    listed = {one["tenancy"]: one["reason"] for one in made["not_made"] if one["tenancy"] not in before}
    say(f"letters: {len(odd)} hostile names, {made['letters']} letters, {len(listed)} listed, {len(more)} faults")
    if listed.keys() != odd.keys():
        more.append(f"listed {sorted(listed)}, wanted {sorted(odd)}")
    more += [
        f"{name[:20]!r}: {listed[tenancy]}"
        for tenancy, (name, part) in odd.items()
        if part not in listed.get(tenancy, "")
    ]
    return faults + more


@dataclass
class _Street(Street):
    """A street whose people are called what the seed says; names in the order of their scripts, so that all come."""

    chance: random.Random = field(default_factory=random.Random)
    scripts: dict[str, str] = field(default_factory=dict)

    def row(self, number: int) -> dict[str, str]:
        script = list(NAMES)[number % len(NAMES)]
        given, family = NAMES[script]
        parts = [self.chance.choice(given.split()), self.chance.choice(family.split())]
        name = " ".join(parts if self.chance.random() < 0.7 else parts[::-1])
        if self.chance.random() < 0.2:
            name = unicodedata.normalize("NFD", name)
        elif self.chance.random() < 0.1:
            name = f"{name} & {self.chance.choice(family.split())} (Mrs)"
        self.scripts[name] = script
        return {
            **super().row(number), "name": name, "consent_messages": "2025-01-01",
            "address": f"Flat {number};{self.chance.choice(family.split())} House;Haverley;HV1 2AB",
            "electricity_tariff": f"Fixed {self.chance.choice(given.split())}",
            "electricity_rate": "27.5", "electricity_standing": "54",
        }  # fmt: skip

    def tenancies(self) -> dict[int, str]:
        """Names by tenancy, as the database has them."""
        with connect(self.url) as connection:
            return dict(connection.execute("select id, name from personal.tenancy").fetchall())


def _letters(
    url: str, folder: Path, folders: Sequence[Path], names: dict[int, str]
) -> tuple[dict[str, Any], list[str]]:
    """One run of the command, and what is wrong with the letters to these people."""
    settings = {
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_COUNCIL_NAME": "Haverley Borough Council",
        "BOROUGH_LETTER_FONTS": ":".join(str(one) for one in folders),
    }
    done = subprocess.run(
        [*BOROUGH, "letters", "--period", PERIOD, "--out", str(folder), "--json"],
        capture_output=True, text=True, env=environment(settings), check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1) or not done.stdout or "Traceback" in done.stderr:
        return {"letters": 0, "not_made": []}, [f"borough letters: {done.returncode}, {done.stderr[-2000:]}"]
    made: dict[str, Any] = json.loads(done.stdout)
    faults = []
    if done.returncode != bool(made["not_made"]):
        faults.append(f"status {done.returncode} with {len(made['not_made'])} that could not be made")
    unmade = {one["tenancy"] for one in made["not_made"]}
    for tenancy, name in names.items():
        if tenancy not in unmade:
            path = folder / PERIOD / f"{tenancy}.pdf"
            wrong = _greets(path, name) if path.exists() else "no file"
            faults += [] if wrong is None else [f"{name!r}: {wrong}"]
    return made, faults


def _greets(path: Path, name: str) -> str | None:
    """What is wrong with a letter's greeting: it holds exactly the name's own letters, a sign for a sign.

    A PDF of a script that is written from the right, or whose vowels stand before their consonant, gives them in the
    order of the drawing, and some of them once more.
    """
    greeting = next((node.text for node in read(path, pages=1).nodes if node.text.startswith("Dear")), None)
    if greeting is None:
        return "no greeting"
    found, wanted = (
        Counter(unicodedata.normalize("NFC", text).replace(" ", ""))
        for text in (greeting.removeprefix("Dear").removesuffix(","), plain(name))
    )
    lost, foreign = wanted - found, found.keys() - wanted.keys()
    return f"says {greeting!r}" if lost or foreign else None
