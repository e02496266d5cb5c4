"""Parquet of readings: what a reader gets is what was given, and a file without its end is none."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.tables.parquet import parquet_blocks
from store.arrays import SeriesBlock
from store.open_data import OpenSeries

SERIES = [OpenSeries(3, "007", "no2", "ug/m3", "gauge"), OpenSeries(9, "0x8", "o3", "ug/m3", "gauge")]
TIMES = np.array([1_767_225_600_000_001, 1_767_225_600_000_002, 951_782_400_000_000])
VALUES = np.array([-0.0, np.nan, 1e300])


def made(*blocks: SeriesBlock) -> bytes:
    return b"".join(parquet_blocks(SERIES, blocks, metadata={"publisher": "Testborough Council"}))


def test_it_reads_back_to_the_same_with_text_for_ids_and_null_for_what_is_not_known() -> None:
    file = made(SeriesBlock(np.array([0, 1]), np.array([0, 2, 3]), TIMES, VALUES))
    found = pq.read_table(io.BytesIO(file))
    assert found.schema.names == ["series", "device", "property", "time", "value"]
    kinds = [pa.int32(), pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.float64()]
    assert found.schema.types == kinds, "no categories: their readers differ"
    assert found["series"].to_pylist() == [3, 3, 9]
    assert found["device"].to_pylist() == ["007", "007", "0x8"]
    assert found["property"].to_pylist() == ["no2", "no2", "o3"]
    assert found["time"].cast(pa.int64()).to_pylist() == TIMES.tolist()
    assert found["value"].to_pylist() == [0.0, None, 1e300]
    assert np.signbit(found["value"][0].as_py())
    assert pq.ParquetFile(io.BytesIO(file)).metadata.metadata[b"publisher"] == b"Testborough Council"


def test_blocks_become_row_groups_and_none_is_lost() -> None:
    rng = np.random.default_rng(2)
    times = np.arange(400_000) * 60_000_000
    values = rng.normal(20, 5, 400_000)
    blocks = [
        SeriesBlock(np.array([place // 2]), np.array([0, 100_000]), times[part], values[part])
        for place, part in enumerate(slice(first, first + 100_000) for first in range(0, 400_000, 100_000))
    ]
    pieces = list(parquet_blocks(SERIES, blocks))
    assert len(pieces) > 2, "it comes in pieces"
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.metadata.num_row_groups == 2
    found = file.read()
    assert np.array_equal(found["value"].to_numpy(), values)
    assert np.array_equal(found["time"].cast(pa.int64()).to_numpy(), times)
    assert found["device"].to_pylist() == ["007"] * 200_000 + ["0x8"] * 200_000


def test_nothing_is_a_file_too() -> None:
    assert pq.read_table(io.BytesIO(made())).num_rows == 0


def test_a_file_that_was_broken_off_is_none() -> None:
    file = made(SeriesBlock(np.array([0]), np.array([0, 3]), TIMES, VALUES))
    with pytest.raises(pa.ArrowInvalid, match=r"magic bytes|[Ff]ooter"):
        pq.read_table(io.BytesIO(file[:-9]))
