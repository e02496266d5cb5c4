"""A panel: its table is of whole pieces of the picture, so that what it says of them is what the readings say."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.pipeline.decimation import decimate
from analytics.pipeline.series_points import Points
from dashboard.engineer.series_panel import ROWS, Panel, length, notes, rows, value, when
from store.open_series import OpenSeries
from store.times import microseconds

UTC_ZONE = ZoneInfo("UTC")
SERIES = OpenSeries(1, "air-1", "air-monitor", "pm10", "ug/m3", "gauge", "real", "native", "PT1M", None)


def panel(times: np.ndarray, values: np.ndarray, start: int, end: int) -> Panel:
    places, width = decimate(times, values, start, end)
    points = Points(times[places], values[places], len(times), width, 0)
    nothing = np.empty(0, np.int64), np.empty(0)
    return Panel(SERIES, start, end, points, 90_000_000, nothing, 0, 0, [])


@given(st.integers(0, 2**32), st.integers(49, 4_000), st.integers(1_000_000, 10**12))
def test_the_table_s_least_and_greatest_are_those_of_all_readings(seed: int, count: int, step: int) -> None:
    random = np.random.default_rng(seed)
    start = 1_772_323_200_000_000
    end = start + count * step
    times = start + np.unique(random.integers(0, count * step, count))
    values = np.round(random.normal(0, 50, len(times)), 3)
    shown = panel(times, values, start, end)
    found = rows(shown, UTC_ZONE)
    if len(times) <= ROWS:
        assert [row.least for row in found] == [value(one, shown) for one in values.tolist()]
        return
    assert len(found) <= ROWS
    edges = [_at(row.when) for row in found] + [end]
    assert edges == sorted(edges)
    for row, low, high in zip(found, edges[:-1], edges[1:], strict=True):
        inside = values[(times >= low) & (times < high)]
        assert (row.least, row.greatest) == (value(inside.min(), shown), value(inside.max(), shown))


def _at(text: str) -> int:
    whole = text if "." in text else text.replace(" UTC", ".0 UTC")
    return microseconds(datetime.strptime(whole.replace("UTC", "+0000"), "%d %b %Y, %H:%M:%S.%f %z"))


def test_what_was_left_out_is_said() -> None:
    start, minute = 1_772_323_200_000_000, 60_000_000
    times = start + np.arange(3_000) * minute
    assert notes(panel(times, np.arange(3_000) % 7 * 1.0, start, start + 3_000 * minute))[0] == (
        "Drawn are 1,286 of 3,000 readings: the first, the least, the greatest and the last of every 7 min."
    )
    few = panel(times[:5], np.ones(5), start, start + 5 * minute)
    assert notes(few) == ["The line is broken where nothing came for more than 90 s."]


@pytest.mark.parametrize(
    ("number", "text"), [(-1234.5, "\N{MINUS SIGN}1,234.5"), (0.1, "0.1"), (1e-7, "1e-07"), (480.0, "480")]
)
def test_values(number: float, text: str) -> None:
    assert value(number) == text


def test_lengths() -> None:
    assert [length(us) for us in (500_000, 90_000_000, 120_000_000, 5_400_000_000)] == [
        "0.5 s",
        "90 s",
        "2 min",
        "1 h 30 min",
    ]


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "25 October 2026, 01:30 BST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "25 October 2026, 01:30 GMT"),
        (datetime(2026, 10, 24, 0, 30, tzinfo=UTC), "24 October 2026, 01:30"),
    ],
)
def test_an_hour_that_comes_twice_is_told_apart_in_headings(moment: datetime, words: str) -> None:
    assert when(microseconds(moment), ZoneInfo("Europe/London")) == words
