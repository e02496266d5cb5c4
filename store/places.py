"""Postcodes and areas: a file of them into the store, and where a place is that somebody typed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from devices.bays import Restriction
from devices.places_file import Kind, Place, PlacesFile, is_outward, is_postcode, plain_postcode
from devices.text import APOSTROPHES, plain_apostrophes
from store.connect import Connection
from store.queries import queries

_SQL = queries("places")

#: A degree of latitude [km], and the squares that what is near is told by [degrees].
_DEGREE, _SQUARE = 111.2, 0.01


@dataclass(slots=True)
class Imported:
    """What an import does: places ``new``, ``moved``, ``unchanged``, ``gone`` (postcodes that have ended), ``far``
    (from all bays and homes), ``repeated`` (another place of this name stands before it in the file)."""

    new: int = 0
    moved: int = 0
    unchanged: int = 0
    gone: int = 0
    far: int = 0
    repeated: int = 0


class Nearby(NamedTuple):
    """A bay of no household and how far it is [m], as the crow flies."""

    id: str
    street: str
    zone: str
    kind: str
    spaces: int
    metres: float


class Near:
    """Squares of about a kilometre that are within ``km`` of one in which a bay or a home lies."""

    def __init__(self, anchors: Sequence[tuple[float, float]], km: float) -> None:
        occupied = {_square(lon, lat) for lon, lat in anchors}
        rows = math.ceil(km / (_DEGREE * _SQUARE))
        self._squares: set[tuple[int, int]] = set()
        for x, y in occupied:
            columns = math.ceil(km / (_DEGREE * _SQUARE * max(0.05, math.cos(math.radians(y * _SQUARE)))))
            self._squares.update(
                (x + across, y + up) for across in range(-columns, columns + 1) for up in range(-rows, rows + 1)
            )

    @property
    def empty(self) -> bool:
        """Whether there is nothing that a place could be near."""
        return not self._squares

    def __contains__(self, place: Place) -> bool:
        return _square(place.lon, place.lat) in self._squares


def _square(lon: float, lat: float) -> tuple[int, int]:
    return math.floor(lon / _SQUARE), math.floor(lat / _SQUARE)


def anchors(connection: Connection) -> list[tuple[float, float]]:
    """About where bays and homes lie, each place once. Raises psycopg.Error."""
    return connection.execute(_SQL["anchors"]).fetchall()


def import_places(connection: Connection, file: PlacesFile, near: Near | None) -> Imported:
    """Import a file inside the running transaction, part by part; ``near`` None: all of it.

    What is not in the file stays as it is; postcodes that have ended go. Where the file has ``problems`` afterwards the
    caller rolls back. Raises psycopg.Error.
    """
    connection.execute(_SQL["lock_import"])
    connection.execute(_SQL["stage"])
    done = Imported()
    number = 0
    for part in file.parts():
        with connection.cursor() as cursor, cursor.copy(_SQL["copy"]) as copy:
            for place in part.places:
                if near is not None and place not in near:
                    done.far += 1
                    continue
                number += 1
                copy.write_row((number, *place))
        if part.ended:
            done.gone += connection.execute(_SQL["remove"], (part.ended,)).rowcount
    connection.execute(_SQL["analyze"])
    row = connection.execute(_SQL["merge"], {"kind": file.kind}).fetchone()
    assert row is not None
    done.repeated, done.new, done.moved, done.unchanged = row
    return done


def count(connection: Connection) -> dict[Kind, int]:
    """How many places there are of each kind. Raises psycopg.Error."""
    found: dict[Kind, int] = {"postcode": 0, "area": 0}
    found.update(connection.execute(_SQL["count"]).fetchall())
    return found


def find(connection: Connection, text: str, *, simulated: bool, most: int = 10) -> list[Place]:
    """The places that somebody may mean: a postcode or the first half of one, an area, a street with bays.

    The one of exactly this name alone, else those that begin with the text, then those that hold it, at most ``most``;
    postcodes with their blank. Phones write other apostrophes than registers: all are one. ``simulated``: of which
    origin the bays of streets are. Raises psycopg.Error.
    """
    code = plain_postcode(text)
    if is_postcode(text):
        row = connection.execute(_SQL["postcode"], (code,)).fetchone()
        return [] if row is None else [Place(f"{code[:-3]} {code[-3:]}", *row)]
    if is_outward(text):
        row = connection.execute(_SQL["outward"], (len(code) + 3, code)).fetchone()
        if row is not None and row[0] is not None:
            return [Place(code, *row)]
    words = plain_apostrophes(" ".join(text.split()))
    given = {
        "text": words, "origin": "simulated" if simulated else "real", "most": most,
        "apostrophes": APOSTROPHES, "plain": "'" * len(APOSTROPHES),
    }  # fmt: skip
    rows = connection.execute(_SQL["named"], given).fetchall()
    found = [Place(*row[:3]) for row in rows]
    exact = [place for place in found if plain_apostrophes(place.name).casefold() == words.casefold()]
    return exact[:1] or found


def areas(connection: Connection) -> list[Place]:
    """All areas, by name. Raises psycopg.Error."""
    return [Place(*row) for row in connection.execute(_SQL["areas"])]


def open_bays(connection: Connection, kinds: Sequence[str], day: date, *, simulated: bool) -> set[str]:
    """The bays of no household, of some kinds and one origin, that are there on a local day. Raises psycopg.Error."""
    values = {"kinds": list(kinds), "day": day, "origin": "simulated" if simulated else "real"}
    return {row[0] for row in connection.execute(_SQL["open_bays"], values)}


def bays_near(
    connection: Connection, place: Place, kinds: Sequence[str], day: date, *, simulated: bool, within: float
) -> list[Nearby]:
    """Bays of no household of some kinds that are there on a local day, ``within`` metres, the nearest first.

    Raises psycopg.Error.
    """
    values = {
        "lon": place.lon,
        "lat": place.lat,
        "kinds": list(kinds),
        "day": day,
        "origin": "simulated" if simulated else "real",
        "within": within,
        "up": within / (_DEGREE * 1_000),
        "across": within / (_DEGREE * 1_000 * max(0.05, math.cos(math.radians(place.lat)))),
    }
    return [Nearby(*row) for row in connection.execute(_SQL["bays_near"], values)]


def restrictions(connection: Connection, bays: Sequence[str]) -> dict[str, list[Restriction]]:
    """The restrictions of some bays, each in the order of its sign. Raises psycopg.Error."""
    found: dict[str, list[Restriction]] = {bay: [] for bay in bays}
    for bay, *row in connection.execute(_SQL["restrictions"], (list(bays),)):
        found[bay].append(Restriction(*row))
    return found


def event_zones(connection: Connection, day: date) -> set[str]:
    """The zones that have an event on a local day. Raises psycopg.Error."""
    return {row[0] for row in connection.execute(_SQL["event_zones"], (day,))}
