"""Watches the broker's own counts of messages: those that it threw away, and those that it keeps for sessions.

Mosquitto drops a message whose subscriber's queue is full after its publisher got the acknowledgement: nobody else
would ever know. A connection of its own, because the collector's takes readings alone.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from ingest.metrics import Metrics
from ingest.options import BrokerOptions
from ingest.tls import tls_context

log = logging.getLogger(__name__)

TOPIC = "$SYS/broker/publish/messages/dropped"
#: What it keeps at all, and what of it is retained: the rest waits for sessions, each message once.
KEPT, RETAINED = "$SYS/broker/store/messages/count", "$SYS/broker/retained messages/count"


async def watch(broker: BrokerOptions, metrics: Metrics) -> None:
    """Keep ``metrics.broker_dropped`` and ``broker_queued`` current until cancelled.

    The first stands at 0 as soon as the broker grants the subscription: of a counter that is first seen at 37 no alarm
    hears. A broker that has no such topic leaves it there. The second is None while the broker does not tell.
    """
    quiet = logging.getLogger("ingest.broker_watch.client")
    quiet.setLevel(logging.CRITICAL)
    # collectors of one group have one client id in their settings, and would take the connection from each other
    name = f"{broker.client_id}-watch-{secrets.token_hex(4)}"
    while True:
        try:
            async with aiomqtt.Client(
                broker.host,
                broker.port,
                identifier=name,
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
                for topic in (KEPT, RETAINED):
                    await client.subscribe(topic)
                said: dict[str, int] = {}
                async for message in client.messages:
                    number = _number(message.payload)
                    if number is not None:
                        said[str(message.topic)] = number
                        _take(said, metrics)
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            log.debug("no watch on the broker's dropped messages: %s", error)
        metrics.broker_queued = None
        await asyncio.sleep(broker.backoff_maximum)


def _number(payload: object) -> int | None:
    if not isinstance(payload, bytes | bytearray) or not bytes(payload).isdigit():
        return None
    return int(payload)


def _take(said: dict[str, int], metrics: Metrics) -> None:
    """Take what the broker has said by topic, both of a pair at about the same time."""
    if KEPT in said and RETAINED in said:
        metrics.broker_queued = max(0, said[KEPT] - said[RETAINED])
    dropped = said.get(TOPIC)
    if dropped is None:
        return
    if metrics.broker_dropped is not None and dropped > metrics.broker_dropped:
        log.error(
            "the broker threw away %d messages: a queue is full, raise max_queued_messages or add collectors",
            dropped - metrics.broker_dropped,
        )
    metrics.broker_dropped = metrics.broker_said_dropped = dropped
