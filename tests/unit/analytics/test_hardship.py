"""Whom not to judge, case by case: spells, holidays, power cuts, frost protection, too little to say."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.neighbours.hardship import CODES, WINDOW, classify, recall_table, recall_text, vacant, warmth
from devices.homes import HEATING

GAS, ELECTRIC, OIL = (HEATING.index(name) for name in ("gas", "electric", "oil"))
HOMES = 40


def street(seed: int = 1, *, winter: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Electricity and gas [Wh] of 40 homes over eight weeks, and the outdoor temperature [Cel]."""
    rng = np.random.default_rng(seed)
    outdoor = (5 if winter else 19) + 3 * np.sin(np.arange(WINDOW) / 3) + rng.normal(0, 1, WINDOW)
    cold = np.maximum(15.5 - outdoor, 0)
    size = np.exp(rng.normal(0, 0.2, HOMES))[:, None]
    electricity = 8_000 * size * np.exp(rng.normal(0, 0.25, (HOMES, WINDOW)))
    gas = size * (3_000 * cold + 3_000) * np.exp(rng.normal(0, 0.15, (HOMES, WINDOW)))
    return electricity.astype(np.int64), gas.astype(np.int64), outdoor


def kinds(electricity: np.ndarray, gas: np.ndarray, **more: object) -> list[str]:
    heating = np.full(len(electricity), GAS)
    options = {"period_days": 7, **more}
    codes = classify(electricity, warmth(heating, electricity, gas), heating, **options)  # type: ignore[arg-type]
    return [CODES[code] for code in codes]


PREPAID = np.arange(HOMES) == 0


def test_ordinary_homes_are_judged_like_any() -> None:
    electricity, gas, outdoor = street()
    assert set(kinds(electricity, gas)) == {""}
    assert set(kinds(electricity, gas, outdoor=outdoor)) == {""}
    assert set(kinds(electricity, gas, period_days=28)) == {""}


@pytest.mark.parametrize(
    ("days", "prepaid", "kind"), [(1, True, "disconnected"), (1, False, ""), (2, False, "disconnected")]
)
def test_days_without_electricity(days: int, prepaid: bool, kind: str) -> None:
    electricity, gas, _ = street()
    electricity[0, 20 : 20 + days] = 0
    assert kinds(electricity, gas, prepayment=PREPAID & prepaid)[0] == kind
    # days without readings are no days without electricity
    electricity[0, 20 : 20 + days] = -1
    assert kinds(electricity, gas, prepayment=PREPAID & prepaid)[0] == ""


def test_a_power_cut_cuts_nobody_off() -> None:
    electricity, gas, _ = street()
    electricity[:12, 30:32] = 0
    assert set(kinds(electricity, gas, prepayment=PREPAID)) == {""}


def test_a_home_that_lives_off_its_roof_is_neither_cut_off_nor_empty() -> None:
    electricity, gas, _ = street(winter=False)
    electricity[0, -7:] = 40
    assert kinds(electricity, gas)[0] == "empty" or kinds(electricity, gas)[0] == "disconnected"
    assert kinds(electricity, gas, exports=PREPAID)[0] == ""


def test_no_gas_on_cold_days_with_somebody_at_home() -> None:
    electricity, gas, outdoor = street()
    coldest = np.argsort(outdoor)[:3]
    gas[0, coldest] = 0
    assert kinds(electricity, gas)[0] == "disconnected"
    # away with the heating off: electricity says that nobody is there
    electricity[0, coldest] = 1_500
    assert kinds(electricity, gas)[0] == ""


def test_in_the_dark_all_winter_with_prepayment() -> None:
    electricity, gas, _ = street()
    electricity[0], gas[0] = 0, 0
    assert kinds(electricity, gas, prepayment=PREPAID)[0] == "disconnected"
    assert kinds(electricity, gas)[0] == "empty"


def test_a_steady_low_use_is_an_empty_home_and_so_is_tiny_use() -> None:
    electricity, gas, _ = street()
    rng = np.random.default_rng(2)
    electricity[0] = 2_000 + rng.integers(-60, 60, WINDOW)
    electricity[1] = rng.integers(150, 1_200, WINDOW)
    electricity[2] = 2_000 * np.exp(rng.normal(0, 0.2, WINDOW))  # somebody careful
    gas[:2] = np.where(gas[:2] > 40_000, gas[:2] // 10, 0)  # kept from freezing
    for days in (7, 28):
        assert kinds(electricity, gas, period_days=days)[:3] == ["empty", "empty", ""]
    assert kinds(electricity, gas, vacant_watt_hours=400)[1] != "empty"


def test_a_week_away_is_no_hardship() -> None:
    electricity, gas, _ = street()
    electricity[0, -7:] = 1_400 + np.arange(7)
    gas[0, -7:] = 0  # the heating was off
    electricity[1, 20:30], gas[1, 20:30] = 1_400, 0
    for days in (7, 28):
        found = kinds(electricity, gas, period_days=days)
        # a home that was empty all week is empty in that week; nothing else comes of it
        assert found[0] == ("empty" if days == 7 else "")
        assert found[1] == ""


def test_little_heat_that_does_not_answer_to_the_cold() -> None:
    electricity, gas, outdoor = street()
    rng = np.random.default_rng(3)
    gas[0] = rng.integers(4_000, 9_000, WINDOW)
    gas[1] = gas[2] * 0.4 / 2  # small use that does answer, a well insulated home: a fifth of its neighbour's
    gas[3] = np.median(gas, axis=0).mean() * np.exp(rng.normal(0, 0.1, WINDOW))  # much heat, whatever the weather
    for more in ({}, {"outdoor": outdoor}):
        found = kinds(electricity, gas, **more)
        assert found[0] == "under-heated"
        assert found[3] == ""
    # its size is taken into account: a small flat heats little
    area = np.full(HOMES, 80.0)
    area[0], area[5] = 12.0, np.nan
    gas[0] = gas[4] // 7
    assert kinds(electricity, gas, area=area)[0] == ""


def test_in_summer_nobody_is_under_heated() -> None:
    electricity, gas, outdoor = street(winter=False)
    gas[0] = 1_000
    assert kinds(electricity, gas)[0] == ""
    assert kinds(electricity, gas, outdoor=outdoor)[0] == ""


def test_nothing_is_said_where_too_little_is_known() -> None:
    electricity, gas, _ = street()
    rng = np.random.default_rng(3)
    gas[0] = rng.integers(4_000, 9_000, WINDOW)
    assert kinds(electricity[:19], gas[:19])[0] == ""  # no cohort
    gas[0, :40] = -1
    assert kinds(electricity, gas)[0] == ""  # too few days
    nothing = np.full((HOMES, WINDOW), -1)
    assert set(kinds(nothing, nothing)) == {""}
    assert kinds(np.empty((0, WINDOW), np.int64), np.empty((0, WINDOW), np.int64)) == []
    heating = np.full(HOMES, OIL)
    assert not classify(electricity, warmth(heating, electricity, gas), heating, period_days=7).any()


def test_few_homes_of_a_dwelling_are_measured_against_each_other_only_where_they_are_enough() -> None:
    electricity, gas, _ = street()
    gas[0] = np.random.default_rng(3).integers(4_000, 9_000, WINDOW)
    dwelling = np.repeat([1, 2], [5, HOMES - 5])
    assert kinds(electricity, gas, dwelling=dwelling)[0] == ""
    assert kinds(electricity, gas, dwelling=np.repeat([1, 2, 3], [8, 8, 24]))[0] == ""
    assert kinds(electricity, gas, dwelling=np.repeat([1, 2, 3], [12, 12, 16]))[0] == "under-heated"


def test_the_fuel_that_heats() -> None:
    electricity, gas = np.full((3, 2), 5), np.full((3, 2), 7)
    found = warmth(np.array([ELECTRIC, GAS, OIL]), electricity, gas)
    assert found.tolist() == [[5, 5], [7, 7], [-1, -1]]
    assert warmth(np.array([GAS]), electricity[:1]).tolist() == [[-1, -1]]


def test_vacant() -> None:
    assert vacant(np.array([-1, 0, 6_999, 7_000]), 7).tolist() == [False, True, True, False]
    assert vacant(np.array([6_999]), 7, 500).tolist() == [False]


def test_arrays_that_do_not_fit_are_refused() -> None:
    electricity, gas, _ = street()
    with pytest.raises(ValueError, match="period_days"):
        classify(electricity, gas, np.full(HOMES, GAS), period_days=57)
    with pytest.raises(ValueError, match="fuel"):
        classify(electricity, gas[:, 1:], np.full(HOMES, GAS), period_days=7)


def test_the_table_of_recall() -> None:
    codes = np.array([0, 1, 1, 2, 3, 0], np.int8)
    rows = recall_table(codes, np.array(["", "", "empty", "empty", "under-heated", "disconnected"]))
    assert [(row.kind, row.planted, row.found, row.spared, row.ordinary, row.false_alarms) for row in rows] == [
        ("empty", 2, 1, 2, 2, 1),
        ("disconnected", 1, 0, 0, 2, 0),
        ("under-heated", 1, 1, 1, 2, 0),
    ]
    assert "50.0%" in recall_text(rows)
