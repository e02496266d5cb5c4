"""The board on a wall: large numbers, zones, the first of the queue; it fits a screen and asks again by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fastapi import APIRouter, Request, Response

from analytics.parking.arrays import FREE, OCCUPIED
from dashboard import plan
from dashboard.operations import words
from dashboard.operations.board import Filter, totals
from dashboard.operations.queue import visits
from dashboard.web.board import Board
from dashboard.web.site import Site
from dashboard.web.values import Flag
from dashboard.web.visitor import Anybody
from store.times import instant

#: How often it asks again [s], and so many zones and visits have room.
REFRESH, ZONES, VISITS = 20, 12, 8


@dataclass(frozen=True, slots=True)
class ZoneNow:
    """A zone's bays now; ``share``: occupied of those that are known, in words."""

    name: str
    free: int
    occupied: int
    unknown: int
    over: int
    share: str


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()

    @routes.get("/parking/wall")
    def page(request: Request, visitor: Anybody, refresh: Flag = False) -> Response:
        """Everything at a glance."""
        with site.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
            found = visits(connection, board, None)
        zones = by_zone(board)
        context = {
            "page": "wall",
            # only for who asks for it: a page that changes by itself is not for everybody
            "refresh": REFRESH if refresh else None,
            "seconds": REFRESH,
            "symbols": plan.symbols(plan.PARKING),
            "clock": f"{instant(board.at).astimezone(site.zone):%H:%M}",
            "totals": totals(board, Filter()),
            "zones": zones[:ZONES],
            "more": max(0, len(zones) - ZONES),
            "visits": found[:VISITS],
            "waiting": max(0, len(found) - VISITS),
        }
        return site.page(request, "operations/wall.html", context)

    return routes


def by_zone(board: Board) -> Sequence[ZoneNow]:
    """Zones with their bays now, those with most over their time first, then the fullest."""
    zone = np.array([board.bays.zones.index(name) for name in board.bays.zone], np.int64)
    state, over = board.now.state, board.now.over > 0
    found = []
    for place, name in enumerate(board.bays.zones):
        here = state[zone == place]
        free, occupied = int((here == FREE).sum()), int((here == OCCUPIED).sum())
        share = occupied / (free + occupied) if free + occupied else float("nan")
        unknown = len(here) - free - occupied
        found.append(
            (share, ZoneNow(name, free, occupied, unknown, int(over[zone == place].sum()), words.percent(share)))
        )
    return [one for _, one in sorted(found, key=lambda row: (-row[1].over, -np.nan_to_num(row[0], nan=-1.0)))]
