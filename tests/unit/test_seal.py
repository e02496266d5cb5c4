"""The judgement of a batch, against a slow reference that takes one message after another, written from DESIGN.md.

The reference knows nothing of arrays, slots, columns or batches' inner order. What a store then does with a batch is
the plain model of ``ingest_harness.Store``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoding import PACK, STATUS, Flaw, Reason, Rejection, Relative
from devices.families import FAMILIES
from ingest.slots import FAMILY_NAMES
from store.batch import Batch, Counts
from tests.unit.ingest_harness import (
    DEVICES,
    DUPLICATE,
    EARLIEST,
    HALF_HOUR,
    KEEP,
    MINUTE,
    NOW,
    QOS1,
    SECOND,
    Collecting,
    Message,
    text,
    total,
)

FAMILY_OF = {device.id: device.family for device in DEVICES}
MODEL_OF = {device.id: device.model for device in DEVICES}


# -- messages: what is sent, and what it means -----------------------------------------------------------------------


class When(NamedTuple):
    """A time as it is sent, and the instant [us] that it means for a message that arrives at ``NOW``; None: none."""

    sent: Any
    at: int | None
    relative: bool = False


#: Few instants, so that they meet: in two half-hours, in minutes, spelled in two ways.
TIMES = [
    When(sent, NOW + minute * MINUTE)
    for minute in (-70, -65, -62, -40, -35, -31, -30, -29, -5, -4, -3, -2, -1, 0, 1, 4)
    for sent in (text(NOW + minute * MINUTE), (NOW + minute * MINUTE) / SECOND)
]
ENDS = [
    *(When(text(at), at) for at in (EARLIEST, EARLIEST - 1, NOW + 300 * SECOND, NOW + 301 * SECOND)),
    *map(When, ("yesterday", "", True, float("nan"), {}), repeat(None)),
]
RELATIVE = [When(Relative(-60 * minute), NOW - minute * MINUTE, True) for minute in (0, 1, 30, 31)]

GOOD_VALUES = [0, 1, True, 1.0, 0.5, -0.0]
BAD_VALUES = [-60, 100.00001, 1e9, -1e9, float("nan"), float("inf"), 10**400, None, "1", Flaw(Reason.BAD_UNIT, "")]
VALUES = [*GOOD_VALUES, *GOOD_VALUES, *GOOD_VALUES, *BAD_VALUES]

NAMES = {
    "smart-meter": ["import_register", "export_register", "power", "import_register", "export_register", "unheard_of"],
    "parking-bay": ["occupied", "temperature", "occupied", "temperature", "occupied", "unheard_of"],
    "air-monitor": ["no2", "no2", "no2", "co", "co", "unheard_of"],
}
SENDERS = ["m1", "g1", "g1", "b1", "a1", "stranger"]
FORMS = ["plain", "plain", "plain", "pack", "pack", "pack", "status", "refused"]


class Sent(NamedTuple):
    """One message: its device, its records (property, time, value), and how it is put together."""

    device: str
    records: tuple[tuple[str, When, Any], ...]
    form: str

    def answer(self) -> Any:
        """What the decoder says."""
        match self.form:
            case "status":
                return STATUS
            case "refused":
                return Rejection(Reason.UNREADABLE, "not read")
            case "pack":
                return PACK, [(name, when.sent, value) for name, when, value in self.records], None
            case _:
                return self.records[0][1].sent, {name: value for name, _, value in self.records}, None


def messages(times: list[When]) -> st.SearchStrategy[list[Sent]]:
    """Lists of messages with these times. A record is one drawn number, which keeps hypothesis quick."""
    record = st.integers(0, 6 * len(times) * len(VALUES) - 1)
    number = st.integers(0, len(SENDERS) * len(FORMS) - 1)

    def make(drawn: tuple[int, list[int]]) -> Sent:
        sender, form = divmod(drawn[0], len(FORMS))
        names = NAMES[FAMILY_OF.get(SENDERS[sender], "smart-meter")]
        records: list[tuple[str, When, Any]] = []
        for code in drawn[1]:
            rest, name = divmod(code, 6)
            value, time = divmod(rest, len(times))
            records.append((names[name], times[time], VALUES[value]))
        if FORMS[form] == "plain":
            when = records[0][1]
            records = [(name, when, value) for name, value in {name: value for name, _, value in records}.items()]
        return Sent(SENDERS[sender], tuple(records), FORMS[form])

    return st.lists(st.tuples(number, st.lists(record, min_size=1, max_size=4)).map(make), max_size=12)


# -- the reference ---------------------------------------------------------------------------------------------------


def instant(when: When, place: int) -> int | None:
    """Messages that are read at once are a microsecond apart where their arrival counts."""
    return when.at + place if when.relative and when.at is not None else when.at


class Reference:
    """DESIGN.md's judgement of readings, one after another, and the table that results."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, int], float] = {}
        self.latest: dict[tuple[str, str], tuple[int, float]] = {}
        self.last: dict[tuple[str, str], tuple[int, float]] = {}
        self.newest_kept: dict[tuple[str, str], int] = {}
        self.accounts: dict[str, Counter[str]] = {}
        self.rejections: Counter[tuple[str, str | None, str]] = Counter()

    def restart(self) -> None:
        """The collector starts anew and knows what the store's ``latest`` says."""
        self.last = dict(self.latest)
        self.newest_kept = {
            series: time // round(keep * SECOND)
            for series, (time, _) in self.latest.items()
            if 0 < (keep := self.keep(series)) < float("inf")
        }

    @staticmethod
    def keep(series: tuple[str, str]) -> float:
        """The keep rule of a series [s]."""
        device, name = series
        return KEEP.get(MODEL_OF[device], {}).get(name, 0.0)

    def reject(self, account: Counter[str], device: str, name: str | None, reason: str) -> None:
        self.rejections[device, name, reason] += 1
        account["messages_rejected" if name is None else "readings_rejected"] += 1

    def take(self, messages: list[Sent]) -> None:
        """One batch."""
        fresh: dict[tuple[str, str], dict[int, float]] = {}
        for place, message in enumerate(messages):
            family = FAMILY_OF.get(message.device, "unknown")
            account = self.accounts.setdefault(family, Counter())
            account["messages_received"] += 1
            whole = instant(message.records[0][1], place)
            if family == "unknown":
                self.reject(account, message.device, None, "unknown_device")
            elif message.form == "refused":
                self.reject(account, message.device, None, "unreadable")
            elif message.form == "status":
                account["messages_ignored"] += 1
            elif message.form == "plain" and whole is None:
                self.reject(account, message.device, None, "bad_time")
            elif message.form == "plain" and whole is not None and not EARLIEST <= whole <= NOW + 300 * SECOND:
                self.reject(account, message.device, None, "time_out_of_range")
            else:
                account["messages_decoded"] += 1
                for name, when, value in message.records:
                    account["readings_decoded"] += 1
                    self.reading(account, fresh, message.device, name, instant(when, place), value)
        for series, found in fresh.items():
            self.settle(series, found)

    def reading(
        self,
        account: Counter[str],
        fresh: dict[tuple[str, str], dict[int, float]],
        device: str,
        name: str,
        at: int | None,
        value: Any,
    ) -> None:
        """One reading: rejected, a duplicate, or a candidate."""
        known = FAMILIES[FAMILY_OF[device]].properties.get(name)
        if isinstance(value, Flaw):
            return self.reject(account, device, name, value.reason)
        if known is None:
            return self.reject(account, device, name, "unknown_property")
        if value is None or isinstance(value, str):
            return self.reject(account, device, name, "bad_value")
        if at is None:
            return self.reject(account, device, name, "bad_time")
        if not EARLIEST <= at <= NOW + 300 * SECOND:
            return self.reject(account, device, name, "time_out_of_range")
        if not abs(value) <= 1e308:
            return self.reject(account, device, name, "bad_value")
        if not known.low <= value <= known.high:
            return self.reject(account, device, name, "out_of_range")
        series = (device, name)
        met = fresh.setdefault(series, {})
        if self.last.get(series) == (at, value) or (at in met and met[at] == value):
            account["readings_duplicates"] += 1
        elif at in met:
            self.reject(account, device, name, "conflict")
        else:
            met[at] = float(value)
        return None

    def settle(self, series: tuple[str, str], found: dict[int, float]) -> None:
        """Candidates of one series, each instant once: the keep rule, then the table."""
        account = self.accounts[FAMILY_OF[series[0]]]
        keep = self.keep(series)
        if found and (series not in self.last or max(found) > self.last[series][0]):
            self.last[series] = (max(found), found[max(found)])
        if found and (series not in self.latest or max(found) > self.latest[series][0]):
            self.latest[series] = (max(found), found[max(found)])
        newest = self.newest_kept.get(series)
        tried: set[int] = set()
        conflict = False
        for at, value in sorted(found.items()):
            if keep == float("inf"):
                account["readings_thinned"] += 1
                continue
            period = at // round(keep * SECOND) if keep else None
            if period is not None:
                if period in tried or period == newest:
                    account["readings_thinned"] += 1
                    continue
                tried.add(period)
                self.newest_kept[series] = max(period, self.newest_kept.get(series, period))
            stored = self.rows.get((*series, at))
            if stored == value:
                account["readings_duplicates"] += 1
            elif stored is not None:
                self.reject(account, *series, "conflict")
                conflict = True
            elif period is not None and any(
                (device, name) == series and other // round(keep * SECOND) == period
                for device, name, other in self.rows
            ):
                account["readings_thinned"] += 1
            else:
                account["readings_stored"] += 1
                self.rows[(*series, at)] = value
        if conflict:
            self.last.pop(series)


# -- comparison ------------------------------------------------------------------------------------------------------


def as_counter(counts: Counts) -> Counter[str]:
    return +Counter({name: number for name, number in asdict(counts).items() if number})


def check_form(batch: Batch) -> None:
    """What ``store.batch`` promises of every batch."""
    keys = list(zip(batch.series.tolist(), batch.time.tolist(), strict=True))
    assert keys == sorted(set(keys)), "rows sorted by (series, time) and unique by it"
    latest = batch.latest_series.tolist()
    assert len(latest) == len(set(latest))
    assert {len(column) for column in (batch.time, batch.value, batch.family, batch.thin, batch.message)} == {len(keys)}
    kinds = (batch.series, batch.time, batch.value, batch.family, batch.thin, batch.message, batch.latest_series)
    assert [column.dtype for column in kinds] == ["int32", "int64", "float64", "uint8", "int64", "int32", "int32"]
    assert np.isfinite(batch.value).all()
    assert batch.minute % MINUTE == 0
    assert batch.families == FAMILY_NAMES
    days = {
        (batch.families[family], date(1970, 1, 1) + timedelta(days=time // (1440 * MINUTE)))
        for family, time in zip(batch.family.tolist(), batch.time.tolist(), strict=True)
    }
    assert sorted(batch.touched) == sorted(days)


def messages_of(batch: list[Sent]) -> list[Message]:
    return [Message(item.device, FAMILY_OF.get(item.device, "smart-meter"), item.answer()) for item in batch]


@settings(max_examples=250, deadline=None)
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


@settings(max_examples=100, deadline=None)
@given(messages([*TIMES, *ENDS]), st.lists(st.integers(0, 12), max_size=4))
def test_where_a_batch_is_cut_into_chunks_makes_no_difference(stream: list[Sent], cuts: list[int]) -> None:
    cuts = sorted(min(cut, len(stream)) for cut in cuts)
    whole, cut = Collecting(), Collecting()
    whole.receive(messages_of(stream))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        cut.receive(messages_of(stream[start:end]))
    one, many = whole.seal(), cut.seal()
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


@settings(max_examples=100, deadline=None)
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
        assert both[0].get(family) == both[1].get(family)


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


@settings(max_examples=150, deadline=None)
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
        assert written(twice) == []
    assert once.store.rows == twice.store.rows
    assert once.store.latest == twice.store.latest


# -- rules, one by one -----------------------------------------------------------------------------------------------


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
    batch = collecting.seal()
    first, remembered = batch.conflict(0), list(batch.remember)
    assert first is not None
    assert batch.conflict(0) == first
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
    assert [item.reason for item in collecting.seal(now=NOW + 3600 * SECOND).rejected] == ["time_out_of_range"]


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_both_ends_of_a_range_are_inside(value: float) -> None:
    collecting = Collecting()
    collecting.receive([bay(NOW, value), bay(NOW - 1, -1e-9), bay(NOW - 2, 1 + 1e-9)])
    batch, _ = collecting.commit()
    assert [(item.reason, item.detail) for item in batch.rejected] == [("out_of_range", "outside 0 to 1")] * 2
    assert stored(collecting, "occupied") == [(NOW, float(value))]


def test_an_empty_batch_only_forgets() -> None:
    collecting = Collecting()
    collecting.columns.forget.append(5)
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
    numbers = {collecting.seal(now=NOW + 61 * SECOND).number for _ in range(50)}
    assert len(numbers) == 50
    assert all(0 <= number < 2**63 for number in numbers), "the column is a bigint"
    assert collecting.seal(now=NOW + 61 * SECOND).minute == NOW + MINUTE
