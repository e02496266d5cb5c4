"""Sealing: its rules, one by one."""

from __future__ import annotations

import pytest

# -- rules, one by one -----------------------------------------------------------------------------------------------
from tests.references.build_batch import check_form
from tests.tools.ingest import (
    DEVICES,
    EARLIEST,
    HALF_HOUR,
    MINUTE,
    NOW,
    QOS1,
    SECOND,
    Collecting,
    Message,
    text,
    total,
)


def meter(at: int, **values: float) -> Message:
    return Message("g1", "smart-meter", (text(at), values, None))


def bay(at: int, value: float) -> Message:
    return Message("b1", "parking-bay", (text(at), {"occupied": value}, None))


def stored(collecting: Collecting, name: str) -> list[tuple[int, float]]:
    """(time, value) of one property, by time."""
    rows = collecting.store.named(collecting.store.rows)
    return sorted((time, value) for (_, found, time), value in rows.items() if found == name)


def test_the_first_register_of_a_half_hour_is_kept_and_the_rest_thinned() -> None:
    collecting = Collecting()
    start = NOW - 4 * HALF_HOUR
    counts = []
    for batch in range(10):  # 12 minutes each
        collecting.receive([meter(start + (batch * 120 + n) * 6 * SECOND, import_register=batch) for n in range(120)])
        counts.append(collecting.commit()[1])
    assert [time for time, _ in stored(collecting, "import_register")] == [start + n * HALF_HOUR for n in range(4)]
    account = total(counts)["smart-meter"]
    assert (account.readings_decoded, account.readings_stored, account.readings_thinned) == (1200, 4, 1196)


def test_power_of_a_display_lives_in_latest_alone() -> None:
    collecting = Collecting()
    collecting.receive([meter(NOW - 6 * SECOND, power=500), meter(NOW, power=700)])
    batch, counts = collecting.commit()
    assert len(batch.series) == 0
    assert list(collecting.store.latest.values()) == [(NOW, 700.0)]
    assert counts["smart-meter"].readings_thinned == 2


def test_an_exact_repeat_is_a_duplicate_before_it_is_thinned_and_never_reaches_the_store() -> None:
    """Glow's gas: sent every few seconds, new twice an hour."""
    collecting = Collecting()
    collecting.receive([meter(NOW, import_register=5, power=5)])
    collecting.commit()
    collecting.receive([meter(NOW, import_register=5, power=5)] * 3)
    batch, counts = collecting.commit()
    assert (len(batch.series), len(batch.latest_series)) == (0, 0)
    assert counts["smart-meter"].readings_duplicates == 6
    assert counts["smart-meter"].readings_thinned == 0


def test_a_late_half_hour_is_kept_where_none_is_stored() -> None:
    collecting = Collecting()
    collecting.receive([meter(NOW, import_register=9)])
    collecting.commit()
    late = [meter(NOW - 65 * MINUTE, import_register=1), meter(NOW - 62 * MINUTE, import_register=2)]
    collecting.receive(late)
    batch, counts = collecting.commit()
    assert batch.thin.tolist() == [HALF_HOUR], "the store must look whether that half-hour has a reading"
    assert (counts["smart-meter"].readings_stored, counts["smart-meter"].readings_thinned) == (1, 1)
    collecting.receive([meter(NOW - 70 * MINUTE, import_register=0)])
    _, counts = collecting.commit()
    assert counts["smart-meter"].readings_thinned == 1
    assert stored(collecting, "import_register") == [(NOW - 65 * MINUTE, 1.0), (NOW, 9.0)]


def test_of_two_values_for_one_instant_the_first_is_kept_and_the_second_is_a_conflict() -> None:
    collecting = Collecting()
    collecting.receive([bay(NOW, 1), bay(NOW, 0), bay(NOW, 1)])
    batch, counts = collecting.commit()
    assert [(item.property, item.reason) for item in batch.rejected] == [("occupied", "conflict")]
    assert stored(collecting, "occupied") == [(NOW, 1.0)]
    account = counts["parking-bay"]
    assert (account.readings_stored, account.readings_duplicates, account.readings_rejected) == (1, 1, 1)


def test_a_conflict_that_the_store_finds_clears_the_memory_of_the_last_reading() -> None:
    """Another collector stored another value: what we took for a duplicate since then may be none."""
    collecting = Collecting()
    collecting.receive([bay(NOW - MINUTE, 0)])
    collecting.commit()
    (series,) = collecting.store.numbers.values()
    collecting.store.rows[series, NOW] = 1.0
    collecting.receive([bay(NOW, 0)])
    collecting.commit()
    (conflict,) = collecting.store.conflicts
    assert (conflict.property, conflict.reason, conflict.device, conflict.family) == (
        "occupied",
        "conflict",
        "b1",
        "parking-bay",
    )
    collecting.receive([bay(NOW, 0)])
    batch, _ = collecting.commit()
    assert len(batch.series) == 1, "asked again, the store judges again"


def test_the_same_batch_judged_by_the_store_twice_makes_the_same_rejections() -> None:
    """A write is tried again after a lost connection; its rejections are asked for again."""
    collecting = Collecting()
    collecting.receive([bay(NOW - MINUTE, 0)._replace(packet_id=3, flags=QOS1)])
    collecting.commit()
    (series,) = collecting.store.numbers.values()
    collecting.store.rows[series, NOW] = 1.0
    collecting.receive([bay(NOW, 0)._replace(packet_id=4, flags=QOS1)])
    batch = collecting.build()
    first, remembered = batch.conflicts([0]), list(batch.remember)
    assert len(first) == 1
    assert batch.conflicts([0]) == first
    assert batch.remember == remembered
    assert [(item.packet_id, item.rejected) for item in remembered] == [(4, True)]


def test_the_first_value_of_the_newest_instant_stays_the_last_reading() -> None:
    """Of what is shown and not stored: the second value is thinned, and the first one again is a repeat."""
    collecting = Collecting()
    found = []
    for power in (500, 700, 500, 700):
        collecting.receive([meter(NOW, power=power)])
        counts = collecting.commit()[1]["smart-meter"]
        found.append((counts.readings_duplicates, counts.readings_thinned))
    assert found == [(0, 1), (0, 1), (1, 0), (0, 1)]
    assert list(collecting.store.latest.values()) == [(NOW, 500.0)]


def test_latest_never_goes_back() -> None:
    collecting = Collecting()
    for at, value in ((NOW - MINUTE, 1), (NOW - 2 * MINUTE, 0), (NOW, 0), (NOW - MINUTE, 0)):
        collecting.receive([bay(at, value)])
        collecting.commit()
    assert list(collecting.store.latest.values()) == [(NOW, 0.0)]


def test_a_message_with_an_impossible_time_is_one_rejection_and_its_readings_are_not_counted() -> None:
    collecting = Collecting()
    collecting.receive([Message("m1", "smart-meter", ("2026-02-30T00:00:00Z", {"power": 1, "powr": 1}, None))])
    batch, counts = collecting.commit()
    assert [(item.property, item.reason) for item in batch.rejected] == [(None, "bad_time")]
    account = counts["smart-meter"]
    assert (account.messages_rejected, account.readings_decoded, account.readings_rejected) == (1, 0, 0)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (EARLIEST, None),
        (EARLIEST - 1, "time_out_of_range"),
        (NOW + 300 * SECOND, None),
        (NOW + 300 * SECOND + 1, "time_out_of_range"),
    ],
)
def test_the_ends_of_the_times_that_are_taken(at: int, reason: str | None) -> None:
    collecting = Collecting()
    collecting.receive([bay(at, 1)])
    batch, _ = collecting.commit()
    assert [item.reason for item in batch.rejected] == ([reason] if reason else [])


def test_the_ahead_limit_follows_the_arrival_and_not_the_time_of_sealing() -> None:
    """A batch may wait for hours while the store is away."""
    collecting = Collecting()
    collecting.receive([bay(NOW + 400 * SECOND, 1)], arrival=NOW)
    assert [item.reason for item in collecting.build(now=NOW + 3600 * SECOND).rejected] == ["time_out_of_range"]


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_both_ends_of_a_range_are_inside(value: float) -> None:
    collecting = Collecting()
    collecting.receive([bay(NOW, value), bay(NOW - 1, -1e-9), bay(NOW - 2, 1 + 1e-9)])
    batch, _ = collecting.commit()
    assert [(item.reason, item.detail) for item in batch.rejected] == [("out_of_range", "outside 0 to 1")] * 2
    assert stored(collecting, "occupied") == [(NOW, float(value))]


def test_an_empty_batch_only_forgets() -> None:
    collecting = Collecting()
    collecting.pending.forget.append(5)
    batch, counts = collecting.commit()
    check_form(batch)
    assert (list(batch.forget), counts, batch.rejected) == ([5], {}, [])


def test_readings_of_a_device_that_changed_its_family_are_counted_where_they_belong() -> None:
    collecting = Collecting()
    collecting.receive([Message("b1", "parking-bay", (text(NOW), {"battery": 50}, None))])
    moved = next(device for device in DEVICES if device.id == "a1")
    collecting.routes.update([type(moved)("b1", "movement-sensor", "native", personal=True)])
    collecting.receive([Message("b1", "movement-sensor", (text(NOW), {"motion": True}, None))])
    _, counts = collecting.commit()
    assert {family: account.readings_stored for family, account in counts.items()} == {
        "parking-bay": 1,
        "movement-sensor": 1,
    }


def test_every_batch_has_a_number_of_its_own_and_its_minute() -> None:
    collecting = Collecting()
    numbers = {collecting.build(now=NOW + 61 * SECOND).number for _ in range(50)}
    assert len(numbers) == 50
    assert all(0 <= number < 2**63 for number in numbers), "the column is a bigint"
    assert collecting.build(now=NOW + 61 * SECOND).minute == NOW + MINUTE
