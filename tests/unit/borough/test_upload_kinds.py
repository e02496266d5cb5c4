"""What an upload is, told by its first bytes; everything else is refused by what it is."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from borough.replay.recording import Recorded, RecordingWriter
from borough.uploads.kinds import suffix_of
from dashboard.replays import Unfit

CSV = b"device,time,pm2_5\nm,2026-01-01T00:00:00Z,7.5\n"


def recording(folder: Path, count: int = 3) -> bytes:
    path = folder / "made.btr"
    path.unlink(missing_ok=True)
    with RecordingWriter(path) as writer:
        for number in range(count):
            topic = f"borough/air-monitor/m-{number % 2}/reading"
            writer.add(Recorded(1_700_000_000_000_000 + number, topic, b"{}", 1, number == 1))
    return path.read_bytes()


def parquet(rows: int = 1) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table({"device": ["m"] * rows, "pm2_5": [3.5] * rows}), held)
    return held.getvalue()


def zipped(files: int) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for number in range(files):
            made.writestr(f"../{number}.csv", b"")
    return held.getvalue()


def tarred() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as made:
        made.addfile(tarfile.TarInfo("../up.csv"))
    return held.getvalue()


def _name(value: object) -> str:
    """Of a case: bytes hold the time at which they were packed, and each process packs its own."""
    return value if isinstance(value, str) else "data"


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        (CSV, ".csv"),
        (b"\xef\xbb\xbf" + CSV, ".csv"),
        (CSV.decode().encode("utf-16"), ".csv"),
        ("Stra\u00dfe;Wert\n".encode("cp1252"), ".csv"),
        (b'"a b";c\n1;2\n', ".csv"),
        (b"100,NEM12,200405011135,MDA1,Ret1\n", ".csv"),
        (b'{"a": 1}\n{"a": 2}\n', ".ndjson"),
        (b'\n  {"a": 1}\n', ".ndjson"),
        (b"# a fleet\nname = 'x'\n", ".toml"),
        (b"[parking-bay]\ncount = 3\n", ".toml"),
        (gzip.compress(CSV), ".csv.gz"),
        (gzip.compress(b'{"a": 1}\n'), ".ndjson.gz"),
        (zstandard.compress(CSV), ".csv.zst"),
    ],
    ids=_name,
)
def test_what_is_taken(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    assert suffix_of(path) == suffix


def test_recordings_and_parquet_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(recording(tmp_path))
    assert suffix_of(path) == ".btr"
    path.write_bytes(parquet())
    assert suffix_of(path) == ".parquet"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\n# nothing\n", "is blank"),
        (zipped(1), "is a ZIP archive"),
        (zipped(10_000), "is a ZIP archive"),
        (zipped(0), "is an empty ZIP archive"),
        (tarred(), "is a tar archive"),
        (gzip.compress(tarred()), "is a tar archive"),
        (gzip.compress(gzip.compress(CSV)), "is packed twice"),
        (gzip.compress(zipped(2)), "is a ZIP archive"),
        (gzip.compress(parquet()), "is a packed Parquet file"),
        (gzip.compress(b"[parking-bay]\ncount = 3\n"), "is a packed fleet file"),
        (b"\x1f\x8b\x08 and no more of gzip", "cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd and no more of zstd", "cannot be unpacked"),
        (b"BZh91AY", "packed by bzip2"),
        (b"\xfd7zXZ\x00", "packed by xz"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\x7fELF\x02", "is a program"),
        (b"MZ\x90", "is a program"),
        (b"\x89PNG\r\n", "is a picture"),
        (b"<!doctype html>\n", "is HTML or XML"),
        (b"\xef\xbb\xbf\n <svg/>", "is HTML or XML"),
        (b'[{"a": 1}]', "one JSON list"),
        (b"[\n  1\n]", "one JSON list"),
        (b"a,b\n1,\x00\n", "is no text"),
        (bytes(range(256)) * 4, "is no text"),
    ],
    ids=_name,
)
def test_what_is_refused_is_told_by_what_it_is(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "readings.csv"
    path.write_bytes(data)
    with pytest.raises(Unfit, match=words) as told:
        suffix_of(path)
    assert str(tmp_path) not in str(told.value)


def test_a_window_beyond_what_a_replay_has_is_refused(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = tmp_path / "x.zst"
    path.write_bytes(packer.compress(CSV) + packer.flush())
    with pytest.raises(Unfit, match="pack it without --long"):
        suffix_of(path)
