"""The state of one instant agrees with stays over all time, and says why a bay is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.parking import state, stays
from analytics.parking.arrays import (
    DAY,
    HOUR,
    MINUTE,
    NONE,
    OCCUPIED,
    OPEN,
    UNKNOWN,
    BayTable,
    Carry,
    Closed,
    Events,
    Hours,
    Links,
    nothing,
    part,
)
from analytics.parking.state import REASONS, Newest, Standing
from tests.examples import examples

#: A sensor that is to be heard from every hour, so known for 2.5 h.
LIMIT = 5 * HOUR // 2
NO_ONE = np.empty(0, np.int64)
NEVER_CLOSED = Closed(NO_ONE, NO_ONE, NO_ONE)
#: An hour is permitted at any time.
HOURS = Hours(np.array([0, 1]), np.array([0]), np.array([100 * DAY]), np.array([HOUR]))


def table(bays: int) -> BayTable:
    zero = np.zeros(bays, np.int64)
    return BayTable(zero, zero, np.full(bays, LIMIT), np.full(bays, HOUR))


def readings(rows: list[tuple[int, int, int]], devices: int = 0) -> Events:
    """Events of (bay, time, value)."""
    bay, time, value = (np.array(column, np.int64) for column in zip(*rows, strict=True)) if rows else (NO_ONE,) * 3
    return Events(bay, time, value.astype(np.float64), bay + devices)


def links(bays: int, end: int = OPEN) -> Links:
    place = np.arange(bays)
    return Links(place, place, np.zeros(bays, np.int64), np.full(bays, end))


def newest(events: Events, at: int, bays: int) -> Newest:
    """What `store.parking.latest_states` would have said at an instant."""
    found = Newest(np.full(bays, NONE, np.int64), np.zeros(bays, np.int64), np.zeros(bays, np.int64))
    for bay, time, value in sorted(zip(events.bay.tolist(), events.time.tolist(), events.value.tolist(), strict=True)):
        if time <= at:
            found.time[bay], found.value[bay] = time, int(value)
    return found


def words(standing: Standing) -> list[tuple[int, str, int]]:
    return [(int(state), REASONS[int(reason)], int(since)) for state, reason, since in zip(*standing, strict=True)]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 90), st.booleans()), max_size=25, unique_by=lambda row: row[:2]
    ),
    st.integers(1, 120),
    st.integers(0, 120),
)
@example([(0, 23, False), (0, 38, False)], 38, 24)  # a reading at the very end of what it may be silent
@settings(max_examples=examples(100))
def test_the_record_and_the_newest_reading_say_what_stays_say(
    rows: list[tuple[int, int, bool]], at: int, recorded: int
) -> None:
    """However far the record is, where no more than one reading of a bay is newer than it."""
    recorded = min(recorded, at) * 10 * MINUTE
    at *= 10 * MINUTE
    seen: set[int] = set()
    given_rows = []
    for bay, time, value in sorted(rows):
        if time * 10 * MINUTE < recorded or bay not in seen:
            given_rows.append((bay, time * 10 * MINUTE, int(value)))
        if time * 10 * MINUTE >= recorded:
            seen.add(bay)
    events = readings(given_rows)
    before = part(events, events.time < recorded)
    until = part(events, events.time <= at)
    _, _, carry, _ = stays.run(before, links(3), table(3), nothing(3), 0, recorded)
    _, _, ended, _ = stays.run(until, links(3), table(3), nothing(3), 0, at + 1)
    now = newest(until, at, 3)
    # the sensor that said nothing since the record has nothing newer in it
    assert words(state.heard(at, now, carry, table(3))) == words(state.carried(at, ended, table(3)))


def test_silence_begins_and_ends() -> None:
    events = readings([(0, 0, 0), (0, HOUR, 1)])
    _, _, carry, _ = stays.run(events, links(1), table(1), nothing(1), 0, 2 * HOUR)
    for at, expected in (
        (HOUR + LIMIT - 1, (OCCUPIED, "", HOUR)),
        (HOUR + LIMIT, (UNKNOWN, "silent", HOUR + LIMIT)),
    ):
        assert words(state.heard(at, newest(events, at, 1), carry, table(1))) == [expected]


def test_each_reason_is_said() -> None:
    """Nothing heard; a sensor that lay there until now; stuck, and still stuck after silence."""
    hourly = [(2, hour * HOUR, 1) for hour in range(29 * 24)]
    events = readings([(1, 29 * DAY - HOUR, 1), *hourly])
    at = 29 * DAY
    _, _, carry, _ = stays.run(events, links(3), table(3), nothing(3), 0, at - MINUTE)
    later = newest(events, at, 3)
    swapped = later._replace(time=np.array([NONE, NONE, later.time[2]]), start=np.array([0, at - MINUTE, 0]))
    found = words(state.heard(at, swapped, carry, table(3)))
    assert found == [(UNKNOWN, "never", NONE), (UNKNOWN, "swapped", at - MINUTE), (UNKNOWN, "stuck", 28 * DAY)]
    much_later = words(state.heard(at + DAY, swapped, carry, table(3)))
    assert much_later[2] == (UNKNOWN, "stuck", 28 * DAY)
    free = swapped._replace(time=np.array([NONE, NONE, at]), value=np.array([0, 0, 0]))
    assert words(state.heard(at + MINUTE, free, carry, table(3)))[2] == (0, "", at)


def test_what_is_heard_meanwhile_is_kept() -> None:
    """Without a record the state's beginning is the first reading that was seen, not the newest one."""
    carry: Carry = nothing(1)
    seen = Newest(np.array([NONE]), np.array([0]), np.array([0]))
    for hour in (1, 2, 3):
        seen = Newest(np.array([hour * HOUR]), np.array([1]), np.array([0]))
        standing = state.heard(hour * HOUR + 1, seen, carry, table(1))
        assert words(standing) == [(OCCUPIED, "", HOUR)]
        carry = state.kept(standing, seen, carry)
    behind = Carry(np.array([0], np.int8), np.array([0]), np.array([HOUR // 2]), np.array([0]))
    assert state.later(behind, carry, seen).since.tolist() == [HOUR]
    ahead = behind._replace(heard=np.array([4 * HOUR]))
    assert state.later(ahead, carry, seen).since.tolist() == [0]
    # what was heard has been erased since
    gone = Newest(np.array([NONE]), np.array([0]), np.array([0]))
    assert state.later(behind, carry, gone).heard.tolist() == [HOUR // 2]


def test_what_is_neither_free_nor_occupied_is_no_reading() -> None:
    """The bay stands as the record had it, until its sensor has been silent for too long."""
    at = 10 * HOUR
    carry = Carry(
        np.array([0, OCCUPIED, 4, 2, 0], np.int8), np.array([HOUR, HOUR, HOUR, NONE, HOUR]),
        np.array([9 * HOUR, 9 * HOUR, 9 * HOUR, NONE, 9 * HOUR]), np.zeros(5, np.int64),
    )  # fmt: skip
    said = Newest(np.full(5, at), np.array([1, 0, 0, 1, 1]), np.array([0, 0, 0, 0, at - 1]))
    odd = state.without(np.ones(5, np.bool_), said, carry)
    assert words(state.heard(at, odd, carry, table(5))) == [
        (0, "", HOUR), (OCCUPIED, "", HOUR), (OCCUPIED, "", HOUR), (UNKNOWN, "never", NONE),
        (UNKNOWN, "swapped", at - 1),
    ]  # fmt: skip
    same = state.without(np.zeros(5, np.bool_), said, carry)
    assert (same.time.tolist(), same.value.tolist()) == (said.time.tolist(), said.value.tolist())


@pytest.mark.parametrize("closed", [None, "suspended", "permits"])
def test_what_is_over_is_what_overstays_say(closed: str | None) -> None:
    at = 10 * HOUR
    standing = Standing(
        np.array([OCCUPIED, OCCUPIED, OCCUPIED, 0, UNKNOWN]),
        np.array([0, 0, 0, 0, 2]),
        np.array([at - 3 * HOUR, at - HOUR - 5 * MINUTE, at - 66 * MINUTE, at - 4 * HOUR, at - 4 * HOUR]),
    )
    given: dict[str, Any] = {"suspended": NEVER_CLOSED, "permits": NEVER_CLOSED}
    if closed:
        given[closed] = Closed(np.array([0, 4]), np.array([at - HOUR, 0]), np.array([at + HOUR, at]))
    found = state.now(at, standing, table(5), HOURS, **given, grace=5 * MINUTE)
    # of the first two hours are over, where nothing is closed; the second is at the grace, the third beyond it
    assert found.over.tolist() == [HOUR if closed else 2 * HOUR, 0, 6 * MINUTE, 0, 0]
    assert found.over_from.tolist()[2] == at - 6 * MINUTE
    assert found.suspended.tolist() == [at + HOUR if closed == "suspended" else NONE, *[NONE] * 4]
    assert found.permitted.tolist() == [at + HOUR if closed == "permits" else NONE, *[NONE] * 4]
