"""Simulated emergencies against the alerts that carers were told of, or would have been: found, and false.

It is of a service that ran beside the simulation at the pace of the clock: what is found is found while it lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators import home_truth_file
from simulators.home_truth_file import ToldHomes
from simulators.movement_life import Spans
from store import scoring
from store.connect import Connection
from store.scoring import RecordedAlerts

Bools = NDArray[np.bool_]

_HOUR: Final = 3_600_000_000
#: From a reading's time to its alert, at most [us]: one may be noted just after somebody was found.
_LAG: Final = 60_000_000


@dataclass(slots=True)
class HomesScore:
    """``true`` emergencies of homes that are watched, for so long as the service has run; ``found``: an alert stood
    while it lasted, ``told`` to a carer, not in shadow. ``false``: alerts beside every emergency. ``unwatched``:
    emergencies of simulated homes whose sensors hang in no registered home. ``delay`` [h] from emergency to alert."""

    true: int = 0
    found: int = 0
    told: int = 0
    false: int = 0
    unwatched: int = 0
    delay: list[float] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The score as JSON."""
        return {
            "emergencies": {"true": self.true, "found": self.found, "told": self.told, "unwatched": self.unwatched},
            "false": self.false,
            "delay_hours": float(np.median(self.delay)) if self.delay else None,
        }


def score_homes(connection: Connection, paths: Sequence[Path], now: int) -> HomesScore | None:
    """Score the homes whose truth stands beside these ledgers, up to ``now`` [us]; None where there is none.

    Raises TruthError, psycopg.Error.
    """
    told = [home_truth_file.read(path) for path in map(home_truth_file.beside, paths) if path.exists()]
    if not told:
        return None
    result = HomesScore()
    for truth in told:
        recorded = scoring.recorded_alerts(connection, truth.sensors, truth.start, truth.end + _LAG)
        compare(result, truth, recorded, now)
    return result


def compare(result: HomesScore, truth: ToldHomes, recorded: RecordedAlerts, now: int) -> None:
    """Add the emergencies and alerts of one truth."""
    meets = np.zeros(len(recorded.home), np.bool_)
    rows = zip(*(one.tolist() for one in truth.emergencies), strict=True)
    for home, start, end in rows:
        if start >= now:
            continue
        if home not in recorded.watched:
            result.unwatched += 1
            continue
        result.true += 1
        own = _of(recorded, home, start, end)
        meets |= own
        if own.any():
            result.found += 1
            result.told += bool((own & ~recorded.shadow).any())
            result.delay.append((max(int(recorded.noted[own].min()), start) - start) / _HOUR)
    meets |= _any(recorded, truth.hospital)
    result.false += int((~meets).sum())


def _of(recorded: RecordedAlerts, home: int, start: int, end: int) -> Bools:
    """Alerts of a home that stood in [start, end)."""
    return np.asarray((recorded.home == home) & (recorded.noted < end + _LAG) & (recorded.ended > start))


def _any(recorded: RecordedAlerts, spans: Spans) -> Bools:
    found = np.zeros(len(recorded.home), np.bool_)
    for home, start, end in zip(*(one.tolist() for one in spans), strict=True):
        found |= _of(recorded, home, start, end)
    return found
