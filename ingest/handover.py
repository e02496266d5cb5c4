"""The moment in which an old filter and the new one that takes its place are both subscribed (MQTT 5).

Subscribing before unsubscribing loses nothing, but in between a broker may deliver a message once for each of the two,
with a packet id each. Only the new subscriptions have an identifier: of two copies side by side one bears it and the
other does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.filters import FilterTree, overlap


class Handover:
    """From SUBSCRIBE to the answer to UNSUBSCRIBE, of one connection. ``leftover`` are the old filters.

    A copy whose acknowledgement is lost with the connection comes again as a message of its own.
    """

    def __init__(self, leftover: Sequence[str], filters: Sequence[str]) -> None:
        new = FilterTree(filters)
        self._both = [pattern for pattern in leftover if new.find(pattern) is not None]
        self._last: tuple[str, bytes] | None = None
        self._last_is_new = False

    def __bool__(self) -> bool:
        """Whether any topic is taken twice."""
        return bool(self._both)

    def is_copy(self, topic: str, payload: bytes, by_new: bool) -> bool:
        """Whether a message is a copy of the one before it. ``by_new``: it bears the new subscriptions' identifier."""
        copy = (
            self._last == (topic, payload)
            and self._last_is_new != by_new
            and any(overlap(pattern, topic) for pattern in self._both)
        )
        self._last, self._last_is_new = None if copy else (topic, payload), by_new
        return copy
