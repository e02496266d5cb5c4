"""What figures for the programme are made of: homes as arrays. Nothing of it may be shown before it has passed
``analytics.neighbours.disclosure.group``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from devices.device import Origin
from store.batch import Int64
from store.cells import int8s
from store.connect import Connection
from store.queries import queries

_SQL = queries("programme")


class Month(NamedTuple):
    """One month and fuel that was compared and has settled."""

    from_day: date
    fuel: str
    quarter: date


class Figure(NamedTuple):
    """A group of homes of one kind as published: ``homes`` (to tens), ``average`` [Wh], None where ``reason`` is not
    empty."""

    dwelling: str
    homes: int | None
    average: int | None
    reason: str


class Counted(NamedTuple):
    """Homes that counted in a month, ``(homes,)``: pseudonyms, rising, and their use [Wh]."""

    home: Int64
    own: Int64


def months(connection: Connection, limit: int = 36) -> list[Month]:
    """The newest months, each fuel by itself, the newest first. Raises psycopg.Error."""
    return [Month(*row) for row in connection.execute(_SQL["months"], (limit,))]


def counted(connection: Connection, month: Month) -> Counted:
    """The homes that counted in a month. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["counted"], (month.from_day, month.fuel)).fetchone()
    if row is None or row[0] is None:
        return Counted(np.empty(0, np.int64), np.empty(0, np.int64))
    return Counted(int8s(row[0]), int8s(row[1]))


def dwellings(connection: Connection, quarter: date) -> list[str]:
    """The dwelling of each cell of a quarter, by the cell's number. Raises psycopg.Error."""
    return [row[0] for row in connection.execute(_SQL["dwellings"], (quarter,))]


def figures(connection: Connection, month: Month) -> list[Figure]:
    """What was published of a month; nothing where it was not looked at yet. Raises psycopg.Error."""
    return [Figure(*row) for row in connection.execute(_SQL["figures"], (month.from_day, month.fuel))]


def of_other_origin(connection: Connection, origin: Origin) -> set[tuple[date, str]]:
    """First days and fuels of months in which a home counted that is not of an origin. Raises psycopg.Error."""
    return {(row[0], row[1]) for row in connection.execute(_SQL["of_other_origin"], {"origin": origin})}


def publish(connection: Connection, month: Month, made: Sequence[Figure]) -> None:
    """Publish the figures of a month; what is published already stays as it is. Raises psycopg.Error."""
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["publish"], [(month.from_day, month.fuel, *figure) for figure in made])
