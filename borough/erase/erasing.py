"""Erasing a tenancy from beginning to end: log, tombstones, database, files (docs/decisions/006-erasure.md).

Killed at any moment, the same command goes on: tombstones and the list of files say what is left.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import errors

from borough.database import require_schema
from borough.erase import files
from borough.erase.files import Swept
from borough.errors import Failure, UsageError
from borough.settings import Settings, collector_options, need_database_url, tombstone_key, variable
from ingest.forget import Judge
from ingest.options import CollectorOptions
from ingest.refusals import Refusals
from ingest.subscriptions import SettingsError
from store import devices, erasure, tombstones
from store.connect import Connection, connect
from store.erasure import Plan
from store.tombstones import Tombstone, WrongKey

_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_ATTEMPTS = 5
_LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Means:
    """What an erasure needs. ``folders`` hold ledgers, recordings and exports of homes."""

    url: str = field(repr=False)
    key: bytes = field(repr=False)
    log: Path
    zone: ZoneInfo
    options: CollectorOptions = field(repr=False)
    folders: Sequence[Path]


@dataclass(slots=True)
class Report:
    """What was erased, or would be: rows by table, files by kind. ``mentioned``: files somebody must look at."""

    tenancies: list[int] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    meters: int = 0
    merged: list[str] = field(default_factory=list)
    mentioned: list[str] = field(default_factory=list)
    swept: Swept = field(default_factory=Swept)


def means(settings: Settings, folders: Sequence[Path] = ()) -> Means:
    """What an erasure needs by the settings. Raises SettingsError."""
    if settings.tombstone_log is None:
        raise SettingsError(
            f"{variable('tombstone_log')} is not set; give a file outside the database in which erasures are noted"
        )
    return Means(
        need_database_url(settings),
        tombstone_key(settings),
        settings.tombstone_log,
        settings.time_zone,
        collector_options(settings),
        [*settings.personal_folders, *folders],
    )


@contextmanager
def _connected(need: Means) -> Iterator[Connection]:
    with connect(need.url, "borough erase", autocommit=True, lock_timeout=_LOCK_SECONDS) as connection:
        require_schema(connection, need.url)
        until = time.monotonic() + _LOCK_SECONDS
        while not erasure.alone(connection):
            if time.monotonic() > until:
                raise Failure("another erasure is running; try again when it is done")
            time.sleep(0.2)
        try:
            tombstones.load(connection, need.key)
            yield connection
        except WrongKey as error:
            raise Failure(f"{variable('tombstone_key_file')}: {error}") from None


def dry_run(need: Means, tenancy_id: int) -> Report:
    """What would go; nothing is changed. Raises Failure where there is no such tenancy; psycopg.Error."""
    with _connected(need) as connection:
        plan = _plan(connection, need, tenancy_id)
        report = Report([tenancy_id], meters=len(plan.meters), merged=list(plan.merged))
        with connection.transaction(force_rollback=True):
            report.rows = erasure.erase(connection, need.key, plan, _late(connection, need, plan))
        report.mentioned = [*plan.letters, *plan.merged, *plan.exports]
    return report


def erase(need: Means, tenancy_id: int) -> Report:
    """Erase a tenancy. What an interrupted erasure left is finished first.

    Raises Failure where there is no such tenancy and nothing to finish; psycopg.Error, OSError.
    """
    with _connected(need) as connection:
        left = _finish(connection, need)
        if erasure.plan(connection, tenancy_id, need.zone) is None and left is not None:
            return left
        report = Report([tenancy_id])
        plan = _erase(connection, need, report, _plan(connection, need, tenancy_id), logged=False)
        report.swept = _files(connection, need)
        words = [str(tenancy_id), plan.uprn, *(one.device_id for one in plan.meters if one.gone)]
        report.mentioned = [str(path) for path in files.mentions(_existing(need.folders), words)]
    return report


def again(need: Means) -> Report:
    """Repeat every erasure of the log, in a database that was restored from a backup; and finish what is left.

    Raises Failure for a log that cannot be used; psycopg.Error, OSError.
    """
    report = Report()
    with _connected(need) as connection:
        try:
            found = tombstones.read_log(need.log, need.key)
        except ValueError as error:
            raise Failure(str(error)) from None
        with connection.transaction():
            tombstones.put(connection, need.key, (row._replace(gone=False) for row in found))
        held, _ = erasure.marked(connection, need.key, found)
        for tenancy_id in held:
            report.tenancies.append(tenancy_id)
            _erase(connection, need, report, _plan(connection, need, tenancy_id), logged=True)
        _, meters = erasure.marked(connection, need.key, found)
        report.meters += len(meters)
        with connection.transaction():
            report.rows += erasure.empty_meters(connection, need.key, meters)
        erasure.vacuum(connection, report.rows, min((one.start for one in meters), default=datetime.now(UTC)))
        report.swept = _files(connection, need)
    return report


def _plan(connection: Connection, need: Means, tenancy_id: int) -> Plan:
    plan = erasure.plan(connection, tenancy_id, need.zone)
    if plan is None:
        raise Failure(f"there is no tenancy {tenancy_id}")
    return plan


def _erase(connection: Connection, need: Means, report: Report, plan: Plan, *, logged: bool) -> Plan:
    if not logged:
        tombstones.write_log(need.log, need.key, plan.tombstones(need.key, gone=True))
    named = [str(path) for path in _named(need.folders, str(plan.tenancy_id))]
    beside = [str(path) for merged in plan.merged for path in Path(merged).parent.glob(f"{Path(merged).stem}.*")]
    beside += [str(Path(path).with_name(f".{Path(path).name}.part")) for path in (*plan.letters, *plan.merged)]
    with connection.transaction():
        erasure.bury(connection, need.key, plan, [*named, *beside])
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with connection.transaction():
                report.rows += erasure.erase(connection, need.key, plan, _late(connection, need, plan))
            break
        except _AGAIN:
            if attempt == _ATTEMPTS:
                raise
    report.meters += len(plan.meters)
    report.merged += plan.merged
    erasure.vacuum(connection, report.rows, min((one.start for one in plan.meters), default=plan.start))
    return plan


def _late(connection: Connection, need: Means, plan: Plan) -> list[int]:
    """Rejections of meters that stay, which arrived later and speak of the tenancy's days."""
    found = erasure.late_rejections(connection, plan)
    if not found:
        return []
    judge = _judge(connection, need, plan.tombstones(need.key))[0]
    marks = judge([one.topic for one in found], [one.payload for one in found], [one.arrival for one in found])
    return [one.id for one, goes in zip(found, marks.tolist(), strict=True) if goes]


def _judge(connection: Connection, need: Means, rows: Sequence[Tombstone]) -> tuple[Judge, Refusals]:
    refusals = Refusals(need.key)
    refusals.take(rows, 1)
    return Judge(need.options, refusals, devices.load(connection)[0]), refusals


def _finish(connection: Connection, need: Means) -> Report | None:
    """What an earlier erasure left to do with files; None where it left nothing."""
    if not tombstones.pending(connection, need.key) and not erasure.files(connection):
        return None
    return Report(swept=_files(connection, need))


def _files(connection: Connection, need: Means) -> Swept:
    pending = tombstones.pending(connection, need.key)
    judge, refusals = _judge(connection, need, pending)
    archives = [] if need.options.archive is None else [need.options.archive]
    kept = [(Path(path), kind) for path, kind in erasure.kept_files(connection)]
    swept = files.sweep(archives, need.folders, kept, judge, refusals)
    for path in erasure.files(connection):
        try:
            swept.removed += files.remove(Path(path))
        except OSError as error:
            swept.problems.append(f"{path}: {error.strerror}")
            continue
        with connection.transaction():
            erasure.file_gone(connection, path)
    if not swept.problems:
        with connection.transaction():
            tombstones.files_done(connection, pending)
    return swept


def _existing(folders: Sequence[Path]) -> list[Path]:
    return [folder for folder in folders if folder.is_dir()]


def _named(folders: Sequence[Path], word: str) -> list[Path]:
    """Files whose name says that they are of a tenancy."""
    return [
        path for folder in _existing(folders) for path in folder.rglob(f"*{word}*") if path.is_file()
    ]  # fmt: skip


def check_folders(folders: Sequence[Path]) -> None:
    """Raise UsageError for a folder that is none."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--folder {folder} is no folder")
