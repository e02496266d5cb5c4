"""What smart meters say: the energy of `simulators.meters` as readings.

A message has the instant T at which an interval starts: ``import_interval`` is the energy from T to T + 30 min, the
registers are what the meter shows at T. So a register's step from one message to the next is the interval between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.clock import DAY_US, HALF_HOUR_US, SECOND_US, utc_days
from simulators.homes import FAMILY
from simulators.meters import SLOTS, Day, Meters, Registers
from simulators.plans import HEATING, Fleet
from simulators.readings import PIECE, cut
from simulators.stream import Signals

Float64 = NDArray[np.float64]

#: Energy of a cubic metre of gas [kWh]: 1.02264 x calorific value 39.5 MJ/m3 / 3.6.
KWH_PER_M3 = 1.02264 * 39.5 / 3.6

_REGISTERS = frozenset({"import_register", "export_register", "gas_register", "gas_volume_register", "heat_register"})


def signals(fleet: Fleet, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    """Readings in [start, end) in pieces of bounded size, in order of time.

    Registers need the days since the fleet's start, which are made first: about 0.3 s for 1,000 homes and a year.
    """
    meters = Meters(fleet)
    assert fleet.meters is not None
    speaker = _Speaker(fleet, devices, meters)
    days = utc_days(start_us, end_us)
    counted = None
    if _REGISTERS.intersection(fleet.meters.properties):
        counted = meters.registers_at(days.start)
    for day in days:
        energy = meters.day(day)
        for piece in speaker.day(day, energy, counted):
            part = cut(piece, start_us, end_us)
            if len(part.time):
                yield part
        if counted is not None:
            counted.add(energy)


class _Speaker:
    """What goes out in every half-hour: the same devices, properties and instants, again and again."""

    def __init__(self, fleet: Fleet, devices: Sequence[Device], meters: Meters) -> None:
        assert fleet.meters is not None
        self.properties = fleet.meters.properties
        self.devices = devices
        homes, every = meters.homes, fleet.meters.every
        has = {
            "export_register": homes.panels > 0,
            "gas_register": homes.heating == HEATING.index("gas"),
            "gas_volume_register": homes.heating == HEATING.index("gas"),
            "heat_register": homes.heating == HEATING.index("heat-network"),
        }
        everybody = np.ones(len(homes), np.bool_)
        full = np.stack([has.get(name, everybody) for name in self.properties], axis=1)
        # an interval is told once, when it begins
        between = full & np.array([name != "import_interval" for name in self.properties])
        steps = 1_800 // every
        rows = [np.nonzero(full if step == 0 else between) for step in range(steps)]
        self.device = np.concatenate([device for device, _ in rows]).astype(np.int32)
        self.property = np.concatenate([prop for _, prop in rows]).astype(np.uint8)
        self.step = np.repeat(np.arange(steps), [len(device) for device, _ in rows])
        self.offset = self.step * every * SECOND_US
        fresh = np.ones(len(self.device), np.bool_)
        fresh[1:] = (self.device[1:] != self.device[:-1]) | (self.step[1:] != self.step[:-1])
        self.message = np.cumsum(fresh, dtype=np.int64) - 1
        #: (property, part of the half-hour): where its values go in a half-hour's row, and of which devices.
        self.places = [
            (name, step / steps, place, self.device[place])
            for number, name in enumerate(self.properties)
            for step in range(steps)
            if len(place := np.flatnonzero((self.property == number) & (self.step == step)))
        ]

    def day(self, day: int, energy: Day, counted: Registers | None) -> Iterator[Signals]:
        """The messages of one UTC day, in pieces."""
        if not len(self.device):
            return  # such as an export register where no home has panels
        shown = _Shown(energy, counted)
        rows = max(1, PIECE // len(self.device))
        for first in range(0, SLOTS, rows):
            last = min(SLOTS, first + rows)
            slots = np.arange(first, last, dtype=np.int64)
            values = np.empty((last - first, len(self.device)))
            for name, part, place, device in self.places:
                found = shown.values(name, first, last, part)
                if len(self.places) == 1 and len(device) == found.shape[1]:
                    values = found  # every home's, as it is: the usual case of many meters
                else:
                    values[:, place] = found[:, device]
            times = (day * DAY_US + slots * HALF_HOUR_US)[:, None] + self.offset
            numbers = (slots - first)[:, None] * (self.message[-1] + 1) + self.message
            yield Signals(
                family=FAMILY,
                devices=self.devices,
                properties=self.properties,
                device=np.tile(self.device, len(slots)),
                property=np.tile(self.property, len(slots)),
                time=times.ravel(),
                value=values.ravel(),
                message=numbers.ravel(),
            )


class _Shown:
    """What meters show within a day: the registers at its beginning and what has been used since."""

    def __init__(self, energy: Day, counted: Registers | None) -> None:
        self.energy = energy
        self.registers = {}
        for name in ("imported", "exported", "gas", "heat") if counted is not None else ():
            used = getattr(energy, name)
            if used is not None:
                total = getattr(counted, name) + np.zeros(used.shape, np.int64)
                total[1:] += np.cumsum(used[:-1], axis=0, dtype=np.int64)
                self.registers[name] = total

    def values(self, name: str, first: int, last: int, part: float) -> Float64:
        """A property at a ``part`` [0 to 1) of the half-hours from first to last: kWh, W or m3, (half-hours, homes)."""
        energy = self.energy
        if name == "import_interval":
            return np.asarray(energy.imported[first:last] / 1_000)
        if name == "power":
            # watt-hours of half an hour; what goes out is negative
            return np.asarray(2.0 * (energy.imported[first:last] - energy.exported[first:last]))
        fuel = _COUNTS[name]
        shown = self.registers[fuel][first:last]
        if part:
            shown = shown + (getattr(energy, fuel)[first:last] * part).astype(np.int64)
        kwh = shown / 1_000
        return np.round(kwh / KWH_PER_M3, 3) if name == "gas_volume_register" else np.asarray(kwh)


_COUNTS = {
    "import_register": "imported",
    "export_register": "exported",
    "gas_register": "gas",
    "gas_volume_register": "gas",
    "heat_register": "heat",
}
