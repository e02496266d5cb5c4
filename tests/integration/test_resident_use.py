"""A household's year and day over a real database: the day that greets it, and what it gave to the grid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from analytics.report_words import day as day_words
from store import daily
from store.connect import connect
from tests.harness import residents, site
from tests.harness.resident_world import MOVED, TODAY, World, living
from tests.servers import Cluster

#: The newest day of a meter that reports late; the made-up days of some dates have no value.
LATE = next(day for day in (TODAY - timedelta(days=5), TODAY - timedelta(days=6)) if day.timetuple().tm_yday % 50 != 7)


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        with connect(found.database, autocommit=True) as connection:
            late = residents.make_resident(connection, 31)
            residents.use_days(connection, late, TODAY - timedelta(days=90), LATE + timedelta(days=1))
            residents.use_days(connection, late, TODAY - timedelta(days=90), TODAY - timedelta(days=60), "gas")
            residents.add_meter(connection, late, LATE - timedelta(days=2), 3)
            found.cookies["late"] = site.make_session(connection, late.tenancy_id)
        yield found


def shown(day: date) -> str:
    return f"<strong>{day_words(day, weekday=True)}</strong>"


def test_the_day_that_greets_is_the_newest_with_readings_of_its_fuel(world: World) -> None:
    page = world.get("late", "/home/day").text
    assert shown(LATE) in page
    assert "This is the newest day of which readings reached us" in page
    assert "You used" in page
    assert f"date={(LATE + timedelta(days=1)).isoformat()}" in page
    # one day in fifty has none: the gas was measured two months ago
    gas = world.get("late", "/home/day?fuel=gas").text
    with connect(world.database) as connection:
        home = world.people["ann"].home_id + 30
        found = daily.newest_day(connection, "gas", home, TODAY - timedelta(days=300), TODAY)
        assert found in (TODAY - timedelta(days=61), TODAY - timedelta(days=62))
        assert daily.newest_day(connection, "gas", home, found + timedelta(days=1), TODAY) is None
        assert daily.newest_day(connection, "heat", home, TODAY - timedelta(days=300), TODAY) is None
        assert daily.newest_day(connection, "gas", home, TODAY, TODAY) is None
    assert shown(found) in gas


def test_a_day_that_is_asked_for_is_shown_with_or_without_readings(world: World) -> None:
    yesterday = TODAY - timedelta(days=1)
    page = world.get("late", f"/home/day?date={yesterday.isoformat()}").text
    assert shown(yesterday) in page
    assert "No readings of this day reached us" in page
    assert "This is the newest day" not in page
    before = world.get("late", f"/home/day?fuel=electricity&date={LATE.isoformat()}").text
    assert '<a href="/home/day?fuel=electricity">The newest day with readings</a>' in before


def test_the_newest_day_is_ones_own(world: World) -> None:
    """The next household has newer readings in the same month."""
    with connect(world.database) as connection:
        home = world.people["former"].home_id
        newest = daily.newest_day(connection, "electricity", home, TODAY - timedelta(days=60), TODAY)
    assert newest is not None
    page = world.get("former", "/home/day").text
    assert any(shown(MOVED - timedelta(days=n)) in page for n in (1, 2))
    assert shown(newest) in world.get("new", "/home/day?fuel=electricity").text


def test_who_has_no_readings_at_all_sees_yesterday_and_links_that_work(world: World) -> None:
    page = world.get("empty", "/home/day").text
    assert shown(TODAY - timedelta(days=1)) in page
    assert "fuel=None" not in page
    before = f"/home/day?date={(TODAY - timedelta(days=2)).isoformat()}"
    assert before in page
    assert world.get("empty", before).status_code == 200
