"""The effect in parts of the homes, with what looking at many parts costs.

Each part is estimated alone by the post-only model. Of many parts some differ by chance: p is corrected by Holm's way
(Scandinavian Journal of Statistics 6, 1979), over all parts and arms that were estimated, and whoever shows a part
says how many were looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from analytics.trial import post_only
from analytics.trial.estimate import Estimate, quantile
from analytics.trial.panel import UNKNOWN, Bools, Panel
from devices.trials import Arm

#: Nothing is shown of an arm, or a control, with fewer homes.
LEAST_HOMES: Final = 15
STRATUM: Final = "stratum"
#: The stratum -1: those that were too small to be drawn from, together.
_REST: Final = "rest"
_ORDER: Final = (STRATUM, "tenure", "deprivation", "decile")


class Subgroup(NamedTuple):
    """One arm in one part. ``homes``: of the arm and the control, with a known use; ``holm``: the corrected p.

    ``estimate`` and ``holm`` are None where nothing can be said; ``why`` then says why, else it is empty.
    """

    label: str
    group: str
    arm: Arm
    homes: int
    estimate: Estimate | None
    holm: float | None
    why: str


def estimates(panel: Panel, level: float = 0.95) -> list[Subgroup]:
    """Every arm in every part, by label and then the order of its words. As many were looked at as come back.

    Labels: the stratum, tenure, deprivation, decile of prior use, then others of the panel. A part without a home does
    not come back. Raises ValueError on the level.
    """
    quantile(level)
    found = [
        _one(panel, label, group, place, homes, level)
        for label, group, homes in _parts(panel)
        for place in range(1, len(panel.arms))
    ]
    known = [one.estimate.p for one in found if one.estimate is not None]
    corrected = iter(holm(known))
    return [one if one.estimate is None else one._replace(holm=next(corrected)) for one in found]


def holm(p: Sequence[float]) -> list[float]:
    """Holm's corrected values of ``p``, in its order: the chance of any as small, if no part had an effect."""
    order = sorted(range(len(p)), key=p.__getitem__)
    corrected = [1.0] * len(p)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, p[place] * (len(p) - rank)))
        corrected[place] = largest
    return corrected


def _parts(panel: Panel) -> Iterator[tuple[str, str, Bools]]:
    """Label, word and homes of every part that has a home."""
    labels = {**dict.fromkeys(_ORDER), **dict.fromkeys(panel.labels)}
    for label in labels:
        if label in panel.labels:
            of = panel.labels[label].astype(np.int32)
            words = {number: str(word) for number, word in enumerate(panel.names[label])} | {UNKNOWN: "not known"}
            if label == STRATUM:
                words[UNKNOWN] = _REST
        elif label == STRATUM:
            of = panel.stratum
            words = {number: str(number) for number in np.unique(of[of >= 0]).tolist()} | {UNKNOWN: _REST}
        else:
            continue
        for number, word in words.items():
            homes = of == number
            if homes.any():
                yield label, word, homes


def _one(panel: Panel, label: str, group: str, place: int, homes: Bools, level: float) -> Subgroup:
    arm = panel.arms[place]
    seen = panel.known.any(axis=1) & homes
    counts = {0: int((seen & (panel.arm == 0)).sum()), place: int((seen & (panel.arm == place)).sum())}
    count = sum(counts.values())
    for number, there in counts.items():
        if there < LEAST_HOMES:
            some = "none" if there == 0 else f"fewer than {LEAST_HOMES}"
            why = f"{panel.arms[number]} has {some} of the homes here; a figure needs {LEAST_HOMES}"
            return Subgroup(label, group, arm, count, None, None, why)
    part = panel.part(homes & ((panel.arm == 0) | (panel.arm == place)))
    reason = post_only.why_not(part, place)
    if reason is not None:
        return Subgroup(label, group, arm, count, None, None, reason)
    found = next(one for one in post_only.estimate(part, level) if one.arm is arm)
    return Subgroup(label, group, arm, count, found, None, "")
