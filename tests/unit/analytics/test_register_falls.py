"""What a register that falls says of a day, as public reports have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analytics.energy import daily_use
from tests.references.daily_use import Reading, utc
from tests.tools.registers import EDGES, HALF, days_of, plain, registers


def half_hourly(values: Sequence[float]) -> list[Reading]:
    return [(utc("2026-03-27T00:00") + k * HALF, value) for k, value in enumerate(values)]


def half_hourly_with_a_hole(before: Sequence[float], hole: int, after: Sequence[float]) -> list[Reading]:
    """Half-hours, then ``hole`` of them without a reading, then more."""
    first = half_hourly(before)
    return [*first, *((first[-1][0] + (hole + 1 + k) * HALF, value) for k, value in enumerate(after))]


def rising(first: float, step: float, count: int) -> list[float]:
    return [round(first + k * step, 6) for k in range(count)]


#: Whoever reads it -> readings from 27 March 2026 on and what its day is: watt-hours and minutes.
FALLS: dict[str, tuple[list[Reading], tuple[int, int]]] = {
    "a plug that lost some kWh with its power": (
        half_hourly_with_a_hole(rising(46.4, 0.025, 24), 4, rising(45.0, 0.025, 21)),
        (575 + 500, 1290),
    ),
    "gas, a kWh less": (half_hourly_with_a_hole([400.0] * 4, 3, [399.0] * 42), (0, 1320)),
    "a new meter that starts at 40": (
        half_hourly_with_a_hole(rising(5422.0, 0.2, 20), 5, rising(40.0, 0.2, 24)),
        (9_600, 1260),
    ),
    "a plug that saves now and then": (half_hourly([*rising(8.0, 0.01, 20), *rising(7.9, 0.01, 28)]), (470, 1380)),
    "a plug that starts at zero": (half_hourly([*rising(46.4, 0.025, 20), *rising(0.01, 0.025, 29)]), (1_185, 1410)),
    "a plug that starts at zero after a gap": (
        half_hourly_with_a_hole(rising(46.4, 0.025, 24), 4, rising(0.1, 0.025, 21)),
        (575 + 100 + 500, 1290),
    ),
    "a plug that starts at zero four times": (
        half_hourly([*rising(8.0, 0.02, 10), *3 * rising(0.015, 0.02, 10), *rising(0.0, 0.02, 9)]),
        (180 + 3 * 195 + 160, 1440 - 4 * 30),
    ),
    "five digits that roll over": (
        half_hourly([*rising(99_998.0, 0.1, 20), *rising(0.1, 0.1, 29)]),
        (1_900 + 100 + 2_800, 1410),
    ),
    "0 once": (half_hourly([*rising(8.0, 0.1, 20), 0.0, *rising(10.1, 0.1, 28)]), (4_800, 1440)),
    "0 for two hours": (half_hourly([*rising(1290.8, 0.1, 20), *4 * [0.0], *rising(1293.2, 0.1, 25)]), (4_391, 1380)),
    "a small register that is 0 for two hours": (
        half_hourly([*rising(8.0, 0.1, 20), *4 * [0.0], *rising(10.4, 0.1, 25)]),
        (4_391, 1380),
    ),
    "a plug that starts at zero and has a kettle": (
        half_hourly([*rising(8.0, 0.01, 20), 0.0, 0.0, *rising(0.2, 0.01, 27)]),
        (190 + 200 + 260, 1410),
    ),
    "a register that runs backwards": (
        half_hourly([*rising(1.0, 0.15, 18), *rising(3.4, -0.2, 12), *rising(1.3, 0.1, 19)]),
        (-1, 0),
    ),
    "two registers under one name": (half_hourly([5000 + k if k % 2 else 100 + k for k in range(49)]), (-1, 0)),
}


@pytest.mark.parametrize("name", FALLS)
def test_a_register_that_falls(name: str) -> None:
    rows, day = FALLS[name]
    found = daily_use.SOURCES["gas_register" if name.startswith("gas") else "import_register"]
    steps = registers([rows], found.limit, found.slack)
    assert plain(days_of(steps))[0] == day
    # a half-hour has no more than its part of the day
    half_hours = daily_use.spread(steps, 1, np.arange(EDGES[0], EDGES[1] + 1, HALF))
    if day[0] >= 0:
        assert half_hours.amount.sum() <= day[0] + 1


def test_a_register_that_falls_daily_has_figures_and_one_that_falls_twice_in_a_day_has_none() -> None:
    day = [*rising(20.0, 0.1, 20), *rising(21.5, 0.1, 28)]
    rows = half_hourly([round(value + 4.6 * k, 3) for k in range(3) for value in day])
    assert [use for use, _ in plain(days_of(registers([rows])))[:2]] == [5_000] * 2
    rows[30] = (rows[30][0], rows[29][1] - 0.5)
    rows[31] = (rows[31][0], rows[29][1] - 0.4)
    found = daily_use.spread(registers([[], rows]), 2, EDGES)
    assert daily_use.falling(found).tolist() == [1]
    assert plain(daily_use.whole_days(found, EDGES), 1)[0] == (-1, 0)
    assert plain(daily_use.whole_days(found, EDGES), 1)[1][0] > 0
