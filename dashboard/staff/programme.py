"""The programme's page: how many homes are compared and what they use, by kind of home. No home alone, ever.

Groups are unions of whole cells, and every figure comes out of ``analytics.neighbours.disclosure``. A month is
published once, when it has settled, and then stays as it is: a second version less the first would tell of those who
left meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from fastapi import APIRouter, Request, Response

from analytics.neighbours import disclosure, quarter_cells
from dashboard.labels import DWELLING_WORDS, FUEL_WORDS, amount, month_words
from dashboard.web.site import Site
from dashboard.web.values import Word
from devices.homes import DWELLINGS, Reason
from store import programme as table
from store.cells import find_rows
from store.connect import Connection
from store.programme import Figure, Month

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
                Table(FUEL_WORDS[one.fuel], [_row(figure) for figure in published(connection, one)])
                for one in months
                if one.from_day == chosen
            ]
        links = [(_name(day), month_words(day), day == chosen) for day in days]
        name = month_words(chosen) if chosen is not None else None
        return site.page(request, "staff/programme.html", {"tables": tables, "links": links, "month": name})

    return routes


def published(connection: Connection, month: Month) -> list[Figure]:
    """The figures of a month by kind of home, made where nobody has asked before. Raises psycopg.Error."""
    found = table.figures(connection, month)
    if not found:
        table.publish(connection, month, by_dwelling(connection, month))
        found = table.figures(connection, month)  # of whoever was first
    return sorted(found, key=lambda figure: DWELLINGS.index(figure.dwelling))


def by_dwelling(connection: Connection, month: Month) -> list[Figure]:
    """What may be published of each kind of home that has a cell. Raises psycopg.Error."""
    quarter = quarter_cells.load(connection, month.quarter)
    counted = table.counted(connection, month)
    place, known = find_rows(counted.home, quarter.home)
    use = np.where(known, counted.own[place] if len(counted.own) else 0, 0)
    names = table.dwellings(connection, month.quarter)
    label = np.array([DWELLINGS.index(name) if name in DWELLINGS else -1 for name in names], np.int64)
    shown = disclosure.group(use, known, quarter.cells, label)
    return [
        Figure(DWELLINGS[group], None, None, Reason.at(shown.reason[group]) or "")
        if shown.reason[group] >= 0
        else Figure(DWELLINGS[group], int(shown.homes[group]), int(shown.average[group]), "")
        for group in np.unique(label[label >= 0]).tolist()
    ]


def _row(figure: Figure) -> Row:
    average = None if figure.average is None else amount(figure.average)
    why = _WHY.get(figure.reason, "Not shown") if figure.reason else None
    return Row(DWELLING_WORDS[figure.dwelling], figure.homes, average, why)


def _name(day: date) -> str:
    return f"{day:%Y-%m}"
