"""How far a replay has come, on disk: what the broker has acknowledged, so that the next start sends the rest.

A replay is a function of its files and options: message 4,711 is the same message each time. So one number says where
to go on, as long as files and options are the same, which is what the rest of the checkpoint is for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from borough.errors import UsageError

#: Bytes from the start and the end of each file that tell it from another.
_SAMPLE = 65_536
#: Messages that went out so close together share a stamp; those whose rows are written, so close [us].
_TOGETHER, _COARSE = 1_000_000, 300_000_000


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``sent``: messages that are acknowledged. ``shift`` [us] and ``started`` [us] are those of the first start.

    ``plan`` holds everything that the order and bytes of the messages hang on.

    Where the ledger is written in parts (jobs), the first ``parts`` of them are whole and hold the rows of the first
    ``covered`` messages. ``stamps`` say when messages went out: [first message, messages, when the first and when the
    last went, in us]. ``complete``: everything is out, and its rows are in whole parts. ``running``: whoever sends has
    not come to an end that it knows of; ``resent``: so it was before, or a connection broke, and some went out twice.
    """

    plan: Mapping[str, Any]
    started: int
    shift: int
    sent: int = 0
    parts: int = 0
    covered: int = 0
    stamps: Sequence[Sequence[int]] = field(default_factory=list)
    complete: bool = False
    running: bool = False
    resent: bool = False

    def save(self, path: Path) -> None:
        """Replace the file, whole or not at all, and wait until it is on disk. Raises OSError."""
        write(path, asdict(self))

    def noted(self, stamps: Sequence[int]) -> Checkpoint:
        """With messages that were acknowledged and when each went out [us]."""
        return replace(
            self,
            sent=self.sent + len(stamps),
            stamps=stamped(self.stamps, self.sent, len(stamps), stamps[0], stamps[-1]),
        )

    def published(self, first: int, count: int) -> list[int]:
        """When messages that an earlier start sent went out [us], more or less; its start where nobody knows."""
        found: list[int] = stamps_of(self.stamps, np.arange(first, first + count), self.started).tolist()
        return found


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a JSON file, whole or not at all, and wait until it is on disk. Raises OSError."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def stamped(stamps: Sequence[Sequence[int]], first: int, count: int, begun: int, ended: int) -> Sequence[Sequence[int]]:
    """Stamps with those of further messages, joined with the last ones where these are less than a second old."""
    if stamps:
        before, number, start, _ = stamps[-1]
        if before + number == first and ended - start < _TOGETHER:
            return [*stamps[:-1], [before, number + count, start, ended]]
    return [*stamps, [first, count, begun, ended]]


def coarser(stamps: Sequence[Sequence[int]], covered: int) -> list[list[int]]:
    """Stamps, of the first ``covered`` messages joined over minutes: what they are still asked for is not fine."""
    found: list[list[int]] = []
    for first, count, begun, ended in stamps:
        if found and first + count <= covered:
            before, number, start, _ = found[-1]
            if before + number == first and ended - start < _COARSE:
                found[-1] = [before, number + count, start, ended]
                continue
        found.append([first, count, begun, ended])
    return found


def stamps_of(stamps: Sequence[Sequence[int]], numbers: NDArray[np.int64], otherwise: int) -> NDArray[np.int64]:
    """When messages of these numbers went out [us], spread evenly between the first and last of their stamp."""
    found = np.full(len(numbers), otherwise, np.int64)
    for first, count, begun, ended in stamps:
        own = (numbers >= first) & (numbers < first + count)
        found[own] = begun + (numbers[own] - first) * (ended - begun) // max(count - 1, 1)
    return found


def load(path: Path, plan: Mapping[str, Any]) -> Checkpoint | None:
    """The checkpoint of the same replay, or None where there is none. Raises UsageError for that of another replay."""
    try:
        found = Checkpoint(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"checkpoint {path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise UsageError(f"checkpoint {path}: is no checkpoint of a replay") from None
    other = next((key for key in plan if found.plan.get(key) != plan[key]), None)
    if other is not None:
        raise UsageError(
            f"checkpoint {path} is that of another replay ({other} differs); repeat that command, or remove the file"
        )
    return found


def fingerprint(paths: Sequence[Path]) -> str:
    """A digest of the files' names, sizes, beginnings and ends."""
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(size - _SAMPLE, 0))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
