"""When in the day a home uses its electricity: read from two weeks of its half-hours, and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analytics.energy.half_hours import NIGHTS, SLOTS, by_clock
from analytics.energy.profile import PARTS, Profile, profile
from analytics.report import words as report_words
from dashboard.resident.household import half_hours
from dashboard.web.household import Household
from dashboard.web.site import Site
from store.connect import Connection

#: Parts of a day in the order of the profile's, as they are called on the page.
PART_WORDS = {
    "night": "Night, midnight to 06:00", "morning": "Morning, 06:00 to 10:00", "day": "Day, 10:00 to 16:00",
    "peak": "Peak, 16:00 to 19:00", "evening": "Evening, 19:00 to midnight",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """When use falls: ``rows``: part of the day, its share and what an even use would be, in words."""

    headline: str
    rows: Sequence[tuple[str, str]]
    notes: Sequence[str]


def read_shape(site: Site, connection: Connection, household: Household, last: date) -> tuple[date, date, Profile]:
    """The shape of one's own days of the two weeks that end with ``last``: from when to when (not included), and it.

    Raises psycopg.Error.
    """
    first, end = household.clip(last - timedelta(days=NIGHTS - 1), last + timedelta(days=1))
    days = half_hours(site, connection, household.home.id, "electricity", first, end)
    clocks = [by_clock(one, first + timedelta(days=place), site.zone) for place, one in enumerate(days)]
    return first, end, profile(np.array(clocks, np.float64).reshape(-1, SLOTS))


def shape(found: Profile | None) -> Shape | None:
    """When in the day electricity is used, or None where too little is known to say."""
    if found is None or found.shares is None:
        return None
    days = report_words.count(found.days, "day", "days")
    notes = [f"This is of {days} in the last two weeks. If you used the same all day, the peak would have 13%."]
    if found.away:
        away = report_words.count(found.away, "day", "days")
        notes.append(f"We left out {away} on which nobody seems to have been at home.")
    rows = [
        (PART_WORDS[name], f"{round(100 * float(share))}%") for name, share in zip(PARTS, found.shares, strict=True)
    ]
    return Shape(
        f"You use {round(100 * found.peak_share)}% of your electricity from 16:00 to 19:00, when the grid is busiest",
        rows,
        notes,
    )
