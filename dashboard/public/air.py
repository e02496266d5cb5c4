"""The air now, for anybody: all monitors as a list and a map, and the air of a place by postcode or name.

Monitors of one origin, never a household's. Nothing is asked of the browser and nothing is kept: the form's words stand
in the address and are in no log (`dashboard.web.request_log`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from analytics.air.index import ADVICE, AT_RISK, BANDS, BEGINS, LABELS, Advice, band
from dashboard import plan
from dashboard.labels import distance
from dashboard.public import air_now, air_words
from dashboard.web import air_board
from dashboard.web.air_board import AirBoard
from dashboard.web.site import Site
from dashboard.web.values import Flag, Text, Whole, Word
from devices.places_file import Place
from store import air_places, places
from store.air import Now
from store.air_places import Near

#: Monitors of a page of the list, and those that are named around a place.
PAGE, AROUND = 50, 5
#: How far we look for a monitor that says nothing of a place any more [m].
_FAR = 50_000.0
#: How often a page asks again that was told to [s].
_REFRESH = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """A monitor in words.

    ``mark``: of its band; ``index``: with its band; ``hour``: of when it is, or last heard; ``why``: of an hour of now
    without one.
    """

    href: str
    name: str
    far: str
    mark: Markup
    band: str
    index: str
    rests_on: str
    missing: str
    kind: str
    humid: bool
    hour: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The air of a place: the nearest monitor that has an index, what to do, and the others around.

    ``silent``: a nearer one that has none. ``highest``: where another within reach is higher than the nearest.
    ``far``: the nearest of all where none is within reach.
    """

    place: Place
    near: Shown | None
    advice: Advice | None
    silent: Shown | None
    highest: Shown | None
    around: Sequence[Shown]
    far: Shown | None


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()

    @routes.get("/air")
    def page(
        request: Request,
        place: Text = "",
        band: Word = "",
        number: Whole = 1,
        refresh: Flag = False,
    ) -> Response:
        """The list and the map; above them the air of a place where one was given."""
        band = band if band in air_now.BANDS else ""
        wanted = " ".join(place.split())
        meant: list[Place] = []
        with site.connection() as connection:
            board = site.air.current(connection)
            if wanted:
                meant = _named(board, wanted) or places.find(connection, wanted, simulated=site.options.demo)
        rows = air_now.of_band(board, band)
        last = max(1, -(-len(rows) // PAGE))
        number = min(max(1, number), last)
        counts = air_now.counts(board)
        asked = {"place": wanted, "band": band}
        return site.page(
            request,
            "public/air.html",
            {
                "wanted": wanted,
                "found": _found(site, board, meant[0]) if len(meant) == 1 else None,
                "meant": [(one.name, address(place=one.name)) for one in meant],
                "called": []
                if meant or not wanted
                else [shown(site, one, board) for one in board.named(wanted)[:AROUND]],
                "symbols": plan.symbols(plan.AIR),
                "summary": air_now.summary(board),
                "any": bool(board.rows),
                "totals": [
                    {
                        "mark": plan.key(one),
                        "words": air_now.BAND_WORDS[one],
                        "count": counts[one],
                        "href": address(place=wanted, band="" if band == one else one),
                        "here": band == one,
                    }
                    for one in air_now.BANDS
                ],
                "band": band,
                "band_words": air_now.BAND_WORDS.get(band, ""),
                "map": air_now.draw(rows),
                "rows": [shown(site, one, board) for one in rows[(number - 1) * PAGE : number * PAGE]],
                "count": len(rows),
                "number": number,
                "last": last,
                "before": address(**asked, number=str(number - 1)) if number > 1 else None,
                "following": address(**asked, number=str(number + 1)) if number < last else None,
                "advice": [(plan.key(one), LABELS[one], _range(one), ADVICE[one]) for one in BANDS],
                "at_risk": AT_RISK,
                "again": address(**asked, refresh="" if refresh else "true"),
                "refresh": _REFRESH if refresh else None,
                "at": datetime.now(site.zone),
            },
        )

    return routes


def address(**asked: str) -> str:
    """The page's address with these wishes; empty ones are left out."""
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/air?{query}" if query else "/air"


def monitor_address(device: str, **more: str) -> str:
    """The address of a monitor's page."""
    query = urlencode({name: value for name, value in more.items() if value})
    return f"/air/monitor/{quote(device, safe='')}{f'?{query}' if query else ''}"


def shown(site: Site, one: Now, board: AirBoard, far: float | None = None) -> Shown:
    """A monitor in words; ``far`` [m] from the place that was asked for."""
    index = air_board.index(one)
    if one.fresh and one.hour is not None:
        hour = air_words.hour_words(one.hour, site.zone)
    else:
        hour = air_words.heard(one.monitor, board.at, site.zone)
    return Shown(
        monitor_address(one.device),
        one.monitor.name,
        "" if far is None else distance(far),
        plan.key(air_now.mark(one)),
        air_now.mark(one),
        air_words.index_words(index),
        air_words.rests_on(one) if index else "",
        air_words.missing(one) if one.fresh else "",
        air_words.kind(one.monitor),
        one.humid and one.fresh,
        hour,
        "Too few readings came in for an index." if one.fresh and not index else "",
    )


def _named(board: AirBoard, wanted: str) -> list[Place]:
    """The one monitor of exactly this name or id, as a place."""
    found = [one.monitor for one in board.exactly(wanted)]
    if len(found) != 1 or found[0].lon is None or found[0].lat is None:
        return []
    return [Place(found[0].name, found[0].lon, found[0].lat)]


def _found(site: Site, board: AirBoard, place: Place) -> Found:
    within = air_places.within(board.rows, place.lon, place.lat)
    nearest = air_places.nearest(board.rows, place.lon, place.lat)
    area = air_places.area(board.rows, place.lon, place.lat)

    def say(one: Near | None) -> Shown | None:
        return None if one is None else shown(site, one.now, board, one.metres)

    speaks = nearest is not None and air_board.index(nearest.now) > 0
    highest = area.highest if area and nearest and area.highest.now.index > nearest.now.index else None
    first = within[0] if within else None
    named = (nearest, first, highest)
    others = [one for one in within if all(known is None or one.now is not known.now for known in named)]
    far = None
    if nearest is None:
        far = next(iter(air_places.within(board.rows, place.lon, place.lat, _FAR)), None)
    index_band = band(nearest.now.index) if nearest is not None and speaks else None
    return Found(
        place,
        say(nearest),
        None if index_band is None else ADVICE[index_band],
        say(first) if first is not None and nearest is not None and first.now is not nearest.now else None,
        say(highest),
        [shown(site, one.now, board, one.metres) for one in others[:AROUND]],
        say(far),
    )


def _range(name: str) -> str:
    """The indices of a band: ``4 to 6``."""
    first = BEGINS[name]
    last = min((begins - 1 for begins in BEGINS.values() if begins > first), default=first)
    return f"{first}" if last == first else f"{first} to {last}"
