"""What is held about one household, where a home has had several: its own, all of it, and nothing of the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.resident.household import known_fuels
from dashboard.web.household import Household
from store import daily, erasure, homes
from store.connect import Connection, connect
from store.daily import DailyUse
from store.subject import everything
from tests.tools.site import GONE, HERS, make_home

ZONE = ZoneInfo("Europe/London")
HOME = 10_000_000_000_001
MOVED = date(2021, 1, 1)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """A home with two households one after the other."""
    with connect(database, autocommit=True) as found:
        make_home(found, tenancy_id=GONE, to_day=MOVED)
        make_home(found, tenancy_id=HERS, from_day=MOVED)
        yield found


def held(connection: Connection, tenancy: int) -> dict[str, Any]:
    """All of it; tables as lists of rows."""

    class Held:
        def __enter__(self) -> Connection:
            return connection

        def __exit__(self, *_: object) -> None:
            return None

    plan = erasure.plan(connection, tenancy, ZONE)
    assert plan is not None
    found = everything(Held, plan)
    return {name: [row for rows in part() for row in rows] if callable(part) else part for name, part in found.items()}


def say(connection: Connection, at: datetime, tenure: str) -> None:
    connection.execute(
        "insert into personal.home_details (home_id, valid_from, dwelling, heating, tenure, source)"
        " values (%s, %s, 'flat', 'gas', %s, 'resident')",
        (HOME, at, tenure),
    )


def test_what_another_household_said_of_the_home_is_not_in_it(connection: Connection) -> None:
    say(connection, datetime(2020, 5, 1, tzinfo=UTC), "council-rent")
    say(connection, datetime(2020, 9, 1, tzinfo=UTC), "private-rent")
    say(connection, datetime(2022, 3, 1, tzinfo=UTC), "owner")

    def tenures(tenancy: int) -> list[str | None]:
        return [row["tenure"] for row in held(connection, tenancy)["home"]["details"]]

    assert tenures(GONE) == [None, "council-rent", "private-rent"]
    # what was known of the home as they moved in, and what they said
    assert tenures(HERS) == ["private-rent", "owner"]


def test_what_was_known_later_alone_is_in_it(connection: Connection) -> None:
    connection.execute("update personal.home_details set valid_from = '2023-01-01'")
    say(connection, datetime(2023, 6, 1, tzinfo=UTC), "owner")
    assert [row["tenure"] for row in held(connection, GONE)["home"]["details"]] == [None]
    assert [row["tenure"] for row in held(connection, HERS)["home"]["details"]] == [None, "owner"]


def test_days_between_readings_far_apart_are_in_it(connection: Connection) -> None:
    """A register that is read once a week gives its days a figure, and not a minute of them is measured."""
    use = np.array([[9_000, 9_000, daily.NONE, daily.NONE]], np.int64)
    given = DailyUse(np.array([HOME], np.int64), MOVED, use, np.array([[0, 1_440, 30, 0]], np.int16))
    daily.write_days(connection, "gas", given)
    days = held(connection, HERS)["days"]
    assert [(row["day"].day, row["watt_hours"], row["minutes"]) for row in days] == [
        (1, 9_000, 0), (2, 9_000, 1_440), (3, None, 30),
    ]  # fmt: skip


def test_a_fuel_of_such_days_alone_is_known_in_the_month_of_the_move(connection: Connection) -> None:
    tenancy = make_home(connection, home_id=HOME + 1, tenancy_id=HERS + 10, uprn="2", from_day=date(2021, 1, 10))
    given = DailyUse(
        np.array([HOME + 1], np.int64), date(2021, 1, 12), np.array([[9_000]], np.int64), np.zeros((1, 1), np.int16)
    )
    daily.write_days(connection, "gas", given)
    lives, home = homes.tenancy(connection, tenancy), homes.home(connection, HOME + 1)
    assert lives is not None
    assert home is not None
    assert known_fuels(connection, Household(lives, home, date(2021, 2, 1)), 13) == ["gas"]
