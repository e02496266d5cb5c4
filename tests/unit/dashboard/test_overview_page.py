"""The overview page in words and numbers, and the headers that every page carries."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.engineer import traffic
from dashboard.simulation import Simulation
from dashboard.web.security import content_security_policy, plotly_script
from store.batch import Counts
from store.overview import LatestReading, MinuteCount

NOW = datetime(2026, 2, 1, 12, 30, 30, tzinfo=UTC)


def minute(back: int) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=back)


COUNTS = [
    MinuteCount(minute(9), "parking-bay", 600, 600),
    MinuteCount(minute(1), "air-monitor", 90, 720),
    MinuteCount(minute(0), "air-monitor", 45, 360),
    MinuteCount(minute(0), "smart-meter", 9, 9),
]


def test_rates_are_of_the_last_one_to_two_minutes() -> None:
    # 90 s since the previous minute began
    assert traffic.rates(COUNTS, NOW) == [
        traffic.Rate("Parking bays", 0, 0),
        traffic.Rate("Smart meters", 0.1, 0.1),
        traffic.Rate("Air monitors", 1.5, 12),
        traffic.Rate("All", 1.6, 12.1),
    ]


def test_rates_of_a_demo_that_has_just_begun() -> None:
    now = minute(0) + timedelta(seconds=2)
    (rate, every) = traffic.rates([MinuteCount(minute(0), "air-monitor", 10, 80)], now)
    assert (rate.messages, rate.readings, every.readings) == (5, 40, 40)
    assert traffic.rates([], NOW) == [traffic.Rate("All", 0, 0)]


def test_readings_by_minute_as_a_table() -> None:
    families, rows = traffic.by_minute(COUNTS)
    assert families == ["Parking bays", "Smart meters", "Air monitors"]
    assert rows == [(minute(9), [600, 0, 0]), (minute(1), [0, 0, 720]), (minute(0), [0, 9, 360])]
    assert traffic.headline(rows) == "1,689 readings stored in the last 3 minutes with traffic"
    assert traffic.headline([]) == "No readings yet"


def test_the_present_is_said_beside_a_history_that_was_loaded() -> None:
    rows = [(minute(20), [900_000]), (minute(1), [40, 2]), (minute(0), [7, 0])]
    assert traffic.present(rows, NOW) == f"42 of them in the last whole minute, {minute(1):%H:%M}"
    assert traffic.present(rows[:1], NOW).startswith("0 of them in the last whole minute")
    assert traffic.present(rows[2:], NOW) == ""
    assert traffic.present([], NOW) == ""


def test_the_accounting_says_when_it_does_not_add_up() -> None:
    good = Counts(messages_received=1, messages_decoded=1, readings_decoded=2, readings_stored=2)
    bad = Counts(messages_received=2, messages_decoded=1)
    rows = traffic.accounting({"smart-meter": good, "parking-bay": bad})
    assert [(name, adds_up) for name, _, adds_up in rows] == [
        ("Parking bays", False),
        ("Smart meters", True),
        ("All", False),
    ]
    assert rows[-1][1].messages_received == 3


@pytest.mark.parametrize(
    ("name", "unit", "value", "expected"),
    [
        ("occupied", "1", 1.0, "occupied"),
        ("occupied", "1", 0.0, "free"),
        ("contact", "1", 0.0, "open"),
        ("import_interval", "kW.h", 0.213, "0.213 kWh"),
        ("temperature", "Cel", -1.0, "-1 °C"),
        ("pm2_5", "ug/m3", 7.5, "7.5 µg/m³"),
        ("nox_index", "1", 1.0, "1"),
        ("gone", None, 2.0, "2"),
    ],
)
def test_values_are_said_as_people_say_them(name: str, unit: str | None, value: float, expected: str) -> None:
    assert traffic.value_words(LatestReading("d", "f", name, unit, NOW, value)) == expected


def test_newest_readings_by_family_and_device() -> None:
    readings = [
        LatestReading("bay-1", "parking-bay", "battery", "%", minute(5), 80),
        LatestReading("bay-1", "parking-bay", "occupied", "1", minute(1), 1),
        LatestReading("m-1", "smart-meter", "import_interval", "kW.h", minute(2), 0.5),
    ]
    assert traffic.newest(readings, {"parking-bay": 200, "smart-meter": 1}) == [
        traffic.FamilyNow(
            "parking-bay",
            "Parking bays",
            [traffic.DeviceNow("bay-1", minute(1), [("battery", "80 %"), ("occupied", "occupied")])],
            200,
        ),
        traffic.FamilyNow(
            "smart-meter", "Smart meters", [traffic.DeviceNow("m-1", minute(2), [("import interval", "0.5 kWh")])], 1
        ),
    ]


@pytest.mark.parametrize(
    ("family", "refresh", "expected"),
    [
        (None, False, "/overview"),
        (None, True, "/overview?refresh=true"),
        ("parking-bay", False, "/overview?family=parking-bay"),
        ("a&b", True, "/overview?family=a%26b&refresh=true"),
    ],
)
def test_links_keep_what_was_chosen(family: str | None, refresh: bool, expected: str) -> None:
    assert traffic.address(family, refresh=refresh) == expected


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (Simulation(), "The parts are starting; the first readings come within seconds."),
        (
            Simulation("history", days=56.25, days_loaded=14.1, history_readings=1_000_000),
            "History: 14 of 56 days loaded through the broker (25 %, 1,000,000 readings).",
        ),
        (
            Simulation("live", at=NOW - timedelta(hours=5), speed=60),
            "It is Sunday 1 February 2026, 07:30 UTC on the simulated clock, which runs 60 times as fast.",
        ),
        (
            Simulation("live", at=NOW - timedelta(seconds=59), speed=60),
            "The simulated clock has caught up with the real one.",
        ),
        (Simulation("over", at=NOW), "The simulation is over; what it sent is stored."),
    ],
)
def test_how_far_the_simulation_is(shown: Simulation, words: str) -> None:
    assert shown.words(NOW) == words


def test_planted_faults_are_told_with_what_becomes_of_them() -> None:
    shown = Simulation("live", planted={"duplicate": 3, "outage+duplicate": 2, "malformed": 1})
    assert [(words, count) for words, _, count in shown.faults()] == [
        ("sent twice", 5),
        ("cut short or garbled", 1),
        ("held up by a lost connection and sent late, in one burst", 2),
    ]


def test_the_policy_allows_the_styles_that_plotly_puts_in_and_nothing_foreign() -> None:
    policy = dict(part.split(" ", 1) for part in content_security_policy(plotly_script().read_bytes()).split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    assert f"'sha256-{empty}'" in policy["style-src-elem"]
    # measured in a browser with plotly 7.1.0: the map library's styles
    assert "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='" in policy["style-src-elem"]
    assert "unsafe-eval" not in str(policy)
    assert "http" not in str(policy)
