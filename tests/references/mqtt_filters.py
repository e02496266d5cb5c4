"""Topic filters in the plainest way: a topic is taken or not (MQTT 5, section 4.7), and two filters overlap where one
of many topics is taken by both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product


def takes(filter_: str, topic: str) -> bool:
    """Whether a filter takes a topic. ``$share/<group>/`` is no part of what is compared."""
    if filter_.startswith("$share/"):
        filter_ = "/".join(filter_.split("/")[2:])
    if topic.startswith("$") and filter_[:1] in ("+", "#"):
        return False
    return _levels(filter_.split("/"), topic.split("/"))


def _levels(wanted: list[str], levels: list[str]) -> bool:
    if wanted == ["#"]:
        return True
    if not wanted or not levels:
        return not wanted and not levels
    if wanted[0] not in ("+", levels[0]):
        return False
    if wanted[1:] == ["#"] and not levels[1:]:
        return True
    return bool(levels[1:]) == bool(wanted[1:]) and (not levels[1:] or _levels(wanted[1:], levels[1:]))


def topics(alphabet: list[str], longest: int) -> Iterator[str]:
    """All topics of up to so many levels of an alphabet."""
    for count in range(1, longest + 1):
        for levels in product(alphabet, repeat=count):
            if topic := "/".join(levels):
                yield topic


def overlapping(one: str, other: str, alphabet: list[str], longest: int) -> bool:
    """Whether any topic is taken by both."""
    return any(takes(one, topic) and takes(other, topic) for topic in topics(alphabet, longest))
