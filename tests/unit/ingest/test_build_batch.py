"""Sealing against a plain reference, for random streams cut anywhere and delivered again."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoding import Reason
from store.batch import Counts
from tests.examples import examples
from tests.references.build_batch import ENDS, FAMILY_OF, RELATIVE, TIMES, Reference, Sent, check_form, messages
from tests.tools.ingest import (
    DUPLICATE,
    KEEP,
    NOW,
    QOS1,
    SECOND,
    Collecting,
    Message,
    total,
)

# -- comparison ------------------------------------------------------------------------------------------------------


def as_counter(counts: Counts) -> Counter[str]:
    return +Counter({name: number for name, number in asdict(counts).items() if number})


def messages_of(batch: list[Sent]) -> list[Message]:
    return [Message(item.device, FAMILY_OF.get(item.device, "smart-meter"), item.answer()) for item in batch]


@settings(max_examples=examples(250))
@given(st.lists(st.tuples(messages([*TIMES, *ENDS, *RELATIVE]), st.booleans()), min_size=1, max_size=4))
def test_the_whole_judgement_equals_the_reference(batches: list[tuple[list[Sent], bool]]) -> None:
    reference, collecting = Reference(), Collecting()
    accounts = []
    rejections: Counter[tuple[str | None, str | None, str]] = Counter()
    for batch_messages, restart in batches:
        if restart:
            reference.restart()
            store, collecting = collecting.store, Collecting()
            collecting.store = store
            store.conflicts.clear()
        collecting.receive(messages_of(batch_messages))
        batch, counts = collecting.commit()
        reference.take(batch_messages)
        check_form(batch)
        assert all(account.adds_up() for account in counts.values())
        accounts.append(counts)
        found = [*batch.rejected, *collecting.store.conflicts]
        collecting.store.conflicts.clear()
        rejections.update((item.device, item.property, item.reason) for item in found)

        assert collecting.store.named(collecting.store.rows) == reference.rows
        assert rejections == reference.rejections
        names = {number: name for name, number in collecting.store.numbers.items()}
        assert {names[number]: state for number, state in collecting.store.latest.items()} == reference.latest
        assert {family: as_counter(account) for family, account in total(accounts).items()} == reference.accounts


@settings(max_examples=examples(100))
@given(messages([*TIMES, *ENDS]), st.lists(st.integers(0, 12), max_size=4))
def test_where_a_batch_is_cut_into_chunks_makes_no_difference(stream: list[Sent], cuts: list[int]) -> None:
    cuts = sorted(min(cut, len(stream)) for cut in cuts)
    whole, cut = Collecting(), Collecting()
    whole.receive(messages_of(stream))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        cut.receive(messages_of(stream[start:end]))
    one, many = whole.build(), cut.build()
    for name in (
        "series",
        "time",
        "value",
        "family",
        "thin",
        "message",
        "latest_series",
        "latest_time",
        "latest_value",
    ):
        assert getattr(one, name).tolist() == getattr(many, name).tolist(), name
    assert one.counts == many.counts
    assert one.touched == many.touched
    assert [item[1:7] for item in one.rejected] == [item[1:7] for item in many.rejected]


@settings(max_examples=examples(100))
@given(messages([*TIMES, *ENDS]), st.lists(st.integers(0, 12), max_size=4))
def test_where_a_stream_is_cut_into_batches_makes_no_difference_to_what_is_stored(
    stream: list[Sent], cuts: list[int]
) -> None:
    """Without a keep rule the same rows and the same account; with one, a row for each of the same periods."""
    cuts = sorted(min(cut, len(stream)) for cut in cuts)
    whole, cut = Collecting(), Collecting()
    whole.receive(messages_of(stream))
    accounts: tuple[list[dict[str, Counts]], ...] = ([whole.commit()[1]], [])
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        cut.receive(messages_of(stream[start:end]))
        accounts[1].append(cut.commit()[1])
    rows = [collecting.store.named(collecting.store.rows) for collecting in (whole, cut)]
    one, many = ({key: value for key, value in found.items() if key[0] != "g1"} for found in rows)
    assert one == many
    kept, kept_of_many = (
        sorted((name, time // round(KEEP["thrifty"][name] * SECOND)) for device, name, time in found if device == "g1")
        for found in rows
    )
    assert kept == kept_of_many
    assert len(kept) == len(set(kept)), "one reading a period"
    both = [total(found) for found in accounts]
    for family in ("parking-bay", "air-monitor", "unknown"):
        assert one_word(both[0].get(family)) == one_word(both[1].get(family))


def one_word(counts: Counts | None) -> Counts | None:
    """Duplicates and conflicts together: a repeat of a reading that the store finds to be a conflict is either."""
    if counts is None:
        return None
    both = counts.readings_duplicates + counts.readings_rejected
    return replace(counts, readings_duplicates=both, readings_rejected=0)


def written(collecting: Collecting) -> list[tuple[str, str, str]]:
    """(device, property, reason) of the rows in ``rejected`` that the commit of what was received makes."""
    batch, counts = collecting.commit()
    assert all(account.adds_up() for account in counts.values())
    found = [*batch.rejected, *(item for item in collecting.store.conflicts if item is not None)]
    collecting.store.conflicts.clear()
    for item in batch.remember:
        collecting.remembered[item.packet_id] = (item.digest, item.arrival, item.rejected)
    return sorted((str(item.device), str(item.property), item.reason) for item in found)


def reborn(old: Collecting) -> Collecting:
    """The collector after a kill: it knows what the store knows, and nothing else."""
    new = Collecting()
    new.store, new.script, new.remembered = old.store, old.script, old.remembered
    new.memory.entries = dict(old.remembered)
    return new


@settings(max_examples=examples(150))
@given(st.lists(messages([*TIMES, *RELATIVE]), max_size=3), st.booleans())
def test_what_is_delivered_again_changes_nothing(batches: list[list[Sent]], restart: bool) -> None:
    """Every batch comes twice: its acknowledgements were lost, with the collector or with the connection."""
    once, twice = Collecting(), Collecting()
    number = 0
    for sent in batches:
        first = [item._replace(packet_id=number + place, flags=QOS1) for place, item in enumerate(messages_of(sent), 1)]
        number += len(first)
        payloads = [once.payload(item.answer) for item in first]
        twice.script = once.script
        first = [item._replace(payload=payload) for item, payload in zip(first, payloads, strict=True)]
        once.receive(first)
        rejections = written(once)
        twice.receive(first)
        assert written(twice) == rejections
        if restart:
            twice = reborn(twice)
        twice.receive([item._replace(flags=DUPLICATE) for item in first], arrival=NOW + 7, generation=2)
        # beside a reading in conflict, what the memory knew as a repeat of its instant is judged by its first to arrive
        assert set(written(twice)) <= {row for row in rejections if row[2] == Reason.CONFLICT}
    assert once.store.rows == twice.store.rows
    assert once.store.latest == twice.store.latest
