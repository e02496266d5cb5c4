"""When the broker's queue is empty, against a broker that is played: a queue, a window, a stream in order.

The played broker knows its queue; the backlog sees only what comes and what is answered.
"""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from ingest.backlog import Absence, Backlog

BACK, LATER = 1_000, 2_000


class PlayedBroker:
    """Sends what its window allows before it reads the next packet, as MQTT 4.9 and Mosquitto do."""

    def __init__(self, window: int, queued: int) -> None:
        self.window = window
        self.queue = queued
        self.in_flight = 0
        self.sent: deque[str] = deque()  # on its way to the collector
        self.read: deque[str] = deque()  # on its way to the broker
        self._send()

    def _send(self) -> None:
        while self.queue and self.in_flight < self.window:
            self.queue -= 1
            self.in_flight += 1
            self.sent.append("message")

    def publish(self) -> None:
        self.queue += 1
        self._send()

    def take(self) -> None:
        """Read one packet of the collector's."""
        if self.read:
            if self.read.popleft() == "acknowledgement":
                self.in_flight -= 1
                self._send()
            else:
                # of all that was queued when the collector came back
                self.sent.append("answer" if self.queue else "answer, empty")


class Collector:
    """What a source does with a backlog."""

    def __init__(self, broker: PlayedBroker) -> None:
        self.broker = broker
        self.backlog = Backlog()
        self.backlog.left_at = 500
        self.ended: list[tuple[Absence, int]] = []
        self.backlog.ended = lambda absence, at: self.ended.append((absence, at))
        self.backlog.connected(True, BACK)
        self.held = 0
        self.ask()

    def ask(self) -> None:
        if self.backlog.asks:
            self.broker.read.append("question")
            self.backlog.asked()

    def receive(self) -> None:
        """Take one packet of the broker's. The queue may only count as empty where it was, at the answer."""
        if not self.broker.sent:
            return
        packet = self.broker.sent.popleft()
        if packet == "message":
            self.held += 1
            self.backlog.received(1)
            return
        before = self.backlog.absence
        self.backlog.answered(LATER)
        if before is not None and self.backlog.absence is None:
            assert packet == "answer, empty", "the queue was not empty"
        self.ask()

    def acknowledge(self, count: int) -> None:
        count = min(count, self.held)
        self.held -= count
        self.broker.read.extend(["acknowledgement"] * count)
        self.backlog.acknowledged(count)
        self.ask()


ACTIONS = st.lists(
    st.one_of(
        st.just("take"),
        st.just("receive"),
        st.just("publish"),
        st.integers(1, 8).map(lambda count: f"acknowledge {count}"),
    ),
    max_size=150,
)


@given(window=st.integers(1, 12), queued=st.integers(0, 60), actions=ACTIONS)
def test_no_order_of_packets_ends_it_while_something_waits(window: int, queued: int, actions: list[str]) -> None:
    broker = PlayedBroker(window, queued)
    collector = Collector(broker)
    for action in actions:
        word, _, count = action.partition(" ")
        if word == "acknowledge":
            collector.acknowledge(int(count))
        elif word == "receive":
            collector.receive()
        else:
            {"take": broker.take, "publish": broker.publish}[word]()
    # and when everything has run its course it has ended, once
    while broker.sent or broker.read or collector.held:
        while broker.sent:
            collector.receive()
        collector.acknowledge(collector.held)
        while broker.read:
            broker.take()
    assert collector.ended == [(Absence(500, BACK), LATER)]


def test_without_a_session_nothing_has_waited() -> None:
    backlog = Backlog()
    backlog.connected(False, BACK)
    assert backlog.absence is None
    assert not backlog.asks


def test_an_absence_that_is_cut_goes_on_with_the_next_connection() -> None:
    backlog = Backlog()
    ended: list[Absence] = []
    backlog.ended = lambda absence, _at: ended.append(absence)
    backlog.left_at = 100
    backlog.connected(True, BACK)
    backlog.received(3)
    backlog.disconnected(1_500)
    backlog.connected(True, LATER)
    assert backlog.absence == Absence(100, LATER), "some may have waited since the first loss"
    assert ended == [], "its queue was not empty"
    backlog.asked()
    backlog.answered(2_100)
    assert ended == [Absence(100, LATER)]
    backlog.disconnected(3_000)
    backlog.connected(True, 4_000)
    assert backlog.absence == Absence(3_000, 4_000)


def test_a_session_that_the_broker_forgot_ends_nothing() -> None:
    backlog = Backlog()
    ended: list[Absence] = []
    backlog.ended = lambda absence, _at: ended.append(absence)
    backlog.connected(True, BACK)
    backlog.connected(False, LATER)
    assert backlog.absence is None
    assert ended == []


def test_a_pause_of_seconds_is_an_absence_and_a_short_one_is_none() -> None:
    backlog = Backlog()
    backlog.connected(False, 0)
    backlog.paused(10_000_000)
    backlog.resumed(10_900_000)
    assert backlog.absence is None
    backlog.paused(20_000_000)
    backlog.paused(24_000_000)
    backlog.resumed(25_000_000)
    assert backlog.absence == Absence(20_000_000, 25_000_000)


def test_a_question_from_before_a_pause_says_nothing_of_what_came_in_it() -> None:
    backlog = Backlog()
    backlog.connected(False, 0)
    backlog.asked()
    backlog.paused(20_000_000)
    backlog.resumed(30_000_000)
    backlog.answered(30_000_001)
    assert backlog.absence is not None
    assert backlog.asks
    backlog.asked()
    backlog.answered(30_000_002)
    assert backlog.absence is None
