"""The homes file: what is taken, and what every mistake is told as."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.homes import Register
from devices.homes_file import OPTIONAL, REQUIRED, read_homes
from devices.registry import RegistryError
from tests.worlds.homes import homes_csv

ROW = {"uprn": "100", "meters": "m1"}


def _problems(data: bytes) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        read_homes(data)
    return [str(problem) for problem in caught.value.problems]


def test_a_full_line() -> None:
    (home,) = read_homes(
        homes_csv(
            [
                {
                    **ROW,
                    "uprn": "000100",
                    "meters": "m1; m2 m1",
                    "heating": "heat-network",
                    "heat_network": "Dock Street",
                    "floor_area": "92.6",
                    "bedrooms": "3",
                    "epc": "C",
                    "tenure": "council-rent",
                    "deprivation_decile": "2",
                    "to": "2026-03-01",
                    "name": "Ada Byron",
                    "occupants": "4",
                    "electric_vehicle": "yes",
                    "medical_equipment": "no",
                    "large_print": "true",
                    "consent_finer_storage": "2025-02-03",
                    "electricity_rate": "26.11",
                    "electricity_standing": "57.19",
                    "electricity_night_rate": "12.5",
                    "electricity_night": "23:30-06:30",
                    "electricity_payment": "prepayment",
                    "electricity_tariff_from": "2025-07-01",
                }
            ]
        )
    )
    assert (home.uprn, home.meters, home.address) == (
        "100",
        ("m1", "m2"),
        ("1 Example Street", "Testham", "TE1 1ST"),
    )
    assert home.details.heat_network == "Dock Street"
    assert home.details.floor_area == 92.6
    assert home.consents == {"comparison": date(2025, 1, 1), "finer-storage": date(2025, 2, 3)}
    (tariff,) = home.tariffs
    assert tariff.registers == (Register("night", 12.5, 23 * 60 + 30, 6 * 60 + 30), Register("all day", 26.11))
    assert (tariff.payment, tariff.from_day, tariff.standing_charge) == ("prepayment", date(2025, 7, 1), 57.19)
    assert (home.electric_vehicle, home.medical_equipment, home.large_print) == (True, False, True)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"uprn": "12x"}, "uprn is not a number of up to 12 digits"),
        ({"uprn": "1234567890123"}, "uprn is not a number of up to 12 digits"),
        ({"lon": "181"}, "lon '181' is not a number from -180 to 180"),
        ({"lat": "nan"}, "lat 'nan' is not a number"),
        ({"dwelling": "castle"}, "dwelling 'castle' is not one of flat, maisonette, terraced"),
        ({"heating": ""}, "has no heating"),
        ({"heat_network": "Dock"}, "heat_network is given, but heating is gas"),
        ({"floor_area": "4"}, "floor_area '4' is not a number from 5 to 5000"),
        ({"epc": "H"}, "epc 'H' is not one of A, B"),
        ({"from": "1.4.2025"}, "from '1.4.2025' is no date such as 2026-04-01"),
        ({"to": "2025-01-01"}, "to 2025-01-01 is not after from 2025-01-01"),
        ({"occupants": "2.5"}, "occupants '2.5' is not a whole number from 0 to 50"),
        ({"meters": "m/1"}, "meter 'm/1' is no device id"),
        ({"large_print": "maybe"}, "large_print 'maybe' is neither yes nor no"),
        ({"gas_rate": "7"}, "gas_rate is given, but gas_rate or gas_standing is not"),
        ({"electricity_night": "1-2"}, "electricity_night_rate and electricity_night"),
        (
            {"electricity_night_rate": "9", "electricity_night": "1-2"},
            "electricity_night is neither local time, such as 00:30-07:30, nor the same all year, such as 00:30-07:30",
        ),
        ({"electricity_night_rate": "9", "electricity_night": "00:30Z-07:30"}, "electricity_night is neither local"),
        ({"electricity_night_rate": "9", "electricity_night": "00:30-07:30 BST"}, "is neither local time"),
        ({"electricity_night_rate": "9", "electricity_night": "07:30-07:30 UTC"}, "begins when it ends"),
        ({"consent_messages": "yes"}, "consent_messages 'yes' is no date"),
        ({"name": "a\x07b"}, "name holds a control character (U+0007)"),
        ({"name": "a\x85b"}, "name holds a control character (U+0085)"),
        ({"name": "A\nB"}, "name holds a control character (U+000A)"),
        ({"name": "Ali\u202egnp"}, "name holds a sign that turns the order of text round (U+202E)"),
        ({"name": "x" * 30_000}, "name is 30,000 letters long; at most 120 are taken"),
        ({"address": "1 Road;Town\u2067;AB1 2CD"}, "address holds a sign that turns the order of text round (U+2067)"),
        ({"address": f"1 Road;{'x' * 81};AB1 2CD"}, "address is 81 letters long; at most 80 are taken (in line 2)"),
        ({"address": ";".join("abcdefghijk")}, "address has 11 lines; at most 10 are taken"),
        ({"address": " ; ;"}, "address has no line"),
        (
            {"gas_tariff": "x" * 81, "gas_rate": "7", "gas_standing": "1"},
            "gas_tariff is 81 letters long; at most 80 are taken",
        ),
        ({"heating": "heat-network", "heat_network": "a\u200e\u2066"}, "heat_network holds a sign that turns"),
    ],
)
def test_every_mistake_is_told_with_its_line(cell: dict[str, str], said: str) -> None:
    (problem, *_) = _problems(homes_csv([ROW, {**ROW, "uprn": "200", **cell}]))
    assert problem.startswith("line 3: ")
    assert said in problem


@pytest.mark.parametrize(
    ("hours", "utc"),
    [
        ("00:30-07:30", False), ("00:30 - 07:30", False), ("00:30\u201307:30 local", False), ("00:30-07:30 UTC", True),
        ("00:30-07:30 gmt", True), ("00:30-07:30Z", True), ("00:30Z-07:30Z", True), ("00:30-07:30UTC", True),
    ],
)  # fmt: skip
def test_night_hours_are_local_or_the_same_all_year(hours: str, utc: bool) -> None:
    prices = {"electricity_rate": "30", "electricity_standing": "50", "electricity_night_rate": "10"}
    (home,) = read_homes(homes_csv([{**ROW, **prices, "electricity_night": hours}]))
    assert home.tariffs[0].registers == (Register("night", 10.0, 30, 450, utc), Register("all day", 30.0))


def test_a_uprn_with_leading_zeros_is_the_same_home() -> None:
    one = {"uprn": "12345678", "meters": "m1"}
    (problem,) = _problems(homes_csv([one, {"uprn": "000012345678", "meters": "m2"}]))
    assert problem.startswith("line 3: this home's tenancy from 2025-01-01 is already given in line 2")
    (problem,) = _problems(homes_csv([{**one, "to": "2025-06-01"}, {**one, "uprn": "012345678", "from": "2025-05-01"}]))
    assert problem == "line 3: begins before the tenancy in line 2 ends"


def test_all_mistakes_are_told_at_once() -> None:
    assert len(_problems(homes_csv([{**ROW, "lat": "x", "epc": "z"}, {"uprn": "", "meters": "m2"}]))) == 3


def test_a_column_that_no_homes_file_has_is_refused() -> None:
    (problem,) = _problems(homes_csv([{**ROW, "colour": "red"}]))
    assert "'colour'" in problem
    assert "docs/reference/homes-file.md" in problem


def test_two_lines_of_one_tenancy_and_overlaps_are_refused() -> None:
    assert "already given in line 2" in _problems(homes_csv([ROW, ROW]))[0]
    overlap = _problems(homes_csv([{**ROW, "to": "2025-06-01"}, {**ROW, "from": "2025-05-01"}]))
    assert overlap == ["line 3: begins before the tenancy in line 2 ends"]


def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/homes-file.md").read_text()
    for name in (*REQUIRED, *OPTIONAL):
        shown = (
            name.replace("gas_", "electricity_").replace("heat_t", "electricity_t").replace("heat_p", "electricity_p")
        )
        shown = shown.replace("heat_standing", "electricity_standing")
        assert f"`{shown}`" in text or f"`{name}`" in text, name


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused_in_words(data: bytes) -> None:
    with contextlib.suppress(RegistryError):
        read_homes(data)


@pytest.mark.parametrize("name", ["Ọláyínká Adébáyọ̀", "שרה\u200e בת-דוד", "بی\u200cبی گل", "ශ්\u200dරී", "王小明"])
def test_names_of_the_world_are_taken_as_they_are(name: str) -> None:
    (home,) = read_homes(homes_csv([{**ROW, "name": name}]))
    assert home.name == name


def test_a_line_without_meters_tells_its_other_problems_too() -> None:
    bad = {"uprn": "12x", "meters": "", "dwelling": "castle", "from": "soon", "address": " ; ", "heating": ""}
    found = _problems(homes_csv([bad]))
    for words in (
        "has no meters",
        "has no heating",
        "uprn is not a number",
        "'castle'",
        "'soon'",
        "address has no line",
    ):
        assert sum(words in one for one in found) == 1, words
    assert len(found) == 6


def test_two_prices_of_one_tenancy_are_two_lines() -> None:
    old = {**ROW, "electricity_rate": "26", "electricity_standing": "57", "gas_rate": "7", "gas_standing": "29"}
    new = {**ROW, "electricity_rate": "24", "electricity_standing": "57", "electricity_tariff_from": "2025-10-01"}
    (home,) = read_homes(homes_csv([old, new]))
    assert [(one.fuel, one.from_day, one.registers[0].rate) for one in home.tariffs] == [
        ("electricity", date(2025, 1, 1), 26.0),
        ("gas", date(2025, 1, 1), 7.0),
        ("electricity", date(2025, 10, 1), 24.0),
    ]
    given = "line 3: this home's tenancy from 2025-01-01 is already given in line 2"
    assert _problems(homes_csv([old, {**new, "electricity_tariff_from": ""}])) == [
        f"{given}, and so is its electricity price from 2025-01-01; say electricity_tariff_from"
    ]
    assert _problems(homes_csv([old, {**new, "meters": "m2"}])) == [f"{given}, and more than its prices differ"]
    assert _problems(homes_csv([old, ROW])) == [given]
