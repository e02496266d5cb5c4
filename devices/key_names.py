"""Keys of messages as they may be told: short, visible, and without a household's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devices.scrub import identifies
from devices.text import visible

#: Letters of a key, and of a path of keys, that are told.
_KEY, _PATH = 40, 100
#: A number of so many digits may be somebody's: a meter point, a serial number.
_NUMBER = re.compile(r"[0-9A-Fa-f]*[0-9]{5,}[0-9A-Fa-f]*")


def told(key: str) -> str:
    """A key in words for a log or a person; what may be a household's is left out."""
    if identifies(key):
        return "…"
    return visible(_NUMBER.sub("…", key[:_KEY]))


def told_path(keys: Iterable[str]) -> str:
    """A path of keys, with dots between them."""
    return ".".join(map(told, keys))[:_PATH] or "…"
