"""The record of air, slowly: one reading after another, in exact fractions, from the rules and nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

#: Upper bounds of the index 1 to 9, from docs/decisions/012-air-alerts-movement.md's source.
BOUNDS = {
    "pm2_5": [11, 23, 35, 41, 47, 53, 58, 64, 70],
    "pm10": [16, 33, 50, 58, 66, 75, 83, 91, 100],
    "no2": [67, 134, 200, 267, 334, 400, 467, 534, 600],
    "o3": [33, 66, 100, 120, 140, 160, 187, 213, 240],
    "so2": [88, 177, 266, 354, 443, 532, 710, 887, 1064],
}
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Readings = Sequence[tuple[int, float]]


class Series:
    """What one series' readings come to. Hours are numbers since 1970-01-01T00Z, days too."""

    def __init__(self, what: str, readings: Readings, interval: int | None, by_end: bool) -> None:
        self.what = what
        shift = _HOUR if by_end and interval == _HOUR else 0
        self.readings = [(time - shift, Fraction(value)) for time, value in readings]
        self.interval = interval
        self.by_day: dict[int, list[int]] = {}
        for time, _ in self.readings:
            self.by_day.setdefault(time // _DAY, []).append(time)
        self.means: dict[int, Fraction] = {}
        self.counts: dict[int, int] = {}
        self.quarters: dict[int, Fraction] = {}
        for length, out in ((_HOUR, self.means), (_HOUR // 4, self.quarters)):
            spans: dict[int, list[Fraction]] = {}
            for time, value in self.readings:
                spans.setdefault(time // length, []).append(value)
            for span, values in spans.items():
                if length == _HOUR:
                    self.counts[span] = len(values)
                step = self._step(span * length // _DAY)
                # a clock may be slow by a hundredth
                expected = Fraction(length, step) if step else Fraction()
                if expected >= Fraction(99, 100) and len(values) >= Fraction(3, 4) * expected:
                    out[span] = sum(values, Fraction()) / len(values)

    def _steps(self, day: int) -> list[int]:
        times = self.by_day.get(day, [])
        return sorted(later - earlier for earlier, later in pairwise(times))

    def _step(self, day: int) -> int | None:
        if self.interval:
            return self.interval
        before, own = self._steps(day - 1), self._steps(day)
        steps = before if len(before) >= 12 else own
        return steps[(len(steps) - 1) // 2] if steps else None

    def index(self, hour: int) -> int:
        """The index of an hour, 0 for none."""
        if self.what not in BOUNDS or hour // 24 not in self.by_day:
            return 0
        if self.what == "no2":
            return index(self.what, self.means.get(hour))
        if self.what == "so2":
            four = [self.quarters[one] for one in range(4 * hour, 4 * hour + 4) if one in self.quarters]
            return index(self.what, max(four) if len(four) >= 3 else None)
        return index(self.what, self.running(hour, *((8, 6) if self.what == "o3" else (24, 18))))

    def running(self, hour: int, window: int, needed: int) -> Fraction | None:
        """The mean of the hours up to one, it included."""
        some = [self.means[one] for one in range(hour - window + 1, hour + 1) if one in self.means]
        return sum(some, Fraction()) / len(some) if len(some) >= needed else None

    def day(self, hours: Sequence[int]) -> int:
        """The index of a local day that has these hours."""
        enough = Fraction(3, 4) * len(hours)
        if self.what in ("pm2_5", "pm10"):
            some = [self.means[hour] for hour in hours if hour in self.means]
            return index(self.what, sum(some, Fraction()) / len(some)) if some and len(some) >= enough else 0
        if self.what == "o3":
            values = [self.running(hour, 8, 6) for hour in hours]
        elif self.what == "no2":
            values = [self.means.get(hour) for hour in hours]
        elif self.what == "so2":
            four = {
                hour: [self.quarters[one] for one in range(4 * hour, 4 * hour + 4) if one in self.quarters]
                for hour in hours
            }
            values = [max(some) if len(some) >= 3 else None for some in four.values()]
        else:
            return 0
        there = [value for value in values if value is not None]
        return index(self.what, max(there)) if there and len(there) >= enough else 0


def index(what: str, mean: Fraction | None) -> int:
    """Six decimals half up, a whole half up, the first bound that is not passed."""
    if mean is None:
        return 0
    six = (mean * 10**6 + Fraction(1, 2)).__floor__()
    whole = (Fraction(six, 10**6) + Fraction(1, 2)).__floor__()
    return next((number for number, bound in enumerate(BOUNDS[what], 1) if whole <= bound), 10)


def index_days(series: Mapping[tuple[str, str], Series], zone: ZoneInfo) -> dict[tuple[str, date], tuple[int, ...]]:
    """The index by pollutant of the local days of monitors that have a mean of an indexed pollutant."""
    found: dict[tuple[str, date], tuple[int, ...]] = {}
    for device in sorted({name for name, _ in series}):
        own = {what: one for (name, what), one in series.items() if name == device and what in BOUNDS}
        hours = sorted({hour for one in own.values() for hour in one.means})
        for day in sorted({(_EPOCH + timedelta(hours=hour)).astimezone(zone).date() for hour in hours}):
            begin, end = (
                -(-round((datetime(one.year, one.month, one.day, tzinfo=zone) - _EPOCH).total_seconds()) // 3600)
                for one in (day, day + timedelta(days=1))
            )
            inside = range(begin, end)
            found[device, day] = tuple(own[what].day(inside) if what in own else 0 for what in BOUNDS)
    return found
