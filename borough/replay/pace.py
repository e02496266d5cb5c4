"""When a message of a recording is due on our clock: at real speed, N times as fast, or at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

#: A pause of the process (Ctrl-Z, a laptop asleep) longer than this is no lateness to be made up for [s].
_ASLEEP = 5.0
_SECOND = 1_000_000


class Pace:
    """Recorded time against a monotonic clock, from the first message on. ``speed`` is infinite for flat out."""

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._clock = clock
        self._first: int | None = None
        self._begun = 0.0
        self._seen = 0.0

    @property
    def flat_out(self) -> bool:
        """Whether nothing is ever waited for."""
        return math.isinf(self.speed)

    def wait(self, due: int) -> float:
        """Seconds until a message that is due at ``due`` [us, recorded clock]; 0 or less: now.

        Ask at least every second while waiting: a longer silence counts as a pause, and the rest follows later.
        """
        if self.flat_out:
            return 0.0
        now = self._clock()
        if self._first is None:
            self._first, self._begun = due, now
        elif now - self._seen > _ASLEEP:
            self._begun += now - self._seen
        self._seen = now
        return self._begun + (due - self._first) / _SECOND / self.speed - now


def speed_of(text: str) -> float:
    """The speed of an option: ``real``, ``flat-out``, or a number of times. Raises ValueError."""
    if text in ("flat-out", "flat", "max"):
        return math.inf
    if text in ("real", "1", "1x"):
        return 1.0
    speed = float(text.removesuffix("x"))
    if not 0 < speed < math.inf:
        raise ValueError(text)
    return speed
