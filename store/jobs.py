"""Jobs: replays and simulations that somebody asked for; rows that workers take, beat and let go of.

A job is ``waiting``, ``running``, ``paused``, ``done``, ``stopped`` or ``failed``. Only the worker that holds it writes
a running one; a heartbeat that is older than `SILENT` by the database's clock frees it, where the database itself was
up as long: while it was away nobody could beat. Each function is one statement or two that stand for themselves, so a
connection with autocommit may be given, and any other is the caller's to commit.

``options`` of a replay: ``mapping``, ``speed`` (flat-out, real or a number), ``from``, ``until`` (RFC 3339),
``shift`` (now or 364d), ``format``, ``pack``, ``register``; of a simulation: ``seed``, ``start`` (RFC 3339), ``hours``,
``speed`` (max or a number), ``connections`` (one, gateway, device), ``format``, ``pack``, ``register``, ``faults`` (a
table as in the fleet file, instead of the file's). What is not there is as the commands' defaults are.

``files``: paths inside the jobs' folder, such as ``uploads/2f0c/air.csv``, or ``shipped:demo.toml`` for one of the
program's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from store.connect import Connection
from store.queries import queries

_SQL = queries("jobs")

#: A heartbeat that is older frees a job [s]; how often a worker beats is its own affair, but well below.
SILENT = 30
#: So many workers may fall silent with a job that gets no further, before it has failed.
FALLS = 3

Kind = Literal["replay", "simulation"]
State = Literal["waiting", "running", "paused", "done", "stopped", "failed"]
#: What is wished of a running job.
Wish = Literal["pause", "stop"]
#: States from which nothing moves by itself.
ENDED: tuple[State, ...] = ("done", "stopped", "failed")


class Lost(Exception):
    """Somebody else has the job, or nobody: it was stopped or removed. The worker lets everything lie."""


class NotSo(ValueError):
    """The state of a job does not allow what was asked. The text says why, for people."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``asked_by``: an account's id; ``silent``: it is running, but its worker has fallen silent.

    ``progress`` has ``sent``, ``total``, ``rate`` [1/s], ``at`` (the recorded instant), ``remaining`` [s], ``phase``;
    ``score`` is the document of `borough.scoring.result.Score`, with ``so_far`` while it forms.
    """

    id: int
    kind: Kind
    name: str
    options: Mapping[str, Any]
    files: Sequence[str]
    state: State
    wish: Wish | None
    asked_by: int | None
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    beat_at: datetime | None
    attempts: int
    progress: Mapping[str, Any]
    score: Mapping[str, Any] | None
    problem: str | None
    silent: bool


def ask(
    connection: Connection,
    kind: Kind,
    name: str,
    options: Mapping[str, Any],
    account_id: int | None,
    files: Sequence[str] = (),
    *,
    token: str | None = None,
) -> int:
    """Ask for a job; its id. With a form's ``token`` [16 to 64 characters] only the first asks, and all get its id.

    Raises psycopg.Error.
    """
    values = {
        "kind": kind,
        "name": name,
        "options": _json(options),
        "account": account_id,
        "files": list(files),
        "token": token,
    }
    row = connection.execute(_SQL["ask"], values).fetchone()
    row = row or connection.execute(_SQL["asked"], (token,)).fetchone()
    assert row is not None
    return int(row[0])


def take(connection: Connection, worker: str, *, silent: float = SILENT) -> Job | None:
    """Take the oldest job that waits, else one whose worker was silent for ``silent`` [s]; None where none is free.

    Those that brought `FALLS` workers down without getting further fail instead. ``worker`` names one process and no
    other ever. Raises psycopg.Error.
    """
    problem = (
        f"{FALLS} workers ended while they ran this job, and none got further; see the worker's log, then let it go on"
    )
    connection.execute(_SQL["give_up"], {"falls": FALLS, "silent": silent, "problem": problem})
    row = connection.execute(_SQL["take"], {"worker": worker, "silent": silent}).fetchone()
    return None if row is None else get(connection, row[0])


def beat(
    connection: Connection, job_id: int, worker: str, progress: Mapping[str, Any], score: Mapping[str, Any] | None
) -> Wish | None:
    """Note that the worker lives and how far it is; what is wished of the job. Raises Lost; psycopg.Error.

    ``score`` None leaves the one before.
    """
    values = {"id": job_id, "worker": worker, **_so_far(progress, score)}
    row = connection.execute(_SQL["beat"], values).fetchone()
    if row is None:
        raise Lost(f"job {job_id} is not held by {worker}")
    wish: Wish | None = row[0]
    return wish


def finish(
    connection: Connection,
    job_id: int,
    worker: str,
    state: State,
    progress: Mapping[str, Any],
    score: Mapping[str, Any] | None,
    problem: str | None = None,
) -> State:
    """Let go of a job; the state that it has now. Raises Lost; ValueError; psycopg.Error.

    ``waiting`` gives it back for the next worker, ``paused`` does what was wished; of both what is wished now decides:
    it may be a stop meanwhile, or no pause any more.
    """
    if state == "running":
        raise ValueError("a job that is finished does not run")
    values = {"id": job_id, "worker": worker, "state": state, "problem": problem, **_so_far(progress, score)}
    row = connection.execute(_SQL["finish"], values).fetchone()
    if row is None:
        raise Lost(f"job {job_id} is not held by {worker}")
    found: State = row[0]
    return found


def wish(connection: Connection, job_id: int, wanted: Wish, *, silent: float = SILENT) -> State:
    """Wish that a job pauses or stops; at once where no worker holds it. The state that it has now.

    Raises NotSo, also where there is none; psycopg.Error.
    """
    row = connection.execute(_SQL["wish"], {"id": job_id, "wish": wanted, "silent": silent}).fetchone()
    if row is None:
        raise _not_so(connection, job_id, "paused" if wanted == "pause" else "stopped")
    found: State = row[0]
    return found


def resume(connection: Connection, job_id: int) -> State:
    """Let a paused or failed job go on where it was, or take back the wish to pause. Raises NotSo; psycopg.Error."""
    row = connection.execute(_SQL["resume"], {"id": job_id}).fetchone()
    if row is None:
        raise _not_so(connection, job_id, "resumed")
    found: State = row[0]
    return found


def remove(connection: Connection, job_id: int) -> None:
    """Forget a job that no worker holds; its files are the workers' to remove. Raises NotSo; psycopg.Error."""
    if connection.execute(_SQL["remove"], {"id": job_id}).fetchone() is None:
        raise _not_so(connection, job_id, "removed")


def get(connection: Connection, job_id: int, *, silent: float = SILENT) -> Job | None:
    """One job; None where there is none. Raises psycopg.Error."""
    row = connection.execute(_SQL["get"], {"id": job_id, "silent": silent}).fetchone()
    return None if row is None else Job(*row)


def find(connection: Connection, before: int | None = None, limit: int = 50, *, silent: float = SILENT) -> list[Job]:
    """Jobs, the newest first, of those below ``before``. Raises psycopg.Error."""
    rows = connection.execute(_SQL["find"], {"before": before, "limit": limit, "silent": silent}).fetchall()
    return [Job(*row) for row in rows]


def names(connection: Connection) -> dict[int, list[str]]:
    """The ids of all jobs and the files that each reads. Raises psycopg.Error."""
    return dict(connection.execute(_SQL["names"]).fetchall())


def _not_so(connection: Connection, job_id: int, what: str) -> NotSo:
    row = connection.execute(_SQL["state"], {"id": job_id}).fetchone()
    if row is None:
        return NotSo(f"there is no job {job_id}")
    return NotSo(f"job {job_id} is {row[0]} and cannot be {what}")


def _so_far(progress: Mapping[str, Any], score: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "progress": _json(progress),
        "score": None if score is None else _json(score),
        "sent": int(progress.get("sent") or 0),
    }


def _json(value: Mapping[str, Any]) -> str:
    """JSON text; instants as RFC 3339. Raises ValueError for a number that is none."""
    return json.dumps(value, allow_nan=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
