"""All of parking's numbers against the slow reference, in weeks of a few bays; and in pieces, and in any order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.parking import occupancy, overstays, stays
from analytics.parking.arrays import BEGINS, ENDS, Carry, Counts, Ints, Spans, Stays, nothing, part
from tests.examples import examples
from tests.references import parking as reference
from tests.worlds.parking_numbers import HOLIDAYS, LONDON, World, long_times, weeks

STATES = ("free", "occupied", "unknown")
Row = tuple[int, ...]


def run(world: World) -> tuple[Spans, Stays, Carry, Counts]:
    return stays.run(
        world.event_arrays(), world.link_arrays(), world.table(), nothing(len(world.bays)), world.start, world.end
    )


def rows(*columns: Ints) -> list[Row]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def plain_stays(found: Stays) -> list[list[reference.Stay]]:
    """Stays by bay, in the reference's words."""
    assert np.all(np.diff(found.bay) >= 0)
    by_bay: list[list[reference.Stay]] = [[] for _ in range(int(found.bay.max()) + 1 if len(found.bay) else 0)]
    for bay, arrival, departure, begins, ends in rows(*found):
        by_bay[bay].append(reference.Stay(arrival, departure, BEGINS[begins], ENDS[ends]))
    return by_bay


def agree(world: World) -> list[reference.Found]:
    """States, stays and counts are the reference's."""
    spans, found, _, counts = run(world)
    expected = [
        reference.watch(bay, of, world.events, world.links, world.start, world.end) for bay, of in enumerate(world.bays)
    ]
    assert rows(*spans) == [
        (bay, span.start, span.end, STATES.index(span.state)) for bay, one in enumerate(expected) for span in one.spans
    ]
    told = plain_stays(found)
    assert told + [[]] * (len(expected) - len(told)) == [one.stays for one in expected]
    for name in Counts._fields:
        assert getattr(counts, name).tolist() == [getattr(one, name) for one in expected], name
    return expected


@settings(max_examples=examples(60))
@given(weeks(), st.data())
def test_weeks_agree_with_the_reference(world: World, data: st.DataObject) -> None:
    expected = agree(world)
    spans, found, _, _ = run(world)

    times = occupancy.quarters(spans, world.suspended(), world.table(), world.edges())
    edges = world.edges().tolist()
    for bay, (of, one) in enumerate(zip(world.bays, expected, strict=True)):
        assert [tuple(row) for row in times[bay].tolist()] == reference.quarters(of, one.spans, edges)
    first = data.draw(st.integers(0, len(edges) - 2))
    last = data.draw(st.integers(first + 1, len(edges) - 1))
    some = occupancy.quarters(spans, world.suspended(), world.table(), world.edges()[first : last + 1])
    assert np.array_equal(some, times[:, first:last])

    late = overstays.over(found, world.hours(), world.table(), world.suspended(), world.permits())
    told = [
        reference.over(of, stay, LONDON, HOLIDAYS)
        for of, one in zip(world.bays, expected, strict=True)
        for stay in one.stays
    ]
    assert rows(*late) == told


@settings(max_examples=examples(60))
@given(long_times())
def test_bays_that_are_stuck_agree_with_the_reference(world: World) -> None:
    agree(world)


@settings(max_examples=examples(80))
@given(weeks() | long_times(), st.data())
def test_in_pieces_and_in_any_order_it_says_the_same(world: World, data: st.DataObject) -> None:
    spans, found, carry, counts = run(world)
    shuffled = world.of(data.draw(st.permutations(world.events)))
    moments = st.integers(world.start, world.end)
    for event in world.events[:3]:
        moments |= st.just(event.time) | st.just(min(event.time + world.bays[event.bay].limit, world.end))
    for link in world.links:
        moments |= st.just(min(max(link.end or world.end, world.start), world.end))
    cuts = sorted({world.start, *data.draw(st.lists(moments, max_size=5)), world.end})

    state = nothing(len(world.bays))
    pieces: list[Row] = []
    latest: dict[tuple[int, int], Row] = {}
    total = np.zeros((6, len(world.bays)), np.int64)
    arrays, table = shuffled.event_arrays(), world.table()
    for start, end in pairwise(cuts):
        own = part(arrays, (arrays.time >= start) & (arrays.time < end))
        some, stood, state, met = stays.run(own, world.link_arrays(), table, state, start, end)
        pieces += rows(*some)
        latest |= {(row[0], row[1]): row for row in rows(*stood)}
        total += np.array(met)

    assert joined(pieces) == joined(rows(*spans))
    assert sorted(latest.values()) == rows(*found)
    assert rows(*state) == rows(*carry)
    assert total.tolist() == np.array(counts).tolist()


def joined(spans: list[Row]) -> list[Row]:
    """Spans by bay and time, those that touch and say the same made one: a cut, or a change of sensor, is no matter."""
    found: list[Row] = []
    for bay, start, end, state in sorted(spans):
        if found and (found[-1][0], found[-1][2], found[-1][3]) == (bay, start, state):
            found[-1] = (bay, found[-1][1], end, state)
        else:
            found.append((bay, start, end, state))
    return found
