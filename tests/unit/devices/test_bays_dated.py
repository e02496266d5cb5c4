"""Sensors, suspensions, permits and event days as files: times and what every mistake is told as."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.bays import EventDay, Permit, Register, SensorLink, Suspension
from devices.bays_dated import KINDS, kind_of, read_dated, write_dated
from devices.bays_file import Among
from devices.registry import RegistryError
from tests.worlds.parking_register import csv_of

LONDON = ZoneInfo("Europe/London")
WINTER, SUMMER = datetime(2026, 1, 5, 8, 30, tzinfo=UTC), datetime(2026, 7, 5, 7, 30, tzinfo=UTC)
SPAN = {"from": "2026-01-05 08:30", "to": "2026-07-05T08:30"}


def _items(what: str, *rows: dict[str, str]) -> list[Any]:
    return [given_.item for given_ in getattr(read_dated(what, csv_of(rows), LONDON), what)]


def _problems(what: str, *rows: dict[str, str]) -> Sequence[str]:
    with pytest.raises(RegistryError) as caught:
        read_dated(what, csv_of(rows), LONDON)
    return [str(problem) for problem in caught.value.problems]


def test_each_kind() -> None:
    assert _items("sensors", {"bay": "b", "device": "s", "from": "2026-07-05", "to": ""}) == [
        SensorLink("b", "s", datetime(2026, 7, 4, 23, tzinfo=UTC), None)
    ]
    assert _items("suspensions", {"bay": "b", **SPAN, "reason": "filming"}) == [
        Suspension("b", WINTER, SUMMER, "filming")
    ]
    assert _items("permits", {"bay": "b", **SPAN, "kind": "a funeral"}) == [Permit("b", WINTER, SUMMER, "a funeral")]
    assert _items("events", {"zone": "A", "day": "2026-08-01", "name": "Match"}) == [
        EventDay("A", date(2026, 8, 1), "Match")
    ]


def test_a_zone_or_a_street_stands_for_its_bays() -> None:
    rows = [
        {"zone": "A", **SPAN, "reason": "works", "remove": "yes"},
        {"zone": "A", "street": "Dock Street", **SPAN, "reason": "works", "remove": ""},
    ]
    there = read_dated("suspensions", csv_of([{"street": "", **row} for row in rows]), LONDON).suspensions
    assert [(one.item.bay, one.among, one.removed) for one in there] == [
        ("", Among("A", None), True),
        ("", Among("A", "Dock Street"), False),
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-10-25T01:30+01:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 01:30Z", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-24 24:00", datetime(2026, 10, 24, 23, tzinfo=UTC)),
        ("2026-10-24T24:00", datetime(2026, 10, 24, 23, tzinfo=UTC)),
        ("2026-01-24 08:24:00", datetime(2026, 1, 24, 8, 24, tzinfo=UTC)),
        ("2026-01-24T08:24:00", datetime(2026, 1, 24, 8, 24, tzinfo=UTC)),
        ("2026-10-25 02:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
        ("2026-03-29 02:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ],
)
def test_times(text: str, instant: datetime) -> None:
    (link,) = _items("sensors", {"bay": "b", "device": "s", "from": text})
    assert link.start == instant


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"from": "2026-10-25 01:30"}, "from 2026-10-25 01:30 comes twice, when the clocks go back; say which instant"),
        ({"to": "2026-03-29 01:30"}, "to 2026-03-29 01:30 is left out by the clocks"),
        ({"to": "2026-02-01"}, "to 2026-02-01 does not say when on that day; to the end of it is 2026-02-01 24:00"),
        ({"from": ""}, "has no from"),
        ({"to": ""}, "has no to"),
        ({"to": "2026-01-05 08:30"}, "to 2026-01-05 08:30 is not after from 2026-01-05 08:30"),
        ({"from": "05/01/2026"}, "from '05/01/2026' is no time such as 2026-04-01 08:30"),
        ({"from": "0001-01-01"}, "is no time such as"),
        ({"from": "9999-12-31 24:00"}, "is no time such as"),
        ({"bay": "a b"}, "bay 'a b' is no id of a bay"),
        ({"bay": ""}, "has no bay, zone or street"),
        ({"zone": "A"}, "a bay is given and a zone or street too"),
        ({"reason": ""}, "has no reason"),
        ({"reason": "x" * 201}, "reason is 201 letters long; at most 200 are taken"),
        ({"remove": "maybe"}, "remove 'maybe' is neither yes nor no"),
    ],
)
def test_mistakes_of_a_suspension_are_told_with_their_line(cells: dict[str, str], said: str) -> None:
    good = {"bay": "b", "zone": "", **SPAN, "reason": "filming", "remove": ""}
    (problem,) = _problems("suspensions", good, {**good, **cells})
    assert problem.startswith("line 3: ")
    assert said in problem


def test_other_mistakes() -> None:
    (problem,) = _problems("sensors", {"bay": "b", "device": "s/1", "from": "2026-01-01"})
    assert "device 's/1' is no device id" in problem
    (problem,) = _problems("events", {"zone": "A", "day": "1 May", "name": "Match"})
    assert "day '1 May' is no date" in problem
    (problem,) = _problems("events", {"zone": "A", "day": "2026-05-01", "name": "Match", "street": "x"})
    assert "names the column 'street', which a file of events does not have" in problem


def test_a_file_is_known_by_its_headings() -> None:
    assert kind_of(b"bay,device,from\n") == "sensors"
    assert kind_of(b"bay,from,to,kind\n") == "permits"
    # permits without dates are told what they lack
    assert kind_of(b"bay,kind\n") == "permits"
    assert "does not name the column from, to" in _problems("permits", {"bay": "b1", "kind": "a funeral"})[0]
    # and bays without an id are no permits
    assert kind_of(b"street,zone,kind,lon,lat\n") is None


_INSTANT = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 bounds are naive


@given(_INSTANT, st.one_of(st.none(), _INSTANT))
def test_files_that_were_written_are_read_back(start: datetime, end: datetime | None) -> None:
    if end is not None and end <= start:
        start, end = end, start
    end = None if end == start else end
    register = Register(
        sensors=[SensorLink("b", "s", start, end)],
        suspensions=[] if end is None else [Suspension("b", start, end, "filming")],
        permits=[] if end is None else [Permit("b", start, end, "a funeral")],
        events=[EventDay("A", start.date(), "Match")],
    )
    for what in KINDS:
        there = read_dated(what, write_dated(what, register, LONDON).encode(), LONDON)
        assert [one.item for one in getattr(there, what)] == getattr(register, what)


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(what: str, data: bytes) -> None:
    head = ",".join((*KINDS[what].required, *KINDS[what].optional)).encode() + b"\n"
    for text in (data, head + data):
        with contextlib.suppress(RegistryError):
            read_dated(what, text, LONDON)
