"""Corrections: values that were decoded again take the place of stored ones, and the old ones stay on record.

The rule "first value stays, second is a conflict" is the writer's, for live traffic; here the new value wins.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from psycopg import errors

from devices.naming import Naming
from store import observation_queue, tombstones, touched
from store.arrays import values_at
from store.batch import Float64, Int32, Int64, UInt8
from store.connect import Connection
from store.copy import Float8s, Instants, Int4s, Int8s, int4s
from store.queries import queries
from store.restatements import restated
from store.tier import tier
from store.times import instant

_SQL = queries("corrections")
_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_ATTEMPTS = 6
_ERASED = "(erased)"

T = TypeVar("T")


class Key(NamedTuple):
    """What makes two corrections the same: an unfinished one of these words is gone on with.

    ``period_end`` is not included in the period; ``decoder`` names the program's decoders.
    """

    author: str
    reason: str
    period_start: datetime
    period_end: datetime
    source: str
    decoder: str
    family: str | None
    device: str | None


class Correction(NamedTuple):
    """One correction as it is listed; ``finished_at`` is None while it is not finished. Counts as in ``Tally``."""

    id: int
    at: datetime
    finished_at: datetime | None
    author: str
    reason: str
    period_start: datetime
    period_end: datetime
    family: str | None
    device: str | None
    source: str
    decoder: str
    messages: int
    readings: int
    superseded: int
    inserted: int
    unchanged: int
    repeated: int
    thinned: int
    rejected: int


@dataclass(slots=True)
class Tally:
    """What became of readings decoded again: readings = superseded + inserted + unchanged + repeated + thinned.

    ``repeated``: the same key came earlier in the source, and the first decides, as in live traffic. ``rejected`` are
    messages and single readings that today's decoders reject; they stand beside the sum.
    """

    messages: int = 0
    readings: int = 0
    superseded: int = 0
    inserted: int = 0
    unchanged: int = 0
    repeated: int = 0
    thinned: int = 0
    rejected: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for item in fields(Tally):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


class Publication(NamedTuple):
    """Something that was published or posted from the readings of a family, ``first_day`` to ``last_day`` (UTC)."""

    id: int
    kind: str
    reference: str
    family: str
    first_day: date
    last_day: date
    at: datetime


@dataclass(slots=True)
class Rows:
    """Readings of one batch, sorted by (series, time), unique by it, each for the first time in this correction.

    Shapes: all ``(rows,)``.
    """

    series: Int32
    time: Int64
    value: Float64
    #: Place in ``families``.
    family: UInt8
    #: 0, or the period of the keep rule, of which one reading is stored [us]; int64's maximum stores none.
    keep: Int64
    #: Of the message [us].
    arrival: Int64
    #: Whether a row would be the first that this correction adds to its period of the keep rule.
    first: NDArray[np.bool_]
    families: Sequence[str]
    #: Whether a row comes from a source that may restate.
    restates: NDArray[np.bool_]
    #: What such a row comes from, for the record; empty where the correction's own source says it.
    source: str = ""


def lock(connection: Connection) -> bool:
    """Whether this connection may correct now: one correction at a time, until it closes. Raises psycopg.Error."""
    row = connection.execute(_SQL["lock"]).fetchone()
    connection.commit()
    return bool(row and row[0])


def begin(connection: Connection, key: Key, content: Mapping[str, int]) -> tuple[int, dict[str, int], int]:
    """Begin a correction, or go on with one that was interrupted: its id, its source's content, its progress.

    Commits. Raises psycopg.Error.
    """
    row = connection.execute(_SQL["unfinished"], key).fetchone()
    if row is None:
        found = connection.execute(_SQL["begin"], (*key, json.dumps(content))).fetchone()
        assert found is not None
        row = (found[0], dict(content), 0)
    connection.commit()
    return row[0], row[1], row[2]


def known_series(connection: Connection, pairs: Sequence[tuple[str, str]]) -> list[int | None]:
    """The series of (device id, property) pairs, None where there is none yet: for a look that changes nothing."""
    names = ([device for device, _ in pairs], [name for _, name in pairs])
    return [row[0] for row in connection.execute(_SQL["known_series"], names).fetchall()]


def diff(connection: Connection, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Float64, Tally]:
    """Compare with what is stored: which rows supersede, which are new, the stored values (NaN: none), the tally.

    Raises psycopg.Error.
    """
    count = len(rows.series)
    old = np.full(count, np.nan)
    held = np.zeros(count, bool)
    if count:
        places, values = values_at(connection, rows.series, rows.time)
        held[places], old[places] = True, values
    changed = held & (old != rows.value)
    asked = np.flatnonzero(changed)
    changed[
        asked[restated(connection, rows.series[asked], rows.time[asked], rows.arrival[asked], rows.restates[asked])]
    ] = False
    new = ~held
    ruled = np.flatnonzero(new & (rows.keep > 0))
    left_out = np.zeros(count, bool)
    if len(ruled):
        left_out[ruled] = ~rows.first[ruled]
        left_out[ruled[rows.keep[ruled] == np.iinfo(np.int64).max]] = True
        left_out[_filled(connection, rows, ruled[~left_out[ruled]])] = True
        new &= ~left_out
    tally = Tally(
        readings=count,
        superseded=int(changed.sum()),
        inserted=int(new.sum()),
        unchanged=int((held & ~changed).sum()),
        thinned=int(left_out.sum()),
    )
    return changed, new, old, tally


def _filled(connection: Connection, rows: Rows, ruled: NDArray[np.intp]) -> Int32:
    if not len(ruled):
        return np.empty(0, np.int32)
    period = rows.keep[ruled]
    start = rows.time[ruled] // period * period
    end = start + period
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(
            _SQL["filled"],
            (Int4s(ruled), Int4s(rows.series[ruled]), Instants(start), Instants(end),
             instant(start.min()), instant(end.max())),
        ).fetchone()  # fmt: skip
    assert found is not None
    return int4s(found[0])


def apply(connection: Connection, correction: int, rows: Rows, beside: Tally, progress: int, known: int = 0) -> Tally:
    """Supersede and insert one batch, note its days, repair ``latest``, set the progress: one transaction.

    ``beside`` is added to the correction's counts, ``known`` is the newest tombstone that the rows were judged by.
    Returns what was done, ``beside`` included. Deadlocks are tried again. Raises psycopg.Error; tombstones.Stale.
    """

    def work() -> Tally:
        tombstones.share(connection)
        tombstones.check(connection, known)
        return _apply(connection, correction, rows, beside, progress)

    return _again(connection, work)


def _again(connection: Connection, work: Callable[[], T]) -> T:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            result = work()
            connection.commit()
            return result
        except _AGAIN:
            connection.rollback()
            if attempt == _ATTEMPTS:
                raise
            time.sleep(random.uniform(0.5, 1.0) * 0.02 * 2**attempt)
    raise AssertionError("unreachable")


def _apply(connection: Connection, correction: int, rows: Rows, beside: Tally, progress: int) -> Tally:
    changed, new, old, tally = diff(connection, rows)
    if changed.any():
        _supersede(connection, correction, rows, np.flatnonzero(changed), old)
    if new.any():
        places = np.flatnonzero(new)
        done = connection.execute(
            _SQL["insert"],
            (Int4s(rows.series[places]), Instants(rows.time[places]), Float8s(rows.value[places]), correction),
        ).rowcount
        if done < len(places):
            # the collector stored some of them meanwhile: look again, in this transaction's next snapshot
            raise errors.SerializationFailure("readings were stored while they were being corrected")
        counts = np.bincount(rows.family[places], minlength=len(rows.families))
        families = [name for name, count in zip(rows.families, counts, strict=True) if count]
        connection.execute(_SQL["account"], (families, Int8s(counts[counts > 0])))
    for which, again in ((new, False), (changed, True)):
        observation_queue.add(connection, rows.series[which], rows.time[which], changed=again)
    which = changed | new
    touched.note(connection, touched.days_of(rows.families, rows.family[which], rows.series[which], rows.time[which]))
    # what was restated since shows its restated value
    _repair_latest(connection, rows, new, ~(np.isfinite(old) & (old != rows.value)) | changed)
    tally.add(beside)
    connection.execute(
        _SQL["progress"],
        {**{item.name: getattr(tally, item.name) for item in fields(Tally)},
         "progress": progress, "correction": correction},
    )  # fmt: skip
    return tally


def _supersede(connection: Connection, correction: int, rows: Rows, places: NDArray[np.intp], old: Float64) -> None:
    if tier(connection) == "community":
        # the limit is there for slips of the hand; a correction is bounded by its batch
        connection.execute("set local timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
    start, end = _range(rows.time[places])
    done = connection.execute(
        _SQL["supersede"],
        {
            "series": Int4s(rows.series[places]),
            "time": Instants(rows.time[places]),
            "old": Float8s(old[places]),
            "new": Float8s(rows.value[places]),
            "arrival": Instants(rows.arrival[places]),
            "restates": Int4s(rows.restates[places].astype(np.int32)),
            "source": rows.source or None,
            "ids": Int4s(np.unique(rows.series[places])),
            "start": start,
            "stop": end,
            "correction": correction,
        },
    ).rowcount
    if done < len(places):
        raise errors.SerializationFailure("readings were deleted while they were being corrected")


def _repair_latest(connection: Connection, rows: Rows, new: NDArray[np.bool_], counting: NDArray[np.bool_]) -> None:
    if not counting.any():
        return
    connection.execute(
        _SQL["latest_known"],
        (Int4s(rows.series[counting]), Instants(rows.time[counting]), Float8s(rows.value[counting])),
    )
    places = np.flatnonzero(new)
    if len(places):
        newest = places[np.concatenate((rows.series[places][1:] != rows.series[places][:-1], [True]))]
        connection.execute(
            _SQL["latest"],
            (
                Int4s(rows.series[newest]),
                Instants(rows.time[newest]),
                Float8s(rows.value[newest]),
                Instants(rows.arrival[newest]),
            ),
        )


def finish(connection: Connection, correction: int) -> Correction | None:
    """End a correction; None where it changed nothing: it leaves no trace then. Commits. Raises psycopg.Error."""
    connection.execute(_SQL["finish"], (correction,))
    connection.execute(_SQL["drop_empty"], (correction,))
    found = get(connection, correction)
    connection.commit()
    return found


def listed(connection: Connection, limit: int) -> list[Correction]:
    """Corrections, the newest first."""
    return [Correction(*row) for row in connection.execute(_SQL["list"], (limit,)).fetchall()]


def get(connection: Connection, correction: int) -> Correction | None:
    """One correction, or None."""
    row = connection.execute(_SQL["get"], (correction,)).fetchone()
    return None if row is None else Correction(*row)


def days(connection: Connection, correction: int) -> list[tuple[str, date]]:
    """The (family, day) pairs that a correction changed."""
    return [(row[0], row[1]) for row in connection.execute(_SQL["days"], (correction,)).fetchall()]


def changed_series(connection: Connection, correction: int) -> list[tuple[Any, ...]]:
    """(device, family, property, superseded, inserted, first time, last time) by series."""
    return connection.execute(_SQL["series"], (correction,)).fetchall()


def changed_values(connection: Connection, correction: int, limit: int) -> list[tuple[Any, ...]]:
    """(device, property, time, old value or None, new value) of at most so many readings."""
    return connection.execute(_SQL["values"], (correction, limit)).fetchall()


def published(
    connection: Connection, touched: Sequence[tuple[str, date]], devices: Sequence[str] | None = None
) -> list[Publication]:
    """What was published or posted from any of these (family, day) pairs.

    ``devices``: whose values changed, where it is known: nudges to other homes than theirs are left out.
    """
    values = {
        "families": [family for family, _ in touched], "days": [day for _, day in touched],
        "devices": None if devices is None else list(devices),
    }  # fmt: skip
    return [Publication(*row) for row in connection.execute(_SQL["published"], values).fetchall()]


def publish(connection: Connection, kind: str, reference: str, family: str, first_day: date, last_day: date) -> int:
    """Note inside the running transaction that something was published, so that a correction can list it; its id."""
    row = connection.execute(_SQL["publish"], (kind, reference, family, first_day, last_day)).fetchone()
    assert row is not None
    return int(row[0])


def delete_superseded(connection: Connection, family: str, before: datetime) -> int:
    """Delete what corrections superseded in a family before an instant: it must not outlive the readings."""
    return connection.execute(_SQL["delete_superseded"], (family, before)).rowcount


def forget_named(connection: Connection, named: Naming) -> None:
    """Take what names a household out of what people wrote of corrections, in the running transaction.

    Raises psycopg.Error.
    """
    for number, *texts, content in connection.execute(_SQL["naming"], {"words": named.searched}).fetchall():
        author, reason, source = (named.without(text, _ERASED) for text in texts)
        files = {named.without(path, _ERASED): frames for path, frames in content.items()}
        values = {"id": number, "author": author, "reason": reason, "source": source, "content": json.dumps(files)}
        connection.execute(_SQL["name_no_more"], values)


def _range(moments: Int64) -> tuple[datetime, datetime]:
    return instant(moments.min()), instant(moments.max())
