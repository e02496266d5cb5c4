"""What is usual in a home, in a sentence: each time of day at which there is mostly movement, and no night between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dashboard.web.movement import usual_words

MANY = "on most such days there is some above all from 06:30 to 10:00, from 11:00 to 15:00 and from 16:00 to 22:00"


def days(*stretches: tuple[int, int]) -> Sequence[int]:
    """Shares by half-hour [%]: 80 in these stretches, else 20."""
    return [80 if any(first <= number < end for first, end in stretches) else 20 for number in range(48)]


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        (days(), "there is no time of day at which movement is usual"),
        (days((14, 46)), "on most such days there is some from 07:00 to 23:00"),
        # somebody who goes to bed after midnight does not move all night
        (days((0, 2), (13, 48)), "on most such days there is some from 00:00 to 01:00 and from 06:30 to 24:00"),
        (days((0, 48)), "on most such days there is some from 00:00 to 24:00"),
        (
            days((0, 1), (13, 20), (22, 30), (32, 44)),
            MANY,
        ),
    ],
)
def test_stretches_of_the_day(usual: Sequence[int], said: str) -> None:
    assert usual_words(usual) == said
