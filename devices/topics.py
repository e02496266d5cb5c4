"""Topic templates: MQTT topic filters with levels that mean something.

``{device}`` stands for what the broker calls the device, ``{family}`` for its family, ``{property}`` for the one thing
that a message is about, each for one level. ``{channel}`` is a level or the end of one (``switch:{channel}``): which
part of a device with several meters speaks. A channel other than 0 is a device of its own, ``<device>:<channel>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from devices.device import Device
from devices.lengths import refusal

#: Levels of a topic in which names of several levels are sought.
_DEEPEST = 12
#: Signs of a name, at most.
NAME_MAXIMUM = 200

_LEVELS = ("{device}", "{family}", "{property}")
_CHANNEL = "{channel}"
_NUMBERED = re.compile(r"(.+):([0-9]{1,3})\Z", re.DOTALL)


def pattern(template: str) -> re.Pattern[str]:
    """Matches a topic and captures ``device``, ``family``, ``property`` and ``channel`` where the template has them."""
    text = "/".join(_expression(level) for level in template.split("/"))
    # a topic may hold a line end
    return re.compile(text.removesuffix("/.*") + "(?:/.*)?" if text.endswith("/.*") else text, re.DOTALL)


def _expression(level: str) -> str:
    if level in _LEVELS:
        return f"(?P<{level[1:-1]}>[^/]+)"
    if level == "+":
        return "[^/]*"
    if level == "#":
        return ".*"
    if level.endswith(_CHANNEL):
        return re.escape(level.removesuffix(_CHANNEL)) + "(?P<channel>[0-9]{1,3})"
    return re.escape(level)


def filter_of(template: str) -> str:
    """The narrowest MQTT topic filter that brings all topics of a template."""
    return "/".join(
        "+" if level in _LEVELS or level.endswith(_CHANNEL) else level for level in template.split("/")
    )  # fmt: skip


def name_flaw(name: str) -> str | None:
    """Why a text cannot stand in place of a device in a topic, in words that follow its name; None: it can."""
    wrong = refusal(name, NAME_MAXIMUM)
    if wrong is not None:
        return wrong
    if any(sign in name for sign in "+#{}"):
        return "holds one of + # { }, which stand for other topics"
    if "" in name.split("/"):
        return "has an empty level: no slash at its ends, and not two together"
    if name.startswith("$"):
        return "begins with $, as the broker's own topics do"
    return None


def has_channels(templates: Iterable[str]) -> bool:
    """Whether a device may speak with several channels by these templates."""
    return any(_CHANNEL in template for template in templates)


class Endings:
    """What follows the device in the topics of one format, to tell channels apart."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._patterns = [
            pattern(ending) for template in templates if _CHANNEL in (ending := template.partition("{device}/")[2])
        ]

    def split(self, ending: str) -> tuple[str, str]:
        """The channel that the end of a topic names (empty: none), and that end without it: ``emeter/0/total`` is
        channel 0 of ``emeter/total``."""
        for each in self._patterns:
            found = each.fullmatch(ending)
            if found is not None:
                start, end = found.span("channel")
                before, after = ending[:start].rstrip("/:"), ending[end:].lstrip("/")
                return found["channel"], "/".join(part for part in (before, after) if part)
        return "", ending


def name_with(name: str, channel: str) -> str:
    """What the device of a channel is called: the first one as its topic says, the others with their number."""
    return name if channel in ("", "0") else f"{name}:{channel}"


def base_of(name: str) -> tuple[str, str]:
    """What a device with a channel in its name is called without it, and the channel; 0 where none is named."""
    found = _NUMBERED.match(name)
    return (name, "0") if found is None else (found[1], found[2])


def names_within(topic: str) -> list[str]:
    """Every text in a topic that could be a device's name: each level, and levels that follow each other."""
    levels = topic.split("/")
    if len(levels) > _DEEPEST:
        return levels
    ends = [(start, end) for start in range(len(levels)) for end in range(start + 1, len(levels) + 1)]
    return ["/".join(levels[start:end]) for start, end in sorted(ends, key=lambda place: place[1] - place[0])]


def filled(template: str, device: Device) -> str:
    """The filter of all topics that a device speaks to by a template."""
    name, channel = device.topic, "0"
    if _CHANNEL in template:
        name, channel = base_of(name)
    known = {"{device}": name, "{family}": device.family, "{property}": "+"}
    levels = (known.get(level) or level.replace(_CHANNEL, channel) for level in template.split("/"))
    return "/".join(levels)


def account_of(device: Device, templates: Sequence[str]) -> str:
    """Whose account at the broker a device speaks by: its gateway's; of a channel that of the device itself."""
    gateway = device.attributes.get("gateway")
    if gateway is not None:
        return gateway
    return base_of(device.id)[0] if has_channels(templates) else device.id


def takes(topic_filter: str, other: str) -> bool:
    """Whether a topic filter brings every topic that another one (or a topic) brings."""
    wanted, levels = topic_filter.split("/"), other.split("/")
    for place, want in enumerate(wanted):
        if want == "#":
            return not (place == 0 and levels[0].startswith("$"))
        if place >= len(levels) or levels[place] == "#":
            return False
        if want == "+":
            if place == 0 and levels[0].startswith("$"):
                return False
        elif want != levels[place]:
            return False
    return len(wanted) == len(levels)
