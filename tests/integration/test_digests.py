"""Digests of days: a year is drawn from them as it is from its readings, and they never outlive what they say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest

from analytics.pipeline.decimation import HOUR, decimate, keep
from analytics.pipeline.series_points import LONG, Points, read_points
from store import digests, maintain
from store.arrays import read_series
from store.connect import Connection, connect
from store.times import instant
from tests.worlds import series_world
from tests.worlds.series_world import DAY, MINUTE, START

NOW = instant(START + 200 * DAY)
SPAN = (START - 5 * DAY, START + 60 * DAY)


@pytest.fixture
def connection(each_database: str) -> Iterator[Connection]:
    with connect(each_database, autocommit=True) as found:
        yield found


def fill(connection: Connection, device: str = "air-1", days: int = 40) -> int:
    """Some weeks with silent days, one of them dense, and one long after the others."""
    random = np.random.default_rng(13)
    times = np.unique(random.integers(0, days * 1_440, days * 400)) * MINUTE + START
    times = times[(times < START + 10 * DAY) | (times > START + 14 * DAY)]
    times = np.append(times, START + 55 * DAY + 7)
    return series_world.add(
        connection, series_world.air(device), "pm2_5", times.tolist(), random.normal(20, 9, len(times)).tolist()
    )


def known(connection: Connection) -> list[date]:
    return [row[0] for row in connection.execute("select day from reading_digest order by day").fetchall()]


def touch(connection: Connection, day: date, family: str = "air-monitor") -> None:
    connection.execute("insert into touched_day (family, day) values (%s, %s)", (family, day))


def from_readings(connection: Connection, series: int, start: int, end: int) -> tuple[list[int], list[float]]:
    found = read_series(connection, [series], start, end)
    places = keep(found.times, found.values, read_points(connection, series, start, end, NOW).width)
    return found.times[places].tolist(), found.values[places].tolist()


def drawn(points: Points) -> tuple[list[int], list[float]]:
    return points.times.tolist(), points.values.tolist()


def test_the_same_points_with_and_without_digests(connection: Connection) -> None:
    series = fill(connection)
    count = len(read_series(connection, [series], *SPAN).times)
    first = read_points(connection, series, *SPAN, NOW)
    assert len(known(connection)) == 56  # silent days too, that nobody looks there again
    again = read_points(connection, series, *SPAN, NOW)
    assert drawn(first) == drawn(again) == from_readings(connection, series, *SPAN)
    assert first.readings == again.readings == count
    assert first.width % HOUR == 0
    assert len(first.times) <= 2_000
    # a part of it, with edges inside days
    part = (START + 3 * HOUR + 5, START + 3 * HOUR + 5 + LONG + HOUR)
    assert drawn(read_points(connection, series, *part, NOW)) == from_readings(connection, series, *part)


def test_digests_are_what_is_read(connection: Connection) -> None:
    series = fill(connection)
    read_points(connection, series, *SPAN, NOW)
    before = read_points(connection, series, *SPAN, NOW)
    gone = series, instant(START + DAY), instant(START + 30 * DAY)
    connection.execute("delete from reading where series_id = %s and time >= %s and time < %s", gone)
    # the picture of the days that are gone comes of nothing else
    assert drawn(read_points(connection, series, *SPAN, NOW)) == drawn(before)


def test_a_short_span_is_read_as_it_is(connection: Connection) -> None:
    series = fill(connection)
    found = read_series(connection, [series], START, START + LONG)
    places, width = decimate(found.times, found.values, START, START + LONG)
    points = read_points(connection, series, START, START + LONG, NOW)
    assert drawn(points) == (found.times[places].tolist(), found.values[places].tolist())
    assert points.width == width > 0
    assert known(connection) == []


def test_the_last_days_have_none(connection: Connection) -> None:
    series = fill(connection)
    read_points(connection, series, *SPAN, instant(START + 20 * DAY + HOUR))
    assert known(connection)[-1] == (instant(START) + timedelta(days=17)).date()


def test_late_readings_are_drawn(connection: Connection) -> None:
    series = fill(connection)
    read_points(connection, series, *SPAN, NOW)
    # of the first day, a silent one, and the last
    for number, day in enumerate((0, 12, 55), 1):
        late = START + day * DAY + 3 * HOUR + 30
        with connection.transaction():
            connection.execute("insert into reading values (%s, %s, %s)", (series, instant(late), 999 * number))
            touch(connection, instant(late).date())
        assert instant(late).date() not in known(connection)
        points = read_points(connection, series, *SPAN, NOW)
        assert late in points.times.tolist()
        assert points.values.max() == 999 * number
        assert len(known(connection)) == 56


def test_only_the_touched_day_of_the_touched_family_is_forgotten(connection: Connection) -> None:
    series = fill(connection)
    read_points(connection, series, *SPAN, NOW)
    day = instant(START + 5 * DAY).date()
    touch(connection, day, "parking-bay")
    assert len(known(connection)) == 56
    touch(connection, day)
    assert set(known(connection)) == {instant(START + n * DAY).date() for n in range(56)} - {day}


def test_none_is_made_beside_a_transaction_that_writes_to_old_days(connection: Connection, each_database: str) -> None:
    series = fill(connection)
    late = START + 12 * DAY
    with connect(each_database) as other:
        other.execute("insert into reading values (%s, %s, 999)", (series, instant(late)))
        touch(other, instant(late).date())
        before = read_points(connection, series, *SPAN, NOW)
        assert before.values.max() < 999
        assert known(connection) == []
        other.commit()
    assert read_points(connection, series, *SPAN, NOW).values.max() == 999
    assert len(known(connection)) == 56


def test_who_writes_to_an_old_day_waits_for_a_digest_and_forgets_it(connection: Connection, each_database: str) -> None:
    """The other order: readings are written, the digest is made without them, then their day is touched."""
    series = fill(connection)
    late = instant(START + 12 * DAY)
    with connect(each_database) as other, connect(each_database, autocommit=True) as watching:
        other.execute("insert into reading values (%s, %s, 999)", (series, late))
        with connection.transaction():
            assert digests.alone(connection)
            day = (late.date() - date(1970, 1, 1)).days
            digests.write(connection, series, [digests.Digest(day, 0, np.empty(0, np.int64), np.empty(0))])
            touching = threading.Thread(target=lambda: touch(other, late.date()))
            touching.start()
            pid = other.info.backend_pid
            waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
            while not (watching.execute(waits.encode(), (pid,)).fetchone() or (False,))[0]:
                assert touching.is_alive()
        touching.join(20)
        assert not touching.is_alive()
        other.commit()
    assert known(connection) == []
    assert read_points(connection, series, *SPAN, NOW).values.max() == 999


def test_nothing_waits_and_nothing_is_looked_for_where_today_is_touched(
    connection: Connection, each_database: str
) -> None:
    with connect(each_database) as maker:
        assert digests.alone(maker)
        connection.execute("set lock_timeout = '1s'")
        today = datetime.now(UTC).date()
        touch(connection, today)
        touch(connection, today - timedelta(days=1))
        with pytest.raises(psycopg.errors.LockNotAvailable):
            touch(connection, today - timedelta(days=2))


def test_retention_takes_the_digests_along(connection: Connection) -> None:
    series = fill(connection)
    read_points(connection, series, *SPAN, NOW)
    maintain.maintain(connection, {"air-monitor": 170}, NOW)
    cut = START + 30 * DAY
    assert known(connection) == [instant(cut + DAY * n).date() for n in range(1, 26)]
    assert int(read_points(connection, series, *SPAN, NOW).times[0]) >= cut
