"""The arms of a trial: what each may see of others, and which nudge it gets. Words and rules: decision 013."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final, Literal

#: ``compare``: with the neighbours; ``zone``: with the fifth of them that uses least; ``own``: with its own past.
NudgeKind = Literal["compare", "zone", "own"]


class Arm(StrEnum):
    """What the households of one group get. This order holds in all arrays; the first is the control."""

    NOTHING = "nothing"
    OWN_HISTORY = "own-history"
    ZONE = "zone"
    COMPARISON = "comparison"
    COMPARISON_YEAR = "comparison-year"


class Sight(StrEnum):
    """What a household may see: all of a comparison, the efficiency zone alone, or its own use alone.

    Arrays hold the place in this order, as int8.
    """

    ALL = "all"
    ZONE = "zone"
    OWN = "own"


ARMS: Final = tuple(Arm)
SIGHTS: Final = tuple(Sight)

_SIGHT: Final[dict[Arm, Sight]] = {
    Arm.NOTHING: Sight.OWN,
    Arm.OWN_HISTORY: Sight.OWN,
    Arm.ZONE: Sight.ZONE,
    Arm.COMPARISON: Sight.ALL,
    Arm.COMPARISON_YEAR: Sight.ALL,
}
_NUDGE: Final[dict[Arm, NudgeKind | None]] = {
    Arm.NOTHING: None,
    Arm.OWN_HISTORY: "own",
    Arm.ZONE: "zone",
    Arm.COMPARISON: "compare",
    Arm.COMPARISON_YEAR: "compare",
}


def sight(arm: Arm, begins: date, today: date) -> Sight:
    """What a member of a trial that has not ended may see on the local day ``today``; ``begins``: the trial's first.

    From the draw on, so that on the first day nothing is left to be taken away. ``comparison-year`` sees its own use
    alone from the same day a year later on (from 1 March where the trial began on a 29 February).
    """
    return _SIGHT[_as_of(arm, begins, today)]


def nudged(arm: Arm, begins: date, today: date) -> NudgeKind | None:
    """The kind of nudge that a member may get on a local day; None: none.

    None before the first day too: a nudge between the draw and the first day would be part of no arm.
    """
    if today < begins:
        return None
    return _NUDGE[_as_of(arm, begins, today)]


def year_later(begins: date) -> date:
    """The same day a year later, from which ``comparison-year`` is as ``nothing``; 1 March for a 29 February."""
    if (begins.month, begins.day) == (2, 29):
        return date(begins.year + 1, 3, 1)
    return begins.replace(year=begins.year + 1)


def _as_of(arm: Arm, begins: date, today: date) -> Arm:
    if arm is Arm.COMPARISON_YEAR and today >= year_later(begins):
        return Arm.NOTHING
    return arm
