"""The demo's weather: what its homes are heated by, in local days, simulated, and the same when it is taken again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from borough.demo.weather import take_weather
from simulators.fleet_file import parse
from simulators.weather import temperature_at
from store import weather
from store.connect import connect
from store.times import microseconds, midnight

FLEET = 'name = "t"\nseed = 5\nstart = 2026-01-01T00:00:00Z\ndays = 3\nclimate = "london"\n[smart-meter]\ncount = 1\n'


def test_the_demos_weather_is_that_of_its_homes(database: str) -> None:
    fleet = parse(FLEET, "t.toml")
    until = microseconds(datetime(2026, 1, 4, 12, tzinfo=UTC))
    with connect(database) as connection:
        taken = take_weather(connection, fleet, until)
        assert taken == (403, 0, 0)  # 400 days before, three whole ones since
        assert take_weather(connection, fleet, until) == (0, 0, 403)
        assert weather.nearest(connection, -0.08, 51.5, simulated=False) is None
        name = weather.nearest(connection, -0.08, 51.5, simulated=True)
        assert name == "london, simulated"
        found = weather.days(connection, name, date(2024, 11, 27), date(2026, 1, 5))
    assert np.isnan(found).sum() == 1
    zone, day = ZoneInfo("Europe/London"), date(2025, 3, 30)
    edges = (midnight(day, zone), midnight(day + timedelta(days=1), zone))
    hours = temperature_at(fleet.climate, fleet.seed, np.arange(*edges, 3_600_000_000))
    assert len(hours) == 23
    assert found[(day - date(2024, 11, 27)).days] == pytest.approx(hours.mean(), abs=0.006)
