"""What is usual in a home: how long it has been quiet at each time of the day on its own last days.

For each half-hour of a local day it is kept how long it had been quiet in it at most (`longest`). Of 56 such days the
fourth longest within an hour counts, of 28 the second, so that an odd day, an illness or an emergency, makes nothing
usual (`learn`). The more days are known, the less hangs on chance, and the smaller a margin does.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

import numpy as np

from analytics.movement.arrays import (
    BINS,
    DAY,
    HOUR,
    KINDS,
    MINUTE,
    NONE,
    SECOND,
    Bools,
    Int32,
    Int64,
    Spans,
    Spells,
    Usual,
)
from analytics.movement.clock import HALF_HOUR, bins

#: Days that are looked back on, as many as the pattern report reads, and how many of them have to be known.
DAYS: Final = 56
ENOUGH: Final = 14
#: One day in so many may be longer than what is called usual.
ODD: Final = 14
#: A half-hour borrows from its neighbours: people are not punctual. Half-hours to each side.
REACH: Final = 2
#: Quiet and nobody seen to leave for so long [us]: the home was empty, and the day says nothing of how quiet it is
#: with somebody in it.
EMPTY: Final = 16 * HOUR
#: What is added to the usual: a part of it and more, at most so much; and below what nothing is beyond it [us].
PART: Final = 3
MARGIN: Final = 45 * MINUTE
MOST: Final = 80 * MINUTE
LEAST: Final = 90 * MINUTE
#: A time at which every spell that begins is over so soon [us] is one at which nobody goes to bed: a longer one that
#: began then is beyond the usual, though by now many are asleep.
BRIEF: Final = 90 * MINUTE
#: The same for being out.
AWAY_MARGIN: Final = 2 * HOUR
AWAY_LEAST: Final = 6 * HOUR


def longest(
    spells: Spells,
    unheard: Spans,
    homes: int,
    first_day: int,
    days: int,
    zone: tzinfo,
    heard_to: Int64 | None = None,
    *,
    whole: Bools | None = None,
) -> tuple[Int32, Int32]:
    """The longest quiet, and the longest absence, that was running in each half-hour [s].

    ``first_day``: days since 1970-01-01 of the local calendar; ``heard_to`` ``(homes,)`` [us]: what comes after it is
    not known (without it all is). ``whole`` ``(homes,)``: homes whose spells count with their whole length in each
    half-hour that they touch: those without a contact at the door, where an outing looks like quiet.

    Shapes (homes, days, BINS), both; ``NONE`` where it is not known, for the home was not heard or was empty; 0 where
    nothing lasted as long as `spells.SHORTEST`. In the hour that a clock repeats, the longer counts.
    """
    names = _Names(first_day, days, zone)
    every = np.ones(homes, np.bool_)
    quiet = names.longest(_part(spells, ~spells.away), ~every if whole is None else whole)
    away = names.longest(_part(spells, spells.away), every)
    empty = ~spells.away & (spells.end - spells.start >= EMPTY)
    unknown = _part(spells, _touched(spells, unheard) | empty)
    gone = Spans(
        np.concatenate((unheard.home, unknown.home)),
        np.concatenate((unheard.start, unknown.start)),
        np.concatenate((unheard.end, unknown.end)),
    )
    mark = names.longest(gone, every) > 0
    quiet[mark] = NONE
    away[mark] = NONE
    if heard_to is not None:
        day, half = bins(np.asarray(heard_to), zone)
        place = (day - first_day) * BINS + half
        later = np.arange(days * BINS).reshape(days, BINS)[None] > place[:, None, None]
        quiet[later] = NONE
        away[later] = NONE
    return quiet, away


def lasted(
    spells: Spells, unheard: Spans, homes: int, first_day: int, days: int, zone: tzinfo, *, whole: Bools | None = None
) -> Int32:
    """How long the longest quiet spell lasted that began in each half-hour [s]; arguments as of `longest`.

    Shape (homes, days, BINS); 0 where none began, or none of which it is known; ``NONE`` for homes of ``whole``.
    """
    known = ~spells.away & ~_touched(spells, unheard) & (spells.end - spells.start < EMPTY)
    day, half = bins(spells.start[known], zone)
    home, length = spells.home[known], (spells.end - spells.start)[known] // SECOND
    inside = (day >= first_day) & (day < first_day + days)
    found = np.zeros((homes, days, BINS), np.int32)
    np.maximum.at(found, (home[inside], (day - first_day)[inside], half[inside]), length[inside].astype(np.int32))
    if whole is not None:
        found[whole] = NONE
    return found


def learn(quiet: Int32, away: Int32, begun: Int32, kinds: Int64) -> Usual:
    """What is usual after these days, from `longest` and `lasted` ``(homes, days, BINS)`` [s] and the days' kinds
    ``(days,)``.

    Saturdays, Sundays and bank holidays are fewer: theirs is at least what is usual over all days. How many odd days
    are left out goes by how many of them are known of the home. Raises ValueError where the shapes do not belong
    together.
    """
    homes, days, half_hours = quiet.shape
    if half_hours != BINS or not quiet.shape == away.shape == begun.shape or kinds.shape != (days,):
        shapes = f"quiet {quiet.shape}, away {away.shape}, begun {begun.shape} and kinds {kinds.shape}"
        raise ValueError(f"{shapes} do not belong together")
    known = (quiet != NONE).mean(axis=2) >= 0.5 if days else np.zeros((homes, 0), np.bool_)
    number = known.sum(axis=1)
    quiet = _near(quiet)
    every = _rank(quiet, number)
    limit = np.empty((homes, KINDS, BINS), np.int64)
    for kind in range(KINDS):
        mine = kinds == kind
        usual = np.maximum(every, _rank(quiet[:, mine], known[:, mine].sum(axis=1)))
        limit[:, kind] = beyond(usual * SECOND)
    limit[number < ENOUGH] = NONE
    brief = _rank(_near(begun), number) * SECOND
    none = (brief > BRIEF) | (number < ENOUGH)[:, None] | (begun == NONE).all(axis=(1, 2))[:, None]
    limit_begun = np.where(none, NONE, beyond(brief))
    out = np.sort(away.max(axis=2, initial=0), axis=1)[:, ::-1].astype(np.int64) if days else np.zeros((homes, 1))
    # days on which everybody was out for a day are holidays, which nobody is used to
    out = np.where(out * SECOND < DAY, out, 0)
    out[:, ::-1].sort(axis=1)
    longest_out = out[np.arange(homes), _odd(number)]
    limit_away = np.maximum(longest_out * SECOND + AWAY_MARGIN, AWAY_LEAST)
    return Usual(limit, limit_begun, np.where(number < ENOUGH, NONE, limit_away), number.astype(np.int64))


def beyond(usual: Int64) -> Int64:
    """From where on [us] a quiet spell is longer than usual, where so long [us] is."""
    return np.asarray(np.maximum(usual + np.minimum(usual // PART + MARGIN, MOST), LEAST), np.int64)


def _odd(days: Int64) -> Int64:
    """How many of so many days may be longer than what is called usual: 0 of 14, 1 of 28, 3 of 56."""
    return np.asarray(np.maximum(days - 1, 0) // ODD, np.int64)


def _rank(some: Int32, known: Int64) -> Int64:
    """Of (homes, days, BINS) the longest of each half-hour but for the odd days, (homes, BINS) [s]; unknown is 0.

    ``known`` ``(homes,)``: days of which something is known; the others are shorter than all of these.
    """
    homes, days, _ = some.shape
    if days == 0:
        return np.zeros((homes, BINS), np.int64)
    odd = _odd(known)
    ranks = np.unique(odd)
    ordered = np.partition(some, days - 1 - ranks, axis=1)
    return np.asarray(np.maximum(ordered[np.arange(homes), days - 1 - odd], 0), np.int64)


def _near(some: Int32) -> Int32:
    """Of (homes, days, BINS) the longest from `REACH` half-hours before to `REACH` after, the days before and after
    included, same shape."""
    flat = some.reshape(len(some), some.shape[1] * BINS)
    wide = np.pad(flat, ((0, 0), (REACH, REACH)), constant_values=NONE)
    best = flat.copy()
    for step in range(2 * REACH + 1):
        np.maximum(best, wide[:, step : step + flat.shape[1]], out=best)
    return best.reshape(some.shape)


class _Names:
    """Half-hours of UTC, which lie in one half-hour of the clock each, and what that is called: its place among those
    of some local days, or `NONE`."""

    def __init__(self, first_day: int, days: int, zone: tzinfo) -> None:
        # no clock is a day away from UTC
        self._first = (first_day - 1) * BINS
        day, place = bins((self._first + np.arange((days + 2) * BINS)) * HALF_HOUR, zone)
        inside = (day >= first_day) & (day < first_day + days)
        self._days, self._place = days, np.where(inside, (day - first_day) * BINS + place, NONE)

    def longest(self, spans: Spans, whole: Bools) -> Int32:
        """How long a span had been running at most in each half-hour that it touches [s, at least 1]; 0 without one.

        ``whole`` ``(homes,)``: homes whose spans count with their whole length. Shape (homes, days, BINS).
        """
        found = np.zeros((len(whole), self._days, BINS), np.int32)
        first = np.maximum(spans.start // HALF_HOUR - self._first, 0)
        until = np.minimum(-(-spans.end // HALF_HOUR) - self._first, len(self._place))
        number = np.maximum(until - first, 0)
        half = np.arange(number.sum()) + np.repeat(first - (np.cumsum(number) - number), number)
        place = self._place[half]
        # whole seconds: the shorter of what is rounded down is the shorter one rounded down
        total = np.maximum((spans.end - spans.start) // SECOND, 1)
        length = np.repeat(total, number)
        by_part = ~whole[spans.home]
        if by_part.any():
            # from a span's start to the first half-hour of all, which begins at a whole second; no part is longer than
            # the whole, so where that counts nothing is cut
            lead = np.where(by_part, (self._first * HALF_HOUR - spans.start) // SECOND, total)
            running = (half + 1) * (HALF_HOUR // SECOND)
            running += np.repeat(lead, number)
            np.minimum(length, np.maximum(running, 1, out=running), out=length)
        place += np.repeat(spans.home * (self._days * BINS), number)
        good = self._place[half] != NONE
        np.maximum.at(found.reshape(-1), place[good], length[good].astype(np.int32))
        return found


def _part(spells: Spells, which: np.ndarray) -> Spans:
    return Spans(spells.home[which], spells.start[which], spells.end[which])


def _touched(spells: Spells, unheard: Spans) -> np.ndarray:
    """Which spells a home was partly not heard in."""
    found = np.zeros(len(spells.home), np.bool_)
    if not len(unheard.home) or not len(found):
        return found
    base = min(int(unheard.start.min()), int(spells.start.min()))
    span = max(int(unheard.end.max()), int(spells.end.max())) - base + 1
    start, end = unheard.home * span + unheard.start - base, unheard.home * span + unheard.end - base
    first = np.searchsorted(end, spells.home * span + spells.start - base, "right")
    until = np.searchsorted(start, spells.home * span + spells.end - base, "left")
    return np.asarray(first < until)
