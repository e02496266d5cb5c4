"""Only what changed is computed, and what is stored is still what computing everything would give."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from analytics.energy import daily_runner
from ingest.archive_files import Frame
from ingest.correct import FrameSource, Request, correct
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import Subscription
from store import erasure, touched
from store.connect import Connection, connect
from tests.examples import examples
from tests.tools.batches import DAY, HALF_HOUR, query
from tests.tools.load import rfc3339
from tests.tools.servers import Cluster, wait_for
from tests.worlds.daily_world import FIRST, LONDON, T0, Energy, World, half_hourly

KEY = bytes(range(32))
DAYS = 6
#: Of each a measurement by intervals or a register, or both.
SERIES = [
    ("m1", "import_interval"), ("m1", "import_register"), ("m2", "import_interval"), ("m2", "gas_register"),
    ("m3", "import_register"), ("m4", "heat_register"), ("m4", "import_interval"),
]  # fmt: skip


class Kept(FrameSource):
    """Messages that were kept, each of one reading."""

    exact_arrivals = True

    def __init__(self, rows: Sequence[tuple[str, str, int, float]]) -> None:
        super().__init__("test", self._frames)
        self.rows = rows

    def _frames(self) -> Iterator[Frame]:
        for device, name, at, value in self.rows:
            text = json.dumps({"time": rfc3339(at), name: value}).encode()
            arrival = np.array([at + 60_000_000], np.int64)
            yield Frame([f"borough/smart-meter/{device}/reading"], [text], [device], arrival)


class Changes(RuleBasedStateMachine):
    """Readings, late ones, corrections, moves and an erasure in any order, with runs between them.

    After every run the table holds what a plain recomputation of all readings gives.
    """

    cluster: Cluster

    def __init__(self) -> None:
        super().__init__()
        self.name = self.cluster.create()
        self.world = World(self.cluster.url(self.name))
        self.line = connect(self.world.url, autocommit=True)
        self.gone: set[str] = set()

    def teardown(self) -> None:
        self.run(5_000_000)
        self.line.close()
        self.cluster.drop(self.name)

    @initialize()
    def begin(self) -> None:
        """Some days of all, so that there is something to change."""
        slots = range(0, 48 * DAYS, 2)
        self.world.write([(*one, T0 + k * HALF_HOUR, _value(one[1], k)) for one in SERIES for k in slots])

    def told(self, data: Any) -> tuple[str, str]:
        return data.draw(st.sampled_from([one for one in SERIES if one[0] not in self.gone]), "series")  # type: ignore[no-any-return]

    @rule(data=st.data(), named=st.booleans(), start=st.integers(0, 48 * DAYS), count=st.integers(1, 60))
    def write(self, data: Any, named: bool, start: int, count: int) -> None:
        device, name = self.told(data)
        wrong = data.draw(st.sampled_from([0.0, 0.0, 0.0, 4_000.0]), "wrong")
        rows = [(device, name, T0 + k * HALF_HOUR, _value(name, k)) for k in range(start, start + count)]
        rows[count // 2] = (*rows[count // 2][:3], rows[count // 2][3] + wrong)
        self.world.write(rows, named=named)

    @rule(data=st.data(), slot=st.integers(0, 48 * DAYS))
    def one_late(self, data: Any, slot: int) -> None:
        device, name = self.told(data)
        self.world.write([(device, name, T0 + slot * HALF_HOUR + 7_000_000, _value(name, slot))])

    @rule(data=st.data(), slot=st.integers(0, 48 * DAYS), value=st.sampled_from([0.4, 0.9, 30.0, 70.0]))
    def corrected(self, data: Any, slot: int, value: float) -> None:
        device, name = self.told(data)
        at = T0 + slot * HALF_HOUR
        options = CollectorOptions(
            self.world.url,
            BrokerOptions(),
            [Subscription("borough/{family}/{device}/reading", "native")],
            tombstone_key=KEY,
        )
        request = Request(start=at - DAY, end=at + DAY, reason="test", author="me")
        correct(options, Kept([(device, name, at, value)]), request)
        self.world.told.setdefault((device, name), {})[at] = value

    @rule(day=st.integers(1, DAYS), home=st.sampled_from([0, 1]))
    def a_meter_moves(self, day: int, home: int) -> None:
        """From that day on m3 measures another home, or the same again."""
        moved = FIRST + timedelta(days=day)
        self.line.execute("delete from personal.home_meter where device_id = 'm3' and from_day >= %s", (moved,))
        self.line.execute(
            "update personal.home_meter set to_day = %(day)s where device_id = 'm3'"
            " and (to_day is null or to_day > %(day)s)",
            {"day": moved},
        )
        self.line.execute(
            "insert into personal.home_meter values ('m3', %s, null, %s)", (moved, self.world.homes[home])
        )

    @rule(day=st.integers(1, DAYS))
    def somebody_moves_out(self, day: int) -> None:
        self.line.execute(
            "update personal.tenancy set to_day = %s where home_id = %s",
            (FIRST + timedelta(days=day), self.world.homes[0]),
        )

    @rule(length=st.sampled_from(["PT30M", "PT1H"]))
    def a_meter_is_another(self, length: str) -> None:
        self.line.execute(
            "update personal.device set attributes = jsonb_build_object('interval', %s::text) where id = 'm2'",
            (length,),
        )

    @precondition(lambda self: not self.gone)
    @rule()
    def erased(self) -> None:
        """Who lived in the third home goes, and the meter with them."""
        with connect(self.world.url) as connection:
            (tenancy,) = connection.execute(
                "select id from personal.tenancy where home_id = %s", (self.world.homes[2],)
            ).fetchall()
            plan = erasure.plan(connection, tenancy[0], LONDON)
            assert plan is not None
            series = {row[0] for row in connection.execute("select id from personal.series where device_id = 'm4'")}
            erasure.bury(connection, KEY, plan)
            connection.commit()
            erasure.erase(connection, KEY, plan)
            connection.commit()
        self.gone.add("m4")
        for one in [one for one in self.world.told if one[0] == "m4"]:
            del self.world.told[one]
        named = {number for row in query(self.world.url, "select series from touched_day") for number in row[0] or ()}
        assert not named & series, "what is erased is named nowhere"

    @rule(rows=st.sampled_from([2, 5, 1_000]))
    def thinned(self, rows: int) -> None:
        while touched.thin(self.line, rows):
            pass

    @rule(cells=st.sampled_from([1, 40, 5_000_000]))
    def run(self, cells: int) -> None:
        self.world.update(cells)
        assert self.world.table() == self.world.recomputed()


def _value(name: str, slot: int) -> float:
    """Of an interval up to 0.7 kWh; a register rises by such."""
    return round(0.1 + slot * 7 % 13 / 20, 3) if name.endswith("interval") else round(20 + slot * 0.31, 3)


def test_what_is_stored_is_what_computing_everything_gives(apache: Cluster) -> None:
    Changes.cluster = apache
    # a sequence that fails is told as it was: each needs a database, and to try hundreds of shorter ones takes long
    phases = [phase for phase in Phase if phase != Phase.shrink]
    run_state_machine_as_test(
        Changes,
        settings=settings(
            max_examples=examples(45),
            stateful_step_count=12,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def world(each_database: str) -> World:
    return World(each_database)


def computed(world: World, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Which homes are computed from here on, by call."""
    found: list[list[int]] = []
    plain = daily_runner._Run.days

    def days(self: Any, homes: Any, start: int, end: int) -> int:
        found.append(homes.tolist())
        return plain(self, homes, start, end)

    monkeypatch.setattr(daily_runner._Run, "days", days)
    return found


def test_a_late_reading_has_its_own_home_computed_and_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("m1", "m2", "m4"):
        world.write(half_hourly(device, "import_interval", [0.1] * 96))
    world.update()
    homes = computed(world, monkeypatch)
    world.write([("m2", "import_interval", T0 + 3_000_000, 0.4)])
    world.update()
    assert homes == [[world.homes[1]]]
    world.write([("m4", "import_interval", T0 + DAY + 3_000_000, 0.4), ("m1", "import_interval", T0 + 9 * DAY, 0.4)])
    world.update()
    assert homes[1:] == [[world.homes[2]], [world.homes[0]]], "days apart, homes apart"
    world.write([("m2", "import_interval", T0 + 4_000_000, 0.4)], named=False)
    world.write([("m2", "import_interval", T0 + 5_000_000, 0.4)])
    world.update()
    assert homes[3:] == [sorted(world.homes)], "one note of the day means anybody"
    assert world.table() == world.recomputed()


def test_days_that_name_many_homes_are_computed_no_more_at_once_than_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month of the whole fleet, told by name, is not one transaction."""
    widths: list[tuple[int, int]] = []
    plain = daily_runner._Run.days

    def days(self: Any, homes: Any, start: int, end: int) -> int:
        widths.append((len(homes), end - start))
        return plain(self, homes, start, end)

    monkeypatch.setattr(daily_runner._Run, "days", days)
    for day in range(5):
        for device in ("m1", "m2", "m4"):
            world.write([(device, "import_interval", T0 + day * DAY, 0.1)])
    world.update(6)
    assert widths == [(3, 2), (3, 2), (3, 1)]
    assert world.table() == world.recomputed()


def test_an_interval_over_midnight_changes_the_days_on_both_sides(world: World) -> None:
    home, quarter = world.homes[0], HALF_HOUR // 2
    world.write([*half_hourly("m1", "import_interval", [0.1] * 47), ("m1", "import_interval", T0 + 2 * DAY, 0.1)])
    world.write(half_hourly("m1", "import_interval", [0.1] * 47, T0 + DAY + 2 * quarter))
    world.update()
    both = {(home, "electricity", FIRST), (home, "electricity", FIRST + timedelta(days=1))}
    # noted on the first day, and half of it is of the second
    world.write([("m1", "import_interval", T0 + DAY - quarter, 0.4)])
    assert world.update() == both
    assert world.table() == world.recomputed()
    # noted on the second day, it cuts the one before, of which more is of the first then
    world.write([("m1", "import_interval", T0 + DAY + quarter // 3, 0.1)])
    assert world.update() == both
    assert world.table() == world.recomputed()


def test_a_meter_that_hangs_nowhere_costs_nothing_and_its_note_goes(world: World) -> None:
    with connect(world.url) as connection:
        connection.execute(
            "insert into public.touched_day (family, day, series) values ('smart-meter', %s, '{2000000}'),"
            " ('smart-meter', %s, '{}')",
            (FIRST, FIRST),
        )
        connection.commit()
    assert world.update() == set()


def test_notes_of_everybody_mean_everybody_also_beside_named_ones_that_are_thinned(world: World) -> None:
    """A note of anybody that is older than one with names is not lost with it."""
    with connect(world.url, autocommit=True) as connection:
        for series in (None, [7, 8], [8, 9]):
            connection.execute(
                "insert into public.touched_day (family, day, series) values ('smart-meter', %s, %s)", (FIRST, series)
            )
        for series in ([7, 8], [8, 9]):
            connection.execute(
                "insert into public.touched_day (family, day, series) values ('smart-meter', %s, %s)",
                (FIRST + timedelta(days=1), series),
            )
        for first in (1, 201):
            connection.execute(
                "insert into public.touched_day (family, day, series)"
                " select 'smart-meter', %s, array_agg(n) from generate_series(%s::int, %s::int) n",
                (FIRST + timedelta(days=2), first, first + 199),
            )
        for _ in range(2):  # as an erasure leaves them
            connection.execute(
                "insert into public.touched_day (family, day, series) values ('smart-meter', %s, '{}')",
                (FIRST + timedelta(days=3),),
            )
        assert touched.thin(connection, 1_000) == 5
        assert touched.thin(connection, 1_000) == 0
    found = query(world.url, "select day, series from touched_day order by day")
    assert [row[1] for row in found] == [None, [7, 8, 9], None, []]


def test_a_note_that_appears_late_is_not_thinned_into_one_that_is_being_computed(world: World) -> None:
    """Numbers are given in another order than commits come: the older note may appear last."""
    note = "insert into public.touched_day (family, day, series) values ('smart-meter', '2026-03-25', %s) returning id"
    with connect(world.url) as slow, connect(world.url) as quick, connect(world.url) as analyst:
        (older,) = slow.execute(note, ([1],)).fetchall()
        quick.execute(note, (None,))
        quick.commit()
        seen = touched.notes(analyst, "smart-meter")
        assert len(seen.ids) == 1
        slow.commit()
        with connect(world.url, autocommit=True) as keeper:
            assert touched.thin(keeper, 1_000) == 0
        touched.forget(analyst, seen.ids)
        analyst.commit()
    assert query(world.url, "select id from touched_day") == [older]


def test_what_is_erased_is_not_carried_into_another_note_meanwhile(world: World) -> None:
    """An erasure that meets notes as they are thinned takes its name out of the one that is left; the meter stays."""
    world.write([("m4", "import_interval", T0 + DAY, 0.1)])
    world.write([("m1", "import_interval", T0 + DAY, 0.1)])
    with connect(world.url) as connection:
        connection.execute("update personal.home_meter set to_day = '2026-03-30' where device_id = 'm4'")
        connection.execute("insert into personal.home_meter values ('m4', '2026-04-01', null, %s)", (world.homes[0],))
    with connect(world.url) as keeper, connect(world.url) as eraser, ThreadPoolExecutor(1) as pool:
        (tenancy,) = keeper.execute("select id from personal.tenancy where home_id = %s", (world.homes[2],)).fetchall()
        plan = erasure.plan(keeper, tenancy[0], LONDON)
        assert plan is not None
        assert touched.thin(keeper, 1_000) == 1  # not committed yet
        erased = pool.submit(erasure.erase, eraser, KEY, plan)
        waits = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        assert wait_for(lambda: bool(query(world.url, waits)), 30, 0.02)
        keeper.commit()
        erased.result()
        eraser.commit()
    (left,) = query(world.url, "select id from personal.series where device_id = 'm1'")
    assert query(world.url, "select series from public.touched_day") == [([*left],)]


def test_two_runs_at_once_leave_what_one_would(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 96))
    world.write(half_hourly("m4", "heat_register", np.arange(10, 106).tolist()))

    def update(connection: Connection) -> int:
        found = daily_runner.update(connection, LONDON, Energy())
        connection.commit()
        return len(found.home)

    with connect(world.url) as one, connect(world.url) as other, ThreadPoolExecutor(1) as pool:
        first = daily_runner.update(one, LONDON, Energy())
        second = pool.submit(update, other)
        waits = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        assert wait_for(lambda: bool(query(world.url, waits)), 30, 0.02)
        world.write([("m1", "import_interval", T0 + 3_000_000, 0.9)])
        one.commit()
        assert (len(first.home), second.result()) == (4, 1)
    assert query(world.url, "select count(*) from touched_day") == [(0,)]
    assert world.table() == world.recomputed()
