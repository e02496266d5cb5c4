"""Cold homes, the pattern report, what is proved by hearing, and when a spell is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.movement import clock, cold, patterns, quiet, spells, usual
from analytics.movement.arrays import (
    BINS,
    DAY,
    DOOR,
    HOUR,
    MINUTE,
    NEVER,
    NONE,
    OPEN,
    ROOMS,
    SECOND,
    STATES,
    Judgement,
    Readings,
    Sensors,
    Spans,
    Usual,
)
from store.times import midnight

LONDON = ZoneInfo("Europe/London")
NOON = midnight(date(2026, 2, 3), LONDON) + 12 * HOUR
NOTHING_BEGUN = np.full((1, BINS), NONE)
NOTHING = Spans(*(np.empty(0, np.int64) for _ in range(3)))


def judged(*, begun: int, door: int = NEVER, heard: int, weakest: int | None = None, back: int = NEVER,
           heartbeat: int = HOUR, gateway: int = NONE, limit: int = 2 * HOUR, now: int = NOON) -> str:  # fmt: skip
    one = np.array
    known = Usual(np.full((1, 2, BINS), limit), NOTHING_BEGUN, one([6 * HOUR]), one([28]))
    found = quiet.judge(
        known, one([0, 0]), one([begun]), one([begun]), one([door]), one([heard]),
        one([heard if weakest is None else weakest]), one([back]), one([heartbeat]), one([gateway]), now, LONDON,
    )  # fmt: skip
    return STATES[found.state[0]]


def test_quiet_is_told_beyond_the_limit_and_only_as_far_as_the_home_was_heard() -> None:
    assert judged(begun=NOON - 2 * HOUR, heard=NOON) == "usual"
    assert judged(begun=NOON - 2 * HOUR - SECOND, heard=NOON) == "quiet"
    # the clock says three hours, the sensors were heard for one and a half of them
    assert judged(begun=NOON - 3 * HOUR, heard=NOON - 90 * MINUTE) == "usual"
    assert judged(begun=NOON - 9 * HOUR, heard=NOON - 8 * HOUR) == "silent"
    # who knows what happened before it was heard again
    assert judged(begun=NOON - 9 * HOUR, heard=NOON, back=NOON - HOUR) == "usual"


def test_a_time_by_which_people_are_up_alarms_nobody_about_a_home_that_is_not_heard() -> None:
    """Not heard since 07:50, when the quiet was usual: that people are up by eight says nothing of who is not heard."""
    eight = NOON - 4 * HOUR
    limits = np.full((1, 2, BINS), 2 * HOUR)
    limits[:, :, :16] = 8 * HOUR
    # before a day off people are quiet from half past eleven on
    limits[:, 1, 47] = 10 * HOUR
    one, moved = np.array, one_of(eight - 7 * HOUR - 30 * MINUTE)
    known = Usual(limits, NOTHING_BEGUN, one([6 * HOUR]), one([28]))

    def state(heard: int, now: int, kind: int = 0) -> str:
        found = quiet.judge(
            known, one([kind, 0]), moved, moved, one_of(NEVER), one_of(heard), one_of(heard), one_of(NEVER),
            one_of(HOUR), one_of(NONE), now, LONDON,
        )  # fmt: skip
        return STATES[found.state[0]]

    assert state(eight - 10 * MINUTE, eight + 5 * MINUTE) == "usual"
    assert state(eight - 10 * MINUTE, eight + 90 * MINUTE) == "usual"
    assert state(eight - 10 * MINUTE, eight + 130 * MINUTE) == "silent"
    # it was heard after eight: then it was quiet for longer than usual by then
    assert state(eight + MINUTE, eight + 5 * MINUTE) == "quiet"
    # and beyond the night's own usual
    assert state(eight - 10 * MINUTE, eight - 9 * MINUTE) == "usual"
    moved = one_of(eight - 8 * HOUR - 30 * MINUTE)
    assert state(eight - 10 * MINUTE, eight + 5 * MINUTE) == "quiet"
    # heard on the day before: of that day's kind nothing is known here, the longer one holds
    midnight_ = eight - 8 * HOUR
    moved = one_of(midnight_ - 9 * HOUR)
    assert state(midnight_ - MINUTE, midnight_ + MINUTE) == "usual"
    assert state(midnight_ + MINUTE // 2, midnight_ + MINUTE) == "quiet"


def one_of(value: int) -> np.ndarray:
    return np.array([value])


def test_with_a_sensor_missing_the_limit_is_twenty_minutes_longer() -> None:
    silent = NOON - 9 * HOUR
    assert judged(begun=NOON - 140 * MINUTE, heard=NOON, weakest=silent) == "usual"
    assert judged(begun=NOON - 140 * MINUTE - SECOND, heard=NOON, weakest=silent) == "quiet"
    assert judged(begun=NOON - 140 * MINUTE, heard=NOON) == "quiet"
    assert judged(begun=NOON - 9 * HOUR, heard=NOON, weakest=silent, limit=NONE) == "learning"
    # the usual of the time at which it was last heard is 20 minutes longer too
    limits = np.full((1, 2, BINS), 2 * HOUR)
    limits[:, :, 23] = 8 * HOUR
    known, heard = (
        Usual(limits, np.full((len(limits), BINS), NONE), one_of(6 * HOUR), one_of(28)),
        one_of(NOON - MINUTE),
    )

    def state(moved: int) -> str:
        found = quiet.judge(
            known, np.array([0, 0]), one_of(moved), one_of(moved), one_of(NEVER), heard, one_of(silent), one_of(NEVER),
            one_of(HOUR), one_of(NONE), NOON, LONDON,
        )  # fmt: skip
        return STATES[found.state[0]]

    assert state(NOON - MINUTE - 500 * MINUTE) == "usual"
    assert state(NOON - MINUTE - 500 * MINUTE - SECOND) == "quiet"


def test_the_door_makes_an_absence_and_nothing_learned_says_nothing() -> None:
    assert judged(begun=NOON - 5 * HOUR, door=NOON - 5 * HOUR, heard=NOON) == "away"
    assert judged(begun=NOON - 7 * HOUR, door=NOON - 7 * HOUR, heard=NOON) == "away-long"
    # seen again more than half a minute after the door: somebody is in
    assert judged(begun=NOON - 5 * HOUR, door=NOON - 5 * HOUR - 31 * SECOND, heard=NOON) == "quiet"
    assert judged(begun=NOON - 5 * HOUR, heard=NOON, limit=NONE) == "learning"


def test_a_gateways_outage_is_no_persons_quiet() -> None:
    homes = 4
    each = np.ones(homes, np.int64)
    known = Usual(np.full((homes, 2, BINS), 2 * HOUR), np.full((homes, BINS), NONE), each * NONE, each * 28)
    heard = np.array([NOON - 5 * HOUR] * 2 + [NOON - 5 * HOUR, NOON])
    gateway = np.array([0, 0, 1, 1])
    found = quiet.judge(
        known, np.array([0, 0]), heard - HOUR, heard - HOUR, each * NEVER, heard, heard, each * NEVER, each * HOUR,
        gateway, NOON, LONDON,
    )  # fmt: skip
    assert [STATES[state] for state in found.state] == ["outage", "outage", "silent", "usual"]
    assert found.since[:3].tolist() == heard[:3].tolist()


def test_without_a_known_heartbeat_only_the_gateway_proves_that_a_home_is_heard() -> None:
    heard, unknown = np.array([NOON - 8 * HOUR, NOON]), np.array([NONE, NONE])
    assert quiet.proved(heard, unknown, np.array([0, 0])).tolist() == [NOON, NOON]
    assert quiet.proved(heard, unknown, np.array([0, NONE])).tolist() == heard.tolist()
    assert quiet.proved(heard, np.array([HOUR, NONE]), np.array([0, 0])).tolist() == heard.tolist()
    assert judged(begun=NOON - 8 * HOUR, heard=NOON - 8 * HOUR, heartbeat=NONE) == "silent"


def test_a_spell_is_due_when_the_limit_of_that_time_is_over() -> None:
    limit = np.full((1, 2, BINS), 6 * HOUR)
    limit[:, :, 28:] = HOUR  # from 14:00 on
    one = np.array
    found = quiet.judge(
        Usual(limit, NOTHING_BEGUN, one([NONE]), one([28])), one([0, 0]), *(one([NOON - HOUR]),) * 2, one([NEVER]),
        one([NOON]), one([NOON]), one([NEVER]), one([HOUR]), one([NONE]), NOON, LONDON,
    )  # fmt: skip
    assert found.due.tolist() == [NOON + 2 * HOUR]
    assert found.limit.tolist() == [6 * HOUR]


@pytest.mark.parametrize(("days", "odd"), [(14, 0), (28, 1), (42, 2), (56, 3)])
def test_odd_days_make_nothing_usual_one_of_fourteen(days: int, odd: int) -> None:
    quiet_days = np.full((1, days, BINS), 4_500, np.int32)
    kinds = np.zeros(days, np.int64)
    plain = usual.learn(quiet_days, quiet_days * 0, quiet_days * 0, kinds).limit
    assert (plain == 145 * MINUTE).all()  # an hour and a quarter, a third of it, and three quarters of an hour
    quiet_days[0, 3 : 3 + 2 * odd : 2, 20] = 40_000
    assert (usual.learn(quiet_days, quiet_days * 0, quiet_days * 0, kinds).limit == plain).all()
    quiet_days[0, 1, 20] = 40_000
    found = usual.learn(quiet_days, quiet_days * 0, quiet_days * 0, kinds).limit
    # within an hour of it, and by 80 minutes at most
    assert (found[0, :, 18:23] == 40_000 * SECOND + 80 * MINUTE).all()
    assert (found[0, :, :18] == plain[0, :, :18]).all()


def test_how_many_odd_days_are_left_out_goes_by_the_days_that_are_known_of_a_home() -> None:
    quiet_days = np.full((2, 56, BINS), 4_500, np.int32)
    quiet_days[0, :28] = NONE
    kinds = np.zeros(56, np.int64)
    plain = usual.learn(quiet_days, np.maximum(quiet_days, 0), quiet_days * 0, kinds)
    assert plain.days.tolist() == [28, 56]
    assert (plain.limit == 145 * MINUTE).all()
    # two odd days: one too many of 28, and not of 56
    quiet_days[:, (33, 40), 20] = 40_000
    found = usual.learn(quiet_days, quiet_days * 0, quiet_days * 0, kinds).limit
    assert (found[0, :, 20] > 11 * HOUR).all()
    assert (found[1] == plain.limit[1]).all()


def test_too_few_days_teach_nothing_and_a_short_quiet_is_nothing_to_tell() -> None:
    quiet_days, kinds = np.full((1, 14, BINS), 1_200, np.int32), np.zeros(14, np.int64)
    assert (usual.learn(quiet_days, quiet_days * 0, quiet_days * 0, kinds).limit == 90 * MINUTE).all()
    assert (
        usual.learn(quiet_days[:, :13], quiet_days[:, :13] * 0, quiet_days[:, :13] * 0, kinds[:13]).limit == NONE
    ).all()
    assert usual.learn(quiet_days[:0], quiet_days[:0], quiet_days[:0], kinds).limit.shape == (0, 2, BINS)
    with pytest.raises(ValueError, match="do not belong together"):
        usual.learn(quiet_days, quiet_days, quiet_days, kinds[:3])
    with pytest.raises(ValueError, match="do not belong together"):
        usual.learn(quiet_days, quiet_days, quiet_days[:, :3], kinds)


def test_a_spell_is_held_against_those_that_began_when_it_did() -> None:
    """Towards the night the usual grows as fast as a spell does: there the time of day alone tells late."""
    evening = NOON + 8 * HOUR
    limits = np.full((1, 2, BINS), 6 * HOUR)
    begun = np.full((1, BINS), NONE)
    begun[0, 40] = 2 * HOUR

    def at(now: int, *, since: int = evening, heard: int | None = None, weakest: int | None = None) -> Judgement:
        one = np.array
        proof = now if heard is None else heard
        return quiet.judge(
            Usual(limits, begun, one([6 * HOUR]), one([28])), one([0, 0]), one([since]), one([since]), one([NEVER]),
            one([proof]), one([proof if weakest is None else weakest]), one([NEVER]), one([HOUR]), one([NONE]),
            now, LONDON,
        )  # fmt: skip

    assert STATES[at(evening + 2 * HOUR).state[0]] == "usual"
    told = at(evening + 2 * HOUR + SECOND)
    assert (STATES[told.state[0]], told.limit[0]) == ("quiet", 2 * HOUR)
    assert at(evening + HOUR).due[0] == evening + 2 * HOUR
    # what began half an hour later, or earlier, is held against the time of day alone
    for other in (evening - SECOND, evening + 30 * MINUTE):
        assert STATES[at(other + 5 * HOUR, since=other).state[0]] == "usual"
    # as far as it was heard, and less attentive with a sensor missing
    assert STATES[at(evening + 3 * HOUR, heard=evening + 2 * HOUR).state[0]] == "usual"
    assert STATES[at(evening + 140 * MINUTE, weakest=evening - 9 * HOUR).state[0]] == "usual"
    assert STATES[at(evening + 140 * MINUTE + SECOND, weakest=evening - 9 * HOUR).state[0]] == "quiet"


def test_when_spells_begin_that_are_always_brief_is_learned_and_nobody_goes_to_bed_then() -> None:
    quiet_days, kinds = np.full((2, 56, BINS), 1_200, np.int32), np.zeros(56, np.int64)
    begun = np.full((2, 56, BINS), 3_600, np.int32)
    begun[1] = NONE  # no contact at the door
    begun[0, 3:6, 20] = 40_000  # odd days: three of 56
    begun[0, :4, 30] = 5_401
    begun[0, :4, 40] = 5_400
    found = usual.learn(quiet_days, quiet_days * 0, begun, kinds).begun
    assert (found[1] == NONE).all()
    hour = (60 + 20 + 45) * MINUTE
    expected = np.full(BINS, hour)
    expected[28:33] = NONE
    expected[38:43] = (90 + 30 + 45) * MINUTE
    assert found[0].tolist() == expected.tolist()
    few = usual.learn(quiet_days[:, :13], quiet_days[:, :13] * 0, begun[:, :13], kinds[:13])
    assert (few.begun == NONE).all()


def test_a_home_is_cold_by_its_warmest_room_for_hours_without_a_break() -> None:
    hours = np.arange(12)
    time = np.concatenate([NOON - 4 * HOUR + hours * HOUR, NOON - 4 * HOUR + hours * HOUR + MINUTE] * 2)
    home = np.repeat([0, 1], 24)
    hall, room = np.full(12, 12.0), np.where(hours < 6, 17.9, 18.0)
    # of the second home the room is warm once in between
    value = np.concatenate((hall, room, hall, np.where(hours == 3, 18.0, room)))
    found = cold.find(home, time, value, 3, LONDON)
    assert found.hours.tolist() == [6.0, 0.0, 0.0]
    assert found.known.tolist() == [12.0, 12.0, 0.0]
    assert found.since.tolist() == [NONE, NONE, NONE]
    still = cold.find(home[:6], time[:6], np.full(6, 15.0), 1, LONDON)
    assert (still.since.tolist(), still.lowest.tolist()) == ([NOON - 4 * HOUR], [15.0])


def test_the_pattern_report_of_a_life_like_clockwork() -> None:
    # 8 weeks over the change of the clock: up at 7:00, out 10:00 to 12:00, to bed at 22:00, the bathroom at 3:00
    end = date(2026, 4, 20)
    start = midnight(date(2026, 2, 22), LONDON)
    kitchen, bath, door = [], [], []
    for day in range(57):
        begin = midnight(date.fromordinal(date(2026, 2, 22).toordinal() + day), LONDON)
        # hours of the wall clock on the day of the change, too
        shift = -HOUR if date.fromordinal(date(2026, 2, 22).toordinal() + day) == date(2026, 3, 29) else 0
        begin += shift
        kitchen += [begin + 7 * HOUR + step * 10 * MINUTE for step in range(91) if not 18 <= step < 30]
        if day >= 29:
            bath.append(begin + 3 * HOUR)
        door += [begin + 10 * HOUR, begin + 12 * HOUR]
    rows = [
        sorted(row for time in own for row in ((time, 1), (time + 90 * SECOND, 0))) for own in (kitchen, bath)
    ]  # fmt: skip
    rows.append([(time, 0) for time in door])
    flat = np.array([row for own in rows for row in own], np.int64)
    readings = Readings(np.cumsum([0, *(len(own) for own in rows)]), flat[:, 0], flat[:, 1])
    sensors = Sensors(np.zeros(3, np.int64), np.array([ROOMS.index("kitchen"), ROOMS.index("bathroom"), DOOR]))
    found = patterns.report(sensors, readings, NOTHING, end, LONDON)
    assert (found.first.now, found.first.before) == (7.0, 7.0)
    assert (found.last.now, found.last.before) == (22.0, 22.0)
    assert (found.outings.now, found.days_out.now) == (1.0, 1.0)
    assert found.out.now == pytest.approx(2.0, abs=0.01)
    assert found.nights.now == 1.0
    assert found.nights.before < 0.1
    assert np.isnan(found.rooms[ROOMS.index("bedroom")].now)
    assert found.first.days_now == 28
    # a fortnight and a day of the last four weeks is not known: no figure of them
    gone = Spans(np.array([0]), np.array([midnight(date(2026, 4, 1), LONDON)]), np.array([midnight(end, LONDON)]))
    less = patterns.report(sensors, readings, gone, end, LONDON)
    assert np.isnan(less.first.now)
    assert less.first.before == 7.0
    assert less.known.now < 0.5
    assert start < readings.time.min()


def test_so_many_homes_at_once_that_keys_would_overflow_are_refused() -> None:
    empty = Readings(np.array([0]), np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(ValueError, match="fewer homes at once"):
        spells.find(Sensors(np.empty(0, np.int64), np.empty(0, np.int64)), empty, 1 << 40, 0, 90 * DAY)
    assert OPEN > 1 << 61


@pytest.mark.parametrize(("first", "years"), [(2025, 1), (1968, 60)])
@pytest.mark.parametrize("name", ["Europe/London", "America/St_Johns", "Australia/Lord_Howe"])
def test_local_time_is_that_of_the_zone(first: int, years: int, name: str) -> None:
    zone = ZoneInfo(name)
    # instants by chance, before 1970 too, and each change of London's clock to the microsecond
    spread = midnight(date(first, 1, 1), LONDON) + np.random.default_rng(years).integers(0, years * 365 * DAY, 400)
    edges = np.array([midnight(date(2025, month, day), LONDON) for month, day in ((3, 30), (10, 26))]) + HOUR
    times = np.concatenate((spread, edges, edges - 1, edges + 1)).reshape(2, -1)
    walls = clock.local(times, zone)
    assert walls.shape == times.shape
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for time, wall in zip(times.flat, walls.flat, strict=True):
        local = (epoch + timedelta(microseconds=int(time))).astimezone(zone).replace(tzinfo=UTC)
        assert epoch + timedelta(microseconds=int(wall)) == local
    assert clock.local(times[:, :0], zone).shape == (2, 0)
