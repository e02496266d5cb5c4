"""A bay's sign in words: what holds now, and its lines."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dashboard.public.bay_words import Calendar, holds, hours, now
from devices.bays import Restriction

#: Monday to Friday; Saturday and Sunday; every day.
WEEK, WEEKEND, ALL = 31, 96, 127
MONDAY = date(2026, 6, 1)


def at(day: int, clock: str) -> datetime:
    """A moment of a day of the week in June 2026 that begins with a Monday."""
    hour, minute = clock.split(":")
    return datetime(2026, 6, 1 + day, int(hour), int(minute))  # noqa: DTZ001  # a local one


SHOPS = Restriction(WEEK, 510, 1110, 120, 60)
NIGHT = (Restriction(ALL, 1200, 1440, 180), Restriction(ALL, 0, 360, 180))
ALWAYS = (Restriction(ALL, 0, 1440, 60),)


@pytest.mark.parametrize(
    ("signs", "day", "clock", "said"),
    [
        ((SHOPS,), 0, "08:30", "At most 2 hours until 18:30, no return within 1 hour"),
        ((SHOPS,), 0, "18:29", "At most 2 hours until 18:30, no return within 1 hour"),
        ((SHOPS,), 0, "18:30", "No time limit now"),
        ((SHOPS,), 0, "08:29", "No time limit now"),
        ((SHOPS,), 5, "12:00", "No time limit now"),
        ((), 0, "12:00", "No limits are registered"),
        (NIGHT, 0, "21:00", "At most 3 hours until 06:00 on Tuesday"),
        (NIGHT, 0, "05:00", "At most 3 hours until 06:00"),
        (ALWAYS, 3, "12:00", "At most 1 hour"),
        ((Restriction(ALL, 0, 1440, 60, 120),), 3, "12:00", "At most 1 hour, no return within 2 hours"),
        ((Restriction(ALL, 1200, 1440, 180), Restriction(ALL, 0, 360, 60)), 0, "21:00",
         "At most 3 hours until midnight"),
        ((Restriction(WEEKEND, 0, 1440, 90),), 5, "12:00", "At most 1 hour 30 minutes until midnight on Sunday"),
        ((Restriction(ALL, 480, 1080),), 0, "12:00", "No time limit until 18:00"),
        ((Restriction(ALL, 480, 1080, 20),), 0, "12:00", "At most 20 minutes until 18:00"),
    ],
)  # fmt: skip
def test_what_holds_now(signs: tuple[Restriction, ...], day: int, clock: str, said: str) -> None:
    assert now(signs, at(day, clock), Calendar()) == said


def test_special_days() -> None:
    for days, holiday, event, usual in (
        (Restriction(ALL, 0, 1440, 60, bank_holidays="off"), False, True, True),
        (Restriction(ALL, 0, 1440, 60, bank_holidays="only"), True, False, False),
        (Restriction(ALL, 0, 1440, 60, event_days="not"), True, False, True),
        (Restriction(ALL, 0, 1440, 60, event_days="only"), False, True, False),
        (Restriction(ALL, 0, 1440, 60), True, True, True),
    ):
        assert holds(days, MONDAY, Calendar({MONDAY}, ())) == holiday
        assert holds(days, MONDAY, Calendar((), {MONDAY})) == event
        assert holds(days, MONDAY, Calendar()) == usual
    dated = Restriction(ALL, 0, 1440, 60, from_day=MONDAY, to_day=date(2026, 6, 3))
    assert [holds(dated, date(2026, 5, 31 - 0), Calendar()), holds(dated, MONDAY, Calendar())] == [False, True]
    assert [holds(dated, date(2026, 6, day), Calendar()) for day in (2, 3)] == [True, False]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (SHOPS, "Monday to Friday, 08:30 to 18:30: at most 2 hours, no return within 1 hour"),
        (Restriction(WEEKEND, 0, 1440), "Saturday and Sunday, at any time: no time limit"),
        (Restriction(0b0010101, 0, 360, 90), "Monday, Wednesday, Friday, 00:00 to 06:00: at most 1 hour 30 minutes"),
        (
            Restriction(ALL, 1200, 1440, 1, bank_holidays="off", event_days="only"),
            "Every day, 20:00 to midnight, not on bank holidays, on event days only: at most 1 minute",
        ),
        (Restriction(1, 540, 600, 60, event_days="not", bank_holidays="only"),
         "Monday, 09:00 to 10:00, on bank holidays only, not on event days: at most 1 hour"),
    ],
)  # fmt: skip
def test_lines_of_a_sign(one: Restriction, said: str) -> None:
    assert hours(one) == said
