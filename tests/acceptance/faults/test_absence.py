"""Messages without a time of their own that waited at the broker: told apart from live ones, exactly, on Mosquitto.

Once with a window as wide as the queue, once with Mosquitto's own of 20, so that the queue comes piece by piece.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.parts import Parts
from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.load import ask, count, device, grows, message, number, register, rfc3339
from tests.tools.load import now as this_second
from tests.tools.proxy import Proxy
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

METER, AIR = device("m1", "smart-meter"), device("a1", "air-monitor")
QUEUED, LIVE = 300, 40


@pytest.fixture(params=["65535", "20"])
def broker(parts: Parts, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mosquitto]:
    found = Mosquitto(parts.mosquitto, tmp_path / "mosquitto", lines=[f"max_inflight_messages {request.param}"])
    found.start()
    yield found
    found.stop()


def untimed(first: int, count: int) -> list[tuple[str, bytes]]:
    """Register readings without a time; every fifth message has one, and every seventh is another family's."""
    start = this_second() - 86_400_000_000
    found = []
    for value in range(first, first + count):
        if value % 5 == 0:
            found.append(message(METER, {"time": rfc3339(start + value * 1_000_000), "import_register": value}))
        elif value % 7 == 0:
            found.append(message(AIR, {"pm2_5": value % 50, "humidity": 40}))
        else:
            found.append(message(METER, {"import_register": value}))
    return found


def readings(messages: list[tuple[str, bytes]]) -> int:
    return sum(len(payload.keys() - {"time"}) for payload in map(json.loads, (data for _, data in messages)))


def without_time(messages: list[tuple[str, bytes]], family: str) -> int:
    payloads = [json.loads(data) for topic, data in messages if topic.split("/")[1] == family]
    return sum(len(payload) for payload in payloads if "time" not in payload)


def absences(database: str) -> dict[str, tuple[Any, ...]]:
    rows = ask(
        database,
        "select family, messages, readings, lost_at < back_at, back_at <= drained_at from absence order by family",
    )
    return {str(row[0]): row[1:] for row in rows}


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_what_waited_is_told_from_what_came_live(
    database: str, broker: Mosquitto, collect: Collect, source: str
) -> None:
    register(database, [METER, AIR])
    collector = collect(database, broker.url, mqtt_source=source, batch_readings=100).start()
    before = untimed(0, 30)
    publish(broker.port, before)
    assert grows(database, "public.reading", readings(before))
    assert count(database, "absence") == 0, "a session that is new at the broker has no queue"
    assert collector.stop() == 0

    queued = untimed(1_000, QUEUED)
    publish(broker.port, queued)
    collector.start()
    assert grows(database, "public.reading", readings(before) + readings(queued))
    assert wait_for(lambda: number(database, "select count(*) from absence where drained_at is not null") == 2, 10)
    expected = {family: (without_time(queued, family), True, True) for family in ("air-monitor", "smart-meter")}
    assert {family: row[1:] for family, row in absences(database).items()} == expected

    live = untimed(5_000, LIVE)
    publish(broker.port, live)
    assert grows(database, "public.reading", readings(before) + readings(queued) + readings(live))
    assert {family: row[1:] for family, row in absences(database).items()} == expected, "live ones are none"
    found = collector.metrics()["borough_readings_after_absence_total"]
    assert {family: found[family] for family in expected} == {family: row[0] for family, row in expected.items()}
    collector.account()
    assert collector.stop() == 0

    done = forked.run(["devices", "status", "--json"], {"BOROUGH_DATABASE_URL": database})
    told = json.loads(done.stdout)["absences"]
    assert {row["family"]: row["readings"] for row in told} == {family: row[0] for family, row in expected.items()}
    done = forked.run(["devices", "status", "--family", "smart-meter"], {"BOROUGH_DATABASE_URL": database})
    assert f"{expected['smart-meter'][0]} readings of the last 30 days had no time of their own" in done.stdout
    assert "air-monitor" not in done.stdout


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_a_connection_that_breaks_and_comes_back(
    database: str, broker: Mosquitto, collect: Collect, source: str
) -> None:
    """Nothing waited, so there is no row."""
    register(database, [METER, AIR])
    with Proxy(broker.port) as proxy:
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}", mqtt_source=source).start()
        first = untimed(0, 50)
        publish(broker.port, first)
        assert grows(database, "public.reading", readings(first))
        proxy.reset()
        assert wait_for(lambda: any("lost" in line for line in collector.messages()), 10)
        assert wait_for(lambda: collector.ready() and collector.metrics()["borough_backlog"][""] == 0, 10)
        live = untimed(500, 50)
        publish(broker.port, live)
        assert grows(database, "public.reading", readings(first) + readings(live))
        collector.account()
        assert collector.stop() == 0
    assert count(database, "absence") == 0


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_the_question_needs_no_right(
    database: str, parts: Parts, tmp_path: Path, collect: Collect, source: str
) -> None:
    """A broker with an access list answers it too."""
    register(database, [METER, AIR])
    rights = tmp_path / "acl"
    rights.write_text("topic readwrite borough/#\n")
    broker = Mosquitto(parts.mosquitto, tmp_path / "mosquitto", acl_file=rights)
    broker.start()
    collector = collect(database, broker.url, mqtt_source=source).start()
    assert collector.stop() == 0
    queued = untimed(0, 50)
    publish(broker.port, queued)
    collector.start()
    assert grows(database, "public.reading", readings(queued))
    assert grows(database, "public.absence where drained_at is not null", 2)
    assert collector.stop() == 0
    broker.stop()
