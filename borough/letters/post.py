"""A run of letters: who gets one, the words, the files, and the notes by which erasure finds them.

Files are noted before they are written, so that none is ever without its note; each takes the place of an older one
when it is whole. Who left, withdrew or was erased while the run was on loses their letter again at its end.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from analytics.energy.prices import Energy
from analytics.periods import Period
from analytics.report.household import Report, report
from borough.errors import Failure
from borough.letters.content import FUELS, Recipient, Sender, letter
from borough.letters.press import Placed, Press
from devices.homes import COMPARED
from store import letters
from store.comparisons import Comparison
from store.connect import Connection
from store.letters import Matter, Written

#: Letters of one file of a print run: as many as are made in one go.
RUN = 1_000
#: Letters between two commits and two tellings of progress.
_PORTION = 100
#: How long a code of a letter can be used.
CODES_LAST = timedelta(days=90)
MANIFEST = "manifest.csv"
_OURS = re.compile(r"(\d{14}|print-run(-\d+)?)\.pdf\Z")


class Made(NamedTuple):
    """What a run made; ``gone``: letters that were taken back because their household left or withdrew meanwhile."""

    letters: int
    large: int
    pages: int
    gone: int
    folder: str
    print_run: tuple[str, ...]
    manifest: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a period, its fuels, the folder, one tenancy or all."""

    period: Period
    fuels: Sequence[str]
    folder: Path
    sender: Sender
    energy: Energy
    tenancy_id: int | None = None


def make(connection: Connection, order: Order, now: datetime, show: Callable[[int, int], None]) -> Made:
    """Make all letters of an order; ``now`` with the site's zone. ``connection`` is in autocommit.

    ``show`` is told how many are done of how many. Raises Failure, OSError, psycopg.Error.
    """
    period, today = order.period, now.date()
    whom = letters.recipients(connection, period.kind, period.start, order.fuels, today, now, order.tenancy_id)
    folder = _private(order.folder / period.key)
    alone = order.tenancy_id is not None
    press = Press(now)
    pages = large = done = 0
    made: list[int] = []
    runs: list[Path] = []
    listed: list[tuple[str, str, int, int, str]] = []
    for first in range(0, len(whom), RUN):
        run = folder / (f"print-run-{first // RUN + 1}.pdf" if len(whom) > RUN else "print-run.pdf")
        printed: list[Mapping[str, Any]] = []
        part = whom[first : first + RUN]
        for start in range(0, len(part), _PORTION):
            matters = letters.matters(
                connection, part[start : start + _PORTION], period.kind, period.start, period.quarter, order.fuels
            )
            for data in _written(connection, order, matters, folder, None if alone else run, now):
                pdf, sized = press.one(data)
                _put(folder / f"{data['number']}.pdf", pdf)
                printed.append(sized)
                large += data["large"]
                done += 1
                show(done, len(whom))
            made += [matter.tenancy.id for matter in matters]
        if alone:
            pages += sum(place.pages for place in press.run(printed)[1]) if printed else 0
        elif printed:
            pdf, places = press.run(printed)
            _put(run, pdf)
            runs.append(run)
            pages += sum(place.pages for place in places)
            listed += [_line(run, place, data) for place, data in zip(places, printed, strict=True)]
    if not alone:
        _put(folder / MANIFEST, _manifest(listed))
        _clear(folder, {*(f"{number}.pdf" for number in made), *(run.name for run in runs)})
    gone = _take_back(connection, folder, made, runs)
    return Made(
        done - gone, large, pages, gone, str(folder), tuple(str(run) for run in runs),
        None if alone else str(folder / MANIFEST),
    )  # fmt: skip


def _written(
    connection: Connection, order: Order, matters: Sequence[Matter], folder: Path, run: Path | None, now: datetime
) -> list[dict[str, Any]]:
    """The data of a portion of letters, once their codes and files are noted for good."""
    period = order.period
    ids = [matter.tenancy.id for matter in matters]
    until = now + CODES_LAST
    files = [Written(number, str(folder / f"{number}.pdf"), None if run is None else str(run)) for number in ids]
    if run is not None:
        # the list of a print run names the letters in it, and goes with any of them
        files += [Written(number, str(folder / MANIFEST), None) for number in ids]
    with connection.transaction():
        online = letters.codes(connection, "bind", ids, now, until) if order.sender.web is not None else [""] * len(ids)
        slips = letters.codes(connection, "slip", ids, now, until)
        letters.note(connection, period.kind, period.start, files, now)
        letters.log_letters(connection, ids, period.key, now)
    return [
        letter(
            order.sender,
            Recipient(matter.home, matter.tenancy, online_code, slip_code, until.date()),
            reports(matter, order),
            now.date(),
        )
        for matter, online_code, slip_code in zip(matters, online, slips, strict=True)
    ]


def reports(matter: Matter, order: Order) -> list[Report]:
    """What a household is told of each fuel. If one of them looks like need, no other is praised or advised on."""
    told = [matter.comparisons[fuel] for fuel in COMPARED if fuel in matter.comparisons]
    if len(told) > FUELS:
        told = [one for one in told if one.fuel != "gas"]
    need = next((one for one in told if one.state == "neutral"), None)
    return [
        report(
            one if need is None else _neutral(one, need),
            matter.home.details,
            matter.neighbourhood,
            help_line=order.sender.help_line,
            energy=order.energy,
            tariffs=matter.tariffs,
            tenancy=matter.tenancy,
        )
        for one in told
    ]


def _neutral(one: Comparison, need: Comparison) -> Comparison:
    return replace(one, state="neutral", reason=need.reason, average=None, efficient=None, homes=None, tenths=None)


def _line(run: Path, place: Placed, data: Mapping[str, Any]) -> tuple[str, str, int, int, str]:
    return run.name, f"{place.number}.pdf", place.first_page, place.pages, "large" if data["large"] else "normal"


def _manifest(lines: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("print_run", "letter", "first_page", "pages", "print"))
    writer.writerows(lines)
    return text.getvalue().encode()


def _private(folder: Path) -> Path:
    """A folder that nobody else can look into. Raises Failure where something else is in its place."""
    try:
        if not folder.parent.exists():
            folder.parent.mkdir(mode=0o700, parents=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise Failure(f"{folder}: {error.strerror}") from None
    return folder.resolve()


def _put(path: Path, data: bytes) -> None:
    """Write a file that only we can read; it appears under its name when it is whole."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _clear(folder: Path, keep: set[str]) -> None:
    """Remove letters of an earlier run whose households get none any more."""
    for path in folder.iterdir():
        if path.name not in keep and _OURS.match(path.name):
            path.unlink()


def _take_back(connection: Connection, folder: Path, made: Sequence[int], runs: Sequence[Path]) -> int:
    """Remove the letters of households that were erased or withdrew meanwhile, and the print run that holds them."""
    gone = set(made) - letters.remaining(connection, made)
    for number in gone:
        (folder / f"{number}.pdf").unlink(missing_ok=True)
    if gone and runs:
        for path in (*runs, folder / MANIFEST):
            path.unlink(missing_ok=True)
        raise Failure(
            f"{len(gone)} households left, withdrew or were erased meanwhile: their letters and the print run are"
            " removed; run the same command again"
        )
    return len(gone)
