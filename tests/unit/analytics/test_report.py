"""What households are told: the numbers in the words, what is not shown, actions that fit, and amounts as written.

The judgement here is independent of the words' own code: numbers are read back out of the sentences.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.report import words
from devices.homes import HomeDetails, Register, Tariff, Tenancy
from store.comparisons import Comparison, Neighbourhood
from tests.examples import examples
from tests.tools.reports import ENERGY, FLAT, comparison, comparisons, details, near, said, tenancies


@settings(max_examples=examples(300))
@given(comparisons(("suppressed",)), details(), near())
def test_what_is_not_shown_is_said_in_words_and_never_as_zero(it: Comparison, home: HomeDetails, around: Any) -> None:
    found = said(it, home, around)
    assert found.suppressed is not None
    assert not found.bars
    assert not found.state_words
    assert found.percentile is None
    assert found.difference is None
    assert not found.neighbours
    if it.own is None:
        assert found.own is None
        assert found.cost is None
        assert found.carbon is None
        assert not found.actions
        assert not re.search(r"\d kWh|£", " ".join(found.sentences()))


@settings(max_examples=examples(400))
@given(comparisons(("great", "good", "more"), ("all",)), details(), near())
def test_the_numbers_in_the_words_are_those_of_the_comparison(it: Comparison, home: HomeDetails, around: Any) -> None:
    found = said(it, home, around)
    bars = {bar.who: bar for bar in found.bars}
    assert bars["similar"].watt_hours == it.average
    assert ("efficient" in bars) == (it.efficient is not None)
    assert it.own is not None
    assert it.average is not None
    own = wh(bars["you"].text)
    assert own == bars["you"].watt_hours
    assert abs(own - it.own) <= (50 if it.own < 99_950 else 500)
    assert wh(bars["similar"].text) == it.average
    for bar in found.bars:
        assert f"{bar.label.lower()} {bar.text}" in found.bars_text
    assert found.difference == own - it.average
    assert found.difference_text is not None
    if it.state != "more":
        assert found.difference is not None
        assert found.difference <= 0
    if found.difference:
        assert wh(found.difference_text) == abs(found.difference)
        assert ("more than" if found.difference > 0 else "less than") in found.difference_text
        if shown_percent := re.search(r"\((\d+)%\)", found.difference_text):
            exact = Decimal(100 * abs(found.difference)) / it.average
            assert int(shown_percent[1]) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    if it.tenths is not None and 1 <= it.tenths <= 9:
        assert found.percentile is not None
        assert f"about {it.tenths} in 10" in found.percentile.lower()
    if it.cost is not None and found.cost is not None:
        amounts = re.findall(r"£([\d,]+\.\d\d)|(?<![\d.])(\d+)p", found.cost)
        assert [round(float(one.replace(",", "")) * 100) if one else int(two) for one, two in amounts] == [it.cost]
        assert ("not your bill" in found.cost) == (not it.tariff_own)
        assert it.tariff is not None
        assert it.tariff in found.cost
    if it.carbon is not None and (factor := ENERGY.factor(it.fuel, it.from_day.year)):
        assert found.carbon is not None
        assert str(factor.year) in found.carbon


@settings(max_examples=examples(300))
@given(comparisons(("great", "above-zone"), ("zone",)), details(), near())
def test_in_a_trial_of_the_zone_there_are_two_bars_and_no_word_of_the_average(
    it: Comparison, home: HomeDetails, around: Any
) -> None:
    found = said(it, home, around)
    assert it.own is not None
    assert it.efficient is not None
    assert [(bar.who, wh(bar.text)) for bar in found.bars] == [
        ("you", found.bars[0].watt_hours), ("efficient", it.efficient)
    ]  # fmt: skip
    assert (found.state == "great") == (it.own <= it.efficient)
    assert (found.difference, found.difference_text, found.percentile) == (None, None, None)
    assert found.in_trial
    text = " ".join((*found.sentences(), found.state_words, found.bars_text)).lower()
    for word in ("average", "in 10", "than similar", "other homes used"):
        assert word not in text
    assert not re.search(r"about \d+ \w+ (with|on)", " ".join(found.neighbours)), "not how many either"


@settings(max_examples=examples(300))
@given(comparisons(("suppressed",), ("own",)), details(), near())
def test_a_holdout_hears_of_its_own_use_alone(it: Comparison, home: HomeDetails, around: Any) -> None:
    found = said(it, home, around)
    text = " ".join(found.sentences()).lower()
    for word in ("average", "similar", "neighbour", "other homes", "homes like yours", "in 10", "well done", "could"):
        assert word not in text
    assert not found.actions, "what it is told must not nudge"
    assert found.suppressed is not None
    if it.reason in ("trial", "no-cell", "few-homes", "dominated"):
        assert found.in_trial
        assert "trial" in found.suppressed
        if it.own is not None:
            assert wh(found.headline) == wh(found.own or "")


def wh(text: str) -> int:
    """Watt-hours of the first amount in a text."""
    match = re.search(r"([\d,]+(?:\.\d+)?) kWh", text)
    assert match is not None, text
    return int(Decimal(match[1].replace(",", "")) * 1_000)


@settings(max_examples=examples(200))
@given(comparisons(("great", "good", "more")), details(), tenancies())
@example(comparison(state="more", own=90_000), FLAT, Tenancy(1, 2, date(2020, 1, 1), medical_equipment=True))
def test_actions_fit_the_home(it: Comparison, home: HomeDetails, tenancy: Tenancy | None) -> None:
    found = said(it, home, tenancy=tenancy)
    text = " ".join(f"{act.title} {act.text}" for act in found.actions).lower()
    if tenancy is not None and tenancy.medical_equipment:
        assert not re.search(r"switch|unplug|always on|turn off the|standby", text)
    if home.tenure != "owner":
        for dear in ("loft", "insulat", "solar", "new boiler", "heat pump", "window frames", "double"):
            assert dear not in text
    if "thermostat" in text:
        assert "18 degrees or more" in text
    for act in found.actions:
        assert act.kwh >= 1
        assert act.estimate.startswith("About ")
        assert f"{act.kwh:,} kWh" in act.estimate
        assert it.own is not None
        span = it.own / 1_000 if "like" in act.estimate else it.own / 1_000 * 365 / (it.to_day - it.from_day).days
        assert act.kwh <= span * 0.21 + 10, "no action promises the impossible"


def test_estimates_in_pounds_go_by_the_lowest_rate_of_the_own_tariff() -> None:
    registers = (Register("night", 10.0, 30, 450), Register("day", 40.0))
    tariff = Tariff("electricity", date(2025, 1, 1), "Two", "direct-debit", 50.0, registers)
    it = comparison(state="more", own=90_000)
    dear = said(it).actions[0]
    cheap = said(it, tariffs=[tariff]).actions[0]
    assert dear.kwh == cheap.kwh
    assert cheap.pence == cheap.kwh * 10
    assert dear.pence == int(dear.kwh * 27.69 + 0.5)
    unknown = said(comparison(state="more", own=90_000, from_day=date(2027, 5, 3), to_day=date(2027, 5, 10))).actions[0]
    assert unknown.pence is None
    assert "£" not in unknown.estimate


def test_heating_is_spoken_of_in_the_cold_months_only() -> None:
    winter = said(comparison(fuel="gas", state="more", own=200_000, average=150_000))
    assert winter.actions[0].title == "One degree less"
    summer = said(
        comparison(fuel="gas", state="more", own=200_000, average=150_000, kind="month", from_day=date(2026, 7, 1),
                   to_day=date(2026, 8, 1), quarter=date(2026, 7, 1))
    )  # fmt: skip
    assert {"One degree less", "Heat the rooms you use"}.isdisjoint({act.title for act in summer.actions})
    assert len(summer.actions) >= 2


def test_months_of_different_length_are_compared_by_the_day() -> None:
    it = comparison(kind="month", from_day=date(2026, 2, 1), to_day=date(2026, 3, 1), own=280_000, before=310_000)
    assert said(it).change == "You used about as much a day as in January."
    more = comparison(kind="month", from_day=date(2026, 2, 1), to_day=date(2026, 3, 1), own=294_000, before=310_000)
    assert said(more).change == "You used 5% more a day than in January."


def test_change_says_that_the_weather_plays_a_part_where_it_does() -> None:
    assert said(comparison()).change == "You used 8.7 kWh (14%) less than in the week before."
    assert said(comparison(fuel="gas")).change == (
        "You used 8.7 kWh (14%) less than in the week before. The weather plays a part."
    )
    assert said(comparison(before=None)).change is None


def test_days_that_were_estimated_or_missing_are_said() -> None:
    notes = said(comparison(estimated_days=1, missing_days=2)).notes
    assert notes[:2] == (
        "One day is estimated, because some readings were missing.",
        "Two days have no readings, so we went by the other days.",
    )


def test_when_late_readings_may_still_change_it() -> None:
    notes = said(comparison(final=False)).notes
    assert "Late readings may change these numbers once more, until 23 February 2026." in notes
    assert not any("Late" in note for note in said(comparison(final=True)).notes)
    assert "Some readings came late, and we changed these numbers once." in said(comparison(revision=2)).notes


def test_neighbours_are_told_without_their_numbers() -> None:
    found = said(comparison())
    assert found.neighbours == (
        "We compared your home with about 100 flats with gas heating, up to about 700 metres away.",
        "They are about as big as yours.",
        "The group is the same for all of January to March 2026.",
        "Nobody can see what another home used.",
    )


def test_carbon_names_the_years_of_its_factors() -> None:
    turn = comparison(from_day=date(2024, 12, 30), to_day=date(2025, 1, 6), quarter=date(2024, 10, 1))
    assert (
        said(turn).carbon == "Making this electricity gave off about 9.3 kg of CO2, by the factors for 2024 and 2025."
    )
    gas = comparison(fuel="gas", from_day=date(2026, 2, 9), to_day=date(2026, 2, 16))
    assert said(gas).carbon == "Burning this gas gave off about 9.3 kg of CO2, by the factor for 2024."


def test_an_average_without_an_efficient_figure_says_why() -> None:
    around = Neighbourhood(date(2026, 1, 1), "flat", "gas", None, "few", 30, 48, 4_700.0, 61.0)
    found = said(comparison(efficient=None, tenths=None, homes=50), near=around)
    assert [bar.who for bar in found.bars] == ["you", "similar"]
    assert "There are few of them, so we show no figure for those that use least." in found.neighbours


@pytest.mark.parametrize(
    ("metres", "text"),
    [(0, "100 metres"), (640, "700 metres"), (900, "900 metres"), (901, "1 kilometre"), (1001, "1.5 kilometres"),
     (4700, "5 kilometres")],
)  # fmt: skip
def test_distances(metres: float, text: str) -> None:
    assert words.distance(metres) == text


@pytest.mark.parametrize(
    ("watt_hours", "text"),
    [(0, "0 kWh"), (57, "0.057 kWh"), (104, "0.1 kWh"), (996, "1 kWh"), (1_049, "1 kWh"),
     (52_340, "52.3 kWh"), (52_350, "52.4 kWh"), (99_949, "99.9 kWh"),
     (99_950, "100 kWh"), (1_234_499, "1,234 kWh"), (1_234_500, "1,235 kWh")],
)  # fmt: skip
def test_own_use_as_shown(watt_hours: int, text: str) -> None:
    assert words.kwh(words.shown(watt_hours)) == text


@pytest.mark.parametrize(
    ("pence", "text"),
    [(0, "0p"), (61, "61p"), (100, "£1.00"), (1361, "£13.61"), (123456, "£1,234.56")],
)
def test_pounds(pence: int, text: str) -> None:
    assert words.pounds(pence) == text


@pytest.mark.parametrize(
    ("pence", "text"), [(4, "0p"), (23, "20p"), (97, "£1.00"), (134, "£1.30"), (195, "£2"), (1361, "£14")]
)
def test_estimated_pounds(pence: float, text: str) -> None:
    assert words.about_pounds(pence) == text


@pytest.mark.parametrize(
    ("grams", "text"),
    [(0, "0 g"), (999, "999 g"), (1000, "1 kg"), (9264, "9.3 kg"), (99_949, "99.9 kg"), (99_950, "100 kg"),
     (1_234_567, "1,235 kg")],
)  # fmt: skip
def test_kilograms(grams: int, text: str) -> None:
    assert words.kilograms(grams) == text


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.sampled_from(["week", "month", "four-weeks"]))
def test_dates_name_the_first_and_the_last_day(first: date, kind: str) -> None:
    end = {"week": first + timedelta(days=7), "four-weeks": first + timedelta(days=28)}.get(
        kind, (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    )
    text = words.period_name(kind, first, end)
    last = end - timedelta(days=1)
    assert str(last.year) in text
    if kind != "month":
        assert str(first.day) in text
        assert f"{last.day} {last:%B} {last.year}" in text
    else:
        assert text == f"{first:%B} {first.year}"
