"""What somebody asks for is looked through before it becomes a job: the command and the site ask in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from borough.errors import Failure, UsageError
from borough.jobs.folder import JobsFolder, shipped
from borough.jobs.options import in_words_of_jobs, replay_asked, simulation_asked
from borough.replay.plan import is_recording, table_files
from borough.replay.recording import RecordingError, RecordingReader
from borough.settings.jobs import no_jobs
from borough.settings.settings import Settings
from borough.simulate import simulation_of
from devices.counts import counted
from devices.mapping import MappingError
from ingest.errors import OptionsError
from store import jobs
from store.connect import Connection
from store.jobs import Kind

#: Letters of a job's name.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in what was asked for: ``problems``, a line each, and in words what would be sent."""

    problems: Sequence[str] = ()
    summary: str = ""
    #: By family, of a simulation.
    devices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks for jobs by the settings. ``refusal``: why none may be asked for here, None where they may."""

    settings: Settings

    @property
    def refusal(self) -> str | None:
        """Why this installation takes no jobs, for people."""
        return no_jobs(self.settings)

    @property
    def folder(self) -> JobsFolder:
        """The jobs' folder. Raises Failure where this installation has none."""
        if (why := self.refusal) is not None:
            raise Failure(why)
        assert self.settings.jobs_folder is not None
        return JobsFolder(self.settings.jobs_folder.resolve())

    def shipped(self) -> list[str]:
        """Names of the program's own fleet files, as a job names them."""
        return [f"shipped:{name}" for name in shipped()]

    def check(self, kind: Kind, options: Mapping[str, Any], files: Sequence[str]) -> Checked:
        """Look through what is asked for, without the database; files are read as far as a start of them needs.

        Raises Failure where this installation takes no jobs.
        """
        folder = self.folder
        try:
            paths = [folder.resolve(name) for name in files]
            return _fleet(options, paths) if kind == "simulation" else _recorded(folder.own(options), paths)
        except UsageError as error:
            return Checked([str(error), *error.details])
        except (MappingError, RecordingError, OptionsError) as error:
            return Checked([str(error)])
        except OSError as error:
            return Checked([f"{Path(str(error.filename or '')).name}: {error.strerror or error}"])

    def ask(
        self,
        connection: Connection,
        kind: Kind,
        name: str,
        options: Mapping[str, Any],
        files: Sequence[str],
        account_id: int | None = None,
    ) -> int:
        """Ask for a job; its id. Raises Failure where this installation takes none, UsageError with all problems."""
        found = self.check(kind, options, files)
        if not name.strip() or len(name) > _LONGEST:
            raise UsageError(f"a job needs a name of at most {counted(_LONGEST, 'letter')}")
        if found.problems:
            raise UsageError(found.problems[0], found.problems[1:])
        return jobs.ask(connection, kind, name.strip(), options, account_id, files)


def _fleet(options: Mapping[str, Any], paths: list[Path]) -> Checked:
    asked = simulation_asked(options, paths)
    with in_words_of_jobs():
        simulation = simulation_of(asked.asked)
    devices = {family: len(own) for family, own in simulation.devices.items()}
    hours = (simulation.span[1] - simulation.span[0]) / 3_600_000_000
    words = ", ".join(f"{count:,} {family}" for family, count in devices.items())
    return Checked(summary=f"{words}; simulated time {hours:,.1f} h", devices=devices)


def _recorded(options: Mapping[str, Any], paths: list[Path]) -> Checked:
    asked = replay_asked(options, paths)
    with in_words_of_jobs():
        recording = is_recording(asked.options.paths)
        if not recording:
            mapping, files = table_files(asked.options.paths, asked.options.mapping)
            return Checked(summary=f"{counted(len(files), 'file')} by the mapping {mapping.where}")
        if asked.options.mapping or asked.register:
            raise UsageError("mapping and register are for tables; a recording names its devices itself")
        for path in asked.options.paths:
            if next(iter(RecordingReader(path)), None) is None:
                raise UsageError(f"{path.name}: holds no message")
    return Checked(
        summary=f"{counted(len(paths), 'recording')}, {counted(sum(path.stat().st_size for path in paths), 'byte')}"
    )
