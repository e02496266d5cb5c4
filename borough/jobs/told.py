"""How far a job is, as it is told: written by whoever runs it, read by whoever beats, in two threads."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

#: Of the program that sends, so that two runs can be told apart by it.
_VERSION = version("borough-telemetry")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The rate is that of the last while [s].
_WHILE = 10.0


@dataclass(slots=True)
class Told:
    """Phase, messages that are out, where the recorded clock stands [us], how much of the whole that is (0 to 1, None
    where nobody knows), messages that nobody was subscribed to, and remarks for people."""

    phase: str = "starting"
    sent: int = 0
    total: int | None = None
    at: int | None = None
    fraction: float | None = None
    unheard: int = 0
    remarks: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int, float | None]] = field(default_factory=deque)

    @classmethod
    def after(cls, progress: Mapping[str, Any]) -> Told:
        """As an earlier start left it."""
        return cls(sent=progress.get("sent") or 0, total=progress.get("total"), fraction=progress.get("fraction"))

    def document(self) -> dict[str, Any]:
        """The progress of a job's row: ``sent``, ``total``, ``rate`` [1/s], ``at``, ``remaining`` [s], ``phase``,
        ``fraction``, ``unheard``, ``remarks``, ``version``."""
        rate, remaining = self._rate() if self.phase == "sending" else (0.0, None)
        return {
            "sent": self.sent,
            "total": self.total,
            "rate": round(rate, 1),
            "at": None if self.at is None else (_EPOCH + timedelta(microseconds=self.at)).isoformat(),
            "remaining": remaining,
            "phase": self.phase,
            "fraction": None if self.fraction is None else round(self.fraction, 4),
            "unheard": self.unheard,
            "remarks": self.remarks[:20],
            "version": _VERSION,
        }

    def _rate(self) -> tuple[float, float | None]:
        now = self.clock()
        self._seen.append((now, self.sent, self.fraction))
        while now - self._seen[0][0] > _WHILE and len(self._seen) > 2:
            self._seen.popleft()
        first, sent, fraction = self._seen[0]
        took = now - first
        if took <= 0:
            return 0.0, None
        remaining = None
        if fraction is not None and self.fraction is not None and self.fraction > fraction:
            remaining = round((1 - self.fraction) * took / (self.fraction - fraction), 1)
        return (self.sent - sent) / took, remaining
