"""Where things stand: streets of an invented place, and places along them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.randomness import stream

#: Of latitude, and of longitude at the equator: 2 pi 6,378,137 m (WGS 84) / 360.
_METRES_A_DEGREE = 111_320.0
_FIRST = (
    "Alder", "Ash", "Beech", "Brook", "Canal", "Cedar", "Chapel", "Church", "Dock", "Elm", "Ferry", "Field", "Forge",
    "Garden", "Grove", "Hawthorn", "Hazel", "Hill", "Juniper", "Kiln", "Lark", "Linden", "Maple", "Market", "Meadow",
    "Mill", "Oak", "Orchard", "Park", "Quarry", "Rowan", "School", "Station", "Thistle", "Tower", "Union", "Vale",
    "Water", "Willow", "Yew",
)  # fmt: skip
_SECOND = ("Street", "Road", "Lane", "Row", "Close", "Avenue", "Place", "Terrace", "Walk", "Way")


@dataclass(frozen=True, slots=True)
class Placed:
    """Places along streets: ``street`` number of each, ``lon`` and ``lat`` [degrees]; ``names`` by street number."""

    names: Sequence[str]
    street: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


def along_streets(
    seed: int, family: str, count: int, per_street: int, *, lon: float, lat: float, reach: float, spacing: float
) -> Placed:
    """``count`` places in order of their streets, ``per_street`` each, ``spacing`` [m] apart on alternate sides.

    Streets lie at random within ``reach`` [m] of the middle ``lon``, ``lat`` [degrees].
    """
    rng = stream(seed, family, "streets")
    streets = -(-count // per_street)
    radius = reach * np.sqrt(rng.random(streets))
    angle = rng.uniform(0, 2 * np.pi, streets)
    bearing = rng.uniform(0, np.pi, streets)
    names = list(_names(rng.permutation(len(_FIRST) * len(_SECOND)), streets))
    number = np.arange(count)
    street = number // per_street
    step = (number % per_street - per_street / 2) * spacing
    side = np.where(number % 2, 6.0, -6.0)
    east = radius[street] * np.cos(angle[street]) + step * np.sin(bearing[street]) + side * np.cos(bearing[street])
    north = radius[street] * np.sin(angle[street]) + step * np.cos(bearing[street]) - side * np.sin(bearing[street])
    return Placed(
        names=names,
        street=street,
        lon=np.round(lon + east / (_METRES_A_DEGREE * np.cos(np.radians(lat))), 6),
        lat=np.round(lat + north / _METRES_A_DEGREE, 6),
    )


def quotas(shares: Mapping[str, float], count: int) -> dict[str, int]:
    """``count`` divided by shares, by the method of the largest remainder: exact, never by chance."""
    exact = {word: share * count for word, share in shares.items()}
    given = {word: int(part) for word, part in exact.items()}
    rest = count - sum(given.values())
    for word in sorted(exact, key=lambda word: (given[word] - exact[word], word))[:rest]:
        given[word] += 1
    return given


def _names(order: NDArray[np.int64], streets: int) -> list[str]:
    names = []
    for number in range(streets):
        turn, place = divmod(number, len(order))
        first, second = divmod(int(order[place]), len(_SECOND))
        names.append(f"{_FIRST[first]} {_SECOND[second]}" + (f" {turn + 1}" if turn else ""))
    return names
