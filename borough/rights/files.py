"""Files outside the database that hold readings of homes: gone through for what was erased, and written anew.

The marks of tombstones say what goes, so that this needs no id, and repeats to the end after an interruption. A file
takes the place of the old one when it is whole.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from borough.replay.recording import SUFFIX, Recorded, RecordingError, RecordingReader, RecordingWriter
from borough.rights import mentions
from devices.naming import Naming
from ingest import archive_files
from ingest.archive_files import OPEN, PERSONAL, Frame
from ingest.forget import ErasureFilter
from ingest.suppressions import Suppressions
from simulators import ledger
from simulators.ledger import NO_TIME, LedgerError, LedgerWriter, Rows
from store.erasures import Item, ItemKind

#: Rows of a ledger that are written together.
_PORTION = 20_000
#: What a ledger is called until it is whole.
_PART = ".parquet.part"
_NOBODY = Naming(())


@dataclass(slots=True)
class Swept:
    """What was done: rows, messages and files that went. ``items`` could not be done, ``problems`` say why."""

    ledger_rows: int = 0
    recorded_messages: int = 0
    archived_messages: int = 0
    files: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def left(self, kind: ItemKind, path: Path, why: str) -> None:
        """Note what could not be done."""
        self.problems.append(why)
        self.items.append(Item(kind, str(path)))


def sweep(
    archives: Iterable[Path],
    folders: Iterable[Path],
    kept: Sequence[tuple[Path, str]],
    erasure_filter: ErasureFilter,
    suppressions: Suppressions,
    naming: Naming = _NOBODY,
) -> Swept:
    """Go through archives, folders (ledgers, recordings and archives in them, at any depth) and single files.

    Messages of other devices that name a household (``naming``) go as a whole.
    """
    done = Swept()
    folders = [*folders, *(path for path, _ in kept if path.is_dir())]
    whole = {path.resolve() for path in archives}
    ledgers: set[Path] = set()
    recordings: set[Path] = set()
    for path, kind in kept:
        if path.is_dir():
            continue
        (ledgers if kind == "ledger" else recordings).add(path.resolve())
    for folder in folders:
        if not folder.is_dir():
            done.left("folder", folder, f"{folder} is no folder")
            continue
        for path in _walk(folder.resolve()):
            if path.is_dir() and _is_archive(path):
                whole.add(path)
            elif path.suffix == ".parquet":
                if ledger.is_ledger(path):
                    ledgers.add(path)
                elif _names_a_meter(path, suppressions, naming):
                    done.left("look", path, f"{path} names an erased meter and is no ledger: remove it or make it anew")
            elif path.name.endswith(_PART):
                done.left("ledger", path, f"{path} is a ledger that is being written: it can be read when it is whole")
            elif path.suffix == SUFFIX:
                recordings.add(path)
    for archive in sorted(path for path in whole if path.is_dir()):
        _archive(archive, erasure_filter, naming, done)
    for path in sorted(ledgers):
        _ledger(path, suppressions, naming, done)
    for path in sorted(recordings):
        _recording(path, erasure_filter, naming, done)
    return done


def _walk(folder: Path) -> Iterator[Path]:
    yield folder
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            yield path


def _is_archive(path: Path) -> bool:
    return (path / OPEN).is_dir() and (path / PERSONAL).is_dir()


def _archive(folder: Path, erasure_filter: ErasureFilter, naming: Naming, done: Swept) -> None:
    def named(frame: Frame) -> bool:
        return naming(b"\n".join(frame.payloads)) or naming("\n".join(frame.topics).encode())

    def gone(frame: Frame) -> Sequence[bool]:
        own = erasure_filter.frame(frame)
        if not naming.searched:
            return own
        messages = zip(own, frame.topics, frame.payloads, strict=True)
        return [goes or naming.topic(topic) or naming(payload) for goes, topic, payload in messages]

    try:
        messages, files = archive_files.forget_messages(
            folder, erasure_filter.concerns, gone, named if naming.searched else None
        )  # fmt: skip
    except (archive_files.ArchiveError, OSError) as error:
        done.left("archive", folder, f"archive {folder}: {error}")
        return
    done.archived_messages += messages
    done.files += files


def _ledger(path: Path, suppressions: Suppressions, naming: Naming, done: Swept) -> None:
    new = path.with_name(path.name + ".erasing")
    try:
        gone = sum(int(_gone(rows, suppressions, naming).sum()) for rows in ledger.read([path]))
        if not gone:
            return
        with LedgerWriter(new) as writer:
            for rows in ledger.read([path]):
                writer.append(rows.take(~_gone(rows, suppressions, naming)))
        _replace(new, path)
    except (LedgerError, OSError) as error:
        if not isinstance(error, FileNotFoundError) and path.exists():
            done.left("damaged", path, str(error))
        return
    done.ledger_rows += gone
    done.files += 1


def names(path: Path, suppressions: Suppressions, naming: Naming) -> bool:
    """Whether a file that this program does not know names a household."""
    return mentions.names(path, naming) or (path.suffix == ".parquet" and _names_a_meter(path, suppressions, naming))


def _names_a_meter(path: Path, suppressions: Suppressions, naming: Naming) -> bool:
    """Whether a table that is no ledger holds the id of a meter of which something was erased."""
    try:
        with pq.ParquetFile(path) as table:
            texts = [one.name for one in table.schema_arrow if pa.types.is_string(one.type)]
            for batch in table.iter_batches(columns=texts):
                for column in batch.columns:
                    for word in column.unique().to_pylist():
                        if word is not None and (suppressions.of(word) is not None or naming.topic(word)):
                            return True
    except (OSError, pa.ArrowInvalid):
        return False  # no Parquet file: searched for ids like any other
    return False


def _gone(rows: Rows, suppressions: Suppressions, naming: Naming) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows of a ledger that must go, ``(rows,)``: by each of their times, by when they were sent if they have none."""
    gone = np.zeros(len(rows), bool)
    untimed = (rows.time == NO_TIME) & (rows.stored_time == NO_TIME)
    for number, device_id in enumerate(rows.devices):
        found = suppressions.of(device_id)
        own = rows.device == number
        if naming.equals(device_id):
            gone |= own
        if found is None:
            continue
        for start, end in found.periods:
            for times, which in ((rows.time, own), (rows.stored_time, own),
                                 (rows.due, own & untimed), (rows.published, own & untimed)):  # fmt: skip
                gone |= which & (times != NO_TIME) & (times >= start) & (times < end)
    return gone


def _recording(path: Path, erasure_filter: ErasureFilter, naming: Naming, done: Swept) -> None:
    try:
        with path.open("rb") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                done.left("recording", path, f"{path} is being recorded: it is gone through when that has ended")
                return
            gone = sum(int(marks.sum()) for _, marks in _marked(path, erasure_filter, naming))
            if not gone:
                return
            new = path.with_name(path.name + ".erasing")
            new.unlink(missing_ok=True)  # of an interrupted erasure
            with RecordingWriter(new) as writer:
                for messages, marks in _marked(path, erasure_filter, naming):
                    for message, goes in zip(messages, marks.tolist(), strict=True):
                        if not goes:
                            writer.add(message)
            _replace(new, path)
    except FileNotFoundError:
        return
    except (RecordingError, OSError) as error:
        done.left("damaged", path, str(error))
        return
    done.recorded_messages += gone
    done.files += 1


def _marked(
    path: Path, erasure_filter: ErasureFilter, naming: Naming
) -> Iterator[tuple[list[Recorded], np.ndarray[tuple[int], np.dtype[np.bool_]]]]:
    portion: list[Recorded] = []
    for message in RecordingReader(path):
        portion.append(message)
        if len(portion) >= _PORTION:
            yield portion, _marks(portion, erasure_filter, naming)
            portion = []
    if portion:
        yield portion, _marks(portion, erasure_filter, naming)


def _marks(
    messages: list[Recorded], erasure_filter: ErasureFilter, naming: Naming
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    own = erasure_filter(
        [one.topic for one in messages], [one.payload for one in messages], [one.arrival for one in messages]
    )
    if not naming.searched:
        return own
    return own | np.array([naming.topic(one.topic) or naming(one.payload) for one in messages], np.bool_)


def _replace(new: Path, path: Path) -> None:
    """Put a whole new file in an old one's place, with its rights, and wait until the disk has it."""
    new.chmod(path.stat().st_mode & 0o777)
    file = os.open(new, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    new.replace(path)


def remove(path: Path) -> bool:
    """Remove a file; whether it was there. Raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
