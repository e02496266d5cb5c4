"""Homes as arrays: who lives where over a period, who agreed, the cells of a quarter and who is in them.

Homes are int64 pseudonyms, always in rising order, so that places are found by ``np.searchsorted``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import DWELLINGS, HEATING, Tariff
from store.batch import Float64, Int32, Int64
from store.connect import Connection
from store.copy import Float8s, Int4s, Int8s, float8s, int4s
from store.homes import tariff_of
from store.queries import queries

_SQL = queries("cells")

Bools = NDArray[np.bool_]
#: Dwelling, heating and heat network of a group of homes that may be neighbours.
Group = tuple[str, str, str | None]

_EPOCH = date(1970, 1, 1)


class Residents(NamedTuple):
    """Tenancies that last over the whole of a period, one a home. Shapes ``(homes,)``.

    ``home`` rising; ``tenancy``; ``since``: first day of the tenancy [days since 1970-01-01]; ``consent``: agreed to
    comparison before the period's end and still does.
    """

    home: Int64
    tenancy: Int64
    since: Int32
    consent: Bools


class Candidates(NamedTuple):
    """Homes that cells of a quarter can be made of. Shapes ``(homes,)``; ``home`` rising.

    ``group`` indexes ``groups``; ``lon``, ``lat`` in degrees; ``area`` [m2], NaN: not known.
    """

    home: Int64
    tenancy: Int64
    group: Int64
    lon: Float64
    lat: Float64
    area: Float64
    groups: Sequence[Group]


class Kinds(NamedTuple):
    """What homes are. Shapes ``(homes,)``; ``home`` rising. ``heating``, ``dwelling``: places in their lists of words,
    -1: another word; ``area`` [m2], NaN: not known."""

    home: Int64
    heating: Int32
    dwelling: Int32
    area: Float64


class StoredCells(NamedTuple):
    """Cells of a quarter ``(cells,)`` and the homes in them ``(homes,)``, as fixed."""

    #: Numbers of the cells, rising.
    cell: Int32
    #: Equal where homes may be neighbours.
    group: Int32
    #: Homes in the cell.
    size: Int32
    #: Median [m2].
    area: Float64
    #: Centroid [m].
    x: Float64
    #: Centroid [m].
    y: Float64
    #: Index of the steps asked with.
    step: Int32
    #: [m].
    reach: Float64
    #: ``(cells + 1,)`` into ``joined``.
    offsets: Int64
    #: Numbers of the cells that join, nearest first.
    joined: Int32
    #: Rising.
    home: Int64
    tenancy: Int64
    #: Number of the home's cell.
    member: Int32


class Version(NamedTuple):
    """When and by which program the cells of a quarter were made, of how many homes."""

    made_at: datetime
    program: str
    homes: int


def residents(connection: Connection, start: date, end: date, over: datetime, homes: Int64 | None = None) -> Residents:
    """Who lives in each home from ``start`` to ``end`` (not included) without a change. Raises psycopg.Error.

    ``over`` is the instant at which the period ends. ``homes`` (each once): of these only.
    """
    given: dict[str, Any] = {"start": start, "stop": end, "over": over}
    query = _SQL["residents"]
    if homes is not None:
        query, given["homes"] = _SQL["residents_of"], Int8s(homes)
    home, tenancy, since, consent = _columns(connection, query, given)
    return Residents(int8s(home), int8s(tenancy), int4s(since), int4s(consent) == 1)


def origins(connection: Connection) -> tuple[Int64, Bools]:
    """Homes that have or had a meter, and which of them are simulated: any meter of theirs is. Raises psycopg.Error."""
    home, simulated = _columns(connection, _SQL["origins"], None)
    return int8s(home), int4s(simulated) == 1


def candidates(
    connection: Connection, start: date, end: date, begin: datetime, over: datetime, homes: Int64 | None = None
) -> Candidates:
    """Homes for the cells of the quarter ``start`` to ``end`` (not included), which is ``begin`` to ``over``.

    What a home is: as known when the quarter begins, else the first that is known. Tenancy: the one then, else the
    first in the quarter; it agreed to comparison before the quarter's end and still does. ``homes`` (rising): of these
    only. Raises psycopg.Error.
    """
    found = _columns(
        connection, _SQL["candidates"], {"start": start, "stop": end, "begin": begin, "over": over}, texts=1
    )
    home, tenancy, number = int8s(found[0]), int8s(found[1]), int8s(found[2]) - 1
    lon, lat, area = (float8s(column) for column in found[3:6])
    groups = [(dwelling, heating, network) for dwelling, heating, network in found[6] or ()]
    kept = np.ones(len(home), bool) if homes is None else np.isin(home, homes)
    return Candidates(home[kept], tenancy[kept], number[kept], lon[kept], lat[kept], area[kept], groups)


def kinds(connection: Connection, begin: datetime) -> Kinds:
    """What each home is, as known at an instant, else the first that is known. Raises psycopg.Error."""
    home, heating, dwelling, area = _columns(
        connection, _SQL["kinds"], {"begin": begin, "heating": list(HEATING), "dwellings": list(DWELLINGS)}
    )
    return Kinds(int8s(home), int4s(heating), int4s(dwelling), float8s(area))


def version(connection: Connection, quarter: date) -> Version | None:
    """How the cells of a quarter came about; None: it has none yet. Raises psycopg.Error."""
    row = connection.execute(_SQL["version"], (quarter,)).fetchone()
    return None if row is None else Version(*row)


def write_cells(
    connection: Connection,
    quarter: date,
    program: str,
    cells: StoredCells,
    groups: Sequence[Group],
    steps: Sequence[str],
) -> None:
    """Fix the cells of a quarter inside the running transaction; ``cells.group`` indexes ``groups``.

    Raises psycopg.errors.UniqueViolation where it has cells already; psycopg.Error.
    """
    connection.execute(_SQL["add_version"], (quarter, program, len(cells.home)))
    connection.execute(
        _SQL["add_cells"],
        {
            "quarter": quarter,
            "steps": list(steps),
            "joined": Int4s(cells.joined),
            "cell": Int4s(cells.cell),
            "kind": Int4s(cells.group + 1),
            "homes": Int4s(cells.size),
            "area": Float8s(cells.area),
            "x": Float8s(cells.x),
            "y": Float8s(cells.y),
            "step": Int4s(cells.step),
            "start": Int4s(cells.offsets[:-1]),
            "stop": Int4s(cells.offsets[1:]),
            "reach": Float8s(cells.reach),
            "dwelling": [group[0] for group in groups],
            "heating": [group[1] for group in groups],
            "network": [group[2] for group in groups],
        },
    )
    connection.execute(_SQL["add_members"], (quarter, Int8s(cells.home), Int8s(cells.tenancy), Int4s(cells.member)))


def read_cells(connection: Connection, quarter: date, steps: Sequence[str]) -> StoredCells:
    """The cells of a quarter; none where it has none. Raises psycopg.Error."""
    found = _columns(connection, _SQL["cells"], {"quarter": quarter, "steps": list(steps)})
    home, tenancy, member = _columns(connection, _SQL["members"], (quarter,))
    counts = int4s(found[7]).astype(np.int64)
    return StoredCells(
        cell=int4s(found[0]),
        group=int4s(found[1]) - np.int32(1),
        size=int4s(found[2]),
        area=float8s(found[3]),
        x=float8s(found[4]),
        y=float8s(found[5]),
        step=int4s(found[6]),
        reach=float8s(found[9]),
        offsets=np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))),
        joined=int4s(found[8]),
        home=int8s(home),
        tenancy=int8s(tenancy),
        member=int4s(member),
    )


def tariffs(connection: Connection, fuel: str, end: date) -> dict[int, list[Tariff]]:
    """Prices of a fuel from before a day by tenancy, the newest last. Raises psycopg.Error."""
    found: dict[int, list[Tariff]] = {}
    for row in connection.execute(_SQL["tariffs"], (fuel, end)):
        found.setdefault(row[0], []).append(tariff_of(row[1:]))
    return found


def find_rows(sorted_ids: Int64, wanted: Int64) -> tuple[NDArray[np.intp], Bools]:
    """Where each wanted id stands in a rising array, and whether it is there at all. Shapes ``(wanted,)``."""
    if not len(sorted_ids):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return place, sorted_ids[place] == wanted


def days_since_epoch(day: date) -> int:
    """A day as ``Residents.since`` counts them."""
    return (day - _EPOCH).days


def int8s(data: bytes) -> Int64:
    """Decode ``string_agg(int8send(…), '')``."""
    return np.frombuffer(data, ">i8").astype(np.int64)


def _columns(connection: Connection, query: bytes, parameters: Any, texts: int = 0) -> list[Any]:
    """The only row of a query whose columns are arrays as bytes; nothing aggregated is nothing."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(query, parameters).fetchone()
    assert row is not None
    arrays = len(row) - texts
    return [b"" if value is None and index < arrays else value for index, value in enumerate(row)]
