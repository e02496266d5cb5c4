"""Readings of registers that waited together and came together. Pure: arrays in, arrays out.

Messages without a time of their own that waited in a broker's queue have the instants at which they came, all within
seconds: hours of use between two of them are no rise that a supply carries. Such a reading is left out where a later
one within ten seconds is higher by more than the supply carries in a minute: the rise then stands between the last
reading before the silence and the last one that waited.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Readings that come within so much of each other may have waited together [us].
TOGETHER = 10_000_000


def crowded(row: Int64, times: Int64, amount: Int64, most: Int64) -> Bools | None:
    """Which readings to leave out; None: none, as mostly.

    ``row``, ``times`` [us], ``amount`` [units] ``(readings,)``, by row and time; ``most`` ``(rows,)``: what the supply
    carries in a minute [units].
    """
    apart = times[1:] - times[:-1]
    close = np.flatnonzero(apart < TOGETHER)
    close = close[row[close + 1] == row[close]]
    if not len(close):
        return None
    # a clock that runs from reading to reading and never more than the reach: what is within it is of the same row
    tick = np.full(len(apart), TOGETHER)
    tick[close] = apart[close]
    clock = np.concatenate(([0], np.cumsum(tick)))
    last = np.searchsorted(clock, clock[close] + TOGETHER, side="left") - 1
    found = np.zeros(len(row), np.bool_)
    found[close] = amount[last] - amount[close] > most[row[close]]
    return found if found.any() else None
