"""Zones and bays as DATEX II v3 Parking in JSON (version 3.7; the line of APDS and ISO/TS 5206-1).

A zone is a Place with a table of its own; its bays are Spaces, those without marks between SpecificAreas. A status
says of a bay whether it is occupied where that is known, and of a zone how many of its watched bays are free. What a
bay's version is follows from its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from devices.bays import Bay, Restriction
from devices.bays_hours import hours_said

MODEL, VERSION = "3", "3.7"

#: Our kinds in DATEX's words; those that it has no word for are its ``extendedG`` with ours.
_RESTRICTIONS: Mapping[str, str] = {
    "resident-permit": "residentialPermitOnly",
    "limited-waiting": "parkingTimeLimit",
    "disabled": "disabledPersonPermitOnly",
    "loading": "loadingZone",
    "electric": "electricVehicleOnly",
    "taxi": "taxiOnly",
    "unrestricted": "freeParking",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes; ``test``: what is published is simulated."""

    name: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class BayStatus:
    """A bay that has a sensor, as it is now: ``occupied`` None: unknown; ``heard``: its newest reading."""

    bay: str
    zone: str
    occupied: bool | None
    heard: datetime | None
    closed: bool = False


def table_publication(bays: Iterable[Bay], publisher: Publisher, at: datetime) -> Json:
    """The bays of some zones, a table each. There must be a bay, for DATEX has no empty publication."""
    found = _publication(publisher, at)
    found["parkingTable"] = [_table(zone, its, publisher, at) for zone, its in _by_zone(bays).items()]
    return _payload("prkParkingTablePublication", found)


def status_publication(states: Iterable[BayStatus], publisher: Publisher, at: datetime) -> Json:
    """How the bays of some zones are, and what that comes to in each. There must be a bay."""
    found = _publication(publisher, at)
    zones = _by_zone(states)
    found["parkingTableReference"] = [{"targetClass": "prk:ParkingTable", "idG": table_id(zone)} for zone in zones]
    found["parkingStatusInformation"] = [
        status for zone, its in zones.items() for status in (_zone_status(zone, its), *map(_bay_status, its))
    ]
    return _payload("prkParkingStatusPublication", found)


def zone_id(zone: str) -> str:
    """What a zone is called; no bay's id has a slash."""
    return f"zone/{zone}"


def table_id(zone: str) -> str:
    """What the table of a zone is called."""
    return f"zone/{zone}/bays"


def _payload(name: str, publication: Json) -> Json:
    return {"payload": {"modelBaseVersionG": MODEL, "versionG": VERSION, name: publication}}


def _publication(publisher: Publisher, at: datetime) -> Json:
    return {
        "lang": "en",
        "publicationTime": _time(at),
        "publicationCreator": _creator(publisher),
        "headerInformation": {
            "confidentiality": {"value": "noRestriction"},
            "informationStatus": {"value": "test" if publisher.test else "real"},
        },
    }


def _creator(publisher: Publisher) -> Json:
    return {"country": "GB", "nationalIdentifier": publisher.name}


def _by_zone(items: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(item.zone, []).append(item)
    return found


def _table(zone: str, bays: Sequence[Bay], publisher: Publisher, at: datetime) -> Json:
    spaces = [_space(bay) for bay in bays]
    elements = [_place(zone, bays, spaces), *spaces]
    return {
        "idG": table_id(zone),
        "versionG": _version(elements),
        "versionTime": _time(at),
        "name": _words(f"Bays of {zone}"),
        "informationManager": _creator(publisher),
        "hierarchyElementGeneral": elements,
    }


def _place(zone: str, bays: Sequence[Bay], spaces: Sequence[Json]) -> Json:
    structures = {"offStreetSurface" if bay.off_street else "onStreet" for bay in bays}
    place = {
        "name": _words(zone),
        "layer": 0,
        "type": {"value": "place"},
        "locationReference": _point(sum(bay.lon for bay in bays) / len(bays), sum(bay.lat for bay in bays) / len(bays)),
        "childId": [_reference(next(iter(space.values()))["idG"]) for space in spaces],
        "supply": _supply(sum(bay.spaces for bay in bays)),
        "commonComponents": {
            "characteristics": [{"structureType": {"value": structure}} for structure in sorted(structures)]
        },
    }
    return {"prkPlace": {"idG": zone_id(zone), "versionG": _version(place), **place}}


def _space(bay: Bay) -> Json:
    marked = bay.spaces == 1
    space = {
        "name": _words(bay.street),
        "layer": 1,
        "type": {"value": "space" if marked else "identifiedArea"},
        "parentId": _reference(zone_id(bay.zone)),
        "locationReference": _point(bay.lon, bay.lat),
        "supply": _supply(bay.spaces),
        "operatingPattern": [
            {"prkOperatingRestriction": _restriction(bay.kind, number, row)}
            for number, row in enumerate(bay.restrictions or (None,), 1)
        ],
    }
    if bay.length is not None:
        space["dimension"] = {"length": bay.length}
    return {"prkSpace" if marked else "prkSpecificArea": {"idG": bay.id, "versionG": _version(space), **space}}


def _restriction(kind: str, number: int, row: Restriction | None) -> Json:
    word = _RESTRICTIONS.get(kind)
    found: Json = {
        "operatingPatternIndex": number,
        "type": {"value": "extendedG", "extendedValueG": kind} if word is None else {"value": word},
    }
    if row is not None:
        found["context"] = _words(hours_said(row))
    return found


def _zone_status(zone: str, states: Sequence[BayStatus]) -> Json:
    """A zone's watched bays that are open: how many are free and occupied. Unknown ones are in neither."""
    free = sum(state.occupied is False and not state.closed for state in states)
    taken = sum(state.occupied is True and not state.closed for state in states)
    status = "spacesAvailable" if free else "full" if taken and free + taken == len(states) else "unknown"
    heard = [state.heard for state in states if state.heard is not None]
    found: Json = {
        "reference": _reference(zone_id(zone)),
        "status": [{"value": status}],
        "occupancy": {"numberOfVacantSpaces": free, "numberOfOccupiedSpaces": taken},
    }
    if heard:
        found["lastUpdated"] = _time(max(heard))
    return {"prkPlaceStatus": found}


def _bay_status(state: BayStatus) -> Json:
    found: Json = {"reference": _reference(state.bay)}
    if state.heard is not None:
        found["lastUpdated"] = _time(state.heard)
    if state.closed:
        found["openingStatus"] = {"value": "temporarilyClosed"}
    if state.occupied is None:
        # a SpaceStatus must say whether it is occupied
        found["occupancy"] = {"occupancyGraded": {"value": "unknown"}}
        return {"prkParkingStatusInformation": found}
    found["occupied"] = state.occupied
    return {"prkSpaceStatus": found}


def _reference(id_: str) -> Json:
    return {"targetClass": "fac:FacilityObject", "idG": id_}


def _supply(spaces: int) -> Json:
    return {"quantity": spaces, "viewType": {"value": "spaceView"}}


def _point(lon: float, lat: float) -> Json:
    place = {"latitude": round(lat, 7), "longitude": round(lon, 7)}
    return {"locPointLocation": {"pointByCoordinates": {"pointCoordinates": place}}}


def _words(text: str) -> Json:
    return {"values": [{"lang": "en", "value": text}]}


def _version(content: Any) -> str:
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:12]


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
