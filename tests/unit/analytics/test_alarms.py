"""Rules of alarms: when their conditions hold, and what begins and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alarms.changes import step
from analytics.alarms.conditions import (
    WINDOWS,
    Condition,
    Disk,
    Gateway,
    Limits,
    collecting,
    complaints,
    days,
    find,
    full,
    late,
    quiet_after,
    rejected,
    silent,
)
from analytics.alarms.rules import BY_KEY, CALM, DATABASE, RULES
from store.alarm_facts import NEVER, Collectors, Facts, Heard, Lag, Rejections, Unarchived, Waiting
from store.alarms import Alarm

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def heard(share: float, of: timedelta, span: timedelta = 7 * DAY, last: datetime = NOW) -> Heard:
    """A family that spoke in ``share`` of the windows of length ``of`` and in all longer ones."""
    windows = {one: round(share * (span // one)) if one <= of else span // one for one in WINDOWS}
    return Heard("air-monitor", last, span, windows)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_family_is_expected_in_the_shortest_window_in_which_it_regularly_spoke(window: timedelta) -> None:
    shorter = WINDOWS[max(0, WINDOWS.index(window) - 1)]
    found = heard(0.94 if shorter != window else 0.96, shorter)
    assert quiet_after(found) == window


def test_what_is_irregular_or_new_is_not_expected() -> None:
    assert quiet_after(heard(0.9, DAY)) is None
    assert quiet_after(heard(1.0, MINUTE, DAY - MINUTE)) is None
    assert quiet_after(heard(1.0, MINUTE, DAY)) == WINDOWS[0]
    # six days are no week of days
    few = Heard("car-park", NOW, 6 * DAY, dict.fromkeys(WINDOWS[:3], 0) | {DAY: 6})
    assert quiet_after(few) is None
    assert quiet_after(few._replace(span=7 * DAY, windows={**few.windows, DAY: 7})) == DAY


def test_a_family_is_silent_once_its_window_has_passed_after_the_minute_of_its_last_message() -> None:
    one = heard(1.0, MINUTE)
    assert not list(silent([one], NOW + 16 * MINUTE - timedelta(seconds=1)))
    (found,) = silent([one], NOW + 16 * MINUTE)
    assert (found.rule, found.subject) == ("silent", "air-monitor")
    assert found.text == "nothing has come since 2026-03-10 12:00 UTC; usually something does every 15 minutes"
    assert [one.text.rpartition(" every ")[2] for one in silent([heard(0.9, WINDOWS[0])], NOW + DAY)] == ["hour"]


def test_a_collector_that_writes_no_more_or_is_not_subscribed() -> None:
    assert not list(collecting(NEVER, NOW))
    assert not list(collecting(Collectors(NOW, 50.0, 0), NOW + 4 * MINUTE - timedelta(seconds=1)))
    (gone,) = collecting(Collectors(NOW, 0.0, 0), NOW + 4 * MINUTE)
    assert gone == Condition("collector", "system", "none has written anything since 2026-03-10 12:00 UTC")
    assert [one.rule for one in collecting(Collectors(NOW, 0.0, 0), NOW)] == ["broker"]
    (dropped,) = collecting(Collectors(NOW, 1.0, 37), NOW)
    assert (dropped.rule, dropped.text) == ("dropped", "37 messages in 15 minutes")


def test_readings_are_late_where_they_were_not_before() -> None:
    def rules(now: Lag, *before: Lag) -> list[str]:
        return [one.subject for one in late([now], before, 600.0)]

    usual, slow = Lag("air-monitor", 10_000, 2.0), Lag("air-monitor", 20, 601.0)
    assert rules(slow, usual) == ["air-monitor"]
    assert rules(slow._replace(readings=19), usual) == []
    assert rules(slow._replace(median=600.0), usual) == []
    # always a day late, of another family, of too few, of nothing
    assert rules(slow, usual._replace(median=86_400.0)) == []
    assert rules(slow, usual._replace(family="car-park")) == []
    assert rules(slow, usual._replace(readings=19)) == []
    assert rules(slow) == []
    (found,) = late([slow._replace(median=float("inf"))], [usual], 600.0)
    assert found.text == "half of 20 readings were about a month or more old"
    (found,) = late([slow], [usual], 600.0)
    assert found.text == "half of 20 readings were about 10 minutes old"


def test_a_flood_of_rejections() -> None:
    def families(*rows: Rejections) -> list[str]:
        return [one.subject for one in rejected(rows, 0.05)]

    meters = Rejections("smart-meter", 1_000, 50)
    assert families(meters) == []
    assert families(meters._replace(rejected=51)) == ["smart-meter"]
    assert families(Rejections("car-park", 19, 19)) == []
    assert families(Rejections("car-park", 20, 20)) == ["car-park"]
    # all messages of unknown devices are rejected: what counts is their part of everything
    assert families(Rejections("smart-meter", 10_000, 0), Rejections("unknown", 400, 400)) == []
    assert families(Rejections("smart-meter", 1_000, 0), Rejections("unknown", 400, 400)) == ["unknown"]


def test_complaints_are_counted_and_not_named() -> None:
    assert list(complaints(0)) == []
    assert list(complaints(2)) == [Condition("complaint", "system", "2 complaints not acknowledged in time")]


def test_all_conditions_are_of_rules_that_there_are() -> None:
    facts = Facts(
        [heard(1.0, MINUTE, last=NOW - DAY)],
        Collectors(NOW - HOUR, 0.0, 1),
        [Lag("car-park", 100, 7_200.0)],
        [Lag("car-park", 100, 1.0)],
        [Unarchived("a", 3)],
        [Rejections("car-park", 100, 100)],
        [Waiting("smart-meter", 17, 2)],
        1,
        2,
        [("care", NOW - HOUR)],
    )
    found = find(facts, [Disk("/data", 9, 100)], [Gateway("north", 8, 9)], Limits(), NOW)
    assert {one.rule for one in found} == BY_KEY.keys() - {"broker", DATABASE}
    assert len({(one.rule, one.subject) for one in found}) == len(found)
    with pytest.raises(ValueError, match="no rule 'else'"):
        Condition("else", "", "")


def test_disks_and_days() -> None:
    assert not list(full([Disk("/data", 10, 100)], 0.10))
    (found,) = full([Disk("/data", 9_990_000_000, 100_000_000_000)], 0.10)
    assert (found.subject, found.text) == ("/data", "10.0 % is free, 10.0 GB")
    (found,) = days([Waiting("smart-meter", 17, 1)])
    assert (found.mark, found.text) == ("17", "1 note of written days wait")


def test_rules_say_what_to_do() -> None:
    assert len({rule.key for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert all(text.endswith(".") for text in (rule.means, rule.todo)), rule.key
        assert rule.means.count("`") % 2 == rule.todo.count("`") % 2 == 0


# what begins and ends: the rule days holds for an hour, silent at once

DAYS, SILENT = Condition("days", "smart-meter", "some", "1"), Condition("silent", "car-park", "quiet")


class Time:
    """Alarms as they stand, from step to step."""

    def __init__(self) -> None:
        self.now = NOW
        self.stands: list[Alarm] = []
        self.begun: list[str] = []
        self.ended: list[Alarm] = []

    def after(self, length: timedelta, *conditions: Condition, gap: bool = False) -> None:
        self.now += length
        found = step(self.stands, conditions, self.now, gap=gap)
        added = [one._replace(id=len(self.begun) + 100) for one in found.added]
        self.stands = [one for one in (*found.kept, *added) if one.ended_at is None]
        self.begun += [one.rule for one in found.begun]
        self.ended += found.ended


def test_a_condition_becomes_an_alarm_when_it_has_held_for_its_time() -> None:
    time = Time()
    time.after(MINUTE, DAYS, SILENT)
    assert time.begun == ["silent"]
    time.after(HOUR - MINUTE, DAYS)
    assert time.begun == ["silent"]
    time.after(MINUTE, DAYS)
    assert time.begun == ["silent", "days"]
    time.after(HOUR, DAYS)
    assert time.begun == ["silent", "days"]


def test_a_condition_that_goes_before_its_time_was_none() -> None:
    time = Time()
    time.after(MINUTE, DAYS)
    time.after(HOUR - MINUTE)
    assert time.stands == []
    time.after(MINUTE, DAYS)
    assert time.begun == []


def test_another_mark_is_another_condition() -> None:
    time = Time()
    for number in range(10):
        time.after(HOUR - MINUTE, Condition("days", "smart-meter", "some", str(number)))
    assert time.begun == []
    time.after(HOUR, Condition("days", "smart-meter", "some", "9"))
    assert time.begun == ["days"]
    # analysis goes on: the alarm ends, and the next one needs its hour
    time.after(MINUTE, Condition("days", "smart-meter", "some", "10"))
    time.after(CALM, Condition("days", "smart-meter", "some", "10"))
    assert [one.rule for one in time.ended] == ["days"]


def test_where_nobody_looked_the_time_begins_anew() -> None:
    time = Time()
    time.after(MINUTE, DAYS)
    time.after(2 * HOUR, DAYS, gap=True)
    assert time.begun == []
    time.after(HOUR, DAYS)
    assert time.begun == ["days"]


def test_a_lull_ends_nothing_and_an_end_is_when_it_began() -> None:
    time = Time()
    time.after(MINUTE, SILENT)
    time.after(MINUTE)
    time.after(CALM - MINUTE)
    time.after(MINUTE / 2, SILENT)
    time.after(MINUTE)
    lull = time.now
    time.after(CALM - MINUTE)
    assert time.ended == []
    time.after(MINUTE)
    assert [one.ended_at for one in time.ended] == [lull]
    assert time.stands == []
    time.after(MINUTE, SILENT)
    assert time.begun == ["silent", "silent"]


def test_a_clock_that_is_put_back_ends_no_alarm_before_it_began() -> None:
    time = Time()
    time.after(MINUTE, SILENT)
    time.after(-HOUR)
    time.after(CALM)
    (ended,) = time.ended
    assert ended.ended_at == ended.begun_at == NOW + MINUTE


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.booleans()), max_size=30))
def test_each_alarm_begins_once_and_ends_once(steps: list[tuple[int, bool, bool]]) -> None:
    time = Time()
    for seconds, first, second in steps:
        time.after(timedelta(seconds=seconds), *([DAYS] if first else []), *([SILENT] if second else []))
        assert len({(one.rule, one.subject) for one in time.stands}) == len(time.stands)
        began = sum(one.begun_at is not None for one in time.stands)
        assert len(time.begun) == began + len(time.ended)
    for one in time.ended:
        assert one.begun_at is not None
        assert one.ended_at is not None
        assert one.begun_at - one.seen_at >= BY_KEY[one.rule].holds
        assert one.begun_at <= one.ended_at
