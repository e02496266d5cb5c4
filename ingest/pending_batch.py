"""Decoding: messages in, columns out. The only loop over messages and readings; everything after works on arrays."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from itertools import compress
from traceback import extract_tb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.decoding import BY_ARRIVAL, PACK, Flaw, Reason, Rejection
from devices.device import Device
from ingest.backlog import Absence
from ingest.memory import Memory, digest
from ingest.routes import Route, Routes
from ingest.series_cache import NewSeries
from ingest.source import DUP, RETAIN, Chunk
from store.batch import Remembered

log = logging.getLogger(__name__)

#: What a held message costs besides its bytes on the wire.
_OVERHEAD = 250
#: So many rejected readings of a message are named, more than any known device sends at once (a day of half-hours is
#: 48); others are counted.
NAMED = 50
#: So many bytes are kept of a message that is longer than is taken.
OVERSIZE_KEPT = 4096


class PendingBatch:
    """One batch in the making. Lists of equal length by message, by reading, and the exceptions beside them."""

    def __init__(self) -> None:
        # by message
        self.topics: list[str] = []
        self.payloads: list[bytes] = []
        self.packet_ids: list[int] = []
        self.flags: list[int] = []
        self.routes: list[Route] = []
        self.times: list[Any] = []  # of a message without one its neighbour's: times alike are parsed at once
        self.chunks: list[tuple[int, int, int]] = []  # (messages, arrival, generation)
        self.arrived: dict[int, int] = {}  # message -> arrival of its first delivery
        self.late: list[tuple[int, int, Absence]] = []  # messages (from, to) that may have waited at the broker
        self.answered: set[int] = set()  # messages that the acknowledgement of an earlier copy answers
        # by reading
        self.messages: list[int] = []
        self.series_indexes: list[int] = []
        self.values: list[Any] = []
        self.packs: list[int] = []  # messages whose records have times of their own
        self.pack_rows: list[int] = []
        self.pack_times: list[Any] = []
        # exceptions
        self.untimed: list[int] = []  # messages whose time hangs on their arrival
        self.ignored: list[int] = []
        self.rejected_messages: list[tuple[int, Reason, str]] = []
        self.rejected_readings: list[tuple[int, str, Reason, str]] = []
        self.rejected_more: dict[tuple[int, str], int] = {}  # (message, reason) -> readings that are not named
        self.cut: dict[int, int] = {}  # message -> its length [bytes], where only its beginning is held
        self.sequences: list[tuple[int, int]] = []
        self.restating: list[int] = []  # messages whose readings may restate
        self.copies: set[int] = set()  # those of them that were taken before
        # taken over from the routes and the source
        self.new_devices: list[Device] = []
        self.new_series: list[NewSeries] = []
        self.forget: list[int] = []
        self.size = 0  # what it holds [bytes]
        self.bytes = 0  # topics and payloads alone
        # of rejected messages: what is remembered, None of a redelivery. Asked once, also of what is cut and of what is
        # built again, for the answer changes the memory that gave it
        self.first_times: dict[int, Remembered | None] = {}
        self.archived = False
        self.aside = False  # one message that could not be written, as a rejected one
        self.unkept = False  # not even so: it is counted and no more

    def __len__(self) -> int:
        return len(self.topics)

    def acknowledgements(self) -> list[tuple[int, list[int]]]:
        """Packet ids (QoS 1) by generation of their connection."""
        by_generation: dict[int, list[int]] = {}
        start = 0
        for count, _, generation in self.chunks:
            ids = self.packet_ids[start : start + count]
            if self.answered:
                ids = [0 if message in self.answered else number for message, number in enumerate(ids, start)]
            by_generation.setdefault(generation, []).extend(ids)
            start += count
        return [(generation, [number for number in ids if number]) for generation, ids in by_generation.items()]

    def forget_session(self) -> None:
        """The broker has a new session: what is held will not come again, and its packet ids mean nothing more."""
        self.packet_ids = [0] * len(self.packet_ids)


def floats(values: Sequence[Any]) -> NDArray[np.float64]:
    """Values of readings as an array; a whole number beyond float64 becomes an infinity. Shape: (values,)."""
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([_float(value) for value in values], np.float64)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def decode_chunk(  # noqa: PLR0912, PLR0915 - the hot loop: a call a message costs a tenth of it
    columns: PendingBatch, chunk: Chunk, routes: Routes, memory: Memory, payload_maximum: int
) -> None:
    """Decode a chunk into the columns.

    Shape of the work: one decoder call a message, one dictionary look-up a reading, appends; about 1 us together.
    """
    start = len(columns.topics)
    columns.topics.extend(chunk.topics)
    columns.payloads.extend(chunk.payloads)
    columns.packet_ids.extend(chunk.packet_ids)
    columns.flags.extend(chunk.flags)
    columns.chunks.append((len(chunk.topics), chunk.arrival, chunk.generation))
    if chunk.absence is not None:
        columns.late.append((start, len(columns.topics), chunk.absence))
    columns.size += chunk.size + _OVERHEAD * len(chunk.topics)
    columns.bytes += chunk.size
    if chunk.size > payload_maximum and max(map(len, chunk.payloads)) > payload_maximum:
        oversize = {n for n, payload in enumerate(chunk.payloads, start) if len(payload) > payload_maximum}
        for message in oversize:
            _cut(columns, message)
    else:
        oversize = set()
    ids = memory.hold(chunk, columns.payloads[start:])
    known = set(compress(range(start, len(columns.topics)), map(ids.__contains__, chunk.packet_ids))) if ids else set()

    by_arrival = BY_ARRIVAL
    by_topic = routes.by_topic
    add_route = columns.routes.append
    add_time = columns.times.append
    add_message = columns.messages.append
    add_slot = columns.series_indexes.append
    add_value = columns.values.append
    messages = zip(chunk.topics, chunk.payloads, chunk.flags, strict=True)
    for message, (topic, payload, flags) in enumerate(messages, start):
        if known and message in known:
            _tell_copy(columns, message, memory, chunk.generation)
        route = by_topic.get(topic) or routes.find(topic)
        add_route(route)
        try:
            if oversize and message in oversize:
                raise Rejection(Reason.OVERSIZE, f"{len(payload)} bytes, the limit is {payload_maximum}")
            time, values, sequence = route.decode(payload)
        except Rejection as rejection:
            columns.rejected_messages.append((message, rejection.reason, rejection.detail))
            add_time(columns.times[-1] if columns.times else 0)
            continue
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this message, the queue behind it goes on
            _log_fault(route, error)
            detail = f"the decoder failed: {type(error).__name__}"
            columns.rejected_messages.append((message, Reason.UNREADABLE, detail))
            add_time(columns.times[-1] if columns.times else 0)
            continue
        if not values or (flags & RETAIN and _takes_arrival(time, values)):
            columns.ignored.append(message)
            add_time(columns.times[-1] if columns.times else 0)
            continue
        if sequence is not None:
            columns.sequences.append((message, sequence))
        slots = route.slots
        if time is PACK:
            columns.packs.append(message)
            add_time(0)
            untimed = _gather_pack(columns, message, route, values, routes)
        else:
            untimed = time.__class__ in by_arrival
            add_time(0 if time is None else time)
            for name, value in values.items():
                slot = slots.get(name)
                if slot is None:
                    slot = routes.slot(route, name)
                    if slot is None:
                        _unknown(columns, message, name, value)
                        continue
                kind = value.__class__
                if kind is float or kind is int or kind is bool:
                    add_message(message)
                    add_slot(slot)
                    add_value(value)
                else:
                    _bad(columns, message, name, value)
        if untimed:
            _arrival_as_time(columns, message, memory)


def _log_fault(route: Route, error: Exception) -> None:
    """Say where a decoder failed. The error's own text may quote the message, and with it a household's number."""
    place = extract_tb(error.__traceback__)[-1]
    log.error(
        "the decoder failed for a message of %s: %s at %s, line %s",
        "a household's device" if route.personal else f"device {route.device_id}",
        type(error).__name__,
        place.name,
        place.lineno,
    )


def _gather_pack(
    columns: PendingBatch, message: int, route: Route, records: Sequence[tuple[str, Any, Any]], routes: Routes
) -> bool:
    """Add the records of a pack; says whether any of them takes the arrival into its time."""
    slots = route.slots
    add_message = columns.messages.append
    add_slot = columns.series_indexes.append
    add_value = columns.values.append
    add_row = columns.pack_rows.append
    add_time = columns.pack_times.append
    untimed = False
    row = len(columns.series_indexes)
    for name, time, value in records:
        slot = slots.get(name)
        if slot is None:
            slot = routes.slot(route, name)
            if slot is None:
                _unknown(columns, message, name, value)
                continue
        kind = value.__class__
        if kind is float or kind is int or kind is bool:
            add_message(message)
            add_slot(slot)
            add_value(value)
            add_row(row)
            add_time(time)
            row += 1
            if time.__class__ in BY_ARRIVAL:
                untimed = True
        else:
            _bad(columns, message, name, value)
    return untimed


def _takes_arrival(time: Any, values: Any) -> bool:
    """Whether a message, or one record of a pack, has no instant without its arrival.

    A retained copy comes with every new subscription: each would make another reading of an old value.
    """
    if time is PACK:
        return any(when.__class__ in BY_ARRIVAL for _, when, value in values if value.__class__ is not Flaw)
    return time.__class__ in BY_ARRIVAL


def _cut(columns: PendingBatch, message: int) -> None:
    """Hold the beginning alone of a message that is too long."""
    payload = columns.payloads[message]
    if len(payload) > OVERSIZE_KEPT:
        columns.cut[message] = len(payload)
        columns.payloads[message] = payload[:OVERSIZE_KEPT]


def _unknown(columns: PendingBatch, message: int, name: object, value: object) -> None:
    if isinstance(value, Flaw):
        _bad(columns, message, name, value)
        return
    named = columns.rejected_readings
    if len(named) < NAMED or named[-NAMED][0] != message:
        named.append((message, str(name)[:64], Reason.UNKNOWN_PROPERTY, "the family has no such property"))
    else:
        _count(columns, message, Reason.UNKNOWN_PROPERTY)


def _bad(columns: PendingBatch, message: int, name: object, value: object) -> None:
    reason = value.reason if isinstance(value, Flaw) else Reason.BAD_VALUE
    named = columns.rejected_readings
    if len(named) >= NAMED and named[-NAMED][0] == message:
        _count(columns, message, reason)
    elif isinstance(value, Flaw):
        named.append((message, str(name)[:64], reason, value.detail))
    else:
        kind = "null" if value is None else type(value).__name__
        named.append((message, str(name)[:64], reason, f"{kind}, not a number"))


def _count(columns: PendingBatch, message: int, reason: Reason) -> None:
    """One more rejected reading of a message that has enough with names."""
    key = message, reason
    columns.rejected_more[key] = columns.rejected_more.get(key, 0) + 1


def _arrival_as_time(columns: PendingBatch, message: int, memory: Memory) -> None:
    """Note a message whose time hangs on its arrival; a redelivery takes the arrival of its first delivery."""
    columns.untimed.append(message)
    count, arrival, _ = columns.chunks[-1]
    # read at once is not the same instant: of a device's two states one would push out the other
    arrival += message - (len(columns.topics) - count)
    columns.arrived[message] = arrival
    packet_id = columns.packet_ids[message]
    if not packet_id:
        return
    mark = digest(columns.topics[message], columns.payloads[message])
    if columns.flags[message] & DUP:
        entry = memory.find(packet_id, mark)
        if entry is not None:
            columns.arrived[message] = entry[1]
            return
    memory.entries[packet_id] = (mark, arrival, False)


def _tell_copy(columns: PendingBatch, message: int, memory: Memory, generation: int) -> None:
    """Tell whether a message is a copy of the last one under its packet id; from here on its DUP says so.

    A copy on the connection of its first delivery needs no acknowledgement of its own: a second one could be taken for
    that of the next message with this packet id, before we have it.
    """
    packet_id = columns.packet_ids[message]
    if not packet_id:
        return
    topic, payload = columns.topics[message], columns.payloads[message]
    held, entry = memory.held.get(packet_id), memory.entries.get(packet_id)
    acknowledged = held is None and memory.acknowledged_on(generation, packet_id)
    if held is not None:
        copy = rejected = held[1:] == (topic, payload)  # whatever is rejected in it: the first of them says so
        if copy and held[0] == generation:
            columns.answered.add(message)
    else:
        free = acknowledged and not columns.flags[message] & DUP
        copy = entry is not None and not free and entry[0] == digest(topic, payload)
        rejected = copy and entry is not None and entry[2]
    if rejected:
        columns.first_times[message] = None
    if copy and acknowledged:  # our acknowledgement crossed it: the next one without DUP is new
        return
    if copy:
        columns.flags[message] |= DUP
    else:
        columns.flags[message] &= ~DUP
        if memory.forget(packet_id):
            columns.forget.append(packet_id)
    memory.held[packet_id] = (generation, topic, payload)
