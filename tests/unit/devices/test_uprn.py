"""A UPRN is a number, however many zeros an office writes before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.naming import Naming, Words
from devices.uprn import is_uprn, plain, spellings


@given(st.integers(0, 10**12 - 1), st.integers(1, 12), st.integers(0, 10**12 - 1))
def test_numbers_are_the_same_if_and_only_if_their_plain_spellings_are(number: int, digits: int, other: int) -> None:
    text = str(number).zfill(digits)
    assert is_uprn(text)
    assert int(plain(text)) == number
    assert text in spellings(text)
    assert spellings(text) == spellings(plain(text)) == sorted(set(spellings(text)), key=len)
    assert {int(one) for one in spellings(text)} == {number}
    assert all(is_uprn(one) for one in spellings(text))
    assert (plain(str(other).zfill(digits)) == plain(text)) == (other == number)


def test_what_is_no_uprn() -> None:
    for text in ("", "1234567890123", "12x", " 12", "12\n", "١٢"):
        assert not is_uprn(text)


def test_a_household_is_found_by_every_spelling() -> None:
    naming = Naming(Words(10_000_000_000_007, "12345678", ()).all())
    assert naming.equals("000012345678")
    assert naming.equals("12345678")
    assert not naming.equals("112345678")
