"""Cutting a batch: its parts make what the whole makes, whatever is in it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import psycopg
import pytest
from psycopg import errors

from devices.decoding import PACK, Flaw, Reason, Rejection, Relative
from ingest.build_batch import build_batch
from ingest.cutting import cut, lies_in_data, pieces, place_of, set_aside, too_slow
from ingest.pending_batch import NAMED, OVERSIZE_KEPT, PendingBatch
from ingest.source import Chunk
from store.batch import Batch
from store.series import NotRegistered
from store.tombstones import WrongKey
from tests.tools.collecting import AT, meter
from tests.tools.ingest import DUPLICATE, LIMITS, MINUTE, NOW, QOS1, RETAINED, Collecting, Message, text, total


def some(chance: random.Random, number: int) -> Message:
    """A message of any kind."""
    at = text(NOW - number * MINUTE)
    answers: list[Any] = [
        (at, {"import_register": float(number)}, number),
        (None, {"power": 1.5, "voltage": 230}, None),
        (at, {"nonsense": 1, "power": None, "voltage": Flaw(Reason.BAD_UNIT, "kg")}, None),
        (at, {f"x{place}": 1 for place in range(NAMED + 7)}, None),
        (at, {"power": 1e99}, None),
        ("yesterday", {"power": 1}, None),
        (PACK, [("power", NOW / 1e6 - number, 1.0), ("power", Relative(-5), 2.0), ("voltage", "never", 1)], None),
        (PACK, [("power", NOW / 1e6, -1e9)] * (NAMED + 3), None),
        (None, {}, None),
        Rejection(Reason.UNREADABLE, "no"),
        ValueError("a fault"),
    ]
    return meter(chance.choice(answers), packet_id=number + 1, flags=chance.choice([QOS1, QOS1, DUPLICATE, RETAINED]))


def gathered(seed: int, count: int) -> tuple[Collecting, PendingBatch]:
    """A collector and what it has received, its series taken over."""
    chance = random.Random(seed)
    collecting = Collecting()
    messages = [some(chance, number) for number in range(count)]
    for start in range(0, count, 7):
        collecting.receive(messages[start : start + 7], arrival=NOW + start)
    new, collecting.routes.new_series = collecting.routes.new_series, []
    collecting.series_cache.extend(new, [collecting.store.state(item) for item in new])
    return collecting, collecting.pending


def judged(collecting: Collecting, pending: PendingBatch) -> Batch:
    return build_batch(pending, collecting.series_cache, collecting.memory, LIMITS, "test", NOW).batch


@pytest.mark.parametrize("seed", range(12))
def test_parts_make_what_the_whole_makes(seed: int) -> None:
    collecting, pending = gathered(seed, 40)
    whole = judged(collecting, pending)
    parts = [pending]
    while any(len(part) > 1 for part in parts):
        parts = [half for part in parts for half in (cut(part) if len(part) > 1 else [part])]
    assert len(parts) == 40
    assert [part.topics[0] for part in parts] == pending.topics
    again, _ = gathered(seed, 40)  # a collector that knows nothing of the whole
    again.memory.entries = collecting.memory.entries  # but of its redeliveries, as the batch that failed left them
    batches = [judged(again, part) for part in parts]
    counts = total(batch.counts for batch in batches)
    messages = {name: value for name, value in vars_of(whole).items() if name.startswith("messages")}
    assert {name: value for name, value in vars_of_counts(counts).items() if name in messages} == messages
    rejected = [item for batch in batches for item in batch.rejected]
    assert Counter(item._replace(message=None) for item in rejected) == Counter(
        item._replace(message=None) for item in whole.rejected
    )
    assert all(account.adds_up() for account in again_written(again, batches).values())
    written = {key: value for batch in batches for key, value in rows(batch).items()}
    assert rows(whole).items() <= written.items()
    assert sorted(n for part in parts for _, ids in part.acknowledgements() for n in ids) == sorted(
        n for _, ids in pending.acknowledgements() for n in ids
    )
    assert [part.forget for part in parts if part.forget] in ([], [pending.forget])


def again_written(collecting: Collecting, batches: list[Batch]) -> Any:
    return total(collecting.store.write(batch) for batch in batches)


def vars_of(batch: Batch) -> dict[str, int]:
    return vars_of_counts(batch.counts)


def vars_of_counts(counts: Any) -> dict[str, int]:
    (found,) = counts.values()
    return {name: getattr(found, name) for name in found.__slots__}


def rows(batch: Batch) -> dict[tuple[int, int], float]:
    keys = zip(batch.series.tolist(), batch.time.tolist(), strict=True)
    return dict(zip(keys, batch.value.tolist(), strict=True))


def test_one_message_set_aside_is_one_rejected_message() -> None:
    collecting, pending = gathered(3, 1)
    collecting.receive([meter((PACK, [("power", NOW / 1e6, 1.0), ("x", 1, 2), ("voltage", 1, "x")], 5), packet_id=9)])
    pending = cut(collecting.pending)[1]
    batch = judged(collecting, set_aside(pending, "CheckViolation (23514)"))
    (found,) = batch.rejected
    assert (found.reason, found.property, found.payload) == ("unstorable", None, pending.payloads[0])
    assert "23514" in found.detail
    (counts,) = batch.counts.values()
    assert (counts.messages_received, counts.messages_rejected, counts.readings_decoded) == (1, 1, 0)
    assert counts.adds_up()
    assert (len(batch.series), list(batch.sequences)) == (0, [])


def test_what_lies_in_the_data_and_what_in_the_database() -> None:
    of_data = [
        errors.CheckViolation(), errors.NumericValueOutOfRange(), errors.StatementTooComplex(), psycopg.DataError(),
        psycopg.ProgrammingError(), ValueError("x"),
    ]  # fmt: skip
    assert all(map(lies_in_data, of_data))
    of_the_database = [
        psycopg.OperationalError("gone"), errors.DiskFull(), errors.ReadOnlySqlTransaction(), errors.AdminShutdown(),
        errors.LockNotAvailable(), errors.DeadlockDetected(), errors.UndefinedTable(), errors.InsufficientPrivilege(),
        errors.RaiseException(), errors.OutOfMemory(), errors.InternalError_(), OSError(28, "full"), WrongKey(),
        NotRegistered(),
    ]  # fmt: skip
    assert not any(map(lies_in_data, of_the_database))
    assert too_slow(errors.QueryCanceled())
    assert not lies_in_data(errors.QueryCanceled())


@pytest.mark.parametrize("kind", [errors.CheckViolation, errors.InvalidTextRepresentation, ValueError, KeyError])
def test_what_failed_is_told_without_what_it_failed_with(kind: type[Exception]) -> None:
    """An error's text may quote the message, and with it a household's number: it is logged, and is a detail."""
    try:
        raise kind("1200000000002")
    except kind as error:
        told = place_of(error)
    assert "12000" not in told
    assert kind.__name__ in told
    assert getattr(kind, "sqlstate", "test_what_failed") in told


def test_pieces_of_a_chunk_are_the_chunk() -> None:
    chance = random.Random(5)
    for most in (0, 10, 5_000):
        payloads = [bytes(chance.randint(0, most)) for _ in range(300)]
        size = sum(map(len, payloads)) + 300 * 4
        chunk = Chunk(4, NOW, size, [f"t{n:03}" for n in range(300)], payloads, list(range(300)), [0x32] * 300)
        found = pieces(chunk, 20_000)
        assert [topic for piece in found for topic in piece.topics] == chunk.topics
        assert [payload for piece in found for payload in piece.payloads] == payloads
        assert [number for piece in found for number in piece.packet_ids] == chunk.packet_ids
        assert all(sum(map(len, piece.payloads)) <= 20_000 + most for piece in found)
        assert [piece.arrival - NOW for piece in found] == [piece.packet_ids[0] for piece in found]
        assert abs(sum(piece.size for piece in found) - size) <= len(found)


def test_rejections_of_one_message_are_bounded_and_all_counted() -> None:
    collecting = Collecting()
    values = {f"x{number}": 1 for number in range(5_000)}
    pack = [("power", NOW / 1e6 - number, 1e99) for number in range(3_000)]
    collecting.receive([meter((AT, values, None)), meter((PACK, pack, None)), meter((AT, {"power": 1}, None))])
    batch, counts = collecting.commit()
    named = [item for item in batch.rejected if item.more is None]
    rest = [(item.reason, item.more, item.property) for item in batch.rejected if item.more is not None]
    assert len(named) == 2 * NAMED
    assert rest == [("unknown_property", 5_000 - NAMED, None), ("out_of_range", 3_000 - NAMED, None)]
    assert {item.message for item in batch.rejected} == {0, 1}
    (account,) = counts.values()
    assert (account.readings_decoded, account.readings_rejected, account.readings_stored) == (8_001, 8_000, 1)


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "bad_value"), ("on", "bad_value"), (Flaw(Reason.BAD_UNIT, "kg"), "bad_unit")]
)
def test_values_that_are_none_are_bounded_too(value: Any, reason: str) -> None:
    collecting = Collecting()
    collecting.receive([meter((PACK, [("power", NOW / 1e6 - number, value) for number in range(3_000)], None))])
    batch, counts = collecting.commit()
    assert [item.more for item in batch.rejected] == [*[None] * NAMED, 3_000 - NAMED]
    assert {item.reason for item in batch.rejected} == {reason}
    assert counts["smart-meter"].readings_rejected == 3_000


def test_all_rejections_of_a_message_share_one_bound() -> None:
    """Whoever finds them: the decoder's values, the judgement of the batch, and the store."""
    collecting = Collecting()
    collecting.receive([meter((PACK, [("power", NOW / 1e6 - number, 1.0) for number in range(20)], None))])
    collecting.commit()
    collecting.store.conflicts.clear()
    found = [("power", NOW / 1e6, None)] * 20 + [("powr", NOW / 1e6, 1.0)] * 20
    found += [("power", NOW / 1e6 - 60, 1e99)] * 7
    found += [("power", NOW / 1e6 - number, 2.0) for number in range(20)]
    collecting.receive([meter((PACK, found, None)), meter((PACK, found[:20], None))])
    batch, counts = collecting.commit()
    every = [item for item in [*batch.rejected, *collecting.store.conflicts] if item.message == 0]
    assert Counter(item.reason for item in every if item.more is None) == Counter(
        bad_value=20, unknown_property=20, out_of_range=7, conflict=NAMED - 47
    )
    assert [(item.reason, item.more) for item in every if item.more is not None] == [("conflict", 67 - NAMED)]
    assert sum(item.message == 1 for item in batch.rejected) == 20, "another message has a bound of its own"
    assert counts["smart-meter"].readings_rejected == 87


def test_what_a_rejection_quotes_is_cut() -> None:
    """A level of a topic may be as long as a stranger likes, and so may what a decoder says of a text."""
    collecting = Collecting()
    flaw = Flaw(Reason.BAD_UNIT, "k" * 10_000)
    collecting.receive(
        [meter((AT, {"p" * 10_000: flaw, "q" * 10_000: 1.0}, None)), meter(Rejection(Reason.EMPTY, "e" * 10_000))]
    )
    batch, _ = collecting.commit()
    assert [(item.property, item.reason, len(item.detail)) for item in batch.rejected] == [
        ("p" * 64, "bad_unit", 300), ("q" * 64, "unknown_property", 31), (None, "empty", 300),
    ]  # fmt: skip


def test_conflicts_of_one_message_are_bounded_too() -> None:
    collecting = Collecting()
    first = [("power", NOW / 1e6 - number, 1.0) for number in range(500)]
    collecting.receive([meter((PACK, first, None))])
    collecting.commit()
    second = [(name, time, 2.0) for name, time, _ in first]
    collecting.receive([meter((PACK, second, None))])
    _, counts = collecting.commit()
    assert len(collecting.store.conflicts) == NAMED + 1
    assert collecting.store.conflicts[-1].more == 500 - NAMED
    (account,) = counts.values()
    assert account.readings_rejected == 500
    assert account.adds_up()


def test_of_an_oversize_message_the_beginning_is_held() -> None:
    collecting = Collecting(payload_maximum=5_000)
    collecting.receive([meter(None, payload=b"ab" * 50_000), meter(None, payload=b"x" * 5_001, packet_id=1)])
    assert sum(map(len, collecting.pending.payloads)) == 2 * OVERSIZE_KEPT
    batch, _ = collecting.commit()
    assert [(item.reason, item.size, len(item.payload)) for item in batch.rejected] == [
        ("oversize", 100_000, OVERSIZE_KEPT),
        ("oversize", 5_001, OVERSIZE_KEPT),
    ]
