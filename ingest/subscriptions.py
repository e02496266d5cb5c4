"""Subscriptions: which topic filters are taken, and by which format they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.decoding import Format
from devices.files import read_text
from devices.toml import TomlError, lines_of_tables, parse
from devices.topics import filter_of, pattern
from ingest.errors import OptionsError
from ingest.filters import common_topic

_LEVELS = {"{device}", "{family}", "{property}"}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic template, its format and its QoS.

    ``topic`` is an MQTT filter in which ``{device}`` (needed), ``{family}`` and ``{property}`` stand for a level each.
    ``restates``: what comes there may give a stored reading another value; without it that is a conflict.
    """

    topic: str
    format: str
    qos: int = 1
    restates: bool = False

    def __post_init__(self) -> None:
        levels = self.topic.split("/")
        if levels.count("{device}") != 1:
            raise OptionsError(f"subscription {self.topic!r}: needs exactly one level {{device}}")
        for name in ("{family}", "{property}"):
            if levels.count(name) > 1:
                raise OptionsError(f"subscription {self.topic!r}: has the level {name} more than once")
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
        return filter_of(self.topic)

    def pattern(self) -> re.Pattern[str]:
        """Matches a topic and captures ``device`` and, where the template has them, ``family`` and ``property``."""
        return pattern(self.topic)


def native(formats: Mapping[str, Format]) -> list[Subscription]:
    """All native topics: what is subscribed without a subscriptions file."""
    return [
        Subscription(topic, name) for name in ("native", "senml-json", "senml-cbor") for topic in formats[name].topics
    ]


def filters_of(
    subscriptions: Iterable[Subscription], shared_group: str | None, further: Iterable[tuple[str, int]] = ()
) -> list[tuple[str, int]]:
    """(topic filter, QoS) of each and of ``further`` ones, those of a shared group where there is one."""
    prefix = f"$share/{shared_group}/" if shared_group else ""
    wanted = [*((item.filter, item.qos) for item in subscriptions), *further]
    return list(dict.fromkeys((prefix + pattern, qos) for pattern, qos in wanted))


def defaults_of(formats: Mapping[str, Format]) -> list[Subscription]:
    """Every format's own topics: what a session of which nothing is remembered is most likely to have.

    A format's topic can say more than a subscription's: such are left out.
    """
    found = []
    for name, format_ in formats.items():
        for topic in format_.topics:
            with suppress(OptionsError):
                found.append(Subscription(topic, name))
    return found


def load(path: Path, formats: Mapping[str, Format]) -> list[Subscription]:
    """Read a subscriptions file (TOML, a table ``[[subscription]]`` each with topic, format, qos, restates).

    Raises OptionsError naming the file and the entry, of two that take the same messages both.
    """
    try:
        text = read_text(path)
        document = parse(text)
    except OSError as error:
        raise OptionsError(f"subscriptions file {path}: {error.strerror}") from None
    except (UnicodeDecodeError, TomlError) as error:
        raise OptionsError(f"subscriptions file {path}: {error}") from None
    entries: Any = document.get("subscription")
    if not isinstance(entries, list) or not entries or set(document) != {"subscription"}:
        raise OptionsError(f"subscriptions file {path}: needs one or more [[subscription]] tables and nothing else")
    places = [f"[[subscription]] number {number}" for number in range(1, len(entries) + 1)]
    lines = lines_of_tables(text, "subscription")
    if len(lines) == len(entries):
        places = [f"line {line}, {place}" for line, place in zip(lines, places, strict=True)]
    found = [
        _entry(f"subscriptions file {path}, {place}", entry, formats)
        for place, entry in zip(places, entries, strict=True)
    ]
    _refuse_overlap(f"subscriptions file {path}", places, entries, found, formats)
    return found


def _refuse_overlap(
    where: str,
    places: Sequence[str],
    entries: Sequence[Mapping[str, Any]],
    found: Sequence[Subscription],
    formats: Mapping[str, Format],
) -> None:
    """Two subscriptions that take the same topic: a broker may deliver each message twice, and nothing says so."""

    def named(number: int) -> str:
        topic, name = found[number].topic, found[number].format
        origin = ""
        if "topic" not in entries[number]:
            file = formats[name].file
            origin = f", the topic of format {name}" + (f" in {file}" if file else "")
        return f"{places[number]} (topic {topic!r}{origin})"

    for number, item in enumerate(found):
        for earlier in range(number):
            topic = common_topic(found[earlier].filter, item.filter)
            if topic is not None and not _by_chance(found[earlier].topic, item.topic):
                raise OptionsError(
                    f"{where}: {named(earlier)} and {named(number)} overlap: both take the topic {topic!r}, and a"
                    " message could be stored twice; narrow one of them or leave it out"
                )


def _by_chance(one: str, other: str) -> bool:
    """Whether two templates meet in one topic only where each takes a fixed level of the other for a device.

    ``{device}/status/em:0`` and ``tele/{device}/SENSOR`` do if a device is called ``tele`` and another ``status``. Such
    are taken: a message there counts once all the same (`ingest.copies`).
    """
    first, second = one.split("/"), other.split("/")

    def takes_fixed(mine: Sequence[str], others: Sequence[str]) -> bool:
        place = mine.index("{device}")
        return place < len(others) and others[place][:1] not in ("{", "+", "#") and "#" not in others[:place]

    return takes_fixed(first, second) and takes_fixed(second, first)


def _entry(where: str, entry: Any, formats: Mapping[str, Format]) -> Subscription:
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
