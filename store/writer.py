"""The writer: one batch, one transaction, committed exactly once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
from psycopg import errors

from devices.decoding import Reason
from store import absences, flow, observation_queue, redelivery, restatements, tombstones, touched
from store.batch import COUNT_NAMES, Batch, Counts, Float64, Outcome, UInt8
from store.connect import Connection, abort, connect
from store.copy import Float8s, Instants, Int4s, Int8s
from store.queries import queries
from store.rejected import write_rejections
from store.restatements import Judged
from store.rows import CONFLICT, DUPLICATE, RESTATED, STORED, THINNED, Written, write_rows
from store.spans import write_spans
from store.times import instant

#: What the database may ask to try again: deadlock, serialization failure, lock not available in time.
_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_ATTEMPTS = 6

_SQL = dict(queries("writer"))
_SQL["account"] = (
    _SQL["account"]
    .replace(b"{names}", ", ".join(COUNT_NAMES).encode())
    .replace(b"{arrays}", ", ".join("%s::int8[]" for _ in COUNT_NAMES).encode())
    .replace(b"{sums}", ", ".join(f"{name} = a.{name} + excluded.{name}" for name in COUNT_NAMES).encode())
)


class Writer:
    """Writes batches over one connection of its own, opened when it is first needed and again after an error.

    For one thread, apart from ``fileno`` and ``abort``. ``rejected_limit``: rows kept in ``rejected`` a device and
    hour. ``statement_timeout``, ``lock_timeout``: seconds.
    """

    def __init__(
        self, url: str, rejected_limit: int = 1_000, statement_timeout: float = 30.0, lock_timeout: float = 4.0
    ) -> None:
        self._url = url
        self._rejected_limit = rejected_limit
        self._statement_timeout = statement_timeout
        self._lock_timeout = lock_timeout
        self._connection: Connection | None = None
        self._stage_first = False
        #: whether the last try found its batch not committed before: then what it raised left nothing behind, unless
        #: the connection was lost in it
        self.certain = False

    @property
    def connection(self) -> Connection:
        """The open connection, autocommit off. Raises psycopg.OperationalError where the database is away."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(
                self._url,
                "borough collect",
                statement_timeout=self._statement_timeout,
                lock_timeout=self._lock_timeout,
            )
        return self._connection

    @property
    def fileno(self) -> int | None:
        """The open connection's socket, or None."""
        connection = self._connection
        try:
            return None if connection is None or connection.closed else connection.fileno()
        except psycopg.OperationalError:  # it closed between the two looks
            return None

    def abort(self) -> None:
        """Shut the socket down, from any thread: a write that hangs ends with psycopg.OperationalError."""
        connection = self._connection
        if connection is not None:
            abort(connection)

    def close(self) -> None:
        """Close the connection; a write after it opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def write(
        self, batch: Batch, beside: Callable[[], None] = lambda: None, statement_timeout: float | None = None
    ) -> Outcome:
        """Commit the batch, once: a batch that is committed already comes back with its saved outcome, ``repeated``.

        ``beside`` is called in each try's transaction, when it is sure that no tombstone forbids the batch and the rest
        was taken, just before the commit; until the transaction ends no tombstone can be written. Where one forbids it:
        store.tombstones.Stale, and nothing is written.
        ``batch.counts`` holds everything but the fate of the rows, which is added here. Deadlocks and lock time-outs
        are tried again a few times. Any other psycopg.Error leaves nothing behind, or the whole batch where only the
        answer to COMMIT was lost: write the same batch again to know. ``certain`` says which, where this raises.
        ``statement_timeout`` [s] is this batch's alone.
        """
        started = time.monotonic()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                outcome = self._transaction(batch, beside, statement_timeout)
                return replace(outcome, seconds=time.monotonic() - started)
            except _AGAIN:
                if attempt == _ATTEMPTS:
                    self.close()
                    raise
                self._roll_back()
                time.sleep(random.uniform(0.5, 1.0) * 0.02 * 2**attempt)
            except tombstones.Stale:
                self._roll_back()
                raise
            except BaseException:
                self.close()  # whatever it was: a new connection knows nothing of it
                raise
        raise AssertionError("unreachable")

    def probe(self, collector: str, statement_timeout: float) -> float:
        """Commit a transaction that writes and changes nothing; how long it took [s]. Raises psycopg.Error."""
        started = time.monotonic()
        try:
            connection = self.connection
            connection.execute(f"set local statement_timeout = {max(1, round(statement_timeout * 1000))}".encode())
            connection.execute(_SQL["probe"], (collector,))
            connection.commit()
        except BaseException:
            self.close()
            raise
        return time.monotonic() - started

    def _roll_back(self) -> None:
        try:
            self.connection.rollback()
        except psycopg.Error:
            self.close()

    def _transaction(self, batch: Batch, beside: Callable[[], None], statement_timeout: float | None) -> Outcome:
        self.certain = False
        connection = self.connection
        if statement_timeout is not None:
            # Who waits for a lock is told so before the statement's time is over: it was not slow, somebody else was.
            lock_timeout = min(self._lock_timeout, 0.75 * statement_timeout)
            connection.execute(f"set local lock_timeout = {max(1, round(lock_timeout * 1000))}".encode())
            connection.execute(f"set local statement_timeout = {max(1, round(statement_timeout * 1000))}".encode())
        tombstones.share(connection)
        taken = connection.execute(_SQL["take"], (batch.collector, batch.number)).fetchone()
        if taken is None:
            row = connection.execute(_SQL["outcome"], (batch.collector,)).fetchone()
            connection.rollback()
            assert row is not None, "the collector's row vanished between two statements"
            return _saved(row[0])
        self.certain = True
        tombstones.check(connection, batch.tombstones)
        written = write_rows(connection, batch, self._stage_first)
        judged, fate, conflicts = None, written.fate, written.conflicts
        if batch.restating is not None:
            judged = restatements.write_restatements(connection, batch, batch.restating, written)
            fate, conflicts = judged.fate, np.flatnonzero(judged.fate == CONFLICT).astype(np.int32)
        outcome = Outcome(_counts(batch, fate), conflicts.tolist(), written.staged)
        self._write_rest(connection, batch, written, outcome, judged)
        if taken[0]:
            _queue_observations(connection, batch, fate)
        beside()
        connection.commit()
        # After a duplicate expect more (a redelivery, a replay): the direct way would be tried in vain.
        self._stage_first = written.staged and bool(np.any((fate == DUPLICATE) | (fate == RESTATED)))
        return outcome

    def _write_rest(
        self, connection: Connection, batch: Batch, written: Written, outcome: Outcome, judged: Judged | None
    ) -> None:
        rejected = [*batch.rejected, *batch.conflicts(outcome.conflicts)]
        if rejected:
            write_rejections(connection, rejected, self._rejected_limit, batch.names_household)
        redelivery.forget(connection, batch.collector, batch.forget)
        redelivery.remember(connection, batch.collector, batch.remember)
        if batch.late:
            absences.add(connection, batch.collector, batch.late)
        with connection.pipeline():
            if len(batch.latest_series):
                connection.execute(_SQL["latest"], _latest(batch, written), prepare=True)
            if judged is not None:
                restatements.show_newest(connection, judged)
            touched.note(connection, batch.touched)
            if outcome.counts:
                connection.execute(_SQL["account"], _account(batch, outcome.counts))
                flow.count_rejections(connection, batch.collector, batch.minute, _rejections(batch, outcome.counts))
            connection.execute(_SQL["finish"], (_to_save(outcome), batch.collector))
        write_spans(connection, batch.sequences)


def _queue_observations(connection: Connection, batch: Batch, fate: UInt8) -> None:
    """Have subscribers told of what was stored, and of what got another value."""
    stored = np.flatnonzero(fate[: len(batch.series)] == STORED)
    observation_queue.add(connection, batch.series[stored], batch.time[stored], changed=False)
    if batch.restating is not None:
        restated = np.flatnonzero(fate == RESTATED)
        series = np.concatenate((batch.series, batch.restating.series))[restated]
        time = np.concatenate((batch.time, batch.restating.time))[restated]
        observation_queue.add(connection, series, time, changed=True)


def _counts(batch: Batch, fate: UInt8) -> dict[str, Counts]:
    """The batch's own counts and the fate of its rows, later ones (``Restating``) behind them, by family."""
    counts = {family: replace(count) for family, count in batch.counts.items()}
    of = batch.family if batch.restating is None else np.concatenate((batch.family, batch.restating.family))
    fates = np.bincount(of.astype(np.intp) * 5 + fate, minlength=5 * len(batch.families))
    for family, row in zip(batch.families, fates.reshape(-1, 5).tolist(), strict=True):
        if any(row):
            count = counts.setdefault(family, Counts())
            count.readings_stored += row[STORED]
            count.readings_duplicates += row[DUPLICATE]
            count.readings_thinned += row[THINNED]
            count.readings_rejected += row[CONFLICT]
            count.readings_restated += row[RESTATED]
    nothing = Counts()
    return {family: count for family, count in counts.items() if count != nothing}


def _rejections(batch: Batch, counts: dict[str, Counts]) -> dict[tuple[str, str], int]:
    """The batch's rejections by (family, reason), and the readings that the store found to be conflicts."""
    found = dict(batch.rejections)
    for family, count in counts.items():
        before = batch.counts.get(family)
        conflicts = count.readings_rejected - (0 if before is None else before.readings_rejected)
        if conflicts:
            key = family, str(Reason.CONFLICT)
            found[key] = found.get(key, 0) + conflicts
    return found


def _latest(batch: Batch, written: Written) -> Sequence[Any]:
    """Parameters of ``latest``, in the order of the series; where the newest is a conflict, with the stored value."""
    series, moment, value = batch.latest_series, batch.latest_time, batch.latest_value
    if np.any(series[1:] <= series[:-1]):
        order = np.argsort(series, kind="stable")
        series, moment, value = series[order], moment[order], value[order]
    if len(written.conflicts):
        value = _with_stored(batch, written, series, moment, value)
    return Int4s(series), Instants(moment), Float8s(value)


def _with_stored(batch: Batch, written: Written, series: Any, moment: Any, value: Float64) -> Float64:
    rows = written.conflicts
    place = np.minimum(np.searchsorted(series, batch.series[rows]), len(series) - 1)
    same = (series[place] == batch.series[rows]) & (moment[place] == batch.time[rows])
    value = value.copy()
    value[place[same]] = written.stored[same]
    return value


def _account(batch: Batch, counts: dict[str, Counts]) -> Sequence[Any]:
    families = sorted(counts)
    columns = [Int8s([getattr(counts[family], name) for family in families]) for name in COUNT_NAMES]
    return instant(batch.minute), batch.collector, families, *columns


def _to_save(outcome: Outcome) -> str:
    counts = {family: [getattr(count, name) for name in COUNT_NAMES] for family, count in outcome.counts.items()}
    return json.dumps({"counts": counts, "conflicts": list(outcome.conflicts), "staged": outcome.staged})


def _saved(saved: dict[str, Any]) -> Outcome:
    counts = {
        family: Counts(**dict(zip(COUNT_NAMES, values, strict=True))) for family, values in saved["counts"].items()
    }
    return Outcome(counts, saved["conflicts"], saved["staged"], repeated=True)
