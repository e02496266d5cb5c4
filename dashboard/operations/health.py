"""What is broken: gateways and sensors that say nothing or nothing new, low batteries; and what is suspended today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray

from analytics.parking.arrays import NONE
from analytics.parking.health import LOW_BATTERY, REPEATED, Silences, alarms, low_batteries, repeating
from analytics.parking.state import IS_STUCK, NEVER, SILENT, SWAPPED
from dashboard.labels import age as age_words
from dashboard.operations import words
from dashboard.web.board import Board
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.visitor import Anybody
from store import board as table
from store import parking
from store.connect import Connection
from store.times import begin_of

#: Rows of a table on the page; the CSV has all.
MOST = 100
COLUMNS = ("problem", "bay", "street", "zone", "model", "since")
#: How far back repeated readings are counted.
_LOOK = timedelta(days=28)
_TITLES = {
    "stuck": ("Stuck", "Occupied for over 28 days without a break: unknown until the sensor says free."),
    "silent": ("Silent", "Not heard for longer than the sensor's heartbeat allows."),
    "swapped": ("Changed", "The sensor was changed, and the new one has not been heard."),
    "never": ("Never heard", "A bay whose sensor has never said anything, or that has none."),
}
_CODES = {"stuck": IS_STUCK, "silent": SILENT, "swapped": SWAPPED, "never": NEVER}
_SUSPECT = (
    "Suspect",
    "Unchanged for over a day, three times as long as ever in 28 days, and longer than 99.9 % in its zone.",
)
_REPEATING = (
    "Departures missed",
    f"Said occupied again with no heartbeat due, {REPEATED} times or more in 28 days and more often than anybody came.",
)
_LOW = ("Battery low", f"Below {LOW_BATTERY:.0f} %.")


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


@dataclass(frozen=True, slots=True)
class Alarm:
    """A gateway that took ``silent`` of its ``bays`` with it."""

    gateway: str
    silent: int
    bays: int
    since: int
    age: str


@dataclass(frozen=True, slots=True)
class Broken:
    """All that is broken. Bays that an alarm of their gateway stands for are in no group."""

    alarms: list[Alarm]
    groups: list[Group]


def router(site: Site) -> APIRouter:
    """The page and its tables as CSV."""
    routes = APIRouter()

    # suspects are read out of four weeks of readings
    @routes.get("/parking/health")
    @site.lane.work
    def page(request: Request, visitor: Anybody) -> Response:
        """All of it, as of now."""
        today = site.today()
        with site.lane.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
            found = broken(site, connection, board)
            start, end = begin_of(today, site.zone), begin_of(today + timedelta(days=1), site.zone)
            suspended = [one for one in table.suspended(connection, start, end) if one.bay in board.bays.place]
        context = {
            "page": "health",
            "alarms": found.alarms,
            "groups": found.groups,
            "most": MOST,
            "suspended": [(one, _clock(site, one.start), _clock(site, one.end)) for one in suspended],
        }
        return site.page(request, "operations/health.html", context)

    @routes.get("/parking/health/sensors.csv")
    @site.lane.work
    def sensors(visitor: Anybody) -> Response:
        """All that is broken."""
        with site.lane.connection() as connection:
            found = broken(site, connection, site.boards.current(connection).seen(visitor))
        return csv_file(site, "parking-sensors", COLUMNS, csv_rows(found))

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
        return csv_file(site, "parking-suspensions", ("bay", "street", "zone", "from", "to", "reason"), rows)

    return routes


def broken(site: Site, connection: Connection, board: Board) -> Broken:
    """What is broken of the bays of a board, those longest so first. Raises psycopg.Error."""
    now, bays = board.now, board.bays
    raised, covered = gateways_out(board)
    groups = []
    for key, (title, text) in _TITLES.items():
        places = np.flatnonzero((now.reason == _CODES[key]) & ~covered)
        rows = places[np.argsort(now.since[places], kind="stable")]
        groups.append(Group(key, title, text, [_problem(board, row, int(now.since[row])) for row in rows.tolist()]))
    suspects = [one for one in site.boards.suspects(connection) if one.bay in bays.place]
    rows_of_suspects = [_problem(board, bays.place[one.bay], one.since) for one in suspects]
    groups.append(Group("suspect", *_SUSPECT, rows_of_suspects))
    today = site.today()
    said, repeated, arrivals = parking.repeated(connection, today - _LOOK, today + timedelta(days=1), REPEATED)
    wrong = [said[row] for row in np.flatnonzero(repeating(repeated, arrivals)).tolist()]
    groups.append(
        Group("repeating", *_REPEATING, [_problem(board, bays.place[b], NONE) for b in wrong if b in bays.place])
    )
    latest = parking.latest_states(connection)
    low = [latest.bays[row] for row in np.flatnonzero(low_batteries(latest.battery)).tolist()]
    rows_of_low = [_problem(board, bays.place[bay], NONE) for bay in sorted(low) if bay in bays.place]
    groups.append(Group("battery", *_LOW, rows_of_low))
    return Broken(raised, [group for group in groups if group.rows])


def gateways_out(board: Board) -> tuple[list[Alarm], NDArray[np.bool_]]:
    """Gateways that took their bays with them, and which bays these alarms stand for, ``(bays,)``."""
    now, bays = board.now, board.bays
    names = sorted(set(bays.gateway) - {""})
    place = {name: at for at, name in enumerate(names)}
    gateway = np.array([place.get(name, -1) for name in bays.gateway], np.int64)
    found = alarms(gateway, Silences(now.reason == SILENT, now.reason == NEVER, now.since), bays.limit)
    raised = [
        Alarm(names[int(at)], int(silent), int(of), int(since), age_words(board.at - int(since)))
        for at, silent, of, since in zip(found.gateway, found.silent, found.bays, found.since, strict=True)
    ]
    return raised, found.covered


def csv_rows(found: Broken) -> Iterator[Row]:
    """What is broken as the CSV has it; instants in UTC."""
    for alarm in found.alarms:
        yield "gateway", alarm.gateway, "", "", "", words.utc(alarm.since)
    for group in found.groups:
        for one in group.rows:
            yield group.key, one.bay, one.street, one.zone, one.model, words.utc(one.since)


def _problem(board: Board, place: int, since: int) -> Problem:
    bays = board.bays
    age = "" if since == NONE else age_words(board.at - since)
    return Problem(bays.id[place], bays.street[place], bays.zone[place], bays.model[place], since, age)


def _clock(site: Site, moment: datetime) -> str:
    return f"{moment.astimezone(site.zone):%-d %b %H:%M}"
