"""Pounds, carbon and gas volumes, against sums written out here by hand or in exact fractions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.energy.prices import PACKAGED, Cost, Energy, filled, load
from analytics.energy.prices_file import EnergyError, parse_tables
from borough.errors import SettingsError
from borough.settings.energy import read_energy
from borough.settings.settings import read_settings
from devices.homes import Register, Tariff

LONDON = ZoneInfo("Europe/London")
ENERGY = load()
FILE = """
[[price]]
fuel = "electricity"
payment = "direct-debit"
from = 2026-01-01
to = 2026-02-01
rate = 20.0
standing_charge = 50.0
name = "January"
source = "test"

[[price]]
fuel = "electricity"
payment = "direct-debit"
from = 2026-02-01
to = 2026-03-01
rate = 30.0
standing_charge = 60.0
name = "February"
source = "test"

[[price]]
fuel = "electricity"
payment = "prepayment"
from = 2026-01-01
to = 2026-03-01
rate = 10.0
standing_charge = 40.0
name = "prepaid"
source = "test"

[[carbon]]
fuel = "electricity"
year = 2024
factor = 0.2
source = "test"

[[carbon]]
fuel = "electricity"
year = 2026
factor = 0.1
source = "test"

[[calorific]]
from = 2026-01-01
value = 39.0
source = "test"

[[calorific]]
from = 2026-02-01
value = 40.0
source = "test"

[[typical]]
fuel = "gas"
meter = "single-rate"
from = 2026-01-01
low = 1
medium = 2
high = 3
source = "test"
"""
SMALL = Energy(parse_tables(FILE, "small"))


def wh(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


# ---------------------------------------------------------------------------------------------------- our own values


def test_the_values_of_the_facts_are_in_the_file() -> None:
    july = ENERGY.price("electricity", date(2026, 7, 1))
    gas = ENERGY.price("gas", date(2026, 9, 30))
    assert july is not None
    assert gas is not None
    assert (july.rate, july.standing, gas.rate, gas.standing) == (26.11, 57.19, 7.33, 29.04)
    assert ENERGY.price("heat", date(2026, 8, 1)) is None
    assert [ENERGY.factor("electricity", year).value for year in (2024, 2025)] == [0.20705, 0.177]  # type: ignore[union-attr]
    typical = ENERGY.typical("electricity", date(2026, 8, 1), "multi-rate")
    assert typical is not None
    assert typical.medium == 3400


def test_what_is_not_confirmed_says_so() -> None:
    text = PACKAGED.read_text(encoding="utf-8")
    gas = ENERGY.factor("gas", 2025)
    assert gas is not None
    assert "not confirmed" in gas.source
    assert text.count("not confirmed") >= 10


# ------------------------------------------------------------------------------------------------------------ carbon


def test_carbon_is_by_the_datas_year_or_the_nearest_earlier() -> None:
    assert [SMALL.factor("electricity", year).year for year in (2020, 2024, 2025, 2026, 2030)] == [  # type: ignore[union-attr]
        2024, 2024, 2024, 2026, 2026,
    ]  # fmt: skip
    grams = SMALL.carbon("electricity", wh(0, 1, 2, 3, 1_000_000, -1), 2025)
    assert grams is not None
    assert grams.tolist() == [0, 0, 0, 1, 200_000, -1]  # 0.6 g is 1 g
    assert SMALL.carbon("electricity", wh(5), 2026) == wh(1)  # half a gram goes up
    assert SMALL.carbon("heat", wh(5), 2026) is None


@given(st.integers(0, 10**11), st.sampled_from([2024, 2025]))
def test_carbon_is_exact_and_half_up(use: int, year: int) -> None:
    factor = {2024: Decimal("0.20705"), 2025: Decimal("0.177")}[year]
    found = ENERGY.carbon("electricity", wh(use), year)
    assert found is not None
    assert found[0] == int((use * factor).quantize(Decimal(1), ROUND_HALF_UP))


# --------------------------------------------------------------------------------------------------------------- gas


def test_gas_volume_by_the_days_calorific_value() -> None:
    assert SMALL.gas_kwh(1, date(2026, 1, 31)) == pytest.approx(1.02264 * 39 / 3.6, rel=1e-12)
    assert SMALL.gas_kwh(2, date(2026, 2, 1)) == pytest.approx(2 * 1.02264 * 40 / 3.6, rel=1e-12)
    assert SMALL.calorific(date(1999, 1, 1)) == 39.0


# ------------------------------------------------------------------------------------------------ days without values


@given(st.lists(st.integers(-1, 100_000), min_size=1, max_size=31).filter(lambda days: any(day >= 0 for day in days)))
def test_missing_days_get_the_mean_of_the_others(days: list[int]) -> None:
    known = [day for day in days if day >= 0]
    full = filled(wh(*days)[None, :])[0]
    assert full.sum() == int(Fraction(sum(known) * len(days), len(known)) + Fraction(1, 2))
    assert [day for day, was in zip(full, days, strict=True) if was >= 0] == known
    gaps = [day for day, was in zip(full, days, strict=True) if was < 0]
    assert not gaps or max(gaps) - min(gaps) <= 1


# -------------------------------------------------------------------------------------------------- reference prices


def test_each_day_has_its_own_reference_price() -> None:
    found = SMALL.reference_cost("electricity", date(2026, 1, 30), np.array([[1000, 2000, 3000], [-1, -1, -1]]))
    assert found is not None
    pence, name = found
    # 20 + 40 + 90 for energy, 50 + 50 + 60 standing
    assert pence.tolist() == [310, -1]
    assert name == "January, then February"


def test_the_last_price_goes_on_for_half_a_year_and_says_so() -> None:
    found = SMALL.reference_cost("electricity", date(2026, 2, 28), np.array([[1000, 1000]]))
    assert found is not None
    assert found[0].tolist() == [180]
    assert found[1] == "February, then February (the last that we know)"
    assert SMALL.price("electricity", date(2026, 8, 31)) is not None
    assert SMALL.price("electricity", date(2026, 9, 1)) is None
    later = ENERGY.price("gas", date(2026, 11, 16))
    assert later is not None
    assert later.name == "price cap of July to September 2026 (the last that we know)"


def test_no_price_no_cost() -> None:
    assert SMALL.reference_cost("electricity", date(2025, 12, 30), np.array([[1, 1, 1]])) is None
    assert SMALL.reference_cost("electricity", date(2026, 9, 1), np.array([[1]])) is None, "half a year later"
    assert SMALL.reference_cost("gas", date(2026, 1, 1), np.array([[1]])) is None
    assert SMALL.cost([], "gas", date(2026, 1, 1), wh(1)) is None
    assert SMALL.cost([], "electricity", date(2026, 1, 1), wh(-1, -1)) is None


def test_a_payment_method_without_a_price_gets_direct_debit() -> None:
    assert SMALL.price("electricity", date(2026, 1, 1), "on-receipt").name == "January"  # type: ignore[union-attr]
    assert SMALL.price("electricity", date(2026, 1, 1), "prepayment").name == "prepaid"  # type: ignore[union-attr]


@given(st.lists(st.lists(st.integers(0, 60_000), min_size=7, max_size=7), min_size=1, max_size=5))
def test_reference_cost_is_exact(homes: list[list[int]]) -> None:
    found = ENERGY.reference_cost("electricity", date(2025, 12, 29), np.array(homes, np.int64))
    assert found is not None
    for home, pence in zip(homes, found[0], strict=True):
        exact = sum((Decimal(use) * Decimal("26.35") / 1000 + Decimal("53.68") for use in home[:3]), Decimal(0))
        exact += sum((Decimal(use) * Decimal("27.69") / 1000 + Decimal("54.75") for use in home[3:]), Decimal(0))
        assert pence == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_many_homes_are_one_sum_of_arrays() -> None:
    use = np.random.default_rng(5).integers(0, 40_000, (2_000, 31))
    found = ENERGY.reference_cost("gas", date(2026, 1, 1), use)
    assert found is not None
    for home in (0, 999, 1_999):
        assert ENERGY.cost([], "gas", date(2026, 1, 1), use[home]) == Cost(int(found[0][home]), found[1], False)


# ------------------------------------------------------------------------------------------------------- own tariffs


def flat(name: str, day: date, rate: float, standing: float = 0.0) -> Tariff:
    return Tariff("electricity", day, name, "direct-debit", standing, (Register("all day", rate),))


def night(day: date = date(2026, 1, 1), name: str = "Two rates") -> Tariff:
    registers = (Register("night", 10.0, 30, 450), Register("day", 30.0))
    return Tariff("electricity", day, name, "direct-debit", 50.0, registers)


def test_a_change_of_tariff_counts_from_its_day() -> None:
    tariffs = [flat("new", date(2026, 1, 3), 40, 10), flat("old", date(2025, 1, 1), 20, 5)]
    assert SMALL.cost(tariffs, "electricity", date(2026, 1, 1), wh(1000, 1000, 1000)) == Cost(
        100, "old, then new", True
    )


def test_an_own_tariff_that_begins_too_late_is_not_used_for_a_part() -> None:
    found = SMALL.cost([flat("late", date(2026, 1, 2), 40)], "electricity", date(2026, 1, 1), wh(1000, 1000))
    assert found == Cost(140, "January", False)


def test_a_reference_is_by_the_homes_payment_method() -> None:
    tariff = Tariff("electricity", date(2026, 1, 2), "late", "prepayment", 0, (Register("all day", 1),))
    assert SMALL.cost([tariff], "electricity", date(2026, 1, 1), wh(1000, 1000)) == Cost(100, "prepaid", False)


def test_other_fuels_tariffs_do_not_count() -> None:
    gas = Tariff("gas", date(2025, 1, 1), "gas", "direct-debit", 0, (Register("all day", 1),))
    assert SMALL.cost([gas], "electricity", date(2026, 1, 1), wh(1000)) == Cost(70, "January", False)


def test_rates_follow_the_local_clock() -> None:
    # 00:30 to 07:30 is the night: 14 half-hours of 48
    found = SMALL.cost([night()], "electricity", date(2026, 1, 5), wh(48_000), [np.full(48, 1000.0)], LONDON)
    assert found == Cost(14 * 10 + 34 * 30 + 50, "Two rates", True)


@pytest.mark.parametrize(("day", "count", "cheap"), [(date(2026, 3, 29), 46, 12), (date(2026, 10, 25), 50, 16)])
def test_rates_on_the_days_when_the_clocks_change(day: date, count: int, cheap: int) -> None:
    """In spring the night from 00:30 to 07:30 has 12 half-hours, in autumn 16."""
    found = SMALL.cost([night()], "electricity", day, wh(count * 1000), [np.full(count, 1000.0)], LONDON)
    assert found == Cost(cheap * 10 + (count - cheap) * 30 + 50, "Two rates", True)


def test_a_night_rate_across_midnight() -> None:
    registers = (Register("night", 10.0, 23 * 60, 7 * 60), Register("day", 30.0))
    tariff = Tariff("electricity", date(2026, 1, 1), "Owl", "direct-debit", 0.0, registers)
    half_hours = np.zeros(48)
    half_hours[46] = half_hours[0] = half_hours[14] = 1000.0  # 23:00 and 00:00 are night, 07:00 is day
    found = SMALL.cost([tariff], "electricity", date(2026, 1, 5), wh(3000), [half_hours], LONDON)
    assert found == Cost(50, "Owl", True)


def test_gaps_in_half_hours_are_divided_like_what_was_measured() -> None:
    half_hours = np.full(48, np.nan)
    half_hours[2], half_hours[30] = 1000.0, 3000.0  # a quarter at night
    nothing = np.full(48, np.nan)
    found = SMALL.cost([night()], "electricity", date(2026, 1, 5), wh(8000, 4000), [half_hours, nothing], LONDON)
    assert found == Cost(20 + 180 + 50 + 10 + 90 + 50, "Two rates", True)


def test_several_rates_without_half_hours_are_not_guessed() -> None:
    expected = Cost(20 + 50, "January", False)
    assert SMALL.cost([night()], "electricity", date(2026, 1, 5), wh(1000)) == expected
    assert SMALL.cost([night()], "electricity", date(2026, 1, 5), wh(1000), [np.full(48, np.nan)], LONDON) == expected


def test_a_day_without_use_costs_its_standing_charge() -> None:
    assert SMALL.cost([night()], "electricity", date(2026, 1, 5), wh(0), [np.zeros(48)], LONDON) == Cost(
        50, "Two rates", True
    )


@given(
    st.lists(st.integers(0, 3_000), min_size=48, max_size=48).filter(any),
    st.integers(0, 47),
    st.integers(0, 47),
    st.integers(0, 99_999),
    st.integers(0, 99_999),
)
def test_two_rates_against_a_loop_in_fractions(values: list[int], start: int, end: int, low: int, high: int) -> None:
    cheap, dear = low / 1000, high / 1000
    registers = (Register("one", cheap, start * 30, end * 30), Register("other", dear))
    tariff = Tariff("electricity", date(2026, 1, 1), "T", "direct-debit", 12.5, registers)
    day = date(2026, 2, 2)
    total = Fraction(25, 2)
    moment = datetime(2026, 2, 2, tzinfo=UTC)
    for value in values:
        slot = (moment.hour * 60 + moment.minute) // 30
        inside = start <= slot < end if start < end else slot >= start or slot < end
        total += Fraction(value, 1000) * Fraction(low if inside or start == end else high, 1000)
        moment += timedelta(minutes=30)
    found = SMALL.cost([tariff], "electricity", day, wh(sum(values)), [np.array(values, np.float64)], LONDON)
    assert found == Cost(int(total + Fraction(1, 2)), "T", True)


# -------------------------------------------------------------------------------------------------------- wrong files


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "[[\n" + text, "file.toml: .*line 1"),
        (lambda text: text + "\n[tax]\n", "file.toml: tax: is none of price, carbon"),
        (lambda text: text.replace("rate = 20.0", "rate = 'x'"), "price 1.rate: is missing, or no number"),
        (lambda text: text.replace("rate = 20.0", "rate = -1"), "price 1.rate: -1 is not between"),
        (lambda text: text.replace("rate = 20.0", "rate = nan"), "price 1.rate: is missing, or no number"),
        (lambda text: text.replace("rate = 20.0", "rates = 20"), "price 1.rates: is none of"),
        (lambda text: text.replace("from = 2026-01-01\nto", 'from = "2026-01-01"\nto', 1), "price 1.from: .*no date"),
        (lambda text: text.replace("to = 2026-02-01", "to = 2026-01-01"), "price 1.to: is not after from"),
        (lambda text: text.replace("to = 2026-02-01", "to = 2026-02-02"), "price: two of electricity, direct-debit"),
        (lambda text: text.replace('name = "January"', 'name = ""'), "price 1.name: is missing"),
        (lambda text: text.replace('name = "January"', f'name = "{"x" * 81}"'), "price 1.name: is 81 letters long"),
        (lambda text: text.replace('name = "January"', 'name = "a\u202eb"'), r"price 1.name: .*round \(U\+202E\)"),
        (lambda text: text.replace('payment = "prepayment"', 'payment = "card"'), "price 3.payment: is none of direct"),
        (lambda text: text.replace("year = 2024", "year = 2026"), "carbon: electricity, 2026 is there twice"),
        (lambda text: text.replace("year = 2024", "year = true"), "carbon 1.year: is no year"),
        (lambda text: text.replace("value = 39.0", "value = 10.9"), "calorific 1.value: 10.9 is not between 30 and 50"),
        (lambda text: text.replace("[[calorific]]", "[[typical]]"), "typical 1.value: is none of"),
        (lambda text: text.replace("low = 1", "low = 5"), "typical 1.medium: is not between low and high"),
        (lambda _: "price = 3\n", r"price: is written as \[\[price\]\]"),
        (lambda _: "", "calorific: is missing"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_key_and_reason(change: Callable[[str], str], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(change(FILE))
    with pytest.raises(EnergyError, match=reason) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_setting_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.toml"
    path.write_text(FILE)
    monkeypatch.setenv("BOROUGH_ENERGY_FILE", str(path))
    assert read_energy(read_settings()).price("electricity", date(2026, 1, 1)) is not None
    path.unlink()
    with pytest.raises(SettingsError, match=r"BOROUGH_ENERGY_FILE: .*own\.toml: No such file"):
        read_energy(read_settings())
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        read_energy(read_settings())
