"""What one session's packet ids stand for: by them a message that comes again is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from itertools import repeat

from ingest.source import Chunk


class Memory:
    """What one session's packet ids stand for, until the broker is known to have our acknowledgement.

    Brokers deliver again in their own ways: after a reconnect or on the running connection, with DUP or without. What
    comes under a packet id with the same bytes is the same message while that id cannot be free: while the message is
    not acknowledged on this connection, or, where DUP says so, while the acknowledgement is not known to have been
    read. With other bytes it is another message, and the broker has our acknowledgement of the first.

    ``entries``: messages whose redelivery cannot be told by their content, packet id -> (digest, arrival, rejected).
    Both threads use single dictionary operations on these only, and their copy in the store survives us; the rest is
    the event loop's.
    """

    def __init__(self) -> None:
        self.entries: dict[int, tuple[bytes, int, bool]] = {}
        #: received and not yet acknowledged: packet id -> (generation of the connection, topic, payload)
        self.held: dict[int, tuple[int, str, bytes]] = {}
        #: entries that are acknowledged: packet id -> (generation of the connection, number of the acknowledgement)
        self._acknowledged: dict[int, tuple[int, int]] = {}
        self._number = 0

    def find(self, packet_id: int, digest: bytes) -> tuple[bytes, int, bool] | None:
        """The entry of this very message, if its first delivery is remembered."""
        entry = self.entries.get(packet_id)
        return entry if entry is not None and entry[0] == digest else None

    def acknowledge(self, generation: int, packet_ids: Sequence[int]) -> list[int]:
        """Note that these are acknowledged on a connection. Returns the marks to watch for ``confirm``."""
        held = self.held
        # looked up one by one as the loop goes: an id may stand here twice
        for packet_id, message in zip(packet_ids, map(held.get, packet_ids), strict=True):
            if message is not None and message[0] == generation:
                del held[packet_id]
        marks = []
        for packet_id in self._remembered(packet_ids):
            # the id may be in use again before the broker's answer to this acknowledgement is here: hence a number
            self._number += 1
            self._acknowledged[packet_id] = (generation, self._number)
            marks.append(self._number << 16 | packet_id)
        return marks

    def _remembered(self, packet_ids: Sequence[int]) -> AbstractSet[int]:
        if self.entries.keys().isdisjoint(packet_ids):
            return set()
        return self.entries.keys() & set(packet_ids)

    def confirm(self, mark: int) -> int | None:
        """The broker has read a watched acknowledgement. Returns the packet id that is forgotten with it, if any."""
        packet_id = mark & 0xFFFF
        if self._acknowledged.get(packet_id, (0, 0))[1] != mark >> 16:
            return None
        return packet_id if self.forget(packet_id) else None

    def forget(self, packet_id: int) -> bool:
        """Let go of an entry; says whether there was one."""
        self._acknowledged.pop(packet_id, None)
        return self.entries.pop(packet_id, None) is not None

    def clear(self) -> list[int]:
        """The broker has a new session, packet ids start anew. Returns those whose entries are forgotten."""
        forgotten = list(self.entries)
        self.entries.clear()
        self.held.clear()
        self._acknowledged.clear()
        return forgotten

    def hold(self, chunk: Chunk, payloads: Sequence[bytes]) -> AbstractSet[int]:
        """Note a chunk's messages as received and not acknowledged, ``payloads`` as they are held, long ones cut.

        But for those whose packet id (0: none) stands for something already, or for two of these: returns such ids.
        """
        ids, held = chunk.packet_ids, self.held
        messages = zip(ids, zip(repeat(chunk.generation), chunk.topics, payloads, strict=False), strict=True)
        if held.keys().isdisjoint(ids) and self.entries.keys().isdisjoint(ids):
            before = len(held)
            held.update(messages)
            held.pop(0, None)
            if len(held) - before == len(ids) - ids.count(0):
                return frozenset()
            for packet_id in ids:  # an id twice
                held.pop(packet_id, None)
            messages = zip(ids, zip(repeat(chunk.generation), chunk.topics, payloads, strict=False), strict=True)
        known = self._known(ids)
        held.update([item for item in messages if item[0] not in known])
        held.pop(0, None)
        return known

    def _known(self, packet_ids: Sequence[int]) -> AbstractSet[int]:
        ids = set(packet_ids)
        ids.discard(0)
        # of a rejected message in a hundred, each chunk meets a few again: the others must not pay for them
        found = {number for keys in (self.held.keys(), self.entries.keys()) for number in keys & ids}
        if len(ids) != len(packet_ids) - packet_ids.count(0):
            found.update(number for number, count in Counter(packet_ids).items() if count > 1 and number)
        return found

    def acknowledged_on(self, generation: int, packet_id: int) -> bool:
        """Whether an entry's acknowledgement went out on this connection."""
        return self._acknowledged.get(packet_id, (0, 0))[0] == generation


def digest(topic: str, payload: bytes) -> bytes:
    """16 bytes that tell one message from another."""
    return blake2b(topic.encode("utf-8", "replace") + b"\0" + payload, digest_size=16).digest()
