"""The yearly return: what a file of accounts may be, and tables that a judge of CSV on the Web agrees with."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from devices.csvw import metadata_name
from devices.parking_account import AccountError, read_accounts
from devices.parking_return import Spaces, Table, account_table, spaces_table

#: The command of PyPI's csvw, beside the interpreter or on the path.
JUDGE = shutil.which("csvwvalidate", path=str(Path(sys.executable).parent)) or shutil.which("csvwvalidate")

ACCOUNT = """
[[account]]
from = 2025-04-01
to = 2026-03-31
[account.income]
"on-street parking" = 1234567.89
"off-street parking" = 1000
"penalty charge notices" = 0.05
[account.expenditure]
"enforcement, and appeals" = 900.10
"correction of 2024" = -12.5
[account.surplus]
"concessionary fares" = 300
"""
SPACES = [
    Spaces("B", "pay", True, False, 300),
    Spaces("A", "resident-permit", False, True, 12),
    Spaces("A", "unrestricted", False, True, 5),
    Spaces("=HYPERLINK(1)", "disabled", False, True, 1),
]
DAY = date(2026, 3, 31)


def _rows(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.csv.decode(), newline="")))


def test_spaces_are_those_that_are_controlled() -> None:
    assert _rows(spaces_table(SPACES, DAY)) == [
        ["as_of", "zone", "kind", "place", "marked", "spaces"],
        ["2026-03-31", "'=HYPERLINK(1)", "disabled", "on-street", "yes", "1"],
        ["2026-03-31", "A", "resident-permit", "on-street", "yes", "12"],
        ["2026-03-31", "B", "pay", "off-street", "no", "300"],
    ]


def test_an_account_is_told_to_the_penny() -> None:
    (account,) = read_accounts(ACCOUNT)
    assert [row[2:] for row in _rows(account_table([account], DAY))[1:]] == [
        ["income", "on-street parking", "1234567.89"],
        ["income", "off-street parking", "1000.00"],
        ["income", "penalty charge notices", "0.05"],
        ["expenditure", "enforcement, and appeals", "900.10"],
        ["expenditure", "correction of 2024", "-12.50"],
        ["surplus spent", "concessionary fares", "300.00"],
    ]


def test_metadata_say_the_licence_and_every_column() -> None:
    table = spaces_table(SPACES, DAY)
    found = json.loads(table.metadata("Testborough Council"))
    assert found["url"] == "spaces.csv"
    assert found["dc:license"]["@id"].endswith("open-government-licence/version/3/")
    assert [column["name"] for column in found["tableSchema"]["columns"]] == _rows(table)[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[[account]]", "[account]"), "has no table [[account]]"),
        (("to = 2026-03-31", "to = 2025-03-31"), "line 2: to 2025-03-31 is before from 2025-04-01"),
        (("from = 2025-04-01", "from = 2025"), "line 2: from is no day such as 2025-04-01"),
        (('"off-street parking" = 1000', ""), "line 2: income has no 'off-street parking'"),
        (("= 0.05", "= 0.055"), "line 2: income 'penalty charge notices' has more than two digits of pence"),
        (("= 0.05", "= true"), "line 2: income 'penalty charge notices' is no amount such as 1234.50"),
        (("= 0.05", "= nan"), "is not within 10,000,000,000 pounds"),
        (("[account.surplus]", "[account.profit]"), "line 2: has 'profit', which an account does not have"),
        (("[account.expenditure]", "expenditure = 3\n[account.other]"), "has no table account.expenditure"),
        (("= 300", "= "), "is no TOML"),
    ],
)
def test_files_that_are_refused(change: tuple[str, str], problem: str) -> None:
    with pytest.raises(AccountError) as caught:
        read_accounts(ACCOUNT.replace(*change))
    assert any(problem in one for one in caught.value.problems), caught.value.problems


def test_accounts_that_overlap_are_refused() -> None:
    with pytest.raises(AccountError, match="from 2025-04-01 and 2025-04-01 overlap"):
        read_accounts(ACCOUNT * 2)


@pytest.mark.skipif(JUDGE is None, reason="csvwvalidate (PyPI: csvw) is not installed")
def test_a_judge_of_csvw_agrees_and_sees_what_is_wrong(tmp_path: Path) -> None:
    """One planted error: each start of the judge costs a second."""
    assert JUDGE is not None
    tables = [spaces_table(SPACES, DAY), account_table(read_accounts(ACCOUNT), DAY)]
    for table in tables:
        (tmp_path / table.name).write_bytes(table.csv)
        (tmp_path / metadata_name(table.name)).write_bytes(table.metadata("Testborough Council"))

    def judged(table: Table) -> int:
        return subprocess.run([JUDGE, metadata_name(table.name)], cwd=tmp_path, capture_output=True).returncode

    assert [judged(table) for table in tables] == [0, 0]
    (tmp_path / "account.csv").write_bytes(tables[1].csv.replace(b"1234567.89", b"much"))
    assert judged(tables[1]) != 0
