"""Files that are read whole, TOML, patterns and ledgers: what is beyond the bounds is said, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.energy.prices_file import EnergyError, read_tables
from borough.replay.mapping_file import read_table_mapping
from devices.decoders import FORMATS
from devices.files import WRITTEN, read_bytes
from devices.mapping import MappingError
from devices.mapping_reader import read_mapping
from devices.toml import TomlError, parse
from ingest.archive_files import ArchiveError, Frame, FrameEncoder, read_frames, segments
from ingest.errors import OptionsError
from ingest.subscriptions import load
from simulators import ledger, parquet
from simulators.fleet_file import FleetError
from simulators.fleet_file import load as load_fleet
from simulators.ledger import LedgerError

_MAPPING = """name = "x"
topics = ["x/{device}"]
family = "air-monitor"
[time]
path = "t"
pattern = PATTERN
zone = "Europe/London"
[[reading]]
property = "pm10"
path = "pm10"
"""

HOSTILE = {
    "deep": "a = " + "[" * 3_000 + "]" * 3_000,
    "deeper than anybody needs": "a = " + "[" * 40 + "]" * 40,
    "a number of 5,000 digits": "a = " + "9" * 5_000,
    "more than 64 bits": "a = " + "9" * 30,
    "a long dotted key": ".".join("a" * 20_000) + " = 1",
    "a deep dotted key": ".".join("a" * 1_000) + " = 1",
    "no TOML": "a = = 1",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_reader_of_toml_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(TomlError):
        parse(text)
    with pytest.raises(EnergyError, match=r"x\.toml"):
        read_tables(path)
    with pytest.raises(FleetError, match=r"x\.toml"):
        load_fleet(path)
    with pytest.raises(MappingError, match=r"x\.toml"):
        read_mapping(text, "x.toml")
    with pytest.raises(MappingError, match=r"x\.toml"):
        read_table_mapping(text, "x.toml")
    with pytest.raises(OptionsError, match=r"x\.toml"):
        load(path, FORMATS)


def test_a_file_beyond_its_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"#" * (WRITTEN + 1))
    with pytest.raises(OSError, match=f"is larger than {WRITTEN} bytes"):
        read_bytes(path, WRITTEN)
    with pytest.raises(EnergyError, match=f"is larger than {WRITTEN} bytes"):
        read_tables(path)
    with pytest.raises(OptionsError, match=f"is larger than {WRITTEN} bytes"):
        load(Path("/dev/zero"), FORMATS)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("%Y%Y", "is no pattern of strptime"),
        ("%Y%", "is no pattern of strptime"),
        ("%Y%Q", "is no pattern of strptime"),
        ("%Y-%m-%-d", "is no pattern of strptime"),
        # each of these would read every time as one of another year or day, and all would be out of range
        ("%d.%m. %H:%M", "has no year"),
        ("%H:%M:%S", "has no year"),
        ("a\0b", "has no year"),
        ("%", "has no year"),
        ("%Y", "has no whole date: 25 October 2026 would be 01 January 2026"),
        ("%m/%Y %H:%M", "has no whole date: 25 October 2026 would be 01 October 2026"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_mapping(pattern: str, said: str) -> None:
    with pytest.raises(MappingError, match=f"time, pattern: {said}"):
        read_mapping(_MAPPING.replace("PATTERN", json.dumps(pattern)), "x.toml")


@pytest.mark.parametrize("pattern", ["%d.%m.%Y %H", "%y%m%d", "%Y %j", "%G-W%V-%u", "%c", "%Y-%m-%dT%H:%M:%S.%f%z"])
def test_a_pattern_with_a_whole_date_is_taken(pattern: str) -> None:
    read_mapping(_MAPPING.replace("PATTERN", json.dumps(pattern)), "x.toml")


@pytest.mark.parametrize("pattern", ["(" * 50_000 + ")" * 50_000, "a{99999999999}(b)", "("])
def test_an_expression_that_is_none_is_refused(pattern: str) -> None:
    text = f"name = 'x'\nfamily = 'air-monitor'\n[device]\nfile = {json.dumps(pattern[:9_000])}\n[time]\npath = 't'\n"
    with pytest.raises(MappingError, match="is no regular expression"):
        read_table_mapping(text + "[[reading]]\nproperty = 'pm10'\npath = 'p'\n", "x.toml")


# -- ledgers ----------------------------------------------------------------------------------------------------------


def _ledger(path: Path, **columns: object) -> Path:
    usual: dict[str, object] = {
        "message": [0], "family": ["air-monitor"], "device": ["a"], "property": ["pm10"], "time": [0], "value": [1.0],
        "due": [0], "published": [0], "fault": [""], "expect": ["stored"], "reason": [""], "stored_time": [0],
        "stored_value": [1.0], "tolerance": [0],
    }  # fmt: skip
    made = {**usual, **columns}
    arrays = []
    for field in ledger.SCHEMA:
        values = pa.array(made[field.name], pa.int64() if pa.types.is_timestamp(field.type) else field.type)
        arrays.append(values.cast(field.type))
    pq.write_table(pa.table(arrays, schema=ledger.SCHEMA), path)
    return path


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"device": [None]}, "column device has rows without a value"),
        ({"expect": [None]}, "column expect has rows without a value"),
        ({"message": [-1]}, "column message holds a number that is not from 0"),
        ({"tolerance": [-(2**63)]}, "column tolerance holds a number that is not from 0"),
        ({"expect": ["\x1b[2J"]}, "column expect holds"),
    ],
)
def test_a_ledger_with_a_row_that_is_none_is_refused(tmp_path: Path, columns: dict[str, object], reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        list(ledger.read([_ledger(tmp_path / "l.parquet", **columns)]))


def test_a_ledgers_row_group_is_bounded(tmp_path: Path) -> None:
    count = 1_100_000
    same = {name: [value] * count for name, value in (("message", 0), ("device", "a"), ("property", "pm10"))}
    rest = {
        "family": ["air-monitor"] * count, "time": [0] * count, "value": [1.0] * count, "due": [0] * count,
        "published": [0] * count, "fault": [""] * count, "expect": ["stored"] * count, "reason": [""] * count,
        "stored_time": [0] * count, "stored_value": [1.0] * count, "tolerance": [0] * count,
    }  # fmt: skip
    path = _ledger(tmp_path / "l.parquet", **same, **rest)
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=count)
    with pytest.raises(LedgerError, match=f"row group 0 has {count} rows"):
        list(ledger.read([path]))


def test_what_pages_become_is_told_by_their_own_headers(tmp_path: Path) -> None:
    """Every file that the writer makes passes, however it is packed; the sums are the footer's where that is right."""
    rows = 50_000
    table = pa.table(
        {
            "n": np.arange(rows), "f": np.random.default_rng(1).random(rows),
            "t": [f"text {n % 97}" for n in range(rows)],
            "PM2.5": [None if n % 3 else 1.5 for n in range(rows)], "b": [n % 2 == 0 for n in range(rows)],
        }
    )  # fmt: skip
    for number, options in enumerate(
        [
            {
                "compression": packing,
                "data_page_version": version,
                "use_dictionary": words,
                "row_group_size": 20_000,
            }
            for packing in ("none", "snappy", "gzip", "zstd", "lz4")
            for version in ("1.0", "2.0")
            for words in (True, False)
        ]
    ):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(table, path, **options)
        parquet.check(path)
        parquet.check(path, ["PM2.5"])
        meta = pq.read_metadata(path)
        footer = sum(meta.row_group(0).column(column).total_uncompressed_size for column in range(meta.num_columns))
        with pytest.raises(parquet.TooLarge, match=r"row group 0 unpacks to \d+ bytes") as error:
            parquet.check(path, group_bytes=0)
        told = int(str(error.value).split("unpacks to ")[1].split()[0])
        assert 0.9 * footer <= told <= footer  # the footer counts the headers too


# -- the archive ------------------------------------------------------------------------------------------------------


def _frame() -> Frame:
    return Frame(["a/b"] * 3, [b"x" * 100] * 3, ["d"] * 3, np.arange(3, dtype=np.int64))


def test_a_frame_that_becomes_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.frames"
    encoder = FrameEncoder()
    large = Frame(["a/b"], [bytes(257 << 20)], ["d"], np.zeros(1, np.int64))
    path.write_bytes(encoder.encode(large))
    assert path.stat().st_size < 100_000
    with pytest.raises(ArchiveError, match=r"a\.frames is damaged at byte 0: its frame becomes more than"):
        list(read_frames(path))


def test_frames_that_were_made_by_somebody_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.frames"
    wrong = _frame()
    path.write_bytes(FrameEncoder().encode(wrong._replace(arrivals=np.arange(2, dtype=np.int64))))
    with pytest.raises(ArchiveError, match=r"a\.frames is damaged at byte 0"):
        list(read_frames(path))


def test_a_folder_that_is_no_day_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "open" / "air-monitor" / "yesterday"
    folder.mkdir(parents=True)
    (folder / "a.frames").write_bytes(FrameEncoder().encode(_frame()))
    with pytest.raises(ArchiveError, match="yesterday is no day"):
        segments(tmp_path)
