"""The promises of a nudge's words, over everything that can occur. The lists here are the judge's own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.nudges import reading
from analytics.nudges.facts import Facts, Kind, Pattern, facts, kind_of, read
from analytics.nudges.words import nudge
from analytics.report import words
from devices.homes import HomeDetails, Register, Tariff, Tenancy
from store import mail_html
from store.comparisons import Comparison
from tests.examples import examples
from tests.tools.reports import ENERGY, HELP, comparison, details, two_figures

BLAME = (
    "bad", "wrong", "waste", "wasted", "too much", "must", "should", "fault", "sorry", "unfortunately", "poor", "worse",
    "worst", "fail", "failed", "careless", "guilty", "lazy", "shame",
)  # fmt: skip
#: Sayings with one of these words that blame nobody: what the reader may doubt, and what a supplier owes them.
NO_BLAME = ("If that is wrong, or your supply is off, we can help.", "they must help too")
OTHERS = ("average", "homes like yours", "neighbour", "similar", "fifth", "use least", "compare")
PRAISE = ("well done", "great", "keep it up", "good")
MONTHS = [
    (date(2026, 1, 1), date(2026, 2, 1)),
    (date(2026, 2, 1), date(2026, 3, 1)),
    (date(2025, 7, 1), date(2025, 8, 1)),
]
TENANT = Tenancy(1, 2, date(2020, 1, 1))


@st.composite
def rows(draw: st.DrawFn, states: tuple[str, ...] = ("great", "good", "more", "neutral", "suppressed")) -> Comparison:
    """Settled months as the rules allow them, those of members of a trial among them."""
    start, end = draw(st.sampled_from(MONTHS))
    state = draw(st.sampled_from(states))
    own = draw(st.integers(0, 6_000_000))
    values: dict[str, Any] = {
        "kind": "month", "from_day": start, "to_day": end, "final": True, "state": state, "own": own, "reason": None,
        "fuel": draw(st.sampled_from(["electricity", "gas", "heat"])), "average": None, "efficient": None,
        "before": draw(st.none() | st.integers(0, 6_000_000)), "homes": None, "tenths": None,
    }  # fmt: skip
    if state == "neutral":
        values["reason"] = draw(st.sampled_from(["empty", "disconnected", "under-heated"]))
    elif state == "suppressed":
        values["reason"] = draw(st.sampled_from(["trial", "no-cell", "few-homes", "dominated"]))
        if values["reason"] == "trial":
            values["efficient"] = draw(st.none() | st.integers(0, 3_000_000).map(two_figures))
    else:
        average = two_figures(draw(st.integers(1, 3_000_000)))
        efficient = draw(st.none() | st.integers(0, average).map(two_figures))
        if state == "great":
            efficient = average if efficient is None else efficient
            own = draw(st.integers(0, efficient))
        elif state == "good":
            own = draw(st.integers(0 if efficient is None else min(efficient + 1, average), average))
        else:
            own = draw(st.integers(average + 1, average * 4))
        values.update(own=own, average=average, efficient=efficient, homes=100)
    # at most a pound a kWh and a day
    cost = draw(st.none() | st.integers(0, values["own"] // 10 + 3_100))
    return comparison(**values, cost=cost, tariff_own=draw(st.booleans()))


@st.composite
def known(draw: st.DrawFn, states: tuple[str, ...] = ("great", "good", "more", "neutral", "suppressed")) -> Facts:
    """Facts of such a row and a home of any kind."""
    it = draw(rows(states))
    wanted: Kind = draw(st.sampled_from(["compare", "zone", "own"]))
    kind = kind_of(it, wanted)
    assert kind is not None
    rates = draw(st.lists(st.floats(0.1, 90), max_size=3))
    registers = [Register(str(place), rate) for place, rate in enumerate(rates)]
    tariffs = [Tariff(it.fuel, date(2025, 1, 1), "own", "direct-debit", 30.0, registers)] if registers else []
    pattern = Pattern(
        draw(st.none() | st.integers(0, 5_000)), draw(st.none() | st.integers(0, 100)),
        draw(st.none() | st.integers(-99, 300)),
    )  # fmt: skip
    tenancy = replace(
        TENANT, occupants=draw(st.none() | st.integers(0, 50)), medical_equipment=draw(st.none() | st.booleans())
    )
    found = facts(
        it, kind, draw(details()), tenancy, ENERGY, tariffs, pattern=pattern, help_line=draw(st.none() | st.just(HELP))
    )
    return found if draw(st.booleans()) else replace(found, rate=None)


def first_figure(text: str) -> int:
    """Where the first digit stands."""
    found = re.search(r"\d", text)
    return len(text) if found is None else found.start()


@settings(max_examples=examples(150))
@given(known())
def test_a_child_of_ten_reads_every_message(facts: Facts) -> None:
    found = nudge(facts)
    assert found.grade == reading.grade(found.text) <= 5, found.text
    assert max(len(words) for words in reading.sentences(found.text)) <= 20, found.text


@settings(max_examples=examples(200))
@given(known())
def test_nobody_is_blamed_and_every_sentence_is_whole(facts: Facts) -> None:
    found = nudge(facts)
    text = found.text
    for saying in NO_BLAME:
        text = text.replace(saying, "")
    for word in BLAME:
        assert not re.search(rf"(?<![a-z]){word}(?![a-z])", text.lower()), word
    assert not re.search(r"None|nan|  |[{}\[\]_]|\.\.|\s[.,;]|£-|-\d", found.text), found.text
    assert all(part.strip()[-1] in ".!:" for part in found.text.strip().split("\n\n"))
    assert mail_html.fault(found.html) is None
    plain = re.sub(r"<[^>]*>", " ", found.html)
    assert plain.split() == found.text.split(), "both say the same"
    assert 0 < len(found.subject) <= 60
    assert not re.search(r"£|kWh|\bp\b|more|less", found.subject), "a subject tells nobody at the door anything"


@settings(max_examples=examples(200))
@given(known(("great", "good")))
def test_a_low_user_is_praised_before_any_figure_and_never_hears_the_average_alone(facts: Facts) -> None:
    text = nudge(facts).text
    if facts.kind != "compare":
        assert "average" not in text
        return
    assert text.startswith("Well done!")
    assert text.index("Well done!") < first_figure(text)
    assert words.kwh(facts.own) in text
    assert "Homes like yours used about" not in text, "what others use less of is no low user's"


@settings(max_examples=examples(200))
@given(known(("neutral",)))
def test_a_home_in_need_hears_whom_to_call_and_nothing_else(facts: Facts) -> None:
    found = nudge(facts)
    text = found.text.lower()
    for word in (*PRAISE, *OTHERS, "£", "pence", "pound", "kwh", "save", "turn", "less", "more"):
        assert not re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text), word
    assert not found.actions
    assert (HELP if facts.help_line else "your council") in found.text
    assert facts.rate is None
    assert facts.average is None


@settings(max_examples=examples(150))
@given(known())
def test_zone_and_own_hold_no_average_of_others(facts: Facts) -> None:
    text = nudge(facts).text.lower()
    if facts.kind in ("zone", "own"):
        assert facts.average is None
        assert "average" not in text
    if facts.kind == "own":
        assert facts.efficient is None
        assert not any(word in text for word in OTHERS)


@settings(max_examples=examples(150))
@given(known(("great", "good", "more", "suppressed")))
def test_pounds_a_week_are_the_first_figure_where_a_price_is_known(facts: Facts) -> None:
    found = nudge(facts)
    if facts.weekly is not None and facts.weekly >= 5:
        lead = re.search(r"(£[\d,]+(\.\d\d)?|\d+p) a week", found.text)
        assert lead is not None
        assert re.search(r"\d", found.text).start() - lead.start() in (0, 1)  # type: ignore[union-attr]  # there is one
    elif facts.rate is None:
        assert "£" not in found.text


@settings(max_examples=examples(150))
@given(known(("great", "good", "more")))
def test_figures_are_those_of_the_row_as_shown(facts: Facts) -> None:
    text = nudge(facts).text
    said = [words.kwh(facts.own)]
    said += [words.kwh(facts.average)] if facts.average is not None else []
    said += [words.kwh(facts.efficient)] if facts.efficient is not None else []
    assert all(one in text for one in said)


@settings(max_examples=examples(150))
@given(known())
def test_actions_are_few_capped_and_have_estimate_reason_and_source(facts: Facts) -> None:
    found = nudge(facts).actions
    assert len(found) <= 3
    week = facts.own / 1_000 * 7 / facts.days
    assert sum(one.kwh for one in found) <= week / 4 + 1e-9
    for one in found:
        assert one.kwh <= week / 5 + 1e-9
        assert "about" in one.estimate
        assert "a week" in one.estimate
        assert bool(re.search(r"£|\dp ", one.estimate)) == (one.pence is not None)
        assert one.reason.startswith("Why you: ")
        assert one.source.startswith("Our sum: ")
    assert [one.pence or 0 for one in found] == sorted((one.pence or 0 for one in found), reverse=True)


@settings(max_examples=examples(200))
@given(known())
def test_facts_come_back_from_what_is_kept(facts: Facts) -> None:
    assert read(facts.as_json()) == replace(facts, help_line=None)


def of(kind: Kind = "compare", **given_values: Any) -> Facts:
    """Facts of a flat's February."""
    it = comparison(
        kind="month", from_day=date(2026, 2, 1), to_day=date(2026, 3, 1), own=300_000, before=350_000, average=350_000,
        efficient=240_000,
    )  # fmt: skip
    home = HomeDetails("flat", "gas")
    return replace(facts(it, kind, home, TENANT, ENERGY, []), **given_values)


def test_a_usual_home_gets_two_or_three_actions() -> None:
    for fuel, heating in (
        ("electricity", "gas"),
        ("electricity", "electric"),
        ("gas", "gas"),
        ("heat", "heat-network"),
    ):
        assert 2 <= len(nudge(of(fuel=fuel, heating=heating)).actions) <= 3


def test_who_does_all_is_not_promised_more_than_a_quarter() -> None:
    # 1 kWh a day: washing and the kettle would each spare a seventh, together over a quarter
    small = of(own=28_000, heating="gas")
    found = nudge(small).actions
    assert [action.title for action in found] == ["Wash at 30 degrees"]


def test_what_is_always_on_is_named_only_to_who_may_turn_it_off() -> None:
    always = of(pattern=Pattern(background=260))
    assert "about 260 watts" in nudge(always).text
    for other in (replace(always, medical=True), replace(always, heating="electric"), of(pattern=Pattern(90))):
        assert "always on" not in nudge(other).text


def test_nobody_who_needs_a_medical_device_is_asked_to_have_it_colder() -> None:
    for fuel, heating in (("gas", "gas"), ("electricity", "electric"), ("heat", "heat-network")):
        warm = of(fuel=fuel, heating=heating, own=900_000)
        assert "thermostat" in nudge(warm).text
        for word in ("thermostat", "heating down"):
            assert word not in nudge(replace(warm, medical=True)).text


def test_the_peak_is_named_where_moving_use_saves_money() -> None:
    peak = of(pattern=Pattern(peak_share=40), spread=20.0)
    assert "40% of your use was from 4 to 7 pm" in nudge(peak).text
    assert "4 to 7 pm" not in nudge(replace(peak, spread=0.0)).text


def test_nobody_is_promised_to_move_more_than_a_fifth_of_what_they_use() -> None:
    # 2 kWh a week are 8 in February: a fifth of 40
    for own, named in ((39_000, False), (40_000, True)):
        peak = of(own=own, pattern=Pattern(peak_share=30), spread=20.0)
        assert ("cheap time" in nudge(peak).text) == named


def test_what_a_week_cost_is_what_the_report_says_and_not_all_of_it_at_the_lowest_rate() -> None:
    month = comparison(
        kind="month", from_day=date(2026, 2, 1), to_day=date(2026, 3, 1), own=300_000, before=None, average=None,
        efficient=None, state="suppressed", reason="trial", cost=9_000, tariff="mine", tariff_own=True,
    )  # fmt: skip
    rates = [Register("night", 7.0), Register("day", 31.0)]
    mine = [Tariff("electricity", date(2025, 1, 1), "mine", "direct-debit", 50.0, rates)]
    found = facts(month, "own", HomeDetails("flat", "gas"), TENANT, ENERGY, mine)
    assert nudge(found).text.startswith(
        "Your electricity cost you about £23 a week in February, at your price. That is with the charge for each day."
    )
    # the report's price is another than that of the actions: all of it at 7p would be £5.30, which nobody paid
    other = facts(replace(month, tariff_own=False), "own", HomeDetails("flat", "gas"), TENANT, ENERGY, mine)
    assert "cost you" not in nudge(other).text


def test_a_guide_price_is_not_said_to_be_what_they_paid() -> None:
    assert nudge(of("own")).text.startswith("Your electricity would cost about £")
    assert "would cost" not in nudge(of("own", guide=False)).text


def test_no_action_saves_pounds_and_no_energy() -> None:
    few = nudge(of(fuel="gas", own=3_200, rate=90.0))
    assert "or 0 kWh" not in few.text
    assert few.actions == ()


def test_less_apart_from_the_weather_is_not_said_to_be_less_in_all() -> None:
    text = nudge(of("own", pattern=Pattern(change=-8))).text
    assert text.startswith("Well done! Apart from the weather, you used less than before.")
    assert "a year ago" not in text, "the model is of all the year before, and that month may have been milder"


@pytest.mark.parametrize(
    ("values", "wanted", "kind"),
    [
        ({}, "compare", "compare"),
        ({"average": None, "efficient": None, "state": "suppressed", "reason": "no-cell"}, "compare", "own"),
        ({"average": None, "efficient": None, "state": "suppressed", "reason": "trial"}, "own", "own"),
        ({"average": None, "state": "suppressed", "reason": "trial"}, "zone", "zone"),
        ({"average": None, "efficient": None, "state": "suppressed", "reason": "no-cell"}, "zone", "own"),
        ({}, "own", "own"),
        ({"state": "neutral", "reason": "empty", "average": None, "efficient": None}, "compare", "help"),
        ({"state": "suppressed", "reason": "no-consent"}, "compare", None),
        ({"state": "suppressed", "reason": "other-origin"}, "compare", None),
        ({"state": "suppressed", "reason": "tenancy"}, "compare", None),
        ({"own": None, "state": "suppressed", "reason": "coverage"}, "compare", None),
        ({"final": False}, "compare", None),
        ({"kind": "week"}, "compare", None),
    ],
)
def test_which_nudge_a_row_allows(values: dict[str, Any], wanted: Kind, kind: Kind | None) -> None:
    month = {"kind": "month", "from_day": date(2026, 2, 1), "to_day": date(2026, 3, 1)}
    assert kind_of(comparison(**{**month, **values}), wanted) == kind
