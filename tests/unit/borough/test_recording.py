"""Recordings: what goes in comes out, and a file that a crash cut short gives back every whole block."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from borough.replay.recorder import Recorder, RecordOptions
from borough.replay.recording import Recorded, RecordingError, RecordingReader, RecordingWriter
from ingest.source import Chunk, SourceStatus

MESSAGES = st.lists(
    st.builds(
        Recorded,
        st.integers(0, 2**62),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=40),
        st.binary(max_size=300),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=30,
)


def numbered(count: int) -> list[Recorded]:
    return [
        Recorded(1_700_000_000_000_000 + number, f"a/{number % 7}/b", f"payload {number}".encode() * 3, 1, number == 3)
        for number in range(count)
    ]


def blocks_of(path: Path, blocks: list[list[Recorded]]) -> list[int]:
    """Write blocks; the file's size after each."""
    sizes = []
    with RecordingWriter(path) as writer:
        for block in blocks:
            for message in block:
                writer.add(message)
            writer.sync()
            sizes.append(path.stat().st_size)
    return sizes


@given(st.lists(MESSAGES, max_size=4))
def test_what_goes_in_comes_out(blocks: list[list[Recorded]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.btr"
        blocks_of(path, blocks)
        reader = RecordingReader(path)
        assert list(reader) == [message for block in blocks for message in block]
        assert reader.lost == 0
        assert reader.position == reader.size == path.stat().st_size


def test_a_file_cut_anywhere_gives_back_every_whole_block(tmp_path: Path) -> None:
    path, cut = tmp_path / "whole.btr", tmp_path / "cut.btr"
    messages = numbered(30)
    sizes = blocks_of(path, [messages[:10], messages[10:20], messages[20:]])
    whole = path.read_bytes()
    for length in range(28, len(whole) + 1):
        cut.write_bytes(whole[:length])
        reader = RecordingReader(cut)
        complete = sum(size <= length for size in sizes)
        assert list(reader) == messages[: 10 * complete], length
        assert reader.lost == length - ([0, *sizes][complete])


@pytest.mark.parametrize("place", range(28))
def test_a_spoiled_head_ends_the_reading(tmp_path: Path, place: int) -> None:
    path = tmp_path / "spoiled.btr"
    messages = numbered(20)
    first, _ = blocks_of(path, [messages[:10], messages[10:]])
    data = bytearray(path.read_bytes())
    data[first + place] ^= 0x40
    path.write_bytes(data)
    found = list(RecordingReader(path))
    # bytes 4 to 7 only tell other programs how much to skip; no message hangs on them
    assert found == (messages if 4 <= place < 8 else messages[:10])


def test_a_spoiled_message_is_never_given_out(tmp_path: Path) -> None:
    path = tmp_path / "spoiled.btr"
    messages = numbered(20)
    first, _ = blocks_of(path, [messages[:10], messages[10:]])
    data = bytearray(path.read_bytes())
    data[first + 40] ^= 1
    path.write_bytes(data)
    assert list(RecordingReader(path)) == messages[:10]


def test_other_programs_can_unpack_it(tmp_path: Path) -> None:
    path = tmp_path / "one.btr"
    blocks_of(path, [numbered(5), numbered(5)])
    with path.open("rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    assert data.count(b"payload 4") == 6


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.btr"
    path.write_text("time,value\n2026-01-01,1\n")
    with pytest.raises(RecordingError, match=r"table\.btr: is no recording"):
        RecordingReader(path)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    blocks_of(tmp_path / "one.btr", [numbered(1)])
    with pytest.raises(FileExistsError):
        RecordingWriter(tmp_path / "one.btr")


class Acknowledged:
    """A source that only notes what is acknowledged, and what the disk had by then."""

    def __init__(self, folder: Path) -> None:
        self.status = SourceStatus(connected=True, subscribed=True)
        self.folder = folder
        self.ids: list[int] = []
        self.on_disk: list[int] = []

    async def run(self) -> None:
        raise NotImplementedError

    def pause(self) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    def acknowledge(self, generation: int, packet_ids: object, watch: object) -> None:
        assert isinstance(packet_ids, list)
        self.ids += packet_ids
        self.on_disk.append(sum(1 for path in self.folder.iterdir() for _ in RecordingReader(path)))

    def confirmed(self) -> list[int]:
        return []

    async def stop(self) -> None:
        raise NotImplementedError


def chunk(first: int, count: int) -> Chunk:
    numbers = range(first, first + count)
    return Chunk(
        1, 1_700_000_000_000_000, 0, [f"t/{n}" for n in numbers], [b"x" * 100 for _ in numbers],
        [n + 1 for n in numbers], [0x32 if n % 2 else 0x31 for n in numbers],
    )  # fmt: skip


def test_nothing_is_acknowledged_before_it_is_on_disk(tmp_path: Path) -> None:
    recorder, source = Recorder(RecordOptions(tmp_path, "r-", ["#"])), Acknowledged(tmp_path)
    recorder.receive(chunk(0, 10))
    assert source.ids == []
    recorder.write(source)
    assert source.ids == list(range(1, 11))
    assert source.on_disk == [10]
    recorder.close()
    (path,) = tmp_path.iterdir()
    found = list(RecordingReader(path))
    assert [(message.qos, message.retained) for message in found[:2]] == [(0, True), (1, False)]


def test_what_a_filter_of_before_still_brings_is_acknowledged_and_left_out(tmp_path: Path) -> None:
    """The session outlives a recorder by an hour, and its filters with it."""
    recorder, source = Recorder(RecordOptions(tmp_path, "r-", ["t/3", "t/5"])), Acknowledged(tmp_path)
    recorder.receive(chunk(0, 10))
    recorder.write(source)
    recorder.close()
    assert source.ids == list(range(1, 11))
    assert [message.topic for path in tmp_path.iterdir() for message in RecordingReader(path)] == ["t/3", "t/5"]


def test_files_rotate_by_size_and_by_age(tmp_path: Path) -> None:
    options = {"size": {"file_bytes": 1}, "age": {"file_seconds": 1e-9}}
    for name, bound in options.items():
        folder = tmp_path / name
        folder.mkdir()
        recorder = Recorder(RecordOptions(folder, "r-", ["#"], **bound))  # type: ignore[arg-type]
        for number in range(3):
            recorder.receive(chunk(10 * number, 10))
            recorder.write(Acknowledged(folder))
        recorder.close()
        assert len(recorder.state.files) == 3
        assert len(set(recorder.state.files)) == 3
        topics = [message.topic for path in recorder.state.files for message in RecordingReader(path)]
        assert topics == [f"t/{number}" for number in range(30)]
        assert recorder.state.bytes == sum(path.stat().st_size for path in folder.iterdir())


def test_a_large_message_makes_a_block_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "large.btr"
    big = Recorded(1, "t", bytes(range(256)) * 8192, 1, False)
    with RecordingWriter(path) as writer:
        writer.add(big)
        assert writer.size > 0
        writer.add(big)
    assert list(RecordingReader(path)) == [big, big]
    assert io.BytesIO(path.read_bytes()).getbuffer().nbytes < 100_000
