"""Progress on standard error: one line that is rewritten on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta

from borough.output import tell

#: Between two lines where nobody watches, and where somebody does [s].
_SELDOM, _OFTEN = 10.0, 0.5


class ProgressLine:
    """Says how far a long command is. ``fraction``: how much is done, 0 to 1; None where there is no end."""

    def __init__(self, fraction: Callable[[], float] | None = None) -> None:
        self._fraction = fraction
        self._terminal = sys.stderr.isatty()
        self._begun = self._last = time.monotonic()
        self._count = 0

    def show(self, count: int, more: str) -> None:
        """Tell the count of messages and what else there is to say; not too often."""
        now = time.monotonic()
        since = now - self._last
        if since < (_OFTEN if self._terminal else _SELDOM):
            return
        line = f"{count:,} messages, {(count - self._count) / since:,.0f}/s, {more}"
        if self._fraction is not None:
            part = self._fraction()
            left = (now - self._begun) * (1 - part) / part if part > 0.001 else None
            remaining = "" if left is None else f", about {timedelta(seconds=round(left))} left"
            line = f"{part:4.0%}  {line}{remaining}"
        self._last, self._count = now, count
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        else:
            tell(line)

    def end(self) -> None:
        """Leave the line, so that what follows does not stand behind it."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
