"""The one CSV writer: tables for people hold no formula, tables for programs read back to the same."""

from __future__ import annotations

import ast
import csv
import io
import re
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borough.delivery.letters import print_run as post
from borough.rights import export as subjects
from dashboard.web.csv import csv_blocks
from devices.credentials import read_secrets, write_secrets
from devices.csv_table import csv_text, guarded
from devices.device import Device
from devices.models import MODELS
from devices.registry import read_csv, write_csv
from store.subject import Everything

ROOT = Path(__file__).parents[3]
#: What begins a formula in Excel, LibreOffice, Google Sheets or a program that takes full-width forms for plain ones.
BEGINS = "=+-@＝＋－＠"  # noqa: RUF001  # that they look alike is the point
HOSTILE = [
    *(f"{sign}cmd|' /C calc'!A0" for sign in BEGINS),
    *("\t=1", "\r=1", "\n=1", "\tplain", "\rplain", "\nplain"),
    *("  =1", "\u00a0=1", "\u200b=1", "\ufeff=1", "\x00=1", " \t\r\n -1-1"),
    *("x;=1+1", "x\t=1+1", "x; \u00a0+1", "+44 20 7946 0000", "-5x", "=", "-", "--5", "-5;=1"),
]
HARMLESS = [
    "",
    "plain",
    "-5",
    "-0.125",
    "12",
    "1e-9",
    "a-b",
    "x=1",
    "x,=1",
    '"=1"',
    "Tarif für Ökostrom",
    "1;2",
    "a\nb",
]


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def formula(cell: str) -> bool:
    """Whether a spreadsheet could compute a cell, or a part of it where it cuts at semicolons or tabs as well.

    Written without regard to how the guard does it: whatever a program may strip is gone, full-width forms are plain.
    """
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", cell):
        return False
    for part in re.split("[;\t]", cell):
        bare = [sign for sign in part if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cf")]
        if bare and unicodedata.normalize("NFKC", bare[0]) in ("=", "+", "-", "@"):
            return True
    return cell.startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize("cell", HOSTILE, ids=ascii)
def test_what_begins_like_a_formula_is_text(cell: str) -> None:
    assert formula(cell)
    ((read,),) = rows_of(csv_text(["a"], [[cell]]))[1:]
    assert not formula(read)
    assert read.replace("'", "") == cell.replace("'", ""), "nothing but guards is added"


@pytest.mark.parametrize("cell", HARMLESS, ids=ascii)
def test_other_text_stays(cell: str) -> None:
    assert rows_of(csv_text(["a", "b"], [[cell, "end"]]))[1:] == [[cell, "end"]]


def test_numbers_stay_numbers() -> None:
    assert [guarded(cell) for cell in (-5, -0.5, 7, None, True)] == [-5, -0.5, 7, None, True]
    assert csv_text(["a"], [[-5], [-0.5]]) == "a\r\n-5\r\n-0.5\r\n"


def test_a_heading_is_guarded_too() -> None:
    assert rows_of(csv_text(["=1+1"], []))[0] == ["'=1+1"]


@given(st.lists(st.text(st.characters(codec="utf-8")) | st.sampled_from(HOSTILE), min_size=1, max_size=4))
def test_no_text_makes_a_formula_and_every_cell_stays_its_own(row: list[str]) -> None:
    (_, *read) = rows_of(csv_text(["a"] * len(row), [row]))
    assert len(read) == 1
    assert len(read[0]) == len(row)
    assert not any(formula(cell) for cell in read[0])


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_machine_data_reads_back_to_the_same(row: list[str]) -> None:
    assert rows_of(csv_text(["a"] * len(row), [row], machine=True))[1:] == [row]


def test_hostile_cells_of_the_page(tmp_path: Path) -> None:
    text = b"".join(csv_blocks(["tariff", "pence"], ([cell, -5] for cell in HOSTILE))).decode()
    read = rows_of(text)[1:]
    assert len(read) == len(HOSTILE)
    assert not any(formula(cell) for row in read for cell in row)
    assert {row[1] for row in read} == {"-5"}


def test_hostile_cells_of_the_subjects_zip() -> None:
    rows = [{"topic": cell, "property": cell, "message": cell, "count": -1} for cell in HOSTILE]
    held: Everything = {"rejected": lambda: iter([rows[:2], rows[2:]])}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        subjects._fill(archive, held)
    with zipfile.ZipFile(file) as archive:
        read = rows_of(archive.read("rejected.csv").decode())
        exact = archive.read("everything.json").decode()
    assert read[0] == ["topic", "property", "message", "count"]
    assert len(read) == 1 + len(HOSTILE)
    assert not any(formula(cell) for row in read for cell in row)
    assert "=cmd|' /C calc'!A0" in exact, "the JSON beside it is for programs"


def test_hostile_cells_of_the_manifest() -> None:
    head = ("print_run", "letter", "first_page", "pages", "print")
    read = rows_of(post._table(head, [("=1", "@2", 1, 2, "large")]).decode())
    assert read[1] == ["'=1", "'@2", "1", "2", "large"]


def test_devices_and_secrets_are_for_programs_and_come_back_as_they_were() -> None:
    attributes = {"zone name": "=1+1", "note": "-5x; =2", "place": "@home"}
    device = Device("bay-1", "parking-bay", "native", -0.125, 51.5, attributes=attributes)
    assert read_csv(write_csv([device]).encode(), MODELS) == [device]
    secrets = {"bay-1": "-secret", "bay-2": "=secret"}
    assert read_secrets(write_secrets(secrets)) == secrets


def test_nothing_else_writes_csv() -> None:
    """By name, whatever it is called after an import; tests and benchmarks write what they like."""
    found = []
    for package in ("devices", "store", "ingest", "analytics", "dashboard", "simulators", "borough", "scripts"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name != "devices/csv_table.py" and csv_writers(ast.parse(path.read_text())):
                found.append(name)
    assert not found, "tables are written by devices.csv_table"


def csv_writers(tree: ast.AST) -> bool:
    writers = {"writer", "DictWriter", "write_csv", "CSVWriter"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("csv", "_csv", "pyarrow.csv"):
            if any(item.name in writers for item in node.names):
                return True
        elif isinstance(node, ast.Import):
            if any(item.name in ("csv", "_csv", "pyarrow.csv") and item.asname for item in node.names):
                return True
        elif isinstance(node, ast.Attribute):
            module = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr == "to_csv" or (node.attr in writers and module in ("csv", "_csv")):
                return True
    return False


def test_a_second_writer_would_be_found() -> None:
    for text in ("import csv\ncsv.writer(f)", "from csv import DictWriter", "import csv as c", "frame.to_csv(f)"):
        assert csv_writers(ast.parse(text))
