"""What residents type: read as people write it, refused in words, and nothing else changes."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from fastapi import HTTPException
from hypothesis import given
from hypothesis import strategies as st

from dashboard.resident.forms import read_tariff
from dashboard.resident.home import choose
from dashboard.web.csv import csv_blocks
from dashboard.web.details import read_details
from dashboard.web.forms import Form
from devices.homes import HomeDetails, Register, Tariff, Tenancy
from store.comparisons import PublishedPeriod

KNOWN = HomeDetails("flat", "heat-network", "Riverside", 61.0, 2, "C", "owner", 3)
HOUSEHOLD = Tenancy(20_000_000_000_001, 10_000_000_000_001, date(2024, 1, 1), None, "A. Person", 2)
DETAILS = {"dwelling": "flat", "heating": "heat-network"}
TARIFF = {
    "fuel": "gas", "name": "Fixed", "from-day": "01", "from-month": "04", "from-year": "2026",
    "payment": "direct-debit", "standing": "29,04", "rate": "7.33",
}  # fmt: skip


def test_details_keep_what_no_field_asks_for() -> None:
    form = Form(DETAILS)
    details, household = read_details(form, KNOWN, HOUSEHOLD)
    assert form.errors == {}
    assert details == HomeDetails("flat", "heat-network", "Riverside", None, None, None, None, 3)
    assert (household.name, household.from_day, household.letters, household.occupants) == (
        "A. Person", date(2024, 1, 1), False, None,
    )  # fmt: skip


def test_who_changes_the_heating_leaves_the_network() -> None:
    details, _ = read_details(Form({**DETAILS, "heating": "electric"}), KNOWN, HOUSEHOLD)
    assert (details.heating, details.heat_network) == ("electric", None)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("dwelling", ""), ("dwelling", "tent"), ("heating", "GAS"), ("floor_area", "4.9"), ("floor_area", "5001"),
        ("floor_area", "1e3"), ("floor_area", "nan"), ("floor_area", "-60"), ("bedrooms", "51"), ("bedrooms", "1.5"),
        ("bedrooms", "²"), ("occupants", "٣"), ("occupants", "9" * 30), ("epc", "H"), ("tenure", "squat"),
        ("electric_vehicle", "maybe"), ("medical_equipment", "true"),
    ],
)  # fmt: skip
def test_details_that_cannot_be(field: str, text: str) -> None:
    form = Form({**DETAILS, field: text})
    read_details(form, KNOWN, HOUSEHOLD)
    assert list(form.errors) == [field]
    assert form.errors[field][0].isupper()


@pytest.mark.parametrize(("text", "value"), [("61", 61.0), ("61.5", 61.5), (" 61,5 ", 61.5), ("5", 5.0), ("", None)])
def test_floor_areas_as_people_write_them(text: str, value: float | None) -> None:
    form = Form({**DETAILS, "floor_area": text})
    details, _ = read_details(form, KNOWN, HOUSEHOLD)
    assert (details.floor_area, form.errors) == (value, {})


def test_a_price_with_one_rate() -> None:
    form = Form(TARIFF)
    found = read_tariff(form, date(2024, 1, 1))
    assert found == Tariff("gas", date(2026, 4, 1), "Fixed", "direct-debit", 29.04, (Register("all hours", 7.33),))


def test_a_price_with_a_rate_of_a_meter_that_keeps_gmt() -> None:
    form = Form({**TARIFF, "night_rate": "5", "night_from": "00:30", "night_to": "07:30", "night_gmt": "yes"})
    tariff = read_tariff(form, date(2024, 1, 1))
    assert tariff is not None
    assert tariff.registers[0] == Register("other rate", 5.0, 30, 450, utc=True)


def test_a_price_with_a_rate_over_midnight() -> None:
    form = Form({**TARIFF, "night_rate": "5", "night_from": "23:30", "night_to": "6.30"})
    found = read_tariff(form, date(2024, 1, 1))
    assert found is not None
    assert found.registers == (Register("other rate", 5.0, 1410, 390), Register("all other hours", 7.33))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fuel": "export"}, "fuel"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"from-month": ""}, "from-day"),
        ({"from-day": "31"}, "from-day"),
        ({"from-year": "1066"}, "from-day"),
        ({"from-year": "²026"}, "from-day"),
        ({"payment": "barter"}, "payment"),
        ({"standing": ""}, "standing"),
        ({"standing": "free"}, "standing"),
        ({"rate": ""}, "rate"),
        ({"rate": "1001"}, "rate"),
        ({"night_from": "23:30"}, "night_rate"),
        ({"night_rate": "5", "night_from": "24:00", "night_to": "06:00"}, "night_from"),
        ({"night_rate": "5", "night_from": "06:00", "night_to": "06:00"}, "night_to"),
    ],
)
def test_prices_that_cannot_be(changes: dict[str, str], field: str) -> None:
    form = Form({**TARIFF, **changes})
    assert read_tariff(form, date(2024, 1, 1)) is None
    assert list(form.errors) == [field]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Enter the name of the tariff as on your bill, up to 80 letters"),
        ("x" * 30_000, "The name of the tariff is 30,000 letters long; at most 80 are taken"),
        ("a\x1b[2Jb", "The name of the tariff holds a control character (U+001B)"),
        ("Fixed\u202e5202", "The name of the tariff holds a sign that turns the order of text round (U+202E)"),
        ("two\nlines", "The name of the tariff holds a control character (U+000A)"),
    ],
)
def test_a_name_is_refused_with_a_sentence(name: str, sentence: str) -> None:
    form = Form({**TARIFF, "name": name})
    assert read_tariff(form, date(2024, 1, 1)) is None
    assert form.errors == {"name": sentence}


@given(st.dictionaries(st.sampled_from([*TARIFF, "night_rate", "night_from", "night_to"]), st.text(max_size=12)))
def test_whatever_is_typed_is_read_or_refused(changes: dict[str, str]) -> None:
    form = Form({**TARIFF, **changes})
    found = read_tariff(form, date(2024, 1, 1))
    assert (found is None) == bool(form.errors)


#: The Monday after the last week of it.
TODAY = date(2026, 2, 23)
TOLD = [
    PublishedPeriod("four-weeks", date(2026, 1, 26), date(2026, 2, 23), "electricity"),
    PublishedPeriod("week", date(2026, 2, 16), date(2026, 2, 23), "electricity"),
    PublishedPeriod("week", date(2026, 2, 16), date(2026, 2, 23), "gas"),
    PublishedPeriod("week", date(2026, 2, 9), date(2026, 2, 16), "electricity"),
    PublishedPeriod("month", date(2026, 1, 1), date(2026, 2, 1), "electricity"),
]


def test_the_last_week_of_electricity_is_shown_first() -> None:
    chosen = choose(TOLD, None, None, TODAY)
    assert chosen is not None
    assert (chosen.fuel, chosen.period.key) == ("electricity", "2026-W08")
    assert [(link.text, link.here) for link in chosen.fuels] == [("Electricity", True), ("Gas", False)]
    assert [(link.text, link.href, link.here) for link in chosen.periods] == [
        ("Last week", "/home?fuel=electricity&period=2026-W08", True),
        ("Last month", "/home?fuel=electricity&period=2026-01", False),
        ("Last four weeks", "/home?fuel=electricity&period=4w-2026-W08", False),
    ]
    assert [link.href for link in chosen.earlier] == ["/home?fuel=electricity&period=2026-W07"]


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 2, 23), ["Last week", "Last month", "Last four weeks"]),
        (date(2026, 2, 28), ["Last week", "Last month", "Last four weeks"]),
        (date(2026, 3, 1), ["Last week", "Newest month", "Last four weeks"]),
        (date(2026, 3, 2), ["Newest week", "Newest month", "Newest four weeks"]),
        (date(2026, 3, 30), ["Newest week", "Newest month", "Newest four weeks"]),
    ],
)
def test_only_the_last_week_that_is_over_is_called_last(today: date, words: list[str]) -> None:
    chosen = choose(TOLD, None, None, today)
    assert chosen is not None
    assert [link.text for link in chosen.periods] == words


def test_another_fuel_keeps_the_period_where_it_has_it() -> None:
    chosen = choose(TOLD, "electricity", "2026-W08", TODAY)
    assert chosen is not None
    assert chosen.fuels[1].href == "/home?fuel=gas&period=2026-W08"
    chosen = choose(TOLD, "electricity", "2026-01", TODAY)
    assert chosen is not None
    assert chosen.fuels[1].href == "/home?fuel=gas"


@pytest.mark.parametrize(
    ("fuel", "period"),
    [("heat", None), ("x", None), (None, "2026-W01"), (None, "x"), ("gas", "2026-W07"), ("", None)],
)
def test_what_is_not_there(fuel: str | None, period: str | None) -> None:
    with pytest.raises(HTTPException) as refused:
        choose(TOLD, fuel, period, TODAY)
    assert refused.value.status_code == 404


def test_nothing_yet() -> None:
    assert choose([], None, None, TODAY) is None
    with pytest.raises(HTTPException):
        choose([], "gas", None, TODAY)


def test_files_are_no_formulas() -> None:
    rows = [["=1+1", "@x", "+44", "-5x", "\tx", "plain, with comma", 'a "quote"', None, -5, 1.5]]
    text = b"".join(csv_blocks(["a"] * 10, rows)).decode()
    (_, row) = list(csv.reader(io.StringIO(text)))
    assert row == ["'=1+1", "'@x", "'+44", "'-5x", "'\tx", "plain, with comma", 'a "quote"', "", "-5", "1.5"]
    assert text.count("\r\n") == 2


def test_long_files_come_in_blocks_and_whole() -> None:
    blocks = list(csv_blocks(["n"], ([n] for n in range(2_500))))
    assert len(blocks) == 3
    assert b"".join(blocks).split() == [b"n", *(str(n).encode() for n in range(2_500))]
