"""Rejected messages: which, how many, and of one its bytes and its decoder's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response

from dashboard.engineer import rejected_bytes, rejected_looks
from dashboard.engineer.rejected_filter import FAMILY_NAMES, REASONS, Asked, Chosen, field_of
from dashboard.engineer.rejected_words import REASON_WORDS
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.values import Cursor, Whole, cursor_of, number
from dashboard.web.visitor import Anybody, Visitor
from devices.text import visible
from store import rejected, rejected_list, rejected_taken
from store.connect import Connection
from store.rejected_list import Listed

#: Rows of a page, of one piece of the file, and retries that are told.
PAGE, _PIECE, _RETRIES = 50, 1_000, 10
COLUMNS = ("id", "arrival", "family", "device", "topic", "property", "reason", "detail", "more", "tried", "personal")
_MESSAGE = "/engineer/rejected/{number}"


@dataclass(frozen=True, slots=True)
class Count:
    """Rejections of a family and reason: ``kept``, and ``counted`` alone in a flood."""

    family: str
    reason: str
    kept: int
    counted: int


def router(site: Site) -> APIRouter:
    """The list, its table as CSV, and a page of each."""
    routes = APIRouter()

    # the account is a sum of all minutes there ever were
    @routes.get("/engineer/rejected")
    @site.lane.work
    def page(
        request: Request, visitor: Anybody, chosen: Asked, after: Annotated[Cursor | None, Query(alias="cursor")] = None
    ) -> Response:
        """A choice of rejections, the newest first, and what became of all."""
        with site.lane.connection() as connection:
            admitted = rejected_looks.admit(site, connection, visitor, chosen)
            rows = rejected_list.find(connection, chosen.filter, PAGE + 1, _before(after)) if admitted else []
            counts = counts_of(connection, chosen) if admitted else []
            account = rejected_taken.account(connection)
            retries = rejected_taken.retries(connection, _RETRIES)
        context = {
            "page": "rejected",
            "chosen": chosen,
            "admitted": admitted,
            "since": field_of(chosen.since),
            "until": field_of(chosen.until),
            "families": FAMILY_NAMES,
            "reasons": REASONS,
            "rows": rows[:PAGE],
            "next": chosen.address(cursor=cursor_of(str(rows[PAGE - 1].id))) if len(rows) > PAGE else None,
            "later": after is not None,
            "counts": counts,
            "kept": sum(one.kept for one in counts),
            "counted": sum(one.counted for one in counts),
            "account": account,
            "retries": retries,
            "zone": site.zone,
            "meanings": REASON_WORDS,
            "officer": rejected_looks.may_see(visitor),
        }
        return site.page(request, "engineer/rejected.html", context)

    @routes.get("/engineer/rejected/rejections.csv")
    @site.lane.work
    def table(visitor: Anybody, chosen: Asked) -> Response:
        """The whole choice; what may name a household is not in it."""
        with site.lane.connection() as connection:
            rejected_looks.need_admission(site, connection, visitor, chosen)
        return csv_file(site, "rejections", COLUMNS, csv_rows(site, chosen))

    @routes.get(_MESSAGE)
    def one(request: Request, visitor: Anybody, number: Whole) -> Response:
        """One rejection; a household's message is not shown."""
        with site.connection() as connection:
            return _shown(request, connection, visitor, number, look=False)

    @routes.post(_MESSAGE)
    def look(request: Request, visitor: Anybody, number: Whole) -> Response:
        """The same with its message, for who may see a household's; that is noted."""
        with site.connection() as connection:
            return _shown(request, connection, visitor, number, look=True)

    def _shown(request: Request, connection: Connection, visitor: Visitor, number: int, *, look: bool) -> Response:
        listed = rejected_list.get(connection, number)
        message = None if listed is None else rejected.get(connection, number)
        if listed is None or message is None:
            return site.page(request, "engineer/rejected_gone.html", {"page": "rejected", "number": number}, 404)
        if look and listed.personal:
            if not rejected_looks.may_see(visitor):
                raise HTTPException(403)
            rejected_looks.note_look(site, connection, visitor, message.row, "looked at a rejected message")
        shown = look or not listed.personal
        context: dict[str, Any] = {
            "page": "rejected",
            "one": listed,
            "row": message.row if shown else None,
            "others": [row for row in rejected_list.of_message(connection, listed.message) if row.id != number],
            "meaning": REASON_WORDS.get(listed.reason, ("", "")),
            "shown": shown,
            "officer": rejected_looks.may_see(visitor),
            "kept": message.payload is not None,
            "size": message.size,
            "dump": None,
            "zone": site.zone,
        }
        if shown and message.payload:
            # a household's bytes were written anew without what names it: places in them are others
            place = None if message.personal else rejected_bytes.place_of(message.row.detail, message.payload)
            context["dump"] = rejected_bytes.dump(message.payload, place)
        return site.page(request, "engineer/rejected_one.html", context)

    return routes


def counts_of(connection: Connection, chosen: Chosen) -> list[Count]:
    """How many there are by family and reason, the most first. Raises psycopg.Error."""
    kept = Counter(rejected.count(connection, chosen.filter))
    # what was only counted was never tried again
    counted = Counter(rejected.count_left_out(connection, chosen.filter))
    return sorted(
        (Count(*key, kept[key], counted[key]) for key in {*kept, *counted}),
        key=lambda one: (-one.kept - one.counted, one.family, one.reason),
    )


def csv_rows(site: Site, chosen: Chosen) -> Iterator[Row]:
    """All rows of a choice, read piece by piece; instants in UTC. Raises psycopg.Error."""
    before: int | None = None
    while True:
        with site.lane.connection() as connection:
            rows = rejected_list.find(connection, chosen.filter, _PIECE, before)
        for row in rows:
            yield _csv_row(row)
        if len(rows) < _PIECE:
            return
        before = rows[-1].id


def _csv_row(row: Listed) -> Row:
    tried = "" if row.retried_at is None else row.retried_at.isoformat(timespec="seconds")
    device, topic, name, detail = (visible(text or "") for text in (row.device, row.topic, row.property, row.detail))
    more = "" if row.more is None else row.more
    moment = row.arrival.isoformat(timespec="milliseconds")
    personal = "yes" if row.personal else "no"
    return row.id, moment, row.family, device, topic, name, row.reason, detail, more, tried, personal


def _before(cursor: str | None) -> int | None:
    """The id behind which a page goes on. Raises HTTPException 400."""
    if cursor is None:
        return None
    found = number(cursor)
    if found is None:
        raise HTTPException(400)
    return found
