"""Files that are small and become large: ``borough replay`` stays under 500 MB, whatever a file holds, and says why."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from borough.replay import ledger as book
from borough.replay.messages import Reading
from borough.replay.recording import Recorded, RecordingWriter
from tests.tools.confined import Confined

#: What docs/reference/replay-mapping.md promises [MB].
PROMISED = 500

MAPPING = """name = "x"
family = "air-monitor"
[device]
column = "station"
[time]
path = "time"
[[reading]]
property = "pm10"
path = "pm10"
"""
HEADINGS = b"station,time,pm10\n"
ROW = b"a1,2026-01-01T00:00:00Z,7.5\n"


def zeros(path: Path, count: int, sign: bytes = b"\0") -> None:
    """So many megabytes of one sign below the headings and a good row."""
    packer = zstandard.ZstdCompressor(level=9).compressobj()
    with path.open("wb") as file:
        file.write(packer.compress(HEADINGS + ROW))
        for _ in range(count):
            file.write(packer.compress(sign * (1 << 20)))
        file.write(packer.flush())


def one_row(folder: Path) -> Path:
    zeros(path := folder / "t.csv.zst", 200)
    return path


def one_row_of_gzip(folder: Path) -> Path:
    path = folder / "t.csv.gz"
    path.write_bytes(gzip.compress(HEADINGS + ROW + b"9" * (100 << 20), 6))
    return path


def one_row_of_many_quoted_lines(folder: Path) -> Path:
    zeros(path := folder / "t.csv.zst", 100, b'"\n",')
    return path


def empty_lines(folder: Path) -> Path:
    zeros(path := folder / "t.csv.zst", 20, b"\n")
    return path


def the_same_row_again_and_again(folder: Path) -> Path:
    path = folder / "t.csv.zst"
    path.write_bytes(zstandard.compress(HEADINGS + ROW * 1_000_000))
    return path


def very_many_columns(folder: Path) -> Path:
    path = folder / "t.csv"
    path.write_bytes(b",".join(b"c%d" % number for number in range(100_000)) + b"\n")
    return path


def one_line_of_json(folder: Path) -> Path:
    path = folder / "t.ndjson.zst"
    path.write_bytes(zstandard.compress(b'{"time":' + b"[" * (100 << 20)))
    return path


def many_keys(folder: Path) -> Path:
    path = folder / "t.ndjson.zst"
    rows = (b"{%s}\n" % b",".join(b'"%d":1' % (row * 50_000 + key) for key in range(50_000)) for row in range(100))
    path.write_bytes(zstandard.compress(b"".join(rows)))
    return path


def large_window(folder: Path) -> Path:
    path = folder / "t.csv.zst"
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path.write_bytes(packer.compress(HEADINGS + ROW * 1_000) + packer.flush())
    return path


def cut_zstd(folder: Path) -> Path:
    path = folder / "t.csv.zst"
    path.write_bytes(zstandard.compress(HEADINGS + b"".join(b"a%d" % n + ROW for n in range(50_000)))[:-5_000])
    return path


def cut_gzip(folder: Path) -> Path:
    path = folder / "t.csv.gz"
    path.write_bytes(gzip.compress(HEADINGS + b"".join(b"a%d" % n + ROW for n in range(50_000)))[:-5_000])
    return path


def spoiled_gzip(folder: Path) -> Path:
    path = folder / "t.csv.gz"
    data = bytearray(gzip.compress(HEADINGS + b"".join(b"a%d" % n + ROW for n in range(50_000)), mtime=0))
    data[2_000:2_100] = bytes(100)
    path.write_bytes(data)
    return path


def table(folder: Path, **columns: object) -> Path:
    path = folder / "t.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def one_long_text_in_every_row(folder: Path) -> Path:
    count = 6_000
    text = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * (1 << 20)]))
    return table(folder, station=["a1"] * count, time=["2026-01-01T00:00:00Z"] * count, pm10=text)


def one_large_page(folder: Path) -> Path:
    return table(folder, station=["a1"], time=["2026-01-01T00:00:00Z"], pm10=["9" * (120 << 20)])


def lists(folder: Path) -> Path:
    values = pa.ListArray.from_arrays(pa.array([0, 20_000_000], pa.int32()), pa.nulls(20_000_000))
    return table(folder, station=["a1"], time=["2026-01-01T00:00:00Z"], pm10=values)


def times_beyond_the_calendar(folder: Path) -> Path:
    times = pa.array([2**62], pa.timestamp("us"))
    return table(folder, station=["a1"], time=times, pm10=[1.0])


def recording(folder: Path, frame: bytes, count: int = 1) -> Path:
    path = folder / "r.btr"
    inner = struct.pack("<4sIII", b"BTR1", count, len(frame), zlib.crc32(frame))
    head = struct.pack("<II", 0x184D2A5B, 20) + inner + struct.pack("<I", zlib.crc32(inner))
    path.write_bytes(head + frame)
    return path


def one_large_block(folder: Path) -> Path:
    size = 400 << 20
    return recording(folder, zstandard.compress(struct.pack("<qHIB", 0, 1, size - 16, 0) + b"t" + bytes(size - 16)))


def a_block_that_does_not_say_its_size(folder: Path) -> Path:
    packer = zstandard.ZstdCompressor().compressobj()
    return recording(folder, packer.compress(bytes(400 << 20)) + packer.flush())


def more_messages_than_there_are(folder: Path) -> Path:
    return recording(folder, zstandard.compress(struct.pack("<qHIB", 0, 1, 2, 0) + b"tok"), count=1_000_000)


def a_topic_that_is_none(folder: Path) -> Path:
    return recording(folder, zstandard.compress(struct.pack("<qHIB", 0, 3, 2, 0) + b"a/#ok"))


def a_topic_that_is_no_text(folder: Path) -> Path:
    return recording(folder, zstandard.compress(struct.pack("<qHIB", 0, 3, 2, 0) + b"a/\xffok"))


CASES: dict[Callable[[Path], Path], str] = {
    one_row: "t.csv.zst, after line 2: a row has more than 1048576 bytes",
    one_row_of_gzip: "t.csv.gz, after line 2: a row has more than 1048576 bytes",
    one_row_of_many_quoted_lines: "t.csv.zst, after line 2: a row has more than 1048576 bytes",
    empty_lines: "t.csv.zst, after line 2: a row has more than 1048576 bytes",
    the_same_row_again_and_again: "becomes more than 500 times its size",
    very_many_columns: "t.csv: has 100000 columns; 10000 are read at most",
    one_line_of_json: "t.ndjson.zst: a row has more than 1048576 bytes",
    many_keys: "t.ndjson.zst: has 50000 columns; 10000 are read at most",
    large_window: "pack it without --long",
    cut_zstd: "is cut off: the packed data has no end",
    cut_gzip: "is cut off: the packed data has no end",
    spoiled_gzip: "cannot be unpacked",
    one_long_text_in_every_row: "t.parquet, after row 0: pm10 holds 1048576 bytes; 131072 are read at most",
    one_large_page: "t.parquet: row group 0 unpacks into pages of",
    lists: "t.parquet: column pm10.list.element holds lists",
    times_beyond_the_calendar: "t.parquet, after row 0: ",
    one_large_block: "r.btr: is damaged at byte 0",
    a_block_that_does_not_say_its_size: "r.btr: is damaged at byte 0",
    more_messages_than_there_are: "r.btr: is damaged at byte 0",
    a_topic_that_is_none: "r.btr: is damaged at byte 0",
    a_topic_that_is_no_text: "r.btr: is damaged at byte 0",
}


@pytest.fixture(scope="module")
def confined() -> Iterator[Confined]:
    with Confined() as found:
        yield found


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING)
    return path


@pytest.mark.parametrize(("make", "reason"), list(CASES.items()), ids=[make.__name__ for make in CASES])
def test_a_file_beyond_the_bounds_is_refused(
    tmp_path: Path, confined: Confined, mapping: Path, make: Callable[[Path], Path], reason: str
) -> None:
    path = make(tmp_path)
    assert path.stat().st_size < 2_000_000
    options = [] if path.suffix == ".btr" else ["--mapping", str(mapping)]
    ended = confined.replay(tmp_path, [str(path), *options, "--dry-run"])
    assert ended.status == 2, ended
    assert reason in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) == 1
    assert ended.peak < PROMISED


def written(folder: Path, messages: Iterable[Recorded]) -> Path:
    with RecordingWriter(path := folder / "r.btr") as writer:
        for message in messages:
            writer.add(message)
    return path


def invented_topics(folder: Path) -> Path:
    """Each very long, and none like another."""
    topics = (f"borough/air-monitor/{'x' * 60_000}{number}/reading" for number in range(8_000))
    return written(folder, (Recorded(0, topic, b"{}", 1, False) for topic in topics))


def large_payloads(folder: Path) -> Path:
    topics = (f"borough/air-monitor/a{number}/reading" for number in range(400))
    return written(folder, (Recorded(0, topic, bytes(2_000_000), 1, False) for topic in topics))


def many_names(folder: Path) -> Path:
    """Every message with tens of thousands of properties of its own."""

    def payload(number: int) -> bytes:
        return b"{%s}" % b",".join(b'"%d-%d":1' % (number, name) for name in range(60_000))

    return written(folder, (Recorded(0, "borough/air-monitor/a/reading", payload(n), 1, False) for n in range(30)))


@pytest.mark.parametrize("make", [invented_topics, large_payloads, many_names])
def test_a_recording_of_large_things_is_replayed_in_bounded_memory(
    tmp_path: Path, confined: Confined, make: Callable[[Path], Path]
) -> None:
    ended = confined.replay(tmp_path, [str(make(tmp_path)), "--dry-run", "--ledger", str(tmp_path / "l.parquet")])
    assert ended.status == 0, ended
    assert "messages would be sent" in ended.out
    assert ended.peak < PROMISED


def test_what_was_seen_is_remembered_beyond_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "_REMEMBERED", 7)
    fates = book.ExpectedOutcome(ordered=False, earliest=0, ahead=1e12)
    readings = [Reading(f"d{n % 3}", "air-monitor", "pm10", n, float(n % 5)) for n in range(50)]
    now = 1_000_000
    assert [fates.predict(one, now)[0] for one in readings] == [0] * 50
    assert [fates.predict(one, now)[0] for one in readings] == [1] * 50
    assert {fates.predict(one._replace(value=9.0), now) for one in readings} == {(2, "conflict")}
    fates.close()
