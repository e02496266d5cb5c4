"""Hostile rows through every import, as people use it: files for ``borough`` that are nearly right.

Wanted: status 0, 1 or 2, a line with the place and the reason and no traceback, nothing half imported, nothing raw on
a terminal.
"""

from __future__ import annotations

import csv
import io
import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from borough.replay.mapping_file import packaged
from borough.replay.recording import Recorded, RecordingWriter
from devices.device import Device
from ingest.archive_files import OPEN, Frame, FrameEncoder
from scripts.parts import prepare
from simulators import fleet_file, ledger
from simulators.stream import EXPECTATIONS
from tests.fuzz import hostile
from tests.fuzz.command import Answer, ask
from tests.harness import load
from tests.servers import TIMESCALE_SETTINGS, own_cluster

#: Rows of one file: a wrong one refuses the others.
_ROWS = 5
#: Faults of one import that are worth telling.
_TOLD = 5


class Place(NamedTuple):
    """Where an import is tried: a folder of its own and a database."""

    folder: Path
    database: str

    @property
    def settings(self) -> dict[str, str]:
        return {"BOROUGH_DATABASE_URL": self.database}

    def held(self) -> list[tuple[object, ...]]:
        """How much every table of the registry holds, and a digest of it."""
        tables = ("device", "home", "tenancy", "home_meter", "consent", "tariff")
        parts = [f"select '{name}', count(*), md5(string_agg(t::text, '|' order by t::text)) from personal.{name} t"
                 for name in tables]  # fmt: skip
        return load.ask(self.database, " union all ".join(parts) + " order by 1")


Import = Callable[[random.Random, int, Place], list[str]]


def _checked(answer: Answer, name: str, place: Place, before: list[tuple[object, ...]] | None = None) -> list[str]:
    """What is wrong with an answer; ``before``: what the database held, which a refusal leaves as it was."""
    if answer.fault:
        return [answer.fault]
    if answer.status == 2 and name not in answer.err:
        return [f"a refusal that does not name {name}: {answer.err[:200]!r}"]
    if answer.status and before is not None and place.held() != before:
        return [f"half imported: {answer.err[:200]!r}"]
    return []


# -- the registry and homes -------------------------------------------------------------------------------------------


def _device_cells(chance: random.Random, number: int) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "device_id": f"d{number}", "family": "air-monitor", "model": "native", "lon": "-0.1", "lat": "51.5",
        "origin": "real", "class": "open", "interval": "PT1H", "zone": "Europe/London", "note": "a note",
    }  # fmt: skip
    if chance.random() < 0.5:
        cells[chance.choice(sorted(cells))] = hostile.text(chance)
    if chance.random() < 0.05:
        cells[hostile.text(chance)] = hostile.text(chance)
    return cells


def _csv(rows: Sequence[Mapping[str, Any]], chance: random.Random) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    data = out.getvalue().encode("utf-8", "surrogatepass")
    return hostile.spoiled(data, chance) if chance.random() < 0.1 else data


def _of_files(make: Callable[[random.Random, int], bytes], name: str, *words: str, spread: int = _ROWS) -> Import:
    """An import whose file is made of rows; the file's path follows the words."""

    def tried(chance: random.Random, count: int, place: Place) -> list[str]:
        faults: list[str] = []
        path = place.folder / name
        for start in range(0, count, spread):
            path.write_bytes(make(chance, start))
            before = place.held()
            faults += _checked(ask([*words, str(path)], place.settings), name, place, before)
        return faults

    return tried


def _devices_csv(chance: random.Random, start: int) -> bytes:
    return _csv([_device_cells(chance, start + row) for row in range(_ROWS)], chance)


def _devices_geojson(chance: random.Random, start: int) -> bytes:
    features = []
    for row in range(_ROWS):
        cells = _device_cells(chance, start + row)
        point = [float(cells.pop("lon")) if chance.random() < 0.0 else -0.1, 51.5]
        del cells["lat"]
        cells.pop("lon", None)
        feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": cells}
        features.append(hostile.respelled(feature, chance) if chance.random() < 0.3 else feature)
    document: Any = {"type": "FeatureCollection", "features": features}
    if chance.random() < 0.1:
        document = hostile.respelled(document, chance)
    data = hostile.dumps(document)
    return hostile.spoiled(data, chance) if chance.random() < 0.1 else data


def _homes_csv(chance: random.Random, start: int) -> bytes:
    rows = []
    for row in range(_ROWS):
        cells: dict[str, Any] = {
            "uprn": str(100_000 + start + row), "address": "1 High Street;Town", "lon": "-0.1", "lat": "51.5",
            "dwelling": "flat", "heating": "gas", "from": "2025-01-01", "meters": f"meter{(start + row) % 500}",
            "to": "", "name": "A. Person", "occupants": "2", "floor_area": "70", "bedrooms": "2", "epc": "C",
            "electricity_rate": "24.5", "electricity_standing": "51", "electricity_night": "",
            "electricity_night_rate": "", "electricity_tariff": "Flex",
        }  # fmt: skip
        if chance.random() < 0.5:
            cells[chance.choice(sorted(cells))] = hostile.text(chance)
        rows.append(cells)
    return _csv(rows, chance)


# -- TOML files -------------------------------------------------------------------------------------------------------


def _toml_value(chance: random.Random) -> str:
    way = chance.randrange(8)
    if way == 0:
        return json.dumps(hostile.text(chance))
    if way == 1:
        return hostile.nested(chance.choice((10, 3_000)), chance).decode()
    if way == 2:
        return chance.choice(
            ("nan", "inf", "-inf", "9" * 5_000, "1e999", "-1", "0", "1_000", "0x10", "true", "[]", "{}")
        )
    if way == 3:
        return chance.choice(("2026-01-01", "0001-01-01", "9999-12-31T23:59:59Z", "12:00:00", "2026-02-30"))
    if way == 4:
        return f"[{json.dumps(hostile.text(chance))}, 1]"
    return json.dumps(
        chance.choice(("(", "(a+", "%Y%Y", "%", "%Q", "a{99999999999}", "x" * 3_000, "\\", "kg", "PT99999D"))
    )


def _toml(text: str, chance: random.Random) -> bytes:
    """A TOML file with some of its lines made hostile."""
    lines = text.splitlines()
    for _ in range(chance.randrange(1, 3)):
        place = chance.randrange(len(lines))
        key, equals, _ = lines[place].partition("=")
        way = chance.randrange(10)
        if way < 6 and equals and not key.strip().startswith(("#", "[")):
            lines[place] = f"{key}= {_toml_value(chance)}"
        elif way == 6:
            del lines[place]
            lines = lines or [""]
        elif way == 7:
            lines.insert(place, lines[chance.randrange(len(lines))])
        elif way == 8:
            lines.insert(place, f"{json.dumps(hostile.text(chance))} = {_toml_value(chance)}")
        else:
            lines.insert(place, chance.choice(("[[x]]", "[a.b.c]", "[" * 3_000, ".".join("a" * 3_000) + " = 1", "= 1")))
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hostile.spoiled(data, chance) if chance.random() < 0.1 else data


def _energy(chance: random.Random, count: int, place: Place) -> list[str]:
    text = files("analytics").joinpath("energy.toml").read_text(encoding="utf-8")
    path = place.folder / "energy.toml"
    faults = []
    for _ in range(count):
        path.write_bytes(_toml(text, chance))
        answer = ask(["analyse"], {"BOROUGH_ENERGY_FILE": str(path)})
        # a file that is fine lets the command go on to the database that is not set
        if "BOROUGH_DATABASE_URL" not in answer.err:
            faults += _checked(answer, path.name, place)
    return faults


def _fleet(chance: random.Random, count: int, place: Place) -> list[str]:
    texts = [
        entry.read_text(encoding="utf-8")
        for entry in sorted(files("simulators").joinpath("fleets").iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    path = place.folder / "fleet.toml"
    faults = []
    for _ in range(count):
        path.write_bytes(_toml(chance.choice(texts), chance))
        try:
            fleet_file.load(path)
        except Exception:  # noqa: BLE001 - what the command makes of it is looked at below
            answer = ask(["simulate", str(path), "--dry-run"], {})
            faults += _checked(answer, path.name, place)
        # a fleet that is fine may have ten million devices: nothing is simulated here
    return faults


def _formats(chance: random.Random, count: int, place: Place) -> list[str]:
    sources = files("devices").joinpath("decoders")
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(sources.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
    folder = place.folder / "formats"
    folder.mkdir()
    path = folder / "own.toml"
    faults = []
    for _ in range(count):
        name = chance.choice(sorted(texts))
        text = texts[name].replace(f'name = "{name.removesuffix(".toml")}"', 'name = "own"', 1)
        path.write_bytes(_toml(text, chance))
        message = hostile.dumps({"time": hostile.text(chance), "Time": hostile.text(chance), "pm2_5": 1})
        answer = ask(["decode", "own", "--device", "d1"], {"BOROUGH_MAPPINGS": str(folder)}, message)
        if answer.fault or (answer.status == 2 and "unknown format" not in answer.err):
            faults += _checked(answer, path.name, place)
    return faults


def _subscriptions(chance: random.Random, count: int, place: Place) -> list[str]:
    text = '[[subscription]]\ntopic = "tts/{device}/up"\nformat = "tts"\nqos = 1\n[[subscription]]\nformat = "glow"\n'
    path, recording = place.folder / "subscriptions.toml", place.folder / "one.btr"
    with RecordingWriter(recording) as writer:
        writer.add(Recorded(1_700_000_000_000_000, "tts/d1/up", b"{}", 1, False))
    faults = []
    for _ in range(count):
        path.write_bytes(_toml(text, chance))
        answer = ask(["replay", str(recording), "--dry-run"], {"BOROUGH_SUBSCRIPTIONS": str(path)})
        faults += _checked(answer, path.name, place)
    return faults


def _mappings(chance: random.Random, count: int, place: Place) -> list[str]:
    texts = packaged()
    path, data = place.folder / "mapping.toml", place.folder / "openaq_1.csv"
    faults = []
    for _ in range(count):
        text = chance.choice([*texts.values(), _MAPPING])
        path.write_bytes(_toml(text, chance))
        data.write_bytes(_csv([_reading_cells(chance) for _ in range(3)], chance))
        faults += _checked(ask(["replay", str(data), "--mapping", str(path), "--dry-run"], {}), "", place)
    return faults


# -- tables of readings -----------------------------------------------------------------------------------------------

_MAPPING = """name = "x"
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
_NUMBERED = _MAPPING.replace('path = "time"\nzone = "Europe/London"', 'start = 2026-01-01T00:00:00Z\nstep = "PT1H"')
_PIVOTED = _MAPPING.replace("[[reading]]", '[pivot]\nname = "note"\nvalue = "no2"\n[[reading]]', 1)
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


def _reading_cells(chance: random.Random) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "station": "a1", "time": "2026-01-01T00:30:00", "pm10": 7.5, "no2": "21", "unit": "ug/m3", "note": "pm10",
    }  # fmt: skip
    for _ in range(chance.randrange(3)):
        cells[chance.choice(sorted(cells))] = hostile.text(chance)
    return cells


def _table_of(kind: str, chance: random.Random) -> bytes:
    rows = [_reading_cells(chance) for _ in range(20)]
    if kind == "csv":
        return _csv(rows, chance)
    if kind == "ndjson":
        lines = [hostile.respelled(row, chance) if chance.random() < 0.3 else row for row in rows]
        data = b"\n".join(hostile.dumps(line) for line in lines)
        return hostile.spoiled(data, chance) if chance.random() < 0.1 else data
    return _parquet(chance)


def _parquet(chance: random.Random) -> bytes:
    """Right Parquet files with hostile cells and types. None is spoiled inside: others' readers are not ours."""
    rows = [_reading_cells(chance) for _ in range(20)]
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
            mapping.write_text(chance.choice((_MAPPING, _MAPPING, _NUMBERED, _PIVOTED, _WIDE)))
            data = _table_of(kind, chance)
            packed = path
            if kind != "parquet" and chance.random() < 0.2:
                packed = path.with_name(path.name + ".zst")
                data = zstandard.compress(data)
                data = hostile.spoiled(data, chance) if chance.random() < 0.5 else data
            packed.write_bytes(data)
            words = ["replay", str(packed), "--mapping", str(mapping), "--dry-run"]
            words += chance.choice(([], ["--format", "senml"], ["--json"]))
            faults += _checked(ask(words, {}), "t.", place)
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
        faults += _checked(ask(words, {}), path.name, place)
        words = ["correct", "--from", str(path), "--period", "2026-01-01/2026-02-01", "--reason", "x", "--dry-run"]
        faults += _checked(ask(words, place.settings), path.name, place, place.held())
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
        faults += _checked(ask(["reconcile", str(path)], place.settings), path.name, place)
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
        faults += _checked(ask(words, place.settings), "", place, place.held())
    return faults


IMPORTS: Mapping[str, Import] = {
    "devices CSV": _of_files(_devices_csv, "devices.csv", "devices", "import"),
    "devices GeoJSON": _of_files(_devices_geojson, "devices.geojson", "devices", "import"),
    "homes CSV": _of_files(_homes_csv, "homes.csv", "homes", "import"),
    "energy file": _energy,
    "fleet file": _fleet,
    "formats": _formats,
    "subscriptions": _subscriptions,
    "mappings": _mappings,
    "replay CSV": _tables("csv"),
    "replay NDJSON": _tables("ndjson"),
    "replay Parquet": _tables("parquet"),
    "recordings": _recordings,
    "ledgers": _ledgers,
    "archives": _archives,
}


def run(seed: int, count: int, say: Callable[[str], None]) -> list[str]:
    """``count`` hostile rows (or lines) through each import; what went wrong."""
    faults: list[str] = []
    with ExitStack() as stack:
        cluster = own_cluster("apache", prepare().postgres, TIMESCALE_SETTINGS)
        stack.callback(cluster.close)
        for number, (name, tried) in enumerate(IMPORTS.items()):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="borough-fuzz-")))
            database = cluster.url(cluster.create())
            load.register(database, [Device(f"meter{n}", "smart-meter", "native", personal=True) for n in range(500)])
            place = Place(folder, database)
            found = tried(random.Random(seed + number), count, place)
            shown = ask(["devices", "list", "--retired"], place.settings)
            found += [shown.fault] if shown.fault else []
            say(f"{name}: {count:,} rows, {len(found)} faults")
            kinds = list(dict.fromkeys(found))
            faults += [f"{name}: {fault}" for fault in kinds[:_TOLD]]
    return faults
