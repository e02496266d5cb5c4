"""The UK Daily Air Quality Index of means, its bands and the advice that goes with them.

Bounds and bands are those of Defra and the Committee on the Medical Effects of Air Pollutants (2013), unrevised since;
the advice is in our own words after UKHSA, 19 December 2025. docs/reference/air-index.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.running import BLOCK, running
from store.batch import Float64

Index = NDArray[np.int8]

#: Upper bounds of the index 1 to 9 [ug/m3, whole]; above the last it is 10.
BOUNDS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({
    "pm2_5": (11, 23, 35, 41, 47, 53, 58, 64, 70),
    "pm10": (16, 33, 50, 58, 66, 75, 83, 91, 100),
    "no2": (67, 134, 200, 267, 334, 400, 467, 534, 600),
    "o3": (33, 66, 100, 120, 140, 160, 187, 213, 240),
    "so2": (88, 177, 266, 354, 443, 532, 710, 887, 1064),
})  # fmt: skip
#: Of what mean of hours an index is: the window, and how many of it are needed. That of SO2 is of quarter hours.
WINDOWS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"pm2_5": (24, 18), "pm10": (24, 18), "no2": (1, 1), "o3": (8, 6)}
)
#: Of the four quarter hours of an hour so many are needed.
QUARTERS_NEEDED: Final = 3

#: The bands, the lowest first, what people read of them, and the index that each begins with.
BANDS: Final = ("low", "moderate", "high", "very-high")
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {"low": "Low", "moderate": "Moderate", "high": "High", "very-high": "Very High"}
)
BEGINS: Final[Mapping[str, int]] = MappingProxyType({"low": 1, "moderate": 4, "high": 7, "very-high": 10})

#: Who is at risk, as the advice uses the word.
AT_RISK: Final = "Adults and children with heart or lung conditions, and older people"


class Advice(NamedTuple):
    """What to do in a band: who is at risk, and everybody else."""

    at_risk: str
    everybody: str


ADVICE: Final[Mapping[str, Advice]] = MappingProxyType({
    "low": Advice("Carry on as usual outdoors.", "Carry on as usual outdoors."),
    "moderate": Advice(
        "If you have symptoms, think about doing less that makes you breathe hard, above all outdoors.",
        "Carry on as usual outdoors.",
    ),
    "high": Advice(
        "Do less that makes you breathe hard, above all outdoors and when symptoms come. A reliever inhaler may be "
        "needed more often.",
        "If your eyes are sore, or you cough or have a sore throat, think about doing less, above all outdoors.",
    ),
    "very-high": Advice(
        "Avoid what makes you breathe hard. A reliever inhaler may be needed more often.",
        "Do less that makes you breathe hard, above all outdoors and when you cough or have a sore throat.",
    ),
})  # fmt: skip

#: What a mean must reach for the next index: its 6 decimals rounded half up, and these half up to a whole. Less what
#: summing in binary may take away from a mean that lies exactly there; readings of 8 decimals tell no less apart.
_HALF: Final = 0.5 - 0.5e-6 - 1e-10


def index(pollutant: str, mean: Float64) -> Index:
    """The index 1 to 10 of means [ug/m3], same shape; 0 where the mean is missing.

    ``mean`` is of the time that the index of the pollutant asks for (`WINDOWS`, 15 minutes of SO2). It is rounded to 6
    decimals and then half up to a whole. Raises ValueError for a pollutant without an index.
    """
    if pollutant not in BOUNDS:
        raise ValueError(f"{pollutant!r} has no index; these have: {', '.join(INDEXED)}")
    mean = np.asarray(mean, np.float64)
    there = np.isfinite(mean)
    found: Index = there.astype(np.int8)
    for bound in BOUNDS[pollutant]:
        beyond: NDArray[np.bool_] = np.asarray(mean >= bound + _HALF)
        if not beyond.any():
            break  # what nothing reaches nothing exceeds: most air is low
        found += beyond.view(np.int8)
    found *= there.view(np.int8)
    return found


def by_pollutant(mean: Float64, so2: Float64 | None = None) -> Index:
    """The index by pollutant and hour, ``(..., 5, hours)`` in the order of ``INDEXED``.

    ``mean``: hourly means, ``(..., pollutants, hours)`` in the order of ``POLLUTANTS``, at least the first five; those
    of SO2 are not looked at. ``so2``: its 15-minute means, ``(..., 4 * hours)``, or None where there are none: an
    hour's is the highest of them, where at least 3 of the 4 are there. Hours before the first are missing.
    Running means are made of some monitors at a time and never held.
    """
    hours = mean.shape[-1]
    found = np.zeros((*mean.shape[:-2], len(INDEXED), hours), np.int8)
    if not found.size:
        return found
    monitors, out = mean.reshape(-1, *mean.shape[-2:]), found.reshape(-1, len(INDEXED), hours)
    step = max(1, BLOCK // max(hours, 1))
    for first in range(0, len(monitors), step):
        for pollutant, (window, needed) in WINDOWS.items():
            place = POLLUTANTS.index(pollutant)
            # rows that stand together: each is read a dozen times
            some = np.ascontiguousarray(monitors[first : first + step, place])
            some = some if window == 1 else running(some, window, needed)
            out[first : first + step, place] = index(pollutant, some)
        if so2 is not None:
            some = highest_quarter(so2.reshape(-1, 4 * hours)[first : first + step])
            out[first : first + step, POLLUTANTS.index("so2")] = index("so2", some)
    return found


def highest_quarter(so2: Float64) -> Float64:
    """The highest 15-minute mean of each hour, ``(..., hours)``, NaN where fewer than 3 of the 4 are there.

    ``so2``: 15-minute means, ``(..., 4 * hours)``.
    """
    four = np.asarray(so2, np.float64).reshape(*so2.shape[:-1], so2.shape[-1] // 4, 4)
    there = np.isfinite(four)
    highest: Float64 = np.where(there, four, -np.inf).max(axis=-1)
    return np.where(there.sum(axis=-1) >= QUARTERS_NEEDED, highest, np.nan)


def overall(found: Index, axis: int = -2) -> tuple[Index, Index]:
    """The index of all pollutants together, and which is the worst: ``found`` without its ``axis`` of pollutants.

    The index is the highest, 0 where no pollutant has one. The worst is a place in ``INDEXED``, the first of several
    that are equally high, -1 where there is none.
    """
    rows = np.moveaxis(found, axis, 0)
    highest: Index = rows.max(axis=0)
    # how many rows stand before the first that is the highest: numpy's argmax takes twenty times as long on this axis
    worst = np.zeros_like(highest)
    lower = np.ones(highest.shape, np.bool_)
    for row in rows[:-1]:
        lower &= row != highest
        worst += lower.view(np.int8)
    worst -= (highest == 0).view(np.int8)
    return highest, worst


def band(index: int) -> str | None:
    """The band of an index, None of 0. Raises ValueError where it is no index."""
    if not 0 <= index <= 10:
        raise ValueError(f"{index} is no index: it is from 1 to 10, and 0 where there is none")
    found = [name for name, begins in BEGINS.items() if begins <= index]
    return found[-1] if found else None
