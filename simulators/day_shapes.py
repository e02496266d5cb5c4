"""Shapes of a day by the local clock: when people cook, heat and wash, by habit; each has mean 1 over the week."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulators.clock import LocalClock
from simulators.homes import HABITS, SHIFTS

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

#: Habit -> (middle [h], width [h], height) of the bumps on a working day and at the weekend, above a floor of 1.
_BUMPS: tuple[tuple[tuple[tuple[float, float, float], ...], ...], ...] = (
    # out at work
    (
        ((7.4, 0.9, 2.4), (12.5, 2.6, 1.1), (18.4, 1.3, 6.4), (21.8, 1.6, 4.6)),
        ((9.6, 1.6, 2.2), (13.5, 2.2, 1.8), (18.2, 1.6, 5.4), (21.8, 1.6, 4.4)),
    ),
    # at home
    (
        ((8.2, 1.3, 2.6), (12.6, 1.6, 2.8), (17.8, 1.7, 5.4), (21.4, 1.6, 3.8)),
        ((8.8, 1.4, 2.6), (12.9, 1.6, 3.0), (17.8, 1.7, 5.2), (21.4, 1.6, 3.8)),
    ),
    # a family
    (
        ((7.3, 0.9, 3.4), (12.0, 2.0, 0.9), (16.8, 1.4, 4.6), (19.0, 1.4, 5.2), (21.7, 1.3, 3.2)),
        ((9.0, 1.5, 2.8), (12.8, 1.8, 2.4), (17.6, 1.6, 5.2), (21.0, 1.6, 3.6)),
    ),
)


@lru_cache(maxsize=1)
def _table() -> Float32:
    """Shape (2, 48, habits x shifts): working day and weekend, local half-hour, column of the rhythm."""
    middle = np.arange(48) / 2 + 0.25
    table = np.empty((2, 48, HABITS * len(SHIFTS)))
    for habit, days in enumerate(_BUMPS):
        for weekend, bumps in enumerate(days):
            # the floor: lights left on, things that charge; nearly nothing between one and six
            shape = 0.75 + sum(height * _bump(middle, centre, width) for centre, width, height in bumps)
            shape *= 1 - 0.62 * _bump(middle, 3.6, 1.8)
            for column, shift in enumerate(SHIFTS):
                table[weekend, :, habit * len(SHIFTS) + column] = np.roll(shape, shift)
    week = (5 * table[0].mean(axis=0) + 2 * table[1].mean(axis=0)) / 7
    return np.asarray(table / week, np.float32)


def rhythms(clock: LocalClock) -> Float32:
    """Use of light and appliances relative to its mean, shape (instants, habits x shifts)."""
    return _table()[(clock.weekday >= 5).astype(np.int64), (clock.hour * 2).astype(np.int64)]


def heating_hours(clock: LocalClock) -> Float32:
    """Heating relative to the day's mean, shape (instants,): a low night, a morning and a long evening."""
    shape = _heating_shape(np.arange(48) / 2 + 0.25)
    return np.asarray((_heating_shape(clock.hour) / shape.mean()), np.float32)


def hot_water_hours(clock: LocalClock) -> Float32:
    """Hot water relative to the day's mean, shape (instants,)."""
    shape = _water_shape(np.arange(48) / 2 + 0.25)
    return np.asarray((_water_shape(clock.hour) / shape.mean()), np.float32)


def _heating_shape(hour: Float64) -> Float64:
    return np.asarray(0.35 + 1.8 * _bump(hour, 7.2, 1.2) + 0.7 * _bump(hour, 13.0, 3.0) + 1.7 * _bump(hour, 19.0, 2.4))


def _water_shape(hour: Float64) -> Float64:
    return np.asarray(0.08 + 2.4 * _bump(hour, 7.3, 1.0) + 0.5 * _bump(hour, 13.0, 2.0) + 1.3 * _bump(hour, 19.5, 2.0))


def _bump(hour: Float64, middle: float, width: float) -> Float64:
    """A bell of height 1 around a time of day, closed over midnight."""
    away = np.abs(hour - middle)
    return np.asarray(np.exp(-0.5 * (np.minimum(away, 24 - away) / width) ** 2))
