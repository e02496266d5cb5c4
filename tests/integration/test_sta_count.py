"""Counts of readings: always what counting one by one says, whatever came late, was corrected, erased or deleted."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from devices.device import Device
from store import maintain, registry, series, sta_count
from store.connect import Connection, connect, see_one_moment
from store.queries import queries
from store.times import instant, microseconds
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import series_world

DAY = series_world.DAY
#: A day some weeks ago, so that there are months that are settled and days that are not.
#: An hour after midnight a day begins here: transactions of the day before have ended by then.
TODAY = (datetime.now(UTC) - timedelta(hours=1)).replace(hour=0, minute=0, second=0, microsecond=0)
START = microseconds(TODAY) - 120 * DAY


@pytest.fixture
def connection(each_database: str) -> Iterator[Connection]:
    with connect(each_database, autocommit=True) as found:
        yield found


def fill(connection: Connection, name: str = "air-1", days: int = 120, **changes: object) -> int:
    """Readings of every third hour, silent days among them, up to now."""
    times = [START + hour * DAY // 24 for hour in range(0, days * 24, 3) if hour // 24 % 10 != 4]
    return series_world.add(connection, series_world.air(name, **changes), "pm2_5", times, [1.0] * len(times))


def counted(connection: Connection, numbers: list[int] | None = None, *bounds: int | None) -> int:
    with connection.transaction():
        see_one_moment(connection)
        return sta_count.count(connection, "simulated", numbers, *bounds).readings


def each(connection: Connection, numbers: list[int], *bounds: int | None) -> dict[int, int]:
    """Of each series; none where a series has no reading."""
    with connection.transaction():
        see_one_moment(connection)
        return dict(sta_count.count_each(connection, "simulated", numbers, *bounds).readings)


def each_by_one(connection: Connection, numbers: list[int], *bounds: int | None) -> dict[int, int]:
    found = {number: one_by_one(connection, [number], *bounds) for number in numbers}
    return {number: count for number, count in found.items() if count}


def one_by_one(connection: Connection, numbers: list[int] | None = None, *bounds: int | None) -> int:
    start, end = (*bounds, None, None)[:2]
    row = connection.execute(
        b"select count(*) from reading r join series s on s.id = r.series_id join device d on d.id = s.device_id"
        b" where d.origin = 'simulated' and (%(n)s::int[] is null or s.id = any(%(n)s))"
        b" and (%(a)s::timestamptz is null or r.time >= %(a)s) and (%(b)s::timestamptz is null or r.time < %(b)s)",
        {"n": numbers, "a": None if start is None else instant(start), "b": None if end is None else instant(end)},
    ).fetchone()
    assert row is not None
    return int(row[0])


def spans(connection: Connection) -> list[tuple[date, int]]:
    return connection.execute("select day, days from counted_span order by day").fetchall()


def keep(connection: Connection) -> int:
    """Count until nothing is left, however long that takes here; how many days that were."""
    done = 0
    while some := sta_count.keep(connection, 60):
        done += some
    return done


def late(connection: Connection, number: int, time: int) -> None:
    """A reading as the writer stores it: with a note of its day."""
    with connection.transaction():
        connection.execute("insert into reading values (%s, %s, 7) on conflict do nothing", (number, instant(time)))
        connection.execute(
            "insert into touched_day (family, day) select d.family, %s from personal.series s"
            " join personal.device d on d.id = s.device_id where s.id = %s",
            (instant(time).date(), number),
        )


def test_it_is_what_counting_says(connection: Connection) -> None:
    first, second = fill(connection), fill(connection, "air-2", 40)
    fill(connection, "air-real", origin="real")
    fill(connection, "air-home", personal=True)
    bounds = (START + 5 * DAY + 7, START + 110 * DAY + 11)
    for numbers in (None, [first], [second], [first, second], []):
        assert counted(connection, numbers) == one_by_one(connection, numbers)
        assert counted(connection, numbers, *bounds) == one_by_one(connection, numbers, *bounds)
    assert keep(connection) > 100
    known = spans(connection)
    assert max(days for _, days in known) >= 28  # settled months are one span
    assert known[-1] == ((TODAY - timedelta(days=2)).date(), 1)
    assert sum(days for _, days in known) == len({day + timedelta(n) for day, days in known for n in range(days)})
    for numbers in (None, [first], [second], [first, second], []):
        assert counted(connection, numbers) == one_by_one(connection, numbers)
        assert counted(connection, numbers, *bounds) == one_by_one(connection, numbers, *bounds)
        assert counted(connection, numbers, bounds[1]) == one_by_one(connection, numbers, bounds[1])
        assert counted(connection, numbers, None, bounds[0]) == one_by_one(connection, numbers, None, bounds[0])
        if numbers is not None:
            assert each(connection, numbers) == each_by_one(connection, numbers)
            assert each(connection, numbers, *bounds) == each_by_one(connection, numbers, *bounds)
    for late in (253_402_257_600_000_000, 253_402_214_400_000_000):  # in the last day that there is
        assert counted(connection, None, late) == 0
        assert each(connection, [first], late) == {}
    assert counted(connection, None, bounds[1], bounds[0]) == 0
    assert each(connection, [first], bounds[1], bounds[0]) == {}
    assert keep(connection) == 0


def test_it_is_by_what_was_counted_before(connection: Connection) -> None:
    number = fill(connection)
    keep(connection)
    before = counted(connection)
    connection.execute("delete from reading where time < %s", (instant(START + 20 * DAY),))
    # nobody was told: days that were counted are not read again
    assert counted(connection) == counted(connection, [number]) == before > one_by_one(connection)
    assert each(connection, [number]) == {number: before}


def test_what_is_known_and_the_gaps_come_to_the_count(connection: Connection) -> None:
    number, other = fill(connection), fill(connection, "air-2", 40)
    bounds = (START + 5 * DAY + 7, microseconds(TODAY) + DAY)
    assert sta_count.known(connection, "simulated", [number], *bounds) == (0, 0, [bounds]), "nothing is counted yet"
    keep(connection)
    late(connection, number, START + 100 * DAY)
    for numbers in ([number], [number, other], [other]):
        for start, end in (bounds, (START, START + 100 * DAY + 1), (START + 3, START + 3)):
            known, most, gaps = sta_count.known(connection, "simulated", numbers, start, end)
            rest = sum(one_by_one(connection, numbers, *gap) for gap in gaps)
            assert known + rest == one_by_one(connection, numbers, start, end), (numbers, start, end)
            alone = [sta_count.known(connection, "simulated", [one], start, end).readings for one in numbers]
            assert most == max(alone)
    known, _, gaps = sta_count.known(connection, "simulated", [number], *bounds)
    assert known > 0
    day, today = START + 100 * DAY, microseconds(TODAY)
    # the begun first day, the month that a late reading came to or its day alone, and what is too young
    assert len(gaps) == 3
    assert gaps[0][0] == bounds[0]
    assert gaps[1][0] <= day < gaps[1][1]
    assert gaps[2] == (today - DAY, bounds[1])
    assert sta_count.known(connection, "real", [number], *bounds) == (0, 0, [bounds]), "none of them is of this origin"


def test_an_expanded_count_is_by_what_was_counted_before(each_database: str, connection: Connection) -> None:
    numbers = [fill(connection), fill(connection, "air-2", 40)]
    keep(connection)
    before = each(connection, numbers)
    connection.execute("delete from reading where time < %s", (instant(START + 20 * DAY),))
    with site.running(site.options(each_database, demo=True)) as url, site.client(url) as web:
        answer = web.get("/sta/v1.1/Datastreams?$expand=Observations($count=true;$top=1)&$select=id")
        assert answer.status_code == 200, answer.text
        shown = {one["@iot.id"]: one["Observations@iot.count"] for one in answer.json()["value"]}
        assert shown == before
        since = instant(START + 25 * DAY).isoformat().replace("+00:00", "Z")
        bound = f"$filter=phenomenonTime%20ge%20{since}"
        answer = web.get(f"/sta/v1.1/Datastreams?$expand=Observations($count=true;$top=1;{bound})&$select=id")
        shown = {one["@iot.id"]: one["Observations@iot.count"] for one in answer.json()["value"]}
        assert shown == {number: one_by_one(connection, [number], START + 25 * DAY) for number in numbers}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_happens(connection: Connection, seed: int) -> None:
    own = random.Random(seed)
    numbers = [fill(connection, f"air-{n}", 90 + 15 * n) for n in range(3)]
    for _ in range(25):
        what = own.choice(("late", "late", "keep", "personal", "open", "retire days", "family"))
        name = f"air-{own.randrange(3)}"
        if what == "late":
            late(connection, own.choice(numbers), START + own.randrange(122 * DAY))
        elif what == "keep":
            keep(connection)
        elif what in ("personal", "open"):
            registry.upsert(connection, [series_world.air(name, personal=what == "personal")])
        elif what == "family":
            with connection.transaction():
                connection.execute("update personal.device set family = 'car-park' where id = %s", (name,))
        else:
            maintain.maintain(connection, {"air-monitor": own.randrange(80, 119)}, datetime.now(UTC))
        start = START + own.randrange(120 * DAY)
        for bounds in ((), (start,), (start, start + own.randrange(30 * DAY)), (None, start)):
            assert counted(connection, None, *bounds) == one_by_one(connection, None, *bounds), (what, bounds)
            some = own.sample(numbers, 2)
            assert counted(connection, some, *bounds) == one_by_one(connection, some, *bounds), (what, bounds)
            assert each(connection, numbers, *bounds) == each_by_one(connection, numbers, *bounds), (what, bounds)


def test_a_day_that_is_touched_takes_its_span_along(connection: Connection) -> None:
    number = fill(connection)
    keep(connection)
    known = spans(connection)
    (month,) = [day for day, days in known if days > 1][:1]
    touched = datetime.combine(month + timedelta(days=3), datetime.min.time(), UTC)
    late(connection, number, microseconds(touched) + 5)
    single = START + 116 * DAY
    late(connection, number, single + 5)
    left = spans(connection)
    assert [one for one in known if one not in left] == [(month, dict(known)[month]), (instant(single).date(), 1)]
    assert counted(connection) == one_by_one(connection)
    keep(connection)
    assert spans(connection) == known
    assert counted(connection) == one_by_one(connection)
    assert (
        connection.execute(
            "select from reading_count c where not exists (select from counted_span where id = c.span_id)"
        ).fetchall()
        == []
    )


def test_nothing_is_counted_beside_a_transaction_that_writes_to_old_days(
    connection: Connection, each_database: str
) -> None:
    number = fill(connection)
    with connect(each_database) as other:
        other.execute("insert into reading values (%s, %s, 7)", (number, instant(START + 12 * DAY + 5)))
        other.execute("insert into touched_day (family, day) values ('air-monitor', %s)", (instant(START).date(),))
        assert keep(connection) == 0
        other.commit()
    assert keep(connection) > 100
    assert counted(connection) == one_by_one(connection)


def test_an_answer_sees_one_state_while_days_are_written_and_counted(
    connection: Connection, each_database: str
) -> None:
    """A count within a snapshot is that snapshot's, though others write, count and forget meanwhile."""
    number = fill(connection)
    stop = threading.Event()

    def disturb() -> None:
        own = random.Random(4)
        with connect(each_database, autocommit=True) as other:
            while not stop.is_set():
                late(other, number, START + own.randrange(70 * DAY))
                sta_count.keep(other, 0.2)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(60):
            with connection.transaction():
                see_one_moment(connection)
                found = sta_count.count(connection, "simulated", [number]).readings
                assert found == one_by_one(connection, [number])
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def test_a_counter_that_is_killed_leaves_nothing_half(timescale: Cluster, database: str) -> None:
    with connect(database, autocommit=True) as connection:
        number = fill(connection)
        with connect(database) as maker:
            maker.execute("insert into counted_span (family, day, days) values ('air-monitor', '2020-01-01', 1)")
            connection.execute("select pg_terminate_backend(%s)", (maker.info.backend_pid,))
            with pytest.raises(psycopg.OperationalError):
                maker.execute("select 1")
        assert spans(connection) == []
        assert keep(connection) > 100
        assert counted(connection, [number]) == one_by_one(connection, [number])


def test_what_erasure_takes_is_not_counted(connection: Connection) -> None:
    """The very query that an erasure runs, within its lock."""
    number, other = fill(connection), fill(connection, "air-2")
    keep(connection)
    sql = queries("erasure")
    period = {"series": [number], "start": instant(START + 10 * DAY + 9), "stop": instant(START + 30 * DAY + 9)}
    with connection.transaction():
        connection.execute(sql["lock_records"])
        connection.execute(sql["reading"], period)
        connection.execute(sql["reading_count"], period)
    assert counted(connection) == one_by_one(connection)
    assert counted(connection, [other]) == one_by_one(connection, [other])
    keep(connection)
    assert counted(connection, [number]) == one_by_one(connection, [number])


def test_a_new_device_is_counted_at_once(connection: Connection) -> None:
    fill(connection)
    keep(connection)
    registry.upsert(connection, [Device("late-1", "air-monitor", "native", origin="simulated")])
    (state,) = series.resolve(connection, [("late-1", "no2")])
    late(connection, state.series, START + DAY)
    assert counted(connection) == one_by_one(connection)


def test_it_says_whether_days_wait_to_be_counted(connection: Connection) -> None:
    number = fill(connection)

    def behind(*bounds: int | None) -> bool:
        with connection.transaction():
            return sta_count.count(connection, "simulated", [number], *bounds).behind

    assert behind()
    assert behind(START + 9 * DAY, START + 12 * DAY)
    # of a part of a day, and of days that are not over, nothing can be counted
    assert not behind(START + 9 * DAY + 1, START + 10 * DAY)
    assert not behind(microseconds(TODAY) - DAY)
    keep(connection)
    assert not behind()
    late(connection, number, START + 30 * DAY + 5)
    assert behind()
