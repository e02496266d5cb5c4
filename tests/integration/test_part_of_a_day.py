"""A day of which only a part is here is shown as what it is, with its sum: on the page, in the API and in the files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from analytics.energy.daily_runner import update
from analytics.energy.period_costs import costs
from analytics.energy.prices import Energy, load
from analytics.periods import Period, day_edges
from analytics.report.words import day as day_words
from devices.homes import Register, Tariff
from store import daily, homes, series
from store.connect import Connection, connect
from store.copy import copy_readings
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.resident_world import TODAY, World, living
from tests.worlds.residents import ZONE, Resident

ENERGY: Energy = load()
#: Of the newest day the first 20 half-hours are here, of the day before the first four and the last ten are not.
NEWEST = TODAY - timedelta(days=4)
GAPS = NEWEST - timedelta(days=1)
HALF_HOUR_US, MINUTE_US = 1_800_000_000, 60_000_000


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        with connect(found.database, autocommit=True) as connection:
            write(connection, found, "part", 41, intervals(slice(20), slice(4, 38)))
            write(connection, found, "counter", 42, {"import_register": counter(NEWEST, range(0, 601, 15), 0.1)})
            write(connection, found, "seldom", 43, {"import_register": counter(NEWEST, [-600, 130, 1_190], 9)})
            write(connection, found, "little", 44, {"import_register": counter(NEWEST, [0, 5, 10], 1)})
            write(connection, found, "daily", 45, {"import_register": counter(NEWEST, [-840, 600, 2_040], 8)})
            write(connection, found, "gas", 46, {"gas_volume_register": counter(NEWEST, range(0, 601, 30), 0.1)})
            with connection.transaction():
                update(connection, ZONE, ENERGY)
        yield found


def write(
    connection: Connection, world: World, who: str, number: int, readings: Mapping[str, Mapping[int, float]]
) -> None:
    """A household with what its meter said: values by instant [us]."""
    one: Resident = residents.make_resident(connection, number)
    residents.add_meter(connection, one, NEWEST, 0)
    for name, values in readings.items():
        (state,) = series.resolve(connection, [(one.device, name)])
        times = np.array(list(values), np.int64)
        with connection.transaction():
            copy_readings(
                connection, np.full(len(times), state.series, np.int32), times, np.array(list(values.values()))
            )
    connection.execute("insert into personal.touched_home (home_id) values (%s) on conflict do nothing", (one.home_id,))
    world.cookies[who] = site.make_session(connection, one.tenancy_id)


def midnight_us(day: date) -> int:
    return int(day_edges(day, 1, ZONE)[0])


def intervals(newest: slice, before: slice) -> dict[str, dict[int, float]]:
    found: dict[int, float] = {}
    for day, kept in ((GAPS, before), (NEWEST, newest)):
        times = [midnight_us(day) + place * HALF_HOUR_US for place in range(48)]
        found |= {at: 0.2 if place == 15 else 0.1 for place, at in list(enumerate(times))[kept]}
    return {"import_interval": found}


def counter(day: date, minutes: list[int] | range, step: float) -> dict[int, float]:
    """A register that rises by ``step`` from reading to reading."""
    return {midnight_us(day) + minute * MINUTE_US: round(100 + place * step, 3) for place, minute in enumerate(minutes)}


def day_page(world: World, who: str, day: date | None = None, fuel: str = "electricity") -> str:
    answer = world.get(who, f"/home/day?fuel={fuel}" + ("" if day is None else f"&date={day}"))
    assert answer.status_code == 200
    return answer.text.replace("\n  ", " ")


def api_day(world: World, who: str, day: date, fuel: str = "electricity") -> dict[str, object]:
    (found,) = world.get(who, f"/api/v1/home/days?fuel={fuel}&from={day}&to={day}").json()["items"]
    assert isinstance(found, dict)
    return found


def csv_day(world: World, who: str, day: date, fuel: str = "electricity") -> dict[str, str]:
    text = world.get(who, f"/home/data/days.csv?fuel={fuel}").text
    (found,) = [row for row in csv.DictReader(io.StringIO(text)) if row["day"] == day.isoformat()]
    return found


def instant(day: date, hour: int, minute: int = 0) -> str:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).isoformat()


def test_the_newest_day_goes_so_far_and_says_until_when(world: World) -> None:
    page = day_page(world, "part")
    weekday = day_words(NEWEST, weekday=True)
    assert f"You used 2.1 kWh on {weekday} so far, until 10:00, the most at about 07:30" in page
    assert "Readings have reached us until 10:00. The rest of the day may still come." in page
    assert "No readings of this day reached us" not in page
    assert page.count(">not here yet</td>") == 28
    assert "not measured" not in page
    # who hears the drawing instead hears the same
    label = page.split('aria-label="Column chart')[1].split('"')[0]
    assert "Readings have reached us until 10:00" in label


def test_api_and_files_have_the_same_sum_and_the_same_end(world: World) -> None:
    day = api_day(world, "part", NEWEST)
    assert (day["kwh"], day["minutes_measured"]) == (None, 600)
    assert (day["measured_kwh"], day["measured_until"]) == (2.1, instant(NEWEST, 10))
    row = csv_day(world, "part", NEWEST)
    assert (row["kwh"], row["whole_day"], row["measured_kwh"]) == ("", "no", "2.100")
    assert row["measured_until"] == instant(NEWEST, 10)
    query = f"fuel=electricity&from={NEWEST}&to={NEWEST}"
    items = world.get("part", f"/api/v1/home/half-hours?{query}").json()["items"]
    assert [item["kwh"] for item in items] == [0.1] * 15 + [0.2] + [0.1] * 4 + [None] * 28
    file = list(csv.DictReader(io.StringIO(world.get("part", f"/home/data/half-hours.csv?{query}").text)))
    assert [row["kwh"] for row in file] == [f"{item['kwh']:.3f}" for item in items if item["kwh"] is not None]


def test_a_day_that_is_over_has_gaps_and_no_end(world: World) -> None:
    """Newer readings are here: what lacks of this day does not come, and no word says that it goes on."""
    page = day_page(world, "part", GAPS)
    assert f"You used at least 3.5 kWh on {day_words(GAPS, weekday=True)}, the most at about 07:30" in page
    assert (
        "Seven hours of this day were not measured. By what was measured you used about 4.9 kWh in the whole day."
        in page
    )
    assert page.count(">not measured</td>") == 14
    assert "not here yet" not in page
    assert "so far" not in page
    day = api_day(world, "part", GAPS)
    assert (day["kwh"], day["measured_kwh"], day["measured_until"]) == (4.941, 3.5, instant(GAPS, 19))


def test_registers_go_so_far_too(world: World) -> None:
    page = day_page(world, "counter")
    assert "You used 4 kWh" in page
    assert "so far, until 10:00" in page
    assert api_day(world, "counter", NEWEST)["measured_kwh"] == 4.0
    gas = day_page(world, "gas", fuel="gas")
    assert "so far, until 10:00" in gas
    day = api_day(world, "gas", NEWEST, "gas")
    assert day["measured_until"] == instant(NEWEST, 10)
    assert day["kwh"] is None
    assert 20 < float(str(day["measured_kwh"])) < 24


@pytest.mark.parametrize("who", ["seldom", "daily"])
def test_a_day_without_half_hours_says_its_figure(world: World, who: str) -> None:
    """Readings hours apart make a day's figure and no half-hours: they did reach us."""
    day = NEWEST
    page = day_page(world, who, day)
    figure = api_day(world, who, day)["kwh"]
    assert isinstance(figure, float)
    assert "No readings of this day reached us" not in page
    assert f"You used about {figure:.1f}".rstrip("0").rstrip(".") in page
    assert "We cannot show its half-hours" in page
    assert csv_day(world, who, day)["kwh"] == f"{figure:.3f}"


def test_minutes_are_too_little_to_show_and_are_not_nothing(world: World) -> None:
    page = day_page(world, "little")
    assert f"<strong>{day_words(NEWEST, weekday=True)}</strong>" in page
    assert "Too little of this day has reached us to show it" in page
    assert "10 minutes of it were measured" in page
    assert "No readings of this day reached us" not in page
    assert api_day(world, "little", NEWEST)["measured_kwh"] is None


def test_a_day_that_was_measured_whole_is_as_it_was(world: World) -> None:
    yesterday = TODAY - timedelta(days=2)
    page = day_page(world, "ann", yesterday)
    for word in ("so far", "at least", "not here yet", "not measured"):
        assert word not in page
    day = api_day(world, "ann", yesterday)
    assert (day["measured_kwh"], day["measured_until"]) == (day["kwh"], None)


def test_a_part_does_not_say_at_what_rate_a_whole_day_is_used(world: World) -> None:
    """A night of the newest day would else stand for all of it, and its cost be that of the night."""
    registers = (Register("night", 10.0, 0, 420), Register("day", 30.0))
    tariff = Tariff("electricity", date(2020, 1, 1), "Nights", "direct-debit", 0.0, registers)
    tenancy, home = 20_000_000_000_041, 10_000_000_000_041
    two = Period("week", GAPS, NEWEST + timedelta(days=1))
    with connect(world.database) as connection:
        assert homes.set_tariff(connection, tenancy, tariff)
        use = daily.read_days(connection, "electricity", two.start, two.end, np.array([home]))
        assert use.watt_hours.tolist() == [[4_941, -1]]
        found = costs(
            connection, ENERGY, ZONE, two, "electricity", np.array([home]), np.array([tenancy]), use.watt_hours
        )
        connection.rollback()
    # of what was measured of the day with a value 1.0 kWh fell in the night and 2.5 kWh in the day
    night = 4_941 * 2 / 7
    assert found.own.tolist() == [True]
    assert found.pence.tolist() == [round(2 * (night * 10 + (4_941 - night) * 30) / 1_000)]
