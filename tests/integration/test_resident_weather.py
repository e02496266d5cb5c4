"""A resident's change apart from the weather and the shape of the day: pages, API and files say the same.

What was planted is found again, on one's own days alone, and nothing is said where it cannot be.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from store import daily
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.resident_world import TODAY, World, living
from tests.worlds.residents import Resident
from tests.worlds.weather import take, warmth

#: The newest month that is over, and the first day of which use is known.
MONTH = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)
FIRST = MONTH - timedelta(days=800)
#: What was used in the newest month, of what the weather would make it.
SAVED = 0.8


def heat(connection: Connection, one: Resident, temperatures: dict[date, float], first: date = FIRST) -> None:
    """Gas by the temperature, with people's ups and downs: a fifth less in the newest month."""
    rng = np.random.default_rng(one.number)
    days = [day for day in temperatures if day >= first]
    use = [(6 + 2.2 * max(0.0, 15.5 - temperatures[day])) * (SAVED if day >= MONTH else 1.0) for day in days]
    watt_hours = (np.array(use) * 1000 * rng.uniform(0.9, 1.1, len(days))).astype(np.int64)
    minutes = np.full(len(days), 1440, np.int16)
    homes = np.array([one.home_id], np.int64)
    daily.write_days(connection, "gas", daily.DailyUse(homes, first, watt_hours[None], minutes[None]))


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        with connect(found.database, autocommit=True) as connection:
            temperatures = warmth(FIRST, TODAY, MONTH - timedelta(days=31))
            take(connection, temperatures)
            people = {
                "warm": residents.make_resident(connection, 41),
                "fresh": residents.make_resident(connection, 42, from_day=MONTH - timedelta(days=300)),
            }
            for one in people.values():
                heat(connection, one, temperatures)
            residents.use_days(connection, people["warm"], FIRST, TODAY)
            residents.add_meter(connection, people["warm"], TODAY - timedelta(days=20), 20)
            for who, one in people.items():
                found.people[who] = one
                found.cookies[who] = site.make_session(connection, one.tenancy_id)
        yield found


def months(world: World, who: str, fuel: str = "gas") -> list[dict[str, Any]]:
    answer = world.get(who, f"/api/v1/home/weather?fuel={fuel}")
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_fifth_less_in_a_colder_month_is_found(world: World) -> None:
    newest = months(world, "warm")[-1]
    assert newest["month"] == MONTH.isoformat()
    assert newest["percent"] == pytest.approx(100 * (SAVED - 1), abs=4)
    assert newest["expected_kwh"] - newest["kwh"] > newest["chance_kwh"]
    # the month before was as cold, and nothing was saved
    before = months(world, "warm")[-2]
    assert abs(before["kwh"] - before["expected_kwh"]) <= 1.5 * before["chance_kwh"]
    page = world.get("warm", "/home/year?fuel=gas").text
    assert f"Apart from the weather, you used {round(-newest['percent'])}% less gas in {MONTH:%B %Y}" in page
    assert "This goes by your own use in the year before." in page


def test_the_file_says_what_the_api_says(world: World) -> None:
    answer = world.get("warm", "/home/data/months.csv?fuel=gas")
    rows = {row["month"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    found = months(world, "warm")
    assert len(found) >= 12
    for one in found:
        row = rows[str(one["month"])[:7]]
        shown = [float(row[f"weather_{name}_kwh"]) for name in ("used", "expected", "chance")]
        assert shown == [one["kwh"], one["expected_kwh"], one["chance_kwh"]]
        assert int(row["weather_days"]) == one["days"]
    assert rows[f"{TODAY:%Y-%m}"]["weather_days"] == "" if TODAY.day > 1 else True


def test_a_year_that_is_not_ones_own_says_nothing(world: World) -> None:
    # the gas of the home is known for longer than the household has lived there
    assert months(world, "fresh") == []
    assert "Apart from the weather" not in world.get("fresh", "/home/year?fuel=gas").text


def test_without_heating_by_it_the_page_says_nothing_of_a_fuel(world: World) -> None:
    assert "Apart from the weather" not in world.get("warm", "/home/year?fuel=electricity").text
    assert months(world, "warm", "export") == []
    assert world.get("warm", "/api/v1/home/weather?fuel=coal").status_code == 400


def test_the_shape_of_the_day_is_that_of_its_half_hours(world: World) -> None:
    shape = world.get("warm", "/api/v1/home/shape").json()
    halves = world.get("warm", f"/api/v1/home/half-hours?fuel=electricity&from={shape['from']}&to={shape['to']}").json()
    use = np.zeros(24)
    for one in halves["items"]:
        use[int(one["start"][11:13])] += one["kwh"]
    assert shape["to"] == (TODAY - timedelta(days=1)).isoformat()
    assert (shape["days"], shape["days_away"]) == (14, 0)
    assert shape["peak_share"] == pytest.approx(use[16:19].sum() / use.sum(), abs=1e-3)
    assert shape["parts"]["night"] == pytest.approx(use[:6].sum() / use.sum(), abs=1e-3)
    assert shape["background_watts"] == pytest.approx(90, abs=5)
    page = world.get("warm", "/home/day?fuel=electricity").text
    assert f"You use {round(100 * shape['peak_share'])}% of your electricity from 16:00 to 19:00" in page
    assert "This is of 14 days in the last two weeks." in page
    assert "from 16:00 to 19:00" not in world.get("warm", "/home/day?fuel=gas").text
    unknown = world.get("empty", "/api/v1/home/shape").json()
    assert (unknown["peak_share"], unknown["background_watts"], unknown["parts"]) == (None, None, None)


def test_weather_of_the_other_origin_is_none_of_a_home(world: World) -> None:
    with connect(world.database, autocommit=True) as connection:
        device = world.people["warm"].device
        connection.execute("update personal.device set origin = 'simulated' where id = %s", (device,))
        try:
            assert months(world, "warm") == []
        finally:
            connection.execute("update personal.device set origin = 'real' where id = %s", (device,))
    assert months(world, "warm") != []
