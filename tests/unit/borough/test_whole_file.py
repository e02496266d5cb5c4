"""Files that officers ask for, wherever they point the command."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from borough import whole_file


@contextmanager
def _nearly_full(most: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("private", [True, False])
def test_a_folder_is_refused_and_keeps_its_rights(tmp_path: Path, private: bool) -> None:
    folder = tmp_path / "reports"
    folder.mkdir(mode=0o755)
    with pytest.raises(IsADirectoryError):
        whole_file.write(folder, "text", private=private)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert list(tmp_path.iterdir()) == [folder]


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    mode = pipe.stat().st_mode
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    whole_file.write(pipe, "text", private=True)
    reader.join(20)
    assert read == ["text"]
    assert pipe.stat().st_mode == mode


def test_on_a_full_disk_the_old_file_stays_and_no_half_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("the old report")
    with _nearly_full(1000), pytest.raises(OSError, match="too large"):
        whole_file.write(path, "x" * 100_000)
    assert path.read_text() == "the old report"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_is_its_owners_alone_and_a_link_stays(tmp_path: Path) -> None:
    path, link = tmp_path / "panel.csv", tmp_path / "link"
    path.write_text("old")
    link.symlink_to(path)
    whole_file.write(link, "new\r\n", private=True)
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new\r\n", 0o600)


def test_what_is_named_by_an_open_file_comes_there(tmp_path: Path) -> None:
    with (tmp_path / "kept").open("w+") as file:
        whole_file.write(Path(f"/dev/fd/{file.fileno()}"), "text")
        assert file.read() == "text"
    reading, writing = os.pipe()
    whole_file.write(Path(f"/dev/fd/{writing}"), "text", private=True)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "text"
