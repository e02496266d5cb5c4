"""What a packet id stands for, whatever the broker's way to deliver again: held against the rule, said slowly.

The rule: what comes under a packet id with the bytes of the last message that came under it is that message again, as
long as the broker is not known to have read our acknowledgement of it; but without DUP, on the connection on which we
have acknowledged it, the id was free and the message is new. Everything else is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoding import STATUS, Reason, Rejection
from ingest import pending_batch
from ingest.memory import Memory
from ingest.pending_batch import PendingBatch
from tests.examples import examples
from tests.tools.collecting import AT, meter
from tests.tools.ingest import DUPLICATE, NOW, QOS1, SECOND, Collecting

UNTIMED = (None, {"power": 1.0}, None)


class Delivery(NamedTuple):
    """A PUBLISH of QoS 1. ``contents`` is an index into the payloads."""

    packet_id: int
    contents: int
    dup: bool


#: Deliveries in one chunk; or something that happens between chunks.
Step = tuple[Delivery, ...] | Literal["commit", "settle", "reconnect"]

#: Two without a time, a rejected one, one with an unknown property beside a good one, one with a time, one for nobody.
CONTENTS = [
    UNTIMED,
    UNTIMED,
    Rejection(Reason.EMPTY, "nothing in it"),
    (None, {"powr": 1.0, "power": 2.0}, None),
    (AT, {"power": 3.0}, None),
    STATUS,
]
#: How many rows of rejections a message makes, and whether its reading takes its arrival as time.
ROWS = [0, 0, 1, 1, 0, 0]
TAKES_ARRIVAL = [True, True, False, True, False, False]

deliveries = st.builds(Delivery, st.integers(1, 3), st.integers(0, len(CONTENTS) - 1), st.booleans())
steps = st.lists(
    st.one_of(
        st.lists(deliveries, min_size=1, max_size=4).map(tuple), st.sampled_from(["commit", "settle", "reconnect"])
    ),
    max_size=25,
)


@dataclass
class Known:
    """The last message that came under a packet id."""

    contents: int
    arrival: int
    #: connection of its last delivery, connection of its last acknowledgement, and whether the broker has read that
    delivered: int
    acknowledged: int | None = None


class Rule:
    """The rule, applied delivery by delivery. Connections and arrivals are numbered from 1."""

    def __init__(self) -> None:
        self.known: dict[int, Known] = {}
        self.connection = 1
        self.arrivals: list[tuple[int, int]] = []  # (contents, arrival) of every message
        self.acknowledged: list[tuple[int, int]] = []
        self._waiting: list[tuple[int, int]] = []

    def possible(self, wish: Delivery) -> Delivery:
        """What a broker can do: a packet id that nobody has acknowledged has its message and no other."""
        known = self.known.get(wish.packet_id)
        unanswered = known is not None and known.acknowledged is None
        return wish._replace(contents=known.contents) if known is not None and unanswered else wish

    def deliver(self, item: Delivery, arrival: int) -> None:
        known = self.known.get(item.packet_id)
        same = known is not None and known.contents == item.contents
        if known is not None and same and (item.dup or known.acknowledged != self.connection):
            unanswered = known.delivered == self.connection and known.acknowledged != self.connection
            known.delivered = self.connection
            if not unanswered:
                self._waiting.append((self.connection, item.packet_id))
            return
        self.known[item.packet_id] = Known(item.contents, arrival, self.connection)
        self._waiting.append((self.connection, item.packet_id))
        self.arrivals.append((item.contents, arrival))

    def commit(self) -> None:
        for connection, packet_id in self._waiting:
            self.acknowledged.append((connection, packet_id))
            known = self.known.get(packet_id)
            if known is not None and known.delivered == connection:
                known.acknowledged = connection
        self._waiting.clear()
        # of what its contents tell nothing is remembered once it is acknowledged
        for packet_id in [n for n, known in self.known.items() if known.acknowledged == known.delivered]:
            if not (ROWS[self.known[packet_id].contents] or TAKES_ARRIVAL[self.known[packet_id].contents]):
                del self.known[packet_id]

    def confirm(self) -> None:
        """The broker has read what was acknowledged on this connection."""
        for packet_id in [n for n, known in self.known.items() if known.acknowledged == self.connection]:
            del self.known[packet_id]


def play(story: Iterable[Step]) -> tuple[Collecting, Rule, int]:
    """Let the collector and the rule live through a story. Returns both, and how many rejections were written."""
    collecting, rule = Collecting(), Rule()
    payloads = [collecting.payload(answer) for answer in CONTENTS]
    arrival, rows = NOW, 0
    for step in [*story, "commit"]:
        if step == "commit":
            rows += len(collecting.commit()[0].rejected)
            rule.commit()
        elif step == "settle":
            collecting.confirm(rule.connection)
            rule.confirm()
        elif step == "reconnect":
            rule.connection += 1
        else:
            assert isinstance(step, tuple)
            arrival += SECOND
            messages = []
            for place, wish in enumerate(step):
                item = rule.possible(wish)
                rule.deliver(item, arrival + place)
                flags = DUPLICATE if item.dup else QOS1
                messages.append(meter(None, item.packet_id, flags, payloads[item.contents]))
            collecting.receive(messages, arrival=arrival, generation=rule.connection)
    return collecting, rule, rows


@settings(max_examples=examples(400))
@given(steps)
def test_every_story_ends_as_the_rule_says(story: list[Step]) -> None:
    collecting, rule, rows = play(story)
    times = {time for _, time in collecting.store.rows}
    assert times - {NOW - 60 * SECOND} == {arrival for contents, arrival in rule.arrivals if TAKES_ARRIVAL[contents]}
    assert rows == sum(ROWS[contents] for contents, _ in rule.arrivals)
    assert sorted(collecting.acknowledged) == sorted(rule.acknowledged)


def deliver(
    collecting: Collecting, arrival: int, *, generation: int = 1, dup: bool = False, packet_id: int = 7
) -> None:
    """The same bytes under a packet id."""
    payload = next(iter(collecting.script), None) or collecting.payload(UNTIMED)
    flags = DUPLICATE if dup else QOS1
    collecting.receive([meter(None, packet_id, flags, payload)], arrival=arrival, generation=generation)


@pytest.mark.parametrize("dup", [False, True])
@pytest.mark.parametrize("sealed", [False, True])
def test_a_copy_on_the_running_connection_is_the_same_message_and_has_one_acknowledgement(
    dup: bool, sealed: bool
) -> None:
    """Moquette sends what is unacknowledged every 5 s: while the first is gathered, and while it is being written."""
    collecting = Collecting()
    deliver(collecting, NOW)
    first, gathered = collecting.pending, None
    if sealed:
        gathered = collecting.build()
    deliver(collecting, NOW + 5 * SECOND, dup=dup)
    deliver(collecting, NOW + 10 * SECOND, dup=dup)
    if gathered is not None:
        collecting.store.write(gathered)
        assert first.acknowledgements() == [(1, [7])]
        collecting.memory.acknowledge(1, [7])
    _, counts = collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW)]
    assert counts["smart-meter"].readings_duplicates == 2
    assert collecting.acknowledged == ([] if sealed else [(1, 7)]), "the first one's acknowledgement answers all"


def test_other_bytes_are_another_message_even_where_nothing_is_acknowledged() -> None:
    """No broker should do so; if one does, nothing is lost."""
    collecting = Collecting()
    collecting.receive([meter(UNTIMED, 7, QOS1)], arrival=NOW)
    collecting.receive([meter(UNTIMED, 7, QOS1)], arrival=NOW + SECOND)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW), (1000, NOW + SECOND)]


def test_after_our_acknowledgement_the_packet_id_is_free_on_this_connection() -> None:
    collecting = Collecting()
    for number in range(3):
        deliver(collecting, NOW + number * SECOND)
        collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW + number * SECOND) for number in range(3)]
    assert collecting.acknowledged == [(1, 7)] * 3


def test_a_broker_that_never_sets_dup_is_understood_after_a_reconnect() -> None:
    """Aedes keeps the packet id and not the mark; whether it had our acknowledgement nobody knows."""
    collecting = Collecting()
    deliver(collecting, NOW)
    collecting.commit()
    deliver(collecting, NOW + SECOND, generation=2)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW)]
    assert collecting.acknowledged == [(1, 7), (2, 7)]
    collecting.confirm(2)
    deliver(collecting, NOW + 2 * SECOND, generation=3)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW), (1000, NOW + 2 * SECOND)]


def test_an_acknowledgement_that_is_confirmed_late_lets_go_of_its_own_message_only() -> None:
    """The broker uses the packet id again before its answer to our ping is here."""
    collecting = Collecting()
    deliver(collecting, NOW)
    collecting.commit()
    deliver(collecting, NOW + SECOND)
    collecting.confirm()
    deliver(collecting, NOW + 2 * SECOND, generation=2, dup=True)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW), (1000, NOW + SECOND)]


def test_a_new_session_at_the_broker_means_new_packet_ids() -> None:
    """What is still held of the old one is not acknowledged, nor taken for a first delivery under the new one."""
    collecting = Collecting()
    deliver(collecting, NOW)
    assert collecting.memory.clear() == [7]
    collecting.pending.forget_session()
    deliver(collecting, NOW + SECOND, generation=2)
    collecting.commit()
    assert list(collecting.store.rows) == [(1000, NOW), (1000, NOW + SECOND)]
    assert collecting.acknowledged == [(2, 7)]
    assert collecting.memory.held == {}


def test_who_shares_a_chunk_with_a_known_packet_id_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a rejected message in a hundred nearly every chunk meets one again: the other messages do not pay for it."""
    asked: list[int] = []
    tell = pending_batch._tell_copy

    def counted(columns: PendingBatch, message: int, memory: Memory, generation: int) -> None:
        asked.append(columns.packet_ids[message])
        tell(columns, message, memory, generation)

    monkeypatch.setattr(pending_batch, "_tell_copy", counted)
    collecting = Collecting()
    collecting.receive([meter(Rejection(Reason.UNREADABLE, "x"), 5, QOS1)])
    collecting.commit()
    answer = (AT, {"power": 5}, None)
    collecting.receive([meter(answer, number, QOS1) for number in (*range(1, 100), 7)])
    assert asked == [5, 7, 7]
    assert set(collecting.memory.held) == set(range(1, 100))
    assert collecting.pending.forget == [5]


def test_an_acknowledgement_of_an_older_connection_frees_nothing_of_the_new_one() -> None:
    memory = Memory()
    for generation in (1, 2):
        memory.held[7] = (generation, "a/b", b"1")
    memory.acknowledge(1, [7])
    assert memory.held == {7: (2, "a/b", b"1")}
    memory.acknowledge(2, [7, 7])
    assert memory.held == {}
