"""Values that follow from a cell, columns that may lack, and stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from borough.replay.registering import devices_of
from devices.mapping import MappingError
from tests.tools.tables import METER, found, source, uses


@pytest.mark.parametrize(
    ("unit", "length", "kwh"), [("kW", "PT1M", 0.05), ("W", "PT1M", 0.00005), ("W", "PT15M", 0.00075)]
)
def test_mean_power_is_the_energy_of_its_interval(tmp_path: Path, unit: str, length: str, kwh: float) -> None:
    mapping = METER + f'unit = "{unit}"\nmean = "{length}"\n'
    table = source(tmp_path, mapping, "time,kwh\n2026-07-01 00:00,3\n2026-07-01 00:01,?\n")
    ((_, value),) = uses(table)
    assert value == pytest.approx(kwh, rel=1e-15)
    (device,) = devices_of(table.mapping, table, [tmp_path / "t.csv"])
    assert device.attributes["interval"] == length


@pytest.mark.parametrize("words", ['mean = "PT1M"', 'mean = "PT1M"\nunit = "kWh"', 'mean = "soon"\nunit = "W"'])
def test_a_mean_power_needs_its_unit_and_length(tmp_path: Path, words: str) -> None:
    with pytest.raises(MappingError, match=r"m\.toml, line 11: reading 1 \(import_interval\), mean: "):
        source(tmp_path, METER + words + "\n", "time,kwh\n")


PARKS = METER.replace("smart-meter", "car-park").replace("import_interval", "free_spaces").replace('"kwh"', '"belegt"')


def test_occupied_spaces_against_a_column(tmp_path: Path) -> None:
    mapping = PARKS.replace('id = "m1"', 'column = "name"') + 'capacity = "plätze"\n'
    text = "time,name,belegt,plätze\n2026-07-01 00:00,a,30,100\n2026-07-01 00:00,b,30,\n2026-07-01 00:05,a,101,100\n"
    table = source(tmp_path, mapping, text)
    assert [(device, values["free_spaces"]) for device, _, values in found(table)] == [("a", 70.0), ("a", -1.0)]
    assert table.unreadable.lines == [
        "t.csv, line 3: free_spaces: occupied spaces without a capacity that is a number (column 'plätze')"
    ]


def test_optional_columns(tmp_path: Path) -> None:
    mapping = METER + 'optional = true\n[[reading]]\nproperty = "power"\npath = "W"\noptional = true\n'
    assert uses(source(tmp_path, mapping, "time,kwh\n2026-07-01 00:00,1\n")) == [("07-01T00:00", 1.0)]
    with pytest.raises(MappingError, match="has no column 'kwh' or 'W'"):
        source(tmp_path, mapping, "time,x\n2026-07-01 00:00,1\n")


def test_stays_are_two_events_unless_the_next_one_begins(tmp_path: Path) -> None:
    mapping = """name = "stays"
family = "parking-bay"
[device]
column = "bay"
[time]
path = "from"
until = "to"
zone = "Europe/London"
[[reading]]
property = "occupied"
path = "car"
values = { yes = 1, no = 0 }
"""
    text = (
        "bay,from,to,car\n1,2026-10-25 00:10,2026-10-25 00:40,yes\n1,2026-10-25 00:40,2026-10-25 01:10,yes\n"
        "1,2026-10-25 01:20,2026-10-25 01:05,yes\n1,2026-10-25 02:05,2026-10-25 02:15,no\n1,2026-10-25 03:00,,yes\n"
        "2,2026-10-25 05:00,2026-10-25 04:00,yes\n"
    )
    table = source(tmp_path, mapping, text)
    assert [(device, time, values["occupied"]) for device, time, values in found(table)] == [
        ("1", "10-24T23:10", 1), ("1", "10-24T23:40", 1), ("1", "10-25T00:10", 0), ("1", "10-25T00:20", 1),
        ("1", "10-25T01:05", 0), ("1", "10-25T02:05", 0), ("1", "10-25T03:00", 1), ("2", "10-25T05:00", 1),
    ]  # fmt: skip
    assert table.unreadable.lines == ["t.csv, line 7: time: the end of the stay is before its begin (column 'to')"]
    with pytest.raises(MappingError, match="time, until: "):
        source(tmp_path, mapping.replace("[device]", 'order = "time"\n[device]'), text)


def test_a_household_in_kilowatts_a_minute_with_two_ways_to_write_a_date(tmp_path: Path) -> None:
    """As a public file has it: day and month without a zero, the year in two digits or four, ``?`` where nothing is."""
    mapping = """name = "home"
family = "smart-meter"
delimiter = ";"
blanks = ["?"]
order = "time"
[device]
id = "home"
[time]
columns = ["Date", "Time"]
patterns = ["%d/%m/%Y %H:%M:%S", "%d/%m/%y %H:%M:%S"]
zone = "Europe/Paris"
[[reading]]
property = "import_interval"
path = "kw"
unit = "kW"
mean = "PT1M"
"""
    days = [("1/1/07", 1), ("12/1/07", 12), ("13/1/2007", 13), ("31/1/2007", 31)]
    lines = [f"{day};{minute // 60:02}:{minute % 60:02}:00;{'?' if minute == 7 else '1.200'}"
             for day, _ in days for minute in range(60)]  # fmt: skip
    table = source(tmp_path, mapping, "Date;Time;kw\n" + "\n".join(lines) + "\n")
    got = uses(table)
    assert table.unreadable.count == 0
    assert len(got) == 4 * 59
    assert sum(value for _, value in got) == pytest.approx(4 * 59 * 0.02)
    assert [time for time, _ in got[::59]] == [f"{at}T23:00" for at in ("12-31", "01-11", "01-12", "01-30")]
    (device,) = devices_of(table.mapping, table, [tmp_path / "t.csv"])
    assert dict(device.attributes) == {"interval": "PT1M"}
