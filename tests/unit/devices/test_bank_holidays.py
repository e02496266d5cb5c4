"""Bank holidays against gov.uk's own list, as a package carries it, and the regular ones against their rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays

from devices.bank_holidays import bank_holidays, is_bank_holiday, known_years

#: Proclaimed once, and the days that were moved: 2012, 2020, 2022.
_ADDED = {date(2012, 6, 5), date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)}
_MOVED = {
    date(2012, 5, 28): date(2012, 6, 4),
    date(2020, 5, 4): date(2020, 5, 8),
    date(2022, 5, 30): date(2022, 6, 2),
}


def test_they_are_those_of_the_government() -> None:
    # the list that the package carries: nothing is fetched
    theirs = {
        day["date"] for day in BankHolidays(use_cached_holidays=True).get_holidays(BankHolidays.ENGLAND_AND_WALES)
    }
    last = date(max(day.year for day in theirs), 12, 31)
    assert len(theirs) > 130
    assert {day for day in bank_holidays() if day <= last} == theirs


def _easter(year: int) -> date:
    """By Oudin's rule (1940): the full moon's place in March, and the Sunday after it."""
    century, golden = year // 100, year % 19
    moon = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15) % 30
    moon -= moon // 28 * (1 - moon // 28 * (29 // (moon + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    return date(year, 3, 28) + timedelta(moon - weekday)


def _regular(year: int) -> set[date]:
    """The days of a year without proclamations (Banking and Financial Dealings Act 1971)."""
    easter = _easter(year)
    found = {easter - timedelta(2), easter + timedelta(1)}
    found.add(next(day for day in (date(year, 5, number) for number in range(1, 8)) if day.weekday() == 0))
    for month in (5, 8):
        found.add(next(day for day in (date(year, month, 31 - back) for back in range(7)) if day.weekday() == 0))
    new_year = date(year, 1, 1)
    found.add(new_year + timedelta({5: 2, 6: 1}.get(new_year.weekday(), 0)))
    # of the two days at Christmas those at the weekend are made up for from the Monday on
    christmas = {4: (25, 28), 5: (27, 28), 6: (26, 27)}.get(date(year, 12, 25).weekday(), (25, 26))
    return found | {date(year, 12, number) for number in christmas}


@pytest.mark.parametrize("year", known_years())
def test_a_year_is_the_rule_and_what_was_proclaimed(year: int) -> None:
    wanted = {_MOVED.get(day, day) for day in _regular(year)} | {day for day in _ADDED if day.year == year}
    assert {day for day in bank_holidays() if day.year == year} == wanted


def test_days_and_their_names() -> None:
    assert known_years() == range(2012, 2029)
    assert list(bank_holidays()) == sorted(bank_holidays())
    assert bank_holidays()[date(2026, 12, 28)] == "Boxing Day, substitute day"
    assert is_bank_holiday(date(2027, 12, 27))
    assert not is_bank_holiday(date(2027, 12, 25))
    assert not is_bank_holiday(date(2040, 12, 25))
