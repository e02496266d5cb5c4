"""CalTRACK 2.0 daily (sections 3.2 to 3.4), of many homes at once: use of a day = mu + b_h HDD + b_c CDD.

All bases are tried. A candidate needs at least 10 days with degree days and a total of at least 20 F days of each kind
that it has, and no coefficient and no intercept of it may be negative; p-values are not asked for. The best adjusted R2
wins, of equal ones the first: intercept only (0), heating by rising base, cooling by rising base, both by rising base
of cooling and then of heating, which is never the higher one. This is what eemeter 2.10.11 does, and what the figures
are checked against. Where candidates are the same line (bases above the warmest day) eemeter's choice hangs on the last
digit; here those within 1e-12 are equal. A candidate whose degree days are collinear is none.

No day lies below the lower base and above the higher one: HDD x CDD sums to 0, so that six sums over days by base, of
which those of homes with gaps are matrix products of their masks, give all candidates in closed form.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.weather.degree_days import BASES, PER_KELVIN, above, below, fahrenheit

Float64 = NDArray[np.float64]
Int8 = NDArray[np.int8]
Bools = NDArray[np.bool_]

#: Places of ``Models.kind``; -1: no model, because no day is known or use is negative.
INTERCEPT, HEATING, COOLING, BOTH = range(4)
#: CalTRACK 3.3.4.1.2 and 3.3.4.1.3: days with degree days, and their total [F day].
_FEWEST_DAYS, _LEAST_TOTAL = 10, 20.0
#: Adjusted R2 that differ by less are equal; parts of a sum of squares below which there is nothing but rounding.
_EQUAL, _ROUNDING = 1e-12, 1e-10
#: Homes that are computed together: their candidates stay in the processor's cache.
_TOGETHER = 1024


class Models(NamedTuple):
    """Models of homes, each ``(homes,)``.

    ``kind``; ``heating``, ``cooling``: bases [F], NaN where it has none; ``intercept`` [kWh/day of 24 h], NaN without a
    model; ``b_h``, ``b_c`` [kWh/(K day)], 0 where it has none; ``r2``: adjusted; ``days``: of known use and
    temperature; ``error``: root mean square of the residuals [kWh/day], by days less coefficients;
    ``correlation``: of residuals of days that follow each other.
    """

    kind: Int8
    heating: Float64
    cooling: Float64
    intercept: Float64
    b_h: Float64
    b_c: Float64
    r2: Float64
    days: NDArray[np.int32]
    error: Float64
    correlation: Float64


def fit(use: Float64, temperature: Float64, hours: Float64 | None = None, *, cooling: bool = True) -> Models:
    """The model of each home: ``use`` ``(homes, days)`` [kWh], NaN where not known; ``temperature`` ``(days,)`` [Cel].

    ``hours`` ``(days,)``: how long each local day is [h], without it 24; on a day of 23 or 25 hours use is brought to
    24, as CalTRACK has it (3.3.1.1). ``cooling``: whether it may have any; not for gas and heat. Raises ValueError for
    shapes that do not fit.
    """
    if (
        use.ndim != 2
        or temperature.shape != (use.shape[1],)
        or (hours is not None and hours.shape != temperature.shape)
    ):
        raise ValueError(f"use {use.shape} wants a temperature and hours for each of its days")
    there = np.isfinite(temperature)
    degrees = _Degrees(fahrenheit(temperature[there]), cooling)
    scale = 1.0 if hours is None else 24.0 / hours[there]
    found = [
        _fit(np.asarray(use[low : low + _TOGETHER, there], np.float64) * scale, degrees, temperature[there])
        for low in range(0, len(use), _TOGETHER)
    ] or [_fit(np.empty((0, int(there.sum()))), degrees, temperature[there])]
    return Models._make(np.concatenate(column) for column in zip(*found, strict=True))


def predict(models: Models, temperature: Float64, hours: Float64 | None = None) -> Float64:
    """Use by the models at temperatures ``(days,)`` [Cel] on days of so many ``hours`` [h]: ``(homes, days)`` [kWh].

    NaN without a model or a temperature.
    """
    expected = models.intercept[:, None] + np.where(np.isnan(temperature), np.nan, 0.0)
    for base, slope, degree_days in ((models.heating, models.b_h, below), (models.cooling, models.b_c, above)):
        has = np.isfinite(base)
        expected[has] += slope[has, None] * degree_days(temperature, base[has])
    return expected if hours is None else expected * (hours / 24.0)


class _Sums(NamedTuple):
    """Sums over known days of degree days [F day], of their squares about their mean, and of use about its mean times
    them, by base.

    ``total``, ``square`` ``(homes, bases)`` or, where all homes know the same days, ``(1, bases)``; ``product``
    ``(homes, bases)``. ``square`` is 0 where a base has too few degree days, or the same on all days.
    """

    total: Float64
    square: Float64
    product: Float64


class _Degrees:
    """Degree days of the days [F day], of the bases ``low`` (heating) and ``high`` (cooling) that any home can have."""

    def __init__(self, days: Float64, cooling: bool) -> None:
        self.low, heating = self._enough(np.maximum(BASES[:, None] - days, 0.0))
        self.high, warm = self._enough(np.maximum(days - BASES[:, None], 0.0))
        if not cooling:
            self.high, warm = self.high[:0], warm[:0]
        both = np.concatenate([heating, warm])
        self._days = np.ascontiguousarray(both.T)
        self._moments = np.ascontiguousarray(np.concatenate([both, both * both, both > 0]).T)

    @staticmethod
    def _enough(degree_days: Float64) -> tuple[Float64, Float64]:
        enough = ((degree_days > 0).sum(axis=1) >= _FEWEST_DAYS) & (degree_days.sum(axis=1) >= _LEAST_TOTAL)
        return BASES[enough], degree_days[enough]

    def sums(self, mask: Float64, about: Float64) -> tuple[_Sums, _Sums]:
        """Of heating and of cooling; ``mask`` ``(homes, days)`` or ``(1, days)``, ``about`` ``(homes, days)``."""
        total, raw, number = np.split(mask @ self._moments, 3, axis=1)
        square = raw - total * total / np.maximum(mask.sum(axis=1, keepdims=True), 1)
        usable = (number >= _FEWEST_DAYS) & (total >= _LEAST_TOTAL) & (square > _ROUNDING * raw)
        columns = (total, np.where(usable, square, 0.0), about @ self._days)
        low = len(self.low)
        return _Sums._make(column[:, :low] for column in columns), _Sums._make(column[:, low:] for column in columns)


def _fit(use: Float64, degrees: _Degrees, temperature: Float64) -> Models:
    """A few homes; ``use`` [kWh in 24 h] of the days of ``degrees``."""
    known = np.isfinite(use)
    # the same days of all: one row of sums is everybody's
    mask = (known[:1] if len(use) and (known == known[:1]).all() else known).astype(np.float64)
    count = known.sum(axis=1)[:, None].astype(np.float64)
    mean = np.where(known, use, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    about = np.where(known, use - mean, 0.0)
    square = (about * about).sum(axis=1, keepdims=True)
    best = _Best(count, mean, square)
    heating, cooling = degrees.sums(mask, about)
    best.take_single(heating, degrees.low, HEATING)
    best.take_single(cooling, degrees.high, COOLING)
    for place, base in enumerate(degrees.high):
        fits = degrees.low <= base
        if fits.any():
            best.take_pairs(_Sums._make(column[:, fits] for column in heating), degrees.low[fits],
                            _Sums._make(column[:, [place]] for column in cooling), base)  # fmt: skip
    return _exactly(best, about, known, temperature)


class _Best:
    """The best candidate so far of each home, in the order in which they are tried."""

    def __init__(self, count: Float64, mean: Float64, square: Float64) -> None:
        homes = len(count)
        self.count, self.mean, self.square = count, mean, square
        #: What degree days may take of all use, rounding apart, so that the intercept is not negative.
        self._use = mean * (1 + _EQUAL) * count
        #: A home whose use is the same on all days has nothing to explain.
        self.varies = square > (1e-12 * mean) ** 2 * count
        # CalTRACK asks of the intercept alone, too, that it be not negative
        self.r2 = np.where((count > 0) & (mean >= 0), 0.0, -np.inf)[:, 0]
        self.kind = np.where(np.isfinite(self.r2), INTERCEPT, -1).astype(np.int8)
        self.heating, self.cooling = np.full(homes, np.nan), np.full(homes, np.nan)

    def take_single(self, it: _Sums, bases: Float64, kind: int) -> None:
        """Candidates with one base each."""
        if not len(bases):
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = it.product / it.square
            good = (it.square > 0) & (slope >= 0) & (slope * it.total <= self._use)
            r2 = self._adjusted(slope * it.product, good, 1)
        self._take(r2, kind, *((bases, None) if kind == HEATING else (None, bases)))

    def take_pairs(self, low: _Sums, bases: Float64, high: _Sums, base: float) -> None:
        """Candidates with one base of cooling ``(homes, 1)`` and some of heating, none of them higher."""
        with np.errstate(divide="ignore", invalid="ignore"):
            days = self.count if len(low.total) > 1 else self.count[:1]
            # no day has both: the sum of their products about their means is this below zero
            mixed = low.total * (high.total / days)
            scale = low.square * high.square
            determinant = scale - mixed * mixed
            first = high.square * low.product + mixed * high.product
            second = low.square * high.product + mixed * low.product
            good = (determinant > _ROUNDING * scale) & (first >= 0) & (second >= 0)
            good &= first * low.total + second * high.total <= self._use * determinant
            r2 = self._adjusted((first * low.product + second * high.product) / determinant, good, 2)
        self._take(r2, BOTH, bases, np.full(len(bases), base))

    def _adjusted(self, explained: Float64, good: Bools, slopes: int) -> Float64:
        freedom = self.count - slopes - 1
        r2 = 1 - (self.count - 1) / freedom * (1 - explained / self.square)
        return np.where(good & self.varies & (freedom > 0), r2, -np.inf)

    def _take(self, r2: Float64, kind: int, heating: Float64 | None, cooling: Float64 | None) -> None:
        highest = r2.max(axis=1)
        better = np.flatnonzero(highest > self.r2 + _EQUAL)
        if len(better):
            place = (r2[better] >= highest[better, None] - _EQUAL).argmax(axis=1)  # the first of those that are equal
            self.r2[better], self.kind[better] = highest[better], kind
            self.heating[better] = np.nan if heating is None else heating[place]
            self.cooling[better] = np.nan if cooling is None else cooling[place]


def _exactly(best: _Best, about: Float64, known: Bools, temperature: Float64) -> Models:
    """The coefficients of the chosen candidates, from degree days about their mean: nothing cancels out."""
    days = fahrenheit(temperature)
    heats, cools = np.isfinite(best.heating)[:, None], np.isfinite(best.cooling)[:, None]
    low = np.where(known & heats, np.maximum(best.heating[:, None] - days, 0.0), 0.0)
    high = np.where(known & cools, np.maximum(days - best.cooling[:, None], 0.0), 0.0)
    count = np.maximum(best.count, 1)
    low_mean, high_mean = low.sum(axis=1, keepdims=True) / count, high.sum(axis=1, keepdims=True) / count
    low, high = np.where(known, low - low_mean, 0.0), np.where(known, high - high_mean, 0.0)

    def product(one: Float64, other: Float64) -> Float64:
        return np.asarray(np.einsum("ij,ij->i", one, other))[:, None]

    # a home without a base has zeros for it: 1 in place of their square leaves its slope 0
    lows, highs = np.where(heats, product(low, low), 1.0), np.where(cools, product(high, high), 1.0)
    mixed, of_low, of_high = product(low, high), product(low, about), product(high, about)
    determinant = lows * highs - mixed * mixed
    first, second = (highs * of_low - mixed * of_high) / determinant, (lows * of_high - mixed * of_low) / determinant
    residual = about - first * low - second * high
    left = product(residual, residual)
    freedom = best.count - heats.astype(np.float64) - cools - 1
    following = np.where(known[:, 1:] & known[:, :-1], residual[:, 1:] * residual[:, :-1], 0.0).sum(axis=1)
    none = best.kind < 0
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - (best.count - 1) / freedom * left / best.square
        error = np.where(freedom > 0, np.sqrt(left / freedom), np.nan)
        correlation = np.where(left > 0, following[:, None] / left, 0.0)
    r2 = np.where(best.kind[:, None] == INTERCEPT, 0.0, r2)
    intercept = np.where(best.kind[:, None] == INTERCEPT, best.mean,
                         np.maximum(best.mean - first * low_mean - second * high_mean, 0.0))  # fmt: skip
    columns = (intercept, first * PER_KELVIN, second * PER_KELVIN, r2)
    intercepts, b_h, b_c, adjusted = (np.where(none, np.nan, column[:, 0]) for column in columns)
    return Models(
        best.kind, best.heating, best.cooling, intercepts, b_h, b_c, adjusted,
        known.sum(axis=1).astype(np.int32), error[:, 0], correlation[:, 0],
    )  # fmt: skip
