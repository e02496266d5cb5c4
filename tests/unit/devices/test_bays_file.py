"""The bays file: what is taken, and what every mistake is told as."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import bays_dated
from devices.bays import KINDS, Bay, Restriction
from devices.bays_file import OPTIONAL, REQUIRED, read_bays, write_bays
from devices.bays_geojson import read_bays_geojson, write_bays_geojson
from devices.registry import RegistryError
from tests.worlds.parking_register import bays_csv

PAGE = Path(__file__).parents[3] / "docs/reference/bays-file.md"


def _problems(data: bytes) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        read_bays(data)
    return [str(problem) for problem in caught.value.problems]


def test_a_full_line() -> None:
    (given_,) = read_bays(
        bays_csv(
            [
                {
                    "id": "b1", "kind": "pay", "spaces": "3", "off_street": "yes", "length": "15.5",
                    "class": "personal", "uprn": "000100", "origin": "simulated",
                    "from": "2026-01-01", "to": "2027-01-01",
                    "days": "Mo-Sa", "hours": "08:30-18:30", "maximum_stay": "PT1H", "no_return": "120",
                    "bank_holidays": "off", "event_days": "not", "hours_from": "2026-02-01", "hours_to": "2026-03-01",
                    "sign": "P-17",
                }
            ]
        )
    ).bays  # fmt: skip
    assert given_.item == Bay(
        "b1", "Dock Street", "A", "pay", -0.081, 51.503, 3, True, 15.5, None, True, "100", "simulated",
        date(2026, 1, 1), date(2027, 1, 1),
        (Restriction(63, 510, 1110, 60, 120, "off", "not", date(2026, 2, 1), date(2026, 3, 1)),), {"sign": "P-17"},
    )  # fmt: skip
    assert given_.where == "line 2"


def test_lines_that_differ_in_their_hours_are_one_bay() -> None:
    morning, evening = {"hours": "08:00-12:00", "maximum_stay": "60"}, {"hours": "12:00-18:00", "maximum_stay": "30"}
    there = read_bays(bays_csv([{"id": "b1", **evening}, {"id": "b2"}, {"id": "b1", **morning}])).bays
    assert [len(one.item.restrictions) for one in there] == [2, 0]
    back = read_bays(bays_csv([{"id": "b1", **morning}, {"id": "b1", **evening}])).bays
    assert back[0].item == there[0].item


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"id": "a/b"}, "id 'a/b' is no id"),
        ({"street": ""}, "has no street"),
        ({"zone": "x" * 61}, "zone is 61 letters long; at most 60 are taken"),
        ({"street": "a\u202eb"}, "street holds a sign that turns the order of text round"),
        ({"kind": "valet"}, "kind 'valet' is not one of resident-permit, pay"),
        ({"lon": "530000"}, "lon '530000' is not a number from -180 to 180"),
        ({"lon": "51.503", "lat": "-0.081"}, "longitude and latitude are swapped, it seems"),
        ({"spaces": "0"}, "spaces '0' is not a whole number from 1"),
        ({"spaces": "9" * 5000}, "is not a whole number from 1"),
        ({"length": "-2"}, "length '-2' is not a number from 0.5"),
        ({"class": "secret"}, "class 'secret' is not one of open, personal"),
        ({"uprn": "100"}, "uprn is given, but class is not personal"),
        ({"class": "personal", "uprn": "x"}, "uprn is not a number of up to 12 digits"),
        ({"from": "0001-01-01"}, "from '0001-01-01' is no date"),
        ({"from": "2026-01-01", "to": "2026-01-01"}, "to 2026-01-01 is not after from 2026-01-01"),
        ({"geometry": "POINT(0 0)"}, "geometry is no GeoJSON geometry"),
        ({"geometry": '{"type":"Point","coordinates":[530000,180000]}'}, "they are in another projection"),
        ({"geometry": "[" * 9_000}, "geometry is no GeoJSON geometry"),
        ({"sign": "x" * 1_001}, "sign is 1,001 letters long"),
        ({"days": "Mo-Xx"}, "days 'Mo-Xx' are no days"),
    ],
)
def test_every_mistake_is_told_with_its_line(cell: dict[str, str], said: str) -> None:
    (problem, *_) = _problems(bays_csv([{"id": "b1"}, {"id": "b2", **cell}]))
    assert problem.startswith("line 3: ")
    assert said in problem


def test_lines_of_one_bay_that_do_not_fit_together() -> None:
    hours = {"days": "Mo-Sa", "hours": "08:30-18:30", "maximum_stay": "60"}
    rows = [
        {"id": "b1", **hours},
        {"id": "b1", **hours, "kind": "pay"},
        {"id": "b1"},
        {"id": "b1", "days": "Sa", "hours": "18:00-20:00", "bank_holidays": "off"},
        {"id": "b1", "days": "Su", "hours": "10:00-16:00"},
    ]
    assert _problems(bays_csv(rows)) == [
        "line 3: bay b1 is already given in line 2, and more than its hours differ: kind",
        "line 4: bay b1 is already given in line 2; a further line gives further hours",
        (
            "line 5: its hours (Sa 18:00-20:00, not on bank holidays) hold at the same time as those of line 2"
            " (Mo-Sa 08:30-18:30, up to 60 min); a bay has one rule at a time"
        ),
    ]
    many = [
        {"id": "b1", "hours": f"{n // 60:02d}:{n % 60:02d}-{n // 60:02d}:{n % 60 + 1:02d}"} for n in range(0, 130, 2)
    ]
    assert _problems(bays_csv(many)) == ["line 66: the bay has hours on more than 64 lines"]


def test_headings_are_told() -> None:
    assert "does not name the column zone, kind" in _problems(b"id,street,lon,lat\n")[0]
    assert "'restrictions' is no column" in _problems(bays_csv([{"id": "b1", "restrictions": "x"}]))[0]


_TEXT = st.text("abc ,;\"'=-é", min_size=1, max_size=8).map(str.strip).filter(bool)
_PLACE = st.floats(-60, 60, allow_nan=False)
_RING = st.lists(st.tuples(st.floats(0, 1e-3), st.floats(0, 1e-3)), min_size=3, max_size=6).map(lambda r: [*r, r[0]])
_BAY = st.builds(
    lambda text, place, kind, spaces, shape, hours, attributes: Bay(
        "b1", text, "A", kind, place[0], place[1], spaces, spaces > 2, spaces / 3 + 1,
        None if not shape else {"type": "Polygon", "coordinates": [[[x - 0.1, y + 51] for x, y in shape]]},
        restrictions=hours, attributes=attributes,
    ),
    _TEXT, st.tuples(_PLACE, _PLACE).filter(lambda p: not -10 < p[1] < 3), st.sampled_from(KINDS), st.integers(1, 9),
    st.one_of(st.none(), _RING),
    st.sampled_from([(), (Restriction(63, 510, 1110, 60, 120),), (Restriction(1, 0, 60), Restriction(1, 60, 1440, 5))]),
    st.dictionaries(st.sampled_from(["sign", "note 2"]), _TEXT),
)  # fmt: skip


@given(_BAY)
def test_a_file_that_was_written_is_read_back(bay: Bay) -> None:
    assert [one.item for one in read_bays(write_bays([bay]).encode()).bays] == [bay]
    assert [one.item for one in read_bays_geojson(write_bays_geojson([bay]).encode()).bays] == [bay]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (read_bays, read_bays_geojson):
        with contextlib.suppress(RegistryError):
            read(data)
        with contextlib.suppress(RegistryError):
            read(bays_csv([{"id": "b1"}]) + data)


def test_every_column_and_word_is_documented() -> None:
    text = PAGE.read_text()
    dated = {name for kind in bays_dated.KINDS.values() for name in (*kind.required, *kind.optional)}
    for name in (*REQUIRED, *OPTIONAL, *KINDS, *dated, *bays_dated.KINDS):
        assert f"`{name}`" in text, name
