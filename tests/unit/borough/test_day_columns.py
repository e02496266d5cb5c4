"""A column a half-hour: which headings are times of day, and their instants where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from borough.errors import UsageError
from borough.replay.mapping_file import read_table_mapping
from borough.replay.observations import TableSource
from borough.replay.registering import devices_of
from devices.mapping import MappingError
from tests.tools.tables import found, source, uses

WIDE = """name = "wide"
family = "smart-meter"
[device]
column = "meter"
[time]
path = "date"
zone = "Europe/London"
headings = HEADINGS
[[reading]]
property = "import_interval"
"""


def wide(headings: str = '"start"', order: str = "any") -> str:
    return WIDE.replace("HEADINGS", headings).replace("[device]", f'order = "{order}"\n[device]')


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@pytest.mark.parametrize("order", ["any", "time"])
@pytest.mark.parametrize("headings", ['"end"', '{ at = "end", step = "PT30M" }', '{ at = "end", like = "??:??" }'])
def test_times_of_day_as_headings(tmp_path: Path, headings: str, order: str) -> None:
    rows = ["m1,2026-07-01,0.1,0.2,0.3,9", "m2,2026-07-01,,x,0.4,9", "m1,2026-07-02,1,2,3,9"]
    text = "\n".join(["meter,date,00:30,01:00,01:30,total 3", *rows, ""])
    table = source(tmp_path, wide(headings, order), text)
    assert [(device, time, values["import_interval"]) for device, time, values in found(table)] == [
        ("m1", "06-30T23:00", 0.1), ("m1", "06-30T23:30", 0.2), ("m1", "07-01T00:00", 0.3), ("m2", "07-01T00:00", 0.4),
        ("m1", "07-01T23:00", 1.0), ("m1", "07-01T23:30", 2.0), ("m1", "07-02T00:00", 3.0),
    ]  # fmt: skip
    assert table.unreadable.lines == ["t.csv, line 3: import_interval: a text that is no number (column '01:00')"]
    devices = devices_of(table.mapping, table, [tmp_path / "t.csv"])
    assert [(device.id, dict(device.attributes)) for device in devices] == [
        ("m1", {"interval": "PT30M"}), ("m2", {"interval": "PT30M"}),
    ]  # fmt: skip


@pytest.mark.parametrize("at", ["start", "end"])
@pytest.mark.parametrize(("day", "change"), [("2026-03-29", -1), ("2026-10-25", 1), ("2026-07-01", 0)])
def test_clock_times_on_the_days_of_the_change(tmp_path: Path, at: str, day: str, change: int) -> None:
    """48 columns: in spring two have no interval; in autumn those of the repeated hour are its first pass."""
    names = [clock(30 * number + 30 * (at == "end")) for number in range(48)]
    table = source(tmp_path, wide(f'"{at}"'), f"meter,date,{','.join(names)}\nm1,{day},{','.join(['1'] * 48)}\n")
    zone = ZoneInfo("Europe/London")
    local = [datetime.fromisoformat(day).replace(tzinfo=zone) + timedelta(minutes=30 * number) for number in range(48)]
    real = [moment for moment in local if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
            == moment.replace(tzinfo=None)]  # fmt: skip
    assert [time for time, _ in uses(table)] == [f"{moment.astimezone(UTC):%m-%dT%H:%M}" for moment in real]
    assert table.unreadable.count == (2 if change < 0 else 0)


def test_zeros_at_times_that_the_clocks_skip_say_nothing(tmp_path: Path) -> None:
    table = source(tmp_path, wide(), "meter,date,00:30,01:00,01:30,02:00\nm1,2026-03-29,1,0,0.00,2\n")
    assert uses(table) == [("03-29T00:30", 1.0), ("03-29T01:00", 2.0)]
    assert table.unreadable.count == 0


def test_an_hour_that_stands_twice_in_the_headings(tmp_path: Path) -> None:
    text = "meter,date,01:00,01:30,01:00,01:30,02:00\nm1,2026-10-25,1,2,3,4,5\nm1,2026-07-01,1,2,,,5\n"
    table = source(tmp_path, wide(), text)
    assert uses(table) == [
        ("07-01T00:00", 1.0), ("07-01T00:30", 2.0), ("07-01T01:00", 5.0), ("10-25T00:00", 1.0), ("10-25T00:30", 2.0),
        ("10-25T01:00", 3.0), ("10-25T01:30", 4.0), ("10-25T02:00", 5.0),
    ]  # fmt: skip


@pytest.mark.parametrize("names", [[f"HH{n}" for n in range(1, 51)], [clock(30 * n) for n in range(1, 51)]])
@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 46), ("2026-10-25", 50), ("2026-07-01", 48)])
def test_columns_that_count_on(tmp_path: Path, names: list[str], day: str, count: int) -> None:
    headings = '{ at = "number", like = "HH*" }' if names[0] == "HH1" else '"end"'
    cells = [str(number) if number <= count else "" for number in range(1, 51)]
    table = source(tmp_path, wide(headings), f"meter,date,{','.join(names)}\nm1,{day},{','.join(cells)}\n")
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)
    assert uses(table) == [
        (f"{midnight + timedelta(minutes=30 * number):%m-%dT%H:%M}", float(number + 1)) for number in range(count)
    ]
    assert table.unreadable.count == 0


def test_names_of_channels_and_units_beside_the_day(tmp_path: Path) -> None:
    text = "meter,date,channel,unit,0000,0030\nm1,01/07/26,IMP,Wh,500,250\nm1,01/07/26,kvarh,Wh,9,9\n"
    mapping = (
        wide()
        .replace('path = "date"', 'path = "date"\npattern = "%d/%m/%y"')
        .replace('property = "import_interval"', 'property = "import_interval"\npath = "IMP"\nunit_path = "unit"')
    )
    mapping = mapping.replace("[[reading]]", '[pivot]\nname = "channel"\n[[reading]]')
    assert uses(source(tmp_path, mapping, text)) == [("06-30T23:00", 0.5), ("06-30T23:30", 0.25)]


@pytest.mark.parametrize(
    ("headings", "names", "said"),
    [
        ('"start"', "a,b", "has no column that is a time of day"),
        ('"start"', "00:00", "has times of day that do not tell how long an interval is"),
        ('"start"', "00:00,00:30,01:15", "has times of day that do not tell how long an interval is"),
        ('"number"', "a,b", "has no columns with numbers"),
        ('{ at = "number", step = "PT30M" }', "HH1,HH2,flag1,flag2", "has two columns for one time of day"),
        ('"middle"', "00:00", 'is "start", "end" or "number"'),
    ],
)
def test_headings_that_are_no_times_of_day(tmp_path: Path, headings: str, names: str, said: str) -> None:
    with pytest.raises(MappingError) as error:
        source(tmp_path, wide(headings), f"meter,date,{names}\nm1,2026-07-01{',1' * len(names.split(','))}\n")
    assert "m.toml, line 9: time, headings: " in str(error.value)
    assert said in str(error.value)


def test_days_out_of_order_are_told_with_their_line(tmp_path: Path) -> None:
    text = "meter,date,00:00,00:30\nm1,2026-07-02,1,1\nm1,2026-07-01,1,1\n"
    with pytest.raises(UsageError, match=r't\.csv, line 3: is of an earlier day .* order = "any"'):
        source(tmp_path, wide('"start"', "time"), text)


def test_a_date_that_is_no_text_is_told(tmp_path: Path) -> None:
    text = (
        '{"meter": "m1", "date": "2026-07-01", "00:00": 1, "00:30": 2}\n{"meter": "m1", "date": {"a": 1}, "00:00": 1}\n'
    )
    path = tmp_path / "t.ndjson"
    path.write_text(text)
    table = TableSource(read_table_mapping(wide(), "m.toml"), [path])
    assert uses(table) == [("06-30T23:00", 1.0), ("06-30T23:30", 2.0)]
    assert [line.split(":")[0] for line in table.unreadable.lines] == ["t.ndjson, line 2"]
