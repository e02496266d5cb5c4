"""Gathering: what a decoder may answer, packs, messages without a time."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from devices.decoding import PACK, STATUS, Flaw, Reason, Rejection, Relative
from tests.tools.collecting import AT, meter, one, rejected
from tests.tools.ingest import (
    NOW,
    RETAINED,
    SECOND,
    Collecting,
    Message,
    text,
)

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
    assert "household's device: " + type(error).__name__ in caplog.text
    secrets = ("1200000000002", "mpan", "m1")
    assert not any(secret in caplog.text for secret in secrets), "a household has no place in a log"


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
    batch = collecting.build()
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
    """It parsed: an undecodable message is one rejection, this is none."""
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
