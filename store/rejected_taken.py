"""What retries took of rejections, so that the account closes: rejected = kept + counted alone + taken since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from store.connect import Connection
from store.copy import Int8s
from store.queries import queries

_SQL = queries("rejected_taken")

#: The collector that a retry is in the account.
RETRY = "retry"


class Account(NamedTuple):
    """Rejections of a family, messages and single readings each as one, by what has become of them."""

    family: str
    rejected: int
    kept: int
    counted: int
    taken: int

    @property
    def others(self) -> int:
        """Those that nothing was kept of: the broker delivered them twice, or they were of somebody erased."""
        return self.rejected - self.kept - self.counted - self.taken


class Retry(NamedTuple):
    """What one retry took of a family and reason; ``account_id`` None: by a command."""

    at: datetime
    account_id: int | None
    decoder: str
    family: str
    reason: str
    taken: int
    anew: int


def note(
    connection: Connection,
    account_id: int | None,
    decoder: str,
    taken: Mapping[tuple[str, str], int],
    anew: Mapping[tuple[str, str], int],
) -> None:
    """Note inside the running transaction what a retry took and rejected anew, by (family, reason).

    Raises psycopg.Error.
    """
    keys = sorted({*taken, *anew})
    if not keys:
        return
    connection.execute(
        _SQL["note"],
        {
            "account": account_id,
            "decoder": decoder,
            "families": [family for family, _ in keys],
            "reasons": [reason for _, reason in keys],
            "taken": Int8s([taken.get(key, 0) for key in keys]),
            "anew": Int8s([anew.get(key, 0) for key in keys]),
        },
    )


def account(connection: Connection) -> list[Account]:
    """What became of all rejections, by family. Raises psycopg.Error."""
    return [Account(*row) for row in connection.execute(_SQL["account"], {"retry": RETRY})]


def retries(connection: Connection, limit: int) -> list[Retry]:
    """What was taken, the newest first. Raises psycopg.Error."""
    return [Retry(*row) for row in connection.execute(_SQL["retries"], (limit,))]
