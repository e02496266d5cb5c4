"""Smart meters: registers count intervals, use follows the weather, and what was planted is found."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from simulators.clock import DAY_US
from simulators.fleet_file import parse
from simulators.generate import generate
from simulators.meter_signals import KWH_PER_M3
from simulators.meters import Day, Meters
from simulators.plans import HEATING, PLANTED, Fleet
from simulators.stream import Signals
from simulators.weather import CLIMATES, irradiance, weather_of

JANUARY = 20_454  # 2026-01-01, days since the epoch


def fleet(text: str, *, start: str = "2026-01-01T00:00:00Z", seed: int = 7) -> Fleet:
    return parse(f"start = {start}\n[smart-meter]\n{text}", "homes.toml", seed=seed)


def readings(made: Fleet, days: int, first: int = 0) -> Signals:
    start = made.start_us + first * DAY_US
    parts = list(generate(made, start, start + days * DAY_US))
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Signals.__slots__[3:]}
    return Signals(parts[0].family, parts[0].devices, parts[0].properties, **columns)


def series(found: Signals, device: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    mine = (found.device == device) & (found.property == list(found.properties).index(name))
    return found.time[mine], found.value[mine]


MIXED = fleet(
    "count = 40\nsolar = 0.5\nheating = { gas = 0.5, electric = 0.2, heat-pump = 0.1, heat-network = 0.2 }\n"
    'properties = ["import_interval", "import_register", "export_register", "power", "gas_register",'
    ' "gas_volume_register", "heat_register"]\n'
)
FOUND = readings(MIXED, 10)


def test_a_register_steps_by_its_intervals_to_the_watt_hour() -> None:
    for device in range(40):
        time, register = series(FOUND, device, "import_register")
        _, interval = series(FOUND, device, "import_interval")
        assert len(time) == 10 * 48
        assert (np.diff(time) == 1_800_000_000).all()
        steps = np.rint(np.diff(register) * 1_000).astype(int)
        assert steps.tolist() == np.rint(interval[:-1] * 1_000).astype(int).tolist()


def test_registers_never_step_back_and_only_homes_that_have_one_say_it() -> None:
    homes = Meters(MIXED).homes
    has = {
        "export_register": homes.panels > 0,
        "gas_register": homes.heating == HEATING.index("gas"),
        "gas_volume_register": homes.heating == HEATING.index("gas"),
        "heat_register": homes.heating == HEATING.index("heat-network"),
    }
    for name, expected in has.items():
        assert 0 < expected.sum() < 40
        for device in range(40):
            _, register = series(FOUND, device, name)
            assert (len(register) > 0) == bool(expected[device])
            assert (np.diff(register) >= 0).all()
            assert len(register) == 0 or register[-1] >= register[0]


def test_values_have_whole_watt_hours_and_power_is_that_of_the_half_hour() -> None:
    for device in range(40):
        _, interval = series(FOUND, device, "import_interval")
        _, power = series(FOUND, device, "power")
        assert (np.round(interval, 3) == interval).all()
        taken = power >= 0
        assert power[taken] == pytest.approx(interval[taken] * 2_000)
        assert (interval[~taken] == 0).all(), "who exports imports nothing in the same half-hour"


def test_gas_is_told_as_energy_and_as_volume() -> None:
    gas = np.flatnonzero(Meters(MIXED).homes.heating == HEATING.index("gas")).tolist()
    for device in gas:
        _, energy = series(FOUND, device, "gas_register")
        _, volume = series(FOUND, device, "gas_volume_register")
        # kWh = m3 x 1.02264 x calorific value / 3.6, with 39.5 MJ/m3
        assert energy == pytest.approx(volume * 1.02264 * 39.5 / 3.6, abs=0.006)
    assert pytest.approx(11.2206, abs=1e-4) == KWH_PER_M3


def test_a_register_alone_is_the_register_of_a_longer_span() -> None:
    late = readings(MIXED, 1, first=9)
    for device in (0, 17, 39):
        for name in ("import_register", "export_register"):
            _, whole = series(FOUND, device, name)
            _, alone = series(late, device, name)
            assert alone.tolist() == whole[len(whole) - len(alone) :].tolist()


def test_a_property_that_only_some_homes_have_may_be_the_only_one() -> None:
    some = fleet("count = 12\nheating = { gas = 0.5, electric = 0.5 }\nproperties = ['gas_register']\n")
    found = readings(some, 1)
    gas = np.flatnonzero(Meters(some).homes.heating == HEATING.index("gas"))
    assert np.unique(found.device).tolist() == gas.tolist()
    assert len(found.value) == 6 * 48
    first = Meters(some).homes.register[gas] * 3 / 1_000
    assert found.value[:6].tolist() == first.tolist()
    none = fleet("count = 12\nsolar = 0\nproperties = ['export_register']\n")
    assert list(generate(none, none.start_us, none.start_us + DAY_US)) == []


def test_a_display_speaks_between_the_half_hours() -> None:
    made = fleet("count = 3\nevery = 600\nformat = 'glow'\nheating = { gas = 1.0 }\nsolar = 0\n")
    found = readings(made, 1)
    half_hourly = readings(fleet("count = 3\nformat = 'glow'\nheating = { gas = 1.0 }\nsolar = 0\n"), 1)
    for device in range(3):
        time, register = series(found, device, "import_register")
        assert len(time) == 144
        assert (np.diff(register) >= 0).all()
        _, rare = series(half_hourly, device, "import_register")
        assert register[::3].tolist() == rare.tolist()
        assert len(series(found, device, "export_register")[0]) == 0


@lru_cache
def year(text: str, seed: int = 7) -> tuple[Fleet, list[Day]]:
    made = fleet(text, seed=seed)
    meters = Meters(made)
    return made, [meters.day(JANUARY + day) for day in range(365)]


GAS_HOMES = (
    "count = 150\nsolar = 0\nprepayment = 0\nheating = { gas = 1.0 }\n"
    "properties = ['import_interval', 'gas_register']\n"
)


def test_a_year_is_that_of_british_homes() -> None:
    """Ofgem's typical medium household: 2,500 kWh electricity (single-rate), 9,500 kWh gas."""
    _, days = year(GAS_HOMES)
    electricity = sum(day.imported.sum(axis=0) for day in days) / 1_000
    gas = sum(day.gas.sum(axis=0) for day in days if day.gas is not None) / 1_000
    assert np.median(electricity) == pytest.approx(2_500, rel=0.2)
    assert np.median(gas) == pytest.approx(9_500, rel=0.25)
    # homes differ: the tenth that uses most uses several times what the lowest tenth does
    assert 2 < np.quantile(electricity, 0.9) / np.quantile(electricity, 0.1) < 6


def test_gas_answers_to_the_cold_and_electricity_hardly() -> None:
    made, days = year(GAS_HOMES)
    outside = [weather_of(made.climate, made.seed, JANUARY + day).temperature[:24].mean() for day in range(365)]
    gas = [float(day.gas.sum()) for day in days if day.gas is not None]
    electricity = [float(day.imported.sum()) for day in days]
    assert np.corrcoef(outside, gas)[0, 1] < -0.9
    winter, summer = np.sum(gas[:59]), np.sum(gas[181:240])
    assert winter > 4 * summer > 0
    assert 1.1 < np.sum(electricity[:59]) / np.sum(electricity[181:240]) < 2.0


def test_the_evening_is_the_peak_and_the_small_hours_the_trough() -> None:
    _, days = year(GAS_HOMES)
    # January: London's clock is UTC
    shape = sum(day.imported.sum(axis=1) for day in days[:28])
    assert 17 <= int(np.argmax(shape)) / 2 <= 20
    assert 1.5 <= int(np.argmin(shape)) / 2 <= 4.5


def test_the_treatment_is_found_again_and_changes_nobody_else() -> None:
    text = "count = 300\nsolar = 0\nheating = { electric = 1.0 }\nproperties = ['import_interval']\n"
    treated = fleet(text + "treatment = { share = 0.5, effect = 0.2, start = 2026-01-04T12:00:00Z }\n")
    plain = fleet(text)
    arm = Meters(treated).homes.arm
    assert arm.sum() == 150
    before, after = JANUARY + 2, JANUARY + 6
    for day in (before, after):
        with_effect, without = (Meters(one).day(day).imported for one in (treated, plain))
        assert (with_effect[:, ~arm] == without[:, ~arm]).all()
        share = with_effect[:, arm].sum() / without[:, arm].sum()
        assert share == pytest.approx(0.8 if day == after else 1.0, abs=1e-3)
    # on the day itself it begins at noon
    with_effect, without = (Meters(one).day(JANUARY + 3).imported for one in (treated, plain))
    assert (with_effect[:24] == without[:24]).all()
    assert with_effect[24:, arm].sum() / without[24:, arm].sum() == pytest.approx(0.8, abs=1e-3)


def test_planted_homes_are_what_they_are_called() -> None:
    text = "count = 60\nsolar = 0\nheating = { gas = 1.0 }\nproperties = ['import_interval', 'gas_register']\n"
    text += "planted = { empty = 6, disconnected = 6, under-heated = 6 }\n"
    made = fleet(text)
    meters = Meters(made)
    planted = meters.homes.planted
    days = [meters.day(JANUARY + day) for day in range(56)]
    use = np.stack([day.imported.sum(axis=0) for day in days])
    gas = np.stack([day.gas.sum(axis=0) for day in days if day.gas is not None])
    ordinary, empty, cut_off, cold = (planted == kind for kind in (-1, *range(len(PLANTED))))
    assert use[:, empty].mean() < 0.25 * use[:, ordinary].mean()
    assert gas[:, empty].mean() < 0.25 * gas[:, ordinary].mean()
    zeros = np.concatenate([day.imported == 0 for day in days])
    longest = [max(map(len, "".join("0" if zero else " " for zero in home).split(" "))) for home in zeros.T]
    assert min(np.array(longest)[cut_off]) >= 48, "a day or more without supply"
    assert max(np.array(longest)[ordinary]) < 4
    outside = [weather_of(made.climate, made.seed, JANUARY + day).temperature[:24].mean() for day in range(56)]
    assert gas[:, cold].mean() < 0.6 * gas[:, ordinary].mean()
    slope = [np.polyfit(outside, home, 1)[0] for home in gas.T]
    assert np.abs(np.array(slope)[cold]).max() < 0.35 * np.abs(np.median(np.array(slope)[ordinary]))


def test_panels_give_by_day_in_summer() -> None:
    made = fleet("count = 50\nsolar = 1.0\ndwellings = { detached = 1.0 }\nheating = { gas = 1.0 }\n")
    meters = Meters(made)
    exported = [np.sum([meters.day(JANUARY + first + day).exported for day in range(14)], axis=0) for first in (0, 165)]
    winter, summer = (two_weeks.sum() for two_weeks in exported)
    assert summer > 4 * winter > 0
    assert exported[1][44:].sum() == exported[1][:6].sum() == 0, "nothing by night"
    # without panels nothing goes out
    assert not Meters(fleet("count = 50\nsolar = 0\n")).day(JANUARY + 165).exported.any()


def test_the_sun_stands_where_almanacs_say() -> None:
    """London, clear sky at the summer solstice: 62 degrees at noon; no light at midnight; day of about 16.6 h."""
    hours = np.arange(0, 24, 0.05)
    day = 20_625  # 2026-06-21
    light = irradiance(CLIMATES["london"], 1, day, hours)
    assert float((light > 0).mean() * 24) == pytest.approx(16.6, abs=0.4)
    assert light[0] == 0
    # Haurwitz at a height of 62 degrees: 1098 x 0.883 x exp(-0.057 / 0.883) = 909 W/m2, less what clouds take
    assert 0.2 * 909 < light.max() < 1.01 * 909


def test_the_climate_is_recovered_over_years() -> None:
    climate = CLIMATES["london"]
    means = np.array([weather_of(climate, 3, day).temperature[:24].mean() for day in range(JANUARY, JANUARY + 2 * 365)])
    assert means.mean() == pytest.approx(climate.mean, abs=0.7)
    by_month = means[: 2 * 360].reshape(2, 12, 30).mean(axis=(0, 2))
    assert by_month.max() - by_month.min() == pytest.approx(2 * climate.yearly, abs=3)
    found = weather_of(climate, 3, JANUARY)
    assert (found.humidity <= 100).all()
    assert (found.humidity > 20).all()
    assert (found.wind > 0).all()
