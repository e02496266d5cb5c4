"""The shape of a home's days from its own half-hours: what is always on, and when the rest is used. Pure arrays.

**Background load** is that of `analytics.energy.half_hours` (of each night the three lowest half-hours, the median of
nights), here over all days that are given and, where seven nights are left, without days on which nobody was there.
Such a **day away** uses from 07:00 to 23:00 less than half of what the home uses then on its usual day (the median),
and less than twice its background: nobody cooks, washes or watches on it. Both lines are our own choice; the first
alone would take an evening out for a day away, the second alone all days of a home that is heated at night. Where
nobody is there on most days, the usual day is an empty one and none counts as away.

**Peak share** is the part of use between 16:00 and 19:00 local time, the hours of the evening peak for which the
domestic time-of-use rates of Great Britain, and its networks' red bands, ask most. Shares are of sums over whole days:
they add up to one, and a day counts by what it used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.energy.half_hours import FEWEST_NIGHTS, SLOTS

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Parts of a day and the half-hours at which they begin; the last goes to midnight.
PARTS = {"night": 0, "morning": 12, "day": 20, "peak": 32, "evening": 38}
#: Whole days with somebody at home that shares need.
FEWEST_DAYS = 7
_NIGHT, _LOWEST = 12, 3
_DAYTIME = slice(14, 46)
_USUAL, _BACKGROUND = 0.5, 2.0


class Profile(NamedTuple):
    """``background`` [W]; ``peak_share``: 16:00 to 19:00, 0 to 1; ``shares`` ``(5,)``: by part of day, in the order of
    `PARTS`; ``evening_to_night``: use an hour from 19:00 to midnight over that from midnight to 06:00; each NaN or None
    where too little is known. ``days``: whole days with somebody at home; ``away``: whole days without.
    """

    background: float
    peak_share: float
    shares: Float64 | None
    evening_to_night: float
    days: int
    away: int


def profile(half_hours: Float64) -> Profile:
    """The profile of days by the clock [Wh], ``(days, 48)``, NaN where not measured (`half_hours.by_clock`)."""
    if half_hours.ndim != 2 or half_hours.shape[1] != SLOTS:
        raise ValueError(f"half-hours are (days, {SLOTS}), not {half_hours.shape}")
    away = days_away(half_hours)
    background = _background(half_hours[~away])
    if np.isnan(background):  # too few other nights: what is always on is on in an empty home too
        background = _background(half_hours)
    whole = ~np.isnan(half_hours).any(axis=1)
    days = half_hours[whole & ~away]
    counts = len(days), int((whole & away).sum())
    total = float(days.sum())
    if len(days) < FEWEST_DAYS or total <= 0:
        return Profile(background, np.nan, None, np.nan, *counts)
    starts = list(PARTS.values())
    parts = np.add.reduceat(days.sum(axis=0), starts)
    lengths = np.diff([*starts, SLOTS]) / 2
    night, evening = (float((parts / lengths)[list(PARTS).index(name)]) for name in ("night", "evening"))
    shares = parts / total
    return Profile(
        background, float(shares[list(PARTS).index("peak")]), shares, evening / night if night > 0 else np.nan, *counts
    )


def days_away(half_hours: Float64) -> Bools:
    """Whether nobody was there on each whole day, ``(days,)``; of a day with a gap it is not said."""
    whole = ~np.isnan(half_hours).any(axis=1)
    away = np.zeros(len(half_hours), np.bool_)
    always = _background(half_hours) / 2  # Wh in half an hour
    if whole.any() and not np.isnan(always):
        use = half_hours[whole, _DAYTIME].sum(axis=1)
        hours = _DAYTIME.stop - _DAYTIME.start
        away[whole] = (use < _USUAL * np.median(use)) & (use < _BACKGROUND * always * hours)
    return away


def _lowest(days: Float64) -> Float64:
    """Mean of the three lowest half-hours of each night [Wh], ``(days,)``; NaN sorts last."""
    return np.asarray(np.sort(days[:, :_NIGHT], axis=1)[:, :_LOWEST].mean(axis=1))


def _background(days: Float64) -> float:
    nights = days[(~np.isnan(days[:, :_NIGHT])).sum(axis=1) >= _NIGHT - 1]
    if len(nights) < FEWEST_NIGHTS:
        return float("nan")
    return float(2 * np.median(_lowest(nights)))  # Wh in half an hour, times two: W
