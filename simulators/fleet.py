"""A small fleet of the four families: devices of a borough that does not exist, made of a seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from devices.device import Device

#: How many of each family the demo has.
DEMO = {"smart-meter": 40, "parking-bay": 60, "air-monitor": 6, "movement-sensor": 8}

_PREFIX = {"smart-meter": "meter", "parking-bay": "bay", "air-monitor": "air", "movement-sensor": "motion"}
#: Homes and what stands in them are personal, whatever the fleet; that these are invented is said by their origin.
_PERSONAL = frozenset({"smart-meter", "movement-sensor"})
_STREETS = ("Alder Street", "Brook Lane", "Chapel Row", "Dock Road")
#: Middle of the invented borough [degrees] and how far it reaches from there.
_LON, _LAT, _REACH = -0.08, 51.50, 0.012


def make_fleet(sizes: Mapping[str, int], seed: int) -> list[Device]:
    """Simulated devices that speak the native format, ids like ``meter-007``; a function of sizes and seed alone.

    Raises KeyError for a family that has no signals here.
    """
    rng = np.random.default_rng(seed)
    devices = []
    for family, count in sizes.items():
        places = rng.uniform(-_REACH, _REACH, (count, 2))
        for number, (east, north) in enumerate(places, 1):
            attributes = {"street": _STREETS[number % len(_STREETS)]} if family == "parking-bay" else {}
            devices.append(
                Device(
                    f"{_PREFIX[family]}-{number:03d}",
                    family,
                    "native",
                    round(_LON + float(east), 5),
                    round(_LAT + float(north), 5),
                    origin="simulated",
                    personal=family in _PERSONAL,
                    attributes=attributes,
                )
            )
    return devices
