"""The queue of overstays: whom to visit first, and what was found there. For a phone and one hand.

Each form carries a token of its own, so that what is sent twice, by a double tap or by a phone that had no network, is
noted once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from analytics.parking import queue as rules
from analytics.parking.queue import Tally
from dashboard.labels import BAY_WORDS, MINUTE, age
from dashboard.operations import words
from dashboard.web.board import OFFICER, Board
from dashboard.web.csv import Row, csv_file
from dashboard.web.forms import form_token, new_token
from dashboard.web.site import Site
from dashboard.web.values import Fields, Text, number
from dashboard.web.visitor import Anybody, Visitor
from devices.bays import BAY_ID
from store import outcomes
from store.connect import Connection
from store.outcomes import Outcome, OutcomeCount
from store.times import instant, microseconds

#: Visits of a page, and of a way: what is worth less waits until these are done.
PAGE, MOST = 30, 500
#: How old an outcome may be that says how likely the next one is right, and the place where an officer is.
RECENT, HERE = timedelta(days=90), timedelta(hours=4)
#: How far back a stay can have begun that somebody may still have visited.
_VISITED = timedelta(days=40)
COLUMNS = ("place", "bay", "street", "zone", "kind", "since", "minutes_over", "likely")


@dataclass(frozen=True, slots=True)
class Visit:
    """One place to go to. ``arrival`` [us]; ``likely``: how likely an overstay is found, 0 to 1; ``known``: whether
    any outcome has told of that, so that it is more than a guess to begin with."""

    bay: str
    street: str
    zone: str
    kind: str
    lon: float
    lat: float
    arrival: int
    minutes: int
    likely: float
    worth: float
    known: bool

    @property
    def kind_words(self) -> str:
        """For whom the bay is."""
        return BAY_WORDS[self.kind]

    @property
    def over_words(self) -> str:
        """How long it has been over."""
        return age(self.minutes * MINUTE)


def router(site: Site) -> APIRouter:
    """The queue, its table as CSV, and the outcomes."""
    routes = APIRouter()

    @routes.get("/parking/queue")
    def page(
        request: Request,
        visitor: Anybody,
        street: Text = "",
        noted: Literal["", "new", "again"] = "",
        was: Literal["", "confirmed", "permit-seen", "blue-badge", "gone", "sensor-wrong"] = "",
    ) -> Response:
        """The first visits, in the order in which to go."""
        with site.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
            start = _start(connection, board, visitor, street)
            found = visits(connection, board, None if start is None else start[1:])
        context = {
            "page": "queue",
            "visits": [(one, words.clock(one.arrival, site.zone, beside=board.at)) for one in found[:PAGE]],
            "count": len(found),
            "street": street,
            "streets": sorted({one.street for one in found}),
            "from": None if start is None else start[0],
            "token": new_token,
            "outcomes": words.OUTCOME_WORDS,
            "noted": noted,
            "was": words.OUTCOME_WORDS.get(was, ""),
            "moment": words.clock(board.at, site.zone, beside=board.at),
        }
        return site.page(request, "operations/queue.html", context)

    @routes.post("/parking/queue")
    def note(visitor: Anybody, given: Fields) -> Response:
        """Note an outcome, once a form."""
        one = _outcome(given, visitor)
        with site.connection() as connection:
            try:
                before = outcomes.note(connection, one, personal=OFFICER in visitor.roles)
            except LookupError:
                raise HTTPException(404) from None
        noted = "again" if before else "new"
        query = {"noted": noted, "was": before or one.outcome, "street": given.get("street", "")[:200]}
        address = f"/parking/queue?{urlencode({name: value for name, value in query.items() if value})}"
        return RedirectResponse(address, status_code=303)

    @routes.get("/parking/queue/overstays.csv")
    @site.lane.work
    def table(visitor: Anybody, street: Annotated[Text, Query()] = "") -> Response:
        """The whole queue."""
        with site.lane.connection() as connection:
            board = site.boards.current(connection).seen(visitor)
            start = _start(connection, board, visitor, street)
            found = visits(connection, board, None if start is None else start[1:])
        return csv_file(site, "parking-overstays", COLUMNS, csv_rows(found))

    return routes


def visits(connection: Connection, board: Board, start: tuple[float, float] | None) -> list[Visit]:
    """All stays that are over and were not visited yet, in the order in which to go. Raises psycopg.Error."""
    at = instant(board.at)
    been = outcomes.visited(connection, at - _VISITED)
    bays, now = board.bays, board.now
    places = [
        place
        for place in np.flatnonzero(now.over > 0).tolist()
        if (bays.id[place], instant(int(now.since[place]))) not in been
    ]
    if not places:
        return []
    # whoever sees no bay of a household is told nothing that was found there
    told = Told(outcomes.counts(connection, at - RECENT, personal=bool(bays.personal.any())))
    minutes = now.over[places] // MINUTE
    kinds = [str(bays.kind[place]) for place in places]
    likely = np.array([told.likely(bays.id[p], str(bays.street[p]), str(bays.model[p])) for p in places])
    worth = rules.worth(minutes.astype(np.float64), kinds, likely)
    best = np.argsort(-worth, kind="stable")[:MOST]
    chosen = np.array(places)[best]
    way = best[rules.sweep(worth[best], bays.lon[chosen], bays.lat[chosen], start)]
    return [
        Visit(
            bays.id[places[row]],
            str(bays.street[places[row]]),
            str(bays.zone[places[row]]),
            kinds[row],
            float(bays.lon[places[row]]),
            float(bays.lat[places[row]]),
            int(now.since[places[row]]),
            int(minutes[row]),
            float(likely[row]),
            float(worth[row]),
            told.everything.told > 0,
        )
        for row in way.tolist()
    ]


class Told:
    """What outcomes tell of bays, streets and models."""

    def __init__(self, counts: Sequence[OutcomeCount]) -> None:
        self.bays = tallies((one.bay, one) for one in counts)
        self.streets = tallies((one.street, one) for one in counts)
        self.models = tallies((one.model, one) for one in counts)
        self.kinds = tallies((one.kind, one) for one in counts)
        self.everything = tallies(("", one) for one in counts).get("", Tally(0, 0, 0))

    def likely(self, bay: str, street: str, model: str) -> float:
        """How likely a visit of a bay finds an overstay."""
        none = Tally(0, 0, 0)
        return rules.expected(
            self.bays.get(bay, none), self.streets.get(street, none), self.models.get(model, none), self.everything
        )


def tallies(named: Iterator[tuple[str, OutcomeCount]]) -> Mapping[str, Tally]:
    """Outcomes by name made tallies."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, one in named:
        found[name][one.outcome] += one.visits
    return {name: rules.tally(counts) for name, counts in found.items()}


def csv_rows(found: Sequence[Visit]) -> Iterator[Row]:
    """The queue as the CSV has it; instants in UTC."""
    for place, one in enumerate(found, 1):
        since = instant(one.arrival).isoformat(timespec="seconds")
        yield place, one.bay, one.street, one.zone, one.kind, since, one.minutes, f"{one.likely:.3f}"


def _start(connection: Connection, board: Board, visitor: Visitor, street: str) -> tuple[str, float, float] | None:
    """Where the way begins: in the street that was chosen, else where the officer was last; None: neither."""
    if street:
        there = board.bays.street == street
        if there.any():
            return street, float(board.bays.lon[there].mean()), float(board.bays.lat[there].mean())
    if visitor.account_id is None:
        return None
    last = outcomes.last_place(connection, visitor.account_id, instant(board.at) - HERE)
    return None if last is None else (last.street, last.lon, last.lat)


def _outcome(given: Mapping[str, str], visitor: Visitor) -> Outcome:
    """What a form says. Raises HTTPException 400: none of our pages sends such a one."""
    token, bay, outcome = form_token(given), given.get("bay", ""), given.get("outcome", "")
    arrival, minutes = number(given.get("arrival", "")), number(given.get("minutes", ""))
    now = datetime.now(UTC)
    if (
        token is None
        or BAY_ID.match(bay) is None
        or outcome not in words.OUTCOME_WORDS
        or arrival is None
        or arrival > microseconds(now)
        or minutes is None
        or minutes > 100_000_000
    ):
        raise HTTPException(400)
    return Outcome(token, bay, instant(arrival), now, visitor.account_id, outcome, minutes)
