"""CSV of readings, byte for byte against the slow way, for whatever times and numbers there are."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.tables.csv_text import csv_blocks
from analytics.tables.text import instant_texts, number_texts
from store.arrays import SeriesBlock
from store.open_data import OpenSeries
from store.times import microseconds
from tests.examples import examples
from tests.references import csv_rows

_HEAD = "series,device,property,time,value\r\n"
_YEARS = (microseconds(datetime(2000, 1, 1, tzinfo=UTC)), microseconds(datetime(2100, 12, 31, 23, 59, tzinfo=UTC)))
#: Numbers at which writers differ: where an exponent begins, subnormal, halfway, nothing below zero, not known.
_ODD = [
    0.0, -0.0, 1.0, -5.0, 0.1 + 0.2, 1e300, -1e300, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e16,
    9999999999999998.0, 1e15, 1e-4, 9.999999999999999e-05, 1e-5, 1e22, 1e23, 123456789012345680.0, 2.0**53, 2.0**53 + 2,
    4.35, 1 / 3, 100.0, 1e5, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip

ids = st.text("abcXYZ0189._:@-", max_size=12).map(lambda text: f"0{text}")
times = st.one_of(
    st.integers(*_YEARS), st.integers(*_YEARS).map(lambda time: time // 1_000_000 * 1_000_000),
    st.sampled_from([0, -1, 1, 86_399_999_999, 86_400_000_000, -62_135_596_800_000_000, 253_402_300_799_999_999]),
)  # fmt: skip
#: Any number at all, by its bits; and numbers as sensors say them.
values = st.one_of(
    st.sampled_from(_ODD),
    st.integers(0, 2**64 - 1).map(lambda bits: float(struct.unpack("<d", struct.pack("<Q", bits))[0])),
    st.floats(-1000, 1000).map(lambda value: round(value, 2)),
)
many_readings = st.lists(st.tuples(ids, st.lists(st.tuples(times, values), min_size=1, max_size=12)), max_size=4)


def table(asked: list[tuple[str, list[tuple[int, float]]]]) -> tuple[list[OpenSeries], list[SeriesBlock], str]:
    """Series, one block of them, and the text that they are by the reference."""
    series = [
        OpenSeries(7 + 1000 * place, device, "pm2_5", "ug/m3", "gauge") for place, (device, _) in enumerate(asked)
    ]
    offsets = np.cumsum([0, *(len(rows) for _, rows in asked)])
    rows = [row for _, one in asked for row in one]
    block = SeriesBlock(
        np.arange(len(asked)), offsets, np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows])
    )
    lines = [
        csv_rows.line(one.id, one.device, one.property, *row)
        for one, (_, found) in zip(series, asked, strict=True)
        for row in found
    ]
    return series, [block] if rows else [], _HEAD + "".join(lines)


@given(many_readings)
@settings(max_examples=examples(60))
def test_every_line_is_what_the_slow_way_says(asked: list[tuple[str, list[tuple[int, float]]]]) -> None:
    series, blocks, text = table(asked)
    assert b"".join(csv_blocks(series, blocks)).decode() == text


@pytest.mark.soak
@given(many_readings)
@settings(max_examples=20_000)
def test_many_more_lines_are(asked: list[tuple[str, list[tuple[int, float]]]]) -> None:
    series, blocks, text = table(asked)
    assert b"".join(csv_blocks(series, blocks)).decode() == text


def test_numbers_at_which_writers_differ_read_back_bit_by_bit() -> None:
    found = [bytes(one).rstrip(b"\0").decode() for one in number_texts(np.array(_ODD))]
    assert found == [csv_rows.number(value) for value in _ODD]
    for value, text in zip(_ODD[:-3], found, strict=False):
        assert struct.pack("<d", float(text)) == struct.pack("<d", value)


def test_more_rows_than_are_put_together_at_once_over_a_century() -> None:
    rng = np.random.default_rng(14)
    time = np.sort(rng.integers(*_YEARS, 70_000))
    value = rng.normal(0, 1e3, 70_000)
    series = [OpenSeries(1, "007", "no2", "ug/m3", "gauge"), OpenSeries(22, "x", "o3", "ug/m3", "gauge")]
    block = SeriesBlock(np.array([0, 1]), np.array([0, 40_000, 70_000]), time, value)
    lines = b"".join(csv_blocks(series, [block])).decode().splitlines(keepends=True)
    assert len(lines) == 70_001
    for row in rng.integers(0, 70_000, 500).tolist():
        one = series[row >= 40_000]
        assert lines[row + 1] == csv_rows.line(one.id, one.device, one.property, int(time[row]), float(value[row]))


def test_no_series_and_no_reading_is_the_heading_alone() -> None:
    assert b"".join(csv_blocks([], [])) == _HEAD.encode()


@pytest.mark.parametrize("device", ["=1+1", "-7", "+44", "@x", 'a"b', "a,b", "a\nb", "a;=b", "", "a\0b"])
def test_an_id_that_would_be_a_formula_or_need_marks_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="series 7: its device or property holds signs"):
        list(csv_blocks([OpenSeries(7, device, "no2", "", "")], []))


@pytest.mark.parametrize("time", [-62_135_596_800_000_001, 253_402_300_800_000_000])
def test_an_instant_without_a_date_of_four_digits_is_refused(time: int) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        instant_texts(np.array([time]))
