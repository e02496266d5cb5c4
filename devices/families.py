"""Families of devices and the properties that they observe: UCUM unit, kind, plausible range, class.

A value outside its plausible range is rejected as ``out_of_range``. The ranges are wide on purpose: they are there to
stop a broken sensor or a wrong unit, not to judge a reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "interval", "state"]


@dataclass(frozen=True, slots=True)
class Property:
    """One observed property.

    ``unit`` is a UCUM code, ``low`` and ``high`` [unit] bound what is plausible (both inclusive), ``personal`` says
    that its readings belong to a household even where the device itself is open.
    """

    name: str
    unit: str
    kind: Kind
    low: float
    high: float
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """A family of devices: its name, whether its devices are personal by default, and its properties by name."""

    name: str
    personal: bool
    properties: Mapping[str, Property]


def _family(name: str, personal: bool, *properties: tuple[str, str, Kind, float, float]) -> Family:
    return Family(name, personal, {row[0]: Property(*row, personal) for row in properties})


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        _family(
            "parking-bay",
            False,
            ("occupied", "1", "state", 0, 1),
            ("battery", "%", "gauge", 0, 100),
            ("temperature", "Cel", "gauge", -60, 100),
        ),
        _family(
            "smart-meter",
            True,
            ("import_register", "kW.h", "counter", 0, 1e8),
            ("export_register", "kW.h", "counter", 0, 1e8),
            ("heat_register", "kW.h", "counter", 0, 1e8),
            # kWh in the interval that starts at `time`; its length is the device's attribute `interval` (PT30M)
            ("import_interval", "kW.h", "interval", 0, 1e4),
            ("power", "W", "gauge", -1e6, 1e6),
            ("gas_register", "kW.h", "counter", 0, 1e8),
            ("gas_volume_register", "m3", "counter", 0, 1e7),
            ("water_volume_register", "m3", "counter", 0, 1e7),
        ),
        _family(
            "air-monitor",
            False,
            ("pm1", "ug/m3", "gauge", 0, 10_000),
            ("pm2_5", "ug/m3", "gauge", 0, 10_000),
            ("pm10", "ug/m3", "gauge", 0, 10_000),
            # reference instruments report small negative concentrations around zero
            ("no2", "ug/m3", "gauge", -50, 5_000),
            ("o3", "ug/m3", "gauge", -50, 5_000),
            ("so2", "ug/m3", "gauge", -50, 20_000),
            ("co", "mg/m3", "gauge", -5, 500),
            ("co2", "[ppm]", "gauge", 0, 100_000),
            ("temperature", "Cel", "gauge", -90, 100),
            ("humidity", "%", "gauge", 0, 100),
            ("pressure", "hPa", "gauge", 300, 1_200),
            ("tvoc_index", "1", "gauge", 0, 500),
            ("nox_index", "1", "gauge", 0, 500),
        ),
        _family(
            "movement-sensor",
            True,
            ("motion", "1", "state", 0, 1),
            ("contact", "1", "state", 0, 1),
            ("illuminance", "lx", "gauge", 0, 200_000),
            ("battery", "%", "gauge", 0, 100),
            ("temperature", "Cel", "gauge", -60, 100),
        ),
        _family(
            "car-park",
            False,
            # counts at the gates drift: real car parks report a few spaces below none
            ("free_spaces", "1", "gauge", -1_000, 100_000),
            ("occupied_spaces", "1", "gauge", -1_000, 100_000),
            ("capacity", "1", "gauge", 0, 100_000),
        ),
    )
}


def properties_of(family: str) -> Mapping[str, Property]:
    """The family's properties; those of all families together where the family is not said (``borough decode``)."""
    if family in FAMILIES:
        return FAMILIES[family].properties
    return {name: prop for each in FAMILIES.values() for name, prop in each.properties.items()}


#: So many more free spaces than a car park has may be a count that drifted; and so large a part of its capacity.
_MORE_FREE, _MORE_FREE_PART = 10, 0.02


def plausible(prop: Property, attributes: Mapping[str, str]) -> tuple[float, float]:
    """The plausible range of a property of one device: of a car park with the attribute ``capacity`` no more free
    spaces than it has, a few that are counted wrongly excepted."""
    if prop.name != "free_spaces":
        return prop.low, prop.high
    try:
        capacity = float(attributes.get("capacity", ""))
    except ValueError:
        return prop.low, prop.high
    most = capacity + max(_MORE_FREE, _MORE_FREE_PART * capacity)
    return prop.low, most if 0 < most < prop.high else prop.high


#: In the accounting, what cannot be told to belong to a family.
UNKNOWN = "unknown"
