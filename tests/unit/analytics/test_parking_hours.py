"""Restrictions as intervals of instants: days of the week, dates, bank holidays, events, changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.parking.arrays import MINUTE, NONE, Hours
from analytics.parking.hours import Regime, compile_hours
from devices.bays import BankHolidays, EventDays, Restriction

LONDON = ZoneInfo("Europe/London")
MONDAY = date(2026, 6, 15)


def plain(hours: Hours, regime: int = 0) -> list[tuple[str, str, int]]:
    """Intervals of a regime in UTC, with their maximum stay in minutes."""
    some = slice(hours.offsets[regime], hours.offsets[regime + 1])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [
        (
            f"{epoch + timedelta(microseconds=start):%a %d %H:%M}",
            f"{epoch + timedelta(microseconds=end):%a %d %H:%M}",
            maximum // MINUTE,
        )
        for start, end, maximum in zip(
            hours.start[some].tolist(), hours.end[some].tolist(), hours.maximum[some].tolist(), strict=True
        )
    ]


def held(rule: Restriction, first: date, days: int = 1, **options: frozenset[date]) -> list[tuple[str, str]]:
    regime = Regime((rule,), options.pop("event_days", frozenset()))
    return [row[:2] for row in plain(compile_hours([regime], first, days, LONDON, **options))]


def test_days_of_the_week_in_summer_time() -> None:
    weekdays = Restriction(0b0011111, 510, 1110, 120)
    hours = compile_hours(
        [Regime((weekdays,)), Regime(()), Regime((Restriction(0b1000000, 0, 1440),))], MONDAY, 7, LONDON
    )
    assert plain(hours) == [
        (f"{day} 07:30", f"{day} 17:30", 120) for day in ("Mon 15", "Tue 16", "Wed 17", "Thu 18", "Fri 19")
    ]
    assert plain(hours, 1) == []
    assert plain(hours, 2) == [("Sat 20 23:00", "Sun 21 23:00", NONE)]


@pytest.mark.parametrize(
    ("day", "start", "end", "expected"),
    [
        # the clock goes forward: 01:00 to 02:00 is not
        (date(2026, 3, 29), 60, 180, [("Sun 29 01:00", "Sun 29 02:00")]),
        (date(2026, 3, 29), 60, 90, []),
        (date(2026, 3, 29), 30, 90, [("Sun 29 00:30", "Sun 29 01:00")]),
        (date(2026, 3, 29), 0, 1440, [("Sun 29 00:00", "Sun 29 01:00"), ("Sun 29 01:00", "Sun 29 23:00")]),
        # and back: 01:00 to 02:00 comes twice
        (date(2026, 10, 25), 60, 180, [("Sun 25 00:00", "Sun 25 01:00"), ("Sun 25 01:00", "Sun 25 03:00")]),
        (date(2026, 10, 25), 60, 90, [("Sun 25 00:00", "Sun 25 00:30"), ("Sun 25 01:00", "Sun 25 01:30")]),
        (date(2026, 10, 25), 90, 150, [("Sun 25 00:30", "Sun 25 01:00"), ("Sun 25 01:30", "Sun 25 02:30")]),
        (date(2026, 10, 25), 0, 60, [("Sat 24 23:00", "Sun 25 00:00")]),
    ],
)
def test_days_on_which_the_clock_changes(day: date, start: int, end: int, expected: list[tuple[str, str]]) -> None:
    assert held(Restriction(127, start, end), day) == expected


def test_a_change_of_the_clock_at_midnight() -> None:
    """In Beirut 30 March 2025 began at 01:00, and 26 October 2024 had its last hour twice."""
    beirut = ZoneInfo("Asia/Beirut")
    night = Regime((Restriction(127, 0, 90), Restriction(127, 1380, 1440)))
    forward = plain(compile_hours([night], date(2025, 3, 30), 1, beirut))
    assert forward == [("Sat 29 22:00", "Sat 29 22:30", NONE), ("Sun 30 20:00", "Sun 30 21:00", NONE)]
    back = plain(compile_hours([night], date(2024, 10, 26), 1, beirut))
    assert [row[:2] for row in back] == [
        ("Fri 25 21:00", "Fri 25 22:30"), ("Sat 26 20:00", "Sat 26 21:00"), ("Sat 26 21:00", "Sat 26 22:00"),
    ]  # fmt: skip


@pytest.mark.parametrize(("rule", "days"), [("as-usual", "Fri Mon Tue"), ("off", "Tue"), ("only", "Fri Mon")])
def test_a_substitute_day_is_a_bank_holiday_and_the_day_it_stands_for_is_none(rule: BankHolidays, days: str) -> None:
    """Boxing Day 2026 is a Saturday: Monday 28 is its substitute."""
    holidays = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
    monday_to_friday = Restriction(0b0011111, 600, 660, bank_holidays=rule)
    found = held(monday_to_friday, date(2026, 12, 25), 5, bank_holidays=holidays)
    assert [row[0][:3] for row in found] == days.split()


@pytest.mark.parametrize(("rule", "days"), [("any", [15, 16, 17]), ("only", [16]), ("not", [15, 17])])
def test_event_days_of_the_zone(rule: EventDays, days: list[int]) -> None:
    found = held(Restriction(127, 600, 660, event_days=rule), MONDAY, 3, event_days=frozenset({date(2026, 6, 16)}))
    assert [int(row[0][4:6]) for row in found] == days


def test_dates_and_a_change_at_midday() -> None:
    regime = Regime((
        Restriction(127, 480, 720, 60, to_day=date(2026, 6, 17)),
        Restriction(127, 720, 1080, 120),
        Restriction(127, 480, 720, 30, from_day=date(2026, 6, 17)),
    ))  # fmt: skip
    found = plain(compile_hours([regime], date(2026, 6, 16), 2, LONDON))
    assert [row[2] for row in found] == [60, 120, 30, 120]
    assert found[0][1] == found[1][0], "they touch"


def test_no_days_and_no_regimes() -> None:
    assert plain(compile_hours([Regime((Restriction(127, 0, 1440),))], MONDAY, 0, LONDON)) == []
    assert compile_hours([], MONDAY, 7, LONDON).offsets.tolist() == [0]
