"""A simulation from end to end: generate, plan, faults, encode, pace, publish, and the ledger of it all.

Works window by window of simulated time, so that memory is bounded by one window whatever the span.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from devices.device import Device
from devices.models import model_of
from simulators import ledger
from simulators.columns import starts
from simulators.connections import Connections
from simulators.encode import VENDOR, WIRES, Wire, plan, speaking
from simulators.fault_options import FaultOptions
from simulators.faults import Faults, rows_of
from simulators.ledger import NO_TIME, Rows
from simulators.plans import Fleet
from simulators.publisher import Message
from simulators.rules import UNSENT
from simulators.stream import EXPECTATIONS, Int64, Signals, Stream

#: Signals of a span [us], such as ``simulators.generate.generate`` with its fleet given.
Generate = Callable[[int, int], Iterator[Signals]]

_DAY = 86_400_000_000
#: A window is a day for so many devices and shorter for more: it is in memory whole.
_DEVICES_A_DAY = 4_000
_BURST = 500
_BLOCK = 5_000
_TICK = 0.05
#: How far from the publication the arrival of a message without a time may be [us].
TOLERANCE = 300_000_000

Lines = Literal["one", "gateway", "device"]


class Writer(Protocol):
    """What takes the rows of the ledger, such as `simulators.ledger.LedgerWriter`."""

    def append(self, rows: Rows) -> None:
        """Add rows at the end. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When a message that is due goes out: ``speed`` simulated seconds a second from ``start`` [us], at the instant
    ``wall`` [us]; None is as fast as possible. Nothing goes out before it is due: it would come from the future.
    """

    start: int
    wall: int
    speed: float | None

    def arrival(self, due: Int64) -> Int64:
        """When what is due arrives at the earliest [us]."""
        if self.speed is None:
            return np.maximum(due, self.wall)
        return np.maximum(due, self.wall + ((due - self.start) / self.speed).astype(np.int64))


@dataclass(slots=True)
class Progress:
    """How far a simulation is: simulated time [us], messages and readings that are out, and by expectation."""

    at: int = 0
    messages: int = 0
    readings: int = 0
    expected: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)

    def add(self, stream: Stream) -> None:
        """Count the rows of a stream by what should become of them."""
        own = self.expected.setdefault(stream.family, dict.fromkeys(EXPECTATIONS, 0))
        for name, count in zip(EXPECTATIONS, np.bincount(stream.expect, minlength=len(EXPECTATIONS)), strict=True):
            own[name] += int(count)
        for name, count in zip(stream.faults, np.bincount(stream.fault, minlength=len(stream.faults)), strict=True):
            if name and count:
                self.faults[name] = self.faults.get(name, 0) + int(count)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is simulated."""

    generate: Generate
    #: [us].
    span: tuple[int, int]
    seed: int
    #: By family.
    devices: Mapping[str, Sequence[Device]]
    #: By family.
    wires: Mapping[str, Wire]
    faults: FaultOptions = field(default_factory=FaultOptions)
    #: Readings of a SenML message.
    pack: int = 1
    #: At most so much is made at once [us].
    window: int = _DAY
    #: What is observed in a window goes out with it, nothing waits until it is due in a later one (a past that is
    #: loaded, without faults).
    whole: bool = False
    #: Lasting faults begin in this part of the span [us]; None is all of it.
    onsets: tuple[int, int] | None = None
    #: Whose signals these are, for who asks what is true of it.
    fleet: Fleet | None = None

    def registered(self) -> list[Device]:
        """The devices as they are to be registered for what they speak."""
        return [device for family, own in self.devices.items() for device in speaking(own, self.wires[family])]

    def windows(self) -> Iterator[tuple[int, int]]:
        """The windows of the span [us], in their order."""
        start, end = self.span
        count = sum(map(len, self.devices.values()))
        width = max(_DAY // 48, min(_DAY, _DAY * _DEVICES_A_DAY // max(count, 1)))
        width = _DAY // -(-_DAY // min(width, self.window))
        edge = start
        while edge < end:
            until = min((edge // width + 1) * width, end)
            yield edge, until
            edge = until

    def streams(self, arrival: Callable[[Int64], Int64]) -> Iterator[list[Stream]]:
        """Window by window, what each family publishes in it. ``arrival``: see `simulators.faults.Faults`."""
        faults: dict[str, Faults] = {}
        numbers = {family: np.zeros(len(own), np.int64) for family, own in self.devices.items()}
        for edge, until in self.windows():
            found: dict[str, list[Signals]] = {}
            for signals in self.generate(edge, until):
                found.setdefault(signals.family, []).append(signals)
            out = []
            for family in self.devices:
                wire = self.wires[family]
                if family in found:
                    stream = plan(_whole(found[family]), wire, numbers[family], self.pack)
                    if family not in faults:
                        faults[family] = self._faults(stream, wire, arrival)
                elif family in faults:
                    stream = plan(_nothing(faults[family], self.devices[family]), wire, numbers[family])
                else:
                    continue
                out.append(faults[family].apply(stream, edge, None if self.whole or until == self.span[1] else until))
            yield out

    def _faults(self, stream: Stream, wire: Wire, arrival: Callable[[Int64], Int64]) -> Faults:
        models = {wire.model_for(device) for device in stream.devices}
        keep = {name: period for model in models for name, period in model_of(model).keep.items()}
        return Faults(
            stream.family,
            stream.properties,
            len(stream.devices),
            wire,
            self.faults,
            self.seed,
            self.onsets or self.span,
            keep=keep,
            arrival=arrival,
            gateways=[device.attributes.get("gateway", "") for device in stream.devices],
        )


def choose_wires(families: Mapping[str, str], override: str | None) -> dict[str, Wire]:
    """The wire format of each family: the fleet's own, or ``override``, where ``vendor`` is each family's vendor's.

    Raises ValueError where the override is not a format that every family's devices can speak.
    """
    chosen = {}
    for family, own in families.items():
        name = own if override is None else VENDOR[family] if override == "vendor" else override
        if name not in WIRES:
            raise ValueError(f"format {name!r}; one of vendor, {', '.join(WIRES)}")
        wire = WIRES[name]
        if wire.digits is not None and VENDOR[family] != name and not (family == "parking-bay" and wire.needs):
            raise ValueError(f"format {name}: a {family} does not speak it")
        chosen[family] = wire
    return chosen


def dry_run(simulation: Simulation, writer: Writer | None, watch: Callable[[Progress], None]) -> Progress:
    """Make the ledger of a simulation that publishes nothing: each message is taken to arrive when it is due."""
    progress = Progress()
    number = 0
    for streams in simulation.streams(lambda due: due):
        for stream in streams:
            if not stream.sent_time:
                stream.stored_time = stream.due
            if writer is not None:
                writer.append(ledger.from_stream(stream, first_message=number, tolerance=TOLERANCE))
            number += int(stream.message.max(initial=-1)) + 1
            progress.add(stream)
            progress.readings += int((stream.expect != UNSENT).sum())
        progress.messages = number
        progress.at = max([progress.at, *(int(stream.due.max(initial=0)) for stream in streams)])
        watch(progress)
    return progress


def publish(
    simulation: Simulation,
    clock: Clock,
    connections: Connections,
    line_of: Mapping[str, Sequence[int]],
    writer: Writer | None,
    watch: Callable[[Progress], None],
    stopped: Callable[[], bool] = lambda: False,
    finished: Callable[[Progress, int], None] = lambda _progress, _edge: None,
) -> Progress:
    """Publish a simulation at the pace of the clock and write its ledger.

    ``line_of``: the connection of each device, by family. ``finished`` is called at the end [us] of each whole window,
    when its messages are out (not all acknowledged) and its rows with the writer. Ends early where ``stopped`` says so;
    the ledger then holds what is out, and nothing else. Raises PublishError or OSError where a connection ends.
    """
    progress = Progress()
    number = 0
    for (_, edge), streams in zip(simulation.windows(), simulation.streams(clock.arrival), strict=True):
        sent = _play(simulation, streams, clock, connections, line_of, progress, watch, stopped)
        for stream, stamps in zip(streams, sent, strict=True):
            published = stamps[stream.message]
            out = (published != NO_TIME) | (stream.expect == UNSENT)
            if not stream.sent_time:
                stream.stored_time = published
            if writer is not None:
                rows = ledger.from_stream(stream, first_message=number, published=published, tolerance=TOLERANCE)
                writer.append(rows if out.all() else rows.take(out))
            number += len(stamps)
            progress.add(stream if out.all() else rows_of(stream, np.flatnonzero(out)))
        watch(progress)
        if stopped():
            break
        finished(progress, edge)
    connections.wait_acknowledged(60.0)
    return progress


def _play(
    simulation: Simulation,
    streams: Sequence[Stream],
    clock: Clock,
    connections: Connections,
    line_of: Mapping[str, Sequence[int]],
    progress: Progress,
    watch: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> list[Int64]:
    """Publish the messages of one window, all families in the order in which they are due; when each went out [us].

    Messages are encoded block by block: the broker works on one while the next is made.
    """
    plans = [_Plan(stream, simulation.wires[stream.family], line_of[stream.family]) for stream in streams]
    sent = [np.full(len(plan_.due), NO_TIME) for plan_ in plans]
    if not plans:
        return sent
    due = np.concatenate([plan_.due for plan_ in plans])
    of_plan = np.repeat(np.arange(len(plans)), [len(plan_.due) for plan_ in plans])
    place = np.concatenate([np.arange(len(plan_.due)) for plan_ in plans])
    order = np.argsort(due, kind="stable")
    order = order[np.concatenate([plan_.goes for plan_ in plans])[order]]
    goes = clock.arrival(due[order])
    looked = time.monotonic()
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        ready = _Block(plans, of_plan[block], place[block])
        at = 0
        while at < len(block) and not stopped():
            now = time.time_ns() // 1_000
            free = int(np.searchsorted(goes[start : start + len(block)], now, side="right"))
            if free <= at:
                connections.wait(min(_TICK, (int(goes[start + at]) - now) / 1e6))
            else:
                end = min(free, at + _BURST)
                part = slice(at, end)
                for number in range(len(plans)):
                    sent[number][ready.place[part][ready.of_plan[part] == number]] = now
                connections.send(ready.messages[part], ready.lines[part])
                progress.messages += end - at
                progress.readings += int(ready.readings[part].sum())
                progress.at = int(due[block[end - 1]])
                at = end
            if time.monotonic() - looked >= 0.5:
                looked = time.monotonic()
                watch(progress)
    return sent


class _Plan:
    """One family's messages of a window: when each is due, whether it goes out, over which line, and its rows."""

    def __init__(self, stream: Stream, wire: Wire, lines: Sequence[int]) -> None:
        self.stream, self.wire = stream, wire
        self.edges = starts(stream.message)
        firsts = self.edges[:-1]
        self.due = stream.due[firsts]
        self.goes = stream.expect[firsts] != UNSENT
        self.line = np.asarray(lines, np.int64)[stream.device[firsts]]

    def encode(self, places: Int64) -> list[Message]:
        """The messages of these numbers, which rise; each of them goes out."""
        low, high = int(places[0]), int(places[-1]) + 1
        rows = np.arange(self.edges[low], self.edges[high])
        part = rows_of(self.stream, rows[self.goes[self.stream.message[rows]]])
        part.message = part.message - low
        part.spoiled = {number - low: self.stream.spoiled[number] for number in self._spoiled(low, high)}
        made = self.wire.encode(part)
        found = [made[place] for place in (places - low).tolist()]
        if None in found:
            raise RuntimeError(f"format {self.wire.name} made no message of a {self.stream.family}'s readings")
        return [message for message in found if message is not None]

    def _spoiled(self, low: int, high: int) -> list[int]:
        return [number for number in self.stream.spoiled if low <= number < high]


class _Block:
    """Messages of several families in the order in which they go out, encoded."""

    def __init__(self, plans: Sequence[_Plan], of_plan: Int64, place: Int64) -> None:
        self.of_plan, self.place = of_plan, place
        messages: list[Message] = [("", b"")] * len(place)
        line, self.readings = np.zeros(len(place), np.int64), np.zeros(len(place), np.int64)
        for number, plan_ in enumerate(plans):
            mine = np.flatnonzero(of_plan == number)
            if not len(mine):
                continue
            places = place[mine]
            for index, message in zip(mine.tolist(), plan_.encode(places), strict=True):
                messages[index] = message
            line[mine] = plan_.line[places]
            self.readings[mine] = plan_.edges[places + 1] - plan_.edges[places]
        self.messages, self.lines = messages, line.tolist()


def _whole(parts: Sequence[Signals]) -> Signals:
    """One family's pieces as one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    bases = np.cumsum([0, *(int(part.message.max(initial=-1)) + 1 for part in parts[:-1])])
    return Signals(
        first.family,
        first.devices,
        first.properties,
        np.concatenate([part.device for part in parts]),
        np.concatenate([part.property for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.message + base for part, base in zip(parts, bases, strict=True)]),
    )


def _nothing(faults: Faults, devices: Sequence[Device]) -> Signals:
    none = np.empty(0, np.int64)
    return Signals(
        faults.family, devices, faults.properties, none.astype(np.int32), none.astype(np.uint8), none, np.empty(0), none
    )
