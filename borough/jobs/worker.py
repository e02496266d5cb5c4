"""The worker: takes a job, runs it, lets go of it, and so on until somebody ends it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psycopg

from borough.database import reachable, require_schema
from borough.errors import BrokerAway, DatabaseAway, Failure, UsageError
from borough.jobs.folder import Given, JobsFolder, RunFiles
from borough.jobs.heart import Heart, unique_name
from borough.jobs.options import replay_asked, simulation_asked
from borough.jobs.replaying import Replay
from borough.jobs.scoring import PATIENCE, STOPPED_PATIENCE, ScoreSoFar, Sending, final_score, report
from borough.jobs.simulating import SimulationRun
from borough.jobs.told import Told
from borough.replay.recording import RecordingError
from borough.replay.sender import Stop
from borough.scoring.result import Score
from borough.settings.settings import Settings, need_database_url
from devices.mapping import MappingError
from ingest.errors import OptionsError
from simulators.ledger import LedgerError
from simulators.truth_table import TruthError
from store import jobs
from store.connect import connect
from store.jobs import Job, State

log = logging.getLogger(__name__)

#: How often a worker looks for a job, and how often it tidies the folder [s].
_LOOK, _TIDY = 0.5, 300.0
#: Between two tries while broker or database are away, and how long they may be before the job has failed [s].
_BACKOFF, _AWAY = 2.0, 900.0
#: What a user can mend: their text is the job's problem.
_PROBLEMS = (UsageError, MappingError, RecordingError, Failure, OptionsError, LedgerError, TruthError)


class Worker:
    """One worker. ``end`` lets it end: its job goes back as waiting, with its checkpoint."""

    def __init__(self, settings: Settings, folder: JobsFolder) -> None:
        self._settings, self._folder, self._url = settings, folder, need_database_url(settings)
        self.name = unique_name(socket.gethostname(), os.getpid())
        self._ended = threading.Event()
        self._running: Stop | None = None
        self._tidied = 0.0

    def end(self) -> None:
        """Let it end."""
        self._ended.set()
        if self._running is not None:
            self._running.ask()

    @contextmanager
    def ended_by_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as its end within the block."""

        def take(_number: int, _frame: FrameType | None) -> None:
            self.end()

        before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def work(self, *, once: bool = False) -> int:
        """Take jobs and run them until the end, or (``once``) until none waits; how many were run.

        A database that is away is waited for. Raises Failure where it is not migrated.
        """
        count, away = 0, False
        while not self._ended.is_set():
            try:
                job = self._take()
                away = False
            except (DatabaseAway, psycopg.Error) as error:
                if not away:
                    log.warning("no jobs for now: %s", error if isinstance(error, Failure) else type(error).__name__)
                away = True
                self._ended.wait(_BACKOFF)
                continue
            if job is not None:
                self._run(job)
                count += 1
            elif once:
                break
            else:
                self._ended.wait(_LOOK)
        return count

    def _take(self) -> Job | None:
        with reachable(self._url), connect(self._url, "borough work", autocommit=True) as connection:
            require_schema(connection, self._url)
            if time.monotonic() - self._tidied > _TIDY or not self._tidied:
                self._tidied = time.monotonic()
                self._folder.tidy(lambda: jobs.names(connection))
            return jobs.take(connection, self.name)

    def _run(self, job: Job) -> None:
        """Run a job that is ours, and let go of it."""
        log.info("job %d: a %s begins, attempt %d", job.id, job.kind, job.attempts)
        stop, told = Stop(), Told.after(job.progress)
        self._running = stop
        if self._ended.is_set():
            stop.ask()
        heart = Heart(self._url, job.id, self.name, told, stop)
        heart.start()
        files = self._folder.run(job.id)
        try:
            with files.held(lambda: stop.asked):
                if job.attempts == 1:
                    files.clear()
                state, problem = self._send_and_score(job, files, stop, told, heart)
        except Given:
            state, problem = self._after_stop(heart), None
        except _PROBLEMS as error:
            words = "; ".join([str(error), *getattr(error, "details", ())][:10])
            state, problem = "failed", self._folder.own_words(words)
        except OSError as error:
            state, problem = "failed", f"{Path(str(error.filename or '')).name}: {error.strerror or error}"
        except Exception as error:
            # one job that stumbles over a fault of ours takes no other with it
            log.exception("job %d: a fault of the program", job.id)
            state, problem = "failed", f"a fault of the program ({type(error).__name__}); the worker's log says where"
        finally:
            self._running = None
        became = heart.finish(state, problem, self._ended)
        log.info("job %d: %s", job.id, "not ours any more" if became is None else became)

    def _send_and_score(
        self, job: Job, files: RunFiles, stop: Stop, told: Told, heart: Heart
    ) -> tuple[State, str | None]:
        run, done = self._send(job, files, stop, told, heart)
        if not done and heart.wish != "stop":
            return self._after_stop(heart), None
        if not done:
            # what is out is scored, too, for which nobody has asked to stop
            self._running = stop = Stop()
        if self._let_go(heart):
            return "waiting", None
        run.finish()
        told.phase = "scoring"
        patience = PATIENCE if done else STOPPED_PATIENCE

        def tell(score: Score) -> None:
            told.phase = "waiting for the record of bays" if score.whole else "scoring"
            heart.score(score)

        score = final_score(self._settings, run, stop, tell, patience)
        if self._let_go(heart):
            return "waiting", None
        if heart.wish == "pause":
            return "paused", None
        if score is not None:
            heart.score(score)
            report(files.report, score, job.name)
        told.phase = "over"
        return ("done" if heart.wish is None else "stopped"), "; ".join(told.remarks) or None

    def _send(self, job: Job, files: RunFiles, stop: Stop, told: Told, heart: Heart) -> tuple[Sending, bool]:
        """Send the job's messages; whether all are out. Broker and database that are away are waited for."""
        since: float | None = None
        while True:
            before = told.sent
            run = self._make(job, files, told)
            scorer = ScoreSoFar(self._settings, run, heart.score)
            scorer.start()
            try:
                return run, run.send(stop)
            except (BrokerAway, DatabaseAway) as error:
                if told.sent > before or since is None:
                    since = time.monotonic()
                if time.monotonic() - since > _AWAY:
                    raise
                what = "broker" if isinstance(error, BrokerAway) else "database"
                log.warning("job %d: waits for the %s (%s)", job.id, what, error)
                told.phase = f"waiting for the {what}"
            finally:
                scorer.end()
            if stop.wait(_BACKOFF):
                return run, False

    def _make(self, job: Job, files: RunFiles, told: Told) -> Sending:
        paths = [self._folder.resolve(name) for name in job.files]
        if job.kind == "replay":
            return Replay(self._settings, replay_asked(self._folder.own(job.options), paths), files, told)
        return SimulationRun(self._settings, simulation_asked(job.options, paths, job.id), files, told)

    def _let_go(self, heart: Heart) -> bool:
        """Whether this worker has nothing more to do with the job."""
        return heart.lost or self._ended.is_set()

    def _after_stop(self, heart: Heart) -> State:
        """What a job becomes that did not come to its end."""
        if self._ended.is_set() or heart.wish is None:
            return "waiting"
        return "paused" if heart.wish == "pause" else "stopped"
