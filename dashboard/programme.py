"""The programme's page: how many homes are compared and what they use, by kind of home. No home alone, ever.

Groups are unions of whole cells, and every figure comes out of ``analytics.disclosure``.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from analytics import disclosure, quarter_cells
from dashboard.resident.words import DWELLING_WORDS, FUEL_WORDS, amount, month_words
from devices.homes import DWELLINGS
from store import programme as table
from store.connect import Connection
from store.neighbours import places
from store.programme import Month

if TYPE_CHECKING:
    from dashboard.site import Site

#: Months and fuels whose figures are kept: they change once, when they settle.
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of home: ``homes`` (to tens) and ``average`` in words, None where ``why`` says why nothing is shown."""

    dwelling: str
    homes: int | None
    average: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """One fuel of a month."""

    fuel: str
    month: Month
    rows: list[Row]


_WHY = {
    "few-homes": "Not shown: too few homes",
    "dominated": "Not shown: one home uses too large a part",
}


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()
    kept: OrderedDict[Month, list[Row]] = OrderedDict()
    lock = Lock()

    def rows(connection: Connection, month: Month) -> list[Row]:
        with lock:
            if month not in kept:
                kept[month] = by_dwelling(connection, month)
                while len(kept) > _KEPT:
                    kept.popitem(last=False)
            return kept[month]

    @routes.get("/programme")
    def page(request: Request, month: Annotated[str, Query(max_length=7)] = "") -> Response:
        """One month; the newest where none, or none that there is, was asked for."""
        with site.connection() as connection:
            months = table.months(connection)
            days = sorted({one.from_day for one in months}, reverse=True)
            chosen = next((day for day in days if _name(day) == month), days[0] if days else None)
            tables = [
                Table(FUEL_WORDS[one.fuel], one, rows(connection, one)) for one in months if one.from_day == chosen
            ]
        links = [(_name(day), month_words(day), day == chosen) for day in days]
        name = month_words(chosen) if chosen is not None else None
        return site.page(request, "programme.html", {"tables": tables, "links": links, "month": name})

    return routes


def by_dwelling(connection: Connection, month: Month) -> list[Row]:
    """What may be shown of each kind of home in a month. Raises psycopg.Error."""
    quarter = quarter_cells.load(connection, month.quarter)
    counted = table.counted(connection, month)
    place, there = places(counted.home, quarter.home)
    use = np.where(there, counted.own[place] if len(counted.own) else 0, 0)
    names = table.dwellings(connection, month.quarter)
    label = np.array([DWELLINGS.index(name) if name in DWELLINGS else -1 for name in names], np.int64)
    shown = disclosure.group(use, there, quarter.cells, label)
    return [
        Row(
            DWELLING_WORDS[DWELLINGS[group]],
            int(shown.homes[group]) if not shown.reason[group] else None,
            amount(int(shown.average[group])) if not shown.reason[group] else None,
            _WHY.get(disclosure.REASONS[shown.reason[group]]),
        )
        for group in np.unique(label[label >= 0]).tolist()
    ]


def _name(day: date) -> str:
    return f"{day:%Y-%m}"
