"""What is to be said of homes at an instant: quiet for longer than usual, away, or not heard.

The rule, for a carer: "We look at how long this home had been quiet at this time of day in its own last eight weeks,
and how long it stayed quiet when it fell quiet at the same time as today, and leave out the oddest days. You hear from
us when it has been quiet for longer than that by a good margin, and its sensors were heard meanwhile."

Quiet is counted up to the last time that the home was heard and no further: no data is not no movement. So a gateway's
outage or a dead sensor can never look like a person who does not move.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

import numpy as np

from analytics.movement.arrays import (
    AWAY,
    AWAY_LONG,
    DAY,
    HOUR,
    LEARNING,
    MINUTE,
    NEVER,
    NONE,
    OPEN,
    OUTAGE,
    QUIET,
    SILENT,
    USUAL,
    Bools,
    Int64,
    Ints,
    Judgement,
    Usual,
)
from analytics.movement.clock import HALF_HOUR, bins
from analytics.movement.spells import LEAVING, STUCK

#: A sensor that says nothing of its heartbeat says something once a day, an hour late at most [us].
HEARTBEAT: Final = 25 * HOUR
#: Silent after so many heartbeats.
SILENCE: Final = (5, 2)
#: While one of its motion sensors is silent a home may be quiet for so much longer [us].
PARTLY: Final = 20 * MINUTE
#: A heartbeat that is longer [us] proves nothing in time: such a home is heard as long as its gateway is.
PROVES: Final = 4 * HOUR
#: The fewest homes of a gateway whose silence together is called the gateway's.
TOGETHER: Final = 2


def silence(heartbeat: Int64) -> Int64:
    """How long [us] a sensor may say nothing, by its heartbeat [us] (``NONE``: not known)."""
    heartbeat = np.where(np.asarray(heartbeat) > 0, heartbeat, HEARTBEAT)
    return np.asarray(heartbeat * SILENCE[0] // SILENCE[1], np.int64)


def gap(heartbeat: Int64) -> Int64:
    """After how long [us] without any reading a home was not heard meanwhile, by its heartbeat [us]: a quarter more.

    For `spells.unheard`, of what is learned and of what is judged.
    """
    known = np.asarray(heartbeat) > 0
    return np.asarray(np.where(known, np.asarray(heartbeat) * 5 // 4, silence(heartbeat)), np.int64)


def proved(heard: Int64, heartbeat: Int64, gateway: Int64) -> Int64:
    """Up to when each home was certainly heard [us], ``(homes,)``.

    ``heard``: the newest reading of any property of its motion sensors; ``heartbeat`` [us]: the shortest of them
    (``NONE``: not known); ``gateway``: a code, negative where none is known. Sensors that speak up often enough prove
    themselves. The others are heard as long as another home of their gateway is; without one, only when they speak.
    """
    heard, gateway = np.asarray(heard, np.int64), np.asarray(gateway, np.int64)
    often = (np.asarray(heartbeat) > 0) & (np.asarray(heartbeat) <= PROVES)
    newest = np.full(int(gateway.max(initial=-1)) + 1, NEVER)
    np.maximum.at(newest, gateway[gateway >= 0], heard[gateway >= 0])
    if not len(newest):
        return heard
    by_gateway = np.where(gateway >= 0, newest[np.maximum(gateway, 0)], NEVER)
    return np.where(often, heard, np.maximum(heard, by_gateway))


def heard_limit(limit: Int64, kind: Ints, sure: Int64, day: Ints, zone: tzinfo) -> Int64:
    """The usual [us] at the time of day at which each home was last heard, ``(homes,)`` or ``(homes, instants)``.

    ``limit`` of `Usual`; ``kind`` of the local ``day`` on which it is asked, of shapes that go with ``sure``, which is
    `proved` [us], homes first. Of another day the longer of both kinds.
    """
    days, halves = bins(sure, zone)
    homes = np.arange(len(limit)).reshape(-1, *[1] * (sure.ndim - 1))
    return np.asarray(np.where(days == day, limit[homes, kind, halves], limit.max(axis=1)[homes, halves]), np.int64)


def begun_limit(limit: Int64, last: Int64, now: Int64, zone: tzinfo) -> Int64:
    """The usual [us] of spells that began when these did, at ``last`` [us]; `OPEN` where they say nothing.

    ``limit`` ``(homes, BINS)`` of `Usual`; ``last``, homes first, and ``now`` of shapes that go together. What began a
    month ago is long beyond everything.
    """
    half = bins(np.maximum(last, now - 30 * DAY), zone)[1]
    own = limit[np.arange(len(limit)).reshape(-1, *[1] * (half.ndim - 1)), half]
    return np.asarray(np.where(own == NONE, OPEN // 2, own), np.int64)


def assess(
    limit: Int64,
    limit_heard: Int64,
    limit_begun: Int64,
    limit_away: Int64,
    begun: Int64,
    moved: Int64,
    door: Int64,
    heard: Int64,
    sure: Int64,
    weakest: Int64,
    back: Int64,
    heartbeat: Int64,
    now: Int64,
    zone: tzinfo,
) -> tuple[Int64, Int64, Bools]:
    """State, last movement [us], and whether that was somebody leaving, by the rule; arrays of shapes that go together.

    ``limit`` [us]: the usual at this home, kind of day and time of day, ``limit_heard`` that by `heard_limit`,
    ``limit_begun`` ``(homes, BINS)`` that of spells by when they begin, ``limit_away`` that of absences; ``sure``: by
    `proved`; the others as of `judge`.
    """
    moving = (moved == OPEN) & (now - begun <= STUCK)
    last = np.where(moving, sure, np.maximum(begun, np.where(moved == OPEN, NEVER, moved)))
    away = (door > NEVER) & (door >= begun - LEAVING) & ~moving
    # what happened while nobody listened is not known: it is counted from when the home was heard again
    last = np.maximum(np.maximum(last, door), back)
    # with a sensor missing a home looks quieter than it is
    partly = now - weakest > silence(heartbeat)
    more = np.where(partly, PARTLY, 0)
    of_begun = begun_limit(limit_begun, last, now, zone) + more
    usual = np.where(away, limit_away, np.where(limit != NONE, np.minimum(limit + more, of_begun), NONE))
    learned = usual != NONE
    # what was usual when it was heard is not beyond the usual because a time has come by which people are up: somebody
    # may have got up meanwhile
    proven = np.where(away, limit_away, np.minimum(np.maximum(limit, limit_heard) + more, of_begun))
    beyond = learned & (np.minimum(sure, now) - last > proven)
    # beyond the usual by the clock, and not heard for longer than its heartbeat: what is not proved is not called quiet
    proof = np.where(heartbeat > 0, 2 * heartbeat, 2 * HOUR)
    unproved = learned & ~away & ~beyond & (now - last > usual) & (now - sure > proof)
    state = np.where(away, np.where(beyond, AWAY_LONG, AWAY), np.where(beyond, QUIET, USUAL))
    state = np.where(learned, state, LEARNING)
    state = np.where((now - heard > silence(heartbeat)) | unproved, SILENT, state)
    return np.asarray(state, np.int64), np.asarray(last, np.int64), np.asarray(away, np.bool_)


def judge(
    usual: Usual,
    kind: Int64,
    begun: Int64,
    moved: Int64,
    door: Int64,
    heard: Int64,
    weakest: Int64,
    back: Int64,
    heartbeat: Int64,
    gateway: Int64,
    now: int,
    zone: tzinfo,
) -> Judgement:
    """What is to be said of each home at ``now`` [us]; arrays ``(homes,)``, instants [us], ``NEVER`` for none.

    ``kind``: of today and of tomorrow, ``(2,)`` (`clock.kinds`). ``begun``: the newest 1 of any motion sensor.
    ``moved``: the newest end of a movement, which is a `spells.TIMEOUT` before the first 0 after a 1; ``OPEN`` while a
    sensor still says 1. ``door``: the newest opening or closing. ``heard``, ``heartbeat``, ``gateway`` as of `proved`;
    ``weakest``: the newest reading of that motion sensor of the home which was not heard for the longest;
    ``back``: when the home was heard again after it was last not heard for longer than `gap`.
    """
    now, heard, heartbeat = int(now), np.asarray(heard, np.int64), np.asarray(heartbeat, np.int64)
    sure = np.minimum(proved(heard, heartbeat, gateway), now)
    day, half = (int(one[0]) for one in bins(np.array([now]), zone))
    limit = usual.limit[:, kind[0], half]
    begun, moved, door = (np.asarray(one, np.int64) for one in (begun, moved, door))
    state, last, away = assess(
        limit,
        # what was not heard for a month is silent
        heard_limit(usual.limit, kind[0], np.maximum(sure, now - 30 * DAY), np.asarray(day), zone),
        usual.begun,
        usual.away,
        begun,
        moved,
        door,
        heard,
        sure,
        np.asarray(weakest),
        np.asarray(back),
        heartbeat,
        np.asarray(now),
        zone,
    )
    of_begun = begun_limit(usual.begun, last, np.asarray(now), zone)
    limit = np.where(limit == NONE, NONE, np.minimum(limit, of_begun))
    due = _due(usual, kind, last, away, now, zone, day)
    state = np.where((state == SILENT) & _outage(state == SILENT, gateway), OUTAGE, state)
    since = np.where((state == SILENT) | (state == OUTAGE), heard, last)
    return Judgement(state.astype(np.int8), since, np.asarray(np.where(away, usual.away, limit), np.int64), due)


def _due(usual: Usual, kind: Int64, last: Int64, away: Bools, now: int, zone: tzinfo, day: int) -> Int64:
    """The first instant from ``now`` on, within a day, at which the spell is longer than its limit there."""
    halves = (now // HALF_HOUR + np.arange(DAY // HALF_HOUR + 1)) * HALF_HOUR
    days, places = bins(halves, zone)
    # the day after tomorrow begins within the last half-hours at most: tomorrow's kind does for it
    limits = usual.limit[:, kind[np.clip(days - day, 0, 1)], places]
    of_begun = begun_limit(usual.begun, last, np.asarray(now), zone)
    limits = np.where(limits == NONE, NONE, np.minimum(limits, of_begun[:, None]))
    limits = np.where(away[:, None], usual.away[:, None], limits)
    first = np.maximum(np.maximum(last[:, None] + limits, halves[None]), now)
    good = (limits != NONE) & (last[:, None] > NEVER) & (first < halves[None] + HALF_HOUR)
    return np.asarray(np.where(good, first, OPEN).min(axis=1), np.int64)


def _outage(silent: np.ndarray, gateway: Int64) -> np.ndarray:
    """Which homes are of a gateway of which no home is heard."""
    gateway = np.asarray(gateway, np.int64)
    known = gateway >= 0
    size = int(gateway.max(initial=-1)) + 1
    homes = np.bincount(gateway[known], minlength=size)
    quiet = np.bincount(gateway[known & silent], minlength=size)
    gone = (homes >= TOGETHER) & (homes == quiet)
    return known & gone[np.maximum(gateway, 0)] if size else np.zeros(len(gateway), np.bool_)
