"""Who is told of a settled month, once, by which ways, and who never."""

from __future__ import annotations

import math
import os
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics.nudges.facts import read
from analytics.periods import month_of
from borough.delivery import nudges as delivery
from store import contacts, corrections, homes, nudge_ways, nudges, weather
from store.connect import connect
from tests.tools import forked
from tests.tools.relay import Relay
from tests.tools.servers import Cluster, wait_for
from tests.worlds import nudges as worlds
from tests.worlds import residents
from tests.worlds.nudges import FEBRUARY, World
from tests.worlds.outbox import SITE, settings

#: Somebody waits for a lock.
_WAITING = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[World]:
    with worlds.running(timescale) as found:
        yield found


@pytest.fixture
def world(database: World) -> World:
    database.empty()
    return database


def channels(world: World, one: Any) -> list[str]:
    """By which ways a household has messages."""
    (told,) = world.told(one)
    return [message.channel for message in nudges.messages(world.own, told)]


def test_one_household_is_told_once_by_each_of_its_ways(world: World) -> None:
    ann, bob = world.household("good"), world.household("more")
    world.email(ann)
    world.letter(bob)
    for _ in range(3):
        world.look()
    assert channels(world, ann) == ["page", "email"]
    assert channels(world, bob) == ["page", "letter"]
    for one, kind in ((ann, "great"), (bob, "more")):
        (told,) = world.told(one)
        assert told.kind == "compare"
        assert told.from_day == FEBRUARY.start
        assert read(told.facts).own > 0
        assert kind
    assert world.rows("select count(*) from personal.message") == [(4,)]
    keys = [key for (key,) in world.rows("select key from personal.message")]
    assert not any(str(one.tenancy_id) in key or str(one.home_id) in key for key in keys for one in (ann, bob))
    (mail, paper) = (
        world.rows("select m.text from personal.message m join personal.contact c on c.id = m.contact_id"
                   " where c.channel = %s", channel)[0][0] for channel in ("email", "letter")
    )  # fmt: skip
    assert f"{SITE}/home/nudges" in mail
    assert "press Stop" in paper
    assert "020 7946 0123" in paper


def test_a_month_is_told_when_it_is_settled_in_all_fuels_and_not_long_over(world: World) -> None:
    ann = world.household("good")
    residents.compare(world.own, ann, FEBRUARY, "good", "gas")
    world.own.execute("update personal.comparison_run set settled_at = null where fuel = 'gas'")
    world.look()
    assert world.told(ann) == []
    world.own.execute("update personal.comparison_run set settled_at = now()")
    world.now = datetime(2026, 4, 16, 12, tzinfo=UTC)
    world.look()
    assert world.told(ann) == [], "46 days after its end"
    world.now = datetime(2026, 4, 15, 12, tzinfo=UTC)
    world.look()
    assert len(world.told(ann)) == 1


def test_never_within_21_days_of_the_last_and_never_of_an_earlier_month(world: World) -> None:
    ann = world.household("good")
    world.look()
    march = month_of(date(2026, 3, 1))
    residents.compare(world.own, ann, march, "good")
    residents.compare(world.own, ann, month_of(date(2026, 1, 1)), "good")
    world.now += timedelta(days=20)
    world.look()
    assert len(world.told(ann)) == 1
    world.now += timedelta(days=1, minutes=1)
    world.look()
    assert [told.from_day for told in world.told(ann)] == [march.start, FEBRUARY.start]


def test_who_is_never_told(world: World) -> None:
    never = {
        "no agreement": world.household("good", agrees=False),
        "moved out": world.household("good", to_day=date(2026, 3, 12)),
        "simulated among real": world.household("good", origin="simulated"),
        "no consent to be compared": world.household("suppressed", reason="no-consent"),
        "too little measured": world.household("suppressed", reason="coverage", own=None),
        "withdrawn": world.household("good"),
        "stopped": world.household("good"),
    }
    told = world.household("good")
    homes.withdraw_consent(world.own, never["withdrawn"].tenancy_id, "messages", world.now)
    with world.own.transaction():
        assert nudge_ways.stop(world.own, never["stopped"].tenancy_id, "real", world.now)
    world.look()
    assert {why: len(world.told(one)) for why, one in never.items()} == dict.fromkeys(never, 0)
    assert len(world.told(told)) == 1
    assert world.rows("select count(*) from personal.message") == [(1,)]


def test_who_withdrew_the_comparison_after_the_month_was_settled_hears_nothing_of_others(world: World) -> None:
    early, late, again = (world.household("good") for _ in range(3))
    for one in (early, late, again):
        homes.give_consent(world.own, one.tenancy_id, "comparison", "page", world.now - timedelta(days=365))
    world.email(late)
    for one in (early, again):
        assert homes.withdraw_consent(world.own, one.tenancy_id, "comparison", world.now - timedelta(hours=1))
    homes.give_consent(world.own, again.tenancy_id, "comparison", "page", world.now)
    world.look()
    assert [len(world.told(one)) for one in (early, late, again)] == [0, 1, 1]
    assert homes.withdraw_consent(world.own, late.tenancy_id, "comparison", world.now)
    world.look()
    (told,) = world.told(late)
    assert {one.state for one in nudges.messages(world.own, told)} == {"withheld"}
    (told,) = world.told(again)
    assert {one.state for one in nudges.messages(world.own, told)} == {"waiting"}


def test_simulated_homes_of_a_demo_are_told_and_their_messages_say_so(world: World) -> None:
    ann = world.household("good", origin="simulated")
    world.look(origin="simulated")
    assert len(world.told(ann)) == 1
    assert "made up" in world.rows("select text from personal.message")[0][0]
    assert "made up" not in world.told(ann)[0].text
    assert world.rows("select m.origin, c.origin from personal.message m join personal.contact c on c.id = m.contact_id"
                      ) == [("simulated", "simulated")]  # fmt: skip


def test_arms_decide_which_nudge_if_any(world: World) -> None:
    hidden: Any = {"reason": "trial"}
    arms = {
        "nothing": world.household("suppressed", **hidden),
        "own-history": world.household("suppressed", **hidden),
        "zone": world.household("suppressed", **hidden, efficient=160_000),
        "comparison": world.household("good"),
        "comparison-year": world.household("more"),
    }
    trial = world.trial(arms)
    world.look()
    kinds = {arm: [told.kind for told in world.told(one)] for arm, one in arms.items()}
    assert kinds == {
        "nothing": [], "own-history": ["own"], "zone": ["zone"], "comparison": ["compare"],
        "comparison-year": ["compare"],
    }  # fmt: skip
    for arm, one in arms.items():
        assert [(told.trial, told.arm) for told in world.told(one)] == [(trial, arm)] * (arm != "nothing")
    assert "average" not in world.told(arms["zone"])[0].text
    assert "omes like yours" not in world.told(arms["own-history"])[0].text


def test_a_year_of_comparisons_is_over_and_a_withdrawn_member_is_told_nothing(world: World) -> None:
    year, left = world.household("good"), world.household("good")
    world.trial({"comparison-year": year, "comparison": left}, begins=date(2025, 3, 1))
    world.own.execute(
        "update personal.trial_member set withdrew_on = '2026-01-01' where tenancy_id = %s", (left.tenancy_id,)
    )
    world.look()
    assert (world.told(year), world.told(left)) == ([], [])
    world.own.execute("update personal.trial set ended_on = '2026-03-12'")
    world.look()
    assert (len(world.told(year)), len(world.told(left))) == (1, 1)


def test_nobody_is_nudged_between_the_draw_and_the_first_day(world: World) -> None:
    ann = world.household("good")
    world.trial({"comparison": ann}, begins=date(2026, 4, 1))
    world.look()
    assert world.told(ann) == []


def test_a_home_in_need_is_told_whom_to_call_each_third_month_at_most(world: World) -> None:
    ann = world.household("neutral")
    residents.compare(world.own, ann, FEBRUARY, "good", "gas")
    for month in range(3, 6):
        residents.compare(world.own, ann, month_of(date(2026, month, 1)), "neutral")
    seen = []
    for day in (date(2026, 3, 12), date(2026, 4, 12), date(2026, 5, 12), date(2026, 6, 12)):
        world.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        world.look()
        seen.append(len(world.told(ann)))
    assert seen == [1, 1, 1, 2]
    for told in world.told(ann):
        assert told.kind == "help"
        assert "020 7946 0123" in told.text
        assert told.actions == []


def test_a_stop_by_one_way_is_a_stop_by_all_and_what_waits_is_not_sent(world: World) -> None:
    ann = world.household("good")
    mail = world.email(ann)
    world.letter(ann)
    world.look()
    assert contacts.stop(world.own, mail, "nudge", "", world.now)
    stops = world.rows("select c.channel from personal.contact_stop s join personal.contact c on c.id = s.contact_id"
                       " order by c.channel")  # fmt: skip
    assert stops == [("email",), ("letter",), ("page",)]
    assert nudge_ways.stopped(world.own, ann.tenancy_id) is not None
    residents.compare(world.own, ann, month_of(date(2026, 3, 1)), "good")
    world.now += timedelta(days=30)
    world.look()
    assert len(world.told(ann)) == 1
    assert contacts.start(world.own, mail, "nudge")
    assert nudge_ways.stopped(world.own, ann.tenancy_id) is None
    world.look()
    assert len(world.told(ann)) == 2


def test_a_correction_of_its_days_lists_it_and_that_of_another_home_does_not(world: World) -> None:
    ann, bob = world.household("good"), world.household("good")
    world.look()
    touched = [("smart-meter", date(2026, 2, 17))]
    found = corrections.published(world.own, touched, [ann.device])
    assert [one.reference for one in found] == [f"nudge {world.told(ann)[0].id} to {ann.tenancy_id}"]
    # the month before stands beside it
    assert len(corrections.published(world.own, [("smart-meter", date(2026, 1, 2))], [bob.device])) == 1
    assert corrections.published(world.own, [("smart-meter", date(2026, 3, 2))], [bob.device]) == []
    assert len(corrections.published(world.own, touched)) == 2


def test_a_correction_in_the_year_that_its_change_rests_on_lists_it(world: World) -> None:
    ann, bob = world.household("good"), world.household("good")
    first = FEBRUARY.start - timedelta(days=365)
    days = [first + timedelta(days=n) for n in range((FEBRUARY.end - first).days)]
    with world.own.transaction():
        place = weather.Place("haverley", 0.1, 51.5, simulated=False)
        weather.put(world.own, place, {day: 10 + 8 * math.sin(day.toordinal()) for day in days})
    residents.use_days(world.own, ann, first, FEBRUARY.end)
    world.look()
    assert read(world.told(ann)[0].facts).pattern.change is not None
    assert read(world.told(bob)[0].facts).pattern.change is None
    for day, listed in ((first, 1), (first - timedelta(days=1), 0)):
        assert len(corrections.published(world.own, [("smart-meter", day)], [ann.device])) == listed
        assert corrections.published(world.own, [("smart-meter", day)], [bob.device]) == []


def test_many_are_told_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PORTION", 3)
    monkeypatch.setattr(delivery, "MOST", 6)
    for _ in range(8):
        world.household("good")
    nothing = {"nothing": world.household("good"), "comparison": world.household("good")}
    world.trial(nothing)
    world.look()
    assert world.rows("select count(*) from personal.nudge") == [(6,)]
    world.look()
    assert world.rows("select count(*) from personal.nudge") == [(9,)]
    assert world.told(nothing["nothing"]) == []


#: Where a process is stopped: at what it writes or locks there, in this order.
STEPS = ("personal.tenancy", "personal.nudge", "personal.contact", "personal.message", "public.publication")


@pytest.mark.parametrize("table", STEPS)
def test_killed_at_any_step_a_household_is_told_once(world: World, table: str) -> None:
    world.now = datetime.now(UTC)
    month = month_of((world.now.date()).replace(day=1)).before()
    people = [world.household("good", month=month) for _ in range(3)]
    for one in people:
        world.email(one)
    with Relay() as relay, tempfile.TemporaryFile("w+b") as log:
        given = settings(world.url, relay.url)
        with connect(world.url) as other:
            other.execute(f"lock table {table} in exclusive mode".encode())
            process = forked.start(("deliver",), given, log.fileno())
            try:
                assert wait_for(lambda: process.poll() is not None or bool(world.rows(_WAITING)), 60)
                assert process.poll() is None, "it ended before it came to the table"
                os.kill(process.pid, signal.SIGKILL)
                assert process.wait(60) == -signal.SIGKILL
            finally:
                process.kill()
                process.wait(60)
            other.rollback()
        assert forked.start(("deliver",), given, log.fileno()).wait(60) == 0
        assert forked.start(("deliver",), given, log.fileno()).wait(60) == 0
    assert [len(world.told(one)) for one in people] == [1, 1, 1]
    assert sorted(relay.subjects()) == [world.told(people[0])[0].subject] * 3
    assert world.rows("select c.channel, m.state, count(*) from personal.message m"
                      " join personal.contact c on c.id = m.contact_id group by 1, 2 order by 1"
                      ) == [("email", "sent", 3), ("page", "sent", 3)]  # fmt: skip
