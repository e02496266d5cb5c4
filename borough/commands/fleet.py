"""``borough fleet``: a task over several boroughs, and one borough's analysis over several machines, by Dask."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.errors import UsageError
from borough.fleet import tasks
from borough.fleet.boroughs_file import Place, read_boroughs
from borough.fleet.errand import TEMPORARY, Outcome
from borough.output import Json, StatusLine, say, show_json, show_table, tell
from borough.settings.fleet import Scheduler
from borough.settings.fleet import scheduler as scheduler_of
from borough.settings.settings import read_settings
from devices.files import read_text
from devices.registry import RegistryError

group = typer.Typer(
    name="fleet", help="Several boroughs: the same task in each, by workers that may be anywhere.", no_args_is_help=True
)

#: The most tasks at once on this machine, where no scheduler is named.
_MOST = 64

SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Of Dask, in place of BOROUGH_FLEET_SCHEDULER."),
]
Processes = Annotated[
    int | None, typer.Option(min=1, max=_MOST, help="Without a scheduler: so many processes of this machine at once.")
]


@group.command("run")
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A boroughs file (.toml).")],
    task: Annotated[
        list[str], typer.Argument(metavar="-- TASK...", help="What each borough shall do, such as: -- analyse")
    ],
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this borough. Repeatable.")] = None,
    scheduler: SchedulerOption = None,
    processes: Processes = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="So long is waited for a borough that is busy or away.")
    ] = 60.0,
    json_output: Json = False,
) -> int:
    """Have a task done in every borough of a file, and say what each did. One that fails does not stop the others.

    Each is the command itself, run by a worker with that borough's settings. A worker that is killed has its tasks done
    again by another; nothing is done twice by it. Status 1 where a borough failed.

    Example: borough fleet run boroughs.toml -- analyse
    """
    words = tasks.task(task)
    places = _chosen(_read(file), only or [], file)
    settings = read_settings()
    from borough.fleet import over
    from borough.fleet.cluster import connected

    line = StatusLine()

    def told(what: str) -> None:
        if line.due():
            line.write(f"{what} are done")

    address = scheduler_of(settings, scheduler)
    _one_of(address, processes)
    resources = sorted({place.resource for place in places if place.resource is not None})
    at_once = processes or min(len(places), os.cpu_count() or 1)
    with connected(address, at_once, resources=resources) as client:
        try:
            asked = tasks.as_json(words) if json_output else words
            found = over.carry_out(client, places, asked, wait=wait, told=told)
        finally:
            line.end()
    _tell(found, json_output=json_output)
    return int(not all(one.done for one in found))


@group.command("analyse")
def analyse(
    groups: Annotated[int, typer.Option(min=1, max=10_000, help="Groups of cells that a period is compared in.")] = 16,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Of Dask; with --resource.")
    ] = None,
    resource: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only workers with --resources NAME=1, this borough's own.")
    ] = None,
    processes: Processes = None,
    json_output: Json = False,
) -> None:
    """Analyse this borough once, as `borough analyse`, with the comparisons of homes spread over workers.

    The same figures come out. Workers get the uses of homes of a period, so they belong to this borough: processes of
    this machine, or workers of a scheduler that a resource names. BOROUGH_FLEET_SCHEDULER does not count here.

    Example: borough fleet analyse --processes 2
    """
    if (scheduler is None) != (resource is None):
        raise UsageError("--scheduler and --resource are said together: a scheduler may have other boroughs' workers")
    settings = read_settings()
    address = None if scheduler is None else scheduler_of(settings, scheduler)
    _one_of(address, processes)
    from borough.commands import analyse as single
    from borough.fleet.cluster import connected
    from borough.fleet.spread import SpreadComparison

    with connected(address, processes or os.cpu_count() or 1, compute=True) as client:
        options = replace(single.homes_options(settings), compare=SpreadComparison(client, groups, resource))
        single.once(settings, options, json_output=json_output)


def _one_of(scheduler: Scheduler | None, processes: int | None) -> None:
    if scheduler is not None and processes is not None:
        raise UsageError(
            f"--processes is of this machine, and a scheduler ({scheduler.address}) hands tasks to workers: leave"
            " --processes away"
        )


def _read(file: Path) -> list[Place]:
    try:
        return read_boroughs(read_text(file))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not UTF-8 text") from None
    except RegistryError as error:
        raise UsageError(f"{file}: nothing was sent:", [str(problem) for problem in error.problems]) from None


def _chosen(places: Sequence[Place], only: Sequence[str], file: Path) -> list[Place]:
    names = {place.name for place in places}
    for name in only:
        if name not in names:
            raise UsageError(f"--only {name!r}: {file} has {', '.join(sorted(names))}")
    return [place for place in places if not only or place.name in only]


def _tell(found: Sequence[Outcome], *, json_output: bool) -> None:
    if json_output:
        show_json({"boroughs": [_document(one) for one in found], "failed": sum(not one.done for one in found)})
        return
    for one in found:
        for text in one.out.splitlines():
            say(*f"{one.name}: {text}".split("\t"))
    show_table(
        ("borough", "state", "seconds", "machine"),
        [(one.name, _state(one), f"{one.seconds:.1f}", one.host) for one in found],
    )
    for one in found:
        if not one.done:
            tell(f"{one.name}: {one.why}")


def _state(one: Outcome) -> str:
    if one.done:
        return "done"
    return "busy or away" if one.status == TEMPORARY else "failed"


def _document(one: Outcome) -> dict[str, Any]:
    try:
        answer = json.loads(one.out) if one.out else None
    except ValueError:
        answer = None
    return {
        "borough": one.name, "state": _state(one), "status": one.status, "why": one.why or None,
        "seconds": round(one.seconds, 3), "machine": one.host or None, "answer": answer,
    }  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(group)
