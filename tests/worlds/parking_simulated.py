"""A simulated borough of bays in the words of the analytics: what its sensors say, and its register, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.parking.arrays import OPEN, BayTable, Closed, Events, Hours, Links, closed
from analytics.parking.hours import Regime, compile_hours
from devices.bank_holidays import bank_holidays
from devices.bays import Permit, Register, Suspension
from simulators.bay_register import make_register
from simulators.clock import DAY_US, SECOND_US
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from simulators.plans import Fleet

LONDON = ZoneInfo("Europe/London")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Over a clock change (2026-03-29), a bank holiday (Good Friday, 2026-04-03) and the ends of several nights.
FLEET = """
seed = 11
start = 2026-03-27T00:00:00Z
days = 8
[parking-bay]
count = 60
zone_streets = 1
disabled = 0.1
electric = 0.1
personal = 3
gateways = 2
swaps = 6
suspensions = 10
permits = 6
events = 3
demand = 2.0
[parking-bay.scene]
at = 2026-04-02T21:15:00Z
overstays = 3
suspensions = 2
"""
DAYS = 8


class SimulatedBays:
    """``fleet`` and ``register``, and both as arrays; ``zones`` in the order of their places."""

    def __init__(self, text: str = FLEET) -> None:
        self.fleet: Fleet = parse(text, "bays.toml")
        self.devices = devices_of(self.fleet)["parking-bay"]
        self.register: Register = make_register(self.fleet, self.devices)
        self.start, self.end = self.fleet.start_us, self.fleet.start_us + DAYS * DAY_US
        self.zones = sorted({bay.zone for bay in self.register.bays})
        self._places = {bay.id: place for place, bay in enumerate(self.register.bays)}
        self._devices = {device.id: place for place, device in enumerate(self.devices)}
        self.shown: NDArray[np.bool_] = np.array([not bay.personal for bay in self.register.bays], np.bool_)

    def links(self) -> Links:
        """The links of the register."""
        rows = [
            (self._places[one.bay], self._devices[one.device], us(one.start), OPEN if one.end is None else us(one.end))
            for one in self.register.sensors
        ]
        return Links(*np.array(rows, np.int64).T)

    def events(self) -> Events:
        """All readings of ``occupied``; each sensor lies in one bay."""
        bay_of = {self._devices[one.device]: self._places[one.bay] for one in self.register.sensors}
        of_device = np.array([bay_of[place] for place in range(len(self.devices))])
        parts = []
        for part in generate(self.fleet, self.start, self.end):
            some = part.property == list(part.properties).index("occupied")
            parts.append((of_device[part.device[some]], part.time[some], part.value[some], part.device[some]))
        bay, time, value, device = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Events(bay, time, value, device)

    def table(self) -> BayTable:
        """The bays; each is a regime of its own."""
        assert self.fleet.bays is not None
        count = len(self.register.bays)
        beat = np.full(count, self.fleet.bays.heartbeat * SECOND_US)
        zone = np.array([self.zones.index(bay.zone) for bay in self.register.bays])
        return BayTable(np.arange(count), zone, beat * 5 // 2, beat)

    def hours(self) -> Hours:
        """What holds at each bay, from two days before the span to two after it."""
        regimes = [
            Regime(bay.restrictions, frozenset(one.day for one in self.register.events if one.zone == bay.zone))
            for bay in self.register.bays
        ]
        first = (EPOCH + timedelta(microseconds=self.start)).date() - timedelta(days=2)
        holidays: frozenset[date] = frozenset(bank_holidays())
        return compile_hours(regimes, first, DAYS + 4, LONDON, holidays)

    def closed(self, rows: Sequence[Suspension | Permit]) -> Closed:
        """Suspensions or permits."""
        columns = np.array([(self._places[one.bay], us(one.start), us(one.end)) for one in rows], np.int64)
        return closed(*columns.reshape(-1, 3).T)


def us(moment: datetime) -> int:
    """An instant [us since the epoch]."""
    return (moment - EPOCH) // timedelta(microseconds=1)
