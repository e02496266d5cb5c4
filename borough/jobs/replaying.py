"""A replay as a job: the ``Job`` of ``borough replay``, with its ledger in parts and its checkpoint beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from borough.errors import Failure
from borough.jobs.folder import RunFiles
from borough.jobs.options import ReplayAsked, in_words_of_jobs
from borough.jobs.parts import Parts, whole_parts
from borough.jobs.scoring import await_stored
from borough.jobs.targets import Targets, marked
from borough.jobs.told import Told
from borough.replay.checkpoint import Checkpoint, coarser
from borough.replay.job import Job, register_devices
from borough.replay.sender import Progress, Stop
from borough.replay.sources import remarks
from borough.settings.settings import Settings
from devices.counts import counted


class Replay:
    """A replay of a job's row. ``ledger`` are the whole parts of its ledger so far; ``resent``: some went out twice."""

    def __init__(self, settings: Settings, asked: ReplayAsked, files: RunFiles, told: Told) -> None:
        self._settings, self._asked, self._files, self._told = settings, asked, files, told
        found = saved(files.checkpoint)
        self.ledger: Sequence[Path] = whole_parts(files.ledger, found.get("parts", 0))
        self._complete, self.resent = bool(found.get("complete")), bool(found.get("resent") or found.get("running"))
        check_kept(files.checkpoint, found, told)

    def send(self, stop: Stop) -> bool:
        """Send what is not out; False where somebody asked to stop before the end.

        Raises BrokerAway, Failure, UsageError, MappingError, RecordingError, OSError, psycopg.Error.
        """
        if self._complete:
            return True
        asked, told = self._asked, self._told
        with in_words_of_jobs():
            job = Job(self._settings, asked.options, asked.speed, self._files.checkpoint, register=asked.register)
            devices = job.source.devices() if asked.register else []
        targets = Targets.registered()
        targets.check_recorded(devices)
        job.messages = targets.guarded(job.messages)
        if asked.register:
            told.phase = "registering"
            register_devices(self._settings, marked(devices), told.remarks.append, stop.wait)
        before = job.checkpoint.sent
        job.checkpoint = replace(job.checkpoint, running=True, resent=self.resent)
        parts = Parts(self._files.ledger, job.checkpoint.parts)

        def watch(progress: Progress) -> None:
            told.phase = "sending" if progress.sent or not before else "passing over what is out"
            told.sent = before + progress.sent
            told.at, told.unheard = progress.at or told.at, progress.unheard
            told.fraction = job.source.fraction

        told.phase = "passing over what is out" if before else "sending"
        done = job.run(lambda: parts, stop, watch, self._keeper(parts), lambda flush: self._linger(parts, flush, stop))
        if done.progress.skipped < before:
            # stopped on the way to where it was, so it is there still
            replace(job.checkpoint, running=False).save(self._files.checkpoint)
            return False
        found = _covered(job.checkpoint, parts)
        self.resent = self.resent or done.progress.connects > 1
        replace(found, complete=done.done, running=False, resent=self.resent).save(self._files.checkpoint)
        self._complete, self.ledger = done.done, parts.whole
        watch(done.progress)
        if done.done:
            told.total, told.fraction = told.sent, 1.0
        told.remarks = remarks(job.source.left_out(), done.progress.unheard)
        return done.done

    def _keeper(self, parts: Parts) -> Callable[[Checkpoint, Sequence[int], Callable[[], None]], Checkpoint]:
        def keep(checkpoint: Checkpoint, stamps: Sequence[int], flush: Callable[[], None]) -> Checkpoint:
            found = checkpoint.noted(stamps)
            if parts.due:
                flush()
                parts.cut()
                found = _covered(found, parts)
                self.ledger = parts.whole
            found.save(self._files.checkpoint)
            return found

        return keep

    def _linger(self, parts: Parts, flush: Callable[[], None], stop: Stop) -> None:
        """Stay connected to the demo's broker until all is stored."""
        if self._settings.installation == "demo":
            flush()
            parts.cut()
            self.ledger = parts.whole
            await_stored(self._settings, self, stop)

    def finish(self) -> None:
        """A replay leaves no truth beside its ledger."""


def _covered(checkpoint: Checkpoint, parts: Parts) -> Checkpoint:
    return replace(
        checkpoint,
        parts=len(parts.whole),
        covered=checkpoint.sent,
        stamps=coarser(checkpoint.stamps, checkpoint.sent),
    )


def saved(path: Path) -> Mapping[str, Any]:
    """A checkpoint's file as it is; empty where there is none. Raises Failure, OSError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failure(f"{path.name} of this job cannot be read; ask for the job anew")
    return found


def check_kept(path: Path, found: Mapping[str, Any], told: Told) -> None:
    """Raise Failure where something is out and nobody knows any more what."""
    if told.sent and not found:
        raise Failure(
            f"{counted(told.sent, 'message')} of this job went out, but its {path.name} is gone: do all workers share"
            " one folder? Ask for the job anew"
        )
