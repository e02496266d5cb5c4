"""The outbox: what is to be told to whom. Whoever has something to tell puts it here, in the transaction that makes it
true; ``borough deliver`` alone takes it out (`store.outbox_work`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from devices.device import Origin
from store import mail_html
from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("outbox")

Kind = Literal["air-confirm", "air-alert", "care-alert", "care-note", "complaint", "code", "nudge", "letter-notice"]
State = Literal["waiting", "sending", "sent", "perhaps", "failed", "expired", "withheld"]

#: Who puts no end to a message is not heard of it after so long.
LASTS: dict[Kind, timedelta] = {
    "air-confirm": timedelta(hours=24),
    "air-alert": timedelta(hours=12),
    "care-alert": timedelta(hours=24),
    "care-note": timedelta(days=3),
    "complaint": timedelta(days=5),
    "code": timedelta(minutes=30),
    "nudge": timedelta(days=7),
    "letter-notice": timedelta(days=30),
}
#: Kinds that hold a code, or a link that does what a code does: what it was is kept no longer than it must be.
SECRET: tuple[Kind, ...] = ("air-confirm", "code")
#: What is kept of one.
CUT = "What stood here held a code or a link for its reader alone. It is not kept."
#: Signs of a subject, a key or a thread, and of a text.
LONGEST, LONGEST_TEXT = 200, 100_000


class Standing(NamedTuple):
    """What became of a message; ``reason``: why it failed or was withheld, or what the relay said last."""

    state: State
    reason: str | None
    due_at: datetime
    settled_at: datetime | None


def put(
    connection: Connection,
    *,
    key: str,
    contact: int,
    kind: Kind,
    origin: Origin,
    subject: str,
    text: str,
    html: str | None = None,
    thread: str = "",
    tenancy: int | None = None,
    due_at: datetime,
    expires_at: datetime | None = None,
) -> int | None:
    """Put a message to a contact, in the running transaction; its number. None: the key is known, and this does
    nothing; or the contact or tenancy is not there, or is being erased.

    ``key``: what makes it the same message, as ``air-alert:<subscription>:<episode>:begun``; it names nobody.
    ``origin``: of what it tells; a message about itself alone (a code, a confirmation) has that of its contact.
    ``text`` and ``html`` (a fragment of few elements, `store.mail_html`) hold no address; the link that stops them is
    added when it is sent, where its kind has one. ``thread``: messages that belong and are stopped together, as
    ``air:<subscription>``. ``tenancy``: the home that it speaks of, with whose erasure it goes. ``expires_at``: from
    then on it is of no use; without one, see ``LASTS``.
    Raises ValueError for a subject with a line end, or what is too long; psycopg.Error.
    """
    for name, given in (("key", key), ("subject", subject), ("thread", thread)):
        if len(given) > LONGEST or not given.isprintable() or (name != "thread" and not given.strip()):
            raise ValueError(f"a {name} is one line of at most {LONGEST} signs that can be seen")
    if html is not None and (fault := mail_html.fault(html)) is not None:
        raise ValueError(f"html: {fault}")
    for name, body in (("text", text), ("html", html or "")):
        if len(body) > LONGEST_TEXT or "\0" in body:
            raise ValueError(f"{name}: at most {LONGEST_TEXT} signs, none of them zero")
    end = aware(due_at) + LASTS[kind] if expires_at is None else aware(expires_at)
    row = connection.execute(
        _SQL["put"],
        {
            "key": key, "contact": contact, "tenancy": tenancy, "kind": kind, "thread": thread, "origin": origin,
            "subject": subject, "text": text, "html": html, "due_at": aware(due_at), "expires_at": end,
        },
    ).fetchone()  # fmt: skip
    return None if row is None else int(row[0])


def standing(connection: Connection, message_id: int) -> Standing | None:
    """What became of a message; None: there is none of this number (any more). Raises psycopg.Error."""
    row = connection.execute(_SQL["standing"], {"id": message_id}).fetchone()
    return None if row is None else Standing(*row)


def withhold(
    connection: Connection, *, kind: Kind, thread: str, reason: str, at: datetime, contact: int | None = None
) -> int:
    """Have messages of a thread that are not sent yet not be sent, in the running transaction: what they tell is true
    no more, or whoever they go to may not know it any more; how many were to be sent. ``contact``: only those to one.

    It is for good: what failed before is tried again by nobody. One whose last dot is noted still goes, and is not
    repeated. Raises psycopg.Error.
    """
    return _withhold(connection, [], kind, thread, reason, at, contact)


def withhold_some(connection: Connection, messages: Sequence[int], reason: str, at: datetime) -> int:
    """The same of messages by their numbers. Raises psycopg.Error."""
    return _withhold(connection, messages, None, None, reason, at, None)


def _withhold(
    connection: Connection,
    messages: Sequence[int],
    kind: Kind | None,
    thread: str | None,
    reason: str,
    at: datetime,
    contact: int | None,
) -> int:
    values = {
        "messages": list(messages), "kind": kind, "thread": thread, "reason": reason, "at": aware(at),
        "contact": contact,
    }  # fmt: skip
    return sum(due for (due,) in connection.execute(_SQL["withhold"], values))


def cut(connection: Connection, now: datetime) -> int:
    """Take the words out of what holds a secret, came to its end without being sent, and is of no use any more; how
    many. What was sent has lost them when that was noted. Raises psycopg.Error."""
    return connection.execute(_SQL["cut"], {"secret": list(SECRET), "cut": CUT, "now": aware(now)}).rowcount
