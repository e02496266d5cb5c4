"""Stays: rows with a begin and an end, as two observations of the device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from borough.replay.row_times import Moment
from devices.decoding import Rejection

T = TypeVar("T", bound=tuple[Any, ...])


class Left(dict[str, float]):
    """Values at the end of a stay: zero of whatever was said at its begin."""

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Left:
        """Those of the end of a stay that began with ``values``."""
        return cls(dict.fromkeys(values, 0.0))


def end_of(
    cell: Any, begin: Moment, column: str, moment: Callable[[Any], Moment], tell: Callable[[str, str], None]
) -> Moment | None:
    """The end of a stay; None while it lasts, or where it cannot be read, which is told."""
    if cell is None or cell == "":
        return None
    try:
        end = moment(cell)
    except Rejection as error:
        tell("time", f"{error.detail} (column {column!r})")
        return None
    if type(end) is int and type(begin) is int and end < begin:
        tell("time", f"the end of the stay is before its begin (column {column!r})")
        return None
    return end


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
