"""A queue of observations whose broker refuses: after a week it grows no more, and goes on once it could be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.parts import Parts
from store import observation_queue
from tests.tools.batches import T0
from tests.tools.forked import run, start
from tests.tools.servers import Mosquitto, wait_for
from tests.worlds.observations import PM, SITE, Observed

MINUTE = 60_000_000
WEEK_AGO = "update observation_publisher set seen_at = now() - interval '8 days'"


@pytest.fixture
def refusing(parts: Parts, tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker at which anybody may read, and nobody may publish observations."""
    rights = tmp_path / "rights"
    rights.write_text("topic read #\n")
    with Mosquitto(parts.mosquitto, tmp_path / "refusing", acl_file=rights) as broker:
        yield broker


@pytest.fixture
def world(database: str) -> Iterator[Observed]:
    found = Observed(database)
    yield found
    found.close()


def settings(world: Observed, broker: Mosquitto) -> dict[str, str]:
    return {"BOROUGH_DATABASE_URL": world.url, "BOROUGH_MQTT_URL": broker.url, "BOROUGH_WEB_URL": SITE}


def queued(world: Observed) -> int:
    with world.own() as connection:
        return observation_queue.waiting(connection)


def set_back(world: Observed) -> None:
    with world.own() as connection:
        connection.execute(WEEK_AGO)


def test_no_attempt_that_fails_keeps_the_queue_growing(
    world: Observed, refusing: Mosquitto, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    assert run(["announce"], settings(world, refusing)).returncode == 0, "nothing is queued yet"
    world.store([(PM, T0, 1.0)])
    set_back(world)
    for _ in range(2):
        done = run(["announce"], settings(world, refusing))
        assert done.returncode == 1
        assert "refused 4 of 4 messages" in done.stderr
    with (tmp_path / "log").open("ab") as log:
        service = start(["announce", "--every", "0.1"], settings(world, refusing), log.fileno())
        assert wait_for(lambda: "refused 4 of 4 messages" in (tmp_path / "log").read_text(), 60)
        world.store([(PM, T0 + MINUTE, 1.0)])
        assert queued(world) == 1, "for a week nothing could be told, so the queue grows no more"
        service.send_signal(15)
        assert service.wait(60) == 0
    assert run(["announce"], settings(world, mosquitto)).returncode == 0
    assert queued(world) == 0
    world.store([(PM, T0 + 2 * MINUTE, 1.0)])
    assert queued(world) == 1, "what waited could be told, so it goes on"


def test_to_begin_is_not_to_tell_and_to_tell_begins_anew(world: Observed) -> None:
    with world.own() as connection:
        began = observation_queue.begin(connection)
        assert observation_queue.renew(connection) == began
        connection.execute(WEEK_AGO)
        assert observation_queue.begin(connection) == began
        found = observation_queue.publisher(connection, 10)
        assert found is not None
        assert found.ended
        assert observation_queue.renew(connection) > began, "of a while nothing was queued"
        observation_queue.end(connection)
        assert observation_queue.publisher(connection, 10) is None
        observation_queue.renew(connection)
        assert observation_queue.publisher(connection, 10) is not None, "a service that lives begins it again"
