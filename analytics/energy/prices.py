"""Pounds, carbon and gas volumes: what a use of energy costs and emits, by values that have a date and a source.

Money is counted in whole ten-millionths of a penny and rounded once, half up, so that no order of adding matters.
Nothing here is a bill: a home's own tariff is used where it is known, else a reference price that is called one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.energy.prices_file import Factor, Price, Tables, Typical, read_tables
from devices.homes import Register, Tariff
from store.times import midnight

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
#: Watt-hours of each half-hour of a local day, 46, 48 or 50 values, NaN where none was measured.
HalfHours = Sequence[Float64]

PACKAGED = Path(__file__).parent / "energy.toml"

#: Volume at a meter to volume at standard conditions: the Gas (Calculation of Thermal Energy) Regulations.
_VOLUME_CORRECTION = 1.02264
#: A reference price goes on for so long after its last day where no other is known.
_CARRIED = timedelta(days=184)
#: Rates are taken to a ten-thousandth of a penny per kWh; with watt-hours that gives units of 1e-7 pence.
_RATE = 10_000
_PENNY = 10_000_000


class Cost(NamedTuple):
    """What a use costs [pence], by which tariff; ``own`` False: by a reference price, never a bill."""

    pence: int
    tariff: str
    own: bool


class Energy:
    """The values of one energy file."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def factor(self, fuel: str, year: int) -> Factor | None:
        """The carbon factor for a year: that year's, else the nearest earlier, else the first; None: there is none.

        ``Factor.year`` says which it is, and whoever shows it says so too.
        """
        known = [factor for factor in self._tables.factors if factor.fuel == fuel]
        earlier = [factor for factor in known if factor.year <= year]
        return earlier[-1] if earlier else known[0] if known else None

    def carbon(self, fuel: str, watt_hours: Int64, year: int) -> Int64 | None:
        """Grams CO2e of each use in a year, half up, in the shape of ``watt_hours`` [Wh]; None: no factor is known.

        A negative use (none is known) stays -1.
        """
        factor = self.factor(fuel, year)
        if factor is None:
            return None
        wh = np.asarray(watt_hours, np.int64)
        # kg/kWh is g/Wh; in millionths of a gram, so that halves are halves
        grams: Int64 = (wh * round(factor.value * 1_000_000) + 500_000) // 1_000_000
        return np.asarray(np.where(wh < 0, -1, grams), np.int64)

    def calorific(self, day: date) -> float:
        """Energy in a cubic metre of gas on a day [MJ/m3]; before the first known value the first."""
        found = [value for value in self._tables.calorific if value.start <= day]
        return (found[-1] if found else self._tables.calorific[0]).value

    def gas_kwh(self, volume: float, day: date) -> float:
        """Energy [kWh] of a gas volume [m3] on a day."""
        return volume * _VOLUME_CORRECTION * self.calorific(day) / 3.6

    def typical(self, fuel: str, day: date, meter: str = "single-rate") -> Typical | None:
        """What a home in the country uses in a year, as known on a day (before the first known value: the first)."""
        known = [value for value in self._tables.typical if (value.fuel, value.meter) == (fuel, meter)]
        earlier = [value for value in known if value.start <= day]
        return earlier[-1] if earlier else known[0] if known else None

    def price(self, fuel: str, day: date, payment: str = "direct-debit") -> Price | None:
        """The reference price of a day, or None. A payment method without one gets that by direct debit.

        A day that no price covers has the last one before it, for half a year; its name says so.
        """
        for method in dict.fromkeys((payment, "direct-debit")):
            own = [price for price in self._tables.prices if (price.fuel, price.payment) == (fuel, method)]
            earlier = [price for price in own if price.start <= day]
            if earlier:
                last = max(earlier, key=lambda price: price.start)
                if day < last.end:
                    return last
                if day < last.end + _CARRIED:
                    return replace(last, name=f"{last.name} (the last that we know)")
        return None

    def reference_cost(
        self, fuel: str, first: date, watt_hours: Int64, payment: str = "direct-debit"
    ) -> tuple[Int64, str] | None:
        """Cost of many homes by the reference price: pence ``(homes,)``, -1 where no use is known; the price's name.

        ``watt_hours`` [Wh] ``(homes, days)`` of local days from ``first`` on, -1 without a value: such days get the
        mean of the others. Each day has its own price and standing charge. None where a day has no price.
        """
        days = watt_hours.shape[1]
        prices = [self.price(fuel, first + timedelta(days=day), payment) for day in range(days)]
        known = [price for price in prices if price is not None]
        if len(known) < days or not days:
            return None
        rates = np.array([round(price.rate * _RATE) for price in known], np.int64)
        standing = sum(round(price.standing * _PENNY) for price in known)
        use = filled(watt_hours)
        pence: Int64 = (use @ rates + standing + _PENNY // 2) // _PENNY
        return np.where((watt_hours < 0).all(axis=1), -1, pence), _names(price.name for price in known)

    def cost(
        self,
        tariffs: Sequence[Tariff],
        fuel: str,
        first: date,
        watt_hours: Int64,
        half_hours: Sequence[Float64] | None = None,
        zone: ZoneInfo | None = None,
    ) -> Cost | None:
        """What one home's use costs by its own dated tariffs, else by the reference price; None where neither is known.

        ``watt_hours`` [Wh] ``(days,)`` from ``first`` on, -1 without a value (such days get the mean of the others);
        ``half_hours`` the same days by half-hour, which tariffs with several rates need: within a day the measured
        half-hours say how the day's use falls on the rates, a day without any is divided like the others. ``zone`` is
        the site's, needed with ``half_hours``. Own tariffs count only if they cover every day.
        """
        use = filled(np.asarray(watt_hours, np.int64)[None, :])[0]
        if not len(use) or bool((np.asarray(watt_hours) < 0).all()):
            return None
        days = [first + timedelta(days=day) for day in range(len(use))]
        dated = sorted((tariff for tariff in tariffs if tariff.fuel == fuel), key=lambda tariff: tariff.from_day)
        chosen = [next((t for t in reversed(dated) if t.from_day <= day), None) for day in days]
        own = [tariff for tariff in chosen if tariff is not None]
        if len(own) == len(days):
            total = _own_units(own, days, use, half_hours, zone)
            if total is not None:
                return Cost(_pence(total), _names(tariff.name for tariff in own), all(tariff.own for tariff in own))
        payment = dated[-1].payment if dated else "direct-debit"
        found = self.reference_cost(fuel, first, use[None, :], payment)
        return None if found is None else Cost(int(found[0][0]), found[1], False)


def load(path: Path | None = None) -> Energy:
    """The values of a file, or our own. Raises EnergyError."""
    return Energy(read_tables(PACKAGED if path is None else path))


def filled(watt_hours: Int64) -> Int64:
    """Uses ``(homes, days)`` [Wh] whose days without a value (-1) have the mean of the others; all missing: zeros.

    The sum of a home is its period's use exactly: sum of the known x days / known days, half up.
    """
    missing = watt_hours < 0
    if not missing.any():
        return watt_hours
    gaps = missing.sum(axis=1)
    known = watt_hours.shape[1] - gaps
    some = np.maximum(known, 1)
    whole = np.where(missing, 0, watt_hours).sum(axis=1)
    total = (2 * whole * watt_hours.shape[1] + some) // (2 * some)
    each, rest = np.divmod(total - whole, np.maximum(gaps, 1))
    rank = np.cumsum(missing, axis=1) - 1
    return np.asarray(np.where(missing, each[:, None] + (rank < rest[:, None]), watt_hours), np.int64)


def _pence(units: int) -> int:
    return (units + _PENNY // 2) // _PENNY


def _names(names: Iterable[str]) -> str:
    return ", then ".join(dict.fromkeys(names))


def _own_units(
    tariffs: Sequence[Tariff], days: Sequence[date], use: Int64, half_hours: HalfHours | None, zone: ZoneInfo | None
) -> int | None:
    """Cost in 1e-7 pence; None where several rates apply and nothing says when the energy was used."""
    if not all(tariff.registers for tariff in tariffs):
        return None
    total = 0
    shares: dict[int, Float64] = {}
    several = [day for day, tariff in enumerate(tariffs) if len(tariff.registers) > 1 and use[day]]
    if several:
        if half_hours is None or zone is None:
            return None
        for day in several:
            share = _share(tariffs[day], days[day], half_hours[day], zone)
            if share is not None:
                shares[day] = share
    for day, tariff in enumerate(tariffs):
        rates = _rates(tariff)
        total += round(tariff.standing_charge * _PENNY)
        if len(rates) == 1 or not use[day]:
            total += int(use[day]) * rates[0]
            continue
        alike = [share for other, share in shares.items() if tariffs[other].registers == tariff.registers]
        if not alike:
            return None
        own: Float64 = shares[day] if day in shares else np.asarray(np.mean(alike, axis=0), np.float64)
        total += _spread(int(use[day]), own, rates)
    return total


def _rates(tariff: Tariff) -> list[int]:
    return [round(register.rate * _RATE) for register in tariff.registers]


def _spread(watt_hours: int, share: Float64, rates: Sequence[int]) -> int:
    """Whole watt-hours on each rate by their shares; what rounding leaves goes to the last that has any."""
    parts = [int(np.floor(watt_hours * part + 0.5)) for part in share]
    parts[max(index for index, part in enumerate(share) if part > 0)] += watt_hours - sum(parts)
    return sum(part * rate for part, rate in zip(parts, rates, strict=True))


def _share(tariff: Tariff, day: date, half_hours: Float64, zone: ZoneInfo) -> Float64 | None:
    """Which part of a day's energy falls on each rate ``(registers,)``; None where nothing was measured or used."""
    begin = midnight(day, zone)
    parts = np.zeros(len(tariff.registers))
    for index, wh in enumerate(half_hours):
        if np.isfinite(wh) and wh > 0:
            moment = datetime.fromtimestamp(begin / 1e6 + index * 1800, UTC)
            local = moment.astimezone(zone)
            minutes = (local.hour * 60 + local.minute, moment.hour * 60 + moment.minute)
            parts[_register(tariff.registers, *minutes)] += wh
    whole = parts.sum()
    return parts / whole if whole > 0 else None


def _register(registers: Sequence[Register], local: int, utc: int) -> int:
    """Which rate counts at a minute of the local day, which is one of the UTC day; where none fits, the last."""
    for index, register in enumerate(registers):
        start, end, minute = register.start, register.end, utc if register.utc else local
        inside = start <= minute < end if start < end else minute >= start or minute < end
        if start == end or inside:
            return index
    return len(registers) - 1
