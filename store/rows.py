"""One batch's rows into ``reading``, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from psycopg import errors

from store.batch import Batch, Float64, Int32, Int64, UInt8
from store.connect import Connection
from store.copy import Float8s, Instants, Int4s, copy_block, copy_readings, float8s, int4s, staged_block
from store.queries import queries
from store.times import instant

STORED, DUPLICATE, CONFLICT, THINNED, RESTATED = range(5)

_SQL = queries("writer")


@dataclass(slots=True)
class Written:
    """What became of a batch's rows.

    ``fate``: ``(rows,)``, one of STORED, DUPLICATE, CONFLICT, THINNED. ``conflicts``: the rows whose key is stored
    with another value, ``stored``: that value, both ``(conflicts,)``. ``staged``: the batch took the slower way.
    """

    fate: UInt8
    conflicts: Int32
    stored: Float64
    staged: bool = False


def write_rows(connection: Connection, batch: Batch, stage_first: bool = False) -> Written:
    """Write the batch's rows inside the running transaction.

    Straight into the table by COPY, which fails as a whole on a key that is stored already; then, or at once with
    ``stage_first``, through a temporary table that tells every such row. Raises psycopg.Error.
    """
    written = Written(np.zeros(len(batch.series), np.uint8), np.empty(0, np.int32), np.empty(0))
    late = np.flatnonzero(batch.thin)
    if len(late):
        _judge_late(connection, batch, late, written)
        _keep_one_a_period(batch, late, written.fate)
    rows = np.flatnonzero(written.fate == STORED).astype(np.int32)
    if not len(rows):
        return written
    whole = len(rows) == len(batch.series)
    series, time, value = (
        (batch.series, batch.time, batch.value) if whole else (batch.series[rows], batch.time[rows], batch.value[rows])
    )
    if not stage_first:
        connection.execute(b"savepoint rows")
        try:
            copy_readings(connection, series, time, value)
        except errors.UniqueViolation:
            connection.execute(b"rollback to savepoint rows")
        else:
            connection.execute(b"release savepoint rows")
            return written
    connection.execute(_SQL["make_stage"])
    copy_block(connection, _SQL["copy_stage"], staged_block(series, time, value, rows))
    known = int4s(_bytes(connection, _SQL["insert_stage"])[0])
    written.staged = True
    if len(known):
        written.fate[known] = DUPLICATE
        _find_conflicts(connection, batch, known, written)
    return written


def _bytes(connection: Connection, query: bytes, parameters: tuple[object, ...] = ()) -> tuple[bytes, ...]:
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(query, parameters).fetchone()
    assert row is not None
    return row


def _range(time: Int64) -> tuple[datetime, datetime]:
    return instant(time.min()), instant(time.max())


def _find_conflicts(connection: Connection, batch: Batch, known: Int32, written: Written) -> None:
    time = batch.time[known]
    found = _bytes(
        connection,
        _SQL["conflicts"],
        (Int4s(known), Int4s(batch.series[known]), Instants(time), Float8s(batch.value[known]), *_range(time)),
    )
    written.conflicts, written.stored = int4s(found[0]), float8s(found[1])
    written.fate[written.conflicts] = CONFLICT


def _judge_late(connection: Connection, batch: Batch, late: Int64, written: Written) -> None:
    """Rows of the keep rule older than the last kept one, whose period has a reading: it is not kept again.

    Another value at the very time of the kept one is thinned too and no conflict: the collector thins what comes while
    the period is its newest, and a message must be judged alike when it is delivered again.
    """
    time, period = batch.time[late], batch.thin[late]
    start = time // period * period
    end = start + period
    bounds = (instant(start.min()), instant(end.max()))
    found = _bytes(
        connection,
        _SQL["periods"],
        (Int4s(late), Int4s(batch.series[late]), Instants(time), Instants(start), Instants(end), *bounds, *bounds),
    )
    rows, value, same = int4s(found[0]), float8s(found[1]), int4s(found[2]) == 1
    written.fate[rows] = THINNED
    written.fate[rows[same & (value == batch.value[rows])]] = DUPLICATE


def _keep_one_a_period(batch: Batch, late: Int64, fate: UInt8) -> None:
    """Of late rows that share a period with another row of this batch, one is kept: the other's, or the earliest."""
    late = late[fate[late] == STORED]
    if not len(late):
        return
    series, first = np.unique(batch.series[late], return_index=True)
    period = batch.thin[late][first]
    place = np.minimum(np.searchsorted(series, batch.series), len(series) - 1)
    members = np.flatnonzero((series[place] == batch.series) & (fate == STORED))
    slot = place[members]
    number = batch.time[members] // period[slot]
    begins = np.ones(len(members), bool)
    begins[1:] = (slot[1:] != slot[:-1]) | (number[1:] != number[:-1])
    group = np.cumsum(begins) - 1
    ordinary = batch.thin[members] == 0
    has_ordinary = np.logical_or.reduceat(ordinary, np.flatnonzero(begins))
    kept = ordinary | (begins & ~has_ordinary[group])
    fate[members[~kept]] = THINNED
