"""Whoever erases goes on with what could not be done at once, in the background, and after a restart."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

import psycopg

from borough.errors import Failure
from borough.rights import erase as erasing
from borough.rights.context import ErasureContext, kinds

log = logging.getLogger(__name__)

#: How often it looks [s]; looking takes a twentieth of the time at most, however much there is to look through.
EVERY = 15.0
_REST = 20.0
_LONGEST = 3_600.0


class Finisher:
    """Finishes erasures from ``with`` to its end. One that is cut off at the end is gone on with by the next."""

    def __init__(self, context: ErasureContext, every: float = EVERY) -> None:
        self._context = context
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="erasures", daemon=True)
        self._said = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        wait = 0.0
        while not self._stop.wait(wait):
            begun = time.monotonic()
            try:
                report = erasing.finish(self._context)
            except (Failure, OSError, psycopg.Error) as error:
                self._say(f"erasures cannot go on: {type(error).__name__}")
            else:
                if report is not None:
                    left = kinds(report.pending)
                    self._say(f"erasures are pending ({left})" if left else "erasures are done")
            wait = min(_LONGEST, max(self._every, _REST * (time.monotonic() - begun)))

    def _say(self, words: str) -> None:
        """Log what is new; never whose it is."""
        if words != self._said:
            log.info("%s", words)
        self._said = words
