"""Guidelines and limits as charts and sentences name them: of one averaging, those of one value together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from analytics.air.limits import Averaging, Limit, limits
from dashboard.public.air_pictures import Reference
from store.batch import Float64

#: An averaging as the table says it.
AVERAGING_WORDS: dict[Averaging, str] = {
    "year": "a year",
    "day": "a day",
    "hour": "an hour",
    "quarter-hour": "15 minutes",
    "highest-8-hours": "8 hours of a day",
    "peak-season": "the six months with most ozone",
}
#: What a day is held against, where that is not its mean.
LONG: dict[str, Averaging] = {"o3": "highest-8-hours"}


def of_long(pollutant: str, on: date) -> list[Reference]:
    """The values that a day's mean, or of ozone its highest mean of 8 hours, is held against."""
    return references(pollutant, LONG.get(pollutant, "day"), on)


def references(pollutant: str, averaging: Averaging, on: date) -> list[Reference]:
    """The values of an averaging that stand ``on`` a day or are to come, the lowest first."""
    found: dict[int, list[str]] = {}
    for one in limits():
        if (one.pollutant, one.averaging) == (pollutant, averaging) and (one.end is None or on < one.end):
            found.setdefault(one.value, []).append(body(one, on))
    return [
        Reference(float(value), f"{value} ({', '.join(named)}{' in an hour' if averaging == 'hour' else ''})")
        for value, named in sorted(found.items())
    ]


def body(one: Limit, on: date) -> str:
    """Whose a value is, with the year from which on it stands: ``WHO``, ``EU from 2030``."""
    return one.body if one.start <= on else f"{one.body} from {one.start.year}"


def passes(value: float | Float64, reference: Reference) -> NDArray[np.bool_]:
    """Whether values are above one: rounded half up to a whole first, as limits are written; NaN is not."""
    with np.errstate(invalid="ignore"):
        found: NDArray[np.bool_] = np.floor(np.round(value, 6) + 0.5) > reference.value
    return found


def above(value: float, some: Sequence[Reference]) -> list[Reference]:
    """Those that a value is above."""
    return [one for one in some if passes(value, one)]
