"""Gathering and sealing messages that the broker delivers again."""

from __future__ import annotations

from typing import Any

import pytest

from devices.decoding import PACK, STATUS, Reason, Rejection, Relative
from ingest.memory import digest
from tests.tools.collecting import AT, meter, one
from tests.tools.ingest import (
    DUPLICATE,
    NOW,
    QOS1,
    SECOND,
    Collecting,
)

# -- redelivery ------------------------------------------------------------------------------------------------------


def test_an_untimed_message_delivered_again_takes_its_first_arrival() -> None:
    collecting = Collecting()
    payload = collecting.payload((None, {"power": 1.0}, None))
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW)
    batch, _ = collecting.commit()
    assert [(item.packet_id, item.arrival, item.rejected) for item in batch.remember] == [(7, NOW, False)]
    collecting.receive([meter(None, 7, DUPLICATE, payload)], arrival=NOW + 40 * SECOND, generation=2)
    _, counts = collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW)]
    assert counts["smart-meter"].readings_duplicates == 1


def test_an_untimed_message_delivered_again_within_one_batch_counts_once() -> None:
    collecting = Collecting()
    payload = collecting.payload((PACK, [("power", Relative(-1), 1.0), ("power", None, 2.0)], None))
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW)
    collecting.receive([meter(None, 7, DUPLICATE, payload)], arrival=NOW + 5, generation=2)
    _, counts = collecting.commit()
    assert sorted(collecting.store.rows) == [(1000, NOW - SECOND), (1000, NOW)]
    assert counts["smart-meter"].readings_duplicates == 2


def test_dup_alone_proves_nothing() -> None:
    """It is also set on a message whose first delivery never reached us."""
    collecting = Collecting()
    payload = collecting.payload((None, {"power": 1.0}, None))
    collecting.receive([meter(None, 7, DUPLICATE, payload)], arrival=NOW)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW)]


def test_another_message_with_the_same_packet_id_is_another_message() -> None:
    collecting = Collecting()
    collecting.receive([meter((None, {"power": 1.0}, None), 7, QOS1)], arrival=NOW)
    collecting.commit()
    collecting.receive([meter((None, {"power": 1.0}, None), 7, DUPLICATE)], arrival=NOW + SECOND)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW), (1000, NOW + SECOND)]


def test_the_same_bytes_on_a_reused_packet_id_are_a_new_message() -> None:
    """Without DUP: the broker has our acknowledgement of the first, so the id was free again."""
    collecting = Collecting()
    payload = collecting.payload((None, {"power": 1.0}, None))
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW)
    assert list(collecting.commit()[0].forget) == []
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW + SECOND)
    batch, _ = collecting.commit()
    assert list(batch.forget) == [7]
    assert [(item.packet_id, item.arrival) for item in batch.remember] == [(7, NOW + SECOND)]
    assert list(collecting.store.rows) == [(1000, NOW), (1000, NOW + SECOND)]


def test_a_reused_packet_id_forgets_also_where_the_new_message_has_a_time() -> None:
    collecting = Collecting()
    collecting.receive([meter((None, {"power": 1.0}, None), 7, QOS1)])
    collecting.commit()
    collecting.receive([meter((AT, {"power": 1.0}, None), 7, QOS1)])
    assert list(collecting.commit()[0].forget) == [7]
    assert collecting.memory.entries == {}


@pytest.mark.parametrize(
    "answer",
    [
        Rejection(Reason.EMPTY, "nothing in it"),
        ("nonsense", {"power": 1.0}, None),
        (AT, {"powr": 1.0, "power": 2.0}, None),
        (None, {"powr": 1.0, "power": 2.0}, None),
        (PACK, [("power", "nonsense", 1.0), ("power", None, 1.0)], None),
    ],
    ids=["whole", "bad time", "one reading", "one reading, untimed", "one record, untimed"],
)
def test_a_rejection_delivered_again_is_one_row(answer: Any) -> None:
    collecting = Collecting()
    payload = collecting.payload(answer)
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW)
    first, _ = collecting.commit()
    assert len(first.rejected) == 1
    assert {item.packet_id: item.rejected for item in first.remember} == {7: True}
    for attempt in (2, 3):
        collecting.receive([meter(None, 7, DUPLICATE, payload)], arrival=NOW + attempt, generation=attempt)
        again, counts = collecting.commit()
        assert again.rejected == []
        assert {item.rejected for item in again.remember} <= {True}, "a retry must not make the store forget"
        assert counts["smart-meter"].adds_up()
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW + 10, generation=3)
    assert len(collecting.commit()[0].rejected) == 1, "a new message with the same contents is a new rejection"


def test_a_rejection_without_acknowledgement_is_not_remembered() -> None:
    """QoS 0 is never delivered again."""
    collecting = one(Rejection(Reason.EMPTY, "nothing in it"))
    batch, _ = collecting.commit()
    assert (len(batch.rejected), batch.remember) == (1, [])


def test_two_rejected_readings_of_one_message_are_two_rows_at_first_and_none_again() -> None:
    collecting = Collecting()
    payload = collecting.payload((AT, {"powr": 1.0, "power": None}, None))
    collecting.receive([meter(None, 7, QOS1, payload)])
    assert len(collecting.commit()[0].rejected) == 2
    collecting.receive([meter(None, 7, DUPLICATE, payload)])
    assert collecting.commit()[0].rejected == []


def test_memory_that_was_loaded_from_the_store_is_memory() -> None:
    """The collector was killed after its commit and before its acknowledgement."""
    before = Collecting()
    payload = before.payload((None, {"power": 1.0}, None))
    before.receive([meter(None, 7, QOS1, payload)], arrival=NOW)
    batch, _ = before.commit()
    after = Collecting()
    after.store, after.script = before.store, before.script
    after.memory.entries = {item.packet_id: (item.digest, item.arrival, item.rejected) for item in batch.remember}
    after.receive([meter(None, 7, DUPLICATE, payload)], arrival=NOW + 99 * SECOND)
    _, counts = after.commit()
    assert list(after.store.rows) == [(1000, NOW)]
    assert counts["smart-meter"].readings_duplicates == 1


def test_a_digest_tells_topic_and_payload_apart() -> None:
    assert digest("a", b"bc") != digest("ab", b"c")
    assert digest("\ud800", b"") == digest("\ud800", b"")


# -- acknowledgements ------------------------------------------------------------------------------------------------


def test_acknowledgements_go_by_connection_and_leave_out_qos_0() -> None:
    collecting = Collecting()
    good = (AT, {"power": 1.0}, None)
    collecting.receive([meter(good, 1, QOS1), meter(good), meter(Rejection(Reason.EMPTY, ""), 2, QOS1)], generation=3)
    collecting.receive([meter(STATUS, 3, QOS1)], generation=3)
    collecting.receive([meter(good, 1, QOS1)], generation=4)
    assert collecting.pending.acknowledgements() == [(3, [1, 2, 3]), (4, [1])]


def test_what_is_held_is_counted_in_bytes() -> None:
    collecting = Collecting()
    collecting.receive([meter((AT, {"power": 1.0}, None))] * 10)
    assert collecting.pending.size >= 10 * len("test/smart-meter/m1" + "0")
    assert len(collecting.pending) == 10
