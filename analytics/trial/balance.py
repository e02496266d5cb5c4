"""Were the arms alike before the trial? A table of what was known of them then, and one test of all of it together.

A normalised difference is that of two means in standard deviations, (mean - control) / sqrt((s^2 + s0^2) / 2) (Imbens
and Rubin 2015, chapter 14); below a quarter regressions can be trusted with it. Unlike a p it does not grow with homes.

The joint test draws the arms again as they were drawn, within blocks (Fisher 1935; Hansen and Bowers, Statistical
Science 23, 2008). Its statistic is Pillai's trace, sum over arms of homes * |mean of whitened properties|^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from analytics.trial.panel import PRIOR, UNKNOWN, Bools, Float64, Int8, Panel
from analytics.trial.untold import untold
from devices.trials import Arm

#: Means of fewer homes are not shown.
LEAST_HOMES: Final = 15
#: A property that others explain but for this share of its variance says nothing itself.
_COLLINEAR: Final = 1e-10
#: Statistics that differ by rounding alone are as large as each other.
_EQUAL: Final = 1e-9
#: Homes times draws that are sorted at a time.
_CHUNK: Final = 1_000_000


class Balance(NamedTuple):
    """One property of one arm and of the control.

    ``what``: ``prior use, year`` and so on [kWh/day], or ``tenure: owned`` and so on, a share from 0 to 1. ``homes``:
    of the arm, of which it is known. ``mean``, ``control``: None where fewer than 15 homes stand behind it;
    ``difference``: normalised, None where one of these is, or nobody differs from anybody.
    """

    what: str
    arm: Arm
    homes: int
    mean: float | None
    control: float | None
    difference: float | None


def table(panel: Panel) -> list[Balance]:
    """Every property of every arm beside the control, by property. Filled figures of prior use are not counted.

    A share of homes is a number of them: one of fewer than 15, or that the other shares would tell, is None.
    """
    hidden = _hidden(panel)
    found = []
    for what, values, known in _properties(panel):
        control = values[known & (panel.arm == 0)]
        own = None if (what, 0) in hidden else _mean(control)
        for place in range(1, len(panel.arms)):
            arm = values[known & (panel.arm == place)]
            mean = None if (what, place) in hidden else _mean(arm)
            # with one of the means the difference tells the other
            difference = None if mean is None or own is None else _difference(arm, control)
            found.append(Balance(what, panel.arms[place], len(arm), mean, own, difference))
    return found


def _hidden(panel: Panel) -> set[tuple[str, int]]:
    """Names of properties and places of arms whose share of homes must not be told."""
    found = set()
    for name, label in panel.labels.items():
        words = [_share(name, word) for word in panel.names[name]]
        for place in range(len(panel.arms)):
            mine = label[(panel.arm == place) & (label != UNKNOWN)]
            kept = untold(np.bincount(mine, minlength=len(words)).tolist())
            found |= {(word, place) for word, one in zip(words, kept, strict=True) if one}
    return found


def joint(panel: Panel, draws: int = 999, seed: int = 0) -> float | None:
    """How often draws of the same kind leave the arms as unlike as these are, the draw itself counted; same for a seed.

    All properties and arms at once. None: no home could have been in another arm, or no property varies. Raises
    ValueError on fewer than one draw.
    """
    if draws < 1:
        raise ValueError(f"a test needs one draw or more, not {draws}")
    white = _whitened(panel)
    _, block = np.unique(np.column_stack((panel.stratum, panel.block)), axis=0, return_inverse=True)
    block = block.reshape(-1)
    order = np.lexsort((panel.arm, block))
    arm = panel.arm[order]
    starts = np.flatnonzero(np.diff(block[order], prepend=-1))
    if not white.shape[1] or not len(starts):
        return None
    if (np.maximum.reduceat(arm, starts) == np.minimum.reduceat(arm, starts)).all():
        return None
    white = white[order]
    observed = float(_pillai(arm[None], white)[0])
    chance = np.random.default_rng(seed)
    rows = max(1, _CHUNK // panel.homes)
    extreme = 0
    for start in range(0, draws, rows):
        # the whole part of a key is its block: sorting mixes homes within their own alone
        mixed = np.argsort(block[order] + chance.random((min(rows, draws - start), panel.homes)), axis=1)
        extreme += int((_pillai(arm[mixed], white) >= observed * (1 - _EQUAL)).sum())
    return (extreme + 1) / (draws + 1)


def _properties(panel: Panel) -> Iterator[tuple[str, Float64, Bools]]:
    """Name, values (homes,) and whether they are known (homes,)."""
    for column, name in enumerate(PRIOR):
        yield f"prior use, {name}", panel.prior[:, column], ~panel.filled[:, column]
    for name, label in panel.labels.items():
        for number, word in enumerate(panel.names[name]):
            yield _share(name, word), (label == number).astype(np.float64), label != UNKNOWN


def _share(name: str, word: object) -> str:
    return f"{name}: {word}"


def _mean(values: Float64) -> float | None:
    return float(values.mean()) if len(values) >= LEAST_HOMES else None


def _difference(arm: Float64, control: Float64) -> float | None:
    spread = float(np.sqrt((arm.var(ddof=1) + control.var(ddof=1)) / 2))
    return float(arm.mean() - control.mean()) / spread if spread > 0 else None


def _whitened(panel: Panel) -> Float64:
    """Properties ``(homes, rank)`` about their means, uncorrelated, variance 1; what is not known is 0."""
    columns = []
    for _, values, known in _properties(panel):
        about = np.where(known, values, 0.0)
        about -= about.sum() / max(int(known.sum()), 1)
        about[~known] = 0.0
        spread = float(np.sqrt((about**2).mean())) if len(about) else 0.0
        if spread > 0:
            columns.append(about / spread)
    if not columns:
        return np.zeros((panel.homes, 0))
    together = np.column_stack(columns)
    value, vector = np.linalg.eigh(together.T @ together / panel.homes)
    kept = value > _COLLINEAR
    white: Float64 = together @ (vector[:, kept] / np.sqrt(value[kept]))
    return white


def _pillai(arm: Int8, white: Float64) -> Float64:
    """The statistic (draws,) of arms (draws, homes) by whitened properties (homes, rank)."""
    found = np.zeros(len(arm))
    for place in np.unique(arm[0]):
        mine = (arm == place).astype(np.float64)
        found += ((mine @ white) ** 2).sum(axis=1) / mine[0].sum()
    return found
