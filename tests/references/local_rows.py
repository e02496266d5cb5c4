"""The instants of rows in local time, found slowly: of all ways to read them, the ones in which time goes on.

Written from the rule and sharing no code with the program: each local time is looked for among all minutes of its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from zoneinfo import ZoneInfo


def instants_of(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every instant (UTC, whole minutes) at which clocks of the zone show this time: none, one or two."""
    start = local.replace(tzinfo=UTC) - timedelta(hours=15)
    minutes = (start + timedelta(minutes=count) for count in range(30 * 60))
    return [minute for minute in minutes if minute.astimezone(zone).replace(tzinfo=None) == local]


def readings_in_order(rows: Sequence[datetime], zone: ZoneInfo) -> list[tuple[datetime, ...]]:
    """All ways to give the rows instants so that each is later than the one before it; each row can be read."""
    ways = product(*(instants_of(row, zone) for row in rows))
    return [way for way in ways if all(early < late for early, late in pairwise(way))]
