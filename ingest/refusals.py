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
from ingest.slots import NEVER, NewSlot, Slots
from store import corrections, series, tombstones
from store.batch import Int64, SeriesState
from store.connect import Connection
from store.tombstones import Tombstone

#: In place of a series' number: there is none, and nothing is written.
GHOST = -1
FOREVER: int = np.iinfo(np.int64).max
#: So many marks are remembered; a flood of invented ids empties the memory and no more.
_MARKS_MAXIMUM = 400_000


class Refused(NamedTuple):
    """What is refused of one device: ``periods`` [us], the end not included. ``gone``: the device itself was erased."""

    periods: tuple[tuple[int, int], ...]
    family: str | None
    model: str | None
    gone: bool

    def covers(self, time: int) -> bool:
        """Whether an instant [us since the Unix epoch] is in a refused period."""
        return any(start <= time < end for start, end in self.periods)


class Refusals:
    """The tombstones that this process knows, by mark. ``version`` is the number of change that it has seen.

    Both threads of a pipeline ask; the one that writes replaces whole tuples. ``key`` None: none may exist.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._tombstones: dict[bytes, dict[int, Tombstone]] = {}
        self._by_mark: dict[bytes, Refused] = {}
        self._marks: dict[str, bytes] = {}
        self.version = 0
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._looked = (0, 0)  # by which version, and so many slots
        self._known: dict[int, tuple[tuple[int, int], ...]] = {}
        self._start = np.empty((0, 0), np.int64)
        self._end = np.empty((0, 0), np.int64)

    def __bool__(self) -> bool:
        return bool(self._by_mark)

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
                self._by_mark[row.mark] = Refused(
                    tuple((item.start, FOREVER if item.end is None else item.end) for item in every),
                    row.family,
                    row.model,
                    row.gone,
                )

    def mark(self, device_id: str) -> bytes:
        """The mark of a device, worked out once."""
        found = self._marks.get(device_id)
        if found is None:
            assert self._key is not None, "tombstones without a key are never taken over"
            if len(self._marks) >= _MARKS_MAXIMUM:
                self._marks.clear()
            found = self._marks[device_id] = tombstones.mark(self._key, device_id)
        return found

    def of(self, device_id: str | None) -> Refused | None:
        """What is refused of a device; None where nothing is."""
        if not self._by_mark or device_id is None:
            return None
        return self._by_mark.get(self.mark(device_id))

    def ghost(self, device_id: str) -> Device | None:
        """An erased device, as far as its messages must be read to be counted; None where there was no such one."""
        found = self.of(device_id)
        if found is None or found.family is None or found.model is None:
            return None
        return Device(device_id, found.family, found.model, personal=True)

    def inside(self, slots: Slots, slot: Int64, time: Int64) -> NDArray[np.bool_] | None:
        """Which readings are refused, ``(rows,)``, by their slots and times [us]; None where none is.

        For the thread that owns the slots.
        """
        if not self._by_mark:
            return None
        seen = (self.version, slots.size, len(slots.dead))
        if self._seen != seen:
            self._look(slots)
            self._seen = seen
        if not len(self._start):
            return None
        found = np.zeros(len(slot), bool)
        for start, end in zip(self._start, self._end, strict=True):
            found |= (time >= start[slot]) & (time < end[slot])
        return found if found.any() else None

    def _look(self, slots: Slots) -> None:
        """The periods of all slots as arrays, ``(periods of a slot, slots)``; what is none ends before it begins."""
        version = self.version
        if self._looked[0] != version:
            self._known.clear()
            self._looked = (version, 0)
        for number in range(self._looked[1], slots.size):
            refused = self.of(slots.devices[number].id)
            if refused is not None:
                self._known[number] = refused.periods
        self._looked = (version, slots.size)
        known = {**self._known, **dict.fromkeys(slots.dead, ((NEVER, FOREVER),))}
        depth = max((len(periods) for periods in known.values()), default=0)
        self._start = np.full((depth, slots.size), FOREVER, np.int64)
        self._end = np.full((depth, slots.size), NEVER, np.int64)
        for number, periods in known.items():
            for level, (start, end) in enumerate(periods):
                self._start[level, number], self._end[level, number] = start, end


def bury(connection: Connection, refusals: Refusals, slots: Slots) -> None:
    """Find the slots whose series were erased: nothing may be written to them again. Raises psycopg.Error."""
    # also of devices that are not gone now: one may have been erased and registered again since we looked last
    asked = [
        number
        for number, device in enumerate(slots.devices)
        if slots.series[number] >= 0 and number not in slots.dead and refusals.of(device.id) is not None
    ]
    if asked:
        pairs = [(slots.devices[number].id, slots.properties[number]) for number in asked]
        known = corrections.known_series(connection, pairs)
        slots.dead.update(
            number for number, series_id in zip(asked, known, strict=True) if series_id != slots.series[number]
        )


def unlearn(connection: Connection, refusals: Refusals, slots: Slots, used: Sequence[int]) -> None:
    """Let slots that a batch used know what the store knows, as if the batch had not been sealed.

    Raises store.series.NotRegistered; psycopg.Error.
    """
    bury(connection, refusals, slots)
    numbers = [number for number in sorted(set(used)) if slots.series[number] >= 0 and number not in slots.dead]
    pairs = [(slots.devices[number].id, slots.properties[number]) for number in numbers]
    for number, state in zip(numbers, series.resolve(connection, pairs), strict=True):
        slots.learn(number, state)


def states(connection: Connection, new: Sequence[NewSlot]) -> list[SeriesState]:
    """The series of new slots; those of ghosts have none. Raises store.series.NotRegistered; psycopg.Error."""
    real = [(item.device.id, item.property) for item in new if not item.ghost]
    found = iter(series.resolve(connection, real))
    return [SeriesState(GHOST, None, math.nan) if item.ghost else next(found) for item in new]
