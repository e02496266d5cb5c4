"""Times of rows as people have them: 24:00, several patterns, and what is told of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.tables import METER, source, uses, with_time


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
    assert told.startswith(f"t.csv, line 3: time: a text of {len(cell)} signs is no time, or one without")
