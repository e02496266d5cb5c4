"""A simulation as a job. It is a function of fleet, seed and clock: made again it says the same, so it can go on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.jobs.folder import RunFiles
from borough.jobs.options import SimulationAsked, in_words_of_jobs
from borough.jobs.parts import Parts, whole_parts
from borough.jobs.replaying import check_kept, saved
from borough.jobs.scoring import await_stored
from borough.jobs.targets import Targets
from borough.jobs.told import Told
from borough.replay.checkpoint import coarser, stamped, stamps_of, write
from borough.replay.sender import Stop
from borough.replay.sources import LeftOut, remarks
from borough.settings.collector import registry_known
from borough.settings.settings import Settings
from borough.simulate import register_fleet, send, simulation_of, write_truth
from simulators.run import Clock, Earlier, Place, Progress, Simulation


@dataclass(frozen=True, slots=True)
class SimulationCheckpoint:
    """How far a simulation is. ``started`` [us]: when it first began; ``turns``: see `simulators.run.Clock`.

    ``out`` is acknowledged; the rows of what is ``written`` stand in the first ``parts`` of the ledger. ``stamps`` as
    in a replay's checkpoint, by the order in which messages go out; so are ``running`` and ``resent``.
    """

    plan: Mapping[str, Any]
    started: int
    turns: Sequence[Sequence[int]] = ()
    out: Sequence[int] = (0, 0, 0)
    written: Sequence[int] = (0, 0, 0)
    parts: int = 0
    stamps: Sequence[Sequence[int]] = ()
    complete: bool = False
    running: bool = False
    resent: bool = False


class SimulationRun:
    """A simulation of a job's row. ``ledger`` are the whole parts of its ledger so far."""

    def __init__(self, settings: Settings, asked: SimulationAsked, files: RunFiles, told: Told) -> None:
        self._settings, self._asked, self._files, self._told = settings, asked, files, told
        found = saved(files.checkpoint)
        check_kept(files.checkpoint, found, told)
        plan = _plan(asked)
        if found and found.get("plan") != plan:
            raise UsageError("the fleet file or the options are not those that this job began with; ask for it anew")
        self._checkpoint = SimulationCheckpoint(**found) if found else SimulationCheckpoint(plan, 0)
        self.ledger: Sequence[Path] = whole_parts(files.ledger, self._checkpoint.parts)
        self._simulation: Simulation | None = None

    @property
    def resent(self) -> bool:
        """Whether some of it went out twice."""
        return self._checkpoint.resent or self._checkpoint.running

    @property
    def simulation(self) -> Simulation:
        """What is simulated. Raises UsageError."""
        if self._simulation is None:
            with in_words_of_jobs():
                self._simulation = simulation_of(self._asked.asked)
        return self._simulation

    def send(self, stop: Stop) -> bool:
        """Publish what is not out; False where somebody asked to stop before the end.

        Raises BrokerAway, Failure, UsageError, OSError, psycopg.Error.
        """
        if self._checkpoint.complete:
            return True
        simulation, told = self.simulation, self._told
        Targets.registered().check_fleet(simulation.registered())
        if self._asked.register:
            told.phase = "registering"
            changed = register_fleet(self._settings, simulation, apart=self._asked.asked.apart)
            if changed and stop.wait(registry_known(self._settings)):
                return False
        self._begin()
        checkpoint = self._checkpoint
        clock = Clock(
            simulation.span[0], checkpoint.started, self._asked.speed, [(turn[0], turn[1]) for turn in checkpoint.turns]
        )
        parts = Parts(self._files.ledger, checkpoint.parts)
        earlier = Earlier(
            Place(*checkpoint.out),
            Place(*checkpoint.written),
            lambda numbers: stamps_of(checkpoint.stamps, numbers, checkpoint.started),
        )
        told.phase = "passing over what is out" if earlier.out.messages else "sending"
        with in_words_of_jobs():
            progress, unheard = send(
                simulation,
                self._settings,
                clock,
                self._asked.connections,
                lambda: parts,
                lambda progress: self._watch(progress, earlier),
                stop,
                earlier=earlier,
                keep=self._keeper(parts, earlier),
                linger=lambda: self._linger(parts, stop),
            )
        if progress.messages < earlier.out.messages:
            # stopped on the way to where it was, so it is there still
            write(self._files.checkpoint, asdict(replace(self._checkpoint, running=False)))
            return False
        done = not stop.asked
        self._note(replace(self._covered(parts, self._checkpoint.out), complete=done, running=False), parts)
        self._watch(progress, earlier)
        if done:
            told.total, told.fraction = told.sent, 1.0
        told.unheard = unheard
        told.remarks = remarks(LeftOut(), unheard)
        return done

    def _linger(self, parts: Parts, stop: Stop) -> None:
        """Stay connected to the demo's broker until all is stored."""
        if self._settings.installation == "demo":
            parts.cut()
            self.ledger = parts.whole
            await_stored(self._settings, self, stop)

    def finish(self) -> None:
        """Write what is true of the fleet's bays and homes, up to where it is out, beside it. Raises OSError."""
        if not self.ledger:
            return
        done = self._checkpoint.complete
        until = self.simulation.span[1] if done else self._checkpoint.out[2]
        write_truth(self.simulation, until, self.ledger[0], self._asked.asked.apart)

    def _begin(self) -> None:
        """Fix the clock before anything goes out by it: what becomes of messages hangs on when they arrive."""
        now, checkpoint = time.time_ns() // 1_000, self._checkpoint
        if not checkpoint.out[1]:
            found = replace(checkpoint, started=now, turns=())
        else:
            # what is due after the last that is out is due from now on, as if the time between had not been
            after = checkpoint.out[2] + 1
            turns = [turn for turn in checkpoint.turns if turn[0] < after]
            found = replace(checkpoint, turns=[*turns, (after, now)])
        self._checkpoint = replace(found, running=True, resent=self.resent)
        write(self._files.checkpoint, asdict(self._checkpoint))

    def _keeper(self, parts: Parts, earlier: Earlier) -> Callable[[Place, Callable[[], None]], None]:
        began = time.time_ns() // 1_000

        def keep(place: Place, rows: Callable[[], None]) -> None:
            nonlocal began
            if place.messages < earlier.out.messages:
                return  # it still passes over what an earlier start has sent
            now, checkpoint = time.time_ns() // 1_000, self._checkpoint
            stamps, sent = checkpoint.stamps, checkpoint.out[1]
            if place.messages > sent:
                stamps = stamped(stamps, sent, place.messages - sent, began, now)
            began = now
            found = replace(checkpoint, out=[*place], stamps=stamps)
            if parts.due:
                rows()
                self._checkpoint = found
                found = self._covered(parts, place)
            self._note(found, parts)

        return keep

    def _covered(self, parts: Parts, place: Sequence[int]) -> SimulationCheckpoint:
        count = parts.cut()
        checkpoint = self._checkpoint
        return replace(checkpoint, parts=count, written=[*place], stamps=coarser(checkpoint.stamps, place[1]))

    def _note(self, checkpoint: SimulationCheckpoint, parts: Parts) -> None:
        write(self._files.checkpoint, asdict(checkpoint))
        self._checkpoint, self.ledger = checkpoint, parts.whole

    def _watch(self, progress: Progress, earlier: Earlier) -> None:
        told, (start, end) = self._told, self.simulation.span
        passed = progress.messages >= earlier.out.messages
        told.phase = "sending" if passed else "passing over what is out"
        told.sent = max(progress.messages, earlier.out.messages)
        at = progress.at if passed else earlier.out.at
        if at:
            told.at, told.fraction = at, min(1.0, max(0.0, (at - start) / (end - start)))


def _plan(asked: SimulationAsked) -> dict[str, Any]:
    """Everything that the messages hang on."""
    own = asked.asked
    return {
        "fleet": hashlib.sha256(own.fleet.read_bytes()).hexdigest(),
        "seed": own.seed,
        "start": own.start,
        "hours": own.hours,
        "format": own.format,
        "pack": own.pack,
        "faults": None if own.faults is None else dict(own.faults),
        "speed": asked.speed,
        "apart": own.apart,
    }
