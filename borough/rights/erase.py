"""Erasing a tenancy from beginning to end: log, tombstones, database, files (docs/decisions/006-erasure.md).

Killed at any moment, the same command goes on: tombstones and the list of files say what is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from psycopg import errors

from borough.database import require_schema, require_zone
from borough.errors import Failure, UsageError
from borough.rights.context import Busy, ErasureContext, Report
from borough.rights.sweeping import make_filter, sweep
from borough.settings.settings import variable
from store import erasure, erasures, tombstones
from store.connect import Connection, connect
from store.erasure import Plan
from store.erasures import State
from store.tombstones import WrongKey

_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
#: A transaction that met another's locks is tried so often.
_ATTEMPTS = 5
#: Longest wait for a lock [s].
_LOCK_SECONDS = 60.0


@contextmanager
def _connected(context: ErasureContext, patience: float = _LOCK_SECONDS) -> Iterator[Connection]:
    with connect(context.url, "borough erase", autocommit=True, lock_timeout=_LOCK_SECONDS) as connection:
        require_schema(connection, context.url)
        require_zone(connection, context.zone)  # days of another zone would be somebody else's hours
        until = time.monotonic() + patience
        while not erasure.alone(connection):
            if time.monotonic() > until:
                raise Busy("another erasure is running; try again when it is done")
            time.sleep(0.2)
        with _right_key():
            tombstones.load(connection, context.key)
            yield connection


@contextmanager
def _right_key() -> Iterator[None]:
    try:
        yield
    except WrongKey as error:
        raise Failure(f"{variable('tombstone_key_file')}: {error}") from None


def dry_run(context: ErasureContext, tenancy_id: int) -> Report:
    """What would go; nothing is changed. Raises Failure where there is no such tenancy; psycopg.Error."""
    with _connected(context) as connection:
        plan = _plan(connection, context, tenancy_id)
        report = Report([tenancy_id], meters=len(plan.meters), merged=list(plan.merged))
        with connection.transaction(force_rollback=True):
            report.rows = erasure.erase(connection, context.key, plan, _late(connection, context, plan))
        report.mentioned = [*plan.letters, *plan.merged, *plan.exports]
    return report


def ask(context: ErasureContext, tenancy_id: int) -> State:
    """Note that a tenancy is to be erased: whoever erases next does it, also after this process has ended.

    Asked for one that was erased, or is being erased, it says how far that is. Raises Failure where there is no such
    tenancy; psycopg.Error.
    """
    with connect(context.url, "borough erase", autocommit=True) as connection:
        require_schema(connection, context.url)
        require_zone(connection, context.zone)
        with connection.transaction():
            plan = erasure.plan(connection, tenancy_id, context.zone)
            if plan is not None:
                erasures.begin(connection, context.key, plan.words())
        found = erasures.state(connection, context.key, tenancy_id)
    if found is None:
        raise Failure(f"there is no tenancy {tenancy_id}")
    return found


def ask_state(context: ErasureContext, tenancy_id: int) -> State:
    """How far the erasure of a tenancy is that was asked for. Raises Failure where it was not; psycopg.Error."""
    found = state(context, tenancy_id)
    if found is None:
        raise Failure(f"nobody asked for tenancy {tenancy_id} to be erased")
    return found


def state(context: ErasureContext, tenancy_id: int) -> State | None:
    """How far the erasure of a tenancy is; None where nobody asked for one. Raises psycopg.Error."""
    with connect(context.url, "borough erase", autocommit=True) as connection:
        return erasures.state(connection, context.key, tenancy_id)


def erase(context: ErasureContext, tenancy_id: int) -> Report:
    """Erase a tenancy. What an interrupted erasure left is finished first.

    Raises Failure where there is no such tenancy and nothing to finish; psycopg.Error, OSError.
    """
    report = Report()
    try:
        if ask(context, tenancy_id).erased is None:
            report.tenancies.append(tenancy_id)
    except Failure:
        with _connected(context) as connection:
            if not _anything(connection, context):
                raise
    with _connected(context) as connection:
        _run(connection, context, report)
    return report


def finish(context: ErasureContext, patience: float = 0.0) -> Report | None:
    """Go on with what was asked for and is not done; None where there is nothing, or another process is at it.

    ``patience``: how long to wait for that [s].

    Raises Failure, psycopg.Error, OSError.
    """
    try:
        with _connected(context, patience) as connection:
            erasures.forget_sessions(connection)
            with connection.transaction():
                tombstones.begin_bays(connection, context.key, datetime.now(UTC), context.log)
            if not _anything(connection, context):
                return None
            report = Report()
            _run(connection, context, report)
            return report
    except Busy:
        return None


def again(context: ErasureContext) -> Report:
    """Repeat every erasure of the log, in a database that was restored from a backup; and finish what is left.

    Raises Failure for a log that cannot be used, or whose folder is not there where the database knows of no erasure;
    psycopg.Error, OSError.
    """
    report = Report()
    with _connected(context) as connection:
        known, _ = tombstones.load(connection, context.key)
        if not (known or _anything(connection, context) or context.log.exists()):
            if not context.log.parent.is_dir():
                raise Failure(
                    f"{context.log.parent} is not there, in which the log of tombstones is to be: whether anybody was"
                    " erased is not known. Bring it back (mount the volume), or make it where nobody was"
                )
            report.nobody = True
            return report
        try:
            found = tombstones.read_log(context.log, context.key)
        except ValueError as error:
            raise Failure(str(error)) from None
        with connection.transaction():
            tombstones.put(connection, context.key, (row._replace(gone=False) for row in found))
        held, _ = erasure.marked(connection, context.key, found)
        for tenancy_id in held:
            report.tenancies.append(tenancy_id)
            plan = _plan(connection, context, tenancy_id)
            with connection.transaction():
                erasures.begin(connection, context.key, plan.words())
            _erase(connection, context, report, plan, logged=True)
        _, meters = erasure.marked(connection, context.key, found)
        report.meters += len(meters)
        with connection.transaction():
            report.rows += erasure.empty_meters(connection, context.key, meters)
        erasure.vacuum(connection, report.rows, min((one.start for one in meters), default=datetime.now(UTC)))
        _run(connection, context, report, everywhere=True)
    return report


def _anything(connection: Connection, context: ErasureContext) -> bool:
    return bool(
        erasures.unfinished(connection, context.key)
        or tombstones.pending(connection, context.key)
        or erasure.files(connection)
    )


def _run(connection: Connection, context: ErasureContext, report: Report, *, everywhere: bool = False) -> None:
    """Bring everything that was asked for as far as it can be brought now."""
    for one in erasures.unfinished(connection, context.key):
        if one.erased:
            continue
        plan = erasure.plan(connection, one.words.tenancy, context.zone)
        if plan is None:  # an erasure that was killed between its commit and its end
            with connection.transaction():
                erasures.erased(connection, one.mark)
        else:
            _erase(connection, context, report, plan, logged=False)
    sweep(connection, context, report, everywhere=everywhere)


def _plan(connection: Connection, context: ErasureContext, tenancy_id: int) -> Plan:
    plan = erasure.plan(connection, tenancy_id, context.zone)
    if plan is None:
        raise Failure(f"there is no tenancy {tenancy_id}")
    return plan


def _erase(connection: Connection, context: ErasureContext, report: Report, plan: Plan, *, logged: bool) -> Plan:
    if not logged:
        tombstones.write_log(context.log, context.key, plan.tombstones(context.key, gone=True))
    named = [str(path) for path in _named(context.folders, str(plan.tenancy_id))]
    beside = [str(path) for merged in plan.merged for path in Path(merged).parent.glob(f"{Path(merged).stem}.*")]
    beside += [str(Path(path).with_name(f".{Path(path).name}.part")) for path in (*plan.letters, *plan.merged)]
    with connection.transaction():
        erasure.bury(connection, context.key, plan, [*named, *beside])
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with connection.transaction():
                report.rows += erasure.erase(connection, context.key, plan, _late(connection, context, plan))
            break
        except _AGAIN:
            if attempt == _ATTEMPTS:
                raise
    report.meters += len(plan.meters)
    report.merged += plan.merged
    erasure.vacuum(connection, report.rows, min((one.start for one in plan.meters), default=plan.start))
    return plan


def _late(connection: Connection, context: ErasureContext, plan: Plan) -> list[int]:
    """Rejections of meters that stay, which arrived later and speak of the tenancy's days."""
    found = erasure.late_rejections(connection, plan)
    if not found:
        return []
    erasure_filter = make_filter(connection, context, plan.tombstones(context.key))[0]
    marks = erasure_filter([one.topic for one in found], [one.payload for one in found], [one.arrival for one in found])
    return [one.id for one, goes in zip(found, marks.tolist(), strict=True) if goes]


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
