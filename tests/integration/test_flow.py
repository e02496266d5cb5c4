"""What minutes of collectors were like: written by real collectors at a real broker, read by step, deleted when old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dashboard.engineer import flow_words
from devices.device import Device
from devices.families import FAMILIES
from store import flow
from store.batch import COUNT_NAMES
from store.connect import Connection, connect
from store.flow import FIGURES, HOUR, LAGS, Figures, Flow, Lag, Minute
from store.maintain import maintain
from store.times import microseconds
from store.writer import Writer
from tests.tools import glow
from tests.tools.account import assert_same, table_account, total
from tests.tools.batches import T0, make
from tests.tools.collector import Collector
from tests.tools.load import ask, message, native_load, now, register, rfc3339
from tests.tools.publisher import publish
from tests.tools.servers import Cluster, Mosquitto, wait_for
from tests.worlds import pipeline

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
US = microseconds(AT)


@pytest.fixture(scope="module")
def connection(timescale: Cluster) -> Iterator[Connection]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as found:
        yield found
    timescale.drop(name)


def lag(at: int, family: str, *counts: int) -> Lag:
    return Lag(at, family, np.array([*counts, *[0] * (LAGS - len(counts))], np.int64))


def newest(database: str) -> Flow:
    """The last hour, as the page reads it; it must add up in every minute."""
    shown = flow_words.window("1h", None, datetime.now(UTC))
    with connect(database, autocommit=True) as found:
        read = flow.minutes(found, shown.since, shown.until, shown.step)
    assert flow_words.wrong_steps(read) == 0
    return read


def noted(database: str, name: str) -> float:
    """A figure of the last hour, summed up."""
    return float(np.nansum(newest(database).figures[name]))


def waiting(database: str) -> float:
    """The most that the broker kept for sessions in a minute of the last hour; 0 where it has said nothing."""
    return float(np.nanmax([0.0, *newest(database).figures["broker_queued"]]))


# -- written and read ------------------------------------------------------------------------------------------------


def test_writing_again_changes_nothing_and_two_collectors_add(connection: Connection) -> None:
    second = US + 60_000_000
    one = Figures(
        [Minute(US, 2, 20, 1.0, 0.75, 0.5, 9, 900, 4, 3, 60.0), Minute(second, 1, 1, 0.1, 0.1, 0.1, 2, 5, 6, 0, 30.0)],
        [lag(US, "car-park", 1, 2), lag(second, "car-park", 5)],
        [lag(US, "car-park", 6, 2)],
    )
    other = Figures(
        [Minute(US, 1, 5, 0.5, 0.5, 0.25, 3, 100, 4, 3, 60.0)], [lag(US, "car-park", 0, 1)], [lag(US, "car-park", 0, 1)]
    )
    for _ in range(2):
        flow.note(connection, "a", one)
        flow.note(connection, "b", other)
    found = flow.minutes(connection, AT, AT + HOUR)
    assert {name: found.figures[name][:2].tolist() for name in FIGURES} == {
        "batches": [3, 1], "messages": [25, 1], "write_seconds": [1.5, 0.1], "write_longest": [0.75, 0.1],
        "database_seconds": [0.75, 0.1], "in_flight_most": [12, 2], "held_bytes_most": [1000, 5],
        "broker_queued": [4, 6], "broker_dropped": [3, 0], "up": [60, 30],
    }  # fmt: skip
    assert np.isnan(found.figures["up"][2:]).all()
    assert found.families == ("car-park",)
    assert found.lags[:3, 0, :3].tolist() == [[1, 3, 0], [5, 0, 0], [0, 0, 0]]
    hours = flow.minutes(connection, AT - HOUR, AT + HOUR, HOUR)
    assert hours.lags[:, 0, :3].tolist() == [[0, 0, 0], [6, 3, 0]]
    assert hours.figures["messages"].tolist()[1:] == [26]
    assert hours.figures["broker_queued"].tolist()[1:] == [6]
    # who serves the session next reads what was written of it
    before = flow.noted(connection, "a", second, US)
    assert before.minutes == one.minutes[1:]
    assert [(item.at, item.counts.tolist()) for item in (*before.lags, *before.hours)] == [
        (item.at, item.counts.tolist()) for item in (one.lags[1], one.hours[0])
    ]


def test_conflicts_that_the_store_finds_have_their_reason(database: str) -> None:
    """Once by the writer, beside what the batch counted itself; a batch that is committed already adds nothing."""
    writer = Writer(database)
    writer.write(make([(2, T0, 1.0), (4, T0, 1.0)]))
    second = make([(2, T0, 7.0), (4, T0, 1.0)], number=2, rejections={("smart-meter", "bad_value"): 3})
    for _ in range(2):
        writer.write(second)
    writer.close()
    assert ask(database, "select family, reason, count from public.rejection_minute order by 1") == [
        ("parking-bay", "conflict", 1), ("smart-meter", "bad_value", 3)
    ]  # fmt: skip


def test_what_a_broker_does_not_say_is_not_known(connection: Connection) -> None:
    flow.note(connection, "c", Figures([Minute(US - 3_600_000_000 * 5, 1, 1)]))
    found = flow.minutes(connection, AT - 5 * HOUR, AT - 4 * HOUR)
    assert np.isnan(found.figures["broker_queued"]).all()
    assert np.isnan(found.figures["broker_dropped"]).all()
    assert found.figures["messages"][0] == 1


def test_hours_are_the_sums_of_their_minutes_and_old_minutes_go(timescale: Cluster) -> None:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as own:
        pipeline.fill(own, AT, timedelta(hours=30), collectors=2)
        since = AT - 24 * HOUR
        by_minute, by_hour = flow.minutes(own, since, AT), flow.minutes(own, since, AT, HOUR)
        assert by_minute.counts.shape == (1440, 5, len(COUNT_NAMES))
        assert np.array_equal(by_minute.counts.reshape(24, 60, 5, -1).sum(axis=1), by_hour.counts)
        assert by_minute.rejections == by_hour.rejections
        assert (
            sum(by_hour.rejections.values())
            == flow_words.totals(by_hour)["all"][
                [COUNT_NAMES.index("messages_rejected"), COUNT_NAMES.index("readings_rejected")]
            ].sum()
        )
        steps = list(flow.rejections_by_step(own, since, AT, HOUR))
        assert sum(count for _, _, _, count in steps) == sum(by_hour.rejections.values())
        assert {at for at, _, _, _ in steps} == {since + n * HOUR for n in range(24)}
        later = AT + flow.KEPT - timedelta(hours=1)
        report = maintain(own, {}, later)
        assert report.flow_minutes == 2 * 60 * 29
        assert ask(timescale.url(name), "select min(minute) from public.rejection_minute") == [(AT - HOUR,)]
        assert flow.minutes(own, since, AT - HOUR).lags.sum() == 0
        assert flow.minutes(own, since, AT - HOUR).counts.sum() > 0, "the account is kept for ever"
    timescale.drop(name)


# -- a real broker and real collectors -------------------------------------------------------------------------------


def test_two_collectors_and_every_fate(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Stored, again, thinned, rejected for many reasons, ignored: each minute adds up, to the message."""
    load = native_load(3, 600, devices=40)
    street = glow.street(5, displays=4, steps=100)
    register(database, [*load.devices, *street.devices])
    sender = next(item for item in load.devices if item.family == "air-monitor")
    at = rfc3339(now() - 60_000_000)
    bad = [
        *[message(sender, b"{")] * 3,
        message(sender, {"time": at, "pm2_5": 1e9}),
        message(sender, {"time": at, "nothing": 1, "pm10": 4}),
        message(sender, {"time": "never", "pm10": 4}),
        *[message(Device("nobody", "car-park", "native"), {"time": at, "free_spaces": 4})] * 2,
    ]
    file = tmp_path / "subscriptions.toml"
    native = [
        f'[[subscription]]\ntopic = "borough/{name}/{{device}}/reading"\nformat = "native"\n' for name in FAMILIES
    ]
    file.write_text("\n".join([glow.SUBSCRIPTIONS, *native]))
    with (
        Collector(tmp_path, database, mosquitto.url, mqtt_shared_group="g", subscriptions=file) as one,
        Collector(tmp_path, database, mosquitto.url, mqtt_shared_group="g", subscriptions=file) as two,
    ):
        one.start()
        two.start()
        everything = [*load.messages, *load.messages[:50], *street.messages, *bad]
        publish(mosquitto.port, everything)
        assert wait_for(lambda: total(table_account(database)).messages_received == len(everything), 30)
        # while both serve, what they have written is not more than what was committed, and comes to the same
        assert wait_for(lambda: noted(database, "messages") == len(everything), 20)
        assert wait_for(lambda: noted(database, "up") >= 2, 20)
        assert one.stop() == two.stop() == 0
    found = newest(database)
    account = total(table_account(database))
    sums = dict(zip(COUNT_NAMES, flow_words.totals(found)["all"].tolist(), strict=True))
    assert sums == {name: getattr(account, name) for name in COUNT_NAMES}
    assert account.readings_thinned > 400
    assert account.readings_duplicates >= 50
    assert account.messages_ignored == street.status
    reasons = Counter(reason for (_, reason), count in found.rejections.items() for _ in range(count))
    assert reasons == {"unreadable": 3, "out_of_range": 1, "unknown_property": 1, "bad_time": 1, "unknown_device": 2}
    assert len(ask(database, "select distinct collector from public.flow_minute")) == 2
    # a reading's lag is counted once where it went to the database
    assert account.readings_stored <= found.lags.sum() <= account.readings_stored + account.readings_duplicates
    assert np.nansum(found.figures["database_seconds"]) <= np.nansum(found.figures["write_seconds"])


def test_a_killed_collector_leaves_no_wrong_sums(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Killed again and again with batches under way: account and reasons agree, and its minutes go on."""
    load = native_load(4, 3_000, devices=40)
    register(database, load.devices)
    wrong = [message(load.devices[number % 40], b"{") for number in range(300)]
    every = [item for place, item in enumerate(load.messages) for item in (item, *wrong[place // 10 : place // 10 + 1])]
    with Collector(tmp_path, database, mosquitto.url, batch_readings=50, batch_age=0.02) as collector:
        collector.start()
        for start in range(0, len(every), 1_200):
            publish(mosquitto.port, every[start : start + 1_200], rate=4_000)
            collector.kill9()
            table_account(database)
            collector.start()
        assert wait_for(lambda: total(table_account(database)).readings_stored == 3_000, 30)
        collector.account_at_rest()
        assert collector.stop() == 0
    account = table_account(database)
    found = newest(database)
    reasons = sum(found.rejections.values())
    assert reasons == total(account).messages_rejected >= len(every) - 3_000
    assert 0 < np.nansum(found.figures["messages"]) <= total(account).messages_received
    assert np.nanmax(found.figures["up"]) <= 60


def test_a_collector_that_is_stopped_and_started_counts_on(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Three collectors of one session one after the other, mostly within a minute: nothing is written over."""
    load = native_load(5, 900, devices=40)
    register(database, load.devices)
    metrics = []
    for start in range(0, 900, 300):
        with Collector(tmp_path, database, mosquitto.url) as collector:
            collector.start()
            publish(mosquitto.port, load.messages[start : start + 300])
            assert wait_for(lambda start=start: total(table_account(database)).messages_received == start + 300, 20)  # type: ignore[misc]
            metrics.append(collector.account_at_rest())
            assert collector.stop() == 0
    found = newest(database)
    assert np.nansum(found.figures["messages"]) == 900
    assert found.lags.sum() == 900
    assert flow_words.totals(found)["all"][COUNT_NAMES.index("readings_stored")] == 900
    assert sum(total(one).messages_received for one in metrics) == 900


def test_what_the_broker_says(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """What waits for sessions that nobody serves is told, retained ones apart; and that nothing was thrown away."""
    load = native_load(6, 40, devices=40)
    register(database, load.devices)
    with Collector(tmp_path, database, mosquitto.url, mqtt_client_id="away") as away:
        away.start()
        assert away.stop() == 0
    with Collector(tmp_path, database, mosquitto.url) as collector:
        collector.start()
        publish(mosquitto.port, load.messages)
        assert wait_for(lambda: collector.metric("borough_broker_queued") == 40, 20)
        assert wait_for(lambda: waiting(database) == 40, 20)
        assert np.nansum(newest(database).figures["broker_dropped"]) == 0
        assert_same(collector.account_at_rest(), table_account(database))
        assert collector.stop() == 0


def test_a_broker_that_does_not_say_what_it_threw_away(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """That is not nothing: it grants what is asked below $SYS, and is silent there."""
    mosquitto.stop()
    text = mosquitto.configuration.read_text()
    assert "sys_interval 1\n" in text
    mosquitto.configuration.write_text(text.replace("sys_interval 1\n", "sys_interval 0\n"))
    mosquitto.start()
    with Collector(tmp_path, database, mosquitto.url) as collector:
        collector.start()
        assert wait_for(lambda: collector.metric("borough_broker_dropped_total") == 0, 20)
        assert wait_for(lambda: float(np.nansum(newest(database).figures["up"])) > 2, 20)
        assert np.isnan(newest(database).figures["broker_dropped"]).all()
        assert collector.stop() == 0
