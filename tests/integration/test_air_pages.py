"""The pages of air for anybody, over a real database: what they say, what they never say, and what they weigh."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from analytics.air import runner
from dashboard.public import air_files
from dashboard.web.site import Site
from store import air, series
from store.connect import connect
from store.copy import copy_readings
from store.times import microseconds
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import air_town
from tests.worlds.air_town import HERE, NOWHERE, SILENT, ZONE

#: Bytes of a page, without Plotly.
MOST = 100_000


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        air_town.town(connection)
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[httpx.Client]:
    with site.running(site.options(database, demo=True)) as url, site.client(url) as client:
        yield client


def text(web: httpx.Client, path: str, **asked: str) -> str:
    """A page's words without its markup, and blanks as one."""
    answer = web.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    assert "set-cookie" not in answer.headers
    plain = re.sub(r"<(script|style|title)[^>]*>.*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+([.,;:])", r"\1", re.sub(r"\s+", " ", html.unescape(plain)))


def test_all_monitors_the_worst_first(web: httpx.Client) -> None:
    page = web.get("/air").text
    names = re.findall(r'<li><a href="/air/monitor/([^"]+)"', page)
    assert names == ["dock", "park", "high", "mill", "near", "gaps", "new", "old"]
    said = text(web, "/air")
    assert "The index is Low at 3 of the 6 monitors that have one. The highest is 10, Very High, at Dock" in said
    assert "2, Low Rests on ozone (2), PM2.5 (1), PM10 (1) and NO2 (1); not known: SO2. Reference instrument." in said
    assert "10, Very High Rests on PM2.5 (10); not known: PM10, NO2, ozone and SO2. Indicative." in said
    assert "Damp air: particles may read too high." in said
    assert "No index Indicative. Never heard yet." in said
    assert re.search(r"No index Indicative\. Last heard \d\d:55 on .*?, 3 days ago\.", said)
    assert "Quay</b>" not in page, "names are text"
    assert "older people" in said


def test_who_is_never_shown(web: httpx.Client, database: str) -> None:
    for path in ("/air", "/air/monitors.csv", "/api/v1/air/monitors"):
        body = web.get(path).text
        for never in ("abroad", "Abroad", ">Home<", '"home"', "home,", "Gone"):
            assert never not in body, path
    for device in ("home", "abroad", "nobody", "mill%00", "x" * 600):
        for below in ("", "/hours.csv", "/days.csv", "/usual", "/limits", "/checks"):
            assert web.get(f"/air/monitor/{device}{below}").status_code in {400, 404}
        assert web.get(f"/api/v1/air/monitors/{device}/days").status_code in {400, 404}
        assert web.get("/air/compare", params={"one": "mill", "other": device}).status_code in {400, 404}
    with site.running(site.options(database)) as url, site.client(url) as real:
        page = real.get("/air").text
        assert "Abroad" in page
        assert "Mill Lane" not in page
        assert real.get("/air/monitor/mill").status_code == 404
        assert 'href="/air"' in real.get("/").text


def test_a_band_alone(web: httpx.Client) -> None:
    page = web.get("/air", params={"band": "high"}).text
    assert re.findall(r'<li><a href="/air/monitor/([^"]+)"', page) == ["park", "high"]
    assert "No monitor is like that now" in text(web, "/air", band="moderate")
    assert 'aria-current="true"' in page


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (HERE, ["Air near TE5 7ST", "2, Low", "At the monitor Mill Lane, 10 m away", "Carry on as usual",
                "The highest within 2 km is 7, High at High Street"]),
        (HERE.lower(), ["Air near TE5 7ST"]),
        ("Testbury", ["Air near Testbury"]),
        ("park road", ["Air near Park Road", "8, High", "Do less that makes you breathe hard"]),
        ("old", ["Air near Old Road", "7, High", "is nearer, 10 m away, and has no index now. Last heard"]),
        (SILENT, ["Old Road is nearer"]),
        ("TE9 9AA", ["There is no monitor within 2 km"]),
        (NOWHERE, ["We do not know this place"]),
        ("test", ["Which of these do you mean?", "Testbury Park"]),
        ("lane", ["We know no place of this name", "Gap Lane", "Mill Lane"]),
        ("<b>x</b>", ["We do not know this place"]),
    ],
)  # fmt: skip
def test_the_air_of_a_place(web: httpx.Client, place: str, said: list[str]) -> None:
    page = text(web, "/air", place=place)
    for one in said:
        assert one in page, page[:1500]


def test_a_place_of_which_no_monitor_speaks_has_no_index(web: httpx.Client, timescale: Cluster) -> None:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        air_town.make_monitor(connection, "old", lon=-0.1, lat=51.5)
        air_town.say(connection, "old", air_town.full_hour() - timedelta(hours=3), {"pm2_5": np.full(48, 9.0)})
        connection.execute("insert into public.place (kind, name, lon, lat) values ('area', 'Here', -0.1, 51.5)")
    with site.running(site.options(timescale.url(name), demo=True)) as url, site.client(url) as client:
        page = client.get("/air", params={"place": "Here"}).text
        assert "There is no index for this place now." in page
        assert "No monitor has an index now." in client.get("/air").text
        assert 'class="result air no-index"' in page
    timescale.drop(name)


def test_a_poll_without_scripts(web: httpx.Client) -> None:
    assert "http-equiv" not in web.get("/air").text
    assert '<meta http-equiv="refresh" content="300">' in web.get("/air?refresh=true").text


def test_a_monitor_s_hours(web: httpx.Client) -> None:
    said = text(web, "/air/monitor/mill")
    assert "Nothing newer is known" not in said
    assert "Fine particles (PM2.5) 9.0 µg/m³" in said
    assert re.search(r"Ozone \(O3\) 36\.0 µg/m³ [\d.]+ µg/m³ 2, Low 24 of 24", said)
    assert "How damp the air was is not known here." in said
    damp = text(web, "/air/monitor/dock")
    assert "In 24 hours of 24 the air at this monitor was damp (over 85 % humidity)" in damp
    assert "Very fine particles (PM1) 40.0 µg/m³ 40.0 µg/m³ has none" in damp
    gaps = text(web, "/air/monitor/gaps")
    assert "Particles (PM10) 8.0 µg/m³ not known No index 6 of 24" in gaps


def test_a_monitor_that_was_not_heard_is_shown_up_to_then(web: httpx.Client) -> None:
    said = text(web, "/air/monitor/old")
    assert "No index" in said
    assert "3 days ago" in said
    assert "Nothing newer is known of this monitor." in said
    assert "5.0 µg/m³" in said
    gone = text(web, "/air/monitor/gone")
    assert "Out of service" in gone
    new = text(web, "/air/monitor/new")
    assert "Never heard yet" in new
    assert "Nothing yet" in new
    assert "24 hours" not in new


def test_days_and_a_year(web: httpx.Client) -> None:
    month = text(web, "/air/monitor/mill", span="month")
    assert month.count("30 of 30 days known") == 4
    year = text(web, "/air/monitor/mill", span="year")
    assert "The highest index was" in year
    assert "98 % of the year's hours are known" in year
    assert re.search(r"Nitrogen dioxide \(NO2\): mean of the year 1\d\.\d µg/m³", year)
    short = text(web, "/air/monitor/park", span="year")
    assert re.search(r"no mean of the year, for only [01] % of its hours are known and 75 % are needed", short)
    assert web.get("/air/monitor/mill?span=week").status_code == 400


def test_two_monitors(web: httpx.Client) -> None:
    said = text(web, "/air/compare", one="mill", other="high")
    assert re.search(r"at Mill Lane on average \d\d\.\d µg/m³ less than at High Street \(30 days known at both\)", said)
    assert "They measure nothing that both do." in text(web, "/air/compare", one="mill", other="new")
    assert web.get("/air/compare?one=mill&other=mill").status_code == 404
    assert web.get("/air/compare?one=mill").status_code == 400


def test_a_small_monitor_beside_its_reference(web: httpx.Client) -> None:
    for one, other in (("mill", "near"), ("near", "mill")):
        said = text(web, "/air/compare", one=one, other=other)
        assert "How the small monitor follows the reference" in said
        found = re.search(r"Fine particles \(PM2\.5\) \d+ ([\d.]+) \([\d.]+ to [\d.]+\) ([\d.]+) µg/m³ \(", said)
        assert found is not None, said
        assert float(found[1]) == pytest.approx(1.5, abs=0.03)
        assert float(found[2]) == pytest.approx(1, abs=0.4)
    assert "How the small monitor" not in text(web, "/air/compare", one="mill", other="high"), "they are far apart"


def test_the_usual_day(web: httpx.Client) -> None:
    said = text(web, "/air/monitor/mill/usual")
    assert re.search(r"Ozone \(O3\): on working days most at \d\d:00 \([\d.]+ µg/m³\), least at", said)
    assert "This monitor does not measure it." in said
    assert "Not enough is known to say what is usual." in text(web, "/air/monitor/new/usual")


def test_a_year_against_limits(web: httpx.Client) -> None:
    page = text(web, "/air/monitor/high/limits")
    day = air_town.full_hour().astimezone(ZONE)
    assert f"{day.year} against guidelines and limits" in page
    assert "Whether the law is kept is told from reference instruments alone." in page
    assert "EU from 2030: 25 µg/m³ in a day, on at most 18 times" in page
    assert re.search(r"WHO: 15 µg/m³ in a day, on at most 3 times [\d.]+ µg/m³ \d+ \d+ % No", page)
    earlier = text(web, "/air/monitor/mill/limits", year=f"{day.year - 1}")
    assert f"{day.year - 1} against guidelines and limits" in earlier
    assert "The year is not over" not in earlier
    assert web.get("/air/monitor/mill/limits?year=1999").status_code == 404
    assert "Nothing is known of this monitor's years yet." in text(web, "/air/monitor/new/limits")


def test_how_sure_a_monitor_is(web: httpx.Client) -> None:
    said = text(web, "/air/monitor/mill/checks")
    assert "Fine particles (PM2.5) 99 % Fewer than 14 days can be compared with the monitors around." in said
    assert re.search(r"Ozone \(O3\) 9[6-9] % Too few monitors around measure it to tell\.", said)
    assert "How damp the air was is not known here." in said
    assert "is made for. In 100 % of the hours the air was damp" in text(web, "/air/monitor/dock/checks")


def test_a_monitor_that_drifts_is_told(timescale: Cluster) -> None:
    name, end = timescale.create(), air_town.full_hour()
    random = np.random.default_rng(5)
    same = random.uniform(5, 15, 61 * 24)
    with connect(timescale.url(name), autocommit=True) as connection:
        for number in range(5):
            air_town.make_monitor(connection, f"m{number}", lon=-0.1 + number * 0.001, lat=51.5)
            drift = np.linspace(0, 12, len(same)) if number == 2 else 0
            values = same + random.normal(0, 0.3, len(same)) + drift
            air_town.say(connection, f"m{number}", end, {"pm2_5": values})
    with site.running(site.options(timescale.url(name), demo=True)) as url, site.client(url) as client:
        said = text(client, "/air/monitor/m2/checks")
        found = re.search(r"Moves away from the 4 monitors around, by ([\d.]+) µg/m³ in 30 days", said)
        assert found is not None, said
        assert float(found[1]) == pytest.approx(6, abs=0.3)
        assert "Keeps in step with the 4 monitors around." in text(client, "/air/monitor/m1/checks")
    timescale.drop(name)


def test_pages_are_light(web: httpx.Client) -> None:
    files = {f"/static/{name}" for name in ("style.css", "pages.css", "air.css", "explore.js")}
    beside = sum(len(web.get(path).content) for path in files)
    high = [f"/air/monitor/high{below}" for below in ("", "?span=month", "?span=year", "/usual", "/limits", "/checks")]
    for path in ("/air", "/air/monitor/mill", "/air/compare?one=mill&other=high", *high):
        assert len(web.get(path).content) + beside < MOST, path


def test_hours_to_keep(web: httpx.Client) -> None:
    answer = web.get("/air/monitor/dock/hours.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="air-dock-hours.csv"'
    lines = answer.text.split("\r\n")
    assert lines[0] == "start,pollutant,unit,mean,readings,capture,running_mean,running_hours,index"
    assert lines[-1] == ""
    assert lines[-2] == f"# complete, rows: {len(lines) - 3}"
    last = lines[-4].split(",")
    hour = air_town.full_hour() - timedelta(hours=1)
    days = web.get("/air/monitor/dock/days.csv").text
    assert datetime.fromisoformat(last[0]) <= hour
    assert last[1:] == ["pm2_5", "ug/m3", "80", "6", "1", "80", "24", "10"]
    assert days.startswith("day,pollutant,unit,mean,highest_hour,highest_8_hours,hours_known,hours,index,")
    assert re.search(r"\r\n# complete, rows: \d+\r\n$", days)


def test_days_to_keep_are_those_asked_for(web: httpx.Client) -> None:
    day = (air_town.full_hour().astimezone(ZONE) - timedelta(days=40)).date()
    rows = web.get("/air/monitor/mill/days.csv", params={"from": f"{day}", "to": f"{day}"}).text.split("\r\n")[1:-2]
    assert [row.split(",")[:3] for row in rows] == [
        [f"{day}", name, "ug/m3"] for name in ("pm2_5", "pm10", "no2", "o3")
    ]
    shown = web.get(f"/api/v1/air/monitors/mill/days?from={day}&to={day}").json()["items"][0]
    assert [float(row.split(",")[3]) for row in rows] == [one["mean"] for one in shown["pollutants"]]
    empty = web.get("/air/monitor/mill/days.csv?from=1990-01-01&to=1990-02-01").text
    assert empty.endswith("worst\r\n# complete, rows: 0\r\n")


def test_a_file_of_a_monitor_that_is_a_household_s_meanwhile_breaks_off(database: str) -> None:
    here = Site(site.options(database, demo=True))
    here.lane.open()
    try:
        with connect(database, autocommit=True) as connection:
            air_town.make_monitor(connection, "moved")
            air_town.say(connection, "moved", air_town.full_hour(), {"pm2_5": np.full(100 * 24, 5.0)})
            (monitor,) = air.monitors(connection, "simulated", ["moved"])
            first = air_town.full_hour().date() - timedelta(days=99)
            days = first, first + timedelta(days=98)
            pieces = air_files.blocks(here, monitor, days, air_files.DAYS, air_files.day_rows)
            assert next(pieces).startswith(b"day,")
            assert next(pieces).count(b"\r\n") == 31
            connection.execute("update personal.device set personal = true where id = 'moved'")
        with pytest.raises(air_files.Closed):
            next(pieces)
    finally:
        with connect(database, autocommit=True) as connection:
            connection.execute("delete from personal.series where device_id = 'moved'")
            connection.execute("delete from personal.device where id = 'moved'")
        here.lane.close()


def test_the_api(web: httpx.Client) -> None:
    answer = web.get("/api/v1/air/monitors?limit=3")
    assert [one["id"] for one in answer.json()["items"]] == ["dock", "gaps", "high"]
    assert "public" in answer.headers["cache-control"]
    again = web.get("/api/v1/air/monitors?limit=3", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    link = re.search(r"<([^>]+)>; rel=\"next\"", answer.headers["link"])
    assert link is not None
    rest = web.get(link[1]).json()
    assert [one["id"] for one in rest["items"]] == ["mill", "near", "new"]
    assert rest["items"][2]["now"] is None
    old = web.get("/api/v1/air/monitors/old").json()
    assert old["now"] is None, "what was last heard is none of now"
    one = web.get("/api/v1/air/monitors/dock").json()
    assert (one["now"]["index"], one["now"]["band"], one["now"]["humid"]) == (10, "very-high", True)
    hours = web.get("/api/v1/air/monitors/gaps/hours").json()["items"]
    newest = {hour["pollutant"]: hour for hour in hours[-2:]}
    assert newest["pm10"]["running_mean"] is None, "below 75 % there is no value"
    assert newest["pm10"]["index"] is None
    assert newest["so2"]["index"] == 1
    assert newest["pm10"]["start"] == f"{air_town.full_hour() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("monitors/home", 404, "not found"),
        ("monitors/mill/hours?from=2026-01-01&to=2026-03-01", 400, "at most 31 days"),
        ("monitors/mill/days?from=2020-01-01&to=2026-03-01", 400, "at most 400 days"),
        ("monitors/mill/days?from=2026-03-02&to=2026-03-01", 400, "from is after to"),
        ("monitors/mill/days?from=yesterday", 400, "from"),
        ("monitors?limit=1000", 400, "limit"),
        ("monitors?cursor=%20", 400, "cursor"),
    ],
)
def test_what_the_api_refuses(web: httpx.Client, path: str, status: int, said: str) -> None:
    answer = web.get(f"/api/v1/air/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert said in f"{answer.json()}".lower()


def test_from_a_reading_to_the_page(timescale: Cluster) -> None:
    """No table written by hand: readings, the runner, the page."""
    name = timescale.create()
    end = air_town.full_hour()
    with connect(timescale.url(name), autocommit=True) as connection:
        air_town.make_monitor(connection, "mill", interval="PT10M")
        (state,) = series.resolve(connection, [("mill", "pm2_5")])
        times = np.array([microseconds(end - timedelta(minutes=10 * back)) for back in range(1, 200)], np.int64)[::-1]
        with connection.transaction():
            copy_readings(connection, np.full(len(times), state.series, np.int32), times, np.full(len(times), 41.5))
            connection.execute(
                "insert into public.latest (series_id, time, value, arrival) values (%s, %s, 41.5, now())",
                (state.series, end - timedelta(minutes=10)),
            )
            connection.execute(
                "insert into public.touched_day (family, day) select 'air-monitor', d::date from"
                " generate_series(%s::timestamptz, %s::timestamptz, interval '12 hours') d",
                (end - timedelta(hours=36), end),
            )
    with connect(timescale.url(name)) as connection:
        while runner.run(connection, ZONE).more:
            pass
    with site.running(site.options(timescale.url(name), demo=True)) as url, site.client(url) as client:
        # 41.5 is 42, and that is 5; the bounds are 41 and 47
        assert "5, Moderate" in client.get("/air").text
        assert client.get("/api/v1/air/monitors/mill").json()["now"]["by_pollutant"] == {"pm2_5": 5}
        hour = client.get("/api/v1/air/monitors/mill/hours").json()["items"][-1]
        assert hour == {
            "start": f"{(end - timedelta(hours=1)).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "pollutant": "pm2_5",
            "mean": 41.5, "readings": 6, "running_mean": 41.5, "running_hours": 24, "index": 5,
        }  # fmt: skip
    timescale.drop(name)


def test_without_a_monitor(timescale: Cluster) -> None:
    name = timescale.create()
    with site.running(site.options(timescale.url(name))) as url, site.client(url) as client:
        assert "There are no air monitors yet" in client.get("/air").text
        assert client.get("/air/monitors.csv").text.endswith("humid\r\n# complete, rows: 0\r\n")
        assert client.get("/api/v1/air/monitors").json() == {"items": [], "next": None}
    timescale.drop(name)
