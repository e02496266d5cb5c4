"""Lengths of time as people type them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from borough.commands.rejected_options import chosen
from borough.duration import duration
from borough.errors import UsageError


@pytest.mark.parametrize(
    ("text", "length"),
    [("90s", timedelta(seconds=90)), (" 15min ", timedelta(minutes=15)), ("36500d", timedelta(days=36_500))],
)
def test_a_length_of_time(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "1", "-1h", "1.5h", "1 week", "36501d", "876001h", "999999d"])
def test_what_is_none_and_what_no_calendar_goes_back(text: str) -> None:
    with pytest.raises(UsageError, match="no length of time such as 90s, 15min, 1h or 2d"):
        duration(text)


def test_how_far_back_rejections_are_asked_for() -> None:
    assert chosen("", "", "", "36500d").since is not None
    with pytest.raises(UsageError):
        chosen("", "", "", "999999d")
