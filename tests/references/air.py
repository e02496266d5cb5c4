"""The air quality index once more, from the rules alone: plain Python, exact fractions, one hour at a time.

Written from the tables of the published index and the rules in docs/reference/air-index.md, and from nothing of
`analytics.air`. Missing values are None; hours are places in lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

Mean = Fraction | None
#: When [us since the Unix epoch], and what.
Reading = tuple[int, Fraction]

HOUR = 3_600_000_000
QUARTER = HOUR // 4
TABLE = {
    "o3": "33 66 100 120 140 160 187 213 240",
    "no2": "67 134 200 267 334 400 467 534 600",
    "so2": "88 177 266 354 443 532 710 887 1064",
    "pm2_5": "11 23 35 41 47 53 58 64 70",
    "pm10": "16 33 50 58 66 75 83 91 100",
}
ORDER = ("pm2_5", "pm10", "no2", "o3", "so2")


class Hour(NamedTuple):
    """An hour's index by pollutant (those that have one), of all together, and which it rests on."""

    by_pollutant: dict[str, int]
    overall: int
    worst: str


def means(readings: Sequence[Reading], start: int, count: int, expected: Fraction, length: int = HOUR) -> list[Mean]:
    """Means of ``count`` spans of ``length`` from ``start`` on; ``expected``: readings of a span."""
    found: list[Mean] = []
    for place in range(count):
        begin = start + place * length
        values = [value for time, value in readings if begin <= time < begin + length]
        enough = expected >= Fraction(99, 100) and len(values) >= Fraction(75, 100) * expected
        found.append(sum(values, Fraction()) / len(values) if enough else None)
    return found


def running(hours: Sequence[Mean], window: int, needed: int) -> list[Mean]:
    """Means of the hour and those before it, ``window`` together."""
    # the same fractions over one denominator: sums of whole numbers are exact, and soon done
    scale = math.lcm(*(hour.denominator for hour in hours if hour is not None))
    whole = [None if hour is None else hour.numerator * (scale // hour.denominator) for hour in hours]
    found: list[Mean] = []
    for last in range(len(hours)):
        there = [hour for hour in whole[max(0, last - window + 1) : last + 1] if hour is not None]
        found.append(Fraction(sum(there), scale * len(there)) if len(there) >= needed else None)
    return found


def half_up(number: int, parts: int) -> int:
    """``number / parts`` rounded to a whole, a half upward."""
    return (2 * number + parts) // (2 * parts)


def index(pollutant: str, mean: Mean) -> int:
    """1 to 10, 0 where there is no mean."""
    if mean is None:
        return 0
    millionths = half_up(mean.numerator * 1_000_000, mean.denominator)
    whole = half_up(millionths, 1_000_000)
    for number, bound in enumerate(TABLE[pollutant].split(), 1):
        if whole <= int(bound):
            return number
    return 10


def highest_quarter(quarters: Sequence[Mean]) -> list[Mean]:
    """The highest of each four quarter hours of which three are there."""
    found: list[Mean] = []
    for place in range(0, len(quarters), 4):
        there = [quarter for quarter in quarters[place : place + 4] if quarter is not None]
        found.append(max(there) if len(there) >= 3 else None)
    return found


def rests_on(pollutant: str, hours: Sequence[Mean]) -> list[Mean]:
    """What the index of a pollutant is read from, hour by hour; of SO2 its quarter hours are given."""
    if pollutant == "so2":
        return highest_quarter(hours)
    if pollutant == "o3":
        return running(hours, 8, 6)
    return list(hours) if pollutant == "no2" else running(hours, 24, 18)


def hourly(pollutants: Mapping[str, Sequence[Mean]]) -> list[Hour]:
    """The index of each hour, of hourly means by pollutant, of SO2 quarter hours."""
    means_by_pollutant = {name: rests_on(name, hours) for name, hours in pollutants.items()}
    return [
        together({name: index(name, hours[place]) for name, hours in means_by_pollutant.items()})
        for place in range(min(map(len, means_by_pollutant.values())))
    ]


def together(numbers: Mapping[str, int]) -> Hour:
    """The worst of them, the first in the order of pollutants where several are as bad."""
    there = {name: numbers[name] for name in ORDER if numbers.get(name)}
    highest = max(there.values(), default=0)
    return Hour(there, highest, next((name for name in there if there[name] == highest), ""))


def daily(pollutants: Mapping[str, Sequence[Mean]], start: int, zone: ZoneInfo) -> dict[date, Hour]:
    """The index of each local day that all hours are given of; ``start``: when the first hour begins."""
    hours: dict[date, list[int]] = {}
    length = min(len(values) // (4 if name == "so2" else 1) for name, values in pollutants.items())
    for place in range(length):
        hours.setdefault(_day(start + place * HOUR, zone), []).append(place)
    whole = [
        day
        for day, places in hours.items()
        if _day(start + (places[0] - 1) * HOUR, zone) != day and _day(start + (places[-1] + 1) * HOUR, zone) != day
    ]
    of_pollutants = {
        name: values if name.startswith("pm") else rests_on(name, values) for name, values in pollutants.items()
    }
    found = {}
    for day in whole:
        numbers = {}
        for name, of_hours in of_pollutants.items():
            there = [value for place in hours[day] if (value := of_hours[place]) is not None]
            if len(there) >= Fraction(75, 100) * len(hours[day]):
                mean = sum(there, Fraction()) / len(there) if name.startswith("pm") else max(there)
                numbers[name] = index(name, mean)
        found[day] = together(numbers)
    return found


def _day(at: int, zone: ZoneInfo) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone).date()
