"""Alarms against a real database: what the rules look at, what begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from analytics.alarms.conditions import WINDOWS, Limits
from borough.delivery.alarms import Watcher, disks_of
from store import alarm_facts, alarms, complaints, flow
from store.connect import Connection, connect
from store.flow import Figures, Minute
from store.rejected_taken import RETRY
from tests.tools.collector import CLIENT_ID, Collector
from tests.tools.publisher import publish
from tests.tools.servers import Cluster, Mosquitto, wait_for
from tests.worlds import parking_board
from tests.worlds.alarms import HOUR, MINUTE, NOW, OPTIONS, device, speaks


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def begun(watcher: Watcher, connection: Connection, now: datetime) -> list[tuple[str, str]]:
    return [(one.rule, one.subject) for one in watcher.look(connection, now).begun]


def test_an_empty_database_has_nothing_wrong(connection: Connection) -> None:
    assert begun(Watcher(OPTIONS), connection, NOW) == []
    assert alarms.looked_at(connection) == NOW
    assert alarms.unended(connection) == []


def test_a_family_falls_silent_and_speaks_again(connection: Connection) -> None:
    for family in ("air-monitor", "car-park", "movement-sensor"):
        speaks(connection, family, every=40 if family == "car-park" else 5)
    device(connection, "air-monitor")
    device(connection, "car-park")
    device(connection, "movement-sensor", retired=True)
    watcher = Watcher(OPTIONS)
    assert begun(watcher, connection, NOW + 15 * MINUTE) == []
    assert begun(watcher, connection, NOW + 16 * MINUTE) == [("silent", "air-monitor")]
    # every 40 minutes is not within each quarter hour, but within each hour
    assert begun(watcher, connection, NOW + 61 * MINUTE) == [("silent", "car-park")]
    assert begun(watcher, connection, NOW + 50 * HOUR) == []
    speaks(connection, "air-monitor", NOW + 51 * HOUR, days=0)
    assert not watcher.look(connection, NOW + 51 * HOUR).ended
    (ended,) = watcher.look(connection, NOW + 51 * HOUR + 5 * MINUTE).ended
    assert ended.ended_at == NOW + 51 * HOUR
    assert [one.subject for one in alarms.history(connection, is_open=True)] == ["car-park"]


def test_what_a_retry_takes_is_no_sign_of_life_and_no_traffic(connection: Connection) -> None:
    device(connection, "air-monitor")
    speaks(connection, "air-monitor")
    watcher = Watcher(OPTIONS)
    assert begun(watcher, connection, NOW + 16 * MINUTE) == [("silent", "air-monitor")]
    connection.execute(
        "insert into public.accounting (minute, collector, family, messages_received, messages_decoded)"
        " values (%s, %s, 'air-monitor', 10000, 10000)",
        (NOW + 17 * MINUTE, RETRY),
    )
    for after in (17, 23):
        assert watcher.look(connection, NOW + after * MINUTE).ended == []
    assert alarm_facts.rejections(connection, NOW + 16 * MINUTE) == []


def test_a_silence_of_weeks_is_still_one_and_months_are_none(connection: Connection) -> None:
    device(connection, "air-monitor")
    speaks(connection, "air-monitor")
    assert begun(Watcher(OPTIONS), connection, NOW + timedelta(days=89)) == [("silent", "air-monitor")]
    assert alarm_facts.last_heard(connection, NOW + timedelta(days=90)) == {}


def test_what_is_usual_is_counted_in_windows_back_from_the_last_message(connection: Connection) -> None:
    speaks(connection, "air-monitor", days=1, every=30)
    found = alarm_facts.usual(connection, "air-monitor", NOW, WINDOWS)
    # the first minute begins a window of its own
    assert found.span == timedelta(days=1)
    assert [found.windows[window] for window in WINDOWS] == [49, 25, 5, 2]


def minutes(connection: Connection, *ups: float, dropped: int | None = None) -> None:
    """Of two collectors, the newest last; both hear the broker."""
    for place, up in enumerate(reversed(ups)):
        at = int((NOW - place * MINUTE).timestamp() * 1e6)
        for name in ("a", "b"):
            flow.note(connection, name, Figures([Minute(at, up=up, broker_dropped=dropped)]))


def test_collectors_that_stop_or_are_not_subscribed_and_a_broker_that_drops(connection: Connection) -> None:
    minutes(connection, 60.0, 60.0, dropped=37)
    watcher = Watcher(OPTIONS)
    assert begun(watcher, connection, NOW) == [("dropped", "system")]
    # each minute once, however many collectors heard of it
    assert alarms.history(connection)[0].text == "74 messages in 15 minutes"
    minutes(connection, 0.0, 0.0, 0.0)
    assert begun(watcher, connection, NOW) == []
    assert begun(watcher, connection, NOW + 3 * MINUTE) == []
    assert begun(watcher, connection, NOW + 4 * MINUTE) == [("collector", "system")]
    raised = {}
    for after in range(5, 12):
        flow.note(connection, "a", Figures([Minute(int((NOW + after * MINUTE).timestamp() * 1e6), up=0.0)]))
        raised[after] = begun(watcher, connection, NOW + after * MINUTE)
    assert {after: found for after, found in raised.items() if found} == {10: [("broker", "system")]}


def lag(connection: Connection, at: datetime, seconds: float, readings: int, *, hours: bool = False) -> None:
    counts = np.zeros(flow.LAGS, np.int64)
    counts[int(np.searchsorted(flow.LAG_BOUNDS, seconds))] = readings
    one = flow.Lag(int(at.timestamp() * 1e6), "air-monitor", counts)
    flow.note(connection, "a", Figures(hours=[one]) if hours else Figures(lags=[one]))


def test_readings_that_come_late(connection: Connection) -> None:
    lag(connection, NOW, 7_000, 25)
    lag(connection, NOW - 14 * MINUTE, 7_000, 5)
    lag(connection, NOW - 20 * MINUTE, 1, 1_000)  # before the quarter hour
    lag(connection, NOW - timedelta(hours=2), 7_000, 100_000, hours=True)  # of the day itself
    lag(connection, NOW - timedelta(days=2), 1, 500, hours=True)
    assert alarm_facts.lags(connection, NOW - 15 * MINUTE, NOW)[0].readings == 30
    assert 1.0 <= alarm_facts.usual_lags(connection, NOW)[0].median < 1.5
    watcher = Watcher(OPTIONS)
    assert begun(watcher, connection, NOW) == []
    (found,) = watcher.look(connection, NOW + 4 * MINUTE).kept
    assert found.text == "half of 25 readings were about 2 hours old"  # the older ones are out by then
    assert begun(watcher, connection, NOW + 5 * MINUTE) == [("lag", "air-monitor")]
    slow = Watcher(replace(OPTIONS, limits=Limits(lag=10_000.0)))
    slow.look(connection, NOW + 6 * MINUTE)
    assert [one.subject for one in slow.look(connection, NOW + 12 * MINUTE).ended] == ["air-monitor"]


def test_rejections_and_days_that_wait(connection: Connection) -> None:
    connection.execute(
        "insert into public.accounting (minute, collector, family, messages_received, messages_rejected) values"
        " (%s, 'a', 'car-park', 100, 6), (%s, 'b', 'car-park', 100, 20), (%s, 'a', 'car-park', 900, 0)",
        (NOW - MINUTE, NOW - MINUTE, NOW - 16 * MINUTE),
    )
    rows = alarm_facts.rejections(connection, NOW - 15 * MINUTE)
    assert rows == [alarm_facts.Rejections("car-park", 200, 26)]
    connection.execute(
        "insert into public.touched_day (family, day)"
        " values ('air-monitor', '2026-03-01'), ('smart-meter', '2026-03-01')"
    )
    # nobody computes days of meters that are in no home, nor of monitors where there is none
    assert alarm_facts.waiting(connection) == []
    device(connection, "smart-meter")
    connection.execute("insert into personal.home (id, uprn, address, lon, lat) values (1, '1', '{x}', 0, 51);")
    connection.execute(
        "insert into personal.home_meter (device_id, from_day, home_id) values ('one-smart-meter', '2026-01-01', 1)"
    )
    (waiting,) = alarm_facts.waiting(connection)
    assert (waiting.family, waiting.notes) == ("smart-meter", 1)
    with connection.transaction(force_rollback=True):
        device(connection, "air-monitor")
        assert [one.family for one in alarm_facts.waiting(connection)] == ["air-monitor", "smart-meter"]
    watcher = Watcher(OPTIONS)
    raised = {after: begun(watcher, connection, NOW + after * MINUTE) for after in range(0, 61, 4)}
    expected = {8: [("rejected", "car-park")], 60: [("days", "smart-meter")]}
    assert {after: found for after, found in raised.items() if found} == expected


def test_what_was_seen_before_nobody_looked_proves_nothing(connection: Connection, tmp_path: Path) -> None:
    watcher = Watcher(replace(OPTIONS, folders=[tmp_path / "gone"]))
    assert begun(watcher, connection, NOW) == []
    assert begun(watcher, connection, NOW + HOUR) == []
    assert begun(watcher, connection, NOW + HOUR + 5 * MINUTE) == [("disk", str(tmp_path / "gone"))]


def test_a_gateway_that_is_out_is_told_and_none_of_its_bays(timescale: Cluster) -> None:
    name = timescale.create()
    now = datetime.now(UTC)
    with connect(timescale.url(name), autocommit=True) as connection:
        parking_board.town(connection, now)
        connection.execute('update personal.device set attributes = attributes || \'{"gateway": "north"}\'')
        # bays of households have a gateway that nobody else has
        connection.execute("update personal.bay set personal = true where zone = 'Zone B'")
        connection.execute(
            'update personal.device d set attributes = d.attributes || \'{"gateway": "their own"}\''
            " from personal.bay_sensor s join personal.bay b on b.id = s.bay_id where s.device_id = d.id and b.personal"
        )
        # all said something five days ago, and nothing since
        connection.execute("update public.latest set time = %s", (now - timedelta(days=5),))
        watcher = Watcher(OPTIONS)
        watcher.look(connection, now)
        found = watcher.look(connection, now + timedelta(minutes=4))
        assert not found.begun
        found = watcher.look(connection, now + timedelta(minutes=8))
        found = watcher.look(connection, now + timedelta(minutes=12))
        assert [one.subject for one in found.begun if one.rule == "gateway"] == ["north"]
        bays = {row[0] for row in connection.execute("select id from personal.bay")}
        said = " ".join(f"{one.subject} {one.text}" for one in alarms.history(connection))
        assert not [bay for bay in bays if bay in said]
    timescale.drop(name)


def test_disks(tmp_path: Path) -> None:
    disks, lost = disks_of([tmp_path, tmp_path / "gone"])
    assert [one.folder for one in disks] == [str(tmp_path)]
    assert 0 < disks[0].free <= disks[0].size
    assert [(one.rule, one.text) for one in lost] == [("disk", "cannot be looked at: No such file or directory")]


def test_a_disk_that_is_too_full_for_the_limit(connection: Connection, tmp_path: Path) -> None:
    watcher = Watcher(replace(OPTIONS, folders=[tmp_path], limits=Limits(disk=0.999_999)))
    watcher.look(connection, NOW)
    watcher.look(connection, NOW + 3 * MINUTE)
    assert begun(watcher, connection, NOW + 6 * MINUTE) == [("disk", str(tmp_path))]


def test_a_complaint_that_nobody_acknowledged_in_time(connection: Connection) -> None:
    given = complaints.Given("Words that no alarm tells", "air", "none")
    with connection.transaction():
        taken = complaints.take(connection, given, secret="k", form="one", received_at=NOW, now=NOW)
    assert taken is not None
    watcher = Watcher(OPTIONS)
    last = complaints.last_day(NOW, OPTIONS.zone)
    midnight = datetime(last.year, last.month, last.day, tzinfo=OPTIONS.zone) + timedelta(days=1)
    assert begun(watcher, connection, midnight - timedelta(seconds=1)) == []
    assert begun(watcher, connection, midnight + timedelta(seconds=1)) == [("complaint", "system")]
    (row,) = connection.execute("select text from public.alarm where rule = 'complaint'").fetchall()
    assert row == ("1 complaint not acknowledged in time",)
    with connection.transaction():
        assert complaints.acknowledge(connection, taken.id, midnight)
    watcher.look(connection, midnight + MINUTE)
    assert [one.rule for one in watcher.look(connection, midnight + 7 * MINUTE).ended] == ["complaint"]


def test_a_collector_that_cannot_archive(connection: Connection) -> None:
    alarm_facts.note_unarchived(connection, "a", 3)
    alarm_facts.note_unarchived(connection, "a", 5)
    now = connection.execute("select now()").fetchone()
    assert now is not None
    assert alarm_facts.unarchived(connection, now[0] - MINUTE) == [("a", 5)]
    assert alarm_facts.unarchived(connection, now[0] + MINUTE) == []


def test_a_real_collector_that_cannot_archive_says_so(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    with connect(database, autocommit=True) as connection:
        device(connection, "air-monitor")
        with Collector(tmp_path, database, mosquitto.url, archive=tmp_path / "archive", batch_age=0.05) as collector:
            collector.start()
            # a file in the place of a folder
            (tmp_path / "archive/open/air-monitor").write_text("in the way")
            body = b'{"time": "%s", "pm2_5": 3}' % datetime.now(UTC).isoformat().encode()
            publish(mosquitto.port, [("borough/air-monitor/one-air-monitor/reading", body)])
            since = datetime.now(UTC) - HOUR
            assert wait_for(lambda: bool(alarm_facts.unarchived(connection, since)), 30)
            (found,) = alarm_facts.unarchived(connection, since)
            # and that it is there itself
            assert wait_for(lambda: subscribed(connection) > 0, 30)
        assert (found.collector, found.missed) == (CLIENT_ID, 1)


def subscribed(connection: Connection) -> float:
    return alarm_facts.collectors(connection, datetime.now(UTC), HOUR, HOUR).subscribed
