"""Files that are gone through after an erasure: what is done to each kind, and what is only told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from borough.replay.recording import Recorded, RecordingReader, RecordingWriter
from borough.rights import files, mentions
from devices.decoders import FORMATS
from devices.naming import Naming
from ingest.forget import ErasureFilter
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import native
from ingest.suppressions import Suppressions
from simulators import ledger
from simulators.ledger import NO_TIME, LedgerWriter, Rows
from store import tombstones
from store.tombstones import Tombstone

KEY = b"a key of the unit tests, long enough to be one"
START = 1_769_904_000_000_000
HOUR = 3_600_000_000
GONE, OTHER = "meter-gone", "meter-other"


@pytest.fixture
def suppressions() -> Suppressions:
    """The first ten hours of one meter were erased."""
    found = Suppressions(KEY)
    mark = tombstones.mark(KEY, GONE)
    found.take([Tombstone("meter", mark, START, START + 10 * HOUR, "smart-meter", "native", gone=True)], 1)
    return found


@pytest.fixture
def erasure_filter(suppressions: Suppressions) -> ErasureFilter:
    return ErasureFilter(CollectorOptions("", BrokerOptions(), native(FORMATS)), suppressions, [])


def rows(times: list[int], due: list[int]) -> Rows:
    """Rows of both meters in turn."""
    count = len(times)
    zero = np.zeros(count, np.int32)
    time = np.array(times, np.int64)
    return Rows(
        ["smart-meter"], [GONE, OTHER], ["power"], [""], [""], np.arange(count), zero,
        (np.arange(count) % 2).astype(np.int32), zero, time, np.arange(count) / 7, np.array(due, np.int64),
        np.full(count, NO_TIME, np.int64), zero, np.zeros(count, np.uint8), zero, time, np.arange(count) / 7,
        np.zeros(count, np.int64),
    )  # fmt: skip


def test_rows_of_a_ledger_go_by_their_time_or_by_when_they_were_sent(
    tmp_path: Path, suppressions: Suppressions, erasure_filter: ErasureFilter
) -> None:
    path = tmp_path / "deep" / "ledger.parquet"
    path.parent.mkdir()
    times = [START, START, START + 10 * HOUR, START, NO_TIME, NO_TIME, NO_TIME, NO_TIME]
    due = [START - HOUR] * 4 + [START, START, START - 1, START]
    with LedgerWriter(path) as writer:
        writer.append(rows(times, due))
    path.chmod(0o640)
    done = files.sweep([], [tmp_path], [], erasure_filter, suppressions)
    assert (done.ledger_rows, done.files, done.problems) == (2, 1, [])
    (left,) = ledger.read([path])
    assert left.message.tolist() == [1, 2, 3, 5, 6, 7]
    assert path.stat().st_mode & 0o777 == 0o640
    before = path.read_bytes()
    assert files.sweep([], [tmp_path], [], erasure_filter, suppressions).files == 0
    assert path.read_bytes() == before, "a file that holds nothing is not touched"


def message(device: str, time: str, arrival: int = START) -> Recorded:
    payload = f'{{"time": "{time}", "power": 1.5}}'.encode()
    return Recorded(arrival, f"borough/smart-meter/{device}/reading", payload, 1, False)


def test_messages_of_a_recording_go_by_their_readings(
    tmp_path: Path, suppressions: Suppressions, erasure_filter: ErasureFilter
) -> None:
    path = tmp_path / "recording-1.btr"
    kept = [
        message(OTHER, "2026-02-01T01:00:00Z"),
        message(GONE, "2026-02-01T10:00:00Z", START + 10 * HOUR),
        Recorded(START, f"other/{OTHER}/state", b"online", 0, True),
        Recorded(START + 11 * HOUR, f"borough/smart-meter/{GONE}/reading", b"no JSON", 1, False),
    ]
    gone = [
        message(GONE, "2026-02-01T01:00:00Z", START + 20 * HOUR),
        Recorded(START, f"borough/smart-meter/{GONE}/reading", b"no JSON", 1, False),
        Recorded(START, f"other/{GONE}/state", b"online", 0, True),
        Recorded(START, f"borough/smart-meter/{GONE}/reading", b'{"power": 1}', 1, False),
    ]
    with RecordingWriter(path) as writer:
        for pair in zip(kept, gone, strict=True):
            for one in pair:
                writer.add(one)
        writer.flush()
        busy = files.sweep([], [tmp_path], [], erasure_filter, suppressions)
        assert "is being recorded" in busy.problems[0]
    (tmp_path / "recording-1.btr.erasing").write_bytes(b"left by one that was killed")
    done = files.sweep([], [tmp_path], [(path, "recording")], erasure_filter, suppressions)
    assert (done.recorded_messages, done.files, done.problems) == (4, 1, [])
    assert list(RecordingReader(path)) == kept
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_other_files_are_left_and_told(
    tmp_path: Path, suppressions: Suppressions, erasure_filter: ErasureFilter
) -> None:
    pq.write_table(pa.table({"who": [GONE, OTHER], "what": [1.0, 2.0]}), tmp_path / "export.parquet")
    pq.write_table(pa.table({"who": [OTHER], "what": [1.0]}), tmp_path / "other.parquet")
    (tmp_path / "notes.txt").write_text(f"meter {GONE} was read by hand")
    (tmp_path / "broken.parquet").write_text("no Parquet")
    done = files.sweep(
        [], [tmp_path, tmp_path / "missing"], [(tmp_path / "gone.parquet", "ledger")], erasure_filter, suppressions
    )
    assert [problem.split(" ")[0] for problem in done.problems] == [
        str(tmp_path / "export.parquet"), str(tmp_path / "missing"),
    ]  # fmt: skip
    assert done.files == 0
    assert mentions.mentions([tmp_path], Naming([GONE])) == [tmp_path / "export.parquet", tmp_path / "notes.txt"]
    assert files.remove(tmp_path / "notes.txt")
    assert not files.remove(tmp_path / "notes.txt")


def test_what_cannot_be_gone_through_is_left_by_its_kind(
    tmp_path: Path, suppressions: Suppressions, erasure_filter: ErasureFilter
) -> None:
    """Nothing of it may look done: each stays on the list until it can be read or is not there any more."""
    archive, folder = tmp_path / "archive", tmp_path / "folder"
    for path in (folder, archive / "open", archive / "personal" / "smart-meter" / "no-day"):
        path.mkdir(parents=True)
    (archive / "personal" / "smart-meter" / "no-day" / "x-0000.frames").write_bytes(b"")
    torn = [folder / "torn.parquet", folder / "torn.btr"]
    for path in torn:
        path.write_bytes(b"no longer what it was")
    growing = folder / "ledger.parquet.part"
    growing.write_bytes(b"")
    kept = [(torn[0], "ledger"), (torn[1], "recording")]
    left = {
        (item.kind, item.path) for item in files.sweep([archive], [folder], kept, erasure_filter, suppressions).items
    }
    assert left == {
        ("archive", str(archive)), ("damaged", str(torn[0])), ("damaged", str(torn[1])), ("ledger", str(growing)),
    }  # fmt: skip
    for path in (*torn, growing):
        path.unlink()
    (archive / "personal" / "smart-meter" / "no-day" / "x-0000.frames").unlink()
    done = files.sweep([archive], [folder], kept, erasure_filter, suppressions)
    assert (done.items, done.problems) == ([], [])
