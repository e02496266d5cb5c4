"""The days that an export is asked for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import HTTPException, Query

from dashboard.web.values import Day

#: Days of one export, and days without a wish.
DAYS, NEWEST = 366, 7

From = Annotated[Day | None, Query(alias="from", description="First day; without it six days before the last")]
To = Annotated[Day | None, Query(alias="to", description="Last day, included; without it today")]


def days_of(begin: date | None, end: date | None, today: date) -> tuple[date, date]:
    """First and last day of a wish. Raises HTTPException 400 where they are the wrong way round or too many."""
    last = end or max(today, begin or today)
    first = begin or last - timedelta(days=NEWEST - 1)
    if last < first:
        raise HTTPException(400)
    if (last - first).days >= DAYS:
        raise HTTPException(400, "export-long")
    return first, last
