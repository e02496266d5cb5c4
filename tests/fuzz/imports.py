"""Hostile rows through every import, as people use it: files for ``borough`` that are nearly right.

Wanted: status 0, 1 or 2, a line with the place and the reason and no traceback, nothing half imported, nothing raw on
a terminal.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any

from borough.replay.mapping_file import packaged
from borough.replay.recording import Recorded, RecordingWriter
from devices.device import Device
from scripts.parts import prepare
from simulators import fleet_file
from tests.fuzz import hostile
from tests.fuzz.command import ask
from tests.fuzz.place import Import, Place, checked, table_of_csv
from tests.fuzz.tables import MAPPING, TABLES, reading_cells
from tests.tools import load
from tests.tools.servers import TIMESCALE_SETTINGS, own_cluster

#: Rows of one file: a wrong one refuses the others.
_ROWS = 5
#: Faults of one import that are worth telling.
_TOLD = 5


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


def _of_files(make: Callable[[random.Random, int], bytes], name: str, *words: str, spread: int = _ROWS) -> Import:
    """An import whose file is made of rows; the file's path follows the words."""

    def tried(chance: random.Random, count: int, place: Place) -> list[str]:
        faults: list[str] = []
        path = place.folder / name
        for start in range(0, count, spread):
            path.write_bytes(make(chance, start))
            before = place.held()
            faults += checked(ask([*words, str(path)], place.settings), name, place, before)
        return faults

    return tried


def _devices_csv(chance: random.Random, start: int) -> bytes:
    return table_of_csv([_device_cells(chance, start + row) for row in range(_ROWS)], chance)


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
    return table_of_csv(rows, chance)


def _bay_cells(chance: random.Random, number: int) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "id": f"b{number}", "street": "Dock Street", "zone": "A", "kind": "pay", "lon": "-0.1", "lat": "51.5",
        "spaces": "2", "off_street": "no", "length": "5.5", "class": "open", "uprn": "", "from": "", "to": "",
        "days": "Mo-Sa", "hours": "08:30-18:30", "maximum_stay": "60", "no_return": "PT2H", "bank_holidays": "off",
        "event_days": "", "hours_from": "", "hours_to": "", "sign": "P7",
    }  # fmt: skip
    if chance.random() < 0.5:
        cells[chance.choice(sorted(cells))] = hostile.text(chance)
    return cells


def _bays_csv(chance: random.Random, start: int) -> bytes:
    return table_of_csv([_bay_cells(chance, start + row) for row in range(_ROWS)], chance)


def _bays_geojson(chance: random.Random, start: int) -> bytes:
    features = []
    for row in range(_ROWS):
        cells = {name: cell for name, cell in _bay_cells(chance, start + row).items() if name not in ("lon", "lat")}
        ring = [[-0.1, 51.5], [-0.0999, 51.5], [-0.0999, 51.5001], [-0.1, 51.5]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        feature: Any = {"type": "Feature", "geometry": geometry, "properties": cells}
        features.append(hostile.respelled(feature, chance) if chance.random() < 0.3 else feature)
    data = hostile.dumps({"type": "FeatureCollection", "features": features})
    return hostile.spoiled(data, chance) if chance.random() < 0.1 else data


def _suspensions_csv(chance: random.Random, _start: int) -> bytes:
    rows = []
    for row in range(_ROWS):
        cells: dict[str, Any] = {
            "bay": "", "zone": "", "street": "Dock Street", "from": f"2026-06-{row + 1:02d}", "reason": "filming",
            "to": f"2026-06-{row + 1:02d} 24:00", "remove": "",
        }  # fmt: skip
        if chance.random() < 0.5:
            cells[chance.choice(sorted(cells))] = hostile.text(chance)
        rows.append(cells)
    return table_of_csv(rows, chance)


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
    text = files("analytics.energy").joinpath("energy.toml").read_text(encoding="utf-8")
    path = place.folder / "energy.toml"
    faults = []
    for _ in range(count):
        path.write_bytes(_toml(text, chance))
        answer = ask(["analyse"], {"BOROUGH_ENERGY_FILE": str(path)})
        # a file that is fine lets the command go on to the database that is not set
        if "BOROUGH_DATABASE_URL" not in answer.err:
            faults += checked(answer, path.name, place)
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
            faults += checked(answer, path.name, place)
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
            faults += checked(answer, path.name, place)
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
        faults += checked(answer, path.name, place)
    return faults


def _mappings(chance: random.Random, count: int, place: Place) -> list[str]:
    texts = packaged()
    path, data = place.folder / "mapping.toml", place.folder / "openaq_1.csv"
    faults = []
    for _ in range(count):
        text = chance.choice([*texts.values(), MAPPING])
        path.write_bytes(_toml(text, chance))
        data.write_bytes(table_of_csv([reading_cells(chance) for _ in range(3)], chance))
        faults += checked(ask(["replay", str(data), "--mapping", str(path), "--dry-run"], {}), "", place)
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
    **TABLES,
    "bays CSV": _of_files(_bays_csv, "bays.csv", "bays", "import"),
    "bays GeoJSON": _of_files(_bays_geojson, "bays.geojson", "bays", "import"),
    "suspensions CSV": _of_files(_suspensions_csv, "suspensions.csv", "bays", "import", "--what", "suspensions"),
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
