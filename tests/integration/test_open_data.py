"""What the store calls open, and that everything which is read of one state is of one moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.tables.csv_text import csv_blocks
from devices.device import Device
from store import open_data, registry, series
from store.arrays import SeriesBlock
from store.connect import connect
from store.copy import copy_readings
from store.times import microseconds
from tests.tools.servers import Cluster, wait_for
from tests.worlds import open_town
from tests.worlds.open_town import BEGIN, READINGS

START = microseconds(BEGIN)
END = microseconds(datetime(2026, 7, 1, tzinfo=UTC))


@pytest.fixture(scope="module", params=["timescale", "plain_postgres"])
def filled(request: pytest.FixtureRequest) -> Iterator[str]:
    cluster: Cluster = request.getfixturevalue(request.param)
    name = cluster.create()
    with connect(cluster.url(name), autocommit=True) as connection:
        open_town.town(connection)
    yield cluster.url(name)
    cluster.drop(name)


def rows(url: str) -> list[tuple[str, str, int, float]]:
    """Every open reading of real monitors, one by one."""
    with connect(url, autocommit=True) as connection:
        return connection.execute(
            "select device_id, property, (extract(epoch from time) * 1000000)::int8, value"
            " from public.reading r join personal.series s on s.id = r.series_id"
            " where device_id in ('007', '0042', 'old')"
            ' order by device_id collate "C", property collate "C", time'
        ).fetchall()


def read(
    connection: psycopg.Connection, block_bytes: int = 1 << 22, weeks: int = 1
) -> list[tuple[str, str, int, float]]:
    some = open_data.open_series(connection, "air-monitor", origin="real")
    found = []
    for block in open_data.readings(connection, some, START, END, block_bytes, weeks=weeks):
        for place, begin, end in zip(block.places, block.offsets, block.offsets[1:], strict=False):
            one = some[place]
            times, values = block.times[begin:end].tolist(), block.values[begin:end].tolist()
            found += [(one.device, one.property, *row) for row in zip(times, values, strict=True)]
    return found


def test_open_series_are_of_the_origin_and_of_no_household_by_code_point(filled: str) -> None:
    with open_data.one_state(filled) as connection:
        found = open_data.open_series(connection, "air-monitor", origin="real")
        assert [(one.device, one.property) for one in found] == [
            ("0042", "no2"), ("007", "no2"), ("007", "pm2_5"), ("old", "no2"),
        ]  # fmt: skip
        assert {(one.unit, one.kind) for one in found} == {("ug/m3", "gauge")}
        simulated = open_data.open_series(connection, "air-monitor", origin="simulated")
        assert [one.device for one in simulated] == ["play"]
        bays = open_data.open_series(connection, "parking-bay", origin="real", devices=["s-free", "s-hers"])
        assert [one.device for one in bays] == ["s-free"]
        assert open_data.open_series(connection, "smart-meter", origin="real") == []


@pytest.mark.parametrize("weeks", [1, 2, 60])
@pytest.mark.parametrize("block_bytes", [1, 5_000, 1 << 22])
def test_readings_are_all_there_in_order_whatever_goes_together(filled: str, block_bytes: int, weeks: int) -> None:
    with open_data.one_state(filled) as connection:
        assert read(connection, block_bytes, weeks) == rows(filled)


@pytest.mark.parametrize("weeks", [1, 2, 3, 60])
@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_weeks_that_are_read_at_once_are_in_order_across_chunks(database: str, weeks: int, block_bytes: int) -> None:
    """Two series over nine chunks, with days in the middle that are read week by week, wherever those begin and end."""
    hour, week = 3_600_000_000, 7 * 86_400_000_000
    times = START + np.arange(9 * 7 * 24, dtype=np.int64) * hour
    end = int(times[-1]) + 1
    with connect(database, autocommit=True) as connection:
        registry.upsert(connection, [Device(name, "air-monitor", "native") for name in ("a", "b")])
        for one in series.resolve(connection, [("a", "no2"), ("b", "no2")]):
            copy_readings(connection, np.full(len(times), one.series, np.int32), times, times / hour)
    some: list[list[tuple[int, int]]] = [
        [],
        [(START, START + hour)],
        [(START + 10 * hour, START + 10 * hour + 1), (START + 3 * week - 5, START + 4 * week + 5)],
        [(end - week, end)],
        [(START, end)],
    ]
    with open_data.one_state(database) as connection:
        found = open_data.open_series(connection, "air-monitor", origin="real")
        for dense in some:
            read_ = open_data.readings(connection, found, START, end, block_bytes, weeks=weeks, dense=dense)
            rows_ = [(place, *row) for block in read_ for place, *row in _rows(block)]
            assert rows_ == [(place, time, time / hour) for place in (0, 1) for time in times.tolist()]


def _rows(block: SeriesBlock) -> Iterator[tuple[int, int, float]]:
    places = np.repeat(block.places, np.diff(block.offsets))
    return zip(places.tolist(), block.times.tolist(), block.values.tolist(), strict=True)


@given(st.integers(-3_000, 3_000), st.integers(0, 2_000), st.integers(1, 70), st.lists(st.integers(0, 1), max_size=30))
def test_spans_cover_all_once(first: int, hours: int, weeks: int, kinds: list[int]) -> None:
    """In hours. Where days are dense no span is longer than a week."""
    hour, week = 3_600_000_000, 7 * 86_400_000_000
    start, end = first * hour, (first + hours) * hour
    cuts = np.linspace(start, end, len(kinds) + 1).astype(np.int64).tolist()
    dense = [(begin, stop) for kind, begin, stop in zip(kinds, cuts, cuts[1:], strict=False) if kind and begin < stop]
    starts, stops = open_data._spans(start, end, weeks, dense)
    assert (starts < stops).all()
    assert (starts[1:] == stops[:-1]).all()
    assert [*starts[:1].tolist(), *stops[-1:].tolist()] == ([start, end] if start < end else [])
    assert (stops - starts).max(initial=0) <= weeks * week
    for begin, stop in dense:
        inside = (starts < stop) & (stops > begin)
        assert ((stops - starts)[inside] <= week).all()
        assert not ((starts < begin) & (stops > begin)).any()


@pytest.mark.parametrize(("start", "end"), [(0, 0), (1, 1_440), (7, 8), (0, 1), (-5, -1), (5, 3)])
def test_a_span_has_its_beginning_and_not_its_end(filled: str, start: int, end: int) -> None:
    """In minutes; readings lie on them, or 0.12 s behind."""
    first, last = START + start * 60_000_000, START + end * 60_000_000
    with open_data.one_state(filled) as connection:
        series = open_data.open_series(connection, "air-monitor", origin="real", devices=["007"])
        blocks = list(open_data.readings(connection, series, first, last))
        times = np.concatenate([np.empty(0, np.int64), *(block.times for block in blocks)])
        wanted = [one[2] for one in rows(filled) if one[0] == "007" and first <= one[2] < last]
        assert times.tolist() == wanted
        assert open_data.count(connection, series, first, last, 10**9) == len(wanted)


def test_counting_stops_where_it_is_told_to(filled: str) -> None:
    with open_data.one_state(filled) as connection:
        series = open_data.open_series(connection, "air-monitor", origin="real")
        assert open_data.count(connection, series, START, END, 100) == 100
        assert open_data.count(connection, series, START, END, 10**9) == 4 * READINGS
        assert open_data.expected(connection, series, START, END) > READINGS


def test_what_changes_meanwhile_is_of_another_moment(filled: str) -> None:
    """Readings come, are corrected and go, a device becomes a household's: none of it is seen, and none of it waits."""
    before = rows(filled)
    with open_data.one_state(filled) as connection:
        seen = open_data.state(connection)
        series = open_data.open_series(connection, "air-monitor", origin="real")
        blocks = open_data.readings(connection, series, START, END, 20_000)
        pieces = csv_blocks(series, blocks)
        text = next(pieces) + next(pieces)
        with connect(filled, autocommit=True, lock_timeout=60, statement_timeout=60) as other:
            other.execute(
                "insert into public.reading select id, %s, 1e9 from personal.series where device_id = 'old'",
                (BEGIN.replace(second=1),),
            )
            other.execute("update public.reading set value = -999 where time = %s", (BEGIN,))
            other.execute(
                "delete from public.reading where series_id in (select id from personal.series where device_id = '007')"
            )
            other.execute("update personal.device set personal = true where id = '0042'")
        text += b"".join(pieces)
        assert open_data.state(connection) == seen
        assert read(connection) == before
    lines = text.decode().splitlines()[1:]
    assert [tuple(line.split(",")[1:3]) for line in lines] == [one[:2] for one in before]
    assert [float(line.rsplit(",", 1)[1]) for line in lines] == [one[3] for one in before]
    with open_data.one_state(filled) as connection:
        after = read(connection)
        assert open_data.state(connection) != seen
        assert {one[0] for one in after} == {"old"}
        assert -999 in [one[3] for one in after]
        assert 1e9 in [one[3] for one in after]


def test_nothing_can_be_written_and_it_ends_by_itself(filled: str) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), open_data.one_state(filled) as connection:
        connection.execute("delete from public.reading")
    with open_data.one_state(filled, seconds=0.2) as connection:
        assert wait_for(lambda: _ended(connection), 60)


def _ended(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("select pg_sleep(0.01)")
    except psycopg.Error:
        return True
    return False
