"""The heartbeat of a job: a thread that says every few seconds how far it is, and hears what is wished of it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from borough.jobs.told import Told
from borough.replay.sender import Stop
from borough.scoring.result import Score
from devices.text import visible
from store import jobs
from store.connect import Connection, connect
from store.jobs import Lost, State, Wish

log = logging.getLogger(__name__)

#: Between two beats, well below what frees a job; how long one may take [s].
_EVERY, _LONGEST = 2.0, 10.0
#: Letters of a problem that are kept.
_PROBLEM = 4_000


class Heart(threading.Thread):
    """Beats for one job until `finish`. What is wished of the job, or that somebody else has it (``lost``), is asked of
    ``stop``. While the database is away it tries again."""

    def __init__(self, url: str, job_id: int, worker: str, told: Told, stop: Stop) -> None:
        super().__init__(name="heart", daemon=True)
        self._url, self._job, self._worker, self._told, self._sending = url, job_id, worker, told, stop
        self._end = threading.Event()
        self._connection: Connection | None = None
        self._score: Mapping[str, Any] | None = None
        self.wish: Wish | None = None
        self.lost = False

    def score(self, score: Score) -> None:
        """Tell a score with the next beat."""
        self._score = finite(score.document())

    def run(self) -> None:
        """Beat until the end."""
        away = False
        while not self._end.wait(_EVERY):
            try:
                self._beat()
                if away:
                    log.info("job %d: the database is back", self._job)
                away = False
            except psycopg.Error as error:
                self._drop()
                if not away:
                    log.warning("job %d: no heartbeat, it is tried again (%s)", self._job, type(error).__name__)
                away = True
            except Lost:
                log.warning("job %d: somebody else has it, or nobody wants it any more", self._job)
                self.lost = True
                self._sending.ask()
                return

    def finish(self, state: State, problem: str | None, given_up: threading.Event) -> State | None:
        """Let go of the job, with the last progress and score; its state then, None where it was lost or ``given_up``.

        A database that is away is waited for: until it is back nobody else can take the job.
        """
        self._end.set()
        self.join()
        # what a file says may stand in it
        problem = None if problem is None else visible(problem)[:_PROBLEM]
        while not self.lost:
            try:
                found = jobs.finish(
                    self._connected(), self._job, self._worker, state, self._told.document(), self._score, problem
                )
            except psycopg.Error as error:
                self._drop()
                log.warning("job %d: cannot be let go of, it is tried again (%s)", self._job, type(error).__name__)
                if given_up.wait(_EVERY):
                    break
            except Lost:
                self.lost = True
            else:
                self._drop()
                return found
        self._drop()
        return None

    def _beat(self) -> None:
        self.wish = jobs.beat(self._connected(), self._job, self._worker, self._told.document(), self._score)
        if self.wish is not None:
            self._sending.ask()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._url, "borough work", autocommit=True, statement_timeout=_LONGEST)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def finite(value: Any) -> Any:
    """A document with nothing in the place of numbers that are none: JSON knows neither NaN nor infinity."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def unique_name(host: str, process: int) -> str:
    """The name of a worker that no other process ever had."""
    return f"{host}:{process}:{time.time_ns():x}"
