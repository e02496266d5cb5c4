"""Numbers as text in both conventions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.numbers import Decimal, number_fault, number_reader

PARTS = ["", " ", "\u00a0", "\u2009", "\u202f", "'", "\u2019"]


def spelled(whole: int, fraction: str, sign: str, decimal: str, part: str) -> str:
    """A number as a person writes it, from its digits: groups of three from the right."""
    digits = str(whole)
    groups: list[str] = []
    while digits:
        groups.insert(0, digits[-3:])
        digits = digits[:-3]
    return sign + part.join(groups) + (decimal + fraction if fraction else "")


@given(
    st.integers(0, 10**12), st.text("0123456789", max_size=6), st.sampled_from(["", "-", "+"]),
    st.sampled_from([",", "."]), st.sampled_from([*PARTS, "other"]),
)  # fmt: skip
def test_any_number_in_both_conventions(whole: int, fraction: str, sign: str, decimal: Decimal, part: str) -> None:
    other = {",": ".", ".": ","}[decimal]
    text = spelled(whole, fraction, sign, decimal, other if part == "other" else part)
    value = float(f"{sign}{whole}.{fraction or '0'}")
    assert number_reader(decimal)(text) == value
    if part == "other" and whole >= 1000 and fraction:
        assert number_reader("")(text) is None
        assert number_reader("," if decimal == "." else ".")(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_programs_write_is_read_back(number: float) -> None:
    assert number_reader("")(repr(number)) == number
    assert number_reader(".")(repr(number)) == number
    assert number_reader(",")(repr(number).replace(".", ",")) == number


@pytest.mark.parametrize("decimal", ["", ".", ","])
@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1_0", "1e999", "--1", "1 23", "1.2.3", "1,2,3", "12 34", "1.234 567", "0x1", "٣", "-"]
)
def test_what_is_no_number(text: str, decimal: Decimal) -> None:
    assert number_reader(decimal)(text) is None
    assert text not in number_fault(text, decimal) or len(text) < 3


@pytest.mark.parametrize(
    ("text", "decimal", "said"),
    [
        ("0,5", "", "a number with a comma"),
        ("0.5", ",", 'decimal = "," cannot read'),
        ("1,5", ".", 'decimal = "." cannot read'),
        ("1 000", "", "a number that is parted"),
        ("Jane, 5", "", "a text that is no number"),
    ],
)
def test_why_it_is_none(text: str, decimal: Decimal, said: str) -> None:
    assert said in number_fault(text, decimal)
