"""Cells of similar homes nearby: the smallest groups of homes that any figure is ever made of.

Homes of one group (dwelling, heating, heat network) are halved again and again along the widest of three directions:
east, north and floor area, until every part has fewer than 50 homes. One position on an axis is worth

    x / 500 m,   y / 500 m,   ln(area) / 0.1                                              [1]

(docs/decisions/005-homes.md). All parts of all groups are halved at once, one pass a level, with three orders kept
sorted as in a k-d tree, so that no part is ever sorted twice. Places are taken to the millimetre and counted in whole
numbers: the same homes give the same cells in any order, anywhere, on any processor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: A group with fewer homes forms no cell; a part with this many is halved.
FEWEST, HALVED = 20, 50
#: [mm] in one step of equation 1, and so many steps is a factor e of floor area.
_STEP, _STEPS_AN_E = 500_000, 10


@dataclass(frozen=True, slots=True)
class HomeSet:
    """Homes to be divided, each array ``(homes,)``, in any order.

    ``id``: pseudonyms, no two equal. ``group``: a number for each dwelling, heating and heat network, 0 or more.
    ``x``, ``y`` [m]: see :func:`analytics.places.metres`. ``area`` [m2]: NaN where the floor area is not known.
    """

    id: Int64
    group: Int64
    x: Float64
    y: Float64
    area: Float64


@dataclass(frozen=True, slots=True)
class Cells:
    """``cell``: the cell of each home ``(homes,)``, -1 where it is in none. The others are by cell, ``(cells,)``.

    Cells are numbered by group, then from west, south and small. ``size`` homes in each. ``x``, ``y`` [m]: mean place
    of its homes, to the millimetre. ``area`` [m2]: median floor area, 0 where of its group none is known.
    """

    cell: Int32
    group: Int64
    size: Int64
    x: Float64
    y: Float64
    area: Float64


def make_cells(homes: HomeSet) -> Cells:
    """Divide homes into cells of 25 to 49 (20 to 24 where a whole group has no more); a group under 20 forms none.

    Raises ValueError on an id that stands twice or a place that is not a number.
    """
    count = len(homes.id)
    by_id = np.argsort(homes.id, kind="stable")
    if (np.diff(homes.id[by_id]) == 0).any():
        raise ValueError("a home stands twice among those to be divided")
    if not (np.isfinite(homes.x).all() and np.isfinite(homes.y).all()):
        raise ValueError("every home needs a place in metres")
    names, group, sizes = np.unique(homes.group, return_inverse=True, return_counts=True)
    cell = np.full(count, -1, np.int32)
    large = sizes >= FEWEST
    divided = by_id[large[group[by_id]]]  # in the order of ids: every stable sort from here on breaks ties by them
    if not len(divided):
        none = np.empty(0, np.float64)
        return Cells(cell, np.empty(0, np.int64), np.empty(0, np.int64), none, none, none)
    group = (np.cumsum(large) - 1)[group[divided]]
    sizes, names = sizes[large], names[large]
    x, y = millimetres(homes.x[divided]), millimetres(homes.y[divided])
    area = _filled(homes.area[divided], group, sizes)
    logs = np.rint(np.log(np.where(area > 0, area, 1.0)) * (_STEPS_AN_E * _STEP)).astype(np.int64)

    orders, starts = _halve(group, sizes, (x, y, area), (x, y, logs))
    sizes = np.diff(starts)
    cell[divided[orders[0]]] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    low, high = starts[:-1] + (sizes - 1) // 2, starts[:-1] + sizes // 2
    return Cells(
        cell,
        names[group[orders[0][starts[:-1]]]].astype(np.int64),
        sizes,
        _mean(x[orders[0]], starts) / 1000,
        _mean(y[orders[0]], starts) / 1000,
        (area[orders[2][low]] + area[orders[2][high]]) / 2,
    )


def millimetres(value: Float64) -> Int64:
    """Whole millimetres of metres, half to even."""
    whole: Int64 = np.rint(value * 1000).astype(np.int64)
    return whole


def _filled(area: Float64, group: Int64, sizes: Int64) -> Float64:
    """Floor areas with the median of its group where one is not known, 0 where of the group none is."""
    known = np.isfinite(area) & (area > 0)
    if known.all():
        return area
    order = np.lexsort((area, group))
    order = order[known[order]]
    counts = np.bincount(group[known], minlength=len(sizes))
    starts = np.cumsum(counts) - counts
    some = counts > 0
    median = np.zeros(len(sizes))
    low, high = (starts + (counts - 1) // 2)[some], (starts + counts // 2)[some]
    median[some] = (area[order[low]] + area[order[high]]) / 2
    return np.where(known, area, median[group])


def _halve(
    group: Int64, sizes: Int64, values: tuple[NDArray[np.generic], ...], widths: tuple[Int64, ...]
) -> tuple[list[Int32], Int64]:
    """Halve all groups until no part has ``HALVED`` homes; homes stand in the order of their ids.

    ``values`` sort an axis, ``widths`` measure it. Returns the homes by part, within each part sorted along each axis,
    and where each part starts ``(parts + 1,)``.
    """
    small = group.astype(np.uint16 if len(sizes) <= 1 << 16 else np.int64)  # 16 bits are sorted by radix
    orders: list[Int32] = []
    for value in values:
        along = np.argsort(value, kind="stable")
        orders.append(along[np.argsort(small[along], kind="stable")].astype(np.int32))
    starts = np.concatenate(([0], np.cumsum(sizes)))
    left = np.empty(len(group), bool)
    while ((sizes := np.diff(starts)) >= HALVED).any():
        first, last = starts[:-1], starts[1:] - 1
        spans = [width[order[last]] - width[order[first]] for width, order in zip(widths, orders, strict=True)]
        axis = np.argmax(spans, axis=0)  # the first of equals: east, north, area
        middle = np.where(sizes >= HALVED, (sizes + 1) // 2, sizes)
        lower = _lower(middle, sizes)
        axis_of = np.repeat(axis.astype(np.int8), sizes)
        for number, order in enumerate(orders):
            here = axis_of == number
            left[order[here]] = lower[here]
        upper = ~lower
        for number, order in enumerate(orders):
            goes = left[order]
            parted = np.empty_like(order)
            parted[lower], parted[upper] = order[goes], order[~goes]
            orders[number] = parted
        cut = (first + middle)[sizes >= HALVED]
        starts = np.sort(np.concatenate((starts, cut)))
    return orders, starts


def _lower(middle: Int64, sizes: Int64) -> Bools:
    """Which positions are in the lower part of each run of ``sizes``, of which ``middle`` are."""
    pairs = np.column_stack((middle, sizes - middle)).ravel()
    return np.repeat(np.tile([True, False], len(sizes)), pairs)


def _mean(value: Int64, starts: Int64) -> Int64:
    """Mean of whole numbers between starts, half up: it moves exactly with a translation of all."""
    sums, sizes = np.add.reduceat(value, starts[:-1]), np.diff(starts)
    mean: Int64 = (2 * sums + sizes) // (2 * sizes)
    return mean
