"""How far the simulation behind a demo is, in words for its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from devices.counts import counted

#: What each planted fault is called on the page, and what becomes of it.
FAULT_WORDS = {
    "duplicate": ("sent twice", "counted as duplicates"),
    "malformed": ("cut short or garbled", "rejected, and kept with the reason"),
    "outage": ("held up by a lost connection and sent late, in one burst", "stored at their own times"),
    "silent": ("never sent, because the device fell silent", "missing"),
    "loss": ("lost on their way to the broker", "missing"),
    "gateway": ("never sent, because their gateway was away", "missing"),
    "missed_departure": ("of a car that left, lost on their way to the broker", "missing"),
}


@dataclass(frozen=True, slots=True)
class Simulation:
    """A moment of it."""

    #: Starting up, loading the past, at the present, or over.
    phase: Literal["starting", "history", "live", "over"] = "starting"
    #: Of history in all.
    days: float = 0.0
    #: Of these, those that are out.
    days_loaded: float = 0.0
    #: Published for the history.
    history_readings: int = 0
    #: The simulated instant, None before the first.
    at: datetime | None = None
    #: Simulated seconds a second.
    speed: float = 1.0
    #: Fault -> readings.
    planted: Mapping[str, int] = field(default_factory=dict)

    @property
    def percent(self) -> int:
        """How much of the history is out."""
        return 100 if not self.days else min(100, int(100 * self.days_loaded / self.days))

    def words(self, now: datetime) -> str:
        """What is going on, in one sentence."""
        if self.phase == "starting":
            return "The parts are starting; the first readings come within seconds."
        if self.phase == "history":
            return (
                f"History: {self.days_loaded:,.0f} of {counted(self.days, 'day')} loaded through the broker "
                f"({self.percent} %, {counted(self.history_readings, 'reading')})."
            )
        if self.phase == "over" or self.at is None:
            return "The simulation is over; what it sent is stored."
        if (now - self.at).total_seconds() < self.speed:
            return "The simulated clock has caught up with the real one."
        at = f"{self.at:%A %-d %B %Y, %H:%M} UTC"
        return f"It is {at} on the simulated clock, which runs {self.speed:g} times as fast."

    def faults(self) -> list[tuple[str, str, int]]:
        """What was planted so far: (words, what becomes of it, readings). Faults that meet count for each."""
        counts: dict[str, int] = {}
        for names, count in self.planted.items():
            for name in names.split("+"):
                counts[name] = counts.get(name, 0) + count
        return [
            (*FAULT_WORDS.get(name, (name.replace("_", " "), "see the ledger")), count)
            for name, count in sorted(counts.items())
        ]
