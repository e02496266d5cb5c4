"""The nearest free bay to a place, for anybody: a form, and what is known of the bays around.

Only bays that are of no household, and of one origin: a demo's are simulated, a council's real. Nothing is asked of the
browser and nothing is kept: the form's words stand in the address and are in no log (`dashboard.web.request_log`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Request, Response

from analytics.parking.arrays import FREE, OCCUPIED, UNKNOWN
from analytics.parking.state import REASONS
from dashboard.labels import BAY_WORDS, age, distance
from dashboard.public import bay_words
from dashboard.web.board import Board
from dashboard.web.site import Site
from dashboard.web.values import Flag, Text, Word
from devices.bank_holidays import bank_holidays
from devices.bays import KINDS
from devices.places_file import Place
from store import forecasts, places
from store.batch import Int64
from store.connect import Connection
from store.places import Nearby
from store.times import instant

#: Bays in which anybody may stand, whom the form does not ask for more.
ANYBODY = ("pay", "limited-waiting", "unrestricted")
#: How far one is sent [m], how many free bays are shown, and how many of which nobody knows.
_WITHIN, _FREE, _UNKNOWN = 2_000.0, 10, 5
#: How often a page asks again that was told to [s].
_REFRESH = 60
_WHY = {
    "never": "its sensor has not reported yet",
    "silent": "its sensor has been silent",
    "swapped": "its sensor was changed and has not reported yet",
    "stuck": "its sensor has said occupied for over 28 days",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A bay in words: ``state`` with its age, ``now``: what holds now, ``hours``: the lines of its sign."""

    id: str
    street: str
    kind: str
    spaces: int
    far: str
    state: str
    now: str
    hours: Sequence[str]


@dataclass(frozen=True, slots=True)
class Soon:
    """A zone's forecasts that are shown: ``when`` (14:15), the share of its bays that is likely to be free [%], and how
    far off such a forecast was on average [%]."""

    zone: str
    told: Sequence[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is around a place: free bays, bays of which nobody knows, and how many are taken or closed."""

    place: Place
    free: Sequence[Shown]
    more: int
    unknown: Sequence[Shown]
    occupied: int
    closed: int
    soon: Sequence[Soon]

    @property
    def bays(self) -> int:
        """All bays around."""
        return len(self.free) + self.more + len(self.unknown) + self.occupied + self.closed


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()

    @routes.get("/parking")
    def page(
        request: Request, place: Text = "", kind: Word = "", badge: Flag = False, refresh: Flag = False
    ) -> Response:
        """The form, and the nearest free bays where a place was given."""
        kind = kind if kind in KINDS else ""
        wanted = " ".join(place.split())
        meant: list[Place] = []
        found = None
        events = ""
        if wanted:
            with site.connection() as connection:
                meant = places.find(connection, wanted, simulated=site.options.demo)
                if len(meant) == 1:
                    board, events = site.parking.current(connection)
                    found = _around(site, connection, board, meant[0], kind, badge)
        asked = {"kind": kind, "badge": "true" if badge else ""}
        return site.page(
            request,
            "public/parking.html",
            {
                "wanted": wanted,
                "kind": kind,
                "badge": badge,
                "kinds": [(one, BAY_WORDS[one]) for one in KINDS],
                "found": found,
                "events": events,
                "meant": [(one.name, _address(asked, place=one.name)) for one in meant],
                "again": _address(asked, place=wanted, refresh="" if refresh else "true"),
                "refresh": _REFRESH if refresh and found is not None else None,
                "seconds": _REFRESH,
                "at": datetime.now(site.zone),
            },
        )

    return routes


def _address(asked: Mapping[str, str], **more: str) -> str:
    return f"/parking?{urlencode({name: value for name, value in {**more, **asked}.items() if value})}"


def _around(site: Site, connection: Connection, board: Board, place: Place, kind: str, badge: bool) -> Found:
    today = site.today()
    kinds = (kind,) if kind else ANYBODY
    near = places.bays_near(
        connection, place, (*kinds, "disabled") if badge else kinds, today, simulated=site.options.demo, within=_WITHIN
    )
    if badge:
        near.sort(key=lambda one: (one.kind != "disabled", one.metres))
    # a bay that was registered since the board was read is not known yet
    at = np.array([board.bays.place.get(one.id, -1) for one in near], np.int64)
    near, at = [one for one, place_ in zip(near, at, strict=True) if place_ >= 0], at[at >= 0]
    state = board.now.state[at]
    closed = (board.now.suspended[at] >= 0) | (board.now.permitted[at] >= 0)
    free, unknown = np.flatnonzero((state == FREE) & ~closed), np.flatnonzero((state == UNKNOWN) & ~closed)
    shown = np.concatenate((free[:_FREE], unknown[:_UNKNOWN]))
    shown_bays = said(site, connection, board, [near[one] for one in shown.tolist()], at[shown], today)
    first = min(_FREE, len(free))
    taken = int(np.sum((state == OCCUPIED) & ~closed))
    soon = _soon(site, connection, sorted({near[one].zone for one in shown.tolist()}))
    return Found(place, shown_bays[:first], len(free) - first, shown_bays[first:], taken, int(closed.sum()), soon)


def _soon(site: Site, connection: Connection, zones: Sequence[str]) -> list[Soon]:
    found: dict[str, list[tuple[str, int, int]]] = {}
    for one in forecasts.shown(connection, zones, datetime.now(UTC)):
        assert one.occupancy is not None
        assert one.tested.error is not None
        when = f"{one.at.astimezone(site.zone):%H:%M}"
        # an error below half a bay of a hundred is not none
        free, off = round(100 * (1 - one.occupancy)), max(1, round(100 * one.tested.error))
        found.setdefault(one.zone, []).append((when, free, off))
    return [Soon(zone, told) for zone, told in found.items()]


def said(
    site: Site, connection: Connection, board: Board, bays: Sequence[Nearby], at: Int64, today: date
) -> list[Shown]:
    """Bays in words; ``at``: where each stands in the columns of the board. Raises psycopg.Error."""
    signs = places.restrictions(connection, [bay.id for bay in bays])
    days = [today + timedelta(days=number) for number in range(8)]
    events = {day: places.event_zones(connection, day) for day in days}
    holidays = bank_holidays()
    moment = instant(board.at).astimezone(site.zone)
    found = []
    for bay, place in zip(bays, at.tolist(), strict=True):
        calendar = bay_words.Calendar(holidays, {day for day in days if bay.zone in events[day]})
        found.append(
            Shown(
                bay.id,
                bay.street,
                BAY_WORDS[bay.kind],
                bay.spaces,
                distance(bay.metres),
                _state(board, place),
                bay_words.now(signs[bay.id], moment, calendar),
                [bay_words.hours(one) for one in signs[bay.id]],
            )
        )
    return found


def _state(board: Board, place: int) -> str:
    since = int(board.now.since[place])
    held = age(board.at - since) if since >= 0 else ""
    if board.now.state[place] == FREE:
        return f"Free for {held}"
    why = REASONS[int(board.now.reason[place])]
    if not board.bays.watched[place]:
        return "Not known: it has no sensor"
    return f"Not known: {_WHY[why]}{f' for {held}' if why == 'silent' else ''}"
