"""Nudges: who may be told of a month, what each household was told, as told, and what became of its messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from devices.trials import Arm, Sight, nudged, sight
from store.connect import Connection
from store.outbox import State
from store.queries import queries
from store.times import aware

_SQL = queries("nudges")

#: Never told again so soon, and never of a month that ended longer ago.
APART, LATEST = timedelta(days=21), timedelta(days=45)

#: Why a message is withheld.
UNCOMPARED = "the household does not agree to be compared any more"
IN_TRIAL = "the household is in a trial by now and may not see it"
NO_NUDGE = "the household is in a trial, and its arm gets none now"

#: What a household may be shown of what it was told, by what it may see now.
SHOWN: Mapping[Sight, Sequence[str]] = {
    Sight.ALL: ("compare", "zone", "own", "help"),
    Sight.ZONE: ("zone", "own", "help"),
    Sight.OWN: ("own", "help"),
}


class Month(NamedTuple):
    """A month that is settled; ``to_day`` is not included."""

    from_day: date
    to_day: date


class Due(NamedTuple):
    """A household that may be told. ``helped``: the first day of the month of its last nudge of the kind ``help``.

    ``trial``, ``arm``, ``begins``, ``fuel``: of the running trial that it is in; ``withdrew``: it lets itself be
    studied no more.
    """

    tenancy: int
    home: int
    simulated: bool
    helped: date | None
    trial: int | None
    arm: str | None
    begins: date | None
    fuel: str | None
    withdrew: bool


class Message(NamedTuple):
    """What became of one way of a nudge, while the outbox keeps it."""

    id: int
    channel: str
    state: State
    reason: str | None
    due_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class New:
    """A nudge that is to be kept: its words, and as plain values what they rest on and what they name to do."""

    tenancy: int
    kind: str
    month: Month
    fuel: str
    facts: Mapping[str, Any]
    subject: str
    text: str
    html: str
    actions: Sequence[Mapping[str, Any]]
    trial: int | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A nudge as it was told. ``messages``: numbers of its messages, some of which may be gone."""

    id: int
    tenancy: int
    kind: str
    from_day: date
    to_day: date
    fuel: str
    facts: Mapping[str, Any]
    subject: str
    text: str
    html: str
    actions: Sequence[Mapping[str, Any]]
    made_at: datetime
    messages: Sequence[int]
    trial: int | None
    arm: str | None


def months(connection: Connection, today: date) -> list[Month]:
    """Months that may be told of on a local day, the newest first: settled in all fuels, not long over.

    Raises psycopg.Error.
    """
    return [Month(*row) for row in connection.execute(_SQL["months"], {"since": today - LATEST, "today": today})]


def due(
    connection: Connection,
    month: Month,
    today: date,
    now: datetime,
    *,
    demo: bool = False,
    after: int = 0,
    tenancies: Sequence[int] | None = None,
    limit: int = 1_000_000,
) -> list[Due]:
    """Households beyond ``after`` that may be told of a month as far as the tables say, by number.

    They live there, agree to messages, have not withdrawn the agreement to be compared, have not stopped it, have a use
    of the month, were told nothing of it, of a later one or lately. ``demo``: simulated homes too; ``tenancies``: only
    some. Raises psycopg.Error.
    """
    values = {
        "from_day": month.from_day, "to_day": month.to_day, "today": today, "now": aware(now),
        "since": aware(now) - APART, "demo": demo, "after": after, "limit": limit,
        "tenancies": None if tenancies is None else list(tenancies),
    }  # fmt: skip
    return [Due(*row) for row in connection.execute(_SQL["due"], values)]


def hold(connection: Connection, tenancies: Sequence[int]) -> list[int]:
    """Keep households from stopping, withdrawing by a way of theirs or being told elsewhere until the running
    transaction ends; who is being erased or held by another is left out. What is read after it is true until then.

    Raises psycopg.Error.
    """
    return [row[0] for row in connection.execute(_SQL["hold"], {"tenancies": list(tenancies)})]


def put(connection: Connection, new: New, now: datetime) -> int | None:
    """Keep a nudge, in the running transaction: its number; None: the household was told of that month.

    Raises psycopg.Error.
    """
    values = {
        "tenancy": new.tenancy, "kind": new.kind, "from_day": new.month.from_day, "to_day": new.month.to_day,
        "fuel": new.fuel, "facts": json.dumps(new.facts), "subject": new.subject, "text": new.text, "html": new.html,
        "actions": json.dumps(new.actions), "now": aware(now), "trial": new.trial, "arm": new.arm,
    }  # fmt: skip
    row = connection.execute(_SQL["put"], values).fetchone()
    return None if row is None else int(row[0])


def told(connection: Connection, nudge: int, messages: Sequence[int], publication: int) -> None:
    """Note by which messages a nudge is told, and its row of what was published. Raises psycopg.Error."""
    connection.execute(_SQL["told"], {"id": nudge, "messages": list(messages), "publication": publication})


def shown(connection: Connection, tenancy: int, today: date) -> Sequence[str]:
    """Kinds that a household may be shown on a local day: what it was told before its trial began may be more than it
    may see while that runs. Raises psycopg.Error."""
    row = connection.execute(_SQL["member"], {"tenancy": tenancy, "today": today}).fetchone()
    return SHOWN[Sight.ALL] if row is None else SHOWN[_sight(row[0], row[1], row[2], today)]


def hidden(connection: Connection, tenancy: int, today: date) -> list[int]:
    """Messages of what a household may not be shown on a local day. Raises psycopg.Error."""
    kinds = list(shown(connection, tenancy, today))
    return [row[0] for row in connection.execute(_SQL["hidden"], {"tenancy": tenancy, "kinds": kinds})]


def forbidden(connection: Connection, today: date) -> dict[int, str]:
    """Messages that wait to be sent and may not be on a local day, by number, and why. Raises psycopg.Error."""
    found = ((message, _barred(today, *facts)) for message, *facts in connection.execute(_SQL["open"]))
    return {message: why for message, why in found if why is not None}


def barred(connection: Connection, messages: Sequence[int], today: date) -> list[int]:
    """Those of some messages, sent or not, that may not be sent on a local day. Raises psycopg.Error."""
    rows = connection.execute(_SQL["sent"], {"messages": list(messages)})
    return [message for message, *facts in rows if _barred(today, *facts) is not None]


def of_tenancy(
    connection: Connection,
    tenancy: int,
    *,
    kinds: Sequence[str] = SHOWN[Sight.ALL],
    below: int | None = None,
    limit: int = 100,
) -> list[Told]:
    """What a household was told, of some kinds, the newest first. Raises psycopg.Error."""
    values = {"tenancy": tenancy, "kinds": list(kinds), "below": below, "limit": limit}
    return [Told(*row) for row in connection.execute(_SQL["of_tenancy"], values)]


def one(connection: Connection, nudge: int) -> Told | None:
    """A nudge by its number. Raises psycopg.Error."""
    row = connection.execute(_SQL["one"], {"id": nudge}).fetchone()
    return None if row is None else Told(*row)


def of_month(connection: Connection, home: int, from_day: date) -> list[Told]:
    """What the households of a home were told of the month that begins on a day. Raises psycopg.Error."""
    return [Told(*row) for row in connection.execute(_SQL["of_month"], {"home": home, "from_day": from_day})]


def messages(connection: Connection, of: Told) -> list[Message]:
    """What became of its messages, as far as the outbox has them. Raises psycopg.Error."""
    return [Message(*row) for row in connection.execute(_SQL["messages"], {"messages": list(of.messages)})]


def counts(connection: Connection, month: Month) -> dict[str, int]:
    """Nudges of a month by kind. Raises psycopg.Error."""
    return dict(connection.execute(_SQL["counts"], {"from_day": month.from_day}).fetchall())


def others(
    connection: Connection, month: Month, today: date, now: datetime, due: Sequence[int]
) -> list[tuple[str, int]]:
    """Why households with a use of the month that are not among ``due`` are told nothing, and how many, most first.

    Raises psycopg.Error.
    """
    values = {
        "from_day": month.from_day, "today": today, "now": aware(now), "since": aware(now) - APART, "due": list(due),
    }  # fmt: skip
    return [(why, int(number)) for why, number in connection.execute(_SQL["others"], values)]


def _barred(
    today: date, kind: str, arm: str | None, begins: date | None, withdrew: bool, uncompared: bool
) -> str | None:
    """Why a nudge that was told may not be sent now: what has changed since; None: it may."""
    if uncompared and kind in ("compare", "zone"):
        return UNCOMPARED
    if arm is None or begins is None:
        return None
    if kind not in SHOWN[_sight(arm, begins, withdrew, today)]:
        return IN_TRIAL
    # whom to call is kept from nobody
    return NO_NUDGE if kind != "help" and (withdrew or nudged(Arm(arm), begins, today) is None) else None


def _sight(arm: str, begins: date, withdrew: bool, today: date) -> Sight:
    return Sight.ALL if withdrew else sight(Arm(arm), begins, today)
