"""The index of a place: of the nearest monitor, or the highest of an area's; from what ``store.air.now`` found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from store.air import Now

#: A monitor farther away says nothing of a place [m].
WITHIN = 2_000.0
_RADIUS = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Near:
    """A monitor and how far it is from a place [m], as the crow flies."""

    now: Now
    metres: float


@dataclass(frozen=True, slots=True)
class Area:
    """An area's index: ``highest`` of the monitors that have one now; ``monitors``: all within reach, by distance."""

    highest: Near
    monitors: list[Near]


def within(found: Sequence[Now], lon: float, lat: float, metres: float = WITHIN) -> list[Near]:
    """The monitors within ``metres`` of a place [degrees], the nearest first; one without a place is near nothing."""
    near = [
        Near(one, far)
        for one in found
        if one.monitor.lon is not None
        and one.monitor.lat is not None
        and (far := _metres(lon, lat, one.monitor.lon, one.monitor.lat)) <= metres
    ]
    return sorted(near, key=lambda one: (one.metres, one.now.device))


def nearest(found: Sequence[Now], lon: float, lat: float, metres: float = WITHIN) -> Near | None:
    """What a place's index is: that of the nearest monitor that has one now; where none has, the nearest monitor, which
    says since when; None where there is no monitor within ``metres``."""
    near = within(found, lon, lat, metres)
    return next((one for one in near if _tells(one)), next(iter(near), None))


def area(found: Sequence[Now], lon: float, lat: float, metres: float = WITHIN) -> Area | None:
    """What an area's index is: the highest of the monitors within ``metres`` of its middle; of equals the nearest.

    None where no monitor there has an index now: its monitors are ``within``.
    """
    near = within(found, lon, lat, metres)
    telling = [one for one in near if _tells(one)]
    if not telling:
        return None
    return Area(max(telling, key=lambda one: one.now.index), near)


def _tells(one: Near) -> bool:
    return one.now.fresh and one.now.index > 0


def _metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    up, across = math.radians(other_lat - lat), math.radians(other_lon - lon)
    half = math.sin(up / 2) ** 2 + math.cos(math.radians(lat)) * math.cos(math.radians(other_lat)) * (
        math.sin(across / 2) ** 2
    )
    return 2 * _RADIUS * math.asin(min(1.0, math.sqrt(half)))
