"""What ``borough simulate --check`` prints: a recording and its model side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from borough.output import say, show_json, show_table
from simulators.calibrate import CheckReport, Comparison
from simulators.summary import Summary

_COLUMNS = ("quantity", "statistic", "recorded", "simulated")
_HOURS = ("quantity", "hour", "working day, recorded", "simulated", "weekend, recorded", "simulated")


def show_check(report: CheckReport, *, as_json: bool) -> None:
    """Print a comparison: two tables, or JSON."""
    if as_json:
        show_json(_plain(asdict(report)))
        return
    say(report.title)
    say(f"simulated: {report.simulated}")
    for remark in report.remarks:
        say(f"note: {remark}")
    show_table(_COLUMNS, [row for comparison in report.comparisons for row in _statistics(comparison)])
    hours = [row for comparison in report.comparisons for row in _hours(comparison)]
    if hours:
        say("mean by local hour")
        show_table(_HOURS, hours)


def _statistics(comparison: Comparison) -> Iterator[Sequence[str]]:
    name = f"{comparison.name} [{comparison.unit}]"
    pair = (comparison.recorded, comparison.simulated)
    yield name, "series", *(str(side.series) for side in pair)
    yield name, "values", *(str(side.values) for side in pair)
    yield name, "mean", *(_figure(side.mean) for side in pair)
    yield name, "standard deviation", *(_figure(side.deviation) for side in pair)
    for part in comparison.recorded.quantiles:
        yield name, f"{part:.0%} quantile", *(_figure(side.quantiles[part]) for side in pair)
    for place, mark in enumerate(("10 %", "50 %", "90 %")):
        if any(side.of_means for side in pair):
            yield name, f"mean of the {mark} series", *(_figure(_of(side, place)) for side in pair)
    for lag in comparison.recorded.autocorrelation:
        yield name, f"autocorrelation, {lag:g} h", *(_figure(side.autocorrelation.get(lag, math.nan)) for side in pair)
    if comparison.recorded.by_hour_of_week:
        yield name, "correlation of the hours of the week", "", _figure(_correlation(comparison))


def _hours(comparison: Comparison) -> Iterator[Sequence[str]]:
    if not comparison.recorded.by_hour_of_week:
        return
    for hour in range(24):
        figures = [
            _figure(_mean([side.by_hour_of_week[day * 24 + hour] for day in days]))
            for days in (range(5), (5, 6))
            for side in (comparison.recorded, comparison.simulated)
        ]
        yield comparison.name, f"{hour:02d}", *figures


def _correlation(comparison: Comparison) -> float:
    pairs = [
        (recorded, simulated)
        for recorded, simulated in zip(
            comparison.recorded.by_hour_of_week, comparison.simulated.by_hour_of_week, strict=True
        )
        if not (math.isnan(recorded) or math.isnan(simulated))
    ]
    middle = _mean([pair[0] for pair in pairs]), _mean([pair[1] for pair in pairs])
    away = [(pair[0] - middle[0], pair[1] - middle[1]) for pair in pairs]
    scale = math.sqrt(sum(one * one for one, _ in away) * sum(two * two for _, two in away))
    return sum(one * two for one, two in away) / scale if scale else math.nan


def _of(side: Summary, place: int) -> float:
    return side.of_means[place] if side.of_means else math.nan


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


def _plain(value: Any) -> Any:
    """JSON knows no NaN, and its keys are texts."""
    if isinstance(value, dict):
        return {f"{key:g}" if isinstance(key, float) else key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
