"""What smart meters say: the energy of `simulators.meters` as readings.

A message has the instant T at which an interval starts: ``import_interval`` is the energy from T to T + 30 min, the
registers are what the meter shows at T. So a register's step from one message to the next is the interval between.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HALF_HOUR_US, SECOND_US, utc_days
from simulators.fleet_file import HEATING
from simulators.homes import FAMILY
from simulators.meters import SLOTS, Day, Meters, Registers
from simulators.plans import Fleet
from simulators.readings import PIECE, cut
from simulators.stream import Signals

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

#: Energy of a cubic metre of gas [kWh]: 1.02264 x calorific value 39.5 MJ/m3 / 3.6.
KWH_PER_M3 = 1.02264 * 39.5 / 3.6

_REGISTERS = frozenset({"import_register", "export_register", "gas_register", "gas_volume_register", "heat_register"})


def signals(fleet: Fleet, start_us: int, end_us: int) -> Iterator[Signals]:
    """Readings in [start, end) in pieces of bounded size, in order of time.

    Registers need the days since the fleet's start, which are made first: about 0.3 s for 1,000 homes and a year.
    """
    meters = Meters(fleet)
    assert fleet.meters is not None
    speaker = _Speaker(fleet, meters)
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
    """Which reading stands where in a message: the same for all messages that carry it."""

    def __init__(self, fleet: Fleet, meters: Meters) -> None:
        assert fleet.meters is not None
        self.seed = fleet.seed
        self.properties = fleet.meters.properties
        self.every = fleet.meters.every
        self.devices = fleet.devices_by_family[FAMILY]
        homes = meters.homes
        has = {
            "export_register": homes.panels > 0,
            "gas_register": homes.heating == HEATING.index("gas"),
            "gas_volume_register": homes.heating == HEATING.index("gas"),
            "heat_register": homes.heating == HEATING.index("heat-network"),
        }
        everybody = np.ones(len(homes), np.bool_)
        self.full = np.stack([has.get(name, everybody) for name in self.properties], axis=1)
        self.between = self.full & np.array([name != "import_interval" for name in self.properties])

    def day(self, day: int, energy: Day, counted: Registers | None) -> Iterator[Signals]:
        """The messages of one UTC day, in pieces."""
        steps = 1_800 // self.every
        rows = max(1, PIECE // max(1, int(self.full.sum()) * steps))
        before = _Before(energy, counted)
        for first in range(0, SLOTS, rows):
            parts = [
                self._at(day, slot, step, energy, before)
                for slot in range(first, min(SLOTS, first + rows))
                for step in range(steps)
                if step == 0 or self.between.any()
            ]
            yield _joined(self, parts)

    def _at(
        self, day: int, slot: int, step: int, energy: Day, before: _Before
    ) -> tuple[int, NDArray[np.int64], NDArray[np.int64], Float64]:
        """Instant, device, property and value of the messages at one instant."""
        device, prop = np.nonzero(self.full if step == 0 else self.between)
        part = step * self.every / 1_800
        values = np.empty(self.full.shape)
        for column, name in enumerate(self.properties):
            values[:, column] = before.value(name, slot, part, energy)
        time = day * DAY_US + slot * HALF_HOUR_US + step * self.every * SECOND_US
        return time, device, prop, values[device, prop]


class _Before:
    """What the registers show within a day: the day's beginning and what has been used since."""

    def __init__(self, energy: Day, counted: Registers | None) -> None:
        self.counted = counted
        self.since = {}
        if counted is not None:
            for name, used in (
                ("imported", energy.imported),
                ("exported", energy.exported),
                ("gas", energy.gas),
                ("heat", energy.heat),
            ):
                if used is not None:
                    total: Int64 = getattr(counted, name) + np.zeros(used.shape, np.int64)
                    total[1:] += np.cumsum(used[:-1], axis=0, dtype=np.int64)
                    self.since[name] = (total, used)

    def value(self, name: str, slot: int, part: float, energy: Day) -> Float64:
        """A property's value at a ``part`` [0 to 1) of a half-hour: kWh, W or m3, shape (homes,)."""
        if name == "import_interval":
            return np.asarray(energy.imported[slot] / 1_000)
        if name == "power":
            # watt-hours of half an hour; what goes out is negative
            return np.asarray(2.0 * (energy.imported[slot].astype(np.float64) - energy.exported[slot]))
        total, used = self.since[_COUNTS[name]]
        shown = np.asarray((total[slot] + np.floor(used[slot] * part).astype(np.int64)) / 1_000)
        return np.round(shown / KWH_PER_M3, 3) if name == "gas_volume_register" else shown


_COUNTS = {
    "import_register": "imported",
    "export_register": "exported",
    "gas_register": "gas",
    "gas_volume_register": "gas",
    "heat_register": "heat",
}


def _joined(speaker: _Speaker, parts: list[tuple[int, Int64, Int64, Float64]]) -> Signals:
    sizes = [len(device) for _, device, _, _ in parts]
    device = np.concatenate([device for _, device, _, _ in parts]).astype(np.int32)
    time = np.repeat(np.array([time for time, _, _, _ in parts], np.int64), sizes)
    fresh = np.ones(len(time), np.int64)
    fresh[1:] = (device[1:] != device[:-1]) | (time[1:] != time[:-1])
    return Signals(
        family=FAMILY,
        devices=speaker.devices,
        properties=speaker.properties,
        device=device,
        property=np.concatenate([prop for _, _, prop, _ in parts]).astype(np.uint8),
        time=time,
        value=np.concatenate([value for _, _, _, value in parts]),
        message=np.cumsum(fresh) - 1,
    )
