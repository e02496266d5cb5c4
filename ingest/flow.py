"""What a session's minutes were like: kept as numbers, written every few seconds by the control connection.

Nothing here is done for a message: a batch adds its numbers and, by family, the histogram of its readings' lags. A
minute is the one of the commit; the account goes by the one in which a batch was built, and may count it earlier.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ingest.series_cache import FAMILY_NAMES, FAMILY_NUMBER
from store.batch import Batch, Int64
from store.flow import LAG_BOUNDS, LAGS, Figures, Lag, Minute

#: How often it is written [s].
EVERY = 2.0
#: So many minutes and hours wait for a database that is away; of more the oldest are forgotten.
_WAITING = 24 * 60
_MINUTE, _HOUR = 60_000_000, 3_600_000_000


class Flow:
    """The minutes of one session. For the event loop's thread alone.

    ``clock``: seconds since the Unix epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._minute = 0
        self._minutes: dict[int, Minute] = {}
        self._lags: dict[int, Int64] = {}
        self._hours: dict[int, Int64] = {}
        self._looked: float | None = None
        self._dropped: int | None = None
        self._next = 0.0
        #: the first minute, while it is not known what the same session's last collector wrote of it
        self.unknown: int | None = self._now().minute

    def committed(self, messages: int, seconds: float, database_seconds: float, batch: Batch | None) -> None:
        """A batch of so many messages was committed, so long after it was taken [s], so long of it in the database."""
        minute = self._now()
        minute.batches += 1
        minute.messages += messages
        minute.write_seconds += seconds
        minute.write_longest = max(minute.write_longest, seconds)
        minute.database_seconds += database_seconds
        if batch is not None and len(batch.time):
            counts = lag_counts(batch, self._clock())
            for kept, at in ((self._lags, minute.minute), (self._hours, minute.minute // _HOUR * _HOUR)):
                known = kept.get(at)
                kept[at] = counts if known is None else known + counts

    def holds(self, messages: int, size: int) -> None:
        """So many messages are received and not committed; they take so much [bytes]."""
        minute = self._now()
        minute.in_flight_most = max(minute.in_flight_most, messages)
        minute.held_bytes_most = max(minute.held_bytes_most, size)

    def look(self, subscribed: bool, queued: int | None = None, dropped: int | None = None) -> None:
        """How the session is: asked about once a second. ``dropped``: what the broker threw away since its start."""
        minute, now = self._now(), time.monotonic()
        if subscribed and self._looked is not None:
            minute.up = min(60.0, minute.up + now - self._looked)
        self._looked = now if subscribed else None
        minute.broker_queued = minute.broker_queued if queued is None else queued
        if dropped is not None:
            # the first number is of times that nobody watched; one that is smaller is of a broker that began anew
            more = 0 if self._dropped is None else dropped - self._dropped if dropped >= self._dropped else dropped
            minute.broker_dropped = (minute.broker_dropped or 0) + more
            self._dropped = dropped

    def due(self) -> bool:
        """Whether it should be written."""
        return time.monotonic() >= self._next

    def add(self, before: Figures) -> None:
        """What the session's last collector wrote of the minute and the hour in which this one began."""
        self.unknown = None
        for minute in before.minutes:
            own = self._minutes.setdefault(minute.minute, Minute(minute.minute))
            own.batches += minute.batches
            own.messages += minute.messages
            own.write_seconds += minute.write_seconds
            own.write_longest = max(own.write_longest, minute.write_longest)
            own.database_seconds += minute.database_seconds
            own.in_flight_most = max(own.in_flight_most, minute.in_flight_most)
            own.held_bytes_most = max(own.held_bytes_most, minute.held_bytes_most)
            own.up = min(60.0, own.up + minute.up)
            own.broker_queued = minute.broker_queued if own.broker_queued is None else own.broker_queued
            if minute.broker_dropped is not None:
                own.broker_dropped = (own.broker_dropped or 0) + minute.broker_dropped
        for kept, lags in ((self._lags, before.lags), (self._hours, before.hours)):
            for at, family, counts in lags:
                if family in FAMILY_NUMBER:
                    known = kept.get(at)
                    sums = np.zeros((len(FAMILY_NAMES), LAGS), np.int64) if known is None else known.copy()
                    sums[FAMILY_NUMBER[family]] += counts
                    kept[at] = sums  # the old one may be the other's too

    def figures(self) -> Figures:
        """All that is to be written: minutes and hours that may not be in the store as they are."""
        self._now()
        return Figures(
            [replace(minute) for minute in self._minutes.values()], _rows(self._lags), _rows(self._hours)
        )  # fmt: skip

    def written(self, figures: Figures) -> None:
        """These are in the store: minutes and hours that are over need not be kept."""
        self._next = time.monotonic() + EVERY
        newest = max(minute.minute for minute in figures.minutes)
        for minute in figures.minutes:
            if minute.minute < newest:
                # the oldest may have been let go of while they were written
                self._minutes.pop(minute.minute, None)
                self._lags.pop(minute.minute, None)
        for lag in figures.hours:
            if lag.at < newest // _HOUR * _HOUR:
                self._hours.pop(lag.at, None)

    def _now(self) -> Minute:
        # a clock that is set back does not bring back a minute that was let go of
        self._minute = max(self._minute, int(self._clock() * 1e6) // _MINUTE * _MINUTE)
        found = self._minutes.get(self._minute)
        if found is None:
            found = self._minutes[self._minute] = Minute(self._minute)
            for kept in (self._minutes, self._lags, self._hours):
                while len(kept) > _WAITING:
                    del kept[min(kept)]
        return found


def lag_counts(batch: Batch, now: float) -> Int64:
    """A batch's readings by family and lag, ``(families, LAGS)``, at their commit ``now`` [s since the Unix epoch]."""
    lags = np.searchsorted(LAG_BOUNDS, now - batch.time / 1e6)
    places = batch.family.astype(np.intp) * LAGS + lags
    return np.bincount(places, minlength=len(batch.families) * LAGS).reshape(len(batch.families), LAGS)


def _rows(kept: dict[int, Int64]) -> list[Lag]:
    return [
        Lag(at, FAMILY_NAMES[place], counts[place].copy())
        for at, counts in kept.items()
        for place in np.flatnonzero(counts.any(axis=1)).tolist()
    ]
