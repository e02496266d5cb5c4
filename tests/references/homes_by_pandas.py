"""What a community's homes must be told, worked out from their readings with pandas and plain loops.

Written from docs/decisions/005-homes.md alone; nothing of `analytics` is used. Homes stand on a line from west to east
and are alike in everything else, so that cells are runs of them and every cell joins every other within 5 km.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Kind, first day, first day after.
Span = tuple[str, date, date]


@dataclass(frozen=True)
class Told:
    """What a home is told of a period; ``reason`` is left out where the reference cannot know it (kindness)."""

    own: int | None
    missing: int
    estimated: int
    before: int | None
    counts: bool
    average: int | None = None
    efficient: int | None = None
    homes: int | None = None
    tenths: int | None = None
    state: str = "suppressed"
    reason: str | None = None


def half_up(value: Fraction) -> int:
    """The nearest whole number, half up."""
    return floor(value + Fraction(1, 2))


def two_figures(value: Fraction) -> int:
    """Two significant figures, half up."""
    unit = 1
    while value >= 100 * unit:
        unit *= 10
    return half_up(value / unit) * unit


def daily(readings: Mapping[tuple[str, str, int], float], zone: str, hours: int = 1) -> pd.DataFrame:
    """Day by home: columns ``home``, ``day``, ``wh`` (None: under half of it measured), ``minutes``.

    A reading of 0.4355 kWh is 436 Wh: half up counts on what the file says, not on the float next to it.
    """
    import pandas as pd

    frame = pd.DataFrame(
        [(home, time, half_up(Fraction(repr(value)) * 1000)) for (home, _, time), value in readings.items()],
        columns=["home", "time", "wh"],
    )
    frame["day"] = pd.to_datetime(frame.time, unit="us", utc=True).dt.tz_convert(zone).dt.date
    found = frame.groupby(["home", "day"]).wh.agg(["sum", "count"]).reset_index()
    found["minutes"] = found["count"] * 60 * hours
    found["wh"] = [
        None if minutes < 720 else half_up(Fraction(int(total) * 1440, int(minutes)))
        for total, minutes in zip(found["sum"], found.minutes, strict=True)
    ]
    return found[["home", "day", "wh", "minutes"]]


def spans(first: date, last: date) -> list[Span]:
    """Every Monday week, calendar month and four whole weeks with a day from ``first`` to ``last``."""
    found: set[Span] = set()
    for offset in range(-35, (last - first).days + 36):
        day = first + timedelta(days=offset)
        if day.weekday() == 0:
            found.add(("week", day, day + timedelta(days=7)))
            found.add(("four-weeks", day, day + timedelta(days=28)))
        if day.day == 1:
            found.add(("month", day, (day + timedelta(days=32)).replace(day=1)))
    return sorted(span for span in found if span[1] <= last and span[2] > first)


def cells_of(line: Sequence[str]) -> list[list[str]]:
    """Homes on a line, west to east, halved until each part has fewer than 50; under 20, none."""
    if len(line) < 20:
        return []
    if len(line) < 50:
        return [list(line)]
    middle = (len(line) + 1) // 2
    return cells_of(line[:middle]) + cells_of(line[middle:])


def use_of(days: pd.DataFrame, span: Span) -> tuple[int | None, int, int]:
    """Own use of a period (None: under nine tenths of its days), days without a value, days that are estimated."""
    length = (span[2] - span[1]).days
    inside = days[(days.day >= span[1]) & (days.day < span[2])]
    known = inside[inside.wh.notna()]
    missing = length - len(known)
    estimated = int((known.minutes < 1440).sum())
    if not len(known) or len(known) * 10 < length * 9:
        return None, missing, estimated
    return half_up(Fraction(int(known.wh.sum()) * length, len(known))), missing, estimated


def before(span: Span) -> Span:
    """The period of the same kind before."""
    if span[0] == "month":
        return "month", (span[1] - timedelta(days=1)).replace(day=1), span[1]
    return span[0], span[1] - (span[2] - span[1]), span[1]


def told(days: pd.DataFrame, line: Sequence[str], kind: Mapping[tuple[str, Span], str]) -> dict[tuple[str, Span], Told]:
    """What each home of a community must be told of each period in which one has a figure.

    ``kind``: homes that look empty, disconnected or under-heated, by home and period: that judgement has tests of its
    own. A home whose use is under 1 kWh a day must be one of them, and never counts.
    """
    by_home = {str(home): part for home, part in days.groupby("home")}
    cells = cells_of(line)
    cell = {home: number for number, part in enumerate(cells) for home in part}
    found: dict[tuple[str, Span], Told] = {}
    for span in spans(days.day.min(), days.day.max()):
        uses = {home: use_of(by_home[home], span) for home in line}
        earlier = {home: use_of(by_home[home], before(span))[0] for home in line}
        if all(use[0] is None for use in uses.values()):
            continue
        length = (span[2] - span[1]).days
        empty = {home for home in line if kind.get((home, span)) == "empty"}
        tiny = {home for home, use in uses.items() if use[0] is not None and use[0] < 1000 * length}
        spared = {home for home in tiny if kind.get((home, span))}
        assert tiny <= spared, f"{span}: {sorted(tiny - spared)} use under 1 kWh a day and are not told so"
        empty |= tiny
        counting = {home: use[0] for home, use in uses.items() if use[0] is not None and home not in empty}
        large = [part for part in cells if sum(home in counting for home in part) >= 20]
        pool = [home for part in large for home in part if home in counting]
        rounded = sum(rounded_total([counting[home] or 0 for home in part if home in counting]) for part in large)
        for home in line:
            own, missing, estimated = uses[home]
            base = Told(own, missing, estimated, earlier[home], home in counting)
            if not _has_days(by_home[home], span):
                continue
            if own is None:
                found[home, span] = _with(base, reason="coverage")
            elif home not in counting:
                found[home, span] = _with(base, state="neutral", reason=kind.get((home, span)))
            elif home not in cell:
                found[home, span] = _with(base, reason="no-cell")
            else:
                others = sorted(counting[other] or 0 for other in pool if other != home)
                total = rounded - (own if home in pool else 0)
                found[home, span] = _compared(base, others, total, kind.get((home, span)))
    return found


def _has_days(days: pd.DataFrame, span: Span) -> bool:
    inside = days[(days.day >= before(span)[1]) & (days.day < span[2])]
    return bool(inside.wh.notna().any())


def rounded_total(uses: Sequence[int]) -> int:
    """A cell's total to the first of 1, 2, 5, 10, … that is at least twice its mean, half up: it hides any one home."""
    mean = Fraction(sum(uses), len(uses))
    steps = [digit * int(f"1{'0' * power}") for power in range(18) for digit in (1, 2, 5)]
    step = next(step for step in steps if step >= 2 * mean)
    return half_up(Fraction(sum(uses), step)) * step


def _compared(base: Told, others: Sequence[int], total: int, kind: str | None) -> Told:
    """``others``: what the neighbours used, rising; ``total`` of them, by cells' rounded totals."""
    n = len(others)
    reason = "few-homes" if n < 20 else "dominated" if 20 * others[-1] > 3 * total else None
    if kind is not None:
        return _with(base, state="neutral", reason=kind)
    if reason is not None:
        return _with(base, reason=reason)
    assert base.own is not None
    average = two_figures(Fraction(total, n))
    homes = half_up(Fraction(n, 10)) * 10
    low = others[: n // 5]
    efficient = tenths = None
    if n >= 75:
        tenths = floor(Fraction(10 * int(np.searchsorted(others, base.own)), n))
        lowest = min(sum(low), total * len(low) // n)
        if 20 * low[-1] <= 3 * lowest:
            efficient = two_figures(Fraction(lowest, len(low)))
    state = "great" if efficient is not None and base.own <= efficient else "good" if base.own <= average else "more"
    return _with(base, average=average, efficient=efficient, homes=homes, tenths=tenths, state=state)


def _with(base: Told, **changes: object) -> Told:
    from dataclasses import replace

    return replace(base, **changes)  # type: ignore[arg-type]
