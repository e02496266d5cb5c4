"""Faults: what goes wrong between what a device observes and what is sent.

A device has one lasting fault at most (`simulators.device_faults`) and a message one of its own. Both are drawn by
streams keyed by (seed, family, purpose, day), so that a fault changes nothing else. What should become of each row is
said by ``simulators.rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.families import FAMILIES
from simulators.columns import number, starts, times
from simulators.device_faults import CLOCKS, DeviceFaults
from simulators.encode import Wire, stored_value
from simulators.fault_options import FAULTS, MESSAGE_FAULTS, FaultOptions
from simulators.randomness import stream as randomness
from simulators.rules import UNSENT, Rules
from simulators.stream import Int64, Stream

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
#: Values of these devices' readings stay: what a second fault of the value would do depends on the format's details.
_OWN_VALUES = (*CLOCKS, "units")
_ROWS = tuple(
    item.name
    for item in fields(Stream)
    if item.name
    in {"device", "property", "time", "value", "message", "due", "fault", "expect", "reason", "stored_time",
        "stored_value", "unit", "number"}
)  # fmt: skip


class Faults:
    """The faults of one family's devices, window after window.

    ``span`` [us]: of the whole simulation. ``keep``: property -> period [s] of the model's keep rule. ``arrival``:
    from when a row is due to when it arrives, both [us].
    """

    def __init__(
        self,
        family: str,
        properties: Sequence[str],
        devices: int,
        wire: Wire,
        options: FaultOptions,
        seed: int,
        span: tuple[int, int],
        *,
        keep: Mapping[str, float],
        arrival: Callable[[Int64], Int64],
        gateways: Sequence[str] = (),
    ) -> None:
        self.family, self.properties, self._wire, self._options = family, list(properties), wire, options
        self._seed, self._keeps = seed, bool(keep)
        self._lasting = DeviceFaults(
            family, properties, devices, wire, options, seed, span, keeps=bool(keep), gateways=gateways
        )
        self._own_values = self._lasting.having(_OWN_VALUES)
        self._rules = Rules(family, properties, devices, keep, arrival)
        self._held: Stream | None = None
        #: What each device said last, where somebody may miss a departure.
        self._said = np.zeros(devices)
        known = FAMILIES[family].properties
        self._beyond = np.array([_beyond(known[name].low, known[name].high) for name in properties])
        # two bytes of a radio message have no room for a state that is neither true nor false
        self._can_spike = np.array([not (wire.needs and known[name].kind == "state") for name in properties])

    def apply(self, stream: Stream, window: int, until: int | None) -> Stream:
        """What is published from the last window's end to ``until`` [us], None for all that is left.

        ``stream`` is the plan of one window that begins at ``window`` [us]; it is used up. Rows come out renumbered, in
        the order of publication; what is due later is held back for the next call.
        """
        stream.unit, stream.units = np.zeros(len(stream.message), np.uint8), ("", "W.h")
        bits = self._lasting.apply(stream)
        stream.stored_value = stored_value(self._wire, self.properties, stream.property, stream.value)
        said = np.flatnonzero(stream.unit)
        stream.stored_value[said] = stream.value[said] / 1000
        stream, bits = self._of_messages(stream, bits, window)
        stream.faults, stream.fault = _named(bits)
        out = self._due(stream, until)
        self._rules.predict(out, self._oldest(until))
        return out

    def _of_messages(self, stream: Stream, bits: Int64, window: int) -> tuple[Stream, Int64]:
        """Draw each message's own fault."""
        edges = starts(stream.message)
        firsts, count = edges[:-1], len(edges) - 1
        rng = randomness(self._seed, self.family, "fault of message", window // _DAY, window % _DAY // _SECOND)
        draw, choice = rng.random(count), rng.random(count)
        sent = stream.expect[firsts] != UNSENT
        chosen: dict[str, NDArray[np.int64]] = {}
        edge = 0.0
        for name in MESSAGE_FAULTS:
            if name == "missed_departure":
                continue
            share = self._options.share.get(name, 0.0)
            chosen[name] = np.flatnonzero(sent & (draw >= edge) & (draw < edge + share))
            edge += share
        chosen["missed_departure"] = self._missed(stream, window, sent & (draw >= edge))
        sizes = np.diff(edges)
        of_message = np.repeat(np.arange(count), sizes)

        def mark(name: str, messages: NDArray[np.int64]) -> NDArray[np.bool_]:
            rows = np.isin(of_message, messages)
            bits[rows] |= 1 << FAULTS.index(name)
            return rows

        for name in ("loss", "missed_departure"):
            stream.expect[mark(name, chosen[name])] = UNSENT
        if not self._keeps:  # a display has no memory: it never says an older reading after a newer one
            rows = mark("out_of_order", chosen["out_of_order"])
            late = (choice * self._parameter("out_of_order", "seconds") * _SECOND).astype(np.int64)
            stream.due[rows] += late[of_message[rows]]
        plain = ~self._own_values[stream.device[firsts]]
        for name in ("spike", "not_a_number"):
            messages = chosen[name][plain[chosen[name]]]
            places = firsts[messages] + (choice[messages] * sizes[messages]).astype(np.int64)
            if name == "spike":
                places = places[self._can_spike[stream.property[places]]]
                stream.value[places] = self._beyond[stream.property[places]]
            elif self._wire.nulls:
                stream.value[places] = np.nan
            else:
                continue
            stream.stored_value[places] = stream.value[places]
            bits[places] |= 1 << FAULTS.index(name)
        stream.spoiled = self._spoil(stream, bits, chosen, firsts, choice)
        return self._repeat(stream, bits, chosen["duplicate"], of_message, choice)

    def _missed(self, stream: Stream, window: int, plain: NDArray[np.bool_]) -> Int64:
        """Messages of departures that are not heard, a share of those without another fault; ``plain`` (messages,)."""
        share = self._options.share.get("missed_departure", 0.0)
        if not share or "occupied" not in self.properties:
            return np.empty(0, np.int64)
        states = np.flatnonzero(stream.property == self.properties.index("occupied"))
        states = states[np.lexsort((stream.time[states], stream.device[states]))]
        if not len(states):
            return np.empty(0, np.int64)
        device, value = stream.device[states], stream.value[states]
        before = np.concatenate(([0.0], value[:-1]))
        first = np.flatnonzero(np.diff(device, prepend=-1))
        before[first] = self._said[device[first]]
        last = np.append(first[1:] - 1, len(device) - 1)
        self._said[device[last]] = value[last]
        leaving = np.unique(stream.message[states[(value == 0) & (before == 1)]])
        leaving = np.searchsorted(stream.message[starts(stream.message)[:-1]], leaving)
        leaving = leaving[plain[leaving]]
        rng = randomness(self._seed, self.family, "missed departures", window // _DAY, window % _DAY // _SECOND)
        return leaving[rng.random(len(leaving)) < share]

    def _spoil(
        self, stream: Stream, bits: Int64, chosen: Mapping[str, Int64], firsts: Int64, choice: Any
    ) -> dict[int, bytes]:
        """Bytes that are no message of the format: cut short, noise, or NaN where the format has no such word."""
        spoiled = {}
        for name in ("malformed", "not_a_number"):
            if name == "not_a_number" and (self._wire.nulls or self._wire.needs):
                continue
            for message in chosen[name].tolist():
                first = int(firsts[message])
                kind = 2 if name == "not_a_number" else int(choice[message] * 2)
                key = self.properties[stream.property[first]]
                text = f'{{"time":"{times(stream.time[first : first + 1])[0]}","{key}":'.encode()
                if kind == 0 and not self._wire.text:
                    text = b"\x82\xa3\x21"  # an array of two, of which the first record breaks off
                elif kind == 0:
                    text += number(float(stream.value[first])).encode()
                elif kind == 1:
                    text = b"\xff\xfe" + text[::-1]
                else:
                    text += b"NaN}"
                number_ = int(stream.message[first])
                spoiled[number_] = text
                bits[stream.message == number_] |= 1 << FAULTS.index(name)
        return spoiled

    def _repeat(
        self, stream: Stream, bits: Int64, messages: Int64, of_message: Int64, choice: Any
    ) -> tuple[Stream, Int64]:
        """Add the exact repeats, as messages of their own."""
        rows = np.flatnonzero(np.isin(of_message, messages))
        if not len(rows):
            return stream, bits
        again = rows_of(stream, rows)
        again.message = again.message + int(stream.message.max()) + 1
        again.due += (choice[of_message[rows]] * self._parameter("duplicate", "seconds") * _SECOND).astype(np.int64)
        return joined(stream, again), np.concatenate((bits, bits[rows] | 1 << FAULTS.index("duplicate")))

    def _parameter(self, fault: str, name: str) -> float:
        return float(self._options.get(fault, name)) if fault in self._options.share else 0.0

    def _due(self, stream: Stream, until: int | None) -> Stream:
        """Join what was held back, cut at ``until``, order by publication."""
        if self._held is not None:
            stream = joined(self._held, stream)
        order = np.lexsort((np.arange(len(stream.due)), stream.due))
        order = order[np.lexsort((_first_place(stream.message[order]), stream.due[order]))]
        stream = rows_of(stream, order)
        now = np.ones(len(stream.due), bool) if until is None else stream.due < until
        self._held = rows_of(stream, np.flatnonzero(~now))
        # numbers are given anew to what comes: those of messages that are out must not name bytes any more
        waiting = set(self._held.message.tolist())
        self._held.spoiled = {message: text for message, text in stream.spoiled.items() if message in waiting}
        return _renumbered(rows_of(stream, np.flatnonzero(now)))

    def _oldest(self, until: int | None) -> int:
        """What was due before [us] is repeated by no later row and need not be remembered."""
        if until is None:
            return int(np.iinfo(np.int64).max)
        slack = 26 * _HOUR  # an interval of a day is told at its end, and an hour of summer time
        for fault, name, unit in (
            ("outage", "hours", _HOUR), ("clock_skew", "seconds", _SECOND), ("out_of_order", "seconds", _SECOND),
            ("duplicate", "seconds", _SECOND),
        ):  # fmt: skip
            slack += round(abs(self._parameter(fault, name)) * unit)
        return until - slack


def _beyond(low: float, high: float) -> float:
    """A value that no sensor can mean: above the range, and still a whole number of few digits."""
    return float(round(high + 0.1 * (high - low) + 1))


def rows_of(stream: Stream, rows: Int64) -> Stream:
    """Some rows of a stream."""
    return replace(stream, **{name: column[rows] for name in _ROWS if (column := getattr(stream, name)) is not None})


def joined(first: Stream, second: Stream) -> Stream:
    """Two streams of one family, one after the other; the second's messages are numbered after the first's."""
    base = (
        int(first.message.max(initial=-1)) + 1 if second.message.min(initial=0) <= first.message.max(initial=-1) else 0
    )
    faults = list(dict.fromkeys((*first.faults, *second.faults)))
    columns: dict[str, Any] = {name: np.concatenate((getattr(first, name), getattr(second, name))) for name in _ROWS}
    columns["message"] = np.concatenate((first.message, second.message + base))
    columns["fault"] = np.concatenate(
        [np.array([faults.index(name) for name in part.faults], np.uint8)[part.fault] for part in (first, second)]
    )
    spoiled = {**first.spoiled, **{message + base: text for message, text in second.spoiled.items()}}
    return replace(second, **columns, faults=faults, spoiled=spoiled)


def _first_place(message: Int64) -> Int64:
    """For each row the place of its message's first row: what belongs together stays so when times are equal."""
    _, first, inverse = np.unique(message, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _renumbered(stream: Stream) -> Stream:
    """Messages numbered from 0 in the order of the rows; rows of a message are neighbours."""
    firsts = starts(stream.message)[:-1]
    old = stream.message[firsts]
    new = {message: place for place, message in enumerate(old.tolist()) if message in stream.spoiled}
    sizes = np.diff(starts(stream.message))
    stream.message = np.repeat(np.arange(len(firsts)), sizes).astype(np.int64)
    stream.spoiled = {new[message]: text for message, text in stream.spoiled.items() if message in new}
    return stream


def _named(bits: Int64) -> tuple[list[str], NDArray[np.uint8]]:
    """The names of the faults that meet ("stuck+duplicate", at most one lasting and one of the message)."""
    found, index = np.unique(bits, return_inverse=True)
    names = ["+".join(name for place, name in enumerate(FAULTS) if mask >> place & 1) for mask in found.tolist()]
    if "" in names:
        return names, index.astype(np.uint8)
    return ["", *names], (index + 1).astype(np.uint8)
