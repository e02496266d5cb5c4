"""The demo's energy notes: every fifteenth household has given an address that does not exist; one of them is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from borough.database import reachable
from borough.demo.analyst import LIFETIME
from devices.homes import HomeRow, Tenancy
from store import accounts, comparisons, contacts, homes, nudge_ways
from store.connect import Connection, connect

#: Each so-many-th household has an address.
_EVERY = 15


def give_addresses(connection: Connection, rows: Sequence[HomeRow]) -> None:
    """Have some households confirm an address, once, and commit. Raises psycopg.Error."""
    now = datetime.now(UTC)
    for place, tenancy in _some(connection, rows):
        if any(way.channel == "email" for way in nudge_ways.of_tenancy(connection, tenancy.id)):
            continue
        # no mail reaches a name that ends so (RFC 2606); the demo's own relay takes it
        address = f"home-{place + 1}@demo-borough.example"
        contact = contacts.email(connection, address, origin="simulated", tenancy=tenancy.id)
        if contact is not None:
            code = nudge_ways.ask_email(connection, tenancy.id, contact, now)
            nudge_ways.enter_code(connection, tenancy.id, code, now)
    connection.commit()


def note_links(url: str, rows: Sequence[HomeRow], page: str) -> list[str]:
    """Where a household signs in that has an address and a settled month: a line to tell, or why there is none.

    Raises psycopg.Error.
    """
    with reachable(url), connect(url, "borough demo") as connection:
        for _, tenancy in _some(connection, rows):
            months = comparisons.of_tenancy(connection, tenancy.id, kind="month")
            if nudge_ways.reached(connection, tenancy.id) and any(one.compared and one.final for one in months):
                code = accounts.make_code(connection, "demo", tenancy.id, datetime.now(UTC), LIFETIME)
                where = f"{page}sign-in/demo/{code}"
                return [f"  {'gets energy notes by e-mail':<28} {where}  (then {page}home/nudges, and the mailbox)"]
    return ["  There are no energy notes yet: no whole month is settled before the eighth day of the next."]


def _some(connection: Connection, rows: Sequence[HomeRow]) -> Iterator[tuple[int, Tenancy]]:
    for place, row in enumerate(rows):
        if place % _EVERY == 0:
            home = homes.by_uprn(connection, row.uprn)
            tenancy = None if home is None else homes.current_tenancy(connection, home.id, datetime.now(UTC).date())
            if tenancy is not None:
                yield place, tenancy
