"""A household's year and day over a real database: the day that greets it, and what it gave to the grid."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.periods import week_of
from analytics.report.words import day as day_words
from dashboard.resident.household import Own
from dashboard.resident.use import read_months
from store import daily, homes
from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.resident_world import MOVED, TODAY, World, living

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
            solar = residents.make_resident(connection, 33)
            residents.use_days(connection, solar, TODAY - timedelta(days=400), TODAY)
            residents.give_days(connection, solar, TODAY - timedelta(days=300), TODAY)
            found.cookies["solar"] = site.make_session(connection, solar.tenancy_id)
            found.cookies["late"] = site.make_session(connection, late.tenancy_id)
        yield found


def rows(world: World, path: str) -> list[dict[str, str]]:
    answer = world.get("solar", path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


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


def test_a_month_is_whole_by_the_coverage_of_the_site(world: World) -> None:
    """Of June 2024 the first 20 of 30 days are known."""
    with connect(world.database, autocommit=True) as connection:
        one = residents.make_resident(connection, 32, from_day=date(2024, 1, 1), to_day=date(2024, 7, 1))
        known = np.where(np.arange(30) < 20, 6_000, -1)[None, :]
        minutes = np.where(known < 0, 0, 1440).astype(np.int16)
        use = daily.DailyUse(np.array([one.home_id], np.int64), date(2024, 6, 1), known, minutes)
        daily.write_days(connection, "electricity", use)
        tenancy, home = homes.tenancy(connection, one.tenancy_id), homes.home(connection, one.home_id)
        assert tenancy is not None
        assert home is not None
        mine = Own(tenancy, home, TODAY)
        (strict,) = [month for month in read_months(connection, mine, "electricity", 0.9) if month.own is not None]
        (enough,) = [month for month in read_months(connection, mine, "electricity", 2 / 3) if month.own is not None]
    assert (strict.first, strict.part, strict.own, strict.known) == (date(2024, 6, 1), True, 120_000, 20)
    assert (enough.part, enough.own, enough.known) == (False, 180_000, 20)


def test_net_days_are_import_less_export_of_days_of_which_both_are_known(world: World) -> None:
    taken, given = (
        {row["day"]: float(row["kwh"]) for row in rows(world, f"/home/data/days.csv?fuel={fuel}") if row["kwh"]}
        for fuel in ("electricity", "export")
    )
    both = sorted(set(taken) & set(given))
    assert 250 < len(both) < 300
    assert len(taken) > 380
    wanted = {day: round(taken[day] - given[day], 3) for day in both}
    assert min(wanted.values()) < 0 < max(wanted.values())
    file = rows(world, "/home/data/days.csv?net=true")
    assert {row["day"]: float(row["net_kwh"]) for row in file} == wanted
    assert {row["day"]: float(row["taken_kwh"]) for row in file} == {day: taken[day] for day in both}
    answer = world.get("solar", "/api/v1/home/days?fuel=electricity&net=true").json()
    assert answer["net"] is True
    assert {one["day"]: one["kwh"] for one in answer["items"] if one["kwh"] is not None} == wanted
    assert len(answer["items"]) == 400
    plain = world.get("solar", "/api/v1/home/days?fuel=electricity").json()
    assert plain["net"] is False
    assert {one["day"]: one["kwh"] for one in plain["items"] if one["kwh"] is not None} == {
        day: taken[day] for day in taken if day >= plain["items"][0]["day"]
    }


def test_a_year_net_says_months_below_zero_and_shows_no_average(world: World) -> None:
    page = world.get("solar", "/home/year?net=true").text
    months = rows(world, "/home/data/months.csv?net=true")
    assert any(float(row["net_kwh"]) < 0 for row in months)
    assert any(float(row["net_kwh"]) > 0 for row in months)
    for row in months:
        assert float(row["net_kwh"]) == pytest.approx(float(row["taken_kwh"]) - float(row["given_kwh"]), abs=0.001)
        assert f'data-value="{row["month"]}"' in page
    assert page.count("\N{MINUS SIGN}") > sum(float(row["net_kwh"]) < 0 for row in months)
    assert "you gave" in page
    assert "neighbours are compared by what they take from the grid only" in page
    assert "Similar homes" not in page
    assert "Net of what you gave to the grid" in world.get("solar", "/home/year").text
    whole = [row for row in months if row["whole_month"] == "yes"]
    assert len(whole) >= 8
    days = rows(world, "/home/data/days.csv?net=true")
    for row in whole:
        known = [float(day["net_kwh"]) for day in days if day["day"].startswith(row["month"])]
        year, month = map(int, row["month"].split("-"))
        assert len(known) == int(row["days_known"])
        mean = sum(known) / len(known) * monthrange(year, month)[1]
        assert float(row["net_kwh"]) == pytest.approx(mean, abs=0.002)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("ann", "/home/year?net=true", 404), ("solar", "/home/year?fuel=export&net=true", 404),
        ("empty", "/home/year?net=true", 404), ("solar", "/home/year?fuel=electricity&net=false", 200),
        ("solar", "/home/data/days.csv?fuel=export&net=true", 404), ("ann", "/home/data/days.csv?net=true", 200),
        ("solar", "/home/data/months.csv?fuel=gas&net=true", 404),
        ("ann", "/api/v1/home/days?fuel=electricity&net=true", 404),
        ("solar", "/api/v1/home/days?fuel=export&net=true", 400),
        ("solar", "/api/v1/home/days?fuel=electricity&net=perhaps", 400),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_net(world: World, who: str, path: str, status: int) -> None:
    assert world.get(who, path).status_code == status
    assert "Net of what you gave" not in world.get("ann", "/home/year").text


def test_the_comparison_leads_to_what_is_always_on_but_not_where_equipment_must_stay_on(world: World) -> None:
    link = '<a href="/home/day?fuel=electricity">See what is always on in your home</a>'
    assert link in world.get("bob", "/home").text
    with connect(world.database, autocommit=True) as connection:
        ill = residents.make_resident(connection, 35)
        week = week_of(TODAY - timedelta(days=7))
        residents.compare(connection, ill, week, "more")
        quiet = residents.make_resident(connection, 36)
        residents.compare(connection, quiet, week, "neutral")
        connection.execute("update personal.tenancy set medical_equipment = true where id = %s", (ill.tenancy_id,))
        for who, one in (("ill", ill), ("quiet", quiet)):
            world.cookies[who] = site.make_session(connection, one.tenancy_id)
    page = world.get("ill", "/home").text
    assert "Things that may help" in page
    assert link not in page
    assert link not in world.get("quiet", "/home").text, "no advice where a home may be cold"
