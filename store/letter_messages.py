"""Messages by letter: what they say, to whom, and that they are printed (`borough.delivery.letters.messages`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from devices.homes import Home, Tenancy
from store import homes
from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("letter_messages")


class Told(NamedTuple):
    """A message, and the household that it goes to."""

    id: int
    subject: str
    text: str
    tenancy: Tenancy
    home: Home


def told(connection: Connection, messages: Sequence[int], today: date) -> list[Told]:
    """These messages with their households, by postcode; who does not live there any more is left out.

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["told"], {"messages": list(messages), "today": today})
    return [
        Told(
            row[0], row[1], row[2], Tenancy(*row[3:13]),
            Home(row[13], row[14], tuple(row[15]), row[16], row[17], homes.details_of(row[18:26])),
        )
        for row in rows
    ]  # fmt: skip


def printed_in(connection: Connection, folder: str, agreed: Sequence[str]) -> list[int]:
    """Messages whose letters an earlier run put into a folder, but those that were stopped since, and of the kinds that
    must be ``agreed`` to those that are not any more. Raises psycopg.Error."""
    rows = connection.execute(_SQL["printed_in"], {"folder": folder, "agreed": list(agreed)})
    return [number for (number,) in rows]


def living(connection: Connection, tenancies: Sequence[int], today: date) -> set[int]:
    """Which of these tenancies there are and live there; until the running transaction ends none of them is erased.

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["living"], {"tenancies": list(tenancies), "today": today})
    return {number for (number,) in rows}


def settle(connection: Connection, message_id: int, what: str, failed: str | None, now: datetime) -> bool:
    """Note, in the running transaction, that a message that waits is printed in the run ``what``, or why it cannot be;
    False: it does not wait. Raises psycopg.Error."""
    values = {
        "id": message_id, "now": aware(now), "state": "sent" if failed is None else "failed",
        "reason": None if failed is None else failed[:200],
        "stage": "sent" if failed is None else "content",
        "answer": f"printed with the letters of {what}" if failed is None else failed[:200],
    }  # fmt: skip
    return connection.execute(_SQL["settle"], values).rowcount == 1
