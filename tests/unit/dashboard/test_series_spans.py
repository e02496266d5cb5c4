"""Spans of a series: units of the calendar in local time, the last that has readings, from one time to another."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.engineer.series_spans import Name, NoSpan, Span, beside, choose
from store.times import microseconds

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
EXTENT = (microseconds(datetime(2024, 2, 29, 12, tzinfo=UTC)), microseconds(datetime(2026, 3, 29, 12, tzinfo=UTC)))


def wall(text: str) -> datetime:
    """A local time, as a field has it."""
    return datetime.fromisoformat(text)


def utc(*parts: int) -> int:
    return microseconds(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("day", utc(2026, 3, 29)),  # of 23 hours
        ("week", utc(2026, 3, 23)),
        ("", utc(2026, 3, 23)),
        ("month", utc(2026, 2, 28)),
        ("year", utc(2025, 3, 29, 23) + 3_600_000_000),
    ],
)
def test_the_last_one_that_has_readings(name: Name, start: int) -> None:
    found = choose(name, None, None, EXTENT, NOW, LONDON)
    assert found.end == utc(2026, 3, 29, 23)
    assert found.name == (name or "week")
    if name not in ("month", "year"):
        assert found.start == start
    assert choose(name, None, None, None, NOW, LONDON).end == utc(2026, 11, 30)


def test_all_of_it_and_from_one_time_to_another() -> None:
    assert choose("all", None, None, EXTENT, NOW, LONDON) == Span(EXTENT[0], EXTENT[1] + 1, "all")
    # the hour that comes twice, both times
    begin, end = wall("2026-10-25T01:00"), wall("2026-10-25T01:00")
    assert choose("", begin, end, EXTENT, NOW, LONDON) == Span(utc(2026, 10, 25, 0), utc(2026, 10, 25, 1), "")
    with pytest.raises(NoSpan, match="the end is not after the beginning"):
        choose("", wall("2026-03-02"), wall("2026-03-02"), EXTENT, NOW, LONDON)


@pytest.mark.parametrize(
    ("name", "begin", "units", "found"),
    [
        ("day", wall("2026-03-29"), 1, wall("2026-03-30")),
        ("week", wall("2026-01-01"), -1, wall("2025-12-25")),
        ("month", wall("2026-01-31"), 1, wall("2026-02-28")),
        ("month", wall("2024-03-31T08:30"), -1, wall("2024-02-29T08:30")),
        ("year", wall("2024-02-29"), 1, wall("2025-02-28")),
        ("year", wall("1900-06-01"), -1, None),
        ("all", wall("2026-01-01"), 1, None),
    ],
)
def test_steps_by_the_calendar(name: Name, begin: datetime, units: int, found: datetime | None) -> None:
    start = microseconds(begin.replace(tzinfo=LONDON))
    assert beside(Span(start, start + 1, name), LONDON, units) == found
