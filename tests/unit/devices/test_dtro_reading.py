"""A D-TRO read: what becomes a bay, what is told as left out, what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.bays import Bay, Restriction, Suspension
from devices.bays_file import Among
from devices.dtro.file import read_dtro_file
from devices.dtro.reading import read_dtro
from devices.registry import RegistryError
from tests.examples import examples
from tests.worlds.parking_interchange import Change, document, provision

SCHEMA = os.environ.get("BOROUGH_TEST_DTRO_SCHEMA")


def _period(**changes: Any) -> Change:
    """Parts of the one period; None: without it."""

    def change(found: dict[str, Any]) -> None:
        period = found["regulation"]["condition"]["timeValidity"]["validPeriod"][0]
        period.update(changes)
        for name in [name for name, value in period.items() if value is None]:
            del period[name]

    return change


def _validity(**changes: Any) -> Change:
    return lambda found: found["regulation"]["condition"]["timeValidity"].update(changes)


def _set(operator: str, *conditions: dict[str, Any]) -> Change:
    """The condition together with others."""

    def change(found: dict[str, Any]) -> None:
        own = found["regulation"].pop("condition")
        found["regulation"]["conditionSet"] = {"operator": operator, "conditions": [own, *conditions]}

    return change


def _geometry(text: str, name: str = "linestring", kind: str = "linearGeometry") -> Change:
    def change(found: dict[str, Any]) -> None:
        place = found["regulatedPlace"][0]
        reference = place.pop("linearGeometry")["externalReference"]
        place[kind] = {"version": 1, name: text, "externalReference": reference}

    return change


def _times(start: str, end: str) -> list[dict[str, str]]:
    return [{"startTimeOfPeriod": start, "endTimeOfPeriod": end}]


def _special(kind: str, *, meets: bool) -> list[dict[str, Any]]:
    return [{"specialDayType": kind, "intersectWithApplicableDays": meets}]


def _read(*changes: Change, kind: str | None = None) -> tuple[Bay, list[str]]:
    found = read_dtro(document(provision(*changes, kind=kind)))
    (bay,) = found.bays
    return bay, [line.removeprefix("provision P1: left out: ") for line in found.left_out]


def _left_out(*changes: Change, kind: str | None = None) -> str:
    """Why the whole provision is left out."""
    found = read_dtro(document(provision(*changes, kind=kind)))
    assert found.bays == []
    (line,) = found.left_out
    return line.removeprefix("provision P1: left out: all of it: ")


def _problems(data: bytes) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        read_dtro(data)
    return [str(problem) for problem in caught.value.problems]


SPACES = "how many spaces there are, which a D-TRO does not say: 1 is taken for each place"
WORKING = Restriction(31, 480, 1080, 120, 60)


def test_a_payment_place() -> None:
    bay, told = _read()
    assert bay == Bay(
        id="P1-1",
        street="Mill Road",
        zone="USRN 8400123",
        kind="pay",
        lon=bay.lon,
        lat=bay.lat,
        length=12.0,
        geometry=bay.geometry,
        from_day=date(2026, 1, 5),
        restrictions=(WORKING,),
        attributes={
            "usrn": "8400123",
            "osgb": "SRID=27700;LINESTRING(533273 179985, 533273 179997)",
            "place": "North side of Mill Road",
            "dtro_provision": "P1",
        },
    )
    # by OSTN15 it is at -0.0812, 51.5031 to within 5 m
    assert (bay.lon, bay.lat) == pytest.approx((-0.0812, 51.50315), abs=6e-5)
    assert told == [SPACES]


@pytest.mark.parametrize(
    ("regulation", "kind"),
    [
        ("kerbsidePermitParkingPlace", "resident-permit"),
        ("kerbsideLimitedWaiting", "limited-waiting"),
        ("kerbsideDisabledBadgeHoldersOnly", "disabled"),
        ("kerbsideLoadingBay", "loading"),
        ("kerbsideLoadingPlacePassengerSetDownProhibited", "loading"),
        ("kerbsideTaxiRank", "taxi"),
        ("kerbsideMotorcycleParkingPlace", "motorcycle"),
        ("kerbsideParkingPlace", "unrestricted"),
    ],
)
def test_kinds(regulation: str, kind: str) -> None:
    assert _read(kind=regulation)[0].kind == kind


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        ({"fuelType": ["battery", "electric"]}, "electric"),
        ({"electricChargingCharacteristic": {"charging": True}}, "electric"),
        (
            {
                "vehicleUsage": "other",
                "vehicleUsageTypeExtension": {
                    "definition": "of a club",
                    "enumeratedList": "vehicleUsageType",
                    "value": "Car club",
                },
            },
            "car-club",
        ),
    ],
)
def test_kinds_that_a_condition_makes(condition: dict[str, Any], kind: str) -> None:
    bay, told = _read(_set("and", {"vehicleCharacteristics": condition}), kind="kerbsideParkingPlace")
    assert (bay.kind, told) == (kind, [SPACES])


def test_a_permits_scheme_is_the_zone() -> None:
    permit = {"permitCondition": {"type": "resident", "schemeIdentifier": "Zone KC"}}
    bay, told = _read(_set("and", permit), kind="kerbsidePermitParkingPlace")
    assert (bay.zone, told) == ("Zone KC", [SPACES])


@pytest.mark.parametrize(
    ("changes", "restrictions"),
    [
        ([_period(recurringTimePeriodOfDay=None)], [Restriction(31, 0, 1440, 120, 60)]),
        ([_period(recurringTimePeriodOfDay=_times("08:00:00", "23:59:59"))], [Restriction(31, 480, 1440, 120, 60)]),
        ([_period(recurringTimePeriodOfDay=_times("00:00:00", "00:00:00"))], [Restriction(31, 0, 1440, 120, 60)]),
        (  # Friday's night is Saturday's morning
            [_period(recurringTimePeriodOfDay=_times("20:00:00", "06:00:00"), maxStayNoReturn=None)],
            [Restriction(31, 1200, 1440), Restriction(62, 0, 360)],
        ),
        ([_period(recurringDayWeekMonthPeriod=None)], [Restriction(127, 480, 1080, 120, 60)]),
        (
            [_period(recurringSpecialDay=_special("publicHoliday", meets=True))],
            [Restriction(31, 480, 1080, 120, 60, "only")],
        ),
        (  # on bank holidays too, whatever day they are
            [_period(recurringSpecialDay=_special("publicHoliday", meets=False))],
            [WORKING, Restriction(96, 480, 1080, 120, 60, "only")],
        ),
        (
            [_period(recurringSpecialDay=_special("matchDay", meets=True))],
            [Restriction(31, 480, 1080, 120, 60, "as-usual", "only")],
        ),
        (
            [_validity(exceptionPeriod=[{"recurringSpecialDay": _special("publicHoliday", meets=True)}])],
            [Restriction(31, 480, 1080, 120, 60, "off")],
        ),
        (
            [_period(startOfPeriod="2026-05-01T00:00:00", endOfPeriod="2026-10-01T00:00:00")],
            [Restriction(31, 480, 1080, 120, 60, from_day=date(2026, 5, 1), to_day=date(2026, 10, 1))],
        ),
        ([_validity(validPeriod=[])], []),
    ],
)
def test_hours(changes: Sequence[Change], restrictions: list[Restriction]) -> None:
    assert list(_read(*changes)[0].restrictions) == restrictions


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            _period(recurringDayWeekMonthPeriod=[{"applicableMonth": ["may"]}]),
            "days by applicableMonth",
        ),
        (_period(periodStart={"startType": "dusk"}), "hours by periodStart"),
        (_period(recurringSpecialDay=_special("schoolDay", meets=True)), "special days of the kind schoolDay"),
        (_period(recurringTimePeriodOfDay=_times("08:00:30", "10:00:00")), "times to the second"),
        (_period(recurringTimePeriodOfDay=_times("08:00:00", "10:00:00") * 2), "hours that overlap"),
        (_period(maxStayNoReturn={"maximumOccupancy": "P1M"}), "maximumOccupancy 'P1M'"),
        (_period(maxStayNoReturn={"minimumPeriodForReturn": "P32D"}), "minimumPeriodForReturn 'P32D'"),
        (_validity(exceptionPeriod=[{"startOfPeriod": "2026-05-01T00:00:00"}]), "exceptions other than"),
        (_set("or", {"vehicleCharacteristics": {"vehicleType": "car"}}), "times for some and not for others"),
        (
            _set("and", {"timeValidity": {"start": "2026-01-01T00:00:00", "isPlaceholderTro": False}}),
            "times that must hold together",
        ),
        (lambda found: found["regulation"]["condition"].update(negate=True), "times that are turned round"),
        (lambda found: found.update(orderReportingPoint="permanentNoticeOfProposal"), "is proposed, not made"),
        (lambda found: found.update(actionType="partialRevoke"), "is revoked"),
    ],
)
def test_what_our_words_cannot_hold_leaves_the_provision_out(change: Change, reason: str) -> None:
    assert reason in _left_out(change)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("kerbsideNoWaiting", "a prohibition, no bay"),
        ("kerbsideControlledParkingZone", "a zone without marked bays"),
        ("miscRoadClosure", "not about bays"),
    ],
)
def test_other_regulations_are_told(kind: str, reason: str) -> None:
    assert _left_out(kind=kind) == f"{kind}, {reason}"


def test_what_a_bay_does_not_hold_is_told_line_by_line() -> None:
    def rates(found: dict[str, Any]) -> None:
        line = {"sequence": 1, "type": "flatRateTier", "value": 3.2, "durationEnd": "01:00:00"}
        table = {"type": "hourly", "rateLineCollection": [{"applicableCurrency": "GBP", "rateLine": [line]}]}
        found["regulation"]["condition"]["rateTable"] = table

    other = {"otherCondition": {"otherConditionDescription": "not in snow"}}
    bay, told = _read(rates, _validity(start="2026-01-05T09:30:00", end="2026-12-01T18:00:00"), _set("and", other))
    assert bay.attributes["tariff"] == "hourly flatRateTier GBP 3.20 01:00:00"
    assert (bay.from_day, bay.to_day) == (date(2026, 1, 5), date(2026, 12, 2))
    assert told == [
        "rates, of which the attribute tariff has the words",
        "the time of day of its start, 09:30 on 2026-01-05: that whole day is taken",
        "the time of day of its end, 18:00 on 2026-12-01: that whole day is taken",
        'the condition otherCondition {"otherConditionDescription": "not in snow"}',
        SPACES,
    ]


def test_parts_of_a_geometry_are_bays_of_their_own() -> None:
    ring = "(533000 180000, 533002 180000, 533002 180006, 533000 180000)"
    text = f"SRID=27700;MULTIPOLYGON(({ring}, {ring.replace('2', '1')}), ({ring.replace('533', '534')}))"
    found = read_dtro(document(provision(_geometry(text, "polygon", "polygon"))))
    assert [bay.id for bay in found.bays] == ["P1-1", "P1-2"]
    assert found.bays[1].attributes["osgb"].startswith("SRID=27700;POLYGON((534000 180000")


def test_one_place_is_one_bay() -> None:
    line = provision(reference="L", kind="kerbsideNoWaiting")
    found = read_dtro(document(provision(reference="A", kind="kerbsideLoadingBay"), provision(reference="B")))
    assert [bay.id for bay in found.bays] == ["A-1"]
    assert "provision B: left out: B-1, at the very place of provision A: a bay has one kind here" in found.left_out
    found = read_dtro(document(provision(reference="A", kind="kerbsideLoadingPlace"), line))
    assert found.bays == []
    assert found.left_out[0].endswith("A-1, an exemption from provision L at that very place, no marked bay")


def _suspends(*references: str) -> Change:
    def change(found: dict[str, Any]) -> None:
        found["regulation"]["temporaryProvision"] = [
            {"temporaryOverriddenProvision": {"reference": reference}} for reference in references
        ]
        found["regulation"]["condition"]["timeValidity"] = {
            "start": "2026-07-01T07:00:00",
            "end": "2026-07-02T19:00:00",
            "isPlaceholderTro": False,
        }
        found["provisionDescription"] = "Gas works"

    return change


def test_a_suspension_closes_the_bays_of_its_provision() -> None:
    closing = provision(_suspends("P1", "P9"), reference="S1", kind="miscBaySuspension")
    found = read_dtro(document(closing, provision()))
    # British summer time
    start, end = datetime(2026, 7, 1, 6, tzinfo=UTC), datetime(2026, 7, 2, 18, tzinfo=UTC)
    assert found.suspensions == [Suspension("P1-1", start, end, "Gas works")]
    assert found.elsewhere == [("P9", Suspension("", start, end, "Gas works"))]
    given = read_dtro_file(document(closing, provision()))
    assert [(one.item.bay, one.among) for one in given.suspensions] == [("P1-1", None), ("", Among(provision="P9"))]
    assert given.left_out == found.left_out == [f"provision P1: left out: {SPACES}"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"{", "is no D-TRO: not valid JSON"),
        (b"[]", "is no D-TRO"),
        (document(schemaVersion="3.4.0"), "version 3.4.0; 4.0.0 is read"),
        (json.dumps(json.loads(document())["data"]).encode(), "without the object around it"),
        (document(data={"consultation": {}}), "is a consultation"),
        (document(data={"source": {"actionType": "fullRevoke"}}), "revokes its whole order"),
        (document(data={}), "has no source"),
        (document(), "has no provision"),
    ],
)
def test_documents_that_are_refused(data: bytes, problem: str) -> None:
    (found,) = _problems(data)
    assert problem in found


def test_all_problems_are_told_at_once_and_nothing_is_taken() -> None:
    data = document(
        provision(reference="good"),
        provision(_geometry("SRID=4326;LINESTRING(-0.1 51.5, -0.1 51.6)"), reference="there"),
        provision(_period(recurringTimePeriodOfDay=_times("25:00:00", "26:00:00")), reference="late"),
        provision(_validity(start="2026-01-05T00:00:00Z"), reference="zulu"),
        provision(_validity(end="9999-12-31T23:00:00"), reference="far"),
        provision(reference="good"),
    )
    assert _problems(data) == [
        "provision there: linestring is in the projection 4326; a D-TRO has the National Grid, 27700",
        "provision late: startTimeOfPeriod is no time such as 08:00:00",
        "provision zulu: start has an offset from UTC; times of a D-TRO are local, such as 2026-04-01T08:00:00",
        "provision far: end is not in the years 1900 to 2199",
        "provision good: stands there twice",
    ]


_JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(([], {}, [{}]))
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, one in inner for found in _paths(one, (*path, name)))]


@given(st.data())
@settings(max_examples=examples(300))
def test_whatever_stands_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    changed = json.loads(document(provision(), provision(_suspends("P1"), reference="S", kind="miscBaySuspension")))
    path = data.draw(st.sampled_from(_paths(changed)[1:]))
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = data.draw(_JUNK)
    try:
        found = read_dtro(json.dumps(changed).encode())
    except RegistryError:
        return
    assert all("left out" in line for line in found.left_out)


@pytest.mark.skipif(SCHEMA is None, reason="BOROUGH_TEST_DTRO_SCHEMA names no copy of D-TRO-v4.0.0-schema.json")
def test_the_departments_examples_are_read_or_told() -> None:
    """The examples in a folder beside the schema, as the department publishes them, or in its own."""
    assert SCHEMA is not None
    folder = Path(SCHEMA).parent
    refused, read = set(), {}
    for path in (*folder.glob("Examples/*-example-*.json"), *folder.glob("*-example-*.json")):
        name = path.stem.partition("-example-")[2]
        try:
            read[name] = read_dtro(path.read_bytes())
        except RegistryError:
            refused.add(name)
    assert refused == {"consultation", "source-action-type-full-revoke-example"}
    assert {name: len(one.bays) for name, one in read.items() if one.bays} == {
        "derbyshire-2024-dj388-partial": 1,
        "maxStayNoReturn": 1,
        "more-complex-example": 3,
        "other-condition": 1,
        "rates-example": 1,
    }
    assert all(one.left_out for one in read.values())
