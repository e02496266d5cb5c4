"""The words between a decoder and whoever runs it: what a decoder is given, returns and raises.

A decoder turns the bytes of one message into ``Decoded``:

``(time, values, sequence)``
    * a message with one time: ``time`` is RFC 3339 text, epoch seconds (int or float), ``Relative`` seconds, or None
      (arrival time is used);
      ``values`` maps property to value;
    * a pack, whose records have times of their own: ``time`` is ``PACK``, ``values`` is a list of
      ``(property, time, value)``;
    * ``sequence`` is the device's message number (``seq``, a LoRaWAN frame counter) or None.

Values stay as they were read: the runner checks that each is a number (bool, int, float) of a known property within
its range. A decoder that finds a single bad value puts a ``Flaw`` in its place, so that only this reading is rejected.
A message that says nothing about the world (status, availability) is returned as ``STATUS``; one that cannot be read
raises ``Rejection``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from devices.scrub import Scrub, json_scrub

Time = str | float | int | None
PackRecord = tuple[str, Time, Any]


class Relative(float):
    """A time [s] relative to the message's arrival, negative in the past (SenML, RFC 8428 4.5.3).

    A decoder has no clock: whoever runs it adds the arrival. It is a float, so ask for it before asking for float.
    """

    __slots__ = ()


class Twice(str):
    """A local time that the clocks repeat: RFC 3339 text of the first of its two instants; ``later`` is the second.

    A decoder has no clock: whoever runs it decides by the arrival, or by what else it knows of the device. It is a
    str, so ask for it before asking for str; who does not has the first.
    """

    __slots__ = ("later",)
    later: str

    def __new__(cls, first: str, later: str) -> Self:
        self = super().__new__(cls, first)
        self.later = later
        return self


class _Pack:
    """Type of ``PACK``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "PACK"


#: In place of a message's time: its records have times of their own.
PACK: Final = _Pack()

Decoded = tuple[Any, Any, int | None]
Decode = Callable[[bytes], Decoded]

#: A message without readings that is not an error.
STATUS: Final[Decoded] = (None, {}, None)


class Reason(StrEnum):
    """Why a message or a reading was rejected. Stored with it; the names are part of the contract."""

    UNREADABLE = "unreadable"  # the payload does not parse as its format
    OVERSIZE = "oversize"  # payload above the limit; it is not parsed
    EMPTY = "empty"  # parses, but holds no reading
    UNKNOWN_DEVICE = "unknown_device"
    RETIRED_DEVICE = "retired_device"
    UNKNOWN_TOPIC = "unknown_topic"  # no subscription matches, or the topic holds no device id
    WRONG_FAMILY = "wrong_family"  # the topic's family is not the registered one
    DEVICE_MISMATCH = "device_mismatch"  # the payload names another device than the topic
    NO_CODEC = "no_codec"  # raw bytes, but the device's model has no codec
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    UNKNOWN_PROPERTY = "unknown_property"
    BAD_UNIT = "bad_unit"
    BAD_VALUE = "bad_value"
    OUT_OF_RANGE = "out_of_range"
    CONFLICT = "conflict"  # the same series and time are stored with another value
    UNSTORABLE = "unstorable"  # the store does not take this message, and takes the others of its batch


class Rejection(Exception):
    """The whole message cannot be taken. ``detail`` says what and where, never the household's data."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Flaw(NamedTuple):
    """In place of one value: this reading is rejected, the others of its message are not."""

    reason: Reason
    detail: str


class Binding(NamedTuple):
    """What a format may know of the device whose messages it decodes.

    ``borough decode`` may know less: an empty ``device_id`` is not compared with the payload's, an empty ``family``
    stands for all of them.
    """

    device_id: str
    family: str
    model: str
    attributes: Mapping[str, str]


class Format(NamedTuple):
    """One wire format: its name, default topic templates, and ``bind``, which makes the decoder for one device.

    A topic template is an MQTT filter in which ``{device}`` stands for the level with the device id and ``{family}``
    for the one with the family; both count as ``+`` (``borough/{family}/{device}/reading``). ``family`` is what a
    device of this format is registered as when the topic does not say. ``scrub`` takes household identifiers out of a
    message that was read, before it is archived; what it leaves decodes to the same readings. ``version``: what
    a format that is no part of the program is made of; corrections name the decoders that they were made with.
    """

    name: str
    topics: Sequence[str]
    bind: Callable[[Binding], Decode]
    family: str | None = None
    scrub: Scrub = json_scrub()
    version: str = ""
