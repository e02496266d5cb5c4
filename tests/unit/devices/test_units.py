"""Units against their definitions, and there and back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.families import FAMILIES
from devices.units import COMMON, IDENTITY, SENML, UCUM, UnitError, conversion, conversions_to


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (1, "kWh", "MJ", 3.6),
        (6613405, "Wh", "kW.h", 6613.405),
        (0.951, "kW", "W", 951.0),
        (1, "GJ", "kW.h", 277.7777777777778),  # 1e9 / 3.6e6
        (102372, "Pa", "hPa", 1023.72),
        (760, "mmHg", "hPa", 1013.2472),  # UCUM: m[Hg] = 133.322 kPa
        (29.92, "inHg", "hPa", 1013.2045),  # 29.92 x 25.4 mm of mercury
        (212, "F", "Cel", 100),
        (-40, "°F", "Cel", -40),
        (273.15, "K", "Cel", 0),
        (100, "ft3", "m3", 2.8316846592),
        (1107678, "L", "m3", 1107.678),
        (40, "µg/m³", "ug/m3", 40),
        (1.5, "mg/m3", "ug/m3", 1500),
        (419, "ppm", "[ppm]", 419),
        (0.81, "1", "%", 81),
    ],
)
def test_definitions(value: float, source: str, target: str, result: float) -> None:
    assert conversion(source, target)(value) == pytest.approx(
        result, rel=1e-6 if source == "inHg" else 1e-14, abs=1e-13
    )


@given(value=st.floats(-1e9, 1e9))
def test_thousands_are_rounded_once(value: float) -> None:
    # 4.37 * 0.001 would be 0.004370000000000001
    assert conversion("Wh", "kW.h")(value) == float(Fraction(value) / 1000)
    assert conversion("kW", "W")(value) == float(Fraction(value) * 1000)


@pytest.mark.parametrize(
    ("source", "target"),
    [("A", "W"), ("kVA", "W"), ("kWh", "W"), ("ppb", "ug/m3"), ("", "W"), ("W", "watts"), ("%", "Cel"), ("g", "ug/m3")],
)
def test_what_does_not_convert(source: str, target: str) -> None:
    with pytest.raises(UnitError):
        conversion(source, target)


def test_senml_and_common_spellings_disagree() -> None:
    assert conversion("C", "Cel") is IDENTITY
    for farad_or_coulomb in ("C", "F", "°C"):
        with pytest.raises(UnitError):
            conversion(farad_or_coulomb, "Cel", senml=True)
    assert conversion("%RH", "%", senml=True) is IDENTITY
    assert conversion("/", "%", senml=True)(0.5) == 50


def test_every_spelling_means_a_unit() -> None:
    assert {*SENML.values(), *COMMON.values()} <= UCUM.keys()


def test_every_property_has_a_unit_that_is_known() -> None:
    for family in FAMILIES.values():
        for prop in family.properties.values():
            assert prop.unit in UCUM, prop
            assert conversions_to(prop.unit)[prop.unit] is IDENTITY


PAIRS = [(one, two) for one in UCUM for two in UCUM if UCUM[one].dimension == UCUM[two].dimension]


@given(value=st.floats(-1e9, 1e9), pair=st.sampled_from(PAIRS))
def test_there_and_back(value: float, pair: tuple[str, str]) -> None:
    one, two = pair
    back = conversion(two, one)(conversion(one, two)(value))
    # a shift by 459.67 costs the last digits of a small number
    assert back == pytest.approx(value, rel=1e-12, abs=1e-11)
