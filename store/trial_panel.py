"""What a trial's panel and the list of its eligible homes are made of: who lives where, and use by months.

Arrays alone; ``analytics.trial.runner`` makes the panel of them. Days are local days [days since 1970-01-01].
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import HEATING, TENURES
from store import daily
from store.batch import Int32, Int64
from store.cells import days_since_epoch, find_rows, int8s
from store.connect import Connection
from store.copy import int4s
from store.queries import queries
from store.times import next_month

_SQL = queries("trial_panel")

Bools = NDArray[np.bool_]

#: An end of days that are read, of one that has none.
OPEN: Final = np.iinfo(np.int32).max


class Homes(NamedTuple):
    """Homes of tenancies, ``(tenancies,)`` in their rising order. ``home``; ``since``: the tenancy's first day;
    ``heating``, ``tenure``: places in `HEATING` and `TENURES`, -1: another word or not known; ``deprivation``: decile
    from 1, the most deprived, 0 not known."""

    home: Int64
    since: Int32
    heating: Int32
    tenure: Int32
    deprivation: Int32


class Candidates(NamedTuple):
    """Tenancies of homes with meters, ``(tenancies,)`` rising, that live there on a trial's first day. ``busy``: in a
    running trial; ``hardship``: told as neutral in a period since a day."""

    tenancy: Int64
    homes: Homes
    simulated: Bools
    comparison: Bools
    evaluation: Bools
    hardship: Bools
    busy: Bools


class Monthly(NamedTuple):
    """Use by calendar month, ``(homes, months)``: the sum of the known days [Wh], and how many days are known."""

    watt_hours: Int64
    known: NDArray[np.int16]


def candidates(connection: Connection, begins: date, since: date, at: datetime) -> Candidates:
    """Who could be a member of a trial that begins on a day. ``since``: from here on hardship counts; ``at``: what a
    home is, is what was known then, else the first that is known. Raises psycopg.Error."""
    parameters = {
        "begins": begins, "since": since, "at": at, "heating": list(HEATING), "tenures": list(TENURES),
    }  # fmt: skip
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["candidates"], parameters).fetchone()
    assert row is not None
    tenancy, home, *others = (column or b"" for column in row)
    since_day, simulated, comparison, evaluation, hardship, busy, heating, tenure, decile = map(int4s, others)
    return Candidates(
        int8s(tenancy), Homes(int8s(home), since_day, heating, tenure, decile),
        simulated == 1, comparison == 1, evaluation == 1, hardship == 1, busy == 1,
    )  # fmt: skip


def homes(connection: Connection, trial: int, at: datetime) -> tuple[Int64, Homes]:
    """A trial's members, rising tenancies, and their homes as they were known at an instant. Raises psycopg.Error."""
    parameters = {"trial": trial, "at": at, "heating": list(HEATING), "tenures": list(TENURES)}
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["homes"], parameters).fetchone()
    assert row is not None
    tenancy, home, *others = (column or b"" for column in row)
    return int8s(tenancy), Homes(int8s(home), *map(int4s, others))


def monthly(
    connection: Connection, fuel: str, home: Int64, since: Int32, until: Int32, first: date, months: int
) -> Monthly:
    """Use of homes ``(homes,)``, in any order, by calendar month from ``first`` (a month's first day) on.

    Days before ``since`` and from ``until`` on, each ``(homes,)``, are as unknown as those without a value: they are
    somebody else's, or of nobody who agreed. A home may stand twice. Raises psycopg.Error.
    """
    watt_hours = np.zeros((len(home), months), np.int64)
    known = np.zeros((len(home), months), np.int16)
    start = first
    for month in range(months):
        end = next_month(start)
        use = daily.read_days(connection, fuel, start, end, home)
        row, _ = find_rows(use.homes, home)
        found = use.watt_hours[row] if len(home) else np.empty((0, (end - start).days), np.int64)
        day = days_since_epoch(start) + np.arange(found.shape[1])
        counts = (found != daily.NONE) & (day >= since[:, None]) & (day < until[:, None])
        watt_hours[:, month] = np.where(counts, found, 0).sum(axis=1)
        known[:, month] = counts.sum(axis=1)
        start = end
    return Monthly(watt_hours, known)


def settled(connection: Connection, fuel: str) -> date | None:
    """The first day after the newest month of a fuel that has settled, None where none has. Raises psycopg.Error."""
    row = connection.execute(_SQL["settled"], (fuel,)).fetchone()
    return None if row is None else row[0]
