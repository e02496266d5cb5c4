"""How far a replay has come, on disk: what the broker has acknowledged, so that the next start sends the rest.

A replay is a function of its files and options: message 4,711 is the same message each time. So one number says where
to go on, as long as files and options are the same, which is what the rest of the checkpoint is for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from borough.errors import UsageError

#: Bytes from the start and the end of each file that tell it from another.
_SAMPLE = 65_536


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``sent``: messages that are acknowledged. ``shift`` [us] and ``started`` [us] are those of the first start.

    ``plan`` holds everything that the order and bytes of the messages hang on.
    """

    plan: Mapping[str, Any]
    started: int
    shift: int
    sent: int = 0

    def save(self, path: Path) -> None:
        """Replace the file, whole or not at all, and wait until it is on disk. Raises OSError."""
        part = path.with_name(path.name + ".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


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
