"""One window of a simulation on its way out: its messages in their order, encoded, stamped, and their ledger rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simulators import ledger
from simulators.columns import starts
from simulators.encode import Wire
from simulators.faults import rows_of
from simulators.ledger import NO_TIME, Rows
from simulators.publisher import Message
from simulators.rules import UNSENT
from simulators.stream import Int64, Stream

#: How far from the publication the arrival of a message without a time may be [us].
TOLERANCE = 300_000_000


class Plan:
    """One family's messages of a window: when each is due, whether it goes out, over which line, and its rows."""

    def __init__(self, stream: Stream, wire: Wire, lines: Sequence[int]) -> None:
        self.stream, self.wire = stream, wire
        self.edges = starts(stream.message)
        firsts = self.edges[:-1]
        self.due = stream.due[firsts]
        self.goes = stream.expect[firsts] != UNSENT
        self.line = np.asarray(lines, np.int64)[stream.device[firsts]]

    def encode(self, places: Int64) -> list[Message]:
        """The messages of these numbers, which rise; each of them goes out."""
        low, high = int(places[0]), int(places[-1]) + 1
        rows = np.arange(self.edges[low], self.edges[high])
        part = rows_of(self.stream, rows[self.goes[self.stream.message[rows]]])
        part.message = part.message - low
        part.spoiled = {number - low: self.stream.spoiled[number] for number in self._spoiled(low, high)}
        made = self.wire.encode(part)
        found = [made[place] for place in (places - low).tolist()]
        if None in found:
            raise RuntimeError(f"format {self.wire.name} made no message of a {self.stream.family}'s readings")
        return [message for message in found if message is not None]

    def _spoiled(self, low: int, high: int) -> list[int]:
        return [number for number in self.stream.spoiled if low <= number < high]


class Block:
    """Messages of several families in the order in which they go out, encoded."""

    def __init__(self, plans: Sequence[Plan], of_plan: Int64, place: Int64) -> None:
        self.of_plan, self.place = of_plan, place
        messages: list[Message] = [("", b"")] * len(place)
        line, self.readings = np.zeros(len(place), np.int64), np.zeros(len(place), np.int64)
        for number, plan_ in enumerate(plans):
            mine = np.flatnonzero(of_plan == number)
            if not len(mine):
                continue
            places = place[mine]
            for index, message in zip(mine.tolist(), plan_.encode(places), strict=True):
                messages[index] = message
            line[mine] = plan_.line[places]
            self.readings[mine] = plan_.edges[places + 1] - plan_.edges[places]
        self.messages, self.lines = messages, line.tolist()


class Window:
    """One window's messages of all families: which go out, when each went, and which have their rows in the ledger.

    ``order``: places of those that go out, as they are due; ``first``: the number of the first message.
    """

    def __init__(self, plans: Sequence[Plan], first: int) -> None:
        self.plans, self._first = plans, first
        sizes = [len(plan_.due) for plan_ in plans]
        self._edges = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        self.end = first + int(self._edges[-1])
        self.of_plan = np.repeat(np.arange(len(plans)), sizes)
        self.place = np.concatenate([np.arange(0), *(np.arange(size) for size in sizes)])
        self.due = np.concatenate([np.empty(0, np.int64), *(plan_.due for plan_ in plans)])
        goes = np.concatenate([np.empty(0, bool), *(plan_.goes for plan_ in plans)])
        order = np.argsort(self.due, kind="stable")
        self.order = order[goes[order]]
        self._sent = np.full(len(self.due), NO_TIME)
        self._written = np.zeros(len(self.due), bool)

    def stamp(self, messages: Int64, when: Int64 | int) -> None:
        """Note when messages, by their places, went out [us]."""
        self._sent[messages] = when

    def wrote(self, messages: Int64) -> None:
        """Note that the rows of messages are in the ledger."""
        self._written[messages] = True

    def written_whole(self) -> None:
        """Note that all rows are in the ledger, those too that go nowhere."""
        self._written[:] = True

    def readings(self, messages: Int64) -> int:
        """How many readings these messages have."""
        sizes = np.concatenate([np.diff(plan_.edges) for plan_ in self.plans])
        return int(sizes[messages].sum())

    def out(self) -> Iterator[tuple[Stream, NDArray[np.bool_]]]:
        """The streams, and which of their rows are out or go nowhere."""
        for plan_, sent, _ in self._parts():
            yield plan_.stream, (sent[plan_.stream.message] != NO_TIME) | (plan_.stream.expect == UNSENT)

    def rows(self, *, whole: bool) -> Iterator[Rows]:
        """The ledger's rows of what is out and not written; of the ``whole`` window those too that go nowhere."""
        base = self._first
        for plan_, sent, written in self._parts():
            stream = plan_.stream
            published = sent[stream.message]
            now = (published != NO_TIME) | (whole & (stream.expect == UNSENT))
            now &= ~written[stream.message]
            if not stream.sent_time:
                stream.stored_time = published
            if now.any():
                rows = ledger.from_stream(stream, first_message=base, published=published, tolerance=TOLERANCE)
                yield rows if now.all() else rows.take(now)
            written[stream.message[now]] = True
            base += len(sent)

    def _parts(self) -> Iterator[tuple[Plan, Int64, NDArray[np.bool_]]]:
        for plan_, low, high in zip(self.plans, self._edges[:-1].tolist(), self._edges[1:].tolist(), strict=True):
            yield plan_, self._sent[low:high], self._written[low:high]
