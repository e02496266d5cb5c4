"""What a register that falls says of the energy between its two readings. Pure: arrays in, arrays out.

A fall alone says nothing: a plug that lost its power starts again at zero, or at what it last saved; a new meter starts
at what its maker tried it with; a net register runs backwards while a home exports. So each fall is judged by the value
after it and by the register's own usual rate around it:

- a **restart** at zero: the new value is below nine tenths of the old one, and small: no more than the register's
  resolution and three times what its usual rate gives in the time between the two readings, and no more than its supply
  carries. The new value is the energy;
- a **correction**: the register lost a tenth or less. No energy;
- else nobody knows what was used.

A register that fell may **return**: it rises by more than is usual to no less than it had before a fall at most ten
readings ago, and above that by no more than is usual since. Such a rise says nothing: the register read 0 for a while.

The time of a fall is never measured. The **usual rate** is that of the possible steps among the six readings on either
side of the fall; the **resolution** is the largest of these steps, at most what is usual for such registers, and that
where none of them rises.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Readings on either side of a fall that tell the register's usual rate.
NEAR = 6
#: Readings within which a register that fell returns to what it had.
RETURN = 10
#: A restart may have used so many times what is usual.
_TIMES = 3


class Pairs(NamedTuple):
    """Neighbouring readings of registers, ``(pairs,)``, by row and time.

    ``place``: of the later reading among all readings, those that were left out included, and ``before``: of the
    earlier one. ``start``, ``end`` [us], ``old``, ``new`` [units]; ``most``: what the supply carries at most in between
    [units]; ``good``: a possible step.
    """

    row: Int64
    before: Int64
    place: Int64
    start: Int64
    end: Int64
    old: Int64
    new: Int64
    most: Int64
    good: Bools


class Falls(NamedTuple):
    """What falls are: places among the pairs, rising. What is in none of them is unknown."""

    restarts: Int64
    corrections: Int64


def judged(pairs: Pairs, falls: Int64, limit: Int64, slack: int) -> Falls:
    """What each of some falls is. ``falls``: places among the pairs; ``limit`` ``(rows,)`` [units/h]; ``slack``
    [units]: the resolution that is usual for such registers."""
    if not len(falls):
        return Falls(falls, falls)
    old, new = pairs.old[falls], pairs.new[falls]
    seconds = (pairs.end[falls] - pairs.start[falls]) // 1_000_000
    rate, resolution = _usual(pairs, falls, limit, slack)
    small = (new >= 0) & (new <= _allowed(rate, resolution, seconds)) & (new <= pairs.most[falls])
    little = 10 * new >= 9 * old
    return Falls(falls[small & ~little], falls[little])


def returns(pairs: Pairs, falls: Int64, limit: Int64, slack: int) -> Int64:
    """Possible steps that return to what a register had before one of some falls: places among the pairs, some twice.
    Arguments as of `judged`."""
    rises = falls[:, None] + np.arange(1, RETURN + 2)
    falls = np.broadcast_to(falls[:, None], rises.shape)
    inside = rises < len(pairs.row)
    rises, falls = rises[inside], falls[inside]
    inside = pairs.good[rises] & (pairs.row[rises] == pairs.row[falls]) & (pairs.new[rises] >= pairs.old[falls])
    inside &= pairs.before[rises] <= pairs.place[falls] + RETURN
    rises, falls = rises[inside], falls[inside]
    rate, resolution = _usual(pairs, rises, limit, slack)
    seconds = (pairs.end[rises] - pairs.start[rises]) // 1_000_000
    since = (pairs.end[rises] - pairs.start[falls]) // 1_000_000
    unusual = pairs.new[rises] - pairs.old[rises] > _allowed(rate, resolution, seconds)
    found: Int64 = rises[unusual & (pairs.new[rises] - pairs.old[falls] <= _allowed(rate, resolution, since))]
    return found


def _allowed(rate: Int64, resolution: Int64, seconds: Int64) -> Int64:
    """What a register may have counted in some time [units]."""
    allowed: Int64 = resolution + _TIMES * rate * seconds // 3_600
    return allowed


def _usual(pairs: Pairs, falls: Int64, limit: Int64, slack: int) -> tuple[Int64, Int64]:
    """The usual rate [units/h] around falls, at most what the supply carries, and the resolution [units] there."""
    apart = np.concatenate((np.arange(-NEAR, 0), np.arange(1, NEAR + 1)))
    near = falls[:, None] + apart
    inside = (near >= 0) & (near < len(pairs.row))
    near = np.clip(near, 0, len(pairs.row) - 1)
    inside &= pairs.good[near] & (pairs.row[near] == pairs.row[falls][:, None])
    inside &= pairs.before[near] >= pairs.before[falls][:, None] - NEAR
    inside &= pairs.place[near] <= pairs.place[falls][:, None] + NEAR
    rise = np.where(inside, pairs.new[near] - pairs.old[near], 0)
    time = np.where(inside, pairs.end[near] - pairs.start[near], 0).sum(axis=1) // 1_000_000
    rate = rise.sum(axis=1) * 3_600 // np.maximum(time, 1)
    largest = rise.max(axis=1)
    resolution = np.where(largest > 0, np.minimum(largest, slack), slack)
    return np.minimum(rate, limit[pairs.row[falls]]), resolution
