"""What a source of MQTT messages gives and takes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from devices.text import visible
from ingest.backlog import Absence, Backlog

log = logging.getLogger(__name__)

#: Bits of a PUBLISH packet's first byte.
RETAIN = 0x01
DUP = 0x08


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages that were read from the connection at once, in order.

    ``arrival`` [us since the Unix epoch] is one for all. ``packet_ids`` holds 0 for QoS 0, ``flags`` the first byte of
    each PUBLISH packet. ``generation`` numbers the connection: an acknowledgement for an older one is dropped.
    ``size`` [bytes] is what they took on the wire. ``absence``: the broker may have kept them while nobody read.
    """

    generation: int
    arrival: int
    size: int
    topics: Sequence[str]
    payloads: Sequence[bytes]
    packet_ids: Sequence[int]
    flags: Sequence[int]
    absence: Absence | None = None


@dataclass(slots=True)
class SourceStatus:
    """How the source stands. ``lost`` counts sessions that the broker no longer knew, ``connects`` connections.

    ``connected_at`` [s, monotonic clock] is when the broker last accepted the session. ``unsubscribed``: filters that
    were left over and that the session has no more; whoever takes note of them clears it.
    """

    connected: bool = False
    subscribed: bool = False
    connects: int = 0
    connected_at: float = 0.0
    lost: int = 0
    taken_over: int = 0
    problem: str = ""
    unsubscribed: list[str] = field(default_factory=list)
    backlog: Backlog = field(default_factory=Backlog)


class Source(Protocol):
    """One persistent MQTT session.

    Its filters are subscribed at every connect. Those that are left over (the session may have them and shall not)
    are unsubscribed, where the broker still knows the session, until it has done so.

    ``run`` keeps it connected until ``stop``; chunks go to the callback given at construction. While paused nothing is
    read, but the connection is kept alive. Every method is called on the event loop's thread.
    """

    status: SourceStatus

    async def run(self) -> None:
        """Connect, subscribe and read until ``stop``; reconnect with backoff."""

    def pause(self) -> None:
        """Read nothing more until ``resume``."""

    def resume(self) -> None:
        """Read again."""

    def acknowledge(self, generation: int, packet_ids: Sequence[int], watch: Sequence[int]) -> None:
        """Acknowledge messages of one connection. ``watch``: the caller's marks, which ``confirmed`` shall report."""

    def confirmed(self) -> list[int]:
        """Marks of those acknowledgements that the broker is known to have read, each once."""

    async def stop(self) -> None:
        """Say goodbye and end ``run``. The session stays at the broker."""


#: Where a broker's silence or its answer looks as if it did not know the version of MQTT that we speak.
SPEAKS_MQTT5 = "does the broker speak MQTT 5? If not, set BOROUGH_MQTT_SOURCE=paho, which speaks 3.1.1"


def warn_of_less(filters: Sequence[tuple[str, int]], granted: Sequence[int]) -> None:
    """Say which subscriptions the broker serves at most once, though at least once was asked for."""
    less = [pattern for (pattern, asked), given in zip(filters, granted, strict=False) if given < asked]
    if less:
        log.warning("the broker grants QoS 0 only, messages can be lost on the way: %s", ", ".join(less))


def take_unsubscribed(status: SourceStatus, patterns: Sequence[str], codes: Sequence[int] | None) -> list[str]:
    """Take the answer to an UNSUBSCRIBE; returns the filters that the broker refuses to let go of.

    ``codes`` are MQTT 5's, none in MQTT 3.1.1, which knows no refusal; None where the session is new and has no filter.
    """
    refused = [pattern for pattern, code in zip(patterns, codes or (), strict=False) if code >= 0x80]
    if refused:
        log.warning(
            "the broker does not unsubscribe, what comes of it is counted and not kept: %s",
            ", ".join(visible(pattern) for pattern in refused),
        )
    had = zip(patterns, codes or [0] * len(patterns), strict=False) if codes is not None else ()
    told = [visible(pattern) for pattern, code in had if code == 0]
    if told:
        log.info("unsubscribed, nobody asks for it any more: %s", ", ".join(told))
    status.unsubscribed += [pattern for pattern in patterns if pattern not in refused]
    return refused


Receive = Callable[[Chunk], None]
#: Called after CONNACK, before any message, with whether the broker still knew the session.
Connected = Callable[[bool], None]
