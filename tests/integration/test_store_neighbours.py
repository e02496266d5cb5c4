"""Homes as arrays on every kind of server: who is asked about when, cells fixed and read back, comparisons written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from devices.homes import HomeDetails, Reason, State
from store import cells as neighbours
from store import comparisons, homes
from store.cells import StoredCells, days_since_epoch
from store.comparisons import Rows, Run
from store.connect import Connection, connect
from tests.worlds.homes import add_meters, ids_of, import_homes

STEPS = ("area-15", "none")
Q2 = (date(2026, 4, 1), date(2026, 7, 1), datetime(2026, 3, 31, 23, tzinfo=UTC), datetime(2026, 6, 30, 23, tzinfo=UTC))


@pytest.fixture
def connection(each_database: str) -> Iterator[Connection]:
    """Homes 1 to 6 with meters m1 to m6."""
    with connect(each_database) as connection:
        add_meters(connection, [f"m{number}" for number in range(1, 6)])
        add_meters(connection, ["m6"], "simulated")
        import_homes(
            connection,
            [
                {"uprn": "1", "meters": "m1", "floor_area": "80"},
                {"uprn": "2", "meters": "m2", "heating": "heat-network", "heat_network": "N", "floor_area": ""},
                {"uprn": "3", "meters": "m3", "consent_comparison": ""},
                {"uprn": "4", "meters": "m4", "to": "2026-05-10"},
                {"uprn": "4", "meters": "m4", "from": "2026-05-10", "consent_comparison": ""},
                {"uprn": "5", "meters": "m5", "from": "2026-06-01", "consent_comparison": ""},
                {"uprn": "6", "meters": "m6", "lon": "-0.2"},
            ],
            datetime(2026, 4, 15, tzinfo=UTC),
        )
        for uprn, given in (("4", datetime(2026, 5, 11, tzinfo=UTC)), ("5", datetime(2026, 7, 2, tzinfo=UTC))):
            _, tenancy = ids_of(connection, uprn, given.date())
            assert homes.give_consent(connection, tenancy, "comparison", "paper", given)
        yield connection


def home(connection: Connection, uprn: int) -> int:
    found = homes.by_uprn(connection, str(uprn))
    assert found is not None
    return found.id


def by_uprn(connection: Connection, ids: np.ndarray) -> set[int]:
    known = {home(connection, number): number for number in range(1, 7)}
    return {known[number] for number in ids.tolist()}


def test_residents_live_there_throughout(connection: Connection) -> None:
    end = datetime(2026, 5, 17, 23, tzinfo=UTC)
    found = neighbours.residents(connection, date(2026, 5, 4), date(2026, 5, 18), end)
    assert by_uprn(connection, found.home) == {1, 2, 3, 6}, "the fourth changed, the fifth came later"
    assert (np.diff(found.home) > 0).all()
    assert by_uprn(connection, found.home[found.consent]) == {1, 2, 6}
    place, there = neighbours.find_rows(found.home, np.array([home(connection, 1), 5]))
    assert there.tolist() == [True, False]
    assert found.since[place[0]] == days_since_epoch(date(2025, 1, 1))
    assert found.tenancy[place[0]] == ids_of(connection, "1", date(2026, 5, 4))[1]
    # the tenancy's last day is not in it: up to there, and from there
    until = neighbours.residents(connection, date(2026, 5, 3), date(2026, 5, 10), end)
    assert 4 in by_uprn(connection, until.home[until.consent])
    after = neighbours.residents(connection, date(2026, 5, 10), date(2026, 5, 18), end)
    assert 4 in by_uprn(connection, after.home[after.consent])
    earlier = neighbours.residents(connection, date(2026, 5, 10), date(2026, 5, 11), datetime(2026, 5, 10, tzinfo=UTC))
    assert 4 not in by_uprn(connection, earlier.home[earlier.consent]), "agreed after the period"


def test_who_withdrew_does_not_agree_and_who_agreed_again_does(connection: Connection) -> None:
    _, tenancy = ids_of(connection, "1", date(2026, 5, 4))
    period = (date(2026, 5, 4), date(2026, 5, 11), datetime(2026, 5, 10, 23, tzinfo=UTC))
    homes.withdraw_consent(connection, tenancy, "comparison", datetime(2026, 6, 1, tzinfo=UTC))
    found = neighbours.residents(connection, *period)
    assert 1 not in by_uprn(connection, found.home[found.consent])
    assert 1 not in by_uprn(connection, neighbours.candidates(connection, *Q2).home)
    homes.give_consent(connection, tenancy, "comparison", "page", datetime(2026, 5, 1, tzinfo=UTC))
    homes.give_consent(connection, tenancy, "evaluation", "page", datetime(2026, 5, 1, tzinfo=UTC))
    found = neighbours.residents(connection, *period)
    assert 1 in by_uprn(connection, found.home[found.consent])


def test_origins(connection: Connection) -> None:
    found, simulated = neighbours.origins(connection)
    assert by_uprn(connection, found) == {1, 2, 3, 4, 5, 6}
    assert by_uprn(connection, found[simulated]) == {6}


def test_candidates_of_a_quarter(connection: Connection) -> None:
    found = neighbours.candidates(connection, *Q2)
    assert by_uprn(connection, found.home) == {1, 2, 4, 6}, "who lived there when the quarter began had agreed"
    names = {home(connection, number): number for number in (1, 2, 4, 6)}
    what = {
        names[int(one)]: (found.groups[group], None if np.isnan(area) else area, lon)
        for one, group, area, lon in zip(found.home, found.group, found.area, found.lon, strict=True)
    }
    assert what[1] == (("terraced", "gas", None), 80.0, -0.1)
    assert what[2] == (("terraced", "heat-network", "N"), None, -0.1)
    assert what[6] == (("terraced", "gas", None), 90.0, -0.2)
    only = neighbours.candidates(connection, *Q2, np.sort(np.array([home(connection, 1), home(connection, 3)])))
    assert by_uprn(connection, only.home) == {1}


def test_details_count_as_known_when_the_quarter_begins_else_the_first_known(connection: Connection) -> None:
    one = home(connection, 1)

    def group_of(start: date, end: date) -> tuple[str, str, str | None]:
        begin, over = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, end))
        found = neighbours.candidates(connection, start, end, begin, over)
        return found.groups[int(found.group[found.home.tolist().index(one)])]

    changed = HomeDetails("flat", "electric", None, 50.0)
    homes.change_details(connection, one, changed, "resident", datetime(2026, 5, 20, tzinfo=UTC))
    homes.change_details(
        connection, one, replace(changed, dwelling="bungalow"), "assist", datetime(2026, 8, 1, tzinfo=UTC)
    )
    assert group_of(date(2026, 1, 1), date(2026, 4, 1)) == ("terraced", "gas", None), "the first that is known"
    assert group_of(date(2026, 4, 1), date(2026, 7, 1)) == ("terraced", "gas", None), "fixed at its start"
    assert group_of(date(2026, 7, 1), date(2026, 10, 1)) == ("flat", "electric", None)
    assert group_of(date(2026, 10, 1), date(2027, 1, 1)) == ("bungalow", "electric", None)
    kinds = neighbours.kinds(connection, datetime(2026, 7, 1, tzinfo=UTC))
    place = kinds.home.tolist().index(one)
    assert (kinds.heating[place], kinds.dwelling[place], kinds.area[place]) == (1, 0, 50.0)


def test_cells_come_back_as_they_were_fixed(connection: Connection) -> None:
    found = neighbours.candidates(connection, *Q2)
    cells = StoredCells(
        cell=np.array([0, 1], np.int32),
        group=found.group[[0, 1]].astype(np.int32),
        size=np.array([3, 1], np.int32),
        area=np.array([80.5, 90.0]),
        x=np.array([-1.5, 2.5]),
        y=np.array([0.25, 7.0]),
        step=np.array([1, 0], np.int32),
        reach=np.array([0.0, 7.5]),
        offsets=np.array([0, 0, 1]),
        joined=np.array([0], np.int32),
        home=found.home,
        tenancy=found.tenancy,
        member=np.array([0, 1, 0, 0], np.int32),
    )
    assert neighbours.version(connection, Q2[0]) is None
    neighbours.write_cells(connection, Q2[0], "test", cells, found.groups, STEPS)
    version = neighbours.version(connection, Q2[0])
    assert version is not None
    assert version[1:] == ("test", 4)
    again = neighbours.read_cells(connection, Q2[0], STEPS)
    for name in StoredCells._fields:
        if name != "group":
            assert getattr(again, name).tolist() == getattr(cells, name).tolist(), name
    assert (again.group[0] == again.group[1]) == (cells.group[0] == cells.group[1])
    near = comparisons.neighbourhood(connection, int(found.home[1]), Q2[0])
    assert near is not None
    assert (near.step, near.homes, near.neighbours, near.reach) == ("area-15", 1, 3, 7.5)
    nobody = neighbours.read_cells(connection, date(2030, 1, 1), STEPS)
    assert [len(part) for part in nobody] == [1 if name == "offsets" else 0 for name in StoredCells._fields]


def rows(tenancies: list[int], ids: list[int], own: list[int]) -> Rows:
    count = len(own)
    columns = {item.name: np.full(count, -1, np.int64) for item in fields(Rows) if item.name != "tariffs"}
    columns |= {"tenancy": np.array(tenancies), "home": np.array(ids), "own": np.array(own)}
    columns |= {"estimated": np.zeros(count, np.int64), "missing": np.zeros(count, np.int64)}
    columns |= {"own_tariff": np.zeros(count, np.int64), "state": np.full(count, State.SUPPRESSED.place)}
    columns["sight"] = np.zeros(count, np.int64)
    return Rows(**columns, tariffs=["a price"])  # type: ignore[arg-type]


def test_only_what_changes_is_written_and_has_revision_two(connection: Connection) -> None:
    pairs = [ids_of(connection, str(number), date(2026, 5, 4)) for number in (1, 2, 3)]
    ids, tenancies = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    now = datetime(2026, 5, 12, tzinfo=UTC)
    week = ("week", date(2026, 5, 4), "electricity")
    run = Run(week[0], week[1], date(2026, 5, 11), week[2], Q2[0], "test", now, None)
    comparisons.add_run(connection, run, np.array([5, -6]))
    first = rows(tenancies, ids, [1_000, 2_000, -1])
    first.reason[2], first.tariff[0], first.cost[0], first.own_tariff[0] = Reason.COVERAGE.place, 0, 12, 1
    assert comparisons.write(connection, *week, first) == (3, 0)
    assert comparisons.write(connection, *week, first) == (0, 0), "nothing changed"
    told = comparisons.one(connection, tenancies[0], *week)
    assert told is not None
    assert (told.own, told.tariff, told.cost, told.tariff_own, told.revision, told.final) == (
        1_000, "a price", 12, True, 1, False,
    )  # fmt: skip
    silent = comparisons.one(connection, tenancies[2], *week)
    assert silent is not None
    assert (silent.own, silent.state, silent.reason, silent.average) == (None, "suppressed", "coverage", None)
    figures = comparisons.figures(connection, *week)
    assert figures is not None
    assert figures.members.tolist() == [5, -6]
    assert figures.tenancy.tolist() == sorted(tenancies)
    assert comparisons.figures(connection, "month", week[1], week[2]) is None
    assert comparisons.write(connection, *week, rows(tenancies[:2], ids[:2], [1_000, 2_500])) == (2, 1)
    revised = comparisons.one(connection, tenancies[1], *week)
    assert revised is not None
    assert (revised.own, revised.revision) == (2_500, 2)
    assert comparisons.one(connection, tenancies[2], *week) is None
    comparisons.finalise_run(connection, week, "test 2", now)
    (again,) = comparisons.runs(connection)
    assert (again.settled_at, again.program) == (now, "test 2")


def test_what_comes_late_is_listed_until_it_is_as_it_was(connection: Connection) -> None:
    (one, tenancy), (two, _) = (ids_of(connection, str(number), date(2026, 5, 4)) for number in (1, 2))
    now = datetime(2026, 5, 30, tzinfo=UTC)
    week = ("week", date(2026, 5, 4), "gas")
    comparisons.add_run(
        connection, Run(week[0], week[1], date(2026, 5, 11), week[2], Q2[0], "test", now, now), np.array([], np.int64)
    )
    comparisons.write(connection, *week, rows([tenancy], [one], [1_000]))
    ids = np.array([one, two])
    assert comparisons.note_late(connection, *week, ids, np.array([1_000, -1]), now) == 0
    assert comparisons.note_late(connection, *week, ids, np.array([1_100, 500]), now) == 2
    assert comparisons.note_late(connection, *week, ids, np.array([1_100, 500]), now) == 0
    assert comparisons.late_of_home(connection, one, "week", week[1])[0][3:5] == (1_000, 1_100)
    assert comparisons.late_of_home(connection, two, "week", week[1])[0][3:5] == (None, 500)
    assert comparisons.note_late(connection, *week, ids, np.array([1_000, 600]), now) == 1
    assert comparisons.late_of_home(connection, one, "week", week[1]) == []
    assert comparisons.late_of_home(connection, two, "week", week[1])[0].would_be == 600
