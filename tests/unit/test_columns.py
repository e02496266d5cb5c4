"""Gathering: what a message's decoded form becomes, which messages are ignored, and how redeliveries are known."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from devices.decoding import PACK, STATUS, Flaw, Reason, Rejection, Relative
from ingest.columns import digest
from tests.unit.ingest_harness import (
    DUPLICATE,
    NOW,
    QOS0,
    QOS1,
    RETAINED,
    SECOND,
    Collecting,
    Message,
    text,
)

AT = text(NOW - 60 * SECOND)


def meter(answer: Any, packet_id: int = 0, flags: int = QOS0, payload: bytes | None = None) -> Message:
    return Message("m1", "smart-meter", answer, packet_id, flags, payload)


def one(answer: Any, **options: Any) -> Collecting:
    """A collector that has received one message of a meter."""
    collecting = Collecting()
    collecting.receive([meter(answer, **options)])
    return collecting


def rejected(collecting: Collecting) -> list[tuple[str | None, str]]:
    """(property, reason) of what the next batch rejects; the batch is committed."""
    batch, counts = collecting.commit()
    assert all(account.adds_up() for account in counts.values())
    return [(item.property, item.reason) for item in batch.rejected]


# -- what a decoder may answer ---------------------------------------------------------------------------------------


def test_readings_of_a_message_become_rows() -> None:
    collecting = one((AT, {"power": 5, "import_register": 1.5}, None))
    batch, counts = collecting.commit()
    assert collecting.store.named(collecting.store.rows) == {
        ("m1", "power", NOW - 60 * SECOND): 5.0,
        ("m1", "import_register", NOW - 60 * SECOND): 1.5,
    }
    assert (counts["smart-meter"].readings_decoded, counts["smart-meter"].readings_stored) == (2, 2)
    assert batch.rejected == []


@pytest.mark.parametrize(("value", "stored"), [(True, 1.0), (False, 0.0), (2**70, None), (-0.0, 0.0)])
def test_numbers_of_every_kind(value: float, stored: float | None) -> None:
    collecting = one((AT, {"export_register": value}, None))
    found = rejected(collecting)
    if stored is None:
        assert found == [("export_register", "out_of_range")]
    else:
        assert found == []
        assert list(collecting.store.rows.values()) == [stored]


@pytest.mark.parametrize("value", [None, "5", "", [5], {}, b"5", (5,)], ids=repr)
def test_what_is_no_number_is_rejected_alone(value: object) -> None:
    collecting = one((AT, {"power": value, "import_register": 1.0}, None))
    assert rejected(collecting) == [("power", "bad_value")]
    assert len(collecting.store.rows) == 1


def test_the_detail_of_a_bad_value_does_not_quote_it() -> None:
    """It may be a household's number that slipped into the wrong field."""
    collecting = one((AT, {"power": "1200000000002"}, None))
    (found,) = collecting.commit()[0].rejected
    assert found.detail == "str, not a number"


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), 10**400, -(10**400)], ids=lambda v: str(v)[:9]
)
def test_what_is_not_finite_is_rejected_alone(value: float) -> None:
    collecting = one((AT, {"power": value, "import_register": 1.0}, None))
    assert rejected(collecting) == [("power", "bad_value")]
    assert len(collecting.store.rows) == 1


def test_an_unknown_property_is_rejected_alone() -> None:
    collecting = one((AT, {"powr": 5.0, "import_register": 1.0, "occupied": True}, None))
    assert rejected(collecting) == [("powr", "unknown_property"), ("occupied", "unknown_property")]
    assert len(collecting.store.rows) == 1


def test_a_flaw_is_rejected_with_its_own_reason_also_of_an_unknown_property() -> None:
    flaw = Flaw(Reason.BAD_UNIT, "no unit of power")
    collecting = one((AT, {"power": flaw, "powr": flaw, "import_register": 1.0}, None))
    batch, _ = collecting.commit()
    assert [(item.property, item.reason, item.detail) for item in batch.rejected] == [
        ("power", "bad_unit", "no unit of power"),
        ("powr", "bad_unit", "no unit of power"),
    ]


def test_a_property_name_of_any_length_is_cut() -> None:
    collecting = one((AT, {"x" * 10_000: 1.0}, None))
    assert rejected(collecting) == [("x" * 64, "unknown_property")]


def test_a_message_whose_every_reading_is_bad_is_still_a_decoded_message() -> None:
    collecting = one((AT, {"powr": 1.0, "power": None}, None))
    _, counts = collecting.commit()
    account = counts["smart-meter"]
    assert (account.messages_decoded, account.messages_rejected) == (1, 0)
    assert (account.readings_decoded, account.readings_rejected) == (2, 2)


def test_a_rejection_rejects_the_message() -> None:
    collecting = one(Rejection(Reason.EMPTY, "nothing in it"))
    batch, counts = collecting.commit()
    (found,) = batch.rejected
    assert (found.property, found.reason, found.detail, found.device) == (None, "empty", "nothing in it", "m1")
    assert (found.family, found.personal, found.payload) == ("smart-meter", True, b"0")
    assert counts["smart-meter"].messages_rejected == 1
    assert counts["smart-meter"].adds_up()


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("1200000000002"), RecursionError(), KeyError("mpan"), AssertionError(), ValueError("x")]
)
def test_a_fault_of_a_decoder_costs_its_message_alone(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    collecting = Collecting()
    good = (AT, {"power": 1.0}, None)
    with caplog.at_level(logging.ERROR):
        collecting.receive([meter(error), meter(good), meter((AT, {"power": 1.0}, 1, 1))])
    assert rejected(collecting) == [(None, "unreadable"), (None, "unreadable")]
    assert len(collecting.store.rows) == 1
    assert len(caplog.records) == 2
    assert "m1: " + type(error).__name__ in caplog.text
    assert not any(secret in caplog.text for secret in ("1200000000002", "mpan")), "contents have no place in a log"


def test_an_unknown_device_is_one_rejected_message_of_the_family_unknown() -> None:
    collecting = Collecting()
    collecting.receive([Message("m9", "smart-meter", (AT, {"power": 1.0, "x": 2}, None))])
    batch, counts = collecting.commit()
    (found,) = batch.rejected
    assert (found.device, found.reason, found.family, found.personal) == ("m9", "unknown_device", "unknown", True)
    assert counts.keys() == {"unknown"}
    assert counts["unknown"].messages_rejected == 1
    assert counts["unknown"].adds_up()


def test_status_messages_are_ignored_and_counted() -> None:
    collecting = one(STATUS)
    batch, counts = collecting.commit()
    assert (batch.rejected, len(batch.series)) == ([], 0)
    assert (counts["smart-meter"].messages_ignored, counts["smart-meter"].messages_decoded) == (1, 0)
    assert counts["smart-meter"].adds_up()


def test_a_payload_above_the_limit_is_not_parsed() -> None:
    collecting = Collecting(payload_maximum=10)
    large, largest = b"x" * 11, b"y" * 10
    collecting.script = {large: AssertionError("parsed"), largest: (AT, {"power": 1.0}, None)}
    collecting.receive([meter(None, payload=large), meter(None, payload=largest), meter((AT, {"power": 2.0}, None))])
    batch = collecting.seal()
    assert [(item.reason, item.payload) for item in batch.rejected][:1] == [("oversize", large)]
    assert batch.counts["smart-meter"].messages_decoded == 2


# -- packs -----------------------------------------------------------------------------------------------------------


def test_the_records_of_a_pack_have_times_of_their_own() -> None:
    collecting = one(
        (
            PACK,
            [
                ("import_interval", AT, 0.1),
                ("import_interval", (NOW - 30 * SECOND) / SECOND, 0.2),
                ("import_interval", Relative(-10), 0.3),
                ("import_interval", Relative(5.5), 0.4),
                ("power", None, 7),
            ],
            None,
        )
    )
    assert rejected(collecting) == []
    assert collecting.store.named(collecting.store.rows) == {
        ("m1", "import_interval", NOW - 60 * SECOND): 0.1,
        ("m1", "import_interval", NOW - 30 * SECOND): 0.2,
        ("m1", "import_interval", NOW - 10 * SECOND): 0.3,
        ("m1", "import_interval", NOW + 5_500_000): 0.4,
        ("m1", "power", NOW): 7.0,
    }


def test_one_bad_record_of_a_pack_costs_itself_alone() -> None:
    records = [
        ("power", AT, 1.0),
        ("power", "yesterday", 1.0),
        ("powr", AT, 1.0),
        ("power", text(NOW + 3600 * SECOND), 1.0),
        ("power", 0, 1.0),
        ("power", AT, Flaw(Reason.BAD_UNIT, "no unit of power")),
        ("power", text(NOW), float("nan")),
        ("power", text(NOW), None),
        ("power", text(NOW), 1e9),
        ("power", AT, 2.0),
    ]
    collecting = one((PACK, records, None))
    assert sorted(rejected(collecting), key=str) == sorted(
        [
            ("power", "bad_time"),
            ("powr", "unknown_property"),
            ("power", "time_out_of_range"),
            ("power", "time_out_of_range"),
            ("power", "bad_unit"),
            ("power", "bad_value"),
            ("power", "bad_value"),
            ("power", "out_of_range"),
            ("power", "conflict"),
        ],
        key=str,
    )
    assert list(collecting.store.rows.values()) == [1.0]


def test_a_pack_without_one_good_record_is_a_decoded_message_with_rejected_readings() -> None:
    """It parsed; DESIGN.md counts an undecodable message as one rejection, this is none."""
    collecting = one((PACK, [("powr", AT, 1.0), ("power", AT, Flaw(Reason.BAD_UNIT, "no unit of power"))], None))
    batch, counts = collecting.commit()
    assert [(item.property, item.reason) for item in batch.rejected] == [
        ("powr", "unknown_property"),
        ("power", "bad_unit"),
    ]
    account = counts["smart-meter"]
    assert (account.messages_decoded, account.messages_rejected, account.readings_rejected) == (1, 0, 2)


def test_packs_and_plain_messages_in_one_batch_do_not_mix_their_rows() -> None:
    collecting = Collecting()
    collecting.receive(
        [
            meter((AT, {"power": 1.0}, None)),
            meter((PACK, [("import_register", text(NOW), 10), ("export_register", None, 5)], None)),
            meter(("nonsense", {"power": 3.0, "powr": 1}, None)),
            meter((text(NOW), {"power": 2.0}, None)),
            meter((PACK, [("gas_register", Relative(0), 6)], None)),
        ]
    )
    assert rejected(collecting) == [(None, "bad_time")]
    assert collecting.store.named(collecting.store.rows) == {
        ("m1", "power", NOW - 60 * SECOND): 1.0,
        ("m1", "power", NOW): 2.0,
        ("m1", "import_register", NOW): 10.0,
        ("m1", "export_register", NOW + 1): 5.0,
        ("m1", "gas_register", NOW + 4): 6.0,
    }


# -- messages without a time, retained messages ----------------------------------------------------------------------


def test_a_message_without_a_time_takes_its_arrival_and_a_relative_one_adds_to_it() -> None:
    collecting = Collecting()
    collecting.receive([meter((None, {"power": 1.0}, None))], arrival=NOW + 1)
    collecting.receive([meter((Relative(-2.5), {"power": 2.0}, None))], arrival=NOW + 2)
    assert rejected(collecting) == []
    assert collecting.store.named(collecting.store.rows) == {
        ("m1", "power", NOW + 1): 1.0,
        ("m1", "power", NOW + 2 - 2_500_000): 2.0,
    }


def test_messages_without_a_time_that_are_read_at_once_are_a_microsecond_apart() -> None:
    """In the order in which they came: of a bay's two states at one instant the second would be a conflict."""
    collecting = Collecting()
    collecting.receive([meter((AT, {"gas_register": 1.0}, None))] * 3)
    collecting.receive([meter((None, {"power": value}, None)) for value in (1.0, 2.0, 1.0)])
    assert rejected(collecting) == []
    found = collecting.store.named(collecting.store.rows)
    assert [found["m1", "power", NOW + place] for place in range(3)] == [1.0, 2.0, 1.0]


def test_epoch_second_nought_is_a_time_and_not_an_absent_one() -> None:
    assert rejected(one((0, {"power": 1.0}, None))) == [(None, "time_out_of_range")]


@pytest.mark.parametrize(
    "answer",
    [
        (None, {"power": 1.0}, None),
        (Relative(-5), {"power": 1.0}, None),
        (PACK, [("power", None, 1.0), ("import_register", None, 1.0)], None),
        (PACK, [("power", AT, 1.0), ("import_register", Relative(-1), 1.0)], None),
    ],
    ids=["no time", "relative", "pack", "pack, one record"],
)
def test_a_retained_message_that_would_take_its_arrival_is_ignored(answer: Any) -> None:
    """The broker hands it out at every new subscription: each would make another reading of an old value."""
    collecting = one(answer, flags=RETAINED)
    batch, counts = collecting.commit()
    assert (len(batch.series), batch.rejected) == (0, [])
    assert counts["smart-meter"].messages_ignored == 1
    assert counts["smart-meter"].adds_up()


@pytest.mark.parametrize(
    "answer",
    [(AT, {"power": 1.0}, None), (PACK, [("power", AT, 1.0), ("x", None, Flaw(Reason.BAD_UNIT, ""))], None)],
    ids=["plain", "pack with a flaw"],
)
def test_a_retained_message_with_its_own_time_is_taken(answer: Any) -> None:
    collecting = one(answer, flags=RETAINED)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW - 60 * SECOND)]


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
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW + 10)
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
    assert collecting.columns.acknowledgements() == [(3, [1, 2, 3]), (4, [1])]


def test_what_is_held_is_counted_in_bytes() -> None:
    collecting = Collecting()
    collecting.receive([meter((AT, {"power": 1.0}, None))] * 10)
    assert collecting.columns.size >= 10 * len("test/smart-meter/m1" + "0")
    assert len(collecting.columns) == 10
