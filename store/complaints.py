"""Complaints about how somebody's data were used: taken, acknowledged, answered, and kept for a while after that.

Whoever complains is nobody that we know; what opens their complaint's page is its reference and a secret, of which the
database has only the SHA-256. Every function raises psycopg.Error.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from store.accounts import ALPHABET, hashed, plain_code
from store.connect import Connection
from store.queries import queries

_SQL = queries("complaints")

State = Literal["received", "acknowledged", "answered"]
AnswerBy = Literal["email", "post", "none"]
Channel = Literal["page", "telephone", "post", "email"]
#: What a complaint is about.
ABOUT: Final = ("energy", "parking", "air", "movement", "other")

#: Days in which a complaint must be acknowledged, of which the day it came is the first (Data Protection Act 2018,
#: section 164A: "within the period of 30 days beginning when the complaint is received").
ACKNOWLEDGE_DAYS: Final = 30
#: So many days before the last one it is due soon.
SOON_DAYS: Final = 7
#: Complaints that the page takes in a day. A flood beyond it would bury those that are meant.
MOST_A_DAY: Final = 500
#: An answered complaint of a household that was erased meanwhile is kept for so long, in which it may be asked about.
AFTER_ERASURE: Final = timedelta(days=28)
#: Complaints that are deleted together.
_AT_ONCE = 500
#: Signs of a complaint's or letter's text: even of four bytes each they are within the limit of a request.
LONGEST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody said. ``address``: e-mail or lines of a postal one, empty where ``answer_by`` is none."""

    text: str
    about: str
    answer_by: AnswerBy
    address: str = ""
    name: str = ""
    tenancy_id: int | None = None
    channel: Channel = "page"


class Taken(NamedTuple):
    """A complaint that was taken; ``new`` False: the same form was sent before."""

    id: int
    reference: str
    new: bool


class Complaint(NamedTuple):
    """A complaint; ``erased_at``: when its household was erased while it was open."""

    id: int
    reference: str
    received_at: datetime
    channel: Channel
    tenancy_id: int | None
    about: str
    text: str
    name: str
    answer_by: AnswerBy
    address: str
    acknowledged_at: datetime | None
    answered_at: datetime | None
    erased_at: datetime | None

    @property
    def state(self) -> State:
        """How far it is."""
        if self.answered_at is not None:
            return "answered"
        return "received" if self.acknowledged_at is None else "acknowledged"

    def due(self, zone: ZoneInfo) -> date:
        """The last local day for its acknowledgement."""
        return last_day(self.received_at, zone)


class Letter(NamedTuple):
    """Something that was sent, as it was sent; ``message_id`` in the outbox where it went by e-mail."""

    kind: str
    way: str
    text: str
    at: datetime
    message_id: int | None


class Look(NamedTuple):
    """Who looked at a complaint or changed it; ``account_id`` None: whoever knows its secret."""

    at: datetime
    account_id: int | None
    role: str
    action: str


def last_day(received_at: datetime, zone: ZoneInfo) -> date:
    """The last local day on which a complaint that came at an instant can be acknowledged in time."""
    return received_at.astimezone(zone).date() + timedelta(days=ACKNOWLEDGE_DAYS - 1)


def overdue_before(now: datetime, zone: ZoneInfo) -> datetime:
    """The instant before which a complaint must have come to be past its last day now: a local midnight."""
    day = now.astimezone(zone).date() - timedelta(days=ACKNOWLEDGE_DAYS - 1)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def take(
    connection: Connection, given: Given, *, secret: str, form: str, received_at: datetime, now: datetime
) -> Taken | None:
    """Take a complaint inside the running transaction.

    ``secret`` opens its page; ``form`` is the number of the form that it came with: sent again, nothing is added. None
    where the page has taken `MOST_A_DAY` in a day. A tenancy that is not there any more, or is being erased, is
    left out.
    """
    connection.execute(_SQL["lock"])
    mark = hashed(form)
    row = connection.execute(_SQL["again"], {"form": mark}).fetchone()
    if row is not None:
        return Taken(row[0], row[1], new=False)
    if given.channel == "page":
        lately = connection.execute(_SQL["lately"], (now - timedelta(days=1),)).fetchone()
        assert lately is not None
        if lately[0] >= MOST_A_DAY:
            return None
    reference = new_reference()
    values = {
        "reference": reference, "secret": hashed(plain_code(secret)), "form": mark, "received": received_at, "now": now,
        "channel": given.channel, "tenancy": given.tenancy_id, "about": given.about, "text": given.text,
        "name": given.name, "answer_by": given.answer_by, "address": given.address,
    }  # fmt: skip
    row = connection.execute(_SQL["add"], values).fetchone()
    assert row is not None
    return Taken(row[0], reference, new=True)


def new_reference() -> str:
    """A reference that is nobody's yet: ``DP-BCDF-GHJK``, said on the telephone without a mistake."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"DP-{letters[:4]}-{letters[4:]}"


def plain_reference(text: str) -> str:
    """A reference as typed by people, as it is kept; what is none is returned as no reference is."""
    letters = plain_code(text[:40]).removeprefix("DP")
    return f"DP-{letters[:4]}-{letters[4:]}"


def one(connection: Connection, reference: str) -> Complaint | None:
    """A complaint by its reference, for staff."""
    row = connection.execute(_SQL["one"], {"reference": plain_reference(reference)}).fetchone()
    return None if row is None else Complaint(*row)


def opened(connection: Connection, reference: str, secret: str) -> Complaint | None:
    """A complaint for who knows its secret."""
    values = {"reference": plain_reference(reference), "secret": hashed(plain_code(secret[:100]))}
    row = connection.execute(_SQL["opened"], values).fetchone()
    return None if row is None else Complaint(*row)


def unanswered(connection: Connection, limit: int = 1_000) -> list[Complaint]:
    """Complaints without an answer: those that are not acknowledged first, each the oldest first."""
    return [Complaint(*row) for row in connection.execute(_SQL["unanswered"], (limit,))]


def answered(connection: Connection, limit: int = 50) -> list[Complaint]:
    """The complaints that were answered last."""
    return [Complaint(*row) for row in connection.execute(_SQL["answered"], (limit,))]


def counts(connection: Connection) -> tuple[int, int]:
    """Complaints that are not acknowledged, and all that are not answered."""
    row = connection.execute(_SQL["counts"]).fetchone()
    assert row is not None
    return row[0], row[1]


def acknowledge(connection: Connection, complaint_id: int, now: datetime) -> bool:
    """Note that a complaint is acknowledged, inside the transaction that sends it. False: it was already."""
    return connection.execute(_SQL["acknowledge"], {"id": complaint_id, "now": now}).fetchone() is not None


def answer(connection: Connection, complaint_id: int, now: datetime) -> bool:
    """Note that a complaint is answered, inside the transaction that sends it. False: it was already."""
    return connection.execute(_SQL["answer"], {"id": complaint_id, "now": now}).fetchone() is not None


def add_letter(connection: Connection, complaint_id: int, letter: Letter, account_id: int | None) -> None:
    """Keep what was sent, as it was sent."""
    values = {
        "complaint": complaint_id, "kind": letter.kind, "way": letter.way, "text": letter.text, "now": letter.at,
        "account": account_id, "message": letter.message_id,
    }  # fmt: skip
    connection.execute(_SQL["add_letter"], values)


def letters(connection: Connection, complaint_id: int) -> list[Letter]:
    """What was sent about a complaint, the oldest first."""
    return [Letter(*row) for row in connection.execute(_SQL["letters"], (complaint_id,))]


def unreached(connection: Connection, since: datetime) -> set[int]:
    """Complaints with an e-mail put since an instant that did not arrive, and nothing was posted in its place."""
    return {row[0] for row in connection.execute(_SQL["unreached"], (since,))}


def log_access(
    connection: Connection, complaint_id: int, account_id: int | None, role: str, action: str, now: datetime
) -> None:
    """Note who looked at a complaint or changed it."""
    values = {"complaint": complaint_id, "account": account_id, "role": role, "action": action, "now": now}
    connection.execute(_SQL["log_access"], values)


def accesses(connection: Connection, complaint_id: int, limit: int = 100) -> Sequence[Look]:
    """Who looked at a complaint, the newest first."""
    return [Look(*row) for row in connection.execute(_SQL["accesses"], (complaint_id, limit))]


def overdue(connection: Connection, before: datetime) -> tuple[int, datetime | None]:
    """Complaints that came before an instant (`overdue_before`) and are not acknowledged, and when the oldest came."""
    row = connection.execute(_SQL["overdue"], (before,)).fetchone()
    assert row is not None
    return row[0], row[1]


def forget(connection: Connection, now: datetime, days: int) -> int:
    """Delete complaints that were answered more than ``days`` ago, or `AFTER_ERASURE` where their household was erased,
    with their messages and addresses; how many. In transactions of its own."""
    values = {"before": now - timedelta(days=days), "erased_before": now - AFTER_ERASURE, "rows": _AT_ONCE}
    done = 0
    while True:
        with connection.transaction():
            ids = [row[0] for row in connection.execute(_SQL["old"], values)]
            if not ids:
                return done
            reached = {row[0] for row in connection.execute(_SQL["forget_messages"], {"ids": ids})}
            connection.execute(_SQL["forget"], {"ids": ids})
            connection.execute(_SQL["forget_contacts"], {"contacts": sorted(reached)})
            done += len(ids)
