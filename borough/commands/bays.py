"""``borough bays``: the register of parking bays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.commands import bays_dtro, bays_return
from borough.database import database, require_zone
from borough.errors import UsageError
from borough.output import Json, say, show_bytes, show_json, show_table
from borough.settings.settings import read_settings
from devices.bays import Bay, Register
from devices.bays_dated import KINDS, kind_of, local_instant, read_dated, write_dated
from devices.bays_file import BaysFile, Given, read_bays, write_bays
from devices.bays_geojson import read_bays_geojson, write_bays_geojson
from devices.bays_hours import hours_said
from devices.bays_of_devices import bays_of_devices
from devices.counts import counted
from devices.dtro.file import read_dtro_file
from devices.files import read_bytes
from devices.registry import Problem, RegistryError
from store import bays, bays_import
from store.connect import Connection

app = typer.Typer(help="The register of parking bays.", no_args_is_help=True)
app.command("return")(bays_return.return_)

#: What a file can be, with its reader.
READERS: Mapping[str, Callable[[bytes, tzinfo], BaysFile]] = {
    "bays": lambda data, _zone: read_bays(data),
    **{what: partial(read_dated, what) for what in KINDS},
    "geojson": lambda data, _zone: read_bays_geojson(data),
    bays_dtro.FORMAT: lambda data, _zone: read_dtro_file(data),
}
#: What tells a ``.json`` file: text that it must hold.
_JSON: Mapping[bytes, str] = {b'"FeatureCollection"': "geojson", b'"schemaVersion"': bays_dtro.FORMAT}
#: Formats of the register, each with its writer; a D-TRO needs to know which order it is.
WRITERS: Mapping[str, Callable[[Register, tzinfo], str]] = {
    "csv": lambda register, _zone: write_bays(register.bays),
    "geojson": lambda register, _zone: write_bays_geojson(register.bays),
}

#: So many lines are told one by one.
_TOLD = 20
_LISTS = ("bays", *KINDS)
_FORMATS = (*WRITERS, bays_dtro.FORMAT)
_WORDS = {
    "bays": "bay", "sensors": "sensor link", "suspensions": "suspension", "permits": "permit", "events": "event day",
}  # fmt: skip


@app.command("import")
def import_(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="A .csv file or several, or .geojson, .json.")
    ] = None,
    what: Annotated[
        str, typer.Option(help=f"What the files are, where their headings do not say it: {', '.join(READERS)}.")
    ] = "",
    from_devices: Annotated[
        bool, typer.Option("--from-devices", help="In place of files: a bay for each open sensor that has none.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="With --from-devices: when the sensors began to lie there; else their registration.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Import bays, their sensors, suspensions, permits and event days, all of it or, if anything is wrong, nothing.

    What a file is is known from its headings. Several files are one import. What is not in them stays as it is.

    Example: borough bays import bays.csv sensors.csv --dry-run
    """
    if what and what not in READERS:
        raise UsageError(f"--what {what!r}; one of {', '.join(READERS)}")
    if from_devices == bool(files):
        raise UsageError("say either which files, or --from-devices")
    if since and not from_devices:
        raise UsageError("--since belongs to --from-devices; files say it in their column from")
    zone = read_settings().time_zone
    try:
        start = local_instant(since, zone) if since else None
    except ValueError as error:
        raise UsageError(f"--since {error}") from None
    given = _read(files or [], what, zone)
    placeless: list[str] = []
    with database() as connection:
        require_zone(connection, zone)
        if from_devices:
            given, placeless = _from_devices(connection, start)
        plan = bays_import.plan_import(connection, given, zone)
        if plan.problems:
            raise _refuse(files or [], plan.problems)
        if not dry_run:
            bays_import.apply(connection, plan)
    if json_output:
        show_json({**_as_json(plan, dry_run, placeless), "left_out": list(given.left_out)})
        return
    for line in given.left_out:
        say(line)
    _tell(plan, placeless, dry_run)


def _read(files: Sequence[Path], what: str, zone: tzinfo) -> BaysFile:
    """All files as one. Raises UsageError with all that is wrong with them."""
    found: list[BaysFile] = []
    problems: list[Problem] = []
    for file in files:
        prefix = f"{file} " if len(files) > 1 else ""
        try:
            data = read_bytes(file)
            found.append(_placed(READERS[what or _kind(file, data)](data, zone), prefix))
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}") from None
        except RegistryError as error:
            problems += [Problem(f"{prefix}{one.where}".strip(), one.text) for one in error.problems]
    if problems:
        raise _refuse(files, problems)
    if problems := _twice([bay for one in found for bay in one.bays]):
        raise _refuse(files, problems)
    lists: dict[str, Any] = {name: [item for one in found for item in getattr(one, name)] for name in _LISTS}
    return BaysFile(
        **lists,
        shapeless=frozenset().union(*(one.shapeless for one in found)),
        homeless=frozenset().union(*(one.homeless for one in found)),
        left_out=[line for one in found for line in one.left_out],
    )


def _kind(file: Path, data: bytes) -> str:
    """What a file is, by its name and its headings. Raises RegistryError."""
    ending = file.suffix.lower()
    if ending == ".geojson":
        return "geojson"
    if ending == ".json":
        for text, what in _JSON.items():
            if text in data:
                return what
        raise RegistryError([Problem("", "holds none of " + ", ".join(text.decode() for text in _JSON))])
    if ending != ".csv":
        raise RegistryError([Problem("", "its name must end in .csv, .geojson or .json, to say what it holds")])
    found = kind_of(data)
    if found is None:
        raise RegistryError(
            [
                Problem(
                    "line 1", "names no columns of a file of bays, sensors, suspensions, permits or events; say --what"
                )
            ]
        )
    return found


def _placed(found: BaysFile, prefix: str) -> BaysFile:
    if not prefix:
        return found
    lists: dict[str, Any] = {
        name: [replace(one, where=prefix + one.where) for one in getattr(found, name)] for name in _LISTS
    }
    return replace(found, **lists)


def _twice(given: Sequence[Given[Bay]]) -> list[Problem]:
    """Bays of two files."""
    seen: dict[str, str] = {}
    return [
        Problem(one.where, f"bay {one.item.id} is already given in {first}")
        for one in given
        if (first := seen.setdefault(one.item.id, one.where)) != one.where
    ]


def _from_devices(connection: Connection, since: datetime | None) -> tuple[BaysFile, list[str]]:
    known = {bay.id: bay for bay in bays.bays(connection)}
    try:
        return bays_of_devices(bays.unlinked(connection), known, since)
    except RegistryError as error:
        raise _refuse([], error.problems) from None


def _tell(plan: bays_import.Plan, placeless: Sequence[str], dry_run: bool) -> None:
    if dry_run:
        for bay in plan.bays.new:
            say("new", bay.id, bay.kind, bay.zone)
        for bay_id, names in plan.fields.items():
            say("changed", bay_id, ", ".join(names))
    for name, count in plan.counts().items():
        what, _, state = name.partition("_")
        if count:
            say(counted(count, f"{state} {_WORDS[what]}"))
    for line in (*map(str, plan.far[:_TOLD]), *_without_home(plan)[:_TOLD]):
        say(line)
    more = max(len(plan.far) - _TOLD, 0) + max(len(plan.without_home) - _TOLD, 0)
    if more:
        say(f"{more:,} more lines like these.")
    if placeless:
        said = counted(len(placeless), "sensor has no place and got", "sensors have no place and got")
        say(f"{said} no bay, {placeless[0]} for one.")
    say(
        "Nothing was changed."
        if dry_run
        else "Imported."
        if any(plan.counts().values())
        else "There was nothing to import."
    )


def _without_home(plan: bays_import.Plan) -> list[str]:
    return [
        f"{where}: its UPRN is of no home that is known; the bay is taken without it" for where in plan.without_home
    ]


def _as_json(plan: bays_import.Plan, dry_run: bool, placeless: Sequence[str]) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        **plan.counts(),
        "changed": plan.fields,
        "far": [str(one) for one in plan.far],
        "without_home": plan.without_home,
        "without_place": list(placeless),
    }


@app.command("list")
def list_(
    zone: Annotated[str, typer.Option(help="Only this zone.")] = "",
    json_output: Json = False,
) -> None:
    """List the bays: kind, zone, the sensor that lies in it now, and what holds in it.

    Example: borough bays list --zone A
    """
    with database() as connection:
        shown = [bay for bay in bays.bays(connection) if not zone or bay.zone == zone]
        sensors = bays.sensors_at(connection, datetime.now(UTC))
    if json_output:
        show_json([_described(bay, sensors.get(bay.id)) for bay in shown])
        return
    show_table(
        ("bay", "kind", "zone", "street", "class", "sensor", "hours"),
        [
            (
                bay.id,
                bay.kind,
                bay.zone,
                bay.street,
                "personal" if bay.personal else "open",
                sensors.get(bay.id),
                "; ".join(map(hours_said, bay.restrictions)),
            )
            for bay in shown
        ],
    )


def _described(bay: Bay, sensor: str | None) -> dict[str, Any]:
    """A bay as JSON values, without whose it is."""
    own = {
        one.name: getattr(bay, one.name) for one in fields(Bay) if one.name not in ("uprn", "personal", "restrictions")
    }
    for name in ("from_day", "to_day"):
        own[name] = None if own[name] is None else str(own[name])
    own["attributes"] = dict(bay.attributes)
    return {
        **own,
        "class": "personal" if bay.personal else "open",
        "sensor": sensor,
        "hours": [hours_said(one) for one in bay.restrictions],
    }


@app.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output otherwise.")] = None,
    form: Annotated[
        str,
        typer.Option("--format", help=f"{', '.join(_FORMATS)}; without it the file's ending says, else csv."),
    ] = "",
    what: Annotated[
        str, typer.Option(help=f"What of the register: {', '.join(_LISTS)}; all but bays as csv.")
    ] = "bays",
    zone: Annotated[str, typer.Option(help="Only this zone.")] = "",
    personal: Annotated[
        bool, typer.Option("--personal", help="Bays of households too, with the UPRN; not for publication.")
    ] = False,
    authority: bays_dtro.Authority = "",
    reference: bays_dtro.Reference = "",
    name: bays_dtro.Name = "",
    made: bays_dtro.Made = "",
    in_force: bays_dtro.InForce = "",
) -> None:
    """Write the register as a file that `borough bays import` reads back to the same.

    A D-TRO is of what is published: bays of households are never in it, and attributes of our own are not.

    Example: borough bays export bays.geojson
    """
    form = form or ("geojson" if file is not None and file.suffix.lower() in (".geojson", ".json") else "csv")
    if form not in _FORMATS:
        raise UsageError(f"--format {form!r}; one of {', '.join(_FORMATS)}")
    if what not in _LISTS:
        raise UsageError(f"--what {what!r}; one of {', '.join(_LISTS)}")
    if what != "bays" and form != "csv":
        raise UsageError(f"--what {what} is written as csv and not as {form}")
    order = (authority, reference, name, made, in_force)
    bays_dtro.refuse_without_dtro(form, order)
    settings = read_settings()
    clock = settings.time_zone
    with database() as connection:
        part = _part(bays.load(connection), zone, personal=personal and form != bays_dtro.FORMAT)
    if form == bays_dtro.FORMAT:
        text = bays_dtro.dtro(part, settings, datetime.now(clock).date(), order)
    else:
        text = WRITERS[form](part, clock) if what == "bays" else write_dated(what, part, clock)
    if file is None:
        show_bytes(text.encode())
        return
    file.write_text(text, encoding="utf-8", newline="")
    count = len(getattr(part, what))
    words = _WORDS[what]
    say(f"{counted(count, f'{words} is', f'{words}s are')} in {file}, as of {datetime.now(UTC):%Y-%m-%d}.")


def _part(register: Register, zone: str, *, personal: bool) -> Register:
    """The part of a register that is of a zone, all where it is empty, without households' bays unless they may be."""
    shown = [bay for bay in register.bays if (personal or not bay.personal) and (not zone or bay.zone == zone)]
    ids = {bay.id for bay in shown}
    return Register(
        shown,
        [one for one in register.sensors if one.bay in ids],
        [one for one in register.suspensions if one.bay in ids],
        [one for one in register.permits if one.bay in ids],
        [one for one in register.events if not zone or one.zone == zone],
    )


def _refuse(files: Sequence[Path], problems: Sequence[Problem]) -> UsageError:
    count = len(problems)
    prefix = f"{files[0]}: " if len(files) == 1 else ""
    return UsageError(
        f"{prefix}nothing was imported, {count} {'problem' if count == 1 else 'problems'}:",
        [str(problem) for problem in problems],
    )


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="bays")
