"""What should become of a stream: the platform's rules for accepting readings, said once more.

Written from the rules (docs/reference/collector.md, docs/reference/formats.md) and not from the collector's code, which
is what they are to judge:

1. A time more than 5 minutes ahead of the arrival, or before 2000, is ``time_out_of_range``.
2. A value that is no number is ``bad_value``, one outside its property's range ``out_of_range``.
3. Of readings of one property, device and time the first one published stays: the same value again is a duplicate,
   another one is rejected as a ``conflict``.
4. Where the model has a keep rule the first reading of each period is stored, the others are thinned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.families import FAMILIES
from simulators.stream import EXPECTATIONS, Float64, Int64, Stream

STORED, DUPLICATE, REJECTED, THINNED, IGNORED, UNSENT, RESTATED = range(len(EXPECTATIONS))
#: Reasons of a ledger; the order is that of ``Stream.reason``.
REASONS = ("", "unreadable", "time_out_of_range", "bad_value", "out_of_range", "conflict")
_CODE = {reason: code for code, reason in enumerate(REASONS)}

Bools = NDArray[np.bool_]

#: 2000-01-01T00:00:00Z [us since the Unix epoch].
EARLIEST = 946_684_800_000_000
AHEAD = 300_000_000


@dataclass(slots=True)
class _Keys:
    """Accepted readings that a later row may still meet: by device, property and time."""

    device: NDArray[np.int64]
    property: NDArray[np.int64]
    time: Int64
    value: Float64
    due: Int64
    stored: Bools


class Rules:
    """The rules for one family's stream, window after window.

    ``keep``: property -> period [s] of its keep rule. ``arrival``: from when a row is due to when it arrives [us].
    """

    def __init__(
        self,
        family: str,
        properties: Sequence[str],
        devices: int,
        keep: Mapping[str, float],
        arrival: Callable[[Int64], Int64],
    ) -> None:
        known = FAMILIES[family].properties
        self._low = np.array([known[name].low for name in properties])
        self._high = np.array([known[name].high for name in properties])
        self._periods = np.array([keep.get(name, 0.0) * 1e6 for name in properties])
        self._kept = np.full((devices, len(properties)), np.iinfo(np.int64).min)
        self._arrival = arrival
        none = np.empty(0, np.int64)
        self._keys = _Keys(none, none, none, np.empty(0), none, np.empty(0, bool))

    def predict(self, stream: Stream, oldest: int) -> None:
        """Fill ``expect``, ``reason`` and the stored values in; rows are in the order of publication.

        Rows that are unsent already, and those of spoiled messages, are given. ``oldest`` [us]: no later row repeats
        what was due before, so that it can be forgotten.
        """
        stream.reasons = REASONS
        sent = stream.expect != UNSENT
        spoiled = np.isin(stream.message, list(stream.spoiled))
        self._reject(stream, sent & spoiled, "unreadable")
        left = sent & ~spoiled
        if stream.sent_time:
            arrival = self._arrival(stream.due)
            left = self._reject(
                stream, left & ((stream.time < EARLIEST) | (stream.time > arrival + AHEAD)), "time_out_of_range", left
            )
        value = stream.stored_value
        left = self._reject(stream, left & ~np.isfinite(value), "bad_value", left)
        with np.errstate(invalid="ignore"):
            outside = (value < self._low[stream.property]) | (value > self._high[stream.property])
        left = self._reject(stream, left & outside, "out_of_range", left)
        stream.expect[left] = STORED
        stream.stored_time[:] = stream.time
        rows = np.flatnonzero(left)
        if stream.sent_time:
            self._first_values(stream, rows, oldest)
        elif self._periods[stream.property[rows]].any():
            raise ValueError("a keep rule needs times")  # no format of ours has one without

    def _reject(self, stream: Stream, rows: Bools, reason: str, left: Bools | None = None) -> Bools:
        stream.expect[rows] = REJECTED
        stream.reason[rows] = _CODE[reason]
        return rows if left is None else left & ~rows

    def _first_values(self, stream: Stream, rows: Int64, oldest: int) -> None:
        keys, old = self._keys, len(self._keys.time)
        device = np.concatenate((keys.device, stream.device[rows].astype(np.int64)))
        prop = np.concatenate((keys.property, stream.property[rows].astype(np.int64)))
        time = np.concatenate((keys.time, stream.time[rows]))
        value = np.concatenate((keys.value, stream.stored_value[rows]))
        due = np.concatenate((keys.due, stream.due[rows]))
        order = np.lexsort((time, prop, device))  # stable: of equal keys the first published leads
        repeat = np.zeros(len(order), bool)
        for column in (device, prop, time):
            same = column[order][1:] == column[order][:-1]
            repeat[1:] = same if column is device else repeat[1:] & same
        leader = order[np.maximum.accumulate(np.where(repeat, 0, np.arange(len(order))))]
        first = np.empty(len(order), np.int64)
        first[order] = leader
        own = first == np.arange(len(order))

        stored = np.concatenate((keys.stored, np.ones(len(rows), bool)))
        fresh = np.flatnonzero(own)
        fresh = fresh[fresh >= old]
        stored[fresh] = self._keep(device[fresh], prop[fresh], time[fresh])
        stream.expect[rows[fresh[~stored[fresh]] - old]] = THINNED

        again = np.flatnonzero(~own)
        equal = value[again] == value[first[again]]
        twice, other = again[equal], again[~equal]
        stream.expect[rows[twice - old]] = np.where(stored[first[twice]], DUPLICATE, THINNED)
        stream.expect[rows[other - old]] = REJECTED
        stream.reason[rows[other - old]] = _CODE["conflict"]

        still = np.flatnonzero(own & (due >= oldest))
        self._keys = _Keys(device[still], prop[still], time[still], value[still], due[still], stored[still])

    def _keep(self, device: Int64, prop: Int64, time: Int64) -> Bools:
        """Which of these new keys, in the order of publication, are the first of their period."""
        result = np.ones(len(time), bool)
        for number, period in enumerate(self._periods.tolist()):
            if not period:
                continue
            rows = np.flatnonzero(prop == number)
            if math.isinf(period):
                result[rows] = False
                continue
            part = time[rows] // int(period)
            order = np.lexsort((np.arange(len(rows)), device[rows]))
            sender, part = device[rows][order], part[order]
            kept = self._kept[sender, number]
            begins = np.ones(len(order), bool)
            begins[1:] = (sender[1:] != sender[:-1]) | (part[1:] > part[:-1])
            result[rows[order]] = begins & (part > kept)
            np.maximum.at(self._kept[:, number], sender, part)
        return result
