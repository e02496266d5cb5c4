"""A few weeks before all of them: whatever is asked, the first full page is the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import chunks
from store.chunks import Chunks, Span
from store.times import FIRST, LAST

WEEK = 7 * 86_400_000_000
BEGIN = 2_900 * WEEK
TIMES = st.lists(st.integers(BEGIN, BEGIN + 60 * WEEK), max_size=60, unique=True).map(sorted)


EVERYWHERE = Span(None, None)


def page(times: list[int], first: int, last: int, limit: int, falling: bool, span: Span = EVERYWHERE) -> list[int]:
    start, end = FIRST if span.start is None else span.start, LAST + 1 if span.end is None else span.end
    found = [time for time in times if max(first, start) <= time <= last and time < end]
    return (found[::-1] if falling else found)[:limit]


@given(TIMES, TIMES, st.data(), st.integers(1, 40), st.booleans())
def test_a_full_page_of_the_weeks_near_is_the_page(
    known: list[int], later: list[int], data: st.DataObject, limit: int, falling: bool
) -> None:
    """Also where readings came since the chunks were looked at, older and newer ones than all that there were."""
    bound = st.one_of(st.sampled_from([FIRST, LAST]), st.integers(BEGIN - WEEK, BEGIN + 61 * WEEK))
    first, last = data.draw(bound), data.draw(bound)
    there = {time // WEEK for time in known}
    of = Chunks(30, min(there) * WEEK, (max(there) + 1) * WEEK) if there else Chunks()
    times = sorted({*known, *later})
    weeks, looks = chunks.WEEKS, 0
    while span := chunks.near(of, first, last, weeks, falling=falling):
        looks += 1
        found = page(times, first, last, limit, falling, span)
        if len(found) == limit:
            assert found == page(times, first, last, limit, falling)
            break
        if not found:
            break
        weeks = chunks.wider(weeks, len(found), limit)
    assert looks <= 4


def test_what_lies_near() -> None:
    many = Chunks(300, BEGIN, BEGIN + 300 * WEEK)
    newest = chunks.near(many, FIRST, LAST, 2, falling=True)
    assert newest == Span(BEGIN + 298 * WEEK, None), "two weeks, the newest among them"
    assert chunks.near(many, FIRST, LAST, 2, falling=False) == Span(None, BEGIN + 2 * WEEK)
    inside = BEGIN + 7 * WEEK + 5
    assert chunks.near(many, inside, LAST, 2, falling=False) == Span(BEGIN + 7 * WEEK, BEGIN + 9 * WEEK)
    assert chunks.near(many, FIRST, inside, 2, falling=True) == Span(BEGIN + 6 * WEEK, BEGIN + 8 * WEEK)


def test_a_span_is_never_a_large_part_of_all() -> None:
    many = Chunks(300, BEGIN, BEGIN + 300 * WEEK)
    assert chunks.near(many, FIRST, LAST, chunks.MOST_WEEKS, falling=True) is not None
    assert chunks.near(many, FIRST, LAST, 2 * chunks.MOST_WEEKS, falling=True) is None
    assert chunks.near(many._replace(number=25), FIRST, LAST, 16, falling=True) is None


@pytest.mark.parametrize("known", [Chunks(), Chunks(chunks.FEW, BEGIN, BEGIN + chunks.FEW * WEEK)])
def test_of_few_chunks_all_are_asked(known: Chunks) -> None:
    assert chunks.near(known, FIRST, LAST, 2, falling=True) is None


def test_a_span_that_is_short_itself_is_asked_as_it_is() -> None:
    many = Chunks(300, BEGIN, BEGIN + 300 * WEEK)
    for falling in (False, True):
        assert chunks.near(many, BEGIN + 5, BEGIN + WEEK, 2, falling=falling) is None


def test_bounds_stand_in_the_text() -> None:
    assert Span(None, None).condition() == b"true"
    text = Span(0, WEEK).condition()
    assert text == b"r.time >= '1970-01-01T00:00:00+00:00' and r.time < '1970-01-08T00:00:00+00:00'"


def test_how_much_wider() -> None:
    assert chunks.wider(2, 100, 101) == 4
    assert chunks.wider(2, 1, 101) == 256
