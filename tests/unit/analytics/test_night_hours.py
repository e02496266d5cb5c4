"""Rates that count in some hours of the day, local or the same all year, against a plain loop."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.energy.prices import Cost, load
from devices.homes import Register, Tariff

LONDON = ZoneInfo("Europe/London")
ENERGY = load()


@pytest.mark.parametrize(
    ("day", "count", "begin"),
    [
        (date(2026, 1, 15), 48, 1),  # 00:30 GMT
        (date(2026, 7, 15), 48, 3),  # 01:30 in summer
        (date(2026, 3, 29), 46, 1),  # the clocks go forward in these hours
        (date(2026, 10, 25), 50, 3),
    ],
)
def test_night_hours_of_a_meter_that_keeps_gmt(day: date, count: int, begin: int) -> None:
    """14 kWh from 00:30 to 07:30 GMT at 10 p, and 1 kWh on either side at 30 p."""
    registers = (Register("night", 10.0, 30, 450, utc=True), Register("day", 30.0))
    tariff = Tariff("electricity", date(2026, 1, 1), "Economy 7", "direct-debit", 0.0, registers)
    half_hours = np.zeros(count)
    half_hours[begin : begin + 14] = 1000.0
    found = ENERGY.cost([tariff], "electricity", day, np.array([14_000]), [half_hours], LONDON)
    assert found == Cost(140, "Economy 7", True)
    half_hours[begin - 1] = half_hours[begin + 14] = 1000.0
    found = ENERGY.cost([tariff], "electricity", day, np.array([16_000]), [half_hours], LONDON)
    assert found == Cost(200, "Economy 7", True)


@given(st.integers(0, 1439), st.integers(0, 1439), st.sampled_from(["2026-01-15", "2026-03-29", "2026-10-25"]),
       st.booleans(), st.data())  # fmt: skip
def test_rates_agree_with_a_plain_loop(start: int, end: int, text: str, utc: bool, data: st.DataObject) -> None:
    day = date.fromisoformat(text)
    begin = datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
    after = day + timedelta(days=1)
    close = datetime(after.year, after.month, after.day, tzinfo=LONDON).astimezone(UTC)
    count = (close - begin) // timedelta(minutes=30)
    used = data.draw(st.lists(st.integers(0, 900), min_size=count, max_size=count))
    cheap = 0
    for place, watt_hours in enumerate(used):
        moment = begin + timedelta(minutes=30 * place)
        shown = moment if utc else moment.astimezone(LONDON)
        minute = shown.hour * 60 + shown.minute
        here = {(start + more) % 1440 for more in range((end - start) % 1440 or 1440)}
        cheap += watt_hours * (minute in here)
    registers = (Register("night", 10.0, start, end, utc), Register("day", 30.0))
    tariff = Tariff("electricity", date(2026, 1, 1), "Two", "direct-debit", 0.0, registers)
    found = ENERGY.cost([tariff], "electricity", day, np.array([sum(used)]), [np.array(used, np.float64)], LONDON)
    assert found is not None
    assert found.pence == (cheap * 10 + (sum(used) - cheap) * 30 + 500) // 1000
