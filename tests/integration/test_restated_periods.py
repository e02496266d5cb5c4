"""A half-hour that is restated: its day is computed again, and a week that is settled lists it as late."""

from __future__ import annotations

from datetime import date, timedelta

from store import comparisons, registry
from store.connect import connect
from store.times import midnight
from tests.tools.restating import Restated, fates
from tests.worlds.neighbourhood import LONDON, Street, at

HOMES = 110
MONDAY = date(2026, 1, 5)
WEEK = timedelta(days=7)


def test_a_settled_week_lists_what_was_restated_as_late_and_is_not_redrawn(each_database: str) -> None:
    street = Street(each_database, HOMES)
    use = street.build(MONDAY, 7)
    street.analyse(at(MONDAY + WEEK))
    street.analyse(at(MONDAY + 2 * WEEK))
    settled = street.told("week", MONDAY)
    with connect(each_database) as connection:
        devices = registry.load(connection)[0]
    supplier = Restated(each_database, devices=devices)
    supplier.send("settled", midnight(MONDAY, LONDON), "m9", import_interval=(int(use[8, 0]) + 900) / 1000)
    assert fates(supplier.commit()) == {"restated": 1}
    done = street.analyse(at(MONDAY + 3 * WEEK))
    assert (done.days, done.late) == (1, 1)
    assert street.told("week", MONDAY) == settled
    home, _ = street.ids(9, MONDAY)
    with connect(each_database) as connection:
        (late,) = comparisons.late_of_home(connection, home, "week", MONDAY)
    assert (late.was, late.would_be) == (use[8].sum(), use[8].sum() + 900)
    # back to what it was: another restatement, and nothing is late any more
    supplier.send("settled", midnight(MONDAY, LONDON), "m9", import_interval=int(use[8, 0]) / 1000)
    assert fates(supplier.commit()) == {"restated": 1}
    street.analyse(at(MONDAY + 3 * WEEK))
    with connect(each_database) as connection:
        assert comparisons.late_of_home(connection, home, "week", MONDAY) == []
    supplier.close()


def test_a_week_that_is_not_settled_is_revised(each_database: str) -> None:
    street = Street(each_database, HOMES)
    use = street.build(MONDAY, 7)
    street.analyse(at(MONDAY + WEEK))
    with connect(each_database) as connection:
        supplier = Restated(each_database, devices=registry.load(connection)[0])
    supplier.send("settled", midnight(MONDAY, LONDON), "m9", import_interval=(int(use[8, 0]) + 900) / 1000)
    supplier.commit()
    street.analyse(at(MONDAY + 2 * WEEK))
    assert street.told("week", MONDAY)[9].own == use[8].sum() + 900
    supplier.close()
