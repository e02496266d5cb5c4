"""What every command has in common that runs until it is told to end: how it is told, and how it waits meanwhile."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

#: A signal's handler runs in the main thread alone, and Python goes on sleeping after it: so long a slice [s].
_SLICE = 0.2


def stopped_by_signal(then: Callable[[], None] = lambda: None) -> Callable[[], bool]:
    """Whether SIGTERM or Ctrl-C came, from now on; ``then`` is called as it does. Of the main thread only."""
    came: list[int] = []

    def told(number: int, _frame: object) -> None:
        came.append(number)
        then()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    return lambda: bool(came)


def sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    """Sleep so long [s], or until ``stopped``."""
    until = time.monotonic() + seconds
    while not stopped() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))
