"""Daily use once more, from the rules alone: plain Python, whole numbers and fractions, one reading at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

Reading = tuple[int, float]  # us since the Unix epoch, value

HOUR = 3_600_000_000
TWO_HOURS = 2 * HOUR


@dataclass(frozen=True)
class Step:
    start: int
    end: int
    amount: int
    sure: bool = True


@dataclass
class Day:
    """-1: no value."""

    use: int = -1
    minutes: int = 0


@dataclass(frozen=True)
class Link:
    """A meter in a home, local days, ``end`` not included."""

    home: int
    start: date
    end: date | None


@dataclass
class Meter:
    """A meter's readings by property, the length of its intervals [us], and where it hangs."""

    readings: Mapping[str, Sequence[Reading]]
    length: int = HOUR // 2
    links: list[Link] = field(default_factory=list)


def midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def whole(value: float, scale: int = 1000) -> int:
    """Half up, of what the number reads as."""
    return int((Decimal(repr(float(value))) * scale).quantize(Decimal(1), ROUND_HALF_UP))


def carried(limit: int, time: int) -> int:
    return limit * (time // 1000) // 3_600_000


def interval_steps(readings: Sequence[Reading], length: int, limit: int = 25_300) -> list[Step]:
    steps = []
    for place, (start, value) in enumerate(readings):
        end = start + length
        if place + 1 < len(readings):
            end = min(end, readings[place + 1][0])
        amount = whole(value)
        if 0 <= amount <= carried(limit, length):
            steps.append(Step(start, end, amount))
    return steps


@dataclass(frozen=True)
class Register:
    """What a register's readings say: its steps, and when it fell without beginning again at zero."""

    steps: list[Step]
    falls: list[int]


def register(readings: Sequence[Reading], limit: int, slack: int) -> Register:
    points = [(at, whole(value)) for at, value in readings]
    points = [point for place, point in enumerate(points) if not came_with_a_later_one(points, place, limit)]

    def possible(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return 0 <= b[1] - a[1] <= carried(limit, b[0] - a[0]) + slack

    suspects = set()
    for place in range(1, len(points) - 1):
        before, here, after = points[place - 1 : place + 2]
        if possible(before, after) and not (possible(before, here) and possible(here, after)):
            suspects.add(place)
    kept = [place for place in range(len(points)) if place not in suspects or place - 1 in suspects]

    def usual(first: int, second: int, time: int) -> int:
        rise, seconds, largest = 0, Fraction(0), 0
        for one, other in pairwise(kept):
            c, d = points[one], points[other]
            if one >= first - 6 and other <= second + 6 and one != first and possible(c, d):
                rise += d[1] - c[1]
                seconds += Fraction(d[0] - c[0], 1_000_000)
                largest = max(largest, d[1] - c[1])
        an_hour = min(limit, rise * 3_600 // max(1, int(seconds)))
        return (min(largest, slack) if largest else slack) + 3 * an_hour * (time // 1_000_000) // 3_600

    found = Register([], [])
    for first, second in pairwise(kept):
        a, b = points[first], points[second]
        if possible(a, b):
            returns = b[1] - a[1] > usual(first, second, b[0] - a[0]) and any(
                points[high][1] > points[low][1]
                and low <= first <= low + 10
                and 0 <= b[1] - points[high][1] <= usual(first, second, b[0] - points[high][0])
                for high, low in pairwise(kept)
            )
            if not returns:
                found.steps.append(Step(a[0], b[0], b[1] - a[1]))
        if b[1] >= a[1]:
            continue
        allowed = usual(first, second, b[0] - a[0])
        if Fraction(b[1]) >= Fraction(a[1]) * Fraction(9, 10):
            found.steps.append(Step(a[0], b[0], 0, False))
            found.falls.append(b[0])
        elif 0 <= b[1] <= min(allowed, carried(limit, b[0] - a[0]) + slack):
            found.steps.append(Step(a[0], b[0], b[1], False))
        else:
            found.falls.append(b[0])
    return found


def came_with_a_later_one(points: Sequence[tuple[int, int]], place: int, limit: int) -> bool:
    at, value = points[place]
    later = [other for when, other in points[place + 1 :] if when - at < 10_000_000]
    return bool(later) and later[-1] - value > carried(limit, 60_000_000)


def without_crossing(steps: Sequence[Step], cuts: Sequence[int]) -> list[Step]:
    return [
        step
        for step in steps
        if step.end - step.start <= TWO_HOURS or not any(step.start < cut < step.end for cut in cuts)
    ]


def until(step: Step, moment: int) -> int:
    """What of a step's energy stands before an instant."""
    moment = min(max(moment, step.start), step.end)
    return int(Fraction(step.amount * (moment - step.start), step.end - step.start).__floor__())


def day_of(steps: Sequence[Step], day: date, zone: ZoneInfo, falls: Sequence[int] = ()) -> Day:
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    if sum(start < fall <= end for fall in falls) > 1:
        return Day()
    amount = covered = measured = 0
    for step in steps:
        low, high = max(step.start, start), min(step.end, end)
        if low >= high:
            continue
        amount += until(step, high) - until(step, low)
        covered += high - low
        in_one_day = start <= step.start and step.end <= end
        if step.sure and (in_one_day or step.end - step.start <= TWO_HOURS):
            measured += high - low
    length = end - start
    found = Day(-1, measured // 60_000_000)
    if covered and 2 * covered >= length:
        found.use = amount
        if covered < length:
            seconds = covered // 1_000_000
            found.use = int(Fraction(amount * (length // 1_000_000), seconds) + Fraction(1, 2))
    return found


REGISTERS = {
    "import_register": (25_300, 1_000),
    "export_register": (25_300, 1_000),
    "gas_register": (200_000, 12_000),
    "gas_volume_register": (16_000, 1_000),
    "heat_register": (200_000, 3_000),
}


def meter_days(meter: Meter, days: Sequence[date], zone: ZoneInfo, gas: float) -> dict[str, dict[date, Day]]:
    """Fuel -> day -> use of a meter. ``gas`` [kWh/m3]."""
    cuts = [midnight(day, zone) for link in meter.links for day in (link.start, link.end) if day is not None]
    each: dict[str, dict[date, Day]] = {}
    for name, readings in meter.readings.items():
        rows = sorted(readings)
        falls: list[int] = []
        if name == "import_interval":
            steps = interval_steps(rows, meter.length)
        else:
            told = register(rows, *REGISTERS[name])
            steps, falls = without_crossing(told.steps, cuts), told.falls
        each[name] = {day: day_of(steps, day, zone, falls) for day in days}
        if name == "gas_volume_register":
            for found in each[name].values():
                if found.use >= 0:
                    found.use = int(Fraction(found.use) * Fraction(gas) + Fraction(1, 2))
    result: dict[str, dict[date, Day]] = {}
    for fuel, first, second in (
        ("electricity", "import_interval", "import_register"),
        ("gas", "gas_register", "gas_volume_register"),
        ("heat", "heat_register", ""),
        ("export", "export_register", ""),
    ):
        if first not in each and second not in each:
            continue
        result[fuel] = {}
        for day in days:
            a, b = each.get(first, {}).get(day, Day()), each.get(second, {}).get(day, Day())
            if b.use >= 0 and (a.use < 0 or (fuel == "electricity" and b.minutes > a.minutes)):
                result[fuel][day] = b
            elif a.use >= 0:
                result[fuel][day] = a
            else:
                result[fuel][day] = Day(-1, max(a.minutes, b.minutes))
    return result


def home_days(
    meters: Sequence[Meter], homes: Sequence[int], days: Sequence[date], zone: ZoneInfo, gas: float
) -> dict[tuple[int, str, date], Day]:
    """What ``personal.daily_use`` must say; days of which nothing is known at all are left out."""
    found: dict[tuple[int, str, date], Day] = {}
    every = [(meter, meter_days(meter, days, zone, gas)) for meter in meters]
    for home in homes:
        for fuel in ("electricity", "gas", "heat", "export"):
            for day in days:
                own = [
                    known[fuel][day]
                    for meter, known in every
                    if fuel in known
                    for link in meter.links
                    if link.home == home and link.start <= day and (link.end is None or day < link.end)
                ]
                valued = [item for item in own if item.use >= 0]
                if valued:
                    result = Day(sum(item.use for item in valued), min(item.minutes for item in valued))
                else:
                    result = Day(-1, max((item.minutes for item in own), default=0))
                if result != Day():
                    found[home, fuel, day] = result
    return found


def utc(text: str) -> int:
    """Microseconds of ``2026-03-29T01:00`` in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000
