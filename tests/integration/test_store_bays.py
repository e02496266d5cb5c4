"""The register of bays in the store: import, import again, swapped sensors, what is refused, what is touched."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

from devices import bays_geojson
from devices.bays import Bay, EventDay, Permit, Restriction, SensorLink, Suspension
from devices.bays_file import BaysFile, Given
from store import bays, registry
from store.bays_import import Plan, import_file
from store.connect import Connection, connect
from tests.worlds.homes import add_meters, import_homes
from tests.worlds.parking_register import LONDON, add_sensors, import_bays

HOURS = {"days": "Mo-Sa", "hours": "08:30-18:30", "maximum_stay": "60"}
ROWS = [{"id": "b1", **HOURS, "sign": "P7"}, {"id": "b2", "zone": "B", "street": "Quay"}]
DATED = {
    "sensors": [{"bay": "b1", "device": "s1", "from": "2026-01-01"}],
    "suspensions": [{"zone": "A", "from": "2026-06-01", "to": "2026-06-02 24:00", "reason": "filming"}],
    "permits": [{"bay": "b2", "from": "2026-06-01 08:00", "to": "2026-06-01 18:00", "kind": "a funeral"}],
    "events": [{"zone": "A", "day": "2026-08-01", "name": "Match"}],
}


def _touched(connection: Connection) -> set[str]:
    """Bays that were touched since this was asked last."""
    rows = connection.execute("delete from personal.touched_bay returning bay_id").fetchall()
    return {row[0] for row in rows}


def _row_versions(connection: Connection) -> list[tuple[str, str]]:
    """Which transaction wrote which row of the register."""
    tables = (
        "personal.bay", "personal.bay_restriction", "personal.bay_sensor", "personal.bay_suspension",
        "personal.bay_permit", "public.event_day",
    )  # fmt: skip
    query = " union all ".join(f"select '{name}', ctid::text || xmin::text from {name}" for name in tables)
    return sorted(connection.execute(query.encode()).fetchall())


def _said(plan: Plan) -> list[str]:
    return [str(problem) for problem in plan.problems]


def _counts(plan: Plan) -> dict[str, int]:
    return {name: count for name, count in plan.counts().items() if count}


def test_import_and_import_again(each_database: str) -> None:
    with connect(each_database) as connection:
        add_sensors(connection, ["s1"])
        plan = import_bays(connection, ROWS, **DATED)
        assert _said(plan) == []
        assert _counts(plan) == {
            "bays_new": 2, "sensors_new": 1, "suspensions_new": 1, "permits_new": 1, "events_new": 1,
        }  # fmt: skip
        there = bays.load(connection)
        assert there.bays == [
            Bay(
                "b1", "Dock Street", "A", "limited-waiting", -0.081, 51.503,
                restrictions=(Restriction(63, 510, 1110, 60),), attributes={"sign": "P7"},
            ),
            Bay("b2", "Quay", "B", "limited-waiting", -0.081, 51.503),
        ]  # fmt: skip
        assert there.sensors == [SensorLink("b1", "s1", datetime(2026, 1, 1, tzinfo=UTC), None)]
        start, end = datetime(2026, 5, 31, 23, tzinfo=UTC), datetime(2026, 6, 2, 23, tzinfo=UTC)
        assert there.suspensions == [Suspension("b1", start, end, "filming")]
        start, end = datetime(2026, 6, 1, 7, tzinfo=UTC), datetime(2026, 6, 1, 17, tzinfo=UTC)
        assert there.permits == [Permit("b2", start, end, "a funeral")]
        assert there.events == [EventDay("A", date(2026, 8, 1), "Match")]
        assert _touched(connection) == {"b1", "b2"}
        connection.commit()
        before = _row_versions(connection)
        again = import_bays(connection, ROWS, **DATED)
        assert _counts(again) == {
            "bays_unchanged": 2, "sensors_unchanged": 1, "suspensions_unchanged": 1, "permits_unchanged": 1,
            "events_unchanged": 1,
        }  # fmt: skip
        assert _touched(connection) == set()
        connection.commit()
        assert _row_versions(connection) == before
        assert bays.load(connection) == there


def test_what_changes_is_written_and_what_depends_on_it_is_touched(database: str) -> None:
    with connect(database) as connection:
        add_sensors(connection, ["s1", "s2"])
        import_bays(connection, ROWS, **DATED)
        _touched(connection)
        plan = import_bays(connection, [{**ROWS[0], "kind": "pay", "sign": "P8"}])
        assert plan.fields == {"b1": ["kind", "attributes"]}
        # neither its time nor its place in figures is another one
        assert _touched(connection) == set()
        for row, names in (
            ({**ROWS[0], "maximum_stay": "90"}, ["restrictions"]),
            ({**ROWS[0], "maximum_stay": "90", "zone": "B"}, ["zone"]),
            ({**ROWS[0], "maximum_stay": "90", "zone": "B", "to": "2027-01-01"}, ["to_day"]),
        ):
            assert import_bays(connection, [{**row, "kind": "pay", "sign": "P8"}]).fields == {"b1": names}
            assert _touched(connection) == {"b1"}
        import_bays(connection, [], events=[{"zone": "B", "day": "2026-08-02", "name": "Fair"}])
        assert _touched(connection) == {"b1", "b2"}
        # bays that are not in a file stay
        assert [bay.id for bay in bays.bays(connection)] == ["b1", "b2"]


def test_a_swapped_sensor_ends_the_link_before(database: str) -> None:
    with connect(database) as connection:
        add_sensors(connection, ["s1", "s2"])
        import_bays(connection, ROWS, **DATED)
        _touched(connection)
        swap = {"bay": "b1", "device": "s2", "from": "2026-03-01 12:00"}
        plan = import_bays(connection, [], sensors=[swap])
        assert _counts(plan) == {"sensors_new": 1, "sensors_changed": 1}
        at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert [(one.device, one.end) for one in bays.sensors(connection)] == [("s1", at), ("s2", None)]
        assert bays.sensors_at(connection, datetime(2026, 2, 1, tzinfo=UTC)) == {"b1": "s1"}
        assert bays.sensors_at(connection, at) == {"b1": "s2"}
        assert _touched(connection) == {"b1"}
        assert _counts(import_bays(connection, [], sensors=[*DATED["sensors"], swap])) == {"sensors_unchanged": 2}
        assert _counts(import_bays(connection, [], sensors=[{**swap, "remove": "yes"}])) == {"sensors_removed": 1}


def test_what_is_refused(database: str) -> None:
    span = {"from": "2026-06-01", "to": "2026-06-03 00:00"}
    with connect(database) as connection:
        add_sensors(connection, ["s1"])
        add_meters(connection, ["m1"])
        import_bays(connection, ROWS)
        plan = import_bays(
            connection,
            [{"id": "b3"}],
            sensors=[
                {"bay": "b9", "device": "s1", "from": "2026-01-01"},
                {"bay": "b1", "device": "m1", "from": "2026-01-01"},
                {"bay": "b2", "device": "nobody", "from": "2026-01-01"},
            ],
            suspensions=[
                {"zone": "Z", "street": "", "bay": "", **span, "reason": "works"},
                {"zone": "A", "street": "", "bay": "", **span, "reason": "works"},
                {"zone": "", "street": "", "bay": "b1", **span, "reason": "works"},
                {"zone": "B", "street": "Dock Street", "bay": "", **span, "reason": "works"},
            ],
            permits=[{"bay": "b8", **span, "kind": "visitor"}],
            events=[{"zone": "Z", "day": "2026-08-01", "name": "Match"}],
        )
        assert sorted(_said(plan)) == [
            "line 2: bay b8 is not in the register; import it first",
            "line 2: bay b9 is not in the register; import it first",
            "line 2: no bay is in 'Z'",
            "line 2: no bay is in the zone 'Z'",
            "line 3: device m1 is no parking sensor but a smart-meter",
            "line 4: a suspension of bay b1 is already given in line 3",
            "line 4: device nobody is not registered",
            "line 5: no bay is in 'Dock Street' of 'B'",
        ]
        assert [bay.id for bay in bays.bays(connection)] == ["b1", "b2"]


def test_a_bay_of_a_household_and_its_sensor_are_of_one_class(database: str) -> None:
    own = {"id": "b1", "class": "personal", "uprn": "0042"}
    with connect(database) as connection:
        add_sensors(connection, ["open"])
        add_sensors(connection, ["own"], personal=True)
        add_meters(connection, ["m1"])
        plan = import_bays(connection, [own, {"id": "b2"}])
        assert plan.without_home == ["line 2"]
        import_homes(connection, [{"uprn": "42", "meters": "m1"}])
        assert import_bays(connection, [own]).fields == {"b1": ["uprn"]}
        assert _counts(import_bays(connection, [own])) == {"bays_unchanged": 1}
        assert [(bay.id, bay.uprn) for bay in bays.bays(connection)] == [("b1", "42"), ("b2", None)]
        assert [bay.id for bay in bays.bays(connection, personal=False)] == ["b2"]
        assert connection.execute("select id from public.bay").fetchall() == [("b2",)]
        from_ = {"from": "2026-01-01"}
        plan = import_bays(
            connection,
            [],
            sensors=[{"bay": "b1", "device": "open", **from_}, {"bay": "b2", "device": "own", **from_}],
        )
        assert _said(plan) == [
            (
                "line 2: bay b1 is of a household, but its sensor open is registered as open; register it with the"
                " class personal first"
            ),
            "line 3: sensor own is personal, but bay b2 is open; give the bay the class personal",
        ]
        import_bays(connection, [], sensors=[{"bay": "b1", "device": "own", **from_}])
        (problem,) = _said(import_bays(connection, [{"id": "b1"}]))
        assert problem.startswith("line 2: sensor own is personal")
        # a sensor that is to be taken away one day is no other one
        until = {"from": "2025-01-01", "to": "2100-01-01 00:00"}
        import_bays(connection, [{"id": "b3", "class": "personal"}])
        (problem,) = _said(import_bays(connection, [], sensors=[{"bay": "b3", "device": "open", **until}]))
        assert problem.startswith("line 2: bay b3 is of a household, but its sensor open is registered as open")


def test_a_file_that_says_no_class_opens_no_bay_of_a_household(database: str) -> None:
    """Its days are there, also where its sensor was taken away."""
    with connect(database) as connection:
        add_sensors(connection, ["own"], personal=True)
        link = {"bay": "b1", "device": "own", "from": "2026-01-01", "to": "2026-02-01 00:00"}
        import_bays(connection, [{"id": "b1", "class": "personal"}, {"id": "b2"}], sensors=[link])
        plan = import_bays(connection, [{"id": "b1", **HOURS}, {"id": "b2"}])
        assert _said(plan) == ["line 2: bay b1 is registered as personal; say its class: personal, or open"]
        dtro = BaysFile(bays=[Given("provision p", replace(bay, personal=False)) for bay in plan.bays.changed])
        assert [one.item.id for one in dtro.bays] == ["b1"]
        assert _said(import_file(connection, dtro, LONDON)) == [
            "provision p: bay b1 is registered as personal; say its class: personal, or open"
        ]
        assert bays.bays(connection, personal=False)[0].id == "b2"
        assert _counts(import_bays(connection, [{"id": "b1", "class": "open"}])) == {"bays_changed": 1}
        assert len(bays.bays(connection, personal=False)) == 2


def test_the_sensor_of_a_household_s_bay_stays_personal(database: str) -> None:
    """Whoever registers it again and says nothing of its class would show what it says."""
    with connect(database) as connection:
        add_sensors(connection, ["own"], personal=True)
        import_bays(connection, [{"id": "b1", "class": "personal"}])
        link = {"bay": "b1", "device": "own", "from": "2026-01-01"}
        import_bays(connection, [], sensors=[link])
        add_sensors(connection, ["own"])
        assert bays.of_households(connection, ["own", "other"]) == {"own": "b1"}
        assert connection.execute("select personal from personal.device where id = 'own'").fetchall() == [(True,)]
        # until it was never there
        import_bays(connection, [], sensors=[{**link, "remove": "yes"}])
        add_sensors(connection, ["own"])
        assert connection.execute("select personal from personal.device where id = 'own'").fetchall() == [(False,)]


def test_hours_of_any_reader_are_in_one_order_and_hold_one_at_a_time(database: str) -> None:
    one, other = Restriction(1, 0, 60, 5), Restriction(1, 60, 120)
    with connect(database) as connection:
        bay = Bay("b1", "Dock Street", "A", "pay", -0.081, 51.503, restrictions=(one, other))
        for hours in ((other, one), (one, other)):
            given = BaysFile([Given("x", replace(bay, restrictions=hours))])
            assert import_file(connection, given, LONDON).problems == []
            assert bays.bays(connection) == [bay]
        assert _touched(connection) == {"b1"}
        both = replace(bay, restrictions=(one, replace(one, end=30)))
        (problem,) = import_file(connection, BaysFile([Given("x", both)]), LONDON).problems
        said = "Mo 00:00-00:30, up to 5 min; Mo 00:00-01:00, up to 5 min"
        assert str(problem) == f"x: hours of it hold at the same time: {said}"
        assert _touched(connection) == set()


def test_a_file_without_shapes_leaves_them(database: str) -> None:
    shape = {"type": "LineString", "coordinates": [[-0.081, 51.503], [-0.0811, 51.5031]]}
    with connect(database) as connection:
        bay = Bay("b1", "Dock Street", "A", "limited-waiting", -0.081, 51.503, geometry=shape)
        import_file(connection, BaysFile([Given("", bay)]), LONDON)
        assert _counts(import_bays(connection, [{"id": "b1"}])) == {"bays_unchanged": 1}
        assert bays.bays(connection) == [bay]


def test_a_file_without_uprns_leaves_households_their_bays(database: str) -> None:
    """An erasure finds a household's bay by its home: a bay that lost it would keep its days for ever."""
    own = {"id": "b1", "class": "personal", "uprn": "0042"}
    shape = b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [-0.081, 51.503]}, "properties": %s}'
    told = {"id": "b1", "street": "Dock Street", "zone": "A", "kind": "disabled", "class": "personal"}
    feature = b'{"type": "FeatureCollection", "features": [%s]}' % (shape % json.dumps(told).encode())
    with connect(database) as connection:
        add_meters(connection, ["m1"])
        import_homes(connection, [{"uprn": "42", "meters": "m1"}])
        import_bays(connection, [own])
        import_bays(connection, [{"id": "b1", "class": "personal"}])
        assert bays.bays(connection)[0].uprn == "42"
        import_file(connection, bays_geojson.read_bays_geojson(feature), LONDON)
        assert (bays.bays(connection)[0].uprn, bays.bays(connection)[0].kind) == ("42", "disabled")
        # a file with one says that the others have none
        import_bays(connection, [{**own, "id": "b2"}, {"id": "b1", "class": "personal"}])
        assert {bay.id: bay.uprn for bay in bays.bays(connection)} == {"b1": None, "b2": "42"}


def test_places_far_from_all_others_are_told(database: str) -> None:
    with connect(database) as connection:
        import_bays(connection, [{"id": f"b{number}", "lon": "8.54", "lat": "47.37"} for number in range(3)])
        plan = import_bays(connection, [{"id": "b8", "lon": "47.37", "lat": "8.54"}, {"id": "b9", "lon": "-8.54"}])
        swapped, other = map(str, plan.far)
        assert re.match(
            r"line 2: lies 5,\d+ km from the middle of all bays: are longitude and latitude swapped", swapped
        )
        assert re.match(r"line 3: lies 1,\d+ km from the middle of all bays: is its place right", other)


def test_sensors_without_a_bay(database: str) -> None:
    with connect(database) as connection:
        add_sensors(connection, ["s1", "s2", "s3", "gone"], street="Dock Street", zone_code="A")
        add_sensors(connection, ["own"], personal=True)
        registry.retire(connection, ["gone"])
        import_bays(connection, [{"id": "b1"}], sensors=[{"bay": "b1", "device": "s2", "from": "2026-01-01"}])
        found = bays.unlinked(connection)
        assert [device.id for device, _ in found] == ["s1", "s3"]
        assert found[0][0] == registry.get(connection, "s1")
