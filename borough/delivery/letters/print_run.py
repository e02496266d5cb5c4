"""A run of letters: who gets one, the words, the files, and the notes by which erasure finds them.

Everything is made in a staging folder (``staging.py``) and counts at the end, codes and files together. A letter that
cannot be made costs that letter and is listed. Who left, withdrew or was erased while the run was on gets none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from analytics.energy.prices import Energy
from analytics.periods import Period
from analytics.report.household import Report, report
from borough.delivery.letters.fonts import named
from borough.delivery.letters.household import check, explained
from borough.delivery.letters.letter import FUELS, Recipient, Sender, letter
from borough.delivery.letters.messages import RUN as MESSAGES
from borough.delivery.letters.messages import Messages, message, render
from borough.delivery.letters.renderer import Renderer, TooLong, Unprintable
from borough.delivery.letters.run_file import RUN, PrintRun, named_run
from borough.delivery.letters.staging import MANIFEST, NOT_MADE, Staging, alone
from borough.delivery.rules import Rules
from borough.errors import Failure
from borough.settings.settings import variable
from devices.csv_table import csv_text
from devices.homes import COMPARED, State
from devices.lengths import SOURCE, refusal
from store import accounts, comparisons, letters
from store.comparisons import Comparison
from store.connect import Connection
from store.letters import Matter, Written

#: Letters between two notings of their files and two tellings of progress.
_PORTION = 100
#: How long a code of a letter can be used.
CODES_LAST = timedelta(days=90)


class NotMade(NamedTuple):
    """A letter that could not be made, and why."""

    tenancy: int
    reason: str


class Made(NamedTuple):
    """What a run made; ``messages``: those of the letters that are messages of the outbox; ``gone``: households that
    left or withdrew meanwhile; ``not_made``: for somebody's hand."""

    letters: int
    messages: int
    large: int
    pages: int
    gone: int
    folder: str
    print_run: tuple[str, ...]
    manifest: str | None
    not_made: tuple[NotMade, ...]
    not_made_list: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a period, its fuels, the folder, one tenancy or all. ``fonts``: folders with fonts.

    ``rules``: by which the outbox's messages by letter join; None, or one tenancy alone: they wait for another run."""

    period: Period
    fuels: Sequence[str]
    folder: Path
    sender: Sender
    energy: Energy
    tenancy_id: int | None = None
    fonts: Sequence[Path] = ()
    rules: Rules | None = None


def make(connection: Connection, order: Order, now: datetime, show: Callable[[int, int], None]) -> Made:
    """Make all letters of an order; ``now`` with the site's zone. ``connection`` is in autocommit.

    ``show`` is told how many are done of how many. Raises Failure, OSError, psycopg.Error.
    """
    renderer = Renderer(now, order.fonts)
    _check_sender(renderer, order.sender)
    with connection.transaction():
        comparisons.hide(connection, now.date())  # a trial may have begun since the last analysis
    with alone(order.folder / order.period.key) as folder:
        staging = Staging(connection, folder, now)
        run = _Run(connection, order, renderer, staging, now)
        try:
            run.make(show)
            gone = run.accept()
        except psycopg.Error:
            raise  # the next run finds out what the database has taken
        except BaseException:
            staging.recover()
            raise
        return run.place(gone)


class _Run:
    """One run, from the first letter to the last file in its place."""

    def __init__(self, connection: Connection, order: Order, renderer: Renderer, staging: Staging, now: datetime):
        self._connection = connection
        self._order = order
        self._renderer = renderer
        self._staging = staging
        self._now = now
        self._until = now + CODES_LAST
        self._alone = order.tenancy_id is not None
        self._runs: list[PrintRun] = []
        self._told: list[PrintRun] = []
        self._messages: Messages | None = None
        if order.rules is not None and not self._alone:
            self._messages = Messages(connection, order.rules, now, staging.folder)
        self._codes: dict[str, dict[int, str]] = {"bind": {}, "slip": {}}
        self._not_made: list[NotMade] = []

    def make(self, show: Callable[[int, int], None]) -> None:
        """Make every letter in the staging folder, and the print runs."""
        period, order = self._order.period, self._order
        whom = letters.recipients(
            self._connection, period.kind, period.start, order.fuels, self._now.date(), self._now, order.tenancy_id
        )
        done = 0
        for first in range(0, len(whom), RUN):
            run = PrintRun(named_run("print-run", first, len(whom)))
            self._runs.append(run)
            part = whom[first : first + RUN]
            for start in range(0, len(part), _PORTION):
                matters = letters.matters(
                    self._connection, part[start : start + _PORTION], period.kind, period.start, period.quarter,
                    order.fuels,
                )  # fmt: skip
                self._note([matter.tenancy.id for matter in matters], self._staging.path, run.name)
                for matter in matters:
                    self._one(matter, run)
                    done += 1
                    show(done, len(whom))
            self._print(run)
        if self._messages is not None:
            self._tell(self._messages)

    def accept(self) -> int:
        """Make the codes valid and note the files in their places, all at once; how many households are gone."""
        lost = 0
        if not self._alone:
            self._note_list(self._staging.path)
        while True:
            with self._connection.transaction():
                made = [int(number) for run in self._runs for number in run.packed]
                listed = [one.tenancy for one in self._not_made]
                gone = {*made, *listed} - letters.remaining(self._connection, [*made, *listed])
                taken = set() if self._messages is None else self._messages.lost()
                if not gone and not taken:
                    self._count(made)
                    return lost
            lost += len(gone)
            self._leave_out(gone, taken)

    def place(self, gone: int) -> Made:
        """Move the files to their places."""
        runs = [run for run in (*self._runs, *self._told) if run.packed]
        names = [f"{number}.pdf" for run in runs for number in run.packed]
        not_made = self._all_not_made
        if not self._alone:
            names += [run.name for run in runs] + [MANIFEST] + ([NOT_MADE] if not_made else [])
        self._staging.place(names)
        folder = self._staging.folder
        placed = [place for run in runs for place in run.placed]
        return Made(
            letters=len(placed),
            messages=sum(len(run.packed) for run in self._told),
            large=sum(len(run.large) for run in runs),
            pages=sum(place.pages for place in placed),
            gone=gone,
            folder=str(folder),
            print_run=() if self._alone else tuple(str(folder / run.name) for run in runs),
            manifest=None if self._alone else str(folder / MANIFEST),
            not_made=tuple(not_made),
            not_made_list=str(folder / NOT_MADE) if not_made and not self._alone else None,
        )

    def _one(self, matter: Matter, run: PrintRun) -> None:
        tenancy, order = matter.tenancy.id, self._order
        codes = {purpose: accounts.new_code() for purpose in ("bind", "slip")}
        if order.sender.web is None:
            del codes["bind"]
        try:
            check(matter)
            data = self._data(matter, codes)
            try:
                pdf, sized = self._renderer.one(data)
            except TooLong as reason:
                raise Unprintable(f"{reason}; {self._to_shorten(matter, codes)}") from None
            except Unprintable as reason:
                raise Unprintable(explained(matter, self._renderer, reason)) from None
        except Unprintable as reason:
            self._not_made.append(NotMade(tenancy, str(reason)))
            return
        self._staging.put(f"{tenancy}.pdf", pdf)
        run.add(sized)
        for purpose, code in codes.items():
            self._codes[purpose][tenancy] = code

    def _tell(self, messages: Messages) -> None:
        """Make the letters of the outbox's messages."""
        found = messages.find()
        for first in range(0, len(found), RUN):
            run = PrintRun(named_run(MESSAGES, first, len(found)))
            self._told.append(run)
            for told in found[first : first + RUN]:
                data = message(self._order.sender, told, self._now.date())
                number = str(data["number"])
                self._put_notes(messages.written(number, self._staging.path, run.name, MANIFEST))
                try:
                    pdf, sized = render(self._renderer, data, told)
                except Unprintable as reason:
                    messages.not_made[number] = told.tenancy.id, str(reason)
                    continue
                self._staging.put(f"{number}.pdf", pdf)
                run.add(sized)
            self._print(run)

    @property
    def _all_not_made(self) -> list[NotMade]:
        told = {} if self._messages is None else self._messages.not_made
        return [*self._not_made, *(NotMade(who, f"{number}: {reason}") for number, (who, reason) in told.items())]

    def _data(self, matter: Matter, codes: Mapping[str, str]) -> dict[str, Any]:
        whom = Recipient(matter.home, matter.tenancy, codes.get("bind", ""), codes["slip"], self._until.date())
        return letter(self._order.sender, whom, reports(matter, self._order), self._now.date())

    def _to_shorten(self, matter: Matter, codes: Mapping[str, str]) -> str:
        """Whose words are too many: a letter to nobody by name, at a short address, would fit or not."""
        plain = matter._replace(
            tenancy=replace(matter.tenancy, name=None), home=replace(matter.home, address=matter.home.address[-1:])
        )
        try:
            self._renderer.one(self._data(plain, codes))
        except Unprintable:
            return "shorten the council's address or the help line"
        return "the name and address are too long"

    def _print(self, run: PrintRun) -> None:
        """Make a print run of its letters as they are now; one letter alone is counted only."""
        if not run.packed:
            run.placed = []
            self._staging.remove(run.name)
            return
        try:
            pdf, run.placed = self._renderer.run(run.letters())
        except Unprintable as reason:
            raise Failure(f"Typst could not make {run.name}: {reason}") from None
        if not self._alone:
            self._staging.put(run.name, pdf)

    def _leave_out(self, gone: AbstractSet[int], taken: set[str]) -> None:
        """Take out who left, withdrew or was erased meanwhile, and messages that are not to be sent any more."""
        for number in taken:
            self._staging.remove(f"{number}.pdf")
        if self._messages is not None:
            self._messages.leave_out(taken)
        for run in self._told:
            if run.leave_out(taken):
                self._print(run)
        for tenancy in gone:
            self._staging.remove(f"{tenancy}.pdf")
            for codes in self._codes.values():
                codes.pop(tenancy, None)
        self._not_made = [one for one in self._not_made if one.tenancy not in gone]
        for run in self._runs:
            if run.leave_out({str(tenancy) for tenancy in gone}):
                self._print(run)

    def _count(self, made: Sequence[int]) -> None:
        """Inside the accepting transaction: codes, notes of the files in their places, the households' logs, lists."""
        connection, staging = self._connection, self._staging
        for purpose, codes in self._codes.items():
            letters.put_codes(connection, purpose, codes, self._now, self._until)
        for run in self._runs:
            self._note([int(number) for number in run.packed], staging.folder, run.name)
        letters.log_letters(connection, made, self._order.period.key, self._now)
        if self._messages is not None:
            for run in self._told:
                for number in run.packed:
                    self._put_notes(self._messages.written(number, staging.folder, run.name, MANIFEST))
            whose = [self._messages.whose(number) for run in self._told for number in run.packed]
            letters.log_letters(connection, whose, "message", self._now)
            self._messages.settle(self._order.period.key)
        if self._alone:
            return
        self._note_list(staging.folder)
        lines = [
            (run.name, f"{place.number}.pdf", place.first_page, place.pages,
             "large" if place.number in run.large else "normal")
            for run in (*self._runs, *self._told)
            for place in run.placed
        ]  # fmt: skip
        staging.put(MANIFEST, _table(("print_run", "letter", "first_page", "pages", "print"), lines))
        if not_made := self._all_not_made:
            staging.put(NOT_MADE, _table(("tenancy", "reason"), not_made))
        else:
            staging.remove(NOT_MADE)

    def _note(self, tenancies: Sequence[int], folder: Path, run: str) -> None:
        """Note the files that these letters are in, in the staging folder or in their places."""
        merged = None if self._alone else str(folder / run)
        files = [Written(tenancy, str(folder / f"{tenancy}.pdf"), merged) for tenancy in tenancies]
        if not self._alone:
            # the list of a print run names the letters in it, and goes with any of them
            files += [Written(tenancy, str(folder / MANIFEST), None) for tenancy in tenancies]
        self._put_notes(files)

    def _note_list(self, folder: Path) -> None:
        """Note the list of letters that could not be made, which goes with any of them."""
        whose = {one.tenancy for one in self._all_not_made}
        self._put_notes([Written(tenancy, str(folder / NOT_MADE), None) for tenancy in sorted(whose)])

    def _put_notes(self, files: Sequence[Written]) -> None:
        period = self._order.period
        with self._connection.transaction():
            letters.note(self._connection, period.kind, period.start, files, self._staging.at)


def reports(matter: Matter, order: Order) -> list[Report]:
    """What a household is told of each fuel. If one of them looks like need, no other is praised or advised on."""
    published = [matter.comparisons[fuel] for fuel in COMPARED if fuel in matter.comparisons]
    if len(published) > FUELS:
        published = [one for one in published if one.fuel != "gas"]
    hardship = next((one for one in published if one.state == State.NEUTRAL), None)
    return [
        report(
            one if hardship is None else _neutral(one, hardship),
            matter.home.details,
            matter.neighbourhood,
            help_line=order.sender.help_line,
            energy=order.energy,
            tariffs=matter.tariffs,
            tenancy=matter.tenancy,
        )
        for one in published
    ]


def _neutral(one: Comparison, hardship: Comparison) -> Comparison:
    return replace(
        one, state=State.NEUTRAL, reason=hardship.reason, average=None, efficient=None, homes=None, tenths=None
    )


def _check_sender(renderer: Renderer, sender: Sender) -> None:
    """Raise Failure where the council's own words cannot stand in a letter: in all of them they would fail."""
    texts = [("council_name", sender.council), *(("council_address", line) for line in sender.address)]
    texts += [("help_line", sender.help_line or ""), ("web_url", sender.web or "")]
    for name, text in texts:
        wrong = refusal(text, SOURCE)
        lacking = [] if wrong else renderer.lacks(text)
        if lacking:
            wrong = f"has signs that no font here has: {', '.join(named(sign) for sign in lacking if len(sign) == 1)}"
        if wrong:
            raise Failure(f"{variable(name)} {wrong}")


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    return csv_text(columns, rows).encode()
