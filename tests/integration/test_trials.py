"""Trials in a real database: who is eligible, the draw, who may see what, the panel, and what an erasure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from psycopg import errors

from analytics.trial import draw as drawing
from analytics.trial import runner
from analytics.trial.eligibility import BEFORE, Why
from analytics.trial.runner import months_on
from devices.trials import ARMS, Arm, Sight, sight
from store import daily, erasure, trial_panel, trials
from store import homes as store_homes
from store.connect import Connection, connect
from store.subject import everything
from store.times import next_month
from store.trials import NotAssigned
from tests.tools.servers import Cluster
from tests.worlds import trial_town
from tests.worlds.trial_town import ODD, SETTLED, ZONE, Town

TODAY = date(2026, 6, 17)
NOW = datetime(2026, 6, 17, 9, tzinfo=UTC)
KEY = b"k" * 32


@pytest.fixture(scope="module")
def built(timescale: Cluster) -> Iterator[tuple[str, Town]]:
    name = timescale.create()
    with connect(timescale.url(name)) as connection:
        town = trial_town.build(connection, TODAY)
    yield timescale.url(name), town
    timescale.drop(name)


@pytest.fixture
def town(built: tuple[str, Town]) -> Town:
    return built[1]


@pytest.fixture
def connection(built: tuple[str, Town]) -> Iterator[Connection]:
    """One transaction a test; nothing of it stays."""
    with connect(built[0]) as found:
        yield found
        found.rollback()


# ---------------------------------------------------------------- who can be a member


def test_who_is_eligible_and_why_others_are_not(connection: Connection, town: Town) -> None:
    found = runner.listed(connection, "electricity", town.begins, town.before, ZONE)
    assert found.tenancy.tolist() == town.tenancies
    assert found.origin == "real"
    assert found.left_out == {
        Why.OTHER_ORIGIN: 1, Why.NO_COMPARISON: 1, Why.NO_EVALUATION: 1, Why.OTHER_TRIAL: 0, Why.SHORT: 1,
        Why.HARDSHIP: 1,
    }  # fmt: skip
    assert len(ODD) == 6, "and who moved out before the first day is not even counted"


def test_hardship_counts_for_three_months_and_consent_is_asked_as_it_stands(connection: Connection, town: Town) -> None:
    later = months_on(town.begins, 3)
    store_homes.withdraw_consent(connection, town.tenancies[0], "evaluation", town.before)
    found = runner.listed(connection, "electricity", later, town.before, ZONE)
    assert town.odd["hardship"] in found.tenancy, "its month of hardship is the fourth before"
    assert town.tenancies[0] not in found.tenancy
    assert town.odd["short"] not in found.tenancy, "eight months of its use are known until then"


def test_days_of_another_zone_are_refused(connection: Connection, town: Town) -> None:
    connection.execute("update personal.day_zone set zone = 'Europe/Dublin'")
    with pytest.raises(daily.OtherZone):
        runner.listed(connection, "electricity", town.begins, town.before, ZONE)


def test_where_all_homes_are_simulated_so_is_the_trial(connection: Connection, town: Town) -> None:
    connection.execute("update personal.device set origin = 'simulated'")
    found = runner.listed(connection, "electricity", town.begins, town.before, ZONE)
    assert found.origin == "simulated"
    assert found.left_out[Why.OTHER_ORIGIN] == 0


# ---------------------------------------------------------------- the draw


def test_what_is_drawn_is_written_down_and_the_draw_made_again_gives_the_same(
    connection: Connection, town: Town
) -> None:
    trial = trial_town.assigned(connection, town)
    members = trials.members(connection, trial.id)
    assert members.tenancy.tolist() == town.tenancies
    assert sorted(members.number.tolist()) == list(range(1, len(town.tenancies) + 1))
    assert (members.left == trials.THERE).all()
    assert (trial.seed, trial.program, trial.eligible) == ("a-seed", runner.PROGRAM, len(town.tenancies))
    assert trial.assigned_at == town.before
    assert trial.left_out["short"] == 1
    direct = drawing.draw("a-seed", "winter", members.tenancy, members.listed, (1, 1, 1))
    assert members.arm.tolist() == direct.arm.tolist()
    for of in np.unique(members.stratum):
        in_stratum = members.stratum == of
        for block in np.unique(members.block[in_stratum])[:-1]:
            arms = members.arm[in_stratum & (members.block == block)]
            assert sorted(arms.tolist()) == [0, 1, 2], "each whole block has each arm once"
    assert runner.again(trial, members).agrees is True
    assert [event.what for event in trials.events(connection, trial.id)] == ["designed", "assigned"]


@pytest.mark.parametrize("change", ["arm = 'comparison' where arm = 'zone'", "listed = listed + 1", "block = 0"])
def test_a_draw_that_was_changed_is_told(connection: Connection, town: Town, change: str) -> None:
    trial = trial_town.assigned(connection, town)
    connection.execute(f"update personal.trial_member set {change}".encode())
    found = runner.again(trial, trials.members(connection, trial.id))
    assert found.agrees is False
    assert found.why


def test_a_trial_is_assigned_once_and_before_its_first_day(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    number = trials.add(connection, trial_town.design(town, "late"), town.before)
    assert number is not None
    late = trials.one(connection, number)
    assert late is not None
    made = runner.drawn(late, runner.listed(connection, "electricity", town.begins, town.before, ZONE), "s")
    with pytest.raises(NotAssigned, match="before the first nudge"):
        trials.assign(connection, number, made, NOW, town.begins)
    with pytest.raises(NotAssigned, match="is once"):
        trials.assign(connection, trial.id, made, town.before, town.before.date())
    with pytest.raises(NotAssigned, match="there is no trial"):
        trials.assign(connection, 99, made, town.before, town.before.date())
    assert trials.add(connection, trial_town.design(town), town.before) is None, "a name is one trial's"


def test_a_home_is_in_one_running_trial_at_most(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    busy = runner.listed(connection, "electricity", town.after, NOW, ZONE)
    assert busy.tenancy.tolist() == [town.odd["hardship"]], "whose month of hardship is long ago"
    number = trials.add(connection, trial_town.design(town, "other"), town.before)
    one_more = (
        "insert into personal.trial_member (trial_id, tenancy_id, number, arm, listed, stratum, block)"
        " values (%s, %s, 1, 'zone', 0, 0, 0)"
    )
    with pytest.raises(errors.UniqueViolation), connection.transaction():
        connection.execute(one_more.encode(), (number, town.tenancies[0]))
    trials.end(connection, trial.id, TODAY, NOW)
    connection.execute(one_more.encode(), (number, town.tenancies[0]))
    free = runner.listed(connection, "electricity", town.after, NOW, ZONE)
    assert free.left_out[Why.OTHER_TRIAL] == 1
    assert set(free.tenancy.tolist()) == {*town.tenancies[1:], town.odd["hardship"]}


@pytest.mark.parametrize(
    ("arms", "shares", "costs", "text"),
    [
        ((Arm.ZONE, Arm.COMPARISON), (1, 1), (0, 0), "its control"),
        ((Arm.NOTHING,), (1,), (0,), "its control"),
        ((Arm.NOTHING, Arm.COMPARISON, Arm.ZONE), (1, 1, 1), (0, 0, 0), "in the order"),
        ((Arm.NOTHING, Arm.ZONE), (1,), (0, 0), "a share"),
    ],
)
def test_arms_that_make_no_trial_are_refused(
    connection: Connection,
    town: Town,
    arms: tuple[Arm, ...],
    shares: tuple[int, ...],
    costs: tuple[int, ...],
    text: str,
) -> None:
    wrong = replace(trial_town.design(town), arms=arms, shares=shares, arm_costs=costs)
    with pytest.raises(ValueError, match=text):
        trials.add(connection, wrong, NOW)


# ---------------------------------------------------------------- what members may see


def test_sights_hold_from_the_draw_until_the_end(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    members = trials.members(connection, trial.id)
    found = trials.sights(connection, town.begins - timedelta(days=1))
    assert found.tenancy.tolist() == members.tenancy.tolist()
    words = [tuple(Sight)[place] for place in found.sight.tolist()]
    assert words == [{0: Sight.OWN, 1: Sight.ZONE, 2: Sight.ALL}[arm] for arm in members.arm.tolist()]
    trials.end(connection, trial.id, TODAY, NOW)
    assert not len(trials.sights(connection, town.begins).tenancy)
    with pytest.raises(NotAssigned, match="ended on"):
        trials.end(connection, trial.id, TODAY, NOW)


@pytest.mark.parametrize("days", [-1, 0, 364, 365, 366, 5_000])
@pytest.mark.parametrize("arm", ARMS)
def test_the_database_and_the_words_agree_on_what_an_arm_may_see(
    connection: Connection, town: Town, arm: Arm, days: int
) -> None:
    trial = trial_town.assigned(connection, town)
    tenancy, today = town.tenancies[5], town.begins + timedelta(days=days)
    connection.execute("update personal.trial_member set arm = %s where tenancy_id = %s", (arm, tenancy))
    rows = connection.execute("select * from personal.trial_sight(%s)", (today,)).fetchall()
    found: dict[int, str] = dict(rows)
    expected = sight(arm, town.begins, today)
    assert found.get(tenancy, "all") == expected
    one = trials.of_tenancy(connection, tenancy, today)
    assert one == trials.Membership(trial.id, arm, town.begins, expected)


def test_the_view_is_of_today_by_the_sites_zone(connection: Connection, town: Town) -> None:
    trial_town.assigned(connection, town)
    connection.execute("update personal.trial_member set arm = 'comparison-year'")
    many = len(town.tenancies)
    for begins, sight_then in (("2100-01-01", "all"), ("2000-01-01", "own")):
        connection.execute("update personal.trial set begins = %s", (begins,))
        rows = connection.execute("select sight, count(*) from personal.trial_sight group by 1").fetchall()
        assert rows == [(sight_then, many)]


def test_who_withdraws_or_moves_out_is_a_member_up_to_that_day(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    gone, moved, other, there = town.tenancies[:4]
    day = months_on(town.begins, 2) + timedelta(days=9)
    # 23:30 UTC in summer is the next day's 00:30 in London
    late = datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)
    assert store_homes.withdraw_consent(connection, gone, "evaluation", late)
    local = late.astimezone(ZONE).date()
    connection.execute("update personal.tenancy set to_day = %s where id = %s", (day, moved))
    assert store_homes.withdraw_consent(connection, other, "comparison", late), "which is no withdrawal from the trial"
    members = trials.members(connection, trial.id)
    since = (np.array([local, day], "datetime64[D]") - np.datetime64("1970-01-01")).astype(int).tolist()
    assert [members.left[members.tenancy == one].item() for one in (gone, moved, other, there)] == [
        *since, trials.THERE, trials.THERE,
    ]  # fmt: skip
    assert [trials.WHY[members.why[members.tenancy == one].item()] for one in (gone, moved, there)] == [
        "withdrew", "moved", "",
    ]  # fmt: skip
    before, on = local - timedelta(days=1), local
    assert trials.of_tenancy(connection, gone, before) is not None
    assert trials.of_tenancy(connection, gone, on) is None
    assert gone in trials.sights(connection, before).tenancy
    assert gone not in trials.sights(connection, on).tenancy
    store_homes.give_consent(connection, gone, "evaluation", "page", NOW)
    assert trials.of_tenancy(connection, gone, TODAY) is None, "who agrees anew does not come back"
    store_homes.withdraw_consent(connection, gone, "evaluation", NOW)
    again = trials.members(connection, trial.id)
    assert again.left[again.tenancy == gone].item() == since[0], "and leaves but once"
    counts = trials.members_by_arm(connection, trial, TODAY).values()
    assert [sum(column) for column in zip(*counts, strict=True)] == [len(town.tenancies), 1, 1, 0]


# ---------------------------------------------------------------- the panel


def slow_month(town: Town, home: int, month: date, until: date | None = None) -> tuple[float, int]:
    """Mean use [kWh/day] and known days of a month, day by day, NaN where fewer than half are known."""
    values = []
    day = month
    while day < next_month(month):
        value = int(town.watt_hours[home, (day - town.first).days])
        if value >= 0 and (until is None or day < until):
            values.append(value)
        day += timedelta(days=1)
    enough = values and 2 * len(values) >= (next_month(month) - month).days
    return (sum(values) / len(values) / 1000 if enough else float("nan")), len(values)


def test_the_panel_is_what_the_days_say(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    withdrew, moved = town.tenancies[3], town.tenancies[4]
    third = months_on(town.begins, 2)
    store_homes.withdraw_consent(
        connection, withdrew, "evaluation", datetime(third.year, third.month, 20, 12, tzinfo=UTC)
    )
    connection.execute("update personal.tenancy set to_day = %s where id = %s", (third + timedelta(days=4), moved))
    ends = {3: third.replace(day=20), 4: third + timedelta(days=4)}
    panel = runner.panel(connection, trial, TODAY, ZONE)
    members = trials.members(connection, trial.id)
    assert panel.arms == trial.design.arms
    months = [months_on(town.begins, place) for place in range(SETTLED)]
    assert panel.month.tolist() == [12 * (one.year - 1970) + one.month - 1 for one in months]
    assert panel.home.tolist() == members.number.tolist()
    before = [months_on(town.first, place) for place in range(BEFORE)]
    for home in (0, 1, 3, 4, 57, 199):
        for place, month in enumerate(months):
            mean, days = slow_month(town, home, month, ends.get(home))
            assert panel.use[home, place] == pytest.approx(mean, rel=1e-12, nan_ok=True)
            assert panel.days[home, place] == days
        seasons: list[tuple[int, ...]] = [tuple(range(1, 13)), (6, 7, 8, 9), (12, 1, 2, 3)]
        for column, season in enumerate(seasons):
            # from the draw on arms differ in what they see, so what is used since is no prior use
            found = [slow_month(town, home, one, town.before.date()) for one in before if one.month in season]
            mean = sum(use * days for use, days in found) / sum(days for _, days in found)
            assert panel.prior[home, column] == pytest.approx(mean, rel=1e-12)
    assert np.isfinite(panel.use[3, 2]), "nineteen days of the month are known"
    assert np.isnan(panel.use[3, 3])
    assert np.isnan(panel.use[4, 2]), "four days of the month are known"
    assert not panel.filled.any()
    assert np.bincount(panel.labels["decile"]).tolist() == [len(town.tenancies) // 10] * 10
    assert [panel.names["tenure"][place] for place in panel.labels["tenure"][:3]] == [
        "owner", "private rent", "social rent",
    ]  # fmt: skip
    assert [panel.labels["deprivation"][home] for home in (0, 3, 4, 6, 7, 9)] == [0, 0, 1, 1, 2, 2]


def test_a_panel_ends_with_its_trial_and_has_whole_months(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    second = months_on(town.begins, 2)
    assert runner.panel(connection, trial, second - timedelta(days=1), ZONE).months == 1
    assert runner.panel(connection, trial, town.begins, ZONE).months == 0
    trials.end(connection, trial.id, second, NOW)
    ended = trials.one(connection, trial.id)
    assert ended is not None
    assert runner.panel(connection, ended, TODAY, ZONE).months == 2


def test_what_is_missing_before_has_the_mean_of_the_others(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    home = 10_000_000_000_000
    connection.execute("delete from personal.daily_use where home_id = %s and month < %s", (home, town.begins))
    panel = runner.panel(connection, trial, TODAY, ZONE)
    assert panel.filled[0].all()
    assert panel.prior[0] == pytest.approx(panel.prior[1:].mean(axis=0))
    assert panel.labels["decile"][0] == -1


def test_use_of_whoever_lived_there_before_is_not_a_members(connection: Connection, town: Town) -> None:
    since = months_on(town.first, 7)
    connection.execute("update personal.tenancy set from_day = %s where id = %s", (since, town.tenancies[0]))
    found = runner.listed(connection, "electricity", town.begins, town.before, ZONE)
    assert town.tenancies[0] not in found.tenancy
    assert found.left_out[Why.SHORT] == 2


def test_settled_months_are_those_that_do_not_change(connection: Connection, town: Town) -> None:
    assert trial_panel.settled(connection, "electricity") == TODAY.replace(day=1)
    assert trial_panel.settled(connection, "gas") is None


# ---------------------------------------------------------------- rights


def erase(connection: Connection, tenancy: int) -> None:
    what = erasure.plan(connection, tenancy, ZONE)
    assert what is not None
    erasure.bury(connection, KEY, what)
    erasure.erase(connection, KEY, what)


def test_an_erasure_takes_the_member_and_leaves_a_number_of_nobody(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    members = trials.members(connection, trial.id)
    erase(connection, town.tenancies[0])
    after = trials.one(connection, trial.id)
    assert after is not None
    expected = [0, 0, 0]
    expected[members.arm[0]] = 1
    assert list(after.erased) == expected
    left = trials.members(connection, trial.id)
    assert town.tenancies[0] not in left.tenancy
    assert runner.again(after, left).agrees is None
    assert "erased" in runner.again(after, left).why
    panel = runner.panel(connection, after, TODAY, ZONE)
    assert members.number[0] not in panel.home
    assert panel.homes == len(town.tenancies) - 1


def test_a_household_is_given_all_that_its_trial_holds_of_it(connection: Connection, town: Town) -> None:
    trial = trial_town.assigned(connection, town)
    members = trials.members(connection, trial.id)
    what = erasure.plan(connection, town.tenancies[1], ZONE)
    assert what is not None
    tables = everything(lambda: nullcontext(connection), what)
    rows = tables["trials"]
    assert callable(rows)
    assert [one for part in rows() for one in part] == [{
        "trial": "winter", "fuel": "electricity", "number_in_the_trial": members.number[1].item(),
        "arm": str(trial.design.arms[members.arm[1]]), "stratum": trial.strata[members.listed[1]],
        "assigned_at": town.before, "begins": town.begins, "left_on": None, "ended_on": None,
    }]  # fmt: skip
