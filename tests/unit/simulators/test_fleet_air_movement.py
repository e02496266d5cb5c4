"""Air monitors and movement sensors: shared episodes, traffic, wind, damp, drift; a household's day."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.air import day_of, traffic_cycle
from simulators.clock import DAY_US, local_clock
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from simulators.household import household
from simulators.plans import Fleet
from simulators.weather import weather_of

JANUARY = 20_454  # 2026-01-01


def air(text: str, *, seed: int = 7) -> Fleet:
    return parse(f"start = 2026-01-01T00:00:00Z\n[air-monitor]\nevery = 3600\n{text}", "air.toml", seed=seed)


def days(fleet: Fleet, count: int, name: str) -> np.ndarray:
    return np.concatenate([day_of(fleet, JANUARY + day)[name] for day in range(count)])


PLAIN = "damp = 0\ndrift = 0\n"


def test_neighbours_share_episodes() -> None:
    pm = days(air("count = 6\n" + PLAIN), 90, "pm2_5")
    together = np.corrcoef(np.log(pm.T))
    assert together[np.triu_indices(6, 1)].min() > 0.7
    # without episodes only traffic, wind and weather are shared
    calm = np.corrcoef(np.log(days(air("count = 6\nepisodes = 0\n" + PLAIN), 90, "pm2_5").T))
    assert calm[np.triu_indices(6, 1)].mean() < together[np.triu_indices(6, 1)].mean()


def test_wind_dilutes() -> None:
    fleet = air("count = 4\nepisodes = 0\n" + PLAIN)
    wind = np.concatenate([weather_of(fleet.climate, 7, JANUARY + day).wind[:24] for day in range(120)])
    for name in ("pm2_5", "no2"):
        level = days(fleet, 120, name).mean(axis=1)
        assert level[wind > np.quantile(wind, 0.8)].mean() < level[wind < np.quantile(wind, 0.2)].mean()
        assert np.corrcoef(wind, level)[0, 1] < -0.2


def test_traffic_has_two_peaks_on_working_days_and_less_at_the_weekend() -> None:
    clock = local_clock("Europe/London", (JANUARY + 4) * DAY_US, 3_600, 168)  # Monday to Sunday
    cycle = traffic_cycle(clock)
    assert cycle.mean() == pytest.approx(1.0, abs=0.08)
    monday = cycle[:24]
    assert 7 <= int(np.argmax(monday[:12])) <= 9
    assert 16 <= 12 + int(np.argmax(monday[12:])) <= 19
    assert monday[3] < 0.5 < monday[8]
    assert cycle[6 * 24 :].mean() < 0.9 * monday.mean()
    no2 = days(air("count = 5\nepisodes = 0\n" + PLAIN), 84, "no2").mean(axis=1).reshape(12, 168)
    # 1 January 2026 was a Thursday
    thursday, sunday = no2[:, :24].mean(axis=0), no2[:, 72:96].mean(axis=0)
    assert thursday.mean() > sunday.mean()
    assert thursday[7:10].mean() > thursday[1:4].mean()


def test_damp_air_makes_optical_sensors_see_more_and_nothing_else() -> None:
    dry, damp = air("count = 3\n" + PLAIN), air("count = 3\ndamp = 0.3\ndrift = 0\n")
    ratio = days(damp, 60, "pm2_5") / np.maximum(days(dry, 60, "pm2_5"), 0.5)
    humidity = np.concatenate([weather_of(dry.climate, 7, JANUARY + day).humidity[:24] for day in range(60)])
    assert ratio[humidity > 90].mean() > 2 * ratio[humidity < 60].mean()
    # kappa 0.3 at 80 %: 1 + 0.3 x 0.8 / 0.2 = 2.2
    near = np.abs(humidity - 80) < 1
    assert near.sum() > 10
    assert ratio[near].mean() == pytest.approx(2.2, abs=0.15)
    assert (days(damp, 5, "no2") == days(dry, 5, "no2")).all()


def test_monitors_drift_apart_with_their_age() -> None:
    fresh, worn = air("count = 40\n" + PLAIN), air("count = 40\ndamp = 0\ndrift = 0.1\n")
    # on the day of installation there is none
    assert (day_of(fresh, JANUARY)["pm2_5"] == day_of(worn, JANUARY)["pm2_5"]).all()
    later = JANUARY + 731
    ratio = day_of(worn, later)["no2"].sum(axis=0) / day_of(fresh, later)["no2"].sum(axis=0)
    assert ratio.std() == pytest.approx(0.2, abs=0.06)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)


def test_the_level_is_the_plans() -> None:
    fleet = air("count = 8\npm2_5 = 12\nno2 = 30\no3 = 55\n" + PLAIN)
    # every third day of a year: episodes last for days, so little is lost
    found = [day_of(fleet, JANUARY + day) for day in range(0, 365, 3)]
    for name, level in (("pm2_5", 12), ("no2", 30), ("o3", 55)):
        assert np.mean([day[name].mean() for day in found]) == pytest.approx(level, rel=0.25)
    for day in found:
        assert (day["pm10"] >= day["pm2_5"]).all()
        assert (day["pm2_5"] >= day["pm1"]).all()


def test_ozone_rises_with_the_sun_and_where_no2_is_low() -> None:
    fleet = air("count = 4\n" + PLAIN)
    summer = np.concatenate([day_of(fleet, JANUARY + 170 + day)["o3"].mean(axis=1)[None] for day in range(30)])
    by_hour = summer.mean(axis=0)
    assert 10 <= int(np.argmax(by_hour)) <= 17
    assert np.corrcoef(days(fleet, 60, "o3").ravel(), days(fleet, 60, "no2").ravel())[0, 1] < -0.3


def test_airgradient_monitors_say_what_airgradient_measures() -> None:
    fleet = air("count = 2\nformat = 'airgradient'\n")
    piece = next(generate(fleet, fleet.start_us, fleet.start_us + DAY_US))
    assert piece.properties == ("pm1", "pm2_5", "pm10", "co2", "temperature", "humidity", "tvoc_index", "nox_index")
    co2 = piece.value[piece.property == 3]
    assert 400 < co2.min() <= co2.max() < 700


HOMES = parse("start = 2026-01-01T00:00:00Z\n[movement-sensor]\ncount = 40\n", "homes.toml", seed=7)


SENSORS = devices_of(HOMES)["movement-sensor"]


def events(fleet: Fleet, count: int) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    parts = list(generate(fleet, fleet.start_us, fleet.start_us + count * DAY_US))
    columns = [
        np.concatenate([getattr(part, name) for part in parts]) for name in ("device", "time", "value", "property")
    ]
    return {
        name: tuple(column[columns[3] == number] for column in columns[:3])
        for number, name in enumerate(parts[0].properties)
    }


FOUND = events(HOMES, 7)


def test_motion_is_true_then_false_after_the_time_out() -> None:
    device, time, value = FOUND["motion"]
    for sensor in np.unique(device).tolist():
        mine = device == sensor
        states, times = value[mine], time[mine]
        assert (states[1:] != states[:-1]).all(), "true and false take turns"
        on = np.flatnonzero(states[:-1] == 1)
        assert (np.diff(times)[on] >= 90e6).all()
        off = np.flatnonzero(states[:-1] == 0)
        assert (np.diff(times)[off] > 0).all()


def test_people_sleep_by_night_and_are_about_by_day() -> None:
    device, time, value = FOUND["motion"]
    hour = time[value == 1] / 3_600e6 % 24
    night, day = ((hour >= 1) & (hour < 5)).mean() / 4, ((hour >= 8) & (hour < 22)).mean() / 14
    assert 0 < night < 0.2 * day
    kitchens = [number for number, one in enumerate(SENSORS) if one.attributes["room"] == "kitchen"]
    meals = time[(value == 1) & np.isin(device, kitchens)] / 3_600e6 % 24
    assert ((meals > 17.3) & (meals < 19.3)).sum() > ((meals > 14.5) & (meals < 16.5)).sum()


def test_nobody_moves_in_a_home_that_everybody_has_left() -> None:
    day = JANUARY + 2
    people = household(HOMES, day)
    device, time, value = FOUND["motion"]
    begin = day * DAY_US + 3 * 3_600_000_000
    out = np.argwhere(np.isfinite(people.leaves) & (people.returns - people.leaves > 0.5))
    assert len(out) > 10
    for home, outing in out.tolist():
        first, last = (
            begin + int(hour * 3_600e6) for hour in (people.leaves[home, outing], people.returns[home, outing])
        )
        seen = (device // 4 == home) & (value == 1) & (time >= first) & (time < last)
        assert not seen.any()


def test_the_door_opens_and_closes_when_people_go_and_come() -> None:
    device, time, value = FOUND["contact"]
    doors = {number for number, one in enumerate(SENSORS) if one.attributes["room"] == "door"}
    assert set(device.tolist()) <= doors
    for door in np.unique(device).tolist():
        mine = device == door
        states, times = value[mine], time[mine]
        assert states.tolist() == [0.0, 1.0] * (len(states) // 2)
        assert ((times[1::2] - times[::2]) <= 25e6).all()
    people = household(HOMES, JANUARY + 2)
    begin = (JANUARY + 2) * DAY_US + 3 * 3_600_000_000
    opened = ((time >= begin) & (time < begin + DAY_US) & (value == 0)).sum()
    assert opened == 2 * np.isfinite(people.leaves).sum()


def test_batteries_only_fall() -> None:
    device, time, value = FOUND["battery"]
    for sensor in np.unique(device).tolist():
        mine = device == sensor
        assert (np.diff(value[mine]) <= 0).all()
        assert (np.diff(time[mine]) > 0).all()
