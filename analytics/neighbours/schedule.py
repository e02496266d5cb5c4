"""Which periods of which fuels are to be published or settled: decided from what is stored, so that a killed run is
gone on with by the next. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.periods import FINAL_AFTER, Int64, Period, periods_touching
from store.times import begin_of, next_month

#: So long a period that is over waits for its last day, which many meters tell the next morning.
WAITS_FOR = timedelta(days=2)

#: Kind, first day and fuel: what names a run.
Key = tuple[str, date, str]


@dataclass(frozen=True, slots=True)
class Due:
    """A period of a fuel that is to be published, or, where it was ``published`` before, settled.

    ``finalises``: whether it is settled now; a period so old that is published now is.
    """

    period: Period
    fuel: str
    published: bool
    finalises: bool

    @property
    def key(self) -> Key:
        """What names its run."""
        return self.period.kind, self.period.start, self.fuel


def end_of(period: Period, zone: ZoneInfo) -> datetime:
    """The instant at which a period is over."""
    return begin_of(period.end, zone)


def due(
    months: Iterable[tuple[str, date]], final: Mapping[Key, bool], fuels: Sequence[str], now: datetime, zone: ZoneInfo
) -> list[Due]:
    """What is to be done, the earliest periods first.

    ``months``: (fuel, first day of a month) with daily use; ``final``: of each run whether it is settled. A period of
    which no day lies in such a month is never due.
    """
    found: dict[Key, Due] = {}
    for fuel, month in months:
        if fuel not in fuels:
            continue
        end = next_month(month)
        for period in periods_touching(month, end):
            key = (period.kind, period.start, fuel)
            over = end_of(period, zone)
            if key in found or over > now or final.get(key, False):
                continue
            finalises = over + FINAL_AFTER <= now
            published = key in final
            if finalises or not published:
                found[key] = Due(period, fuel, published, finalises)
    return sorted(found.values(), key=lambda item: (item.period.end, item.period.kind, item.fuel))


def waited_enough(over: datetime, now: datetime) -> bool:
    """Whether a period that ended at ``over`` is published whoever is in."""
    return over + WAITS_FOR <= now


def homes_missing(last_day: Int64, minutes: int, any_day: int) -> int:
    """How many homes must change at least before a period's last day has come in; 0: it has.

    ``last_day``: minutes measured on it of each home ``(homes,)``; ``minutes``: how many it has; ``any_day``: how many
    homes have any day of the period. Nine in ten of them must have the whole of it: who is not in when it is published
    is told least when it settles (`analytics.neighbours.finalising`).
    """
    lacking = 9 * any_day - 10 * int(np.count_nonzero(last_day >= minutes))
    # a home that comes in is worth 10 of it, one that has no day any more 9
    return max(0, math.ceil(lacking / (10 + 9)))
