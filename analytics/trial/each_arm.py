"""What all estimators do alike: one arm after the other against the control, and words where an arm has no estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from analytics.trial.estimate import Estimate
from analytics.trial.panel import Panel

#: What is left of a sum of squares after rounding, as a share of it.
ROUNDING: Final = 1e-20
#: An arm must vary by so much, as a share of the weights, after what else explains use.
VARIES: Final = 1e-9


def estimates(panel: Panel, of: Callable[[int], Estimate | str]) -> list[Estimate]:
    """What ``of`` finds for each place in ``panel.arms`` but the control's; arms for which it gives words are left out.

    Raises ValueError, in those words, where no arm can be estimated.
    """
    found = [of(place) for place in range(1, len(panel.arms))]
    kept = [one for one in found if isinstance(one, Estimate)]
    if not kept:
        raise ValueError("; ".join(map(str, found)) or "the panel has no arm beside the control")
    return kept


def too_few(panel: Panel, place: int, there: int, control: int) -> str | None:
    """Words for an arm or a control with fewer than two homes that are known; None: there are enough."""
    for count, name in ((there, f"arm {panel.arms[place]}"), (control, f"control, {panel.arms[0]},")):
        if count < 2:
            homes = "1 home" if count == 1 else "no home"
            return f"the {name} has {homes} with a known use: an error needs 2 or more"
    return None


def nothing_left(panel: Panel, place: int, what: str) -> str:
    """Words for uses that ``what`` explains to the last digit."""
    return f"{what} explain every use of arm {panel.arms[place]} and the control: nothing is left to find an error by"
