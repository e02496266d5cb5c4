"""Everything that is held about a tenancy, from the database and from the files, as JSON and as one ZIP file."""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from borough.database import require_schema
from borough.errors import Failure
from borough.settings import Settings, collector_options, need_database_url
from devices.csv_table import csv_text
from ingest import archive_files
from ingest.archive_files import ArchiveError
from ingest.forget import Judge
from ingest.options import CollectorOptions
from ingest.refusals import Refusals
from store import devices, erasure
from store import subject as store_subject
from store.connect import Connection, connect
from store.erasure import Plan
from store.times import instant

#: What stands in files of its own in the ZIP, for spreadsheets.
_TABLES = ("readings", "latest", "corrected", "rejected", "days", "comparisons", "accesses", "archived_messages")

_README = """Everything that is held about one tenancy.

everything.json    all of it in one file
readings.csv       every reading of your meters: device, property, unit, time (UTC), value
latest.csv         the newest reading of each property, also where readings are not kept
corrected.csv      readings that were corrected: old and new value
days.csv           energy by fuel and day: watt_hours, and the minutes of the day that were measured
comparisons.csv    what you were told of each week, month and four weeks
accesses.csv       who looked at your data, when, and what they did
rejected.csv       messages of your meters that could not be read, with their bytes while these are kept
archived_messages.csv   messages as they came, without the numbers of your supply, kept for corrections
letters/           copies of the letters that were posted to you

A table that is not here is empty. In the tables text that a spreadsheet could take for a formula has ' before it;
everything.json has all text as it was. The fields are explained in docs/reference/subject.md of Borough Telemetry.
"""


@dataclass(frozen=True, slots=True)
class Means:
    """What is needed to look everywhere."""

    url: str = field(repr=False)
    zone: ZoneInfo
    options: CollectorOptions = field(repr=False)


def means(settings: Settings) -> Means:
    """What is needed by the settings. Raises SettingsError."""
    return Means(need_database_url(settings), settings.time_zone, collector_options(settings))


def subject(need: Means, tenancy_id: int) -> dict[str, Any]:
    """All that is held about a tenancy; instants and days as ISO 8601 text.

    Raises Failure where there is no such tenancy or the archive is damaged; psycopg.Error, OSError.
    """
    with connect(need.url, "borough subject") as connection:
        require_schema(connection, need.url)
        connection.rollback()
        # one moment's view of everything
        connection.execute("set transaction isolation level repeatable read")
        return _subject(connection, need, tenancy_id)


def _subject(connection: Connection, need: Means, tenancy_id: int) -> dict[str, Any]:
    plan = erasure.plan(connection, tenancy_id, need.zone)
    if plan is None:
        raise Failure(f"there is no tenancy {tenancy_id}")
    found = store_subject.everything(connection, plan)
    found["archived_messages"] = _archived(connection, need, plan)
    head = {"program": f"Borough Telemetry {version('borough-telemetry')}", "time_zone": str(need.zone)}
    plain: dict[str, Any] = _plain({**head, **found})
    return plain


def _archived(connection: Connection, need: Means, plan: Plan) -> list[dict[str, Any]]:
    """Messages of the tenancy's meters and days in the archive. A key of this moment marks them as an erasure would."""
    folder = need.options.archive
    if folder is None or not plan.meters:
        return []
    key = secrets.token_bytes(32)
    refusals = Refusals(key)
    refusals.take(plan.tombstones(key), 1)
    judge = Judge(need.options, refusals, devices.load(connection)[0])
    found = []
    try:
        for segment in archive_files.segments(folder):
            held = archive_files.devices_of(segment.path)
            if held is not None and not any(judge.concerns(device_id) for device_id in held):
                continue
            for frame in archive_files.read_frames(segment.path):
                for place, its in enumerate(judge.frame(frame)):
                    if its:
                        payload = frame.payloads[place].decode("utf-8", "backslashreplace")
                        found.append(
                            {
                                "arrival": instant(int(frame.arrivals[place])),
                                "topic": frame.topics[place],
                                "message": payload,
                            }
                        )
    except ArchiveError as error:
        raise Failure(str(error)) from None
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def write_zip(need: Means, tenancy_id: int, path: Path) -> dict[str, int]:
    """All of it as a ZIP file that only its owner may read; rows by table.

    The file is noted before it is written, so that the tenancy's erasure finds it. Raises Failure, psycopg.Error,
    OSError.
    """
    path = path.resolve()
    found = subject(need, tenancy_id)
    with connect(need.url, "borough subject") as connection:
        store_subject.keep(connection, str(path), tenancy_id)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                _fill(archive, found)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return {name: len(rows) for name, rows in found.items() if isinstance(rows, list)}


def _fill(archive: zipfile.ZipFile, found: Mapping[str, Any]) -> None:
    archive.writestr("README.txt", _README)
    archive.writestr("everything.json", json.dumps(found, ensure_ascii=False, indent=1))
    for name in _TABLES:
        if found[name]:
            archive.writestr(f"{name}.csv", _csv(found[name]))
    for letter in found["letters"]:
        path = Path(letter["path"])
        if path.suffix == ".pdf" and path.is_file():
            archive.write(path, f"letters/{letter['from_day']}-{letter['kind']}.pdf")


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0])
    return csv_text(names, ([row[name] for name in names] for row in rows))
