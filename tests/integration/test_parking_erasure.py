"""A household's bay: what is known of it goes with the tenancy, and the bay stays the council's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from store import erasure, homes_import, registry, subject, tombstones
from store.connect import Connection, connect
from tests.tools.batches import query
from tests.worlds.household import KEY, NOW, ZONE, Household, add, device
from tests.worlds.parking_record import ParkingWorld, every, utc

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.25, date(2026, 3, 1))
LAST = date(2026, 3, 6)
DAYS = "select bay_id, day::text from personal.bay_day order by bay_id, day"


class Bays(ParkingWorld):
    """Anna's bay and her neighbour's, occupied each night from the 2nd on."""

    def __init__(self, url: str, to_day: date | None) -> None:
        super().__init__(url)
        with connect(url) as connection:
            self.tenancy = add(connection, replace(ANNA, to_day=to_day))
        self.devices(["anna", "bert"])
        for name in ("anna", "bert"):
            self.bay(f"bay-{name}", personal=True)
            self.link(f"bay-{name}", name, "2026-02-01T00:00")
            self.write(every("2026-03-02T08:00", 720, [0, 1] * 7, name))
        self.do("update personal.bay set home_id = (select id from personal.home) where id = 'bay-anna'")
        self.update()
        for name in ("anna", "bert"):
            self.do(
                "insert into personal.visit_outcome (token, bay_id, arrival, at, outcome, minutes_over)"
                " values (%s, %s, '2026-03-04T20:00Z', '2026-03-04T21:00Z', 'gone', 9)",
                name, f"bay-{name}",
            )  # fmt: skip

    def erase(self) -> dict[str, int]:
        """Erase the tenancy, as the database's part of it does."""
        with connect(self.url, autocommit=True) as connection:
            plan = erasure.plan(connection, self.tenancy, ZONE)
            assert plan is not None
            with connection.transaction():
                erasure.bury(connection, KEY, plan)
            with connection.transaction():
                return dict(erasure.erase(connection, KEY, plan))


@pytest.mark.parametrize("to_day", [None, LAST])
def test_a_households_bay_forgets_its_time_and_no_other(database: str, to_day: date | None) -> None:
    world = Bays(database, to_day)
    ended = 9 if to_day is None else 6
    before = [row for row in query(database, DAYS) if row[0] == "bay-bert"]
    done = world.erase()
    assert done["personal.visit_outcome"] == 1
    left = [
        (f"bay-{name}", f"2026-03-0{day}") for name, first in (("anna", ended), ("bert", 2)) for day in range(first, 9)
    ]
    assert query(database, DAYS) == left
    arrivals = query(database, "select arrival from personal.stay where bay_id = 'bay-anna' order by 1")
    assert all(row[0] >= datetime(2026, 3, ended, tzinfo=UTC) for row in arrivals)
    assert query(database, "select bay_id from personal.visit_outcome") == [("bay-bert",)]
    assert query(database, "select bay_id, device_id from personal.bay_sensor order by 1") == [
        ("bay-anna", "anna"), ("bay-bert", "bert")
    ]  # fmt: skip
    # what was read before goes with it, so that nothing of it is computed again
    world.update()
    assert world.record() == world.recomputed()
    assert [row for row in query(database, DAYS) if row[0] == "bay-bert"] == before
    first = query(database, "select min(arrival) from personal.stay where bay_id = 'bay-anna'")[0][0]
    assert (first is None) == (to_day is None)
    # and what comes late of it is refused
    with connect(database) as connection:
        stones, _ = tombstones.load(connection, KEY)
    (stone,) = [one for one in stones if one.mark == tombstones.mark(KEY, "anna")]
    assert (stone.end is None) == (to_day is None)
    assert not stone.gone


def test_the_next_tenancy_ends_the_tombstone_of_its_bays_sensor(database: str) -> None:
    world = Bays(database, None)
    with connect(database) as connection:
        # the home stays, for others lived there before
        other = Household(ANNA.uprn, "meter-old", "Old Tenant", ANNA.street, 0.5, date(2025, 1, 1), date(2025, 6, 1))
        add(connection, other)
    world.erase()
    with connect(database) as connection:
        new = Household(ANNA.uprn, "meter-new", "Carl Underhay", ANNA.street, 0.5, date(2026, 4, 1))
        registry.add(connection, [device(new)])
        plan = homes_import.import_rows(connection, [new.row()], NOW)
        assert not plan.problems
        assert tombstones.begin(connection, KEY, plan.tenancies, ZONE) == 2, "the home's old meter's too"
        stones, _ = tombstones.load(connection, KEY)
    (stone,) = [one for one in stones if one.mark == tombstones.mark(KEY, "anna")]
    assert stone.end == round((utc("2026-04-01T00:00") - timedelta(hours=1)).timestamp()) * 1_000_000


def test_a_bay_that_gets_another_home_has_its_sensor_again(database: str) -> None:
    """The home went with its last tenancy, and the bay stayed."""
    world = Bays(database, None)
    world.erase()
    with connect(database) as connection:
        assert tombstones.begin_bays(connection, KEY, NOW) == 0, "whose it is, nobody knows"
        new = Household("100021048399", "meter-new", "Carl Underhay", "5 Nightjar Row", 0.5, date(2026, 6, 1))
        add(connection, new)
        connection.execute("update personal.bay set home_id = (select id from personal.home) where id = 'bay-anna'")
        assert tombstones.begin_bays(connection, KEY, NOW) == 1
        assert tombstones.begin_bays(connection, KEY, NOW) == 0
        stones, _ = tombstones.load(connection, KEY)
    ends = {one.mark: one.end for one in stones if one.kind == "meter"}
    assert ends[tombstones.mark(KEY, "anna")] == round(NOW.timestamp()) * 1_000_000
    assert ends[tombstones.mark(KEY, ANNA.meter)] is None


def test_a_device_that_goes_takes_its_links_and_days_along(database: str) -> None:
    """A household's own sensor, which is linked to its home like a meter."""
    world = Bays(database, None)
    world.do("update personal.bay set home_id = null")
    link = "insert into personal.home_meter (device_id, from_day, home_id) select 'anna', '2026-03-01', id"
    world.do(f"{link} from personal.home")
    done = world.erase()
    assert done["personal.bay_sensor"] == 1
    for table in ("bay_day", "stay", "visit_outcome", "bay_sensor"):
        assert query(database, f"select count(*) from personal.{table} where bay_id = 'bay-anna'") == [(0,)]
        assert query(database, f"select count(*) from personal.{table} where bay_id = 'bay-bert'") != [(0,)]
    assert query(database, "select id from personal.device where id = 'anna'") == []
    world.update()
    assert world.record() == world.recomputed()


@pytest.mark.parametrize("to_day", [None, LAST])
def test_a_subject_gets_what_is_known_of_the_own_bay_and_no_other(database: str, to_day: date | None) -> None:
    world = Bays(database, to_day)
    with connect(database) as connection:
        plan = erasure.plan(connection, world.tenancy, ZONE)
        assert plan is not None

        @contextmanager
        def opened() -> Iterator[Connection]:
            yield connection

        found = subject.everything(opened, plan)
        tables = {}
        for name in ("bays", "bay_days", "bay_stays", "bay_visits", "readings"):
            read = found[name]
            assert callable(read)
            tables[name] = [row for rows in read() for row in rows]
    last = 8 if to_day is None else 5
    assert {row["bay"] for name in ("bays", "bay_days", "bay_stays", "bay_visits") for row in tables[name]} == {
        "bay-anna"
    }
    assert [row["day"].day for row in tables["bay_days"]] == list(range(2, last + 1))
    assert [row["outcome"] for row in tables["bay_visits"]] == ["gone"]
    stays = [(row["arrival"], row["departure"]) for row in tables["bay_stays"]]
    assert stays[0] == (utc("2026-03-02T20:00"), utc("2026-03-03T08:00"))
    assert stays[-1] == (
        (utc("2026-03-08T20:00"), None) if to_day is None else (utc("2026-03-05T20:00"), utc("2026-03-06T00:00"))
    )
    assert "anna" in {row["device"] for row in tables["readings"]}
    assert "bert" not in {row["device"] for row in tables["readings"]}
