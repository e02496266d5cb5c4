"""The record of parking on every kind of server: after every step it is what a computation of everything gives."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from tests.tools.batches import query
from tests.worlds.parking_record import ParkingWorld, utc

FRIDAY = date(2026, 3, 27)


@pytest.fixture
def world(each_database: str) -> ParkingWorld:
    return ParkingWorld(each_database)


@pytest.fixture
def timescale_world(database: str) -> ParkingWorld:
    """For what does not hang on the kind of server."""
    return ParkingWorld(database)


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


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens_in_whatever_order_the_record_is_what_a_computation_of_everything_gives(
    timescale_world: ParkingWorld, seed: int
) -> None:
    chance = Chance(timescale_world, seed)
    chance.tell()
    done = []
    for number in range(25):
        done.append(chance.step())
        timescale_world.update(cells=100_000 if number % 2 else 3)
        found, whole = timescale_world.record(), timescale_world.recomputed()
        for table, rows in whole.items():
            assert found[table] == rows, (table, done)
        assert [row[:5] for row in timescale_world.stays()] == timescale_world.in_one_piece(), done
    assert found["personal.bay_day"]
