"""``borough publish``: snapshots of open data, month by month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from borough.database import reachable, require_schema
from borough.errors import AtWork, Failure, SettingsError, UsageError
from borough.output import Json, StatusLine, say, show_json, tell
from borough.publishing import placing
from borough.publishing import run as runs
from borough.publishing.making import Order
from borough.settings.collector import retention_days
from borough.settings.open_data import origin
from borough.settings.settings import Settings, need_database_url, read_settings, variable
from dashboard.open_data import shelf
from dashboard.open_data.shelf import Snapshot
from devices.counts import counted
from devices.text import flaw
from store import session_lock
from store.connect import connect

#: Signs of a reason.
_REASON = 500


def publish(
    check: Annotated[
        bool, typer.Option("--check", help="Make nothing: read every file, compare it with its hash.")
    ] = False,
    withdraw: Annotated[
        str, typer.Option(metavar="DATASET/MONTH/REVISION", help="Withdraw this snapshot: its files go for good.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why it is withdrawn, as anybody may read it.")] = "",
    json_output: Json = False,
) -> int:
    """Publish the months of open data that are over, once, and whatever changed in older ones as a revision.

    Files go into the folder of BOROUGH_OPEN_DATA_FOLDER, whole or not at all; a second run makes nothing new. What is
    not open any more is withdrawn. Run it once a day. Status 1 where something in the folder cannot be read, or with
    --check is not what was published.

    Example: 45 4 * * *  borough publish
    """
    settings = read_settings()
    folder = settings.open_data_folder
    if folder is None:
        raise SettingsError(f"{variable('open_data_folder')} is not set: name a folder for the snapshots")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{variable('open_data_folder')}: {folder} is no folder")
    if check and (withdraw or reason):
        raise UsageError("--check changes nothing: leave --withdraw and --reason away")
    if bool(withdraw) != bool(reason.strip()):
        raise UsageError("--withdraw needs --reason, and --reason --withdraw: people read why something is gone")
    try:
        if check:
            return _check(folder, json_output=json_output)
        if withdraw:
            return _withdraw(settings, folder, withdraw, reason.strip(), json_output=json_output)
        return _publish(settings, folder, json_output=json_output)
    except session_lock.Busy:
        raise AtWork("another borough publish is running on this database; try again when it is done") from None
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror or error}") from None


def _publish(settings: Settings, folder: Path, *, json_output: bool) -> int:
    url = need_database_url(settings)
    order = Order(
        folder,
        settings.council_name,
        settings.open_data_licence,
        origin(settings),
        version("borough-telemetry"),
    )
    rules = runs.Rules(timedelta(days=settings.open_data_after), retention_days(settings))
    line = StatusLine()

    def told(what: str) -> None:
        if line.due():
            line.write(f"publishing {what}")

    with reachable(url), connect(url, "borough publish", autocommit=True) as connection:
        require_schema(connection, url)
        try:
            report = runs.publish(connection, url, order, rules, datetime.now(UTC), told)
        finally:
            line.end()
    for text in report.broken:
        tell(f"not to be read, and neither served nor changed: {text}")
    if json_output:
        show_json({
            "made": [_document(one) for one in report.made],
            "withdrawn": [_name(one) for one in report.withdrawn],
            "unchanged": report.unchanged,
            "past": report.past,
            "broken": report.broken,
        })  # fmt: skip
        return int(bool(report.broken))
    for one in report.withdrawn:
        say(f"Withdrawn: {_name(one)}.")
    for one in report.made:
        manifest = one.manifest
        say(f"Published: {_name(one)}, {counted(manifest.rows, 'row')} of {counted(manifest.devices, 'device')}.")
    if report.unchanged:
        say(f"Written to late, and the same: {', '.join(report.unchanged)}.")
    if report.past:
        say(f"Written to late, and past their retention, so they stay as they are: {', '.join(report.past)}.")
    if not report.made and not report.withdrawn:
        say("Nothing new is to be published.")
    return int(bool(report.broken))


def _check(folder: Path, *, json_output: bool) -> int:
    known = shelf.read(folder)
    public = [one for one in known.snapshots if one.withdrawn is None]
    problems = [*known.broken]
    size = 0
    for one in public:
        size += sum(file.bytes for file in one.manifest.files)
        if (wrong := placing.flaw(one)) is not None:
            problems.append(f"{_name(one)}: {wrong}")
    if json_output:
        show_json({"snapshots": len(public), "bytes": size, "problems": problems})
        return int(bool(problems))
    for text in problems:
        tell(text)
    right = counted(len(public), "snapshot")
    say(f"{right}, {counted(size, 'byte')}: {counted(len(problems), 'problem') if problems else 'all as published'}.")
    return int(bool(problems))


def _withdraw(settings: Settings, folder: Path, key: str, reason: str, *, json_output: bool) -> int:
    if (wrong := flaw(reason)) is not None or len(reason) > _REASON:
        raise UsageError(f"--reason {wrong or f'has more than {_REASON} signs'}")
    dataset, _, rest = key.partition("/")
    month, _, revision = rest.partition("/")
    found = shelf.read(folder).find(dataset, month, int(revision)) if revision.isdecimal() else None
    if found is None:
        raise UsageError(f"--withdraw {key!r}: no such snapshot in {folder}; such as air-readings/2026-10/1")
    if found.withdrawn is not None:
        raise UsageError(f"--withdraw {key}: it was withdrawn on {found.withdrawn.at:%Y-%m-%d} already")
    url = need_database_url(settings)
    with reachable(url), connect(url, "borough publish", autocommit=True) as connection:
        require_schema(connection, url)
        runs.withdraw(connection, found, reason, datetime.now(UTC))
    if json_output:
        show_json({"withdrawn": [_name(found)]})
    else:
        say(f"Withdrawn: {_name(found)}. The next run publishes its month anew, as the database has it then.")
    return 0


def _name(snapshot: Snapshot) -> str:
    return "/".join(map(str, snapshot.key))


def _document(snapshot: Snapshot) -> dict[str, Any]:
    manifest = snapshot.manifest
    return {
        "snapshot": _name(snapshot),
        "rows": manifest.rows,
        "series": manifest.series,
        "devices": manifest.devices,
        "bytes": sum(one.bytes for one in manifest.files),
    }


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("publish")(publish)
