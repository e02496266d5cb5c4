"""The case folders ``tests/cases/<format>/<case>/``: message, device and what its topic says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from devices.decoders import FORMATS
from devices.decoding import Binding
from devices.topics import Endings, pattern


def message(folder: Path) -> bytes:
    (path,) = folder.glob("message.*")
    return path.read_bytes()


def device(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "device.toml").read_text(encoding="utf-8"))


def place(folder: Path) -> tuple[dict[str, str], str]:
    """What the case's topic says by the first of its format's templates that takes it, and what follows the device."""
    topics, topic = FORMATS[folder.parent.name].topics, device(folder)["topic"]
    for template in topics:
        match = pattern(template).fullmatch(topic)
        if match is not None:
            return match.groupdict(), Endings(topics).split(topic[match.end("device") + 1 :])[1]
    raise AssertionError("no template of the format takes this topic")


def binding(folder: Path) -> Binding:
    told = device(folder)
    named, ending = place(folder)
    return Binding(
        told["device"], told["family"], told["model"], told.get("attributes", {}), ending, "property" in named
    )
