"""What is not known of a home: neither that nobody moves, nor that a sensor speaks again, nor that it is warm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from store import care_alerts
from store.connect import Connection, connect
from tests.worlds.care import (
    HOUR,
    MINUTE,
    NOW,
    add_carer,
    alerts,
    heard,
    know,
    look,
    make_care_home,
    messages,
    move,
    say,
    sent,
)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def test_a_second_silence_within_a_day_is_no_spell_without_movement(connection: Connection) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    add_carer(connection, one)
    move(connection, one, NOW)
    heard(connection, one, NOW + 2 * MINUTE)
    look(connection, NOW + 3 * HOUR)
    sent(connection)
    heard(connection, one, NOW + 4 * HOUR)
    move(connection, one, NOW + 4 * HOUR + MINUTE)
    heard(connection, one, NOW + 4 * HOUR + 10 * MINUTE)
    look(connection, NOW + 4 * HOUR + 11 * MINUTE)
    assert alerts(connection) == [("silent", "", True, False)]
    look(connection, NOW + 8 * HOUR)
    assert alerts(connection) == [("silent", "", False, False)], "back within a day: the same one"
    (again,) = care_alerts.unended(connection)
    heard(connection, one, NOW + 10 * HOUR)
    look(connection, NOW + 10 * HOUR + MINUTE)
    assert alerts(connection) == [("silent", "", True, False)], "what was meanwhile is not known"
    assert again.since == NOW + 4 * HOUR + 10 * MINUTE, "not since the morning: it was heard meanwhile"


def test_a_sensor_that_stays_silent_is_not_heard_again_with_its_home(connection: Connection) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    add_carer(connection, one)
    heard(connection, one, NOW - 5 * HOUR)
    move(connection, one, NOW - 10 * MINUTE)
    look(connection)
    kitchen = ("silent", one.sensor("kitchen"), False, False)
    assert alerts(connection) == [kitchen]
    look(connection, NOW + 3 * HOUR)
    assert alerts(connection) == [kitchen, ("silent", "", False, False)]
    heard(connection, one, NOW + 4 * HOUR, ["hall"])
    look(connection, NOW + 4 * HOUR + MINUTE)
    assert alerts(connection) == [kitchen, ("silent", "", True, False)]
    heard(connection, one, NOW + 5 * HOUR)
    look(connection, NOW + 5 * HOUR + MINUTE)
    assert [ended for _, _, ended, _ in alerts(connection)] == [True, True]


@pytest.mark.parametrize("kind", ["quiet", "silent"])
def test_without_a_sensor_of_motion_nothing_is_said_of_the_home(connection: Connection, kind: str) -> None:
    """The thermometer and the contact stay; nobody is told on and on that nothing moves where nothing looks."""
    one = make_care_home(connection, rooms=("hall", "door"), heartbeat="PT1H")
    know(connection, one)
    for name in ("Ada", "Ben"):
        add_carer(connection, one, name)
    move(connection, one, NOW - 5 * HOUR)
    if kind == "quiet":
        heard(connection, one, NOW - MINUTE)
    look(connection)
    assert (kind, "", False, False) in alerts(connection)
    connection.execute("update personal.device set retired_at = now() where id = %s", (one.sensor("hall"),))
    for minutes in (1, 40):
        say(connection, one.sensor("door"), "contact", NOW + minutes * MINUTE, 0)
        look(connection, NOW + minutes * MINUTE)
    assert (kind, "", True, False) in alerts(connection)
    assert {address for _, address, _, _ in messages(connection)} == {"ada@example.org"}


def test_a_cold_home_whose_thermometer_falls_silent_is_not_warm(connection: Connection) -> None:
    evening = datetime(2026, 11, 27, 20, tzinfo=UTC)  # a Friday: the carer is told on Monday morning
    one = make_care_home(connection, rooms=("hall",), heartbeat="PT1H")
    know(connection, one)
    add_carer(connection, one)
    for minutes in range(0, 9 * 60, 30):
        move(connection, one, evening - minutes * MINUTE - 5 * MINUTE)
        say(connection, one.sensor("hall"), "temperature", evening - minutes * MINUTE - MINUTE, 11.0)
    look(connection, evening)
    assert alerts(connection) == [("cold", "", False, False)]
    for hours in (21, 25, 40):  # its battery is empty, or the supply is off
        move(connection, one, evening + hours * HOUR - 10 * MINUTE)
        heard(connection, one, evening + hours * HOUR - MINUTE)
        look(connection, evening + hours * HOUR)
        assert ("cold", "", False, False) in alerts(connection)
    assert ("care-note", "waiting") in [(kind, state) for _, _, kind, state in messages(connection)]
    say(connection, one.sensor("hall"), "temperature", evening + 41 * HOUR, 11.0)
    look(connection, evening + 41 * HOUR + MINUTE)
    assert ("cold", "", False, False) in alerts(connection), "one cold hour after a gap is no warmth"
    say(connection, one.sensor("hall"), "temperature", evening + 42 * HOUR, 20.0)
    look(connection, evening + 42 * HOUR + MINUTE)
    assert ("cold", "", True, False) in alerts(connection)
