"""What a home used in a period against what the weather alone would have made it: CalTRACK's avoided energy use (3.5).

The model is of the 365 days before the period. It is asked what the home would use at the period's own temperatures,
and that is held against what it did use, on the days of which both are known. Where that cannot be said honestly it is
not said: of the year fewer than nine tenths of the days (CalTRACK 2.2.1), of the period fewer than three quarters (our
choice), or a home that is heated by this fuel and whose use does not answer the cold.

How much is chance follows ASHRAE Guideline 14-2014, annex B: 1.26 z s sqrt(m (n / n') (1 + 2 / n')), with s the error
of the model, n its days, m those of the period, and n' = n (1 - r) / (1 + r) for days that resemble the one before by
r. A change that is not larger is no finding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.weather.caltrack import BOTH, HEATING, Models, predict

Float64 = NDArray[np.float64]
Int8 = NDArray[np.int8]

#: Days of the year that a model is of, and what part of them and of a period must be known.
YEAR = 365
_OF_YEAR, _OF_PERIOD = 0.9, 0.75
#: Normal quantile of 95 %.
_Z = 1.959963984540054

#: Places of ``Change.why``: it is said; too little of the year is known, or of the period; no model; no answer to cold.
SAID, SHORT_YEAR, SHORT_PERIOD, NO_MODEL, NO_ANSWER = range(5)


class Change(NamedTuple):
    """Changes of homes, each ``(homes,)``.

    ``actual``, ``expected`` [kWh] over ``days``, those with use and temperature; ``percent`` of the expected;
    ``chance`` [kWh]: how far the two may lie apart without any change, at 95 %; ``why``: `SAID`, or why there are only
    NaN.
    """

    actual: Float64
    expected: Float64
    percent: Float64
    chance: Float64
    days: NDArray[np.int32]
    why: Int8


def change(
    models: Models,
    use: Float64,
    temperature: Float64,
    hours: Float64 | None = None,
    *,
    heated: NDArray[np.bool_] | None = None,
) -> Change:
    """The change of a period: ``use`` ``(homes, days)`` [kWh], NaN where not known; ``temperature`` ``(days,)`` [Cel].

    ``hours`` ``(days,)``: how long each local day is [h]; ``heated`` ``(homes,)``: whether the fuel heats the home.
    """
    known = np.isfinite(use) & np.isfinite(temperature)
    days = known.sum(axis=1)
    expected = np.where(known, predict(models, temperature, hours), 0.0).sum(axis=1)
    actual = np.where(known, use, 0.0).sum(axis=1)
    silent = ~np.isin(models.kind, (HEATING, BOTH)) & (False if heated is None else heated)
    why = np.select(
        [models.days < np.ceil(_OF_YEAR * YEAR), days < np.ceil(_OF_PERIOD * use.shape[1]),
         (models.kind < 0) | ~(expected > 0), silent],
        [SHORT_YEAR, SHORT_PERIOD, NO_MODEL, NO_ANSWER], SAID,
    ).astype(np.int8)  # fmt: skip
    like = np.clip(models.correlation, 0.0, 0.99)
    alone = models.days * (1 - like) / (1 + like)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = 100 * (actual - expected) / expected
        chance = 1.26 * _Z * models.error * np.sqrt(days * models.days / alone * (1 + 2 / alone))
    said = why == SAID
    columns = [np.where(said, column, np.nan) for column in (actual, expected, percent, chance)]
    return Change._make([*columns, days.astype(np.int32), why])
