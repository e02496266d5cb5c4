"""Alarms against a real database: what the rules look at, what begins and ends, who is told and how often."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import psycopg
import pytest

from analytics.alarms.conditions import WINDOWS, Limits
from borough.delivery.alarms import GIVEN_UP, Watcher, WatchOptions, disks_of
from borough.delivery.webhook import Webhook
from store import alarm_facts, alarms, flow
from store.connect import Connection, connect
from store.flow import Figures, Minute
from tests.tools.receiver import Receiver
from tests.tools.servers import Cluster
from tests.worlds import parking_board

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OPTIONS = WatchOptions(ZoneInfo("Europe/London"), timedelta(minutes=5), timedelta(hours=25))
KEY = b"of-the-tests-" * 3


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def device(connection: Connection, family: str, *, retired: bool = False) -> None:
    connection.execute(
        "insert into personal.device (id, family, model, origin, personal, retired_at, changed)"
        " values (%s, %s, 'native', 'real', false, %s, 0)",
        (f"one-{family}", family, NOW if retired else None),
    )


def speaks(connection: Connection, family: str, last: datetime = NOW, days: int = 3, every: int = 5) -> None:
    """Has said something every few minutes, of two collectors in turn."""
    connection.execute(
        "insert into public.accounting (minute, collector, family, messages_received, messages_decoded)"
        " select m, case when extract(epoch from m)::int8 / 60 %% 2 = 0 then 'a' else 'b' end, %s, 10, 10"
        " from generate_series(%s::timestamptz - make_interval(days => %s), %s, make_interval(mins => %s)) m",
        (family, last, days, last, every),
    )


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
    # nobody computes days of meters that are in no home, nor of monitors
    assert alarm_facts.waiting(connection) == []
    device(connection, "smart-meter")
    connection.execute("insert into personal.home (id, uprn, address, lon, lat) values (1, '1', '{x}', 0, 51);")
    connection.execute(
        "insert into personal.home_meter (device_id, from_day, home_id) values ('one-smart-meter', '2026-01-01', 1)"
    )
    (waiting,) = alarm_facts.waiting(connection)
    assert (waiting.family, waiting.notes) == ("smart-meter", 1)
    watcher = Watcher(OPTIONS)
    raised = {after: begun(watcher, connection, NOW + after * MINUTE) for after in range(0, 61, 4)}
    expected = {8: [("rejected", "car-park")], 60: [("days", "smart-meter")]}
    assert {after: found for after, found in raised.items() if found} == expected


def test_a_gateway_that_is_out_is_told_and_none_of_its_bays(timescale: Cluster) -> None:
    name = timescale.create()
    now = datetime.now(UTC)
    with connect(timescale.url(name), autocommit=True) as connection:
        parking_board.town(connection, now)
        connection.execute('update personal.device set attributes = attributes || \'{"gateway": "north"}\'')
        # all said something five days ago, and nothing since
        connection.execute("update public.latest set time = %s", (now - timedelta(days=5),))
        watcher = Watcher(OPTIONS)
        watcher.look(connection, now)
        found = watcher.look(connection, now + timedelta(minutes=4))
        assert not found.begun
        found = watcher.look(connection, now + timedelta(minutes=8))
        found = watcher.look(connection, now + timedelta(minutes=12))
        assert ("gateway", "north") in [(one.rule, one.subject) for one in found.begun]
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


def test_a_collector_that_cannot_archive(connection: Connection) -> None:
    alarm_facts.note_unarchived(connection, "a", 3)
    alarm_facts.note_unarchived(connection, "a", 5)
    now = connection.execute("select now()").fetchone()
    assert now is not None
    assert alarm_facts.unarchived(connection, now[0] - MINUTE) == [("a", 5)]
    assert alarm_facts.unarchived(connection, now[0] + MINUTE) == []


# telling


def raised(connection: Connection, webhook: Webhook | None) -> Watcher:
    """A watcher, and one alarm that has just begun."""
    device(connection, "air-monitor")
    speaks(connection, "air-monitor")
    watcher = Watcher(replace(OPTIONS, webhook=webhook, site="https://pages.example/"), chance=lambda: 0.0)
    watcher.look(connection, NOW + 16 * MINUTE)
    return watcher


def state(connection: Connection) -> list[tuple[object, ...]]:
    rows = connection.execute(
        "select event, way, tries, told_at is not null, given_up_at is not null, problem from public.alarm_notice"
        " order by 1, 2"
    )
    return list(rows)


def test_an_alarm_is_told_once_at_its_beginning_and_once_at_its_end(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Receiver() as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        for _ in range(3):
            watcher.tell(connection, lambda: NOW + 16 * MINUTE)
        speaks(connection, "air-monitor", NOW + 17 * MINUTE, days=0)
        for after in (17, 22, 23):
            watcher.look(connection, NOW + after * MINUTE)
            watcher.tell(connection, lambda: NOW + HOUR)
        assert len(receiver.got) == 2
        began, ended = (orjson.loads(one.body) for one in receiver.got)
    assert began == {
        "type": "alarm.begun",
        "timestamp": "2026-03-10T12:16:00+00:00",
        "data": {
            "alarm": 1,
            "rule": "silent",
            "title": "A family has fallen silent",
            "subject": "air-monitor",
            "severity": "urgent",
            "text": "nothing has come since 2026-03-10 12:00 UTC; usually something does every 15 minutes",
            "begun_at": "2026-03-10T12:16:00+00:00",
            "ended_at": None,
            "todo": began["data"]["todo"],
            "page": "https://pages.example/engineer/alarms",
        },
    }
    assert began["data"]["todo"].startswith("Look whether the collector runs")
    assert (ended["type"], ended["data"]["ended_at"]) == ("alarm.ended", "2026-03-10T12:17:00+00:00")
    assert receiver.got[0].headers["webhook-id"] != receiver.got[1].headers["webhook-id"]
    lines = [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "borough.delivery.alarms"]
    assert [level for level, _ in lines] == ["ERROR", "INFO"]
    assert lines[0][1].startswith(
        "alarm 1 begun at 2026-03-10T12:16:00+00:00, urgent: A family has fallen silent (air-"
    )
    assert lines[1][1].startswith("alarm 1 ended at 2026-03-10T12:17:00+00:00")
    assert [row[2:] for row in state(connection)] == [(1, True, False, None)] * 4


def test_a_receiver_that_refuses_is_asked_again_with_the_same_key_and_ever_later(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver("refuses") as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        tries: list[datetime] = []
        for place in range(6 * 104):
            now = NOW + 16 * MINUTE + timedelta(seconds=10 * place)
            before = len(receiver.got)
            watcher.tell(connection, partial(datetime.fromtimestamp, now.timestamp(), UTC))
            tries += [now] * (len(receiver.got) - before)
        pauses = [(later - one).total_seconds() for one, later in pairwise(tries)]
        assert pauses == [10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800]
        assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
        assert state(connection)[1] == ("begun", "webhook", 11, False, False, "answered 500")
        assert sum("the webhook took nothing: answered 500" in one.getMessage() for one in caplog.records) == 1
        receiver.how = "takes"
        watcher.tell(connection, lambda: NOW + 4 * HOUR)
        assert state(connection)[1] == ("begun", "webhook", 12, True, False, None)


def test_what_nobody_took_for_a_day_is_given_up_and_the_page_says_so(connection: Connection) -> None:
    with Receiver("refuses") as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        watcher.tell(connection, lambda: NOW + HOUR)
        watcher.tell(connection, lambda: NOW + 16 * MINUTE + GIVEN_UP)
        assert state(connection)[1] == ("begun", "webhook", 2, False, True, "nobody took it for a day")
        receiver.how = "takes"
        watcher.tell(connection, lambda: NOW + timedelta(days=3))
        assert len(receiver.got) == 1


def test_an_end_is_not_told_before_its_beginning(connection: Connection) -> None:
    with Receiver("refuses") as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        watcher.tell(connection, lambda: NOW + 16 * MINUTE)
        speaks(connection, "air-monitor", NOW + 17 * MINUTE, days=0)
        for after in (17, 22):
            watcher.look(connection, NOW + after * MINUTE)
        receiver.how = "takes"
        for _ in range(2):
            watcher.tell(connection, lambda: NOW + HOUR)
        assert [orjson.loads(one.body)["type"] for one in receiver.got[1:]] == ["alarm.begun", "alarm.ended"]


def test_a_receiver_that_is_gone_keeps_nobody_from_looking(connection: Connection) -> None:
    with Receiver() as receiver:
        url = receiver.url
    watcher = raised(connection, Webhook(url, KEY))
    watcher.tell(connection, lambda: NOW + HOUR)
    (log_row, webhook_row) = state(connection)
    assert log_row[3] is True
    assert webhook_row[:5] == ("begun", "webhook", 1, False, False)
    assert str(webhook_row[5]).startswith("ConnectError")
    assert "secret" not in str(webhook_row[5])


def test_a_webhook_that_is_no_more_set_is_told_nothing(connection: Connection) -> None:
    with Receiver() as receiver:
        raised(connection, Webhook(receiver.url, KEY))
        Watcher(OPTIONS).tell(connection, lambda: NOW + HOUR)
        assert receiver.got == []
        Watcher(replace(OPTIONS, webhook=Webhook(receiver.url, KEY))).tell(connection, lambda: NOW + HOUR)
        assert len(receiver.got) == 1


def test_who_was_killed_before_it_was_noted_tells_it_again_with_the_same_key(connection: Connection) -> None:
    with Receiver() as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        watcher.tell(connection, lambda: NOW + HOUR)
        # as if the note had not been written
        connection.execute("update public.alarm_notice set told_at = null, tries = 0 where way = 'webhook'")
        Watcher(replace(OPTIONS, webhook=Webhook(receiver.url, KEY))).tell(connection, lambda: NOW + HOUR)
        assert len(receiver.got) == 2
        assert len({one.headers["webhook-id"] for one in receiver.got}) == 1


def test_one_watches_at_a_time(database: str) -> None:
    with connect(database, autocommit=True) as first, connect(database, autocommit=True) as second:
        assert alarms.lock(first)
        assert alarms.lock(first), "who watches goes on"
        assert not alarms.lock(second)
        first.close()
        until = time.monotonic() + 10
        while not alarms.lock(second):  # the server notices in its own time
            assert time.monotonic() < until


def test_alarms_are_read_by_who_may_read_open_data(connection: Connection) -> None:
    raised(connection, None)
    connection.execute("set role borough_open")
    assert connection.execute("select rule from public.alarm").fetchall() == [("silent",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from public.alarm_notice")


def test_history_in_pages_and_old_alarms_forgotten(connection: Connection) -> None:
    for number in range(5):
        at = NOW - number * HOUR
        one = alarms.Alarm(None, "silent", f"family-{number}", "urgent", "quiet", "", at, at)
        own = alarms.add(connection, one)
        if at < NOW:
            alarms.change(connection, one._replace(id=own, ended_at=at + MINUTE))
    assert [one.id for one in alarms.history(connection, limit=2)] == [5, 4]
    assert [one.id for one in alarms.history(connection, before=4, limit=2)] == [3, 2]
    assert [one.id for one in alarms.history(connection, is_open=True)] == [1]
    assert alarms.forget(connection, NOW - 2 * HOUR + 2 * MINUTE) == 3
    assert [one.id for one in alarms.history(connection)] == [2, 1]
