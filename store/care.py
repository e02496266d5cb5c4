"""Whom a resident names as carers: links, their codes, their order. A link counts while all of this holds: the carer
has entered its code, nobody has withdrawn it, the resident agrees to the use of the sensors, and lives there.

Every look of a carer at a home is in that home's log of access (`store.accounts.log_access`), written by the pages.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from store.accounts import hashed, new_code, plain_code
from store.connect import Connection
from store.queries import queries

_SQL = queries("care")

Kind = Literal["family", "practitioner"]
KINDS: tuple[Kind, ...] = ("family", "practitioner")
#: Whoever withdrew: the resident, the carer, the end of the consent, or of the tenancy.
By = Literal["resident", "carer", "consent", "end"]
#: So many carers of a home: the third is told at the latest after twice the time of an answer.
MOST = 3
CODE_LIFETIME = timedelta(days=14)
MAIL_CODE_LIFETIME = timedelta(minutes=30)


class TooManyCarers(Exception):
    """A home has named as many carers as it may."""


class Link(NamedTuple):
    """A carer of a home. ``account_id`` and ``taken_at`` None: the code was not entered yet.

    ``rank``: the place in the order in which they are told. ``carer``: what the resident calls the carer; ``home``:
    what the carer reads as the home's name; neither is an address. ``contact_id`` None: told on the page alone.
    """

    id: int
    tenancy_id: int
    home_id: int
    account_id: int | None
    kind: Kind
    rank: int
    carer: str
    home: str
    contact_id: int | None
    named_at: datetime
    taken_at: datetime | None


class Mail(NamedTuple):
    """The address that a link's messages go to; one that waits for its code; whether a relay said that there is no
    mailbox of the first one, and whether somebody stopped such messages to it by a link in one of them."""

    address: str | None
    waiting: str | None
    bounced: bool
    stopped: bool


def consents(connection: Connection, tenancy_id: int) -> bool:
    """Whether a tenancy agrees to the use of its movement sensors at present. Raises psycopg.Error."""
    row = connection.execute(_SQL["consents"], {"tenancy": tenancy_id}).fetchone()
    return bool(row and row[0])


def name_carer(
    connection: Connection, tenancy_id: int, kind: Kind, carer: str, home: str, now: datetime, day: date
) -> tuple[int, str] | None:
    """Name a carer, last in the order, in the running transaction: the link's number and the code that they enter.

    None where the tenancy does not agree to the use of its sensors, has ended on the local ``day`` or is being erased.
    Raises TooManyCarers, psycopg.Error.
    """
    if not _lock(connection, tenancy_id, day) or not consents(connection, tenancy_id):
        return None
    _reorder(connection, tenancy_id, _order(connection, tenancy_id))  # one who was erased may have left a gap
    values = {"tenancy": tenancy_id, "kind": kind, "carer": carer, "home": home, "now": now, "most": MOST}
    row = connection.execute(_SQL["add_link"], values).fetchone()
    if row is None:
        raise TooManyCarers
    return row[0], make_code(connection, row[0], now)


def make_code(connection: Connection, link_id: int, now: datetime) -> str:
    """A code for a link that nobody has taken yet, in place of earlier ones. Raises psycopg.Error."""
    code = new_code()
    values = {"link": link_id, "code": hashed(plain_code(code)), "now": now, "expires": now + CODE_LIFETIME}
    connection.execute(_SQL["add_code"], values)
    return code


def take_code(connection: Connection, account_id: int, text: str, now: datetime, day: date) -> Link | None:
    """Make an account the carer of a code's link, once, in the running transaction.

    None, and nothing is changed, where the code is wrong, used or over, the link withdrawn, the home the account's own,
    or the account a carer of it already: all look the same to whoever tries. Raises psycopg.Error.
    """
    values = {"code": hashed(plain_code(text[:100])), "account": account_id, "now": now, "day": day}
    row = connection.execute(_SQL["code"], values).fetchone()
    if row is None or not _lock(connection, row[1], day):
        return None
    # looked at again: who held the tenancy meanwhile may have withdrawn the link or taken it
    row = connection.execute(_SQL["code"], values).fetchone()
    if row is None or connection.execute(_SQL["use_code"], values).fetchone() is None:
        return None
    if connection.execute(_SQL["take_link"], {**values, "link": row[0]}).fetchone() is None:
        return None
    return link(connection, account_id, row[0], day)


def link(connection: Connection, account_id: int, link_id: int, day: date) -> Link | None:
    """A link of an account that counts on the local ``day``; None for any other, whosever it is.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["link"], {"account": account_id, "link": link_id, "day": day}).fetchone()
    return None if row is None else Link(*row)


def links_of_account(connection: Connection, account_id: int, day: date) -> list[Link]:
    """The links of an account that count on the local ``day``. Raises psycopg.Error."""
    return [Link(*row) for row in connection.execute(_SQL["links_of_account"], {"account": account_id, "day": day})]


def links_of_tenancy(connection: Connection, tenancy_id: int) -> list[Link]:
    """Whom a resident has named and not withdrawn, by rank, also those without an account yet. Raises psycopg.Error."""
    return [Link(*row) for row in connection.execute(_SQL["links_of_tenancy"], {"tenancy": tenancy_id})]


def withdraw(connection: Connection, tenancy_id: int, link_id: int, by: By, now: datetime, day: date) -> bool:
    """End a link in the running transaction: from its commit on the carer sees and is told nothing; who came after
    moves up. False where there is no such one. Raises psycopg.Error."""
    if _lock(connection, tenancy_id, day) is None:
        return False
    values = {"tenancy": tenancy_id, "link": link_id, "by": by, "now": now}
    if connection.execute(_SQL["withdraw"], values).fetchone() is None:
        return False
    _reorder(connection, tenancy_id, _order(connection, tenancy_id))
    return True


def leave(connection: Connection, account_id: int, link_id: int, now: datetime, day: date) -> bool:
    """End a link because its carer says so, in the running transaction; False where it is none of theirs.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["withdraw_link"], {"link": link_id, "account": account_id}).fetchone()
    return row is not None and withdraw(connection, row[0], link_id, "carer", now, day)


def move_up(connection: Connection, tenancy_id: int, link_id: int, day: date) -> bool:
    """Have a carer told before the one who is told before them now, in the running transaction; False where they are
    the first or there is no such one. Raises psycopg.Error."""
    if not _lock(connection, tenancy_id, day):
        return False
    order = _order(connection, tenancy_id)
    if link_id not in order[1:]:
        return False
    place = order.index(link_id)
    order[place - 1], order[place] = order[place], order[place - 1]
    _reorder(connection, tenancy_id, order)
    return True


def put_mail_code(connection: Connection, link_id: int, contact_id: int, now: datetime) -> str:
    """A code that shows, once entered, that an address is the carer's; earlier ones are worth nothing any more.

    Raises psycopg.Error.
    """
    code = new_code()
    values = {"link": link_id, "contact": contact_id, "code": hashed(plain_code(code)), "now": now}
    connection.execute(_SQL["add_mail_code"], {**values, "expires": now + MAIL_CODE_LIFETIME})
    return code


def use_mail_code(connection: Connection, link_id: int, text: str, now: datetime) -> int | None:
    """The contact of the address that a code was sent to, once, in the running transaction; None where it is wrong,
    used or over. Raises psycopg.Error."""
    values = {"link": link_id, "code": hashed(plain_code(text[:100])), "now": now}
    row = connection.execute(_SQL["use_mail_code"], values).fetchone()
    return None if row is None else int(row[0])


def mail(connection: Connection, link_id: int, now: datetime) -> Mail:
    """Where messages of a link go, and where a code was sent to that was not entered yet. Raises psycopg.Error."""
    row = connection.execute(_SQL["mail"], {"link": link_id, "now": now}).fetchone()
    return Mail(None, None, False, False) if row is None else Mail(*row)


def set_contact(connection: Connection, link_id: int, contact_id: int | None) -> bool:
    """Have a link's messages go to a contact, or, None, stand on the page alone; an address that no link names any more
    is forgotten. Raises psycopg.Error."""
    old = connection.execute(_SQL["contact"], {"link": link_id}).fetchone()
    done = connection.execute(_SQL["set_contact"], {"link": link_id, "contact": contact_id}).rowcount == 1
    if done and old is not None and old[0] not in (None, contact_id):
        connection.execute(_SQL["forget_contact"], {"link": link_id, "contact": old[0]})
    return done


def end_of_tenancies(connection: Connection, now: datetime, day: date) -> int:
    """End the links of tenancies that have ended on the local ``day``, and forget what was usual there; how many links.

    Raises psycopg.Error.
    """
    connection.execute(_SQL["forget_usual"], {"day": day})
    return connection.execute(_SQL["ended"], {"now": now, "day": day}).rowcount


def _lock(connection: Connection, tenancy_id: int, day: date) -> bool | None:
    """Change a tenancy's carers alone: whether it lasts on the local ``day``; None where there is none any more."""
    row = connection.execute(_SQL["lock_tenancy"], {"tenancy": tenancy_id, "day": day}).fetchone()
    return None if row is None else bool(row[0])


def _order(connection: Connection, tenancy_id: int) -> list[int]:
    return [found for (found,) in connection.execute(_SQL["order"], {"tenancy": tenancy_id})]


def _reorder(connection: Connection, tenancy_id: int, order: list[int]) -> None:
    connection.execute(_SQL["reorder"], {"tenancy": tenancy_id, "links": order})
