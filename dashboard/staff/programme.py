"""The programme's page: how many homes are compared and what they use, by kind of home. No home alone, ever.

Every figure is one of ``analytics.neighbours.programme``, made once when the month has settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response

from analytics.neighbours import programme
from dashboard.labels import DWELLING_WORDS, FUEL_WORDS, amount, month_words
from dashboard.web.site import Site
from dashboard.web.values import Word
from devices.homes import Reason
from store import programme as table
from store.programme import Figure

_WHY: Mapping[str, str] = {
    Reason.FEW_HOMES: "Not shown: too few homes",
    Reason.DOMINATED: "Not shown: one home uses too large a part",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of home in words; ``why`` says why nothing is shown."""

    dwelling: str
    homes: int | None
    average: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """One fuel of a month."""

    fuel: str
    rows: list[Row]


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()

    # the first look at a month counts the homes of a whole borough
    @routes.get("/programme")
    @site.lane.work
    def page(request: Request, month: Word = "") -> Response:
        """One month; the newest where none, or none that there is, was asked for."""
        with site.lane.connection() as connection:
            months = table.months(connection)
            days = sorted({one.from_day for one in months}, reverse=True)
            chosen = next((day for day in days if _name(day) == month), days[0] if days else None)
            tables = [
                Table(FUEL_WORDS[one.fuel], [_row(figure) for figure in programme.published(connection, one)])
                for one in months
                if one.from_day == chosen
            ]
        links = [(_name(day), month_words(day), day == chosen) for day in days]
        name = month_words(chosen) if chosen is not None else None
        return site.page(
            request, "staff/programme.html", {"page": "homes", "tables": tables, "links": links, "month": name}
        )

    return routes


def _row(figure: Figure) -> Row:
    average = None if figure.average is None else amount(figure.average)
    why = _WHY.get(figure.reason, "Not shown") if figure.reason else None
    return Row(DWELLING_WORDS[figure.dwelling], figure.homes, average, why)


def _name(day: date) -> str:
    return f"{day:%Y-%m}"
