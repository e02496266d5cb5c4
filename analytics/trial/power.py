"""How large a saving a trial of these homes would find, by trying the trial many times before it is held.

Each simulation draws the arms anew, takes the planted saving off the treated homes' use, and estimates it as the trial
will: use of the whole period on the arm and prior use, the error robust by household, one observation a home. A saving
is *found* where the interval lies below zero. All savings are shares of the use of all homes, above zero; they grow
with a home's prior use, as Allcott 2011 saw, or are the same share of each.

With one carrier of the saving, estimate and squared error are a line and a parabola of it: five numbers of a simulation
say for every saving whether it was found, so that the least one can be sought without drawing again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from analytics.trial.draw import parts_of
from analytics.trial.eligibility import LEAST_HOMES
from analytics.trial.estimate import quantile
from analytics.trial.panel import Float64, Panel
from analytics.trial.prior_use import Summary, of_panel
from analytics.trial.randomisation import interval
from devices.counts import counted

#: A trial is called able to find a saving that it finds so often.
WANTED: Final = 0.8
#: The largest saving that is sought.
_MOST: Final = 0.9
_LEAST_HOMES: Final = 10


class Prior(NamedTuple):
    """Savings that are to be expected before the trial: normal, ``mean`` and ``deviation`` as shares; ``source``."""

    mean: float
    deviation: float
    source: str


#: 95 % of it lies between nothing and 4 %.
LITERATURE: Final = Prior(
    0.02,
    0.01,
    "Allcott 2011: 2.0 % in 600,000 homes; a German review of feedback, comparison and commitment: 2 to 4 %; "
    "Allcott 2015: the first places overstated those that followed",
)


class Tested(NamedTuple):
    """How often a ``saving`` is found: ``power``, between ``low`` and ``high`` with 95 % after so many simulations."""

    saving: float
    power: float
    low: float
    high: float


class ArmPower(NamedTuple):
    """Of one arm, its place in the shares, against the control. ``homes``, ``control``: in each. ``error``: standard
    error of its effect, as a share of mean use. ``smallest``: the least saving that is found with 80 %, None where even
    90 % is not. ``expected``: how often the trial finds a saving if it is one of the prior's."""

    arm: int
    homes: int
    control: int
    error: float
    smallest: float | None
    tested: tuple[Tested, ...]
    expected: Tested


@dataclass(frozen=True, slots=True)
class Power:
    """``arms``: all but the control, in the order of the shares. ``mean``: use [kWh/day]. ``warnings``: in words."""

    homes: int
    months: int
    mean: float
    arms: tuple[ArmPower, ...]
    prior: Prior
    warnings: tuple[str, ...]
    simulations: int
    seed: int

    @property
    def smallest(self) -> float | None:
        """The least saving that is found with 80 % in whichever arm it is; None where even 90 % is not."""
        found = [arm.smallest for arm in self.arms]
        return None if None in found else max(share for share in found if share is not None)


def power(
    of: Panel | Summary,
    shares: Sequence[int],
    months: int = 12,
    savings: Sequence[float] = (0.01, 0.02, 0.03, 0.04),
    seed: int = 0,
    *,
    target: float | None = None,
    prior: Prior = LITERATURE,
    simulations: int = 1_000,
    level: float = 0.95,
    gradient: float = 1.0,
) -> Power:
    """What a trial of ``months`` finds, with ``shares`` of the homes, the control first; the same for the same seed.

    ``of``: a panel of the past, its use standing for the trial's and its prior use for the year before, whatever arms
    it has; or a `Summary`. ``target``: the saving that it is made to find. ``gradient``: 1 the saving's share grows in
    proportion to prior use, 0 it is the same for all.

    Raises ValueError, in words, where no such trial can be tried.
    """
    parts = parts_of(shares)
    _check(months, savings, target, simulations)
    reach = quantile(level)
    homes = len(of_panel(of, months)[0]) if isinstance(of, Panel) else of.homes
    sizes = [homes * part // sum(parts) for part in parts]
    if min(sizes) < _LEAST_HOMES:
        raise ValueError(
            f"{_told(homes)} cannot make these arms: each needs {_LEAST_HOMES} or more, and one would have fewer"
        )
    mean = float(of_panel(of, months)[0].mean()) if isinstance(of, Panel) else of.mean
    made: dict[int, _Simulated] = {}
    arms = []
    for arm, size in enumerate(sizes[1:], 1):
        if size not in made:
            made[size] = _simulate(
                of, months, sizes[0], size, gradient, simulations, np.random.default_rng((seed, size))
            )
        tried = made[size]
        chance = np.random.default_rng((seed, size, 1))
        expected = prior.mean + prior.deviation * chance.standard_normal(simulations)
        arms.append(
            ArmPower(
                arm,
                size,
                sizes[0],
                float(np.sqrt(tried.v00.mean())) / mean,
                tried.smallest(reach),
                tuple(_tested(saving, tried.found(saving, reach)) for saving in savings),
                _tested(prior.mean, tried.found(expected, reach)),
            )
        )
    warnings = _warnings(of, homes, months, arms, prior, target)
    return Power(homes, months, mean, tuple(arms), prior, warnings, simulations, seed)


def smallest(
    of: Panel | Summary, shares: Sequence[int], months: int = 12, seed: int = 0, *, simulations: int = 1_000
) -> float | None:
    """The least saving, as a share, that such a trial finds with 80 %, whichever arm has it; None where even 90 % is
    not. Raises ValueError as `power`."""
    return power(of, shares, months, (), seed, simulations=simulations).smallest


class _Simulated(NamedTuple):
    """By simulation: the estimate is ``a0 - saving * a1`` [kWh/day], its squared error ``v00 - 2 saving v01 +
    saving^2 v11``."""

    a0: Float64
    a1: Float64
    v00: Float64
    v01: Float64
    v11: Float64

    def found(self, saving: float | Float64, reach: float) -> np.ndarray:
        """In which simulations the interval lies below zero."""
        square = self.v00 - 2 * saving * self.v01 + np.square(saving) * self.v11
        return np.asarray(self.a0 - saving * self.a1 + reach * np.sqrt(np.maximum(square, 0.0)) < 0)

    def smallest(self, reach: float) -> float | None:
        low, high = 0.0, _MOST
        if self.found(high, reach).mean() < WANTED:
            return None
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if self.found(middle, reach).mean() >= WANTED else (middle, high)
        return high


def _simulate(
    of: Panel | Summary, months: int, control: int, treated: int, gradient: float, number: int,
    chance: np.random.Generator,
) -> _Simulated:  # fmt: skip
    """So many trials of an arm and the control, of these numbers of homes."""
    size = control + treated
    found = np.empty((5, number))
    all_use, all_before = of_panel(of, months) if isinstance(of, Panel) else (np.empty(0), np.empty((0, 1)))
    for turn in range(number):
        if isinstance(of, Panel):
            # the homes of other arms are out, others in each turn; the first ones of those that stay are treated
            chosen = chance.permutation(len(all_use))[:size]
            use, before = all_use[chosen], all_before[chosen].T
        else:
            use, before = Summary(size, of.mean, of.deviation, of.correlation).sample(months, chance)
            before = before.T
        depth = 1 + gradient * (before[0] / before[0].mean() - 1)
        saved = use * depth
        saved *= use.sum() / saved.sum()
        saved[treated:] = 0.0
        arm = np.zeros(size)
        arm[:treated] = 1.0
        left, rank = _residuals(np.stack((arm, use, saved)), before - before.mean(axis=1)[:, None])
        total, *crossed = _products(left)[0]
        a0, a1 = crossed[0] / total, crossed[1] / total
        square = _products(left[0] * (left[1:] - np.array([[a0], [a1]]) * left[0]))
        found[:, turn] = a0, a1, *(size / (size - rank - 1) / total**2 * square[[0, 0, 1], [0, 1, 1]])
    return _Simulated(*found)


def _residuals(values: Float64, prior: Float64) -> tuple[Float64, int]:
    """What a constant and centred ``prior`` (k, homes) leave of ``values`` (n, homes), and how many columns they are.

    Prior use that other prior use explains drops out.
    """
    length, vector = np.linalg.eigh(_products(prior))
    kept = length > 1e-10 * max(float(length[-1]), 1e-300)
    basis = np.einsum("ik,ih->kh", vector[:, kept] / np.sqrt(length[kept]), prior)
    centred = values - values.mean(axis=1)[:, None]
    slopes = np.einsum("nh,kh->nk", centred, basis)
    return centred - np.einsum("nk,kh->nh", slopes, basis), 1 + int(kept.sum())


def _products(rows: Float64) -> Float64:
    """Sums of products of ``rows`` (n, homes) with each other (n, n). By einsum: a BLAS with threads of its own spends
    more on waking them for shapes so thin, ten times more where others work on the machine."""
    return np.asarray(np.einsum("ih,jh->ij", rows, rows))


def _tested(saving: float, found: np.ndarray) -> Tested:
    low, high = interval(int(found.sum()), len(found))
    return Tested(float(saving), float(found.mean()), low, high)


def _warnings(
    of: Panel | Summary, homes: int, months: int, arms: Sequence[ArmPower], prior: Prior, target: float | None
) -> tuple[str, ...]:
    """What the designer has to know before a home is drawn."""
    found = []
    wanted = prior.mean if target is None else target
    worst = max(arms, key=lambda arm: np.inf if arm.smallest is None else arm.smallest)
    if worst.smallest is None or worst.smallest > wanted:
        named = "what studies lead one to expect" if target is None else "what this trial is to find"
        sizes = f"{counted(worst.homes, 'home')} in an arm and {worst.control:,} in the control"
        if worst.smallest is None:
            instead = "no saving up to 90 % is found in 8 of 10 such trials."
        else:
            needed = _upwards(homes * (worst.smallest / wanted) ** 2)
            instead = (
                f"the least saving that is found in 8 of 10 such trials is {100 * worst.smallest:.1f} %. It would need "
                f"about {counted(needed, 'home')} in place of {homes:,}, or fewer arms."
            )
        found.append(
            f"A saving of {100 * wanted:.1f} %, {named}, cannot be detected with these homes. With {sizes} for "
            f"{counted(months, 'month')}, {instead}"
        )
    if target is not None and target > prior.mean + 2 * prior.deviation:
        found.append(f"A saving of {100 * target:.1f} % is more than studies lead one to expect ({prior.source}).")
    if isinstance(of, Summary) and of.assumed:
        found.append(
            "How well a year's use foretells the next was not measured but assumed, with a correlation of "
            f"{of.correlation:.2f}. Two years of use of 30 homes or more measure it."
        )
    return tuple(found)


def _told(homes: int) -> str:
    return counted(homes, "home") if homes >= LEAST_HOMES else f"fewer than {counted(LEAST_HOMES, 'home')}"


def _upwards(homes: float) -> int:
    """Upwards to two digits: more would be no truer."""
    step = 10 ** max(len(str(int(homes))) - 2, 0)
    return int(-(-homes // step) * step)


def _check(months: int, savings: Sequence[float], target: float | None, simulations: int) -> None:
    if months < 1:
        raise ValueError(f"a trial lasts a month or more, not {months}")
    if simulations < 100:
        raise ValueError(f"{simulations} simulations say nothing: take 100 or more")
    for saving in (*savings, *(() if target is None else (target,))):
        if not 0 < saving < _MOST:
            raise ValueError(f"a saving is a share above 0 and below {_MOST}, as 0.02 for 2 %, not {saving}")
