"""The truth of bays as a file: what is written is read, the same gives the same bytes, and no other file is one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from devices.bank_holidays import is_bank_holiday
from simulators import bay_truth_file
from simulators.bay_truth import BayTruth, truth_of
from simulators.truth_table import TruthError
from tests.worlds.parking_simulated import SimulatedBays

BEAT = 21_600_000_000


@pytest.fixture(scope="module")
def truth() -> BayTruth:
    world = SimulatedBays()
    return truth_of(world.fleet, world.register, world.start, world.end, is_bank_holiday)


def test_what_is_written_is_read(truth: BayTruth, tmp_path: Path) -> None:
    path = bay_truth_file.beside(tmp_path / "day.parquet")
    assert path.name == "day.bays"
    bay_truth_file.write(path, truth, BEAT)
    told = bay_truth_file.read(path)
    assert (told.start, told.end, told.heartbeat) == (truth.start, truth.end, BEAT)
    assert told.bays == [bay.id for bay in truth.register.bays]
    assert told.zones == [bay.zone for bay in truth.register.bays]
    assert told.personal.tolist() == [bay.personal for bay in truth.register.bays]
    assert [device for device, _ in told.sensors] == [link.device for link in truth.register.sensors]
    for said, true in ((told.stays, truth.stays), (told.known, truth.known), (told.suspended, truth.suspended)):
        for item in fields(true):
            assert np.array_equal(getattr(said, item.name), getattr(true, item.name)), item.name
    first = path.read_bytes()
    bay_truth_file.write(path, truth, BEAT)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def test_another_file_is_refused(truth: BayTruth, tmp_path: Path) -> None:
    path = tmp_path / "day.bays"
    with pytest.raises(TruthError, match=r"day\.bays: "):
        bay_truth_file.read(path)
    path.write_bytes(b"no Parquet at all")
    with pytest.raises(TruthError, match="is no whole Parquet file"):
        bay_truth_file.read(path)
    pq.write_table(pa.table({"what": ["span"]}), path)
    with pytest.raises(TruthError, match="has not the columns what, bay, device"):
        bay_truth_file.read(path)
    bay_truth_file.write(path, truth, BEAT)
    table = pq.read_table(path)
    pq.write_table(table.filter(pa.compute.not_equal(table["what"], "span")), path)
    with pytest.raises(TruthError, match="contradicts itself"):
        bay_truth_file.read(path)
