"""Files of temperatures: days, hours to local days, and all that can be wrong with them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from devices.registry import RegistryError
from devices.weather_file import TOLD, WeatherFile

LONDON = ZoneInfo("Europe/London")


def read(text: str) -> WeatherFile:
    return WeatherFile(text.splitlines(keepends=True), LONDON)


def hourly(first: datetime, hours: int, leave: frozenset[int] = frozenset()) -> WeatherFile:
    """Hours from an instant on; the temperature is the place of the hour."""
    lines = (f"{first + timedelta(hours=n):%Y-%m-%dT%H:%MZ},{n}" for n in range(hours) if n not in leave)
    return read("\n".join(["time,celsius", *lines]))


def problems(text: str) -> list[str]:
    return [str(one) for one in read(text).problems]


def test_days_as_they_are() -> None:
    file = read("\ufeffDay,humidity,Celsius\n2026-02-01,80,4.25\n\n2026-02-02,81,-3\n2026-02-03,82,\n")
    assert file.days == {date(2026, 2, 1): 4.25, date(2026, 2, 2): -3.0}
    assert (file.lines, file.empty, file.short, file.problems) == (3, 1, 0, [])


def test_hours_become_the_means_of_local_days() -> None:
    # 1 July begins at 23:00 UTC in London
    file = hourly(datetime(2026, 6, 30, 23, tzinfo=UTC), 48)
    assert file.days == {date(2026, 7, 1): 11.5, date(2026, 7, 2): 35.5}
    same = read("time,celsius\n" + "\n".join(f"2026-07-01T{n:02}:00+01:00,{n}" for n in range(24)))
    assert same.days == {date(2026, 7, 1): 11.5}


def test_days_of_the_clock_change_have_their_own_hours() -> None:
    spring = hourly(datetime(2026, 3, 29, tzinfo=UTC), 23)
    assert spring.days == {date(2026, 3, 29): 11.0}
    autumn = hourly(datetime(2026, 10, 24, 23, tzinfo=UTC), 25)
    assert autumn.days == {date(2026, 10, 25): 12.0}


def test_a_day_needs_22_of_its_hours() -> None:
    enough = hourly(datetime(2026, 1, 1, tzinfo=UTC), 24, frozenset((0, 23)))
    assert enough.days == {date(2026, 1, 1): 11.5}
    few = hourly(datetime(2026, 1, 1, tzinfo=UTC), 24, frozenset((0, 1, 23)))
    assert (few.days, few.short) == ({}, 1)
    assert hourly(datetime(2026, 3, 29, tzinfo=UTC), 23, frozenset((5,))).short == 0
    assert hourly(datetime(2026, 3, 29, tzinfo=UTC), 23, frozenset((5, 6))).short == 1


def test_every_problem_is_told_by_its_line() -> None:
    assert problems(
        "day,celsius\n2026-02-30,1\n2026-02-01,warm\n2026-02-02,99\n2026-02-03,nan\n2026-02-04,1_0\n"
        "2026-02-05,1\n2026-02-05,1\n2026-02-06\n0001-01-01,1\n"
    ) == [
        "line 2: '2026-02-30' is no day such as 2026-02-01",
        "line 3: 'warm' is no temperature of -90 to 60 Celsius",
        "line 4: '99' is no temperature of -90 to 60 Celsius",
        "line 5: 'nan' is no temperature of -90 to 60 Celsius",
        "line 6: '1_0' is no temperature of -90 to 60 Celsius",
        "line 8: '2026-02-05' stands in line 7 already",
        "line 9: has 1 field, the first line names 2 columns",
        "line 10: '0001-01-01' is not in 1900 to 2199",
    ]
    assert problems(
        "time,celsius\n2026-02-01T01:00,1\n2026-02-01T01:30Z,1\nyesterday,1\n2026-02-01T02:00Z,1\n"
        "2026-02-01T03:00+01:00,1\n9999-12-31T23:00Z,1\n"
    ) == [
        "line 2: '2026-02-01T01:00' has no offset: end it in Z or +01:00",
        "line 3: '2026-02-01T01:30Z' is no full hour",
        "line 4: 'yesterday' is no time such as 2026-02-01T13:00Z",
        "line 6: '2026-02-01T03:00+01:00' stands in line 5 already",
        "line 7: '9999-12-31T23:00Z' is not in 1900 to 2199",
    ]
    assert problems('day,celsius\n2026-02-01,"1\n') == ["line 2: is not CSV: unexpected end of data"]


def test_of_many_problems_the_first_are_told() -> None:
    file = read("day,celsius\n" + "x,1\n" * (TOLD + 5))
    assert (file.wrong, len(file.problems)) == (TOLD + 5, TOLD)


@pytest.mark.parametrize("header", ["", "a,b", "day,kelvin", "celsius"])
def test_a_first_line_that_names_no_columns(header: str) -> None:
    with pytest.raises(RegistryError, match="line 1"):
        read(f"{header}\n2026-02-01,1\n")
