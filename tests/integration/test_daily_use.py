"""From readings that the writer stores to daily use, on every kind of server, against a plain recomputation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from analytics.energy import daily_runner
from ingest.archive_files import Frame
from ingest.correct import FrameSource, Request, correct
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import Subscription
from store import daily, registry, series
from store.connect import connect
from store.copy import copy_readings
from tests.tools.batches import DAY, HALF_HOUR, query
from tests.tools.load import rfc3339
from tests.worlds.daily_world import FIRST, LONDON, T0, Energy, World, half_hourly


@pytest.fixture
def world(each_database: str) -> World:
    return World(each_database)


def test_whatever_comes_in_whatever_order_the_table_is_what_a_recomputation_gives(world: World) -> None:
    random = np.random.default_rng(20260329)
    waiting: list[tuple[str, str, int, float]] = []
    for device, name, step in (
        ("m1", "import_interval", 1), ("m1", "import_register", 1), ("m1", "gas_volume_register", 2),
        ("m1", "export_register", 1),
        ("m2", "import_register", 1), ("m2", "export_register", 3), ("m3", "import_interval", 2),
        ("m3", "gas_register", 1), ("m3", "gas_volume_register", 48), ("m4", "heat_register", 48),
    ):  # fmt: skip
        count = 10 * 48 // step
        rises = random.uniform(0, 0.9, count).round(3)
        values = rises if name == "import_interval" else 7 + np.cumsum(rises)
        for place in np.flatnonzero(random.random(count) < 0.03).tolist():
            values[place] = random.choice([0.0, 3.0, 5_000.0])  # glitches
        if name == "import_register":
            values[count // 2 :] -= values[count // 2] - 0.4  # began anew
        if (device, name) == ("m1", "export_register"):
            for place in np.flatnonzero(random.random(count) < 0.02).tolist():
                values[place:] -= 1.4  # counts backwards, on some days more than once
        keep = random.random(count) > 0.05
        if name in ("import_interval", "gas_register"):
            keep[100:170] = False  # a gap of more than a day
        at = T0 + np.arange(count) * step * HALF_HOUR + (17_000_000 if device == "m2" else 0)
        if (device, name) == ("m2", "import_register"):  # readings that waited in a queue, one after midnight
            at[150:190] = at[190] - 4_000_000 + np.arange(40) * 70_000
            at[200:240] = at[240] - 5_000_000 + np.arange(40) * 100_000
        waiting += [
            (device, name, int(when), max(0.0, round(float(value), 3)))
            for when, value in zip(at[keep], values[keep], strict=True)
        ]
    with connect(world.url) as connection:
        found = registry.get(connection, "m3")
        assert found is not None
        registry.upsert(connection, [type(found)(
            found.id, found.family, found.model, personal=True, attributes={"interval": "PT1H"}
        )])  # fmt: skip
        connection.commit()
    order = sorted(range(len(waiting)), key=lambda place: waiting[place][2] + random.exponential(6) * HALF_HOUR)
    early = random.random(len(order)) < 0.04  # some come at the very end
    order = [order[k] for k in np.flatnonzero(~early)] + [order[k] for k in np.flatnonzero(early)]
    for number, places in enumerate(np.array_split(np.array(order), 12)):
        world.write(sorted(waiting[place] for place in places.tolist()))
        world.update(cells=5_000_000 if number % 2 else 20)
        assert world.table() == world.recomputed()
    assert len({key[1] for key in world.table()}) == 4
    assert any(use >= 0 and 0 < minutes < 1380 for use, minutes in world.table().values())


def test_a_late_reading_changes_only_its_days(world: World) -> None:
    rows = half_hourly("m1", "import_interval", [0.1] * 478)
    late = rows.pop(48 * 4 + 20)
    world.write(rows)
    assert len(world.update()) == 10
    home = world.homes[0]
    assert world.table()[home, "electricity", date(2026, 3, 29)] == (4_600, 1350)  # 4,500 in 45 of 46 half-hours
    world.write([(*late[:3], 3.0)])
    assert world.update() == {(home, "electricity", date(2026, 3, 29))}
    assert world.table()[home, "electricity", date(2026, 3, 29)] == (4_500 + 3_000, 1380)
    # of a register the days of the gap that it ends
    register = [("m4", "heat_register", T0 + k * DAY, 100.0 + k) for k in (0, 1, 4)]
    world.write(register)
    world.update()
    world.write([("m4", "heat_register", T0 + 2 * DAY, 101.2)])
    assert {day.day for _, _, day in world.update()} == {26, 27, 28}
    assert world.table() == world.recomputed()
    assert world.update() == set()


def test_a_correction_changes_only_its_days(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 478))
    world.update()
    at = T0 + 3 * DAY + 5 * HALF_HOUR

    class Kept(FrameSource):
        exact_arrivals = True

        def __init__(self) -> None:
            super().__init__("test", self._frames)

        def _frames(self) -> Iterator[Frame]:
            text = json.dumps({"time": rfc3339(at), "import_interval": 0.7}).encode()
            yield Frame(["borough/smart-meter/m1/reading"], [text], ["m1"], np.array([at + 60_000_000], np.int64))

    options = CollectorOptions(
        world.url, BrokerOptions(), [Subscription("borough/{family}/{device}/reading", "native")]
    )
    done = correct(options, Kept(), Request(start=at - DAY, end=at + DAY, reason="test", author="me"))
    assert done.tally.superseded == 1
    assert world.update() == {(world.homes[0], "electricity", date(2026, 3, 28))}
    assert world.table()[world.homes[0], "electricity", date(2026, 3, 28)] == (4_800 + 600, 1440)


def test_what_is_written_meanwhile_stays_noted(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 48))
    with connect(world.url) as connection:
        daily_runner.update(connection, LONDON, Energy())
        world.write(half_hourly("m1", "import_interval", [0.1] * 48, T0 + DAY))
        connection.commit()
    assert query(world.url, "select day from touched_day") == [(date(2026, 3, 26),)]
    assert {key[2] for key in world.update()} == {date(2026, 3, 26)}


def test_a_reading_far_before_is_found(each_database: str) -> None:
    """A register that was silent for a year: its readings before are read however far away they are."""
    world = World(each_database)
    with connect(world.url) as connection:
        states = series.resolve(connection, [("m1", "import_register")])
        old = T0 - 300 * DAY
        copy_readings(connection, np.array([states[0].series], np.int32), np.array([old]), np.array([100.0]))
        connection.execute("update personal.home_meter set from_day = '2025-01-01' where device_id = 'm1'")
        connection.execute("update personal.tenancy set from_day = '2025-01-01' where home_id = %s", (world.homes[0],))
        connection.commit()
    world.write([("m1", "import_register", T0, 400.0)])
    world.update()
    with connect(world.url) as connection:
        begin = datetime.fromtimestamp(old / 1e6, UTC).date() - timedelta(days=2)
        use = daily.read_days(connection, "electricity", begin, FIRST, np.array(world.homes[:1])).watt_hours
    assert use[use >= 0].sum() == pytest.approx(300_000, abs=1_500)  # the first day is only as long as it was measured
    assert (use >= 0).sum() in (300, 301)
