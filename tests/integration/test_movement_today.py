"""The day that runs, as residents and carers see it: movements that began, however often a sensor says so."""

from __future__ import annotations

from dashboard.web import movement
from store.connect import connect
from tests.worlds.care import MINUTE, NOW, SECOND, ZONE, make_care_home, move, say


def test_a_movement_that_a_sensor_tells_again_and_again_is_one(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        one = make_care_home(connection, rooms=("hall", "door"))
        begin = NOW - 120 * MINUTE
        for again in range(10):
            say(connection, one.sensor("hall"), "motion", begin + again * 20 * SECOND, 1)
        say(connection, one.sensor("hall"), "motion", begin + 5 * MINUTE, 0)
        say(connection, one.sensor("hall"), "motion", begin + 6 * MINUTE, 0)
        move(connection, one, begin + 20 * MINUTE)
        say(connection, one.sensor("door"), "contact", begin + 35 * MINUTE, 0)
        say(connection, one.sensor("door"), "contact", begin + 40 * MINUTE, 1)
        say(connection, one.sensor("door"), "contact", begin + 41 * MINUTE, 1)
        for again in range(6):  # it goes on in the next half-hour
            say(connection, one.sensor("hall"), "motion", begin + (56 + again) * MINUTE, 1)
        counts = movement.today(connection, one.tenancy, NOW, ZONE).counts
    assert {place: count for place, count in enumerate(counts) if count} == {20: 2, 21: 2, 22: 1}
