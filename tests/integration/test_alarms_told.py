"""Who is told of alarms, how often and by which key; a database that is away; what is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import orjson
import psycopg
import pytest

from borough.delivery.alarms import GIVEN_UP, Watcher
from borough.delivery.webhook import Webhook
from store import alarms
from store.connect import Connection, connect
from tests.tools.receiver import Receiver
from tests.worlds.alarms import HOUR, MINUTE, NOW, OPTIONS, device, speaks

KEY = b"of-the-tests-" * 3


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


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
        assert state(connection)[1] == ("begun", "webhook", 1, False, True, "answered 500")
        receiver.how = "takes"
        watcher.tell(connection, lambda: NOW + timedelta(days=3))
        assert len(receiver.got) == 1


def ended(connection: Connection, watcher: Watcher) -> None:
    """The alarm ends."""
    speaks(connection, "air-monitor", NOW + 17 * MINUTE, days=0)
    for after in (17, 22):
        watcher.look(connection, NOW + after * MINUTE)


def test_an_end_is_not_told_before_its_beginning(connection: Connection) -> None:
    with Receiver() as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        (beginning,) = alarms.due(connection, "webhook", NOW + HOUR, 10)
        alarms.failed(connection, beginning, "webhook", "answered 500", NOW + 2 * HOUR, last=None)
        ended(connection, watcher)
        watcher.tell(connection, lambda: NOW + HOUR)
        assert receiver.got == []
        for _ in range(2):
            watcher.tell(connection, lambda: NOW + 2 * HOUR)
        assert [orjson.loads(one.body)["type"] for one in receiver.got] == ["alarm.begun", "alarm.ended"]


def test_an_end_is_told_where_its_beginning_was_given_up(connection: Connection) -> None:
    with Receiver() as receiver:
        watcher = raised(connection, Webhook(receiver.url, KEY))
        (beginning,) = alarms.due(connection, "webhook", NOW + HOUR, 10)
        alarms.failed(connection, beginning, "webhook", "answered 500", NOW, last=NOW)
        ended(connection, watcher)
        watcher.tell(connection, lambda: NOW + HOUR)
        assert [orjson.loads(one.body)["type"] for one in receiver.got] == ["alarm.ended"]


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


def test_a_database_that_is_away_is_told_while_it_is_and_noted_when_it_is_back(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver("refuses") as receiver:
        watcher = Watcher(replace(OPTIONS, webhook=Webhook(receiver.url, KEY)), chance=lambda: 0.0)
        watcher.look(connection, NOW)
        for seconds in (0, 60, 119):
            watcher.away("db.example cannot be asked", NOW + timedelta(seconds=seconds))
        assert (receiver.got, caplog.records) == ([], [])
        watcher.away("db.example cannot be asked", NOW + 2 * MINUTE)
        watcher.away("db.example cannot be asked", NOW + timedelta(seconds=129))
        assert len(receiver.got) == 1
        receiver.how = "takes"
        for minute in (3, 4, 5, 60):
            watcher.away("db.example cannot be asked", NOW + minute * MINUTE)
        assert len(receiver.got) == 2
        told = orjson.loads(receiver.got[1].body)
        assert (told["type"], told["data"]["rule"], told["data"]["alarm"]) == ("alarm.begun", "database", None)
        assert told["data"]["text"] == "db.example cannot be asked, since 2026-03-10 12:00 UTC"
        for minute in (61, 62):
            watcher.back(connection, NOW + minute * MINUTE)
            watcher.look(connection, NOW + minute * MINUTE)
        watcher.look(connection, NOW + 67 * MINUTE)
        for _ in range(2):
            watcher.tell(connection, lambda: NOW + 67 * MINUTE)
        (only,) = alarms.history(connection)
        assert (only.rule, only.begun_at, only.ended_at) == ("database", NOW + 2 * MINUTE, NOW + 61 * MINUTE)
        assert len({one.headers["webhook-id"] for one in receiver.got[:2]}) == 1
        assert [orjson.loads(one.body)["type"] for one in receiver.got[2:]] == ["alarm.ended"]
    begun = [one for one in caplog.records if "begun at" in one.getMessage()]
    assert [one.levelname for one in begun] == ["ERROR"]


def test_a_database_that_goes_away_again_before_the_first_time_is_over(connection: Connection) -> None:
    watcher = Watcher(OPTIONS)

    def is_away(first: int, last: int) -> None:
        for minute in (first, last):
            watcher.away("db.example cannot be asked", NOW + minute * MINUTE)

    def looks(*minutes: int) -> None:
        for minute in minutes:
            watcher.look(connection, NOW + minute * MINUTE)
            watcher.back(connection, NOW + minute * MINUTE)

    is_away(0, 2)
    looks(3, 4)
    is_away(5, 7)
    looks(8, 9, 10, 13)
    (only,) = alarms.history(connection)
    assert only.ended_at is None
    assert only.text == "it was away more than once since 2026-03-10 12:00 UTC, last from 2026-03-10 12:05 to 12:08 UTC"
    looks(14)
    (only,) = alarms.history(connection)
    assert (only.begun_at, only.ended_at) == (NOW + 2 * MINUTE, NOW + 9 * MINUTE)


def test_an_outage_of_more_than_a_day_says_so(connection: Connection) -> None:
    watcher = Watcher(OPTIONS)
    for now in (NOW, NOW + 25 * HOUR):
        watcher.away("db.example cannot be asked", now)
    watcher.back(connection, NOW + 25 * HOUR)
    (only,) = alarms.history(connection)
    assert only.text == "it was away from 2026-03-10 12:00 to 2026-03-11 13:00 UTC"


@pytest.mark.parametrize("away", [timedelta(seconds=90), timedelta(minutes=10)])
def test_a_short_outage_is_none_and_one_that_nobody_took_is_told_when_it_is_over(
    connection: Connection, away: timedelta
) -> None:
    with Receiver("refuses") as receiver:
        watcher = Watcher(replace(OPTIONS, webhook=Webhook(receiver.url, KEY)))
        for now in (NOW, NOW + away):
            watcher.away("db.example cannot be asked", now)
        receiver.how = "takes"
        watcher.back(connection, NOW + away)
        watcher.tell(connection, lambda: NOW + away)
        short = away < 2 * MINUTE
        assert len(alarms.history(connection)) == (0 if short else 1)
        assert len(receiver.got) == (0 if short else 2)
        assert len({one.headers["webhook-id"] for one in receiver.got}) == (0 if short else 1)


def test_one_watches_at_a_time(database: str) -> None:
    with connect(database, autocommit=True) as first, connect(database, autocommit=True) as second:
        assert alarms.lock(first)
        assert alarms.lock(first), "who watches goes on"
        assert not alarms.lock(second)
        first.close()
        until = time.monotonic() + 60
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
