"""Whose messages are refused: tombstones as the collector looks at them (docs/decisions/006-erasure.md).

A reading of a refused period is acknowledged, decoded, counted ``refused`` and kept nowhere.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from ingest.series_cache import NEVER, NewSeries, SeriesCache
from store import corrections, series, tombstones
from store.batch import Int64, SeriesState
from store.connect import Connection
from store.tombstones import Tombstone

#: In place of a series' number: there is none, and nothing is written.
NO_SERIES = -1
FOREVER: int = np.iinfo(np.int64).max
#: Cache limit: a flood of invented ids only clears it.
_HASHES_MAXIMUM = 400_000


class Suppression(NamedTuple):
    """What is refused of one device: ``periods`` [us], the end not included. ``gone``: the device itself was erased."""

    periods: tuple[tuple[int, int], ...]
    family: str | None
    model: str | None
    gone: bool

    def covers(self, time: int) -> bool:
        """Whether an instant [us since the Unix epoch] is in a refused period."""
        return any(start <= time < end for start, end in self.periods)


class ErasedDevice(Device):
    """A device that is registered no more, by what the topic calls it: a name that may be no id."""

    def __post_init__(self) -> None:
        pass


class Suppressions:
    """The tombstones that this process knows, by device hash. ``version`` is the number of change that it has seen.

    Both threads of a pipeline ask; the one that writes replaces whole tuples. ``key`` None: none may exist.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._tombstones: dict[bytes, dict[int, Tombstone]] = {}
        self._by_hash: dict[bytes, Suppression] = {}
        self._hashes: dict[str, bytes] = {}
        self.version = 0
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._looked = (0, 0)  # by which version, and so many series
        self._known: dict[int, tuple[tuple[int, int], ...]] = {}
        self._start = np.empty((0, 0), np.int64)
        self._end = np.empty((0, 0), np.int64)

    def __bool__(self) -> bool:
        return bool(self._by_hash)

    def read(self, connection: Connection) -> bool:
        """Take over what changed in the store; says whether anything did. Raises tombstones.WrongKey; psycopg.Error."""
        rows, version = tombstones.load(connection, self._key, self.version)
        self.take(rows, version)
        return bool(rows)

    def take(self, rows: Sequence[Tombstone], version: int) -> None:
        """Take over new and changed tombstones."""
        with self._lock:
            self._take(rows)
            self.version = max(self.version, version)  # last: who sees it sees the rows

    def _take(self, rows: Sequence[Tombstone]) -> None:
        for row in rows:
            if row.kind == "meter":
                periods = self._tombstones.setdefault(row.mark, {})
                old = periods.get(row.start)
                if old is not None and old.changed > row.changed:
                    continue  # the other thread has read it later than we did
                periods[row.start] = row
                every = sorted(periods.values(), key=lambda item: item.start)
                self._by_hash[row.mark] = Suppression(
                    tuple((item.start, FOREVER if item.end is None else item.end) for item in every),
                    row.family,
                    row.model,
                    row.gone,
                )

    def device_hash(self, device_id: str) -> bytes:
        """The keyed hash under which a device's tombstones stand, worked out once."""
        found = self._hashes.get(device_id)
        if found is None:
            assert self._key is not None, "tombstones without a key are never taken over"
            if len(self._hashes) >= _HASHES_MAXIMUM:
                self._hashes.clear()
            found = self._hashes[device_id] = tombstones.mark(self._key, device_id)
        return found

    def of(self, device_id: str | None) -> Suppression | None:
        """What is refused of a device; None where nothing is."""
        if not self._by_hash or device_id is None:
            return None
        return self._by_hash.get(self.device_hash(device_id))

    def erased_device(self, device_id: str) -> Device | None:
        """An erased device, as far as its messages must be read to be counted; None where there was no such one."""
        found = self.of(device_id)
        if found is None or found.family is None or found.model is None:
            return None
        return ErasedDevice(device_id, found.family, found.model, personal=True)

    def inside(self, cache: SeriesCache, series_index: Int64, time: Int64) -> NDArray[np.bool_] | None:
        """Which readings are refused, ``(rows,)``, by their series indexes and times [us]; None where none is.

        For the thread that owns the cache.
        """
        if not self._by_hash:
            return None
        seen = (self.version, cache.size, len(cache.erased_series))
        if self._seen != seen:
            self._look(cache)
            self._seen = seen
        if not len(self._start):
            return None
        found = np.zeros(len(series_index), bool)
        for start, end in zip(self._start, self._end, strict=True):
            found |= (time >= start[series_index]) & (time < end[series_index])
        return found if found.any() else None

    def _look(self, cache: SeriesCache) -> None:
        """The periods of all series as arrays, ``(periods of one, series)``; what is none ends before it begins."""
        version = self.version
        if self._looked[0] != version:
            self._known.clear()
            self._looked = (version, 0)
        for number in range(self._looked[1], cache.size):
            suppression = self.of(cache.devices[number].id)
            if suppression is not None:
                self._known[number] = suppression.periods
        self._looked = (version, cache.size)
        known = {**self._known, **dict.fromkeys(cache.erased_series, ((NEVER, FOREVER),))}
        depth = max((len(periods) for periods in known.values()), default=0)
        self._start = np.full((depth, cache.size), FOREVER, np.int64)
        self._end = np.full((depth, cache.size), NEVER, np.int64)
        for number, periods in known.items():
            for level, (start, end) in enumerate(periods):
                self._start[level, number], self._end[level, number] = start, end


def mark_erased_series(connection: Connection, suppressions: Suppressions, cache: SeriesCache) -> None:
    """Mark the series that were erased in the store: nothing may be written to them again. Raises psycopg.Error."""
    # also of devices that are not gone now: one may have been erased and registered again since we looked last
    asked = [
        number
        for number, device in enumerate(cache.devices)
        if cache.series[number] >= 0 and number not in cache.erased_series and suppressions.of(device.id) is not None
    ]
    if asked:
        pairs = [(cache.devices[number].id, cache.properties[number]) for number in asked]
        known = corrections.known_series(connection, pairs)
        cache.erased_series.update(
            number for number, series_id in zip(asked, known, strict=True) if series_id != cache.series[number]
        )


def reload_states(connection: Connection, suppressions: Suppressions, cache: SeriesCache, used: Sequence[int]) -> None:
    """Give series that a batch used the state that the store knows, as if the batch had not been built.

    Raises store.series.NotRegistered; psycopg.Error.
    """
    mark_erased_series(connection, suppressions, cache)
    numbers = [
        number for number in sorted(set(used)) if cache.series[number] >= 0 and number not in cache.erased_series
    ]
    pairs = [(cache.devices[number].id, cache.properties[number]) for number in numbers]
    for number, state in zip(numbers, series.resolve(connection, pairs), strict=True):
        cache.learn(number, state)


def states(connection: Connection, new: Sequence[NewSeries]) -> list[SeriesState]:
    """The ids of new series; those of erased devices have none. Raises store.series.NotRegistered; psycopg.Error."""
    real = [(item.device.id, item.property) for item in new if not item.erased_device]
    found = iter(series.resolve(connection, real))
    return [SeriesState(NO_SERIES, None, math.nan) if item.erased_device else next(found) for item in new]
