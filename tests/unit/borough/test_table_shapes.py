"""Tables as people have them: decimal commas, blanks, lines above the headings, encodings."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borough.errors import UsageError
from borough.replay.mapping_file import read_table_mapping
from borough.replay.observations import TableSource
from devices.mapping import MappingError
from tests.tools.tables import METER, source, uses, with_words

# -- numbers -----------------------------------------------------------------------------------------------------------


def test_a_decimal_comma_and_thousands(tmp_path: Path) -> None:
    rows = ["0,123", "1.234,5", "0,1", "1 234,5", "1\u202f234", "-0", "2,5E-1"]
    text = "time;kwh;note\n" + "".join(f"2026-07-05 00:{at:02};{row};\n" for at, row in enumerate(rows))
    table = source(tmp_path, with_words('decimal = ","', 'delimiter = ";"'), text)
    assert [value for _, value in uses(table)] == [0.123, 1234.5, 0.1, 1234.5, 1234.0, 0.0, 0.25]


def test_thousands_by_commas_where_the_point_is_said(tmp_path: Path) -> None:
    table = source(
        tmp_path, with_words('decimal = "."'), 'time,kwh\n2026-07-05 00:00,"1,234.5"\n2026-07-05 01:00,0.5\n'
    )
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
    with pytest.raises(
        UsageError, match=r"line 1: the heading 'status' stands there twice, and m\.toml \(reading 1"
    ) as error:
        source(tmp_path, METER.replace('"kwh"', '"status"'), text)
    assert "name 'status 1' or 'status 2' instead" in str(error.value)
    devices = (
        METER.replace("smart-meter", "car-park").replace("import_interval", "free_spaces").replace('path = "kwh"', "")
    )
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
    with pytest.raises(
        UsageError, match=r't\.csv, line 1202: is not UTF-8 text; the mapping has .* encoding = "cp1252"'
    ):
        list(table.observations())
    with pytest.raises(UsageError, match=r"line 2: is not cp1252 text; the mapping names another encoding"):
        source(tmp_path, with_words('encoding = "cp1252"'), b"time,kwh\n2026-07-01 00:00,\x81\n")


def test_a_wrong_encoding_in_a_packed_file_that_is_cut_off(tmp_path: Path) -> None:
    text = b"time,kwh\n2026-07-01 00:00,\xff\n" + b"".join(b"2026-07-01 %06d,1\n" % at for at in range(40_000))
    packed = gzip.compress(text)
    with pytest.raises(UsageError, match=r"t\.csv\.gz, line 2: is not UTF-8 text"):
        source(tmp_path, METER, packed, "t.csv.gz")
    late = gzip.compress(text.replace(b"\xff", b"1") + b"\xff\n")
    with pytest.raises(UsageError, match=r"t\.csv\.gz.*: is cut off"):
        list(source(tmp_path, METER, late[:-9], "t.csv.gz").observations())


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_spreadsheets_note_of_its_separator_is_no_heading(tmp_path: Path, delimiter: str) -> None:
    text = f"sep={delimiter}\r\n\r\ntime{delimiter}kwh\r\n2026-07-01 00:00{delimiter}1\r\n"
    assert uses(source(tmp_path, with_words(f'delimiter = "{delimiter}"'.replace("\t", "\\t")), text)) == [
        ("07-01T00:00", 1.0)
    ]
