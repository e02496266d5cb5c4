"""The hour that the clocks repeat, in tables: the order of a device's rows decides, or each row is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from borough.errors import UsageError
from borough.replay.mapping_file import read_table_mapping
from borough.replay.observations import TableSource
from borough.replay.repeated_hour import RepeatedHour
from borough.replay.row_times import Twofold
from tests.examples import examples
from tests.references.local_rows import instants_of, readings_in_order

MAPPING = """name = "local"
family = "smart-meter"
ORDER
[device]
column = "meter"
[time]
path = "time"
zone = "ZONE"
[[reading]]
property = "import_interval"
path = "kwh"
"""
HALF = timedelta(minutes=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def mapping(order: str = "any", zone: str = "Europe/London") -> str:
    return MAPPING.replace("ORDER", f'order = "{order}"').replace("ZONE", zone)


def source(folder: Path, text: str, lines: list[str]) -> TableSource:
    path = folder / "m.csv"
    path.write_text("meter,time,kwh\n" + "".join(f"{line}\n" for line in lines))
    return TableSource(read_table_mapping(text, "m.toml"), [path])


def found(of: TableSource) -> list[tuple[str, str, float]]:
    return [
        (of.devices[device], f"{EPOCH + timedelta(microseconds=time):%dT%H:%M}", values["import_interval"])
        for time, device, values in of.observations()
    ]


def autumn_day(step: timedelta = HALF) -> list[tuple[str, datetime]]:
    """The local texts of 2026-10-25 in London with their instants, in order."""
    zone = ZoneInfo("Europe/London")
    start = datetime(2026, 10, 24, 23, tzinfo=UTC)
    moments = [start + step * number for number in range(timedelta(hours=25) // step)]
    return [(f"{moment.astimezone(zone):%Y-%m-%d %H:%M}", moment) for moment in moments]


@pytest.mark.parametrize("order", ["any", "time"])
@pytest.mark.parametrize("minutes", [10, 15, 30, 60])
def test_all_of_a_day_of_25_hours(tmp_path: Path, order: str, minutes: int) -> None:
    day = autumn_day(timedelta(minutes=minutes))
    table = source(tmp_path, mapping(order), [f"a,{text},{number}" for number, (text, _) in enumerate(day)])
    assert found(table) == [("a", f"{moment:%dT%H:%M}", float(number)) for number, (_, moment) in enumerate(day)]
    assert table.unreadable.count == 0


@pytest.mark.parametrize("order", ["any", "time"])
def test_many_meters_beside_each_other(tmp_path: Path, order: str) -> None:
    lines = [f"{meter},{text},0.5" for text, _ in autumn_day(timedelta(hours=1)) for meter in ("a", "b", "c")]
    table = source(tmp_path, mapping(order), lines)
    assert found(table) == [
        (meter, f"{moment:%dT%H:%M}", 0.5) for _, moment in autumn_day(timedelta(hours=1)) for meter in ("a", "b", "c")
    ]


def test_one_meter_after_the_other_and_newest_first(tmp_path: Path) -> None:
    day = autumn_day()
    lines = [f"a,{text},1" for text, _ in day] + [f"b,{text},2" for text, _ in reversed(day)]
    assert found(source(tmp_path, mapping(), lines)) == [
        (meter, f"{moment:%dT%H:%M}", value) for _, moment in day for meter, value in (("a", 1.0), ("b", 2.0))
    ]


def test_an_hour_that_stands_there_once_is_the_first(tmp_path: Path) -> None:
    table = source(tmp_path, mapping(), [f"a,2026-10-25 {text},1" for text in ("00:30", "01:00", "01:30", "02:00")])
    assert [time for _, time, _ in found(table)] == ["24T23:30", "25T00:00", "25T00:30", "25T02:00"]


def test_a_first_pass_that_lacks_its_begin(tmp_path: Path) -> None:
    texts = ("00:30", "01:30", "01:00", "01:30", "02:00")
    table = source(tmp_path, mapping(), [f"a,2026-10-25 {text},1" for text in texts])
    assert [time for _, time, _ in found(table)] == ["24T23:30", "25T00:30", "25T01:00", "25T01:30", "25T02:00"]


@pytest.mark.parametrize(
    "texts",
    [
        ["00:30", "01:30", "01:00", "01:00", "01:30", "02:00"],
        ["00:30", "01:00", "01:00", "01:30", "01:30", "02:00"],  # sorted by local time
        ["05:00", "01:30", "12:00", "01:00", "00:00", "01:30", "08:00", "01:00", "09:00"],
        ["05:00", "01:30", "12:00"],
    ],
)
def test_what_the_order_does_not_tell_is_told_with_its_lines(tmp_path: Path, texts: list[str]) -> None:
    table = source(tmp_path, mapping(), [f"a,2026-10-25 {text},1" for text in texts])
    assert len(found(table)) == sum(not text.startswith("01") for text in texts)
    lines = [number for number, text in enumerate(texts, 2) if text.startswith("01")]
    assert table.unreadable.count == len(lines)
    (told,) = table.unreadable.lines
    assert told.startswith(f"m.csv, line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}: time: stands in")
    assert "the order of the rows does not tell" in told


def test_a_day_that_is_exported_twice_is_the_same_twice(tmp_path: Path) -> None:
    lines = [f"a,{text},1" for text, _ in autumn_day()]
    table = source(tmp_path, mapping(), lines + lines)
    assert found(table) == [("a", f"{moment:%dT%H:%M}", 1.0) for _, moment in autumn_day() for _ in range(2)]


def test_two_properties_in_rows_of_their_own_are_one_pass(tmp_path: Path) -> None:
    text = mapping("time").replace('family = "smart-meter"', 'family = "air-monitor"').replace("import_interval", "no2")
    text = text.replace("[[reading]]", '[pivot]\nname = "what"\nvalue = "value"\n[[reading]]').replace('"kwh"', '"no2"')
    text += '[[reading]]\nproperty = "o3"\npath = "o3"\n'
    path = tmp_path / "m.csv"
    day = autumn_day(timedelta(hours=1))
    path.write_text(
        "meter,time,what,value\n" + "".join(f"a,{local},{what},1\n" for local, _ in day for what in ("no2", "o3"))
    )
    table = TableSource(read_table_mapping(text, "m.toml"), [path])
    assert [(time, *values) for time, _, values in table.observations()] == [
        ((moment - EPOCH) // timedelta(microseconds=1), what) for _, moment in day for what in ("no2", "o3")
    ]


def test_hours_of_two_years_are_apart(tmp_path: Path) -> None:
    lines = [
        f"a,{day} {text},1" for day in ("2025-10-26", "2026-10-25") for text in ("01:00", "01:30", "01:00", "01:30")
    ]
    assert [time for _, time, _ in found(source(tmp_path, mapping(), lines))] == [
        f"{day}T{text}" for day in (26, 25) for text in ("00:00", "00:30", "01:00", "01:30")
    ]


def test_a_file_out_of_order_is_told_with_its_line(tmp_path: Path) -> None:
    lines = [f"a,2026-10-25 {text},1" for text in ("00:00", "01:30", "03:00", "02:30")]
    with pytest.raises(UsageError, match=r'm\.csv, line 5: is earlier than a line above it; .* order = "any"'):
        source(tmp_path, mapping("time"), lines)


def test_too_many_rows_of_such_an_hour_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("borough.replay.repeated_hour._HELD_FOR_GOOD", 3)
    hour = RepeatedHour("m.csv", lambda _: None, in_order=False)
    for line in range(2, 5):
        list(hour.add(line, line, Twofold(0, 3_600_000_000), {"import_interval": 1.0}, None))
    more = hour.add(5, 5, Twofold(0, 3_600_000_000), {"import_interval": 1.0}, None)
    with pytest.raises(UsageError, match=r"m\.csv, line 5: more than 3 rows stand in hours that the clocks repeat"):
        list(more)


def test_each_observation_has_its_own_line(tmp_path: Path) -> None:
    day = autumn_day()
    table = source(tmp_path, mapping(), [f"a,{text},{number}" for number, (text, _) in enumerate(day, 2)])
    got = list(table.by_line(lambda *_: None))
    assert sorted(line for _, line, _ in got) == list(range(2, 52))
    assert all(line == item.values["import_interval"] for _, line, item in got)
    told: list[int] = []
    shuffled = source(tmp_path, mapping(), [f"a,2026-10-25 {text},1" for text in ("05:00", "01:30", "12:00")])
    assert [line for _, line, _ in shuffled.by_line(lambda _, line, __: told.append(line))] == [2, 4]
    assert told == [3]


ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Europe/Berlin"]


@given(
    st.sampled_from(ZONES),
    st.sampled_from([10, 15, 30, 60]),
    st.sampled_from([3, 4, 10, 11]),
    st.randoms(use_true_random=False),
    st.sampled_from(["any", "time", "newest first"]),
)
@settings(max_examples=examples(25))
def test_any_rows_in_order_around_a_change_have_their_true_instants(
    tmp_path_factory: pytest.TempPathFactory, zone: str, step: int, month: int, chance: random.Random, order: str
) -> None:
    """Rows in order, some of them missing: where only one reading of them has an order, it is the one that is found."""
    place = ZoneInfo(zone)
    start = datetime(2026, month, 1, tzinfo=UTC)
    offsets = [(start + timedelta(hours=hours), (start + timedelta(hours=hours)).astimezone(place).utcoffset())
               for hours in range(31 * 24)]  # fmt: skip
    change = next((late[0] for early, late in pairwise(offsets) if early[1] != late[1]), start)
    count = int(timedelta(hours=3) / timedelta(minutes=step))
    moments = [change + timedelta(minutes=step) * number for number in range(-count, count)]
    moments = [moment for moment in moments if chance.random() < 0.8]
    # what stands around the hour says which way the rows go
    moments = [change - timedelta(hours=6), *moments, change + timedelta(hours=6)]
    local = [moment.astimezone(place).replace(tzinfo=None) for moment in moments]
    ways = readings_in_order(local, place) if sum(len(instants_of(row, place)) == 2 for row in local) < 10 else []
    lines = [f"a,{row:%Y-%m-%dT%H:%M},{number}" for number, row in enumerate(local)]
    table = source(
        tmp_path_factory.mktemp("rows"),
        mapping("time" if order == "time" else "any", zone),
        lines[::-1] if order == "newest first" else lines,
    )
    got = {values["import_interval"]: EPOCH + timedelta(microseconds=time) for time, _, values in table.observations()}
    assert table.unreadable.count == 0
    assert all(got[number] in instants_of(row, place) for number, row in enumerate(local))
    assert list(got.values()) == sorted(got.values())
    if len(ways) == 1:
        assert [got[number] for number in range(len(local))] == list(ways[0]) == moments
    elif any(len(instants_of(row, place)) == 2 for row in local) and len(set(local)) < len(local):
        # a time that stands there twice tells both passes
        assert all(list(got.values()).count(moment) == 1 for moment in got.values())
