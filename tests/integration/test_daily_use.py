"""From readings that the writer stores to daily use, on every kind of server, against a plain recomputation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics import daily_runner
from analytics.daily_halves import half_hours, half_hours_of_days
from analytics.daily_runner import Changed
from devices.homes import FUELS
from ingest.archive_files import Frame
from ingest.correct import FrameSource, Request, correct
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import Subscription
from store import daily, devices, series
from store.batch import Counts
from store.connect import Connection, connect
from store.copy import copy_readings
from store.daily import DailyUse
from store.times import instant
from store.writer import Writer
from tests.harness.batches import DAY, HALF_HOUR, make, query
from tests.harness.homes import add_meters, ids_of, import_homes
from tests.harness.load import rfc3339
from tests.unit.daily_reference import HOUR, Link, Meter, home_days, utc

LONDON = ZoneInfo("Europe/London")
T0 = utc("2026-03-25T00:00")  # the clocks go forward on the 29th
FIRST = date(2026, 3, 25)
GAS = 11.2
LIST = [FIRST + timedelta(days=day) for day in range(-3, 14)]
Told = dict[tuple[str, str], dict[int, float]]  # device, property -> time [us] -> value


class Energy:
    """Gas of one calorific value."""

    def gas_kwh(self, volume: float, day: date) -> float:
        return volume * GAS


class World:
    """Homes and meters in a database, and what was told of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: Told = {}
        self.batches = 0
        with connect(url) as connection:
            add_meters(connection, ["m1", "m2", "m3", "m4"])
            import_homes(
                connection,
                [
                    {"uprn": "1", "meters": "m1", "from": "2026-03-01"},
                    {"uprn": "2", "meters": "m2;m3", "from": "2026-03-28"},
                    {"uprn": "3", "meters": "m4", "from": "2026-03-01", "to": "2026-03-30"},
                ],
            )
            connection.commit()
            self.homes = [ids_of(connection, uprn, date(2026, 3, 29))[0] for uprn in "123"]

    def write(self, rows: Sequence[tuple[str, str, int, float]]) -> None:
        """Tell readings through the writer, as the collector does."""
        pairs = sorted({row[:2] for row in rows})
        with connect(self.url) as connection:
            states = series.resolve(connection, pairs)
            connection.commit()
        number = {pair: state.series for pair, state in zip(pairs, states, strict=True)}
        plain = [(number[row[:2]], row[2], row[3]) for row in rows]
        counts = Counts()
        counts.add(Counts(len(rows), len(rows), 0, 0, len(rows)))
        self.batches += 1
        batch = make(
            plain,
            number=self.batches,
            families=("smart-meter",),
            family=np.zeros(len(rows), np.uint8),
            touched=sorted({("smart-meter", instant(row[2]).date()) for row in rows}),
            counts={"smart-meter": counts},
        )
        writer = Writer(self.url)
        writer.write(batch)
        writer.close()
        for device, name, at, value in rows:
            self.told.setdefault((device, name), {}).setdefault(at, value)

    def update(self, cells: int = 5_000_000) -> set[tuple[int, str, date]]:
        """Compute until nothing is left; which (home, fuel, day) changed, as told and as seen in the table."""
        before = self.table()
        told: set[tuple[int, str, date]] = set()
        with connect(self.url) as connection:
            while True:
                found = daily_runner.update(connection, LONDON, Energy(), cells=cells)
                connection.commit()
                told |= set(changes(found))
                if not found.more:
                    break
        after = self.table()
        seen = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert {key for key in told if before.get(key, (-1, 0)) != after.get(key, (-1, 0))} == seen
        assert query(self.url, "select count(*) from touched_day where family = 'smart-meter'") == [(0,)]
        assert query(self.url, "select count(*) from personal.touched_home") == [(0,)]
        return seen

    def table(self) -> dict[tuple[int, str, date], tuple[int, int]]:
        """All days of which something is known, through the view that people read."""
        rows = query(self.url, "select home_id, fuel, day, watt_hours, minutes from personal.daily")
        known = {(row[0], row[1], row[2]): (-1 if row[3] is None else row[3], row[4]) for row in rows}
        return {key: value for key, value in known.items() if value != (-1, 0)}

    def recomputed(self) -> dict[tuple[int, str, date], tuple[int, int]]:
        """What the table must hold, from all that was told."""
        links = query(
            self.url,
            "select m.device_id, m.home_id, greatest(m.from_day, t.from_day), least(m.to_day, t.to_day)"
            " from personal.home_meter m join personal.tenancy t on t.home_id = m.home_id",
        )
        intervals = dict(query(self.url, "select id, attributes ->> 'interval' from personal.device"))
        meters = []
        for device in sorted({key[0] for key in self.told}):
            readings = {name: sorted(rows.items()) for (own, name), rows in self.told.items() if own == device}
            meter = Meter(readings, HOUR if intervals[device] == "PT1H" else HALF_HOUR)
            meter.links = [Link(*row[1:]) for row in links if row[0] == device and (row[3] is None or row[3] > row[2])]
            meters.append(meter)
        found = home_days(meters, self.homes, LIST, LONDON, GAS)
        return {key: (day.use, day.minutes) for key, day in found.items()}


def changes(found: Changed) -> Iterator[tuple[int, str, date]]:
    for home, fuel, day in zip(found.home.tolist(), found.fuel.tolist(), found.day.tolist(), strict=True):
        yield home, FUELS[fuel], date(1970, 1, 1) + timedelta(days=day)


@pytest.fixture
def world(each_database: str) -> World:
    return World(each_database)


def half_hourly(device: str, name: str, values: Sequence[float], start: int = T0) -> list[tuple[str, str, int, float]]:
    return [(device, name, start + k * HALF_HOUR, value) for k, value in enumerate(values)]


def test_whatever_comes_in_whatever_order_the_table_is_what_a_recomputation_gives(world: World) -> None:
    random = np.random.default_rng(20260329)
    waiting: list[tuple[str, str, int, float]] = []
    for device, name, step in (
        ("m1", "import_interval", 1), ("m1", "import_register", 1), ("m1", "gas_volume_register", 2),
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
        keep = random.random(count) > 0.05
        if name in ("import_interval", "gas_register"):
            keep[100:170] = False  # a gap of more than a day
        at = T0 + np.arange(count) * step * HALF_HOUR + (17_000_000 if device == "m2" else 0)
        waiting += [
            (device, name, int(when), max(0.0, round(float(value), 3)))
            for when, value in zip(at[keep], values[keep], strict=True)
        ]
    with connect(world.url) as connection:
        found = devices.get(connection, "m3")
        assert found is not None
        devices.upsert(connection, [type(found)(
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


def test_what_is_written_meanwhile_stays_noted(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 48))
    with connect(world.url) as connection:
        daily_runner.update(connection, LONDON, Energy())
        world.write(half_hourly("m1", "import_interval", [0.1] * 48, T0 + DAY))
        connection.commit()
    assert query(world.url, "select day from touched_day") == [(date(2026, 3, 26),)]
    assert {key[2] for key in world.update()} == {date(2026, 3, 26)}


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
            every = half_hours_of_days(connection, home, fuel, date(2026, 3, 26), date(2026, 3, 30), LONDON, Energy())
            assert [len(item.watt_hours) for item in every] == [48, 48, 48, 46]
            for place, item in enumerate(every):
                day = date(2026, 3, 26) + timedelta(days=place)
                assert item.watt_hours.sum() == table[home, fuel, day][0]
                assert item.minutes == (60 if fuel == "heat" else 30)
                np.testing.assert_array_equal(
                    item.watt_hours, half_hours(connection, home, fuel, day, LONDON, Energy())
                )
            assert np.isnan(half_hours(connection, home, fuel, date(2026, 6, 1), LONDON, Energy())).all()
    with connect(world.url) as connection:
        assert np.isnan(half_hours(connection, world.homes[0], "gas", date(2026, 3, 27), LONDON)).all()
        autumn = half_hours(connection, 1, "electricity", date(2026, 10, 25), LONDON)
        assert autumn.shape == (50,)


def test_half_hours_of_intervals_and_what_lacks(world: World) -> None:
    rows = half_hourly("m1", "import_interval", [round(k / 1000, 3) for k in range(96)])
    del rows[50]
    world.write(rows)
    with connect(world.url) as connection:
        found = half_hours(connection, world.homes[0], "electricity", date(2026, 3, 26), LONDON)
        wanted = [float(k) for k in range(48, 96)]
        wanted[2] = np.nan
        np.testing.assert_array_equal(found, wanted)
        other = half_hours(connection, world.homes[1], "electricity", date(2026, 3, 26), LONDON)
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


def test_what_a_meter_is_changes_its_home(world: World) -> None:
    world.write(half_hourly("m1", "import_interval", [0.1] * 47 + [20.0]))
    home = world.homes[0]
    world.update()
    assert world.table()[home, "electricity", FIRST] == (4_800, 1410)  # 40 kW is more than one phase carries

    def change(**values: object) -> None:
        with connect(world.url) as connection:
            known = devices.get(connection, "m1")
            assert known is not None
            devices.upsert(connection, [replace(known, **values)])  # type: ignore[arg-type]
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
