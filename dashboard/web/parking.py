"""The live states of parking bays: one reading a look, and a feed for each that may see another part of it.

Officers see all bays, engineers those of no household, both with what is over; the public sees the states of bays that
are of no household, and nothing else.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray

from dashboard.web.guard import may_still
from dashboard.web.live_rows import LiveRows, Rows
from dashboard.web.site import Site
from dashboard.web.visitor import Anybody
from devices.duration import duration
from store import parking
from store.batch import Int64
from store.connect import Connection

#: Whoever may see the bays of households.
OFFICER = "parking-ops"
#: What is read for one feed serves the others of the same look [s].
_SAME = 0.05
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


class States(NamedTuple):
    """How all bays are: ``ids`` sorted; ``personal`` bool, ``state`` 0 free, 1 occupied, 2 unknown; ``heard`` [us], 0
    never. All ``(bays,)``."""

    ids: list[str]
    personal: NDArray[np.bool_]
    state: Int64
    heard: Int64


def read_states(connection: Connection, now: int) -> States:
    """The states at ``now`` [us]. Raises psycopg.Error."""
    latest = parking.latest_states(connection)
    limits: dict[str | None, int] = {}
    for text in set(latest.heartbeat):
        heartbeat = duration(text)
        limits[text] = 25 * _DAY // 24 if heartbeat is None else 5 * heartbeat // 2
    limit = np.array([limits[text] for text in latest.heartbeat], np.int64)
    known = (latest.time > 0) & (now < latest.time + limit)
    state = np.where(known, latest.value.astype(np.int64), 2)
    return States(latest.ids, latest.personal, state, latest.time)


class _Reader:
    """Reads once a look, whoever asks."""

    def __init__(self) -> None:
        self._at = -1.0
        self._states: States | None = None

    def states(self, connection: Connection) -> States:
        begun = time.monotonic()
        if self._states is None or begun - self._at > _SAME:
            self._states = read_states(connection, time.time_ns() // 1_000)
            self._at = time.monotonic()
        return self._states

    def all(self, connection: Connection) -> Rows:
        """Of all bays."""
        states = self.states(connection)
        return Rows(states.ids, {"state": states.state, "heard": states.heard // _SECOND})

    def open(self, connection: Connection) -> Rows:
        """Of those that are of no household."""
        states = self.states(connection)
        shown = ~states.personal
        ids = [states.ids[place] for place in np.flatnonzero(shown).tolist()]
        return Rows(ids, {"state": states.state[shown], "heard": states.heard[shown] // _SECOND})


def router(site: Site) -> APIRouter:
    """The streams."""
    routes = APIRouter()
    reader = _Reader()
    # a bay that was only heard again is as it was
    quiet = frozenset({"heard"})
    every = site.events.add(LiveRows(reader.all, quiet))
    engineers = site.events.add(LiveRows(reader.open, quiet))
    public = site.events.add(LiveRows(reader.open, quiet))

    @routes.get("/parking/events")
    async def events(request: Request, visitor: Anybody) -> Response:
        """For operations: until the session ends."""
        feed = every if OFFICER in visitor.roles else engineers
        return site.events.stream(feed, request, may_still)

    @routes.get("/parking/live")
    async def live(request: Request) -> Response:
        """For anybody."""
        return site.events.stream(public, request)

    return routes
