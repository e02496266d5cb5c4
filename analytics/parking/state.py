"""How bays stand at one instant: the rules of stays and overstays (docs/decisions/010-parking.md) for now.

What the record knew last (a carry, as `stays.run` ends a span with) and the newest reading make a `Standing`; hours,
suspensions and permits make of it what is over. Everything is by bay, ``(bays,)``, instants and lengths [us].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.parking import overstays
from analytics.parking.arrays import (
    BY_READING,
    CENSORED,
    FREE,
    LASTS,
    NONE,
    OCCUPIED,
    OPEN,
    STUCK,
    UNKNOWN,
    BayTable,
    Bools,
    Carry,
    Closed,
    Hours,
    Int64,
    Ints,
    Stays,
    last_begun,
)
from analytics.parking.states import LONGEST

#: Why a bay is unknown: the place in it is the code, and the first is of those that are known.
REASONS = ("", "never", "silent", "swapped", "stuck")
KNOWN, NEVER, SILENT, SWAPPED, IS_STUCK = range(len(REASONS))


class Newest(NamedTuple):
    """The newest reading of the sensor that lies in each bay now, taken since it lies there: ``time`` (``NONE``: there
    is none yet), ``value`` 0 or 1; ``start``, since when the sensor lies there (``NONE``: there is no sensor)."""

    time: Int64
    value: Ints
    start: Int64


class Standing(NamedTuple):
    """``state`` 0 free, 1 occupied, 2 unknown; ``reason``, a place in REASONS; ``since``, ``NONE`` where nothing was
    ever heard."""

    state: Int64
    reason: Int64
    since: Int64


class Now(NamedTuple):
    """Each bay at an instant: as in `Standing`, and ``over_from`` and ``over``, how long it has been over its time
    (``NONE`` and 0 up to the grace); ``suspended`` and ``permitted``: until when it is so, ``NONE`` where it is not."""

    state: Int64
    reason: Int64
    since: Int64
    over_from: Int64
    over: Int64
    suspended: Int64
    permitted: Int64


def carried(at: int, carry: Carry, table: BayTable) -> Standing:
    """How bays stand at the end ``at`` of the span that ended with this carry."""
    state = np.where(carry.state == CENSORED, OCCUPIED, np.where(carry.state == STUCK, UNKNOWN, carry.state))
    why = np.select(
        [state != UNKNOWN, carry.heard == NONE, carry.state == STUCK, carry.heard + table.limit <= at],
        [KNOWN, NEVER, IS_STUCK, SILENT],
        default=SWAPPED,
    )
    return Standing(state.astype(np.int64), why.astype(np.int64), np.where(carry.heard == NONE, NONE, carry.since))


def heard(at: int, newest: Newest, carry: Carry, table: BayTable) -> Standing:
    """How bays stand at ``at``, by what the record knew last and the newest reading.

    What changed to and fro between the two is not seen: the record tells it a little later.
    """
    some = newest.time != NONE
    before = carried(int(at), carry, table)
    # the record may be ahead of what the newest reading was when it was asked for
    later = some & (newest.time >= carry.heard)
    held = np.isin(carry.state, (OCCUPIED, CENSORED)), carry.state == FREE
    # a reading goes before the silence that would begin at its instant
    unbroken = later & (newest.time <= carry.heard + table.limit) & (carry.heard >= newest.start)
    same = unbroken & np.where(newest.value == 1, held[0], held[1])
    still_stuck = later & (newest.value == 1) & (carry.state == STUCK) & (carry.heard >= newest.start)
    since = np.where(same, carry.since, newest.time)
    silent = newest.time + table.limit
    stuck = np.where(newest.value == 1, since + LONGEST, OPEN)
    end = np.minimum(silent, stuck)
    known = later & ~still_stuck & (at < end)
    state = np.where(known, newest.value, UNKNOWN)
    why = np.where(known, KNOWN, np.where(stuck <= silent, IS_STUCK, SILENT))
    since = np.where(known, since, end)
    # nothing of the present sensor: what was known of the one before it has ended
    ended = ~some & (carry.heard != NONE) & (before.state != UNKNOWN)
    state = np.where(later & ~still_stuck, state, np.where(ended, UNKNOWN, before.state))
    why = np.where(later & ~still_stuck, why, np.where(ended, SWAPPED, before.reason))
    since = np.where(later & ~still_stuck, since, np.where(ended, np.maximum(newest.start, carry.heard), before.since))
    return Standing(state, why, since)


def without(odd: Bools, newest: Newest, carry: Carry) -> Newest:
    """Newest readings without those of ``odd`` bays, that say neither free nor occupied and so are none: in their place
    what the record knew last of the sensor."""
    same = odd & (carry.heard != NONE) & (carry.heard >= newest.start)
    time = np.where(odd, np.where(same, carry.heard, NONE), newest.time)
    value = np.where(same, np.isin(carry.state, (OCCUPIED, CENSORED, STUCK)), newest.value)
    return Newest(time, value.astype(np.int64), newest.start)


def kept(standing: Standing, newest: Newest, carry: Carry) -> Carry:
    """What the next look begins with where the record has not caught up: ``carry`` and ``newest`` made ``standing``."""
    code = np.where(standing.reason == IS_STUCK, STUCK, standing.state).astype(np.int8)
    return Carry(code, standing.since, np.maximum(newest.time, carry.heard), carry.device)


def later(record: Carry, kept: Carry, newest: Newest) -> Carry:
    """What knows more of each bay: the record, unless something newer was heard meanwhile and is still there: nothing
    is remembered of readings that were erased."""
    newer = (kept.heard > record.heard) & (newest.time >= kept.heard)
    return Carry(
        np.where(newer, kept.state, record.state),
        np.where(newer, kept.since, record.since),
        np.where(newer, kept.heard, record.heard),
        np.where(newer, kept.device, record.device),
    )


def now(
    at: int, standing: Standing, table: BayTable, hours: Hours, suspended: Closed, permits: Closed, grace: int
) -> Now:
    """What is over, suspended and permitted at ``at``. ``hours`` has to reach back to the earliest ``since``."""
    bays = len(standing.state)
    over_from, over = np.full(bays, NONE, np.int64), np.zeros(bays, np.int64)
    places = np.flatnonzero(standing.state == OCCUPIED)
    stays = Stays(
        places,
        standing.since[places],
        np.full(len(places), at, np.int64),
        np.full(len(places), BY_READING, np.int8),
        np.full(len(places), LASTS, np.int8),
    )
    over_from[places], over[places], _ = overstays.over(stays, hours, table, suspended, permits, grace)
    return Now(*standing, over_from, over, _closed_until(at, suspended, bays), _closed_until(at, permits, bays))


def _closed_until(at: int, closed: Closed, bays: int) -> Int64:
    row = last_begun(closed.bay, closed.start, np.arange(bays), np.full(bays, at, np.int64))
    end = np.append(closed.end, NONE)[row]
    return np.where(end > at, end, NONE)
