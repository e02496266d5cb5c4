"""Unique Property Reference Numbers: numbers of up to 12 digits, which some offices write with leading zeros.

They are kept and compared without. What was stored before that was so is found by all its spellings.
"""

from __future__ import annotations

import re

#: Digits of the longest.
LONGEST = 12
_UPRN = re.compile(r"[0-9]{1,12}\Z")


def is_uprn(text: str) -> bool:
    """Whether a text is a UPRN, with or without leading zeros."""
    return _UPRN.match(text) is not None


def plain(uprn: str) -> str:
    """A UPRN without leading zeros."""
    return uprn.lstrip("0") or "0"


def spellings(uprn: str) -> list[str]:
    """Every way to write a UPRN, the plain one first, that of 12 digits last."""
    known = plain(uprn)
    return [known.zfill(digits) for digits in range(len(known), LONGEST + 1)]
