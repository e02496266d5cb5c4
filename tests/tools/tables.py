"""Tables for tests: text and mapping to what is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from borough.replay.mapping_file import read_table_mapping
from borough.replay.observations import TableSource

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

METER = """name = "m"
family = "smart-meter"
[device]
id = "m1"
[time]
path = "time"
zone = "UTC"
[[reading]]
property = "import_interval"
path = "kwh"
"""


def source(folder: Path, mapping: str, text: str | bytes, name: str = "t.csv") -> TableSource:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return TableSource(read_table_mapping(mapping, "m.toml"), [path])


def found(of: TableSource) -> list[tuple[str, str, dict[str, float]]]:
    return [
        (of.devices[device], f"{EPOCH + timedelta(microseconds=time):%m-%dT%H:%M}", dict(values))
        for time, device, values in of.observations()
    ]


def uses(of: TableSource) -> list[tuple[str, float]]:
    return [(time, values["import_interval"]) for _, time, values in found(of)]


def with_words(*words: str) -> str:
    return METER.replace("[device]", "\n".join(words) + "\n[device]", 1)


def with_time(*words: str) -> str:
    return METER.replace('path = "time"\nzone = "UTC"', "\n".join(words), 1)
