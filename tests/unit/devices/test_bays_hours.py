"""Hours of bays: what words mean, and which two hold at once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.bays import Restriction
from devices.bays_hours import (
    contradictions,
    days_of,
    days_said,
    hours_cells,
    hours_said,
    ordered,
    restrictions_of,
)
from devices.cells import Cells
from devices.registry import Row

MONDAY = date(2026, 6, 1)


def _read(cells: dict[str, str]) -> tuple[tuple[Restriction, ...], list[str]]:
    reader = Cells(Row("line 2", cells), (), {})
    return restrictions_of(reader), reader.wrong


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mo-Sa", 0b0111111),
        ("Mon - Fri", 0b0011111),
        ("monday", 1),
        ("Mo, We;Fr", 0b0010101),
        ("Sa-Mo", 0b1100001),
        ("Mo-Su", 127),
        ("Tu-Tu", 2),
        ("M", None),
        ("T-W", None),
        ("Mo-We-Fr", None),
        ("weekdays", None),
    ],
)
def test_days(text: str, days: int | None) -> None:
    assert days_of(text) == days


@given(st.integers(1, 127))
def test_days_said_are_read_back(days: int) -> None:
    assert days_of(days_said(days)) == days


def test_what_is_left_out_is_no_limit() -> None:
    assert _read({}) == ((), [])
    assert _read({"maximum_stay": "PT2H"}) == ((Restriction(127, 0, 1440, 120),), [])
    assert _read({"days": "Mo-Fr"}) == ((Restriction(31, 0, 1440),), [])


def test_hours_beyond_midnight_are_two_and_the_second_is_of_the_next_day() -> None:
    cells = {"days": "Fr-Su", "hours": "18:30-02:00", "hours_from": "2026-04-01", "hours_to": "2026-05-01"}
    evening, morning = _read({**cells, "maximum_stay": "60"})[0]
    assert evening == Restriction(112, 1110, 1440, 60, from_day=date(2026, 4, 1), to_day=date(2026, 5, 1))
    assert morning == Restriction(97, 0, 120, 60, from_day=date(2026, 4, 2), to_day=date(2026, 5, 2))
    assert _read({"from_time": "18:30", "to_time": "0:00", "bank_holidays": "off"})[0] == (
        Restriction(127, 1110, 1440, bank_holidays="off"),
    )


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"days": "Xy"}, "days 'Xy' are no days such as Mo-Sa"),
        ({"hours": "8-18"}, "hours '8-18' are no hours such as 08:30-18:30"),
        ({"hours": "08:30-18:60"}, "are no hours such as"),
        ({"hours": "08:30-08:30"}, "begin when they end; all day is 00:00-24:00"),
        ({"hours": "24:00-08:00"}, "begin at 24:00; say 00:00 of the next day"),
        ({"hours": "08:30-18:30", "from_time": "08:30"}, "hours and from_time or to_time are given"),
        ({"from_time": "08:30"}, "from_time and to_time belong together"),
        ({"maximum_stay": "0"}, "maximum_stay '0' is no length of time in whole minutes"),
        ({"maximum_stay": "PT90S"}, "maximum_stay 'PT90S' is no length"),
        ({"no_return": "P1M"}, "no_return 'P1M' is no length"),
        ({"no_return": "9" * 5000}, "is no length"),
        ({"bank_holidays": "yes"}, "bank_holidays 'yes' is not one of as-usual, off, only"),
        ({"event_days": "off"}, "event_days 'off' is not one of any, only, not"),
        ({"hours_from": "2026-04-01", "hours_to": "2026-04-01"}, "hours_to 2026-04-01 is not after"),
        ({"hours": "22:00-02:00", "bank_holidays": "off"}, "give two lines, one to 24:00 and one from 00:00"),
    ],
)
def test_mistakes_are_told(cells: dict[str, str], said: str) -> None:
    found, (problem,) = _read(cells)
    assert found == ()
    assert said in problem


def test_in_words() -> None:
    one = Restriction(63, 510, 1110, 60, 120, "off", "not", date(2026, 4, 1), date(2026, 5, 1))
    assert hours_said(one) == (
        "Mo-Sa 08:30-18:30, up to 60 min, no return within 2 h, not on bank holidays, not on event days,"
        " from 2026-04-01, until 2026-04-30"
    )
    assert hours_said(Restriction(127, 0, 1440)) == "at any time"
    assert hours_said(Restriction(31, 0, 1440, 90)) == "Mo-Fr all day, up to 90 min"


# few minutes and days, so that hours often touch, overlap and miss each other
_DAY = st.one_of(st.none(), st.integers(0, 11).map(lambda ahead: MONDAY + timedelta(ahead)))
_ONE = st.builds(
    lambda days, times, stay, holidays, events, between: Restriction(
        days, min(times), max(times), stay, None, holidays, events, *between
    ),
    st.integers(1, 127),
    st.lists(st.integers(0, 8).map(lambda step: step * 180), min_size=2, max_size=2, unique=True),
    st.one_of(st.none(), st.integers(1, 600)),
    st.sampled_from(["as-usual", "off", "only"]),
    st.sampled_from(["any", "only", "not"]),
    st.tuples(_DAY, _DAY).filter(lambda days: days[0] is None or days[1] is None or days[0] < days[1]),
)


def _holds(one: Restriction, day: date, minute: int, holiday: bool, event: bool) -> bool:
    return (
        (one.from_day is None or day >= one.from_day)
        and (one.to_day is None or day < one.to_day)
        and bool(one.days >> day.weekday() & 1)
        and one.start <= minute < one.end
        and {"as-usual": True, "off": not holiday, "only": holiday}[one.bank_holidays]
        and {"any": True, "only": event, "not": not event}[one.event_days]
    )


@given(st.lists(_ONE, max_size=4))
def test_contradictions_are_those_of_every_minute_of_every_day(restrictions: list[Restriction]) -> None:
    every = list(product(range(-8, 21), range(0, 1440, 90), (False, True), (False, True)))
    found = {
        pair
        for ahead, minute, holiday, event in every
        for pair in combinations(
            [
                place
                for place, one in enumerate(restrictions)
                if _holds(one, MONDAY + timedelta(ahead), minute, holiday, event)
            ],
            2,
        )
    }
    assert contradictions(restrictions) == sorted(found)


@given(_ONE)
def test_cells_are_read_back(one: Restriction) -> None:
    assert _read(hours_cells(one)) == ((one,), [])


def test_the_order_of_lines_does_not_matter() -> None:
    one, other = Restriction(1, 0, 60), Restriction(1, 60, 120, 30)
    assert ordered([one, other]) == ordered([other, one])
