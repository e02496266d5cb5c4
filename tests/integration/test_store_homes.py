"""Homes in the store: import, import again, tenancies that follow each other, consents, details."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from devices.homes import HomeDetails, Register, Tariff
from devices.homes_file import read_homes
from store import homes, homes_import
from store.connect import connect
from tests.worlds.homes import add_meters, homes_csv, ids_of, import_homes

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
ROWS = [
    {"uprn": "1", "meters": "m1", "gas_rate": "7.33", "gas_standing": "29.04", "floor_area": "92.6"},
    {"uprn": "2", "meters": "m2 m3", "heating": "electric"},
]


def test_import_and_import_again(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1", "m2", "m3"])
        plan = import_homes(connection, ROWS, NOW)
        assert plan.counts() | {"unchanged": 0} == {
            "homes_new": 2, "homes_changed": 0, "tenancies_new": 2, "tenancies_changed": 0, "tenancies_ended": 0,
            "meters_linked": 3, "meters_unlinked": 0, "sensors_linked": 0, "sensors_changed": 0,
            "consents_given": 2, "tariffs": 1, "refused": 0, "unchanged": 0,
        }  # fmt: skip
        again = import_homes(connection, ROWS, NOW)
        assert {name for name, count in again.counts().items() if count} == {"unchanged"}
        assert again.unchanged == 2
        assert homes_import.count(connection, date(2026, 1, 10)) == (2, 2, 3)
        home = homes.by_uprn(connection, "1")
        assert home is not None
        assert homes.home(connection, home.id) == home
        assert home.details == HomeDetails("terraced", "gas", floor_area=92.6)
        assert 10**13 <= home.id < 10**14
        assert [meter.device_id for meter in homes.meters(connection, home.id)] == ["m1"]


def test_two_prices_of_one_tenancy_in_one_file_are_both_stored(each_database: str) -> None:
    rows = [ROWS[0], {**ROWS[0], "gas_rate": "6.1", "gas_tariff_from": "2025-10-01"}]
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        assert import_homes(connection, rows, NOW).counts()["tariffs"] == 2
        _, tenancy = ids_of(connection, "1", date(2026, 1, 1))
        assert {(one.from_day, one.registers[0].rate) for one in homes.tariffs(connection, tenancy)} == {
            (date(2025, 1, 1), 7.33),
            (date(2025, 10, 1), 6.1),
        }
        assert import_homes(connection, rows, NOW).unchanged == 1


def test_leading_zeros_of_a_uprn_do_not_count(each_database: str) -> None:
    """Neither in files nor where a home was stored with them; where it was stored twice, one of the two counts."""
    with connect(each_database) as connection:
        add_meters(connection, ["m1", "m2", "m3"])
        import_homes(connection, [{**ROWS[0], "uprn": "0012345678"}], NOW)
        again = import_homes(connection, [{**ROWS[0], "uprn": "12345678"}, {**ROWS[1], "uprn": "42"}], NOW)
        assert (len(again.homes), again.unchanged) == (1, 1)
        assert [row[0] for row in connection.execute("select uprn from personal.home order by uprn")] == [
            "12345678",
            "42",
        ]
        # homes of before
        connection.execute("update personal.home set uprn = '000000000042' where uprn = '42'")
        connection.execute("update personal.home set uprn = '012345678' where uprn = '12345678'")
        for spelt in ("42", "0042", "000000000042"):
            found = import_homes(connection, [{**ROWS[1], "uprn": spelt}], NOW)
            assert (len(found.homes), found.unchanged) == (0, 1)
            home = homes.by_uprn(connection, spelt)
            assert home is not None
            assert home.uprn == "000000000042"
        connection.execute(
            "insert into personal.home (id, uprn, lon, lat) values (10000000000001, '12345678', 0, 51.5)"
        )
        connection.execute(
            "insert into personal.home_details (home_id, valid_from, dwelling, heating, source)"
            " values (10000000000001, now(), 'flat', 'gas', 'import')"
        )
        home = homes.by_uprn(connection, "000012345678")
        assert home is not None
        assert home.id == 10_000_000_000_001


def test_a_tariff_with_hours_that_are_the_same_all_year(each_database: str) -> None:
    prices = {
        "electricity_rate": "30", "electricity_standing": "50", "electricity_night_rate": "10",
        "electricity_night": "00:30-07:30 UTC",
    }  # fmt: skip
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [{"uprn": "7", "meters": "m1", **prices}], NOW)
        _, tenancy = ids_of(connection, "7", date(2026, 1, 1))
        (tariff,) = homes.tariffs(connection, tenancy)
        assert tariff.registers == (Register("night", 10.0, 30, 450, utc=True), Register("all day", 30.0))
        assert import_homes(connection, [{"uprn": "7", "meters": "m1", **prices}], NOW).unchanged == 1
        local = {**prices, "electricity_night": "00:30-07:30"}
        import_homes(connection, [{"uprn": "7", "meters": "m1", **local}], NOW)
        assert homes.tariffs(connection, tenancy)[0].registers[0].utc is False


def test_a_new_tenant_ends_the_former_tenancy_and_knows_nothing_of_it(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [ROWS[0]], NOW)
        plan = import_homes(connection, [{**ROWS[0], "from": "2025-09-01", "consent_comparison": ""}], NOW)
        assert (len(plan.tenancies), len(plan.ended), len(plan.meters)) == (1, 1, 0)
        home_id, former = ids_of(connection, "1", date(2025, 8, 31))
        assert (home_id, former) != ids_of(connection, "1", date(2025, 9, 1))
        _, new = ids_of(connection, "1", date(2025, 9, 1))
        assert homes.consents(connection, new) == []
        assert [one.purpose for one in homes.consents(connection, former)] == ["comparison"]
        assert [one.to_day for one in homes.tenancies(connection, home_id)] == [date(2025, 9, 1), None]
        now = homes.current_tenancy(connection, home_id, date(2026, 1, 1))
        assert now is not None
        assert now.id == new


def test_a_tenancy_that_a_file_corrects_ends_all_the_same_where_the_next_one_of_the_file_begins(
    each_database: str,
) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [ROWS[0]], NOW)
        rows = [{**ROWS[0], "name": "A. O'Neil"}, {**ROWS[0], "from": "2025-09-01"}]
        plan = import_homes(connection, rows, NOW)
        assert (len(plan.tenancies), len(plan.ended), len(plan.changed)) == (1, 1, 1)
        home_id, _ = ids_of(connection, "1", date(2025, 8, 31))
        assert [(one.name, one.to_day) for one in homes.tenancies(connection, home_id)] == [
            ("A. O'Neil", date(2025, 9, 1)),
            (None, None),
        ]
        assert import_homes(connection, rows, NOW).unchanged == 2


@pytest.mark.parametrize(
    "stays",
    [
        [("1", "2025-01-01"), ("2", "2025-03-01"), ("3", "2025-06-01")],
        # it comes back, and was elsewhere meanwhile
        [("1", "2025-01-01"), ("1", "2025-06-01"), ("2", "2025-03-01")],
    ],
)
def test_a_meter_that_moved_within_one_file_measures_one_home_at_a_time(
    each_database: str, stays: list[tuple[str, str]]
) -> None:
    rows = [{"uprn": uprn, "meters": "m1", "from": day} for uprn, day in stays]
    days = sorted((date.fromisoformat(day), uprn) for uprn, day in stays)
    ends = [day for day, _ in days[1:]]
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, rows, NOW)
        asked = (
            "select h.uprn, m.from_day, m.to_day from personal.home_meter m join personal.home h on h.id = m.home_id"
        )
        assert connection.execute(f"{asked} order by m.from_day".encode()).fetchall() == [
            (uprn, day, end) for (day, uprn), end in zip(days, [*ends, None], strict=True)
        ]
        assert import_homes(connection, rows, NOW).unchanged == 3


def test_overlapping_tenancies_are_refused_by_file_and_by_table(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [{**ROWS[0], "to": "2025-12-01"}], NOW)
        plan = homes_import.import_rows(connection, read_homes(homes_csv([{**ROWS[0], "from": "2025-11-01"}])), NOW)
        assert [problem.text for problem in plan.problems] == [
            "overlaps with another tenancy of this home that is already known"
        ]
        home_id, _ = ids_of(connection, "1", date(2025, 6, 1))
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute(
                "insert into personal.tenancy (id, home_id, from_day) values (5, %s, '2025-11-30')", (home_id,)
            )


def test_meters_that_are_no_registered_smart_meters_or_hang_elsewhere(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        plan = homes_import.import_rows(connection, read_homes(homes_csv(ROWS)), NOW)
        assert [str(problem) for problem in plan.problems] == [
            "line 3: meter m2 is not a registered device",
            "line 3: meter m3 is not a registered device",
        ]
        assert homes_import.count(connection, date(2026, 1, 1))[0] == 0, "nothing of a file with problems is taken"
        import_homes(connection, [ROWS[0]], NOW)
        moved = import_homes(connection, [{"uprn": "3", "meters": "m1", "from": "2025-10-01"}], NOW)
        assert [(one.device_id, one.to_day) for one in moved.meters_ended] == [("m1", date(2025, 10, 1))]


def test_withdrawn_consent_does_not_come_back_with_the_same_file(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [ROWS[0]], NOW)
        _, tenancy = ids_of(connection, "1", date(2026, 1, 1))
        assert not homes.give_consent(connection, tenancy, "comparison", "page", NOW)
        assert homes.withdraw_consent(connection, tenancy, "comparison", NOW)
        assert not homes.withdraw_consent(connection, tenancy, "comparison", NOW)
        assert import_homes(connection, [ROWS[0]], NOW).consents == []
        assert homes.give_consent(connection, tenancy, "comparison", "page", NOW + timedelta(days=1))
        assert [one.withdrawn_at for one in homes.consents(connection, tenancy)] == [NOW, None]


def test_details_prices_and_what_a_household_says_of_itself(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [ROWS[0]], NOW)
        home_id, tenancy_id = ids_of(connection, "1", date(2026, 1, 1))
        wanted = HomeDetails("flat", "gas", floor_area=50.5, epc="B")
        assert homes.change_details(connection, home_id, wanted, "resident", NOW + timedelta(1))
        assert not homes.change_details(connection, home_id, wanted, "resident", NOW + timedelta(2))
        home = homes.home(connection, home_id)
        assert home is not None
        assert home.details == wanted
        (price,) = homes.tariffs(connection, tenancy_id)
        dearer = Tariff("gas", date(2026, 1, 1), "other", price.payment, 30.0, price.registers)
        assert homes.set_tariff(connection, tenancy_id, dearer)
        assert not homes.set_tariff(connection, tenancy_id, dearer)
        assert homes.tariffs(connection, tenancy_id) == [price, dearer]
        assert homes.remove_tariff(connection, tenancy_id, "gas", date(2026, 1, 1))
        tenancy = homes.tenancy(connection, tenancy_id)
        assert tenancy is not None
        assert not homes.change_tenancy(connection, tenancy)


def test_what_a_file_leaves_out_stays_as_a_household_said_it(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [ROWS[0]], NOW)
        home_id, tenancy_id = ids_of(connection, "1", date(2026, 1, 1))
        known = homes.tenancy(connection, tenancy_id)
        assert known is not None
        said = replace(
            known, name="B. Jones", occupants=3, electric_vehicle=True, medical_equipment=True, large_print=True
        )
        homes.change_tenancy(connection, said)
        details = HomeDetails("terraced", "heat-network", "North", 92.6, 3, "C", "owner", 4)
        homes.change_details(connection, home_id, details, "resident", NOW + timedelta(1))
        blank = {"uprn": "1", "meters": "m1", "heating": "heat-network", "floor_area": ""}
        assert import_homes(connection, [blank], NOW + timedelta(2)).unchanged == 1
        assert homes.tenancy(connection, tenancy_id) == said
        given = {"occupants": "2", "medical_equipment": "no", "large_print": "no", "bedrooms": "4", "heating": "gas"}
        import_homes(connection, [{**blank, **given}], NOW + timedelta(3))
        assert homes.tenancy(connection, tenancy_id) == replace(
            said, occupants=2, medical_equipment=False, large_print=False
        )
        home = homes.home(connection, home_id)
        assert home is not None
        assert home.details == HomeDetails("terraced", "gas", None, 92.6, 4, "C", "owner", 4)


def test_the_log_of_access_only_grows(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [ROWS[0]], NOW)
        _, tenancy = ids_of(connection, "1", date(2026, 1, 1))
        look = "insert into personal.access (tenancy_id, role, action) values (%s, 'resident', 'looked')"
        connection.execute(look, (tenancy,))
        connection.commit()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(look, (7,))  # nobody: a page that was open when a household left brings nothing back
        connection.rollback()
        for attempt in (
            "update personal.access set role = 'nobody'",
            "delete from personal.access",
            "truncate personal.access",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)
            connection.rollback()
        connection.execute("select set_config('borough.erasing', %s, true)", (str(tenancy),))
        assert connection.execute("delete from personal.access where tenancy_id = %s", (tenancy,)).rowcount == 1


def test_many_homes_fit_one_transaction(database: str) -> None:
    """The server's table of locks holds some thousands; an import must not need one a home."""
    many = 12_000
    with connect(database) as connection:
        add_meters(connection, [f"m{number}" for number in range(many)])
        import_homes(connection, [{"uprn": str(number + 1), "meters": f"m{number}"} for number in range(many)], NOW)
        assert homes_import.count(connection, date(2026, 1, 1)) == (many, many, many)


def test_a_consent_that_is_still_to_come_is_no_consent(each_database: str) -> None:
    with connect(each_database) as connection:
        add_meters(connection, ["m1"])
        rows = read_homes(homes_csv([{**ROWS[0], "consent_comparison": "2026-01-12"}]))
        plan = homes_import.import_rows(connection, rows, NOW)
        assert [str(one) for one in plan.problems] == [
            "line 2: consent comparison is of 2026-01-12, which is still to come"
        ]
        assert homes_import.count(connection, date(2026, 1, 1))[0] == 0
        # somewhere it is the eleventh already
        tomorrow = [{**ROWS[0], "consent_comparison": "2026-01-11"}]
        assert import_homes(connection, tomorrow, NOW).counts()["consents_given"] == 1
