"""Hostile tables, recordings, ledgers and archives: files of which every row is a reading or a message."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from borough.replay.recording import Recorded, RecordingWriter
from ingest.archive_files import OPEN, Frame, FrameEncoder
from simulators import ledger
from simulators.stream import EXPECTATIONS
from tests.fuzz import hostile
from tests.fuzz.command import ask
from tests.fuzz.place import Import, Place, checked, table_of_csv

# -- tables of readings -----------------------------------------------------------------------------------------------

MAPPING = """name = "x"
family = "air-monitor"
blanks = ["NA"]
[device]
column = "station"
attribute_columns = { note = "note" }
[time]
path = "time"
zone = "Europe/London"
[[reading]]
property = "pm10"
path = "pm10"
[[reading]]
property = "no2"
path = "no2"
unit_path = "unit"
"""
_NUMBERED = MAPPING.replace('path = "time"\nzone = "Europe/London"', 'start = 2026-01-01T00:00:00Z\nstep = "PT1H"')
_PIVOTED = MAPPING.replace("[[reading]]", '[pivot]\nname = "note"\nvalue = "no2"\n[[reading]]', 1)
_WIDE = """name = "x"
family = "air-monitor"
[device]
headings = { except = ["note", "unit"] }
[time]
columns = ["time", "station"]
pattern = "%Y-%m-%d %H:%M"
zone = "Europe/London"
[[reading]]
property = "pm10"
"""


_COMMAS = MAPPING.replace("[device]", 'decimal = ","\nbegins = "station"\nencoding = "cp1252"\n[device]', 1)
_DAYS = """name = "x"
family = "air-monitor"
[device]
column = "station"
[time]
path = "time"
zone = "Europe/London"
headings = { at = "number", step = "PT30M", like = "*o*" }
[[reading]]
property = "pm10"
"""
_STAYS = MAPPING.replace('path = "time"\n', 'path = "time"\nuntil = "note"\n', 1)


def reading_cells(chance: random.Random) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "station": "a1", "time": "2026-01-01T00:30:00", "pm10": 7.5, "no2": "21", "unit": "ug/m3", "note": "pm10",
    }  # fmt: skip
    for _ in range(chance.randrange(3)):
        cells[chance.choice(sorted(cells))] = hostile.text(chance)
    return cells


def _table_of(kind: str, chance: random.Random) -> bytes:
    rows = [reading_cells(chance) for _ in range(20)]
    if kind == "csv":
        return table_of_csv(rows, chance)
    if kind == "ndjson":
        lines = [hostile.respelled(row, chance) if chance.random() < 0.3 else row for row in rows]
        data = b"\n".join(hostile.dumps(line) for line in lines)
        return hostile.spoiled(data, chance) if chance.random() < 0.1 else data
    return _parquet(chance)


def _parquet(chance: random.Random) -> bytes:
    """Right Parquet files with hostile cells and types. None is spoiled inside: others' readers are not ours."""
    rows = [reading_cells(chance) for _ in range(20)]
    columns: dict[str, Any] = {}
    for name in rows[0]:
        texts = [str(row[name]).encode("utf-8", "replace").decode() for row in rows]
        kinds = (
            lambda texts=texts: pa.array(texts),
            lambda texts=texts: pa.array(texts).dictionary_encode(),
            lambda texts=texts: pa.array([text.encode() for text in texts]),
            lambda: pa.array([chance.choice((None, 1.5, float("nan"), float("inf"), -1e300)) for _ in rows]),
            lambda: pa.array([chance.randrange(-(2**63), 2**63) for _ in rows]),
            lambda: pa.array([chance.randrange(-(2**63), 2**63) for _ in rows]).cast(pa.timestamp("us")),
            lambda: pa.array([chance.randrange(2**60) for _ in rows]).cast(pa.timestamp("ns", tz="UTC")),
            lambda: pa.array([chance.randrange(2**31) for _ in rows], pa.int32()).cast(pa.date32()),
            lambda: pa.array([chance.random() < 0.5 for _ in rows]),
            lambda: pa.array([chance.randrange(10**9) for _ in rows]).cast(pa.decimal128(38, 10)),
            lambda: pa.array([[1.0]] * len(rows)),
            lambda: pa.array([{"a": 1}] * len(rows)),
            lambda: pa.nulls(len(rows)),
            lambda: pa.array([chance.randrange(86_400) for _ in rows], pa.int32()).cast(pa.time32("s")),
            lambda: pa.array([chance.randrange(2**50) for _ in rows]).cast(pa.duration("us")),
        )
        columns[name] = (kinds[0] if chance.random() < 0.6 else chance.choice(kinds))()
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    data = sink.getvalue()
    return data[: chance.randrange(len(data))] if chance.random() < 0.1 else data


def _tables(kind: str) -> Import:
    def tried(chance: random.Random, count: int, place: Place) -> list[str]:
        faults = []
        mapping = place.folder / "mapping.toml"
        path = place.folder / f"t.{kind}"
        for _ in range(0, count, 20):
            mapping.write_text(chance.choice((MAPPING, MAPPING, _NUMBERED, _PIVOTED, _WIDE, _COMMAS, _DAYS, _STAYS)))
            data = _table_of(kind, chance)
            packed = path
            if kind != "parquet" and chance.random() < 0.2:
                packed = path.with_name(path.name + ".zst")
                data = zstandard.compress(data)
                data = hostile.spoiled(data, chance) if chance.random() < 0.5 else data
            packed.write_bytes(data)
            words = ["replay", str(packed), "--mapping", str(mapping), "--dry-run"]
            words += chance.choice(([], ["--format", "senml"], ["--json"]))
            faults += checked(ask(words, {}), "t.", place)
        return faults

    return tried


# -- recordings, ledgers, archives ------------------------------------------------------------------------------------


def _recordings(chance: random.Random, count: int, place: Place) -> list[str]:
    faults = []
    path = place.folder / "r.btr"
    for _ in range(0, count, 20):
        path.unlink(missing_ok=True)
        with RecordingWriter(path) as writer:
            for _ in range(20):
                topic = chance.choice(
                    ("borough/air-monitor/d1/reading", "borough/x/\u202e/senml", hostile.text(chance))
                )
                topic = topic.encode("utf-8", "replace").decode()[:1_000]
                writer.add(
                    Recorded(chance.randrange(-(2**63), 2**63), topic, hostile.dumps(hostile.value(chance)), 1, False)
                )
        if chance.random() < 0.5:
            path.write_bytes(hostile.spoiled(path.read_bytes(), chance))
        words = ["replay", str(path), "--dry-run", *chance.choice(([], ["--format", "native"]))]
        faults += checked(ask(words, {}), path.name, place)
        words = ["correct", "--from", str(path), "--period", "2026-01-01/2026-02-01", "--reason", "x", "--dry-run"]
        faults += checked(ask(words, place.settings), path.name, place, place.held())
    return faults


def _ledgers(chance: random.Random, count: int, place: Place) -> list[str]:
    faults = []
    path = place.folder / "l.parquet"
    for _ in range(0, count, 20):
        columns: dict[str, Any] = {}
        for field in ledger.SCHEMA:
            columns[field.name] = _ledger_column(field, chance)
        if chance.random() < 0.1:
            del columns[chance.choice(sorted(columns))]
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        data = sink.getvalue()
        path.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.1 else data)
        faults += checked(ask(["reconcile", str(path)], place.settings), path.name, place)
    return faults


def _ledger_column(field: pa.Field, chance: random.Random) -> pa.Array:
    none = chance.random() < 0.1
    values: list[Any] = []
    for row in range(20):
        if none and chance.random() < 0.3:
            values.append(None)
        elif field.name == "expect":
            values.append(hostile.text(chance) if chance.random() < 0.01 else chance.choice(EXPECTATIONS))
        elif field.name == "family":
            values.append(hostile.text(chance) if chance.random() < 0.05 else "air-monitor")
        elif pa.types.is_string(field.type):
            values.append((hostile.text(chance) if chance.random() < 0.3 else "x").encode("utf-8", "replace").decode())
        elif pa.types.is_floating(field.type):
            values.append(chance.choice((1.0, float("nan"), float("inf"), -1e308)))
        else:
            values.append(row if chance.random() < 0.8 else chance.choice((0, -1, 2**62, -(2**63))))
    if pa.types.is_timestamp(field.type):
        return pa.array(values, pa.int64()).cast(field.type)
    return pa.array(values, field.type)


def _archives(chance: random.Random, count: int, place: Place) -> list[str]:
    faults = []
    root = place.folder / "archive"
    folder = root / OPEN / "air-monitor" / "2026-01-05"
    folder.mkdir(parents=True)
    (root / "personal").mkdir()
    path = folder / "c-1.frames"
    for _ in range(0, count, 20):
        encoder = FrameEncoder()
        payloads = [hostile.dumps(hostile.value(chance)) for _ in range(20)]
        topics = [chance.choice(("borough/air-monitor/d1/reading", hostile.text(chance))) for _ in payloads]
        topics = [topic.encode("utf-8", "replace").decode() for topic in topics]
        arrivals = np.array([chance.randrange(-(2**62), 2**62) for _ in payloads], np.int64)
        data = encoder.encode(Frame(topics, payloads, ["d1"] * 20, arrivals))
        data += encoder.encode(Frame(topics, payloads, ["d1"] * 20, arrivals))
        path.write_bytes(hostile.spoiled(data, chance) if chance.random() < 0.5 else data)
        words = ["correct", "--from", str(root), "--period", "2026-01-01/2026-02-01", "--reason", "x", "--dry-run"]
        faults += checked(ask(words, place.settings), "", place, place.held())
    return faults


TABLES: Mapping[str, Import] = {
    "replay CSV": _tables("csv"),
    "replay NDJSON": _tables("ndjson"),
    "replay Parquet": _tables("parquet"),
    "recordings": _recordings,
    "ledgers": _ledgers,
    "archives": _archives,
}
