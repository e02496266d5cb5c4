"""Times that hang on the arrival: a night on which the clocks change, of devices that send their local time.

The tests start from true instants, spell them as the device's clock shows them, and expect the instants back.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import PACK, STATUS, Binding, Rejection, Relative, Twice
from ingest.backlog import Absence
from ingest.cutting import cut
from ingest.source import Chunk
from store.batch import Late
from tests.tools.collecting import AT, meter, rejected
from tests.tools.ingest import DUPLICATE, NOW, QOS1, RETAINED, SECOND, Collecting, text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Change(NamedTuple):
    """Clocks that change: the zone and the instant."""

    zone: str
    at: datetime


CHANGES = [
    Change("Europe/London", datetime(2025, 3, 30, 1, tzinfo=UTC)),
    Change("Europe/London", datetime(2025, 10, 26, 1, tzinfo=UTC)),
    Change("Europe/Berlin", datetime(2025, 3, 30, 1, tzinfo=UTC)),
    Change("Europe/Berlin", datetime(2025, 10, 26, 1, tzinfo=UTC)),
    Change("America/New_York", datetime(2025, 3, 9, 7, tzinfo=UTC)),
    Change("America/New_York", datetime(2025, 11, 2, 6, tzinfo=UTC)),
    Change("Australia/Lord_Howe", datetime(2025, 4, 5, 15, tzinfo=UTC)),  # back by half an hour
    Change("Australia/Lord_Howe", datetime(2025, 10, 4, 15, 30, tzinfo=UTC)),
]


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def message(moment: datetime, zone: str, total: float) -> bytes:
    """What a Tasmota plug sends: the wall-clock time without an offset, and its register."""
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return json.dumps({"Time": local.isoformat(timespec="seconds"), "ENERGY": {"Total": total}}).encode()


def answer(payload: bytes, zone: str) -> Any:
    try:
        return FORMATS["tasmota"].bind(Binding("m1", "smart-meter", "tasmota", {"zone": zone}))(payload)
    except Rejection as rejection:
        return rejection


def stored(collecting: Collecting) -> dict[int, float]:
    return {time: value for (_, time), value in sorted(collecting.store.rows.items())}


@given(
    change=st.sampled_from(CHANGES),
    sent=st.lists(
        st.tuples(st.integers(-3 * 3600, 3 * 3600), st.integers(0, 14 * 60)),
        min_size=1,
        max_size=30,
        unique_by=lambda x: x[0],
    ),
    cut=st.integers(1, 7),
)
def test_any_order_around_both_changes_gives_the_true_instants(
    change: Change, sent: list[tuple[int, int]], cut: int
) -> None:
    """With delays below half of what the clocks change by: 15 minutes, for Lord Howe's half-hour."""
    collecting = Collecting()
    truth = {}
    for number, (seconds, delay) in enumerate(sent):
        moment = change.at + timedelta(seconds=seconds)
        truth[us(moment)] = float(number)
        collecting.receive(
            [meter(answer(message(moment, change.zone, number), change.zone))], arrival=us(moment) + delay * SECOND
        )
        if number % cut == 0:
            assert rejected(collecting) == []
    assert rejected(collecting) == []
    assert stored(collecting) == dict(sorted(truth.items()))


@given(delay=st.integers(-29 * 60, 29 * 60), minute=st.integers(0, 119))
def test_a_delay_or_a_clock_that_is_ahead_below_half_an_hour(delay: int, minute: int) -> None:
    moment = datetime(2025, 10, 26, tzinfo=UTC) + timedelta(minutes=minute)
    found = answer(message(moment, "Europe/London", 1), "Europe/London")
    collecting = Collecting()
    collecting.receive([meter(found)], arrival=us(moment) + delay * SECOND)
    refused = rejected(collecting)
    if delay < -300:  # more than the clock's slack ahead: refused, and never another hour
        assert refused == [(None, "time_out_of_range")]
    else:
        assert list(stored(collecting)) == [us(moment)]


@pytest.mark.parametrize(("every", "used"), [(61, 2633), (307, 2600)])
def test_a_meter_with_local_time_counts_what_was_used(every: int, used: int) -> None:
    """Through the night as it comes: no conflict, and the register rises from reading to reading."""
    start, zone = datetime(2025, 10, 25, 23, 0, 7, tzinfo=UTC), "Europe/London"
    moments = [start + timedelta(seconds=every * number) for number in range(270 * 60 // every + 1)]
    collecting = Collecting()
    for number, moment in enumerate(moments):
        total = round(1290.8 + used / 1000 * number / (len(moments) - 1), 4)
        collecting.receive([meter(answer(message(moment, zone, total), zone))], arrival=us(moment) + 200_000)
    assert rejected(collecting) == []
    found = stored(collecting)
    assert list(found) == [us(moment) for moment in moments]
    steps = np.diff(list(found.values()))
    assert (steps > 0).all()
    assert round(steps.sum() * 1000) == used


def test_an_hour_that_the_clocks_skip_stays_a_bad_time() -> None:
    payload = b'{"Time": "2025-03-30T01:30:00", "ENERGY": {"Total": 1}}'
    found = answer(payload, "Europe/London")
    assert isinstance(found, Rejection)
    assert found.reason == "bad_time"


TWICE = Twice(text(NOW - 3600 * SECOND), text(NOW))


def test_records_of_a_pack_are_decided_one_by_one() -> None:
    collecting = Collecting()
    early = Twice(text(NOW - 10 * 3600 * SECOND), text(NOW - 9 * 3600 * SECOND))
    collecting.receive(
        [meter((PACK, [("power", TWICE, 1.0), ("power", early, 2.0), ("import_register", None, 3)], None))]
    )
    assert rejected(collecting) == []
    assert sorted(collecting.store.rows.values()) == [1.0, 2.0, 3.0]
    assert {time: value for (_, time), value in collecting.store.rows.items() if value < 3} == {
        NOW: 1.0,
        NOW - 9 * 3600 * SECOND: 2.0,
    }


def test_a_redelivery_takes_the_arrival_of_its_first_delivery() -> None:
    """Else a message that comes again an hour later would be a second reading."""
    collecting = Collecting()
    payload = collecting.payload((TWICE, {"power": 1.0}, None))
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW - 3500 * SECOND)
    batch, _ = collecting.commit()
    assert [(item.packet_id, item.arrival) for item in batch.remember] == [(7, NOW - 3500 * SECOND)]
    collecting.receive([meter(None, 7, DUPLICATE, payload)], arrival=NOW + SECOND, generation=2)
    _, counts = collecting.commit()
    assert list(stored(collecting)) == [NOW - 3600 * SECOND]
    assert counts["smart-meter"].readings_duplicates == 1


def test_a_retained_copy_is_ignored() -> None:
    """It may be of either pass, and comes with every new subscription."""
    collecting = Collecting()
    collecting.receive([meter((TWICE, {"power": 1.0}, None), flags=RETAINED)])
    _, counts = collecting.commit()
    assert counts["smart-meter"].messages_ignored == 1
    assert not collecting.store.rows


def test_what_was_kept_gives_the_same_instants_as_live() -> None:
    """A retry of rejections and a correction decode it again, with the arrival that was kept."""
    arrivals = [NOW - 3590 * SECOND, NOW - 1800 * SECOND, NOW - 1799 * SECOND, NOW + SECOND]
    live, again = Collecting(), Collecting()
    for arrival in arrivals:
        live.receive([meter((TWICE, {"power": 1.0}, None))], arrival=arrival)
    live.commit()
    payload = again.payload((TWICE, {"power": 1.0}, None))
    again.builder.receive_kept(["test/smart-meter/m1"] * 4, [payload] * 4, arrivals)
    again.commit()
    assert again.built.batch.time.tolist() == live.built.batch.time.tolist()
    assert list(stored(again)) == [NOW - 3600 * SECOND, NOW]


# -- messages that waited at the broker ------------------------------------------------------------------------------

ABSENCE = Absence(NOW - 3600 * SECOND, NOW)


def waited(
    collecting: Collecting, *answers: Any, arrival: int = NOW + SECOND, absence: Absence | None = ABSENCE
) -> None:
    payloads = [collecting.payload(answer) for answer in answers]
    topics = ["test/smart-meter/m1"] * len(answers)
    collecting.builder.receive(
        Chunk(1, arrival, 9, topics, payloads, [0] * len(answers), [QOS1] * len(answers), absence)
    )


def test_readings_that_waited_without_a_time_are_counted_by_absence_and_family() -> None:
    collecting = Collecting()
    waited(
        collecting,
        (None, {"power": 1.0, "import_register": 5.0}, None),
        (AT, {"power": 2.0}, None),  # has a time of its own
        (Relative(-5), {"power": 3.0}, None),
        (PACK, [("power", None, 4.0), ("export_register", AT, 1.0)], None),
        (None, {"powr": 1.0}, None),  # nothing of it is stored
        STATUS,
    )
    waited(collecting, (None, {"power": 7.0}, None), arrival=NOW + 9 * SECOND, absence=None)
    batch, _ = collecting.commit()
    assert list(batch.late) == [Late(NOW - 3600 * SECOND, NOW, "smart-meter", 4, 4)]


def test_a_redelivery_of_what_came_before_is_not_after_the_absence() -> None:
    collecting = Collecting()
    payload = collecting.payload((None, {"power": 1.0}, None))
    collecting.receive([meter(None, 7, QOS1, payload)], arrival=NOW - 3601 * SECOND)
    collecting.commit()
    collecting.builder.receive(Chunk(2, NOW + SECOND, 9, ["test/smart-meter/m1"], [payload], [7], [DUPLICATE], ABSENCE))
    batch, _ = collecting.commit()
    assert list(batch.late) == []


def test_a_batch_that_is_cut_counts_the_same_in_its_parts() -> None:
    collecting = Collecting()
    for number in range(3):
        waited(collecting, *[(None, {"power": 1.0 * number}, None)] * 3, arrival=NOW + (number + 1) * SECOND)
        waited(collecting, (None, {"power": 9.0}, None), arrival=NOW + (number + 1) * SECOND + 500, absence=None)
    parts = cut(collecting.builder.take())
    late = [item for part in parts for item in collecting.builder.build(NOW, part).batch.late]
    assert sum(item.messages for item in late) == 9
    assert sum(item.readings for item in late) == 9
    assert {item.back_at for item in late} == {NOW}
