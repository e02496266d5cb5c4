"""Comparing models with recordings: the statistics at known limits, and what is printed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from borough.scoring.fleet_check import show_check
from simulators.calibrate import DATASETS, CheckReport, Comparison, check
from simulators.recordings import Recorded, RecordingError
from simulators.summary import summarise, summarise_ages

HOURS = np.arange(168 * 4) % 168


def test_a_constant_has_no_autocorrelation_and_every_quantile() -> None:
    found = summarise(np.full((1, len(HOURS)), 3.0), 1.0, HOURS)
    assert (found.series, found.values, found.mean, found.deviation) == (1, 672, 3.0, 0.0)
    assert set(found.quantiles.values()) == {3.0}
    assert all(math.isnan(value) for value in found.autocorrelation.values())
    assert found.of_means is None
    assert found.by_hour == [3.0] * 24


def test_a_daily_sine_comes_back_after_a_day_and_is_turned_after_half() -> None:
    wave = np.sin(2 * np.pi * np.arange(len(HOURS)) / 24)
    found = summarise(np.stack((wave, 5 + wave)), 1.0, HOURS)
    assert found.autocorrelation[24.0] == pytest.approx(1.0)
    assert found.autocorrelation[12.0] == pytest.approx(-1.0)
    assert found.autocorrelation[6.0] == pytest.approx(0.0, abs=0.02)
    assert found.by_hour == pytest.approx((2.5 + wave[:24]).tolist())
    assert found.of_means == pytest.approx((0.5, 2.5, 4.5))
    assert 0.25 not in found.autocorrelation, "a lag below the step is not known"


def test_gaps_are_left_out_and_never_bridged() -> None:
    wave = np.arange(len(HOURS), dtype=float)
    wave[100:130] = np.nan
    found = summarise(wave[None], 1.0, HOURS)
    assert found.values == len(HOURS) - 30
    assert found.autocorrelation[1.0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no values"):
        summarise(np.full((2, 5), np.nan), 1.0, np.arange(5))
    with pytest.raises(ValueError, match="no values"):
        summarise_ages(np.empty(0))


def test_the_autocorrelation_is_that_of_a_reference() -> None:
    values = np.random.default_rng(1).standard_normal(500).cumsum()
    found = summarise(values[None], 0.5, np.zeros(500, np.int64))
    for lag in (0.5, 1.0, 6.0, 24.0):
        steps = round(lag / 0.5)
        assert found.autocorrelation[lag] == pytest.approx(np.corrcoef(values[:-steps], values[steps:])[0, 1])


def test_a_report_is_printed_side_by_side_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    wave = np.sin(2 * np.pi * np.arange(len(HOURS)) / 24) + 2
    sides = [summarise(values[None], 1.0, HOURS) for values in (wave, 2 * wave)]
    report = CheckReport("made-up", "A wave", "twice the wave", [Comparison("height", "m", *sides)], ["It is a wave."])
    show_check(report, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["A wave", "simulated: twice the wave", "note: It is a wave."]
    assert "height [m]\tmean\t2\t4" in lines
    assert "height [m]\tautocorrelation, 24 h\t1\t1" in lines
    assert "height [m]\tcorrelation of the hours of the week\t\t1" in lines
    assert "height\t06\t3\t6\t3\t6" in lines
    show_check(report, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["comparisons"][0]["recorded"]["quantiles"]["0.5"] == pytest.approx(2)
    assert found["comparisons"][0]["simulated"]["autocorrelation"]["12"] == pytest.approx(-1)


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in DATASETS:
        with pytest.raises(RecordingError, match=r"No such file|no daily files"):
            check(name, tmp_path)


def test_a_recording_with_a_word_for_a_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "energy").mkdir()
    path = tmp_path / "energy" / "lcl_MAC000060_halfhourly.csv"
    path.write_text(",KWH/hh (per half hour) \n2011-12-10 00:00:00,much\n2011-12-10 00:30:00,0.1\n")
    with pytest.raises(
        RecordingError, match=r"lcl_MAC000060_halfhourly.csv: could not convert string to float: 'much'"
    ):
        check("lcl-london", tmp_path)


def test_times_of_a_recording_may_come_in_any_order_and_with_gaps(tmp_path: Path) -> None:
    from simulators.recordings import london_home

    (tmp_path / "energy").mkdir()
    path = tmp_path / "energy" / "lcl_MAC000060_halfhourly.csv"
    path.write_text(",KWH/hh\n2012-07-02 01:30:00,0.4\n2012-07-02 00:00:00,0.1\n2012-07-02 00:30:00,0.2\n")
    found = london_home(tmp_path)
    assert isinstance(found, Recorded)
    assert found.values[0, [0, 1, 3]].tolist() == [0.1, 0.2, 0.4]
    assert math.isnan(found.values[0, 2])
    # 2 July 2012 was a Monday; midnight GMT is one o'clock in London
    assert found.hour_of_week.tolist() == [1, 1, 2, 2]
