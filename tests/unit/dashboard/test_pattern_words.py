"""The pattern report's differences: whoever subtracts the two numbers beside them finds just that."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.care import report_words as words
from tests.examples import examples

_SIGNS = {"more": 1, "later": 1, "fewer": -1, "less": -1, "earlier": -1}


def minutes(said: str) -> int:
    """A length of time in words as minutes."""
    return sum(int(number) * (60 if unit == "h" else 1) for number, unit in re.findall(r"(\d+) (h|min)", said))


def of_clock(said: str) -> int:
    hours, past = said.split(":")
    return int(hours) * 60 + int(past)


@given(st.floats(0, 400), st.floats(0, 400))
@settings(max_examples=examples(200))
def test_numbers_add_up(now: float, before: float) -> None:
    for say, differ in ((words.one_decimal, words.more), (words.whole, words.more_whole)):
        told = differ(now, before)
        apart = 0.0 if told == "about the same" else float(told.split()[0]) * _SIGNS[told.split()[1]]
        assert apart == pytest.approx(float(say(now)) - float(say(before)), abs=1e-9)


@given(st.floats(0, 20), st.floats(0, 20))
@settings(max_examples=examples(200))
def test_lengths_add_up(now: float, before: float) -> None:
    told = words.longer(now, before)
    apart = minutes(told) * _SIGNS.get(told.split()[-1], 0)
    assert apart == minutes(words.length(now)) - minutes(words.length(before))


@given(st.floats(4, 23.9), st.floats(4, 23.9))
@settings(max_examples=examples(200))
def test_times_add_up_unless_they_are_nearly_the_same(now: float, before: float) -> None:
    told, apart = words.later(now, before), of_clock(words.clock(now)) - of_clock(words.clock(before))
    if told == "about the same":
        assert abs(apart) < 8
    else:
        assert minutes(told) * _SIGNS[told.split()[-1]] == apart


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(2.94, 1.04, "1.9 more"), (2.96, 1.04, "2.0 more"), (1.04, 1.0, "about the same"), (0.96, 2.94, "1.9 fewer")],
)
def test_as_exactly_as_they_are_said(now: float, before: float, said: str) -> None:
    assert words.more(now, before) == said


def test_times_after_midnight() -> None:
    assert words.later(24.5, 23.0) == "1 h 30 min later"
    assert words.later(22.0, 24.1) == "2 h 6 min earlier"
