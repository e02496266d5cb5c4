"""A queue of observations whose broker refuses: after a week it grows no more, and goes on once it could be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from borough.doctor.observations import observations
from scripts.parts import Parts
from store import observation_queue
from tests.tools.batches import T0
from tests.tools.forked import run, start
from tests.tools.servers import Mosquitto, wait_for
from tests.worlds.observations import PM, SITE, Observed

MINUTE = 60_000_000
ANNOUNCERS = (
    "select pid from pg_stat_activity where application_name = 'borough announce' and datname = current_database()"
)
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


def tried(world: Observed, tries: set[int]) -> set[int]:
    """Connections of the service so far: one a try."""
    with world.own() as connection:
        tries |= {pid for (pid,) in connection.execute(ANNOUNCERS)}
    return tries


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
        tries: set[int] = set()
        assert wait_for(lambda: len(tried(world, tries)) > 3, 60, 0.01)
        said = (tmp_path / "log").read_text()
        assert (said.count("publishes only"), said.count("refused 4 of 4")) == (1, 1), "what is as before is said once"
        service.send_signal(15)
        assert service.wait(60) == 0
    assert run(["announce"], settings(world, mosquitto)).returncode == 0
    assert queued(world) == 0
    world.store([(PM, T0 + 2 * MINUTE, 1.0)])
    assert queued(world) == 1, "what waited could be told, so it goes on"


def state(world: Observed) -> tuple[str | None, str]:
    """What the doctor says: the code, and the words."""
    with world.own() as connection:
        (found,) = observations(connection, datetime.now(UTC))
        return found.code, found.found


def maintained(world: Observed) -> bool:
    """Run the maintenance; whether it said that nobody could be told."""
    done = run(["maintain", "--json"], {"BOROUGH_DATABASE_URL": world.url})
    assert done.returncode == 0, done.stderr
    return bool(json.loads(done.stdout)["publisher_gone"])


def test_maintenance_does_not_begin_a_refused_queue_again(
    world: Observed, refusing: Mosquitto, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Its service lives, is refused, and begins every two seconds: that is no reason to queue another week."""
    assert run(["announce"], settings(world, refusing)).returncode == 0
    world.store([(PM, T0 + n * MINUTE, 1.0) for n in range(3)])
    set_back(world)
    path = tmp_path / "log"
    with path.open("ab") as log:
        service = start(["announce", "--every", "0.1"], settings(world, refusing), log.fileno())
        assert wait_for(lambda: "refused 12 of 12 messages" in path.read_text(), 60)
        assert maintained(world)
        assert queued(world) == 0
        assert wait_for(lambda: "goes on" in path.read_text(), 60), "it began again since, and found nothing to tell"
        assert state(world)[0] == "observations-ended"
        assert maintained(world), "that is so until something is told"
        # with nothing queued nobody could see that the broker takes messages again: what is stored first is, no more
        world.store([(PM, T0 + n * MINUTE, 1.0) for n in range(3, 5)])
        assert wait_for(lambda: "refused 8 of 8 messages" in path.read_text(), 60)
        world.store([(PM, T0 + 5 * MINUTE, 1.0)])
        code, words = state(world)
        assert code == "observations-ended"
        assert "nothing more is queued; 2 observations wait" in words
        service.send_signal(15)
        assert service.wait(60) == 0
    with path.open("ab") as log:
        service = start(["announce", "--every", "0.1"], settings(world, mosquitto), log.fileno())
        assert wait_for(lambda: "what waited then is forgotten where borough maintain ran" in path.read_text(), 60)
        assert state(world) == (None, "nothing waits to be told to subscribers")
        assert not maintained(world)
        service.send_signal(15)
        assert service.wait(60) == 0
    world.store([(PM, T0 + n * MINUTE, 1.0) for n in range(6, 9)])
    assert queued(world) == 3


def test_of_an_empty_queue_that_ended_no_run_says_that_all_is_queued(world: Observed, mosquitto: Mosquitto) -> None:
    assert run(["announce"], settings(world, mosquitto)).returncode == 0
    set_back(world)
    done = run(["announce"], settings(world, mosquitto))
    assert done.returncode == 0
    assert "Nothing was told for a week: queued is only what is stored first from now on" in done.stdout
    assert json.loads(run(["announce", "--json"], settings(world, mosquitto)).stdout)["ended"] is True
    assert state(world)[0] == "observations-ended"
    world.store([(PM, T0, 1.0)])
    assert json.loads(run(["announce", "--json"], settings(world, mosquitto)).stdout)["ended"] is False
    assert state(world)[0] is None


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
