"""The figures of a session's minutes: what a batch adds, when a minute ends, and who began it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ingest import flow
from ingest.flow import Flow, lag_counts
from ingest.series_cache import FAMILY_NAMES, FAMILY_NUMBER
from store.batch import Batch
from store.flow import LAG_BOUNDS, LAGS, Figures, Lag, Minute
from tests.tools.batches import make

MINUTE, HOUR = 60_000_000, 3_600_000_000
#: 2026-02-01T00:59:30Z [s].
AT = 1_769_907_570.0


class Clock:
    """Seconds since the Unix epoch, as the test says."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now


def batch(*lags: float, family: str = "parking-bay") -> Batch:
    """Readings of a family that are so old at AT [s]."""
    found = make([(1, round((AT - lag) * 1e6), 1.0) for lag in lags])
    families = np.full(len(found.time), FAMILY_NUMBER[family], np.uint8)
    return replace(found, families=FAMILY_NAMES, family=families)


def lags_of(lags: list[Lag]) -> dict[tuple[int, str], int]:
    return {(lag.at, lag.family): int(lag.counts.sum()) for lag in lags}


def test_batches_add_up_by_minute_and_lags_by_hour_too() -> None:
    clock = Clock()
    minutes = Flow(clock)
    minutes.committed(10, 0.5, 0.2, batch(1, 2))
    minutes.committed(5, 1.5, 0.3, batch(3, family="air-monitor"))
    clock.now += 60
    minutes.committed(1, 0.1, 0.1, batch(1))
    minutes.committed(2, 0.1, 0.1, None)
    found = minutes.figures()
    first, second = int(AT * 1e6) // MINUTE * MINUTE, int(AT * 1e6) // MINUTE * MINUTE + MINUTE
    assert [(one.minute, one.batches, one.messages) for one in found.minutes] == [(first, 2, 15), (second, 2, 3)]
    assert found.minutes[0].write_seconds == pytest.approx(2.0)
    assert (found.minutes[0].write_longest, found.minutes[0].database_seconds) == (1.5, 0.5)
    assert lags_of(found.lags) == {(first, "parking-bay"): 2, (first, "air-monitor"): 1, (second, "parking-bay"): 1}
    hour = first // HOUR * HOUR
    assert lags_of(found.hours) == {
        (hour, "parking-bay"): 2, (hour, "air-monitor"): 1, (hour + HOUR, "parking-bay"): 1
    }  # fmt: skip
    # what is over and written is let go of, what is running stays
    minutes.written(found)
    again = minutes.figures()
    assert [one.minute for one in again.minutes] == [second]
    assert lags_of(again.lags) == {(second, "parking-bay"): 1}
    assert lags_of(again.hours) == {(hour + HOUR, "parking-bay"): 1}


def test_what_is_written_does_not_change_with_what_comes_after() -> None:
    minutes = Flow(Clock())
    minutes.committed(1, 0.1, 0.1, batch(1))
    found = minutes.figures()
    minutes.committed(1, 0.1, 0.1, batch(1))
    assert found.minutes[0].messages == 1
    assert found.lags[0].counts.sum() == 1
    assert minutes.figures().lags[0].counts.sum() == 2


def test_a_clock_that_is_set_back_begins_no_old_minute_again() -> None:
    clock = Clock()
    minutes = Flow(clock)
    clock.now += 60
    minutes.committed(1, 0, 0, None)
    minutes.written(minutes.figures())
    clock.now -= 60
    minutes.committed(1, 0, 0, None)
    (left,) = minutes.figures().minutes
    assert left.messages == 2


def test_the_last_collectors_minute_goes_on() -> None:
    minutes = Flow(Clock())
    begun = int(AT * 1e6) // MINUTE * MINUTE
    assert [minutes.unknown] == [begun]
    minutes.committed(10, 0.5, 0.25, batch(1))
    hour = begun // HOUR * HOUR
    counts = np.zeros(LAGS, np.int64)
    counts[3] = 7
    before = Minute(begun, 2, 20, 1.0, 0.75, 0.5, 99, 10, 4, 3, 55.0)
    minutes.add(Figures([before], [Lag(begun, "parking-bay", counts)], [Lag(hour, "air-monitor", counts)]))
    found = minutes.figures()
    (one,) = found.minutes
    assert (one.batches, one.messages, one.write_seconds, one.write_longest) == (3, 30, 1.5, 0.75)
    assert (one.database_seconds, one.in_flight_most, one.held_bytes_most, one.up) == (0.75, 99, 10, 55.0)
    assert [one.broker_queued, one.broker_dropped, minutes.unknown] == [4, 3, None]
    assert lags_of(found.lags) == {(one.minute, "parking-bay"): 8}
    assert lags_of(found.hours) == {(hour, "parking-bay"): 1, (hour, "air-monitor"): 7}


def test_the_most_that_was_held_is_kept() -> None:
    minutes = Flow(Clock())
    for messages, size in ((3, 300), (9, 200), (0, 0)):
        minutes.holds(messages, size)
    (one,) = minutes.figures().minutes
    assert (one.in_flight_most, one.held_bytes_most) == (9, 300)


def test_what_the_broker_threw_away_is_counted_from_the_first_look_on() -> None:
    minutes = Flow(Clock())
    minutes.look(subscribed=True)
    (one,) = minutes.figures().minutes
    assert (one.broker_queued, one.broker_dropped) == (None, None)
    for queued, dropped, sums in ((5, 37, 0), (None, 40, 3), (2, 40, 3), (1, 2, 5)):  # at last it began anew
        minutes.look(subscribed=True, queued=queued, dropped=dropped)
        assert minutes.figures().minutes[0].broker_dropped == sums
    assert minutes.figures().minutes[0].broker_queued == 1


def test_time_without_the_broker_is_not_up(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = Flow(Clock())
    at = [100.0]
    monkeypatch.setattr("ingest.flow.time.monotonic", lambda: at[0])
    for seconds, subscribed in ((0, True), (1, True), (1, False), (1, True), (2, True)):
        at[0] += seconds
        minutes.look(subscribed)
    assert minutes.figures().minutes[0].up == 3.0
    at[0] += 500
    minutes.look(subscribed=True)
    assert minutes.figures().minutes[0].up == 60.0


def test_a_day_without_a_database_is_bounded() -> None:
    clock = Clock()
    minutes = Flow(clock)
    for _ in range(flow._WAITING + 10):
        clock.now += 60
        minutes.committed(1, 0, 0, None)
    found = minutes.figures().minutes
    assert len(found) == flow._WAITING
    assert found[-1].minute == int(clock.now * 1e6) // MINUTE * MINUTE
    # a minute passes while a day is written: its first minute is forgotten meanwhile
    written = minutes.figures()
    clock.now += 60
    minutes.committed(1, 0, 0, None)
    minutes.written(written)
    assert len(minutes.figures().minutes) == 2


def test_lags_at_the_bounds() -> None:
    """Up to a bound, and not above it; what is ahead of the clock is no lag, what is older than all bounds the last."""
    at = [-5.0, 0.0, 0.0005, LAG_BOUNDS[3], LAG_BOUNDS[3] + 0.0005, float(LAG_BOUNDS[-1]) * 3]
    counts = lag_counts(batch(*at), AT)[FAMILY_NUMBER["parking-bay"]]
    assert np.flatnonzero(counts).tolist() == [0, 3, 4, LAGS - 1]
    assert counts[0] == 3
    assert counts.sum() == len(at)


def test_bounds_are_as_they_are_described() -> None:
    assert len(LAG_BOUNDS) == LAGS - 1 == 63
    assert LAG_BOUNDS[0] == 0.001
    assert LAG_BOUNDS[-1] / 86_400 == pytest.approx(24.855, abs=0.01)
    assert np.allclose(LAG_BOUNDS[1:] / LAG_BOUNDS[:-1], np.sqrt(2))
