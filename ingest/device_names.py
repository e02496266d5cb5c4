"""Which device a topic names: by its id, by its attribute ``topic``, and by the channel that speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from devices.decoding import Format
from devices.device import Device
from devices.models import MODELS, model_of
from devices.topics import Endings, base_of, filter_of, has_channels, name_flaw, name_with, takes
from ingest.subscriptions import Subscription

#: Levels of a topic, at most, in which a name of several levels is sought.
_DEEPEST = 32


class Place(NamedTuple):
    """What a topic says: the device (its id, or the text where an id should be), and what follows it there."""

    format: Format
    device_id: str
    family: str | None
    ending: str
    by_property: bool
    #: The subscription that gives the right to restate, in words for the record; empty where none does.
    restates: str


class Taker:
    """One subscription, ready to take topics apart."""

    def __init__(self, subscription: Subscription, format_: Format) -> None:
        self.subscription = subscription
        self.format = format_
        self.pattern = subscription.pattern()
        self._endings = Endings(format_.topics)
        levels = subscription.topic.split("/")
        self._before = levels.index("{device}")
        self._after = len(levels) - self._before - 1
        self._open = levels[-1] == "#"

    def deep_names(self, topic: str) -> Iterable[tuple[str, str]]:
        """Texts of more than one level that could be the device's name, longest first, each with the topic in which
        one level stands for it."""
        levels = topic.split("/")
        if len(levels) > _DEEPEST:
            return
        last = len(levels) - (self._after - 1 if self._open else self._after)
        first = self._before + 2 if self._open else last
        for end in range(last, max(first, self._before + 2) - 1, -1):
            name = "/".join(levels[self._before : end])
            yield name, "/".join([*levels[: self._before], "x", *levels[end:]])

    def place(self, topic: str, names: Names, name: str | None = None) -> Place | None:
        """What the topic says; None where the subscription does not take it. ``name``: what its level of the device
        stands for."""
        found = self.pattern.fullmatch(topic)
        if found is None:
            return None
        said = found.groupdict()
        channel, ending = self._endings.split(topic[found.end("device") + 1 :])
        text = name_with(said["device"] if name is None else name, channel)
        return Place(
            self.format, names.device_of(text), said.get("family"), ending, "property" in said, self.subscription.source
        )


class Names:
    """The names that devices have in the broker, where these are no ids."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._by_name: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._deep: set[str] = set()

    def update(self, device: Device) -> None:
        """Take over a new or changed device."""
        self.forget(device.id)
        self._ids.add(device.id)
        name = device.topic
        # what takes the place of a retired device may have its name
        if name != device.id and not (device.retired and name in self._by_name):
            self._by_name[name] = device.id
            self._names[device.id] = name
            if "/" in name:
                self._deep.add(name)

    def forget(self, device_id: str) -> None:
        """Let go of a device."""
        self._ids.discard(device_id)
        name = self._names.pop(device_id, None)
        if name is not None and self._by_name.get(name) == device_id:
            del self._by_name[name]
            self._deep.discard(name)

    def device_of(self, text: str) -> str:
        """The id of the device that a topic calls so; the text itself where none has this name."""
        return text if text in self._ids else self._by_name.get(text, text)

    def place(self, takers: Sequence[Taker], topic: str, erased: Callable[[str], bool] | None = None) -> Place | None:
        """What a topic says by the first subscription that takes it; a known name of several levels goes first.

        ``erased``: whether a name was that of a device which was erased.
        """
        if self._deep or erased is not None:
            for taker in takers:
                for name, short in taker.deep_names(topic):
                    # a name with a channel is told by what follows it
                    found = taker.place(short, self, name)
                    if found is not None and (
                        self._is_known(found.device_id, name) or (erased is not None and erased(found.device_id))
                    ):
                        return found
        for taker in takers:
            found = taker.place(topic, self)
            if found is not None:
                return found
        return None

    def _is_known(self, device_id: str, name: str) -> bool:
        """Whether a name of several levels led to a device, by itself or with a channel."""
        known = self._names.get(device_id, "")
        return known == name or known.startswith(f"{name}:")


def speaks(device: Device, format_name: str) -> bool:
    """Whether a device may speak a format: its model's, or where it has none one that no model here speaks."""
    if format_name == device.model or format_name in model_of(device.model).formats:
        return True
    return model_of(device.model).name == "native" and not any(format_name in one.formats for one in MODELS.values())


def further_filters(
    subscriptions: Sequence[Subscription], formats: Mapping[str, Format], devices: Iterable[Device]
) -> list[tuple[str, int]]:
    """Filters (and QoS) for devices whose names no subscription brings: those of several levels.

    None of them takes what a subscription or another one takes, or a message would come twice.
    """
    wanted: dict[str, int] = {}
    for device in devices:
        if device.retired or "/" not in device.topic or name_flaw(device.topic) is not None:
            continue
        for item in subscriptions:
            if speaks(device, item.format):
                name = base_of(device.topic)[0] if has_channels(formats[item.format].topics) else device.topic
                topic = item.topic.replace("{device}", name).replace("{family}", device.family)
                wanted.setdefault(filter_of(topic), item.qos)
    taken = [item.filter for item in subscriptions]
    return [
        (topic_filter, qos)
        for topic_filter, qos in sorted(wanted.items())
        if not any(takes(other, topic_filter) for other in taken) and wanted.keys().isdisjoint(_wider(topic_filter))
    ]


def _wider(topic_filter: str) -> Iterable[str]:
    """Filters that take more than this one, by one level or by all that follow."""
    levels = topic_filter.split("/")
    for place, level in enumerate(levels):
        if level not in ("+", "#"):
            yield "/".join([*levels[:place], "+", *levels[place + 1 :]])
        if place and level != "#":
            yield "/".join([*levels[:place], "#"])


def is_further(subscriptions: Sequence[Subscription], topic_filter: str) -> bool:
    """Whether a filter is one that ``further_filters`` makes, of whatever device."""
    if any(item.filter == topic_filter for item in subscriptions):
        return False
    for item in subscriptions:
        before, after = (filter_of(part) for part in item.topic.split("{device}", 1))
        inside = topic_filter.removeprefix(before).removesuffix(after)
        if len(before) + len(inside) + len(after) == len(topic_filter) and "/" in inside:
            return True
    return False
