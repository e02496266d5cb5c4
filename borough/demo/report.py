"""The demo's accounting at its end, in the words of ``store.batch.Counts``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from borough.scoring.result import WORDS, Score
from devices.counts import counted
from store.batch import COUNT_NAMES, Counts


@dataclass(frozen=True, slots=True)
class History:
    """The fleet's past: ``days`` of it, of which ``days_loaded`` are out, in this run ``readings`` in ``seconds``."""

    days: float = 0.0
    days_loaded: float = 0.0
    readings: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether all of it is out."""
        return self.days_loaded >= self.days - 1e-9


@dataclass(frozen=True, slots=True)
class Report:
    """Counts by family since the demo's folder was made, after the collector has ended: nothing is in flight."""

    families: Mapping[str, Counts]
    #: Rows of ``reading``, counted one by one.
    stored_in_table: int
    #: Messages of this run that the broker acknowledged.
    published: int
    #: Messages of this run that the collector took (others may have published too).
    received: int
    history: History = field(default_factory=History)
    #: This run's ledger against the table, None where nobody asked for it.
    score: Score | None = None
    #: Rows that went when a household left.
    erased: int = 0

    @property
    def good(self) -> bool:
        """Whether everything adds up, and nothing is lost or wrong."""
        return self.adds_up and (self.score is None or self.score.good)

    @property
    def total(self) -> Counts:
        """All families together."""
        total = Counts()
        for counts in self.families.values():
            total.add(counts)
        return total

    @property
    def adds_up(self) -> bool:
        """Both sums hold for every family, the table has what was stored, and no published message is missing."""
        return (
            all(counts.adds_up() for counts in self.families.values())
            and self.total.readings_stored == self.stored_in_table + self.erased
            and self.received >= self.published
        )

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            **_grouped(self.total),
            "families": {family: _grouped(counts) for family, counts in sorted(self.families.items())},
            "adds_up": self.adds_up,
            "stored_in_table": self.stored_in_table,
            "erased": self.erased,
            "published": self.published,
            "history": {
                "days": round(self.history.days, 2),
                "days_loaded": round(self.history.days_loaded, 2),
                "complete": self.history.complete,
                "readings": self.history.readings,
                "seconds": round(self.history.seconds, 1),
            },
            "score": None if self.score is None else {word: self.score.total(word) for word in WORDS},
        }

    def lines(self) -> list[str]:
        """The report in sentences."""
        total = self.total
        messages = (
            f"Messages: {total.messages_received:,} received = {total.messages_decoded:,} decoded"
            f" + {total.messages_ignored:,} ignored + {total.messages_rejected:,} rejected."
        )
        readings = (
            f"Readings: {total.readings_decoded:,} decoded = {total.readings_stored:,} stored"
            f" + {total.readings_restated:,} restated + {total.readings_duplicates:,} duplicates"
            f" + {total.readings_thinned:,} thinned"
            f" + {total.readings_rejected:,} rejected + {total.readings_refused:,} refused."
        )
        lines = [messages, readings]
        lines += [
            f"  {family}: {counted(counts.messages_received, 'message')}, "
            f"{counted(counts.readings_stored, 'reading')} stored"
            for family, counts in sorted(self.families.items())
        ]
        erased = f"; {self.erased:,} were erased with their households" if self.erased else ""
        lines.append(f"The table holds {counted(self.stored_in_table, 'reading')}{erased}.")
        if self.received < self.published:
            lines.append(f"{self.published - self.received:,} of {self.published:,} published messages did not arrive.")
        past = self.history
        if not past.complete:
            lines.append(
                f"History: {past.days_loaded:.0f} of {counted(past.days, 'day')} loaded; the next start goes on there."
            )
        if self.score is not None:
            words = ("published", "stored", "duplicates", "rejected", "lost", "wrong_value", "wrong_time")
            counts = ", ".join(f"{word.replace('_', ' ')} {self.score.total(word):,}" for word in words)
            lines.append(f"Score of this run's ledger, in readings: {counts}.")
        lines.append("The accounting adds up." if self.adds_up else "The accounting DOES NOT add up.")
        return lines


def _grouped(counts: Counts) -> dict[str, dict[str, int]]:
    groups: dict[str, dict[str, int]] = {"messages": {}, "readings": {}}
    for name in COUNT_NAMES:
        group, _, word = name.partition("_")
        groups[group][word] = getattr(counts, name)
    groups["messages"]["in_flight"] = 0
    return groups
