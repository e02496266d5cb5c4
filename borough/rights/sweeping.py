"""Going through everything outside the database for what was erased, as often as it takes.

The first time everything is gone through. After that only what could not be done is looked at again, so that a
recording that has ended, a folder that is there again or a file that somebody removed is noticed soon and cheaply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from borough import broker_accounts
from borough.replay.recording import SUFFIX
from borough.rights import files, mentions
from borough.rights.context import ErasureContext, Report
from devices.naming import Naming
from ingest.forget import ErasureFilter
from ingest.suppressions import Suppressions
from store import erasure, erasures, registry, tombstones
from store.connect import Connection
from store.erasures import Item, Open
from store.tombstones import Tombstone


def make_filter(
    connection: Connection, context: ErasureContext, rows: Sequence[Tombstone]
) -> tuple[ErasureFilter, Suppressions]:
    """What says of messages whether these tombstones cover them. Raises psycopg.Error."""
    suppressions = Suppressions(context.key)
    suppressions.take(rows, 1)
    return ErasureFilter(context.options, suppressions, registry.load(connection)[0]), suppressions


def sweep(connection: Connection, context: ErasureContext, report: Report, *, everywhere: bool = False) -> None:
    """Go through files, and through what other devices' rejections say; note what is left, and what is done.

    ``everywhere``: all of it, also where it was gone through before. Raises WrongKey; psycopg.Error.
    """
    unfinished = erasures.unfinished(connection, context.key)
    pending = tombstones.pending(connection, context.key)
    erasure_filter, suppressions = make_filter(connection, context, pending)
    named = erasure.naming(connection, [one.words for one in unfinished])
    archives, folders, kept = _where(connection, context, unfinished, everywhere=everywhere or not unfinished)
    done = report.swept = files.sweep(archives, folders, kept, erasure_filter, suppressions, named)
    _remove_noted(connection, report)
    if named:
        with connection.transaction():
            report.rows["public.rejected"] += erasure.forget_named(connection, named)
        report.rows += Counter()  # without zeros
    looked = _looked(unfinished, folders, named, suppressions, report)
    meters = {name for one in unfinished for name in (*one.words.meters, *one.words.names)}
    if context.accounts is not None and meters:
        try:
            report.accounts = broker_accounts.forget(context.accounts, meters)
        except (OSError, ValueError) as error:
            done.left("accounts", context.accounts, f"{context.accounts}: {error}")
    for one in unfinished:
        own = Naming(one.words.all())
        still = [Item("look", str(path)) for path in looked if files.names(path, suppressions, own)]
        erasures.note_left(connection, one.mark, [*done.items, *still])
    report.mentioned = [str(path) for path in looked]
    report.pending = [*done.items, *(Item("look", str(path)) for path in looked)]
    if not report.pending:
        with connection.transaction():
            tombstones.files_done(connection, pending)


def _where(
    connection: Connection, context: ErasureContext, unfinished: Sequence[Open], *, everywhere: bool
) -> tuple[list[Path], list[Path], list[tuple[Path, str]]]:
    """Archives, folders and single files to go through."""
    kept = [(Path(path), kind) for path, kind in erasure.kept_files(connection)]
    archives = [] if context.options.archive is None else [context.options.archive]
    if everywhere or not all(one.swept for one in unfinished):
        return archives, list(context.folders), kept
    items = {item for one in unfinished for item in one.items}
    again = {kind: [Path(item.path) for item in sorted(items) if item.kind == kind] for kind in {i.kind for i in items}}
    files_again: list[tuple[Path, str]] = [(path, "recording") for path in again.get("recording", [])]
    for path in again.get("ledger", []):
        files_again.append((path, "ledger"))
        files_again.append((path.with_suffix(""), "ledger"))
    files_again += [
        (path, "recording" if path.suffix == SUFFIX else "ledger") for path in again.get("damaged", [])
    ]  # fmt: skip
    return again.get("archive", []), again.get("folder", []), files_again


def _looked(
    unfinished: Sequence[Open], folders: Sequence[Path], named: Naming, suppressions: Suppressions, report: Report
) -> list[Path]:
    """Files that this program does not know and that name one of the households; copies for its subject are removed."""
    if not named:
        return []
    whose = {one.words.tenancy for one in unfinished}
    left = {Path(item.path) for item in report.swept.items}
    found = mentions.mentions([folder for folder in folders if folder.is_dir()], named, left)
    before = {Path(item.path) for one in unfinished for item in one.items if item.kind == "look"} - left
    found = sorted({*found, *(path for path in before if path.is_file() and files.names(path, suppressions, named))})
    looked = []
    for path in found:
        if mentions.copy_of(path) in whose:
            _remove(report, path)
        else:
            looked.append(path)
    return looked


def _remove_noted(connection: Connection, report: Report) -> None:
    for path in erasure.files(connection):
        if _remove(report, Path(path)):
            with connection.transaction():
                erasure.file_gone(connection, path)


def _remove(report: Report, path: Path) -> bool:
    try:
        report.swept.removed += files.remove(path)
    except OSError as error:
        report.swept.left("file", path, f"{path}: {error.strerror}")
        return False
    return True
