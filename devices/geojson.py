"""The registry as GeoJSON (RFC 7946): a FeatureCollection with one point, or no geometry, a device."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from devices.device import Device
from devices.registry import Problem, RegistryError, Row, cells_of, devices_of, read_csv

#: Names that older GeoJSON gives to WGS 84, longitude first; anything else would put devices in the wrong place.
_WGS84 = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326")

#: Names of properties that a feature of ours does not have, and why.
_NONE_OF_OURS = {
    "lon": "lon is given by the geometry, not by a property",
    "lat": "lat is given by the geometry, not by a property",
    "retired": "'retired' is no property of this file; retire a device with: borough devices retire ID",
}


def read_geojson(data: bytes, models: Collection[str], personal: Collection[str] = ()) -> list[Device]:
    """Read a FeatureCollection; the properties of a feature are the columns of the CSV without lon and lat.

    A feature's ``id`` stands in for a missing ``device_id``. ``personal`` as in `devices_of`. Raises RegistryError with
    every problem; a feature is named by its number in the file, counted from 1.
    """
    rows: list[Row | Problem] = []
    for found in features(data):
        if isinstance(found, Problem):
            rows.append(found)
            continue
        where, feature = found
        cells, wrong = _cells(feature)
        if "device_id" in cells:
            where += f" (device {cells['device_id']})"
        rows += [Problem(where, text) for text in wrong]
        if not wrong:
            rows.append(Row(where, cells))
    return devices_of(rows, models, personal)


def features(data: bytes) -> list[tuple[str, Mapping[str, Any]] | Problem]:
    """The features of a FeatureCollection with their places, ``feature 1``; a Problem for what is no feature.

    Raises RegistryError for a file that is no FeatureCollection, or whose coordinates are no degrees of WGS 84.
    """
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise RegistryError([Problem("", "is not UTF-8 text")]) from None
    except json.JSONDecodeError as error:
        raise RegistryError([Problem(f"line {error.lineno}", f"is not JSON: {error.msg}")]) from None
    except (ValueError, RecursionError) as error:
        raise RegistryError([Problem("", f"is not JSON: {error}")]) from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise RegistryError([Problem("", "is not a GeoJSON FeatureCollection")])
    if "crs" in document and _crs_name(document["crs"]) not in _WGS84:
        name = _crs_name(document["crs"])
        raise RegistryError([Problem("", f"crs {name}: coordinates must be WGS 84 degrees; export as EPSG:4326")])
    listed = document.get("features")
    if not isinstance(listed, list):
        raise RegistryError([Problem("", "has no list of features")])
    return [
        (f"feature {number}", feature)
        if isinstance(feature, dict) and feature.get("type") == "Feature"
        else Problem(f"feature {number}", "is not a GeoJSON Feature")
        for number, feature in enumerate(listed, 1)
    ]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _crs_name(crs: Any) -> str:
    try:
        return str(crs["properties"]["name"])
    except (TypeError, KeyError):
        return "unnamed"


def texts_of(values: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Properties as text cells, blank ones left out, and what is wrong with them."""
    cells: dict[str, str] = {}
    wrong: list[str] = []
    for name, value in values.items():
        text = text_of(value)
        if text is None:
            wrong.append(f"property {name[:80]!r} is a list or an object; only text, numbers, true and false are taken")
        elif not name.strip():
            wrong.append("a property has no name")
        elif name.strip() in cells:
            wrong.append(f"property {name.strip()[:80]!r} is given twice")
        elif text.strip():
            cells[name.strip()] = text.strip()
    return cells, wrong


def _cells(feature: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """One feature as text cells, blank ones left out, and what is wrong with it."""
    properties = feature.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        return {}, ["its properties are no object"]
    cells, wrong = texts_of({name: value for name, value in properties.items() if name not in _NONE_OF_OURS})
    wrong += [flaw for name, flaw in _NONE_OF_OURS.items() if name in properties]
    if "device_id" not in cells and (own := text_of(feature.get("id"))):
        cells["device_id"] = own.strip()
    geometry = feature.get("geometry")
    if geometry is not None:
        point = _point(geometry)
        if point is None:
            wrong.append("its geometry is no Point with longitude and latitude in degrees")
        else:
            cells["lon"], cells["lat"] = point
    return cells, wrong


def text_of(value: Any) -> str | None:
    """A property's value as a cell, empty for null; None for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, int | float) else None


def _point(geometry: Any) -> tuple[str, str] | None:
    """Longitude and latitude as text; a height is allowed by RFC 7946 and not used."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) not in (2, 3):
        return None
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in coordinates):
        return None
    return repr(coordinates[0]), repr(coordinates[1])


def write_geojson(devices: Iterable[Device]) -> str:
    """Write devices as a FeatureCollection that ``read_geojson`` reads back to the same devices, without retired."""
    features = [
        {
            "type": "Feature",
            "geometry": None if device.lon is None else {"type": "Point", "coordinates": [device.lon, device.lat]},
            "properties": cells_of(device),
        }
        for device in devices
        if not device.retired
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1) + "\n"


def read_devices(name: str, data: bytes, models: Collection[str], personal: Collection[str] = ()) -> list[Device]:
    """Read a devices file by the ending of its name: ``.csv``, ``.geojson`` or ``.json``; ``personal`` as in
    `devices_of`. Raises RegistryError."""
    ending = name.rpartition(".")[2].lower()
    if ending == "csv":
        return read_csv(data, models, personal)
    if ending in ("geojson", "json"):
        return read_geojson(data, models, personal)
    raise RegistryError([Problem("", "its name must end in .csv, .geojson or .json, to say what it holds")])
