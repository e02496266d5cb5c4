"""Message numbers as unbroken runs: nothing lost, nothing invented, and only of messages that were taken."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devices.decoding import PACK, STATUS, Reason, Rejection
from store.batch import SequenceSpan
from tests.tools.ingest import MINUTE, NOW, RETAINED, Collecting, Message, text

NUMBERS = st.integers(0, 25) | st.integers(2**32 - 3, 2**32 + 3)


def bay(number: int | None, at: int | None = NOW, value: object = 1) -> Message:
    return Message("b1", "parking-bay", (None if at is None else text(at), {"occupied": value}, number))


def monitor(number: int) -> Message:
    return Message("a1", "air-monitor", (text(NOW), {"no2": 1}, number))


def spans(*messages: Message) -> list[SequenceSpan]:
    collecting = Collecting()
    collecting.receive(messages)
    return list(collecting.build().sequences)


@given(st.lists(st.tuples(st.booleans(), NUMBERS), max_size=30))
def test_runs_hold_exactly_the_numbers_that_came(drawn: list[tuple[bool, int]]) -> None:
    found = spans(*(bay(number) if first else monitor(number) for first, number in drawn))
    for device, which in (("b1", True), ("a1", False)):
        mine = [item for item in found if item.device == device]
        numbers = {number for first, number in drawn if first == which}
        covered = [number for item in mine for number in range(item.first, item.last + 1)]
        assert covered == sorted(numbers), "each number once, in order"
        assert all(after.first > before.last + 1 for before, after in pairwise(mine)), "a run is as long as can be"
    assert [item.device for item in found] == sorted(item.device for item in found)


def test_a_run_says_when_its_ends_were() -> None:
    found = spans(
        bay(7, NOW - 2 * MINUTE), bay(5, NOW - 4 * MINUTE), bay(6, NOW - 3 * MINUTE), bay(9, NOW), bay(6, NOW - MINUTE)
    )
    assert found == [
        SequenceSpan("b1", 5, 7, NOW - 4 * MINUTE, NOW - 2 * MINUTE),
        SequenceSpan("b1", 9, 9, NOW, NOW),
    ]


def test_a_message_without_a_time_of_its_own_counts_at_its_arrival() -> None:
    assert spans(bay(3, None)) == [SequenceSpan("b1", 3, 3, NOW, NOW)]


def test_a_number_counts_though_its_readings_were_rejected_and_not_where_its_message_was() -> None:
    """The message arrived: that is what a gap would deny."""
    found = spans(
        bay(1),
        bay(2, value=None),
        bay(3, value=7),
        bay(4, NOW + 60 * MINUTE),
        Message("b1", "parking-bay", ("never", {"occupied": 1}, 5)),
        Message("b1", "parking-bay", Rejection(Reason.EMPTY, "")),
        Message("b1", "parking-bay", STATUS),
        Message("b1", "parking-bay", (None, {"occupied": 1}, 6), flags=RETAINED),
        Message("stranger", "parking-bay", (text(NOW), {"occupied": 1}, 7)),
    )
    assert [(item.device, item.first, item.last) for item in found] == [("b1", 1, 3)]


def test_messages_without_a_number_make_no_run() -> None:
    assert spans(bay(None), bay(None, None)) == []


def test_a_pack_with_a_number_counts_at_its_newest_record() -> None:
    records = [("occupied", text(NOW - 2 * MINUTE), 1), ("occupied", text(NOW - MINUTE), 0)]
    assert spans(Message("b1", "parking-bay", (PACK, records, 8))) == [
        SequenceSpan("b1", 8, 8, NOW - MINUTE, NOW - MINUTE)
    ]


def test_a_number_beyond_a_counter_is_left_out_and_costs_nothing_else() -> None:
    collecting = Collecting()
    collecting.receive([bay(2**63 - 1), bay(-1, NOW - MINUTE)])
    batch, _ = collecting.commit()
    assert list(batch.sequences) == []
    assert len(collecting.store.rows) == 2
    assert batch.rejected == []
