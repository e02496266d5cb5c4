"""Short ways to receive messages and build batches of one meter, for the tests of columns and redelivery."""

from __future__ import annotations

from typing import Any

from tests.tools.ingest import (
    NOW,
    QOS0,
    SECOND,
    Collecting,
    Message,
    text,
)

AT = text(NOW - 60 * SECOND)


def meter(answer: Any, packet_id: int = 0, flags: int = QOS0, payload: bytes | None = None) -> Message:
    return Message("m1", "smart-meter", answer, packet_id, flags, payload)


def one(answer: Any, **options: Any) -> Collecting:
    """A collector that has received one message of a meter."""
    collecting = Collecting()
    collecting.receive([meter(answer, **options)])
    return collecting


def rejected(collecting: Collecting) -> list[tuple[str | None, str]]:
    """(property, reason) of what the next batch rejects; the batch is committed."""
    batch, counts = collecting.commit()
    assert all(account.adds_up() for account in counts.values())
    return [(item.property, item.reason) for item in batch.rejected]
