"""What files say of bays against what is known: links of sensors as one timeline, and lists by their keys."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic

from devices.bays import SensorLink
from devices.bays_file import Given, Item
from devices.registry import Problem


@dataclass(slots=True)
class Changes(Generic[Item]):
    """What an import does to one list. ``changed`` are as they will be."""

    new: list[Item] = field(default_factory=list)
    changed: list[Item] = field(default_factory=list)
    removed: list[Item] = field(default_factory=list)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)

    def written(self) -> list[Item]:
        """What is new or changed."""
        return [*self.new, *self.changed]

    def counts(self, what: str) -> dict[str, int]:
        """How many of each, for the report."""
        return {
            f"{what}_new": len(self.new),
            f"{what}_changed": len(self.changed),
            f"{what}_removed": len(self.removed),
            f"{what}_unchanged": self.unchanged,
        }


def list_changes(
    known: Iterable[Item], given: Sequence[Given[Item]], key: Callable[[Item], Hashable], name: Callable[[Item], str]
) -> Changes[Item]:
    """Changes of a list whose items have a key; ``name`` says one in words."""
    before = {key(one): one for one in known}
    seen: dict[Hashable, str] = {}
    found: Changes[Item] = Changes()
    for one in given:
        item, place = one.item, key(one.item)
        old = before.get(place)
        if place in seen:
            found.problems.append(Problem(one.where, f"{name(item)} is already given in {seen[place]}"))
            continue
        seen[place] = one.where
        if one.removed:
            if old is None:
                found.problems.append(Problem(one.where, f"{name(item)} is not known, so it cannot be removed"))
            else:
                found.removed.append(old)
        elif old is None:
            found.new.append(item)
        elif old != item:
            found.changed.append(item)
        else:
            found.unchanged += 1
    return found


def link_changes(known: Sequence[SensorLink], given: Sequence[Given[SensorLink]]) -> Changes[SensorLink]:
    """Changes of the sensors' links. An open link ends by itself where the next one of its bay or sensor begins.

    ``known`` are all links there are. Refused: links of one bay, or of one sensor, that overlap all the same.
    """
    before = {_key(one): one for one in known}
    plain = list_changes(known, [_kept_closed(one, before.get(_key(one.item))) for one in given], _key, _name)
    if plain.problems or not (plain.new or plain.changed or plain.removed):
        return plain
    after = {**before, **{_key(one): one for one in (*plain.new, *plain.changed)}}
    for one in plain.removed:
        del after[_key(one)]
    groups = _groups(after.values())
    starts = {name: sorted(link.start for link in links) for name, links in groups.items()}
    for place, link in after.items():
        if link.end is None:
            following = [_following(starts[name], link.start) for name in _names(link)]
            later = [start for start in following if start is not None]
            if later:
                after[place] = replace(link, end=min(later))
    wheres = {_key(one.item): one.where for one in given}
    return Changes(
        new=[link for place, link in after.items() if place not in before],
        changed=[link for place, link in after.items() if place in before and before[place] != link],
        removed=plain.removed,
        unchanged=sum(before.get(_key(one.item)) == after.get(_key(one.item)) for one in given),
        # what overlaps by its bay and its sensor is told once
        problems=list(
            dict.fromkeys(problem for links in _groups(after.values()).values() for problem in _overlaps(links, wheres))
        ),
    )


def _following(starts: Sequence[datetime], start: datetime) -> datetime | None:
    """The next one of sorted instants."""
    place = bisect_right(starts, start)
    return starts[place] if place < len(starts) else None


def _kept_closed(one: Given[SensorLink], old: SensorLink | None) -> Given[SensorLink]:
    """An open end in a file does not open again what ended since."""
    if old is None or one.item.end is not None or old.device != one.item.device:
        return one
    return replace(one, item=old)


def _overlaps(links: Sequence[SensorLink], wheres: dict[tuple[str, datetime], str]) -> list[Problem]:
    problems = []
    longest: SensorLink | None = None
    for link in sorted(links, key=lambda link: (link.start, link.bay)):
        if longest is not None and (longest.end is None or longest.end > link.start):
            told, other = (link, longest) if _key(link) in wheres else (longest, link)
            place = wheres.get(_key(other))
            problems.append(
                Problem(
                    wheres.get(_key(told), ""),
                    f"{_name(told)} overlaps with {_name(other)} {'that is known' if place is None else f'of {place}'}",
                )
            )
        if longest is None or (longest.end is not None and (link.end is None or link.end > longest.end)):
            longest = link
    return problems


def _groups(links: Iterable[SensorLink]) -> dict[tuple[str, str], list[SensorLink]]:
    """Links by bay and by sensor."""
    groups: dict[tuple[str, str], list[SensorLink]] = {}
    for link in links:
        for name in _names(link):
            groups.setdefault(name, []).append(link)
    return groups


def _names(link: SensorLink) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("bay", link.bay), ("device", link.device)


def _key(link: SensorLink) -> tuple[str, datetime]:
    return link.bay, link.start


def _name(link: SensorLink) -> str:
    return f"sensor {link.device} in bay {link.bay} from {link.start:%Y-%m-%d %H:%M}Z"
