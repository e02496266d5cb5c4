"""Messages of the outbox whose channel is the letter: each a letter of its own, in a print run of their own.

They join the next run of all letters. What a message is settled as is noted in the transaction that accepts the run: a
run that comes to nothing leaves it waiting. A run that replaces another one's files makes its messages' letters anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from borough.delivery import rules
from borough.delivery.letters.fonts import named
from borough.delivery.letters.letter import Sender, addressed, unbroken
from borough.delivery.letters.renderer import Renderer, Unprintable
from borough.delivery.rules import Rules
from devices.lengths import ADDRESS_LINE, ADDRESS_LINES, NAME, refusal
from store import letter_messages, nudges, outbox_work
from store.connect import Connection
from store.letter_messages import Told
from store.letters import Written

#: Their print run.
RUN = "print-run-messages"


def message(sender: Sender, told: Told, today: date) -> Mapping[str, Any]:
    """One letter, as plain data for the template ``letter.typ``."""
    data = {
        **addressed(sender, told.tenancy, told.home, today),
        "number": stem(told.id),
        "document": f"A letter from {sender.council}",
        "title": told.subject,
        "paragraphs": [
            [line.strip() for line in part.splitlines()]
            for part in re.split(r"\n\s*\n", told.text.replace("\r\n", "\n").strip("\n"))
        ],
        "questions": None if sender.help_line is None else f"Questions: {sender.help_line}.",
    }
    whole: dict[str, Any] = unbroken(data)
    return whole


def stem(message_id: int) -> str:
    """Its file's name without the ending."""
    return f"message-{message_id}"


class Messages:
    """The messages of one run. ``connection`` is in autocommit."""

    def __init__(self, connection: Connection, given: Rules, now: datetime, folder: Path) -> None:
        self._connection = connection
        self._rules = given
        self._now = now
        self._folder = folder
        self._waiting: dict[str, Told] = {}
        self._again: dict[str, Told] = {}
        #: Why one cannot be printed, by its file's stem.
        self.not_made: dict[str, tuple[int, str]] = {}

    def find(self) -> list[Told]:
        """What is due now, and what an earlier run put into this folder; what may not be sent is settled at once."""
        due = [one.id for one in self._take()]
        again = self._printed()
        found = letter_messages.told(self._connection, [*due, *again], self._today)
        self._waiting = {stem(one.id): one for one in found if one.id in set(due)}
        self._again = {stem(one.id): one for one in found if one.id not in set(due)}
        return found

    def whose(self, number: str) -> int:
        """The tenancy that a letter goes to."""
        return (self._waiting.get(number) or self._again[number]).tenancy.id

    def lost(self) -> set[str]:
        """Inside the accepting transaction: letters whose households are gone, or whose messages are sent by now, taken
        back, or another's at this moment. The others stay as they are until the transaction ends."""
        every = {**self._again, **self._waiting}
        there = letter_messages.living(self._connection, [one.tenancy.id for one in every.values()], self._today)
        gone = {number for number, one in every.items() if one.tenancy.id not in there}
        if self._again:
            may = set(self._printed())
            gone |= {number for number, one in self._again.items() if one.id not in may}
        if self._waiting:
            due = {one.id for one in self._take()}
            gone |= {number for number, one in self._waiting.items() if one.id not in due}
        return gone

    def leave_out(self, gone: set[str]) -> None:
        """Forget these."""
        for number in gone:
            self._waiting.pop(number, None)
            self._again.pop(number, None)
            self.not_made.pop(number, None)

    def settle(self, what: str) -> None:
        """Inside the accepting transaction: note that those that waited are printed, or why they cannot be."""
        for number, one in self._waiting.items():
            failed = self.not_made.get(number)
            letter_messages.settle(self._connection, one.id, what, None if failed is None else failed[1], self._now)

    def written(self, number: str, folder: Path, run: str, manifest: str) -> list[Written]:
        """The notes of a letter's files in a folder; ``run``: its print run's."""
        tenancy = self.whose(number)
        return [
            Written(tenancy, str(folder / f"{number}.pdf"), str(folder / run)),
            Written(tenancy, str(folder / manifest), None),
        ]

    def _printed(self) -> list[int]:
        """What an earlier run put into this folder, and may be sent still."""
        agreed = [kind for kind, rule in rules.KINDS.items() if rule.agreed]
        found = letter_messages.printed_in(self._connection, str(self._folder), agreed)
        barred = self._barred(found)
        return [one for one in found if one not in barred]

    def _barred(self, messages: Sequence[int]) -> set[int]:
        return set(nudges.barred(self._connection, messages, self._today)) if messages else set()

    def _take(self) -> list[outbox_work.Candidate]:
        found = outbox_work.by_letter(
            self._connection, self._now, self._today,
            lambda one, held: rules.decide(one, held, self._rules, self._now),
        )  # fmt: skip
        # what a trial that was drawn this minute forbids is withheld by `borough deliver`, and printed by nobody
        barred = self._barred([one.id for one in found])
        return [one for one in found if one.id not in barred]

    @property
    def _today(self) -> date:
        return self._now.astimezone(self._rules.zone).date()


def render(renderer: Renderer, data: Mapping[str, Any], told: Told) -> tuple[bytes, Mapping[str, Any]]:
    """A letter, and its data in the size that fits. Raises Unprintable, with what is wrong."""
    address = told.home.address
    if len(address) > ADDRESS_LINES:
        raise Unprintable(f"the address has {len(address)} lines; at most {ADDRESS_LINES} are taken")
    parts = [("the name", told.tenancy.name or "", NAME), *(("the address", line, ADDRESS_LINE) for line in address)]
    for what, text, longest in parts:
        if (wrong := refusal(text, longest)) is not None and text:
            raise Unprintable(f"{what} {wrong}")
    try:
        return renderer.one(data)
    except Unprintable:
        for what, text in [*((what, text) for what, text, _ in parts), ("the message", f"{told.subject} {told.text}")]:
            if lacking := [sign for sign in renderer.lacks(" ".join(text.split())) if len(sign) == 1]:
                shown = ", ".join(named(sign) for sign in lacking[:3])
                raise Unprintable(f"{what} has signs ({shown}) that no font here has") from None
        raise
