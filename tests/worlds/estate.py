"""Made-up estates for attacks on the comparison, and what five residents of one cell can pool.

The attackers know everything but the others' use: who is in which cell, which cells join, who counts, every rule and
this code. Their pages come out of the real modules. Each estate is a group of its own, so that hundreds of attacks run
in one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.neighbours.cells import Cells, HomeSet, make_cells
from analytics.neighbours.comparison import Compared, compare
from analytics.neighbours.differencing import round_cell_totals, step
from analytics.neighbours.disclosure import DisclosedFigures, disclose
from analytics.neighbours.joining import Joined, join

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

COLLUDERS = 5


class Page(NamedTuple):
    """What all homes are shown of a period, and behind it what attackers know of the sets: ``compared.n``.

    ``step`` [Wh] to which the total of the target's cell was rounded, 0 where it was not, ``(estates,)``.
    """

    own: Int64
    shown: DisclosedFigures
    compared: Compared
    step: Float64


class Bounds(NamedTuple):
    """What a sum must lie between [Wh], ``(estates,)`` each."""

    low: Float64
    high: Float64

    def plus(self, other: Bounds) -> Bounds:
        return Bounds(self.low + other.low, self.high + other.high)

    def less(self, other: Bounds) -> Bounds:
        return Bounds(self.low - other.high, self.high - other.low)

    @property
    def middle(self) -> Float64:
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Estates:
    """``daily`` [Wh] ``(homes, days)``; ``weather`` ``(estates, days)``, a factor that all of an estate share.

    ``target`` ``(estates,)`` and ``colluders`` ``(estates, 5)`` are of the same cell. Use of a home: log-normal by home
    (deviation 0.45 beside floor area), by week (0.18, of which 0.6 lasts to the next week) and by day (0.30), times the
    weather.
    """

    homes: HomeSet
    cells: Cells
    joined: Joined
    daily: Int64
    weather: Float64
    target: Int64
    colluders: Int64
    #: Pages that were made: attacks ask for the same ones, by what they show and by the sums behind it.
    _made: dict[tuple[int, int, bytes, bool], Page] = field(default_factory=dict, init=False, repr=False)

    def page(self, start: int, end: int, counts: Bool | None = None, *, rounded: bool = True) -> Page:
        """The pages of the period from day ``start`` to ``end``; ``rounded`` False: totals of cells as they are."""
        key = (start, end, b"" if counts is None else counts.tobytes(), rounded)
        if key not in self._made:
            self._made[key] = self._page(start, end, counts, rounded=rounded)
        return self._made[key]

    def _page(self, start: int, end: int, counts: Bool | None, *, rounded: bool) -> Page:
        own = self.daily[:, start:end].sum(axis=1)
        counting = np.ones(len(own), np.bool_) if counts is None else counts
        compared = compare(self.cells, self.joined, own, counting)
        cell, count = self.cells.cell[counting], len(self.cells.size)
        number, total = np.bincount(cell, minlength=count), np.zeros(count, np.int64)
        np.add.at(total, cell, own[counting])
        rounded_to = step(total, number)[self.cells.cell[self.target]].astype(np.float64)
        if rounded:
            compared = round_cell_totals(self.cells, self.joined, own, counting, compared)
        return Page(own, disclose(own, compared), compared, rounded_to * rounded)

    def week(self, number: int, counts: Bool | None = None, *, rounded: bool = True) -> Page:
        return self.page(7 * number, 7 * number + 7, counts, rounded=rounded)

    def without(self, homes: Int64) -> Bool:
        counts = np.ones(len(self.daily), np.bool_)
        counts[homes] = False
        return counts

    def pool(self, page: Page) -> Bounds:
        """Bounds of the sum over the colluders' common set, themselves included: each page gives an interval.

        What rounds the other cells of the set is the same with the target and without it, so it is left alone.
        """
        mine = self.colluders
        average = page.shown.average[mine].astype(np.float64)
        assert (average > 0).all()
        low, high = before_rounding(average)
        n, own = page.compared.n[mine], page.own[mine]
        low, high = (low * n + own).max(axis=1), (high * n + own).min(axis=1)
        return Bounds(low - page.step / 2, high + page.step / 2)

    def exact(self, page: Page) -> Bounds:
        """The same sum as if pages were not rounded: more than any number of them could tell."""
        mine = self.colluders[:, 0]
        total = (page.compared.total[mine] + page.own[mine]).astype(np.float64)
        return Bounds(total - page.step / 2, total + page.step / 2)

    def falsified(self, week: float) -> Estates:
        """The colluders' meters are falsified: their use is spread over one step of what their average is rounded to.

        The intervals of `pool` then leave a fifth of a step.
        """
        daily = self.daily.copy()
        step = 10 ** (np.floor(np.log10(week)) - 1)
        for number in range(COLLUDERS):
            daily[self.colluders[:, number]] = round((0.3 * week + number * 110 * step / COLLUDERS) / 7)
        return replace(self, daily=daily)

    def guess(self, page: Page) -> Float64:
        """The average that the first colluder is shown."""
        return page.shown.average[self.colluders[:, 0]].astype(np.float64)


def make_estates(
    seed: int, *, estates: int = 300, week: float = 50_000.0, size: tuple[int, int] = (130, 260), weeks: int = 8
) -> Estates:
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
    weekly = np.empty((count, weeks))
    weekly[:, 0] = rng.standard_normal(count)
    for later in range(1, weeks):
        weekly[:, later] = 0.6 * weekly[:, later - 1] + 0.8 * rng.standard_normal(count)
    weather = 0.08 * rng.standard_normal((estates, 7 * weeks))
    log = home[:, None] + 0.18 * np.repeat(weekly, 7, axis=1) + 0.30 * rng.standard_normal((count, 7 * weeks))
    daily = np.rint(week / 7 / 1.2 * np.exp(log + weather[group])).astype(np.int64)
    target, colluders = np.empty(estates, np.int64), np.empty((estates, COLLUDERS), np.int64)
    for estate in range(estates):
        of = np.flatnonzero(group == estate)
        cell = cells.cell[rng.choice(of)]
        chosen = rng.choice(of[cells.cell[of] == cell], COLLUDERS + 1, replace=False)
        target[estate], colluders[estate] = chosen[0], chosen[1:]
    return Estates(homes, cells, join(cells), daily, np.exp(weather), target, colluders)


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
        return float((self.attack_alone - self.guess_alone) / np.sqrt(max(apart, 1)))


def rates(attack: Float64, guess: Float64, truth: Float64) -> Rates:
    hit, guessed = np.abs(attack - truth) <= 0.1 * truth, np.abs(guess - truth) <= 0.1 * truth
    return Rates(
        float(hit.mean()), float(guessed.mean()), int((hit & ~guessed).sum()), int((guessed & ~hit).sum()), len(truth)
    )
