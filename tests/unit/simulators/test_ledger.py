"""The ledger: what is written is read, the same rows are the same bytes, and what is no ledger is said to be none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from devices.device import Device
from simulators import ledger
from simulators.ledger import NO_TIME, LedgerError, LedgerWriter, Rows
from simulators.stream import Stream

T0 = 1_769_904_000_000_000


def rows(count: int, *, sent_time: bool = True, published: bool = True) -> Rows:
    index = np.arange(count)
    stream = Stream(
        family="smart-meter",
        devices=[Device("m1", "smart-meter", "native"), Device("m2", "smart-meter", "native")],
        properties=("import_interval", "power"),
        device=(index % 2).astype(np.int32),
        property=(index % 3 % 2).astype(np.uint8),
        time=T0 + index,
        value=index / 8,
        message=index.astype(np.int64),
        due=T0 + index + 5,
        fault=(index % 2).astype(np.uint8),
        expect=(index % 3).astype(np.uint8),
        reason=(index % 3 // 2).astype(np.uint8),
        stored_time=T0 + index,
        stored_value=index / 8,
        faults=("", "spike"),
        reasons=("", "out_of_range"),
        sent_time=sent_time,
    )
    return ledger.from_stream(stream, published=T0 + index + 9 if published else None, tolerance=77)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    with LedgerWriter(path) as writer:
        writer.append(rows(6))
    (found,) = list(ledger.read([path]))
    assert [found.devices[code] for code in found.device] == ["m1", "m2"] * 3
    assert [found.faults[code] for code in found.fault] == ["", "spike"] * 3
    assert [found.reasons[code] for code in found.reason] == ["", "", "out_of_range"] * 2
    assert found.expect.tolist() == [0, 1, 2] * 2
    assert found.time.tolist() == [T0 + number for number in range(6)]
    assert found.published.tolist() == [T0 + number + 9 for number in range(6)]
    assert found.stored_time.tolist() == [T0, T0 + 1, NO_TIME, T0 + 3, T0 + 4, NO_TIME]
    assert np.isnan(found.stored_value).tolist() == [False, False, True] * 2
    assert found.tolerance.tolist() == [0] * 6
    assert ledger.count([path]) == 6
    assert list(tmp_path.iterdir()) == [path]


def test_no_time_of_its_own_and_a_dry_run_are_null(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    with LedgerWriter(path) as writer:
        writer.append(rows(3, sent_time=False, published=False))
    table = pq.read_table(path)
    assert table.column("time").null_count == 3
    assert table.column("published").null_count == 3
    assert table.column("tolerance").to_pylist() == [77, 77, 77]


def test_row_groups_do_not_depend_on_the_appends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "GROUP", 10)
    whole = rows(37)
    for name, sizes in (("a", [37]), ("b", [1, 9, 0, 20, 7]), ("c", [37])):
        with LedgerWriter(tmp_path / name) as writer:
            start = 0
            for size in sizes:
                writer.append(whole.take(np.arange(start, start + size)))
                start += size
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()
    assert pq.read_table(tmp_path / "a").equals(pq.read_table(tmp_path / "b"))
    assert [len(part) for part in ledger.read([tmp_path / "b"])] == [10, 10, 10, 7]


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with LedgerWriter(tmp_path / "one.parquet") as writer:
            writer.append(rows(3))
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_ledger_is_said(tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("no")
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"message": pa.array([1], pa.int64())}), other)
    for path, words in ((tmp_path / "none.parquet", "none.parquet"), (text, "no whole Parquet"), (other, "no column")):
        with pytest.raises(LedgerError, match=words):
            list(ledger.read([path]))
