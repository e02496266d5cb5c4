"""All ways that say how a bay is say the same of one instant: the board, now and looked back at, the page for anybody,
the open feed, and the record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.parking import runner
from analytics.parking.days import ParkingOptions
from analytics.parking.state import REASONS
from dashboard.operations.words import STATE_NAMES
from dashboard.web import board
from dashboard.web.board import Board, Boards
from devices.bays import GRACE, SILENCE
from store import parking
from store.connect import Connection, connect
from store.copy import copy_readings
from store.times import local_day, microseconds, midnight
from tests.tools.servers import Cluster
from tests.tools.site import client, options, running
from tests.worlds.parking_board import make_bay, say
from tests.worlds.parking_record import LONDON

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(**length: float) -> datetime:
    """An instant so long ago."""
    return NOW - timedelta(**length)


def _link(connection: Connection, bay: str, device: str, start: datetime, stop: datetime | None) -> None:
    connection.execute(
        "insert into personal.bay_sensor (bay_id, device_id, start, stop) values (%s, %s, %s, %s)",
        (bay, device, start, stop),
    )


def _end(connection: Connection, bay: str, stop: datetime) -> None:
    connection.execute("update personal.bay_sensor set stop = %s where bay_id = %s and stop is null", (stop, bay))


def _device(connection: Connection, name: str) -> None:
    connection.execute(
        "insert into personal.device (id, family, model, origin, personal, attributes)"
        " values (%s, 'parking-bay', 'native', 'simulated', false, '{\"heartbeat\": \"PT10H\"}')",
        (name,),
    )


#: How each bay has to stand.
EXPECTED = {
    "free": "free", "taken": "occupied", "long": "occupied", "never": "unknown never", "silent": "unknown silent",
    "stuck": "unknown stuck", "unwatched": "unknown never", "swapped": "unknown swapped", "fresh": "occupied",
    "lost": "unknown swapped", "before": "unknown never", "touching": "occupied", "again": "unknown swapped",
    "coming": "unknown never", "odd": "occupied", "oddly": "unknown never", "cured": "occupied",
    "ended": "unknown swapped",
}  # fmt: skip


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        for bay in EXPECTED:
            make_bay(connection, bay, heartbeat="PT10H", maximum=60)
        daily = [ago(days=40 - day) for day in range(40)] + [ago(hours=1)]
        say(connection, "sensor-free", [(ago(hours=5), 1), (ago(minutes=30), 0)])
        say(connection, "sensor-taken", [(ago(hours=5), 0), (ago(minutes=90), 1)])
        # since before yesterday, with heartbeats
        say(connection, "sensor-long", [(ago(days=4), 0), *((ago(hours=80 - 8 * n), 1) for n in range(10))])
        say(connection, "sensor-silent", [(ago(hours=50), 0), (ago(hours=49), 1)])
        for bay in ("stuck", "cured", "ended"):
            say(connection, f"sensor-{bay}", [(at - timedelta(minutes=5), 1) for at in daily])
        connection.execute("delete from personal.bay_sensor where bay_id in ('unwatched', 'before', 'coming')")
        _link(connection, "before", "sensor-before", ago(hours=3), None)
        say(connection, "sensor-before", [(ago(hours=4), 1)])
        _link(connection, "coming", "sensor-coming", NOW + timedelta(days=1), None)
        say(connection, "sensor-coming", [(ago(hours=1), 1)])
        for bay, at in (("swapped", ago(hours=2)), ("fresh", ago(hours=2)), ("cured", ago(minutes=30))):
            _device(connection, f"new-{bay}")
            _end(connection, bay, at)
            _link(connection, bay, f"new-{bay}", at, None)
        say(connection, "sensor-swapped", [(ago(hours=6), 0), (ago(hours=3), 1)])
        say(connection, "sensor-fresh", [(ago(hours=6), 0), (ago(hours=3), 1)])
        say(connection, "new-fresh", [(ago(hours=1), 1)])
        say(connection, "new-cured", [(ago(minutes=10), 1)])
        # neither free nor occupied, which is no reading
        say(connection, "sensor-odd", [(ago(hours=4), 0), (ago(hours=3), 1), (ago(hours=2), 0.5)])
        say(connection, "sensor-oddly", [(ago(hours=2), 0.5)])
        for bay in ("lost", "ended"):
            _end(connection, bay, ago(minutes=20))
        say(connection, "sensor-lost", [(ago(hours=6), 0), (ago(hours=3), 1)])
        for bay, gap in (("touching", 0), ("again", 60)):
            _end(connection, bay, ago(hours=2))
            _link(connection, bay, f"sensor-{bay}", ago(hours=2) + timedelta(minutes=gap), None)
            say(connection, f"sensor-{bay}", [(ago(hours=6), 0), (ago(hours=3), 1)])
        connection.execute(
            "insert into public.touched_day (family, day) select 'parking-bay', d::date"
            " from generate_series(%s::timestamptz, %s, '1 day') d",
            (ago(days=41), NOW),
        )
    yield timescale.url(name)
    timescale.drop(name)


def _said(found: Board) -> dict[str, str]:
    return {
        bay: f"{STATE_NAMES[int(state)]} {REASONS[int(reason)]}".strip()
        for bay, state, reason in zip(found.bays.id, found.now.state, found.now.reason, strict=True)
    }


def _times(found: Board) -> dict[str, tuple[int, int]]:
    """Since when it is so, and over its time."""
    columns = (found.now.since.tolist(), found.now.over_from.tolist())
    return {bay: (since, over_from) for bay, since, over_from in zip(found.bays.id, *columns, strict=True)}


def test_all_say_the_same(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(database) as connection:
        early = Boards(LONDON, GRACE, SILENCE)
        early.newest(connection)
        connection.commit()
        runner.run(connection, ParkingOptions(LONDON))
        fresh = Boards(LONDON, GRACE, SILENCE)
        found = fresh.newest(connection)
        assert _said(found) == EXPECTED
        past = fresh.past(connection, found.at)
        assert _said(past) == EXPECTED
        assert _times(past) == _times(found)
        # of a process that was there before the record was
        # a quiet night, in which the record has no reading of today yet
        (recorded,) = connection.execute("select recorded_to from personal.parking_record").fetchone() or (NOW,)
        evening = midnight(local_day(NOW, LONDON), LONDON) // 1_000_000 - 600
        connection.execute("update personal.parking_record set recorded_to = to_timestamp(%s)", (evening,))
        past = Boards(LONDON, GRACE, SILENCE).past(connection, found.at)
        assert (_said(past), _times(past)) == (EXPECTED, _times(found))
        connection.execute("update personal.parking_record set recorded_to = %s", (recorded,))
        monkeypatch.setattr(board, "_REGISTER", 0.0)
        late = early.newest(connection)
        assert (_said(late), _times(late)) == (EXPECTED, _times(found))
        # a reading that comes late changes since when it is so; what is erased is not remembered by any process
        (late_series,) = connection.execute(
            "select id from personal.series where device_id = 'sensor-long' and property = 'occupied'"
        ).fetchone() or (0,)
        at = ago(hours=20)
        copy_readings(
            connection, np.array([late_series], np.int32), np.array([microseconds(at)], np.int64), np.zeros(1)
        )
        for table in ("latest", "reading"):
            connection.execute(
                f"delete from public.{table} t using personal.series s"
                " where s.id = t.series_id and s.device_id = 'sensor-taken'".encode()
            )
        connection.execute(
            "insert into public.touched_day (family, day) select 'parking-bay', d::date"
            " from generate_series(%s::timestamptz, %s, '1 day') d",
            (ago(days=3), NOW),
        )
        connection.commit()
        runner.run(connection, ParkingOptions(LONDON))
        found = Boards(LONDON, GRACE, SILENCE).newest(connection)
        assert _said(found) == {**EXPECTED, "taken": "unknown never"}
        assert found.now.since[found.bays.place["long"]] == microseconds(ago(hours=16))
        late = early.newest(connection)
        assert (_said(late), _times(late)) == (_said(found), _times(found))
        lasting = parking.open_stays(connection)
        occupied = {bay for bay, said in _said(found).items() if said == "occupied"}
        assert set(lasting.bays) == occupied
        since = dict(zip(lasting.bays, lasting.arrival.tolist(), strict=True))
        assert since == {bay: int(found.now.since[found.bays.place[bay]]) for bay in occupied}
    with running(options(database, demo=True)) as url, client(url, None) as web:
        answer = web.get("/parking/feed/datex-status.json")
    _, *its = answer.json()["payload"]["prkParkingStatusPublication"]["parkingStatusInformation"]
    feed = {inner["reference"]["idG"]: inner.get("occupied") for one in its for inner in one.values()}
    words = {"free": False, "occupied": True}
    watched = set(EXPECTED) - {"unwatched", "coming", "lost", "ended"}
    assert feed == {bay: words.get(said) for bay, said in _said(found).items() if bay in watched}
    with connect(database) as connection:
        # nobody has analysed since the day before yesterday
        yesterday = local_day(NOW, LONDON) - timedelta(days=1)
        connection.execute("delete from personal.bay_day where day >= %s", (yesterday,))
        connection.execute(
            "update personal.parking_record set recorded_to = to_timestamp(%s)",
            (midnight(yesterday, LONDON) // 1_000_000 - 600,),
        )
        boards = Boards(LONDON, GRACE, SILENCE)
        found = boards.newest(connection)
        assert _said(found)["stuck"] == _said(boards.past(connection, found.at))["stuck"] == "unknown stuck"
