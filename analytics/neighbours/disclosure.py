"""What may be shown of a group of homes. Every figure about more than one home passes through here and nowhere else.

Rules (docs/decisions/005-homes.md): at least 20 homes (15, and no cell has fewer than 20), none with over 15 % of the
sum; averages to two significant figures; the efficient figure and tenths from 75 neighbours on; numbers of homes to
tens; the state from the shown figures alone. What this module returns holds nothing finer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.neighbours.cells import FEWEST, Bools, Cells, Int64
from analytics.neighbours.comparison import Compared, usable
from analytics.neighbours.differencing import rounded_total
from analytics.neighbours.joining import EFFICIENT
from devices.homes import Reason, State

Int8 = NDArray[np.int8]

#: ``neutral`` is never given here: it is the runner's, for a home that must not be judged.
_GREAT, _GOOD, _MORE, _SUPPRESSED = (word.place for word in (State.GREAT, State.GOOD, State.MORE, State.SUPPRESSED))
_NO_CELL, _FEW_HOMES = Reason.NO_CELL.place, Reason.FEW_HOMES.place
_DOMINATED, _NOT_COUNTED = Reason.DOMINATED.place, Reason.NOT_COUNTED.place
#: No reason: it is shown.
_SHOWN = -1
#: No home may have more than 3/20 = 15 % of a sum that is shown, and an efficient figure needs so many homes.
_SHARE = (3, 20)
_FEWEST_EFFICIENT = 15
#: As far as int64 goes.
_POWERS = 10 ** np.arange(17)


@dataclass(frozen=True, slots=True)
class DisclosedFigures:
    """What each home may be shown, arrays ``(homes,)``."""

    #: [Wh] to two significant figures, -1 none.
    average: Int64
    #: [Wh] to two significant figures, -1 none.
    efficient: Int64
    #: To tens, -1 none.
    homes: Int64
    #: Of the neighbours used less, -1 none.
    tenths: Int64
    #: Place in State.
    state: Int8
    #: Place in Reason, -1: it is shown.
    reason: Int8


@dataclass(frozen=True, slots=True)
class GroupShown:
    """What may be published of groups, arrays ``(groups,)``: ``average`` [Wh] and ``homes``, -1 where suppressed.

    ``reason``: place in Reason, -1 none.
    """

    average: Int64
    homes: Int64
    reason: Int8


def disclose(own: Int64, compared: Compared) -> DisclosedFigures:
    """What each home may be shown of its neighbours; ``own`` [Wh] its use in the period, ``(homes,)``."""
    n, counts = compared.n, compared.counts
    reason = np.select(
        [compared.cell < 0, ~counts, n < FEWEST, dominated(compared.largest, compared.total)],
        [_NO_CELL, _NOT_COUNTED, _FEW_HOMES, _DOMINATED],
        _SHOWN,
    ).astype(np.int8)
    shown = reason == _SHOWN
    many = shown & (n >= EFFICIENT)
    lowest = many & (compared.lowest_n >= _FEWEST_EFFICIENT)
    lowest &= ~dominated(compared.lowest_largest, compared.lowest_total)
    average = _where(shown, two_figures, compared.total, n)
    efficient = _where(lowest, two_figures, compared.lowest_total, compared.lowest_n)
    state = np.select(
        [~shown, lowest & (own <= efficient), own <= average], [_SUPPRESSED, _GREAT, _GOOD], _MORE
    ).astype(np.int8)
    return DisclosedFigures(
        average, efficient, _where(shown, _tens, n), _where(many, _tenths, compared.less, n), state, reason
    )


def group(use: Int64, counts: Bools, cells: Cells, label: Int64) -> GroupShown:
    """Averages that may be published: ``use`` [Wh] and ``counts`` by home, ``label`` by cell: its group, -1 none.

    A group is a union of whole cells; cells with fewer than 20 homes that count are left out of it, as they are of
    every set, and a cell's total enters rounded, as it does what residents are told. Groups are numbered from 0; the
    result has as many as the highest label says.
    """
    groups = int(label.max(initial=-1)) + 1
    group_of = np.where(usable(cells, counts), label, -1)
    into = np.append(group_of, -1)[cells.cell]  # a home's cell -1 is the last: none
    home = np.flatnonzero(counts & (into >= 0))
    n = np.bincount(into[home], minlength=groups)
    total, largest = np.zeros(groups, np.int64), np.zeros(groups, np.int64)
    np.add.at(total, into[home], use[home])
    np.maximum.at(largest, into[home], use[home])
    number, of_cell = np.bincount(cells.cell[home], minlength=len(label)), np.zeros(len(label), np.int64)
    np.add.at(of_cell, cells.cell[home], use[home])
    cell, rounded = np.flatnonzero(group_of >= 0), np.zeros(groups, np.int64)
    np.add.at(rounded, group_of[cell], rounded_total(of_cell[cell], number[cell]))
    reason = np.select([n < FEWEST, dominated(largest, total)], [_FEW_HOMES, _DOMINATED], _SHOWN).astype(np.int8)
    shown = reason == _SHOWN
    return GroupShown(_where(shown, two_figures, rounded, n), _where(shown, _tens, n), reason)


def altogether(homes: Int64, average: Int64) -> int:
    """The use [Wh] of all homes of groups to two significant figures, half up, made of what `group` has shown of them
    and of nothing else; ``homes`` and ``average``, ``(groups,)``, at least one, none suppressed.

    A function of published figures: no exact number enters, so taking figures from it tells no more than they do, and
    of a group that is suppressed nothing is in it. Raises ValueError where one is suppressed.
    """
    if not len(homes) or (homes <= 0).any() or (average < 0).any():
        raise ValueError("only groups that are shown can be put together")
    return int(two_figures(np.sum(homes * average, keepdims=True), np.ones(1, np.int64))[0])


def rounded_average(total: int, homes: int) -> int:
    """total / homes to two significant figures, half up, of figures that are shown; ``homes`` over 0."""
    return int(two_figures(np.array([total], np.int64), np.array([homes], np.int64))[0])


def two_figures(total: Int64, n: Int64) -> Int64:
    """total / n to two significant figures, half up, in whole numbers. n > 0; 0 <= total / n < 1e18."""
    power = _POWERS[np.searchsorted(100 * _POWERS, total // n, side="right")]
    return _half_up(total, n * power) * power


def _half_up(part: Int64, whole: Int64) -> Int64:
    """part / whole, half up, without a larger number on the way."""
    quotient = part // whole
    rounded: Int64 = quotient + (part - quotient * whole >= whole - (part - quotient * whole))
    return rounded


def _where(allowed: Bools, figure: Callable[..., Int64], *exact: Int64) -> Int64:
    """The figure where it is allowed, -1 elsewhere: what is suppressed is not even worked out."""
    shown = np.full(len(allowed), -1, np.int64)
    shown[allowed] = figure(*(values[allowed] for values in exact))
    return shown


def _tens(n: Int64) -> Int64:
    return _half_up(n, np.full(len(n), 10)) * 10


def _tenths(less: Int64, n: Int64) -> Int64:
    return 10 * less // n


def dominated(largest: Int64, total: Int64) -> Bools:
    """Whether one home has more than 15 % of the sum."""
    part, whole = _SHARE
    too_large: Bools = whole * largest > part * total
    return too_large
