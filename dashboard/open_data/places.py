"""Where open things are and how they are now, as GeoJSON: devices with what they said last, bays with their states."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response

from analytics.parking.arrays import FREE, NONE, OCCUPIED
from analytics.tables.geojson import Place, geojson_blocks, known
from dashboard.open_data.making import Exports, File
from dashboard.web.board import Board
from dashboard.web.site import Site
from dashboard.web.values import Text, Word
from dashboard.web.visitor import Anybody
from devices.bays import Bay
from store import feeds, open_data
from store.connect import Connection
from store.open_data import OpenDevice
from store.times import instant

_TYPE = "application/geo+json"
_STATES = {FREE: "free", OCCUPIED: "occupied"}

Zones = Annotated[list[Text] | None, Query(alias="zone", max_length=200, description="Only these zones")]


def add(routes: APIRouter, site: Site, exports: Exports) -> None:
    """Add the routes."""

    @routes.get("/open-data/exports/bays.geojson")
    @site.lane.steps
    async def bays_geojson(request: Request, visitor: Anybody, zones: Zones = None) -> Response:
        """Bays of no household that are there today, with their state where a sensor lies in them."""

        def begun(connection: Connection) -> Iterator[bytes]:
            day, origin = site.today(), exports.origin
            parts = feeds.parts(connection, day, origin=origin)
            if not {part.zone for part in parts}.issuperset(zones or ()):
                raise HTTPException(404)
            with site.lane.connection() as other:
                board = site.boards.current(other).open
            wanted = [part for part in parts if zones is None or part.zone in zones]
            return geojson_blocks(
                _bay(board, bay) for part in wanted for bay in feeds.bays(connection, [part], day, origin=origin)
            )

        # a bay falls silent by the clock alone: no two answers are the same
        return await exports.answer(request, visitor, File("bays", "geojson", _TYPE), begun, time.time_ns())

    @routes.get("/open-data/exports/{family}.geojson")
    @site.lane.steps
    async def devices_geojson(request: Request, visitor: Anybody, family: Word) -> Response:
        """A family's open devices in service, with their newest readings."""
        if family not in open_data.FAMILIES:
            raise HTTPException(404)

        def begun(connection: Connection) -> Iterator[bytes]:
            return geojson_blocks(map(_device, open_data.open_devices(connection, family, origin=exports.origin)))

        return await exports.answer(request, visitor, File(family, "geojson", _TYPE), begun)


def _device(device: OpenDevice) -> Place:
    told: dict[str, Any] = {
        "device": device.id,
        "family": device.family,
        "model": device.model,
        "name": device.attributes.get("name", device.id),
        "attributes": {name: text for name, text in device.attributes.items() if name != "name"},
    }
    for one in device.newest:
        told[one.property] = known(one.value)
        told[f"{one.property}_unit"] = one.unit
        told[f"{one.property}_time"] = _utc(one.time)
    return Place(device.id, device.lon, device.lat, told)


def _bay(board: Board, bay: Bay) -> Place:
    place = board.bays.place.get(bay.id, -1)
    watched = place >= 0 and bool(board.bays.watched[place])
    heard = int(board.heard[place]) if watched else NONE
    told = {
        "bay": bay.id,
        "street": bay.street,
        "zone": bay.zone,
        "kind": bay.kind,
        "spaces": bay.spaces,
        "off_street": bay.off_street,
        # a bay without a sensor has no state that anybody could know
        "state": _STATES.get(int(board.now.state[place]), "unknown") if watched else None,
        "heard": None if heard == NONE else _utc(heard),
        "suspended": bool(board.now.suspended[place] != NONE) if watched else None,
        "as_of": _utc(board.at),
    }
    return Place(bay.id, bay.lon, bay.lat, told, bay.geometry)


def _utc(microseconds: int) -> str:
    return instant(microseconds).astimezone(UTC).isoformat().replace("+00:00", "Z")
