"""Hours of the week across changes of the clock, and full zones beside emptier ones."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.parking import patterns

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("day", "quarters", "hours"),
    [
        (date(2026, 11, 30), 96, list(range(24))),
        (date(2026, 3, 29), 92, [hour for hour in range(24) if hour != 1]),
        (date(2026, 10, 25), 100, [0, 1, *range(1, 24)]),
    ],
)
def test_quarters_have_the_hour_of_the_clock(day: date, quarters: int, hours: list[int]) -> None:
    found = patterns.week_hours(day, quarters, LONDON)
    assert found.tolist() == np.repeat(np.array(hours) + day.weekday() * 24, 4).tolist()


def test_sums_and_shares() -> None:
    sums = patterns.by_hour(np.array([0, 0, 167]), np.array([[3, 1], [5, 3], [0, 0]]))
    share = patterns.shares(sums[:, 0], sums[:, 1])
    assert share[0] == pytest.approx(8 / 12)
    assert np.isnan(share[1:]).all()


def test_zones_are_as_far_apart_as_their_nearest_bays() -> None:
    zone = np.array([0, 0, 1, 1, 2])
    lat = np.array([51.5, 51.501, 51.503, 51.51, 51.6])
    found = patterns.zone_distances(zone, np.full(5, -0.1), lat, 4)
    assert found[0, 1] == found[1, 0] == pytest.approx(222.5, abs=0.1)
    assert np.isinf(found[0, 2])
    assert np.isinf(found[3]).all(), "a zone without a bay"
    assert patterns.zone_distances(np.empty(0, np.int64), np.empty(0), np.empty(0), 0).shape == (0, 0)


def test_full_beside_empty_by_runs_of_hours() -> None:
    """Zone 0 is full from Monday 22:00 to Tuesday 02:00: two rows, for each is of one day. 85 and 60 % do not count."""
    occupied, free = np.full((3, 168), 50), np.full((3, 168), 50)
    occupied[0, 22:26], free[0, 22:26] = 90, 10
    occupied[0, 100], free[0, 100] = 85, 15
    occupied[2], free[2] = 60, 40
    near = np.array([[np.inf, 300.0, 10.0], [300.0, np.inf, 301.0], [10.0, 301.0, np.inf]])
    found = patterns.reliefs(occupied, free, near)
    assert [(one.full, one.room, one.start, one.end) for one in found] == [(0, 1, 22, 24), (0, 1, 24, 26)]
    assert {(one.full_share, one.room_share) for one in found} == {(0.9, 0.5)}
    unknown = np.zeros((3, 168), np.int64)
    assert patterns.reliefs(unknown, unknown, near) == []
