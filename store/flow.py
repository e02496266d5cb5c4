"""What minutes of the collectors were like: batches, times and lags, beside the account and what was rejected why.

A collector writes its minutes as it knows them, whole, as often as it likes: writing the same again changes nothing.
What was rejected is counted in the batch's own transaction (`store.writer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import COUNT_NAMES, Float64, Int64
from store.connect import Connection
from store.copy import Int8s
from store.queries import queries
from store.times import aware, instant

#: Upper bounds of the lags that are counted together [s]: from 1 ms on, each sqrt(2) times the one below it, up to 24.9
#: days. One count more, the last, is of what lies above.
LAG_BOUNDS: Float64 = 0.001 * 2.0 ** (np.arange(63) / 2)
LAGS = len(LAG_BOUNDS) + 1
#: Minutes are kept for so long.
KEPT = timedelta(days=30)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

_SQL = dict(queries("flow"))
_SQL["accounts"] = (
    _SQL["accounts"]
    .replace(b"{sent}", " || ".join(f"int8send({name})" for name in COUNT_NAMES).encode())
    .replace(b"{sums}", ", ".join(f"sum({name})::int8 as {name}" for name in COUNT_NAMES).encode())
)
_ACCOUNT = np.dtype([("step", ">i4"), ("counts", ">i8", len(COUNT_NAMES))])
#: An int8[] as `array_send` has it: a head of 20 bytes, and before each value its length.
_LAG = np.dtype([("step", ">i4"), ("head", "V20"), ("counts", [("length", ">i4"), ("value", ">i8")], LAGS)])


@dataclass(slots=True)
class Minute:
    """One collector's minute; the table's columns have the words. ``minute`` [us since the Unix epoch]."""

    minute: int
    batches: int = 0
    messages: int = 0
    write_seconds: float = 0.0
    write_longest: float = 0.0
    database_seconds: float = 0.0
    in_flight_most: int = 0
    held_bytes_most: int = 0
    broker_queued: int | None = None
    broker_dropped: int | None = None
    up: float = 0.0


FIGURES: tuple[str, ...] = tuple(item.name for item in fields(Minute))[1:]
_FIGURES = np.dtype([
    ("step", ">i4"), *((name, ">f8" if Minute.__annotations__[name] == "float" else ">i8") for name in FIGURES)
])  # fmt: skip


class Lag(NamedTuple):
    """Readings of a family by their lag, ``(LAGS,)``, in a minute or an hour ``at`` [us since the Unix epoch]."""

    at: int
    family: str
    counts: Int64


@dataclass(slots=True)
class Figures:
    """What one collector knows of some minutes, and of lags by minute and by hour."""

    minutes: list[Minute] = field(default_factory=list)
    lags: list[Lag] = field(default_factory=list)
    hours: list[Lag] = field(default_factory=list)


class Flow(NamedTuple):
    """Steps of a time, ``since`` + n ``step`` up to ``until``, all collectors together.

    ``counts``: the account by step, family and word of ``COUNT_NAMES``, ``(steps, families, 11)``. ``lags``: readings
    by lag, ``(steps, families, LAGS)``. ``figures``: by name of ``FIGURES`` ``(steps,)`` float64, NaN where nothing was
    noted. ``rejections``: messages and readings by (family, reason), most first.
    """

    since: datetime
    until: datetime
    step: timedelta
    families: tuple[str, ...]
    counts: Int64
    lags: Int64
    figures: Mapping[str, Float64]
    rejections: Mapping[tuple[str, str], int]


def noted(connection: Connection, collector: str, minute: int, hour: int) -> Figures:
    """What is written of a collector from ``minute`` and ``hour`` [us] on. Raises psycopg.Error."""
    minutes = connection.execute(_SQL["minutes_of"], (collector, instant(minute)))
    found = Figures([Minute(*row) for row in minutes])
    for query, since, lags in ((_SQL["lags_of"], minute, found.lags), (_SQL["lag_hours_of"], hour, found.hours)):
        rows = connection.execute(query, (collector, instant(since)))
        lags += [Lag(at, family, np.array(counts, np.int64)) for at, family, counts in rows]
    return found


def note(connection: Connection, collector: str, figures: Figures) -> None:
    """Write a collector's minutes as it knows them, in the place of what was there. Raises psycopg.Error."""
    with connection.transaction(), connection.pipeline():
        for one in figures.minutes:
            values = [getattr(one, name) for name in FIGURES]
            connection.execute(_SQL["note_minute"], (instant(one.minute), collector, *values))
        for query, lags in ((_SQL["note_lag"], figures.lags), (_SQL["note_lag_hour"], figures.hours)):
            for at, family, counts in lags:
                connection.execute(query, (instant(at), collector, family, Int8s(counts)))


def count_rejections(
    connection: Connection, collector: str, minute: int, rejections: Mapping[tuple[str, str], int]
) -> None:
    """Add what a batch rejected, by (family, reason), inside its transaction. ``minute``: as in the account [us].

    Raises psycopg.Error.
    """
    if rejections:
        families, reasons = zip(*sorted(rejections), strict=True)
        counts = Int8s([rejections[key] for key in sorted(rejections)])
        connection.execute(_SQL["note_rejections"], (instant(minute), collector, list(families), list(reasons), counts))


def delete(connection: Connection, before: datetime) -> int:
    """Delete what is before an instant; how many minutes of collectors. Raises psycopg.Error; ValueError (naive)."""
    return connection.execute(_SQL["delete_figures"], {"before": aware(before)}).rowcount


def minutes(connection: Connection, since: datetime, until: datetime, step: timedelta = MINUTE) -> Flow:
    """What the collectors did from ``since`` (included) to ``until`` (not), by minute or by a number of whole hours.

    For hours ``since`` is a whole hour. Raises psycopg.Error; ValueError for a naive instant.
    """
    given = {"since": aware(since), "until": aware(until), "step": step.total_seconds(), "width": step}
    steps = -((since - until) // step)
    lag_query = _SQL["lag_minutes"] if step < HOUR else _SQL["lag_hours"]
    with connection.cursor(binary=True) as cursor:
        accounts: dict[str, bytes] = dict(cursor.execute(_SQL["accounts"], given).fetchall())
        lags: dict[str, bytes] = dict(cursor.execute(lag_query, given).fetchall())
        row = cursor.execute(_SQL["figures"], given).fetchone()
    assert row is not None
    rejections = {
        (family, reason): count for family, reason, count in connection.execute(_SQL["rejections"], given).fetchall()
    }
    families = tuple(sorted({*accounts, *lags, *(family for family, _ in rejections)}))
    counts = np.zeros((steps, len(families), len(COUNT_NAMES)), np.int64)
    by_lag = np.zeros((steps, len(families), LAGS), np.int64)
    for place, family in enumerate(families):
        if family in accounts:
            found = np.frombuffer(accounts[family], _ACCOUNT)
            counts[found["step"], place] = found["counts"]
        if family in lags:
            found = np.frombuffer(lags[family], _LAG)
            np.add.at(by_lag[:, place], found["step"].astype(np.intp), found["counts"]["value"].astype(np.int64))
    return Flow(since, until, step, families, counts, by_lag, _figures(row[0], steps), rejections)


def rejections_by_step(
    connection: Connection, since: datetime, until: datetime, step: timedelta = MINUTE
) -> Iterator[tuple[datetime, str, str, int]]:
    """Step, family, reason and how many were rejected. Raises psycopg.Error; ValueError for a naive instant."""
    given = {"since": aware(since), "until": aware(until), "width": step}
    yield from connection.execute(_SQL["rejections_by_step"], given).fetchall()


def _figures(rows: bytes, steps: int) -> Mapping[str, Float64]:
    found = np.frombuffer(rows, _FIGURES)
    figures = {}
    for name in FIGURES:
        values = np.full(steps, np.nan)
        column: NDArray[Any] = found[name].astype(np.float64)
        values[found["step"]] = np.where(column < 0, np.nan, column)  # -1: no broker said anything
        figures[name] = values
    return figures
