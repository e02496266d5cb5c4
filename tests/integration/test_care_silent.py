"""What of a home is not heard is told as that, and never as quiet; a gateway's outage to no carer at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from borough.delivery.alarms import Watcher
from store import alarms as alarms_of
from store import care_alerts
from store.connect import Connection, connect
from tests.worlds.alarms import OPTIONS as ALARMS
from tests.worlds.care import (
    HOUR,
    MINUTE,
    NOW,
    CareHome,
    add_carer,
    alerts,
    heard,
    know,
    look,
    make_care_home,
    messages,
    move,
    sent,
)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def test_a_gateway_that_is_out_alarms_nobody_about_a_person(connection: Connection) -> None:
    for number in (1, 2, 3):
        one = make_care_home(connection, number, gateway="gw-1", heartbeat="PT1H")
        know(connection, one)
        move(connection, one, NOW - 6 * HOUR)
        heard(connection, one, NOW - 5 * HOUR)
        add_carer(connection, one, f"Carer{number}")
    for minutes in range(0, 300, 30):
        look(connection, NOW + minutes * MINUTE)
    assert (alerts(connection), messages(connection)) == ([], [])
    assert [(one.name, one.homes, one.since) for one in care_alerts.gateways(connection)] == [
        ("gw-1", 3, NOW - 5 * HOUR)
    ]
    watcher = Watcher(ALARMS)
    watcher.look(connection, NOW + 5 * HOUR)
    told = [(one.rule, one.subject, one.text) for one in alarms_of.unended(connection) if one.rule == "gateway"]
    assert told == [("gateway", "gw-1", "3 of its 3 homes fell silent together")], "the operator's concern"
    # it is back: what was meanwhile is not known, so nobody was quiet, and sensors have time to speak up
    for number in (1, 2, 3):
        heard(connection, CareHome(number, 0, 0, ("hall", "kitchen")), NOW + 6 * HOUR, ["hall"])
    look(connection, NOW + 6 * HOUR + 5 * MINUTE)
    assert (care_alerts.gateways(connection), alerts(connection)) == ([], [])
    # and from then on it is looked at as ever
    for minutes in range(0, 240, 30):
        for number in (1, 2, 3):
            heard(connection, CareHome(number, 0, 0, ("hall", "kitchen")), NOW + 6 * HOUR + minutes * MINUTE)
    look(connection, NOW + 9 * HOUR + 40 * MINUTE)
    assert alerts(connection) == [("quiet", "", False, False)] * 3


def test_readings_that_come_late_fill_the_gap(connection: Connection) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    add_carer(connection, one)
    move(connection, one, NOW - 9 * HOUR)
    look(connection, NOW - 4 * HOUR)
    assert [(kind, device) for kind, device, _, _ in alerts(connection)] == [("silent", "")]
    for minutes in range(0, 9 * 60, 30):  # the gateway had kept them
        heard(connection, one, NOW - 9 * HOUR + minutes * MINUTE + 5 * MINUTE)
    look(connection)
    assert [(kind, ended) for kind, _, ended, _ in alerts(connection)] == [("silent", True), ("quiet", False)]
    assert care_alerts.unended(connection)[0].since <= NOW - 8 * HOUR


def test_a_home_that_is_not_heard_is_silent_and_not_quiet_and_told_in_office_hours(connection: Connection) -> None:
    evening = datetime(2026, 11, 27, 20, tzinfo=UTC)  # a Friday
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, evening - 5 * HOUR)
    add_carer(connection, one, "Ada")
    add_carer(connection, one, "Ben")
    look(connection, evening)
    look(connection, evening + 2 * HOUR)
    assert alerts(connection) == [("silent", "", False, False)]
    assert [(address, kind) for _, address, kind, _ in messages(connection)] == [("ada@example.org", "care-note")]
    (due,) = connection.execute("select due_at from personal.message").fetchone() or ()
    assert due == datetime(2026, 11, 30, 9, tzinfo=UTC), "Monday morning"
    heard(connection, one, evening + 3 * HOUR)
    look(connection, evening + 3 * HOUR)
    assert ("silent", "", True, False) in alerts(connection)
    assert [state for _, _, kind, state in messages(connection) if kind == "care-note"] == ["withheld"]


@pytest.mark.parametrize("was_sent", [True, False])
def test_one_sensor_that_is_not_heard_is_told_as_that(connection: Connection, was_sent: bool) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, NOW - HOUR, "kitchen")
    heard(connection, one, NOW - 3 * HOUR, ["hall"])
    add_carer(connection, one)
    look(connection)
    assert alerts(connection) == [("silent", one.sensor("hall"), False, False)]
    if was_sent:
        sent(connection)
    heard(connection, one, NOW, ["hall"])
    look(connection, NOW + MINUTE)
    move(connection, one, NOW + 8 * HOUR, "kitchen")
    look(connection, NOW + 8 * HOUR + 2 * MINUTE)
    if was_sent:
        assert alerts(connection) == [("silent", one.sensor("hall"), False, False)], "back within a day: the same one"
    assert [state for _, _, _, state in messages(connection)] == (["sent"] if was_sent else ["withheld", "waiting"])
