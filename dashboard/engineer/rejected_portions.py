"""Rejected messages tried and taken portion by portion, each request what fits into a moment.

Nothing is held between two requests; a portion that is sent twice takes nothing twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dashboard.engineer import rejected_looks
from dashboard.engineer.rejected_filter import Chosen
from dashboard.options import Trials
from dashboard.web.site import Site
from dashboard.web.visitor import Visitor
from devices.tried import Tried
from store import rejected_list
from store.connect import Connection
from store.rejected import RejectedMessage
from store.rejected_list import Whole

#: Messages that are read and held at once, of a trial at most so many, and how long one request goes on [s].
PORTION, TRIED, SECONDS = 500, 500, 2.0
#: Messages whose readings a page shows.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Asking:
    """What it is about: a choice of ``total`` messages from ``before`` on, or the message of one rejection."""

    chosen: Chosen
    number: int | None
    total: int
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A message that was tried; ``hidden``: what it says is not shown, for it may be a household's."""

    id: int
    arrival: datetime
    tried: Tried
    hidden: bool


@dataclass(slots=True)
class Trial:
    """What a trial found: ``outcomes`` and ``reasons`` of rejections by their number; ``next``: where it goes on.

    ``withheld``: messages that were not tried, see `try_portion`.
    """

    total: int
    lines: list[Line] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    readings: int = 0
    withheld: int = 0
    next: int | None = None

    @property
    def tried(self) -> int:
        """Messages that were tried."""
        return self.outcomes.total()


@dataclass(frozen=True, slots=True)
class Taking:
    """How far it is: ``messages`` done of ``total``, rejections by their fate; ``after``: where it goes on, ``last``:
    how far, so that what comes meanwhile is another time's."""

    total: int = 0
    messages: int = 0
    taken: int = 0
    rejected: int = 0
    gone: int = 0
    missing: int = 0
    anew: int = 0
    after: int | None = None
    last: int | None = None


def try_portion(
    site: Site, trials: Trials, visitor: Visitor, asked: Asking, mapping: str | None, instead: str | None
) -> Trial:
    """Try a portion. A message of a household is shown where it was asked for alone by who may see it; that is noted.

    By a mapping of a form it is tried for nobody else: which values a mapping takes says what stands in a message.
    Raises devices.tried.NotTried; psycopg.Error.
    """
    until = time.monotonic() + SECONDS
    found, before = Trial(asked.total), asked.before
    may_see = rejected_looks.may_see(visitor)
    show = asked.number is not None and may_see
    while True:
        with site.lane.connection() as connection:
            messages, more = _messages(connection, asked, before)
            rows = rejected_list.whole(connection, messages)
            if show and any(one.personal for one in rows):
                rejected_looks.note_look(site, connection, visitor, rows[0].item.row, "tried a rejected message")
        if mapping is not None and not may_see:
            withheld = {one.item.message for one in rows if one.personal}
            found.withheld += len(withheld)
            rows = [one for one in rows if one.item.message not in withheld]
        _add(found, rows, trials.try_again([one.item for one in rows], mapping, instead), show=show)
        if not more:
            return found
        before = messages[-1]
        if found.tried >= TRIED or time.monotonic() > until:
            found.next = before
            return found


def take_portion(site: Site, trials: Trials, visitor: Visitor, asked: Asking, done: Taking) -> Taking:
    """Take portions for a moment, in the order in which they came: of those that may restate the last one wins.

    Raises devices.tried.NotTried; psycopg.Error.
    """
    until = time.monotonic() + SECONDS
    while True:
        with site.lane.connection() as connection:
            if done.last is None:
                newest, _ = _messages(connection, asked, None, 1)
                done = replace(done, last=max(newest, default=0))
            messages, more = _onward(connection, asked, done)
            rows = rejected_list.whole(connection, messages)
        if rows:
            found = trials.take([one.item for one in rows], visitor.account_id)
            done = replace(
                done,
                messages=done.messages + len(messages),
                taken=done.taken + found.taken,
                rejected=done.rejected + found.rejected,
                gone=done.gone + found.gone,
                missing=done.missing + found.missing,
                anew=done.anew + found.anew,
            )
        if not more:
            return replace(done, after=None)
        done = replace(done, after=messages[-1])
        if time.monotonic() > until:
            return done


def _messages(
    connection: Connection, asked: Asking, before: int | None, limit: int | None = None
) -> tuple[list[int], bool]:
    """The next messages, the newest first, and whether more may follow."""
    if asked.number is None:
        return rejected_list.messages(connection, asked.chosen.filter, limit or PORTION, before)
    found = rejected_list.get(connection, asked.number)
    return ([] if found is None else [found.message]), False


def _onward(connection: Connection, asked: Asking, done: Taking) -> tuple[list[int], bool]:
    """The next messages, the oldest first, and whether more may follow."""
    if asked.number is not None:
        return _messages(connection, asked, None)
    return rejected_list.oldest(connection, asked.chosen.filter, PORTION, done.after or 0, done.last or 0)


def _add(found: Trial, rows: Sequence[Whole], tried: Sequence[Tried], *, show: bool) -> None:
    first: dict[int, RejectedMessage] = {}
    personal: set[int] = set()
    for one in rows:
        first.setdefault(one.item.message, one.item)
        if one.personal:
            personal.add(one.item.message)
    for result in tried:
        found.outcomes[result.outcome] += 1
        found.readings += sum(item.fate != "there" for item in result.readings)
        for rejection in result.rejections:
            found.reasons[rejection.reason] += 1 if rejection.more is None else rejection.more
        if len(found.lines) < SHOWN:
            item = first[result.message]
            found.lines.append(Line(item.row.id, item.row.arrival, result, result.message in personal and not show))
