"""What an MQTT 5 connection and the session that it belongs to know of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ingest.options import BrokerOptions
from ingest.source import Connected, Receive, SourceStatus


class Owner(Protocol):
    """What a connection needs of the session that it belongs to."""

    options: BrokerOptions
    filters: Sequence[tuple[str, int]]
    receive: Receive
    connected: Connected
    leftover: list[str]
    drain: bool
    paused: bool
    status: SourceStatus

    def note_confirmed(self, marks: Sequence[int]) -> None:
        """The broker has read the acknowledgements that these stand for."""


class Refused(Exception):
    """The broker answered, and said no."""
