"""The panel of a trial: households by months of one fuel. Everything that is estimated is estimated from it.

What is not known is NaN, never zero. A household-month is an observation if its use is known and stands on at least one
known day; the number of known days is its weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.trials import Arm

Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Columns of ``Panel.prior``: mean use a day of the twelve months before, of their June to September, and of their
#: December to March.
PRIOR: Final = ("year", "summer", "winter")
#: Label of a home of which a property is not known.
UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Panel:
    """Homes by months. Raises ValueError, in words, on arrays that do not fit together.

    ``arms``: the trial's, in the order of `Arm`, ``arms[0]`` the control. ``home`` (homes,): numbers of the trial, no
    two equal. ``arm`` (homes,): place in ``arms``. ``stratum``, ``block`` (homes,): of the draw. ``month`` (months,):
    months since 1970-01, rising. ``use`` (homes, months) [kWh/day]: mean of the known days, NaN where fewer than half
    of the month are known, or after the home left. ``days`` (homes, months) [days]: known ones. ``prior`` (homes, 3)
    [kWh/day]: see `PRIOR`; what was missing has the mean of the others, and is marked in ``filled`` (homes, 3).
    ``labels``: by name (homes,) places in ``names`` of that name, `UNKNOWN` where not known.
    """

    arms: tuple[Arm, ...]
    home: Int64
    arm: Int8
    stratum: Int32
    block: Int32
    month: Int32
    use: Float64
    days: Float64
    prior: Float64
    filled: Bools
    labels: Mapping[str, Int16] = field(default_factory=dict)
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_arms()
        self._check_shapes()
        self._check_values()
        self._check_labels()

    @property
    def homes(self) -> int:
        """How many households."""
        return len(self.home)

    @property
    def months(self) -> int:
        """How many months."""
        return len(self.month)

    @property
    def known(self) -> Bools:
        """Which household-months are observations ``(homes, months)``."""
        found: Bools = np.isfinite(self.use) & (self.days > 0)
        return found

    @property
    def control_mean(self) -> float:
        """Mean use of the control, weighted by known days [kWh/day]; NaN where nothing of it is known."""
        control = self.arm == 0
        known = self.known[control]
        weight = np.where(known, self.days[control], 0.0)
        total = float(weight.sum())
        return float((weight * np.where(known, self.use[control], 0.0)).sum()) / total if total else float("nan")

    def part(self, homes: Bools, months: Bools | None = None) -> Panel:
        """Those ``homes`` (homes,) and ``months`` (months,) alone; fillings of prior use stay what they were."""
        kept = np.ones(self.months, np.bool_) if months is None else months
        return Panel(
            arms=self.arms,
            home=self.home[homes],
            arm=self.arm[homes],
            stratum=self.stratum[homes],
            block=self.block[homes],
            month=self.month[kept],
            use=self.use[np.ix_(homes, kept)],
            days=self.days[np.ix_(homes, kept)],
            prior=self.prior[homes],
            filled=self.filled[homes],
            labels={name: label[homes] for name, label in self.labels.items()},
            names=self.names,
        )

    def _check_arms(self) -> None:
        if not self.arms or self.arms[0] is not Arm.NOTHING:
            raise ValueError(f"the first arm of a panel is the control, {Arm.NOTHING}")
        if tuple(arm for arm in Arm if arm in self.arms) != self.arms:
            raise ValueError(f"arms stand once each, in the order {', '.join(Arm)}")

    def _check_shapes(self) -> None:
        homes, months = self.homes, self.months
        shapes = {
            "home": (homes,),
            "arm": (homes,),
            "stratum": (homes,),
            "block": (homes,),
            "month": (months,),
            "use": (homes, months),
            "days": (homes, months),
            "prior": (homes, len(PRIOR)),
            "filled": (homes, len(PRIOR)),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has the shape {getattr(self, name).shape}, its panel needs {shape}")

    def _check_values(self) -> None:
        if len(np.unique(self.home)) < self.homes:
            raise ValueError("a household stands twice in the panel")
        if self.homes and not (int(self.arm.min()) >= 0 and int(self.arm.max()) < len(self.arms)):
            raise ValueError(
                f"a household is in an arm that the panel does not have: arms are 0 to {len(self.arms) - 1}"
            )
        if (np.diff(self.month) <= 0).any():
            raise ValueError("months of a panel rise, and none stands twice")
        if np.isinf(self.use).any():
            raise ValueError("a use is infinite; one that is not known is NaN")
        if not (np.isfinite(self.days).all() and (self.days >= 0).all()):
            raise ValueError("known days are a number from 0 on")
        if not np.isfinite(self.prior).all():
            raise ValueError("a prior use is not a number: what is missing gets the mean of the others (with_means)")

    def _check_labels(self) -> None:
        if set(self.labels) != set(self.names):
            raise ValueError("labels and their names have different keys")
        for name, label in self.labels.items():
            if label.shape != (self.homes,):
                raise ValueError(f"label {name} has the shape {label.shape}, its panel needs {(self.homes,)}")
            if self.homes and not (int(label.min()) >= UNKNOWN and int(label.max()) < len(self.names[name])):
                raise ValueError(f"label {name} has a number that names no word")


def with_means(prior: Float64) -> tuple[Float64, Bools]:
    """Prior use ``(homes, 3)`` whose missing values (NaN) have the mean of the others, and which these are.

    Source: Opower's post-only model (docs/decisions/013-nudges-trial.md). Raises ValueError where of a column nothing
    is known at all.
    """
    filled = ~np.isfinite(prior)
    counts = (~filled).sum(axis=0)
    if len(prior) and not counts.all():
        missing = ", ".join(name for name, count in zip(PRIOR, counts, strict=True) if not count)
        raise ValueError(f"no household has a prior use of: {missing}")
    means = np.where(filled, 0.0, prior).sum(axis=0) / np.maximum(counts, 1)
    return np.where(filled, means, prior), filled
