"""What a score says: counts of readings by family and word, lags, faults, examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analytics.pipeline.score import Float64, quantiles
from borough.scoring.bays import BayScore
from borough.scoring.homes import HomesScore
from store.times import instant

#: The words of the contract, in readings.
WORDS = (
    "published",
    "stored",
    "duplicates",
    "restated",
    "rejected",
    "rejected_unexpectedly",
    "lost",
    "wrong_value",
    "wrong_time",
    "thinned",
    "ignored",
    "unsent",
    "unexpected",
)
#: What makes a score bad.
BAD = ("lost", "wrong_value", "wrong_time", "rejected_unexpectedly")


@dataclass(slots=True)
class Score:
    """The result."""

    #: Family -> word -> readings.
    families: dict[str, dict[str, int]] = field(default_factory=dict)
    #: [s] by family.
    lags: dict[str, list[Float64]] = field(default_factory=dict)
    #: Fault -> word -> rows.
    faults: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Readings published, by minute since the Unix epoch.
    minutes: dict[int, int] = field(default_factory=dict)
    #: Some of the readings that are missing or wrong.
    examples: list[dict[str, Any]] = field(default_factory=list)
    #: What was made of a simulated fleet's bays, where their truth stands beside the ledger and a record is there.
    bays: BayScore | None = None
    #: What was told of emergencies in a simulated fleet's homes, where their truth stands beside the ledger.
    homes: HomesScore | None = None
    #: Readings that may be on their way, by family, while a run goes on; None where it is over.
    open: dict[str, int] | None = None
    #: Publication [us].
    first: int | None = None
    #: Publication [us].
    last: int | None = None

    def add(self, family: str, word: str, count: int) -> None:
        """Count readings."""
        self.families.setdefault(family, dict.fromkeys(WORDS, 0))[word] += count

    def leave_open(self, family: str, count: int) -> None:
        """Count readings that may be on their way."""
        assert self.open is not None
        if count:
            self.open[family] = self.open.get(family, 0) + count

    def total(self, word: str) -> int:
        """Readings of all families."""
        return sum(counts[word] for counts in self.families.values())

    @property
    def good(self) -> bool:
        """Whether nothing is lost, wrong, or rejected that should not have been."""
        return not any(self.total(word) for word in BAD)

    @property
    def whole(self) -> bool:
        """Whether it is good, and nothing is on its way any more."""
        return self.good and not (self.open and any(self.open.values()))

    def document(self) -> dict[str, Any]:
        """The result as JSON: the contract's words, and the same by family; lags [s].

        While a run goes on it says ``so_far``, and how many readings are ``open``: they may be on their way.
        """
        families: dict[str, dict[str, Any]] = {
            name: {**counts, "lag": quantiles(joined(self.lags.get(name, [])))}
            for name, counts in sorted(self.families.items())
        }
        on_the_way: dict[str, Any] = {}
        if self.open is not None:
            on_the_way = {"so_far": True, "open": sum(self.open.values())}
            for name, counts in families.items():
                counts["open"] = self.open.get(name, 0)
        return {
            **{word: self.total(word) for word in WORDS},
            **on_the_way,
            "families": families,
            "lag": quantiles(joined([part for parts in self.lags.values() for part in parts])),
            "faults": dict(sorted(self.faults.items())),
            "examples": self.examples,
            "bays": None if self.bays is None else self.bays.document(),
            "homes": None if self.homes is None else self.homes.document(),
            "first": None if self.first is None else instant(self.first),
            "last": None if self.last is None else instant(self.last),
        }


def joined(parts: Sequence[Float64]) -> Float64:
    """Arrays one after the other."""
    return np.concatenate(parts) if parts else np.empty(0)
