"""Comparisons of a street of which some homes are in a trial: what is published, settled, hidden and explained."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg.errors import CheckViolation, LockNotAvailable

from analytics.neighbours.explain import explain
from analytics.neighbours.runner import run
from analytics.periods import week_of
from devices.trials import Arm
from store import comparisons, homes
from store.comparisons import Comparison
from store.connect import connect
from store.daily import lock_daily_use
from tests.tools import forked
from tests.worlds import trial_sight
from tests.worlds.neighbourhood import LONDON, OPTIONS, Street, at

HOMES = 110
BEGINS = date(2026, 6, 1)
MONDAY, WEEK = date(2026, 6, 8), timedelta(days=7)
#: By UPRN; of those in the zone the first uses most and the last least of all in the seeded street.
OWN, ZONE, FULL, YEAR = (3, 4, 5), (1, 6, 7, 54), (10, 11), (12, 13)
OTHERS = ("average", "efficient", "homes", "tenths")


@pytest.fixture
def street(database: str) -> Street:
    return Street(database, HOMES)


def arms(street: Street) -> dict[int, Arm]:
    """The members' arms by tenancy."""
    found = {
        Arm.NOTHING: OWN[:2],
        Arm.OWN_HISTORY: OWN[2:],
        Arm.ZONE: ZONE,
        Arm.COMPARISON: FULL,
        Arm.COMPARISON_YEAR: YEAR,
    }
    return {street.ids(number, MONDAY)[1]: arm for arm, numbers in found.items() for number in numbers}


def begin(street: Street, begins: date = BEGINS) -> int:
    members = arms(street)
    with connect(street.url) as connection:
        trial = trial_sight.begin(connection, members, begins)
        comparisons.hide(connection, begins)
        connection.commit()
    return trial


def build(street: Street, first: date = MONDAY, days: int = 7) -> np.ndarray:
    return street.build(first, days)


def of(one: Comparison, *names: str) -> list[Any]:
    return [getattr(one, name) for name in names]


def expected(full: Comparison, number: int) -> Comparison:
    """What the decision leaves of a row, said from the decision."""
    if number in OWN and full.compared:
        return replace(full, state="suppressed", reason="trial", sight="own", average=None, efficient=None, homes=None,
                       tenths=None)  # fmt: skip
    if number in ZONE and full.compared:
        assert full.efficient is not None
        assert full.own is not None
        state = "great" if full.own <= full.efficient else "above-zone"
        return replace(full, state=state, sight="zone", average=None, homes=None, tenths=None)
    return full


def test_rows_hold_what_their_households_may_see_and_everybody_elses_stay(street: Street) -> None:
    """Published without a trial and then hidden, and published within it: the same rows, and others' are untouched."""
    build(street)
    street.analyse(at(MONDAY + WEEK))
    full = street.told("week", MONDAY)
    assert all(one.compared for one in full.values())
    before = members(street)
    trial = begin(street)
    hidden = street.told("week", MONDAY)
    wanted = {number: expected(one, number) for number, one in full.items()}
    assert [wanted[number].state for number in (ZONE[0], ZONE[-1])] == ["above-zone", "great"]
    assert hidden == wanted
    # as if it had never been published, now within the trial
    with connect(street.url) as connection:
        connection.execute("delete from personal.comparison_run where kind = 'week'")
        connection.commit()
    street.analyse(at(MONDAY + WEEK))
    assert street.told("week", MONDAY) == wanted
    assert members(street) == before, "a holdout counts as a neighbour as before"
    # settled within it: nothing widens, nothing is called revised
    done = street.analyse(at(MONDAY + 2 * WEEK))
    assert ("week", MONDAY, "electricity") in done.finalised
    assert done.revised == 0
    assert {number: replace(one, final=False) for number, one in street.told("week", MONDAY).items()} == wanted
    # ended: earlier periods stay, the next is everybody's
    with connect(street.url) as connection:
        trial_sight.end(connection, trial, MONDAY + 2 * WEEK)
        connection.commit()
    street.store(
        {(home, MONDAY + WEEK + timedelta(days=day)): 9_000 + home for home in range(1, 111) for day in range(7)}
    )
    street.analyse(at(MONDAY + 2 * WEEK, 13))
    assert all(
        one.compared and one.sight == "all" and one.average for one in street.told("week", MONDAY + WEEK).values()
    )
    assert {number: replace(one, final=False) for number, one in street.told("week", MONDAY).items()} == wanted


def members(street: Street) -> list[bytes]:
    with connect(street.url) as connection:
        return [
            bytes(row[0])
            for row in connection.execute(
                "select members from personal.comparison_run where kind = 'week' and from_day = %s", (MONDAY,)
            )
        ]


def test_what_was_published_within_a_trial_settles_hidden_after_it(street: Street) -> None:
    use = build(street)
    trial = begin(street)
    street.analyse(at(MONDAY + WEEK))
    first = street.told("week", MONDAY)
    with connect(street.url) as connection:
        trial_sight.end(connection, trial, MONDAY + WEEK + timedelta(days=1))
        connection.commit()
    # other homes count now, and members' own use is restated
    gone = 60
    with connect(street.url) as connection:
        connection.execute(
            "update personal.consent set withdrawn_at = now() where purpose = 'comparison' and tenancy_id = %s",
            (street.ids(gone, MONDAY)[1],),
        )
        connection.commit()
    street.store({(number, MONDAY): int(use[number - 1, 0]) + 500 for number in (OWN[0], ZONE[0])})
    done = street.analyse(at(MONDAY + 2 * WEEK))
    assert done.revised == 3
    second = street.told("week", MONDAY)
    assert of(second[OWN[0]], *OTHERS, "state", "reason", "sight") == [None] * 4 + ["suppressed", "trial", "own"]
    assert second[OWN[0]].own == use[OWN[0] - 1].sum() + 500
    assert second[ZONE[0]].own == use[ZONE[0] - 1].sum() + 500
    for number in ZONE:
        assert second[number].efficient == first[number].efficient, "as it was told: others count now"
        assert of(second[number], "average", "homes", "tenths", "sight") == [None, None, None, "zone"]


def test_a_day_on_which_an_arm_narrows_takes_out_what_stands(street: Street) -> None:
    """`comparison-year` becomes as `nothing` a year after: whoever analyses that day hides what was published."""
    build(street)
    begin(street, date(2025, 6, 1))
    # to this day of the year everything is shown to the arm: the year is over since 1 June 2026
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    assert [told[number].sight for number in (*FULL, *YEAR)] == ["all", "all", "own", "own"]


def test_once_a_day_a_service_hides_what_an_arm_ends_with(street: Street) -> None:
    build(street)
    hidden: set[date] = set()
    with connect(street.url) as connection:
        run(connection, OPTIONS, at(MONDAY + WEEK), hidden)
    with connect(street.url) as connection:
        members = dict.fromkeys(arms(street), Arm.COMPARISON_YEAR)
        trial_sight.begin(connection, members, date(2025, 7, 1))
        connection.commit()
        run(connection, OPTIONS, at(date(2026, 6, 30), 22), hidden)
        assert {one.sight for one in street.told("week", MONDAY).values()} == {"all"}
        run(connection, OPTIONS, at(date(2026, 6, 30), 23), hidden)  # midnight in London
    told = street.told("week", MONDAY)
    assert {number for number, one in told.items() if one.sight == "own"} == {*OWN, *ZONE, *FULL, *YEAR}


def test_who_withdraws_sees_what_is_published_from_then_on(street: Street) -> None:
    build(street)
    begin(street)
    tenancy = street.ids(OWN[0], MONDAY)[1]
    with connect(street.url) as connection:
        homes.give_consent(connection, tenancy, "evaluation", "page", at(BEGINS))
        homes.withdraw_consent(connection, tenancy, "evaluation", at(MONDAY + timedelta(days=3)))
        connection.commit()
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    assert told[OWN[0]].compared
    assert not told[OWN[1]].compared


def test_the_database_refuses_a_row_that_shows_too_much(street: Street) -> None:
    build(street)
    begin(street)
    street.analyse(at(MONDAY + WEEK))
    with connect(street.url) as connection:
        for change, whose in (
            ("average = 1", ("own", "zone")),
            ("tenths = 1", ("own", "zone")),
            ("homes = 30", ("own", "zone")),
            ("state = 'more'", ("own", "zone")),
            ("efficient = 1", ("own",)),
        ):
            for sight in whose:
                query = f"update personal.comparison set {change} where sight = %s".encode()
                with pytest.raises(CheckViolation, match="comparison_sight_holds"), connection.transaction():
                    connection.execute(query, (sight,))


def test_an_explanation_of_a_holdout_holds_nothing_of_others(street: Street) -> None:
    build(street)
    street.analyse(at(MONDAY + WEEK))
    full = street.told("week", MONDAY)
    begin(street)
    with connect(street.url) as connection:
        for number in (OWN[0], OWN[2], ZONE[0], FULL[0]):
            home, _ = street.ids(number, MONDAY)
            (found,) = explain(connection, OPTIONS, home, week_of(MONDAY), ["electricity"])
            assert found.equal, found.differs
            assert found.told is not None
            assert found.recomputed is not None
            if number in FULL:
                assert found.neighbours is not None
                assert found.neighbours.total > 0
                continue
            assert found.neighbours is None
            for row in (found.told, found.recomputed):
                assert [row[name] for name in ("average", "homes", "tenths")] == [None] * 3
                assert row["efficient"] == (full[number].efficient if number in ZONE else None)
    said = explained(street, FULL[0])
    assert f"{full[FULL[0]].average}" in said
    assert "Wh together" in said
    for number, seen in ((OWN[0], "its own use"), (ZONE[0], "the efficient figure")):
        said = explained(street, number, "--neighbours")
        assert f"takes part in a trial and sees {seen} alone" in said
        assert f"{full[number].average}" not in said
        assert ("Wh together" in said, "floor area" in said) == (False, False)
        assert (f"{full[number].efficient}" in said) == (number in ZONE)
    (document,) = json.loads(explained(street, OWN[0], "--neighbours", "--json"))["fuels"]
    assert document["neighbours"] is None
    assert document["told"] == document["recomputed"]


def explained(street: Street, number: int, *arguments: str) -> str:
    done = forked.run(
        ["explain", str(number), week_of(MONDAY).key, *arguments],
        {"BOROUGH_DATABASE_URL": street.url, "BOROUGH_TIME_ZONE": LONDON.key},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_trial_that_begins_waits_for_a_period_that_is_being_published(street: Street) -> None:
    """Otherwise its rows, which the other transaction has not committed, would keep what may not be seen."""
    build(street)
    street.analyse(at(MONDAY + WEEK))
    with connect(street.url) as publisher, connect(street.url) as trial:
        lock_daily_use(publisher)
        trial_sight.begin(trial, arms(street), BEGINS)
        trial.execute("set lock_timeout = '50ms'")
        with pytest.raises(LockNotAvailable):
            comparisons.hide(trial, BEGINS)
