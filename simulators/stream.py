"""Columns that the stages of a simulation hand on. Times are int64 microseconds since the Unix epoch, UTC.

Shapes: every array of one object has the same length, one entry a reading (`Signals`) or one a planned row (`Stream`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from devices.device import Device

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]


@dataclass(slots=True)
class Signals:
    """What the devices of one family observe in a span, without any fault.

    ``device`` indexes ``devices``, ``property`` indexes ``properties``; ``value`` is in the property's unit
    (`devices.families`). Readings with the same ``message`` go out together and have one ``time``. Sorted by
    (time, device, property).
    """

    family: str
    devices: Sequence[Device]
    properties: Sequence[str]
    device: Int32
    property: UInt8
    time: Int64
    value: Float64
    message: Int64


#: What should become of a row. The order is that of ``Stream.expect``.
EXPECTATIONS: tuple[str, ...] = (
    "stored",
    "duplicate",  # its key and value are stored by another row
    "rejected",  # as a reading or with its whole message; `reason` says why
    "thinned",  # the keep rule does not store it
    "ignored",  # a status message
    "unsent",  # the fault is that it never leaves the device
)


@dataclass(slots=True)
class Stream:
    """What is sent: one row a reading, in the order of publication.

    ``message`` numbers the messages from 0 (rows of one message are neighbours); ``due`` is when it is published, in
    simulated time; ``time`` and ``value`` are as the device says them, ``sent_time`` False where the format has no time
    of its own. ``fault`` indexes ``faults`` (0 is none), ``expect`` indexes EXPECTATIONS, ``reason`` indexes
    ``reasons`` (0 is none). ``stored_time`` and ``stored_value`` are what the table should hold for a stored or
    duplicate row. ``spoiled`` gives the bytes of messages that no encoder makes. ``unit`` indexes ``units``: the unit
    that ``value`` is in, "" for the property's own. ``number`` is the device's own number of the message, from 0.
    """

    family: str
    devices: Sequence[Device]
    properties: Sequence[str]
    device: Int32
    property: UInt8
    time: Int64
    value: Float64
    message: Int64
    due: Int64
    fault: UInt8
    expect: UInt8
    reason: UInt8
    stored_time: Int64
    stored_value: Float64
    faults: Sequence[str] = ("",)
    reasons: Sequence[str] = ("",)
    sent_time: bool = True
    spoiled: Mapping[int, bytes] = field(default_factory=dict)
    unit: UInt8 | None = None
    units: Sequence[str] = ("",)
    number: Int64 | None = None
