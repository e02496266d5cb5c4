"""How often a visit finds what sensors say, by street, kind of bay and model, out of officers' outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from analytics.parking.queue import Tally
from dashboard.labels import BAY_WORDS
from dashboard.operations import words
from dashboard.operations.queue import RECENT, Told
from dashboard.web.board import OFFICER
from dashboard.web.csv import Row, csv_file
from dashboard.web.site import Site
from dashboard.web.visitor import Anybody, Visitor
from devices.counts import counted
from store import outcomes
from store.connect import Connection

COLUMNS = ("by", "name", "precision", "confirmed", "not_confirmed", "gone")


@dataclass(frozen=True, slots=True)
class Group:
    """Tallies of one kind of thing: ``rows`` are name, precision in words, and the tally, most visits first."""

    key: str
    title: str
    head: str
    rows: list[tuple[str, str, Tally]]


def router(site: Site) -> APIRouter:
    """The page and its table as CSV."""
    routes = APIRouter()

    @routes.get("/parking/precision")
    def page(request: Request, visitor: Anybody) -> Response:
        """Precision of the last 90 days."""
        with site.connection() as connection:
            told = _told(connection, visitor)
        context = {
            "page": "precision", "groups": groups(told), "days": RECENT.days, "everything": told.everything,
            "headline": headline(told.everything),
        }  # fmt: skip
        return site.page(request, "operations/precision.html", context)

    @routes.get("/parking/precision/precision.csv")
    @site.lane.work
    def table(visitor: Anybody) -> Response:
        """All of it."""
        with site.lane.connection() as connection:
            told = _told(connection, visitor)
        return csv_file(site, "parking-precision", COLUMNS, csv_rows(told))

    return routes


def _told(connection: Connection, visitor: Visitor) -> Told:
    """What outcomes of the bays that a visitor sees tell."""
    since = datetime.now(UTC) - RECENT
    return Told(outcomes.counts(connection, since, personal=OFFICER in visitor.roles))


def headline(everything: Tally) -> str:
    """What outcomes come to, in one sentence."""
    if everything.precision is None:
        return "No visit has told yet whether the sensors were right"
    return (
        f"{words.percent(everything.precision)} of {counted(everything.told, 'visit')} found an overstay:"
        f" {counted(everything.confirmed, 'was', 'were')} confirmed"
    )


def groups(told: Told) -> list[Group]:
    """Tallies by street, kind and model."""
    kinds = {BAY_WORDS.get(kind, kind): tally for kind, tally in told.kinds.items()}
    models = {model or "no sensor known": tally for model, tally in told.models.items()}
    return [
        Group("street", "By street", "Street", _rows(told.streets)),
        Group("kind", "By kind of bay", "For", _rows(kinds)),
        Group("model", "By model of the sensor", "Model", _rows(models)),
    ]


def csv_rows(told: Told) -> Iterator[Row]:
    """Tallies as the CSV has them; precision is empty where no visit tells."""
    for by, found in (("street", told.streets), ("kind", told.kinds), ("model", told.models)):
        for name, one in sorted(found.items()):
            share = "" if one.precision is None else f"{one.precision:.4f}"
            yield by, name, share, one.confirmed, one.told - one.confirmed, one.gone


def _rows(found: Mapping[str, Tally]) -> list[tuple[str, str, Tally]]:
    none = words.NOT_KNOWN
    rows = [(name, none if one.precision is None else words.percent(one.precision), one) for name, one in found.items()]
    return sorted(rows, key=lambda row: (-row[2].told, -row[2].gone, row[0]))
