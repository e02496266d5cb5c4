"""MQTT 3.1.1 source on paho-mqtt with manual acknowledgement, also over websockets.

For brokers without MQTT 5 (The Things Stack, amqtt, many vendors). Paho's network calls are driven by the event loop:
its own thread could not stop reading while the store is away.
"""

from __future__ import annotations

import asyncio
import logging
import random
import select
import ssl
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.options import BrokerOptions
from ingest.source import DUP, RETAIN, Chunk, Connected, Receive, SourceStatus, take_unsubscribed, warn_of_less
from ingest.tls import tls_context

log = logging.getLogger(__name__)

_READS = 500
_GOODBYE_SECONDS = 2.0
_DISCONNECT = b"\xe0\x00"
#: Unlike the other source's this one says nothing of the version: 3.1.1 is what every broker speaks.
_UNHEARD = "the broker took the connection and did not answer our CONNECT within {:g} s: is it MQTT on this port?"
#: A filter that nobody subscribes: that it is unsubscribed is answered in the order of the stream, and changes nothing.
_NOBODYS = "$borough/question"
_UNCONFIRMED = "the broker did not answer our subscription within {:g} s"


class PahoSource:
    """A persistent MQTT 3.1.1 session (``ingest.source.Source``).

    ``filters`` are (topic filter, QoS), ``leftover`` what the session may have besides. ``drain``: unsubscribe both and
    read what is queued; for the session of a collector that is no longer there.
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
        self.options = options
        self.filters = filters
        self.leftover = list(leftover)
        self.drain = drain
        self._unsubscribing: list[str] = []
        self.receive = receive
        self.connected = connected
        self.status = SourceStatus()
        self._paused = False
        self._generation = 0
        self._client: paho.Client | None = None
        self._lost: asyncio.Future[str] | None = None
        self._socket: Any = None
        self._stopping = asyncio.Event()
        self._messages: list[paho.MQTTMessage] = []
        #: since when an answer to CONNECT or SUBSCRIBE is waited for with nothing else to do
        self._waiting = 0.0
        self._watched: deque[tuple[float, int, Sequence[int]]] = deque()
        #: the packet id of our question whether the queue is empty
        self._question: int | None = None

    async def run(self) -> None:
        """Keep the session connected until ``stop``."""
        backoff = 0.1
        while not self._stopping.is_set():
            try:
                problem = await self._once()
            except (OSError, ssl.SSLError, TimeoutError, ValueError) as error:
                problem = str(error) or type(error).__name__
            if self.status.connected:
                self.status.backlog.disconnected(time.time_ns() // 1000)
            held = self.status.subscribed and time.monotonic() - self.status.connected_at > 10
            self.status.connected = self.status.subscribed = False
            if self._stopping.is_set():
                return
            self.status.problem = problem
            log.warning("broker %s:%d: %s", self.options.host, self.options.port, problem)
            backoff = 0.1 if held else min(backoff * 2, self.options.backoff_maximum)
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff * random.uniform(0.5, 1.0)):
                    await self._stopping.wait()

    async def _once(self) -> str:
        """One connection, from its start to its end; returns why it ended."""
        options = self.options
        loop = asyncio.get_running_loop()
        self._generation += 1
        self._lost = loop.create_future()
        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            options.client_id,
            clean_session=False,
            transport=options.transport,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if options.transport == "websockets":
            client.ws_set_options(options.path)
        if options.tls:
            client.tls_set_context(tls_context(options))
        if options.username is not None:
            client.username_pw_set(options.username, options.password)
        client.connect_timeout = options.connect_timeout
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_written
        # CONNECT is written by the thread; the loop only learns of the socket when that is done
        # paho asks after one such interval and gives up after another: 1.4 times the keep-alive together
        interval = max(1, int(0.7 * options.keep_alive))
        await loop.run_in_executor(None, client.connect, options.host, options.port, interval)
        self._socket = client.socket()
        if self._socket is None:
            return "connection lost at once"
        loop.add_reader(self._socket, self._read)
        loop.add_writer(self._socket, self._write)
        self._waiting = time.monotonic()
        try:
            while not self._lost.done():
                await asyncio.wait({self._lost}, timeout=min(1.0, options.keep_alive / 4, options.connect_timeout / 4))
                if self._unanswered() and not self._lost.done():
                    text = _UNCONFIRMED if self.status.connected else _UNHEARD
                    self._lost.set_result(text.format(options.connect_timeout))
                if self._paused:
                    client._ping_t = 0.0  # the answer is unread because we do not read: no reason to hang up
                if client.loop_misc() != paho.MQTT_ERR_SUCCESS and not self._lost.done():
                    self._lost.set_result("the broker is silent")
            return self._lost.result()
        finally:
            self._drop_socket()
            self._deliver()
            with suppress(OSError, ValueError):
                client.disconnect()
            self._client = None

    def _unanswered(self) -> bool:
        """Whether the broker owes us the answer to CONNECT or SUBSCRIBE for too long. Paused we would not hear it."""
        now = time.monotonic()
        if self._paused or self.status.subscribed:
            self._waiting = now
        return now - self._waiting > self.options.connect_timeout

    def _drop_socket(self) -> None:
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            with suppress(OSError, ValueError):
                loop.remove_reader(self._socket)
                loop.remove_writer(self._socket)
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def pause(self) -> None:
        self._paused = True
        self.status.backlog.paused(time.time_ns() // 1000)
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)

    def resume(self) -> None:
        self._paused = False
        self.status.backlog.resumed(time.time_ns() // 1000)
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._read)
            asyncio.get_running_loop().call_soon(self._read)
        if self._client is not None:
            self._ask(self._client)

    def acknowledge(self, generation: int, packet_ids: Sequence[int], watch: Sequence[int]) -> None:
        client = self._client
        if client is None or generation != self._generation:
            return
        for packet_id in packet_ids:
            client.ack(packet_id, 1)
        self.status.backlog.acknowledged(len(packet_ids))
        self._ask(client)
        if watch:
            self._watched.append((time.monotonic(), generation, watch))

    def confirmed(self) -> list[int]:
        """Paho does not show its PINGRESP; a connection that outlived two keep-alives since has had one."""
        confirmed: list[int] = []
        while self._watched and time.monotonic() - self._watched[0][0] > 2 * self.options.keep_alive:
            _, generation, marks = self._watched.popleft()
            if generation == self._generation:
                confirmed.extend(marks)
        return confirmed

    async def stop(self) -> None:
        self._stopping.set()
        client, line = self._client, self._socket
        if client is not None and self._lost is not None and not self._lost.done():
            if line is not None:
                asyncio.get_running_loop().remove_reader(line)
                with suppress(OSError):
                    await self._leave(client, line, self._lost)
            if not self._lost.done():
                self._lost.set_result("stopped")

    @staticmethod
    async def _leave(client: paho.Client, line: Any, lost: asyncio.Future[str]) -> None:
        """Write what is left, say DISCONNECT, and let the broker hang up.

        Paho would close at once; with something unread that resets the connection, and the broker would throw away
        the acknowledgements before it read them. What still comes is not taken; it is delivered again.
        """
        until = time.monotonic() + _GOODBYE_SECONDS
        said = False
        while time.monotonic() < until and not lost.done():
            if client.want_write():
                client.loop_write()
            elif not said:
                line.send(_DISCONNECT)
                said = True
            try:
                if not line.recv(1 << 16):
                    return
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                await asyncio.sleep(0.005)

    # -- the socket ----------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Read what is there, up to a bound, and hand it over as one chunk."""
        client, line = self._client, self._socket
        if client is None or line is None:
            return
        for _ in range(_READS):
            if self._paused or client.loop_read() != paho.MQTT_ERR_SUCCESS:
                break
            pending = getattr(line, "pending", None)
            if not (pending is not None and pending()) and not select.select([line], [], [], 0)[0]:
                break
        self._deliver()

    def _write(self) -> None:
        client = self._client
        if client is None:
            return
        client.loop_write()
        if not client.want_write() and self._socket is not None:
            asyncio.get_running_loop().remove_writer(self._socket)

    def _on_want_write(self, _client: paho.Client, _data: Any, line: Any) -> None:
        with suppress(RuntimeError):  # in the connecting thread there is no loop yet; `_once` adds the writer
            asyncio.get_running_loop().add_writer(line, self._write)

    def _on_written(self, _client: paho.Client, _data: Any, line: Any) -> None:
        with suppress(RuntimeError, OSError, ValueError):
            asyncio.get_running_loop().remove_writer(line)

    # -- paho's callbacks ----------------------------------------------------------------------------------------------

    def _on_connect(self, client: paho.Client, _data: Any, flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            if self._lost is not None and not self._lost.done():
                self._lost.set_result(f"the broker refuses the session: {code}")
            return
        self.status.connected = True
        self.status.connects += 1
        self._waiting = self.status.connected_at = time.monotonic()
        self.status.problem = ""
        self.status.backlog.connected(bool(flags.session_present), time.time_ns() // 1000)
        self.connected(bool(flags.session_present))
        if self.drain:
            ours = [pattern for pattern, _ in self.filters]
            self._unsubscribe(client, list(dict.fromkeys([*ours, *self.leftover])))
            return
        client.subscribe(list(self.filters))
        if self.leftover and flags.session_present:
            # after our own: what an old and a new filter take both is not to be lost between the two
            self._unsubscribe(client, self.leftover)
        else:
            self.leftover = take_unsubscribed(self.status, self.leftover, None)
        self._question = None
        self._ask(client)

    def _unsubscribe(self, client: paho.Client, patterns: Sequence[str]) -> None:
        self._unsubscribing = list(patterns)
        client.unsubscribe(self._unsubscribing)

    def _on_subscribe(self, _client: paho.Client, _data: Any, _mid: int, codes: Any, _properties: Any) -> None:
        refused = [pattern for (pattern, _), code in zip(self.filters, codes, strict=False) if code.is_failure]
        if refused:
            text = f"subscription refused by the broker: {', '.join(refused)}"
            if self._lost is not None and not self._lost.done():
                self._lost.set_result(text)
            return
        warn_of_less(self.filters, [code.value for code in codes])
        self.status.subscribed = True

    def _ask(self, client: paho.Client) -> None:
        """Ask the broker something where the answer can say that its queue is empty. Paho hides its PINGRESP."""
        if self.status.backlog.asks:
            self._question = client.unsubscribe(_NOBODYS)[1]
            self.status.backlog.asked()

    def _on_unsubscribe(self, client: paho.Client, _data: Any, mid: int, codes: Any, _properties: Any) -> None:
        if mid == self._question:
            self._deliver()  # what came before the answer
            self.status.backlog.answered(time.time_ns() // 1000)
            self._ask(client)
            return
        self.leftover = take_unsubscribed(self.status, self._unsubscribing, [code.value for code in codes])
        self._unsubscribing = []
        if self.drain:
            self.status.subscribed = True

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._messages.append(message)

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(f"connection lost: {code}")

    def _deliver(self) -> None:
        messages, self._messages = self._messages, []
        if not messages:
            return
        self._waiting = time.monotonic()
        topics = [_topic(message) for message in messages]
        payloads = [bytes(message.payload) for message in messages]
        self.status.backlog.received(sum(message.qos > 0 for message in messages))
        self.receive(
            Chunk(
                self._generation,
                time.time_ns() // 1000,
                sum(map(len, payloads)) + sum(map(len, topics)),
                topics,
                payloads,
                [message.mid if message.qos else 0 for message in messages],
                [(DUP if message.dup else 0) | (RETAIN if message.retain else 0) for message in messages],
                self.status.backlog.absence,
            )
        )


def _topic(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return message._topic.decode("utf-8", "replace")
