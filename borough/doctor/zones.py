"""Time zone data: Python makes local days, PostgreSQL reads them; both have rules of their own.

Rules and not version numbers are compared: a server may carry its own data, the system's, or a distribution's patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from borough.database import WrongZone, require_zone
from borough.doctor.finding import Finding, ill, well
from store import doctor as asked
from store.connect import Connection

#: Years before this one whose days may be computed again, and years to come that are planned for.
_BACK, _AHEAD = 1, 10
_STEP = timedelta(minutes=30)
#: Changes that are named, of each side.
_NAMED = 3

Change = tuple[datetime, int]


def zones(connection: Connection, zone: ZoneInfo, now: datetime) -> Iterator[Finding]:
    """The zone of the stored days beside that of the settings, and its rules here and there. Raises psycopg.Error."""
    try:
        require_zone(connection, zone)
    except WrongZone as error:
        yield ill("zone-stored", str(error))
    for shown in asked.zones_shown(connection):
        if shown != zone.key:
            yield ill("zone-shown", f"pages are served with the days of {shown}, and the setting is {zone.key}")
    start, end = datetime(now.year - _BACK, 1, 1, tzinfo=UTC), datetime(now.year + _AHEAD + 1, 1, 1, tzinfo=UTC)
    years = f"{start.year} to {end.year - 1}"
    try:
        theirs = asked.offsets(connection, zone, start, end)
    except LookupError:
        yield ill("zone-unknown", f"the database does not know {zone.key}")
        return
    ours = offsets(zone, start, end)
    if ours == theirs:
        yield well("time zone", f"{zone.key}: Python and the database agree from {years}")
        return
    yield ill("zone-rules", f"{zone.key}, {years}: {difference(ours, theirs)}")


def offsets(zone: ZoneInfo, start: datetime, end: datetime) -> list[Change]:
    """Python's rules for a zone: each change of its offset from UTC [s], to the half-hour; the first is ``start``.

    As ``store.doctor.offsets``. Of changes that undo each other within a day nothing is seen.
    """
    found = [(start, _offset(zone, start))]
    day = start
    while day < end:
        following = min(day + timedelta(days=1), end)
        if _offset(zone, following) != found[-1][1]:
            steps = (day + _STEP * number for number in range(1, (following - day) // _STEP + 1))
            found += [
                (moment, _offset(zone, moment))
                for moment in steps
                if _offset(zone, moment) != _offset(zone, moment - _STEP)
            ]
        day = following
    return found


def difference(ours: Sequence[Change], theirs: Sequence[Change]) -> str:
    """Which changes one side has and the other has not, the first few by name, and of which years they are."""
    here, there = sorted({*ours} - {*theirs}), sorted({*theirs} - {*ours})
    years = sorted({moment.year for moment, _ in (*here, *there)})
    said = [f"they differ in {', '.join(map(str, years))}"]
    said += [
        f"{who} {_changes(changes)}"
        for who, changes in (("only Python has", here), ("only the database has", there))
        if changes
    ]
    return "; ".join(said)


def _changes(changes: Sequence[Change]) -> str:
    named = [f"{moment:%Y-%m-%d %H:%M}Z to UTC{offset / 3600:+g} h" for moment, offset in changes[:_NAMED]]
    more = len(changes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
