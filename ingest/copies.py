"""Which deliveries of an MQTT 5 broker are copies: it may deliver a message once for each filter that takes it.

Each copy has a packet id of its own; only subscription identifiers say what it came by. They are asked for where they
are needed: where filters of ours overlap by chance, and where an old filter is still there beside the one that takes
its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from ingest.filters import FilterTree, overlap

#: So many topics are remembered.
_TOPICS_MAXIMUM = 100_000
#: An identifier has 28 bits.
_HASHES = 1 << 27


class Copies:
    """Tells copies on one connection. ``identifiers`` are those of the filters, in their order: one of its own for each
    that overlaps with another, the same at every start, for copies may have waited in the session; 1 for the others.

    Of a topic that several filters take, the copy by the first of them counts, whose format reads it. Copies by an old
    filter (``leftover``) have none of these: of two side by side, one with and one without, the second is a copy. One
    whose acknowledgement is lost with the connection comes again as a message of its own.
    """

    def __init__(self, filters: Sequence[str], leftover: Sequence[str]) -> None:
        self._filters = filters
        self.identifiers = _identifiers(filters)
        self._ours = frozenset(self.identifiers)
        self._owners: dict[str, int] = {}
        new = FilterTree(filters)
        self._both = [pattern for pattern in leftover if new.find(pattern) is not None]
        self._last: tuple[str, bytes] | None = None
        self._last_is_new = False

    @property
    def possible(self) -> bool:
        """Whether any topic can be taken twice."""
        return bool(self._both) or len(self._ours) > 1

    def settle(self) -> None:
        """The old filters are gone."""
        self._both = []

    def is_copy(self, topic: str, payload: bytes, identifiers: Sequence[int]) -> bool:
        """Whether the next message is a copy of another. ``identifiers`` are those of its subscriptions."""
        by_new = not self._ours.isdisjoint(identifiers)
        if by_new and len(self._ours) > 1:
            owner = self._owners.get(topic)
            if owner is None:
                owner = self._owner(topic)
            if owner and owner not in identifiers:
                return True
        if not self._both:
            return False
        copy = (
            self._last == (topic, payload)
            and self._last_is_new != by_new
            and any(overlap(pattern, topic) for pattern in self._both)
        )
        self._last, self._last_is_new = None if copy else (topic, payload), by_new
        return copy

    def _owner(self, topic: str) -> int:
        """The identifier of the first filter that takes a topic; 0 where no second one does."""
        takers = [place for place, pattern in enumerate(self._filters) if overlap(pattern, topic)]
        if len(self._owners) >= _TOPICS_MAXIMUM:
            self._owners.clear()
        owner = self._owners[topic] = self.identifiers[takers[0]] if len(takers) > 1 else 0
        return owner


def _identifiers(filters: Sequence[str]) -> list[int]:
    alone, others = FilterTree(), FilterTree()
    meets = []
    for pattern in filters:
        found = alone.find(pattern) is not None
        (others if found else alone).add(pattern)
        meets.append(found)
    return [
        2 + crc32(pattern.encode()) % _HASHES if found or others.find(pattern) is not None else 1
        for pattern, found in zip(filters, meets, strict=True)
    ]
