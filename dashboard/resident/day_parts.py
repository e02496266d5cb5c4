"""What was measured of local days that were not measured whole: its sum, and until when it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.periods import day_edges
from dashboard.resident.household import half_hours
from dashboard.web.site import Site
from store.connect import Connection
from store.times import midnight

_MINUTE_US, _HALF_HOUR_US = 60_000_000, 1_800_000_000
#: Days that are read together: they may be made of readings every ten seconds.
_TOGETHER = 14


class DayPart(NamedTuple):
    """Sum of the half-hours that were measured [Wh], and the local time at which the last of them ends."""

    watt_hours: int | None
    until: datetime | None


def not_whole(site: Site, first: date, minutes: NDArray[np.int16]) -> Iterator[tuple[date, date]]:
    """Runs of days, at most 14 each, of which some minutes were measured and not all; the end is not included.

    ``minutes`` ``(days,)``: how many of each day from ``first`` on.
    """
    length = np.diff(day_edges(first, len(minutes), site.zone)) // _MINUTE_US
    places = np.flatnonzero((minutes > 0) & (minutes < length)).tolist()
    while places:
        low = places[0]
        run = next(
            (count for count, place in enumerate(places) if place != low + count or count == _TOGETHER), len(places)
        )
        yield first + timedelta(days=low), first + timedelta(days=low + run)
        places = places[run:]


def read_parts(
    site: Site, connection: Connection, home_id: int, fuel: str, start: date, end: date
) -> dict[date, DayPart]:
    """What was measured of each day from ``start`` to ``end`` (not included). Raises psycopg.Error."""
    found: dict[date, DayPart] = {}
    for place, values in enumerate(half_hours(site, connection, home_id, fuel, start, end)):
        day = start + timedelta(days=place)
        known = np.flatnonzero(~np.isnan(values))
        found[day] = DayPart(None, None)
        if len(known):
            last = midnight(day, site.zone) + (int(known[-1]) + 1) * _HALF_HOUR_US
            until = datetime.fromtimestamp(last // 1_000_000, UTC).astimezone(site.zone)
            found[day] = DayPart(round(float(values[known].sum())), until)
    return found
