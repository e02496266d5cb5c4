"""Numbers that are written as text, with a point or a comma for the fraction."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Literal

#: The sign before the fraction; empty: a point, and nothing parts thousands.
Decimal = Literal["", ".", ","]

ToNumber = Callable[[str], float | None]

_EXPONENT = r"([eE][+-]?\d+)?"
_POINT = re.compile(rf"[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}\Z", re.ASCII)
_COMMA = re.compile(rf"[+-]?(\d+(,\d*)?|,\d+){_EXPONENT}\Z", re.ASCII)
#: What parts thousands beside the other sign: blanks (also the narrow ones that do not break a line) and apostrophes.
_PARTS = " \u00a0\u2009\u202f'\u2019"
_GROUPED: Mapping[str, re.Pattern[str]] = {
    sign: re.compile(
        rf"[+-]?[1-9]\d{{0,2}}(?P<part>[{other}{_PARTS}])\d{{3}}((?P=part)\d{{3}})*({sign}\d*)?\Z", re.ASCII
    )
    for sign, other in ((",", "."), (r"\.", ","))
}
_LIKE_A_NUMBER = re.compile(rf"[+-]?[\d.,{_PARTS}]*\d[\d.,{_PARTS}]*{_EXPONENT}\Z", re.ASCII)


def number_reader(decimal: Decimal) -> ToNumber:
    """The function from a text to the finite number that it spells, or None.

    Without ``decimal`` a text has a point and no thousands apart. With it groups of three digits may stand apart by
    the other sign, a blank, a narrow blank or an apostrophe, the same in the whole text: ``1.234,5``. A text in which
    the other sign stands elsewhere is no number, for it could mean either.
    """
    if decimal == "":
        return _plain
    if decimal == ".":
        return lambda text: _plain(text) if _POINT.match(text) else _apart(text, _GROUPED[r"\."], ",")

    def comma(text: str) -> float | None:
        if _COMMA.match(text):
            return _finite(text.replace(",", "."))
        return _apart(text, _GROUPED[","], ".", comma=True)

    return comma


def number_fault(text: str, decimal: Decimal) -> str:
    """Why a text is no number, in words that do not quote it."""
    if not _LIKE_A_NUMBER.match(text):
        return "a text that is no number"
    if decimal == "" and "," in text:
        return (
            'a number with a comma; where it is the decimal sign, the mapping needs decimal = ",", and where it parts'
            ' thousands decimal = "."'
        )
    if decimal == ",":
        return 'a number that decimal = "," cannot read: a dot parts groups of three digits there'
    if decimal == ".":
        return 'a number that decimal = "." cannot read: a comma parts groups of three digits there'
    return "a number that is parted, or beyond the range of a float"


def _plain(text: str) -> float | None:
    return _finite(text) if _POINT.match(text) else None


def _apart(text: str, pattern: re.Pattern[str], other: str, *, comma: bool = False) -> float | None:
    if not pattern.match(text):
        return None
    for part in (other, *_PARTS):
        text = text.replace(part, "")
    return _finite(text.replace(",", ".") if comma else text)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None
