"""Drift against the network, humidity, and a cheap monitor beside a reference: known answers, seeds, a slow median."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.air.colocation import colocation
from analytics.air.network import drift, humid, others
from store.batch import Float64

DAYS = 60


def network(generator: np.random.Generator, monitors: int = 6, days: int = DAYS) -> Float64:
    """Monitors that see the same air, each with its own offset and noise [ug/m3]."""
    hours = days * 24
    air = 12 + 5 * np.sin(np.arange(hours) * 2 * np.pi / 24) + np.repeat(generator.gamma(2, 3, days), 24)
    noise = generator.normal(0, 1, (monitors, hours)) + generator.normal(0, 0.5, (monitors, 1))
    return np.maximum(air + noise, 0)


def test_a_monitor_that_drifts_is_told_and_no_other() -> None:
    mean = network(np.random.default_rng(1))
    mean[2] += np.linspace(0, 12, mean.shape[1])
    found = drift(mean)
    assert found.drifting.tolist() == [False, False, True, False, False, False]
    assert found.slope[2] == pytest.approx(6, abs=0.3)
    assert found.low[2] < found.slope[2] < found.high[2]
    assert found.days.tolist() == [DAYS] * 6


def test_of_many_steady_networks_few_are_called_drifting() -> None:
    told = sum(int(drift(network(np.random.default_rng(seed), days=30)).drifting.sum()) for seed in range(20))
    assert told == 0


def test_a_storm_and_gaps_are_no_drift() -> None:
    generator = np.random.default_rng(2)
    mean = network(generator)
    mean[:, -48:] += 200  # all see it
    mean[1, 100:124] += 500  # one has a bonfire
    mean[generator.random(mean.shape) < 0.15] = np.nan
    found = drift(mean)
    assert not found.drifting.any()
    assert np.all(np.abs(found.slope) < 0.5)


def test_too_few_others_or_days_say_nothing() -> None:
    three = drift(network(np.random.default_rng(3), monitors=3))
    assert three.days.tolist() == [0, 0, 0]
    assert np.isnan(three.slope).all()
    assert np.isnan(three.offset).all()
    assert not three.drifting.any()
    mean = network(np.random.default_rng(3))
    mean[0, 13 * 24 :] = np.nan
    short = drift(mean)
    assert short.days[0] == 13
    assert np.isnan(short.slope[0])
    assert np.isfinite(short.offset).all()
    nobody = drift(np.empty((0, 48)))
    assert nobody.days.shape == (0,)
    with pytest.raises(ValueError, match="whole days"):
        drift(np.ones((4, 25)))


@given(
    st.integers(1, 7).flatmap(
        lambda monitors: st.lists(
            st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=monitors, max_size=monitors),
            min_size=1, max_size=6,
        )
    )
)  # fmt: skip
def test_the_others_of_each_hour(hours: list[list[int | None]]) -> None:
    mean = np.array([[np.nan if value is None else value for value in hour] for hour in hours], float).T
    found = others(mean)
    for hour, values in enumerate(hours):
        for monitor in range(len(values)):
            rest = [value for place, value in enumerate(values) if place != monitor and value is not None]
            if len(rest) < 3:
                assert np.isnan(found[monitor, hour])
            else:
                assert found[monitor, hour] == statistics.median(rest)


def test_humidity_over_85_makes_particles_doubtful() -> None:
    assert humid(np.array([85.0, 85.1, np.nan, 20.0])).tolist() == [False, True, False, False]


def beside(generator: np.random.Generator, days: int = 40) -> tuple[Float64, Float64]:
    """A reference, and a monitor that reads 1.6 times and 3 more, with errors that last for hours."""
    hours = days * 24
    reference = np.repeat(generator.gamma(3, 4, hours // 6), 6) + generator.normal(0, 0.5, hours)
    error = np.repeat(generator.normal(0, 1.5, hours // 12), 12) + generator.normal(0, 0.5, hours)
    return 3 + 1.6 * reference + error, reference


def test_slope_intercept_and_error_as_least_squares_have_them() -> None:
    monitor, reference = beside(np.random.default_rng(4))
    monitor[5:9], reference[30:33] = np.nan, np.nan
    found = colocation(monitor, reference, np.random.default_rng(1))
    assert found is not None
    both = np.isfinite(monitor) & np.isfinite(reference)
    x, y = reference[both], monitor[both]
    slope, intercept = np.polyfit(x, y, 1)
    assert found.slope.value == pytest.approx(slope, rel=1e-9)
    assert found.intercept.value == pytest.approx(intercept, rel=1e-9)
    assert found.bias.value == pytest.approx((y - x).mean(), rel=1e-9)
    assert found.error.value == pytest.approx(np.sqrt(((y - x) ** 2).mean()), rel=1e-9)
    assert found.corrected.value == pytest.approx(np.sqrt((((y - intercept) / slope - x) ** 2).mean()), rel=1e-9)
    assert found.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)
    assert (found.hours, found.days) == (int(both.sum()), 40)
    for figure in (found.slope, found.intercept, found.bias, found.error, found.corrected):
        assert figure.low < figure.value < figure.high
    assert found == colocation(monitor, reference, np.random.default_rng(1))


def test_nineteen_of_twenty_intervals_hold_the_truth_though_errors_last_for_hours() -> None:
    held = {"slope": 0, "intercept": 0}
    for seed in range(100):
        found = colocation(*beside(np.random.default_rng(seed)), np.random.default_rng(seed))
        assert found is not None
        held["slope"] += found.slope.low <= 1.6 <= found.slope.high
        held["intercept"] += found.intercept.low <= 3 <= found.intercept.high
    assert all(87 <= count <= 99 for count in held.values()), held


def test_large_values_keep_the_digits_of_small_differences() -> None:
    monitor, reference = beside(np.random.default_rng(5))
    plain = colocation(monitor, reference, np.random.default_rng(1))
    moved = colocation(monitor + 1e6, reference + 1e6, np.random.default_rng(1))
    assert plain is not None
    assert moved is not None
    assert moved.slope.value == pytest.approx(plain.slope.value, rel=1e-6)
    assert moved.corrected.value == pytest.approx(plain.corrected.value, rel=1e-5)


def test_an_equal_monitor_has_no_error() -> None:
    _, reference = beside(np.random.default_rng(6))
    found = colocation(reference, reference, np.random.default_rng(1))
    assert found is not None
    assert found.slope.value == pytest.approx(1, abs=1e-12)
    assert found.error.value == pytest.approx(0, abs=1e-9)


def test_what_says_nothing_is_none() -> None:
    monitor, reference = beside(np.random.default_rng(7), days=10)
    generator = np.random.default_rng(1)
    few = monitor.copy()
    few[6 * 24 :] = np.nan
    assert colocation(few, reference, generator) is None
    scattered = np.full_like(monitor, np.nan)
    scattered[::4] = monitor[::4]
    assert colocation(scattered, reference, generator) is None
    assert colocation(monitor, np.full_like(reference, 7.1), generator) is None
    assert colocation(np.full_like(monitor, 7.1), reference, generator) is None
    assert colocation(np.empty(0), np.empty(0), generator) is None
    for one, two in ((monitor[1:], reference[1:]), (monitor, reference[24:])):
        with pytest.raises(ValueError, match="whole days"):
            colocation(one, two, generator)
