"""Bays for registered parking sensors without one, from what the registry says of them: a register to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from devices.bays import KINDS, Bay, SensorLink
from devices.bays_file import BaysFile, Given
from devices.bays_hours import ordered, restrictions_of
from devices.cells import Cells
from devices.device import Device
from devices.lengths import STREET, ZONE
from devices.registry import Problem, RegistryError, Row

#: Attributes that may say a bay's zone and street, the first one counts, and what is said where none does.
_ZONE, _STREET = ("zone_code", "parking_zone"), ("street",)
NO_ZONE, NO_STREET = "no zone", "no street"


class Made(NamedTuple):
    """Bays and their links; ``placeless`` are devices without a place, which get none."""

    file: BaysFile
    placeless: list[str]


def bays_of_devices(
    devices: Iterable[tuple[Device, datetime]], known: Mapping[str, Bay], since: datetime | None
) -> Made:
    """A bay of the same id for each device, linked from ``since`` on, or from its registration.

    Of a bay that is ``known`` only the link is made. Read are the attributes ``street``, ``zone_code`` or
    ``parking_zone``, ``kind`` or ``street_type``, ``permitted_minutes`` and ``active_hours`` (``Mo-Sa 08:30-18:30``).
    Raises RegistryError with every device of which they make no bay.
    """
    bays: list[Given[Bay]] = []
    links: list[Given[SensorLink]] = []
    placeless: list[str] = []
    problems: list[Problem] = []
    for device, registered in devices:
        where = f"device {device.id}"
        if device.id not in known:
            if device.lon is None or device.lat is None:
                placeless.append(device.id)
                continue
            bay, wrong = _bay(device, device.lon, device.lat)
            problems += [Problem(where, text) for text in wrong]
            bays.append(Given(where, bay))
        links.append(Given(where, SensorLink(device.id, device.id, since or registered, None)))
    if problems:
        raise RegistryError(problems)
    return Made(BaysFile(bays=bays, sensors=links), placeless)


def _bay(device: Device, lon: float, lat: float) -> tuple[Bay, list[str]]:
    own = device.attributes
    words = {"maximum_stay": own.get("permitted_minutes", ""), "hours": own.get("active_hours", "")}
    words["days"], _, words["hours"] = words["hours"].strip().rpartition(" ")
    zone = next((own[name] for name in _ZONE if name in own), NO_ZONE)
    street = next((own[name] for name in _STREET if name in own), NO_STREET)
    texts = {"zone": zone, "street": street, **{name: cell.strip() for name, cell in words.items() if cell.strip()}}
    cells = Cells(Row("", texts), (), {"zone": ZONE, "street": STREET})
    restrictions = restrictions_of(cells)
    kind = _kind(own.get("kind", ""), own.get("street_type", ""), limited=bool(restrictions))
    return (
        Bay(
            device.id, street, zone, kind, lon, lat, off_street=own.get("street_type") == "car-park",
            origin=device.origin, restrictions=ordered(restrictions),
        ),
        cells.wrong,
    )  # fmt: skip


def _kind(said: str, street: str, *, limited: bool) -> str:
    if said in KINDS:
        return said
    if street == "loading":
        return "loading"
    if street == "car-park":
        return "pay"
    return "limited-waiting" if limited else "unrestricted"
