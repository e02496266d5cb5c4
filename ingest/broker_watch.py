"""Watches the broker's own count of messages that it threw away.

Mosquitto drops a message whose subscriber's queue is full after its publisher got the acknowledgement: nobody else
would ever know. A connection of its own, because the collector's takes readings alone.
"""

from __future__ import annotations

import asyncio
import logging

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from ingest.metrics import Metrics
from ingest.options import BrokerOptions
from ingest.tls import tls_context

log = logging.getLogger(__name__)

TOPIC = "$SYS/broker/publish/messages/dropped"


async def watch(broker: BrokerOptions, metrics: Metrics) -> None:
    """Keep ``metrics.broker_dropped`` current until cancelled.

    It stands at 0 as soon as the broker grants the subscription: of a counter that is first seen at 37 no alarm hears.
    A broker that has no such topic leaves it there.
    """
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
                keepalive=broker.keep_alive,
                timeout=broker.connect_timeout,
                logger=quiet,
            ) as client:
                granted = await client.subscribe(TOPIC)
                allowed = not any(isinstance(code, ReasonCode) and code.is_failure for code in granted)
                if allowed and metrics.broker_dropped is None:
                    metrics.broker_dropped = 0
                async for message in client.messages:
                    _take(message.payload, metrics)
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            log.debug("no watch on the broker's dropped messages: %s", error)
        await asyncio.sleep(broker.backoff_maximum)


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
