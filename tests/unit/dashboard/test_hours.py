"""The hours of a rate in words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from dashboard.web.hours import hours
from devices.homes import Register


@pytest.mark.parametrize(
    ("register", "zone", "said"),
    [
        (Register("night", 10, 30, 450), "Europe/London", "00:30 to 07:30"),
        (Register("night", 10, 30, 450, True), "Europe/London", "00:30 to 07:30 GMT (01:30 to 08:30 in summer)"),
        (Register("night", 10, 1410, 360, True), "Europe/London", "23:30 to 06:00 GMT (00:30 to 07:00 in summer)"),
        (Register("night", 10, 30, 450, True), "Atlantic/Reykjavik", "00:30 to 07:30 GMT"),
        (
            Register("night", 10, 30, 450, True),
            "Europe/Berlin",
            "00:30 to 07:30 UTC (01:30 to 08:30 here, 02:30 to 09:30 in summer)",
        ),
        (Register("night", 10, 30, 450, True), "Asia/Tokyo", "00:30 to 07:30 UTC (09:30 to 16:30 here)"),
    ],
)
def test_hours_in_words(register: Register, zone: str, said: str) -> None:
    assert hours(register, ZoneInfo(zone)) == said
