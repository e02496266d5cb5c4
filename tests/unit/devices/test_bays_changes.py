"""Links of sensors as one timeline: what ends by itself, what overlaps, and lists by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from devices.bays import EventDay, SensorLink
from devices.bays_changes import Changes, link_changes, list_changes
from devices.bays_file import Given

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _link(bay: str, device: str, start: int, end: int | None = None) -> SensorLink:
    return SensorLink(bay, device, NOON + timedelta(start), None if end is None else NOON + timedelta(end))


def _given(*links: SensorLink, removed: bool = False) -> list[Given[SensorLink]]:
    return [Given(f"line {number}", link, removed) for number, link in enumerate(links, 2)]


def test_an_open_link_ends_where_the_next_one_of_its_bay_or_sensor_begins() -> None:
    known = [_link("a", "s1", 0), _link("b", "s2", 0)]
    swapped = link_changes(known, _given(_link("a", "s2", 5)))
    assert swapped.new == [_link("a", "s2", 5)]
    assert swapped.changed == [_link("a", "s1", 0, 5), _link("b", "s2", 0, 5)]
    # what was before is told later: it ends where the known one begins
    assert link_changes(known, _given(_link("a", "s0", -9))).new == [_link("a", "s0", -9, 0)]


def test_the_same_file_again_changes_nothing() -> None:
    file = _given(_link("a", "s1", 0), _link("a", "s2", 5), _link("b", "s1", 7))
    first = link_changes([], file)
    assert first.new == [_link("a", "s1", 0, 5), _link("a", "s2", 5), _link("b", "s1", 7)]
    again = link_changes(first.new, file)
    assert (again.new, again.changed, again.removed, again.unchanged) == ([], [], [], 3)


def test_overlaps_are_refused_with_both_places() -> None:
    first = "sensor s1 in bay a from 2026-06-01 12:00Z"
    found = link_changes([], _given(_link("a", "s1", 0, 5), _link("a", "s2", 3), _link("b", "s2", 4, 9)))
    assert [str(one) for one in found.problems] == [
        f"line 3: sensor s2 in bay a from 2026-06-04 12:00Z overlaps with {first} of line 2"
    ]
    found = link_changes([_link("a", "s1", 0, 5)], _given(_link("b", "s1", 4)))
    assert [str(one) for one in found.problems] == [
        f"line 2: sensor s1 in bay b from 2026-06-05 12:00Z overlaps with {first} that is known"
    ]
    # two bays at once
    assert len(link_changes([], _given(_link("a", "s1", 0), _link("b", "s1", 0))).problems) == 1


def test_a_line_that_removes() -> None:
    known = [_link("a", "s1", 0), _link("b", "s2", 0)]
    assert link_changes(known, _given(_link("a", "s1", 0), removed=True)).removed == [_link("a", "s1", 0)]
    (problem,) = link_changes(known, _given(_link("a", "s1", 1), removed=True)).problems
    assert "is not known, so it cannot be removed" in str(problem)


def test_lists_by_their_keys() -> None:
    def changes(*days: EventDay) -> Changes[EventDay]:
        given_ = [Given(f"line {number}", day) for number, day in enumerate(days, 2)]
        return list_changes([match], given_, lambda one: (one.zone, one.day), lambda one: f"the event of {one.zone}")

    match = EventDay("A", date(2026, 8, 1), "Match")
    assert changes(match).unchanged == 1
    assert changes(EventDay("A", date(2026, 8, 1), "Fair")).changed == [EventDay("A", date(2026, 8, 1), "Fair")]
    assert [str(one) for one in changes(match, match).problems] == ["line 3: the event of A is already given in line 2"]


_LINKS = st.lists(
    st.builds(
        lambda bay, device, start, length: _link(bay, device, start, None if length is None else start + length),
        st.sampled_from("abc"), st.sampled_from(["s1", "s2", "s3"]), st.integers(0, 8),
        st.one_of(st.none(), st.integers(1, 5)),
    ),
    max_size=5,
    unique_by=lambda link: (link.bay, link.start),
)  # fmt: skip


def _at_once(links: Sequence[SensorLink]) -> bool:
    """Whether some day has a bay with two sensors or a sensor in two bays."""
    for day in range(20):
        there = [
            one
            for one in links
            if one.start <= NOON + timedelta(day) and (not one.end or one.end > NOON + timedelta(day))
        ]
        if len({one.bay for one in there}) < len(there) or len({one.device for one in there}) < len(there):
            return True
    return False


@given(_LINKS, _LINKS)
def test_what_is_taken_never_overlaps_and_what_overlaps_is_told(
    first: list[SensorLink], more: list[SensorLink]
) -> None:
    known: list[SensorLink] = []
    for file in (first, more):
        found = link_changes(known, _given(*file))
        after = {(one.bay, one.start): one for one in (*known, *found.new, *found.changed)}
        assert _at_once(list(after.values())) is bool(found.problems)
        if found.problems:
            return
        known = list(after.values())
        again = link_changes(known, _given(*file))
        assert (again.new, again.changed, again.problems) == ([], [], [])
