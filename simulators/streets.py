"""Kinds of streets: when drivers come by the hour of the week, how long they stay, what is allowed.

Rates are arrivals per free bay and hour. Nothing here is random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

#: Monday to Friday, Saturday, Sunday.
_DAYS = (0, 0, 0, 0, 0, 1, 2)


@dataclass(frozen=True, slots=True)
class Street:
    """One kind of street."""

    #: For working days, Saturday and Sunday the (middle [h], width [h], height [1/h]) of the arrivals' bells.
    bumps: tuple[tuple[tuple[float, float, float], ...], ...]
    #: Arrivals at any time [1/h].
    floor: float
    #: Median of the time that people want to stay [min].
    stay: float
    #: Of the logarithm of that time.
    spread: float
    #: Chance that a bay is taken overnight.
    night: float
    #: [min] between the hours ``active`` on ``active_days``; 0 is no limit.
    permitted: int
    active: tuple[float, float]
    #: 0 is Monday.
    active_days: tuple[int, ...]

    @property
    def active_hours(self) -> str:
        """The restriction's hours as an attribute, such as ``Mo-Sa 08:30-18:30``; empty without a restriction."""
        if not self.permitted:
            return ""
        names = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
        first, last = (f"{int(hour):02d}:{round(hour % 1 * 60):02d}" for hour in self.active)
        return f"{names[self.active_days[0]]}-{names[self.active_days[-1]]} {first}-{last}"


_MO_FR, _MO_SA = (0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5)

STREETS: Mapping[str, Street] = {
    "high-street": Street(
        (((11.5, 2.6, 2.0), (16.0, 2.0, 1.3)), ((12.5, 2.8, 2.9),), ((13.5, 2.2, 1.3),)),
        0.04, 38, 0.85, 0.25, 60, (8.5, 18.5), _MO_SA,
    ),
    "residential": Street(
        (((8.5, 1.2, 0.35), (17.8, 2.2, 0.85)), ((12.0, 3.5, 0.55),), ((13.0, 4.0, 0.45),)),
        0.05, 150, 1.1, 0.78, 0, (0, 24), (),
    ),
    "office": Street(
        (((8.6, 0.9, 2.4), (13.5, 1.5, 0.7)), ((11.0, 3.0, 0.25),), ((13.0, 3.0, 0.12),)),
        0.02, 190, 0.75, 0.10, 240, (8.0, 18.0), _MO_FR,
    ),
    "loading": Street(
        (((9.0, 2.2, 2.6), (14.5, 2.4, 1.6)), ((9.5, 2.2, 1.6),), ((11.0, 2.5, 0.3),)),
        0.03, 12, 0.7, 0.08, 20, (7.0, 19.0), _MO_SA,
    ),
    "leisure": Street(
        (((12.8, 1.4, 0.7), (19.3, 1.6, 1.9)), ((14.0, 2.5, 1.2), (19.6, 1.7, 2.4)), ((14.0, 2.8, 1.5),)),
        0.04, 95, 0.6, 0.22, 180, (8.5, 20.5), _MO_SA,
    ),
    # a public car park, where stays are long and evenings matter; the average of many German ones
    "car-park": Street(
        (
            ((9.9, 1.5, 0.50), (14.2, 2.6, 0.42), (18.8, 2.0, 0.10)),
            ((12.9, 2.6, 0.72), (18.0, 2.5, 0.15)),
            ((14.4, 2.8, 0.36),),
        ),
        0.03, 125, 0.8, 0.34, 0, (0, 24), (),
    ),
}  # fmt: skip


@lru_cache(maxsize=16)
def rates(kind: str) -> Float64:
    """Arrivals per free bay and hour by hour of the week (0 is Monday 00:00 to 01:00), shape (168,)."""
    street = STREETS[kind]
    middle = np.arange(24) + 0.5
    week = []
    for day in _DAYS:
        day_rates = np.full(24, street.floor)
        for centre, width, height in street.bumps[day]:
            day_rates += height * np.exp(-0.5 * ((middle - centre) / width) ** 2)
        # almost nobody arrives in the small hours
        day_rates *= 1 - 0.85 * np.exp(-0.5 * ((middle - 3.5) / 1.8) ** 2)
        week.append(day_rates)
    return np.concatenate(week)
