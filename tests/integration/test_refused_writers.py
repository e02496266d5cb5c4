"""Whoever writes readings is held up by a new tombstone: the writer, a correction, a retry of rejections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from psycopg import errors

from devices.decoders import FORMATS
from ingest import retry
from ingest.archive_files import Frame
from ingest.correct import FrameSource, Request, correct
from ingest.options import BrokerOptions, CollectorOptions
from ingest.routes import Routes
from ingest.series_cache import SeriesCache
from ingest.subscriptions import native
from ingest.suppressions import Suppressions, mark_erased_series, states
from store import corrections, erasure, registry, rejected, tombstones
from store.connect import Connection, connect
from store.tombstones import Stale, Tombstone
from store.writer import Writer
from tests.tools.batches import HALF_HOUR, T0, make, query
from tests.tools.load import rfc3339
from tests.worlds import household
from tests.worlds.household import KEY, ZONE, Household

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
BERT = Household("100021048378", "meter-bert-7732", "Bert Ottershaw", "4 Nightjar Row", 0.314159, date(2026, 1, 1))
STONE = Tombstone("meter", tombstones.mark(KEY, "m"), T0, None, "smart-meter", "native")


def options(url: str) -> CollectorOptions:
    return CollectorOptions(url, BrokerOptions(), native(FORMATS), tombstone_key=KEY)


def test_a_batch_of_before_is_not_written_and_one_of_after_is(each_database: str) -> None:
    writer = Writer(each_database)
    called: list[int] = []
    with connect(each_database) as connection:
        tombstones.put(connection, KEY, [STONE])
    with pytest.raises(Stale):
        writer.write(make([(1, T0, 1.0)]), lambda: called.append(1))
    assert called == [], "nothing is archived either"
    assert query(each_database, "select * from reading") == []
    with connect(each_database) as connection:
        known = tombstones.version(connection)
    batch = make([(1, T0, 1.0)], tombstones=known)
    assert writer.write(batch, lambda: called.append(2)).counts["smart-meter"].readings_stored == 1
    assert called == [2]
    with connect(each_database) as connection:
        tombstones.put(connection, KEY, [STONE._replace(start=T0 + 1)])
    assert writer.write(batch).repeated, "a batch that is committed is committed"
    writer.close()


def test_a_tombstone_waits_for_a_batch_that_is_being_written(each_database: str) -> None:
    writer = Writer(each_database)
    with connect(each_database, lock_timeout=0.2) as connection:

        def try_to_bury() -> None:
            with pytest.raises(errors.LockNotAvailable):
                tombstones.put(connection, KEY, [STONE])
            connection.rollback()

        writer.write(make([(1, T0, 1.0)]), try_to_bury)
        tombstones.put(connection, KEY, [STONE])
    writer.close()


@pytest.fixture
def erased(each_database: str) -> str:
    """Anna was erased, Bert is there."""
    with connect(each_database, autocommit=True) as connection:
        with connection.transaction():
            tenancy = household.add(connection, ANNA)
            household.add(connection, BERT)
        plan = erasure.plan(connection, tenancy, ZONE)
        assert plan is not None
        with connection.transaction():
            erasure.bury(connection, KEY, plan)
            erasure.erase(connection, KEY, plan)
    return each_database


def frames() -> Iterator[Frame]:
    topics, payloads = [], []
    for place in range(20):
        for who in (ANNA, BERT):
            topics.append(f"borough/smart-meter/{who.meter}/reading")
            payloads.append(
                json.dumps({"time": rfc3339(T0 + place * HALF_HOUR), "import_interval": who.value}).encode()
            )
    yield Frame(topics, payloads, [""] * len(topics), np.full(len(topics), T0 + 40 * HALF_HOUR))


def test_a_correction_brings_nothing_back(erased: str) -> None:
    request = Request(T0 - HALF_HOUR, T0 + 100 * HALF_HOUR, "test", "test")
    done = correct(options(erased), FrameSource("recording", frames), request)
    assert done.tally.inserted == 20
    assert query(erased, "select distinct value from reading") == [(BERT.value,)]
    assert query(erased, f"select * from personal.device where id = '{ANNA.meter}'") == []
    dry = correct(options(erased), FrameSource("recording", frames), Request(T0, T0 + 1, "x", "y", dry_run=True))
    assert dry.tally.readings == 1


def test_a_correction_that_is_overtaken_by_an_erasure_goes_on_without_it(each_database: str) -> None:
    with connect(each_database, autocommit=True) as connection:
        with connection.transaction():
            tenancy = household.add(connection, ANNA)
            household.add(connection, BERT)
        plan = erasure.plan(connection, tenancy, ZONE)
        assert plan is not None

        def read() -> Iterator[Frame]:
            """The erasure comes when the correction has looked at the tombstones."""
            yield from frames()
            if tombstones.version(connection) == 0:
                with connection.transaction():
                    erasure.bury(connection, KEY, plan)

        request = Request(T0 - HALF_HOUR, T0 + 100 * HALF_HOUR, "test", "test")
        done = correct(options(each_database), FrameSource("recording", read), request)
    assert done.tally.inserted == 20
    assert query(each_database, "select distinct value from reading") == [(BERT.value,)]
    with connect(each_database) as connection:
        assert len(corrections.listed(connection, 10)) == 1


def test_a_rejection_that_is_tried_again_is_refused(erased: str, tmp_path: Path) -> None:
    with connect(erased) as connection:
        for who in (ANNA, BERT):
            payload = json.dumps({"time": rfc3339(T0), "import_interval": who.value}).encode()
            household.reject(connection, who, household.midnight(date(2026, 2, 1)), payload)
    with connect(erased) as connection:
        found = [rejected.get(connection, row.id) for row in rejected.find(connection)]
    done = retry.retry(options(erased), [one for one in found if one is not None])
    assert len(done.taken) == 2
    assert done.counts["smart-meter"].readings_refused == 1
    assert done.counts["smart-meter"].readings_stored == 1
    assert query(erased, "select value from reading") == [(BERT.value,)]
    assert query(erased, "select * from rejected") == []
    assert not list(tmp_path.iterdir())


def test_a_meter_that_was_erased_and_registered_again_between_two_looks_gets_its_new_series(each_database: str) -> None:
    suppressions = Suppressions(KEY)
    routes = Routes(native(FORMATS), FORMATS, keep={}, auto_register=None, suppressions=suppressions)
    cache = SeriesCache()
    topic = f"borough/smart-meter/{ANNA.meter}/reading"

    def look(connection: Connection, since: int) -> int:
        """What the collector's refresh does."""
        rows, version = tombstones.load(connection, KEY, since)
        suppressions.take(rows, version)
        routes.forget(rows)
        routes.update([device for device in registry.load(connection)[0] if device.id == ANNA.meter])
        series_index = routes.slot(routes.find(topic), "power")
        assert series_index is not None
        cache.extend(routes.new_series, states(connection, routes.new_series))
        routes.new_series = []
        mark_erased_series(connection, suppressions, cache)
        return version

    with connect(each_database, autocommit=True) as connection:
        with connection.transaction():
            tenancy = household.add(connection, ANNA)
        known = look(connection, 0)
        plan = erasure.plan(connection, tenancy, ZONE)
        assert plan is not None
        with connection.transaction():
            erasure.bury(connection, KEY, plan)
        with connection.transaction():
            erasure.erase(connection, KEY, plan)
        with connection.transaction():
            next_one = replace(ANNA, from_day=date(2026, 3, 1))
            new = household.add(connection, next_one)
            tombstones.begin(connection, KEY, [new], ZONE)
        look(connection, known)
    assert cache.erased_series == {0}
    assert cache.series[:2].tolist() == [1, 2]
    assert routes.find(topic).slots == {"power": 1}
