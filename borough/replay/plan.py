"""What a replay is asked to send, and everything that its messages hang on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from borough.errors import UsageError
from borough.replay.checkpoint import fingerprint
from borough.replay.mapping_file import find_mapping
from borough.replay.recording import SUFFIX
from borough.replay.table_mapping import TableMapping

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
