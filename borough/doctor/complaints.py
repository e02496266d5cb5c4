"""Complaints about data: whether one is past the day by which the law asks for an acknowledgement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from borough.doctor.finding import Finding, ill, well
from devices.counts import counted
from store import complaints as table
from store.connect import Connection


def complaints(connection: Connection, zone: ZoneInfo, now: datetime) -> Iterator[Finding]:
    """What is overdue, and otherwise how many wait. Raises psycopg.Error."""
    late, oldest = table.overdue(connection, table.overdue_before(now, zone))
    if late:
        assert oldest is not None
        yield ill(
            "complaints-overdue",
            f"{counted(late, 'complaint')} not acknowledged in time, the oldest of {oldest.astimezone(zone):%Y-%m-%d}",
        )
        return
    waiting, unanswered = table.counts(connection)
    if unanswered:
        yield well("complaints", f"{waiting} to be acknowledged, {unanswered} to be answered, none is overdue")
