"""Units: from what a device says to the unit of the property. No unit is guessed, none converts across dimensions.

Our own units are UCUM codes (https://ucum.org). Two further spellings exist, and they disagree (SenML's ``C`` is the
coulomb, a display's ``C`` is a degree Celsius), so a reader says which one it speaks:

* ``SENML``: RFC 8428 section 12.1 and the secondary units of RFC 8798, as far as a property of ours can be in them;
* ``COMMON``: what displays and hobby firmware write (``kWh``, ``hPa``, ``C``, ``µg/m³``).

A concentration in ppb does not convert to ug/m3: that needs the gas and the temperature, and two conventions are in
use (20 and 25 degrees Celsius). A mapping that knows both is to name them; until one does, such a unit is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

Convert = Callable[[float], float]


class UnitError(ValueError):
    """A unit that is not known, or that does not convert to the one asked for. The text names both."""


class Unit(NamedTuple):
    """A UCUM unit: a value x of it is ``(x - zero) * scale`` in the first unit of its dimension."""

    dimension: str
    scale: Fraction
    zero: Fraction = Fraction(0)


def _units(dimension: str, **scales: str) -> dict[str, Unit]:
    return {code: Unit(dimension, Fraction(scale)) for code, scale in scales.items()}


_KILO, _MEGA, _GIGA = "1000", "1000000", "1000000000"

#: UCUM code -> unit. Only dimensions that a property has.
UCUM: Mapping[str, Unit] = {
    **_units("energy", J="1", kJ=_KILO, MJ=_MEGA, GJ=_GIGA),
    **_units("energy", **{"W.min": "60"}),
    **_units("energy", **{"W.h": "3600", "kW.h": "3600000", "MW.h": "3600000000", "GW.h": "3600000000000"}),
    **_units("power", W="1", mW="1/1000", kW=_KILO, MW=_MEGA),
    # the international foot and the imperial gallon, by definition
    **_units("volume", m3="1", dm3="1/1000", L="1/1000", l="1/1000", cm3="1/1000000", mL="1/1000000"),
    **_units("volume", **{"[cft_i]": "0.028316846592", "[gal_br]": "0.00454609"}),
    # m[Hg] is 133.322 kPa in UCUM, the inch 25.4 mm
    **_units("pressure", Pa="1", hPa="100", kPa=_KILO, mbar="100", bar="100000"),
    **_units("pressure", **{"mm[Hg]": "133.322", "[in_i'Hg]": "3386.3788"}),
    **_units("concentration", **{"ng/m3": "1/1000", "ug/m3": "1", "mg/m3": _KILO, "g/m3": _MEGA, "kg/m3": _GIGA}),
    **_units("ratio", **{"1": "1", "%": "1/100", "[ppth]": "1/1000", "[ppm]": "1/1000000", "[ppb]": "1/1000000000"}),
    **_units("illuminance", lx="1", klx=_KILO),
    "Cel": Unit("temperature", Fraction(1)),
    "K": Unit("temperature", Fraction(1), Fraction("273.15")),
    "[degF]": Unit("temperature", Fraction(5, 9), Fraction(32)),
}

#: SenML unit -> UCUM code.
SENML: Mapping[str, str] = {
    **{same: same for same in ("J", "W", "kW", "m3", "l", "Pa", "hPa", "ug/m3", "kg/m3", "lx", "Cel", "K", "%")},
    "Wh": "W.h",
    "kWh": "kW.h",
    "%RH": "%",
    "%EL": "%",
    "/": "1",
    "count": "1",
    "/100": "%",
    "/1000": "[ppth]",
    "ppm": "[ppm]",
    "ppb": "[ppb]",
}

#: Common spelling -> UCUM code.
COMMON: Mapping[str, str] = {
    "Wmin": "W.min",
    "Wh": "W.h",
    "kWh": "kW.h",
    "KWh": "kW.h",
    "kwh": "kW.h",
    "MWh": "MW.h",
    "GWh": "GW.h",
    "Watt": "W",
    "m³": "m3",
    "liter": "L",
    "litre": "L",
    "ft3": "[cft_i]",
    "ft³": "[cft_i]",
    "mmHg": "mm[Hg]",
    "inHg": "[in_i'Hg]",
    "C": "Cel",
    "°C": "Cel",
    "F": "[degF]",
    "°F": "[degF]",
    "µg/m³": "ug/m3",  # the micro sign
    "μg/m³": "ug/m3",  # the Greek letter
    "µg/m3": "ug/m3",
    "μg/m3": "ug/m3",
    "ug m-3": "ug/m3",
    "ugm-3": "ug/m3",
    "µg m-3": "ug/m3",
    "mg m-3": "mg/m3",
    "mgm-3": "mg/m3",
    "mg/m³": "mg/m3",
    "%RH": "%",
    "ppm": "[ppm]",
    "ppb": "[ppb]",
    "lux": "lx",
}


def _identity(value: float) -> float:
    return value


#: The conversion of a unit to itself; ``conversion(...) is IDENTITY`` tells that there is nothing to do.
IDENTITY: Convert = _identity


def conversion(source: str, target: str, senml: bool = False) -> Convert:
    """The function that converts a value from ``source`` to ``target`` (a UCUM code).

    ``source`` is a UCUM code or a spelling of ``SENML`` or ``COMMON``; a spelling wins over a code. The function takes
    an int or a float, rounds once where the scale is a whole number or the inverse of one, and raises OverflowError
    for an int beyond a float's range. Raises UnitError.
    """
    code = (SENML if senml else COMMON).get(source, source)
    if code not in UCUM:
        raise UnitError(f"unit {source[:20]!r} is not known")
    if target not in UCUM:
        raise UnitError(f"unit {target[:20]!r} is not a UCUM code known here")
    if code == target:
        return IDENTITY
    (dimension, scale, zero), (wanted, target_scale, target_zero) = UCUM[code], UCUM[target]
    if dimension != wanted:
        raise UnitError(f"unit {source!r} ({dimension}) does not convert to {target} ({wanted})")
    return _linear(scale / target_scale, float(zero), float(target_zero))


@lru_cache(maxsize=128)
def conversions_to(target: str, senml: bool = False) -> Mapping[str, Convert]:
    """Every unit that converts to ``target`` -> its conversion: one look-up a reading, and closed against invention."""
    table = {}
    for source in {*(SENML if senml else COMMON), *UCUM}:
        try:
            table[source] = conversion(source, target, senml)
        except UnitError:
            continue
    return table


def _linear(scale: Fraction, zero: float, target_zero: float) -> Convert:
    """``(value - zero) * scale + target_zero`` with as few roundings as the scale allows."""
    up, down = float(scale.numerator), float(scale.denominator)
    if zero or target_zero:
        return lambda value: (value - zero) * up / down + target_zero
    if down == 1:
        return lambda value: value * up
    if up == 1:
        return lambda value: value / down
    return lambda value: value * up / down
