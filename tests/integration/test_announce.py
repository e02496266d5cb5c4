"""Observations told at a real broker: what is subscribed equals what was stored, whatever fails in between."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.parts import Parts
from store import corrections, maintain, observation_queue
from store.times import instant
from tests.tools.batches import T0, query
from tests.tools.forked import Forked, run, start
from tests.tools.requirement import requirement
from tests.tools.servers import Mosquitto, wait_for
from tests.tools.subscriber import Heard, Subscriber
from tests.worlds.observations import HER_BAY, MADE, MOTION, NO2, OPEN, PM, SITE, Observed

MINUTE = 60_000_000


@pytest.fixture
def world(database: str) -> Iterator[Observed]:
    found = Observed(database)
    yield found
    found.close()


def settings(world: Observed, broker: Mosquitto, **more: str) -> dict[str, str]:
    return {
        "BOROUGH_DATABASE_URL": world.url,
        "BOROUGH_MQTT_URL": broker.url,
        "BOROUGH_WEB_URL": SITE,
        **{f"BOROUGH_{name.upper()}": value for name, value in more.items()},
    }


def announce(world: Observed, broker: Mosquitto, *arguments: str) -> dict[str, object]:
    """Publish what is queued; what the command said of it."""
    done = run(["announce", "--json", *arguments], settings(world, broker))
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def readings(heard: list[Heard]) -> list[tuple[int, int, float]]:
    """Observations of 1.1 as series, time [us] and value, in the order in which they came."""
    found = []
    for one in heard:
        series, time = one.body["@iot.id"].split("-", 1)
        found.append((int(series), int(time), one.body["result"]))
    return found


def stored(world: Observed) -> set[tuple[int, int, float]]:
    """All open readings of real devices."""
    told = query(world.url, "select series_id, (extract(epoch from time) * 1000000)::int8, value from reading")
    return {row for row in told if row[0] in OPEN}


def queued(world: Observed) -> int:
    with world.own() as connection:
        return observation_queue.waiting(connection)


@requirement("1.1", "receive-updates-via-mqtt/receive-updates")
@requirement("2.0", "binding/mqtt/pub_sub")
def test_what_is_subscribed_equals_what_was_stored(world: Observed, mosquitto: Mosquitto) -> None:
    """Late readings and those of packs too; nothing of a household, nothing simulated, no duplicate."""
    world.store([(PM, T0, 1.0)])  # before the first run: nobody had asked
    assert queued(world) == 0
    with Subscriber(mosquitto.port, ["v1.1/#", "v2.0/#"]) as heard:
        assert announce(world, mosquitto)["told"] == 0
        world.store([(series, T0 + n * MINUTE, float(n)) for series in (PM, NO2) for n in range(1, 40, 2)])
        world.store([(MOTION, T0, 1.0), (HER_BAY, T0, 1.0), (MADE, T0, 9.5)])
        world.store([(PM, T0 + n * MINUTE, float(n)) for n in range(40)])  # half of it late, half known
        done = announce(world, mosquitto)
        heard.wait(4 * int(str(done["told"])))
        every = readings(heard.on("v1.1/Observations"))
        assert len(every) == len(set(every)) == done["told"]
        assert set(every) == stored(world) - {(PM, T0, 1.0)}
        assert {row[0] for row in every} == set(OPEN)
        for series in OPEN:
            mine = [row for row in every if row[0] == series]
            assert readings(heard.on(f"v1.1/Datastreams({series})/Observations")) == mine
            assert [one.body["id"] for one in heard.on(f"v2.0/Datastreams({series})/Observations")] == [
                f"{row[0]}-{row[1]}" for row in mine
            ]
        assert {one.marks.get("type") for one in heard.heard if one.topic.startswith("v2.0/")} == {"create"}
    assert queued(world) == 0


def test_the_whole_observation_of_both_versions(world: Observed, mosquitto: Mosquitto) -> None:
    with Subscriber(mosquitto.port, ["v1.1/Observations", "v2.0/Observations"]) as heard:
        announce(world, mosquitto)
        world.store([(PM, T0 + 500_000, 8.0)])
        announce(world, mosquitto)
        heard.wait(2)
        key, time = f"11-{T0 + 500_000}", "2026-02-01T00:00:00.500000Z"
        at = f"{SITE}/sta/v1.1/Observations('{key}')"
        assert heard.on("v1.1/Observations")[0].body == {
            "@iot.id": key,
            "@iot.selfLink": at,
            "phenomenonTime": time,
            "result": 8,
            "resultTime": time,
            "Datastream@iot.navigationLink": f"{at}/Datastream",
            "FeatureOfInterest@iot.navigationLink": f"{at}/FeatureOfInterest",
        }
        assert heard.on("v2.0/Observations")[0].body == {
            "id": key,
            "phenomenonTime": {"start": time},
            "result": 8,
            "resultTime": time,
        }


def test_a_corrected_value_is_told_as_an_update(world: Observed, mosquitto: Mosquitto) -> None:
    with Subscriber(mosquitto.port, ["v1.1/Observations", "v2.0/Observations"]) as heard:
        announce(world, mosquitto)
        world.store([(PM, T0, 8.0)])
        announce(world, mosquitto)
        with world.own() as connection:
            correct(world, [(PM, T0, 7.5), (PM, T0 + MINUTE, 6.0)])
            assert observation_queue.waiting(connection) == 2
        announce(world, mosquitto)
        heard.wait(6)
        assert readings(heard.on("v1.1/Observations")) == [
            (PM, T0, 8), (PM, T0 + MINUTE, 6), (PM, T0, 7.5),
        ]  # fmt: skip
        marks = [(one.body["result"], one.marks["type"]) for one in heard.on("v2.0/Observations")]
        assert marks == [(8, "create"), (6, "create"), (7.5, "update")]


def correct(world: Observed, rows: list[tuple[int, int, float]]) -> None:
    """As `borough correct` does with a file of better values."""
    import numpy as np

    count = len(rows)
    with world.own() as connection:
        connection.autocommit = False
        key = corrections.Key("a", "b", instant(T0), instant(T0 + 86_400_000_000), "file", "", None, None)
        number, _, progress = corrections.begin(connection, key, {})
        made = corrections.Rows(
            series=np.array([row[0] for row in rows], np.int32),
            time=np.array([row[1] for row in rows], np.int64),
            value=np.array([row[2] for row in rows]),
            family=np.zeros(count, np.uint8),
            keep=np.zeros(count, np.int64),
            arrival=np.array([row[1] for row in rows], np.int64),
            first=np.ones(count, bool),
            families=["air-monitor"],
            restates=np.zeros(count, bool),
        )
        corrections.apply(connection, number, made, corrections.Tally(), progress + 1)
        corrections.finish(connection, number)


def test_killed_anywhere_it_tells_everything_in_order(world: Observed, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """SIGKILL again and again while readings are stored: all are told, and each series' first tellings in order."""
    rng = random.Random(16)
    with Subscriber(mosquitto.port, ["v1.1/Observations"]) as heard:
        announce(world, mosquitto)
        rounds, each = 6, 1_500
        for number in range(rounds):
            with (tmp_path / "log").open("ab") as log:
                service = start(["announce", "--every", "0.1"], settings(world, mosquitto), log.fileno())
            first = number * each
            world.store([(series, T0 + (first + n) * MINUTE, float(n)) for series in OPEN for n in range(each)])
            before = len(heard.heard)
            some = rng.randrange(1, each)
            assert wait_for(lambda at=before + some: len(heard.heard) >= at, 60), log_of(tmp_path)  # type: ignore[misc]
            service.kill()
        announce(world, mosquitto)
        assert queued(world) == 0
        assert wait_for(lambda: set(readings(heard.heard)) == stored(world), 60)
    for series in OPEN:
        told = [time for of, time, _ in readings(heard.heard) if of == series]
        assert list(dict.fromkeys(told)) == sorted(set(told))


def log_of(folder: Path) -> str:
    return (folder / "log").read_text()


def test_a_broker_that_is_away_is_waited_for(world: Observed, mosquitto: Mosquitto, tmp_path: Path) -> None:
    announce(world, mosquitto)
    with Subscriber(mosquitto.port, ["v1.1/Observations"]) as heard, (tmp_path / "log").open("ab") as log:
        heard.forget_connection()
        mosquitto.stop()
        done = run(["announce"], settings(world, mosquitto))
        assert done.returncode == 0, "nothing is queued, nobody is asked"
        world.store([(PM, T0 + n * MINUTE, float(n)) for n in range(50)])
        done = run(["announce"], settings(world, mosquitto))
        assert done.returncode == 1
        assert "cannot be reached" in done.stderr
        assert queued(world) == 50
        service = start(["announce", "--every", "0.1"], settings(world, mosquitto), log.fileno())
        assert wait_for(lambda: "cannot be reached" in log_of(tmp_path), 60)
        mosquitto.start()
        heard.wait_subscribed()
        # what came before the subscription was granted went to nobody: as at any broker
        world.store([(PM, T0 + n * MINUTE, float(n)) for n in range(50, 60)])
        assert wait_for(lambda: queued(world) == 0, 60)
        heard.wait(10)
        assert {row for row in stored(world) if row[1] >= T0 + 50 * MINUTE} <= set(readings(heard.heard))
        end(service)
        assert "goes on" in log_of(tmp_path)


def end(service: Forked) -> None:
    service.send_signal(15)
    assert service.wait(60) == 0


def test_a_database_that_ends_the_connection_is_come_back_to(
    world: Observed, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    announce(world, mosquitto)
    with Subscriber(mosquitto.port, ["v1.1/Observations"]) as heard, (tmp_path / "log").open("ab") as log:
        service = start(["announce", "--every", "0.1"], settings(world, mosquitto), log.fileno())
        assert wait_for(lambda: "publishes what is stored since" in log_of(tmp_path), 60)
        with world.own() as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'borough announce'"
                " and datname = current_database()"
            )
        world.store([(PM, T0, 1.5)])
        heard.wait(1)
        end(service)


def test_a_broker_that_refuses_is_told_and_nothing_is_lost(
    world: Observed, parts: Parts, tmp_path: Path, mosquitto: Mosquitto
) -> None:
    rights = tmp_path / "acl"
    rights.write_text("topic readwrite borough/#\n")
    announce(world, mosquitto)
    world.store([(PM, T0, 1.5)])
    with Mosquitto(parts.mosquitto, tmp_path / "strict", acl_file=rights) as strict:
        done = run(["announce"], settings(world, strict))
    assert done.returncode == 1
    assert "refused 4 of 4 messages; may this account publish to v1.1/# and v2.0/#?" in done.stderr
    assert queued(world) == 1
    assert announce(world, mosquitto, "--versions", "1.1")["messages"] == 2


def test_what_is_closed_or_gone_meanwhile_is_told_to_nobody(world: Observed, mosquitto: Mosquitto) -> None:
    announce(world, mosquitto)
    world.store([(PM, T0, 1.5), (NO2, T0, 2.5), (NO2, T0 + MINUTE, 3.5)])
    with world.own() as connection, Subscriber(mosquitto.port, ["v1.1/#"]) as heard:
        connection.execute("delete from reading where series_id = %s and time = %s", (NO2, instant(T0)))
        assert announce(world, mosquitto, "--versions", "1.1") | {"since": 0} == {
            "since": 0, "told": 2, "messages": 4, "passed": 1, "waiting": 0, "ended": False,
        }  # fmt: skip
        world.store([(PM, T0 + MINUTE, 1.5)])
        connection.execute("update personal.device set personal = true where id = 'air-1'")
        world.store([(PM, T0 + 2 * MINUTE, 1.5)])
        assert announce(world, mosquitto)["passed"] == 1  # the second was never queued
        heard.wait(4)
        assert set(readings(heard.heard)) == {(PM, T0, 1.5), (NO2, T0 + MINUTE, 3.5)}


def test_a_demo_tells_its_simulated_devices_alone(world: Observed, mosquitto: Mosquitto) -> None:
    announce(world, mosquitto)
    world.store([(PM, T0, 1.5), (MADE, T0, 9.5)])
    with Subscriber(mosquitto.port, ["v1.1/Observations"]) as heard:
        done = run(["announce"], settings(world, mosquitto, installation="demo"))
        assert done.returncode == 0, done.stderr
        heard.wait(1)
        assert readings(heard.heard) == [(MADE, T0, 9.5)]


def test_one_publishes_and_the_others_wait(world: Observed, mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as log, Subscriber(mosquitto.port, ["v1.1/Observations"]) as heard:
        first = start(["announce", "--every", "0.1"], settings(world, mosquitto), log.fileno())
        assert wait_for(lambda: "publishes what is stored since" in log_of(tmp_path), 60)
        for arguments in ([], ["--end"]):
            done = run(["announce", *arguments], settings(world, mosquitto))
            assert done.returncode == 1
            assert "another borough announce is at work" in done.stderr
        second = start(["announce", "--every", "0.1"], settings(world, mosquitto), log.fileno())
        assert wait_for(lambda: "this one waits" in log_of(tmp_path), 60)
        first.kill()
        assert wait_for(lambda: log_of(tmp_path).count("publishes what is stored since") == 2, 60)
        world.store([(PM, T0, 1.5)])
        heard.wait(1)
        end(second)


def test_the_queue_ends_when_it_is_told_to_or_nobody_publishes(world: Observed, mosquitto: Mosquitto) -> None:
    announce(world, mosquitto)
    world.store([(PM, T0, 1.5)])
    done = run(["announce", "--end"], settings(world, mosquitto))
    assert done.stdout == "Nothing is queued any more; 1 observation will be told to nobody.\n"
    world.store([(PM, T0 + MINUTE, 1.5)])
    assert queued(world) == 0
    announce(world, mosquitto)
    world.store([(PM, T0 + 2 * MINUTE, 1.5)])
    now = datetime.now(UTC)
    with world.own() as connection:
        assert not maintain.maintain(connection, {}, now + timedelta(days=6)).publisher_gone
        assert queued(world) == 1
        assert maintain.maintain(connection, {}, now + timedelta(days=8)).publisher_gone
        assert queued(world) == 0
        assert maintain.maintain(connection, {}, now + timedelta(days=9)).publisher_gone, "until it is ended"
    assert run(["announce", "--end"], settings(world, mosquitto)).returncode == 0
    world.store([(PM, T0 + 3 * MINUTE, 1.5)])
    assert queued(world) == 0
    with world.own() as connection:
        assert not maintain.maintain(connection, {}, now + timedelta(days=9)).publisher_gone


def test_the_queue_stops_growing_where_nobody_maintains_it_either(world: Observed, mosquitto: Mosquitto) -> None:
    began = announce(world, mosquitto)["since"]
    world.store([(PM, T0, 1.5)])
    with world.own() as connection:
        connection.execute("update observation_publisher set seen_at = now() - interval '8 days'")
    world.store([(PM, T0 + MINUTE, 1.5)])
    assert queued(world) == 1
    again = announce(world, mosquitto)
    assert (again["told"], again["waiting"]) == (1, 0)
    # not since the first run: of a while nothing was queued
    assert str(again["since"]) > str(began)
    world.store([(PM, T0 + 2 * MINUTE, 1.5)])
    assert announce(world, mosquitto)["told"] == 1


@pytest.mark.parametrize(
    ("arguments", "changes", "words"),
    [
        (["--versions", "1.0"], {}, "--versions '1.0': give one or both of 1.1, 2.0"),
        (["--versions", "1.1,1.1"], {}, "give one or both"),
        (["--end", "--every", "1"], {}, "leave --every out"),
        (["--alive", "x"], {}, "--alive is of a service"),
        ([], {"web_url": ""}, "BOROUGH_WEB_URL is not set"),
        ([], {"mqtt_url": "ws://127.0.0.1:1", "mqtt_source": "paho"}, "no websockets"),
    ],
)
def test_a_mistake_is_told_in_a_line(
    arguments: list[str], changes: dict[str, str], words: str, world: Observed, mosquitto: Mosquitto
) -> None:
    done = run(["announce", *arguments], settings(world, mosquitto, **changes))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
