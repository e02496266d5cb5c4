"""Bays as examples for what is exchanged: any bay that the register may hold, and documents of D-TRO around them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from devices.bays import KINDS, Bay, Restriction, Suspension
from devices.bays_geometry import middle
from devices.bays_hours import contradictions, ordered

#: Names of streets and zones, some with signs of the descriptions that we write.
_NAMES = ("Mill Road", "St John's Street", "Straße 7", "A, zone B", "Quay [east]", "Way of 3 spaces")
_DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    """One restriction."""
    start = draw(st.integers(0, 47)) * 30
    from_day, to_day = draw(spans())
    return Restriction(
        draw(st.integers(1, 127)),
        start,
        draw(st.integers(start // 30 + 1, 48)) * 30,
        draw(st.none() | st.integers(1, 600)),
        draw(st.none() | st.integers(1, 600)),
        draw(st.sampled_from(("as-usual", "off", "only"))),
        draw(st.sampled_from(("any", "only", "not"))),
        from_day,
        to_day,
    )


@st.composite
def spans(draw: st.DrawFn) -> tuple[date | None, date | None]:
    """A first day and the day after the last, each perhaps open."""
    from_day = draw(st.none() | _DAYS)
    length = draw(st.none() | st.integers(1, 400))
    return from_day, None if length is None else (from_day or date(2025, 6, 1)) + timedelta(length)


@st.composite
def places(draw: st.DrawFn) -> tuple[float, float]:
    """A place in London [degrees], to 1 cm."""
    return draw(st.integers(-5_000_000, 3_000_000)) / 1e7, draw(st.integers(512_800_000, 516_900_000)) / 1e7


@st.composite
def bays(draw: st.DrawFn, number: int = 1) -> Bay:
    """One bay of no household."""
    lon, lat = draw(places())
    geometry: dict[str, Any] | None = None
    shape = draw(st.sampled_from(("point", "line", "area")))
    if shape == "line":
        geometry = {"type": "LineString", "coordinates": [[lon, lat], [round(lon + 0.0001, 7), lat]]}
    elif shape == "area":
        ring = [[lon, lat], [round(lon + 0.0001, 7), lat], [lon, round(lat + 0.00005, 7)], [lon, lat]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    if geometry is not None and draw(st.booleans()):
        lon, lat = middle(geometry)
    from_day, to_day = draw(spans())
    found = draw(st.lists(restrictions(), max_size=4))
    while contradictions(found):
        found.pop()
    return Bay(
        f"bay-{number}",
        draw(st.sampled_from(_NAMES)),
        draw(st.sampled_from(_NAMES)),
        draw(st.sampled_from(KINDS)),
        lon,
        lat,
        draw(st.integers(1, 40)),
        draw(st.booleans()),
        draw(st.none() | st.sampled_from((0.5, 5.5, 12.25, 1_000.0))),
        geometry,
        origin=draw(st.sampled_from(("real", "simulated"))),
        from_day=from_day,
        to_day=to_day,
        restrictions=ordered(found),
        attributes=draw(st.sampled_from(({}, {"usrn": "39608173"}, {"tariff": "GBP 3.20 an hour"}))),
    )


@st.composite
def suspensions(draw: st.DrawFn, bay: str) -> Suspension:
    """One suspension of a bay; hours that a clock shows twice are left out."""
    start = datetime(2026, draw(st.integers(1, 9)), 5, draw(st.integers(0, 23)), 30, tzinfo=UTC)
    length = timedelta(hours=draw(st.integers(1, 1_000)))
    return Suspension(bay, start, start + length, draw(st.sampled_from(("Gas works", "Filming"))))


#: A provision of a payment place that holds on working days, as an authority publishes it.
PROVISION: dict[str, Any] = {
    "actionType": "new",
    "orderReportingPoint": "permanentNoticeOfMaking",
    "comingIntoForceDate": "2026-01-01",
    "provisionDescription": "Pay and display, Monday to Friday 8 am to 6 pm",
    "reference": "P1",
    "regulatedPlace": [
        {
            "description": "North side of Mill Road",
            "type": "regulationLocation",
            "assignment": False,
            "busRoute": False,
            "bywayType": "road",
            "concession": False,
            "tramcar": False,
            "linearGeometry": {
                "version": 1,
                "direction": "bidirectional",
                "lateralPosition": "onKerb",
                "representation": "linear",
                "linestring": "SRID=27700;LINESTRING(533273 179985, 533273 179997)",
                "externalReference": [
                    {
                        "lastUpdateDate": "2025-12-01T00:00:00",
                        "uniqueStreetReferenceNumber": [{"usrn": 8400123, "nsgStreetName": "Mill Road"}],
                    }
                ],
            },
        }
    ],
    "regulation": {
        "isDynamic": False,
        "timeZone": "Europe/London",
        "generalRegulation": {"regulationType": "kerbsidePaymentParkingPlace"},
        "condition": {
            "timeValidity": {
                "start": "2026-01-05T00:00:00",
                "isPlaceholderTro": False,
                "validPeriod": [
                    {
                        "recurringDayWeekMonthPeriod": [
                            {"applicableDay": ["monday", "tuesday", "wednesday", "thursday", "friday"]}
                        ],
                        "recurringTimePeriodOfDay": [{"startTimeOfPeriod": "08:00:00", "endTimeOfPeriod": "18:00:00"}],
                        "maxStayNoReturn": {"maximumOccupancy": "PT2H", "minimumPeriodForReturn": "PT1H"},
                    }
                ],
            }
        },
    },
}

#: Changes a copy of `PROVISION` in place.
Change = Callable[[dict[str, Any]], None]


def provision(*changes: Change, reference: str = "P1", kind: str | None = None) -> dict[str, Any]:
    """A provision, with changes."""
    found = copy.deepcopy(PROVISION)
    found["reference"] = reference
    if kind is not None:
        found["regulation"]["generalRegulation"]["regulationType"] = kind
    for change in changes:
        change(found)
    return found


def document(*provisions: dict[str, Any], **changes: Any) -> bytes:
    """An order of provisions; ``changes`` are of the outer object."""
    source = {
        "actionType": "new",
        "currentTraOwner": 9001,
        "madeDate": "2025-12-20",
        "comingIntoForceDate": "2026-01-01",
        "provision": list(provisions),
        "reference": "T1",
        "section": "All",
        "statementDescription": "Parking places",
        "traAffected": [9001],
        "traCreator": 9001,
        "troName": "The Test Order 2026",
    }
    return json.dumps({"schemaVersion": "4.0.0", "data": {"source": source}} | changes).encode()
