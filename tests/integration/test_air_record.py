"""The record of air: after every step it is what a computation of everything gives, and what a slow one gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from devices.duration import duration
from store import air, air_record
from store.connect import connect
from store.maintain import maintain
from store.times import instant, microseconds
from tests.references.air_record import Series, index_days
from tests.tools.batches import query
from tests.worlds.air_record import LONDON, AirWorld, Told, utc

_HOUR = 3_600_000_000
KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def world(database: str) -> AirWorld:
    return AirWorld(database)


def slow(world: AirWorld) -> dict[tuple[str, str], Series]:
    """The reference of all that is open now."""
    with connect(world.url) as connection:
        known = {one.id: one.attributes for one in air.monitors(connection)}
    return {
        (device, what): Series(
            what, readings, duration(known[device].get("interval")), known[device].get("hour_label") == "end"
        )
        for (device, what), readings in world.readings().items()
        if device in known and what in air.RECORDED
    }


def agrees(world: AirWorld, done: object, zone: ZoneInfo = LONDON) -> None:
    """Pages read what the reference says, of every hour and day that either knows."""
    expected = slow(world)
    stored = {
        (device, what): days for device, what, days in query(
            world.url, "select s.device_id, s.property, array_agg(a.day order by a.day) from public.air_day a"
            " join personal.series s on s.id = a.series_id group by 1, 2")
    }  # fmt: skip
    assert {
        pair: [instant(day * 24 * _HOUR).date() for day in sorted(one.by_day)] for pair, one in expected.items()
    } == stored, done
    hours = [hour for one in expected.values() for hour in one.counts]
    if hours:
        first, end = min(hours) // 24 * 24, max(hours) + 25
        names = sorted({device for device, _ in expected})
        with connect(world.url) as connection:
            span = instant(first * _HOUR), instant(end * _HOUR)
            found, quarters = air.hours(connection, names, *span), air.quarters(connection, names, *span)
        for (device, what), one in expected.items():
            place = names.index(device)
            given = [float(one.means.get(hour, "nan")) for hour in range(first, end)]
            if what == "humidity":
                np.testing.assert_allclose(found.humidity[place], given, rtol=1e-12, err_msg=str((device, done)))
                continue
            pollutant = air.POLLUTANTS.index(what)
            np.testing.assert_allclose(
                found.mean[place, pollutant], given, rtol=1e-12, err_msg=str((device, what, done))
            )
            counts = [one.counts.get(hour, 0) for hour in range(first, end)]
            assert found.captured[place, pollutant].tolist() == counts, (device, what, done)
            if what in air.INDEXED:
                index = [one.index(hour) for hour in range(first, end)]
                assert found.index[place, pollutant].tolist() == index, (device, what, done)
            if what == "so2":
                four = [float(one.quarters.get(part, "nan")) for part in range(4 * first, 4 * end)]
                np.testing.assert_allclose(quarters[place], four, rtol=1e-12, err_msg=str((device, done)))
    assert world.index_days() == index_days(expected, zone), done


class Chance:
    """Random readings and changes of five monitors over four days; in one night the clocks change.

    ``a`` does not say how often it sends, ``b`` says it, ``c`` sends hours that it labels by their end, ``d`` sends
    each five minutes and has sulphur dioxide, ``p`` is a household's.
    """

    def __init__(self, world: AirWorld, seed: int) -> None:
        self.world = world
        self.random = np.random.default_rng(seed)
        world.monitor("a")
        world.monitor("b", interval="PT10M")
        world.monitor("c", interval="PT1H", hour_label="end", class_of_instrument="reference")
        world.monitor("d", interval="PT5M")
        world.monitor("p", personal=True)
        self.steps = [
            self.tell, self.tell, self.tell, self.tell_late, self.restate, self.delete, self.interval, self.label,
            self.hide, self.erase, self.age,
        ]  # fmt: skip
        self.aged = False

    def step(self) -> str:
        """Do one thing by chance; its name."""
        chosen = self.steps[int(self.random.integers(len(self.steps)))]
        chosen()
        return chosen.__name__

    def one_of(self, *names: str) -> str:
        return names[int(self.random.integers(len(names)))]

    def series(self, device: str, start: datetime, hours: float) -> list[Told]:
        what = {"c": ("no2", "o3", "pm2_5"), "d": ("so2", "pm10"), "p": ("pm2_5",)}.get(
            device, ("pm2_5", "o3", "humidity")
        )
        minutes = {"b": 10, "c": 60, "d": 5}.get(device, int(self.random.choice((7, 10, 15))))
        start = datetime.fromtimestamp(start.timestamp() // 3600 * 3600, UTC)
        kept = float(self.random.choice((0.7, 0.8, 1.0)))
        return [
            (device, name, start + timedelta(minutes=minutes * at), round(float(self.random.gamma(2, 20)), 1))
            for name in what
            for at in range(int(hours * 60 / minutes))
            if self.random.random() < kept
        ]

    def put(self, low: int, high: int, most: int) -> None:
        start = utc("2026-03-27T00:00") + timedelta(hours=int(self.random.integers(low, high)))
        told = self.series(self.one_of("a", "b", "c", "d", "p"), start, float(self.random.integers(1, most)))
        known = {
            (device, what, time) for (device, what), readings in self.world.readings().items() for time, _ in readings
        }
        new = [row for row in told if (row[0], row[1], microseconds(row[2])) not in known]
        if new:
            self.world.write(new)

    def tell(self) -> None:
        self.put(20, 80, 40)

    def tell_late(self) -> None:
        self.put(0, 60, 4)

    def restate(self) -> None:
        """What a correction does to readings, with its note of the day."""
        self.change("update public.reading set value = value + 30 where (series_id, time) in ({some})")

    def delete(self) -> None:
        self.change("delete from public.reading where (series_id, time) in ({some})")

    def change(self, statement: str) -> None:
        day = f"2026-03-{self.random.integers(27, 31)}"
        some = (
            f"select series_id, time from public.reading where time >= '{day}T00:00Z' and time < '{day}T24:00Z'"
            " order by md5(series_id::text || time) limit 60"
        )
        with connect(self.world.url) as connection:
            connection.execute(statement.format(some=some).encode())
            connection.execute("insert into touched_day (family, day) values ('air-monitor', %s)", (day,))

    def interval(self) -> None:
        self.world.change(self.one_of("a", "b"), interval=self.one_of("PT10M", "PT15M", "PT2H", "") or None)

    def label(self) -> None:
        self.world.change("c", hour_label=self.one_of("begin", "end"))

    def hide(self) -> None:
        hidden = query(self.world.url, "select personal from personal.device where id = 'b'") == [(True,)]
        self.world.change("b", personal=not hidden)

    def erase(self) -> None:
        """What the erasure of a household does that had the monitor for some hours."""
        start = utc("2026-03-27T00:00") + timedelta(hours=int(self.random.integers(0, 70)))
        device = self.one_of("a", "d")
        erase(self.world, device, start, start + timedelta(hours=20))

    def age(self) -> None:
        """Readings before the 28th go, once: the hours of it stay."""
        if not self.aged:
            self.aged = True
            self.world.update()
            with connect(self.world.url, autocommit=True) as connection:
                maintain(connection, {"air-monitor": 3}, utc("2026-03-31T07:00"))


def erase(world: AirWorld, device: str, start: datetime, end: datetime) -> None:
    """Delete what there is of a monitor in a period, as the erasure of a tenancy does."""
    from collections import Counter

    from store.erasure import _meter

    with connect(world.url) as connection:
        air_record.lock(connection)
        _meter(connection, Counter(), device, (start, end), ())


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_in_whatever_order_the_record_is_what_a_computation_of_everything_gives(
    world: AirWorld, seed: int
) -> None:
    chance = Chance(world, seed)
    chance.tell()
    done: list[str] = []
    for number in range(12):
        done.append(chance.step())
        world.update(cells=20_000 if number % 2 else 3)
        found, whole = world.record(), world.recomputed()
        for table, rows in whole.items():
            assert found[table] == rows, (table, done)
        if not chance.aged:
            agrees(world, done)
    assert world.record()["public.air_day"], done
