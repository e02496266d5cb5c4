"""The strata of a trial: homes that are alike before it begins, so that chance cannot put them into one arm.

Whole numbers alone decide, so that the same homes are in the same strata on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import HEATING, TENURES

Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

#: The rule in words, as reports have it.
RULE: Final = (
    "fuel for heating, tenure group, third of the use in the year before, third of deprivation of the place; "
    "a stratum of less than two blocks joins the rest"
)
FUELS: Final = ("gas", "electricity", "heat network", "other")
TENURE_GROUPS: Final = ("owner", "private rent", "social rent", "other")
USE: Final = ("lowest third of use", "middle third of use", "highest third of use")
DEPRIVATION: Final = ("most deprived third", "middle third of deprivation", "least deprived third")
#: A place in one of these lists that is not known.
UNKNOWN: Final = -1

_FUEL_OF: Final = {
    "gas": "gas", "electric": "electricity", "heat-pump": "electricity", "heat-network": "heat network",
}  # fmt: skip
_GROUP_OF: Final = {
    "owner": "owner", "private-rent": "private rent", "council-rent": "social rent",
    "housing-association": "social rent",
}  # fmt: skip


class Strata(NamedTuple):
    """``number`` ``(homes,)``: place in ``names``, which say what the homes of a stratum have in common."""

    number: Int32
    names: Sequence[str]


def strata(heating: Int32, tenure: Int32, use: Int64, deprivation: Int32, tenancy: Int64) -> Strata:
    """The strata of homes, ``(homes,)`` each. ``heating``, ``tenure``: places in `HEATING` and `TENURES`, -1 not known;
    ``use``: of the year before, in any unit; ``deprivation``: decile, 1 the most deprived, 0 not known; ``tenancy``:
    tells those of equal use apart."""
    parts = (
        (_translate(heating, HEATING, _FUEL_OF, FUELS), (*FUELS, "heating not known")),
        (tenure_group(tenure), (*TENURE_GROUPS, "tenure not known")),
        (np.asarray(ranked(use, tenancy, len(USE)), np.int16), USE),
        (deprivation_third(deprivation), (*DEPRIVATION, "deprivation not known")),
    )
    key = np.zeros(len(use), np.int64)
    for place, words in parts:
        key = key * len(words) + place % len(words)  # what is not known is -1, and so the last
    found, number = np.unique(key, return_inverse=True)
    names = [_name(int(one), [words for _, words in parts]) for one in found]
    return Strata(number.astype(np.int32), names)


def tenure_group(tenure: Int32) -> Int16:
    """Places in `TENURE_GROUPS` of places in `TENURES`; -1 stays."""
    return _translate(tenure, TENURES, _GROUP_OF, TENURE_GROUPS)


def deprivation_third(decile: Int32) -> Int16:
    """Places in `DEPRIVATION` of deciles from 1 to 10: 1 to 4, 5 to 7, 8 to 10; -1 of 0."""
    return np.where(decile < 1, UNKNOWN, (decile - 1) * 3 // 10).astype(np.int16)


def ranked(use: Int64, tenancy: Int64, parts: int) -> Int64:
    """In which of ``parts`` equal parts by rising use each home is, from 0 ``(homes,)``."""
    order = np.lexsort((tenancy, use))
    found = np.empty(len(use), np.int64)
    found[order] = np.arange(len(use)) * parts // max(len(use), 1)
    return found


def _translate(place: Int32, words: Sequence[str], groups: dict[str, str], names: Sequence[str]) -> Int16:
    table = np.array([names.index(groups.get(word, "other")) for word in words] + [UNKNOWN], np.int16)
    return table[place]  # -1, not known, is the last


def _name(key: int, lists: Sequence[Sequence[str]]) -> str:
    words: list[str] = []
    for of in reversed(lists):
        key, place = divmod(key, len(of))
        words.append(of[place])
    return ", ".join(reversed(words))
