"""A row is a day: its observations in the order of time, whatever of them fits into memory."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from borough.replay.column_checks import day_columns
from borough.replay.day_rows import DayRows, Room
from borough.replay.mapping_file import read_table_mapping
from borough.replay.row_reader import RowReader
from borough.replay.tables import Table

CHANNELS = """name = "channels"
family = "smart-meter"
order = "time"
delimiter = ";"
blanks = ["-"]
[device]
column = "meter"
[time]
path = "date"
zone = "Europe/London"
headings = "start"
[pivot]
name = "channel"
[[reading]]
property = "import_interval"
path = "IMP"
[[reading]]
property = "power"
path = "EXP"
"""


CELLS = st.sampled_from(["", "-", "0", "0.25", "0.25", "1", "1,5", "x", "1e3", "7.125"]) | st.integers(0, 9999).map(str)
ROWS = st.tuples(st.integers(0, 3), st.sampled_from(["IMP", "EXP", "other"]), st.lists(CELLS, min_size=4, max_size=4))


@given(
    days=st.lists(st.lists(ROWS, max_size=6), max_size=4),
    step=st.sampled_from([1, 27, 28]),
    room=st.builds(Room, st.integers(1, 30), st.integers(1, 30)),
)
def test_the_rows_of_a_date_go_column_by_column(
    days: list[list[tuple[int, str, list[str]]]], step: int, room: Room
) -> None:
    """Whatever has room in memory: the observations are those of the rows, by time and then by row."""
    first = date(2026, 3, 28)  # the clocks change on the next day
    lines = [
        (first + timedelta(step * number), device, channel, cells)
        for number, rows in enumerate(days) for device, channel, cells in rows
    ]  # fmt: skip
    expected, unread = _by_the_rule(lines)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "t.csv"
        rows = [";".join((f"m{device}", str(day), channel, *cells)) for day, device, channel, cells in lines]
        path.write_text("\n".join(["meter;date;channel;00:30;01:00;01:30;02:00", *rows, ""]))
        mapping = read_table_mapping(CHANNELS, "m.toml")
        table, reader = Table(path, mapping.layout), RowReader(mapping, [path])
        columns = day_columns(mapping, table, ["date"])
        assert columns is not None
        given = list(DayRows(table, columns, reader, room).by_time())
    assert [(reader.devices[device], time, values) for time, device, values in given] == expected
    assert reader.unreadable.count == unread


def _by_the_rule(lines: list[tuple[date, int, str, list[str]]]) -> tuple[list[tuple[str, int, dict[str, float]]], int]:
    """Observations, and how many cells cannot be read."""
    zone, expected, unread = ZoneInfo("Europe/London"), [], 0
    names = {"IMP": "import_interval", "EXP": "power"}
    for day, device, channel, cells in lines:
        for place, cell in enumerate(cells, 1):
            if channel not in names or cell in ("", "-"):
                continue
            try:
                number = float(cell.replace(",", "x"))
            except ValueError:
                unread += 1
                continue
            local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=30 * place)
            instant = local.astimezone(UTC)
            if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                unread += number != 0
                continue
            expected.append((f"m{device}", round(instant.timestamp()) * 1_000_000, {names[channel]: number}))
    return sorted(expected, key=itemgetter(1)), unread
