"""Tells households of a month that is settled: one nudge each, by their page and the ways that they chose.

A trigger of ``borough deliver``. Homes are taken in portions, each of which is one transaction: what was told, its
messages and its row of what was published become true together, and who is killed anywhere has told a portion or not.
Who may be told is asked once more with the household held, so that a stop that comes meanwhile counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any, NamedTuple

from analytics.energy.prices import Energy, load
from analytics.nudges.facts import Facts, Kind, Pattern, facts, row_of
from analytics.nudges.runner import change, patterns
from analytics.nudges.words import Nudge, nudge
from analytics.weather.change import YEAR
from borough.delivery.triggers import TriggerOptions
from devices.device import Origin
from devices.homes import COMPARED
from devices.trials import Arm, nudged
from store import contacts, corrections, letters, nudge_ways, nudges, outbox
from store.comparisons import Comparison
from store.connect import Connection
from store.letters import Matter
from store.nudges import Due, Month, New
from store.times import begin_of, quarter

#: The name of its settings in ``TriggerOptions.more``.
NAME = "nudges"
#: Where a household reads them, chooses its ways and stops them.
PAGE = "/home/nudges"
#: Homes of one transaction; nudges of one look, so that other causes of messages are looked at meanwhile.
PORTION, MOST = 200, 1_000
#: A home that looks like hardship is told whom to call in each third month at most.
_HELP_APART = 3
_MADE_UP = "This is a demo. The home and its use are made up."
#: A letter waits for a print run.
_LETTER_LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NudgeOptions:
    """``energy``: prices for estimates."""

    energy: Energy = field(default_factory=load)


class Chosen(NamedTuple):
    """A household, and what it is told."""

    due: Due
    facts: Facts


def look(connection: Connection, options: TriggerOptions, now: datetime) -> None:
    """Tell of each settled month whoever is to be told of it. Raises psycopg.Error."""
    today = now.astimezone(options.zone).date()
    withhold(connection, today, now)
    done = 0
    for month in nudges.months(connection, today):
        for portion in _portions(connection, options, month, today, now):
            done += _tell(connection, options, month, portion, today, now)
            if done >= MOST:
                return


def withhold(connection: Connection, today: date, now: datetime) -> None:
    """Keep back what waits and may not be told any more. Raises psycopg.Error."""
    by: dict[str, list[int]] = {}
    for message, why in nudges.forbidden(connection, today).items():
        by.setdefault(why, []).append(message)
    for why, waiting in by.items():
        outbox.withhold_some(connection, waiting, why, now)


def wanted(due: Due, today: date) -> Kind | None:
    """Which nudge a household is to have as far as its trial says; None: none. Who is in no trial is compared.

    A member that lets itself be studied no more is told nothing while the trial runs.
    """
    if due.arm is None or due.begins is None:
        return "compare"
    return None if due.withdrew else nudged(Arm(due.arm), due.begins, today)


def choose(
    connection: Connection, options: TriggerOptions, month: Month, found: Sequence[Due], today: date
) -> tuple[list[Chosen], Counter[str]]:
    """What each of these households is told, and how many are told nothing, by the reason. Raises psycopg.Error."""
    energy, none = options_of(options).energy, Counter[str]()
    kinds: dict[int, Kind] = {}
    for due in found:
        if (kind := wanted(due, today)) is None:
            none["withdrew from a trial" if due.withdrew else "an arm without nudges"] += 1
        else:
            kinds[due.tenancy] = kind
    by = {due.tenancy: due for due in found}
    rows: list[tuple[Matter, Comparison, Kind]] = []
    for matter in letters.matters(
        connection, list(kinds), "month", month.from_day, quarter(month.from_day), COMPARED
    ):  # fmt: skip
        due = by[matter.tenancy.id]
        row = row_of(list(matter.comparisons.values()), kinds[due.tenancy], due.fuel, energy, matter.tariffs)
        if row is None:
            none["nothing to tell, or no agreement to be compared"] += 1
        elif row[1] == "help" and due.helped is not None and _apart(due.helped, month) < _HELP_APART:
            none["told whom to call in the last months"] += 1
        else:
            rows.append((matter, *row))
    electric = [matter.home.id for matter, told, kind in rows if told.fuel == "electricity" and kind != "help"]
    known = patterns(connection, electric, month.from_day, month.to_day, options.zone)
    chosen = []
    for matter, told, kind in rows:
        pattern = known.get(matter.home.id, Pattern()) if told.fuel == "electricity" else Pattern()
        if kind != "help":
            apart = change(connection, matter.home, matter.tenancy, told.fuel, month.from_day, options.zone)
            pattern = replace(pattern, change=apart)
        said = facts(
            told, kind, matter.home.details, matter.tenancy, energy, matter.tariffs,
            pattern=pattern, help_line=options.help_line,
        )  # fmt: skip
        chosen.append(Chosen(by[matter.tenancy.id], said))
    return chosen, none


def options_of(options: TriggerOptions) -> NudgeOptions:
    """The settings of nudges among those of all triggers."""
    given: NudgeOptions | None = options.more.get(NAME)
    return given or NudgeOptions()


def due_now(
    connection: Connection, options: TriggerOptions, month: Month, today: date, now: datetime, **which: Any
) -> list[Due]:
    """Households that may be told of a month (`store.nudges.due`); simulated ones in a demo alone."""
    return nudges.due(connection, month, today, now, demo=options.origin == "simulated", **which)


def _portions(
    connection: Connection, options: TriggerOptions, month: Month, today: date, now: datetime
) -> Iterator[list[int]]:
    after = 0
    while found := due_now(connection, options, month, today, now, after=after, limit=PORTION):
        after = found[-1].tenancy
        yield [one.tenancy for one in found if wanted(one, today) is not None]


def _tell(
    connection: Connection, options: TriggerOptions, month: Month, tenancies: Sequence[int], today: date, now: datetime
) -> int:
    """Tell some households, in one transaction; how many were told."""
    if not tenancies:
        return 0
    with connection.transaction():
        held = nudges.hold(connection, tenancies)
        found = due_now(connection, options, month, today, now, tenancies=held)
        chosen, _ = choose(connection, options, month, found, today)
        return sum(_put(connection, options, month, one, nudge(one.facts), now) for one in chosen)


def _put(
    connection: Connection, options: TriggerOptions, month: Month, one: Chosen, said: Nudge, now: datetime
) -> bool:
    due = one.due
    new = New(
        due.tenancy, said.kind, month, one.facts.fuel, one.facts.as_json(), said.subject, said.text, said.html,
        [action.as_json() for action in said.actions], due.trial, due.arm,
    )  # fmt: skip
    number = nudges.put(connection, new, now)
    if number is None:
        return False
    page = contacts.page(connection, origin=options.origin, tenancy=due.tenancy)
    ways = [*([("page", page)] if page is not None else []), *nudge_ways.reached(connection, due.tenancy)]
    origin: Origin = "simulated" if due.simulated else "real"
    messages = []
    for channel, contact in ways:
        text, html = message_words(options, channel, said)
        if origin == "simulated":
            text, html = f"{_MADE_UP}\n\n{text}", None if html is None else f"<p>{_MADE_UP}</p>\n{html}"
        message = outbox.put(
            connection,
            key=f"nudge:{number}:{channel}",
            contact=contact,
            kind="nudge",
            origin=origin,
            subject=f"Simulated: {said.subject}" if origin == "simulated" else said.subject,
            text=text,
            html=html,
            tenancy=due.tenancy,
            due_at=now,
            expires_at=now + _LETTER_LASTS if channel == "letter" else None,
        )
        messages += [message] if message is not None else []
    first = month.from_day if one.facts.before is None else (month.from_day - timedelta(days=1)).replace(day=1)
    if one.facts.pattern.change is not None:
        first = month.from_day - timedelta(days=YEAR)
    publication = corrections.publish(
        connection, "nudge", f"nudge {number} to {due.tenancy}", "smart-meter",
        begin_of(first, options.zone).astimezone(UTC).date(),
        (begin_of(month.to_day, options.zone) - timedelta(microseconds=1)).astimezone(UTC).date(),
    )  # fmt: skip
    nudges.told(connection, number, messages, publication)
    return True


def message_words(options: TriggerOptions, channel: str, said: Nudge) -> tuple[str, str | None]:
    """The text and HTML of one way: an e-mail leads to the page, a letter says how to stop."""
    place = f"{options.site}{PAGE}" if options.site else ""
    if channel == "email" and place:
        link = f'<p><a href="{escape(place)}">See it on your page</a></p>'
        return f"{said.text}\nSee it on your page:\n{place}\n", f"{said.html}\n{link}"
    if channel == "letter":
        page = (
            f"To stop these letters, sign in at {place} and press Stop." if place else "To stop these letters, tell us."
        )
        call = f"Or call {options.help_line} and say so." if options.help_line else "Or tell your council."
        return f"{said.text}\n{page} {call}\n", None
    return said.text, said.html


def _apart(before: date, month: Month) -> int:
    """So many months lie between the first days of two."""
    return (month.from_day.year - before.year) * 12 + month.from_day.month - before.month
