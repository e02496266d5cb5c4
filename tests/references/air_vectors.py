"""Test vectors of the air quality index, made by the slow reference: docs/reference/air-index.json.

Example: python -m tests.references.air_vectors

They are for whoever computes the index: inputs and means are decimal text, means rounded half up to 6 decimals, missing
values null. docs/reference/air-index.md says how to use them and has the file's hash. All inputs are made here.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.references import air
from tests.references.air import HOUR, QUARTER, Mean, Reading

FILE = Path(__file__).parents[2] / "docs/reference/air-index.json"
SEED = 2026
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Case = dict[str, Any]


def document() -> dict[str, list[Case]]:
    """All cases by what they test."""
    return {"index": _index(), "means": _means(), "hours": _hours(), "days": _days()}


def text() -> str:
    """The file: one case a line, so that a change shows where it is."""
    parts = [
        f'"{part}": [\n' + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]"
        for part, cases in document().items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _index() -> list[Case]:
    """Each bound from both sides, at both roundings, and what lies below zero."""
    beside = ("0", "0.4", "0.49", "0.4999994", "0.49999949", "0.4999995", "0.49999951", "0.5", "0.51", "1")
    cases = []
    for pollutant in air.ORDER:
        means = [Fraction(-3), Fraction(-1, 2), Fraction(0)]
        for bound in air.TABLE[pollutant].split():
            means += [int(bound) + Fraction(part) for part in beside]
        means.append(Fraction(5000))
        cases += [
            {"pollutant": pollutant, "mean": _decimal(mean, 8), "index": air.index(pollutant, mean)} for mean in means
        ]
    return cases


def _means() -> list[Case]:
    """Readings to means: capture edges of an hour and of its quarters, labels, what does not divide an hour."""
    chance = random.Random(SEED)
    start = _us("2026-06-01T06:00:00Z")
    cases = []
    for name, step, kept in (
        ("45 of 60 minutes", 60, range(45)),
        ("44 of 60 minutes", 60, range(44)),
        ("60 minutes with gaps: quarters of 12, 11, 15 and 9", 60, [*range(12), *range(15, 26), *range(30, 54)]),
        ("9 of 12 five minutes", 300, range(9)),
        ("8 of 12 five minutes", 300, range(8)),
        ("7 of 8.57 seven minutes", 420, range(7)),
        ("6 of 8.57 seven minutes", 420, range(6)),
        ("three of four quarter hours", 900, range(3)),
        ("two of four quarter hours", 900, range(2)),
        ("an hourly source has no quarter hours", 3600, range(1)),
        ("a source of two hours has no hours", 7200, range(1)),
        ("nothing", 60, range(0)),
    ):
        readings = [(start + place * step * 1_000_000, Fraction(chance.randrange(0, 900), 10)) for place in kept]
        cases.append(_case_of_means(name, step, "begin", start, 1, readings))
    edge = [(start + at, Fraction(value)) for at, value in ((-1, 1), (0, 2), (HOUR - 1, 4), (HOUR, 8), (2 * HOUR, 16))]
    cases.append(_case_of_means("an hour holds its beginning and not its end", 3600, "begin", start, 2, edge))
    ends = [(start + place * HOUR, Fraction(value)) for place, value in ((1, 10), (2, 20))]
    cases.append(_case_of_means("hours that are labelled by their end", 3600, "end", start, 2, ends))
    return cases


def _case_of_means(name: str, step: int, label: str, start: int, hours: int, readings: Sequence[Reading]) -> Case:
    begun = [(time - HOUR, value) for time, value in readings] if label == "end" else readings
    expected = Fraction(3600, step)
    return {
        "name": name, "interval": f"PT{step}S", "hour_label": label, "start": _time(start), "hours": hours,
        "readings": [[_time(time), _decimal(value)] for time, value in readings],
        "hourly": [_decimal(mean) for mean in air.means(begun, start, hours, expected)],
        "quarter_hourly": [
            _decimal(mean) for mean in air.means(begun, start, 4 * hours, expected / 4, QUARTER)
        ],
    }  # fmt: skip


def _hours() -> list[Case]:
    """Hourly means to running means and the index of each hour."""
    made: list[tuple[str, dict[str, list[Mean]]]] = [
        ("a running mean needs 6 of 8 hours", {"o3": [*_same(6), *_none(2), *_same(4), *_none(3), *_same(8)]}),
        ("and 18 of 24", {"pm2_5": [*_same(18), *_none(6), *_same(18), *_none(7), *_same(24)]}),
        ("a mean of exactly 50.5", {"o3": _list(
            "22.0 119.0 59.4 19.7 68.8 22.8 22.9 110.5 6.8 49.5 30.8 20.0 172.0 26.4 86.3 12.2")}),
        ("a mean of exactly 100.5 goes up", {"o3": _list("100.1 100.9 100.4 100.6 100.5 100.5 100.3 100.7")}),
        ("100.4999995 goes up, by 6 decimals", {"o3": _list("100.1 100.9 100.4 100.6 100.5 100.5 100.3 100.699996")}),
        ("100.499999 does not", {"o3": _list("100.1 100.9 100.4 100.6 100.5 100.5 100.3 100.699992")}),
        ("hours without a value do not count", {"pm10": [*_list("16.4"), *_none(1), *_list("16.6") * 22]}),
        ("an hour of SO2 is its highest quarter, of which three are needed", {"so2": [
            *_list("1 9 2 3"), *_list("88.4"), *_none(1), *_list("88.6 1"), *_list("88.6"), *_none(2), *_list("1"),
            *_list("266.5 1064 1065 1064.5")]}),
        ("of two that are as bad the first in order counts", {"no2": _list("300 10"), "o3": _list("5 5"),
                                                              "so2": _list("400") * 4 + _list("10") * 4}),
        ("values below zero", {"no2": _list("-3.2 -0.5 0"), "pm2_5": _list("-1") * 3}),
        ("two weeks of all pollutants, with gaps", _random(336)),
    ]  # fmt: skip
    cases = []
    for name, pollutants in made:
        rests = {pollutant: air.rests_on(pollutant, hours) for pollutant, hours in pollutants.items()}
        hourly = air.hourly(pollutants)
        cases.append({
            "name": name,
            "means": _texts(pollutants),
            "rests_on_means": _texts(rests),
            "index": {name: [hour.by_pollutant.get(name, 0) for hour in hourly] for name in pollutants},
            "overall": [hour.overall for hour in hourly],
            "worst": [hour.worst or None for hour in hourly],
        })  # fmt: skip
    return cases


def _days() -> list[Case]:
    """Hourly means to local days, of 23, 24 and 25 hours; seven hours of the evening before lead."""
    cases = []
    for name, zone, start, hours in (
        ("clocks go forward", "Europe/London", "2026-03-27T17:00:00Z", 7 + 24 + 23 + 24),
        ("clocks go back", "Europe/London", "2026-10-23T16:00:00Z", 7 + 24 + 25 + 24),
        ("a zone whose midnight is no full hour", "Asia/Kolkata", "2026-06-01T12:00:00Z", 7 + 72),
    ):
        pollutants = _random(hours, name)
        cases.append(_case_of_days(name, zone, _us(start), pollutants))
    for name, zone, start, length, needed in (
        ("18 of 23 hours", "Europe/London", "2026-03-29T00:00:00Z", 23, 18),
        ("18 of 24 hours", "Europe/London", "2026-01-10T00:00:00Z", 24, 18),
        ("19 of 25 hours", "Europe/London", "2026-10-24T23:00:00Z", 25, 19),
    ):
        for there in (needed, needed - 1):
            pollutants = {"pm2_5": [*_same(there, "35.4"), *_none(length - there)],
                          "no2": [*_none(length - there), *_same(there, "134.5")]}  # fmt: skip
            full = name if there == needed else f"one fewer than {name}"
            cases.append(_case_of_days(full, zone, _us(start), pollutants))
    return cases


def _case_of_days(name: str, zone: str, start: int, pollutants: Mapping[str, Sequence[Mean]]) -> Case:
    days = air.daily(pollutants, start, ZoneInfo(zone))
    return {
        "name": name, "zone": zone, "start": _time(start), "means": _texts(pollutants),
        "days": [
            {"day": day.isoformat(), "index": {name: hour.by_pollutant.get(name, 0) for name in pollutants},
             "overall": hour.overall, "worst": hour.worst or None}
            for day, hour in days.items()
        ],
    }  # fmt: skip


def _random(hours: int, salt: str = "") -> dict[str, list[Mean]]:
    """Hours of all pollutants that wander over all bands, one decimal each; SO2 by quarter hours."""
    chance = random.Random(f"{SEED}{salt}")
    found: dict[str, list[Mean]] = {}
    for pollutant, middle in (("pm2_5", 30), ("pm10", 50), ("no2", 200), ("o3", 90), ("so2", 200)):
        level = float(middle)
        values: list[Mean] = []
        for _ in range(hours * (4 if pollutant == "so2" else 1)):
            level = max(1.0, level * chance.uniform(0.75, 1.3) + 0.05 * (middle - level))
            values.append(None if chance.random() < 0.12 else Fraction(round(level * 10), 10))
        found[pollutant] = values
    return found


def _list(numbers: str) -> list[Mean]:
    return [Fraction(number) for number in numbers.split()]


def _same(hours: int, value: str = "40") -> list[Mean]:
    return [Fraction(value)] * hours


def _none(hours: int) -> list[Mean]:
    return [None] * hours


def _texts(pollutants: Mapping[str, Sequence[Mean]]) -> dict[str, list[str | None]]:
    return {name: [_decimal(mean) for mean in means] for name, means in pollutants.items()}


def _decimal(value: Mean, places: int = 6) -> str | None:
    """Decimal text, rounded half up, without zeros at its end."""
    if value is None:
        return None
    whole = math.floor(value * 10**places + Fraction(1, 2))
    digits = f"{abs(whole):0{places + 1}d}"
    number = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return f"-{number}" if whole < 0 else number


def _us(instant: str) -> int:
    return (datetime.fromisoformat(instant) - _EPOCH) // timedelta(microseconds=1)


def _time(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
