"""The pattern report of one home, read and computed when a practitioner asks for it: nothing of it is kept."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from analytics.movement import patterns, quiet, spells
from analytics.movement.patterns import Report
from analytics.movement.sources import read
from store import movement
from store.connect import Connection
from store.times import midnight

#: A night, and the spell that runs when the first day begins.
_BEFORE = timedelta(days=3)


def of_home(connection: Connection, tenancy_id: int, end: date, zone: ZoneInfo) -> Report | None:
    """The report of a tenancy up to the local day ``end``, which is not in it; None where no sensor of movement hung
    there in that time, or the tenancy does not agree to their use. Raises psycopg.Error."""
    first = end - timedelta(days=2 * patterns.DAYS) - _BEFORE
    # a day of the report ends at four in the morning of the next
    last = end + timedelta(days=1)
    start, stop = midnight(first, zone), midnight(end, zone) + patterns.BEGINS
    series = [one for one in movement.series(connection, [tenancy_id], first, last) if one.tenancy_id == tenancy_id]
    if not any(one.property in ("motion", "contact") for one in series):
        return None
    home = read(connection, series, [tenancy_id], start, stop, zone)
    unheard = spells.unheard(*home.heard, 1, quiet.silence(home.heartbeat), start, stop)
    return patterns.report(home.sensors, home.readings, unheard, end, zone)
