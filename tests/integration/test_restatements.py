"""A supplier's correction of a half-hour, on every kind of server: what counts, and what is kept of before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from store import erasure, maintain, registry
from store.connect import connect
from store.tier import tier
from store.times import instant
from tests.examples import examples
from tests.references.restatements import Reference, Sent
from tests.tools.batches import HALF_HOUR, T0, query
from tests.tools.restating import EVENTS, KEYS, RETAINED, SOURCES, VALUES, Restated, fates, latest
from tests.worlds import household
from tests.worlds.household import Household

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))


@pytest.fixture
def world(each_database: str) -> Iterator[Restated]:
    found = Restated(each_database)
    yield found
    found.close()


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(EVENTS)
@example([*(("new", "estimates", KEYS[0], value) for value in (0.044, 0.44, 0.44))])
@example([("new", "estimates", KEYS[0], 0.044), ("commit",), *[("new", "estimates", KEYS[0], 0.44)] * 2])
def test_any_history_against_the_rule(each_database: str, events: list[tuple[object, ...]]) -> None:
    """Rights, repeats, conflicts, values that go to and fro, messages that come again, restarts, batches cut anyhow."""
    with connect(each_database) as connection:
        connection.execute(
            "truncate reading, latest, accounting, rejected, rejected_flood, collector, rejected_bytes, superseded,"
            " redelivery, touched_day, personal.rejected_bytes, personal.rejected_text"
        )
    world, reference = Restated(each_database), Reference()
    sent: dict[int, Sent] = {}
    for event in [*events, ("commit",)]:
        match event:
            case ("new", str(source), (str(device), int(time)), float(value)):
                number = world.send(source, time, device, import_interval=value)
                sent[number] = Sent(source, source != "estimates", (device, time), value)
                reference.receive(number, sent[number], again=False)
            case ("again", int(place)) if sent:
                number = sorted(sent)[place % len(sent)]
                world.again(number)
                reference.receive(number, sent[number], again=True)
            case ("commit",):
                world.commit()
                reference.commit()
            case ("restart",):
                world.restart()
                reference.restart()
    assert world.values() == reference.values
    found = Counter[str](fates(world.total))
    conflicts = found["rejected"] - reference.counts["rejected"]
    assert -reference.alike <= conflicts <= reference.beside
    found["rejected"] -= conflicts
    found["duplicates"] += conflicts
    assert +found == +reference.counts
    assert [(key, old, new, source.split()[1].split("/")[0]) for key, old, new, source in world.superseded()] == (
        reference.superseded
    )
    newest = {
        device: max(time for other, time in reference.values if other == device) for device, _ in reference.values
    }
    assert {row[0]: row[1] for row in query(each_database, _LATEST)} == {
        device: reference.values[device, time] for device, time in newest.items()
    }
    world.close()


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(SOURCES), st.sampled_from([0, 60, HALF_HOUR, HALF_HOUR + 60]), st.sampled_from(VALUES),
            st.booleans(), st.booleans(),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_history_of_a_keep_rule_against_the_rule(
    each_database: str, events: list[tuple[str, int, float, bool, bool]]
) -> None:
    """A batch each: the first reading of a half-hour is kept, and it alone can be restated."""
    with connect(each_database) as connection:
        connection.execute("truncate reading, latest, collector, superseded, redelivery, rejected cascade")
    world = Restated(each_database)
    table: dict[tuple[str, int], float] = {}
    steps: list[tuple[float, float]] = []
    sent: list[tuple[int, str, int, float]] = []
    for source, offset, value, again, restart in events:
        if restart:
            world.restart()
        if again and sent:
            number, source, offset, value = sent[offset % len(sent)]  # noqa: PLW2901
            world.again(number)
        else:
            number = world.send(source, T0 + offset, "g1", import_register=value)
            sent.append((number, source, offset, value))
            again = False  # noqa: PLW2901
        world.commit()
        key = ("g1", T0 + offset)
        if key in table:
            if table[key] != value and source != "estimates" and not again:
                steps.append((table[key], value))
                table[key] = value
        elif not any(time // HALF_HOUR == key[1] // HALF_HOUR for _, time in table):
            table[key] = value
    assert world.values("import_register") == table
    assert [(old, new) for _, old, new, _ in world.superseded()] == steps
    world.close()


_LATEST = "select s.device_id, l.value from latest l join personal.series s on s.id = l.series_id"


def test_the_case_a_tenth_of_the_right_value_and_then_the_right_one(world: Restated) -> None:
    world.send("settled", T0, import_interval=0.044)
    assert fates(world.commit()) == {"stored": 1}
    query(world.url, "delete from touched_day returning 1")
    world.send("settled", T0, import_interval=0.44)
    assert fates(world.commit()) == {"restated": 1}
    assert world.values() == {("m1", T0): 0.44}
    assert world.superseded() == [(("m1", T0), 0.044, 0.44, "subscription settled/{device}")]
    assert query(world.url, "select reason, arrival is not null from superseded") == [("restated", True)]
    assert latest(world.url) == [0.44]
    assert query(world.url, "select family, day::text from touched_day") == [("smart-meter", "2026-02-01")]
    assert query(world.url, "select sum(readings_restated) from accounting") == [(1,)]
    assert query(world.url, "select * from rejected") == []


def test_without_the_right_it_is_a_conflict_as_ever(world: Restated) -> None:
    world.send("estimates", T0, import_interval=0.044)
    world.commit()
    world.send("estimates", T0, import_interval=0.44)
    assert fates(world.commit()) == {"rejected": 1}
    assert world.values() == {("m1", T0): 0.044}
    assert world.superseded() == []
    assert query(world.url, "select reason from rejected") == [("conflict",)]


def test_in_one_batch_the_last_to_arrive_wins_and_each_step_is_kept(world: Restated) -> None:
    for source, value in [("estimates", 1.0), ("settled", 2.0), ("estimates", 1.0), ("revised", 3.0), ("settled", 2.0)]:
        world.send(source, T0, import_interval=value)
    assert fates(world.commit()) == {"stored": 1, "restated": 3, "rejected": 1}
    assert world.values() == {("m1", T0): 2.0}
    assert [(old, new) for _, old, new, _ in world.superseded()] == [(1.0, 2.0), (2.0, 3.0), (3.0, 2.0)]
    assert latest(world.url) == [2.0]
    assert query(world.url, "select reason from rejected") == [("conflict",)]


def test_there_and_back_within_a_batch_leaves_the_value_and_both_steps(world: Restated) -> None:
    world.send("settled", T0, import_interval=1.0)
    world.commit()
    world.send("settled", T0, import_interval=2.0)
    world.send("settled", T0, import_interval=1.0)
    assert fates(world.commit()) == {"restated": 2}
    assert world.values() == {("m1", T0): 1.0}
    assert len(world.superseded()) == 2


def test_one_message_that_says_two_things_of_one_time(world: Restated) -> None:
    world.send_json("packs", [{"n": "import_interval", "t": T0 / 1e6, "v": value} for value in (1.0, 2.0)], "m1")
    assert fates(world.commit()) == {"stored": 1, "restated": 1}
    assert world.values() == {("m1", T0): 2.0}


def test_an_old_message_that_comes_again_turns_nothing_back(world: Restated) -> None:
    first = world.send("settled", T0, import_interval=1.0)
    world.commit()
    second = world.send("settled", T0, import_interval=2.0)
    world.commit()
    for _ in range(2):
        world.restart()
        world.again(first)
        assert fates(world.commit()) == {"duplicates": 1}
        world.again(second)
        assert fates(world.commit()) == {"duplicates": 1}
    assert world.values() == {("m1", T0): 2.0}
    assert len(world.superseded()) == 1


def test_a_retained_copy_of_what_was_superseded_turns_nothing_back(world: Restated) -> None:
    world.send("revised", T0, import_interval=1.0)
    world.commit()
    world.send("settled", T0, import_interval=2.0)
    world.commit()
    world.send("revised", T0, flags=RETAINED, import_interval=1.0)
    assert fates(world.commit()) == {"duplicates": 1}
    world.send("revised", T0, flags=RETAINED, import_interval=3.0)
    assert fates(world.commit()) == {"restated": 1}, "it was missed, and the broker kept it"
    assert world.values() == {("m1", T0): 3.0}


def test_the_reading_that_a_keep_rule_kept_can_be_restated_and_no_other(world: Restated) -> None:
    world.send("settled", T0 + 60, "g1", import_register=100.0)
    world.send("settled", T0 + 2 * HALF_HOUR, "g1", import_register=102.0)
    assert fates(world.commit()) == {"stored": 2}
    world.send("settled", T0 + 60, "g1", import_register=100.5)  # of a period before the newest
    world.send("settled", T0 + 2 * HALF_HOUR, "g1", import_register=102.5)  # of the newest
    world.send("settled", T0 + 90, "g1", import_register=100.7)  # another of a period that has one
    world.send("estimates", T0 + 60, "g1", import_register=100.9)
    world.send("settled", T0 + 2 * HALF_HOUR + 5, "g1", import_register=103.0)
    assert fates(world.commit()) == {"restated": 2, "thinned": 3}
    assert world.values("import_register") == {("g1", T0 + 60): 100.5, ("g1", T0 + 2 * HALF_HOUR): 102.5}
    world.send("settled", T0 + HALF_HOUR, "g1", import_register=101.0)
    world.send("settled", T0 + HALF_HOUR, "g1", import_register=101.5)
    assert fates(world.commit()) == {"stored": 1, "restated": 1}
    assert world.values("import_register")["g1", T0 + HALF_HOUR] == 101.5
    world.send("settled", T0 + 2 * HALF_HOUR, "g1", import_register=102.5)
    assert fates(world.commit()) == {"duplicates": 1}


def test_what_is_shown_and_not_stored_follows(world: Restated) -> None:
    world.send("settled", T0, "g1", power=1.0)
    world.commit()
    world.send("settled", T0, "g1", power=2.0)
    assert fates(world.commit()) == {"thinned": 1}
    assert latest(world.url, "power") == [2.0]
    assert world.superseded() == []


def test_restated_in_a_chunk_that_is_compressed(world: Restated) -> None:
    times = [T0 + place * HALF_HOUR for place in range(700)]
    for time in times:
        world.send("settled", time, import_interval=1.0)
    world.commit()
    with connect(world.url, autocommit=True) as connection:
        maintain.maintain(connection, {}, instant(T0) + timedelta(days=100), columnstore_after_days=1)
        compressed = tier(connection) == "community"
        if compressed:
            row = connection.execute(
                "select count(*) from timescaledb_information.chunks where is_compressed"
            ).fetchone()
            assert row is not None
            assert row[0] > 0
    for time in times[::7]:
        world.send("settled", time, import_interval=2.0)
    assert fates(world.commit()) == {"restated": 100}
    found = world.values()
    assert {time for (_, time), value in found.items() if value == 2.0} == set(times[::7])
    assert len(found) == len(times)


def test_superseded_values_do_not_outlive_the_readings(world: Restated) -> None:
    world.send("settled", T0, import_interval=1.0)
    world.send("settled", T0, import_interval=2.0)
    world.commit()
    with connect(world.url, autocommit=True) as connection:
        report = maintain.maintain(connection, {"smart-meter": 10}, instant(T0) + timedelta(days=20))
    assert report.superseded == 1
    assert world.superseded() == []
    assert world.values() == {}


def test_somebody_who_restates_the_same_reading_meanwhile(world: Restated) -> None:
    """Two collectors, one database: each sees the other's value, and none is lost on the way."""
    other = Restated(world.url)
    world.send("settled", T0, import_interval=1.0)
    world.commit()
    other.send("settled", T0, import_interval=2.0)
    other.commit()
    world.send("settled", T0, import_interval=1.0)
    assert fates(world.commit()) == {"restated": 1}, "what it remembers of the series is not what counts"
    assert world.values() == {("m1", T0): 1.0}
    other.close()


def test_an_erasure_takes_what_was_superseded_and_what_comes_then_is_refused(each_database: str) -> None:
    with connect(each_database, autocommit=True) as connection:
        with connection.transaction():
            tenancy = household.add(connection, ANNA)
        world = Restated(each_database, devices=registry.load(connection)[0])
        world.options = replace(world.options, tombstone_key=household.KEY)
        world.restart()
        for value in (1.0, 2.0):
            world.send("settled", T0, ANNA.meter, import_interval=value)
        world.commit()
        assert len(world.superseded()) == 1
        plan = erasure.plan(connection, tenancy, household.ZONE)
        assert plan is not None
        with connection.transaction():
            erasure.bury(connection, household.KEY, plan)
            erasure.erase(connection, household.KEY, plan)
    assert query(each_database, "select * from superseded") == []
    world.restart()
    world.send("settled", T0, ANNA.meter, import_interval=3.0)
    world.send("settled", T0, ANNA.meter, import_interval=4.0)
    assert fates(world.commit()) == {"refused": 2}
    for table in ("superseded", "reading"):
        assert query(each_database, f"select * from {table}") == []
    assert query(each_database, "select packet_id from redelivery order by 1") == [(1,), (2,)], "digests of before"
    world.close()
