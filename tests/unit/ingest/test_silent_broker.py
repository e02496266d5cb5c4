"""A broker that takes the connection and then says nothing, or nothing more: both sources, and the watch beside them.

The silent broker is a real TCP listener; amqtt 0.12.1 is one for some valid CONNECTs of MQTT 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import mqtt5
import pytest

from ingest.broker_watch import watch
from ingest.metrics import Metrics
from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions
from ingest.paho_source import PahoSource

Kind = Literal["mqtt5", "paho"]
KINDS: list[Kind] = ["mqtt5", "paho"]
ACCEPTED = {"mqtt5": mqtt5.ConnAckPacket().write(), "paho": b"\x20\x02\x00\x00"}
#: SUBACK for packet id 1 and one filter, granted with QoS 1.
GRANTED = {"mqtt5": b"\x90\x04\x00\x01\x00\x01", "paho": b"\x90\x03\x00\x01\x01"}


class Silent:
    """Takes connections, answers CONNECT with ``answer`` and nothing else."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.port = 0
        self.taken = self.open = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until the other side leaves it."""
        self.taken, self.open = self.taken + 1, self.open + 1
        self.writers.append(writer)
        try:
            await reader.read(1)
            writer.write(self.answer)
            while await reader.read(65536):
                pass
        except ConnectionResetError:
            pass
        finally:
            self.open -= 1
            writer.close()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def silent(answer: bytes = b"") -> AsyncIterator[Silent]:
    """A silent broker on a port of its own."""
    broker = Silent(answer)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        for writer in broker.writers:
            writer.close()
        await server.wait_closed()


@asynccontextmanager
async def source_at(broker: Silent, kind: Kind, **options: float) -> AsyncIterator[Mqtt5Source | PahoSource]:
    """A source on its way to that broker. A tenth of a second is all the patience it has."""
    limits = {"connect_timeout": 0.1, "backoff_maximum": 0.05, **options}
    settings = BrokerOptions(port=broker.port, client_id="c1", source=kind, **limits)  # type: ignore[arg-type]
    made = Mqtt5Source if kind == "mqtt5" else PahoSource
    source = made(settings, [("t/#", 1)], lambda _chunk: None, lambda _present: None)
    running = asyncio.create_task(source.run())
    try:
        yield source
    finally:
        await source.stop()
        async with asyncio.timeout(10):
            await running


@pytest.mark.parametrize("kind", KINDS)
async def test_a_connect_that_nobody_answers_has_a_limit_and_says_what_to_try(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    async with silent() as broker, source_at(broker, kind) as source:
        await broker.until(lambda: broker.taken >= 3)
        await broker.until(lambda: "did not answer our CONNECT within 0.1 s" in source.status.problem)
        assert not source.status.connected
        assert not source.status.subscribed
        if kind == "mqtt5":
            assert "BOROUGH_MQTT_SOURCE=paho" in source.status.problem
            assert "BOROUGH_MQTT_SOURCE=paho" in caplog.text
    assert "did not answer our CONNECT within 0.1 s" in caplog.text
    await broker.until(lambda: broker.open == 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_subscription_that_nobody_confirms_has_a_limit(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    async with silent(ACCEPTED[kind]) as broker, source_at(broker, kind) as source:
        await broker.until(lambda: broker.taken >= 3)
        await broker.until(lambda: "did not answer our subscription within 0.1 s" in caplog.text)
        assert not source.status.subscribed
    await broker.until(lambda: broker.open == 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_while_nothing_is_read_no_answer_is_missed(kind: Kind) -> None:
    """The store is away: the confirmation lies unread in the socket, and the connection is held."""
    async with silent(ACCEPTED[kind]) as broker, source_at(broker, kind) as source:
        source.connected = lambda _present: source.pause()
        await broker.until(lambda: source.status.connected)
        taken = broker.taken
        await asyncio.sleep(0.5)  # five times its patience
        assert source.status.connected
        assert broker.taken == taken
        broker.writers[-1].write(GRANTED[kind])
        source.resume()
        await broker.until(lambda: source.status.subscribed)
        assert broker.taken == taken


@pytest.mark.parametrize(
    "answer",
    [
        b"\x20\x02\x00\x01",
        mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION).write(),
    ],
    ids=["3.1.1 says no", "5 says no"],
)
async def test_a_broker_that_does_not_speak_mqtt_5_is_told_from_one_that_refuses_us(answer: bytes) -> None:
    async with silent(answer) as broker, source_at(broker, "mqtt5") as source:
        await broker.until(lambda: "BOROUGH_MQTT_SOURCE=paho" in source.status.problem)
        assert broker.taken >= 1


async def test_a_broker_that_is_silent_to_the_watch_is_tried_again_and_keeps_no_sockets() -> None:
    async with silent() as broker:
        options = BrokerOptions(port=broker.port, connect_timeout=0.1, backoff_maximum=0.05, keep_alive=1)
        metrics = Metrics()
        watching = asyncio.create_task(watch(options, metrics))
        await broker.until(lambda: broker.taken >= 4)
        assert metrics.broker_dropped is None, "it has not answered"
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await broker.until(lambda: broker.open == 0)
