"""Ages and distances in words, at the edges where they change."""

from __future__ import annotations

import pytest

from dashboard import labels

MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-1, "under a minute"), (0.9, "under a minute"), (1, "1 min"), (59.9, "59 min"), (60, "1 h"), (61, "1 h 1 min"),
        (2_879, "47 h 59 min"), (2_880, "2 days"),
    ],
)  # fmt: skip
def test_ages(minutes: float, said: str) -> None:
    assert labels.age(int(minutes * MINUTE)) == said


@pytest.mark.parametrize(
    ("metres", "said"), [(0, "10 m"), (14, "10 m"), (16, "20 m"), (994, "990 m"), (995, "1.0 km"), (1_960, "2.0 km")]
)
def test_distances(metres: float, said: str) -> None:
    assert labels.distance(metres) == said
