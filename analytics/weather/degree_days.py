"""Degree days of days' mean temperatures, at bases of whole degrees Fahrenheit as CalTRACK 2.0 has them (3.2 and 3.3).

A day below a base has as many degree days as its mean lies below it; heating follows them, cooling those above a base.
Temperatures come in Celsius and coefficients leave per Kelvin; bases keep their Fahrenheit, for they are whole there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

#: Bases that are tried [F], CalTRACK 3.2.2: 30 to 90 in steps of 1.
BASES: Float64 = np.arange(30.0, 91.0)
#: Degrees Fahrenheit in a Kelvin.
PER_KELVIN = 1.8


def fahrenheit(celsius: Float64) -> Float64:
    """Temperatures [F] of temperatures [Cel], any shape."""
    return np.asarray(celsius * PER_KELVIN + 32.0)


def celsius(fahrenheit: Float64) -> Float64:
    """Temperatures [Cel] of temperatures [F], any shape."""
    return np.asarray((fahrenheit - 32.0) / PER_KELVIN)


def below(temperature: Float64, bases: Float64) -> Float64:
    """Degree days below bases [K day]: ``temperature`` ``(days,)`` [Cel], ``bases`` ``(...,)`` [F]; ``(..., days)``.

    NaN where the temperature or the base is NaN.
    """
    return np.asarray(np.maximum(bases[..., None] - fahrenheit(temperature), 0.0) / PER_KELVIN)


def above(temperature: Float64, bases: Float64) -> Float64:
    """Degree days above bases [K day], like `below`."""
    return np.asarray(np.maximum(fahrenheit(temperature) - bases[..., None], 0.0) / PER_KELVIN)
