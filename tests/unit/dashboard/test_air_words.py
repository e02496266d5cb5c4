"""Air in words: what is not known is said, never a zero; and what an index rests on is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.public import air_now, air_words
from dashboard.web import air_board
from dashboard.web.air_board import AirBoard
from store.air import INDEXED, Monitor, Now

LONDON = ZoneInfo("Europe/London")
AT = datetime(2026, 7, 1, 12, 10, tzinfo=UTC)


def now(index: int, name: str = "Mill Lane", *, fresh: bool = True, **parts: int) -> Now:
    monitor = Monitor(name.lower(), name, -0.1, 51.5, "real", True, None, False, INDEXED, AT, {})
    worst = next((one for one, value in parts.items() if value == index), None)
    missing = tuple(one for one in INDEXED if one not in parts)
    return Now(monitor, AT - timedelta(hours=2), fresh, index, worst, parts, missing, False)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "not known"), (0.0, "0.0"), (-0.04, "0.0"), (-3.26, "\N{MINUS SIGN}3.3"), (9.96, "10.0"),
        (99.4, "99.4"), (99.5, "100"), (1234.4, "1234"),
    ],
)  # fmt: skip
def test_concentrations(value: float, said: str) -> None:
    assert air_words.concentration(value) == said


def test_amounts_have_their_unit_and_none_where_nothing_is_known() -> None:
    assert air_words.amount(9.0, "µg/m³") == "9.0 µg/m³"
    assert air_words.amount(float("nan"), "µg/m³") == "not known"


@pytest.mark.parametrize(
    ("index", "said"), [(0, "No index"), (1, "1, Low"), (4, "4, Moderate"), (7, "7, High"), (10, "10, Very High")]
)
def test_an_index_is_said_with_its_band(index: int, said: str) -> None:
    assert air_words.index_words(index) == said


def test_what_an_index_rests_on_the_worst_first() -> None:
    one = now(5, pm2_5=3, o3=5, no2=3)
    assert air_words.rests_on(one) == "Rests on ozone (5), PM2.5 (3) and NO2 (3)"
    assert air_words.missing(one) == "not known: PM10 and SO2"
    assert air_words.rests_on(now(2, pm10=2)) == "Rests on PM10 (2)"
    assert air_words.rests_on(now(0)) == ""
    whole = now(1, pm2_5=1, pm10=1, no2=1, o3=1, so2=1)
    assert air_words.missing(whole) == ""


def test_hours_and_ages_are_local() -> None:
    assert air_words.hour_words(datetime(2026, 7, 1, 12, tzinfo=UTC), LONDON) == "13:00 to 14:00"
    twice = air_words.hour_words(datetime(2026, 10, 25, 0, tzinfo=UTC), LONDON)
    assert twice == "01:00 to 01:00, before the clocks went back"
    assert air_words.hour_words(datetime(2026, 3, 29, 0, tzinfo=UTC), LONDON) == "00:00 to 02:00"
    monitor = now(1, pm10=1).monitor
    assert air_words.heard(monitor, AT + timedelta(days=3), LONDON) == "Last heard 13:10 on 1 July 2026, 3 days ago"
    never = Monitor("new", "New", None, None, "real", False, None, False, (), None, {})
    assert air_words.heard(never, AT, LONDON) == "Never heard yet"
    assert air_words.kind(never) == "Reference instrument"
    assert air_words.kind(monitor) == "Indicative"


def board(*rows: Now) -> AirBoard:
    return AirBoard(AT, sorted(rows, key=lambda one: -air_board.index(one)))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "No monitor has an index now."),
        ([now(0), now(3, fresh=False, pm10=3)], "No monitor has an index now."),
        ([now(2, "One", pm10=2), now(0)], "One monitor has an index now: 2, Low, at One."),
        (
            [now(2, "One", pm10=2), now(1, "Two", pm10=1), now(8, "Three", pm10=8), now(9, fresh=False, pm10=9)],
            "The index is Low at 2 of the 3 monitors that have one. The highest is 8, High, at Three.",
        ),
        (
            [now(2, "One", pm10=2), now(1, "Two", pm10=1), now(8, "Three", pm10=8)],
            "The index is Low at 2 of the 3 monitors. The highest is 8, High, at Three.",
        ),
        (
            [*(now(2, name, pm10=2) for name in ("One", "Two", "Three")), now(0)],
            "The index is Low at all 3 monitors that have one. The highest is 2, Low, at One.",
        ),
        (
            [now(2, "One", pm10=2), now(1, "Two", pm10=1)],
            "The index is Low at both monitors. The highest is 2, Low, at One.",
        ),
    ],
)
def test_the_finding_is_of_what_is_known(rows: list[Now], said: str) -> None:
    assert air_now.summary(board(*rows)) == said


def test_what_was_last_heard_is_in_no_band() -> None:
    found = board(now(9, "Old", fresh=False, pm10=9), now(2, "One", pm10=2))
    assert air_now.counts(found) == {"very-high": 0, "high": 0, "moderate": 0, "low": 1, "no-index": 1}
    assert [one.monitor.name for one in air_now.of_band(found, "no-index")] == ["Old"]
    assert len(air_now.of_band(found, "")) == 2
    assert [one.monitor.name for one in found.named("o")] == ["One", "Old"]
    assert [one.monitor.name for one in found.exactly(" ONE ")] == ["One"]
    assert found.named("") == []
