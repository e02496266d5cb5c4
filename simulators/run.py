"""A simulation from end to end: generate, plan, faults, encode, pace, publish, and the ledger of it all.

Works window by window of simulated time, so that memory is bounded by one window whatever the span.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np

from devices.device import Device
from devices.models import model_of
from simulators import ledger
from simulators.connections import Connections
from simulators.encode import VENDOR, WIRES, Wire, plan, speaking
from simulators.fault_options import FaultOptions
from simulators.faults import Faults, rows_of
from simulators.ledger import Rows
from simulators.plans import Fleet
from simulators.rules import UNSENT
from simulators.stream import EXPECTATIONS, Int64, Signals, Stream
from simulators.window import TOLERANCE, Block, Plan, Window

#: Signals of a span [us], such as ``simulators.generate.generate`` with its fleet given.
Generate = Callable[[int, int], Iterator[Signals]]

_DAY = 86_400_000_000
#: A window is a day for so many devices and shorter for more: it is in memory whole.
_DEVICES_A_DAY = 4_000
_BURST = 500
_BLOCK = 5_000
_TICK = 0.05
#: How often what is out is acknowledged and kept, and how long that may take [s].
_KEEP, _PATIENCE = 1.0, 60.0

Lines = Literal["one", "gateway", "device"]


class Writer(Protocol):
    """What takes the rows of the ledger, such as `simulators.ledger.LedgerWriter`."""

    def append(self, rows: Rows) -> None:
        """Add rows at the end. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When a message that is due goes out: ``speed`` simulated seconds a second from ``start`` [us], at the instant
    ``wall`` [us]; None is as fast as possible. Nothing goes out before it is due: it would come from the future.

    ``turns``: from what is due then [us], at the instant [us], it went on after it had been held, the earliest first.
    """

    start: int
    wall: int
    speed: float | None
    turns: Sequence[tuple[int, int]] = ()

    def arrival(self, due: Int64) -> Int64:
        """When what is due arrives at the earliest [us]."""
        starts_, walls = (
            np.array(column, np.int64) for column in zip((self.start, self.wall), *self.turns, strict=True)
        )
        place = np.maximum(np.searchsorted(starts_, due, side="right") - 1, 0)
        if self.speed is None:
            return np.maximum(due, walls[place])
        return np.maximum(due, walls[place] + ((due - starts_[place]) / self.speed).astype(np.int64))


class Place(NamedTuple):
    """How far a simulation is out: whole windows, messages in the order in which they go out, when the last was due
    [us]. All of them are acknowledged."""

    windows: int = 0
    messages: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier start of the same simulation has done: ``out`` is not sent again, and the rows of what is
    ``written`` are in a ledger. ``stamps`` says of numbers of messages between the two when they went out [us]."""

    out: Place
    written: Place
    stamps: Callable[[Int64], Int64]


#: Called now and then when all that is out is acknowledged; its second argument hands the rows of that to the writer.
Keep = Callable[[Place, Callable[[], None]], None]


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
    *,
    earlier: Earlier | None = None,
    keep: Keep | None = None,
) -> Progress:
    """Publish a simulation at the pace of the clock and write its ledger.

    ``line_of``: the connection of each device, by family. ``finished`` is called at the end [us] of each whole window,
    when its messages are out (not all acknowledged) and its rows with the writer. Ends early where ``stopped`` says so;
    the ledger then holds what is out, and nothing else. ``earlier``: what an earlier start did, by a clock that this
    one continues; it is counted in the progress as if it went out now. ``keep`` is called every second or so, and once
    at the end. Raises PublishError or OSError where a connection ends.
    """
    run = _Run(simulation, clock, connections, line_of, writer, watch, stopped, earlier, keep)
    for (_, edge), streams in zip(simulation.windows(), simulation.streams(clock.arrival), strict=True):
        run.play(streams)
        watch(run.progress)
        if stopped():
            break
        finished(run.progress, edge)
    connections.wait_acknowledged(_PATIENCE)
    run.keep()
    return run.progress


class _Run:
    """A simulation that is being published, window by window."""

    def __init__(
        self,
        simulation: Simulation,
        clock: Clock,
        connections: Connections,
        line_of: Mapping[str, Sequence[int]],
        writer: Writer | None,
        watch: Callable[[Progress], None],
        stopped: Callable[[], bool],
        earlier: Earlier | None,
        keep: Keep | None,
    ) -> None:
        self.progress = Progress()
        self._simulation, self._clock, self._connections, self._line_of = simulation, clock, connections, line_of
        self._writer, self._watch, self._stopped, self._earlier, self._keep = writer, watch, stopped, earlier, keep
        self._windows, self._number = 0, 0
        self._window: Window | None = None
        self._kept = self._looked = time.monotonic()

    def play(self, streams: Sequence[Stream]) -> None:
        """Publish the messages of one window, all families in the order in which they are due, and write its rows.

        Messages are encoded block by block: the broker works on one while the next is made.
        """
        plans = [
            Plan(stream, self._simulation.wires[stream.family], self._line_of[stream.family]) for stream in streams
        ]
        window = self._window = Window(plans, self._number)
        self._number = window.end
        if plans:
            self._send(window)
        whole = not self._stopped()
        if self._earlier is not None and self._windows < self._earlier.written.windows:
            window.written_whole()
        self._write(whole=whole or self._keep is None)
        for stream, out in window.out():
            self.progress.add(stream if out.all() else rows_of(stream, np.flatnonzero(out)))
        if whole:
            self._windows += 1
            self._window = None

    def keep(self) -> None:
        """Say how far it is. All of it must be acknowledged."""
        self._kept = time.monotonic()
        if self._keep is not None:
            self._keep(Place(self._windows, self.progress.messages, self.progress.at), lambda: self._write(whole=False))

    def _write(self, *, whole: bool) -> None:
        if self._window is not None and self._writer is not None:
            for rows in self._window.rows(whole=whole):
                self._writer.append(rows)

    def _send(self, window: Window) -> None:
        order = window.order
        goes = self._clock.arrival(window.due[order])
        skipped = self._skip(window)
        order, goes = order[skipped:], goes[skipped:]
        for start in range(0, len(order), _BLOCK):
            if self._stopped():
                break
            block = order[start : start + _BLOCK]
            ready = Block(window.plans, window.of_plan[block], window.place[block])
            at = 0
            while at < len(block) and not self._stopped():
                now = time.time_ns() // 1_000
                free = int(np.searchsorted(goes[start : start + len(block)], now, side="right"))
                if free <= at:
                    self._connections.wait(min(_TICK, (int(goes[start + at]) - now) / 1e6))
                else:
                    end = min(free, at + _BURST)
                    part = slice(at, end)
                    window.stamp(block[part], now)
                    self._connections.send(ready.messages[part], ready.lines[part])
                    self._count(end - at, int(ready.readings[part].sum()), int(window.due[block[end - 1]]))
                    at = end
                if time.monotonic() - self._looked >= 0.5:
                    self._looked = time.monotonic()
                    self._watch(self.progress)
                if self._keep is not None and time.monotonic() - self._kept >= _KEEP:
                    self._connections.wait_acknowledged(_PATIENCE)
                    self.keep()

    def _skip(self, window: Window) -> int:
        """Pass over what an earlier start has sent; how many that are."""
        if self._earlier is None:
            return 0
        first = self.progress.messages
        skipped = min(max(self._earlier.out.messages - first, 0), len(window.order))
        if not skipped:
            return 0
        mine = window.order[:skipped]
        numbers = np.arange(first, first + skipped)
        window.stamp(mine, self._earlier.stamps(numbers))
        window.wrote(mine[numbers < self._earlier.written.messages])
        self._count(skipped, window.readings(mine), int(window.due[mine[-1]]))
        return skipped

    def _count(self, messages: int, readings: int, at: int) -> None:
        self.progress.messages += messages
        self.progress.readings += readings
        self.progress.at = at


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
