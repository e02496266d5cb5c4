"""Made-up estates for attacks on the comparison, and what five residents of one cell can pool.

The attackers know everything but the others' use: who is in which cell, which cells join, who counts, every rule and
this code. Their pages come out of the real modules. Each estate is a group of its own, so that hundreds of attacks run
in one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.cells import Cells, HomeSet, make_cells
from analytics.comparison import Compared, compare
from analytics.disclosure import Shown, disclose
from analytics.neighbours import Joined, join

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

COLLUDERS = 5
DAYS = 91


class Page(NamedTuple):
    """What all homes are shown of a period, and behind it what attackers know of the sets: ``compared.n``."""

    own: Int64
    shown: Shown
    compared: Compared


class Bounds(NamedTuple):
    """What a sum must lie between [Wh], and the guess that needs no attack; ``(estates,)`` each."""

    low: Float64
    high: Float64

    def __add__(self, other: Bounds) -> Bounds:  # type: ignore[override]
        return Bounds(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Bounds) -> Bounds:
        return Bounds(self.low - other.high, self.high - other.low)

    @property
    def middle(self) -> Float64:
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Estates:
    """``daily`` [Wh] ``(homes, days)``; ``target`` ``(estates,)`` and ``colluders`` ``(estates, 5)`` of the same cell.

    Use of a home: log-normal by home (deviation 0.45 beside floor area), by week (0.18, of which 0.6 lasts to the next
    week) and by day (0.30), times a weather that all share.
    """

    homes: HomeSet
    cells: Cells
    joined: Joined
    daily: Int64
    target: Int64
    colluders: Int64

    def page(self, first: int, stop: int, counts: Bool | None = None, use: Int64 | None = None) -> Page:
        """The pages of the period from day ``first`` to ``stop``."""
        own = self.daily[:, first:stop].sum(axis=1) if use is None else use
        counting = np.ones(len(own), np.bool_) if counts is None else counts
        compared = compare(self.cells, self.joined, own, counting)
        return Page(own, disclose(own, compared), compared)

    def without(self, homes: Int64) -> Bool:
        counts = np.ones(len(self.daily), np.bool_)
        counts[homes] = False
        return counts

    def pool(self, page: Page) -> Bounds:
        """Bounds of the sum over the colluders' common set, themselves included: each page gives an interval."""
        mine = self.colluders
        average = page.shown.average[mine].astype(np.float64)
        assert (average > 0).all()
        low, high = before_rounding(average)
        n, own = page.compared.n[mine], page.own[mine]
        return Bounds((low * n + own).max(axis=1), (high * n + own).min(axis=1))

    def guess(self, page: Page) -> Float64:
        """The average that the first colluder is shown."""
        return page.shown.average[self.colluders[:, 0]].astype(np.float64)


def make_estates(seed: int, *, estates: int = 300, week: float = 50_000.0, size: tuple[int, int] = (130, 260)) -> Estates:
    """Estates whose homes use about ``week`` [Wh] a week on average."""
    rng = np.random.default_rng(seed)
    number = rng.integers(*size, estates)
    group = np.repeat(np.arange(estates), number)
    count = len(group)
    area = 80 * np.exp(0.18 * rng.standard_normal(count))
    spread = 12.0 * np.sqrt(number)[group]
    homes = HomeSet(
        rng.permutation(count).astype(np.int64) + 10**13,
        group,
        rng.uniform(0, 1, count) * spread,
        rng.uniform(0, 1, count) * spread,
        np.rint(area),
    )
    cells = make_cells(homes)
    home = 0.6 * np.log(area / 80) + 0.45 * rng.standard_normal(count)
    weekly = np.empty((count, DAYS // 7))
    weekly[:, 0] = rng.standard_normal(count)
    for later in range(1, DAYS // 7):
        weekly[:, later] = 0.6 * weekly[:, later - 1] + 0.8 * rng.standard_normal(count)
    weather = 0.08 * rng.standard_normal((estates, DAYS))
    log = home[:, None] + 0.18 * np.repeat(weekly, 7, axis=1) + 0.30 * rng.standard_normal((count, DAYS))
    daily = np.rint(week / 7 / 1.2 * np.exp(log + weather[group])).astype(np.int64)
    target, colluders = np.empty(estates, np.int64), np.empty((estates, COLLUDERS), np.int64)
    for estate in range(estates):
        of = np.flatnonzero(group == estate)
        cell = cells.cell[rng.choice(of)]
        chosen = rng.choice(of[cells.cell[of] == cell], COLLUDERS + 1, replace=False)
        target[estate], colluders[estate] = chosen[0], chosen[1:]
    return Estates(homes, cells, join(cells), daily, target, colluders)


def before_rounding(shown: Float64) -> tuple[Float64, Float64]:
    """What a figure of two significant figures can have been: from ``low`` to under ``high``."""
    step = 10.0 ** (np.floor(np.log10(shown) + 1e-12) - 1)
    # 100 is 99.5 to 105
    below = np.where(np.rint(shown / step) == 10, step / 10, step)
    return shown - below / 2, shown + step / 2


class Rates(NamedTuple):
    """Part of the targets whose use was recovered within 10 %: by the attack, and by guessing the average shown."""

    attack: float
    guess: float
    attack_alone: int
    guess_alone: int
    number: int

    def better(self) -> float:
        """By how many standard errors the attack beats the guess: McNemar's paired test, (b - c) / sqrt(b + c)."""
        apart = self.attack_alone + self.guess_alone
        return (self.attack_alone - self.guess_alone) / max(apart, 1) ** 0.5


def rates(attack: Float64, guess: Float64, truth: Float64) -> Rates:
    hit, guessed = np.abs(attack - truth) <= 0.1 * truth, np.abs(guess - truth) <= 0.1 * truth
    return Rates(
        float(hit.mean()), float(guessed.mean()), int((hit & ~guessed).sum()), int((guessed & ~hit).sum()), len(truth)
    )
