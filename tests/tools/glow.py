"""Glow displays in a street: messages as the displays send them, and what the keep rule must make of them.

The model below is written from the design alone: of a register the first reading of each half-hour is kept, power
lives in ``latest`` only, an exact repeat of a series' last reading is a duplicate, everything else is thinned.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from devices.device import Device
from simulators.publisher import Message
from tests.tools.load import Expected, device, now, rfc3339

HALF_HOUR = 1_800_000_000
SUBSCRIPTIONS = """\
[[subscription]]
topic = "glow/{device}/SENSOR/electricitymeter"
format = "glow"

[[subscription]]
topic = "glow/{device}/SENSOR/gasmeter"
format = "glow"

[[subscription]]
topic = "glow/{device}/STATE"
format = "glow"
"""
FILTERS = ("glow/+/SENSOR/electricitymeter", "glow/+/SENSOR/gasmeter", "glow/+/STATE")


@dataclass(slots=True)
class Street:
    """Devices, their messages in order, and the model's account of them."""

    devices: list[Device]
    messages: list[Message] = field(default_factory=list)
    stored: Expected = field(default_factory=dict)
    latest: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    duplicates: int = 0
    thinned: int = 0
    readings: int = 0
    status: int = 0
    _kept: set[tuple[str, str, int]] = field(default_factory=set)

    def _take(self, name: str, what: str, at: int, value: float) -> None:
        self.readings += 1
        if self.latest.get((name, what)) == (at, value):
            self.duplicates += 1
            return
        self.latest[name, what] = (at, value)
        half_hour = (name, what, at // HALF_HOUR)
        if what == "power" or half_hour in self._kept:
            self.thinned += 1
        else:
            self._kept.add(half_hour)
            self.stored[name, what, at] = value

    def electricity(self, name: str, at: int, kwh: float, kw: float) -> None:
        """One message of the electricity meter; 6 of 100 displays send it twice."""
        energy = {
            "export": {"cumulative": 0.0, "units": "kWh"},
            "import": {"cumulative": kwh, "day": 1.5, "units": "kWh", "mpan": "1200000000002", "supplier": "---"},
        }
        payload = {"timestamp": rfc3339(at), "energy": energy, "power": {"value": kw, "units": "kW"}}
        self._say(name, "electricitymeter", payload)
        self._take(name, "import_register", at, kwh)
        self._take(name, "power", at, kw * 1000)

    def gas(self, name: str, at: int, kwh: float, cubic_metres: float) -> None:
        """One message of the gas meter, sent as often as electricity and new every half-hour."""
        energy = {"cumulative": kwh, "units": "kWh", "cumulativevol": cubic_metres, "cumulativevolunits": "m3"}
        self._say(name, "gasmeter", {"timestamp": rfc3339(at), "energy": {"import": {**energy, "mprn": "3938424403"}}})
        self._take(name, "gas_register", at, kwh)
        self._take(name, "gas_volume_register", at, cubic_metres)

    def state(self, name: str) -> None:
        """What a display says of itself: no reading."""
        payload = {"software": "v1.8.13", "hardware": "GLOW-IHD-01-1v4", "han": {"rssi": -67, "status": "joined"}}
        self.messages.append((f"glow/{name}/STATE", json.dumps(payload).encode()))
        self.status += 1

    def _say(self, name: str, meter: str, payload: Mapping[str, object]) -> None:
        self.messages.append((f"glow/{name}/SENSOR/{meter}", json.dumps({meter: payload}).encode()))


def street(seed: int, displays: int, steps: int) -> Street:
    """``displays`` that speak every 6 s, ``steps`` times, from 6 minutes before a half-hour begins."""
    chance = random.Random(seed)
    found = Street([device(f"0102AB{index:06X}", "smart-meter", "glow") for index in range(displays)])
    start = (now() // HALF_HOUR - 48) * HALF_HOUR + HALF_HOUR - 360_000_000
    registers = {item.id: [chance.uniform(100, 9_000), chance.uniform(100, 9_000), 0.0] for item in found.devices}
    gas_at = {item.id: 0 for item in found.devices}
    for step in range(steps):
        for item in found.devices:
            at = start + step * 6_000_000
            register = registers[item.id]
            register[0] = round(register[0] + chance.choice((0.0, 0.001, 0.002)), 3)
            kw = round(chance.uniform(0.05, 4.0), 3)
            for _ in range(2 if chance.random() < 0.06 else 1):
                found.electricity(item.id, at, register[0], kw)
            # a few seconds into the half-hour the display has the gas meter's new reading
            if gas_at[item.id] != at // HALF_HOUR * HALF_HOUR:
                gas_at[item.id] = at // HALF_HOUR * HALF_HOUR
                register[1] = round(register[1] + chance.uniform(0.0, 5.0), 3)
                register[2] = round(register[1] / 11.2, 3)
            found.gas(item.id, gas_at[item.id] + 11_000_000, register[1], register[2])
            if step % 100 == 0:
                found.state(item.id)
    return found
