"""``borough places``: postcodes and areas, so that people find the bays near them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from borough.database import database
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json
from devices.counts import counted
from devices.places_file import TOLD, PlacesFile
from devices.registry import RegistryError
from store import places

app = typer.Typer(help="Postcodes and areas, so that people find the bays near them.", no_args_is_help=True)

_WORDS = {
    "new": "new",
    "moved": "with another position",
    "unchanged": "unchanged",
    "gone": "taken out, because they have ended",
    "ended": "not taken, because they have ended",
    "unplaced": "not taken, because the file says no position of them",
    "far": "not taken, because no bay and no home is near them",
    "repeated": "not taken, because another of the same name stands before them",
}


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv file of the Office for National Statistics, as it comes.")],
    within: Annotated[float, typer.Option(help="How far from a bay or a home a place may be [km].", min=0.1)] = 5.0,
    every: Annotated[bool, typer.Option("--all", help="Take all places, however far.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Import postcodes (ONS Postcode Directory or NSPL) or areas (built-up areas, wards with their centroids).

    All of it or, if anything is wrong, nothing. Postcodes that have ended are left out, and taken out where they were
    imported before. What is not in the file stays as it is.

    Example: borough places import ONSPD_NOV_2026_UK.csv --dry-run
    """
    with database() as connection:
        near = None if every else places.Near(places.anchors(connection), within)
        if near is not None and near.empty:
            raise Failure("there is no bay and no home that places could be near; import those first, or use --all")
        try:
            with file.open(encoding="utf-8-sig", newline="") as text:
                read = PlacesFile(text)
                done = places.import_places(connection, read, near)
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{file}: nothing was imported: its first line is not UTF-8 text") from None
        except RegistryError as error:
            raise _refuse(file, len(error.problems), [str(one) for one in error.problems]) from None
        if read.wrong:
            raise _refuse(file, read.wrong, [str(one) for one in read.problems])
        if dry_run:
            connection.rollback()
    counts = {
        "new": done.new,
        "moved": done.moved,
        "unchanged": done.unchanged,
        "gone": done.gone,
        "ended": read.ended,
        "unplaced": read.unplaced,
        "far": done.far,
        "repeated": done.repeated,
    }
    if json_output:
        show_json({"dry_run": dry_run, "kind": read.kind, "lines": read.lines, **counts})
        return
    for name, number in counts.items():
        if number:
            say(f"{counted(number, read.kind)} {_WORDS[name]}")
    say("Nothing was changed." if dry_run else "Imported.")


@app.command("status")
def status(json_output: Json = False) -> None:
    """Count the places that are known.

    Example: borough places status --json
    """
    with database() as connection:
        found = places.count(connection)
    if json_output:
        show_json({"postcodes": found["postcode"], "areas": found["area"]})
    else:
        say(f"{counted(found['postcode'], 'postcode')}, {counted(found['area'], 'area')}")


def _refuse(file: Path, count: int, problems: list[str]) -> UsageError:
    more = [f"{count - TOLD:,} more"] if count > TOLD else []
    return UsageError(
        f"{file}: nothing was imported, {counted(count, 'problem')}:",
        [*problems, *more],
    )


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="places")
