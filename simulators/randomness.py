"""Random numbers by name: every draw of a simulation comes from a Philox stream keyed by what it is for.

A stream is a function of (seed, family, purpose, day, block) and of nothing that was drawn before it. So any span can
be made alone, in any order, and has the readings that it has within a longer span.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

#: How many time constants a wandering value looks back: what is older counts for exp(-6), a quarter of a per cent.
_MEMORY = 6.0


def stream(seed: int, family: str, purpose: str, day: int = 0, block: int = 0) -> np.random.Generator:
    """A generator of its own for this purpose on this day (days since the epoch, UTC; may be negative).

    The key is a digest of the names, so that streams of different purposes never overlap, whatever the seed.
    """
    name = f"{seed}/{family}/{purpose}/{day}/{block}".encode()
    key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def wander(
    seed: int, family: str, purpose: str, day: int, *, memory: float, step: float = 1.0, width: int = 1
) -> Float64:
    """A stationary Gauss-Markov process of mean 0 and deviation 1 at the knots of one UTC day.

    x[k+1] = a x[k] + sqrt(1 - a^2) e[k], a = exp(-step / memory); both in [h], ``step`` divides 24. Shape
    (24 / step + 1, width): the last knot is the next midnight, so that a day can be interpolated to its end. Every day
    is made from the draws of the days before it, six time constants back, with plain element-wise arithmetic: the
    same bits whichever span is asked for.
    """
    knots = round(24 / step)
    days = math.ceil(_MEMORY * memory / 24) + 1
    fade = math.exp(-step / memory)
    window = [_draws(seed, family, purpose, day - back, knots, width) for back in range(days, -2, -1)]
    # of the day after, only the first knot counts, but its draws belong together
    value = np.concatenate(window)[: (days + 1) * knots + 1]
    # the first of all is drawn from the stationary distribution: the deviation is 1 from there on
    value[1:] *= math.sqrt(1 - fade * fade)
    # 1 / (1 - aL) = (1 + aL)(1 + a^2 L^2)(1 + a^4 L^4) ...: the recursion in a few passes over the whole window
    shift = 1
    while shift < len(value):
        value[shift:] += fade**shift * value[:-shift]
        shift *= 2
    return value[-knots - 1 :]


@lru_cache(maxsize=256)
def _draws(seed: int, family: str, purpose: str, day: int, knots: int, width: int) -> Float64:
    """A day's normal draws; remembered, because every day looks back at the same days as the one before it."""
    draws = stream(seed, family, purpose, day).standard_normal((knots, width))
    draws.flags.writeable = False
    return draws
