"""Daily use of homes whose meters and people change, its half-hours, and its table, on every kind of server."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.energy.daily_half_hours import MeterReader
from store import daily, registry
from store.connect import Connection, connect
from store.daily import DailyUse
from tests.references.daily_use import HOUR
from tests.tools.batches import DAY
from tests.worlds.daily_world import FIRST, LONDON, T0, Energy, World, half_hourly
from tests.worlds.homes import add_meters, ids_of, import_homes


@pytest.fixture
def world(each_database: str) -> World:
    return World(each_database)


def test_homes_that_are_linked_after_their_readings_came(world: World) -> None:
    with connect(world.url) as connection:
        add_meters(connection, ["m5"])
        connection.commit()
    world.write(half_hourly("m5", "import_interval", [0.1] * 478))
    assert world.update() == set()
    with connect(world.url) as connection:
        import_homes(connection, [{"uprn": "5", "meters": "m5", "from": "2026-03-27"}])
        connection.commit()
        home = ids_of(connection, "5", date(2026, 3, 29))[0]
        world.homes.append(home)
    assert {day.day for _, _, day in world.update()} == {27, 28, 29, 30, 31, 1, 2, 3}
    assert world.table() == world.recomputed()
    # the meter leaves, and comes into another home
    with connect(world.url) as connection:
        connection.execute("update personal.home_meter set to_day = '2026-03-30' where device_id = 'm5'")
        connection.execute("insert into personal.home_meter values ('m5', '2026-04-01', null, %s)", (world.homes[0],))
        connection.commit()
    changed = world.update()
    assert {(key[0] == home, key[2].day) for key in changed} == {
        (True, 30), (True, 31), (True, 1), (True, 2), (True, 3), (False, 1), (False, 2), (False, 3),
    }  # fmt: skip
    assert world.table() == world.recomputed()


def test_what_a_meter_is_changes_its_home(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 47 + [20.0]))
    home = world.homes[0]
    world.update()
    assert world.table()[home, "electricity", FIRST] == (4_800, 1410)  # 40 kW is more than one phase carries

    def change(**values: object) -> None:
        with connect(world.url) as connection:
            known = registry.get(connection, "m1")
            assert known is not None
            registry.upsert(connection, [replace(known, **values)])  # type: ignore[arg-type]
            connection.commit()

    change(attributes={"supply": "69"})
    assert world.update() == {(home, "electricity", FIRST)}
    assert world.table()[home, "electricity", FIRST] == (4_700 + 20_000, 1440)
    change(attributes={"supply": "69", "interval": "PT15M"})
    assert world.update() == {(home, "electricity", FIRST)}
    assert world.table()[home, "electricity", FIRST] == (-1, 705)  # of 15 minutes each; 80 kW is too much again
    change(attributes={"colour": "blue"}, lon=0.1, lat=51.0)
    world.update()
    change(retired=True)
    assert world.update() == set()  # retired today: what it said before counts
    with connect(world.url) as connection:
        connection.execute("update personal.device set retired_at = '2026-03-24T23:30Z' where id = 'm1'")
        connection.commit()
    assert world.update() == {(home, "electricity", FIRST)}
    assert world.table() == {}


def test_a_gap_between_two_households_is_neither_ones(world: World) -> None:
    with connect(world.url) as connection:
        import_homes(connection, [{"uprn": "3", "meters": "m4", "from": "2026-04-02"}])
        connection.commit()
    # nobody lives there from 30 March to 1 April, and nothing is heard of the last tenants' last day and a half
    world.write([("m4", "heat_register", T0 + k * 12 * HOUR, 10.0 + k) for k in (0, 1, 2, 3, 4, 5, 6, 16, 17, 18)])
    world.update()
    assert world.table() == world.recomputed()
    assert [key[2] for key in sorted(world.table())] == [
        date(2026, 3, 25), date(2026, 3, 26), date(2026, 3, 27), date(2026, 4, 2)
    ]  # fmt: skip


def test_days_whose_readings_are_no_longer_kept_stay(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 478))
    world.update()
    kept = world.table()
    with connect(world.url) as connection:
        connection.execute("delete from reading where time < '2026-03-30'")
        connection.execute("update personal.tenancy set to_day = '2026-04-03' where home_id = %s", (world.homes[0],))
        connection.commit()
    assert world.update() == {(world.homes[0], "electricity", date(2026, 4, 3))}
    assert kept.pop((world.homes[0], "electricity", date(2026, 4, 3))) == (4_800, 1440)
    assert world.table() == kept


# ------------------------------------------------------------------------------------------------ half-hours


def test_half_hours_sum_to_their_day(world: World) -> None:
    random = np.random.default_rng(5)
    values = (50 + np.cumsum(random.uniform(0, 0.5, 480))).round(3).tolist()
    rows = half_hourly("m1", "import_register", values, T0 - DAY + 11_000_000)
    rows += half_hourly("m1", "gas_volume_register", values, T0 - DAY)
    rows += [("m4", "heat_register", at + k, value) for k, (_, _, at, value) in enumerate(rows[:480:2])]
    world.write(rows)
    world.update()
    table = world.table()
    for home, fuel in ((world.homes[0], "electricity"), (world.homes[0], "gas"), (world.homes[2], "heat")):
        with connect(world.url) as connection:
            every = MeterReader(connection, LONDON, Energy()).half_hours_of_days(
                home, fuel, date(2026, 3, 26), date(2026, 3, 30)
            )
            assert [len(item.watt_hours) for item in every] == [48, 48, 48, 46]
            for place, item in enumerate(every):
                day = date(2026, 3, 26) + timedelta(days=place)
                assert item.watt_hours.sum() == table[home, fuel, day][0]
                assert item.minutes == (60 if fuel == "heat" else 30)
                np.testing.assert_array_equal(
                    item.watt_hours, MeterReader(connection, LONDON, Energy()).half_hours(home, fuel, day)
                )
            assert np.isnan(MeterReader(connection, LONDON, Energy()).half_hours(home, fuel, date(2026, 6, 1))).all()
    with connect(world.url) as connection:
        assert np.isnan(MeterReader(connection, LONDON).half_hours(world.homes[0], "gas", date(2026, 3, 27))).all()
        autumn = MeterReader(connection, LONDON).half_hours(1, "electricity", date(2026, 10, 25))
        assert autumn.shape == (50,)


def test_half_hours_of_intervals_and_what_lacks(world: World) -> None:
    rows = half_hourly("m1", "import_interval", [round(k / 1000, 3) for k in range(96)])
    del rows[50]
    world.write(rows)
    with connect(world.url) as connection:
        found = MeterReader(connection, LONDON).half_hours(world.homes[0], "electricity", date(2026, 3, 26))
        wanted = [float(k) for k in range(48, 96)]
        wanted[2] = np.nan
        np.testing.assert_array_equal(found, wanted)
        other = MeterReader(connection, LONDON).half_hours(world.homes[1], "electricity", date(2026, 3, 26))
        assert np.isnan(other).all()  # m2 and m3 hang there, and say nothing


# ------------------------------------------------------------------------------------------------ the table


def some_homes(connection: Connection, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    ids = np.arange(1, count + 1) * 7 + 10**13
    connection.cursor().executemany(
        "insert into personal.home (id, uprn, lon, lat) values (%s, %s, 0, 51)",
        [(home, str(place)) for place, home in enumerate(ids.tolist())],
    )
    return ids


def test_days_are_written_and_read_as_they_are(each_database: str) -> None:
    random = np.random.default_rng(7)
    with connect(each_database) as connection:
        homes = some_homes(connection, 40)
        first, days = date(2025, 12, 20), 80
        kept = np.full((40, days), -1, np.int64)
        minutes = np.zeros((40, days), np.int16)
        for _ in range(12):
            some = np.sort(random.choice(40, random.integers(1, 40), replace=False))
            low = int(random.integers(0, days - 1))
            high = int(random.integers(low + 1, days + 1))
            use = random.integers(-1, 3, (len(some), high - low)) * 1_000_000_007 % 2**31
            use[random.random(use.shape) < 0.3] = -1
            lasts = random.choice([0, 700, 1440], use.shape).astype(np.int16)
            where = random.random(use.shape) < 0.7
            given = DailyUse(homes[some], first + timedelta(days=low), use, lasts)
            window = np.ix_(some, np.arange(low, high))
            wanted = where & ((kept[window] != use) | (minutes[window] != lasts))
            merged = daily.merge_days(connection, "heat", given, where)
            np.testing.assert_array_equal(merged.changed, wanted)
            np.testing.assert_array_equal(merged.before, kept[window])
            assert not daily.write_days(connection, "heat", given, where).any()
            kept[window] = np.where(where, use, kept[window])
            minutes[window] = np.where(where, lasts, minutes[window])
            connection.commit()
            found = daily.read_days(connection, "heat", first, first + timedelta(days=days), homes)
            np.testing.assert_array_equal(found.watt_hours, kept)
            np.testing.assert_array_equal(found.minutes, minutes)
        part = daily.read_days(connection, "heat", date(2026, 1, 30), date(2026, 2, 3), homes[[9, 3, 9]])
        assert part.homes.tolist() == homes[[3, 9]].tolist()
        np.testing.assert_array_equal(part.watt_hours, kept[[3, 9], 41:45])
        every = daily.read_days(connection, "heat", first, first + timedelta(days=days))
        assert set(homes[(kept >= 0).any(axis=1)]) <= set(every.homes)
        np.testing.assert_array_equal(every.watt_hours, kept[np.isin(homes, every.homes)])
        assert daily.read_days(connection, "gas", first, date(2026, 1, 1)).watt_hours.shape == (0, 12)
        assert daily.months(connection, homes) == (date(2025, 12, 1), date(2026, 3, 1))


def test_bad_use_is_refused(each_database: str) -> None:
    with connect(each_database) as connection:
        homes = some_homes(connection, 2)
        good, minutes = np.zeros((2, 1), np.int64), np.zeros((2, 1), np.int16)
        for fuel, ids, use, words in (
            ("water", homes, good, "is no fuel"),
            ("gas", homes[::-1], good, "must rise"),
            ("gas", homes, good - 2, "lie between"),
            ("gas", homes, good + 2**31, "lie between"),
        ):
            with pytest.raises(ValueError, match=words):
                daily.write_days(connection, fuel, DailyUse(ids, FIRST, use, minutes))
        daily.touch_homes(connection, homes)
        assert daily.touched_homes(connection).what.tolist() == homes.tolist()
