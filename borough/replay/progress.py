"""Progress of a command that sends messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from borough.output import StatusLine
from devices.counts import counted


class ProgressLine:
    """Says how far a long command is. ``fraction``: how much is done, 0 to 1; None where there is no end."""

    def __init__(self, fraction: Callable[[], float] | None = None) -> None:
        self._fraction = fraction
        self._line = StatusLine()
        self._begun = time.monotonic()
        self._count = 0

    def show(self, count: int, more: str) -> None:
        """Tell the count of messages and what else there is to say; not too often."""
        before = self._line.last
        if not self._line.due():
            return
        since = self._line.last - before
        line = f"{counted(count, 'message')}, {(count - self._count) / since:,.0f}/s, {more}"
        if self._fraction is not None:
            part = self._fraction()
            taken = self._line.last - self._begun
            left = taken * (1 - part) / part if part > 0.001 else None
            remaining = "" if left is None else f", about {timedelta(seconds=round(left))} left"
            line = f"{part:4.0%}  {line}{remaining}"
        self._count = count
        self._line.write(line)

    def end(self) -> None:
        """Leave the line, so that what follows does not stand behind it."""
        self._line.end()
