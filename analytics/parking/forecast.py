"""Occupancy of a zone a quarter, half and whole hour ahead, and whether that is better than what anybody could say.

Occupancy is a share from 0 to 1 by local quarter hour, ``(days, 96)``, NaN where nothing is known. What is foretold
from quarter hour t is the change to the one k later (k = 1, 2, 4: it ends 15, 30 and 60 minutes after t has ended):

    y[t+k] - y[t] = a (p[t+k] - p[t]) + b (p[t] - y[t]) + c (y[t] - y[t-1]) + d (y[t] - y[t-3])

p is the usual occupancy at that quarter hour of the week. All coefficients zero is persistence, a = b = 1 the usual
course; they are found by least squares with a penalty that draws them to zero (ridge regression; Hoerl and Kennard,
Technometrics 12, 1970). The usual course of a day that is learnt from is that of the other days.

A forecast is *shown* where, in a rolling test on days that it had not seen, it was better than both persistence and the
mean of the hour of the week, clearly and not by chance. Everything pure; arrays in and out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int64

QUARTERS = 96
#: Minutes ahead, and the same in quarter hours.
HORIZONS = (15, 30, 60)
STEPS = (1, 2, 4)
#: Days that are looked back, and the fewest of which anything is learnt, and on which it must have been tested.
DAYS, LEAST, TESTED = 56, 14, 7
#: Days of the same weekday and of any that count like the mean that stands in for them.
_WEEK, _ANY = 2.0, 1.0
#: The penalty, as a share of the mean square of each term.
_RIDGE = 0.02
#: A shown forecast errs less than both others by this share, and by so many standard errors of its days.
_BETTER, _SURE = 0.03, 2.5
#: Quarter hours before t that a forecast needs.
_BEFORE = 3


class Backtest(NamedTuple):
    """Mean absolute errors [share] by horizon ``(3,)`` over the same quarter hours, NaN where none could be tested.

    ``shown`` bool: better than both. ``days``: on which it was tested.
    """

    forecast: Float64
    persistence: Float64
    hour_of_week: Float64
    shown: NDArray[np.bool_]
    days: int


def usual(occupancy: Float64, weekday: Int64, of: int) -> Float64:
    """The usual occupancy of a weekday ``of``, ``(96,)``: its mean by quarter hour, drawn to that of all days where few
    are known. NaN where no day is known."""
    return _drawn(*_sums(occupancy, weekday == of), *_sums(occupancy, np.ones(len(weekday), np.bool_)))


def _sums(occupancy: Float64, which: NDArray[np.bool_]) -> tuple[Float64, Float64]:
    some = occupancy[which]
    return np.nansum(some, axis=0), np.sum(~np.isnan(some), axis=0).astype(np.float64)


def _drawn(week: Float64, weeks: Float64, every: Float64, days: Float64) -> Float64:
    """Means of sums ``week`` over ``weeks`` values, drawn to those of ``every`` over ``days``, and these to their own
    neighbourhood of an hour; any shape (…, 96)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        around = _around(every) / _around(days)
        any_day = np.where(days > 0, (every + _ANY * around) / (days + _ANY), around)
        return np.where(weeks > 0, (week + _WEEK * any_day) / (weeks + _WEEK), any_day)


def _around(values: Float64) -> Float64:
    """Sums over the quarter hours from two before to two after, round midnight."""
    return sum((np.roll(values, shift, axis=-1) for shift in (-2, -1, 1, 2)), values.copy())


def _usual_of_others(occupancy: Float64, weekday: Int64) -> Float64:
    """For each day the usual occupancy by the other days, ``(days, 96)``."""
    known = ~np.isnan(occupancy)
    own, one = np.where(known, occupancy, 0.0), known.astype(np.float64)
    week, weeks = np.zeros_like(own), np.zeros_like(own)
    for day in range(7):
        which = weekday == day
        week[which], weeks[which] = own[which].sum(axis=0), one[which].sum(axis=0)
    return _drawn(week - own, weeks - one, own.sum(axis=0) - own, one.sum(axis=0) - one)


def _terms(occupancy: Float64, course: Float64, step: int) -> tuple[Float64, Float64]:
    """The four terms ``(quarters, 4)`` and what they are to tell ``(quarters,)``, of all quarter hours in a row."""
    y, p = occupancy.ravel(), course.ravel()
    terms = np.full((len(y), 4), np.nan)
    target = np.full(len(y), np.nan)
    terms[:-step, 0] = p[step:] - p[:-step]
    terms[:, 1] = p - y
    terms[1:, 2] = y[1:] - y[:-1]
    terms[_BEFORE:, 3] = y[_BEFORE:] - y[:-_BEFORE]
    target[:-step] = y[step:] - y[:-step]
    return terms, target


def fit(occupancy: Float64, weekday: Int64, step: int) -> Float64:
    """The four coefficients for ``step`` quarter hours ahead; zeros where nothing can be learnt."""
    terms, target = _terms(occupancy, _usual_of_others(occupancy, weekday), step)
    some = ~(np.isnan(terms).any(axis=1) | np.isnan(target))
    if some.sum() < QUARTERS:
        return np.zeros(4)
    found, wanted = terms[some], target[some]
    gram = found.T @ found
    penalty = _RIDGE * np.diag(gram) + 1e-9 * len(wanted)
    return np.asarray(np.linalg.solve(gram + np.diag(penalty), found.T @ wanted), np.float64)


def ahead(occupancy: Float64, weekday: Int64, quarter: int) -> Float64:
    """The occupancy ``(3,)`` by horizon after the quarter hour ``quarter`` of the last day; NaN: it cannot be told.

    What that day has after it is not looked at.

    ``occupancy``: consecutive days, ``weekday`` 0 is Monday.
    """
    past = occupancy[:-1]
    if np.sum(~np.isnan(past).all(axis=1)) < LEAST:
        return np.full(len(STEPS), np.nan)
    now = np.concatenate((past.ravel()[-QUARTERS:], occupancy[-1, : quarter + 1]))
    course = np.concatenate([usual(past, weekday[:-1], (weekday[-1] + day) % 7) for day in (-1, 0, 1)])
    told = np.full(len(STEPS), np.nan)
    at = QUARTERS + quarter
    for place, step in enumerate(STEPS):
        y, p = now[at], course
        terms = np.array((p[at + step] - p[at], p[at] - y, y - now[at - 1], y - now[at - _BEFORE]))
        told[place] = np.clip(y + terms @ fit(past, weekday[:-1], step), 0.0, 1.0)
    return told


def backtest(occupancy: Float64, weekday: Int64, least: int = LEAST, tested: int = TESTED) -> Backtest:
    """Foretell every quarter hour of every day after the first ``least`` from the days before it, and see how far off
    that was. ``tested``: on fewer days nothing is shown.

    ``occupancy``: consecutive days. The mean of the hour of the week is that of the days before too, or where no such
    weekday has been, that of the hour of the day.
    """
    errors = np.full((3, len(STEPS), len(occupancy)), np.nan)
    for day in range(least, len(occupancy)):
        seen, days = occupancy[:day], weekday[:day]
        if np.isnan(seen).all() or np.isnan(occupancy[day]).all():
            continue
        course = np.stack([usual(seen, days, one) for one in (weekday[day - 1], weekday[day])])
        hours = np.repeat(_hour_of_week(seen, days, int(weekday[day])), 4)
        pair = occupancy[day - 1 : day + 1]
        truth = occupancy[day]
        for place, step in enumerate(STEPS):
            terms, _ = _terms(pair, course, step)
            coefficients = fit(seen, days, step)
            # the quarter hours of this day, each from the one that is ``step`` before it
            begin = np.arange(QUARTERS, 2 * QUARTERS) - step
            base = pair.ravel()[begin]
            told = np.clip(base + terms[begin] @ coefficients, 0.0, 1.0)
            some = ~(np.isnan(told) | np.isnan(base) | np.isnan(hours) | np.isnan(truth))
            if some.any():
                for row, guess in enumerate((told, base, hours)):
                    errors[row, place, day] = np.mean(np.abs(guess[some] - truth[some]))
    return _judged(errors, tested)


def _hour_of_week(occupancy: Float64, weekday: Int64, of: int) -> Float64:
    """The mean of each hour ``(24,)`` of a weekday, or of any day where that has not been."""
    same = occupancy[weekday == of]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [
            np.nansum(part, axis=(0, 2)) / np.sum(~np.isnan(part), axis=(0, 2))
            for part in (same.reshape(-1, 24, 4), occupancy.reshape(-1, 24, 4))
        ]
    hours: Float64 = np.where(np.isnan(found[0]), found[1], found[0])
    return hours


def _judged(errors: Float64, tested: int) -> Backtest:
    some = ~np.isnan(errors).any(axis=(0, 1))
    days = int(some.sum())
    if days == 0:
        nothing = np.full(len(STEPS), np.nan)
        return Backtest(nothing, nothing, nothing, np.zeros(len(STEPS), np.bool_), 0)
    found = errors[:, :, some]
    means = found.mean(axis=2)
    shown = np.full(len(STEPS), days >= max(tested, 2))
    for other in (1, 2):
        better = found[other] - found[0]
        spread = better.std(axis=1, ddof=1) / np.sqrt(days) if days > 1 else np.full(len(STEPS), np.inf)
        shown &= (means[0] < (1 - _BETTER) * means[other]) & (better.mean(axis=1) > _SURE * spread)
    return Backtest(means[0], means[1], means[2], shown, days)


def grid(quarters: NDArray[np.int32], wall: Int64) -> Float64:
    """The occupancy ``(96,)`` of a local day by its 92 to 100 stored quarter hours ``(quarters, 4)``: occupied, free,
    suspended, unknown. NaN where nothing is known.

    ``wall`` ``(quarters,)``: which of the 96 each is by the clock; of those that are repeated all count together.
    """
    occupied, known = np.zeros(QUARTERS), np.zeros(QUARTERS)
    np.add.at(occupied, wall, quarters[:, 0])
    np.add.at(known, wall, quarters[:, 0].astype(np.float64) + quarters[:, 1])
    with np.errstate(invalid="ignore"):
        return np.where(known > 0, occupied / np.where(known > 0, known, 1.0), np.nan)
