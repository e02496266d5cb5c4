"""``borough homes``: homes, who lives in them, and their meters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from borough.database import database, require_zone
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json
from borough.settings.collector import tombstone_key
from borough.settings.settings import read_settings, variable
from devices.counts import counted
from devices.files import read_bytes
from devices.homes_file import read_homes
from devices.registry import Problem, RegistryError
from store import care_alerts, homes_import, tombstones
from store.times import local_day

app = typer.Typer(help="Homes, who lives in them, and their meters.", no_args_is_help=True)

#: So many homes far from all others are told one by one.
_TOLD = 20

_WORDS = {
    "homes_new": "new homes",
    "homes_changed": "homes with other details or another address",
    "tenancies_new": "new tenancies",
    "tenancies_changed": "tenancies that say something else",
    "tenancies_ended": "tenancies that end because the next one begins",
    "meters_linked": "meters linked",
    "meters_unlinked": "meters taken from another home",
    "sensors_linked": "movement sensors linked",
    "sensors_changed": "movement sensors in another room, or taken from another home",
    "consents_given": "consents",
    "tariffs": "prices",
    "refused": "tenancies refused, because they were erased",
    "unchanged": "tenancies unchanged",
}


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv file, one line a tenancy.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Import homes, tenancies, meters, consents and prices of a file, all of it or, if anything is wrong, nothing.

    The columns are uprn,address,lon,lat,dwelling,heating,from,meters and many optional ones; the meters must be
    registered. What is not in the file stays as it is. Homes far from all others are told by
    their line. Nothing is printed that names a home.

    Example: borough homes import homes.csv --dry-run
    """
    try:
        rows = read_homes(read_bytes(file))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except RegistryError as error:
        raise _refuse(file, error.problems) from None
    settings = read_settings()
    key = None if settings.tombstone_key_file is None else tombstone_key(settings)
    with database() as connection:
        require_zone(connection, settings.time_zone)
        try:
            tombstones.load(connection, key)
        except tombstones.WrongKey as error:
            # without the right key an erased household would come back
            raise Failure(f"{variable('tombstone_key_file')}: {error}") from None
        refused = homes_import.nobody if key is None else tombstones.refused(connection, key)
        now = datetime.now(UTC)
        plan = homes_import.plan_import(connection, rows, now, refused)
        if plan.problems:
            raise _refuse(file, plan.problems)
        if not dry_run:
            homes_import.apply(connection, plan, now)
            if key is not None:
                tombstones.begin(connection, key, list(plan.tenancies), settings.time_zone, settings.tombstone_log)
    if json_output:
        show_json({"dry_run": dry_run, **plan.counts(), "far": [str(one) for one in plan.far]})
        return
    for name, count in plan.counts().items():
        if count:
            say(f"{count:,} {_WORDS[name]}")
    for one in plan.far[:_TOLD]:
        say(str(one))
    if len(plan.far) > _TOLD:
        say(f"{len(plan.far) - _TOLD:,} more lie as far away.")
    say("Nothing was changed." if dry_run else "Imported.")


@app.command("status")
def status(json_output: Json = False) -> None:
    """Count homes, today's tenancies and linked meters; and of movement sensors who agreed, who has named a carer, and
    the notices of the last 30 days, told and in shadow (no carer was named).

    Example: borough homes status --json
    """
    zone = read_settings().time_zone
    today = local_day(datetime.now(UTC), zone)
    with database() as connection:
        require_zone(connection, zone)
        homes, tenancies, meters = homes_import.count(connection, today)
        found = care_alerts.counts(connection, datetime.now(UTC) - timedelta(days=30), today)
    if json_output:
        show_json({"homes": homes, "tenancies": tenancies, "meters": meters, "movement": found._asdict()})
    else:
        say(
            f"{counted(homes, 'home')}, {counted(tenancies, 'tenancy today', 'tenancies today')}, "
            f"{counted(meters, 'meter linked', 'meters linked')} today"
        )
        if found.homes:
            say(
                f"Movement sensors in {counted(found.homes, 'home')}: {found.agreed:,} agreed, {found.carers:,} with a"
                f" carer. Notices of 30 days: {found.quiet:,} of quiet told, {found.shadow:,} in shadow,"
                f" {found.silent:,} of silent sensors."
            )


def _refuse(file: Path, problems: Sequence[Problem]) -> UsageError:
    count = len(problems)
    return UsageError(
        f"{file}: nothing was imported, {count} {'problem' if count == 1 else 'problems'}:",
        [str(problem) for problem in problems],
    )


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="homes")
