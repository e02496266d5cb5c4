"""The cells of a calendar quarter: made once, when the first of its periods is compared, and fixed from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from analytics.neighbours import cells
from analytics.neighbours import joining as neighbours
from analytics.neighbours.cells import Cells, HomeSet, Int64
from analytics.neighbours.joining import STEPS, Joined
from analytics.places import metres
from store.cells import Bools, StoredCells, candidates, origins, read_cells, write_cells
from store.cells import version as version_of
from store.connect import Connection
from store.times import begin_of, next_quarter


@dataclass(frozen=True, slots=True)
class QuarterCells:
    """Cells as they were fixed. ``home``, rising, and ``tenancy`` (of then) stand in the order of ``cells.cell``."""

    home: Int64
    tenancy: Int64
    cells: Cells
    joined: Joined


def homes_of_site(connection: Connection) -> tuple[Int64, Bools]:
    """Homes with meters, and whether each is of the site's origin: simulated ones only where none is real.

    Raises psycopg.Error.
    """
    home, simulated = origins(connection)
    return home, simulated if simulated.all() else ~simulated


def ensure(connection: Connection, quarter: date, zone: ZoneInfo, program: str) -> bool:
    """Make the cells of a quarter inside the running transaction, unless it has them; whether they were made now.

    Raises psycopg.Error.
    """
    if version_of(connection, quarter) is not None:
        return False
    end = next_quarter(quarter)
    home, of_site = homes_of_site(connection)
    found = candidates(connection, quarter, end, begin_of(quarter, zone), begin_of(end, zone), home[of_site])
    x, y = metres(found.lon, found.lat)
    made = cells.make_cells(HomeSet(found.home, found.group, x, y, found.area))
    joined = neighbours.join(made)
    members = made.cell >= 0
    fixed = StoredCells(
        cell=np.arange(len(made.size), dtype=np.int32),
        group=made.group.astype(np.int32),
        size=made.size.astype(np.int32),
        area=made.area,
        x=made.x,
        y=made.y,
        step=joined.step.astype(np.int32),
        reach=joined.reach,
        offsets=joined.offsets,
        joined=joined.cells,
        home=found.home[members],
        tenancy=found.tenancy[members],
        member=made.cell[members],
    )
    write_cells(connection, quarter, program, fixed, found.groups, STEPS)
    return True


def load(connection: Connection, quarter: date) -> QuarterCells:
    """The cells of a quarter; none where it has none. Raises psycopg.Error."""
    found = read_cells(connection, quarter, STEPS)
    return QuarterCells(
        found.home,
        found.tenancy,
        Cells(found.member, found.group.astype(np.int64), found.size.astype(np.int64), found.x, found.y, found.area),
        Joined(found.offsets, found.joined, found.step.astype(np.int64), found.reach),
    )
