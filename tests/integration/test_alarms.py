"""Alarms against a real database: what begins, what ends, who was told; a receiver that refuses, hangs and is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from borough.delivery.alarms import Watcher, WatchOptions
from store import alarms
from store.connect import Connection, connect

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
OPTIONS = WatchOptions(ZoneInfo("Europe/London"), timedelta(minutes=5), timedelta(hours=25))


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def regular(connection: Connection, family: str, last: datetime, days: int = 3, minutes: int = 5) -> None:
    connection.execute(
        "insert into personal.device (id, family, model, origin, personal, changed) values (%s, %s, 'native', 'real', false, 0)",
        (f"one-{family}", family),
    )
    connection.execute(
        "insert into public.accounting (minute, collector, family, messages_received, messages_decoded)"
        " select m, 'c', %s, 10, 10 from generate_series(%s::timestamptz - make_interval(days => %s), %s, make_interval(mins => %s)) m",
        (family, last, days, last, minutes),
    )


def test_a_family_falls_silent_and_speaks_again(connection: Connection) -> None:
    regular(connection, "air-monitor", NOW)
    watcher = Watcher(OPTIONS)
    assert not watcher.look(connection, NOW + timedelta(minutes=15)).begun
    found = watcher.look(connection, NOW + timedelta(minutes=16)).begun
    assert [(one.rule, one.subject) for one in found] == [("silent", "air-monitor")]
    watcher.tell(connection, lambda: NOW)
    print(alarms.history(connection))
