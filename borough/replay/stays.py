"""Stays: rows with a begin and an end, as two observations of the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T", bound=tuple[Any, ...])


class Left(dict[str, float]):
    """Values at the end of a stay: zero of whatever was said at its begin."""

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Left:
        """Those of the end of a stay that began with ``values``."""
        return cls(dict.fromkeys(values, 0.0))


def stays(observations: Iterable[T]) -> Iterator[T]:
    """Observations (time, device, values) by time, without an end at whose instant the device's next stay begins."""
    same: list[T] = []
    for observation in observations:
        if same and observation[0] != same[0][0]:
            yield from _settled(same)
            same = []
        same.append(observation)
    yield from _settled(same)


def _settled(same: list[T]) -> Iterator[T]:
    begun = {observation[1] for observation in same if type(observation[2]) is not Left}
    for observation in same:
        if type(observation[2]) is not Left:
            yield observation
        elif observation[1] not in begun:
            yield observation
            begun.add(observation[1])
