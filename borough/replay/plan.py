"""A replay put together: from files and options to the messages that it sends, always the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from borough.errors import UsageError
from borough.replay.checkpoint import fingerprint
from borough.replay.mapping_file import find_mapping
from borough.replay.messages import Encoding, Outgoing, encode
from borough.replay.observations import Observation, TableSource
from borough.replay.recorded import RecordingSource
from borough.replay.recording import SUFFIX, Recorded
from borough.replay.table_mapping import TableMapping

_SECOND = 1_000_000
#: Meters' intervals keep their places in the half-hour when they are shifted [us].
_HALF_HOUR = 1_800 * _SECOND

Format = Literal["native", "senml", "recorded"]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to send. ``start`` and ``end`` [us] bound the recorded times (from start, before end), None is no bound.

    ``shift``: ``now``, or microseconds that are added to every time.
    """

    paths: Sequence[Path]
    mapping: str = ""
    format: Format = "native"
    pack: int = 48
    start: int | None = None
    end: int | None = None
    shift: int | Literal["now"] = 0
    real_speed: bool = False


def is_recording(paths: Sequence[Path]) -> bool:
    """Whether these are recordings; a mixture is refused (UsageError)."""
    kinds = {path.suffix == SUFFIX for path in paths}
    if len(kinds) == 2:
        raise UsageError(f"recordings ({SUFFIX}) and tables are replayed one after the other, not together")
    return kinds == {True}


def table_files(given: Sequence[Path], mapping: str) -> tuple[TableMapping, list[Path]]:
    """The mapping and the files of what was given; a folder stands for the files in it that the mapping is made for.

    Raises MappingError, UsageError.
    """
    first = given[0]
    if first.is_dir() and not mapping:
        raise UsageError(f"{first}: is a folder; say with --mapping which of its files are meant")
    chosen = find_mapping(mapping, first)
    paths: list[Path] = []
    for path in given:
        if path.is_dir():
            found = sorted({file for pattern in chosen.files for file in path.glob(pattern)})
            if not found:
                raise UsageError(f"{path}: holds no file that {chosen.where} is made for ({', '.join(chosen.files)})")
            paths += found
        elif not path.exists():
            raise UsageError(f"{path}: No such file or directory")
        else:
            paths.append(path)
    return chosen, paths


def plan_of(options: ReplayOptions, mapping: TableMapping | None, speed: float) -> dict[str, Any]:
    """Everything that the messages hang on, for the checkpoint; the shift to now is settled at the first start."""
    return {
        "files": fingerprint(options.paths),
        "mapping": "" if mapping is None else hashlib.sha256(mapping.text.encode()).hexdigest(),
        "format": options.format,
        "pack": options.pack if options.format == "senml" else 0,
        "from": options.start,
        "until": options.end,
        "shift": options.shift,
        # at real speed the first reading becomes now, else the last
        "real speed": speed == 1 if options.shift == "now" else None,
    }


def table_shift(options: ReplayOptions, source: Callable[[], TableSource], family: str, now: int) -> int:
    """The shift [us] of a table. For ``now`` the first reading becomes now at real speed, else the last one.

    That one is looked for by reading everything once. Readings of meters move by whole half-hours.
    """
    if options.shift != "now":
        return options.shift
    times = (observation.time for observation in _within(source().observations(), options))
    first = next(times, now)
    anchor = first if options.real_speed else max(times, default=first)
    shift = (now - anchor) // _SECOND * _SECOND
    return shift // _HALF_HOUR * _HALF_HOUR if family == "smart-meter" else shift


def table_messages(options: ReplayOptions, source: TableSource, shift: int) -> Iterator[Outgoing]:
    """The messages of tables."""
    encoding: Encoding = "senml" if options.format == "senml" else "native"
    observations = _within(source.observations(), options)
    return encode(observations, source.devices, source.mapping.family, encoding, pack=options.pack, shift=shift)


def recording_messages(options: ReplayOptions, source: RecordingSource, shift: int) -> Iterator[Outgoing]:
    """The messages of recordings. Raises UsageError for what cannot be done with them."""
    if options.format == "senml":
        raise UsageError("a recording is replayed as it was recorded, or with --format native; senml is for tables")
    messages = _arrived(source.messages(), options)
    if options.format == "native":
        return source.as_native(messages, shift)
    if shift:
        raise UsageError("the bytes of a recording keep their times; with --shift give --format native too")
    return source.as_recorded(messages)


def recording_shift(options: ReplayOptions, source: RecordingSource, now: int) -> int:
    """The shift [us] of recordings, by arrival; see ``table_shift``."""
    if options.shift != "now":
        return options.shift
    times = (message.arrival for message in _arrived(source.messages(), options))
    first = next(times, now)
    return now - (first if options.real_speed else max(times, default=first))


def _within(observations: Iterator[Observation], options: ReplayOptions) -> Iterator[Observation]:
    start, end = options.start, options.end
    if start is None and end is None:
        return observations
    low, high = -(2**63) if start is None else start, 2**63 if end is None else end
    return (observation for observation in observations if low <= observation.time < high)


def _arrived(messages: Iterator[Recorded], options: ReplayOptions) -> Iterator[Recorded]:
    low = -(2**63) if options.start is None else options.start
    high = 2**63 if options.end is None else options.end
    return (message for message in messages if low <= message.arrival < high)
