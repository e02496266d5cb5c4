"""Corrections on every kind of server: what they change, what they leave, and what they remember."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest

from devices.device import Device
from ingest.archive_files import Frame
from ingest.correct import Corrected, CorrectionBusy, FrameSource, Request, correct
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import Subscription
from store import corrections, maintain, registry, series
from store.connect import connect
from store.copy import copy_readings
from store.session_lock import given_back
from store.times import instant
from tests.tools.batches import DAY, HALF_HOUR, T0, query, totals
from tests.tools.load import rfc3339

Told = tuple[str, int, Mapping[str, float]]  # device, time [us], values


class Kept(FrameSource):
    """Native messages as an archive would hold them, one frame each; arrival a minute after the time."""

    exact_arrivals = True

    def __init__(self, told: Sequence[Told], *, timed: bool = True) -> None:
        super().__init__("test", self._frames)
        self._told, self._timed = told, timed

    def _frames(self) -> Iterator[Frame]:
        import json

        for device, at, values in self._told:
            family = "smart-meter" if device.startswith("m") else "parking-bay"
            text = json.dumps({**({"time": rfc3339(at)} if self._timed else {}), **values}).encode()
            arrival = at + 60_000_000 if self._timed else at
            yield Frame([f"borough/{family}/{device}/reading"], [text], [device], np.array([arrival], np.int64))


def options(url: str) -> CollectorOptions:
    return CollectorOptions(
        url,
        BrokerOptions(),
        [Subscription("borough/{family}/{device}/reading", "native")],
        keep={"thrifty": {"import_register": 1800.0, "power": float("inf")}},
    )


def run(url: str, told: Sequence[Told], *, timed: bool = True, **changes: object) -> Corrected:
    request = {"start": T0, "end": T0 + DAY, "reason": "test", "author": "me", **changes}
    return correct(options(url), Kept(told, timed=timed), Request(**request))  # type: ignore[arg-type]


@pytest.fixture
def world(each_database: str) -> str:
    """Two bays (one retired) and a meter of a thrifty model, with what is stored of them."""
    with connect(each_database) as connection:
        registry.upsert(connection, [
            Device("b1", "parking-bay", "native"),
            Device("b2", "parking-bay", "native", retired=True),
            Device("m1", "smart-meter", "thrifty", personal=True),
        ])  # fmt: skip
        connection.commit()
        states = series.resolve(connection, [("b1", "occupied"), ("b2", "occupied"), ("m1", "import_register")])
        rows = sorted([
            (states[0].series, T0, 1.0), (states[0].series, T0 + HALF_HOUR, 0.0), (states[0].series, T0 + DAY, 1.0),
            (states[1].series, T0, 0.0), (states[2].series, T0 + 5, 7000.0),
        ])  # fmt: skip
        number, time, value = zip(*rows, strict=True)
        copy_readings(connection, np.array(number, np.int32), np.array(time, np.int64), np.array(value))
        for state, at, newest in (
            (states[0], T0 + DAY, 1.0), (states[1], T0, 0.0), (states[2], T0 + 5, 7000.0),
        ):  # fmt: skip
            connection.execute(
                "insert into latest values (%s, %s, %s, %s)", (state.series, instant(at), newest, instant(at))
            )
        connection.commit()
    return each_database


def stored(url: str) -> dict[tuple[str, str, int], float]:
    rows = query(
        url,
        "select s.device_id, s.property, (extract(epoch from r.time) * 1000000)::int8, r.value"
        " from reading r join personal.series s on s.id = r.series_id",
    )
    return {row[:3]: row[3] for row in rows}


def test_right_values_take_the_place_of_wrong_ones_within_the_period(world: str) -> None:
    before = stored(world)
    told: list[Told] = [
        ("b1", T0, {"occupied": 0}),  # wrong
        ("b1", T0 + HALF_HOUR, {"occupied": 0, "battery": 80}),  # right; battery was not read before
        ("b1", T0 + DAY, {"occupied": 0}),  # outside
        ("b2", T0, {"occupied": 1}),  # wrong, and the bay is retired by now
        ("b9", T0, {"occupied": 1}),  # not registered
    ]
    done = run(world, told)
    tally = done.tally
    assert (tally.superseded, tally.inserted, tally.unchanged, tally.rejected) == (2, 1, 1, 1)
    assert tally.readings == 4
    assert done.outside == 1
    assert stored(world) == {
        **before, ("b1", "occupied", T0): 0.0, ("b2", "occupied", T0): 1.0, ("b1", "battery", T0 + HALF_HOUR): 80.0,
    }  # fmt: skip
    assert query(world, "select old_value, new_value from superseded order by 1, 2") == [(0, 1), (1, 0), (None, 80)]
    assert query(world, "select distinct family, day::text from touched_day") == [("parking-bay", "2026-02-01")]
    newest = query(
        world,
        "select s.device_id, s.property, l.value from latest l join personal.series s on s.id = l.series_id"
        " order by 1, 2",
    )
    assert newest == [
        ("b1", "battery", 80),
        ("b1", "occupied", 1),
        ("b2", "occupied", 1),
        ("m1", "import_register", 7000),
    ]
    account = totals(world)["parking-bay"]
    assert account.adds_up()
    assert (account.messages_received, account.readings_stored) == (0, 1)
    assert done.correction is not None
    assert done.correction.decoder.startswith("0.")

    again = run(world, told)
    assert again.correction is None
    assert (again.tally.superseded, again.tally.inserted) == (0, 0)
    assert query(world, "select count(*) from correction") == [(1,)]


def test_of_a_key_that_comes_twice_the_first_decides(world: str) -> None:
    """As in live traffic: an unchanged decoder must find nothing to correct where a conflict was kept."""
    told: list[Told] = [("b1", T0, {"occupied": 1}), *(("b2", T0, {"occupied": 0}) for _ in range(3)),
                        ("b1", T0, {"occupied": 0})]  # fmt: skip
    for batch in (20_000, 1):
        small = options(world)
        done = correct(
            CollectorOptions(small.database_url, small.broker, small.subscriptions, batch_readings=batch),
            Kept(told),
            Request(T0, T0 + DAY, "test", "me"),
        )
        assert (done.tally.superseded, done.tally.repeated) == (0, 3)
        assert done.correction is None


def test_keep_rules_hold(world: str) -> None:
    """The stored reading of the half-hour is corrected, those beside it stay thinned, an empty one is filled once."""
    told: list[Told] = [
        ("m1", T0 + 1, {"import_register": 6}),
        ("m1", T0 + 5, {"import_register": 7, "power": 100}),
        ("m1", T0 + HALF_HOUR + 9, {"import_register": 8}),
        ("m1", T0 + HALF_HOUR + 11, {"import_register": 9}),
    ]
    looked = run(world, told, dry_run=True)
    done = run(world, told)
    for tally in (looked.tally, done.tally):
        assert (tally.superseded, tally.inserted, tally.thinned) == (1, 1, 3)
    meter = {key[2]: value for key, value in stored(world).items() if key[0] == "m1"}
    assert meter == {T0 + 5: 7.0, T0 + HALF_HOUR + 9: 8.0}
    assert run(world, told).correction is None


def test_a_dry_run_leaves_nothing(world: str) -> None:
    before = stored(world)
    done = run(world, [("b1", T0, {"occupied": 0, "battery": 5})], dry_run=True)
    assert (done.tally.superseded, done.tally.inserted) == (1, 1)
    assert [(family, day.isoformat()) for family, day in done.days] == [("parking-bay", "2026-02-01")]
    assert stored(world) == before
    for table in ("correction", "superseded", "touched_day", "accounting"):
        assert query(world, f"select count(*) from {table}") == [(0,)]
    assert query(world, "select count(*) from personal.series where property = 'battery'") == [(0,)]


def test_arrivals_of_a_recording_are_not_the_collectors(world: str) -> None:
    class Recorded(Kept):
        exact_arrivals = False

    source = Recorded([("b1", T0, {"occupied": 0})], timed=False)
    done = correct(options(world), source, Request(T0, T0 + DAY, "test", "me"))
    assert (done.untimed, done.tally.superseded, done.tally.inserted) == (1, 0, 0)
    exact = run(world, [("b1", T0, {"occupied": 0})], timed=False)
    assert (exact.untimed, exact.tally.superseded) == (0, 1)


def test_only_the_chosen_are_corrected(world: str) -> None:
    told: list[Told] = [
        ("b1", T0, {"occupied": 0}),
        ("b2", T0, {"occupied": 1}),
        ("m1", T0 + 5, {"import_register": 7}),
    ]
    assert run(world, told, device="b2").tally.superseded == 1
    assert stored(world)["b1", "occupied", T0] == 1
    assert run(world, told, family="smart-meter").tally.superseded == 1
    assert stored(world)["b1", "occupied", T0] == 1


def test_what_was_published_from_the_days_is_listed(world: str) -> None:
    day = instant(T0).date()
    with connect(world) as connection:
        wanted = corrections.publish(connection, "letter", "2026-02", "parking-bay", day, day)
        corrections.publish(connection, "letter", "meters", "smart-meter", day, day)
        corrections.publish(
            connection, "letter", "before", "parking-bay", instant(T0 - DAY).date(), instant(T0 - DAY).date()
        )
        connection.commit()
    done = run(world, [("b1", T0, {"occupied": 0})])
    assert [item.id for item in done.published] == [wanted]


def test_one_at_a_time(world: str) -> None:
    with connect(world) as connection:
        with given_back(connection):
            assert corrections.lock(connection)
            with pytest.raises(CorrectionBusy):
                run(world, [])
        # the connection is still there, as the server's side of a closed one is for a while
        assert run(world, []).correction is None


def test_superseded_values_do_not_outlive_the_readings(world: str) -> None:
    run(world, [("b1", T0, {"occupied": 0})])
    with connect(world, autocommit=True) as connection:
        report = maintain.maintain(connection, {"parking-bay": 1}, instant(T0 + 3 * DAY))
    assert report.superseded == 1
    assert query(world, "select count(*) from superseded") == [(0,)]


def test_a_compressed_chunk_is_corrected(world: str, tier: str) -> None:
    if tier != "community":
        pytest.skip("only TimescaleDB Community compresses; BOROUGH_TEST_DATABASE_URL names one")
    with connect(world, autocommit=True) as connection:
        assert maintain.maintain(connection, {}, instant(T0 + 90 * DAY)).columnstore > 0
    done = run(world, [("b1", T0, {"occupied": 0}), ("b1", T0 + 7, {"occupied": 1})])
    assert (done.tally.superseded, done.tally.inserted) == (1, 1)
    assert stored(world)["b1", "occupied", T0] == 0
    assert run(world, [("b1", T0, {"occupied": 0})]).correction is None
