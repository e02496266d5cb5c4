"""Tables as people have them: commas, blanks, lines above the headings, encodings, 24:00, a column a half-hour, stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borough.errors import UsageError
from borough.replay.mapping_file import read_table_mapping
from borough.replay.observations import TableSource
from borough.replay.registering import devices_of
from devices.mapping import MappingError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

METER = """name = "m"
family = "smart-meter"
[device]
id = "m1"
[time]
path = "time"
zone = "UTC"
[[reading]]
property = "import_interval"
path = "kwh"
"""


def source(folder: Path, mapping: str, text: str | bytes, name: str = "t.csv") -> TableSource:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return TableSource(read_table_mapping(mapping, "m.toml"), [path])


def found(of: TableSource) -> list[tuple[str, str, dict[str, float]]]:
    return [
        (of.devices[device], f"{EPOCH + timedelta(microseconds=time):%m-%dT%H:%M}", dict(values))
        for time, device, values in of.observations()
    ]


def uses(of: TableSource) -> list[tuple[str, float]]:
    return [(time, values["import_interval"]) for _, time, values in found(of)]


def with_words(*words: str) -> str:
    return METER.replace("[device]", "\n".join(words) + "\n[device]", 1)


def with_time(*words: str) -> str:
    return METER.replace('path = "time"\nzone = "UTC"', "\n".join(words), 1)


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_a_decimal_comma_and_thousands(tmp_path: Path) -> None:
    rows = ["0,123", "1.234,5", "0,1", "1 234,5", "1\u202f234", "-0", "2,5E-1"]
    text = "time;kwh;note\n" + "".join(f"2026-07-05 00:{at:02};{row};\n" for at, row in enumerate(rows))
    table = source(tmp_path, with_words('decimal = ","', 'delimiter = ";"'), text)
    assert [value for _, value in uses(table)] == [0.123, 1234.5, 0.1, 1234.5, 1234.0, 0.0, 0.25]


def test_thousands_by_commas_where_the_point_is_said(tmp_path: Path) -> None:
    table = source(tmp_path, with_words('decimal = "."'), 'time,kwh\n2026-07-05 00:00,"1,234.5"\n2026-07-05 01:00,0.5\n')
    assert [value for _, value in uses(table)] == [1234.5, 0.5]


@pytest.mark.parametrize(
    ("words", "cell", "said"),
    [
        ([], "0,5", 'a number with a comma; where it is the decimal sign, the mapping needs decimal = ","'),
        (['decimal = ","'], "0.5", 'a number that decimal = "," cannot read'),
        (['decimal = ","'], "1.5", 'a number that decimal = "," cannot read'),
        (['decimal = "."'], "1,5", 'a number that decimal = "." cannot read'),
        ([], "Mrs 5", "a text that is no number"),
    ],
)
def test_a_number_of_another_kind_names_its_sign_and_the_word(
    tmp_path: Path, words: list[str], cell: str, said: str
) -> None:
    with pytest.raises(UsageError) as error:
        source(tmp_path, with_words('delimiter = ";"', *words), f"time;kwh\n2026-07-05 00:00;{cell}\n")
    (told,) = error.value.details
    assert told.startswith(f"t.csv, line 2: import_interval: {said}")
    assert told.endswith("(column 'kwh')")
    assert cell not in told


# -- lines, blanks and headings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["skip = 4", 'begins = "time"', 'begins = ["when", "time"]'])
def test_lines_before_the_headings(tmp_path: Path, word: str) -> None:
    text = 'Customer,"Jane Doe"\n"a quote"" and\nits end"\n\n"time",kwh\n2026-07-05 00:00,1\n2026-07-05,2\n'
    table = source(tmp_path, with_words(word), text)
    assert uses(table) == [("07-05T00:00", 1.0)]
    assert [line.split(":")[0] for line in table.unreadable.lines] == ["t.csv, line 7"]


def test_lines_before_the_headings_without_a_word_are_told_and_not_repeated(tmp_path: Path) -> None:
    text = "Customer,Jane Doe\nAddress,12 High Street\n\ntime,kwh\n2026-07-05 00:00,1\n"
    with pytest.raises(MappingError, match=r"no column 'time' in line 1; where line 4 has the headings, say skip = 3"):
        source(tmp_path, METER, text)
    with pytest.raises(MappingError, match="which is no line of headings: 2 cells") as error:
        source(tmp_path, METER.replace('"time"', '"when"').replace('"kwh"', '"use"'), text)
    assert "Jane" not in str(error.value)
    with pytest.raises(UsageError, match="none of its first 5 lines begins with 'Date'"):
        source(tmp_path, with_words('begins = "Date"'), text)


def test_a_file_without_headings_shows_no_cell(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no line of headings") as error:
        source(tmp_path, METER, "Jane Doe,2026-07-05 00:00,1\nJane Doe,2026-07-05 00:30,1\n")
    assert "Jane" not in str(error.value)


def test_blanks_at_the_ends_and_a_line_of_them(tmp_path: Path) -> None:
    text = 'kwh , time\t, "a note"\n 0.3,2026-07-01 00:00 , "x, y"\n\u00a00.4 , "2026-07-01 00:30",\n   \n\n,,\n'
    table = source(tmp_path, METER.replace('"kwh"', '" kwh"'), text)
    assert uses(table) == [("07-01T00:00", 0.3), ("07-01T00:30", 0.4)]
    assert table.unreadable.count == 0


def test_blanks_in_other_files(tmp_path: Path) -> None:
    json = source(tmp_path, with_words('blanks = ["NA"]'), '{"time ": " 2026-07-01T00:00", "kwh": " 0.3 "}\n'
                  '{"time": "2026-07-01T00:30", " kwh": "NA "}\n', "t.ndjson")  # fmt: skip
    assert uses(json) == [("07-01T00:00", 0.3)]
    pq.write_table(pa.table({" time": ["2026-07-01T00:00 "], "kwh ": [" 0.3"]}), tmp_path / "t.parquet")
    table = TableSource(read_table_mapping(METER, "m.toml"), [tmp_path / "t.parquet"])
    assert uses(table) == [("07-01T00:00", 0.3)]


def test_empty_cells_behind_the_last_heading(tmp_path: Path) -> None:
    assert uses(source(tmp_path, METER, "time,kwh\n2026-07-01 00:00,1,,\n")) == [("07-01T00:00", 1.0)]
    with pytest.raises(UsageError, match=r"t\.csv, line 2: 3 cells under 2 headings \(line 1\); mend the line, or say"):
        source(tmp_path, METER, "time,kwh\n2026-07-01 00:00,1,2\n")


def test_a_repeated_heading_gets_a_number(tmp_path: Path) -> None:
    text = "time,status,kwh,status\n2026-07-01 00:00,7,1,8\n"
    assert uses(source(tmp_path, METER, text)) == [("07-01T00:00", 1.0)]
    assert uses(source(tmp_path, METER.replace('"kwh"', '"status 2"'), text)) == [("07-01T00:00", 8.0)]
    with pytest.raises(UsageError, match=r"line 1: the heading 'status' stands there twice, and m\.toml \(reading 1") as error:
        source(tmp_path, METER.replace('"kwh"', '"status"'), text)
    assert "name 'status 1' or 'status 2' instead" in str(error.value)
    devices = METER.replace("smart-meter", "car-park").replace("import_interval", "free_spaces").replace('path = "kwh"', "")
    with pytest.raises(UsageError, match="the heading 'status' stands there twice"):
        source(tmp_path, devices.replace('id = "m1"', "headings = { except = [] }"), text)


@given(st.lists(st.sampled_from([" ", "\t", "\u00a0", "  "]), max_size=6), st.integers(0, 10**6))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_blanks_anywhere_are_none(tmp_path: Path, blanks: list[str], number: int) -> None:
    pads = iter([*blanks, *[""] * 8])
    cells = [f"{next(pads)}{cell}{next(pads)}" for cell in ("time", "kwh", "2026-07-01 00:30", str(number / 1000))]
    text = f"{cells[0]},{cells[1]}\n{cells[2]},{cells[3]}\n{''.join(blanks)}\n"
    assert uses(source(tmp_path, METER, text)) == [("07-01T00:30", number / 1000)]


# -- encodings ---------------------------------------------------------------------------------------------------------

UMLAUT = METER.replace('"kwh"', '"Zählerstand Größe"')
TEXT = "time,Zählerstand Größe\n2026-07-01 00:00,1\n"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", ""), ("utf-16-be", ""), ("cp1252", 'encoding = "cp1252"')],
)
def test_encodings(tmp_path: Path, encoding: str, words: str) -> None:
    mapping = UMLAUT.replace("[device]", f"{words}\n[device]")
    assert uses(source(tmp_path, mapping, TEXT.encode(encoding))) == [("07-01T00:00", 1.0)]
    assert uses(source(tmp_path, mapping, b"\xef\xbb\xbf" + TEXT.encode())) == [("07-01T00:00", 1.0)]


def test_a_wrong_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    lines = "".join(f"2026-07-01 {at // 60:02}:{at % 60:02},1\n" for at in range(1200))
    text = f"time,kwh,note\n{lines}2026-07-02 00:00,1,Müller\n".replace("1\n", "1,\n").encode("cp1252")
    table = source(tmp_path, METER, text)
    with pytest.raises(UsageError, match=r't\.csv, line 1202: is not UTF-8 text; the mapping has .* encoding = "cp1252"'):
        list(table.observations())
    with pytest.raises(UsageError, match=r"line 2: is not cp1252 text; the mapping names another encoding"):
        source(tmp_path, with_words('encoding = "cp1252"'), b"time,kwh\n2026-07-01 00:00,\x81\n")


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        (['pattern = "%d-%m-%Y %H:%M"', 'columns = ["a", "b"]'], "31-12-2025,24:00"),
        (['pattern = "%d/%m/%y %H:%M:%S"', 'columns = ["a", "b"]'], "31/12/25,24:00:00"),
        (['pattern = "%Y%m%d%H%M"', 'path = "a"'], "202512312400,"),
        (['pattern = "%Y-%m-%d %H"', 'columns = ["a", "b"]'], "2025-12-31,24"),
        (['path = "a"'], "2025-12-31T24:00,"),
        (['path = "a"'], "2025-12-31 24:00:00,"),
        (['path = "a"'], "2025-12-31T24:00:00Z,"),
    ],
)
def test_24_00_is_midnight_of_the_next_day(tmp_path: Path, words: list[str], cells: str) -> None:
    table = source(tmp_path, with_time('zone = "UTC"', *words), f"a,b,kwh\n{cells},1\n")
    assert uses(table) == [("01-01T00:00", 1.0)]


def test_24_00_of_a_local_day_and_none_beyond_it(tmp_path: Path) -> None:
    words = ['zone = "Europe/London"', 'path = "time"', 'stamp = "end PT30M"']
    text = "time,kwh\n2026-10-25T24:00,1\n2026-10-25T24:30,1\n"
    table = source(tmp_path, with_time(*words), text)
    assert uses(table) == [("10-25T23:30", 1.0)]
    assert table.unreadable.count == 1


def test_several_patterns_in_one_file(tmp_path: Path) -> None:
    words = ['columns = ["Date", "Time"]', 'patterns = ["%d/%m/%Y %H:%M:%S", "%d/%m/%y %H:%M:%S"]', 'zone = "UTC"']
    text = "Date,Time,kwh\n1/1/07,00:00:00,1\n13/1/2007,00:01:00,2\n13/1/2007,Jane Doe,3\n2007-01-14,00:00:00,4\n"
    table = source(tmp_path, with_time(*words), text)
    assert uses(table) == [("01-01T00:00", 1.0), ("01-13T00:01", 2.0)]
    first, second = table.unreadable.lines
    forms = "the time does not have the form '%d/%m/%Y %H:%M:%S' or '%d/%m/%y %H:%M:%S'"
    assert first == f"t.csv, line 4: time: {forms}: a text of 18 signs (columns 'Date', 'Time')"
    assert second == f"t.csv, line 5: time: {forms}: '2007-01-14 00:00:00' (columns 'Date', 'Time')"


@pytest.mark.parametrize("cell", ["Jane Doe", "1200012345678", "Jane 12:00", "May Summers 01:00"])
def test_what_may_be_a_person_is_not_quoted(tmp_path: Path, cell: str) -> None:
    table = source(tmp_path, METER, f"time,kwh\n2026-07-01 00:00,1\n{cell},2\n")
    assert uses(table) == [("07-01T00:00", 1.0)]
    (told,) = table.unreadable.lines
    assert told == f"t.csv, line 3: time: a text of {len(cell)} signs is no time, or one without offset and zone" + (
        " (column 'time')"
    )


# -- a column a half-hour ----------------------------------------------------------------------------------------------

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
    text = "meter,date,00:30,01:00,01:30,total 3\nm1,2026-07-01,0.1,0.2,0.3,9\nm2,2026-07-01,,x,0.4,9\nm1,2026-07-02,1,2,3,9\n"
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
    mapping = wide().replace('path = "date"', 'path = "date"\npattern = "%d/%m/%y"').replace(
        'property = "import_interval"', 'property = "import_interval"\npath = "IMP"\nunit_path = "unit"'
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


# -- values that follow ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "length", "kwh"), [("kW", "PT1M", 0.05), ("W", "PT1M", 0.00005), ("W", "PT15M", 0.00075)])
def test_mean_power_is_the_energy_of_its_interval(tmp_path: Path, unit: str, length: str, kwh: float) -> None:
    mapping = METER + f'unit = "{unit}"\nmean = "{length}"\n'
    table = source(tmp_path, mapping, "time,kwh\n2026-07-01 00:00,3\n2026-07-01 00:01,?\n")
    assert uses(table) == [("07-01T00:00", pytest.approx(kwh, rel=1e-15))]
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
        "t.csv, line 3: free_spaces: occupied spaces without a capacity that is a number (column 'plätze' of the device)"
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
