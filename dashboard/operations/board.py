"""The board: how each bay stands, as a list and a map side by side; now, or as it was at an instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup
from numpy.typing import NDArray

from analytics.parking.state import REASONS
from dashboard import plan
from dashboard.labels import BAY_WORDS, MINUTE, age
from dashboard.operations import words
from dashboard.web.board import Board
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.values import Cursor, Moment, Text, Word, cursor_of
from dashboard.web.visitor import Anybody
from devices.bays import KINDS
from devices.counts import counted
from store.batch import Int64
from store.connect import Connection
from store.times import instant, microseconds

#: Bays of a page.
PAGE = 200
#: So many filters of one board are kept.
_KEPT = 32
#: A state to be shown alone; what is over its time is occupied too.
State = Literal["", "free", "occupied", "unknown", "over"]
COLUMNS = (
    "bay", "street", "zone", "kind", "state", "reason", "since", "minutes_over", "suspended_until", "permitted_until",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the board is shown; "" is everything. ``at``: the instant, None for now."""

    zone: str = ""
    street: str = ""
    state: State = ""
    kind: str = ""
    at: datetime | None = None

    def query(self, **more: str) -> str:
        """An address' query with this filter."""
        at = (
            {}
            if self.at is None
            else {"at": self.at.replace(tzinfo=None).isoformat(timespec="seconds").removesuffix(":00")}
        )
        fields = {"zone": self.zone, "street": self.street, "state": self.state, "kind": self.kind, **at, **more}
        return urlencode({name: value for name, value in fields.items() if value})

    def address(self, **more: str) -> str:
        """The board's address with this filter."""
        query = self.query(**more)
        return f"/parking/board?{query}" if query else "/parking/board"

    @property
    def empty(self) -> bool:
        """Whether everything is shown."""
        return not (self.zone or self.street or self.state or self.kind)


@dataclass(frozen=True, slots=True)
class Line:
    """One bay in words; ``x`` and ``y``: where it lies on the map."""

    bay: str
    mark: Markup
    said: str
    kind: str
    over: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Total:
    """How many bays are in a state."""

    name: str
    words: str
    count: int
    mark: Markup
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class _Bays:
    """The map and the list as text, how many bays they are of, and the totals."""

    text: Markup
    count: int
    totals: list[Total]


def router(site: Site) -> APIRouter:
    """The board, its table as CSV, and its stream of changes."""
    routes = APIRouter()

    @routes.get("/parking/board")
    async def board(
        request: Request,
        visitor: Anybody,
        zone: Text = "",
        street: Text = "",
        state: State = "",
        kind: Word = "",
        at: Annotated[Moment, Query()] = None,
        after: Annotated[Cursor | None, Query(alias="cursor")] = None,
    ) -> Response:
        """One page of bays and the map of all that the filter names."""
        chosen = _filter(site, zone, street, state, kind, at)

        def make() -> Response:
            if chosen.at is None:
                with site.connection() as connection:
                    found, events = site.parking.current(connection, visitor)
            else:
                with site.lane.connection() as connection:
                    found, events = _board(site, connection, chosen).seen(visitor), ""
            return _page(site, request, found, chosen, after, events)

        # another instant is made of a day's readings of all bays: not beside the pages
        return await (run_in_threadpool(make) if chosen.at is None else site.lane.run(make))

    @routes.get("/parking/board/bays.csv")
    @site.lane.work
    def table(
        visitor: Anybody,
        zone: Text = "",
        street: Text = "",
        state: State = "",
        kind: Word = "",
        at: Annotated[Moment, Query()] = None,
    ) -> Response:
        """All bays that the filter names."""
        chosen = _filter(site, zone, street, state, kind, at)
        with site.lane.connection() as connection:
            found = _board(site, connection, chosen).seen(visitor)
        return csv_file(site, "parking-bays", COLUMNS, csv_rows(found, rows_of(found, chosen)))

    return routes


def _filter(site: Site, zone: str, street: str, state: State, kind: str, at: datetime | None) -> Filter:
    """What was asked for. Raises RequestValidationError for a kind that is none and for an instant that is to come."""
    moment = None if at is None else at.replace(tzinfo=site.zone)
    # by instants: two times of one zone are compared by its clocks, and one hour a year these are put back
    flaws = {"kind": kind not in ("", *KINDS), "at": moment is not None and moment > datetime.now(UTC)}
    if any(flaws.values()):
        raise RequestValidationError([{"loc": ("query", name)} for name, wrong in flaws.items() if wrong])
    return Filter(zone.strip(), street.strip(), state, kind, moment)


def _board(site: Site, connection: Connection, chosen: Filter) -> Board:
    if chosen.at is None:
        return site.boards.current(connection)
    return site.boards.past(connection, microseconds(chosen.at))


def rows_of(board: Board, chosen: Filter) -> Int64:
    """The places of the bays that a filter names, in the board's order."""
    return np.flatnonzero(_place(board, chosen) & _in_state(board, chosen.state))


def _place(board: Board, chosen: Filter) -> NDArray[np.bool_]:
    found = np.ones(len(board.bays.id), bool)
    for names, wanted in (
        (board.bays.zone, chosen.zone), (board.bays.street, chosen.street), (board.bays.kind, chosen.kind),
    ):  # fmt: skip
        if wanted:
            found &= names == wanted
    return found


def _in_state(board: Board, state: State) -> NDArray[np.bool_]:
    if not state:
        return np.ones(len(board.bays.id), np.bool_)
    code = next((code for code, name in words.STATE_NAMES.items() if name == state), None)
    found: NDArray[np.bool_] = board.now.over > 0 if code is None else board.now.state == code
    return found


def marks_of(board: Board, rows: Int64) -> dict[str, NDArray[np.bool_]]:
    """By mark of the map, which of these bays have it, in the order in which they are drawn: where there is no room for
    all, what is over and what is free are seen first."""
    state, over = board.now.state[rows], board.now.over[rows] > 0
    found = {name: (state == code) & ~over for code, name in words.STATE_NAMES.items()}
    return {**{name: found[name] for name in ("occupied", "unknown", "free")}, "over": over}


def lines(board: Board, rows: Int64, shown: Int64, zone: ZoneInfo) -> list[tuple[str, list[Line]]]:
    """The bays ``shown`` in words, by zone and street; the map is of ``rows``."""
    bays, now = board.bays, board.now
    x, y = plan.frame(bays.lon[rows], bays.lat[rows]).place(bays.lon[shown], bays.lat[shown])
    found = []
    for place, across, down in zip(shown.tolist(), x.tolist(), y.tolist(), strict=True):
        over = int(now.over[place])
        name = "over" if over > 0 else words.STATE_NAMES[int(now.state[place])]
        over_words = age(over) if over > 0 else ""
        one = Line(
            bays.id[place], _KEYS[name], said(board, place, zone), BAY_WORDS[bays.kind[place]], over_words, across, down
        )
        found.append((f"{bays.street[place]}, {bays.zone[place]}", one))
    return [(name, [one for _, one in group]) for name, group in groupby(found, key=itemgetter(0))]


def said(board: Board, place: int, zone: ZoneInfo) -> str:
    """A bay's state, its age, and why it is unknown or counts for nothing."""
    now = board.now
    state, since = words.STATE_WORDS[words.STATE_NAMES[int(now.state[place])]], int(now.since[place])
    reason = words.reason(int(now.reason[place]))
    text = f"{state}: {reason}" if reason else state
    if since >= 0:
        text += f" for {age(board.at - since)}"
    for until, what in ((int(now.suspended[place]), "suspended"), (int(now.permitted[place]), "permit")):
        if until >= 0:
            text += f", {what} until {words.clock(until, zone, beside=board.at)}"
    return text


def csv_rows(board: Board, rows: Int64) -> Iterator[Row]:
    """Bays as the CSV has them: instants in UTC, minutes over empty where nothing is."""
    bays, now = board.bays, board.now
    for place in rows.tolist():
        moments = (words.utc(int(column[place])) for column in (now.since, now.suspended, now.permitted))
        since, *closed = moments
        state, reason = words.STATE_NAMES[int(now.state[place])], REASONS[int(now.reason[place])]
        over = int(now.over[place]) // MINUTE
        names = bays.id[place], bays.street[place], bays.zone[place], bays.kind[place]
        yield *names, state, reason, since, over or "", *closed


def totals(board: Board, chosen: Filter) -> list[Total]:
    """How many of the bays that the filter names, whatever their state, are in each; and how many are over."""
    where = _place(board, chosen)
    state, over = board.now.state[where], board.now.over[where] > 0
    counts = {name: int((state == code).sum()) for code, name in words.STATE_NAMES.items()}
    found = [(name, words.STATE_WORDS[name], counts[name]) for name in counts]
    found.append(("over", "Over their time", int(over.sum())))
    return [
        Total(
            name,
            said,
            count,
            plan.key(name),
            replace(chosen, state="" if chosen.state == name else name).address(),  # type: ignore[arg-type]
            chosen.state == name,
        )
        for name, said, count in found
    ]


def _page(site: Site, request: Request, board: Board, chosen: Filter, after: str | None, events: str) -> Response:
    if (bays := board.kept.get((chosen, after))) is None:
        if len(board.kept) >= _KEPT:
            board.kept.clear()
        bays = board.kept[chosen, after] = _bays(site, board, chosen, after)
    local = instant(board.at).astimezone(site.zone)
    context = {
        "page": "board",
        "filter": chosen,
        "now_address": replace(chosen, at=None).address(),
        "at": local,
        "latest": f"{datetime.now(site.zone):%Y-%m-%dT%H:%M}",
        "moment": words.moment(local),
        "symbols": plan.symbols(plan.PARKING),
        "totals": bays.totals,
        "bays": bays.text,
        "count": bays.count,
        "any": bool(len(board.bays.id)),
        "zones": [(name, name) for name in board.bays.zones],
        "streets": [(name, name) for name in board.bays.streets(chosen.zone)],
        "kinds": [(kind, BAY_WORDS[kind]) for kind in KINDS],
        "states": [*words.STATE_WORDS.items(), ("over", "Over their time")],
        "live": chosen.at is None,
        "events": events,
    }
    return site.page(request, "operations/board.html", context)


def _bays(site: Site, board: Board, chosen: Filter, after: str | None) -> _Bays:
    """The map and a page of the list. Raises HTTPException 400 for a cursor of no bay."""
    rows = rows_of(board, chosen)
    first = 0
    if after is not None:
        place = board.bays.place.get(after)
        if place is None:
            raise HTTPException(400)
        first = int(np.searchsorted(rows, place, "right"))
    shown = rows[first : first + PAGE]
    counts = totals(board, chosen)
    if not len(shown):
        return _Bays(Markup(""), 0, counts)
    query = chosen.query()
    text = site.templates.get_template("operations/bays.html").render(
        filter=chosen,
        query=f"?{query}" if query else "",
        totals=counts,
        groups=lines(board, rows, shown, site.zone),
        first=first,
        shown=len(shown),
        count=len(rows),
        following=cursor_of(board.bays.id[int(shown[-1])]) if first + PAGE < len(rows) else None,
        plan=_plan(board, rows),
    )
    return _Bays(Markup(text), len(rows), counts)  # noqa: S704  # a template's


def _plan(board: Board, rows: Int64) -> Markup:
    marks = marks_of(board, rows)
    said = ", ".join(f"{int(which.sum()):,} {_MARK_WORDS[name]}" for name, which in marks.items() if which.any())
    alternative = f"Map of {counted(len(rows), 'bay')}: {said}. The list beside it says the same."
    return plan.draw(board.bays.lon[rows], board.bays.lat[rows], marks, alternative)


_KEYS: Mapping[str, Markup] = {name: plan.key(name) for name in (*words.STATE_WORDS, "over")}
_MARK_WORDS: Mapping[str, str] = {
    "free": "free", "occupied": "occupied", "unknown": "unknown", "over": "over their time",
}  # fmt: skip
