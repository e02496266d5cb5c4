"""A trial stores nothing and says what a retry then does; a retry takes each rejection once, and the account closes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from borough.settings.collector import collector_options
from devices.decoders.mapped import json_format
from devices.decoding import Format
from devices.mapping_reader import read_mapping
from devices.tried import Tried
from ingest import archive_files, retry, trial
from ingest.decoder_version import format_marks
from ingest.options import CollectorOptions
from store import rejected, rejected_list, rejected_taken, session_lock
from store.connect import connect
from store.rejected import Filter, RejectedMessage
from tests.tools.servers import Cluster
from tests.worlds import rejections as worlds
from tests.worlds.rejections import METER, RIGHT, WRONG, World


@pytest.fixture
def world(timescale: Cluster, tmp_path: Path) -> Iterator[World]:
    with worlds.rejections(timescale, tmp_path) as found:
        yield found


@pytest.fixture
def options(world: World) -> CollectorOptions:
    return collector_options(world.settings)


def mapping(text: str = RIGHT) -> Format:
    return json_format(read_mapping(text, "the mapping"))


def messages(world: World, **which: str) -> list[RejectedMessage]:
    with connect(world.url) as connection:
        numbers, more = rejected_list.messages(connection, Filter(**which), 100)  # type: ignore[arg-type]
        assert not more
        return [one.item for one in rejected_list.whole(connection, numbers)]


def everything(world: World) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that a message can leave anything in, and what sequences gave."""
    with psycopg.connect(world.url) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'personal')"
        ).fetchall()
        # as text: a day can be -infinity, which Python has not
        found = {name: connection.execute(f"select t::text from {name} t").fetchall() for (name,) in tables}
        found["sequences"] = connection.execute(
            "select sequencename, last_value from pg_sequences order by 1"
        ).fetchall()
        return found


def closes(world: World) -> None:
    """Every rejection of this world is kept, counted or taken: nothing came twice and nobody was erased."""
    with connect(world.url) as connection:
        account = rejected_taken.account(connection)
        assert account, "there is an account"
        assert [(one.family, one.others) for one in account] == [(one.family, 0) for one in account]


def in_batches(options: CollectorOptions, given: list[tuple[str, bytes, datetime]]) -> None:
    for start in range(0, len(given), 9):
        worlds.collect(options, given[start : start + 9])


def said(tried: Tried) -> tuple[object, ...]:
    readings = [(one.device, one.property, one.value, one.unit, one.fate) for one in tried.readings]
    return tried.outcome, readings, [(one.property, one.reason) for one in tried.rejections]


def test_a_trial_stores_nothing_and_a_mapping_of_a_form_reads(world: World, options: CollectorOptions) -> None:
    before = everything(world)
    vendor = messages(world, reason="bad_value")
    assert [said(one)[0] for one in trial.try_again(options, vendor)] == ["rejected"] * 6
    tried = trial.try_again(options, vendor, mapping())
    assert [said(one) for one in tried[:2]] == [
        ("taken", [("v-1", "occupied", 1.0, "1", "new")], []),
        ("taken", [("v-2", "occupied", 1.0, "1", "new")], []),
    ]
    # a message without a time of its own keeps its arrival
    assert [one.readings[0].time for one in tried] == sorted(
        round(item.row.arrival.timestamp() * 1_000_000) for item in vendor
    )
    assert everything(world) == before


def test_a_mapping_stands_in_for_the_format_that_is_named(options: CollectorOptions, world: World) -> None:
    renamed = mapping(RIGHT.replace('"bay-vendor"', '"other"'))
    vendor = messages(world, reason="bad_value")
    with pytest.raises(trial.NoFormat, match=r"no subscription names the format 'other'.*bay-vendor, native"):
        trial.try_again(options, vendor, renamed)
    assert [one.outcome for one in trial.try_again(options, vendor, renamed, "bay-vendor")] == ["taken"] * 6


def test_what_a_trial_says_of_readings(options: CollectorOptions, world: World) -> None:
    [battery] = trial.try_again(options, messages(world, reason="out_of_range"))
    assert said(battery) == ("rejected", [("bay-1", "occupied", 1.0, "1", "there")], [("battery", "out_of_range")])
    [stranger] = trial.try_again(options, messages(world, reason="unknown_device"))
    assert said(stranger) == ("rejected", [], [(None, "unknown_device")])
    assert stranger.family == "unknown"
    hidden = trial.try_again(options, messages(world, family="smart-meter"))
    assert [one.outcome for one in hidden] == ["rejected", "gone"]


def test_another_value_that_is_stored_is_a_conflict(options: CollectorOptions, world: World) -> None:
    vendor = messages(world, reason="bad_value")
    with connect(world.url) as connection:
        number = connection.execute("select id from personal.series where device_id = 'v-1'").fetchone()
        assert number is not None
        connection.execute("insert into reading values (%s, %s, 0)", (number[0], vendor[-1].row.arrival))
        connection.execute("insert into reading values (%s, %s, 1)", (number[0], vendor[-3].row.arrival))
    tried = {one.message: said(one) for one in trial.try_again(options, vendor, mapping())}
    assert tried[vendor[-1].message] == ("rejected", [], [("occupied", "conflict")])
    assert tried[vendor[-3].message] == ("taken", [("v-1", "occupied", 1.0, "1", "there")], [])


def test_two_messages_of_one_key_are_told_as_a_retry_would(options: CollectorOptions, world: World) -> None:
    """The first to arrive is stored, the second is the same or a conflict."""
    at = (world.now - timedelta(hours=2)).isoformat()
    topic = "borough/parking-bay/stranger-9/reading"
    given = [
        (topic, json.dumps({"time": at, "occupied": value}).encode(), world.now + timedelta(seconds=number))
        for number, value in enumerate((1, 1, 0), 1)
    ]
    worlds.collect(options, given)
    with connect(world.url) as connection:
        connection.execute(
            "insert into personal.device (id, family, model, origin, personal, changed)"
            " values ('stranger-9', 'parking-bay', 'native', 'real', false, 99)"
        )
    strangers = messages(world, reason="unknown_device")
    tried = trial.try_again(options, strangers)
    assert [(one.outcome, len(one.readings), one.repeated) for one in tried] == [
        ("taken", 1, 0), ("taken", 0, 1), ("taken", 0, 1), ("rejected", 0, 0),
    ]  # fmt: skip
    assert [one.reason for one in tried[3].rejections] == ["conflict"]
    done = retry.retry(options, strangers)
    # the message that nobody could place is taken, and the one reading of it has a rejection of its own now
    assert (len(done.taken), done.rejected, done.missing, done.anew) == (4, [], [], 1)
    assert [one.row.reason for one in messages(world, reason="conflict")] == ["conflict"]
    closes(world)


def test_a_retry_does_what_its_trial_said(world: World, options: CollectorOptions) -> None:
    closes(world)
    (world.mappings / "bay.toml").write_text(RIGHT)
    installed = collector_options(world.settings)
    every = messages(world)
    tried = trial.try_again(installed, every)
    done = retry.retry(installed, every, 7)
    by_message = {item.message: item.row.id for item in every}
    assert sorted(done.taken) == sorted(by_message[one.message] for one in tried if one.outcome == "taken")
    assert sorted(done.rejected) == sorted(by_message[one.message] for one in tried if one.outcome == "rejected")
    assert sorted(done.gone) == sorted(by_message[one.message] for one in tried if one.outcome == "gone")
    assert len(done.taken) == 6
    closes(world)
    with connect(world.url) as connection:
        [noted] = rejected_taken.retries(connection, 10)
        assert (noted.account_id, noted.family, noted.reason, noted.taken, noted.anew) == (
            7,
            "parking-bay",
            "bad_value",
            6,
            0,
        )
        stored = connection.execute("select count(*) from observation where device like 'v-%'").fetchone()
        assert stored == (6 + 1,)


def test_a_retry_that_finds_another_reason_is_in_the_account(world: World) -> None:
    """The whole message can be read now, but for one reading: that gets a row, and the account says so."""
    (world.mappings / "bay.toml").write_text(
        RIGHT + '[[reading]]\nproperty = "battery"\npath = "state"\nvalues = { taken = 300 }\n'
    )
    options = collector_options(world.settings)
    other = replace(options, formats={**options.formats, "bay-vendor": mapping(WRONG.replace('"state"', '"x"'))})
    worlds.collect(other, [("vendor/v-2", b'{"state": "taken"}', world.now)])
    [empty] = messages(world, reason="empty")
    done = retry.retry(options, [empty])
    assert done.taken == [empty.row.id]
    with connect(world.url) as connection:
        [new] = rejected.find(connection, limit=1)
        assert (new.property, new.reason, new.id > empty.row.id) == ("battery", "out_of_range", True)
    closes(world)


def test_a_retry_that_is_sent_twice_takes_nothing_twice(world: World) -> None:
    (world.mappings / "bay.toml").write_text(RIGHT)
    options = collector_options(world.settings)
    vendor = messages(world, reason="bad_value")
    first, second = retry.retry(options, vendor), retry.retry(options, vendor)
    assert (len(first.taken), first.missing) == (6, [])
    assert (second.taken, second.rejected, len(second.missing), second.counts) == ([], [], 6, {})
    closes(world)
    with psycopg.connect(world.url) as connection:
        row = connection.execute("select sum(messages_received) from accounting where collector = 'retry'").fetchone()
    assert row == (6,)


def test_retries_at_once_beside_a_running_collector(world: World) -> None:
    (world.mappings / "bay.toml").write_text(RIGHT)
    options = collector_options(world.settings)
    vendor = messages(world, reason="bad_value")
    moments = [world.now + timedelta(milliseconds=20 * number) for number in range(72)]
    free = [(f"vendor/v-{number % 2 + 1}", b'{"state": "free"}', moment) for number, moment in enumerate(moments)]
    with ThreadPoolExecutor(4) as pool:
        live = pool.submit(in_batches, options, free)
        found = list(pool.map(lambda some: retry.retry(options, some), [vendor, vendor[::-1], vendor[2:]]))
        live.result()
    assert sorted(number for one in found for number in one.taken) == sorted(item.row.id for item in vendor)
    assert sum(len(one.missing) for one in found) == 6 + 6 + 4 - 6
    closes(world)
    with psycopg.connect(world.url) as connection:
        row = connection.execute(
            "select sum(messages_received), sum(readings_stored) from accounting where collector = 'retry'"
        ).fetchone()
        assert row == (6, 6)
        assert connection.execute("select count(*) from observation where device like 'v-%'").fetchone() == (
            6 + 1 + 72,
        )


def test_nothing_is_taken_by_another_decoder_than_the_collector_s(world: World, options: CollectorOptions) -> None:
    """A collector that runs still has the mapping of its start: the site, which sees the new file, waits for it."""
    vendor = messages(world, reason="bad_value")
    with connect(world.url, autocommit=True) as running:
        assert session_lock.take(running, ["c-1"]) == "c-1"
        session_lock.note(running, "c-1", format_marks(options))
        (world.mappings / "bay.toml").write_text(RIGHT)
        new = collector_options(world.settings)
        with connect(world.url) as connection:
            assert retry.differing(connection, options) == []
            assert retry.differing(connection, new) == [("c-1", "bay-vendor")]
        before = everything(world)
        with pytest.raises(retry.OtherDecoders, match="collector c-1 reads the format bay-vendor with another decoder"):
            retry.retry(new, vendor)
        assert everything(world) == before
        # one that reads none of our formats is no matter
        session_lock.note(running, "c-1", {"glow": "0"})
        assert len(retry.retry(new, vendor[:1]).taken) == 1
        session_lock.note(running, "c-1", format_marks(options))
    # and one that runs no more neither
    assert len(retry.retry(new, vendor[1:]).taken) == 5


def test_nothing_is_taken_by_a_format_of_another_name_before_a_collector_reads_it(
    world: World, options: CollectorOptions
) -> None:
    vendor = messages(world, reason="bad_value")
    (world.mappings / "fixed.toml").write_text(RIGHT.replace("bay-vendor", "bay-fixed"))
    given = world.mappings.parent / "subscriptions.toml"
    given.write_text(given.read_text().replace("bay-vendor", "bay-fixed"))
    new = collector_options(world.settings)
    with connect(world.url, autocommit=True) as running:
        assert session_lock.take(running, ["c-1"]) == "c-1"
        session_lock.note(running, "c-1", format_marks(options))
        with pytest.raises(retry.OtherDecoders, match="collector c-1 reads the format bay-fixed with another decoder"):
            retry.retry(new, vendor)
        # two that share the work: each has some of our formats and none beside
        session_lock.note(running, "c-1", {"native": format_marks(new)["native"]})
        assert retry.differing(running, new) == []
        # one of a program that noted nothing, as after an upgrade beside it
        session_lock.note(running, "c-1", {})
        assert retry.differing(running, new) == [("c-1", "bay-fixed"), ("c-1", "native")]
        session_lock.note(running, "c-1", format_marks(new))
        assert retry.differing(running, new) == []


def test_so_many_messages_are_held_as_their_bytes_allow(world: World) -> None:
    with connect(world.url) as connection:
        every = rejected_list.messages(connection, Filter(reason="bad_value"), 100)
        assert (len(every[0]), every[1]) == (6, False)
        size = len(b'{"state": "taken"}')
        found, before = list[int](), None
        more = True
        while more:
            some, more = rejected_list.messages(connection, Filter(reason="bad_value"), 100, before, held=2 * size)
            assert 1 <= len(some) <= 2
            found, before = [*found, *some], some[-1]
        assert found == every[0]
        # one at least, however large it is
        assert rejected_list.messages(connection, Filter(reason="bad_value"), 100, held=1) == (every[0][:1], True)
        assert rejected_list.messages(connection, Filter(reason="bad_value"), 4) == (every[0][:4], True)


def test_what_is_taken_is_archived_like_any_message(world: World, tmp_path: Path) -> None:
    (world.mappings / "bay.toml").write_text(RIGHT)
    options = replace(collector_options(world.settings), archive=tmp_path / "archive")
    done = retry.retry(options, messages(world))
    assert len(done.taken) == 6
    folder = tmp_path / "archive"
    segments = archive_files.segments(folder, None, (world.now - timedelta(days=2)).date())
    content = {str(one.path.relative_to(folder)): archive_files.summary(one.path).frames for one in segments}
    kept = [
        pair
        for frame in archive_files.merged(folder, content)
        for pair in zip(frame.topics, frame.payloads, strict=True)
    ]
    assert kept.count(("vendor/v-1", b'{"state": "taken"}')) == 3
    assert kept.count(("vendor/v-2", b'{"state": "taken"}')) == 3
    assert not any(METER in topic and b"JSON" in payload for topic, payload in kept)
