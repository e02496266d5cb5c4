"""Messages that are read again, kept ones and rejected ones, and what was restated since they came."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ingest import retry
from ingest.correct import ArchiveSource, Corrected, Request, correct
from store import rejected
from store.connect import connect
from store.times import instant
from tests.examples import examples
from tests.tools.batches import DAY, HALF_HOUR, T0, query
from tests.tools.restating import EVENTS, RETAINED, VALUES, Restated, fates, latest

_LATEST = "select s.device_id, l.value from latest l join personal.series s on s.id = l.series_id"


@pytest.fixture
def world(each_database: str) -> Iterator[Restated]:
    found = Restated(each_database)
    yield found
    found.close()


def decode_again(world: Restated, archive: Path) -> Corrected:
    """``borough correct`` over what the archive holds, and nothing was mended."""
    request = Request(T0 - DAY, T0 + 30 * DAY, "a look", "me")
    return correct(world.options, ArchiveSource(archive, None, None, instant(T0).date()), request)


def test_what_is_decoded_again_turns_no_restatement_back(each_database: str, tmp_path: Path) -> None:
    """The archive holds the estimate and the settled value, in one batch and in two; the newest that may decides."""
    world = Restated(each_database, tmp_path)
    world.send("estimates", T0, import_interval=1.0)
    world.send("settled", T0 + HALF_HOUR, import_interval=1.0)
    world.commit()
    world.send("settled", T0, import_interval=2.0)
    world.send("settled", T0, import_interval=3.0)
    world.send("settled", T0 + HALF_HOUR, import_interval=2.0)
    world.send("estimates", T0, import_interval=4.0)
    assert fates(world.commit()) == {"restated": 3, "rejected": 1}
    before = (world.values(), world.superseded(), latest(each_database))
    assert before[0] == {("m1", T0): 3.0, ("m1", T0 + HALF_HOUR): 2.0}
    for _ in range(2):
        done = decode_again(world, tmp_path)
        assert (done.tally.superseded, done.tally.inserted, done.correction) == (0, 0, None)
        assert done.tally.readings == 6
        assert (world.values(), world.superseded(), latest(each_database)) == before
    world.close()


def test_a_right_that_was_given_later_works_on_what_was_kept_and_comes_to_rest(
    each_database: str, tmp_path: Path
) -> None:
    """A conflict of yesterday, its message in the archive: today its source may restate."""
    world = Restated(each_database, tmp_path)
    world.send("estimates", T0, import_interval=1.0)
    world.commit()
    world.send("estimates", T0, import_interval=2.0)
    world.send("estimates", T0, import_interval=3.0)
    assert fates(world.commit()) == {"rejected": 2}
    world.options = replace(
        world.options, subscriptions=[replace(item, restates=True) for item in world.options.subscriptions]
    )
    assert decode_again(world, tmp_path).tally.superseded == 1
    assert world.values() == {("m1", T0): 3.0}
    assert decode_again(world, tmp_path).tally.superseded == 0
    assert world.values() == {("m1", T0): 3.0}
    world.close()


def test_a_conflict_that_is_tried_again_restates_unless_something_newer_did(world: Restated) -> None:
    for value in (1.0, 2.0, 3.0):
        world.send("estimates", T0, import_interval=value)
        world.send("estimates", T0 + HALF_HOUR, import_interval=value)
    assert fates(world.commit()) == {"stored": 2, "rejected": 4}
    world.send("settled", T0, import_interval=9.0)
    world.commit()
    options = replace(
        world.options, subscriptions=[replace(item, restates=True) for item in world.options.subscriptions]
    )
    with connect(world.url) as connection:
        # newest first, as they are listed
        rows = sorted(rejected.find(connection), key=lambda row: row.arrival, reverse=True)
        found = [rejected.get(connection, row.id) for row in rows]
    done = retry.retry(options, [one for one in found if one is not None])
    assert world.values() == {("m1", T0): 9.0, ("m1", T0 + HALF_HOUR): 3.0}
    assert len(done.taken) == 2
    assert done.counts["smart-meter"].readings_restated == 2
    assert done.counts["smart-meter"].readings_rejected == 2
    assert query(world.url, "select count(*) from rejected") == [(2,)]


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(EVENTS)
def test_decoding_any_history_again_changes_nothing(each_database: str, events: list[tuple[object, ...]]) -> None:
    """The archive has every message of it, also those that came again; of retained copies it needs none, for what they
    are copies of came before (docs/reference/archive.md says what becomes of others)."""
    with connect(each_database) as connection:
        connection.execute("truncate reading, latest, collector, superseded, redelivery, rejected, correction cascade")
    with tempfile.TemporaryDirectory() as folder:
        world = Restated(each_database, Path(folder))
        sent: list[int] = []
        for event in [*events, ("commit",)]:
            match event:
                case ("new", str(source), (str(device), int(time)), float(value)):
                    sent.append(world.send(source, time, device, import_interval=value))
                case ("again", int(place)) if sent and place % 3:
                    world.again(sent[place % len(sent)])
                case ("again", int(place)) if ("m1", T0) in world.values():
                    world.send("settled", T0, flags=RETAINED, import_interval=VALUES[place % len(VALUES)])
                case ("commit",):
                    world.commit()
                case ("restart",):
                    world.restart()
        before = (world.values(), world.superseded(), query(each_database, _LATEST + " order by 1"))
        done = decode_again(world, Path(folder))
        assert (done.tally.superseded, done.tally.inserted) == (0, 0)
        assert (world.values(), world.superseded(), query(each_database, _LATEST + " order by 1")) == before
        world.close()
