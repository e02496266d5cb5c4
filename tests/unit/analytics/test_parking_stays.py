"""Stays in cases that have a name, and what is refused. All of it at random: test_parking_numbers."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.parking import stays
from analytics.parking.arrays import (
    BEGINS,
    DAY,
    ENDS,
    HOUR,
    MINUTE,
    OPEN,
    BayTable,
    Carry,
    Events,
    Links,
    Spans,
    Stays,
    nothing,
    part,
)
from tests.worlds.parking_numbers import whole

Said = tuple[int, float]
LIMIT = 25 * HOUR


def links(*rows: tuple[int, int, int, int]) -> Links:
    """Bay, device, from, to."""
    return Links(*whole(rows, 4))


def events(*rows: tuple[int, int, float, int]) -> Events:
    """Bay, time, value, device."""
    bay, time, device = whole([(bay, time, device) for bay, time, _, device in rows], 3)
    return Events(bay, time, np.array([row[2] for row in rows], np.float64), device)


def table(bays: int = 1, limit: int = LIMIT, heartbeat: int = 0) -> BayTable:
    return BayTable(*(np.full(bays, value) for value in (0, 0, limit, heartbeat)))


def of_one(
    *said: Said, end: int = 100 * DAY, limit: int = LIMIT, heartbeat: int = 0
) -> list[tuple[int, int, str, str]]:
    """Stays of one bay with one sensor: arrival, departure [min], how they begin and end."""
    found = stays.run(
        events(*((0, time, value, 0) for time, value in said)), links((0, 0, 0, OPEN)), table(1, limit, heartbeat),
        nothing(1), 0, end,
    )[1]  # fmt: skip
    return plain(found)


def plain(found: Stays) -> list[tuple[int, int, str, str]]:
    return [
        (arrival // MINUTE, departure // MINUTE, BEGINS[begins], ENDS[ends])
        for _, arrival, departure, begins, ends in zip(*(column.tolist() for column in found), strict=True)
    ]


def test_a_whole_stay_a_censored_one_and_one_that_lasts() -> None:
    said = [(HOUR, 1.0), (2 * HOUR, 0.0), (3 * HOUR, 1.0), (4 * HOUR, 0.0), (5 * HOUR, 1.0)]
    assert of_one(*said, end=6 * HOUR) == [
        (60, 120, "unknown", "reading"), (180, 240, "reading", "reading"), (300, 360, "reading", "lasts"),
    ]  # fmt: skip


def test_silence_ends_a_stay_at_the_limit_and_not_at_the_next_reading() -> None:
    assert of_one((0, 0.0), (HOUR, 1.0), (27 * HOUR, 1.0), (28 * HOUR, 0.0)) == [
        (60, 60 + 25 * 60, "reading", "silent"), (27 * 60, 28 * 60, "unknown", "reading"),
    ]  # fmt: skip
    assert of_one((0, 0.0), (HOUR, 1.0), (26 * HOUR, 0.0)) == [(60, 26 * 60, "reading", "reading")], "just in time"


def test_a_bay_that_says_occupied_for_forty_days_is_stuck_after_28_of_them_until_it_is_free() -> None:
    said = [(0, 0.0), (HOUR, 1.0), *((HOUR + day * DAY, 1.0) for day in range(1, 40)), (41 * DAY, 0.0), (42 * DAY, 1.0)]
    assert of_one(*said, end=42 * DAY + HOUR) == [
        (60, 60 + 28 * 1440, "reading", "stuck"), (42 * 1440, 42 * 1440 + 60, "reading", "lasts"),
    ]  # fmt: skip


def test_a_new_sensor_keeps_the_bay_and_ends_what_the_old_one_knew() -> None:
    changed = links((0, 0, 0, 3 * HOUR), (0, 1, 4 * HOUR, OPEN))
    said = events(
        (0, HOUR, 0, 0), (0, 2 * HOUR, 1, 0), (0, 210 * MINUTE, 0, 0), (0, 5 * HOUR, 1, 1), (0, 6 * HOUR, 0, 1)
    )
    spans, found, carry, counts = stays.run(said, changed, table(), nothing(1), 0, 7 * HOUR)
    assert plain(found) == [(120, 180, "reading", "swapped"), (300, 360, "unknown", "reading")]
    assert (counts.used.tolist(), counts.outside.tolist()) == ([4], [1]), "half past three it lay in no bay"
    assert spans.state.tolist() == [2, 0, 1, 2, 1, 0]
    assert [int(column[0]) for column in carry] == [0, 6 * HOUR, 6 * HOUR, 1]


def test_a_sensor_that_is_taken_out_and_put_back_is_nobodys_in_between() -> None:
    lain = links((0, 0, 0, 2 * HOUR), (0, 0, 4 * HOUR, 5 * HOUR), (0, 0, 5 * HOUR, OPEN))
    said = events(*((0, hour * HOUR, 1.0, 0) for hour in (1, 3, 4)), (0, 6 * HOUR, 0.0, 0))
    _, found, _, counts = stays.run(said, lain, table(), nothing(1), 0, 7 * HOUR)
    assert plain(found) == [(60, 120, "unknown", "swapped"), (240, 360, "unknown", "reading")], (
        "five o'clock is no change"
    )
    assert counts.outside.tolist() == [1]


def test_of_two_values_of_an_instant_the_bay_is_free() -> None:
    said = events((0, HOUR, 1, 0), (0, HOUR, 0, 0), (0, HOUR, 1, 0), (0, 2 * HOUR, 1, 0), (0, 2 * HOUR, 1, 0))
    _, found, _, counts = stays.run(said, links((0, 0, 0, OPEN)), table(), nothing(1), 0, 3 * HOUR)
    assert plain(found) == [(120, 180, "reading", "lasts")]
    assert (counts.conflicts.tolist(), counts.duplicates.tolist()) == ([1], [2])


@pytest.mark.parametrize(("heartbeat", "repeated"), [(0, 3), (60, 1), (130, 2)])
def test_repeated_readings_are_those_that_are_no_heartbeat(heartbeat: int, repeated: int) -> None:
    minutes = (0, 60, 120, 140)
    said = events(*((0, minute * MINUTE, 1.0, 0) for minute in minutes))
    counts = stays.run(said, links((0, 0, 0, OPEN)), table(heartbeat=heartbeat * MINUTE), nothing(1), 0, DAY)[3]
    assert counts.repeated.tolist() == [repeated]


@pytest.mark.parametrize("carried", range(1, 8))
def test_one_early_reading_of_a_stay_may_be_a_heartbeat_of_a_fixed_grid(carried: int) -> None:
    """Heartbeats on the hour around arrivals at 00:20 and 05:50; at 06:10 one too many, whatever is carried."""
    said = events(*(
        (0, minute * MINUTE, value, 0)
        for minute, value in ((0, 0), (20, 1), (60, 1), (120, 1), (130, 0), (350, 1), (360, 1), (370, 1), (420, 1))
    ))  # fmt: skip
    lain, bays = links((0, 0, 0, OPEN)), table(heartbeat=HOUR)
    at = int(said.time[carried]) + MINUTE
    first, carry = stays.run(part(said, said.time < at), lain, bays, nothing(1), 0, at)[:1:-1]
    second = stays.run(part(said, said.time >= at), lain, bays, carry, at, DAY)[3]
    assert (first.repeated + second.repeated).tolist() == [1]


def test_what_is_carried_ends_at_the_very_beginning() -> None:
    brought = Carry(np.array([1], np.int8), *(np.array([at]) for at in (HOUR, HOUR, 0)))
    spans, found, _, _ = stays.run(events((0, DAY, 0, 0)), links((0, 0, 0, OPEN)), table(), brought, DAY, 2 * DAY)
    assert plain(found) == [(60, 1440, "reading", "reading")]
    assert spans.state.tolist() == [0]


def test_links_that_changed_since_end_what_is_carried() -> None:
    brought = Carry(np.array([1], np.int8), *(np.array([at]) for at in (HOUR, 20 * HOUR, 7)))
    spans, found, carry, _ = stays.run(events(), links((0, 0, 0, OPEN)), table(), brought, DAY, 2 * DAY)
    assert plain(found) == [(60, 1440, "reading", "swapped")]
    assert (spans.state.tolist(), carry.state.tolist()) == ([2], [2])


def test_no_events_no_links_no_bays() -> None:
    spans, found, carry, counts = stays.run(events(), links(), table(2), nothing(2), 0, DAY)
    assert spans.state.tolist() == [2, 2]
    assert (len(found.bay), carry.state.tolist(), counts.used.tolist()) == (0, [2, 2], [0, 0])
    assert [len(column) for column in stays.run(events(), links(), table(0), nothing(0), 0, DAY)[0]] == [0, 0, 0, 0]


def test_two_sensors_at_once_and_bays_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two sensors at once in bay 0: links of a bay must not overlap"):
        stays.run(events(), links((0, 0, 0, DAY), (0, 1, DAY - 1, OPEN)), table(), nothing(1), 0, DAY)
    with pytest.raises(ValueError, match=r"links of bays 0 to 1, but there are 1 bays"):
        stays.run(events(), links((0, 0, 0, DAY), (1, 1, 0, OPEN)), table(), nothing(1), 0, DAY)
    with pytest.raises(ValueError, match=r"events of bays -1 to 0, but there are 1 bays"):
        stays.run(events((0, 0, 0, 0), (-1, 0, 0, 0)), links((0, 0, 0, DAY)), table(), nothing(1), 0, DAY)


def test_blocks_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(20_261_129)
    bays, count = 40, 3_000
    device = random.integers(0, 50, count)
    bay = np.where(device < bays, device, device - 40)
    said = Events(bay, random.integers(0, 60 * 24 * 40, count) * MINUTE, random.integers(0, 2, count) * 1.0, device)
    first = [(bay, bay, 0, OPEN if bay >= 10 else 20 * DAY) for bay in range(bays)]
    made = links(*first, *((bay, 40 + bay, 20 * DAY, OPEN) for bay in range(10)))

    def result() -> list[list[int]]:
        found: tuple[Spans | Stays | Carry, ...] = stays.run(said, made, table(bays), nothing(bays), 0, 40 * DAY)[:3]
        return [column.tolist() for rows in found for column in rows]

    at_once = result()
    for size in (1, 7, 200):
        monkeypatch.setattr(stays, "_SIZE", size)
        assert result() == at_once


def test_what_comes_at_one_instant() -> None:
    """A reading goes before silence, silence before a change of sensor, and this before a new sensor's reading."""
    changed = links((0, 0, 0, HOUR + LIMIT), (0, 1, HOUR + LIMIT, OPEN))
    free, came = (0, 0, 0.0, 0), (0, HOUR, 1.0, 0)
    end = 3 * DAY

    def ends(*rows: tuple[int, int, float, int], lain: Links = changed) -> list[tuple[int, int, str, str]]:
        return plain(stays.run(events(free, came, *rows), lain, table(), nothing(1), 0, end)[1])

    at_once = (0, HOUR + LIMIT, 1.0, 1)
    minute = (HOUR + LIMIT) // MINUTE
    assert ends() == [(60, minute, "reading", "silent")]
    assert ends(at_once)[0] == (60, minute, "reading", "silent")
    assert ends(at_once)[1][:3] == (minute, minute + LIMIT // MINUTE, "unknown")
    earlier = links((0, 0, 0, HOUR + LIMIT - 1), (0, 1, HOUR + LIMIT - 1, OPEN))
    assert ends(lain=earlier)[0][3] == "swapped"
    sooner = links((0, 0, 0, 2 * HOUR), (0, 1, 2 * HOUR, OPEN))
    assert ends((0, 2 * HOUR, 1.0, 1), lain=sooner)[:1] == [(60, 120, "reading", "swapped")]
    assert ends((0, 2 * HOUR, 0.0, 1), lain=sooner) == [(60, 120, "reading", "swapped")]


@pytest.mark.parametrize("ended", [2 * HOUR, HOUR + LIMIT])
def test_what_ends_with_the_span_lasts_and_ends_in_the_next_one(ended: int) -> None:
    """A link's end, and silence."""
    said, lain = events((0, 0, 0, 0), (0, HOUR, 1, 0)), links((0, 0, 0, min(ended, 2 * DAY)), (0, 1, 3 * DAY, OPEN))
    _, found, carry, _ = stays.run(said, lain, table(), nothing(1), 0, ended)
    assert plain(found) == [(60, ended // MINUTE, "reading", "lasts")]
    spans, found, _, _ = stays.run(events(), lain, table(), carry, ended, 4 * DAY)
    assert plain(found) == [(60, ended // MINUTE, "reading", "swapped" if ended == 2 * HOUR else "silent")]
    assert spans.state.tolist() == [2]


@pytest.mark.parametrize("changes", [29 * DAY, 30 * DAY])
def test_a_new_sensor_ends_stuck(changes: int) -> None:
    """Also where it lies there only from a later span on, and where the old one ended just with the span before."""
    said = [(0, day * DAY, 1.0, 0) for day in range(30)]
    lain = links((0, 0, 0, changes), (0, 1, 30 * DAY, OPEN))
    inside = [row for row in said if row[1] < changes]
    _, found, carry, _ = stays.run(events(*inside), lain, table(limit=2 * DAY), nothing(1), 0, 30 * DAY)
    assert plain(found) == [(0, 28 * 1440, "unknown", "stuck")]
    assert carry.state.tolist() == [2 if changes < 30 * DAY else 3]
    _, found, _, _ = stays.run(events((0, 31 * DAY, 1, 1)), lain, table(limit=2 * DAY), carry, 30 * DAY, 32 * DAY)
    assert plain(found) == [(31 * 1440, 32 * 1440, "unknown", "lasts")]


def test_a_stuck_bay_stays_so_through_silence_and_into_the_next_span_until_it_is_free() -> None:
    said = [(0, day * DAY, 1.0, 0) for day in range(30)]
    lain, bays = links((0, 0, 0, OPEN)), table(limit=2 * DAY)
    carry = stays.run(events(*said), lain, bays, nothing(1), 0, 40 * DAY)[2]
    assert [int(column[0]) for column in carry] == [3, 28 * DAY, 29 * DAY, 0]
    more = events((0, 41 * DAY, 1, 0), (0, 42 * DAY, 0, 0), (0, 43 * DAY, 1, 0))
    spans, found, _, counts = stays.run(more, lain, bays, carry, 40 * DAY, 44 * DAY)
    assert spans.state.tolist() == [2, 0, 1]
    assert plain(found) == [(43 * 1440, 44 * 1440, "reading", "lasts")]
    assert counts.repeated.tolist() == [0]


def test_silent_after_just_28_days_is_stuck() -> None:
    said = [(0.0, 0), *((1.0, 1 + day) for day in range(28))]
    found = of_one(*((day * DAY, value) for value, day in said), (40 * DAY, 1.0), limit=DAY, end=41 * DAY)
    assert found == [(1440, 29 * 1440, "reading", "stuck")]
