"""The demo's bays: their register, and who of its households has one of its own. None of them exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from borough.demo.analyst import LIFETIME
from borough.simulate import register_bays
from devices.bays import Register
from devices.homes import HomeRow
from simulators.bay_register import make_register
from simulators.kerbside import FAMILY
from simulators.run import Simulation
from store import accounts
from store.connect import Connection, connect

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


def lay_out(connection: Connection, simulation: Simulation, homes: Sequence[HomeRow]) -> None:
    """Register the bays, as far as they are not there already, and commit. Raises Failure, psycopg.Error."""
    register_bays(connection, demo_register(simulation, homes), _ZONE, "the demo's fleet")


def parking_links(url: str, page: str) -> list[str]:
    """Where there is something to see of parking: lines to tell. Raises psycopg.Error."""
    with connect(url, "borough demo") as connection:
        code = accounts.make_code(connection, "demo", None, datetime.now(UTC), LIFETIME, ("parking-ops",))
    return [
        f"  parking   {page}parking  (the nearest free bay, for everybody)",
        f"  officer   {page}sign-in/demo/{code}  (the board of parking operations)",
    ]
