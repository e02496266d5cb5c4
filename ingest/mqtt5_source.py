"""MQTT 5 source on the sans-I/O codec ``mqtt5``: keeps one persistent session connected."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Sequence

from ingest.mqtt5_connection import Connection
from ingest.mqtt5_session import Refused
from ingest.options import BrokerOptions
from ingest.publish_packets import PublishPackets
from ingest.source import SPEAKS_MQTT5, Connected, Receive, SourceStatus
from ingest.tls import tls_context

log = logging.getLogger(__name__)


class Mqtt5Source:
    """A persistent MQTT 5 session (``ingest.source.Source``).

    ``filters`` are (topic filter, QoS), ``leftover`` what the session may have besides. ``drain``: unsubscribe both,
    read what is queued, and end the session at ``stop``; for the session of a collector that is no longer there.
    """

    def __init__(
        self,
        options: BrokerOptions,
        filters: Sequence[tuple[str, int]],
        receive: Receive,
        connected: Connected,
        *,
        leftover: Sequence[str] = (),
        drain: bool = False,
    ) -> None:
        if not 1 <= options.receive_maximum <= 65_534:
            raise ValueError("receive_maximum must be between 1 and 65534")
        self.options = options
        self.filters = filters
        self.receive = receive
        self.connected = connected
        self.leftover = list(leftover)
        self.drain = drain
        self.status = SourceStatus()
        self.packets = PublishPackets()
        self.paused = False
        self._connection: Connection | None = None
        self._generation = 0
        self._stopping = asyncio.Event()
        self._confirmed: list[int] = []

    async def run(self) -> None:
        """Keep the session connected until ``stop``."""
        backoff, seen = 0.1, 0
        while not self._stopping.is_set():
            try:
                await self._once()
            except (OSError, ssl.SSLError, TimeoutError, UnicodeError, Refused) as error:  # Unicode: the host
                self.status.problem = str(error) or type(error).__name__
                log.warning("broker %s:%d: %s", self.options.host, self.options.port, self.status.problem)
            if self.status.connected:
                self.status.backlog.disconnected(time.time_ns() // 1000)
            held = self.status.subscribed and time.monotonic() - self.status.connected_at > 10
            self.status.connected = self.status.subscribed = False
            self._connection = None
            if self._stopping.is_set():
                return
            # a connection that held is no reason to wait; one that another client took is: it would take it again
            taken, seen = self.status.taken_over > seen, self.status.taken_over
            longest = self.options.backoff_maximum
            backoff = longest if taken else 0.1 if held else min(backoff * 2, longest)
            # jitter keeps many collectors from returning at once
            await _wait(self._stopping, backoff * random.uniform(0.5, 1.0))

    async def _once(self) -> None:
        self._generation += 1
        connection = Connection(self, self._generation)
        try:
            await self._connect(connection)
            if not self._stopping.is_set():  # `stop` saw no connection while this one was being made
                await connection.closed
        finally:
            connection.drop()  # a broker that accepts and then says nothing leaves no socket behind

    async def _connect(self, connection: Connection) -> None:
        """Until the broker has accepted the session. Raises Refused, also where it says nothing; OSError."""
        options = self.options
        limit = f"within {options.connect_timeout:g} s"
        try:
            async with asyncio.timeout(options.connect_timeout):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    options.host,
                    options.port,
                    ssl=tls_context(options) if options.tls else None,
                )
                self._connection = connection
                await connection.ready
        except TimeoutError as error:
            if self._connection is None:
                raise TimeoutError(str(error) or f"no connection {limit}") from None
            text = f"the broker took the connection and did not answer our CONNECT {limit}: {SPEAKS_MQTT5}"
            raise Refused(text) from None

    def pause(self) -> None:
        self.paused = True
        self.status.backlog.paused(time.time_ns() // 1000)

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            self.status.backlog.resumed(time.time_ns() // 1000)
            if self._connection is not None:
                self._connection.read_soon()

    def acknowledge(self, generation: int, packet_ids: Sequence[int], watch: Sequence[int]) -> None:
        connection = self._connection
        if connection is not None and connection.generation == generation:
            connection.acknowledge(packet_ids, watch)

    def confirmed(self) -> list[int]:
        confirmed, self._confirmed = self._confirmed, []
        return confirmed

    def note_confirmed(self, marks: Sequence[int]) -> None:
        """The broker has read the acknowledgements that these stand for."""
        self._confirmed.extend(marks)

    async def stop(self) -> None:
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.goodbye()
            await asyncio.wait({connection.closed}, timeout=2)
            connection.abort("stopped")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
