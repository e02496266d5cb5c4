"""Wire formats of a simulated fleet: what each can say of a signal, and the messages that say it.

``plan`` turns signals into a stream without faults, ``Wire.encode`` a stream into messages. Between the two stands
``simulators.faults``; no encoder knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from devices.duration import duration
from devices.families import FAMILIES
from devices.models import model_of
from simulators import encode_lorawan, encode_native, encode_senml, encode_vendor
from simulators.clock import HALF_HOUR_US
from simulators.columns import Encoded
from simulators.randomness import Float64
from simulators.stream import Int64, Signals, Stream

#: Digits after the point that a property keeps; None: as it is.
Digits = int | None


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire format."""

    name: str
    #: What its devices are registered as.
    model: str
    encode: Callable[[Stream], Encoded]
    #: Property -> digits after the point, of the properties that the format carries; None: all properties of the
    #: family, as they are.
    digits: Mapping[str, Digits] | None = None
    #: Property -> factor to the unit in which it goes over the wire, where the rounding takes place.
    scale: Mapping[str, float] = field(default_factory=dict)
    #: Of its times [us]; 0: the message has no time.
    resolution: int = 1
    #: A device can say in which unit an energy is.
    units: bool = False
    #: A value that is no number costs its reading alone.
    nulls: bool = False
    #: JSON, so that text which is no JSON is unreadable.
    text: bool = True
    #: Readings of several times may share a message.
    packs: bool = False
    #: The property without which it says nothing.
    needs: str | None = None
    #: Properties that go in messages of their own.
    apart: frozenset[str] = frozenset()

    def model_for(self, device: Device) -> str:
        """The device's own model where that speaks this format, else the format's usual one."""
        return device.model if self.name in model_of(device.model).formats else self.model


_BOSCH: Mapping[str, Digits] = {"occupied": 0, "temperature": 0}

#: Name -> format. The names are those of `devices.decoders.FORMATS`.
WIRES: Mapping[str, Wire] = {
    wire.name: wire
    for wire in (
        Wire("native", "native", encode_native.encode, nulls=True),
        Wire("senml-json", "native", encode_senml.encode_json, units=True, nulls=True, packs=True),
        Wire("senml-cbor", "native", encode_senml.encode_cbor, units=True, nulls=True, packs=True, text=False),
        Wire(
            "glow",
            "glow",
            encode_vendor.glow,
            digits={
                "import_register": 3, "export_register": 3, "power": 3, "gas_register": 3, "gas_volume_register": 3,
            },
            scale={"power": 0.001},
            resolution=1_000_000,
            units=True,
            apart=frozenset(("gas_register", "gas_volume_register")),
        ),
        Wire("tts", "bosch-tpl110", encode_lorawan.things_stack, digits=_BOSCH, needs="occupied"),
        Wire("chirpstack", "bosch-tpl110", encode_lorawan.chirpstack, digits=_BOSCH, needs="occupied"),
        Wire(
            "airgradient",
            "airgradient",
            encode_vendor.airgradient,
            digits={
                "pm1": 0, "pm2_5": 0, "pm10": 0, "co2": 0, "temperature": 2, "humidity": 0, "tvoc_index": 0,
                "nox_index": 0,
            },
            resolution=0,
        ),
        Wire(
            "zigbee2mqtt",
            "zigbee2mqtt",
            encode_vendor.zigbee2mqtt,
            digits={"motion": 0, "contact": 0, "illuminance": 0, "battery": 0},
            resolution=0,
        ),
    )
}  # fmt: skip

#: Family -> what its devices speak when nobody has taught them our own format.
VENDOR: Mapping[str, str] = {
    "smart-meter": "glow",
    "parking-bay": "tts",
    "air-monitor": "airgradient",
    "movement-sensor": "zigbee2mqtt",
    "car-park": "native",
}

#: Glow leaves a register of 0 out, or calls it a glitch.
_NEVER_ZERO = {"glow": frozenset(("import_register", "export_register", "gas_register", "gas_volume_register"))}


def plan(signals: Signals, wire: Wire, numbers: Int64, pack: int = 1) -> Stream:
    """The stream of these signals in a wire format, without faults: all is stored as it is.

    ``numbers`` ``(devices,)``: the next message number of each device; it goes on. ``pack``: so many readings of a
    device make one message where the format can do that. Properties that the format has no place for are left out,
    values and times are rounded to what it can say. Messages are due when their newest reading is known: at its time,
    or at the end of its interval. Rows are in the order of (due, device).
    """
    keep, value = _said(signals, wire)
    device, prop, message = signals.device[keep], signals.property[keep], signals.message[keep]
    time, value = signals.time[keep], value[keep]
    if wire.resolution > 1:
        time = time // wire.resolution * wire.resolution
    due = _due(signals, device, prop, time)
    apart = np.isin(prop, [number for number, name in enumerate(signals.properties) if name in wire.apart])
    message = np.unique(message * 2 + apart, return_inverse=True)[1].astype(np.int64)
    if pack > 1 and wire.packs:
        message = _packed(device, time, prop, message, pack)
    # all readings of a message go together, with its last
    latest = np.full(int(message.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest, message, due)
    due = latest[message]
    order = np.lexsort((prop, time, message, device, due))
    device, prop, time, value, due = device[order], prop[order], time[order], value[order], due[order]
    message = _renumbered(message[order])
    count = len(message)
    zeros = np.zeros(count, np.uint8)
    return Stream(
        family=signals.family,
        devices=signals.devices,
        properties=signals.properties,
        device=device,
        property=prop,
        time=time,
        value=value,
        message=message,
        due=due,
        fault=zeros,
        expect=zeros.copy(),
        reason=zeros.copy(),
        stored_time=time.copy(),
        stored_value=stored_value(wire, signals.properties, prop, value),
        sent_time=wire.resolution > 0,
        number=_numbers(device, message, numbers),
    )


def stored_value(wire: Wire, properties: Sequence[str], prop: NDArray[np.uint8], value: Float64) -> Float64:
    """What the table should hold: the number on the wire, converted by the reader to the property's unit.

    Where the wire speaks another unit ``value`` is not a number that it can write: kW with three digits become W by
    multiplication, which rounds.
    """
    result = value.copy()
    for name, scale in wire.scale.items():
        if name in properties:
            rows = prop == list(properties).index(name)
            result[rows] = np.round(value[rows] * scale, _digits(wire, name)) * round(1 / scale)
    return result


def speaking(devices: Sequence[Device], wire: Wire) -> list[Device]:
    """The devices as they are to be registered for this format."""
    return [replace(device, model=wire.model_for(device)) for device in devices]


def _digits(wire: Wire, name: str) -> int:
    digits = None if wire.digits is None else wire.digits.get(name)
    return 15 if digits is None else digits


def _said(signals: Signals, wire: Wire) -> tuple[NDArray[np.bool_], Float64]:
    """Which readings the format has a place for, and their values as it writes them, in the property's unit."""
    value = signals.value.copy()
    keep = np.isfinite(value)
    for number, name in enumerate(signals.properties):
        rows = signals.property == number
        if wire.digits is not None:
            if name not in wire.digits:
                keep &= ~rows
                continue
            scale = wire.scale.get(name, 1.0)
            value[rows] = np.round(value[rows] * scale, _digits(wire, name)) / scale + 0.0  # no -0
        if name in _NEVER_ZERO.get(wire.name, ()):
            keep &= ~(rows & (value == 0))
    if wire.needs is not None:
        number = list(signals.properties).index(wire.needs)
        keep &= np.isin(signals.message, signals.message[keep & (signals.property == number)])
    return keep, value


def _due(signals: Signals, device: NDArray[np.int32], prop: NDArray[np.uint8], time: Int64) -> Int64:
    """An interval is known when it is over, anything else at once."""
    known = FAMILIES[signals.family].properties
    intervals = [number for number, name in enumerate(signals.properties) if known[name].kind == "interval"]
    if not intervals:
        return time.copy()
    lengths = np.array(
        [duration(item.attributes.get("interval")) or HALF_HOUR_US for item in signals.devices], np.int64
    )
    result: Int64 = np.where(np.isin(prop, intervals), time + lengths[device], time)
    return result


def _packed(
    device: NDArray[np.int32], time: Int64, prop: NDArray[np.uint8], message: Int64, pack: int
) -> NDArray[np.int64]:
    """Messages of so many readings of one device each, in the order of time; what was one message stays one."""
    order = np.lexsort((prop, message, time, device))
    place = _place_in_run(device[order])
    # a message that straddles the border goes with its first reading
    first = np.full(int(message.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, message[order], place)
    group = np.empty(len(message), np.int64)
    group[order] = device[order].astype(np.int64) << 40 | first[message[order]] // pack
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _place_in_run(key: NDArray[np.integer]) -> Int64:
    """0, 1, 2 ... within each run of equal keys."""
    index = np.arange(len(key))
    begins = np.concatenate(([True], key[1:] != key[:-1])) if len(key) else np.empty(0, bool)
    return index - np.maximum.accumulate(np.where(begins, index, 0))


def _renumbered(message: Int64) -> Int64:
    """Numbers from 0 in the order of the rows; rows of a message are neighbours."""
    if not len(message):
        return message
    return np.concatenate(([0], np.cumsum(message[1:] != message[:-1]))).astype(np.int64)


def _numbers(device: NDArray[np.int32], message: Int64, numbers: Int64) -> Int64:
    """The device's own number of each row's message; ``numbers`` go on."""
    if not len(message):
        return message.copy()
    begins = np.concatenate(([True], message[1:] != message[:-1]))
    sender = device[begins]
    order = np.argsort(sender, kind="stable")
    number = np.empty(len(sender), np.int64)
    number[order] = _place_in_run(sender[order]) + numbers[sender[order]]
    numbers += np.bincount(sender, minlength=len(numbers))
    return number[message]
