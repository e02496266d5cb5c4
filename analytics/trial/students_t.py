"""Student's t without a library for it: what few homes need in place of the normal distribution."""

from __future__ import annotations

from math import erfc, exp, isfinite, isnan, lgamma, log, log1p, sqrt

from analytics.trial.estimate import quantile as normal_quantile

#: The continued fraction ends where a step changes less than this; far fewer steps than these are needed.
_ENOUGH, _STEPS = 1e-16, 10_000
_TINY = 1e-300


def probability(t: float, df: float) -> float:
    """How likely a value at least as far from 0 as ``t`` is (two-sided p); NaN gives NaN.

    The incomplete beta function I(df / 2, 1/2) at df / (df + t^2). Raises ValueError on df.
    """
    if not df > 0:
        raise ValueError(f"degrees of freedom are above 0, not {df}")
    if isnan(t):
        return t
    if not isfinite(df) or not isfinite(t):
        return erfc(abs(t) / sqrt(2))
    square = t * t
    return _beta(square, df)


def quantile(level: float, df: float) -> float:
    """How many standard errors a two-sided interval reaches to each side. Raises ValueError on the level or df."""
    low, high = 0.0, normal_quantile(level)
    if not isfinite(df):
        return high
    outside = 1.0 - level
    while probability(high, df) > outside:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if probability(middle, df) > outside:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(square: float, df: float) -> float:
    """I(df/2, 1/2) at df / (df + square), by its continued fraction on the side where it converges quickly."""
    a, b = df / 2, 0.5
    x, rest = df / (df + square), square / (df + square)
    if rest == 0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) - a * log1p(square / df) + b * log(rest))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's way."""
    c, d = 1.0, 1.0 / _nonzero(1 - (a + b) * x / (a + 1))
    found = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for part in (even, odd):
            d = 1.0 / _nonzero(1 + part * d)
            c = _nonzero(1 + part / c)
            found *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return found


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
