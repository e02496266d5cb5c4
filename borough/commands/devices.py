"""``borough devices``: the registry of devices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.commands import credentials, device_status
from borough.database import database
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_bytes, show_json, show_table
from devices.counts import counted
from devices.device import Device
from devices.files import read_bytes
from devices.geojson import read_devices, write_geojson
from devices.models import MODELS
from devices.registry import (
    RegistryError,
    cells_of,
    changes,
    differences,
    make_device,
    shared_names,
    write_csv,
)
from store import bays, registry
from store.connect import Connection

app = typer.Typer(help="The registry of devices.", no_args_is_help=True)
app.command("status")(device_status.status)
app.command("credentials")(credentials.credentials)

_FORMATS = ("csv", "geojson")


def registered(connection: Connection) -> dict[str, Device]:
    """Every registered device by id, retired ones too. Raises Failure for one that a newer program registered."""
    try:
        return {device.id: device for device in registry.load(connection)[0]}
    except ValueError as error:
        raise Failure(f"the registry holds what this program does not know: {error}") from None


@app.command("add")
def add(
    device_id: Annotated[str, typer.Argument(help="Its id: the name in its topic.")],
    family: Annotated[str, typer.Option(help="parking-bay, smart-meter, air-monitor, movement-sensor or car-park.")],
    model: Annotated[str, typer.Option(help="What it speaks; native for our own formats.")] = "native",
    lon: Annotated[str, typer.Option(help="Longitude in degrees, WGS 84.")] = "",
    lat: Annotated[str, typer.Option(help="Latitude in degrees, WGS 84.")] = "",
    origin: Annotated[str, typer.Option(help="real or simulated.")] = "real",
    device_class: Annotated[
        str, typer.Option("--class", help="open or personal; only stricter than the family's own.")
    ] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An attribute, such as zone=Europe/London; repeatable."),
    ] = None,
) -> None:
    """Register one device. An id that is already registered is left as it is and told.

    Example: borough devices add bay-7 --family parking-bay --lon -0.0812 --lat 51.5031
    """
    cells = {"device_id": device_id, "family": family, "model": model, "lon": lon, "lat": lat, "origin": origin}
    cells["class"] = device_class
    for text in attribute or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or name.strip() in cells:
            raise UsageError(
                f"--attribute {text!r} is not NAME=VALUE with a name of its own, such as zone=Europe/London"
            )
        cells[name.strip()] = value
    try:
        device = make_device(cells, MODELS)
    except RegistryError as error:
        raise UsageError("the device cannot be registered:", [str(problem) for problem in error.problems]) from None
    with database() as connection:
        if registry.get(connection, device.id) is not None:
            raise Failure(f"device {device.id} is already registered; change it with: borough devices import FILE")
        if shared := shared_names([device], registered(connection).values()):
            raise UsageError("the device cannot be registered:", [str(problem) for problem in shared])
        registry.upsert(connection, [device])
    say(f"Registered {device.id}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv file, or .geojson or .json.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Register the devices of a file, all of them or, if anything is wrong with it, none.

    The columns are device_id,family,model,lon,lat; optional are origin and class; any further one is an attribute.
    Registered devices that are not in the file stay as they are.

    Example: borough devices import bays.csv --dry-run
    """
    try:
        data = read_bytes(file)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    wanted = _read(file, data)
    with database() as connection:
        known = registered(connection).values()
        if shared := shared_names(wanted, known):
            raise UsageError(f"{file}: nothing was imported:", [str(problem) for problem in shared])
        found = differences(known, wanted)
        if opened := [new for old, new in found.changed if old.personal and not new.personal]:
            if shown := _shown(connection, opened):
                raise UsageError(f"{file}: nothing was imported:", shown)
            _read(file, data, {device.id for device in opened})
        if not dry_run:
            registry.upsert(connection, [*found.new, *(new for _, new in found.changed)])
    changed = {new.id: changes(old, new) for old, new in found.changed}
    if json_output:
        show_json(
            {
                "dry_run": dry_run,
                "new": [device.id for device in found.new],
                "changed": changed,
                "unchanged": len(found.unchanged),
                "missing": [device.id for device in found.missing],
            }
        )
        return
    if dry_run:
        for device in found.new:
            say("new", device.id, device.family)
        for device_id, lines in changed.items():
            say("changed", device_id, "; ".join(lines))
    say(
        f"{len(found.new)} new, {len(found.changed)} changed, {len(found.unchanged)} unchanged,"
        f" {len(found.missing)} registered and not in the file, which stay as they are."
        + (" Nothing was changed: this was a dry run." if dry_run else "")
    )


def _read(file: Path, data: bytes, personal: Collection[str] = ()) -> list[Device]:
    """The devices of a file; ``personal`` are registered so, and become open only where the file says it."""
    try:
        return read_devices(file.name, data, MODELS, personal)
    except RegistryError as error:
        count = len(error.problems)
        raise UsageError(
            f"{file}: nothing was imported, {count} {'problem' if count == 1 else 'problems'}:",
            [str(problem) for problem in error.problems],
        ) from None


def _shown(connection: Connection, opened: Sequence[Device]) -> list[str]:
    """Why devices cannot become open: what they said of a household's bay would be shown."""
    return [
        f"device {device} is the sensor of bay {bay} of a household; give it the class personal. Where the bay is of no"
        " household, remove its link first (borough bays import, column remove)"
        for device, bay in bays.of_households(connection, [device.id for device in opened]).items()
    ]


@app.command("list")
def list_(
    family: Annotated[str, typer.Option(help="Only this family.")] = "",
    retired: Annotated[bool, typer.Option("--retired", help="The retired devices too.")] = False,
    json_output: Json = False,
) -> None:
    """List the registered devices.

    Example: borough devices list --family parking-bay
    """
    with database() as connection:
        shown = [
            device
            for device in registered(connection).values()
            if (not family or device.family == family) and (retired or not device.retired)
        ]
    shown.sort(key=lambda device: (device.family, device.id))
    if json_output:
        show_json([described(device) for device in shown])
        return
    show_table(
        ("device", "family", "model", "lon", "lat", "origin", "class", "retired"),
        [
            (
                device.id,
                device.family,
                device.model,
                device.lon,
                device.lat,
                device.origin,
                "personal" if device.personal else "open",
                device.retired,
            )
            for device in shown
        ],
    )


@app.command("show")
def show(
    device_id: Annotated[str, typer.Argument(help="The device's id.")],
    json_output: Json = False,
) -> None:
    """Show one device: what is registered, and when it was last heard.

    Example: borough devices show bay-7
    """
    with database() as connection:
        device = registry.get(connection, device_id)
        if device is None:
            raise Failure(f"device {device_id} is not registered; see: borough devices list")
        heard = device_status.last_heard(connection, device_id)
    facts = {**described(device), "last_heard": heard}
    if json_output:
        show_json(facts)
        return
    attributes = facts.pop("attributes")
    show_table(("", "value"), [*facts.items(), *attributes.items()])


def described(device: Device) -> dict[str, Any]:
    """A device as JSON values; the class by its word."""
    own = {name: cell for name, cell in cells_of(device).items() if name not in device.attributes}
    return {
        **own,
        "lon": device.lon,
        "lat": device.lat,
        "retired": device.retired,
        "attributes": dict(device.attributes),
    }


@app.command("retire")
def retire(
    device_ids: Annotated[list[str], typer.Argument(help="The ids of the devices that are taken out of service.")],
) -> None:
    """Take devices out of service: their readings stay, new messages of theirs are rejected.

    Run `borough devices credentials` afterwards to take their broker accounts away. Importing a retired device puts it
    back into service.

    Example: borough devices retire bay-7 bay-8
    """
    with database() as connection:
        try:
            retired = registry.retire(connection, device_ids)
        except LookupError as error:
            raise Failure(f"{error}; nothing was retired") from None
    say(f"{counted(retired, 'device')} retired, {len({*device_ids}) - retired} were already.")


@app.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output otherwise.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="csv or geojson; without it the file's ending says, else csv.")
    ] = "",
    family: Annotated[str, typer.Option(help="Only this family.")] = "",
) -> None:
    """Write the devices in service as a file that `borough devices import` reads back to the same.

    Example: borough devices export devices.geojson
    """
    form = form or ("geojson" if file is not None and file.suffix.lower() in (".geojson", ".json") else "csv")
    if form not in _FORMATS:
        raise UsageError(f"--format {form!r}; one of {', '.join(_FORMATS)}")
    with database() as connection:
        shown: Sequence[Device] = sorted(
            (device for device in registered(connection).values() if not family or device.family == family),
            key=lambda device: device.id,
        )
    text = write_csv(shown) if form == "csv" else write_geojson(shown)
    if file is None:
        show_bytes(text.encode())
        return
    file.write_text(text, encoding="utf-8", newline="")
    say(
        f"{counted(sum(not device.retired for device in shown), 'device is', 'devices are')} in {file}, as "
        f"of {datetime.now(UTC):%Y-%m-%d}."
    )


def register(made: typer.Typer) -> None:
    """Add the commands to the command line."""
    made.add_typer(app, name="devices")
