"""The score of a job: while it runs on the whole parts of its ledger, and at the end when all is stored."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg

from borough.database import database
from borough.errors import Failure
from borough.replay.sender import Stop
from borough.scoring.bays import score_bays
from borough.scoring.page import write_report
from borough.scoring.reconcile import reconcile, survey
from borough.scoring.result import Score
from borough.settings.settings import Settings
from simulators.ledger import LedgerError

log = logging.getLogger(__name__)

#: Between two looks [s], and never less than so many times what a look takes.
_LOOK, _TIMES = 3.0, 4.0
#: What is missing at the end is lost when nothing has come for so long [s].
PATIENCE = 60.0
#: A job that was stopped is not waited for as long [s].
STOPPED_PATIENCE = 15.0
#: The demo's publishers stay so long, and so long where somebody asked to stop [s].
_LINGER, _LINGER_STOPPED = 30.0, 5.0


class Sending(Protocol):
    """What a job does: `borough.jobs.replaying.Replay` or `borough.jobs.simulating.SimulationRun`."""

    #: The whole parts of its ledger so far.
    ledger: Sequence[Path]

    @property
    def resent(self) -> bool:
        """Whether some of it may have gone out twice."""

    def send(self, stop: Stop) -> bool:
        """Send what is not out; False where somebody asked to stop before the end."""

    def finish(self) -> None:
        """Write what belongs beside the ledger."""


def score_now(settings: Settings, run: Sending, *, so_far: bool, bays: bool = False) -> Score | None:
    """Score what is out; None where nothing is. ``bays``: with what is recorded of parking.

    Raises LedgerError, TruthError, Failure, psycopg.Error.
    """
    ledger = run.ledger
    found = survey(ledger)
    if found.first is None:
        return None
    with database() as connection:
        result = reconcile(connection, ledger, found, so_far=so_far, resent=run.resent)
        if bays:
            grace = timedelta(minutes=settings.parking_grace)
            result.bays = score_bays(connection, ledger, settings.time_zone, grace)
    return result


class ScoreSoFar(threading.Thread):
    """Scores what is out again and again, in a thread of its own, and tells it. A look takes a fifth of the time at
    most, however long the ledger has grown."""

    def __init__(self, settings: Settings, run: Sending, tell: Callable[[Score], None]) -> None:
        super().__init__(name="score", daemon=True)
        self._settings, self._sending, self._tell = settings, run, tell
        self._end = threading.Event()

    def run(self) -> None:
        """Until `end`. What cannot be scored now is scored later: the database may be away."""
        pause = _LOOK
        while not self._end.wait(pause):
            begun = time.monotonic()
            try:
                score = score_now(self._settings, self._sending, so_far=True)
                if score is not None:
                    self._tell(score)
            except (Failure, psycopg.Error, LedgerError) as error:
                log.info("no score of this job for now (%s)", type(error).__name__)
            pause = max(_LOOK, _TIMES * (time.monotonic() - begun))

    def end(self) -> None:
        """End it, and wait until it has."""
        self._end.set()
        self.join()


def await_stored(settings: Settings, run: Sending, stop: Stop) -> None:
    """Wait until all that is out is stored, half a minute at most, or until somebody asks to stop.

    The demo's broker throws away what it has acknowledged and not yet passed on when its publisher leaves.
    """
    until = time.monotonic() + _LINGER
    while time.monotonic() < until:
        try:
            score = score_now(settings, run, so_far=True)
        except (Failure, psycopg.Error):
            score = None
        if score is None or score.whole:
            return
        if stop.wait(0.5):
            until = min(until, time.monotonic() + _LINGER_STOPPED)
            time.sleep(0.2)


def final_score(
    settings: Settings, run: Sending, stop: Stop, tell: Callable[[Score], None], patience: float
) -> Score | None:
    """The score when all is stored, or nothing has come for ``patience`` [s]; None where nothing went out.

    Where somebody asks to stop it is what it is by then, and may still have readings open. A database that is away is
    waited for. Raises LedgerError, TruthError.
    """
    before: Any = None
    since = time.monotonic()
    while True:
        begun = time.monotonic()
        try:
            over = begun - since > patience
            score = score_now(settings, run, so_far=not over, bays=True)
        except (Failure, psycopg.Error) as error:
            log.warning("the score waits: %s", error if isinstance(error, Failure) else type(error).__name__)
            since = time.monotonic()
            if stop.wait(_LOOK):
                return None
            continue
        if score is None:
            return None
        if over or stop.asked:
            return score
        if score.whole and _bays_found(score):
            score.open = None
            return score
        tell(score)
        document = score.document()
        seen = {word: document[word] for word in ("stored", "rejected", "open", "lost", "bays")}
        if seen != before:
            before, since = seen, time.monotonic()
        stop.wait(max(1.0, time.monotonic() - begun))


def _bays_found(score: Score) -> bool:
    """Whether the record has all of the bays that it will have: what is left of them is faults' work."""
    return score.bays is None or (not score.bays.overstays["missed"] and not score.bays.unexplained)


def report(path: Path, score: Score, name: str) -> None:
    """Write the page about a score, whole by itself. Raises OSError."""
    part = path.with_name("report.part")
    write_report(part, score, [name], inline=True)
    part.replace(path)
