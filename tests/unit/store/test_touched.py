"""What a batch says that it touches, against a plain loop."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store.batch import TouchedDay
from store.touched import FEW, days_of

FAMILIES = ("parking-bay", "smart-meter", "air-monitor")
DAY = 86_400_000_000
T0 = 1_769_904_000_000_000  # 2026-02-01T00:00:00Z

Row = tuple[int, int, int]  # series, time [us], family


def of(rows: list[Row]) -> list[TouchedDay]:
    columns = np.array(rows, np.int64).reshape(-1, 3)
    return days_of(FAMILIES, columns[:, 2].astype(np.uint8), columns[:, 0].astype(np.int32), columns[:, 1])


def plainly(rows: list[Row]) -> dict[tuple[str, date], set[int]]:
    found: dict[tuple[str, date], set[int]] = {}
    for series, time, family in rows:
        day = date(1970, 1, 1) + timedelta(days=time // DAY)
        found.setdefault((FAMILIES[family], day), set()).add(series)
    return found


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(-2, 3), st.integers(0, DAY - 1)), max_size=60),
    st.booleans(),
)
def test_each_day_of_a_meter_names_its_series_and_no_other_family_does(
    drawn: list[tuple[int, int, int]], in_order: bool
) -> None:
    rows = [(series, T0 + day * DAY + time, series % 3) for series, day, time in drawn]
    found = of(sorted(rows) if in_order else rows)
    wanted = plainly(rows)
    assert [(one.family, one.day) for one in found] == sorted(wanted, key=lambda key: (key[1], FAMILIES.index(key[0])))
    for one in found:
        if one.family == "smart-meter":
            assert one.series == tuple(sorted(wanted[one.family, one.day]))
        else:
            assert one.series is None


def test_many_series_are_not_named_and_one_late_among_them_is() -> None:
    live = [(series, T0 + 5 * DAY + series, 1) for series in range(1, FEW + 2)]
    late = (3, T0, 1)
    found = of(sorted([*live, late]))
    assert [(one.day.day, one.series) for one in found] == [(1, (3,)), (6, None)]
    assert of(sorted(live[1:])) == [TouchedDay("smart-meter", date(2026, 2, 6), tuple(range(2, FEW + 2)))]


def test_readings_of_one_series_that_come_often_are_one_name() -> None:
    found = of([(7, T0 + k, 1) for k in range(10 * FEW)])
    assert [one.series for one in found] == [(7,)]


def test_nothing_touches_nothing() -> None:
    assert of([]) == []
