"""Open feeds of parking: zones and bays as DATEX II, and what the Transparency Code wants as CSV. For anybody.

Bays of households are in none of them. A feed comes in pages of whole zones; what has not changed is answered 304.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response

from analytics.parking.arrays import NONE, OCCUPIED, UNKNOWN
from dashboard.web.api import has_already
from dashboard.web.board import Board
from dashboard.web.site import Site
from dashboard.web.values import Cursor, Day, Text, cursor_of
from devices.bays import Bay
from devices.csvw import metadata_name
from devices.datex import BayStatus, Publisher, status_publication, table_publication
from devices.parking_account import Account
from devices.parking_return import Table, account_table, spaces_table
from store import feeds
from store.connect import Connection
from store.times import instant

#: A page has zones until it has so many bays.
PAGE = 500
#: How long an answer may be kept [s]: what changes by decision, what changes by cars, what changes by the year.
_TABLE, _STATUS, _RETURN = 300, 15, 3_600

Zone = Annotated[Text | None, Query(description="Only this zone")]
After = Annotated[Cursor | None, Query(alias="cursor", description="As the Link to the next page has it")]


def router(site: Site) -> APIRouter:
    """The feeds."""
    routes = APIRouter(include_in_schema=False)
    publisher = Publisher(site.options.council_name, test=site.options.open_origin == "simulated")

    @routes.get("/parking/feed/datex.json")
    def table(request: Request, zone: Zone = None, after: After = None) -> Response:
        """What zones and bays there are."""
        with site.connection() as connection:
            bays, following = _page(site, connection, zone, after)
        body = table_publication(bays, publisher, datetime.now(UTC))
        return _publication(request, body, _TABLE, following)

    @routes.get("/parking/feed/datex-status.json")
    def status(request: Request, zone: Zone = None, after: After = None) -> Response:
        """How those bays are that have a sensor. A page without any has none of their zones either: 404."""
        with site.connection() as connection:
            bays, following = _page(site, connection, zone, after)
            board = site.boards.current(connection).open
        states = _statuses(board, bays)
        if not states and following is None:
            raise HTTPException(404)
        body = status_publication(states, publisher, instant(board.at)) if states else None
        return _publication(request, body, _STATUS, following)

    @routes.get("/open-data/parking/spaces.csv")
    def spaces(request: Request, on: Day | None = None) -> Response:
        """Controlled spaces, today or on a day."""
        return _csv(request, _spaces(site, on), "spaces.csv")

    @routes.get("/open-data/parking/spaces.csv-metadata.json")
    def spaces_metadata(request: Request, on: Day | None = None) -> Response:
        """What its columns mean."""
        return _metadata(request, _spaces(site, on), site)

    @routes.get("/open-data/parking/account.csv")
    def account(request: Request) -> Response:
        """The parking account; 404 where the council has given none."""
        return _csv(request, _account(site), "account.csv")

    @routes.get("/open-data/parking/account.csv-metadata.json")
    def account_metadata(request: Request) -> Response:
        """What its columns mean."""
        return _metadata(request, _account(site), site)

    return routes


def _page(site: Site, connection: Connection, zone: str | None, after: str | None) -> tuple[list[Bay], str | None]:
    """Bays of the zones of a page, and where the next one begins. Raises HTTPException 404 where there is none."""
    day, origin = site.today(), site.options.open_origin
    known = [part for part in feeds.parts(connection, day, origin=origin) if zone is None or part.zone == zone]
    begin = 0
    if after is not None:
        # a zone that is gone has no next page: whoever reads begins again
        begin = next((place for place, part in enumerate(known, 1) if _key(part) == after), len(known))
    shown: list[feeds.Part] = []
    for part in known[begin:]:
        # a part of a zone is a page of its own
        if shown and not (part.whole and shown[0].whole and sum(one.bays for one in shown) + part.bays <= PAGE):
            break
        shown.append(part)
    if not shown:
        raise HTTPException(404)
    following = None if begin + len(shown) == len(known) else cursor_of(_key(shown[-1]))
    return feeds.bays(connection, shown, day, origin=origin), following


def _key(part: feeds.Part) -> str:
    """A part as a place in the list: zones may have any names."""
    return f"{hashlib.sha256(part.zone.encode()).hexdigest()[:32]}.{part.number}"


def _statuses(board: Board, bays: Sequence[Bay]) -> list[BayStatus]:
    """How those of these bays are that have a sensor, as every page has it."""
    places = ((bay, board.bays.place.get(bay.id, -1)) for bay in bays)
    return [_status(board, bay, place) for bay, place in places if place >= 0 and board.bays.watched[place]]


def _status(board: Board, bay: Bay, place: int) -> BayStatus:
    now, heard = board.now, int(board.heard[place])
    return BayStatus(
        bay.id,
        bay.zone,
        None if now.state[place] == UNKNOWN else bool(now.state[place] == OCCUPIED),
        None if heard == NONE else instant(heard),
        bool(now.suspended[place] != NONE),
    )


def _spaces(site: Site, on: date | None) -> Table:
    day = on or site.today()
    with site.connection() as connection:
        return spaces_table(feeds.spaces(connection, day, origin=site.options.open_origin), day)


def _account(site: Site) -> Table:
    accounts: Sequence[Account] = site.options.parking_accounts
    if not accounts:
        raise HTTPException(404)
    return account_table(accounts, accounts[-1].last_day)


def _publication(request: Request, body: Mapping[str, Any] | None, seconds: int, following: str | None) -> Response:
    """A publication; the ETag is of its content without the times at which it was made."""
    headers = {}
    if following is not None:
        url = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    if body is None:
        return Response(status_code=204, headers=headers | _kept(seconds))
    text = orjson.dumps(body)
    made = body["payload"]
    (name,) = (name for name in made if name.endswith("Publication"))
    lasting = text.replace(made[name]["publicationTime"].encode(), b"")
    return _answer(request, text, "application/json", seconds, f'W/"{_hash(lasting)}"', headers)


def _csv(request: Request, table: Table, name: str) -> Response:
    described = f'<{metadata_name(name)}>; rel="describedby"; type="application/csvm+json"'
    headers = {"Link": described, "Content-Disposition": f'attachment; filename="{name}"'}
    return _answer(request, table.csv, "text/csv; charset=utf-8", _RETURN, f'"{_hash(table.csv)}"', headers)


def _metadata(request: Request, table: Table, site: Site) -> Response:
    text = table.metadata(site.options.council_name, site.options.open_data.licence)
    return _answer(request, text, "application/csvm+json", _RETURN, f'"{_hash(text)}"', {})


def _answer(
    request: Request, text: bytes, media_type: str, seconds: int, etag: str, headers: Mapping[str, str]
) -> Response:
    headers = {**headers, **_kept(seconds), "ETag": etag}
    if has_already(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=media_type)


def _kept(seconds: int) -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={seconds}", "Access-Control-Allow-Origin": "*"}


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]
