"""The outbox as its workers see it: taken, handed over, noted. Several may work at once; each can be killed anywhere.

A worker holds an advisory lock by its number for as long as its connection lives. What it has taken is ``sending``
with that number. Where nobody holds the lock any more it goes back, unless its last dot may have been sent
(``handed_at``): then it is ``perhaps``. Each step asks whether the message is still the worker's, so one that was
thought dead does no harm.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from devices.device import Origin
from store import contacts
from store.connect import Connection
from store.outbox import CUT, SECRET, Kind
from store.queries import queries
from store.times import aware

_SQL = queries("outbox_work")
#: First key of the workers' two-key advisory locks, and the lock of who takes messages, and of who looks at triggers.
_SPACE, _TAKING, _TRIGGERS = 0x424F5258, -5148271906531810, -5148271906531811
#: Within which a person's cap counts.
DAY = timedelta(hours=24)

#: Letters of one print run that messages become: what is more waits for the next one.
_LETTERS = 10_000

Stage = Literal["connect", "sender", "recipient", "content", "sent", "lost"]


class Candidate(NamedTuple):
    """A message that is due, and what is to be known of whom it goes to.

    ``agreed`` and ``lives``: whether the contact's tenancy agrees to messages (for one by letter: and to letters), and
    lives there today; None: there is none.
    ``recent``: messages of the kind to the same person within ``DAY``.
    """

    id: int
    key: str
    contact_id: int
    kind: Kind
    thread: str
    origin: Origin
    subject: str
    text: str
    html: str | None
    expires_at: datetime
    tries: int
    channel: str
    address: str | None
    contact_origin: Origin
    confirmed: bool
    bounced: bool
    stopped: bool
    agreed: bool | None
    lives: bool | None
    recent: int


class Verdict(NamedTuple):
    """What becomes of a candidate: ``send`` it, show it (``sent`` on a page), not now (``waiting`` until ``at``), or
    never, with the reason."""

    state: Literal["send", "sent", "waiting", "withheld", "expired"]
    reason: str | None = None
    at: datetime | None = None


class Answer(NamedTuple):
    """What a relay said at the end of a try, without the address; ``bounced``: there is no such mailbox."""

    stage: Stage
    code: int | None
    enhanced: str | None
    answer: str
    bounced: bool = False


def enter(connection: Connection) -> int:
    """Become a worker until the connection ends; its number. Raises psycopg.Error."""
    while True:
        number = 1 + secrets.randbelow(2**31 - 1)
        row = connection.execute(_SQL["enter"], {"space": _SPACE, "number": number}).fetchone()
        if row is not None and row[0]:
            return number


def alone_with_triggers(connection: Connection) -> bool:
    """Become the one who looks at triggers, until the connection ends; False: another does. Raises psycopg.Error."""
    row = connection.execute(_SQL["alone"], {"lock": _TRIGGERS}).fetchone()
    return bool(row and row[0])


def recover(connection: Connection, now: datetime) -> tuple[int, int]:
    """Take from workers that are gone what they had: how many wait again, how many were perhaps sent.

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["recover"], {"space": _SPACE, "now": aware(now)}).fetchall()
    states = Counter(state for (state,) in rows)
    return states["waiting"], states["perhaps"]


def expire(connection: Connection, now: datetime) -> int:
    """End what waited until it was of no use; how many. Raises psycopg.Error."""
    return connection.execute(_SQL["expire"], {"now": aware(now)}).rowcount


def due(connection: Connection, now: datetime, channel: str) -> bool:
    """Whether something is to be handed over by now. Raises psycopg.Error."""
    return connection.execute(_SQL["due"], {"now": aware(now), "channel": channel}).fetchone() is not None


def take(
    connection: Connection,
    worker: int,
    now: datetime,
    today: date,
    channels: Sequence[str],
    limit: int,
    decide: Callable[[Candidate, int], Verdict],
) -> tuple[list[Candidate], int]:
    """Take what is due, the urgent first, in a transaction of its own: what the worker has to send now, and how many
    were looked at.

    ``today``: the local day. ``decide`` gets a candidate and how many of its kind to the same person this call has
    taken before. One worker at a time is in here: a cap counts what others take. Raises psycopg.Error.
    """
    with connection.transaction():
        connection.execute(_SQL["taking"], {"lock": _TAKING})
        taken, looked = _look(connection, now, today, channels, limit, decide)
        if taken:
            connection.execute(_SQL["taken"], {"messages": [one.id for one in taken], "worker": worker})
    return taken, looked


def by_letter(
    connection: Connection, now: datetime, today: date, decide: Callable[[Candidate, int], Verdict]
) -> list[Candidate]:
    """What is due by letter and may be sent; what may not is settled. In the running transaction, or one of its own;
    until it ends they are nobody else's. They still wait after it: see ``letter_messages.settle``.

    No worker waits meanwhile: to accept a run takes its time. No two of them have a letter, so caps hold all the same.
    Raises psycopg.Error.
    """
    with connection.transaction():
        return _look(connection, now, today, ["letter"], _LETTERS, decide)[0]


def _look(
    connection: Connection,
    now: datetime,
    today: date,
    channels: Sequence[str],
    limit: int,
    decide: Callable[[Candidate, int], Verdict],
) -> tuple[list[Candidate], int]:
    """In the running transaction: what is due and is to be sent, the rest of it settled; how many were looked at."""
    wanted: list[Candidate] = []
    held: Counter[tuple[str, str]] = Counter()
    given = {"now": aware(now), "today": today, "since": now - DAY, "channels": list(channels)}
    found: list[Candidate] = []
    for urgency in (0, 1):
        if len(found) < limit:
            asked = {**given, "urgency": urgency, "limit": limit - len(found)}
            found += [Candidate(*row) for row in connection.execute(_SQL["candidates"], asked)]
    for one in found:
        person = (one.address or f"contact {one.contact_id}").lower(), one.kind
        verdict = decide(one, held[person])
        if verdict.state in ("send", "sent"):
            held[person] += 1
        if verdict.state == "send":
            wanted.append(one)
        else:
            values = {"id": one.id, "state": verdict.state, "reason": verdict.reason, "at": verdict.at, "now": now}
            connection.execute(_SQL["decided"], values)
    return wanted, len(found)


def links(connection: Connection, some: Sequence[Candidate], now: datetime) -> dict[int, str]:
    """New tokens of links that stop messages' kinds, or their threads, by message. Raises psycopg.Error."""
    tokens = {one.id: contacts.new_token() for one in some}
    if some:
        values = {
            "tokens": [contacts.hashed(token) for token in tokens.values()], "messages": list(tokens), "now": aware(now)
        }  # fmt: skip
        connection.execute(_SQL["links"], values)
    return tokens


def hand(connection: Connection, message_id: int, worker: int, now: datetime, *, agreed: bool = False) -> bool:
    """Note that the last dot is about to be sent; False: the message must not go: it is another's by now, stopped,
    void, or of no use any more; or (``agreed``) its household agrees to messages no more, which it did when it was
    taken. Committed before this returns, for the connection is in autocommit. Raises psycopg.Error.
    """
    values = {"id": message_id, "worker": worker, "now": aware(now), "agreed": agreed}
    return connection.execute(_SQL["hand"], values).rowcount == 1


def settle(
    connection: Connection,
    message_id: int,
    worker: int,
    state: Literal["sent", "perhaps", "failed"],
    answer: Answer,
    now: datetime,
    handed: datetime | None,
) -> bool:
    """Note how a try ended for good, also where others gave it up as ``perhaps`` meanwhile; ``handed``: when it was
    noted that its last dot was about to be sent. What was sent keeps no secret. Raises psycopg.Error."""
    values = {
        "id": message_id, "worker": worker, "state": state, "now": aware(now), "handed": handed,
        "secret": list(SECRET), "cut": CUT, **answer._asdict(),
    }  # fmt: skip
    if not answer.bounced:
        return connection.execute(_SQL["settle"], values).rowcount == 1
    with connection.transaction():
        done = connection.execute(_SQL["settle"], values).rowcount == 1
        if done:
            connection.execute(_SQL["bounced"], values)
    return done


def again(
    connection: Connection,
    message_id: int,
    worker: int,
    answer: Answer,
    at: datetime,
    now: datetime,
    handed: datetime | None,
) -> bool:
    """Note that a try came to nothing and the next is at ``at``; see ``settle``. Raises psycopg.Error."""
    values = {
        "id": message_id, "worker": worker, "at": aware(at), "now": aware(now), "handed": handed, **answer._asdict()
    }  # fmt: skip
    return connection.execute(_SQL["again"], values).rowcount == 1


def give_back(connection: Connection, worker: int, messages: Sequence[int]) -> None:
    """Let messages of the worker wait again as if they had not been taken. Raises psycopg.Error."""
    connection.execute(_SQL["give_back"], {"worker": worker, "messages": list(messages)})


def relay_well(connection: Connection, now: datetime) -> None:
    """Note that the relay let us in. Raises psycopg.Error."""
    connection.execute(_SQL["relay_well"], {"now": aware(now)})


def relay_ill(connection: Connection, problem: str, now: datetime) -> None:
    """Note what is wrong with the relay. Raises psycopg.Error."""
    connection.execute(_SQL["relay_ill"], {"now": aware(now), "problem": problem})
