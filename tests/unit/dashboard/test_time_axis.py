"""The time axis: few labels of whole local times, told apart around both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.engineer.time_axis import MOST, local, ticks
from store.times import instant, microseconds

LONDON = ZoneInfo("Europe/London")
HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        ("2026-03-29T00:00", "2026-03-29T04:00", ["00:00 GMT", "02:00 BST", "03:00 BST", "04:00 BST", "05:00"]),
        ("2026-10-24T23:30", "2026-10-25T03:30",
         ["01:00 BST", "01:00 GMT", "02:00 GMT", "03:00 GMT"]),
        ("2026-10-24T23:00", "2026-10-26T00:00", ["00:00 BST", "06:00", "12:00", "18:00", "26 Oct"]),
        ("2026-02-09T10:00", "2026-02-09T10:05", ["10:00", "10:01", "10:02", "10:03", "10:04", "10:05"]),
        ("2026-02-09T00:00", "2026-02-16T00:00", [f"{day} Feb" for day in range(9, 17)]),
        ("2026-03-23T00:00", "2026-04-20T00:00", ["23 Mar", "30 Mar", "6 Apr", "13 Apr", "20 Apr"]),
        ("2025-12-15T00:00", "2026-06-15T00:00",
         ["Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026", "May 2026", "Jun 2026"]),
        ("2016-01-01T00:00", "2026-01-01T00:00", ["2016", "2018", "2020", "2022", "2024", "2026"]),
        ("2026-02-09T10:00:00.000001", "2026-02-09T10:00:00.000009", ["9 Feb 2026, 10:00:00.000001 GMT"]),
    ],
)  # fmt: skip
def test_labels(start: str, end: str, labels: list[str]) -> None:
    assert [text for _, text in ticks(at(start), at(end), LONDON)] == labels


@given(
    st.integers(at("1950-01-01"), at("2150-01-01")),
    st.integers(1, 100 * 366 * DAY),
    st.sampled_from(["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "America/St_Johns"]),
)
def test_few_labels_inside_the_span_in_order(start: int, length: int, zone: str) -> None:
    found = ticks(start, start + length, ZoneInfo(zone))
    places = [place for place, _ in found]
    assert 1 <= len(found) <= MOST
    assert places == sorted(set(places))
    assert start <= places[0]
    assert places[-1] <= start + length


@given(st.integers(at("2000-01-01"), at("2060-01-01")), st.integers(6 * HOUR, 3 * DAY))
def test_a_clock_s_label_is_what_the_clock_says(start: int, length: int) -> None:
    for place, text in ticks(start, start + length, LONDON):
        moment = instant(place).astimezone(LONDON)
        assert text in (f"{moment:%H:%M}", f"{moment:%H:%M %Z}", f"{moment.day} {moment:%b}")
        later = (moment.astimezone(UTC) + timedelta(hours=1)).astimezone(LONDON)
        if later.replace(tzinfo=None) == moment.replace(tzinfo=None):
            assert text == f"{moment:%H:%M} BST"


def test_a_local_time_in_full() -> None:
    assert local(at("2026-03-29T01:00"), LONDON) == "29 Mar 2026, 02:00:00 BST"
    assert local(at("2026-10-25T01:00:00.25"), LONDON) == "25 Oct 2026, 01:00:00.25 GMT"
