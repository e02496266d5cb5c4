"""One network connection of an MQTT 5 session: framing, CONNECT, SUBSCRIBE, keep-alive, pacing.

Mosquitto writes each message to the socket alone: to read at most every ``read_interval`` is the whole difference
between 10 and 1.6 us a message (docs/decisions/004-measured.md).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import mqtt5

from devices.text import visible
from ingest.copies import Copies
from ingest.malformed import is_panic, lenient_publish
from ingest.mqtt5_session import Owner, Refused, unusable
from ingest.publish_packets import pubacks
from ingest.source import SPEAKS_MQTT5, Chunk, take_unsubscribed, warn_of_less

log = logging.getLogger(__name__)

_BUFFER = 1 << 20
#: Packet id of our UNSUBSCRIBE; our SUBSCRIBEs have those from 1 on, and others where the broker says that one is in
#: use. So does Mochi of the ids of its own messages to us: how many others are tried.
_UNSUBSCRIBE = 65_535
_OTHER_IDS = 30


class Connection(asyncio.BufferedProtocol):
    """One network connection: framing, CONNECT, SUBSCRIBE, keep-alive, pacing."""

    def __init__(self, source: Owner, generation: int) -> None:
        self.source = source
        self.options = source.options
        self.generation = generation
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._end = 0
        self._leaving = False
        self._timer: asyncio.TimerHandle | None = None
        self._keep_alive = self.options.keep_alive
        self._keep_alive_timer: asyncio.TimerHandle | None = None
        self._confirmation_timer: asyncio.TimerHandle | None = None
        self._heard = time.monotonic()
        self._ping_sent = 0.0
        #: since when SUBACK is waited for with nothing else to do
        self._waiting = 0.0
        self._unsubscribing: list[str] = []
        #: identifier and filters of what was subscribed and is not confirmed, by packet id
        self._unconfirmed: dict[int, tuple[int, list[tuple[str, int]]]] = {}
        self._other_ids = _OTHER_IDS
        self._copies: Copies | None = None
        self._watched: list[int] = []
        #: for every PINGREQ that is not answered yet, what was acknowledged between it and the one before
        self._pings: deque[list[int]] = deque()

    # -- transport ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        options = self.options
        transport.write(
            mqtt5.ConnectPacket(
                options.client_id,
                username=options.username,
                password=None if options.password is None else options.password.encode(),
                # never true: Mosquitto does not persist a session that was made so
                clean_start=False,
                keep_alive=options.keep_alive,
                session_expiry_interval=options.session_expiry,
                receive_max=options.receive_maximum,
            ).write()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._keep_alive_timer, self._confirmation_timer):
            if timer is not None:
                timer.cancel()
        if not self.ready.done():
            reason = str(exc) if exc else f"the broker closed the connection at our CONNECT: {SPEAKS_MQTT5}"
            self.ready.set_exception(Refused(reason))
        if not self.closed.done():
            if exc is not None:
                log.warning("connection to the broker lost: %s", exc)
            self.closed.set_result(None)

    def abort(self, reason: str) -> None:
        """Drop the connection; what is unacknowledged is delivered again."""
        self.source.status.problem = reason
        self.drop()

    def drop(self) -> None:
        """Close without a word, where it is not closed yet."""
        if self._transport is not None:
            self._transport.abort()

    def goodbye(self) -> None:
        """DISCONNECT. The session stays at the broker, unless this connection was made to drain it.

        The broker hangs up, not we: closing with something unread resets the connection, and the broker would throw
        away the acknowledgements before it read them. What still comes is not taken; it is delivered again.
        """
        if self._transport is None or self._transport.is_closing():
            return
        expiry = 0 if self.source.drain else None
        self._transport.write(mqtt5.DisconnectPacket(session_expiry_interval=expiry).write())
        self._leaving = True
        for timer in (self._timer, self._keep_alive_timer, self._confirmation_timer):
            if timer is not None:
                timer.cancel()
        self._end = 0
        self._transport.resume_reading()

    # -- reading -----------------------------------------------------------------------------------------------------

    def get_buffer(self, _sizehint: int) -> memoryview:
        if self._end == len(self._buffer):  # one packet larger than the buffer
            buffer = bytearray(2 * len(self._buffer))
            buffer[: self._end] = self._view
            self._buffer, self._view = buffer, memoryview(buffer)
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = time.monotonic()
        if self._leaving:
            return
        full = self._end + nbytes == len(self._buffer)
        end = self._end + nbytes
        try:
            done = self._parse(end)
        except Refused as error:
            if not self.ready.done():
                self.ready.set_exception(Refused(f"{error}: {SPEAKS_MQTT5}"))
                self.drop()
                return
            log.error("%s", error)
            self.abort(str(error))
            return
        if done < end and done:
            self._buffer[: end - done] = self._buffer[done:end]
        self._end = end - done
        if self._transport is None or self._transport.is_closing():
            return
        if self.source.paused:
            self._transport.pause_reading()
        elif not full and self.options.read_interval > 0:
            self._transport.pause_reading()
            self._timer = self._loop.call_later(self.options.read_interval, self.read_soon)

    def read_soon(self) -> None:
        """Read on, unless the source is paused."""
        if self._transport is not None and not self.source.paused and not self._transport.is_closing():
            self._transport.resume_reading()
            self._ask()

    def _parse(self, end: int) -> int:
        """Take whole packets from the buffer up to ``end``; returns how far it came."""
        view, buffer = self._view, self._buffer
        topics: list[str] = []
        payloads: list[bytes] = []
        packet_ids: list[int] = []
        flags: list[int] = []
        position = start = 0
        copies = self._copies
        runs = self.source.packets.runs(buffer, end) if copies is None else repeat(None)
        while position < end:
            run = next(runs)
            if run is not None:
                position = run.append_to(topics, payloads, packet_ids, flags)
                continue
            first = buffer[position]
            try:
                packet, size = mqtt5.read(view[position:end])
            except IndexError:
                break
            except BaseException as error:
                # ValueError, or the codec's PanicException for a text that is no UTF-8
                if not (isinstance(error, ValueError) or is_panic(error)):
                    raise
                lenient = lenient_publish(view[position:end])
                if lenient is None:
                    raise Refused(f"malformed packet from the broker: {visible(str(error))}") from None
                topic, payload, packet_id, size = lenient
                topics.append(topic)
                payloads.append(payload)
                packet_ids.append(packet_id)
                flags.append(first)
                position += size
                continue
            position += size
            if packet.__class__ is mqtt5.PublishPacket:
                if copies is not None and copies.is_copy(packet.topic, packet.payload, packet.subscription_ids):
                    self._pass_over(packet.packet_id)
                    continue
                topics.append(packet.topic)
                payloads.append(packet.payload)
                packet_ids.append(packet.packet_id or 0)
                flags.append(first)
            else:
                if topics:
                    self._deliver(position - size - start, topics, payloads, packet_ids, flags)
                    topics, payloads, packet_ids, flags = [], [], [], []
                start = position
                self._control(packet)
                copies = self._copies
                runs = runs if copies is None else repeat(None)
        if topics:
            self._deliver(position - start, topics, payloads, packet_ids, flags)
        return position

    def _pass_over(self, packet_id: int | None) -> None:
        """Acknowledge a copy that nobody takes; the broker had it in flight like any other message."""
        if packet_id:
            self.source.status.backlog.received(1)
            self.acknowledge([packet_id], [])

    def _deliver(
        self, size: int, topics: list[str], payloads: list[bytes], packet_ids: list[int], flags: list[int]
    ) -> None:
        self._waiting = self._heard
        arrival, backlog = time.time_ns() // 1000, self.source.status.backlog
        backlog.received(len(packet_ids) - packet_ids.count(0))
        self.source.receive(Chunk(self.generation, arrival, size, topics, payloads, packet_ids, flags, backlog.absence))

    # -- everything that is not a PUBLISH ------------------------------------------------------------------------------

    def _control(self, packet: Any) -> None:
        status = self.source.status
        match packet:
            case mqtt5.ConnAckPacket():
                self._connack(packet)
            case mqtt5.SubAckPacket():
                identifier, asked = self._unconfirmed.pop(packet.packet_id, (0, []))
                if mqtt5.SubAckReasonCode.PACKET_ID_IN_USE in packet.reason_codes and self._other_ids:
                    self._other_ids -= 1
                    self._ask_for(random.randrange(1_000, _UNSUBSCRIBE), identifier, asked)
                    return
                refused = [
                    f"{pattern}: {code.name}"
                    for (pattern, _), code in zip(asked, packet.reason_codes, strict=False)
                    if int(code) >= 0x80
                ]
                if refused:
                    raise Refused("subscription refused by the broker: " + ", ".join(refused))
                warn_of_less(asked, [int(code) for code in packet.reason_codes])
                status.subscribed = not self._unconfirmed
            case mqtt5.UnsubAckPacket():
                codes = [int(code) for code in packet.reason_codes]
                self.source.leftover = take_unsubscribed(status, self._unsubscribing, codes)
                self._unsubscribing = []
                if self._copies is not None:
                    self._copies.settle()
                if self.source.drain:
                    status.subscribed = True
            case mqtt5.PingRespPacket():
                if self._pings:
                    self.source.note_confirmed(self._pings.popleft())
                    status.backlog.answered(time.time_ns() // 1000)
                    self._ask()
            case mqtt5.DisconnectPacket():
                if packet.reason_code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER:
                    status.taken_over += 1
                log.warning("broker disconnects: %s", packet.reason_code.name)
                self.abort(f"broker disconnects: {packet.reason_code.name}")
            case _:
                log.warning("unexpected packet from the broker: %s", type(packet).__name__)

    def _connack(self, packet: mqtt5.ConnAckPacket) -> None:
        assert self._transport is not None
        problem = unusable(packet, self.source.filters)
        if problem is not None:
            if not self.ready.done():
                self.ready.set_exception(Refused(problem))
            self._transport.abort()
            return
        status = self.source.status
        status.connected = True
        status.connects += 1
        status.connected_at = time.monotonic()
        status.problem = ""
        if packet.server_keep_alive:
            self._keep_alive = packet.server_keep_alive
        status.backlog.connected(packet.session_present, time.time_ns() // 1000)
        self.source.connected(packet.session_present)
        ours = [pattern for pattern, _ in self.source.filters]
        if self.source.drain:
            self._unsubscribe(list(dict.fromkeys([*ours, *self.source.leftover])))
        else:
            self._subscribe(Copies(ours, self.source.leftover if packet.session_present else ()), packet)
            if self.source.leftover and packet.session_present:
                # after our own: what an old and a new filter take both is not to be lost between the two
                self._unsubscribe(self.source.leftover)
            else:
                self.source.leftover = take_unsubscribed(status, self.source.leftover, None)
        self._waiting = time.monotonic()
        self._expect_confirmation()
        self._tick()
        if not self.ready.done():
            self.ready.set_result(None)

    def _subscribe(self, copies: Copies, packet: mqtt5.ConnAckPacket) -> None:
        """One SUBSCRIBE, and where copies are possible one for each identifier."""
        filters = self.source.filters
        groups: dict[int, list[tuple[str, int]]] = {}
        if copies.possible and packet.subscription_id_available:
            self._copies = copies
            for item, identifier in zip(filters, copies.identifiers, strict=True):
                groups.setdefault(identifier, []).append(item)
        else:
            groups[0] = list(filters)
        for number, (identifier, group) in enumerate(groups.items(), 1):
            self._ask_for(number, identifier, group)

    def _ask_for(self, number: int, identifier: int, group: list[tuple[str, int]]) -> None:
        assert self._transport is not None
        self._unconfirmed[number] = identifier, group
        # retain_as_published false: the flag then says "from the store of retained messages"
        wanted = [
            mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS(qos), retain_as_published=False) for pattern, qos in group
        ]
        self._transport.write(mqtt5.SubscribePacket(number, wanted, subscription_id=identifier or None).write())

    def _unsubscribe(self, patterns: Sequence[str]) -> None:
        assert self._transport is not None
        self._unsubscribing = list(patterns)
        self._transport.write(mqtt5.UnsubscribePacket(_UNSUBSCRIBE, self._unsubscribing).write())

    def _expect_confirmation(self) -> None:
        """Give up where the broker leaves our subscription unanswered. Messages of the session may come before it.

        While we do not read we cannot hear, as in ``_tick``.
        """
        if self.source.status.subscribed or self._transport is None or self._transport.is_closing():
            return
        now, limit = time.monotonic(), self.options.connect_timeout
        if self.source.paused:
            self._waiting = now
        left = self._waiting + limit - now
        if left <= 0:
            reason = f"the broker did not answer our subscription within {limit:g} s"
            log.warning("%s", reason)
            self.abort(reason)
            return
        self._confirmation_timer = self._loop.call_later(left, self._expect_confirmation)

    # -- writing and keep-alive --------------------------------------------------------------------------------------

    def acknowledge(self, packet_ids: Sequence[int], watch: Sequence[int]) -> None:
        """PUBACK all in one write."""
        if self._transport is None or self._transport.is_closing() or not len(packet_ids):
            return
        self._transport.write(pubacks(packet_ids))
        self._watched.extend(watch)
        self.source.status.backlog.acknowledged(len(packet_ids))
        self._ask()

    def _ask(self) -> None:
        """PINGREQ where its answer can say that the broker's queue is empty."""
        if self.source.status.backlog.asks and self._transport is not None and not self._transport.is_closing():
            self._ping(self._transport)

    def _ping(self, transport: asyncio.Transport) -> None:
        transport.write(mqtt5.PingReqPacket().write())
        # TCP keeps order: the answer to this very ping proves that every acknowledgement before it was read
        self._pings.append(self._watched)
        self._watched = []
        self.source.status.backlog.asked()

    def _tick(self) -> None:
        """PINGREQ twice per keep-alive; give up where nothing at all was heard for 1.3 of it.

        While we do not read we cannot hear, so silence is judged only while reading.
        """
        assert self._transport is not None
        if self._transport.is_closing():
            return
        now = time.monotonic()
        if self.source.paused:
            self._heard = now
        elif self._pings and now - self._heard > 1.3 * self._keep_alive:
            log.warning("nothing heard from the broker for %.0f s", now - self._heard)
            self.abort("the broker is silent")
            return
        if now - self._ping_sent >= 0.45 * self._keep_alive:
            self._ping(self._transport)
            self._ping_sent = now
        self._keep_alive_timer = self._loop.call_later(max(0.05, self._keep_alive / 8), self._tick)
