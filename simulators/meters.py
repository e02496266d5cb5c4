"""Smart meters: half-hourly energy of homes, and the registers that count it.

Electricity of a home in a half-hour [kWh] = base + active x shape(local time, habit) x season x chance + heating +
cooling, less the sun's share. Arrays are (half-hours, homes): the order in which the readings go out.
Energy is rounded to whole watt-hours before it is counted, so registers are exact sums of intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HALF_HOUR_US, LocalClock, local_clock
from simulators.day_shapes import heating_hours, hot_water_hours, rhythms
from simulators.homes import FAMILY, make_homes
from simulators.plans import HEATING, PLANTED, Fleet
from simulators.randomness import stream
from simulators.weather import irradiance, weather_of

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

SLOTS = 48
#: Homes computed at once: a block's arrays stay in the processor's cache.
_BLOCK = 4_000
#: What is switched on stays on for about an hour: memory of a half-hour's chance.
_FADE = np.float32(0.72)
_FRESH = np.float32((1 - 0.72**2) ** 0.5)
#: Light and drying in winter: half of the yearly range of the active use.
_SEASON = 0.20
_GAS_EFFICIENCY = np.float32(0.88)
#: Hot water [kWh a half-hour] of a person.
_HOT_WATER = 0.022
#: What of the panels' rated power arrives as alternating current: a usual performance ratio.
_PERFORMANCE = 0.80
_EMPTY, _DISCONNECTED, _UNDER_HEATED = (PLANTED.index(kind) for kind in ("empty", "disconnected", "under-heated"))
_GAS, _ELECTRIC, _PUMP, _NETWORK = (HEATING.index(kind) for kind in ("gas", "electric", "heat-pump", "heat-network"))
#: In each span of so many days a home has at most one holiday, and one that is cut off at most one spell.
_HOLIDAY_DAYS, _SPELL_DAYS = 28, 14


class Day(NamedTuple):
    """Energy of one UTC day [Wh], arrays of shape (48, homes), int32.

    ``gas`` and ``heat`` (of a network) are zero in homes without, and None where the plan does not ask for them.
    """

    imported: NDArray[np.int32]
    exported: NDArray[np.int32]
    gas: NDArray[np.int32] | None
    heat: NDArray[np.int32] | None


@dataclass(slots=True)
class Registers:
    """What the meters have counted [Wh], arrays of shape (homes,): electricity in and out, gas, heat of a network."""

    imported: Int64
    exported: Int64
    gas: Int64
    heat: Int64

    def add(self, day: Day) -> None:
        """Count a whole day."""
        self.imported += day.imported.sum(axis=0)
        self.exported += day.exported.sum(axis=0)
        if day.gas is not None and day.heat is not None:
            self.gas += day.gas.sum(axis=0)
            self.heat += day.heat.sum(axis=0)


class Meters:
    """The homes of one fleet and what they use. Raises ValueError for a fleet without meters."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.homes = make_homes(fleet)
        assert fleet.meters is not None  # make_homes has seen to it
        self.plan = fleet.meters
        self.warm = bool({"gas_register", "gas_volume_register", "heat_register"}.intersection(self.plan.properties))

    def day(self, day: int) -> Day:
        """Energy of one UTC day (days since the epoch)."""
        blocks = [self._block(day, first) for first in range(0, len(self.homes), _BLOCK)]
        if len(blocks) == 1:
            return blocks[0]
        gas = np.concatenate([block.gas for block in blocks if block.gas is not None], 1) if self.warm else None
        heat = np.concatenate([block.heat for block in blocks if block.heat is not None], 1) if self.warm else None
        imported = np.concatenate([block.imported for block in blocks], axis=1)
        return Day(imported, np.concatenate([block.exported for block in blocks], axis=1), gas, heat)

    def registers_at(self, day: int) -> Registers:
        """Registers when a UTC day begins: the days since the fleet's start are made and added up."""
        homes = self.homes
        found = Registers(
            homes.register.copy(),
            np.zeros_like(homes.register),
            homes.register * 3 * (homes.heating == _GAS),
            homes.register * (homes.heating == _NETWORK),
        )
        for earlier in range(self.fleet.start_us // DAY_US, day):
            found.add(self.day(earlier))
        return found

    def _block(self, day: int, first: int) -> Day:
        """The homes from ``first`` on, a block of them."""
        fleet, homes, mine = self.fleet, self.homes, slice(first, first + _BLOCK)
        clock = local_clock(fleet.climate.zone, day * DAY_US, 1_800, SLOTS)
        middle = np.arange(SLOTS) / 2 + 0.25
        outside = weather_of(fleet.climate, fleet.seed, day).at("temperature", middle).astype(np.float32)
        rng = stream(fleet.seed, FAMILY, "use", day, first // _BLOCK)
        mood = np.exp(0.18 * rng.standard_normal(len(homes.base[mine]), np.float32) - np.float32(0.016))
        here = self._presence(day, first)
        load = self._appliances(rng, clock, mine, mood * here)
        heating = homes.heating[mine]
        for kind in (_ELECTRIC, _PUMP):
            columns = np.flatnonzero(heating == kind)
            if len(columns):
                heat = self._heat(clock, outside, mine, columns, mood, steady=kind == _PUMP)
                if kind == _PUMP:
                    # it gives more for its electricity when it is mild: COP 3.0 at 7 Cel, within 1.8 and 4.5
                    heat /= np.clip(3 + 0.07 * (outside - 7), 1.8, 4.5)[:, None]
                load[:, columns] += heat + (self._water(clock, mine, columns, here) / (3 if kind == _PUMP else 1))
        columns = np.flatnonzero(homes.cooling[mine])
        if len(columns):
            warm = np.maximum(outside - np.float32(22), 0)[:, None]
            load[:, columns] += homes.cooling[mine][columns] * warm * (mood * here)[columns] / 2
        self._interfere(day, first, load)
        imported = _watt_hours(load)
        exported = np.zeros_like(imported)
        columns = np.flatnonzero(homes.panels[mine])
        if len(columns):
            sun = np.asarray(_PERFORMANCE / 2_000 * irradiance(fleet.climate, fleet.seed, day, middle), np.float32)
            produced = _watt_hours(homes.panels[mine][columns] * sun[:, None])
            net = np.subtract(imported[:, columns], produced)
            imported[:, columns] = np.maximum(net, 0)
            exported[:, columns] = np.maximum(-net, 0)
        if not self.warm:
            return Day(imported, exported, None, None)
        fuels = []
        for kind, efficiency in ((_GAS, _GAS_EFFICIENCY), (_NETWORK, np.float32(1))):
            columns = np.flatnonzero(heating == kind)
            used = np.zeros_like(load)
            heat = self._heat(clock, outside, mine, columns, mood) + self._water(clock, mine, columns, here)
            used[:, columns] = heat / efficiency
            self._interfere(day, first, used)
            fuels.append(_watt_hours(used))
        return Day(imported, exported, fuels[0], fuels[1])

    def _appliances(self, rng: np.random.Generator, clock: LocalClock, mine: slice, lively: Float32) -> Float32:
        """Base and active use [kWh], (48, homes): the chance is log-normal with a memory, of mean 1."""
        homes = self.homes
        base, active, unsteady = homes.base[mine], homes.active[mine], homes.unsteady[mine]
        count = len(base)
        use = rng.standard_normal((SLOTS, count), np.float32)
        use[1:] *= _FRESH
        for slot in range(1, SLOTS):
            use[slot] += _FADE * use[slot - 1]
        use *= unsteady
        use -= unsteady * unsteady / 2
        np.exp(use, out=use)
        use *= rhythms(clock)[:, homes.rhythm[mine]]
        season = 1 + _SEASON * np.cos(2 * np.pi * (clock.day_of_year[0] - 10) / 365)
        use *= active * lively * np.float32(season)
        # a refrigerator is on for a part of the half-hour
        idle = rng.random((SLOTS, count), np.float32)
        idle *= np.float32(0.5)
        idle += np.float32(0.75)
        idle *= base * np.where(homes.planted[mine] == _EMPTY, np.float32(0.5), np.float32(1))
        use += idle
        return use

    def _heat(
        self, clock: LocalClock, outside: Float32, mine: slice, columns: Int64, mood: Float32, *, steady: bool = False
    ) -> Float32:
        """Warmth that homes ask for [kWh], (48, columns): loss x (balance - outdoor temperature), when people heat.

        An empty home is kept from freezing; an under-heated one burns the same little however cold it is. A heat pump
        runs ``steady`` by day and night.
        """
        homes = self.homes
        planted = homes.planted[mine][columns]
        balance = np.where(planted == _EMPTY, np.float32(5), homes.balance[mine][columns])
        # walls remember: most of what counts is the day's mean
        felt = np.float32(0.7 * float(outside.mean())) + np.float32(0.3) * outside[:, None]
        cold = np.maximum(balance - felt, np.float32(0))
        cold[:, planted == _UNDER_HEATED] = 1.2
        cold *= np.float32(0.5) if steady else heating_hours(clock)[:, None] / 2
        return np.asarray(homes.loss[mine][columns] * mood[columns] * cold)

    def _water(self, clock: LocalClock, mine: slice, columns: Int64, here: Float32) -> Float32:
        """Hot water [kWh], (48, columns)."""
        people = self.homes.occupants[mine][columns] * here[columns]
        return np.asarray(np.float32(_HOT_WATER) * people * hot_water_hours(clock)[:, None], np.float32)

    def _presence(self, day: int, first: int) -> Float32:
        """1 where somebody lives at home on this day, near 0 on a holiday and in an empty home; (block of homes,)."""
        planted = self.homes.planted[first : first + _BLOCK]
        period, within = divmod(day, _HOLIDAY_DAYS)
        rng = stream(self.fleet.seed, FAMILY, "holidays", period, first // _BLOCK)
        goes = rng.random(len(planted)) < 0.09
        begin = rng.integers(0, _HOLIDAY_DAYS - 4, len(planted))
        away = goes & (within >= begin) & (within < begin + rng.integers(3, 15, len(planted)))
        return np.where(planted == _EMPTY, 0.0, np.where(away, 0.08, 1.0)).astype(np.float32)

    def _interfere(self, day: int, first: int, use: Float32) -> None:
        """The treatment's effect, and the spells without supply of homes that were cut off; changes ``use``."""
        mine = slice(first, first + _BLOCK)
        treatment = self.plan.treatment
        if treatment is not None:
            after = day * DAY_US + np.arange(SLOTS) * HALF_HOUR_US >= treatment.start_us
            use[np.ix_(after, self.homes.arm[mine])] *= np.float32(1 - treatment.effect)
        columns = np.flatnonzero(self.homes.planted[mine] == _DISCONNECTED)
        if len(columns):
            period, within = divmod(day, _SPELL_DAYS)
            rng = stream(self.fleet.seed, FAMILY, "spells", period, first // _BLOCK)
            begin = rng.integers(0, _SPELL_DAYS * SLOTS - 5 * SLOTS, len(columns))
            length = rng.integers(SLOTS, 5 * SLOTS, len(columns))
            # money runs out when heating is dear: from October to March
            cut_off = (rng.random(len(columns)) < 0.7) & _in_winter(day)
            slot = within * SLOTS + np.arange(SLOTS)[:, None]
            use[:, columns] *= ~(cut_off & (slot >= begin) & (slot < begin + length))


def _in_winter(day: int) -> bool:
    month = int(np.datetime64(day, "D").astype("datetime64[M]").astype(np.int64)) % 12 + 1
    return month >= 10 or month <= 3


def _watt_hours(energy: Float32) -> NDArray[np.int32]:
    """Whole watt-hours of an array of kWh."""
    return np.asarray(np.rint(energy * np.float32(1_000)), np.int32)
