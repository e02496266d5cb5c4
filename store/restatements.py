"""Restatements: readings that may take the place of stored ones with another value, and the old ones kept on record.

The last to arrive wins. What is not new in that order, a message that came again, turns nothing back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import errors

from store.arrays import values_at
from store.batch import Batch, Float64, Int32, Int64, Restating, Right, UInt8
from store.connect import Connection
from store.copy import Float8s, Instants, Int4s, int4s
from store.queries import queries
from store.rows import CONFLICT, DUPLICATE, RESTATED, THINNED, Written
from store.tier import tier
from store.times import instant

_SQL = queries("restatements")

_Key = tuple[int, int]


class Judged(NamedTuple):
    """What became of a batch's rows and of the later ones behind them, ``fate`` ``(rows + later,)``.

    ``series``, ``time``, ``value`` ``(keys,)``: what now counts of every key that was looked at.
    """

    fate: UInt8
    series: Int32
    time: Int64
    value: Float64


class _Steps:
    """Values that took each other's place, in their order."""

    def __init__(self) -> None:
        self.keys: list[_Key] = []
        self.old: list[float] = []
        self.new: list[float] = []
        self.row: list[int] = []

    def add(self, key: _Key, old: float, new: float, row: int) -> None:
        self.keys.append(key)
        self.old.append(old)
        self.new.append(new)
        self.row.append(row)


class _Rows(NamedTuple):
    """The readings to be judged, sorted by key, those of one key in the order of their arrival. Shapes: ``(rows,)``.

    ``row`` is the place in the batch's rows or, behind these, in the later ones.
    """

    row: Int32
    series: Int32
    time: Int64
    value: Float64
    keep: Int64


def write_restatements(connection: Connection, batch: Batch, restating: Restating, written: Written) -> Judged:
    """Judge what may restate, after the batch's rows were written, and write what does, in the running transaction.

    Raises psycopg.errors.SerializationFailure where somebody else changed a reading meanwhile; psycopg.Error.
    """
    fate = np.concatenate((written.fate, np.full(len(restating.series), DUPLICATE, np.uint8)))
    rows = _rows(batch, restating, written)
    if not len(rows.row):
        return Judged(fate, rows.series, rows.time, rows.value)
    stored = _stored(connection, rows)
    superseded, overtaken = _past(connection, restating, rows)
    now = dict(stored)
    steps = _Steps()
    keys = list(zip(rows.series.tolist(), rows.time.tolist(), strict=True))
    right = restating.right[rows.row].tolist()
    columns = zip(keys, rows.row.tolist(), rows.value.tolist(), rows.keep.tolist(), right, strict=True)
    for key, row, value, keep, may in columns:
        current = now.get(key)
        if current is None:
            found = THINNED  # its period has another reading, or it has a place in `latest` only
        elif current == value:
            found = DUPLICATE
        elif may == Right.NONE:
            found = THINNED if keep else CONFLICT
        elif may == Right.COPY or (may == Right.RETAINED and row in superseded):
            found = DUPLICATE
        elif may == Right.AGED and row in overtaken:
            found = THINNED if keep else CONFLICT
        else:
            found = RESTATED
            steps.add(key, current, value, row)
            now[key] = value
        fate[row] = found
    _write(connection, restating, steps, stored, now)
    return Judged(fate, *_what_counts(keys, rows.value.tolist(), right, now))


def show_newest(connection: Connection, judged: Judged) -> None:
    """Have ``latest`` say what counts of each series' newest reading, inside the running transaction."""
    if len(judged.series):
        parameters = (Int4s(judged.series), Instants(judged.time), Float8s(judged.value))
        connection.execute(_SQL["latest"], parameters)


class Restatement(NamedTuple):
    """One value that took another's place; ``correction_id`` is set where a file of ``borough correct`` brought it."""

    device: str
    family: str
    property: str
    time: Any
    old_value: float | None
    new_value: float
    arrival: Any
    source: str
    correction_id: int | None


def listed(connection: Connection, device: str | None, limit: int) -> list[Restatement]:
    """Restatements of a device or of all, the newest first. Raises psycopg.Error."""
    rows = connection.execute(_SQL["listed"], {"device": device, "limit": limit}).fetchall()
    return [Restatement(*row) for row in rows]


def restated(
    connection: Connection, series: Int32, time: Int64, arrival: Int64, restates: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Readings that must not be changed by what is decoded again. Shapes: ``(rows,)``, times in us.

    Their key was restated by something that came after their message, or, where that may not restate, at any time.
    Raises psycopg.Error.
    """
    found = np.zeros(len(series), bool)
    if len(series):
        rows = Int4s(np.arange(len(series)))
        parameters = (rows, Int4s(series), Instants(time), Instants(arrival), Int4s(restates.astype(np.int32)))
        with connection.cursor(binary=True) as cursor:
            row = cursor.execute(_SQL["restated"], parameters).fetchone()
        assert row is not None
        found[int4s(row[0])] = True
    return found


def _rows(batch: Batch, restating: Restating, written: Written) -> _Rows:
    own = restating.right[: len(batch.series)]
    asked = np.flatnonzero((own != Right.NONE) & ((written.fate == CONFLICT) | (written.fate == THINNED)))
    count = len(batch.series)
    row = np.concatenate((asked, np.arange(count, count + len(restating.series)))).astype(np.int32)
    series = np.concatenate((batch.series[asked], restating.series))
    time = np.concatenate((batch.time[asked], restating.time))
    value = np.concatenate((batch.value[asked], restating.value))
    keep = np.concatenate((batch.thin[asked], restating.keep))
    order = np.lexsort((time, series))  # stable: a batch's own row came before the later ones of its key
    return _Rows(row[order], series[order], time[order], value[order], keep[order])


def _stored(connection: Connection, rows: _Rows) -> dict[_Key, float]:
    places, values = values_at(connection, rows.series, rows.time)
    keys = zip(rows.series[places].tolist(), rows.time[places].tolist(), strict=True)
    return dict(zip(keys, values.tolist(), strict=True))


def _past(connection: Connection, restating: Restating, rows: _Rows) -> tuple[set[int], set[int]]:
    """Of the broker's copies and of what is tried again: rows whose value was superseded before, and rows whose key
    something restated that arrived after them."""
    right = restating.right[rows.row]
    asked = np.flatnonzero((right == Right.RETAINED) | (right == Right.AGED))
    if not len(asked):
        return set(), set()
    row = rows.row[asked]
    found = connection.execute(
        _SQL["past"],
        (
            Int4s(row),
            Int4s(rows.series[asked]),
            Instants(rows.time[asked]),
            Float8s(rows.value[asked]),
            Instants(restating.arrival[row]),
        ),
    ).fetchall()
    return {item[0] for item in found if item[1]}, {item[0] for item in found if item[2]}


def _write(
    connection: Connection, restating: Restating, steps: _Steps, before: dict[_Key, float], now: dict[_Key, float]
) -> None:
    if not steps.keys:
        return
    changed = sorted(key for key in set(steps.keys) if before[key] != now[key])
    if changed:
        if tier(connection) == "community":
            # the limit is there for slips of the hand; what is restated is bounded by its batch
            connection.execute("set local timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
        series, time = _columns(changed)
        done = connection.execute(
            _SQL["restate"],
            {
                "series": Int4s(series),
                "time": Instants(time),
                "old": Float8s([before[key] for key in changed]),
                "new": Float8s([now[key] for key in changed]),
                "ids": Int4s(np.unique(series)),
                "start": instant(time.min()),
                "stop": instant(time.max()),
            },
        ).rowcount
        if done < len(changed):
            raise errors.SerializationFailure("readings were changed while they were being restated")
    series, time = _columns(steps.keys)
    connection.execute(
        _SQL["supersede"],
        (
            list(restating.sources),
            Int4s(series),
            Instants(time),
            Float8s(steps.old),
            Float8s(steps.new),
            Instants(restating.arrival[steps.row]),
            Int4s(restating.source[steps.row]),
        ),
    )


def _columns(keys: list[_Key]) -> tuple[Int32, Int64]:
    return np.array([key[0] for key in keys], np.int32), np.array([key[1] for key in keys], np.int64)


def _what_counts(
    keys: list[_Key], values: list[float], right: list[int], now: dict[_Key, float]
) -> tuple[Int32, Int64, Float64]:
    """Of each key that was looked at the stored value; of one that is in ``latest`` only the last that may restate."""
    counts: dict[_Key, float] = {}
    for key, value, may in zip(keys, values, right, strict=True):
        if key in now:
            counts[key] = now[key]
        elif may == Right.RESTATES:
            counts[key] = value
    series, time = _columns(list(counts))
    return series, time, np.array(list(counts.values()), np.float64)
