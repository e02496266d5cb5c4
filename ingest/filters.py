"""MQTT topic filters: which of them take one topic together (MQTT 5, section 4.7; shared subscriptions, section 4.8.2).

A broker may deliver a message once for each subscription that takes it, with a packet id each: nothing then says that
two of them are one. So no two filters of a session may overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

_SHARED = "$share/"


def topics_of(filter_: str) -> str:
    """The filter itself, without the ``$share/<group>/`` of a shared subscription."""
    if filter_.startswith(_SHARED):
        return filter_.split("/", 2)[2] if filter_.count("/") > 1 else filter_
    return filter_


def common_topic(one: str, other: str) -> str | None:
    """A topic that both filters take, or None where there is none. Exact: wildcards take no topic that begins with $.

    Where a level may be anything it is ``x``.
    """
    first, second = topics_of(one).split("/"), topics_of(other).split("/")
    topic = []
    for place in range(max(len(first), len(second))):
        mine = first[place] if place < len(first) else None
        yours = second[place] if place < len(second) else None
        if mine == "#" or yours == "#":
            # from here on the other decides; # takes its parent level too
            rest = second[place:] if mine == "#" else first[place:]
            if place == 0 and rest[0].startswith("$"):
                return None
            topic += [_named(level) for level in rest if level != "#"]
            if topic == [""]:  # no topic is empty, so what # takes here is below it, where the other goes on too
                return "/x" if rest else None
            return "/".join(topic) if topic else "x"
        if mine is None or yours is None:
            return None
        if "+" in (mine, yours):
            level = yours if mine == "+" else mine
            if place == 0 and level.startswith("$"):
                return None
            topic.append(_named(level))
        elif mine == yours:
            topic.append(mine)
        else:
            return None
    return "/".join(topic)


def _named(level: str) -> str:
    return "x" if level == "+" else level


def overlap(one: str, other: str) -> bool:
    """Whether any topic is taken by both filters."""
    return common_topic(one, other) is not None


class FilterTree:
    """Filters by their levels, so that one of thousands is compared with those alone that it can meet."""

    def __init__(self, filters: Iterable[str] = ()) -> None:
        self._below: dict[str, FilterTree] = {}
        self._filter: str | None = None
        for filter_ in filters:
            self.add(filter_)

    def add(self, filter_: str) -> None:
        """Add a filter; of two with the same topics the first stays."""
        node = self
        for level in topics_of(filter_).split("/"):
            node = node._below.setdefault(level, FilterTree())
        if node._filter is None:
            node._filter = filter_

    def find(self, filter_: str) -> str | None:
        """Some filter of these that overlaps with this one, or None."""
        levels = topics_of(filter_).split("/")
        # the last: whether the topic is an empty text so far, which no topic is
        waiting: list[tuple[FilterTree, int, bool]] = [(self, 0, False)]
        while waiting:
            node, place, empty = waiting.pop()
            if place == len(levels):
                if empty:
                    continue
                found = node._filter or (node._below["#"]._filter if "#" in node._below else None)
                if found is not None:
                    return found
                continue
            level = levels[place]
            first = place == 0
            if level == "#":
                found = node._any(first=first, empty=empty)
                if found is not None:
                    return found
                continue
            if "#" in node._below and not (first and level.startswith("$")):
                return node._below["#"]._filter
            if level == "+":
                waiting += [
                    (below, place + 1, first and name == "")
                    for name, below in node._below.items()
                    if name != "#" and not (first and name.startswith("$"))
                ]
                continue
            if level in node._below:
                waiting.append((node._below[level], place + 1, first and level == ""))
            if "+" in node._below and not (first and level.startswith("$")):
                waiting.append((node._below["+"], place + 1, first and level == ""))
        return None

    def _any(self, *, first: bool, empty: bool) -> str | None:
        """Some filter here or below; at the first level none of topics that begin with $, where ``empty`` none here."""
        waiting = [self]
        if empty:
            waiting = list(self._below.values())
        if first:
            waiting = [below for name, below in self._below.items() if not name.startswith("$")]
        while waiting:
            node = waiting.pop()
            if node._filter is not None:
                return node._filter
            waiting += node._below.values()
        return None
