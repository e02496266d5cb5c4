"""Complaints without the page."""

from __future__ import annotations

from datetime import UTC, datetime

from store import accounts, complaints
from store.complaints import Given
from store.connect import Connection

NOW = datetime.now(UTC)


def take(connection: Connection, given: Given, received: datetime = NOW, **more: str) -> complaints.Taken:
    """A complaint without the page."""
    with connection.transaction():
        taken = complaints.take(
            connection, given, secret=more.get("secret", "KEY"), form=more.get("form", accounts.new_code()),
            received_at=received, now=NOW,
        )  # fmt: skip
    assert taken is not None
    return taken
