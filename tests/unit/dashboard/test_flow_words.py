"""The pipeline in words: which time is shown, what adds up, how numbers are said."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dashboard.engineer import flow_words
from dashboard.engineer.flow_picture import Axis, Branch, Line, Stop, Words, lines, way
from store.batch import COUNT_NAMES, Counts
from store.flow import FIGURES, HOUR, LAGS, MINUTE, Flow

NOW = datetime(2026, 11, 29, 14, 23, 45, tzinfo=UTC)
#: An account that adds up.
GOOD = Counts(10, 7, 1, 2, 20, 9, 4, 3, 2, 1, 1)


def flow(counts: list[Counts], until: datetime = datetime(2026, 11, 29, 14, 24, tzinfo=UTC)) -> Flow:
    """A minute for each count, of one family."""
    numbers = np.array([[[getattr(one, name) for name in COUNT_NAMES]] for one in counts], np.int64)
    steps = len(counts)
    figures = {name: np.full(steps, np.nan) for name in FIGURES}
    lags = np.zeros((steps, 1, LAGS), np.int64)
    return Flow(until - steps * MINUTE, until, MINUTE, ("air-monitor",), numbers, lags, figures, {})


@pytest.mark.parametrize(
    ("span", "to", "since", "until", "now"),
    [
        ("1h", None, "13:24", "14:24", True),
        ("1h", "12:00", "11:00", "12:00", False),
        ("1h", "23:00", "13:24", "14:24", True),  # the future is not shown
        ("6h", None, "08:24", "14:24", True),
    ],
)
def test_the_time_that_is_shown(span: str, to: str | None, since: str, until: str, now: bool) -> None:
    end = None if to is None else datetime.fromisoformat(f"2026-11-29T{to}+00:00")
    found = flow_words.window(span, end, NOW)
    assert (f"{found.since:%H:%M}", f"{found.until:%H:%M}", found.now, found.step) == (since, until, now, MINUTE)


def test_weeks_are_told_by_whole_hours() -> None:
    found = flow_words.window("7d", datetime(2026, 11, 20, 10, 30, tzinfo=UTC), NOW)
    assert (found.until, found.step, found.unit) == (datetime(2026, 11, 20, 11, tzinfo=UTC), HOUR, "hour")
    assert found.until - found.since == timedelta(days=7)
    assert flow_words.window("30d", None, NOW).until == datetime(2026, 11, 29, 15, tzinfo=UTC)


def test_earlier_and_later() -> None:
    shown = flow_words.window("1h", None, NOW)
    assert flow_words.earlier_and_later(shown, NOW) == (shown.since, None)
    old = flow_words.window("1h", NOW - timedelta(days=29, hours=23), NOW)
    assert flow_words.earlier_and_later(old, NOW) == (old.since, old.until + HOUR)
    older = flow_words.window("1h", NOW - timedelta(days=30), NOW)
    assert flow_words.earlier_and_later(older, NOW)[0] is None


def test_addresses_keep_the_time_and_the_family() -> None:
    shown = flow_words.window("1h", datetime(2026, 11, 20, 10, 30, tzinfo=UTC), NOW)
    assert flow_words.address("/engineer", shown, "car-park") == (
        "/engineer?span=1h&to=2026-11-20T10%3A30&family=car-park"
    )
    assert flow_words.address("/engineer", shown, None, span="7d", to=None) == "/engineer?span=7d"


@pytest.mark.parametrize("word", COUNT_NAMES)
def test_one_message_or_reading_too_many_does_not_add_up(word: str) -> None:
    wrong = Counts(**{name: getattr(GOOD, name) + (name == word) for name in COUNT_NAMES})
    found = flow([GOOD, wrong, GOOD])
    assert flow_words.wrong_steps(found) == 1
    assert flow_words.wrong_steps(flow([GOOD, GOOD])) == 0
    assert [row.adds_up for row in flow_words.rows(found, None, 60)] == [True, False, True]
    assert flow_words.account_texts(found)["air-monitor.adds"] == "no"
    assert flow_words.account_texts(flow([GOOD]))["all.adds"] == "yes"


def test_rows_are_the_newest_with_anything_in_them() -> None:
    found = flow([GOOD, Counts(), GOOD, GOOD])
    assert [f"{row.at:%H:%M}" for row in flow_words.rows(found, "air-monitor", 2)] == ["14:23", "14:22"]
    assert len(flow_words.rows(found, None, 60)) == 3
    assert flow_words.rows(found, "car-park", 60) == []


def test_rates_are_of_the_last_whole_minute_and_the_running_one() -> None:
    found = flow([GOOD, Counts(messages_received=60, readings_stored=30), Counts(messages_received=45)])
    texts = flow_words.now_texts(found, [], NOW)  # 45 s of the running minute: 105 s together
    assert (texts["now.all.rate"], texts["now.air-monitor.readings"]) == ("1.0", "0.3")
    assert texts["now.all.p50"] == texts["now.queued"] == texts["now.batch"] == flow_words.NOT_KNOWN


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (math.nan, flow_words.NOT_KNOWN), (0.0, "0 ms"), (0.0042, "4.2 ms"), (0.012, "12 ms"), (0.9996, "1.0 s"),
        (3.41, "3.4 s"), (99.6, "2 min"), (3000, "50 min"), (18_000, "5.0 h"), (300_000, "3.5 days"),
    ],
)  # fmt: skip
def test_times_as_they_are_said(seconds: float, words: str) -> None:
    assert flow_words.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0.0"), (0.0123, "0.012"), (0.53, "0.5"), (9.96, "10"), (1234, "1,234")]
)
def test_rates_as_they_are_said(value: float, words: str) -> None:
    assert flow_words.rate(value) == words


# -- the picture -----------------------------------------------------------------------------------------------------


def test_each_count_stands_on_its_arrow_in_both_drawings() -> None:
    stops = [
        Stop("Here"),
        Stop("There", comes=(("messages", "all.a"),), branches=(Branch("lost", "all.b", "/lost?x=1&y=2"),)),
    ]
    drawn = way(stops, Words({"all.a": "1,200", "all.b": "0"}, {"all.a": 1200, "all.b": 0}, True), "<the way>")
    assert drawn.count('data-live="all.a">1,200<') == drawn.count('data-live="all.b">0<') == 2
    assert drawn.count('href="/lost?x=1&amp;y=2"') == 2
    assert drawn.count("goes none") == 2  # nothing was lost
    assert 'aria-label="&lt;the way&gt;"' in drawn
    still = way(stops, Words({}, {}, False), "the way")
    assert "data-live" not in still


def test_a_gap_breaks_the_line() -> None:
    axis = Axis([(0.0, "0"), (10.0, "10")])
    drawn = lines([Line("a", np.array([0, 5, np.nan, 10, np.nan]))], axis, [(0, "0"), (1, "1")], "a line")
    assert 'd="M0.5 100.0L1.5 50.0M3 0H4"' in drawn
    assert 'd=""' in lines([Line("a", np.full(3, np.nan))], axis, [(0, "0"), (1, "1")], "none")


def test_decades_are_as_far_apart() -> None:
    height = Axis([(0.001, "1 ms"), (1.0, "1 s")], logarithmic=True).height()
    assert height(np.array([0.0, 0.001, 0.01, 0.1, 1.0, 50.0])).tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1, 1])
