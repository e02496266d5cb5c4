"""Building a batch: its decoded columns are validated at once on arrays and become a ``store.batch.Batch``.

Order of the validation, for every reading: of an erased period (refused); time readable and in range; value finite and
plausible; exact repeat of the series' last accepted reading (duplicate); same key twice in the batch (duplicate or
conflict); keep rule (thinned). What is left goes to the database, sorted by (series, time).
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.decoding import Reason
from ingest.batch_rejections import BatchRejections
from ingest.batch_times import BatchTimes, Limits, late
from ingest.households import Households
from ingest.memory import Memory
from ingest.pending_batch import PendingBatch, floats
from ingest.restatements import Restatements
from ingest.sequences import spans
from ingest.series_cache import FAMILY_NAMES, LATEST_ONLY, SeriesCache
from ingest.suppressions import Suppressions
from store.batch import Batch, Counts, Remembered
from store.touched import days_of

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_MINUTE = 60_000_000


class BuiltBatch(NamedTuple):
    """A batch for the store, and what was found of its messages: arrays ``(messages,)``."""

    pending: PendingBatch
    batch: Batch
    #: the arrival that each message counts with [us], of its first delivery where that is known
    arrivals: Ints
    #: messages worth archiving: decoded, nothing refused in them, and not left out by the keep rules
    accepted: Bools
    #: messages of which nothing is kept, since they are of a refused period
    suppressed: Bools


def build_batch(
    pending: PendingBatch,
    cache: SeriesCache,
    memory: Memory,
    limits: Limits,
    collector: str,
    now: int,
    suppressions: Suppressions | None = None,
    households: Households | None = None,
) -> BuiltBatch:
    """Validate decoded messages; ``cache`` learns the newest readings, ``memory`` and ``pending`` the rejections.

    Runs once a batch, also where the write is then retried; where a new tombstone forbids the write, the cache must
    forget the batch and it is built again. ``now`` [us] is the minute of the account. ``households``: whose devices'
    names make a rejection personal.
    """
    if suppressions is None:
        suppressions = Suppressions(None)
    built = _Validation(pending, cache, memory, limits, suppressions).build(collector, now)
    if households is not None:
        built.batch.names_household = households.named_in
    return built


class _Validation:
    def __init__(
        self, pending: PendingBatch, cache: SeriesCache, memory: Memory, limits: Limits, suppressions: Suppressions
    ) -> None:
        self.pending = pending
        self.suppressions = suppressions
        # before anything is validated: what comes meanwhile makes the batch stale, and no other way round
        self.tombstones = suppressions.version
        self.cache = cache
        self.limits = limits
        self.arrival = np.repeat(
            np.array([arrival for _, arrival, _ in pending.chunks], np.int64),
            np.array([count for count, _, _ in pending.chunks], np.int64),
        )
        for message, arrival in pending.arrived.items():
            self.arrival[message] = arrival
        count = len(pending.topics)
        self.family_of = np.fromiter((route.family for route in pending.routes), np.uint8, count)
        self.message_state = np.zeros(count, np.uint8)  # 0 decoded, 1 ignored, 2 rejected
        self.message_state[pending.ignored] = 1
        self.rejections = BatchRejections(pending, cache, memory, self.arrival)
        self.message_state[[item[0] for item in pending.rejected_messages]] = 2

        self.message = np.array(pending.messages, np.int64)
        self.series_index = np.array(pending.series_indexes, np.int64)
        self.value = floats(pending.values)
        self.restating = Restatements(pending, self.message, aged=limits.by_now) if pending.restating else None
        #: messages of which nothing is kept
        self.suppressed = np.zeros(count, bool)
        self.counts = [Counts() for _ in FAMILY_NAMES]

    # -- the validation ----------------------------------------------------------------------------------------------

    def build(self, collector: str, minute: int) -> BuiltBatch:
        pending, cache = self.pending, self.cache
        self.times = BatchTimes(pending, self.arrival, self.message, self.limits, minute)
        self._reject_by_time()
        time = self.times.of_readings
        alive = np.ones(len(time), bool)
        refused = self._suppress(time)
        bad = self.rejections.take_decoded(self.message_state)
        # a message whose only time is impossible is one rejected message: its readings are not counted as decoded
        alive &= self.message_state[self.message] == 0
        family = cache.family[self.series_index]
        self._count("readings_decoded", family[alive])
        self._count("readings_decoded", self.family_of[bad])
        self._count("readings_rejected", self.family_of[bad[~self.suppressed[bad]]])
        self._count("readings_refused", self.family_of[bad[self.suppressed[bad]]])
        refused &= alive
        self._count("readings_refused", family[refused])
        alive &= ~refused

        rejected = self._record_times_bad(alive)
        finite = np.isfinite(self.value)
        rejected |= self._reject(alive & ~rejected & ~finite, Reason.BAD_VALUE, lambda _row: "not a finite number")
        low, high = cache.low[self.series_index], cache.high[self.series_index]
        with np.errstate(invalid="ignore"):
            outside = (self.value < low) | (self.value > high)
        rejected |= self._reject(
            alive & ~rejected & outside,
            Reason.OUT_OF_RANGE,
            lambda row: f"outside {low[row]:g} to {high[row]:g}",
        )
        alive &= ~rejected

        repeat = (
            alive & (time == cache.last_time[self.series_index]) & (self.value == cache.last_value[self.series_index])
        )
        if self.restating is not None:
            repeat &= ~self.restating.not_known(self.series_index)
        self._count("readings_duplicates", family[repeat])
        rows = np.flatnonzero(alive & ~repeat)
        series = cache.series[self.series_index]
        rows = rows[np.lexsort((time[rows], series[rows]))]  # stable: of equal keys the first to arrive leads
        rows = self._same_key(rows, series, time, family)
        latest = self._latest(rows, series, time)
        rows, thin = self._keep(rows, series, time, family)
        accepted = self._accepted(rows)
        every, restating = rows, None
        if self.restating is not None:
            accepted &= ~self.restating.retained
            every, restating = self.restating.for_store(rows, cache, self.series_index, time, self.value, self.arrival)
        messages = self._message_counts()
        decoded = (self.message_state == 0) & ~self.suppressed
        touched = days_of(FAMILY_NAMES, family[every], series[every], time[every])
        # apart from the batch: a circle of the two would keep its payloads until the garbage is collected
        remember: list[Remembered] = []
        batch = Batch(
            number=secrets.randbits(62),
            collector=collector,
            minute=minute // _MINUTE * _MINUTE,
            families=FAMILY_NAMES,
            series=series[rows],
            time=time[rows],
            value=self.value[rows],
            family=family[rows],
            thin=thin,
            message=self.message[rows].astype(np.int32),
            latest_series=series[latest],
            latest_time=time[latest],
            latest_value=self.value[latest],
            touched=touched,
            counts=messages,
            rejected=[],
            sequences=spans(
                pending, np.where(self.suppressed, 1, self.message_state), self.arrival, self.times.of_messages
            ),
            remember=remember,
            forget=pending.forget,
            conflicts=lambda found: self.rejections.conflicts(
                every[np.array(found, np.intp)], self.suppressed, remember
            ),
            tombstones=self.tombstones,
            late=late(pending, self.arrival, decoded, self.family_of, self.message[rows], rows),
            restating=restating,
        )
        self.rejections.write(batch, self.suppressed)
        batch.rejections = self.rejections.tally(self.suppressed)
        return BuiltBatch(pending, batch, self.arrival, accepted, self.suppressed)

    def _reject_by_time(self) -> None:
        """A message whose own time is impossible is rejected as a whole."""
        times = self.times
        unreadable, outside = times.unreadable & (self.message_state == 0), times.outside & (self.message_state == 0)
        for message in np.flatnonzero(unreadable).tolist():
            self.rejections.whole.append((message, None, Reason.BAD_TIME, times.why_unreadable(message)))
        for message in np.flatnonzero(outside).tolist():
            detail = times.why_outside(int(times.of_messages[message]))
            self.rejections.whole.append((message, None, Reason.TIME_OUT_OF_RANGE, detail))
        self.message_state[unreadable | outside] = 2

    def _suppress(self, time: Ints) -> Bools:
        """Which readings are of a refused period, ``(rows,)``; also finds the messages of which nothing is kept.

        Nothing of their bytes stays, neither in a rejection nor in the archive, the message numbers or the memory of
        redeliveries. A message of an erased or retired device outside its refused periods is rejected as a whole. One
        that cannot be read, or has an impossible time, is a rejected message without a row where it arrived within one.
        """
        refused = np.zeros(len(self.message), bool)
        if not self.suppressions:
            return refused
        pending, state, suppressed = self.pending, self.message_state, self.suppressed
        inside = self.suppressions.inside(self.cache, self.series_index, time)
        if inside is not None:
            refused = inside & (state[self.message] == 0)
            suppressed[self.message[refused]] = True
        for message, _, _, _ in pending.rejected_readings:  # an unknown property has no slot, and a flaw no value
            suppressed[message] |= self._arrived_within(message, self.times.of_messages)
        instead = [(message, route.instead) for message, route in enumerate(pending.routes) if route.instead]
        whole = np.zeros(len(state), bool)
        for message, (reason, detail) in instead:
            if state[message] == 0:
                whole[message] = suppressed[message]
                if not suppressed[message]:
                    state[message] = 2
                    self.rejections.whole.append((message, None, reason, detail))
        refused |= whole[self.message]
        for message, _, why, _ in self.rejections.whole:
            if state[message] == 2 and not suppressed[message]:
                own = self.times.of_messages if why == Reason.TIME_OUT_OF_RANGE else self.arrival
                suppressed[message] = self._arrived_within(message, own)
        return refused

    def _arrived_within(self, message: int, own: Ints) -> bool:
        """Whether a message came within a refused period of its device, or says so of itself (``own`` [us])."""
        found = self.suppressions.of(self.pending.routes[message].device_id)
        return found is not None and (found.covers(int(self.arrival[message])) or found.covers(int(own[message])))

    def _record_times_bad(self, alive: Bools) -> Bools:
        """Reject those records of packs whose own time is impossible; the others of the pack are not touched."""
        times = self.times
        unreadable, outside = times.bad_records()
        unreadable, outside = unreadable & alive, outside & alive
        self._reject(unreadable, Reason.BAD_TIME, times.why_record_unreadable)
        self._reject(outside, Reason.TIME_OUT_OF_RANGE, lambda row: times.why_outside(int(times.of_readings[row])))
        return unreadable | outside

    def _reject(self, mask: Bools, reason: Reason, detail: Any) -> Bools:
        """Reject single readings: rows of the mask."""
        rows = np.flatnonzero(mask)
        if len(rows):
            self._count("readings_rejected", self.cache.family[self.series_index[rows]])
            self.rejections.add(rows, reason, detail)
        return mask

    def _same_key(self, rows: Ints, series: Any, time: Ints, family: Any) -> Ints:
        """Of rows sorted by (series, time) keep the first of each key.

        Another value for it is a conflict; where a keep rule holds it is one more reading of a period that has one.
        Where one of them may restate, the store goes through those behind the first.
        """
        if len(rows) < 2:
            return rows
        same = (series[rows][1:] == series[rows][:-1]) & (time[rows][1:] == time[rows][:-1])
        if not same.any():
            return rows
        repeats = np.concatenate(([False], same))
        leader = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(rows))))
        told = repeats if self.restating is None else repeats & ~self.restating.put_later(rows, leader, repeats)
        equal = told & (self.value[rows] == self.value[rows[leader]])
        self._count("readings_duplicates", family[rows[equal]])
        other = rows[told & ~equal]
        ruled = self.cache.keep[self.series_index[other]] > 0
        self._count("readings_thinned", family[other[ruled]])
        conflict = np.zeros(len(self.value), bool)
        conflict[other[~ruled]] = True
        self._reject(conflict, Reason.CONFLICT, lambda _row: "another value for this series and time came first")
        return rows[~repeats]

    def _latest(self, rows: Ints, series: Any, time: Ints) -> Ints:
        """The newest row of each series where it is newer than what we know; the cache learns it."""
        if not len(rows):
            return rows
        last = np.concatenate((series[rows][1:] != series[rows][:-1], [True]))
        newest = rows[last]
        newest = newest[time[newest] > self.cache.last_time[self.series_index[newest]]]
        self.cache.last_time[self.series_index[newest]] = time[newest]
        self.cache.last_value[self.series_index[newest]] = self.value[newest]
        return newest

    def _keep(self, rows: Ints, series: Any, time: Ints, family: Any) -> tuple[Ints, Ints]:
        """Apply the keep rules to rows sorted by (series, time): the first reading of a period is kept.

        Returns the rows left and, for each, 0 or the period [us] in which the store must look first.
        """
        keep = self.cache.keep[self.series_index[rows]]
        ruled = keep > 0
        if not ruled.any():
            return rows, np.zeros(len(rows), np.int64)
        period = time[rows] // np.where(ruled, keep, 1)
        first = np.concatenate(([True], (series[rows][1:] != series[rows][:-1]) | (period[1:] != period[:-1])))
        kept = self.cache.kept[self.series_index[rows]]
        store = ~ruled | ((keep != LATEST_ONLY) & first & (period != kept))
        left_out = rows[~store]
        if self.restating is not None:
            left_out = left_out[~self.restating.put_left_out(left_out)]
        self._count("readings_thinned", family[left_out])
        thin = np.where(ruled & (period < kept), keep, 0)
        changed = ruled & store
        np.maximum.at(self.cache.kept, self.series_index[rows[changed]], period[changed])
        return rows[store], thin[store]

    def _accepted(self, rows: Ints) -> Bools:
        """Messages worth archiving: decoded, and not one whose readings a keep rule left out, all of them.

        A household agreed to the half-hours that are kept: what came between is no more archived than stored.
        """
        accepted: Bools = (self.message_state == 0) & ~self.suppressed
        ruled = self.cache.keep[self.series_index] > 0
        if ruled.any():
            left_out = np.zeros(len(accepted), bool)
            left_out[self.message[ruled]] = True
            left_out[self.message[rows]] = False
            accepted &= ~left_out
        return accepted

    # -- the account and what is written beside the readings ---------------------------------------------------------

    def _count(self, word: str, families: Any) -> None:
        for number, count in enumerate(np.bincount(families, minlength=len(FAMILY_NAMES)).tolist()):
            if count:
                setattr(self.counts[number], word, getattr(self.counts[number], word) + count)

    def _message_counts(self) -> dict[str, Counts]:
        self._count("messages_received", self.family_of)
        for state, word in enumerate(("messages_decoded", "messages_ignored", "messages_rejected")):
            self._count(word, self.family_of[self.message_state == state])
        return {
            name: counts for name, counts in zip(FAMILY_NAMES, self.counts, strict=True) if counts.messages_received
        }
