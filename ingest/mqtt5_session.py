"""What an MQTT 5 connection and the session that it belongs to know of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import mqtt5

from ingest.options import BrokerOptions
from ingest.publish_packets import PublishPackets
from ingest.source import SPEAKS_MQTT5, Connected, Receive, SourceStatus


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
    packets: PublishPackets

    def note_confirmed(self, marks: Sequence[int]) -> None:
        """The broker has read the acknowledgements that these stand for."""


class Refused(Exception):
    """The broker answered, and said no."""


def unusable(answer: mqtt5.ConnAckPacket, filters: Sequence[tuple[str, int]]) -> str | None:
    """Why we cannot collect over a session that a broker answers so; None where we can."""
    if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
        text = answer.reason_code.name.lower().replace("_", " ")
        if answer.reason_code == mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
            text += f": {SPEAKS_MQTT5}"
        return f"the broker refuses the session: {text}"
    if not answer.shared_subscription_available and any(pattern.startswith("$share/") for pattern, _ in filters):
        # RabbitMQ would grant it as if it were a topic's name, and nothing would ever come
        return "the broker has no shared subscriptions: unset BOROUGH_MQTT_SHARED_GROUP and run one collector"
    return None
