"""Everything that is held about a tenancy, from the database and from the files, as JSON and as one ZIP file."""

from __future__ import annotations

import os
import secrets
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import orjson

from borough.database import require_schema, require_zone
from borough.errors import Failure
from borough.settings.collector import collector_options
from borough.settings.settings import Settings, need_database_url
from devices.csv_table import csv_text
from ingest import archive_files
from ingest.archive_files import ArchiveError
from ingest.forget import ErasureFilter
from ingest.options import CollectorOptions
from ingest.suppressions import Suppressions
from store import erasure, registry
from store import subject as store_subject
from store.connect import connect, see_one_moment
from store.erasure import Plan
from store.subject import Everything, Open, Row
from store.times import instant

#: What stands in files of its own in the ZIP, for spreadsheets.
_TABLES = (
    "readings",
    "latest",
    "corrected",
    "rejected",
    "days",
    "comparisons",
    "accesses",
    "messages",
    "archived_messages",
)

#: Archived messages that go together; each may be as large as a message may be.
_MESSAGES = 8

_README = """Everything that is held about one tenancy.

everything.json    all of it in one file
readings.csv       every reading of your meters: device, property, unit, time (UTC), value
latest.csv         the newest reading of each property, also where readings are not kept
corrected.csv      readings that were corrected: old and new value
days.csv           energy by fuel and day: watt_hours, and the minutes of the day that were measured
comparisons.csv    what you were told of each week, month and four weeks
messages.csv       what you were told by e-mail, and what carers were told of your home
accesses.csv       who looked at your data, when, and what they did
rejected.csv       messages of your meters that could not be read, with their bytes while these are kept
archived_messages.csv   messages as they came, without the numbers of your supply, kept for corrections
letters/           copies of the letters that were posted to you

A table that is not here is empty. In the tables text that a spreadsheet could take for a formula has ' before it;
everything.json has all text as it was. The fields are explained in docs/reference/subject.md of Borough Telemetry.
"""


@dataclass(frozen=True, slots=True)
class SubjectContext:
    """What is needed to look everywhere."""

    url: str = field(repr=False)
    zone: ZoneInfo
    options: CollectorOptions = field(repr=False)


def subject_context(settings: Settings) -> SubjectContext:
    """What is needed by the settings. Raises SettingsError."""
    return SubjectContext(need_database_url(settings), settings.time_zone, collector_options(settings))


def subject(context: SubjectContext, tenancy_id: int, open_: Open) -> Iterator[bytes]:
    """All that is held about a tenancy as JSON, in pieces; ``open_`` gives a connection for each of them.

    Instants and days are ISO 8601 text. Raises Failure where there is no such tenancy, where it is erased meanwhile,
    or where the archive is damaged; psycopg.Error, OSError.
    """
    return _json(_everything(context, tenancy_id, open_), lambda: store_subject.there(open_, tenancy_id))


def _everything(context: SubjectContext, tenancy_id: int, open_: Open) -> Everything:
    with open_() as connection:
        require_zone(connection, context.zone)
        plan = erasure.plan(connection, tenancy_id, context.zone)
    if plan is None:
        raise Failure(f"there is no tenancy {tenancy_id}")
    return {
        "program": f"Borough Telemetry {version('borough-telemetry')}",
        "time_zone": str(context.zone),
        **store_subject.everything(open_, plan),
        "archived_messages": lambda: _archived(open_, context, plan),
    }


def _json(found: Everything, there: Callable[[], bool]) -> Iterator[bytes]:
    comma = b"{\n"
    for name, part in found.items():
        begin = comma + b"  %s: " % orjson.dumps(name)
        comma = b",\n"
        if not callable(part):
            yield begin + _dumped(part)
            continue
        begin += b"["
        for rows in part():
            # nothing now and then: whoever makes pieces for many turns to another
            yield (begin + b",".join(b"\n    " + _dumped(row) for row in rows)) if rows else b""
            begin = b"," if rows else begin
        yield b"\n  ]" if begin == b"," else begin + b"]"
    if not there():
        raise Failure("the tenancy was erased meanwhile")
    yield b"\n}\n"


def _dumped(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _archived(open_: Open, context: SubjectContext, plan: Plan) -> Iterator[list[Row]]:
    """Messages of the tenancy's meters and days in the archive. A key of this moment marks them as an erasure would."""
    folder = context.options.archive
    if folder is None or not plan.meters:
        return
    key = secrets.token_bytes(32)
    suppressions = Suppressions(key)
    suppressions.take(plan.tombstones(key), 1)
    with open_() as connection:
        erasure_filter = ErasureFilter(context.options, suppressions, registry.load(connection)[0])
    try:
        for segment in archive_files.segments(folder):
            held = archive_files.devices_of(segment.path)
            if held is not None and not any(erasure_filter.concerns(device_id) for device_id in held):
                continue
            for frame in archive_files.read_frames(segment.path):
                places = [place for place, its in enumerate(erasure_filter.frame(frame)) if its]
                yield []
                for first in range(0, len(places), _MESSAGES):
                    yield [_message(frame, place) for place in places[first : first + _MESSAGES]]
    except ArchiveError as error:
        raise Failure(str(error)) from None


def _message(frame: archive_files.Frame, place: int) -> Row:
    payload = frame.payloads[place].decode("utf-8", "backslashreplace")
    return {"arrival": instant(int(frame.arrivals[place])), "topic": frame.topics[place], "message": payload}


def write_json(context: SubjectContext, tenancy_id: int, write: Callable[[Iterator[bytes]], None]) -> None:
    """All of it as JSON, as it is at one moment, to ``write`` in pieces of whole words.

    Raises Failure, psycopg.Error, OSError.
    """
    with _one_moment(context) as open_:
        write(subject(context, tenancy_id, open_))


def write_zip(context: SubjectContext, tenancy_id: int, path: Path) -> dict[str, int]:
    """All of it as a ZIP file that only its owner may read, as it is at one moment; rows by table.

    The file is noted before it is written, so that the tenancy's erasure finds it. Raises Failure, psycopg.Error,
    OSError.
    """
    path = path.resolve()
    with _one_moment(context) as open_:
        found = _everything(context, tenancy_id, open_)
        with connect(context.url, "borough subject") as connection:
            store_subject.keep(connection, str(path), tenancy_id)
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        try:
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w+b") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                    counts = _fill(archive, found)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return counts


@contextmanager
def _one_moment(context: SubjectContext) -> Iterator[Open]:
    """A view of everything as it is now, for as long as it takes."""
    with connect(context.url, "borough subject") as connection:
        require_schema(connection, context.url)
        connection.rollback()
        see_one_moment(connection)
        yield lambda: nullcontext(connection)


def _fill(archive: zipfile.ZipFile, found: Everything) -> dict[str, int]:
    archive.writestr("README.txt", _README)
    with archive.open("everything.json", "w", force_zip64=True) as file:
        file.writelines(_json(found, lambda: True))
    counts: dict[str, int] = {}
    for name, part in found.items():
        if not callable(part):
            continue
        counts[name] = 0
        out: IO[bytes] | None = None
        for rows in part():
            counts[name] += len(rows)
            if rows and name in _TABLES:
                head = out is None
                out = out or archive.open(f"{name}.csv", "w", force_zip64=True)
                out.write(_csv(rows, head=head).encode())
            if name == "letters":
                _letters(archive, rows)
        if out is not None:
            out.close()
    return counts


def _letters(archive: zipfile.ZipFile, rows: Sequence[Row]) -> None:
    """Copies by their period; of one period there may be several, as messages of the outbox are."""
    known = Counter[str]()
    for letter in rows:
        path = Path(letter["path"])
        if path.suffix == ".pdf" and path.is_file():
            name = f"{letter['from_day']}-{letter['kind']}"
            known[name] += 1
            again = f"-{known[name]}" if known[name] > 1 else ""
            archive.write(path, f"letters/{name}{again}.pdf")


def _csv(rows: Sequence[Row], *, head: bool) -> str:
    names = list(rows[0])
    return csv_text(names if head else None, ([_plain(row[name]) for name in names] for row in rows))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
