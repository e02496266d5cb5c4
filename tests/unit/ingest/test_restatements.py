"""Which readings of a batch may restate: what the store is handed, and what is remembered of their messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.device import Device
from ingest.batch_builder import BatchBuilder
from ingest.cutting import cut
from ingest.options import BrokerOptions, CollectorOptions
from ingest.pending_batch import PendingBatch
from ingest.restatements import decided
from ingest.series_cache import NewSeries
from ingest.source import Chunk
from ingest.subscriptions import Subscription
from ingest.suppressions import Suppressions
from store.batch import Batch, Right, SeriesState
from tests.tools.ingest import NOW, QOS1, text

AGAIN, RETAINED = 0x3A, 0x33


def states(new: Sequence[NewSeries]) -> list[SeriesState]:
    return [SeriesState(7, None, float("nan")) for _ in new]


def collector(*, restates: bool = True, register: bool = False) -> BatchBuilder:
    options = CollectorOptions(
        "",
        BrokerOptions(),
        [
            Subscription("a/{family}/{device}", "native", restates=restates),
            Subscription("b/{family}/{device}", "native"),
        ],
        auto_register=True,
    )
    builder = BatchBuilder(options, Suppressions(None), states, name="test", register=register)
    if not register:
        builder.routes.update([Device("m1", "smart-meter", "native", personal=True)])
    return builder


def receive(
    builder: BatchBuilder, values: list[float], *, source: str = "a", flags: int = QOS1, first: int = 1
) -> None:
    payloads = [f'{{"time":"{text(NOW)}","import_interval":{value}}}'.encode() for value in values]
    topics = [f"{source}/smart-meter/m1"] * len(values)
    numbers = list(range(first, first + len(values)))
    builder.receive(Chunk(1, NOW, 100, topics, payloads, numbers, [flags] * len(values)))


def built(builder: BatchBuilder, pending: PendingBatch | None = None) -> Batch:
    return builder.build(NOW, pending).batch


def rights(batch: Batch) -> list[Right]:
    assert batch.restating is not None
    return [Right(value) for value in batch.restating.right.tolist()]


def test_where_nobody_may_restate_nothing_is_done_about_it() -> None:
    builder = collector(restates=False)
    receive(builder, [0.1, 0.2])
    batch = built(builder)
    assert batch.restating is None
    assert [item.rejected for item in batch.remember] == [True], "the conflict alone"
    assert batch.counts["smart-meter"].readings_rejected == 1


def test_the_store_is_handed_what_followed_in_its_order_and_the_message_is_remembered() -> None:
    builder = collector()
    receive(builder, [0.1, 0.2, 0.1])
    receive(builder, [0.3], source="b", first=8)
    batch = built(builder)
    assert batch.value.tolist() == [0.1]
    assert batch.restating is not None
    assert batch.restating.value.tolist() == [0.2, 0.1, 0.3]
    assert rights(batch) == [Right.RESTATES] * 3 + [Right.NONE]
    assert batch.restating.arrival.tolist() == [NOW, NOW + 1, NOW + 2, NOW]
    assert [batch.restating.sources[place] for place in batch.restating.source[:3]] == [
        "subscription a/{family}/{device}"
    ] * 3
    assert sorted(item.packet_id for item in batch.remember) == [1, 2, 3]


def test_a_message_that_comes_again_is_a_copy_and_a_new_one_under_its_number_is_not() -> None:
    builder = collector()
    receive(builder, [0.1])
    built(builder)
    receive(builder, [0.1], flags=AGAIN)
    batch = built(builder)
    assert rights(batch) == [Right.COPY]
    receive(builder, [0.2], flags=AGAIN)
    assert rights(built(builder)) == [Right.RESTATES]
    receive(builder, [0.2], flags=RETAINED, first=9)
    assert rights(built(builder)) == [Right.RETAINED]


def test_cut_in_quarters_the_parts_know_the_same() -> None:
    builder = collector()
    receive(builder, [0.1])
    built(builder)
    receive(builder, [0.1], flags=AGAIN)
    receive(builder, [0.2], first=2)
    found = [rights(built(builder, part))[0] for part in cut(builder.take())]
    assert found == [Right.COPY, Right.RESTATES]


def test_a_device_that_is_registered_by_its_first_message_has_the_right_too() -> None:
    builder = collector(register=True)
    receive(builder, [0.1])
    receive(builder, [0.2], first=2)
    batch = built(builder)
    assert rights(batch) == [Right.RESTATES, Right.RESTATES]


def test_of_a_key_the_newest_that_may_decides_else_the_first() -> None:
    builder = collector()
    receive(builder, [0.1], source="b")
    receive(builder, [0.2, 0.3], first=2)
    receive(builder, [0.4], source="b", first=5)
    found, passed = decided(built(builder))
    assert (found.value.tolist(), found.restates.tolist()) == ([0.3], [True])
    assert passed.value.tolist() == [0.1, 0.2, 0.4]
    plain = collector(restates=False)
    receive(plain, [0.1, 0.2])
    found, passed = decided(built(plain))
    assert (found.value.tolist(), len(passed.value)) == ([0.1], 0)
    assert not np.any(found.restates)
