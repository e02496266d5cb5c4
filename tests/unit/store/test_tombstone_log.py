"""The log of tombstones: what a crash leaves of it, other keys, and which of several lines counts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from store import tombstones
from store.tombstones import Tombstone, WrongKey

KEY = b"a key of the unit tests, long enough to be one"
OPEN = Tombstone("meter", tombstones.mark(KEY, "m1"), 1_769_904_000_000_000, None, "smart-meter", "glow", gone=True)
CLOSED = OPEN._replace(end=OPEN.start + 86_400_000_000, gone=False)
TENANCY = Tombstone("tenancy", tombstones.tenancy_mark(KEY, "100021048377", date(2026, 2, 1)),
                    OPEN.start, CLOSED.end)  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tombstones.write_log(log, KEY, [OPEN, TENANCY])
    assert tombstones.read_log(log, KEY) == [OPEN, TENANCY]
    assert log.stat().st_mode & 0o777 == 0o600
    assert "m1" not in log.read_text()
    assert "100021048377" not in log.read_text()
    assert KEY.decode() not in log.read_text()


def test_the_last_line_of_a_tombstone_counts_and_an_end_is_not_lost(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for lines in ([OPEN, TENANCY], [CLOSED]):
        tombstones.write_log(log, KEY, lines)
    assert tombstones.read_log(log, KEY) == [CLOSED, TENANCY]
    tombstones.write_log(log, KEY, [OPEN])
    assert tombstones.read_log(log, KEY)[0].end == CLOSED.end


def test_a_line_that_a_crash_cut_off_is_no_tombstone_and_spoils_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tombstones.write_log(log, KEY, [OPEN])
    whole = log.read_bytes()
    for cut in (1, 20, len(whole) - 2):
        log.write_bytes(whole + whole[:cut])
        assert tombstones.read_log(log, KEY) == [OPEN]
        tombstones.write_log(log, KEY, [TENANCY])
        assert tombstones.read_log(log, KEY) == [OPEN, TENANCY]


def test_another_key_and_another_file_are_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tombstones.write_log(log, KEY, [OPEN])
    with pytest.raises(WrongKey, match="another key"):
        tombstones.read_log(log, b"z" * 32)
    (tmp_path / "other").write_text('{"some": "thing"}\n')
    with pytest.raises(ValueError, match="line 1: is no line of a log of tombstones"):
        tombstones.read_log(tmp_path / "other", KEY)
    with pytest.raises(FileNotFoundError):
        tombstones.read_log(tmp_path / "none", KEY)


def test_nothing_makes_no_file(tmp_path: Path) -> None:
    tombstones.write_log(tmp_path / "log", KEY, [])
    assert not (tmp_path / "log").exists()


def test_a_tombstone_says_nothing_of_the_household() -> None:
    meter = "glow-0a1b2c3d4e5f"
    mark = tombstones.mark(KEY, meter)
    assert len(mark) == 32
    assert mark != tombstones.mark(KEY + b"!", meter)
    assert meter.encode() not in mark
