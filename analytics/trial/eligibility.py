"""Who can be a member of a trial, and why others cannot (docs/decisions/013-nudges-trial.md, Member)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import Reason

Bools = NDArray[np.bool_]
Int16 = NDArray[np.int16]
Int64 = NDArray[np.int64]

#: Months of use before a trial's first day that are looked at, and so many of them must be known.
BEFORE: Final = 12
NEEDED: Final = 10
#: A number of homes from 1 up to one less than this is told to nobody, and nothing is told of so few.
LEAST_HOMES: Final = 15
#: Months before it in which a home that looked like hardship is left out.
HARDSHIP: Final = 3


class Why(StrEnum):
    """Why a home is not eligible, in the order in which they are looked at: each home has the first that holds."""

    OTHER_ORIGIN = Reason.OTHER_ORIGIN.value  # simulated among real, or the reverse
    NO_COMPARISON = "no-comparison"  # no consent to the comparison
    NO_EVALUATION = "no-evaluation"  # no consent to evaluation
    OTHER_TRIAL = "other-trial"
    SHORT = "short"  # too little of its use is known
    HARDSHIP = "hardship"


class Asked(NamedTuple):
    """What is asked of each home, ``(homes,)``. ``months``: how many of the `BEFORE` months are known."""

    of_site: Bools
    comparison: Bools
    evaluation: Bools
    busy: Bools
    months: Int64
    hardship: Bools


class Eligible(NamedTuple):
    """``homes`` ``(homes,)``: which are; ``left_out``: how many others there are for each reason, none left out."""

    homes: Bools
    left_out: dict[Why, int]


def eligible(asked: Asked) -> Eligible:
    """Which homes can be members, and how many others cannot for which reason."""
    fails = {
        Why.OTHER_ORIGIN: ~asked.of_site,
        Why.NO_COMPARISON: ~asked.comparison,
        Why.NO_EVALUATION: ~asked.evaluation,
        Why.OTHER_TRIAL: asked.busy,
        Why.SHORT: asked.months < NEEDED,
        Why.HARDSHIP: asked.hardship,
    }
    left = np.ones(len(asked.of_site), np.bool_)
    counts: dict[Why, int] = {}
    for why in Why:
        counts[why] = int((left & fails[why]).sum())
        left &= ~fails[why]
    return Eligible(left, counts)


def known_months(known: Int16, length: NDArray[np.integer]) -> Bools:
    """Which months have a value ``(homes, months)``: at least half of their days are known.

    ``known`` ``(homes, months)``: known days; ``length`` ``(months,)``: days of the month.
    """
    found: Bools = (known > 0) & (2 * known.astype(np.int64) >= length)
    return found
