"""The times of a batch: the instant of every message and reading, and which of them are impossible."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.decoding import BY_ARRIVAL
from ingest import instants
from ingest.backlog import Absence
from ingest.pending_batch import PendingBatch
from ingest.series_cache import FAMILY_NAMES
from store.batch import Late

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limits:
    """Instants that are taken: from ``earliest`` [us since the epoch] to ``ahead`` [us] after the arrival.

    ``by_now``: after the present instead, where that is later; for messages that are tried again.
    """

    earliest: int
    ahead: int
    by_now: bool = False


class BatchTimes:
    """Instants [us since the epoch] of a batch.

    ``arrival`` [us], ``(messages,)``; ``message`` of every reading, ``(readings,)``; ``minute`` [us]: the present.
    """

    def __init__(self, pending: PendingBatch, arrival: Ints, message: Ints, limits: Limits, minute: int) -> None:
        self._pending = pending
        self._message = message
        self._limits = limits
        # what no reading may be ahead of
        self._clock = np.maximum(arrival, minute) if limits.by_now else arrival
        #: of every message, ``(messages,)``; where the message number runs, a pack's time is its newest record's
        self.of_messages: Ints = instants.parse(instants.resolve(pending.times, arrival))
        self.of_messages[pending.untimed] = np.where(
            self.of_messages[pending.untimed] == 0, arrival[pending.untimed], self.of_messages[pending.untimed]
        )
        own_time = np.ones(len(arrival), bool)
        own_time[pending.packs] = False
        #: messages whose own time cannot be read, and those where it is out of range, ``(messages,)``
        self.unreadable: Bools = own_time & (self.of_messages == instants.BAD)
        self.outside: Bools = own_time & ~self.unreadable & self._out_of_range(self.of_messages, self._clock)
        #: of every reading, ``(readings,)``
        self.of_readings: Ints = self.of_messages[message]
        if pending.pack_rows:
            self._read_packs(arrival)

    def _read_packs(self, arrival: Ints) -> None:
        pending = self._pending
        messages = self._message[pending.pack_rows]
        arrived = arrival[messages]
        raw = instants.resolve(pending.pack_times, arrived)
        own = instants.parse(raw)
        absent = np.zeros(len(raw), bool)
        if raw is not pending.pack_times:
            absent[:] = [value is None for value in pending.pack_times]
        times = np.where(absent, arrived, own)
        self.of_readings[pending.pack_rows] = times
        np.maximum.at(self.of_messages, messages, times)

    def bad_records(self) -> tuple[Bools, Bools]:
        """Records of packs whose own time cannot be read, or is out of range, ``(readings,)`` each."""
        time = self.of_readings
        unreadable, outside = np.zeros(len(time), bool), np.zeros(len(time), bool)
        rows = np.array(self._pending.pack_rows, np.int64)
        if len(rows):
            unreadable[rows] = time[rows] == instants.BAD
            outside[rows] = self._out_of_range(time[rows], self._clock[self._message[rows]])
            outside &= ~unreadable
        return unreadable, outside

    def _out_of_range(self, time: Ints, clock: Ints) -> Bools:
        result: Bools = (time < self._limits.earliest) | (time > clock + self._limits.ahead)
        return result

    def why_unreadable(self, message: int) -> str:
        """What is wrong with a message's own time."""
        return instants.why_bad(self._pending.times[message])

    def why_record_unreadable(self, reading: int) -> str:
        """What is wrong with the time of a record of a pack."""
        pending = self._pending
        return instants.why_bad(pending.pack_times[bisect_left(pending.pack_rows, reading)])

    def why_outside(self, time: int) -> str:
        """What is wrong with an instant that is out of range."""
        if time < self._limits.earliest:
            return "before the earliest time that is taken"
        return f"more than {self._limits.ahead // 1_000_000} s ahead of the clock"


def late(
    pending: PendingBatch, arrival: Ints, decoded: Bools, family: NDArray[np.uint8], message: Ints, rows: Ints
) -> list[Late]:
    """What came after an absence and takes its time from its arrival, by absence and family.

    ``arrival`` [us], ``decoded`` and ``family``: ``(messages,)``; ``message`` and ``rows`` are those of the readings to
    be stored. A redelivery of what came before the absence has the arrival of then.
    """
    if not pending.late:
        return []
    without = np.zeros(len(arrival), bool)
    without[pending.untimed] = True
    without &= decoded
    timed = np.zeros(len(pending.messages), bool)  # records of packs with times of their own
    timed[pending.pack_rows] = [time.__class__ not in BY_ARRIVAL for time in pending.pack_times]
    message = message[~timed[rows]]
    waited: dict[Absence, Bools] = {}
    for start, stop, absence in pending.late:
        chosen = waited.setdefault(absence, np.zeros(len(arrival), bool))
        chosen[start:stop] = without[start:stop] & (arrival[start:stop] >= absence.back_at)
    found = []
    for absence, chosen in waited.items():
        messages = np.bincount(family[chosen], minlength=len(FAMILY_NAMES)).tolist()
        readings = np.bincount(family[message[chosen[message]]], minlength=len(FAMILY_NAMES)).tolist()
        found += [
            Late(absence.lost_at, absence.back_at, name, *counts)
            for name, *counts in zip(FAMILY_NAMES, messages, readings, strict=True)
            if counts[0]
        ]
    return found
