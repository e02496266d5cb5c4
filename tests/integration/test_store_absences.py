"""Readings whose time is an arrival after an absence: counted with their batch, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from store import absences
from store.batch import Late
from store.connect import Connection
from store.maintain import maintain
from store.times import instant
from store.writer import Writer
from tests.tools.batches import T0, make

LOST, BACK, NEXT = T0, T0 + 60_000_000, T0 + 120_000_000
DAY = timedelta(days=1)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with psycopg.connect(database, autocommit=True) as found:
        yield found


@pytest.fixture
def writer(database: str) -> Iterator[Writer]:
    found = Writer(database)
    yield found
    found.close()


def test_batches_of_an_absence_add_up_and_a_repeated_one_does_not(writer: Writer, connection: Connection) -> None:
    assert absences.left_at(connection, "c1") is None
    meters, air = Late(LOST, BACK, "smart-meter", 3, 5), Late(LOST, BACK, "air-monitor", 1, 4)
    first = make([(1, T0, 1.0)], number=1)
    first.late = [meters, air]
    second = make([(1, T0 + 1, 1.0)], number=2)
    second.late = [meters, Late(None, NEXT, "smart-meter", 1, 1)]
    writer.write(first)
    writer.write(second)
    writer.write(second)
    absences.drained(connection, "c1", BACK, NEXT)
    assert absences.recent(connection, instant(BACK)) == [
        absences.Absence("c1", "smart-meter", None, instant(NEXT), None, 1, 1),
        absences.Absence("c1", "air-monitor", instant(LOST), instant(BACK), instant(NEXT), 1, 4),
        absences.Absence("c1", "smart-meter", instant(LOST), instant(BACK), instant(NEXT), 6, 10),
    ]
    assert [item.family for item in absences.recent(connection, instant(BACK), "air-monitor")] == ["air-monitor"]
    assert absences.recent(connection, instant(NEXT + 1)) == []
    left = absences.left_at(connection, "c1")
    assert left is not None
    assert datetime.now(UTC) - instant(left) < DAY


def test_what_is_noted_of_an_absence_without_rows_makes_none(connection: Connection) -> None:
    absences.drained(connection, "c1", BACK, NEXT)
    assert absences.recent(connection, instant(0)) == []


def test_they_go_after_a_year(writer: Writer, connection: Connection) -> None:
    batch = make([(1, T0, 1.0)])
    batch.late = [Late(LOST, BACK, "smart-meter", 3, 5)]
    writer.write(batch)
    maintain(connection, {}, instant(BACK) + 365 * DAY)
    assert len(absences.recent(connection, instant(0))) == 1
    maintain(connection, {}, instant(BACK) + 367 * DAY)
    assert absences.recent(connection, instant(0)) == []


def test_a_naive_instant_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="time zone"):
        absences.recent(connection, datetime(2026, 2, 1))  # noqa: DTZ001 that is the point
