"""Tables by mapping files: every shape, every mistake with its place, instants against hand-written ones."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from borough.errors import UsageError
from borough.replay.mapping_file import find_mapping, packaged, read_table_mapping
from borough.replay.observations import TableSource
from borough.replay.registering import devices_of
from devices.mapping import MappingError

LONG = """name = "air"
family = "air-monitor"
blanks = ["NA"]
[device]
column = "station"
prefix = "s-"
[time]
columns = ["day", "hour"]
pattern = "%Y-%m-%d %H"
zone = "Europe/London"
[[reading]]
property = "co"
path = "CO"
unit = "ug/m3"
[[reading]]
property = "pm10"
path = "PM10"
"""
ROWS = "station,day,hour,CO,PM10\nA 1,2013-07-01,0,300,NA\nA 1,2013-01-01,5,NA,NA\nB/2,2013-01-01,5,,7.5\n"


def us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(mapping: str, paths: Sequence[Path]) -> list[tuple[str, int, dict[str, float]]]:
    source = TableSource(read_table_mapping(mapping, "m.toml"), paths)
    found = [(source.devices[item.device], item.time, item.values) for item in source.observations()]
    assert source.unreadable.count == 0, source.unreadable.lines
    assert source.fraction == 1
    return found


# -- shapes ------------------------------------------------------------------------------------------------------------


def test_long_rows_with_blanks_units_and_a_zone(tmp_path: Path) -> None:
    path = write(tmp_path, "air.csv", ROWS)
    assert read(LONG, [path]) == [
        ("s-B-2", us("2013-01-01T05:00:00+00:00"), {"pm10": 7.5}),
        ("s-A-1", us("2013-06-30T23:00:00+00:00"), {"co": 0.3}),
    ]


@pytest.mark.parametrize("packing", ["csv.gz", "csv.zst", "ndjson", "parquet"])
def test_the_same_in_other_files(tmp_path: Path, packing: str) -> None:
    plain = write(tmp_path, "plain.csv", ROWS)
    path = tmp_path / f"air.{packing}"
    cells = [line.split(",") for line in ROWS.splitlines()]
    records = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    if packing == "csv.gz":
        path.write_bytes(gzip.compress(ROWS.encode()))
    elif packing == "csv.zst":
        path.write_bytes(zstandard.compress(ROWS.encode()))
    elif packing == "ndjson":
        lines = [
            "{" + ", ".join(f'"{key}": {cell if cell[:1].isdigit() and "-" not in cell else chr(34) + cell + chr(34)}'
                            for key, cell in record.items() if cell) + "}"
            for record in records
        ]  # fmt: skip
        path.write_text("\n\n".join(lines) + "\n")
    else:
        number = {"NA": None, "": None}
        columns = {key: [record[key] for record in records] for key in cells[0]}
        table = pa.table(
            {
                **{key: columns[key] for key in ("station", "day")},
                "hour": pa.array([int(cell) for cell in columns["hour"]]),
                **{
                    key: pa.array([number[cell] if cell in number else float(cell) for cell in columns[key]])
                    for key in ("CO", "PM10")
                },
                "more": columns["day"],
            }
        )
        pq.write_table(table, path)
    assert read(LONG, [path]) == read(LONG, [plain])


def test_parquet_instants_of_both_kinds(tmp_path: Path) -> None:
    moments = [datetime.fromisoformat(f"2013-07-01T{text}") for text in ("12:30", "13:00")]
    mapping = """name = "x"
family = "smart-meter"
[device]
id = "m1"
[time]
path = "at"
zone = "Europe/Berlin"
[[reading]]
property = "import_interval"
path = "kwh"
"""
    for kind, hour in ((pa.timestamp("us"), 10), (pa.timestamp("ns", tz="UTC"), 12)):
        path = tmp_path / f"{hour}.parquet"
        pq.write_table(pa.table({"at": pa.array(moments).cast(kind), "kwh": [1.0, 2.0]}), path)
        start = us(f"2013-07-01T{hour}:30:00+00:00")
        assert read(mapping, [path]) == [
            ("m1", start, {"import_interval": 1.0}),
            ("m1", start + 1_800_000_000, {"import_interval": 2.0}),
        ]


def test_headings_are_devices_and_blank_is_nothing(tmp_path: Path) -> None:
    mapping = """name = "parks"
family = "car-park"
order = "time"
[device]
headings = { except = ["weather"] }
[time]
path = "timestamp"
[[reading]]
property = "free_spaces"
"""
    first = write(
        tmp_path, "1.csv", "timestamp,a,b,weather\n2023-05-01T00:00:01+00:00,5,,dry\n2023-05-01T00:15:01+00:00,,7,wet\n"
    )
    second = write(tmp_path, "2.csv", "timestamp,b,c,weather\n2023-05-01T00:15:00+00:00,6,0,dry\n")
    assert read(mapping, [first, second]) == [
        ("a", us("2023-05-01T00:00:01+00:00"), {"free_spaces": 5.0}),
        ("b", us("2023-05-01T00:15:00+00:00"), {"free_spaces": 6.0}),
        ("c", us("2023-05-01T00:15:00+00:00"), {"free_spaces": 0.0}),
        ("b", us("2023-05-01T00:15:01+00:00"), {"free_spaces": 7.0}),
    ]


def test_a_column_of_names_and_one_of_values(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "openaq_some.csv",
        "city,location,date,parameter,value\nLondon,London Westminster,2019-05-01 02:00:00,no2,23\n"
        "London,London Westminster,2019-05-01 01:00:00,pm25,7.5\nLondon,London Westminster,2019-05-01 01:00:00,o3,9\n",
    )
    mapping = find_mapping("", path)
    assert mapping.name == "openaq"
    source = TableSource(mapping, [path])
    assert [(source.devices[at], time, values) for time, at, values in source.observations()] == [
        ("London-Westminster", us("2019-05-01T01:00:00+00:00"), {"pm2_5": 7.5}),
        ("London-Westminster", us("2019-05-01T02:00:00+00:00"), {"no2": 23.0}),
    ]
    (device,) = devices_of(mapping, source, [path])
    assert (device.family, device.model, device.origin, dict(device.attributes)) == (
        "air-monitor", "native", "real",
        {"city": "London", "interval": "PT1H", "class_of_instrument": "reference"},
    )  # fmt: skip


def test_registers_stay_counters_and_intervals_begin_at_their_time(tmp_path: Path) -> None:
    mapping = """name = "x"
family = "smart-meter"
[device]
id = "m1"
[time]
path = "end"
zone = "UTC"
stamp = "end PT30M"
[[reading]]
property = "import_register"
path = "wh"
unit = "Wh"
[[reading]]
property = "import_interval"
path = "use"
"""
    path = write(tmp_path, "m.csv", "end,wh,use\n2026-01-01T00:30:00,1500,0.25\n2026-01-01T01:00:00,1750,0.25\n")
    assert read(mapping, [path]) == [
        ("m1", us("2026-01-01T00:00:00+00:00"), {"import_register": 1.5, "import_interval": 0.25}),
        ("m1", us("2026-01-01T00:30:00+00:00"), {"import_register": 1.75, "import_interval": 0.25}),
    ]


# -- the packaged mappings ---------------------------------------------------------------------------------------------


def test_all_packaged_mappings_read() -> None:
    assert set(packaged()) == {
        "citylearn-fontana", "german-carparks", "lcl-london", "london-air", "melbourne-bay-events", "melbourne-bays",
        "muenster-carparks", "nem12", "occupied-carparks", "octopus-customer", "openaq", "opsd-konstanz",
        "prsa-beijing", "resstock-alameda", "sensor-community-archive", "uk-air",
    }  # fmt: skip
    for name, text in packaged().items():
        assert read_table_mapping(text, name).name == name


def test_london_half_hours_have_no_summer_time(tmp_path: Path) -> None:
    """48 half-hours on each of the four clock-change days of 2012 and 2013, none moved, none twice."""
    days = ["2012-03-25", "2012-10-28", "2013-03-31", "2013-10-27"]
    texts = [f"{day} {number // 2:02}:{number % 2 * 30:02}:00" for day in days for number in range(48)]
    lines = "".join(f"{text},{number / 1000}\n" for number, text in enumerate(texts))
    path = write(tmp_path, "lcl_MAC1_halfhourly.csv", ",KWH/hh (per half hour) \n" + lines)
    source = TableSource(find_mapping("", path), [path])
    found = list(source.observations())
    assert [item.time for item in found] == [us(text.replace(" ", "T") + "+00:00") for text in texts]
    assert source.devices == ["MAC1"]
    london = ZoneInfo("Europe/London")
    for day in days:
        # what a reader of local times would have made of it, for contrast: two half-hours less in spring
        local = {us(datetime.fromisoformat(f"{text[:10]}T{text[11:]}").replace(tzinfo=london).isoformat())
                 for text in texts if text.startswith(day)}  # fmt: skip
        assert len(local) == (46 if "-03-" in day else 48)


def test_numbered_rows_begin_at_2016_07_31_23_00_in_fontana(tmp_path: Path) -> None:
    head = "month,hour,day_type,non_shiftable_load,solar_generation\n"
    path = write(tmp_path, "Building_7.csv", head + "7,24,7,2.5,0\n8,1,1,0.5,0\n8,2,1,,0\n8,3,1,0.25,0\n")
    source = TableSource(find_mapping("", path), [path])
    assert [(time, values["import_interval"]) for time, _, values in source.observations()] == [
        (us("2016-07-31T23:00:00-08:00"), 2.5),
        (us("2016-08-01T00:00:00-08:00"), 0.5),
        (us("2016-08-01T02:00:00-08:00"), 0.25),
    ]
    assert source.devices == ["fontana-7"]
    shifted = write(tmp_path, "Building_8.csv", head + "7,24,7,2.5,0\n8,2,1,0.5,0\n")
    with pytest.raises(UsageError, match="row 2 is 2016-08-01T00:00:00-08:00, but its hour is not 1"):
        TableSource(find_mapping("", shifted), [shifted])


def test_beijing_is_eight_hours_ahead_and_its_co_in_micrograms(tmp_path: Path) -> None:
    head = '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","station"\n'
    path = write(tmp_path, "PRSA_Data_X.csv", head + '1,2013,3,1,0,4,NA,4,7,300,77,-0.7,1023,"X"\n')
    source = TableSource(find_mapping("", path), [path])
    (found,) = source.observations()
    assert found.time == us("2013-02-28T16:00:00+00:00")
    assert found.values == {
        "pm2_5": 4.0, "so2": 4.0, "no2": 7.0, "co": 0.3, "o3": 77.0, "temperature": -0.7, "pressure": 1023.0,
    }  # fmt: skip


def test_bays_with_a_byte_order_mark_have_their_places(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "melbourne_x.csv",
        "\ufeffLastupdated,Status_Timestamp,Zone_Number,Status_Description,KerbsideID,Location\n"
        '2025-01-22T11:44:37+08:00,2024-05-03T10:55:43+08:00,,Unoccupied,22774,"-37.82339509, 144.96674793"\n'
        '2025-01-22T11:44:37+08:00,2024-10-02T07:22:55+08:00,7550,Present,66010,"-37.80994021, 144.96635508"\n',
    )
    mapping = find_mapping("", path)
    source = TableSource(mapping, [path])
    assert [(source.devices[at], time, values) for time, at, values in source.observations()] == [
        ("melbourne-22774", us("2024-05-03T02:55:43+00:00"), {"occupied": 0}),
        ("melbourne-66010", us("2024-10-01T23:22:55+00:00"), {"occupied": 1}),
    ]
    first, second = devices_of(mapping, source, [path])
    assert (first.lat, first.lon, dict(first.attributes)) == (-37.82339509, 144.96674793, {})
    assert dict(second.attributes) == {"parking_zone": "7550"}


def test_car_parks_are_described_by_the_file_beside_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        "meta-data.csv",
        "place_id,place_name,city_name,num_all,latitude,longitude\na,Alpha,Aachen,605,50.77,6.09\nb,Beta,Bonn,,,\n",
    )
    path = write(tmp_path, "2023-05-01.csv", "timestamp,a,b,c\n2023-05-01T00:00:01+00:00,5,,7\n")
    mapping = find_mapping("", path)
    found = devices_of(mapping, TableSource(mapping, [path]), [path])
    assert [(device.id, device.lon, device.lat, dict(device.attributes)) for device in found] == [
        ("a", 6.09, 50.77, {"capacity": "605", "city": "Aachen", "place": "Alpha"}),
        ("b", None, None, {"city": "Bonn", "place": "Beta"}),
        ("c", None, None, {}),
    ]


# -- mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('zone = "Europe/London"', 'zone = "Europe/Lodnon"', "m.toml, line 10: time, zone: 'Europe/Lodnon' is no IANA"),
        ('unit = "ug/m3"', 'unit = "kWh"', "m.toml, line 14: reading 1 (co), unit: unit 'kWh' (energy) does not conv"),
        ('unit = "ug/m3"', 'unit = "ppb"', "m.toml, line 14: reading 1 (co), unit: unit 'ppb' (ratio) does not conv"),
        ('path = "PM10"', 'path = "PM_10"', "m.toml, line 17: reading 2 (pm10), path: air.csv has no column 'PM_10'"),
        ('column = "station"', 'column = "statoin"', "m.toml, line 4: device: air.csv has no column 'statoin'"),
        ('["day", "hour"]', '["day", "time"]', "m.toml, line 8: time, columns: air.csv has no column 'time'"),
        ('property = "pm10"', 'property = "pm_10"', "m.toml, line 16: reading 2, property: no family has a property"),
        ('property = "pm10"', 'property = "power"', "a air-monitor has no property 'power'"),
        ("[time]", "[time]\nstart = 3", "m.toml, line 7: time: start and step go together"),
        ('"%Y-%m-%d %H"', '"%Y-%m-%d %H"\nstamp = "end"', "m.toml, line 10: time, stamp: '' is no length of time"),
        ("[device]", "[device]\nid = 'x'", "m.toml, line 4: device: needs exactly one of id, column,"),
        ('path = "PM10"', 'path = "*"', "reading: topic, *, {attribute}, sum, plus and minus are for messages"),
        ('path = "PM10"', 'path = "{key}"', "reading: topic, *, {attribute}, sum, plus and minus are for messages"),
        ('path = "PM10"', 'path = "PM10"\nplus = ["CO"]', "sum, plus and minus are for messages; a table has columns"),
        ('prefix = "s-"', 'prefx = "s-"', "m.toml, line 6: device, prefx: unknown key; known are"),
        ('family = "air-monitor"', 'family = "air"', "m.toml, line 2: family: 'air' is none of parking-bay"),
        ('name = "air"', 'name = "air', "m.toml: Illegal character"),
        ('column = "station"', "file = 'air'", "m.toml, line 5: device, file: needs exactly one group"),
        ('column = "station"', "file = 'x(.)'", "m.toml, line 5: device, file: does not match the name air.csv"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_told_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write(tmp_path, "air.csv", ROWS)
    assert LONG.count(old) == 1
    with pytest.raises(MappingError) as error:
        TableSource(read_table_mapping(LONG.replace(old, new), "m.toml"), [path])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("%Y-%m-%d %H", "%d.%m.%Y %H"), "air.csv, line 2: time: the time does not have the"),
        (
            lambda text: text.replace('path = "CO"', 'path = "station"').replace('"PM10"', '"day"'),
            "co: a text that is no",
        ),
    ],
)
def test_what_never_reads_is_refused_before_the_first_message(tmp_path: Path, change: object, message: str) -> None:
    path = write(tmp_path, "air.csv", ROWS)
    assert callable(change)
    with pytest.raises(UsageError, match=r"m\.toml does not fit .*air\.csv; nothing was sent") as error:
        TableSource(read_table_mapping(change(LONG), "m.toml"), [path])
    assert message in error.value.details[0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("air.csv", "", "air.csv, line 1: has no headings"),
        ("air.csv", "station,b,station\n", "air.csv, line 1: the heading 'station' stands there twice"),
        ("air.csv", ROWS + "B,2013-01-01,6\n", "air.csv, line 5: 3 cells under 5 headings"),
        ("air.txt", ROWS, "its name ends in none of .csv, .ndjson"),
        ("air.ndjson", '{"a": 1}\n{"a": \n', "air.ndjson, line 2: no valid JSON"),
        ("air.ndjson", "[1]\n", "air.ndjson, line 1: is no JSON object"),
        ("air.parquet", "PAR1?", "air.parquet: is no whole Parquet file"),
        ("air.csv.gz", "plain", "air.csv.gz: cannot be unpacked"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(UsageError) as error:
        TableSource(read_table_mapping(LONG, "m.toml"), [path])
    assert message in str(error.value)


def test_single_bad_cells_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "air.csv", ROWS + "A 1,2013-02-01,7,soon,8\nA 1,2013-02-31,7,1,8\n,2013-02-01,8,1,8\n")
    source = TableSource(read_table_mapping(LONG, "m.toml"), [path])
    assert [values for _, _, values in source.observations()] == [{"pm10": 7.5}, {"pm10": 8.0}, {"co": 0.3}]
    assert source.unreadable.count == 3
    assert [line.split(":")[0] for line in source.unreadable.lines] == [f"air.csv, line {n}" for n in (5, 6, 7)]


def test_a_file_that_is_not_in_order_says_which_word_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, "air.csv", ROWS)
    mapping = read_table_mapping(LONG.replace('blanks = ["NA"]', 'blanks = ["NA"]\norder = "time"'), "m.toml")
    with pytest.raises(UsageError, match=r'air\.csv, line 4: is earlier .* its mapping needs order = "any"'):
        TableSource(mapping, [path])


def test_no_packaged_mapping_for_a_strange_file() -> None:
    with pytest.raises(MappingError, match=r"pears\.csv: no packaged mapping .* name one with --mapping"):
        find_mapping("", Path("pears.csv"))
    with pytest.raises(MappingError, match=r"pears: No such file or directory; packaged mappings are citylearn"):
        find_mapping("pears", Path("pears.csv"))
