"""The devices of a table, for the registry: ids, places and attributes that its mapping and its files tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.replay.observations import TableSource, device_id
from borough.replay.table_mapping import RegisterFile, TableMapping
from borough.replay.tables import Table
from devices.device import Device
from devices.families import FAMILIES

Cells = Mapping[str, Any]


def devices_of(mapping: TableMapping, source: TableSource, paths: Sequence[Path]) -> list[Device]:
    """Every device of these files, in the order of the files. Reads each file once where rows name the device.

    Raises UsageError where an id is none, or a place is none on Earth.
    """
    rule = mapping.device
    described: dict[str, Cells] = {}
    lon, lat, attributes = rule.lon, rule.lat, rule.attribute_columns
    if rule.columns:
        for path in paths:
            for _, row in Table(path, mapping.delimiter).rows():
                name = "-".join(str(row.get(column, "")) for column in rule.columns)
                described.setdefault(device_id(rule.prefix, name), row)
    elif rule.register_file is not None:
        lon, lat, attributes = rule.register_file.lon, rule.register_file.lat, rule.register_file.attributes
        described = _register(rule.register_file, rule.prefix, paths)
    ids = list(described) if rule.columns else list(dict.fromkeys(source.devices))
    return [_device(mapping, name, described.get(name, {}), lon, lat, attributes) for name in ids if name]


def _register(rule: RegisterFile, prefix: str, paths: Sequence[Path]) -> dict[str, Cells]:
    """The rows of the file that describes devices, by id; none where it does not lie beside the data."""
    rows: dict[str, Cells] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        file = folder / rule.file
        if file.exists():
            table = Table(file)
            for name in (rule.id, rule.lon, rule.lat, *rule.attributes.values()):
                if name is not None and name not in table.columns:
                    raise UsageError(f"{file}: has no column {name!r}, which the mapping names in register_file")
            for _, row in table.rows():
                rows.setdefault(device_id(prefix, str(row[rule.id])), row)
    return rows


def _device(
    mapping: TableMapping, name: str, row: Cells, lon: str | None, lat: str | None, columns: Mapping[str, str]
) -> Device:
    rule = mapping.device
    place: list[str] = []
    if rule.point is not None:
        place = [part.strip() for part in str(row.get(rule.point, "")).split(",")][::-1]
    elif lon is not None and lat is not None:
        place = [str(row.get(lon, "")).strip(), str(row.get(lat, "")).strip()]
    attributes = dict(rule.attributes)
    for attribute, column in columns.items():
        cell = row.get(column)
        if cell is not None and str(cell) not in mapping.blanks:
            attributes[attribute] = str(cell)
    try:
        east, north = (float(place[0]), float(place[1])) if len(place) == 2 and all(place) else (None, None)
        return Device(
            name,
            mapping.family,
            "native",
            east,
            north,
            origin=rule.origin,
            personal=FAMILIES[mapping.family].personal,
            attributes=attributes,
        )
    except ValueError as error:
        raise UsageError(f"device {name} cannot be registered: {error}") from None
