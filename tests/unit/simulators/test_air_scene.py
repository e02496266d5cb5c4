"""An episode that is planted in simulated air: how much, when, and that nothing else changes."""

from __future__ import annotations

import numpy as np

from simulators import air
from simulators.fleet_file import parse

HOUR = 3_600_000_000
PLAIN = """
name = "one"
start = 2026-01-05T00:00:00Z
days = 9
[air-monitor]
count = 3
every = 3600
damp = 0
drift = 0
"""
SCENE = PLAIN + "scene = { at = 2026-01-12T06:00:00Z, pm2_5 = 40.0 }\n"


def test_a_scene_lasts_from_twenty_hours_before_it_until_twelve_after() -> None:
    plain, planted = parse(PLAIN, "plain"), parse(SCENE, "planted")
    first = plain.start_us // (24 * HOUR)
    more, same = [], []
    for day in range(first, first + 9):
        with_, without = air.day_of(planted, day), air.day_of(plain, day)
        more.append(with_["pm2_5"] - without["pm2_5"])
        same.append(all(np.array_equal(with_[name], without[name]) for name in ("no2", "o3", "humidity")))
    assert all(same)
    added = np.concatenate(more).mean(axis=1)
    at = 7 * 24 + 6
    assert (added[: at - 20] == 0).all()
    assert (added[at + 12 :] == 0).all()
    assert (added[at - 19 : at + 12] > 0).all()
    # all of it, as far as each monitor's own part of chance goes
    assert 30 < added[at - 14 : at + 5].mean() < 50
    assert np.argmax(added) in range(at - 14, at + 5)


def test_several_scenes_do_not_add_up() -> None:
    fleet = parse(SCENE, "planted")
    assert fleet.air is not None
    assert fleet.air.scene is not None
    (at,) = fleet.air.scene.at
    times = at + np.arange(-24, 24) * HOUR
    one = air.scene_part((at,), times)
    assert (air.scene_part((at, at), times) == one).all()
    later = air.scene_part((at, at + 6 * HOUR), times)
    assert (later >= one).all()
    assert later.max() == one.max() == 1
