"""Eight weeks of one home whose days are told beforehand: what the pattern report has to say of them is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from store.connect import Connection
from tests.worlds.care import CareHome

ZONE = ZoneInfo("Europe/London")
ROOMS = ("bedroom", "bathroom", "kitchen", "door")
#: Of the four weeks before and of the last four: first and last movement [h], visits in a night, weekdays out.
BEFORE, NOW = (7.0, 22.0, 1, (0,)), (8.0, 23.5, 3, (0, 2, 4))
#: Everybody is out from and to [h].
OUT = (10.0, 12.5)


def live(connection: Connection, home: CareHome, end: date, unheard: Collection[date] = ()) -> None:
    """Write the readings of the eight weeks before ``end``; on days ``unheard`` nothing comes from 04:00 to 04:00."""
    rows: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
    for number in range(-58, 0):
        day = end + timedelta(days=number)
        if day in unheard:
            continue
        for room, name, at, value in _day(day, BEFORE if number < -28 else NOW, home):
            rows.setdefault((room, name), []).append((at, value))
    for (room, name), found in rows.items():
        (series,) = connection.execute(
            "insert into personal.series (device_id, property, personal) values (%s, %s, true)"
            " on conflict (device_id, property) do update set personal = true returning id",
            (home.sensor(room), name),
        ).fetchone() or (0,)
        connection.execute(
            "insert into public.reading (series_id, time, value)"
            " select %s, * from unnest(%s::timestamptz[], %s::float8[]) on conflict do nothing",
            (series, [at for at, _ in found], [value for _, value in found]),
        )


def _day(
    day: date, plan: tuple[float, float, int, Collection[int]], home: CareHome
) -> Iterator[tuple[str, str, datetime, float]]:
    """(room, property, time, value) of 04:00 to 04:00."""
    first, last, visits, weekdays = plan
    out = day.weekday() in weekdays and "door" in home.sensors
    for quarter in range(16, 112):
        for room in home.sensors:
            if room != "door":
                yield room, "battery", _at(day, quarter / 4), 80
    for quarter in range(int(first * 4), int(last * 4)):
        hour = quarter / 4
        if out and OUT[0] <= hour < OUT[1]:
            continue
        yield from _motion("kitchen", _at(day, hour))
    yield from _motion("bedroom", _at(day, last))
    for visit in range(visits):
        if "bathroom" in home.sensors:
            yield from _motion("bathroom", _at(day, 25.5 + 0.5 * visit))
    if out:
        for hour in OUT:
            yield "door", "contact", _at(day, hour), 1
            yield "door", "contact", _at(day, hour + 0.01), 0


def _motion(room: str, at: datetime) -> Iterator[tuple[str, str, datetime, float]]:
    yield room, "motion", at, 1
    yield room, "motion", at + timedelta(seconds=90), 0


def _at(day: date, hour: float) -> datetime:
    """A time of the wall clock, after midnight where ``hour`` is 24 or more."""
    # adding to a local time goes by its wall clock
    return (datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(hours=hour)).astimezone(UTC)
