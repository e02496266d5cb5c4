"""What is broken: sensors that say nothing, gateways that take theirs with them, states that never change, batteries.

Arrays in, arrays out: instants and lengths are int64 [us], bays are places in the arrays that are given, ``(bays,)``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analytics.parking.arrays import DAY, NONE, UNKNOWN, Bools, Int64, Ints, Spans
from store.batch import Float64

#: A gateway's alarm: so many bays, and of those that it has so much: numerator, denominator.
GATEWAY_BAYS: Final = 5
GATEWAY_PART: Final = (4, 5)
#: A state is suspect where it has lasted longer than this, than so many times the bay's own longest stretch, and than
#: what of its zone's stretches so many thousandths are not longer than.
SUSPECT_AFTER: Final = DAY
SUSPECT_TIMES: Final = 3
SUSPECT_THOUSANDTHS: Final = 999
#: Batteries below it are low [%].
LOW_BATTERY: Final = 20.0
#: Repeated states are told from so many on, where they are more than the arrivals.
REPEATED: Final = 10


class Silences(NamedTuple):
    """``silent``: nothing for longer than the silence limit; ``never``: nothing at all; ``since``: when what was known
    ended [us], ``NONE`` where it has not, or nothing was."""

    silent: Bools
    never: Bools
    since: Int64


class Alarms(NamedTuple):
    """Gateways whose bays went silent together, ``(alarms,)``, and which bays an alarm stands for ``(bays,)``.

    ``gateway`` as given; ``silent`` of the ``bays`` that ever said anything; ``since``: when the first of them did no
    more [us].
    """

    gateway: Int64
    silent: Int64
    bays: Int64
    since: Int64
    covered: Bools


class Suspects(NamedTuple):
    """Bays whose state has not changed for suspiciously long, ``(suspects,)``.

    ``lasted`` [us]; ``own``: the bay's longest stretch of that state before; ``zone``: that of 99.9 % of its zone's.
    """

    bay: Int64
    lasted: Int64
    own: Int64
    zone: Int64


def silences(heard: Int64, limit: Int64, now: int) -> Silences:
    """Which sensors are silent at an instant. ``heard``: the newest reading's time, ``NONE`` without one [us]."""
    never = heard == NONE
    silent = ~never & (heard + limit <= now)
    return Silences(silent, never, np.where(silent, heard + limit, NONE))


def alarms(gateway: Ints, found: Silences, limit: Int64) -> Alarms:
    """One alarm for each gateway that took its bays with it.

    ``gateway``: a number by bay, less than 0 for none; ``limit`` [us]: silence limits. At least five of its bays went
    silent within the longest of their limits, and these are 80 % of those that ever said anything by it. Bays that went
    silent at other times stand for themselves.
    """
    covered = np.zeros(len(gateway), np.bool_)
    rows = []
    for one in np.unique(gateway[found.silent & (gateway >= 0)]).tolist():
        mine = np.flatnonzero((gateway == one) & ~found.never)
        silent = mine[found.silent[mine]]
        silent = silent[np.argsort(found.since[silent], kind="stable")]
        since = found.since[silent]
        # from each one on: how many more went silent within the limit
        last = np.searchsorted(since, since + int(limit[silent].max()), side="right")
        begin = int(np.argmax(last - np.arange(len(since))))
        number = int(last[begin]) - begin
        if number >= GATEWAY_BAYS and number * GATEWAY_PART[1] >= len(mine) * GATEWAY_PART[0]:
            covered[silent[begin : int(last[begin])]] = True
            rows.append((one, number, len(mine), int(since[begin])))
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Alarms(columns[0], columns[1], columns[2], columns[3], covered)


def suspects(spans: Spans, state: Ints, since: Int64, zone: Ints, now: int) -> Suspects:
    """Which bays' states have lasted suspiciously long at an instant.

    ``spans``: of the 28 days before ``now``; ``state`` (0, 1; others are left out) and ``since`` [us]: now; ``zone``: a
    number by bay. Compared are stretches of the same state that began and ended: at the edges of the spans, or beside
    unknown time, one was longer than it looks and is left out, and a stretch that lasts says nothing about itself.
    """
    lasted = now - since
    asked = np.flatnonzero((state < UNKNOWN) & (lasted > SUSPECT_AFTER))
    whole = _whole(spans)
    bay, length, was = spans.bay[whole], (spans.end - spans.start)[whole], spans.state[whole]
    own = np.zeros((2, len(state)), np.int64)
    np.maximum.at(own, (was, bay), length)
    usual = _usual(zone[bay], was, length)
    far = np.array([usual.get((int(zone[one]), int(state[one])), 0) for one in asked.tolist()], np.int64)
    longest = own[state[asked], asked]
    some = (lasted[asked] > SUSPECT_TIMES * longest) & (lasted[asked] > far)
    return Suspects(asked[some], lasted[asked][some], longest[some], far[some])


def low_batteries(battery: Float64) -> Bools:
    """Which batteries [%] are low; one that never said anything, NaN, is not known to be."""
    low: Bools = battery < LOW_BATTERY
    return low


def repeating(repeated: Ints, arrivals: Ints) -> Bools:
    """Which bays said occupied again, and no heartbeat was due, more often than anybody arrived: departures are missed.

    Both counted over the same days.
    """
    found: Bools = (repeated >= REPEATED) & (repeated > arrivals)
    return found


def _whole(spans: Spans) -> Bools:
    """Which spans are stretches with a known state before and after."""
    known = spans.state < UNKNOWN
    beside = np.zeros(len(known), np.bool_)
    same = spans.bay[1:] == spans.bay[:-1]
    beside[1:] = same & known[:-1]
    after = np.zeros(len(known), np.bool_)
    after[:-1] = same & known[1:]
    whole: Bools = known & beside & after
    return whole


def _usual(zone: Ints, state: Ints, length: Int64) -> dict[tuple[int, int], int]:
    """By zone and state the length that 99.9 % of the stretches do not exceed."""
    order = np.lexsort((length, state, zone))
    zone, state, length = zone[order], state[order], length[order]
    if not len(length):
        return {}
    first = np.flatnonzero(np.concatenate(([True], (zone[1:] != zone[:-1]) | (state[1:] != state[:-1]))))
    number = np.diff(np.append(first, len(length)))
    place = first + (SUSPECT_THOUSANDTHS * number + 999) // 1_000 - 1
    return dict(zip(zip(zone[first].tolist(), state[first].tolist(), strict=True), length[place].tolist(), strict=True))
