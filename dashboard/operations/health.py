"""What is broken: gateways and sensors that say nothing or nothing new, low batteries; and what is suspended today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from fastapi import APIRouter, Request, Response

from analytics.parking.arrays import NONE
from analytics.parking.state import IS_STUCK, NEVER, SILENT, SWAPPED
from dashboard.labels import age
from dashboard.operations import words
from dashboard.operations.files import csv_file
from dashboard.web.board import Board
from dashboard.web.csv import Row
from dashboard.web.site import Site
from dashboard.web.visitor import Anybody
from store import board as table
from store.times import begin_of

#: Rows of a table on the page; the CSV has all.
MOST = 100
COLUMNS = ("problem", "bay", "street", "zone", "model", "since")
_TITLES = {
    "stuck": ("Stuck", "Occupied for over 28 days without a break: unknown until the sensor says free."),
    "silent": ("Silent", "Not heard for longer than the sensor's heartbeat allows."),
    "swapped": ("Changed", "The sensor was changed, and the new one has not been heard."),
    "never": ("Never heard", "A bay whose sensor has never said anything, or that has none."),
}
_CODES = {"stuck": IS_STUCK, "silent": SILENT, "swapped": SWAPPED, "never": NEVER}


@dataclass(frozen=True, slots=True)
class Problem:
    """One bay that something is wrong with; ``since`` [us], ``NONE`` where it has always been so."""

    bay: str
    street: str
    zone: str
    model: str
    since: int
    age: str


@dataclass(frozen=True, slots=True)
class Group:
    """Bays with one problem."""

    key: str
    title: str
    text: str
    rows: list[Problem]


def router(site: Site) -> APIRouter:
    """The page and its tables as CSV."""
    routes = APIRouter()

    @routes.get("/parking/health")
    def page(request: Request, visitor: Anybody) -> Response:
        """All of it, as of now."""
        today = site.today()
        with site.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
            start, end = begin_of(today, site.zone), begin_of(today + timedelta(days=1), site.zone)
            suspended = [one for one in table.suspended(connection, start, end) if one.bay in board.bays.place]
        context = {
            "page": "health",
            "groups": groups(board),
            "most": MOST,
            "suspended": [
                (
                    one,
                    f"{one.start.astimezone(site.zone):%-d %b %H:%M}",
                    f"{one.end.astimezone(site.zone):%-d %b %H:%M}",
                )
                for one in suspended
            ],
        }
        return site.page(request, "operations/health.html", context)

    @routes.get("/parking/health/sensors.csv")
    @site.lane.work
    def sensors(visitor: Anybody) -> Response:
        """All bays that something is wrong with."""
        with site.lane.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
        return csv_file(site, "sensors", COLUMNS, csv_rows(board))

    @routes.get("/parking/health/suspensions.csv")
    @site.lane.work
    def suspensions(visitor: Anybody) -> Response:
        """The suspensions of today."""
        today = site.today()
        with site.lane.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
            start, end = begin_of(today, site.zone), begin_of(today + timedelta(days=1), site.zone)
            found = table.suspended(connection, start, end)
        rows = (
            (one.bay, one.street, one.zone, one.start.isoformat(), one.end.isoformat(), one.reason)
            for one in found if one.bay in board.bays.place
        )  # fmt: skip
        return csv_file(site, "suspensions", ("bay", "street", "zone", "from", "to", "reason"), rows)

    return routes


def groups(board: Board) -> list[Group]:
    """Bays by what is wrong with them, those longest so first; a problem that no bay has is left out."""
    found = []
    for key, (title, text) in _TITLES.items():
        places = np.flatnonzero(board.now.reason == _CODES[key])
        if len(places):
            order = places[np.argsort(board.now.since[places], kind="stable")]
            found.append(Group(key, title, text, [_problem(board, place) for place in order.tolist()]))
    return found


def csv_rows(board: Board) -> Iterator[Row]:
    """Bays with a problem as the CSV has them; instants in UTC."""
    for group in groups(board):
        for one in group.rows:
            yield group.key, one.bay, one.street, one.zone, one.model, words.utc(one.since)


def _problem(board: Board, place: int) -> Problem:
    bays, since = board.bays, int(board.now.since[place])
    held = "" if since == NONE else age(board.at - since)
    return Problem(bays.id[place], bays.street[place], bays.zone[place], bays.model[place], since, held)
