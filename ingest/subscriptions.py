"""Subscriptions: which topic filters are taken, and by which format they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.decoding import Format
from devices.files import read_text
from devices.toml import TomlError, parse
from ingest.errors import OptionsError

_LEVELS = {"{device}", "{family}"}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic template, its format and its QoS.

    ``topic`` is an MQTT filter in which ``{device}`` (needed) and ``{family}`` stand for one level each. ``restates``:
    what comes there may give a stored reading another value; without it that is a conflict.
    """

    topic: str
    format: str
    qos: int = 1
    restates: bool = False

    def __post_init__(self) -> None:
        levels = self.topic.split("/")
        if levels.count("{device}") != 1:
            raise OptionsError(f"subscription {self.topic!r}: needs exactly one level {{device}}")
        if levels.count("{family}") > 1:
            raise OptionsError(f"subscription {self.topic!r}: has the level {{family}} more than once")
        for number, level in enumerate(levels):
            if level in _LEVELS or level == "+" or (level == "#" and number == len(levels) - 1):
                continue
            if not level or any(sign in level for sign in "+#{}\0"):
                raise OptionsError(f"subscription {self.topic!r}: level {level!r} is empty or mixes text and wildcard")
        if type(self.qos) is not int or self.qos not in (0, 1):
            raise OptionsError(f"subscription {self.topic!r}: qos {self.qos!r}, only 0 and 1 are taken")
        if type(self.restates) is not bool:
            raise OptionsError(f"subscription {self.topic!r}: restates {self.restates!r} is neither true nor false")

    @property
    def source(self) -> str:
        """By which words a restatement is kept that comes from here; empty where none may."""
        return f"subscription {self.topic}" if self.restates else ""

    @property
    def filter(self) -> str:
        """The MQTT topic filter to subscribe to."""
        return "/".join("+" if level in _LEVELS else level for level in self.topic.split("/"))

    def pattern(self) -> re.Pattern[str]:
        """Matches a topic and captures ``device`` and, where the template has it, ``family``."""
        parts = []
        for level in self.topic.split("/"):
            if level in _LEVELS:
                parts.append(f"(?P<{level[1:-1]}>[^/]+)")
            elif level == "+":
                parts.append("[^/]*")
            elif level == "#":
                parts.append(".*")
            else:
                parts.append(re.escape(level))
        text = "/".join(parts)
        # a topic may hold a line end
        return re.compile(text.removesuffix("/.*") + "(?:/.*)?" if text.endswith("/.*") else text, re.DOTALL)


def native(formats: Mapping[str, Format]) -> list[Subscription]:
    """All native topics: what is subscribed without a subscriptions file."""
    return [
        Subscription(topic, name) for name in ("native", "senml-json", "senml-cbor") for topic in formats[name].topics
    ]


def load(path: Path, formats: Mapping[str, Format]) -> list[Subscription]:
    """Read a subscriptions file (TOML, a table ``[[subscription]]`` each with topic, format, qos, restates).

    Raises OptionsError naming the file and the entry.
    """
    try:
        document = parse(read_text(path))
    except OSError as error:
        raise OptionsError(f"subscriptions file {path}: {error.strerror}") from None
    except (UnicodeDecodeError, TomlError) as error:
        raise OptionsError(f"subscriptions file {path}: {error}") from None
    entries: Any = document.get("subscription")
    if not isinstance(entries, list) or not entries or set(document) != {"subscription"}:
        raise OptionsError(f"subscriptions file {path}: needs one or more [[subscription]] tables and nothing else")
    return [_entry(path, number, entry, formats) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: Any, formats: Mapping[str, Format]) -> Subscription:
    where = f"subscriptions file {path}, [[subscription]] number {number}"
    if not isinstance(entry, dict):
        raise OptionsError(f"{where}: not a table")
    unknown = set(entry) - {"topic", "format", "qos", "restates"}
    if unknown:
        raise OptionsError(f"{where}: unknown key {min(unknown)!r}; known are topic, format, qos, restates")
    name = entry.get("format")
    if not isinstance(name, str) or name not in formats:
        raise OptionsError(f"{where}: unknown format {name!r}; one of {', '.join(sorted(formats))}")
    topics: Sequence[str] = [entry["topic"]] if "topic" in entry else formats[name].topics
    if len(topics) != 1 or not isinstance(topics[0], str):
        raise OptionsError(f"{where}: needs a topic")
    try:
        return Subscription(topics[0], name, entry.get("qos", 1), entry.get("restates", False))
    except OptionsError as error:
        raise OptionsError(f"{where}: {error}") from None
