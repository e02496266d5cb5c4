"""The series explorer against a real database: what is drawn, found, kept back and downloaded."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest

from dashboard.engineer import series_files
from store import digests, open_series
from store.connect import Connection, connect
from store.times import instant
from tests.tools.servers import Cluster
from tests.tools.site import client, make_session, options, running
from tests.worlds import series_world
from tests.worlds.series_world import DAY, MINUTE, START

PATH = "/engineer/series"
READINGS = 3 * 1_440 - 180


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


@pytest.fixture(scope="module")
def personal(connection: Connection) -> list[tuple[str, str]]:
    series_world.town(connection)
    return series_world.households(connection)


@pytest.fixture(scope="module")
def url(database: str, personal: list[tuple[str, str]]) -> Iterator[str]:
    with running(options(database)) as found:
        yield found


@pytest.fixture(scope="module")
def web(url: str, connection: Connection) -> Iterator[httpx.Client]:
    with client(url, make_session(connection, None, ["engineer"])) as found:
        yield found


def ask(web: httpx.Client, path: str = PATH, status: Any = 200, **query: Any) -> httpx.Response:
    words = {{"name": "property", "begin": "from", "end": "to", "beside": "with"}.get(key, key): value
             for key, value in query.items()}  # fmt: skip
    answer = web.get(path, params=words)
    assert answer.status_code == status, answer.text[:2_000]
    return answer


def points(web: httpx.Client, device: str, name: str, start: int, stop: int) -> dict[str, Any]:
    found: dict[str, Any] = ask(web, f"{PATH}/points.json", device=device, name=name, start=start, stop=stop).json()
    return found


def test_only_engineers(url: str, connection: Connection) -> None:
    for role in ("parking-ops", "data-protection", "programme"):
        with client(url, make_session(connection, None, [role])) as other:
            for path in ("", "/points.json", "/readings.csv", "/readings.parquet"):
                assert other.get(PATH + path).status_code == 403


def test_the_search_finds_open_series_alone(web: httpx.Client, personal: list[tuple[str, str]]) -> None:
    page = ask(web).text
    for device in ("air-1", "air-2", "air-never", "bay-1"):
        assert f">{device}</th>" in page
    for device, _ in personal:
        assert device not in page
        assert device not in ask(web, q=device).text.replace(f'value="{device}"', "")
    assert "bay-1" not in ask(web, q="air-").text.partition("<table")[2]
    only = ask(web, family="parking-bay").text
    assert "bay-1" in only
    assert "air-1" not in only
    assert ask(web, q="nobody").text.count("No open series is of such a device") == 1
    assert "air-1" not in ask(web, after="air-1/pm2_5").text.partition("<table")[2]
    ask(web, family="no-family", status=404)


def test_a_household_s_series_is_as_if_it_were_not_there(web: httpx.Client, personal: list[tuple[str, str]]) -> None:
    absent = ask(web, device="nobody", name="pm2_5", status=404).text
    span = {"start": START, "stop": START + DAY}
    for device, name in personal:
        assert ask(web, device=device, name=name, status=404).text == absent
        assert ask(web, device="air-1", name="pm2_5", beside=f"{device}/{name}", status=404).text == absent
        for path in ("points.json", "readings.csv", "readings.parquet"):
            ask(web, f"{PATH}/{path}", device=device, name=name, status=404, **span)


def test_every_spike_is_drawn_and_silence_stays_a_gap(web: httpx.Client) -> None:
    found = points(web, "air-1", "pm2_5", START, START + 3 * DAY)
    values = [value for value in found["values"] if value is not None]
    assert len(values) <= 2_000
    assert max(values) == 480.5
    assert min(values) == 10
    spike = found["values"].index(480.5)
    assert found["times"][spike] == (START + 1_000 * MINUTE) / 1_000
    # the one silence, from minute 1999 to 2180, and no other
    assert found["values"].count(None) == 1
    gap = found["values"].index(None)
    assert found["times"][gap - 1] == (START + 1_999 * MINUTE) / 1_000
    assert found["times"][gap + 1] == (START + 2_180 * MINUTE) / 1_000
    assert found["marks"] == [[(START + 500 * MINUTE) / 1_000], [11.5]]
    page = ask(web, device="air-1", name="pm2_5", span="all").text
    assert "10 to 480.5 µg/m³, 4,140 readings, 1 silence, 2 changed later" in page
    # a line has a beginning after each break
    (line,) = re.findall(r'class="line"[^>]* d="([^"]+)"', page)
    assert line.count("M") == 2
    assert page.count("\N{BLACK UP-POINTING TRIANGLE}</text>") == 1


def test_what_was_changed_is_listed(web: httpx.Client) -> None:
    page = ask(web, device="air-1", name="pm2_5", span="day", begin="2026-03-01T00:00").text
    assert "correction 1: wrong factor" in page
    assert "1 Mar 2026, 08:20:00 GMT" in page
    assert '<td class="number">23 µg/m³</td><td class="number">11.5 µg/m³</td>' in page
    assert "restated by its source" in page
    assert "no reading" in page
    assert "changed later" not in ask(web, device="air-1", name="pm2_5", span="day", begin="2026-03-02T00:00").text


def test_a_reading_that_was_changed_twice_is_one_reading(web: httpx.Client, connection: Connection) -> None:
    (number,) = connection.execute("select id from public.series where device_id = 'air-2'").fetchone() or ()
    for hour in (1, 2):
        connection.execute(
            "insert into public.superseded (series_id, time, old_value, new_value, arrival, source)"
            " select %s, %s, 1, 2, %s, 'file' from generate_series(1, 60)",
            (number, instant(START + 2_500 * MINUTE), instant(START + 4 * DAY + hour * 60 * MINUTE)),
        )
    page = ask(web, device="air-2", name="pm2_5", span="all").text
    connection.execute("delete from public.superseded where series_id = %s", (number,))
    assert "1 changed later" in page
    assert "What was changed: 1 reading, 120 times" in page
    assert "Here are the first 100 changes" in page


def test_a_closer_look_has_every_reading(web: httpx.Client) -> None:
    found = points(web, "air-1", "pm2_5", START + 995 * MINUTE, START + 1_005 * MINUTE)
    assert found["times"] == [(START + minute * MINUTE) / 1_000 for minute in range(995, 1_005)]
    assert found["values"][5] == 480.5


def test_two_series_below_each_other(web: httpx.Client) -> None:
    page = ask(web, device="air-1", name="pm2_5", beside="bay-1/occupied", span="all").text
    assert re.findall(r'<figure class="figure series" id="([^"]+)"', page) == ["series-1", "series-2"]
    # a state holds until the next one: steps, and no break where nothing is said of its rhythm
    line = re.findall(r'class="line"[^>]* d="([^"]+)"', page)[1]
    assert re.fullmatch(r"M\d+ \d+h0(H\d+V\d+)+", line)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"device": "air-never", "name": "pm2_5"}, "no reading in this time"),
        ({"device": "air-never", "name": "pm2_5", "span": "all"}, "It has no reading"),
        ({"device": "air-1", "name": "pm2_5", "begin": "1910-01-01T00:00", "end": "1999-01-01T00:00"}, "no reading in"),
        ({"device": "air-1", "name": "pm2_5", "begin": "2026-03-01T16:40", "end": "2026-03-01T16:41"},
         "always 480.5 µg/m³, 1 reading<"),
        ({"device": "air-1", "name": "humidity", "span": "all"}, "always 50 %, 4,140 readings"),
        ({"device": "air-1", "name": "pm2_5", "begin": "2016-03-02T00:00", "end": "2026-03-02T00:00"},
         "10 to 480.5 µg/m³, 1,440 readings"),
        ({"device": "air-1", "name": "pm2_5", "span": "year", "begin": "2199-06-01T00:00"},
         "Years go from 1900 to 2199."),
        ({"device": "air-1", "name": "pm2_5", "begin": "2026-03-02T00:00", "end": "2026-03-01T00:00"},
         "The end is not after the beginning"),
    ],
)  # fmt: skip
def test_spans_of_every_kind(web: httpx.Client, query: dict[str, str], words: str) -> None:
    wrong = "Years go" in words or "not after" in words
    assert words in ask(web, status=400 if wrong else 200, **query).text


@pytest.mark.parametrize("query", [{"start": 5, "stop": 5}, {"start": 6, "stop": 5}, {"start": 0, "stop": 2**62}])
def test_no_span_for_scripts_and_files(web: httpx.Client, query: dict[str, int]) -> None:
    for path in ("points.json", "readings.csv", "readings.parquet"):
        ask(web, f"{PATH}/{path}", device="air-1", name="pm2_5", status=400, **query)


def test_files_have_every_reading_and_say_that_they_are_whole(
    web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_files, "BLOCK", 1_000)
    span = {"device": "air-1", "name": "pm2_5", "start": START, "stop": START + 3 * DAY}
    lines = ask(web, f"{PATH}/readings.csv", **span).text.split("\r\n")
    assert lines[0] == "time,value,changed"
    assert lines[1] == "2026-03-01T00:00:00.000000Z,10.0,"
    assert lines[501] == "2026-03-01T08:20:00.000000Z,11.5,yes"
    assert lines[-2:] == [f"# complete, readings: {READINGS}", ""]
    assert len(lines) == READINGS + 3
    answer = ask(web, f"{PATH}/readings.parquet", **span)
    assert answer.headers["content-disposition"] == 'attachment; filename="air-1-pm2-5.parquet"'
    file = pq.ParquetFile(io.BytesIO(answer.content))
    assert file.num_row_groups == 5
    table = file.read()
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    times = np.array(table["time"].cast("int64"))
    assert len(times) == READINGS
    assert times[0] == START
    assert (np.diff(times) > 0).all()
    assert table["changed"].to_pylist()[499:503] == [False, True, True, False]
    assert table.schema.metadata[b"unit"] == b"ug/m3"


def test_files_without_a_reading(web: httpx.Client) -> None:
    span = {"device": "air-never", "name": "pm2_5", "start": START, "stop": START + DAY}
    assert ask(web, f"{PATH}/readings.csv", **span).text == "time,value,changed\r\n# complete, readings: 0\r\n"
    assert pq.read_table(io.BytesIO(ask(web, f"{PATH}/readings.parquet", **span).content)).num_rows == 0


def test_both_changes_of_the_clocks(web: httpx.Client, connection: Connection) -> None:
    hours = [1_774_742_400_000_000 + hour * 60 * MINUTE for hour in range(5)]  # 2026-03-29T00:00Z
    series_world.add(connection, series_world.air("air-spring"), "pm2_5", hours, range(5))
    hours = [1_792_882_800_000_000 + hour * 60 * MINUTE for hour in range(5)]  # 2026-10-24T23:00Z
    series_world.add(connection, series_world.air("air-autumn"), "pm2_5", hours, range(5))
    spring = ask(web, device="air-spring", name="pm2_5", begin="2026-03-29T00:00", end="2026-03-29T05:00").text
    assert "29 Mar 2026, 00:00:00 GMT" in spring
    assert "29 Mar 2026, 02:00:00 BST" in spring
    assert "01:00 GMT" not in spring
    autumn = ask(web, device="air-autumn", name="pm2_5", begin="2026-10-25T00:00", end="2026-10-25T04:00").text
    rows = re.findall(r'<th scope="row">25 Oct 2026, ([^<]+)</th>', autumn)
    assert rows == ["00:00:00 BST", "01:00:00 BST", "01:00:00 GMT", "02:00:00 GMT", "03:00:00 GMT"]
    labels = re.findall(r'<text class="[^"]*hour"[^>]*>([^<]+)</text>', autumn)
    assert labels == ["00:00 BST", "01:00 BST", "01:00 GMT", "02:00 GMT", "03:00 GMT", "04:00"]


def test_a_file_is_broken_off_when_its_device_moves_into_a_home(
    connection: Connection, database: str, personal: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_files, "BLOCK", 100)
    series_world.add(connection, series_world.air("air-moving"), "pm2_5", series_world.minutes(0, 300), [1.0] * 300)
    one = open_series.get(connection, "air-moving", "pm2_5")
    assert one is not None
    pieces = series_files.csv_pieces(series_files.blocks(lambda: connect(database), one, START, START + DAY))
    assert next(pieces)
    assert next(pieces)
    connection.execute("update personal.device set personal = true where id = 'air-moving'")
    with pytest.raises(series_files.Closed):
        list(pieces)


def test_digests_are_of_open_series_alone(connection: Connection, personal: list[tuple[str, str]]) -> None:
    for device in ("air-home", "air-moved", "air-taken", "air-2"):
        (number,) = connection.execute("select id from personal.series where device_id = %s", (device,)).fetchone() or (
            0,
        )
        with connection.transaction():
            assert digests.alone(connection)
            digests.write(connection, number, [digests.Digest(20_513, 1, np.array([START]), np.array([1.0]))])
        made = connection.execute("select 1 from reading_digest where series_id = %s", (number,)).fetchone()
        assert (made is not None) == (device == "air-2"), device
