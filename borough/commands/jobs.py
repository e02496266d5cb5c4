"""``borough jobs``: replays and simulations that workers run: asked for, looked at, paused, stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.database import database
from borough.errors import UsageError
from borough.jobs.asking import Asking
from borough.jobs.folder import SHIPPED, JobsFolder
from borough.output import Json, say, show_json, show_table
from borough.settings.settings import read_settings
from devices.counts import counted
from store import jobs
from store.jobs import Job, Kind, NotSo

app = typer.Typer(help="Replays and simulations that workers run.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="JOB", help="The job's number.", min=1)]


@app.command("ask")
def ask(
    files: Annotated[
        list[str],
        typer.Argument(help="A fleet file (.toml, or shipped:demo.toml), recordings or tables; they are copied."),
    ],
    option: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option, such as speed=60, hours=24 or faults.loss=0.01."),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is called. Without: as its first file.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look through it and ask for nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Ask for a job: a simulation of a fleet file, or a replay of recordings or tables. A worker takes it.

    Options are those of borough simulate and borough replay, by their names; values are JSON where they look like it.

    Example: borough jobs ask shipped:demo.toml --set hours=24 --set faults.duplicate=0.02
    """
    asking = Asking(read_settings())
    folder = asking.folder
    options = _options(option or [])
    kind: Kind = "simulation" if files[0].endswith(".toml") else "replay"
    title = name or Path(files[0].removeprefix(SHIPPED)).name
    for file in files:
        if not file.startswith(SHIPPED) and not Path(file).is_file():
            raise UsageError(f"{file}: there is no such file")
    added: list[str] = []
    added_too: list[str] = []
    kept = False
    try:
        for file in files:
            # one by one: what was copied is forgotten where the next one cannot be
            added.append(file if file.startswith(SHIPPED) else _copied(folder, file))  # noqa: PERF401
        mapping = options.get("mapping")
        if isinstance(mapping, str) and Path(mapping).is_file():
            options["mapping"] = _copied(folder, mapping)
            added_too.append(options["mapping"])
        found = asking.check(kind, options, added)
        if dry_run and not found.problems:
            if json_output:
                show_json({"job": None, "kind": kind, "summary": found.summary})
            else:
                say(f"A {kind}: {found.summary}. Nothing was asked for.")
            return
        with database() as connection:
            number = asking.ask(connection, kind, title, options, added)
        kept = True
    finally:
        if not kept:
            folder.forget([*added, *added_too])
    if json_output:
        show_json({"job": number, "kind": kind, "summary": found.summary})
    else:
        say(f"Job {number}, a {kind}: {found.summary}. A worker takes it: borough work")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    json_output: Json = False,
) -> None:
    """List jobs, the newest first.

    Example: borough jobs list
    """
    with database() as connection:
        found = jobs.find(connection, limit=limit)
    if json_output:
        show_json({"jobs": [asdict(job) for job in found]})
        return
    show_table(
        ("job", "kind", "name", "state", "wish", "sent", "rate", "lost", "asked"),
        [
            (
                job.id,
                job.kind,
                job.name,
                "silent" if job.silent else job.state,
                job.wish or "",
                job.progress.get("sent", 0),
                job.progress.get("rate", 0),
                "" if job.score is None else job.score["lost"],
                job.asked_at,
            )
            for job in found
        ],
    )


@app.command("show")
def show(number: Number, json_output: Json = False) -> int:
    """Show how far a job is, and its score.

    Status 1 where it has failed, or where its score is not good.

    Example: borough jobs show 7 --json
    """
    with database() as connection:
        job = jobs.get(connection, number)
    if job is None:
        raise UsageError(f"there is no job {number}")
    if json_output:
        show_json(asdict(job))
    else:
        _say(job)
    bad = job.score is not None and any(
        job.score[word] for word in ("lost", "wrong_value", "wrong_time", "rejected_unexpectedly")
    )
    return 1 if job.state == "failed" or bad else 0


@app.command("pause")
def pause(number: Number, json_output: Json = False) -> None:
    """Let a job pause; what is out stays counted, and borough jobs resume goes on.

    Example: borough jobs pause 7
    """
    _change(number, "pause", json_output=json_output)


@app.command("resume")
def resume(number: Number, json_output: Json = False) -> None:
    """Let a paused or failed job go on where it was.

    Example: borough jobs resume 7
    """
    _change(number, "resume", json_output=json_output)


@app.command("stop")
def stop(number: Number, json_output: Json = False) -> None:
    """End a job for good. What is out is scored and stays in the database.

    Example: borough jobs stop 7
    """
    _change(number, "stop", json_output=json_output)


@app.command("remove")
def remove(number: Number, json_output: Json = False) -> None:
    """Forget a job that is not running; a worker removes its files.

    Example: borough jobs remove 7
    """
    _change(number, "remove", json_output=json_output)


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="jobs")


def _change(number: int, what: str, *, json_output: bool) -> None:
    try:
        with database() as connection:
            if what == "resume":
                state: str = jobs.resume(connection, number)
            elif what == "remove":
                jobs.remove(connection, number)
                state = "removed"
            else:
                state = jobs.wish(connection, number, "pause" if what == "pause" else "stop")
    except NotSo as error:
        raise UsageError(str(error)) from None
    if json_output:
        show_json({"job": number, "state": state})
    elif state == "running":
        say(f"Job {number} is still running; its worker knows it in a moment.")
    else:
        say(f"Job {number} is {state}.")


def _copied(folder: JobsFolder, file: str) -> str:
    """Copy a file for a job to read; its name there. Raises UsageError where it cannot be read or kept."""
    try:
        return folder.add(Path(file))
    except OSError as error:
        raise UsageError(f"{file} cannot be copied into the jobs' folder: {error.strerror or error}") from None


def _options(given: list[str]) -> dict[str, Any]:
    """Options of ``name=value`` lines. Raises UsageError."""
    options: dict[str, Any] = {}
    for line in given:
        name, equals, text = line.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {line!r} is no NAME=VALUE such as speed=60")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        table, dot, key = name.partition(".")
        if dot:
            inner = options.setdefault(table, {})
            if not isinstance(inner, dict):
                raise UsageError(f"--set {line}: {table} was given a value of its own before")
            inner[key] = value
        else:
            options[name] = value
    return options


def _say(job: Job) -> None:
    progress = job.progress
    say(f"Job {job.id}, a {job.kind} called {job.name}: {'its worker is silent' if job.silent else job.state}")
    say(f"asked for {job.asked_at}" + (f", begun {job.started_at}" if job.started_at else ""))
    words = [
        f"{counted(progress.get('sent', 0), 'message is', 'messages are')} out",
        f"{progress.get('rate', 0):,.0f}/s",
    ]
    if progress.get("remaining") is not None:
        words.append(f"about {progress['remaining']:,.0f} s left")
    say(f"{progress.get('phase', 'waiting')}: {', '.join(words)}")
    if job.score is not None:
        keys = ("published", "stored", "duplicates", "rejected", "open", "lost", "wrong_value", "wrong_time")
        so_far = " so far" if job.score.get("so_far") else ""
        say(
            f"score{so_far}: "
            + ", ".join(f"{key.replace('_', ' ')} {job.score[key]:,}" for key in keys if key in job.score)
        )
    if job.problem:
        say(job.problem)
