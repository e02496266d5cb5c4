"""Keys (series, time) that were met before, exactly, in 8 bytes each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from store.batch import Int32, Int64

_DAY = 86_400_000_000


class Seen:
    """A set of keys, kept by day as sorted arrays that are merged when they are of like length."""

    def __init__(self) -> None:
        self._days: dict[int, list[NDArray[np.int64]]] = {}

    def add(self, series: Int32, time: Int64) -> NDArray[np.bool_]:
        """Add keys [(series, time in us)], each at most once in a call; says which were not there. Shapes: (keys,)."""
        new = np.ones(len(series), bool)
        day = time // _DAY
        # a day has 2**37 microseconds, a series number 31 bits: the sign is never touched for fewer than 2**26 series
        key = (series.astype(np.int64) << 37) + time % _DAY
        for number in np.unique(day).tolist():
            rows = np.flatnonzero(day == number)
            runs = self._days.setdefault(number, [])
            for run in runs:
                place = np.minimum(np.searchsorted(run, key[rows]), len(run) - 1)
                new[rows[run[place] == key[rows]]] = False
            fresh = np.sort(key[rows[new[rows]]])
            if len(fresh):
                runs.append(fresh)
                while len(runs) > 1 and len(runs[-2]) < 2 * len(runs[-1]):
                    last = runs.pop()
                    runs[-1] = np.sort(np.concatenate((runs[-1], last)), kind="stable")
        return new
