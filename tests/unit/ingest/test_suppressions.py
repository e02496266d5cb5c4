"""Refused readings in the judgement of a batch: counted, kept nowhere, everything else as if they were not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import PACK, Flaw, Reason, Rejection
from devices.device import Device
from ingest.routes import Routes
from ingest.subscriptions import Subscription
from ingest.suppressions import FOREVER, NO_SERIES, Suppressions
from store import tombstones
from store.batch import Batch, Counts
from store.tombstones import Tombstone
from tests.examples import examples
from tests.tools.ingest import DEVICES, HALF_HOUR, NOW, QOS1, Collecting, Message, text

KEY = b"a key of the unit tests, long enough to be one"
START, STOP = NOW - 20 * HALF_HOUR, NOW - 10 * HALF_HOUR


def stone(device: str, start: int = START, end: int | None = STOP, *, gone: bool = False) -> Tombstone:
    return Tombstone("meter", tombstones.mark(KEY, device), start, end, "smart-meter", "native", gone)


class Refusing(Collecting):
    """A collector that knows tombstones."""

    def __init__(self, *stones: Tombstone, devices: tuple[Device, ...] = DEVICES) -> None:
        self.suppressions = Suppressions(KEY)
        self.suppressions.take(stones, 1)
        super().__init__(devices, suppressions=self.suppressions)


def reading(time: int, value: float = 1.0, *, device: str = "m1", sequence: int | None = None) -> Message:
    return Message(device, "smart-meter", (text(time), {"power": value}, sequence))


def counted(collecting: Refusing) -> tuple[Batch, Counts]:
    batch, counts = collecting.commit()
    assert all(one.adds_up() for one in counts.values())
    return batch, counts["smart-meter"]


@pytest.mark.parametrize("device", ["gone", "g1"])
def test_a_refused_reading_of_a_pack_that_is_ahead_of_the_clock_counts_once(device: str) -> None:
    collecting = Refusing(stone("gone", gone=True), stone("g1", STOP, None))
    # one within the period of either, so that nothing of the message is kept
    records = [("power", text(NOW + 2 * HALF_HOUR), 1.0), ("power", text(START if device == "gone" else STOP), 1.0)]
    collecting.receive([Message(device, "smart-meter", (PACK, records, None), 1, QOS1)])
    batch, counts = counted(collecting)
    assert (counts.readings_decoded, counts.readings_refused, counts.readings_rejected) == (2, 2, 0)
    assert not batch.rejected


@pytest.mark.parametrize("name", ["Power Monitor", "Kitchen/Floor Light"])
def test_a_name_that_is_no_id_is_refused_after_its_device_is_gone(name: str) -> None:
    """Its id went with the registry's row: what comes says the name alone."""
    suppressions = Suppressions(KEY)
    suppressions.take([stone(name, gone=True)._replace(model="zigbee2mqtt")], 1)
    topics = ("zigbee2mqtt/{device}", "zigbee2mqtt/{device}/{property}")
    subscriptions = [Subscription(topic, "zigbee2mqtt") for topic in topics]
    routes = Routes(subscriptions, FORMATS, keep={}, auto_register=None, suppressions=suppressions)
    route = routes.find(f"zigbee2mqtt/{name}")
    assert route.decode(b'{"power": 5}')[1] == {"power": 5}
    assert (route.device_id, route.personal, route.instead is not None) == (name, True, True)
    assert routes.find("zigbee2mqtt/Kitchen/other").device is None


def test_the_period_has_its_start_and_not_its_end() -> None:
    collecting = Refusing(stone("m1"))
    collecting.receive([reading(START - 1), reading(START), reading(STOP - 1), reading(STOP)])
    batch, counts = counted(collecting)
    assert counts.readings_refused == 2
    assert batch.time.tolist() == [START - 1, STOP]
    assert collecting.built.accepted.tolist() == [True, False, False, True]
    assert batch.tombstones == 1


def test_a_tombstone_of_no_meter_is_one_that_the_batch_was_judged_by() -> None:
    """Else the batch is stale for ever: the writer compares with the newest tombstone, of whatever kind."""
    collecting = Refusing(stone("m1")._replace(kind="tenancy"))
    collecting.receive([reading(START)])
    batch, counts = counted(collecting)
    assert (counts.readings_stored, batch.tombstones) == (1, 1)


def test_nobody_else_is_refused_and_an_open_end_lasts() -> None:
    collecting = Refusing(stone("m1", end=None))
    collecting.receive([reading(NOW), reading(NOW, device="g1"), reading(START - HALF_HOUR)])
    batch, counts = counted(collecting)
    assert (counts.readings_refused, counts.readings_thinned, len(batch.time)) == (1, 1, 1), "g1's power is thinned"
    assert collecting.suppressions.of("g1") is None
    assert collecting.suppressions.of("m1") is not None


def test_nothing_of_a_refused_message_is_kept() -> None:
    collecting = Refusing(stone("m1"))
    at = text(START)
    collecting.receive(
        [
            Message("m1", "smart-meter", (at, {"power": 1e12}, 7), 1, QOS1),
            Message("m1", "smart-meter", (at, {"power": float("nan"), "nonsense": 1}, 8), 2, QOS1),
            Message("m1", "smart-meter", (at, {"power": Flaw(Reason.BAD_VALUE, "no number")}, 9), 3, QOS1),
            Message("m1", "smart-meter", (at, {"power": None}, 10), 4, QOS1),
        ]
    )
    batch, counts = counted(collecting)
    assert counts.readings_refused == counts.readings_decoded == 5
    assert counts.messages_decoded == 4
    assert (batch.rejected, list(batch.sequences), batch.remember, batch.touched) == ([], [], [], [])
    assert not collecting.built.accepted.any()
    assert collecting.memory.entries == {}


def test_what_cannot_be_read_is_a_rejection_without_a_row_while_it_lasts() -> None:
    bad = Rejection(Reason.UNREADABLE, "no JSON")
    collecting = Refusing(stone("m1", end=None), stone("g1", end=NOW - 1))
    collecting.receive([Message("m1", "smart-meter", bad), Message("g1", "smart-meter", bad)])
    batch, counts = counted(collecting)
    assert counts.messages_rejected == 2
    assert [one.device for one in batch.rejected] == ["g1"], "g1's period is over: it is the next tenant's"


def test_a_message_without_a_time_of_its_own_is_judged_by_its_arrival() -> None:
    collecting = Refusing(stone("m1", end=None))
    collecting.receive([Message("m1", "smart-meter", (None, {"power": 1.0}, None), 5, QOS1)])
    batch, counts = counted(collecting)
    assert counts.readings_refused == 1
    assert batch.remember == [], "no digest of it stays"


def test_of_a_pack_the_records_of_other_days_are_stored_and_the_message_is_not_archived() -> None:
    records = [("power", text(time), 1.0) for time in (START - HALF_HOUR, START, STOP)]
    records.append(("power", "yesterday", 2.0))
    collecting = Refusing(stone("m1"))
    collecting.receive([Message("m1", "smart-meter", (PACK, records, None), 5, QOS1)])
    batch, counts = counted(collecting)
    assert (counts.readings_refused, counts.readings_rejected, counts.readings_stored) == (1, 1, 2)
    assert batch.rejected == [], "its bytes hold a refused reading"
    assert not collecting.built.accepted.any()


def test_an_erased_meter_is_read_to_be_counted_and_never_gets_a_series() -> None:
    collecting = Refusing(stone("m1", gone=True), devices=DEVICES[1:])
    collecting.receive(
        [reading(START), reading(STOP), Message("m1", "parking-bay", (text(START), {"power": 1.0}, None))]
    )
    batch, counts = counted(collecting)
    assert counts.readings_refused == 1
    assert counts.messages_rejected == 2
    assert len(batch.time) == 0
    assert (collecting.series_cache.series[: collecting.series_cache.size] == NO_SERIES).all()
    assert [(one.reason, one.device) for one in batch.rejected] == [("unknown_device", "m1"), ("wrong_family", "m1")]


def test_a_retired_meter_likewise() -> None:
    retired = replace(DEVICES[0], retired=True)
    collecting = Refusing(stone("m1"), devices=(retired, *DEVICES[1:]))
    collecting.receive([reading(START), reading(STOP)])
    batch, counts = counted(collecting)
    assert (counts.readings_refused, counts.messages_rejected) == (1, 1)
    assert [one.reason for one in batch.rejected] == ["retired_device"]


def test_a_dead_series_is_never_written_again() -> None:
    collecting = Refusing(stone("g1"))
    collecting.receive([reading(STOP)])
    assert len(counted(collecting)[0].time) == 1
    collecting.series_cache.erased_series.add(0)
    collecting.receive([reading(STOP + HALF_HOUR)])
    batch, counts = counted(collecting)
    assert (len(batch.time), counts.readings_refused) == (0, 1)


def test_a_tombstone_that_ends_lets_the_next_tenant_in_at_once() -> None:
    collecting = Refusing(stone("m1", end=None))
    collecting.receive([reading(STOP)])
    assert counted(collecting)[1].readings_refused == 1
    collecting.suppressions.take([stone("m1")._replace(changed=2)], 2)
    collecting.suppressions.take([stone("m1", end=None)._replace(changed=1)], 1)  # read before it, taken over after it
    collecting.receive([reading(STOP), reading(STOP - 1)])
    batch, counts = counted(collecting)
    assert (batch.time.tolist(), counts.readings_refused) == ([STOP], 1)


def test_two_tenancies_of_one_meter() -> None:
    collecting = Refusing(stone("m1"), stone("m1", STOP + HALF_HOUR, None))
    times = [START, STOP, STOP + HALF_HOUR, NOW]
    collecting.receive([reading(time) for time in times])
    assert counted(collecting)[0].time.tolist() == [STOP]
    found = collecting.suppressions.of("m1")
    assert found is not None
    assert found.periods == ((START, STOP), (STOP + HALF_HOUR, FOREVER))


@settings(max_examples=examples(300))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["m1", "g1", "gone", "strange"]),
            st.sampled_from(["smart-meter", "parking-bay"]),
            st.integers(-40, 3),
            st.sampled_from([1.0, 2.0, float("nan"), 1e12, None, "x"]),
            st.sampled_from(["power", "import_register", "nonsense"]),
            st.sampled_from(["time", "none", "pack", "bad", "broken"]),
        ),
        max_size=30,
    )
)
def test_everything_adds_up_and_nothing_of_the_period_is_kept(
    messages: list[tuple[str, str, int, object, str, str]],
) -> None:
    collecting = Refusing(stone("m1"), stone("gone", gone=True), stone("g1", STOP, None))
    sent: list[Message] = []
    for device, family, place, value, name, kind in messages:
        time = text(NOW + place * HALF_HOUR)
        answer: object = (time, {name: value}, place if place >= 0 else None)
        if kind == "none":
            answer = (None, {name: value}, None)
        elif kind == "pack":
            answer = (PACK, [(name, time, value), (name, text(START), 1.0)], None)
        elif kind == "bad":
            answer = ("yesterday", {name: value}, None)
        elif kind == "broken":
            answer = Rejection(Reason.UNREADABLE, "broken")
        sent.append(Message(device, family, answer, len(sent) + 1, QOS1))
    collecting.receive(sent)
    batch, counts = collecting.commit()
    assert all(one.adds_up() for one in counts.values())
    assert sum(one.messages_received for one in counts.values()) == len(sent)
    names = {number: name for (name, _), number in collecting.store.numbers.items()}
    periods = {"m1": (START, STOP), "g1": (STOP, FOREVER)}
    for series, time in zip(batch.series.tolist(), batch.time.tolist(), strict=True):
        start, end = periods[names[series]]
        assert not start <= time < end
    suppressed = {
        collecting.built.pending.payloads[place] for place in np.flatnonzero(collecting.built.suppressed).tolist()
    }
    assert not suppressed & {one.payload for one in batch.rejected}
    assert not (collecting.built.accepted & collecting.built.suppressed).any()
