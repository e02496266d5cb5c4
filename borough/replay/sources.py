"""What a replay reads: tables by a mapping, or recordings. A job asks both the same things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from borough.database import database
from borough.errors import UsageError
from borough.replay import plan
from borough.replay.messages import Encoding, Outgoing, encode
from borough.replay.observation import Observation
from borough.replay.observations import TableSource
from borough.replay.plan import ReplayOptions
from borough.replay.recorded import RecordingSource
from borough.replay.recording import Recorded
from borough.replay.registering import devices_of
from borough.replay.table_mapping import TableMapping
from borough.settings.collector import subscriptions
from borough.settings.settings import Settings
from devices.counts import counted
from devices.device import Device

_SECOND = 1_000_000
#: Meters' intervals keep their places in the half-hour when they are shifted [us].
_HALF_HOUR = 1_800 * _SECOND


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a source was not sent, known at its end."""

    #: cells or rows that could not be read, and lines that say where the first of them stand
    unreadable: int = 0
    lines: Sequence[str] = ()
    #: bytes that are no whole blocks of a recording
    lost: int = 0
    #: what the result tells of this kind of source alone, by name
    beside: Mapping[str, int] = field(default_factory=dict)


def remarks(left: LeftOut, unheard: int) -> list[str]:
    """What somebody must know of what was not sent, or went nowhere: a line each."""
    lines = list(left.lines)
    if left.unreadable:
        lines.append(
            f"{counted(left.unreadable, 'cell or row', 'cells or rows')} could not be read; "
            f"{'it was' if left.unreadable == 1 else 'they were'} left out."
        )
    if left.lost:
        lines.append(
            f"{counted(left.lost, 'byte')} of the recordings "
            f"{'is no whole block' if left.lost == 1 else 'are no whole blocks'}, as a recorder leaves "
            f"that was cut off;"
            " they were left out."
        )
    if unheard:
        lines.append(
            f"Nobody was subscribed to {counted(unheard, 'message')}, which the broker dropped:"
            " start borough collect before a replay."
        )
    return lines


class ReplaySource(Protocol):
    """Files as messages, the same ones in the same order each time."""

    #: those that were asked for, with the files and the format that are meant
    options: ReplayOptions
    #: None where the files need none
    mapping: TableMapping | None
    #: whether every series comes in the order of time
    ordered: bool

    def shift_to(self, now: int) -> int:
        """What is added to every time [us]. For a shift to ``now`` [us] everything is read once, apart from `messages`.

        The first time becomes now at real speed, else the last one.
        """

    def messages(self, shift: int) -> Iterator[Outgoing]:
        """All messages, every time ``shift`` [us] later. Raises UsageError for what cannot be done with these files."""

    @property
    def fraction(self) -> float:
        """How much is behind us, 0 to 1."""

    def devices(self) -> list[Device]:
        """Its devices, to be registered. Raises UsageError; MappingError."""

    def left_out(self) -> LeftOut:
        """What was not sent until now."""


def source_of(settings: Settings, options: ReplayOptions, *, register: bool) -> ReplaySource:
    """The source of these files. Raises UsageError; MappingError; RecordingError; OSError; psycopg.Error."""
    if not plan.is_recording(options.paths):
        return Tables(options)
    if options.mapping or register:
        raise UsageError("--mapping and --register are for tables; a recording names its devices itself")
    return Recordings(settings, options)


class Tables:
    """Tables by a mapping."""

    ordered = True

    def __init__(self, options: ReplayOptions) -> None:
        self.mapping: TableMapping | None
        self.mapping, paths = plan.table_files(options.paths, options.mapping)
        self._family = self.mapping.family
        self.options = replace(
            options, paths=paths, format="native" if options.format == "recorded" else options.format
        )
        self._table = TableSource(self.mapping, paths)

    def shift_to(self, now: int) -> int:
        """See ``ReplaySource``. Readings of meters move by whole half-hours."""
        if self.options.shift != "now":
            return self.options.shift
        again = TableSource(self._table.mapping, self.options.paths)
        times = (observation.time for observation in self._within(again.observations()))
        first = next(times, now)
        anchor = first if self.options.real_speed else max(times, default=first)
        shift = (now - anchor) // _SECOND * _SECOND
        return shift // _HALF_HOUR * _HALF_HOUR if self._family == "smart-meter" else shift

    def messages(self, shift: int) -> Iterator[Outgoing]:
        """See ``ReplaySource``."""
        encoding: Encoding = "senml" if self.options.format == "senml" else "native"
        observations = self._within(self._table.observations())
        return encode(observations, self._table.devices, self._family, encoding, pack=self.options.pack, shift=shift)

    @property
    def fraction(self) -> float:
        """See ``ReplaySource``."""
        return self._table.fraction

    def devices(self) -> list[Device]:
        """See ``ReplaySource``."""
        return devices_of(self._table.mapping, self._table, self.options.paths)

    def left_out(self) -> LeftOut:
        """See ``ReplaySource``."""
        unreadable = self._table.unreadable
        return LeftOut(unreadable.count, unreadable.lines)

    def _within(self, observations: Iterator[Observation]) -> Iterator[Observation]:
        if self.options.start is None and self.options.end is None:
            return observations
        low, high = _bounds(self.options)
        return (observation for observation in observations if low <= observation.time < high)


class Recordings:
    """Recordings, with the devices as they are registered where there is a database."""

    mapping: TableMapping | None = None
    ordered = False

    def __init__(self, settings: Settings, options: ReplayOptions) -> None:
        self.options = options
        self._settings = settings
        self._devices: list[Device] = []
        if settings.database_url is not None or settings.database_url_file is not None:
            from store import registry

            with database() as connection:
                self._devices = registry.load(connection)[0]
        self._subscriptions = subscriptions(settings)
        for path in options.paths:
            if not path.exists():
                raise UsageError(f"{path}: No such file or directory")
        self._recording = self._open()

    def _open(self) -> RecordingSource:
        return RecordingSource(
            self.options.paths,
            self._subscriptions,
            self._devices,
            auto_register=self._settings.auto_register or not self._devices,
            keep=self._settings.keep,
            payload_maximum=self._settings.payload_maximum,
        )

    def shift_to(self, now: int) -> int:
        """See ``ReplaySource``; times are arrivals."""
        if self.options.shift != "now":
            return self.options.shift
        times = (message.arrival for message in self._arrived(self._open().messages()))
        first = next(times, now)
        return now - (first if self.options.real_speed else max(times, default=first))

    def messages(self, shift: int) -> Iterator[Outgoing]:
        """See ``ReplaySource``."""
        if self.options.format == "senml":
            raise UsageError("a recording is replayed as it was recorded, or with --format native; senml is for tables")
        messages = self._arrived(self._recording.messages())
        if self.options.format == "native":
            return self._recording.as_native(messages, shift)
        if shift:
            raise UsageError("the bytes of a recording keep their times; with --shift give --format native too")
        return self._recording.as_recorded(messages)

    @property
    def fraction(self) -> float:
        """See ``ReplaySource``."""
        return self._recording.read / max(self._recording.size, 1)

    def devices(self) -> list[Device]:
        """None: what is registered decides how a recording is read."""
        return []

    def left_out(self) -> LeftOut:
        """See ``ReplaySource``."""
        retained, lost = self._recording.retained, self._recording.lost
        return LeftOut(lost=lost, beside={"retained_left_out": retained, "bytes_lost": lost})

    def _arrived(self, messages: Iterator[Recorded]) -> Iterator[Recorded]:
        low, high = _bounds(self.options)
        return (message for message in messages if low <= message.arrival < high)


def _bounds(options: ReplayOptions) -> tuple[int, int]:
    """The times that are meant [us], the end not included."""
    low = -(2**63) if options.start is None else options.start
    high = 2**63 if options.end is None else options.end
    return low, high
