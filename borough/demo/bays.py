"""The demo's bays: their register, and who of its households has one of its own. None of them exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import fmean
from zoneinfo import ZoneInfo

from borough.demo.analyst import LIFETIME
from borough.simulate import register_bays
from devices.bays import Register
from devices.homes import HomeRow
from devices.places_file import PlacesFile
from simulators.bay_register import make_register
from simulators.kerbside import FAMILY
from simulators.run import Simulation
from store import accounts, places
from store.connect import Connection, connect

#: An invented area -> it lies at the street with the most bays of this kind.
_AREAS = {"Market Square": "pay", "Old Harbour": "limited-waiting", "Goods Yard": "loading"}
#: The site's, where nobody says otherwise.
_ZONE = ZoneInfo("Europe/London")


def demo_register(simulation: Simulation, homes: Sequence[HomeRow]) -> Register:
    """The register of the demo's bays; those of one household are, in turn, those of these homes."""
    assert simulation.fleet is not None
    register = make_register(simulation.fleet, simulation.devices[FAMILY])
    owners = iter(homes)
    bays = [
        replace(bay, uprn=home.uprn) if bay.personal and (home := next(owners, None)) is not None else bay
        for bay in register.bays
    ]
    return replace(register, bays=tuple(bays))


def demo_areas(simulation: Simulation, register: Register) -> Iterator[str]:
    """A few places that somebody may look for, as lines of a file of areas."""
    assert simulation.fleet is not None
    yield "BUA24NM,LAT,LONG"
    yield f"Town Centre,{simulation.fleet.lat:.6f},{simulation.fleet.lon:.6f}"
    for name, kind in _AREAS.items():
        street = Counter(bay.street for bay in register.bays if bay.kind == kind and not bay.personal).most_common(1)
        for where, _ in street:
            own = [bay for bay in register.bays if bay.street == where]
            yield f"{name},{fmean(bay.lat for bay in own):.6f},{fmean(bay.lon for bay in own):.6f}"


def lay_out(connection: Connection, simulation: Simulation, homes: Sequence[HomeRow]) -> None:
    """Register the bays and areas, as far as they are not there already, and commit. Raises Failure, psycopg.Error."""
    register = demo_register(simulation, homes)
    register_bays(connection, register, _ZONE, "the demo's fleet")
    places.import_places(connection, PlacesFile(demo_areas(simulation, register)), None)
    connection.commit()


def parking_links(url: str, page: str) -> list[str]:
    """Where there is something to see of parking: lines to tell. Raises psycopg.Error."""
    with connect(url, "borough demo") as connection:
        code = accounts.make_code(connection, "demo", None, datetime.now(UTC), LIFETIME, ("parking-ops",))
    return [
        f"  parking   {page}parking  (the nearest free bay, for everybody)",
        f"  officer   {page}sign-in/demo/{code}  (the board of parking operations)",
    ]
