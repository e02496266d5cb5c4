"""Alarms of messages to people: that nobody looks for cause, and that what is due is not handed over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from borough.delivery import outbox as delivery
from borough.delivery.alarms import Watcher, WatchOptions
from borough.delivery.triggers import Trigger, TriggerOptions
from store import alarms, outbox_list
from store.connect import Connection, connect
from tests.worlds.care import MINUTE, NOW, OPTIONS, ZONE, add_carer, make_care_home
from tests.worlds.outbox import World


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def well(_connection: Connection, _given: TriggerOptions, _now: datetime) -> None:
    """Finds nothing."""


def ill(_connection: Connection, _given: TriggerOptions, _now: datetime) -> None:
    raise KeyError("of a trigger")


def conditions(connection: Connection, now: datetime = NOW) -> dict[str, str]:
    """What of it holds at an instant, noted by a watcher that never looked before."""
    connection.execute("delete from public.alarm")
    Watcher(WatchOptions(ZONE, timedelta(minutes=5), timedelta(minutes=5))).look(connection, now)
    return {one.rule: one.text for one in alarms.unended(connection) if one.rule in ("unlooked", "unsent")}


def test_nobody_looks_and_nobody_waits(connection: Connection) -> None:
    assert conditions(connection) == {}


def test_a_look_that_stops_or_fails_each_time_is_an_alarm(connection: Connection) -> None:
    add_carer(connection, make_care_home(connection))
    assert conditions(connection)["unlooked"].startswith("nobody ever looked; somebody waits since 2026-11-21")
    triggers = (Trigger("well", well), Trigger("ill", ill))
    for minutes in range(8):
        assert delivery.look(connection, OPTIONS, NOW + minutes * MINUTE, triggers) == ["ill"]
    assert conditions(connection, NOW + 4 * MINUTE) == {}
    told = conditions(connection, NOW + 8 * MINUTE)
    assert told == {"unlooked": "ill: not looked at without a fault since 2026-11-23 12:00 UTC"}
    delivery.look(connection, OPTIONS, NOW + 9 * MINUTE, (Trigger("well", well), Trigger("ill", well)))
    assert conditions(connection, NOW + 10 * MINUTE) == {}
    assert "unlooked" in conditions(connection, NOW + 20 * MINUTE)
    connection.execute("delete from personal.care_link")
    assert conditions(connection, NOW + 20 * MINUTE) == {}, "there is nobody to tell"


def test_what_is_due_and_not_handed_over_is_an_alarm(database: str) -> None:
    world = World(database)
    message = world.put(world.person(), due_at=NOW, expires_at=NOW + timedelta(days=1))
    assert conditions(world.own, NOW + 9 * MINUTE) == {}
    assert conditions(world.own, NOW + 11 * MINUTE) == {"unsent": "1 e-mail due for ten minutes and more"}
    assert outbox_list.late(world.own, NOW + 11 * MINUTE) == 1
    world.rows("update personal.message set state = 'sent', settled_at = now() where id = %s returning 1", message)
    assert conditions(world.own, NOW + 11 * MINUTE) == {}
    world.close()
