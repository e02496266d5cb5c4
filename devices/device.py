"""One device: identity, family, model, place, origin, class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from devices.families import FAMILIES

Origin = Literal["real", "simulated"]

#: An id is one MQTT topic level and a file-safe word: no ``+``, ``#``, ``/``, space or control character.
DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device.

    ``lon`` and ``lat`` [degrees, WGS 84] are both given or both None. ``personal`` is the device's class: the
    family's default unless the registry says otherwise; it can only be stricter than its properties' class.
    ``attributes`` are free text by name; ``interval``, ``heartbeat`` (ISO 8601 durations), ``supply`` (what a home's
    supply carries, kW), ``zone`` (IANA name), ``gateway`` (id of the bridge that speaks for the device), ``topic``
    (what the broker's topics call it, where that is no id), ``capacity`` (of a car park), ``hour_label`` and
    ``class_of_instrument`` (of an air monitor) have a meaning to the platform.
    """

    id: str
    family: str
    model: str
    lon: float | None = None
    lat: float | None = None
    origin: Origin = "real"
    personal: bool = False
    retired: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not DEVICE_ID.match(self.id):
            raise ValueError(f"device id {self.id!r}: letters, digits and . _ : @ - only, at most 128, no + # or /")
        if self.family not in FAMILIES:
            raise ValueError(f"device {self.id}: unknown family {self.family!r}; one of {', '.join(FAMILIES)}")
        if self.origin not in ("real", "simulated"):
            raise ValueError(f"device {self.id}: origin {self.origin!r} is neither real nor simulated")
        if (self.lon is None) != (self.lat is None):
            raise ValueError(f"device {self.id}: lon and lat are given together or not at all")
        if self.lon is not None and self.lat is not None and not (abs(self.lon) <= 180 and abs(self.lat) <= 90):
            raise ValueError(f"device {self.id}: lon {self.lon}, lat {self.lat} is no place on Earth (degrees, WGS 84)")

    @property
    def topic(self) -> str:
        """What stands for the device in the broker's topics: its attribute ``topic``, else its id."""
        return self.attributes.get("topic", self.id)

    def is_personal(self, property_name: str) -> bool:
        """Whether readings of this property belong to a household."""
        return self.personal or FAMILIES[self.family].properties[property_name].personal
