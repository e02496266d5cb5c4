"""What a mapping file says of where in a record the readings are; mapping_reader reads it, mapping_engine uses it.

A record is anything with keys (a parsed JSON object, a row of a CSV file), or one bare value. A path is one key or a
list of keys (``["SDS0X1", "PM2.5"]``), of which one may be any key (``ANY``). ``{name}`` in a key is the text of the
device's attribute of that name; the empty path is the message itself. docs/how-to/add-a-format.md has the words of a
mapping file one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from devices.numbers import Decimal

Path = tuple[str, ...]

#: As one level of a path: any key.
ANY = "*"

#: As a time's zone: the device's attribute ``zone``.
DEVICE_ZONE = "device"


class MappingError(ValueError):
    """A mapping file is wrong. The text names the file, the line or key, and the reason."""


@dataclass(frozen=True, slots=True)
class ReadingRule:
    """Where one property is found and how its value reads."""

    property: str
    #: The first one that is there (and not null) counts.
    paths: tuple[Path, ...]
    #: The value's unit, or None for the property's own.
    unit: str | None = None
    #: Where the record itself says the unit.
    unit_path: Path | None = None
    #: Enumeration, text -> number (true and false as text).
    values: Mapping[str, float] | None = None
    #: Values that mean "not measured".
    absent: tuple[float, ...] = ()
    #: A value that rejects the reading, and why.
    glitch: tuple[float, str] | None = None
    #: A list of numbers at a path counts as their sum.
    sum: bool = False
    #: What is added to the value, and subtracted from it, where it is there.
    plus: tuple[Path, ...] = ()
    minus: tuple[Path, ...] = ()
    #: Where the topic says what a message is about: how the topics end whose messages this rule reads.
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the record's time is; none of ``paths`` there: the message has no time.

    ``zone``: IANA name or ``DEVICE_ZONE`` for texts without an offset; ``pattern``: strptime's, where the text is not
    ISO 8601; ``epoch``: a number since 1970-01-01T00:00Z in seconds or milliseconds, ``auto``: in one of them, and a
    text that is no number is read as without ``epoch``. ``repeated_is_old``: a time that the device's message before
    had too, with other values, is that one's.
    """

    paths: tuple[Path, ...]
    zone: str | None = None
    pattern: str | None = None
    epoch: Literal["s", "ms", "auto"] | None = None
    repeated_is_old: bool = False


@dataclass(frozen=True, slots=True)
class StatusRule:
    """A record that holds ``path`` (with one of ``values``, where given) says nothing about the world."""

    path: Path
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AnyKey:
    """Which keys a path's level ``*`` stands for.

    ``attribute``: the device's attribute that names them, with commas between several; then no other counts.
    ``besides``: keys that it never stands for.
    """

    attribute: str | None = None
    besides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pivot:
    """A list of ``{name: …, value: …}`` at ``path`` whose entries count as keys of the record itself."""

    path: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """One mapping file."""

    name: str
    topics: tuple[str, ...]
    family: str | None
    readings: tuple[ReadingRule, ...]
    time: TimeRule | None = None
    #: Paths of which one must be the device's id, if any is there.
    identity: tuple[Path, ...] = ()
    statuses: tuple[StatusRule, ...] = ()
    pivot: Pivot | None = None
    #: Numbers are written as text, and an empty text means "not measured".
    text_numbers: bool = False
    #: The decimal sign of numbers that are written as text.
    decimal: Decimal = ""
    #: Such devices often send the same bytes again, so a decoder keeps the last message and what it read in it.
    repeats: bool = False
    #: Model -> further readings.
    variants: Mapping[str, tuple[ReadingRule, ...]] | None = None
    #: Where the record names the model, for devices whose registered model is not one of the variants.
    model_path: Path | None = None
    #: Where the record says of what kind it is, and the readings by kind: for models that have no variant.
    kind_path: Path | None = None
    kinds: Mapping[str, tuple[ReadingRule, ...]] | None = None
    any_key: AnyKey = AnyKey()
    #: A record in which all that would be a reading is null says nothing about the world.
    null_is_status: bool = False
    #: Keys of the record that are no measurement (``Switch*``: all that begin so). With no others it is a status.
    ignored: tuple[str, ...] = ()
    #: What may stand in place of a device in a topic and is none: a bridge that tells of itself.
    no_devices: tuple[str, ...] = ()
    #: Keys, at any depth, that name a household and are not archived, besides those of `devices.scrub`.
    identifiers: tuple[str, ...] = ()
