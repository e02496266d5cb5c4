"""``borough maintain``: retention and compression, once a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typer

from borough.database import reachable, require_schema
from borough.errors import Failure
from borough.output import Json, say, show_json
from borough.rights import erase as erasing
from borough.rights.context import ErasureContext, erasure_context, kinds
from borough.settings.addresses import database_place
from borough.settings.collector import archive_retention_days, retention_days
from borough.settings.settings import Settings, need_database_url, read_settings
from devices.counts import counted
from ingest import archive_files
from store import maintain as store_maintain
from store.connect import connect


def maintain(json_output: Json = False) -> None:
    """Delete what is past its retention, and compress old readings where the server can. Run it once a day.

    BOROUGH_RETENTION_... says how many days each family's readings are kept; only movement has a limit by itself.
    BOROUGH_ARCHIVE_RETENTION_... says the same of the archive's messages. Erasures that are not done go on.

    Example: 15 3 * * *  borough maintain
    """
    settings = read_settings()
    url = need_database_url(settings)
    days = retention_days(settings)
    with reachable(url), connect(url, "borough maintain", autocommit=True) as connection:
        require_schema(connection, url)
        report = store_maintain.maintain(
            connection,
            days,
            datetime.now(UTC),
            settings.retention_rejected_bytes,
            settings.columnstore_after,
            settings.retention_access,
            settings.retention_complaints,
            settings.retention_messages,
            settings.retention_care_alerts,
        )
    if settings.tombstone_log is not None and settings.tombstone_key_file is not None:
        _finish(erasure_context(settings), json_output=json_output)
    archived = archive_retention_days(settings)
    freed: dict[str, int] = {}
    strays: list[Path] = []
    if settings.archive is not None:
        freed, strays = archive_files.expire(settings.archive, archived, datetime.now(UTC).date())
    if json_output:
        show_json({
            "retention_days": days, **asdict(report), "archive_retention_days": archived, "archive_bytes_deleted": freed
        })  # fmt: skip
    else:
        _say(settings, report, days, freed)
    if strays:
        raise Failure(
            f"all is done but for {', '.join(map(str, strays))}: called by no day such as 2026-07-01, so nothing in"
            " there is deleted when its time comes, and no erasure can end; remove it or take it out of the archive"
        )


def _say(settings: Settings, report: store_maintain.Report, days: Mapping[str, int], freed: Mapping[str, int]) -> None:
    """What was done, in words."""
    kept = ", ".join(f"{family} {counted(limit, 'day')}" for family, limit in days.items()) or "everything for ever"
    deleted = ", ".join(f"{count} of {family}" for family, count in report.readings.items()) or "none"
    say(f"{database_place(need_database_url(settings))}: kept are {kept}.")
    say(
        f"Readings deleted: {deleted}; chunks dropped: {report.chunks}, compressed: {report.columnstore},"
        f" again: {report.columnstore_again}, left: {report.columnstore_left};"
        f" bytes of rejections deleted: {report.rejected_bytes}; of the log of access: {report.accesses};"
        f" messages to people: {report.messages};"
        f" notices to carers: {report.care_alerts};"
        f" days of bays: {report.bay_days}, their stays: {report.stays};"
        f" minutes of the pipeline: {report.flow_minutes}, notes of written days: {report.touched_days};"
        f" complaints: {report.complaints}."
    )
    if report.publisher_gone:
        say("No observation was told for a week: what was queued is forgotten (`borough doctor` says what to do).")
    if settings.archive is not None:
        gone = ", ".join(f"{counted(count, 'byte')} of {family}" for family, count in freed.items()) or "nothing"
        say(f"Deleted from the archive: {gone}.")


def _finish(context: ErasureContext, *, json_output: bool) -> None:
    """Go on with erasures that are not done; standard output is for the rest."""
    report = erasing.finish(context)
    if report is not None and not json_output:
        left = kinds(report.pending)
        say(f"Erasures are pending ({left}); see borough erase --again." if left else "Erasures are done.")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("maintain")(maintain)
