"""Families that spoke regularly, for alarms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from borough.delivery.alarms import WatchOptions
from store.connect import Connection

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OPTIONS = WatchOptions(ZoneInfo("Europe/London"), timedelta(minutes=5), timedelta(hours=25))


def device(connection: Connection, family: str, *, retired: bool = False) -> None:
    connection.execute(
        "insert into personal.device (id, family, model, origin, personal, retired_at, changed)"
        " values (%s, %s, 'native', 'real', false, %s, 0)",
        (f"one-{family}", family, NOW if retired else None),
    )


def speaks(connection: Connection, family: str, last: datetime = NOW, days: int = 3, every: int = 5) -> None:
    """Has said something every few minutes, of two collectors in turn."""
    connection.execute(
        "insert into public.accounting (minute, collector, family, messages_received, messages_decoded)"
        " select m, case when extract(epoch from m)::int8 / 60 %% 2 = 0 then 'a' else 'b' end, %s, 10, 10"
        " from generate_series(%s::timestamptz - make_interval(days => %s), %s, make_interval(mins => %s)) m",
        (family, last, days, last, every),
    )
