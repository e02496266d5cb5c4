"""The devices of a table, for the registry: ids, places and attributes that its mapping and its files tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.replay.device_rows import Cells, described, device_id
from borough.replay.observations import TableSource
from borough.replay.table_mapping import TableMapping
from borough.replay.tables import Table
from devices.device import Device
from devices.families import FAMILIES
from devices.numbers import number_reader

#: Where a device is described, in words, and by which cells.
Described = tuple[str, Cells]


def devices_of(mapping: TableMapping, source: TableSource, paths: Sequence[Path]) -> list[Device]:
    """Every device of these files, in the order of the files. Reads each file once where rows name the device.

    Raises UsageError where an id is none, or a place is none on Earth.
    """
    rule = mapping.device
    rows: dict[str, Described] = {}
    lon, lat, attributes = rule.lon, rule.lat, rule.attribute_columns
    if rule.columns:
        for path in paths:
            for line, row in Table(path, mapping.layout).rows():
                if _is_meant(mapping, row):
                    name = "-".join(str(row.get(column, "")) for column in rule.columns)
                    rows.setdefault(device_id(rule.prefix, name), (f"{path}, line {line}", row))
    elif rule.register_file is not None:
        lon, lat, attributes = rule.register_file.lon, rule.register_file.lat, rule.register_file.attributes
        found = described(rule.register_file, rule.prefix, paths)
        rows = {name: (f"{rule.register_file.file}, device {name}", row) for name, row in found.items()}
    ids = list(rows) if rule.columns else list(dict.fromkeys(source.devices))
    register = _Register(mapping, source.interval, lon, lat, attributes)
    return [register.device(name, *rows.get(name, (f"device {name}", {}))) for name in ids if name]


def _is_meant(mapping: TableMapping, row: Cells) -> bool:
    """Whether a row can be of a device: of long tables those alone whose name some reading has."""
    if mapping.pivot is None:
        return True
    return any(path[0] == str(row.get(mapping.pivot[0])) for rule in mapping.record.readings for path in rule.paths)


class _Register:
    """Makes devices by a mapping; ``columns``: attribute -> column, ``interval``: what the headings say of it."""

    def __init__(
        self, mapping: TableMapping, interval: str | None, lon: str | None, lat: str | None, columns: Mapping[str, str]
    ) -> None:
        self._mapping = mapping
        self._fixed = {"interval": interval, **mapping.device.attributes} if interval else mapping.device.attributes
        self._lon, self._lat = lon, lat
        self._columns = columns
        self._number = number_reader(mapping.record.decimal)

    def device(self, name: str, place: str, row: Cells) -> Device:
        """The device of that id, described by a row. Raises UsageError."""
        mapping, rule = self._mapping, self._mapping.device
        attributes = dict(self._fixed)
        for attribute, column in self._columns.items():
            cell = row.get(column)
            if cell is not None and str(cell) not in mapping.blanks:
                attributes[attribute] = str(cell)
        east, north = self._point(row, place)
        try:
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
            raise UsageError(f"{place}: the device cannot be registered: {error}") from None

    def _point(self, row: Cells, place: str) -> tuple[float | None, float | None]:
        """Longitude and latitude [degrees], or none."""
        point = self._mapping.device.point
        if point is not None:
            cells: list[Any] = str(row.get(point, "")).split(",")[::-1]
        elif self._lon is not None and self._lat is not None:
            cells = [row.get(self._lon, ""), row.get(self._lat, "")]
        else:
            return None, None
        texts = [str(cell).strip() for cell in cells]
        if len(texts) != 2 or not all(text and text not in self._mapping.blanks for text in texts):
            return None, None
        east, north = (self._number(text) for text in texts)
        if east is None or north is None:
            columns = point or f"{self._lon}, {self._lat}"
            raise UsageError(f"{place}, column {columns!r}: the device cannot be registered: its place is no number")
        return east, north
