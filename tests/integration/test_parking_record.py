"""The record of parking on every kind of server: after every step it is what a computation of everything gives."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from psycopg import errors

from analytics.parking import runner
from analytics.parking.days import ParkingOptions
from borough import cli
from store import parking, series, session_lock
from store.connect import connect
from store.maintain import maintain
from store.times import instant
from tests.tools.batches import query
from tests.worlds.parking_record import OPTIONS, ParkingWorld, every, utc

FRIDAY = date(2026, 3, 27)


@pytest.fixture
def world(each_database: str) -> ParkingWorld:
    return ParkingWorld(each_database)


@pytest.fixture
def timescale_world(database: str) -> ParkingWorld:
    """For what does not hang on the kind of server."""
    return ParkingWorld(database)


def test_a_connection_in_autocommit_is_refused(database: str) -> None:
    """Its stage would be empty when it is merged, and the days be written as if nothing was known."""
    with connect(database, autocommit=True) as connection, pytest.raises(ValueError, match="autocommit"):
        runner.run(connection, OPTIONS)


def test_a_stay_over_midnight_stands_under_its_arrival_and_is_repaired_by_late_readings(world: ParkingWorld) -> None:
    world.devices(["s1", "s2"])
    world.bay("b1")
    world.bay("b2")
    world.link("b1", "s1", "2026-03-01T00:00")
    world.link("b2", "s2", "2026-03-01T00:00")
    world.write([("s1", utc("2026-03-27T10:00"), 0), ("s1", utc("2026-03-27T22:00"), 1)])
    world.update()
    assert world.stays()[0][:5] == ("b1", utc("2026-03-27T22:00"), None, "reading", "lasts")
    assert world.day("b1", FRIDAY) == ([0] * 22 + [0, 0], [0] * 10 + [60] * 12 + [0] * 2, [0] * 24)
    world.write([("s2", utc("2026-03-28T15:00"), 0)])
    world.update()
    assert world.stays()[0][:5] == ("b1", utc("2026-03-27T22:00"), None, "reading", "lasts"), "17 hours are no silence"
    world.write([("s2", utc("2026-03-29T00:30"), 0)])
    world.update()
    assert world.stays()[0][:5] == ("b1", utc("2026-03-27T22:00"), utc("2026-03-28T23:00"), "reading", "silent")
    # it was free before midnight after all
    world.write([("s1", utc("2026-03-27T23:30"), 0)])
    world.update()
    assert world.stays() == [("b1", utc("2026-03-27T22:00"), utc("2026-03-27T23:30"), "reading", "reading", None, 0, 0)]
    assert world.record() == world.recomputed()


class Chance:
    """Random events, links and rules of four bays and five sensors, over four days; on Sunday the clocks change."""

    def __init__(self, world: ParkingWorld, seed: int) -> None:
        self.world = world
        self.random = np.random.default_rng(seed)
        world.devices(["s1", "s2", "s3"])
        world.devices(["s4", "s5"], heartbeat="PT2H")
        for number, zone in enumerate(("north", "north", "south", "south"), 1):
            world.bay(f"b{number}", zone, personal=number == 4)
        for number in (1, 2, 4):
            world.link(f"b{number}", f"s{number}", "2026-03-26T12:00")
        world.restrict("b1", 480, 1080, 60)
        world.restrict("b2", 0, 1440, 120)
        world.restrict("b4", 600, 720, 30, event_days="only")
        self.steps = [
            self.tell, self.tell, self.tell, self.tell_early, self.swap, self.unlink, self.restrict, self.suspend,
            self.permit, self.event_day, self.move, self.hide, self.beat,
        ]  # fmt: skip

    def at(self, low: float = 0, high: float = 96) -> str:
        minutes = int(self.random.integers(int(low * 60), int(high * 60)))
        return (utc("2026-03-27T00:00") + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")

    def one_of(self, *names: str) -> str:
        return names[int(self.random.integers(len(names)))]

    def step(self) -> str:
        """Do one thing by chance; its name."""
        chosen = self.steps[int(self.random.integers(len(self.steps)))]
        chosen()
        return chosen.__name__

    def tell(self, low: float = 0) -> None:
        count = int(self.random.integers(1, 25))
        begin = float(self.random.uniform(low, 80))
        self.world.write([
            (self.one_of("s1", "s2", "s3", "s4", "s5"), utc(self.at(begin, begin + self.random.integers(1, 16))),
             int(self.random.integers(2)))
            for _ in range(count)
        ])  # fmt: skip

    def tell_early(self) -> None:
        self.tell(-30)

    def swap(self) -> None:
        bay, device, when = self.one_of("b1", "b2", "b3"), self.one_of("s3", "s5"), self.at()
        if query(self.world.url, f"select 1 from personal.bay_sensor where device_id = '{device}'"):
            return
        self.world.do("delete from personal.bay_sensor where bay_id = %s and start >= %s", bay, utc(when))
        self.world.do("update personal.bay_sensor set stop = %s where bay_id = %s and (stop is null or stop > %s)",
                      utc(when), bay, utc(when))  # fmt: skip
        self.world.link(bay, device, when)

    def unlink(self) -> None:
        newest = "select bay_id, start from personal.bay_sensor where bay_id <> 'b2' order by start desc limit 1"
        self.world.do(f"delete from personal.bay_sensor where (bay_id, start) in ({newest})")

    def restrict(self) -> None:
        bay = self.one_of("b1", "b2", "b3")
        self.world.do("delete from personal.bay_restriction where bay_id = %s", bay)
        self.world.restrict(bay, 480, 720, 30, bank_holidays="off")
        self.world.restrict(bay, 720, 1200, int(self.random.integers(20, 200)))

    def suspend(self) -> None:
        self.closed("suspension", "reason")

    def permit(self) -> None:
        self.closed("permit", "kind")

    def closed(self, table: str, word: str) -> None:
        start = self.at()
        self.world.do(
            f"insert into personal.bay_{table} (bay_id, start, stop, {word}) values (%s, %s, %s, 'x')"
            " on conflict (bay_id, start) do nothing",
            self.one_of("b1", "b2", "b3", "b4"), utc(start), utc(start) + timedelta(hours=self.random.uniform(1, 9)),
        )  # fmt: skip

    def event_day(self) -> None:
        if not query(self.world.url, "select 1 from event_day"):
            self.world.do("insert into event_day (zone, day, name) values ('south', '2026-03-28', 'match')")
        else:
            self.world.do("delete from event_day")

    def move(self) -> None:
        self.world.do("update personal.bay set zone = %s where id = %s", self.one_of("north", "south", "east"),
                      self.one_of("b1", "b2"))  # fmt: skip

    def hide(self) -> None:
        self.world.do("update personal.bay set personal = not personal where id = 'b2'")

    def beat(self) -> None:
        self.world.heartbeat(self.one_of("s1", "s2"), self.one_of("PT1H", "PT6H"))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_whatever_order_the_record_is_what_a_computation_of_everything_gives(
    timescale_world: ParkingWorld, seed: int
) -> None:
    chance = Chance(timescale_world, seed)
    chance.tell()
    done = []
    for number in range(10):
        done.append(chance.step())
        timescale_world.update(cells=100_000 if number % 2 else 3)
        found, whole = timescale_world.record(), timescale_world.recomputed()
        for table, rows in whole.items():
            assert found[table] == rows, (table, done)
        assert [row[:5] for row in timescale_world.stays()] == timescale_world.in_one_piece(), done
    assert timescale_world.record()["personal.bay_day"]


@pytest.fixture
def two_bays(timescale_world: ParkingWorld) -> ParkingWorld:
    """Two bays with sensors from 1 March on, an hour from 08:00 to 18:00 in the first; one is a household's."""
    timescale_world.devices(["s1", "s2", "s3"])
    timescale_world.bay("b1")
    timescale_world.bay("b2", personal=True)
    timescale_world.link("b1", "s1", "2026-03-01T00:00")
    timescale_world.link("b2", "s2", "2026-03-01T00:00")
    timescale_world.restrict("b1", 480, 1080, 60)
    return timescale_world


def test_a_bay_that_is_occupied_for_forty_days_is_stuck_after_28(two_bays: ParkingWorld) -> None:
    two_bays.write(every("2026-03-02T12:00", 1_200, [0, *[1] * 48], "s1"))
    two_bays.update(cells=5)
    began = utc("2026-03-03T08:00")
    ((_, arrival, departure, begins, ends, over_from, over, _),) = two_bays.stays()
    assert (arrival, departure, begins, ends) == (began, began + timedelta(days=28), "reading", "stuck")
    assert over_from == began + timedelta(hours=1)
    # 9 hours of each day, and the hour after 08:00 of the 28th day's morning: summer time began on the 29th
    assert over == (28 * 9 * 60 - 60) * 60 + 3_600
    assert two_bays.record() == two_bays.recomputed()
    two_bays.write([("s1", utc("2026-03-20T03:00"), 0)])
    two_bays.update()
    assert [row[4] for row in two_bays.stays()] == ["reading", "lasts"]
    assert two_bays.record() == two_bays.recomputed()


def test_days_without_a_sensor_have_no_row_and_a_swap_keeps_the_bay(two_bays: ParkingWorld) -> None:
    two_bays.write([("s1", utc("2026-03-02T08:00"), 0), ("s1", utc("2026-03-02T09:00"), 1)])
    two_bays.write([("s3", utc("2026-03-05T10:00"), 1), ("s3", utc("2026-03-05T12:00"), 0)])
    two_bays.update()
    two_bays.do("update personal.bay_sensor set stop = '2026-03-02T20:00Z' where bay_id = 'b1'")
    two_bays.link("b1", "s3", "2026-03-05T07:00")
    two_bays.update()
    assert [row[:5] for row in two_bays.stays()] == [
        ("b1", utc("2026-03-02T09:00"), utc("2026-03-02T20:00"), "reading", "swapped"),
        ("b1", utc("2026-03-05T10:00"), utc("2026-03-05T12:00"), "unknown", "reading"),
    ]
    days = query(two_bays.url, "select day::text from personal.bay_day order by day")
    assert days == [("2026-03-02",), ("2026-03-05",)]
    assert two_bays.record() == two_bays.recomputed()


def test_a_setting_that_changes_has_all_days_computed_again(two_bays: ParkingWorld) -> None:
    two_bays.write([("s1", utc("2026-03-02T10:00"), 0), ("s1", utc("2026-03-02T11:00"), 1)])
    two_bays.write([("s1", utc("2026-03-02T12:04"), 0)])
    two_bays.update()
    assert [row[6] for row in two_bays.stays()] == [0], "four minutes are within the grace"
    strict = replace(OPTIONS, grace=0)
    assert two_bays.update(options=strict).stays == 1
    assert [row[5:7] for row in two_bays.stays()] == [(utc("2026-03-02T12:00"), 240)]
    assert two_bays.update(options=strict).stays == 0
    two_bays.do("update personal.bay_sensor set stop = '2026-03-03T00:00Z'")
    two_bays.update(options=strict)
    assert two_bays.record() == two_bays.recomputed(strict)


def test_what_pages_read(two_bays: ParkingWorld) -> None:
    two_bays.devices(["s4"])
    with connect(two_bays.url) as connection:
        nothing = parking.latest_states(connection)
        assert (nothing.bays, parking.open_stays(connection).bays) == (["b1", "b2"], [])
        assert parking.recorded_to(connection) is None
        (battery,) = series.resolve(connection, [("s1", "battery")])
        connection.execute("insert into latest values (%s, '2026-03-02T07:00Z', 64, now())", (battery.series,))
    two_bays.write([("s1", utc("2026-03-02T08:00"), 0), ("s1", utc("2026-03-02T09:00"), 1)])
    two_bays.write([("s2", utc("2026-03-02T08:00"), 0), ("s2", utc("2026-03-02T13:00"), 1)])
    two_bays.update()
    with connect(two_bays.url) as connection:
        found = parking.latest_states(connection)
        states = {
            bay: (device, instant(time), value, battery)
            for bay, device, time, value, battery in zip(
                found.bays,
                found.devices,
                found.time.tolist(),
                found.value.tolist(),
                found.battery.tolist(),
                strict=True,
            )
        }
        assert states["b1"] == ("s1", utc("2026-03-02T09:00"), 1.0, 64.0)
        assert states["b2"][:3] == ("s2", utc("2026-03-02T13:00"), 1.0)
        assert np.isnan(states["b2"][3])
        assert (found.arrival > found.time).all()
        open_ = parking.open_stays(connection)
        assert dict(zip(open_.bays, open_.over.tolist(), strict=True)) == {"b1": 3 * 3_600, "b2": 0}
        assert open_.departure.tolist() == [-1, -1]
        day = date(2026, 3, 2)
        start, end = utc("2026-03-02T00:00"), utc("2026-03-03T00:00")
        assert parking.stays(connection, start, end).bays == ["b1", "b2"]
        assert parking.stays(connection, start, end, personal=False).bays == ["b1"]
        assert parking.stays(connection, start, end, zones=["south"]).bays == []
        over = parking.stays(connection, start, end, over=True)
        assert [instant(moment) for moment in over.over_from.tolist()] == [utc("2026-03-02T10:00")]
        (zone,) = parking.zone_days(connection, day, day + timedelta(days=1))
        assert (zone.zone, zone.bays) == ("north", 1), "the other is a household's"
        assert zone.quarters.shape == (96, 4)
        assert zone.quarters.sum(axis=0).tolist() == [4 * 3_600, 3_600, 0, 19 * 3_600]
        assert np.flatnonzero(zone.arrivals).tolist() == [36]
        assert parking.zone_days(connection, day, day + timedelta(days=1), ["south"]) == []
        (own,) = parking.bay_days(connection, "b2", day, day + timedelta(days=1))
        assert own.quarters.sum(axis=0).tolist() == [0, 5 * 3_600_000, 0], "until the newest reading, and no further"
        assert (own.arrivals, own.repeated) == (1, 0)
        assert parking.recorded_to(connection) == utc("2026-03-02T13:00") + timedelta(microseconds=1)


def test_the_record_ends_with_its_readings_retention_and_zones_stay(two_bays: ParkingWorld) -> None:
    now = utc("2026-03-20T12:00")
    told = every("2026-03-02T08:00", 360, [0, 1] * 36, "s1")
    two_bays.write(told)
    two_bays.update()
    zones = query(two_bays.url, "select * from zone_day order by day")
    with connect(two_bays.url, autocommit=True) as connection:
        report = maintain(connection, {"parking-bay": 10}, now)
    # up to noon of the 10th: that day's row stays, for the next one begins with its end
    days = query(two_bays.url, "select min(day)::text from personal.bay_day")
    assert (report.bay_days, days) == (7, [("2026-03-09",)])
    first = query(two_bays.url, "select min(departure) from personal.stay")
    assert (report.stays, first) == (16, [(utc("2026-03-10T20:00"),)])
    assert query(two_bays.url, "select * from zone_day order by day") == zones
    kept = replace(OPTIONS, floor=date(2026, 3, 11))
    before = two_bays.record()
    two_bays.do("insert into personal.touched_bay (bay_id) values ('b1')")
    two_bays.do("insert into touched_day (family, day) values ('parking-bay', '2026-03-04')")
    two_bays.update(options=kept)
    assert two_bays.record() == before, "what is computed from readings that are gone stays as it was"


def test_borough_analyse_keeps_the_record_and_says_so(
    two_bays: ParkingWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", two_bays.url)
    assert cli.run(["analyse"]) == 0
    assert "Parking" not in capsys.readouterr().out, "nothing was ever heard"
    two_bays.write([("s1", utc("2026-03-02T08:00"), 0), ("s1", utc("2026-03-02T09:00"), 1)])
    two_bays.write([("s1", utc("2026-03-02T09:30"), 0)])
    assert cli.run(["analyse", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parking"] == {"days": 1, "stays": 1, "zones": 1, "recorded_to": "2026-03-02T09:30:00.000001+00:00"}
    assert cli.run(["analyse"]) == 0
    (line,) = [text for text in capsys.readouterr().out.splitlines() if "Parking" in text]
    assert line == "Parking is recorded to 2026-03-02 09:30:00 UTC. Changed: 0 days of bays, 0 stays, 0 days of zones."
    with connect(two_bays.url) as connection:
        assert session_lock.take(connection, ["analyse parking"])
        connection.commit()
        assert cli.run(["analyse"]) == 1
        assert "another analysis is running" in capsys.readouterr().err
    # the days of another place begin elsewhere
    monkeypatch.setenv("BOROUGH_TIME_ZONE", "Asia/Tokyo")
    assert cli.run(["analyse"]) == 1
    assert cli.run(["analyse", "--change-zone"]) == 0
    tokyo = ParkingOptions(ZoneInfo("Asia/Tokyo"))
    assert two_bays.record() == two_bays.recomputed(tokyo)
    assert two_bays.day("b1", date(2026, 3, 2)) == ([0] * 18 + [30] + [0] * 5, [0] * 17 + [60] + [0] * 6, [0] * 24)


def test_two_at_once_wait_for_each_other(two_bays: ParkingWorld) -> None:
    two_bays.write([("s1", utc("2026-03-02T08:00"), 0)])
    with connect(two_bays.url) as first, connect(two_bays.url, lock_timeout=0.2) as second:
        runner.update(first, OPTIONS)
        with pytest.raises(errors.LockNotAvailable):
            runner.update(second, OPTIONS)
        second.rollback()
        first.commit()
        assert runner.update(second, OPTIONS) == runner.ParkingSummary(
            recorded_to=utc("2026-03-02T08:00") + timedelta(microseconds=1)
        )


def test_the_worked_day_of_the_reference(timescale_world: ParkingWorld) -> None:
    """docs/reference/parking.md says the same."""
    world = timescale_world
    world.devices(["s1"], heartbeat="PT6H")
    world.bay("b1")
    world.link("b1", "s1", "2026-03-01T00:00")
    world.restrict("b1", 480, 1110, 60, days=0b0111111)
    world.do("insert into personal.bay_suspension values ('b1', '2026-03-27T13:00Z', '2026-03-27T14:30Z', 'filming')")
    told = "26T18:00 0, 27T07:40 1, 27T08:50 0, 27T09:10 1, 27T10:12 0, 27T10:30 1, 27T12:05 0, 27T14:00 1, 27T15:00 1,"
    told += " 27T15:10 1, 27T15:20 0, 27T17:50 1, 27T23:50 1, 28T05:50 1, 28T09:20 0"
    world.write([("s1", utc(f"2026-03-{one[:8]}"), int(one[-1])) for one in told.split(", ")])
    world.update()
    found = [
        (f"{row[1]:%H:%M} {row[2]:%d %H:%M}", *row[3:5], row[5] and f"{row[5]:%d %H:%M}", row[6] // 60, row[7] // 60)
        for row in world.stays()
    ]
    assert found == [
        ("07:40 27 08:50", "reading", "reading", None, 0, 0),
        ("09:10 27 10:12", "reading", "reading", None, 0, 0),
        ("10:30 27 12:05", "reading", "reading", "27 11:30", 35, 0),
        ("14:00 27 15:20", "reading", "reading", None, 0, 30),
        ("17:50 28 09:20", "reading", "reading", "28 09:00", 20, 0),
    ]
    with connect(world.url) as connection:
        (day,) = parking.bay_days(connection, "b1", FRIDAY, FRIDAY + timedelta(days=1))
        (zone,) = parking.zone_days(connection, FRIDAY, FRIDAY + timedelta(days=1))
    assert (day.quarters.sum(axis=0) / 60_000).tolist() == [647, 703, 90]
    assert (day.arrivals, day.repeated) == (5, 1)
    assert (zone.quarters.sum(axis=0) / 60).tolist() == [647, 703, 90, 0]
    assert zone.arrivals.sum() == 5
