"""Air alerts: who asked to be told that a place's air reaches a band, and the episodes that they were told of.

Who asked is a contact (`store.contacts`) of neither a tenancy nor an account; the address stands there alone. Links
are kept as SHA-256 of what they hold; that of a confirmation stands in its message too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from devices.device import Origin
from store.connect import Connection
from store.contacts import hashed, new_token
from store.queries import queries
from store.times import aware

_SQL = queries("air_alerts")

Band = Literal["moderate", "high", "very-high"]
How = Literal["below", "unknown", "withdrawn"]
#: Who may have messages of other kinds keeps them, and their address, when air alerts end.
KINDS = ["air-confirm", "air-alert"]
#: So many places and bands of one address.
MOST = 20
#: A request that nobody confirmed is kept so long, and what somebody stopped or a relay refused so long.
UNCONFIRMED, STOPPED = timedelta(hours=48), timedelta(days=30)
#: Episodes are kept so long after they were noted.
EPISODES = timedelta(days=400)
_HOUR = 3_600


class Subscription(NamedTuple):
    """One place and band of somebody; ``whole``: an area, else a point. ``confirmed_at`` None: not confirmed yet."""

    id: int
    contact: int
    place: str
    lon: float
    lat: float
    whole: bool
    band: Band
    tell_end: bool
    asked_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which an index was in a band; hours are numbered from the Unix epoch.

    ``begin``: its first hour; ``last``: the newest in the band; ``highest``: the highest index in it; ``end``: the
    first hour that is not its own, None while it goes on; ``how`` it ended. ``final``: nothing makes it go on any more.
    """

    begin: int
    last: int
    highest: int
    end: int | None = None
    how: How | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """An episode of a subscription as it is stored. ``seen``: the newest hour that was looked at; ``told`` and
    ``end_told``: when a message of its beginning and its end was put into the outbox; ``message``: the number of the
    first of these; ``id`` None: not stored yet."""

    id: int | None
    subscription: int
    episode: Episode
    seen: int
    told: datetime | None = None
    message: int | None = None
    end_told: datetime | None = None


class Asked(NamedTuple):
    """What became of a request. ``token``: of the link that confirms it, or manages what was ``confirmed`` before."""

    subscription: int
    token: str
    confirmed: bool


class Held(NamedTuple):
    """All that is held of an address for air alerts. ``messages``: when, subject, state and text of each."""

    address: str
    asked_at: datetime
    confirmed_at: datetime | None
    stopped_at: datetime | None
    bounce: str | None
    subscriptions: Sequence[Subscription]
    episodes: Mapping[int, Sequence[Noted]]
    messages: Sequence[Message]


class Message(NamedTuple):
    """A message to somebody as it was made."""

    made_at: datetime
    subject: str
    state: str
    text: str


class Count(NamedTuple):
    """Subscriptions of one band: confirmed ones, requests, and those of people who stopped."""

    band: str
    confirmed: int
    unconfirmed: int
    stopped: int


def ask(
    connection: Connection,
    contact: int,
    place: str,
    lon: float,
    lat: float,
    band: Band,
    now: datetime,
    *,
    whole: bool,
    tell_end: bool,
) -> Asked | None:
    """Note a request of a contact, in the running transaction. What was asked for before gets another link, and the
    older one does nothing then; what was confirmed stays as it is. None: the contact has too many, or is being erased.
    Raises psycopg.Error.
    """
    token = new_token()
    values = {
        "contact": contact, "place": place, "lon": lon, "lat": lat, "whole": whole, "band": band,
        "tell_end": tell_end, "token": hashed(token), "now": aware(now), "most": MOST,
    }  # fmt: skip
    row = connection.execute(_SQL["ask"], values).fetchone()
    if row is None:
        return None
    return Asked(int(row[0]), token, bool(row[1]))


def is_area(connection: Connection, place: str) -> bool:
    """Whether a name is that of an area. Raises psycopg.Error."""
    return connection.execute(_SQL["is_area"], (place,)).fetchone() is not None


def by_token(connection: Connection, token: str) -> Subscription | None:
    """The subscription that a link confirms, or has confirmed. Raises psycopg.Error."""
    row = connection.execute(_SQL["by_token"], (hashed(token[:200]),)).fetchone()
    return None if row is None else Subscription(*row)


def confirm(connection: Connection, subscription: int, now: datetime) -> bool:
    """Confirm a request, in the running transaction: the address is the person's, who wants to be told again where they
    had stopped. False: there is no such subscription (any more). Raises psycopg.Error.
    """
    row = connection.execute(_SQL["confirm"], {"id": subscription, "now": aware(now)}).fetchone()
    if row is None:
        return False
    connection.execute(_SQL["confirm_contact"], {"contact": row[0], "now": aware(now)})
    start(connection, row[0])
    return True


def start(connection: Connection, contact: int) -> None:
    """Take back that somebody stopped their alerts, as only they may ask. Raises psycopg.Error."""
    connection.execute(_SQL["start"], (contact,))


def contact_by_token(connection: Connection, token: str) -> int | None:
    """Whose alerts a link manages: one that confirmed them, or that stops messages of them. Raises psycopg.Error."""
    row = connection.execute(_SQL["contact_by_token"], {"token": hashed(token[:200])}).fetchone()
    return None if row is None else int(row[0])


def new_link(connection: Connection, contact: int, now: datetime) -> str | None:
    """What a new link to manage somebody's alerts holds; None: they have none any more. Raises psycopg.Error."""
    token = new_token()
    values = {"token": hashed(token), "contact": contact, "now": aware(now)}
    return None if connection.execute(_SQL["new_link"], values).fetchone() is None else token


def held(connection: Connection, contact: int) -> Held | None:
    """All that is held of somebody for air alerts; None: nothing (any more). Raises psycopg.Error."""
    row = connection.execute(_SQL["contact"], (contact,)).fetchone()
    if row is None:
        return None
    own = [Subscription(*one) for one in connection.execute(_SQL["of_contact"], (contact,))]
    messages = [Message(*one) for one in connection.execute(_SQL["messages"], (contact, KINDS))]
    episodes = noted(connection, [one.id for one in own], datetime.min.replace(tzinfo=UTC))
    address, asked_at, confirmed_at, stopped_at, bounce = row
    return Held(address, asked_at, confirmed_at, stopped_at, bounce, own, episodes, messages)


def stop(connection: Connection, contact: int, subscription: int) -> bool:
    """Delete one subscription of somebody, and with the last one all that is held of them; False: there is none.

    Raises psycopg.Error.
    """
    with connection.transaction():
        if connection.execute(_SQL["stop"], {"contact": contact, "id": subscription}).fetchone() is None:
            return False
        if connection.execute(_SQL["any"], (contact,)).fetchone() is None:
            erase(connection, contact)
    return True


def erase(connection: Connection, contact: int) -> None:
    """Delete all that is held of somebody for air alerts: subscriptions, episodes, messages, links, and the address
    unless they have messages of another kind. Raises psycopg.Error.
    """
    with connection.transaction():
        values = {"contact": contact, "kinds": KINDS}
        connection.execute(_SQL["lock"], values)
        connection.execute(_SQL["erase_subscriptions"], values)
        connection.execute(_SQL["erase_messages"], values)
        connection.execute(_SQL["erase_stops"], values)
        connection.execute(_SQL["erase_tokens"], values)
        connection.execute(_SQL["erase_contact"], values)


def forget_old(connection: Connection, now: datetime) -> int:
    """Delete requests that nobody confirmed for two days, and after 30 days what somebody stopped or a relay refused,
    with what hangs on them; how many addresses went. Raises psycopg.Error.
    """
    connection.execute(_SQL["forget_episodes"], (aware(now) - EPISODES,))
    connection.execute(_SQL["forget_unconfirmed"], (aware(now) - UNCONFIRMED,))
    rows = connection.execute(
        _SQL["ended"], {"kinds": KINDS, "since": aware(now) - STOPPED, "orphaned": aware(now) - UNCONFIRMED}
    ).fetchall()
    for (contact,) in rows:
        erase(connection, contact)
    return len(rows)


def watched(connection: Connection, origin: Origin) -> list[Subscription]:
    """Confirmed subscriptions of people who can be told, by contact. Raises psycopg.Error."""
    return [Subscription(*row) for row in connection.execute(_SQL["watched"], (origin,))]


def hold(connection: Connection, contact: int) -> list[Subscription]:
    """Keep a contact's episodes to oneself until the transaction ends; its subscriptions as they are then, none where
    it stopped or is being erased. Raises psycopg.Error.
    """
    return [Subscription(*row) for row in connection.execute(_SQL["hold"], {"contact": contact})]


def noted(connection: Connection, subscriptions: Sequence[int], since: datetime) -> dict[int, list[Noted]]:
    """Episodes by subscription, of those that go on or ended since an instant, the oldest first.

    Raises psycopg.Error.
    """
    found: dict[int, list[Noted]] = {}
    for row in connection.execute(_SQL["noted"], {"subscriptions": list(subscriptions), "since": since}):
        id_, subscription, begin, last, end, how, final, highest, seen, *told = row
        episode = Episode(_hour(begin), _hour(last), highest, None if end is None else _hour(end), how, final)
        found.setdefault(subscription, []).append(Noted(id_, subscription, episode, _hour(seen), *told))
    return found


def note(connection: Connection, one: Noted, now: datetime) -> int:
    """Store an episode as it is now; its number. Raises psycopg.Error."""
    episode = one.episode
    values = {
        "id": one.id, "subscription": one.subscription, "begin": instant_of(episode.begin),
        "last": instant_of(episode.last), "end": None if episode.end is None else instant_of(episode.end),
        "how": episode.how, "final": episode.final, "highest": episode.highest, "seen": instant_of(one.seen),
        "now": aware(now), "told": one.told, "message": one.message, "end_told": one.end_told,
    }  # fmt: skip
    row = connection.execute(_SQL["add" if one.id is None else "change"], values).fetchone()
    assert row is not None
    return int(row[0])


def withhold(connection: Connection, message: int, now: datetime) -> bool:
    """Have a message that waits not be sent where no episode that it tells of goes on, and note that these were not
    told; False: it is sent, or one goes on. Raises psycopg.Error."""
    if connection.execute(_SQL["withhold"], {"message": message, "now": aware(now)}).fetchone() is None:
        return False
    connection.execute(_SQL["not_told"], (message,))
    return True


def set_tell_end(connection: Connection, contact: int, subscription: int, wished: bool) -> bool:
    """Note whether somebody wishes to be told of ends too; False: they have no such subscription.

    Raises psycopg.Error.
    """
    values = {"contact": contact, "id": subscription, "wished": wished}
    return connection.execute(_SQL["set_tell_end"], values).rowcount == 1


def counts(connection: Connection, origin: Origin) -> list[Count]:
    """How many subscriptions there are of each band; of nobody in particular. Raises psycopg.Error."""
    return [Count(*row) for row in connection.execute(_SQL["counts"], (origin,))]


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // _HOUR


def instant_of(hour: int) -> datetime:
    """When an hour begins."""
    return datetime.fromtimestamp(hour * _HOUR, UTC)
