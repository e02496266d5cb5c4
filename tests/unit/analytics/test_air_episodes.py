"""Episodes against their slow definition, as hours come one by one, and as hours come late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.air.episodes import compare, find
from store.air_alerts import Episode, Noted
from tests.references import air_episodes

#: An hour far from the epoch, so that a place taken for an hour shows.
FIRST = 490_000
BANDS = ((4, 6), (7, 9), (10, 10))
#: Around the bands' edges, and none.
INDEX = st.sampled_from((0, 0, 1, 3, 4, 5, 6, 7, 9, 10))


def found(index: list[int], bottom: int = 4, top: int = 6, first: int = FIRST) -> list[Episode]:
    return find(np.array(index, np.int8), first, bottom, top)


def spans(episodes: list[Episode], first: int = FIRST) -> list[tuple[int, int | None, str | None]]:
    return [(one.begin - first, None if one.end is None else one.end - first, one.how) for one in episodes]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([3, 4, 3, 4, 3, 3], []),  # never two hours in a row
        ([3, 6, 3], [(1, None, None)]),  # its top at once
        ([3, 5, 3], []),
        ([3, 4, 4, 3, 3], [(1, None, None)]),
        ([3, 4, 4, 3, 3, 3], [(1, 3, "below")]),
        ([3, 4, 4, 3, 4, 3, 3, 3], [(1, 5, "below")]),  # one hour in the band is enough to go on
        ([4, 4, 0, 3, 0, 3, 0, 3], [(0, 2, "below")]),  # hours without an index do not count
        ([4, 0, 4, 0, 4], []),  # and do not make two hours successive
        ([4, 4, 0, 0, 0, 0, 0, 0], [(0, 2, "unknown")]),
        ([4, 4, 0, 0, 0, 0, 0, 3], [(0, None, None)]),
        ([4, 4, 3, 3, 0, 0, 0, 0, 0, 0], [(0, 4, "unknown")]),
        ([4, 4, 3, 3, 3, 3, 3, 4, 4], [(0, None, None)]),  # five hours after its end: the same
        ([4, 4, 3, 3, 3, 3, 3, 3, 4, 4], [(0, 2, "below"), (8, None, None)]),  # six: another
        ([4, 4, 0, 0, 0, 0, 0, 0, 6], [(0, 2, "unknown"), (8, None, None)]),
        ([10, 10], [(0, None, None)]),
        ([4], []),
        ([6], [(0, None, None)]),
        ([], []),
    ],
)
def test_edges(index: list[int], expected: list[tuple[int, int | None, str | None]]) -> None:
    assert spans(found(index)) == expected
    assert air_episodes.episodes(index, 4, 6) == expected


@given(st.lists(INDEX, max_size=80), st.sampled_from(BANDS))
def test_it_is_what_the_definition_says(index: list[int], band: tuple[int, int]) -> None:
    own = found(index, *band)
    assert spans(own) == air_episodes.episodes(index, *band)
    for one in own:
        inside = [
            value for hour, value in enumerate(index) if one.begin <= hour + FIRST < (one.end or FIRST + len(index))
        ]
        assert one.highest == max(inside)
        assert index[one.last - FIRST] >= band[0]


@pytest.mark.parametrize(
    ("index", "final"),
    [
        ([4, 4, 3, 3, 3], False),
        ([4, 4, 3, 3, 3, 3, 3, 3], False),  # one could begin in the last of these hours
        ([4, 4, 3, 3, 3, 3, 3, 3, 3], True),
        ([4, 4, 3, 3, 3, 3, 3, 3, 0], False),  # which is not known yet
        ([4, 4, 3, 3, 3, 3, 3, 3, 0, 0, 0], True),  # and never may be
        ([4, 4, 0, 0, 0, 0, 0, 0], True),
    ],
)
def test_an_end_is_final_once_nothing_can_undo_it(index: list[int], *, final: bool) -> None:
    (one,) = found(index)
    assert one.final is final


@given(st.lists(INDEX, max_size=40), st.lists(INDEX, max_size=40))
def test_what_is_final_stays(before: list[int], after: list[int]) -> None:
    """While no hour comes late."""
    final = [one for one in found(before) if one.final and 0 not in before[-3:]]
    assert found(before + after)[: len(final)] == final


def follow(index: list[int], seen: list[list[int]], first: int = FIRST) -> list[Noted]:
    """What is noted after hours were looked at one after the other; ``seen``: what is known when."""
    noted: list[Noted] = []
    for known in seen:
        newest = first + len(known) - 1
        changes = compare(noted, find(np.array(known, np.int8), first, 4, 6), first, newest)
        changed = {one.id: one for one in changes.changed}
        noted = [changed.get(one.id, one) for one in noted]
        noted += [Noted(len(noted) + place, 1, one, newest) for place, one in enumerate(changes.new)]
    return noted


@given(st.lists(INDEX, max_size=60))
def test_hour_by_hour_it_comes_to_the_same(index: list[int]) -> None:
    noted = follow(index, [index[: hour + 1] for hour in range(len(index))])
    assert [one.episode for one in noted] == found(index)


@given(st.lists(INDEX, min_size=1, max_size=60), st.data())
def test_late_hours_tell_nobody_twice(index: list[int], data: st.DataObject) -> None:
    """Hours come up to twelve hours late, and what is stored of them may be restated once."""
    late = data.draw(st.lists(st.integers(0, 12), min_size=len(index), max_size=len(index)))
    first_said = data.draw(st.lists(INDEX, min_size=len(index), max_size=len(index)))
    seen = [
        [
            0 if hour + late[hour] > now else first_said[hour] if hour + 2 * late[hour] > now else index[hour]
            for hour in range(now + 1)
        ]
        for now in range(len(index))
    ]
    seen += [[*index, *[3] * more] for more in range(1, 30)]
    noted = follow(index, seen)
    true = found(seen[-1])
    there = [one for one in noted if one.episode.how != "withdrawn"]
    for one in true:
        # everything that was has one note, and one alone
        assert sum(_touch(one, other.episode) for other in there) == 1, (one, there)
    for other in there:
        assert any(_touch(one, other.episode) for one in true), other
        assert other.episode.end is not None


def _touch(one: Episode, other: Episode) -> bool:
    assert one.end is not None
    assert other.end is not None
    return one.begin < other.end and other.begin < one.end


NOTED = Noted(5, 1, Episode(FIRST + 2, FIRST + 4, 5), FIRST + 4)


def test_what_was_none_is_withdrawn_and_comes_back_as_itself() -> None:
    none = compare([NOTED], [], FIRST, FIRST + 6)
    (gone,) = none.changed
    assert (gone.id, gone.episode.how, gone.episode.end, gone.episode.final) == (5, "withdrawn", FIRST + 2, True)
    assert compare([gone], [], FIRST, FIRST + 7).changed == []
    back = compare([gone], [Episode(FIRST + 3, FIRST + 7, 6)], FIRST, FIRST + 7)
    assert back.new == []
    assert back.changed == [Noted(5, 1, Episode(FIRST + 3, FIRST + 7, 6), FIRST + 7)]


def test_what_began_before_the_hours_that_are_looked_at() -> None:
    old = replace(NOTED, episode=Episode(FIRST - 100, FIRST - 1, 6), seen=FIRST - 1)
    (one,) = compare([old], [Episode(FIRST, FIRST + 3, 4)], FIRST, FIRST + 3).changed
    assert one.episode == Episode(FIRST - 100, FIRST + 3, 6)
    # nobody looked while it ended
    (one,) = compare([old], [], FIRST, FIRST + 3).changed
    assert one.episode == Episode(FIRST - 100, FIRST - 1, 6, FIRST, "unknown", True)
    assert compare([one], [], FIRST, FIRST + 4).changed == []


def test_two_notes_that_turn_out_to_be_one() -> None:
    first = Noted(1, 1, Episode(FIRST, FIRST + 1, 4, FIRST + 2, "unknown", True), FIRST + 8)
    second = Noted(2, 1, Episode(FIRST + 9, FIRST + 12, 4), FIRST + 12)
    changes = compare([second, first], [Episode(FIRST, FIRST + 13, 5)], FIRST - 5, FIRST + 13)
    assert changes.new == []
    assert [(one.id, one.episode.end, one.episode.how) for one in changes.changed] == [
        (1, None, None),
        (2, FIRST + 9, "withdrawn"),
    ]


def test_one_note_that_turns_out_to_be_two() -> None:
    one = Noted(1, 1, Episode(FIRST, FIRST + 20, 6), FIRST + 20)
    two = [
        Episode(FIRST, FIRST + 3, 4, FIRST + 4, "below", True),
        Episode(FIRST + 12, FIRST + 21, 6),
    ]
    changes = compare([one], two, FIRST - 5, FIRST + 21)
    assert changes.new == []
    assert [(other.id, other.episode.begin, other.episode.end) for other in changes.changed] == [(1, FIRST, None)]
