"""Cold homes: below 18 degrees by day or 16 by night for hours, where a sensor has temperature.

18 is what the UK Health Security Agency names for living rooms and for people over 65, by day and night; 16 is where
strain on heart and lungs is reported to begin (World Health Organization, Housing and Health Guidelines, 2018: 18 as a
minimum). Both are settings.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final, NamedTuple

import numpy as np

from analytics.movement.arrays import HOUR, Bools, Float64, Int64
from analytics.movement.clock import bins

#: Below these [Cel] a room is cold by day, from 08:00 to 22:00, and by night.
BY_DAY: Final = 18.0
BY_NIGHT: Final = 16.0
#: For so long [us] without a break.
FOR: Final = 4 * HOUR
#: A temperature counts for so long [us] at most; what comes later is another time.
HOLDS: Final = 3 * HOUR
_DAY_FROM, _DAY_TO = 16, 44


class Limits(NamedTuple):
    """Below what [Cel] a home is cold, and for how long [us] without a break."""

    by_day: float = BY_DAY
    by_night: float = BY_NIGHT
    lasting: int = FOR


class Cold(NamedTuple):
    """``(homes,)``. ``since`` [us]: cold without a break up to its newest reading, ``NONE`` where it is not; ``lowest``
    [Cel] of that time (NaN); ``hours`` [h]: cold in all, in stretches that lasted; ``known`` [h]: with a reading;
    ``warm``: its newest reading says so. A home without a reading is neither cold nor warm."""

    since: Int64
    lowest: Float64
    hours: Float64
    known: Float64
    warm: Bools


def find(home: Int64, time: Int64, value: Float64, homes: int, zone: tzinfo, limits: Limits | None = None) -> Cold:
    """Cold homes from temperatures ``(readings,)`` [Cel] of their rooms, in any order.

    A home is as warm as its warmest room: several sensors that speak within `HOLDS` of each other are taken together,
    so that an unheated hall makes no home cold. A reading counts until the next, for `HOLDS` at most.
    """
    limits = limits or Limits()
    home, time, value = np.asarray(home, np.int64), np.asarray(time, np.int64), np.asarray(value, np.float64)
    # an hour is as warm as the warmest that was said in it: rooms speak at different minutes
    hour = time // HOUR
    order = np.lexsort((value, hour, home))
    home, hour, value = home[order], hour[order], value[order]
    last = np.ones(len(home), np.bool_)
    last[:-1] = (home[1:] != home[:-1]) | (hour[1:] != hour[:-1])
    home, hour, value = home[last], hour[last], value[last]
    half = bins(hour * HOUR, zone)[1]
    limit = np.where((half >= _DAY_FROM) & (half < _DAY_TO), limits.by_day, limits.by_night)
    low = value < limit
    joined = np.zeros(len(home), np.bool_)
    joined[1:] = (home[1:] == home[:-1]) & ((hour[1:] - hour[:-1]) * HOUR <= HOLDS)
    begins = low & ~(joined & np.append(False, low[:-1]))
    stretch = np.cumsum(begins) - 1
    until = np.where(np.append(joined[1:], False), np.append(hour[1:], 0), hour + 1)
    known = np.zeros(homes)
    np.add.at(known, home, (until - hour).astype(np.float64))
    count = int(begins.sum())
    start, owner = hour[begins] * HOUR, home[begins]
    end, lowest = np.zeros(count, np.int64), np.full(count, np.inf)
    np.maximum.at(end, stretch[low], until[low] * HOUR)
    np.minimum.at(lowest, stretch[low], value[low])
    lasted = end - start >= limits.lasting
    hours = np.zeros(homes)
    np.add.at(hours, owner[lasted], (end - start)[lasted] / HOUR)
    newest = np.ones(len(home), np.bool_)
    newest[:-1] = home[1:] != home[:-1]
    since, lowest_of = np.full(homes, -1), np.full(homes, np.nan)
    now = np.flatnonzero(newest & low)
    now = now[lasted[stretch[now]]]
    since[home[now]], lowest_of[home[now]] = start[stretch[now]], lowest[stretch[now]]
    warm = np.zeros(homes, np.bool_)
    warm[home[newest & ~low]] = True
    return Cold(since, lowest_of, hours, known, warm)
