"""The start page of the whole service: air now, bays free now, the energy of many homes together, and the nearest of
each by place. For anybody, a resident's telephone and a screen in a hall alike.

The figures are made once for all visitors and kept for seconds, so that a flood of them asks the database no more than
one does. Each says in words where there is nothing. Energy is of months whose figures are published already
(`analytics.neighbours.programme`): the page never sees a home.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup
from numpy.typing import NDArray
from psycopg_pool import PoolTimeout

from analytics.neighbours import programme
from analytics.parking.arrays import FREE, OCCUPIED, UNKNOWN
from dashboard import plan, roles
from dashboard.audiences import entries
from dashboard.labels import FUEL_WORDS, amount, month_words
from dashboard.public import air, air_now, air_words, parking
from dashboard.web.air_board import AirBoard
from dashboard.web.board import Bays, Board
from dashboard.web.site import Site
from dashboard.web.values import Flag, Text
from dashboard.web.visitor import Anybody
from devices.places_file import Place
from devices.trials import Sight
from store import air_places, places, trials
from store.connect import Connection

log = logging.getLogger(__name__)

#: So long figures serve everybody [s]; older ones are not shown while new ones are made, and none are that are older
#: than what a visitor takes for now, where new ones cannot be made.
KEPT, STALE, OLD = 5.0, 30.0, 120.0
#: How long the page waits for the database, for it is the way to all the others too [s].
_PATIENCE = 1.0
#: Rows of a list; the rest is counted and stands on the page of its own.
AREAS, ZONES = 30, 40
#: A degree of latitude [m].
_DEGREE = 111_195.0
#: How often a screen asks again [s].
_REFRESH = 60


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area's index: ``mark`` of its band, ``index`` in words, and where it was measured."""

    name: str
    mark: Markup
    index: str
    where: str


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """Bays of a zone for anybody: how many are free, taken, closed, and not known."""

    zone: str
    free: int
    taken: int
    closed: int
    unknown: int

    @property
    def bays(self) -> int:
        """All of them."""
        return self.free + self.taken + self.closed + self.unknown


@dataclass(frozen=True, slots=True)
class EnergyRow:
    """A fuel: what many homes used together, in words; None: nothing may be shown."""

    fuel: str
    month: str
    homes: int
    total: str
    each: str
    left_out: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a moment. ``areas``, ``zones``: the first of them, ``more_areas``, ``more_zones`` beyond."""

    at: datetime
    monitors: int
    air: str
    indicative: bool
    areas: Sequence[AreaRow]
    more_areas: int
    areas_without: int
    zones: Sequence[ZoneRow]
    more_zones: int
    bays: ZoneRow
    energy: Sequence[EnergyRow]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for by place."""
        return not self.monitors and not self.bays.bays


@dataclass(slots=True)
class _Zones:
    """Where the open bays for anybody stand in the board's columns, and the zone of each; while the register stays."""

    of: Bays
    place: NDArray[np.int64]
    zone: NDArray[np.int64]
    names: list[str]


@dataclass(frozen=True, slots=True)
class Made:
    """Figures with what the page shows of them, drawn once; ``alone``: without what other homes used, for residents in
    a trial that see only their own. ``figures`` None: they cannot be read now."""

    figures: Figures | None
    drawn: Markup
    alone: Markup
    since: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """How old they are [s]."""
        return time.monotonic() - self.since


class Overview:
    """The figures of one site. For many threads: one makes them, the others take what it made."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._making = threading.Lock()
        self._made: Made | None = None
        self._zones: _Zones | None = None

    def fresh(self) -> Made | None:
        """What is kept and good still; it asks nobody."""
        made = self._made
        return made if made is not None and made.age <= KEPT else None

    def current(self) -> Made:
        """What is kept, made anew where it is too old. Who comes while that is done takes what there was, unless
        that is `STALE`. Where the database is away the last figures are shown while they are not `OLD`, then words."""
        made = self._made
        if not self._making.acquire(blocking=made is None or made.age > STALE):
            assert made is not None
            return made
        try:
            found = self.fresh()
            if found is None:
                found = self._made = self._make()
            return found
        finally:
            self._making.release()

    def _make(self) -> Made:
        before = self._made
        try:
            with self._site.connection(_PATIENCE) as connection:
                figures: Figures | None = self._read(connection)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("the overview has no figures: %s", type(error).__name__)
            if before is not None and before.figures is not None:
                past = datetime.now(UTC) - before.figures.at  # not by local clocks: these are changed
                if past.total_seconds() <= OLD:
                    return Made(before.figures, before.drawn, before.alone)  # they say of when they are
            figures = None
        template = self._site.templates.env.get_template("public/overview_now.html")
        drawn, alone = (
            Markup(template.render(now=figures, alone=alone))  # noqa: S704  # a template's, which escapes
            for alone in (False, True)
        )
        return Made(figures, drawn, alone)

    def _read(self, connection: Connection) -> Figures:
        site = self._site
        board = site.air.current(connection)
        areas = _areas(site, board, places.areas(connection) if board.rows else [])
        zones = self._bays(connection)
        rows = [row for row in zones if row.bays]
        shown = [one for _, one in areas if one is not None]
        return Figures(
            datetime.now(site.zone),
            len(board.rows),
            air_now.summary(board) if board.rows else "",
            any(one.indicative for one in board.rows),
            shown[:AREAS],
            max(0, len(shown) - AREAS),
            len(areas) - len(shown),
            rows[:ZONES],
            max(0, len(rows) - ZONES),
            ZoneRow("", *(sum(getattr(row, name) for row in rows) for name in ("free", "taken", "closed", "unknown"))),
            [_energy(one) for one in programme.altogether(connection, site.options.open_origin)],
        )

    def nearest_bay(self, connection: Connection, place: Place) -> tuple[parking.Shown | None, int]:
        """The nearest free bay for anybody within reach, in words, and how many bays for anybody there are. Raises
        psycopg.Error."""
        site, board = self._site, self._site.boards.current(connection)
        at = self._known(connection, board).place
        up = (board.bays.lat[at] - place.lat) * _DEGREE
        across = (board.bays.lon[at] - place.lon) * _DEGREE * math.cos(math.radians(place.lat))
        metres = np.hypot(up, across)
        near = metres <= air_places.WITHIN
        free = near & (board.now.state[at] == FREE) & (board.now.suspended[at] < 0) & (board.now.permitted[at] < 0)
        if not free.any():
            return None, int(near.sum())
        first = int(np.argmin(np.where(free, metres, np.inf)))
        bay, kind = board.bays.id[at[first]], str(board.bays.kind[at[first]])
        # few are as near; a bay that was taken out of the register this moment is none of them
        around = places.bays_near(
            connection,
            place,
            (kind,),
            site.today(),
            simulated=site.options.demo,
            within=float(metres[first]) * 1.01 + 1,
        )
        found = [one for one in around if one.id == bay]
        shown = parking.said(site, connection, board, found, at[[first] * len(found)], site.today())
        return next(iter(shown), None), int(near.sum())

    def _known(self, connection: Connection, board: Board) -> _Zones:
        zones = self._zones
        if zones is None or zones.of is not board.bays:
            zones = self._zones = self._register(connection, board)
        return zones

    def _bays(self, connection: Connection) -> list[ZoneRow]:
        board = self._site.boards.current(connection)
        zones = self._known(connection, board)
        state = board.now.state[zones.place]
        closed = (board.now.suspended[zones.place] >= 0) | (board.now.permitted[zones.place] >= 0)
        counts = [
            np.bincount(zones.zone[which], minlength=len(zones.names)).tolist()
            for which in (
                (state == FREE) & ~closed,
                (state == OCCUPIED) & ~closed,
                closed,
                (state == UNKNOWN) & ~closed,
            )
        ]
        return [ZoneRow(name, *numbers) for name, *numbers in zip(zones.names, *counts, strict=True)]

    def _register(self, connection: Connection, board: Board) -> _Zones:
        """Of the bays in which anybody may stand, of no household and of this site's origin."""
        site = self._site
        known = places.open_bays(connection, parking.ANYBODY, site.today(), simulated=site.options.demo)
        bays = board.bays
        which = np.array([bay in known for bay in bays.id], np.bool_) & ~bays.personal
        place = np.flatnonzero(which)
        names, zone = np.unique(bays.zone[place].astype(np.str_), return_inverse=True)
        return _Zones(bays, place, zone.astype(np.int64), [str(name) for name in names])


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest of each to a place: a monitor in words, whether it has an index now, and a free bay in words."""

    place: Place
    monitor: air.Shown | None
    indexed: bool
    bay: parking.Shown | None
    bays: int
    air_address: str
    parking_address: str


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()
    overview = Overview(site)

    @routes.get("/")
    async def start(
        request: Request, visitor: Anybody, place: Text = "", large: Flag = False, refresh: Flag = False
    ) -> Response:
        """All of it; below, an entry for each audience, and where the council's own people work.

        ``place``: what is nearest to it. ``large``: for a screen that nobody touches, which asks again by
        itself where it was told to (``refresh``).
        """
        made = overview.fresh()
        if made is None:
            made = await run_in_threadpool(overview.current)
        alone = visitor.tenancy_id is not None and await run_in_threadpool(_in_trial, site, visitor.tenancy_id)
        drawn = made.alone if alone else made.drawn
        if large:
            screen = {"symbols": plan.symbols(plan.AIR), "drawn": drawn, "refresh": _REFRESH if refresh else None}
            return site.page(request, "public/overview_large.html", screen)
        wanted = " ".join(place.split())
        meant, near = await run_in_threadpool(_look, site, overview, wanted) if wanted else ([], None)
        context: dict[str, Any] = {
            "drawn": drawn,
            "symbols": plan.symbols(plan.AIR),
            "search": made.figures is None or not made.figures.empty,
            "wanted": wanted,
            "near": near,
            "meant": [(one.name, f"/?{urlencode({'place': one.name})}#near") for one in meant],
            "entries": entries(
                site.paths, visitor.roles, account=visitor.account_id is not None, demo=site.options.demo
            ),
            "work": roles.work(visitor.roles),
        }
        return site.page(request, "public/start.html", context)

    return routes


def _in_trial(site: Site, tenancy_id: int) -> bool:
    """Whether a resident may not see the average of others for a trial; also where that cannot be known now."""
    try:
        with site.connection(_PATIENCE) as connection:
            member = trials.of_tenancy(connection, tenancy_id, site.today())
    except (psycopg.OperationalError, PoolTimeout):
        return True
    return member is not None and member.sight != Sight.ALL


def _look(site: Site, overview: Overview, wanted: str) -> tuple[list[Place], Near | None]:
    """The places that somebody may mean; what is nearest to it where it is one alone."""
    with site.connection() as connection:
        meant = places.find(connection, wanted, simulated=site.options.demo)
        if len(meant) != 1:
            return meant, None
        place = meant[0]
        board = site.air.current(connection)
        nearest = air_places.nearest(board.rows, place.lon, place.lat)
        bay, bays = overview.nearest_bay(connection, place)
    query = urlencode({"place": place.name})
    return meant, Near(
        place,
        None if nearest is None else air.shown(site, nearest.now, board, nearest.metres),
        nearest is not None and nearest.now.fresh and nearest.now.index > 0,
        bay,
        bays,
        f"/air?{query}",
        f"/parking?{query}",
    )


def _areas(site: Site, board: AirBoard, known: Sequence[Place]) -> list[tuple[int, AreaRow | None]]:
    """All areas, the highest index first; None of those without one now."""
    found: list[tuple[int, str, AreaRow | None]] = []
    for area in known:
        told = air_places.area(board.rows, area.lon, area.lat)
        if told is None:
            found.append((0, area.name, None))
            continue
        one = told.highest.now
        hour = "" if one.hour is None else f", {air_words.hour_words(one.hour, site.zone)}"
        row = AreaRow(
            area.name, plan.key(air_now.mark(one)), air_words.index_words(one.index), f"{one.monitor.name}{hour}"
        )
        found.append((one.index, area.name, row))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [(index, row) for index, _, row in found]


def _energy(one: programme.Altogether) -> EnergyRow:
    return EnergyRow(
        FUEL_WORDS[one.fuel],
        month_words(one.from_day),
        one.homes,
        amount(one.total),
        amount(one.each),
        one.left_out,
    )
