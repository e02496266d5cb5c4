"""What goes from room to room of the movement analytics. Instants and lengths are int64 microseconds, UTC, half-open.

Many homes at once: a home is its place, 0 to ``homes - 1``; a sensor is its place in ``Sensors``. Nothing here knows
who lives in a home or what a device is called.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Ints = NDArray[np.signedinteger[Any]]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

#: No instant, no length, nothing learned.
NONE: Final = -1
#: Before and after every instant.
NEVER: Final = -(1 << 62)
OPEN: Final = 1 << 62

#: Where a sensor is, by the attribute ``room``; a room that is not named here is `other`. ``DOOR``: the front door's
#: contact.
ROOMS: Final = ("bedroom", "bathroom", "kitchen", "living-room", "hall", "other")
DOOR: Final = -1

#: Half-hours of the wall clock, 0 (00:00) to 47 (23:30); those of a night in which the clock changes are 46 or 50
#: half-hours of these 48 names.
BINS: Final = 48
#: Kinds of days: 0 is Monday to Friday, 1 is Saturday, Sunday and bank holidays.
KINDS: Final = 2


class Sensors(NamedTuple):
    """``(sensors,)``: the place of each one's home, never falling, and its room: a place in ``ROOMS``, or ``DOOR``."""

    home: Ints
    room: Ints


class Readings(NamedTuple):
    """Readings of ``motion``, and of ``contact`` at doors, sensor by sensor.

    Those of sensor s are ``offsets[s]`` to ``offsets[s + 1]``; ``time`` [us] rises within a sensor; ``value`` 1.0 or
    0.0, as stored. A device that has both properties is two sensors.
    """

    offsets: Int64
    time: Int64
    value: NDArray[Any]


class Spells(NamedTuple):
    """Quiet spells, ``(spells,)``, sorted by (home, start), never overlapping.

    From the last movement [us] to the next, or to the end of what was read (``lasts``). ``away``: it began with the
    door, so everybody may be out.
    """

    home: Int64
    start: Int64
    end: Int64
    away: Bools
    lasts: Bools


class Spans(NamedTuple):
    """Intervals of homes [us], ``(spans,)``, sorted by (home, start), never overlapping."""

    home: Int64
    start: Int64
    end: Int64


class Usual(NamedTuple):
    """What is usual in each home.

    ``limit`` ``(homes, KINDS, BINS)`` [us]: how long it may be quiet at this time of such a day before that is beyond
    the usual; ``NONE`` where too little is known yet: nothing is told then (shadow). ``begun`` ``(homes, BINS)`` [us]:
    how long a spell that began at this time may last; ``NONE`` where spells of this time say nothing. ``away``
    ``(homes,)`` [us]: how long everybody may be out; ``NONE`` without a door's contact or history. ``days``
    ``(homes,)``: days learned from.
    """

    limit: Int64
    begun: Int64
    away: Int64
    days: Int64


#: What a home is at an instant, in ``Judgement.state``.
LEARNING: Final = 0  # too little history: nothing is told
USUAL: Final = 1  # within what is usual
QUIET: Final = 2  # quiet for longer than usual, and its sensors were heard meanwhile
AWAY: Final = 3  # the door was the last that was noticed; not longer than usual
AWAY_LONG: Final = 4  # the same, longer than usual
SILENT: Final = 5  # the sensors are not heard: nothing can be said about movement
OUTAGE: Final = 6  # the same for every home of one gateway
STATES: Final = ("learning", "usual", "quiet", "away", "away-long", "silent", "outage")


class Judgement(NamedTuple):
    """What is to be said of each home at one instant, ``(homes,)``.

    ``state``: a code of ``STATES``. ``since`` [us]: the last movement or door, the last time heard where it is silent.
    ``limit`` [us]: what is usual now (``NONE``: not learned). ``due`` [us]: when the spell is beyond it if nothing
    moves (``OPEN``: not within a day), for whoever wants to look no sooner.
    """

    state: NDArray[np.int8]
    since: Int64
    limit: Int64
    due: Int64
