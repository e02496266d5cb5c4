"""Bays as GeoJSON (RFC 7946): a FeatureCollection of points, lines and areas, whose properties are the CSV's columns.

``lon`` and ``lat`` are the geometry's middle unless the properties say another place. ``restrictions`` is a list of
objects with the columns of hours, where a bay has more than one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from devices.bays import Bay
from devices.bays_file import BaysFile, bad_name, bays_of, cells_of, unsaid
from devices.bays_geometry import flaw, middle
from devices.bays_hours import COLUMNS, hours_cells
from devices.geojson import features, text_of, texts_of
from devices.registry import Problem, Row

#: Objects of ``restrictions`` that are looked at; a bay with so many is refused.
_MOST = 1_000


def read_bays_geojson(data: bytes) -> BaysFile:
    """Read a FeatureCollection; a feature's ``id`` stands in for a missing property ``id``.

    Raises RegistryError with every problem; a feature is named by its number in the file, counted from 1.
    """
    rows: list[Row | Problem] = []
    for found in features(data):
        if isinstance(found, Problem):
            rows.append(found)
            continue
        where, feature = found
        cells, hours, wrong = _cells(feature)
        if "id" in cells:
            where += f" (bay {cells['id'][:140]})"
        rows += [Problem(where, text) for text in wrong]
        if not wrong:
            rows += [Row(where, cells | own) for own in hours or [{}]]
    bays = bays_of(rows)
    return BaysFile(bays=bays, homeless=unsaid("uprn", rows, bays))


def _cells(feature: Mapping[str, Any]) -> tuple[dict[str, str], list[dict[str, str]], list[str]]:
    """One feature as text cells, blank ones left out, the cells of its further hours, and what is wrong with it."""
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        return {}, [], ["its properties are no object"]
    listed = properties.get("restrictions") or []
    cells, wrong = texts_of({name: value for name, value in properties.items() if name != "restrictions"})
    if "geometry" in cells:
        wrong.append("geometry is no property")
    wrong += [text for name in cells if (text := bad_name(name))]
    hours: list[dict[str, str]] = []
    if not isinstance(listed, list) or len(listed) > _MOST or any(not isinstance(one, dict) for one in listed):
        wrong.append('restrictions is no list of objects, such as [{"days": "Mo-Sa", "hours": "08:30-18:30"}]')
    else:
        if listed and any(name in cells for name in COLUMNS):
            wrong.append("hours are given by properties and by restrictions; one of the two says them")
        for one in listed:
            own, flaws = texts_of(one)
            hours.append(own)
            wrong += flaws
            wrong += [f"restrictions have no {name[:80]!r}" for name in own if name not in COLUMNS]
    if "id" not in cells and (own_id := (text_of(feature.get("id")) or "").strip()):
        cells["id"] = own_id
    return cells, hours, wrong + _place(feature.get("geometry"), cells)


def _place(geometry: Any, cells: dict[str, str]) -> list[str]:
    """Put geometry and middle into the cells; what is wrong with them."""
    if not isinstance(geometry, dict):
        return ["has no geometry"]
    if (wrong := flaw(geometry)) is not None:
        return [f"its geometry {wrong}"]
    if ("lon" in cells) != ("lat" in cells):
        return ["lon and lat are given together or not at all"]
    lon, lat = middle(geometry)
    cells.setdefault("lon", repr(lon))
    cells.setdefault("lat", repr(lat))
    cells["geometry"] = json.dumps({name: geometry[name] for name in ("type", "coordinates")})
    return []


def write_bays_geojson(bays: Iterable[Bay]) -> str:
    """Write bays as a FeatureCollection that `read_bays_geojson` reads back to the same."""
    found = [_feature(bay) for bay in bays]
    return json.dumps({"type": "FeatureCollection", "features": found}, ensure_ascii=False, indent=1) + "\n"


def _feature(bay: Bay) -> dict[str, Any]:
    properties: dict[str, Any] = {name: cell for name, cell in cells_of(bay).items() if name != "geometry"}
    geometry = bay.geometry or {"type": "Point", "coordinates": [bay.lon, bay.lat]}
    if bay.geometry is None or middle(geometry) == (bay.lon, bay.lat):
        del properties["lon"], properties["lat"]
    if len(bay.restrictions) == 1:
        properties |= hours_cells(bay.restrictions[0])
    elif bay.restrictions:
        properties["restrictions"] = [hours_cells(one) for one in bay.restrictions]
    return {"type": "Feature", "geometry": geometry, "properties": properties}
