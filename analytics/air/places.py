"""The index of a place by hour, from those of the monitors around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.air.index import Index
from store.batch import Int64


class PlaceHours(NamedTuple):
    """``value`` ``(hours,)``: the index 1 to 10, 0 for none; ``monitor``, the same shape: whose, -1 where none is."""

    value: Index
    monitor: Int64


def of_place(overall: Index, near: Sequence[int], *, whole: bool) -> PlaceHours:
    """The index of a place by hour.

    ``overall`` ``(monitors, hours)``: theirs; ``near``: those within reach, the nearest first. Of an area (``whole``)
    the highest counts, the nearest of equals; of a point that of the nearest monitor that has one in that hour.
    """
    hours = overall.shape[1]
    if not near:
        return PlaceHours(np.zeros(hours, np.int8), np.full(hours, -1, np.int64))
    order = np.asarray(near, np.int64)
    own = overall[order]
    first: NDArray[np.int64] = (own if whole else own > 0).argmax(axis=0)
    value: Index = own[first, np.arange(hours)]
    return PlaceHours(value, np.where(value > 0, order[first], -1))
