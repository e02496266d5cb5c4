"""``make judges``: fetch every judge that this machine can have, ask each about our real output, print one table.

Status 1 where one found something; where one is missing too under ``CI`` or with ``--all``. What is missing is shown
with its reason and is never a success.

Example: python -m tests.judges --only "W3C HTML checker"
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.judges import documents, open_data, openapi, pages, sensorthings, suites, units
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import NotHad, cache
from tests.judges.world import Servers

#: Every judge, in the order of the table.
JUDGES: tuple[Judge, ...] = (
    *pages.JUDGES,
    *documents.JUDGES,
    *openapi.JUDGES,
    *open_data.JUDGES,
    *suites.JUDGES,
    *sensorthings.JUDGES,
    *units.JUDGES,
)
#: So many problems of one judge are printed.
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a judge: its verdict, or why there is none."""

    judge: Judge
    verdict: Verdict | None
    missing: str = ""
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The last column."""
        if self.verdict is None:
            return f"not had: {self.missing}"
        if self.verdict.judged == 0:
            return "looked at nothing"
        count = len(self.verdict.problems)
        return "nothing found" if count == 0 else f"{count} problem{'' if count == 1 else 's'}"


def ask(judge: Judge, servers: Servers, folder: Path, store: Path) -> Row:
    """Fetch what a judge needs and run it. What breaks off is a problem and no end of the run."""
    began = time.monotonic()
    try:
        had = {need.name: need.find(store) for need in judge.needs}
        verdict = judge.run(Place(had, folder, servers))
    except (NotHad, pytest.skip.Exception) as error:
        return Row(judge, None, str(error), time.monotonic() - began)
    except Exception as error:  # noqa: BLE001 - a judge that breaks has not passed, and the others are asked all the same
        verdict = Verdict(1, "run that broke off", (f"{type(error).__name__}: {error}"[:2000],))
    return Row(judge, verdict, seconds=time.monotonic() - began)


def table(rows: Sequence[Row]) -> str:
    """All rows under one another, and the problems below them."""
    cells = [("judge", "version", "judged", "verdict")]
    for row in rows:
        judged = "-" if row.verdict is None else f"{row.verdict.judged:,} {row.verdict.what}"
        cells.append((row.judge.name, row.judge.version, judged, f"{row.words} ({row.seconds:.0f} s)"))
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]) for line in cells
    ]
    for row in rows:
        problems = () if row.verdict is None else row.verdict.problems
        if problems:
            lines += ["", f"{row.judge.name}:", *(f"  {' '.join(one.split())}" for one in problems[:_SHOWN])]
        if len(problems) > _SHOWN:
            lines.append(f"  and {len(problems) - _SHOWN} more")
    return "\n".join(lines)


def status(rows: Sequence[Row], *, everyone: bool) -> int:
    """0 where all who were had passed (``everyone``: and none is missing), else 1."""
    failed = any(row.verdict is not None and not row.verdict.passed for row in rows)
    return int(failed or not rows or (everyone and any(row.verdict is None for row in rows)))


def chosen(names: Sequence[str]) -> tuple[Judge, ...]:
    """Those that are called so, or else have it in their name; all without any. Raises SystemExit where nobody has."""
    found: list[Judge] = []
    for name in map(str.lower, names):
        of_it = [one for one in JUDGES if one.name.lower() == name] or [j for j in JUDGES if name in j.name.lower()]
        if not of_it:
            raise SystemExit(f"no judge is called {name}: python -m tests.judges --list")
        found += of_it
    return tuple(one for one in JUDGES if not names or one in found)


def main(arguments: Sequence[str]) -> int:
    """Ask all, or those that are named."""
    parser = argparse.ArgumentParser(prog="make judges", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a judge's name or a part of it; repeatable"
    )
    parser.add_argument("--all", action="store_true", help="one that is missing is a failure, as under CI")
    parser.add_argument("--list", action="store_true", help="say who there is, and ask nobody")
    options = parser.parse_args(arguments)
    judges = chosen(options.only)
    if options.list:
        print(*(f"{judge.name} {judge.version}" for judge in judges), sep="\n")
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="borough-judges-") as work:
        servers = Servers(Path(work))
        try:
            store = cache()
            for number, judge in enumerate(judges):
                print(f"Asking {judge.name} {judge.version} ...", file=sys.stderr, flush=True)
                folder = Path(work, str(number))
                folder.mkdir()
                rows.append(ask(judge, servers, folder, store))
                # a run that is ended after an hour has told what it saw so far
                print(f"{judge.name}: {rows[-1].words} ({rows[-1].seconds:.0f} s)", file=sys.stderr, flush=True)
        finally:
            servers.close()
    print(table(rows))
    return status(rows, everyone=options.all or bool(os.environ.get("CI")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
