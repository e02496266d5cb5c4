"""Exports for anybody over a real database: what is in them, what never is, and how they can be asked for again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from dashboard.open_data import exports, making, spans
from dashboard.web import errors
from store import open_data, sta_count
from store.connect import Connection, connect
from store.open_data import OpenSeries
from store.sta_count import Known
from store.times import microseconds
from tests.references import csv_rows
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import open_town
from tests.worlds.open_town import LAT, LON, NEVER, READINGS

ADDRESSES = count(1)
JUNE = {"from": "2026-06-01", "to": "2026-06-03"}
AIR = "/open-data/exports/air-monitor"


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        open_town.town(connection)
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def served(filled: str) -> Iterator[str]:
    with site.running(site.options(filled)) as url:
        yield url


@pytest.fixture
def web(served: str) -> Iterator[httpx.Client]:
    with site.client(served, address=f"198.51.100.{next(ADDRESSES)}") as client:
        yield client


def stored(url: str, device: str | None = None) -> str:
    """What the database holds of real open monitors, by the reference."""
    with connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "select s.id, s.device_id, s.property, (extract(epoch from r.time) * 1000000)::int8, r.value"
            " from public.reading r join personal.series s on s.id = r.series_id"
            " where s.device_id in ('007', '0042', 'old') and (%s::text is null or s.device_id = %s)"
            ' order by s.device_id collate "C", s.property collate "C", r.time',
            (device, device),
        ).fetchall()
    return "series,device,property,time,value\r\n" + "".join(csv_rows.line(*row) for row in rows)


def test_csv_is_every_open_reading_byte_for_byte(web: httpx.Client, filled: str) -> None:
    answer = web.get(f"{AIR}.csv", params=JUNE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="air-monitor.csv"'
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.text == stored(filled)
    assert answer.text.count("\r\n") == 4 * READINGS + 1


def test_what_is_a_households_or_simulated_is_in_no_export(web: httpx.Client) -> None:
    for path in (
        f"{AIR}.csv?from=2026-06-01&to=2026-06-03",
        f"{AIR}.geojson",
        "/open-data/exports/bays.geojson",
        "/open-data/exports/parking-bay.csv",
        "/open-data/exports/parking-bay.geojson",
        "/open-data/exports/zones.csv?from=2026-06-01&to=2026-06-01",
    ):
        answer = web.get(path)
        assert answer.status_code == 200, path
        for word in NEVER:
            assert word not in answer.text, path
    found = pq.read_table(io.BytesIO(web.get(f"{AIR}.parquet", params=JUNE).content))
    assert set(found["device"].to_pylist()) == {"007", "0042", "old"}


def test_a_demo_has_what_is_simulated_and_nothing_real(filled: str) -> None:
    with site.running(site.options(filled, demo=True)) as url, site.client(url) as demo:
        rows = list(csv.DictReader(io.StringIO(demo.get(f"{AIR}.csv", params=JUNE).text)))
        assert {row["device"] for row in rows} == {"play"}
        bays = demo.get("/open-data/exports/bays.geojson").json()["features"]
        assert [one["id"] for one in bays] == ["play-bay"]
        zones = csv.DictReader(io.StringIO(demo.get("/open-data/exports/zones.csv", params=JUNE).text))
        assert {row["zone"] for row in zones} == {"P"}


def test_devices_properties_and_days_that_are_asked_for(web: httpx.Client, filled: str) -> None:
    answer = web.get(f"{AIR}.csv", params={**JUNE, "device": "0042"})
    assert answer.text == stored(filled, "0042")
    rows = list(csv.DictReader(io.StringIO(web.get(f"{AIR}.csv", params={**JUNE, "property": "pm2_5"}).text)))
    assert {(row["device"], row["property"]) for row in rows} == {("007", "pm2_5")}
    day = {"from": "2026-06-02", "to": "2026-06-02", "device": ["007", "0042"], "property": "no2"}
    rows = list(csv.DictReader(io.StringIO(web.get(f"{AIR}.csv", params=day).text)))
    assert len(rows) == 2 * 1440
    assert {row["time"][:10] for row in rows} == {"2026-06-02"}


def test_parquet_has_the_same_rows(web: httpx.Client) -> None:
    answer = web.get(f"{AIR}.parquet", params=JUNE)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    found = pq.read_table(io.BytesIO(answer.content))
    rows = list(csv.DictReader(io.StringIO(web.get(f"{AIR}.csv", params=JUNE).text)))
    assert [(one["device"], one["property"]) for one in found.to_pylist()] == [
        (row["device"], row["property"]) for row in rows
    ]
    assert found["value"].to_pylist() == [float(row["value"]) for row in rows]
    assert found["time"].to_pylist() == [datetime.fromisoformat(row["time"]) for row in rows]
    told = pq.ParquetFile(io.BytesIO(answer.content)).metadata.metadata
    assert told[b"unit:no2"] == b"ug/m3"


def test_places_of_devices_and_bays_are_where_they_are(web: httpx.Client) -> None:
    answer = web.get(f"{AIR}.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    found = {one["id"]: one for one in answer.json()["features"]}
    assert list(found) == ["0042", "007", "nowhere"], "who is retired is nowhere now"
    assert found["007"]["geometry"] == {"type": "Point", "coordinates": [LON, LAT]}
    assert found["nowhere"]["geometry"] is None
    told = found["007"]["properties"]
    assert (told["device"], told["name"], told["attributes"]) == ("007", "Mill Lane, small", {"street": "Straße 7"})
    assert (told["no2_unit"], told["no2_time"][:10]) == ("ug/m3", "2026-06-03")
    assert isinstance(told["no2"], float)
    bays = {one["id"]: one for one in web.get("/open-data/exports/bays.geojson").json()["features"]}
    assert {name: one["properties"]["state"] for name, one in bays.items()} == {
        "free": "free", "taken": "occupied", "unwatched": None,
    }  # fmt: skip
    assert bays["free"]["geometry"]["coordinates"] == [LON, LAT]
    assert bays["taken"]["geometry"]["type"] == "LineString"
    assert [one["id"] for one in web.get("/open-data/exports/bays.geojson?zone=B é").json()["features"]] == [
        "unwatched"
    ]


def test_zones_by_quarter_hour_begin_where_the_local_day_does(web: httpx.Client) -> None:
    rows = list(csv.DictReader(io.StringIO(web.get("/open-data/exports/zones.csv", params=JUNE).text)))
    assert len(rows) == 96
    assert (rows[0]["start"], rows[-1]["start"]) == ("2026-05-31T23:00:00Z", "2026-06-01T22:45:00Z")
    assert [rows[5][name] for name in list(rows[5])[2:]] == ["1", "300", "500", "0", "100", "5"]


def test_energy_is_of_settled_months_and_of_published_groups_alone(web: httpx.Client) -> None:
    text = web.get("/open-data/exports/energy.csv").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["month"], row["fuel"], row["homes"], row["all_kinds_of_home"]) for row in rows] == [
        ("2026-04", "electricity", "200", "yes"),
        ("2026-05", "electricity", "120", "no"),
    ]
    # 120 x 240 kWh + 80 x 310 kWh, to two significant figures
    assert (rows[0]["total_kwh"], rows[1]["total_kwh"]) == ("54000", "28000")
    assert "999" not in text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("nothing.csv", 404, "Page not found"),
        ("smart-meter.csv", 404, "Page not found"),
        ("movement-sensor.parquet", 404, "Page not found"),
        ("smart-meter.geojson", 404, "Page not found"),
        ("air-monitor.csv?device=mine", 404, "Page not found"),
        ("air-monitor.csv?device=play", 404, "Page not found"),
        ("air-monitor.csv?device=007&device=nobody", 404, "Page not found"),
        ("air-monitor.csv?property=nothing", 404, "Page not found"),
        ("bays.geojson?zone=Z", 404, "Page not found"),
        ("air-monitor.csv?from=2026-06-03&to=2026-06-01", 400, "Something in this request is not right"),
        ("air-monitor.csv?from=2025-06-01&to=2026-06-02", 400, "at most 366 days"),
        ("zones.csv?from=2025-06-01&to=2026-06-02", 400, "at most 366 days"),
        ("air-monitor.csv?from=yesterday", 400, "Not right: from"),
        ("air-monitor.csv?device=a%00b", 400, "Not right: device"),
        ("air-monitor.parquet?property=a;b", 400, "Not right:"),
    ],
)
def test_what_there_is_not_is_said_and_never_an_empty_file(
    web: httpx.Client, path: str, status: int, words: str
) -> None:
    answer = web.get(f"/open-data/exports/{path}")
    assert answer.status_code == status
    assert words in answer.text


def test_what_has_a_length_comes_in_parts_and_is_not_sent_twice(web: httpx.Client) -> None:
    asked = {**JUNE, "device": "007"}
    whole = web.get(f"{AIR}.csv", params=asked)
    assert int(whole.headers["content-length"]) == len(whole.content)
    etag = whole.headers["etag"]
    assert etag == f'"{hashlib.sha256(whole.content).hexdigest()[:32]}"'
    assert whole.headers["accept-ranges"] == "bytes"
    part = web.get(f"{AIR}.csv", params=asked, headers={"Range": "bytes=100-299", "If-Range": etag})
    assert (part.status_code, part.content) == (206, whole.content[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    last = web.get(f"{AIR}.csv", params=asked, headers={"Range": "bytes=-50"})
    assert (last.status_code, last.content) == (206, whole.content[-50:])
    beyond = web.get(f"{AIR}.csv", params=asked, headers={"Range": "bytes=999999999-"})
    assert (beyond.status_code, beyond.content) == (416, b"")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    same = web.get(f"{AIR}.csv", params=asked, headers={"If-None-Match": f'W/"other", {etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    head = web.head(f"{AIR}.csv", params=asked)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["etag"], head.headers["content-length"]) == (etag, whole.headers["content-length"])
    assert web.head(f"{AIR}.csv", params=asked, headers={"Range": "bytes=0-9"}).status_code == 200


def test_a_reading_that_comes_changes_the_etag(web: httpx.Client, filled: str) -> None:
    asked = {"device": "s-free", "from": "2026-01-01", "to": "2026-12-31"}
    path = "/open-data/exports/parking-bay.csv"
    before = web.get(path, params=asked)
    with connect(filled, autocommit=True) as connection:
        connection.execute(
            "insert into public.reading select id, %s, 'nan' from personal.series where device_id = 's-free'",
            (datetime(2026, 7, 1, tzinfo=UTC),),
        )
    after = web.get(path, params=asked, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert len(after.text.splitlines()) == len(before.text.splitlines()) + 1
    assert ",s-free,occupied,2026-07-01T00:00:00Z,\r\n" in after.text, "what is not known is empty and not nought"


def test_geojson_is_json_that_python_reads(web: httpx.Client) -> None:
    assert json.loads(web.get("/open-data/exports/car-park.geojson").content)["features"] == []


def test_too_many_readings_are_refused_before_anything_is_sent(
    web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_COUNTED", 0)
    monkeypatch.setattr(exports, "MOST", 4 * READINGS)
    assert web.get(f"{AIR}.csv", params=JUNE).status_code == 200
    monkeypatch.setattr(exports, "MOST", 4 * READINGS - 1)
    answer = web.get(f"{AIR}.csv", params=JUNE)
    assert answer.status_code == 400
    assert "An export has at most 10,000,000 readings" in answer.text
    assert web.get(f"{AIR}.csv", params={**JUNE, "device": "007"}).status_code == 200


def test_what_was_counted_before_is_not_guessed(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(filled, autocommit=True) as connection, of_its_own(filled) as web:
        while sta_count.keep(connection, 60):
            pass
        monkeypatch.setattr(exports, "MOST", 4 * READINGS)
        # a month that was counted needs neither a guess nor a count: nobody asks for one
        for name in ("expected", "count"):
            monkeypatch.setattr(open_data, name, _nobody_asks)
        whole = {"from": "2026-06-01", "to": "2026-06-30"}
        assert web.get(f"{AIR}.csv", params=whole).text == stored(filled)
        monkeypatch.setattr(exports, "MOST", 4 * READINGS - 1)
        assert web.get(f"{AIR}.csv", params=whole).status_code == 400
        monkeypatch.undo()
        connection.execute("delete from counted_span")


def test_what_nobody_counted_is_added_to_what_is_known(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days, of which the second is counted; then the other two."""
    monkeypatch.setattr(sta_count, "_SETTLED", 100_000)  # days stay days
    asked: list[tuple[int, int]] = []
    expected = open_data.expected

    def guessed(connection: Connection, series: Sequence[OpenSeries], start: int, end: int) -> int:
        asked.append((start, end))
        return expected(connection, series, start, end)

    monkeypatch.setattr(open_data, "expected", guessed)
    begin, day = microseconds(open_town.BEGIN), 86_400_000_000
    with connect(filled, autocommit=True) as connection, of_its_own(filled) as web:
        series = open_data.open_series(connection, "air-monitor", origin="real")
        guess = expected(connection, series, begin, begin + 3 * day)
        for gone in (("2026-06-01", "2026-06-03"), ("2026-06-02",)):
            while sta_count.keep(connection, 60):
                pass
            connection.execute("delete from counted_span where day = any(%s::date[])", (list(gone),))
            gaps = [(begin + place * day, begin + (place + 1) * day) for place in ((0, 2) if len(gone) == 2 else (1,))]
            for most, status in ((4 * READINGS, 200), (4 * READINGS - 1, 400)):
                monkeypatch.setattr(exports, "MOST", most)
                # a guess of a gap is of its week, so of all readings: with what is known it is more
                monkeypatch.setattr(exports, "_COUNTED", guess + READINGS)
                asked.clear()
                assert web.get(f"{AIR}.csv", params=JUNE).status_code == status
                assert asked == gaps
                monkeypatch.setattr(exports, "_GUESSES", len(gaps) - 1)
                asked.clear()
                assert web.get(f"{AIR}.csv", params=JUNE).status_code == status
                assert asked == [(gaps[0][0], gaps[-1][1])]
                monkeypatch.setattr(exports, "_GUESSES", len(gaps))
        connection.execute("delete from counted_span")


@contextmanager
def of_its_own(url: str) -> Iterator[httpx.Client]:
    """A site that nobody has asked for anything, so that no export is one too many."""
    with site.running(site.options(url)) as running, site.client(running) as client:
        yield client


def test_weeks_that_are_read_at_once_come_to_about_a_megabyte() -> None:
    week = 7 * 86_400_000_000
    year = exports.Asked("air-monitor", None, None, 0, 52 * week)
    half_hours = Known(100 * 52 * 336, 52 * 336, [])
    assert exports._weeks(year, half_hours) == 65_536 // 336
    seconds = Known(52 * 604_800, 52 * 604_800, [])
    assert exports._weeks(year, seconds) == 1
    # of the time that is counted, and of the densest
    half = Known(0, 26 * 336, [(0, 26 * week)])
    assert exports._weeks(year, half) == 65_536 // 336
    assert exports._weeks(year, Known(0, 0, [(0, 52 * week)])) == 1


def test_days_that_nobody_counted_are_read_week_by_week(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, Any]] = []
    readings = open_data.readings

    def read(*given: Any, weeks: int, dense: Any) -> Any:
        asked.append((weeks, dense))
        return readings(*given, weeks=weeks, dense=dense)

    monkeypatch.setattr(open_data, "readings", read)
    whole = {"from": "2026-05-20", "to": "2026-06-30"}
    with connect(filled, autocommit=True) as connection, of_its_own(filled) as web:
        while sta_count.keep(connection, 60):
            pass
        for ending in ("csv", "parquet"):
            assert web.get(f"{AIR}.{ending}", params=whole).status_code == 200
        connection.execute("delete from counted_span")
    # the first chunk begins on a Thursday
    begin, chunk = (microseconds(datetime(2026, 5, day, tzinfo=UTC)) for day in (20, 28))
    assert asked == [(asked[0][0], [(begin, chunk)])] * 2
    assert asked[0][0] > 1


def _nobody_asks(*_: object) -> int:
    raise AssertionError("what is known is asked for again")


def test_without_room_for_a_temporary_file_nothing_is_begun(web: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "ROOM", 1 << 62)
    answer = web.get(f"{AIR}.csv", params=JUNE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert "There is no room for this export just now" in answer.text
    monkeypatch.undo()
    assert web.get(f"{AIR}.csv", params=JUNE).status_code == 200, "its turn was given back"


def test_the_words_say_the_caps_that_hold() -> None:
    title, sentences = errors.WORDS["export-long"]
    assert title
    assert f"at most {exports.MOST:,} readings of at most {spans.DAYS} days" in sentences[0]
