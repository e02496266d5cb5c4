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
    """What the devices of one family observe in a span, without any fault. Sorted by (time, device, property)."""

    family: str
    devices: Sequence[Device]
    properties: Sequence[str]
    #: Place in ``devices``.
    device: Int32
    #: Place in ``properties``.
    property: UInt8
    #: [us].
    time: Int64
    #: In the property's unit (`devices.families`).
    value: Float64
    #: Readings with the same number go out together and have one time.
    message: Int64


#: What should become of a row. The order is that of ``Stream.expect``.
EXPECTATIONS: tuple[str, ...] = (
    "stored",
    "duplicate",  # its key and value are stored by another row
    "rejected",  # as a reading or with its whole message; `reason` says why
    "thinned",  # the keep rule does not store it
    "ignored",  # a status message
    "unsent",  # the fault is that it never leaves the device
    "restated",  # it takes the place of a stored row of its key, whose value it replaces
)


@dataclass(slots=True)
class Stream:
    """What is sent: one row a reading, in the order of publication."""

    family: str
    devices: Sequence[Device]
    properties: Sequence[str]
    #: Place in ``devices``.
    device: Int32
    #: Place in ``properties``.
    property: UInt8
    #: As the device says it [us].
    time: Int64
    #: As the device says it.
    value: Float64
    #: Numbers the messages from 0; rows of one message are neighbours.
    message: Int64
    #: When it is published, in simulated time [us].
    due: Int64
    #: Place in ``faults``, 0 is none.
    fault: UInt8
    #: Place in EXPECTATIONS.
    expect: UInt8
    #: Place in ``reasons``, 0 is none.
    reason: UInt8
    #: What the table should hold for a stored or duplicate row [us].
    stored_time: Int64
    #: What the table should hold for a stored or duplicate row.
    stored_value: Float64
    faults: Sequence[str] = ("",)
    reasons: Sequence[str] = ("",)
    #: False where the format has no time of its own.
    sent_time: bool = True
    #: Bytes of messages that no encoder makes, by message.
    spoiled: Mapping[int, bytes] = field(default_factory=dict)
    #: Place in ``units``: the unit that ``value`` is in.
    unit: UInt8 | None = None
    #: "" is the property's own.
    units: Sequence[str] = ("",)
    #: The device's own number of the message, from 0.
    number: Int64 | None = None
