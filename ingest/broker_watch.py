"""Watches the broker's own count of messages that it threw away.

Mosquitto drops a message whose subscriber's queue is full after its publisher got the acknowledgement: nobody else
would ever know. A connection of its own, because the collector's takes readings alone.
"""

from __future__ import annotations

import asyncio
import logging

import aiomqtt

from ingest.metrics import Metrics
from ingest.options import BrokerOptions
from ingest.tls import tls_context

log = logging.getLogger(__name__)

TOPIC = "$SYS/broker/publish/messages/dropped"
_RETRY_SECONDS = 30.0


async def watch(broker: BrokerOptions, metrics: Metrics) -> None:
    """Keep ``metrics.broker_dropped`` current until cancelled; silent where the broker has no such topic."""
    quiet = logging.getLogger("ingest.broker_watch.client")
    quiet.setLevel(logging.CRITICAL)
    while True:
        try:
            async with aiomqtt.Client(
                broker.host,
                broker.port,
                identifier=f"{broker.client_id}-watch",
                username=broker.username,
                password=broker.password,
                transport=broker.transport,
                websocket_path=broker.path if broker.transport == "websockets" else None,
                tls_context=tls_context(broker) if broker.tls else None,
                timeout=broker.connect_timeout,
                logger=quiet,
            ) as client:
                await client.subscribe(TOPIC)
                async for message in client.messages:
                    _take(message.payload, metrics)
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            log.debug("no watch on the broker's dropped messages: %s", error)
        await asyncio.sleep(_RETRY_SECONDS)


def _take(payload: object, metrics: Metrics) -> None:
    if not isinstance(payload, bytes | bytearray) or not bytes(payload).isdigit():
        return
    dropped = int(payload)
    if metrics.broker_dropped is not None and dropped > metrics.broker_dropped:
        log.error(
            "the broker threw away %d messages: a queue is full, raise max_queued_messages or add collectors",
            dropped - metrics.broker_dropped,
        )
    metrics.broker_dropped = dropped
