"""Restatements by the words of the rule, one reading after another, in plain dictionaries.

A source with the right gives a stored reading another value, and the last to arrive wins. Without the right another
value is a conflict. A message of a source with the right that was committed or is waiting already is no news when it
comes again: nothing that it said is turned back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Key = tuple[str, int]


@dataclass
class Sent:
    """One message of one reading; ``restates``: its source has the right."""

    source: str
    restates: bool
    key: Key
    value: float


@dataclass
class Reference:
    """The table of readings, what was superseded in it, and how many became what."""

    values: dict[Key, float] = field(default_factory=dict)
    superseded: list[tuple[Key, float, float, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    #: numbers of messages that were received since the last restart, or are committed
    known: set[int] = field(default_factory=set)
    waiting: list[tuple[int, Sent, bool]] = field(default_factory=list)

    def receive(self, number: int, sent: Sent, *, again: bool) -> None:
        """A message arrives; ``again``: the broker says that it delivered it before."""
        self.waiting.append((number, sent, again and number in self.known))
        self.known.add(number)

    def restart(self) -> None:
        """What waits is lost; the broker may deliver it again."""
        lost = {number for number, _, _ in self.waiting}
        for number in lost:
            if number not in self.committed:
                self.known.discard(number)
        self.waiting.clear()

    committed: set[int] = field(default_factory=set)
    #: duplicates beside another value of their key in one batch: these may count as conflicts (collector.md)
    beside: int = 0
    #: conflicts equal to the first reading of their key in one batch, not that one itself: these may be told as its
    #: duplicates
    alike: int = 0

    def commit(self) -> None:
        """What waits is taken, in the order in which it came."""
        first: dict[Key, float] = {}
        for number, sent, copy in self.waiting:
            self.committed.add(number)
            fate = self.take(sent, copy=copy)
            self.counts[fate] += 1
            if sent.key in first:
                self.alike += fate == "rejected" and first[sent.key] == sent.value
                self.beside += fate == "duplicates" and first[sent.key] != sent.value
            first.setdefault(sent.key, sent.value)
        self.waiting.clear()

    def take(self, sent: Sent, *, copy: bool) -> str:
        """What becomes of one reading."""
        if sent.key not in self.values:
            self.values[sent.key] = sent.value
            return "stored"
        old = self.values[sent.key]
        if old == sent.value:
            return "duplicates"
        if not sent.restates:
            return "rejected"
        if copy:
            return "duplicates"
        self.superseded.append((sent.key, old, sent.value, sent.source))
        self.values[sent.key] = sent.value
        return "restated"
