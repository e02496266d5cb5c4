"""The operations' pages against a real database: what they say, who sees what, outcomes once, files, other instants."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
import psycopg
import pytest

from analytics.parking import runner
from analytics.parking.days import ParkingOptions
from store import series
from store.connect import connect
from tests.tools.servers import Cluster
from tests.tools.site import client, csrf, make_session, options, running
from tests.worlds import parking_board

PAGES = ("board", "queue", "patterns", "precision", "health", "wall")


@cache
def _now() -> datetime:
    """The minute in which the town is made: the pages go by the clock, and a run takes its time before that."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        parking_board.town(connection, _now())
        parking_board.weeks(connection, _now().date())
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def url(database: str) -> Iterator[str]:
    with running(options(database)) as found:
        yield found


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as found:
        yield found


@pytest.fixture
def cookie(connection: psycopg.Connection) -> str:
    return make_session(connection, None, ["parking-ops"])


@pytest.fixture
def officer(url: str, cookie: str) -> Iterator[httpx.Client]:
    with client(url, cookie) as found:
        yield found


@pytest.fixture
def engineer(url: str, connection: psycopg.Connection) -> Iterator[httpx.Client]:
    with client(url, make_session(connection, None, ["engineer"])) as found:
        yield found


def rows(page: str) -> dict[str, str]:
    """What the list says of each bay."""
    found = re.findall(r'<tr id="bay-([^"]+)"[^>]*>(.*?)</tr>', page, re.DOTALL)
    return {bay: " ".join(re.sub(r"<[^>]+>", " ", cells).split()) for bay, cells in found}


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def totals(page: str) -> dict[str, int]:
    found = re.findall(r'<li class="(\w+)"><a[^>]*>.*?<strong>([\d,]+)</strong>', page, re.DOTALL)
    return {name: int(count.replace(",", "")) for name, count in found}


@pytest.mark.parametrize("page", [page for page in PAGES if page != "wall"])
def test_each_page_has_the_tabs_of_all_and_says_which_it_is(officer: httpx.Client, page: str) -> None:
    tabs = officer.get(f"/parking/{page}").text.partition('aria-label="Parking"')[2].partition("</nav>")[0]
    assert re.findall(r'href="/parking/(\w+)"', tabs) == list(PAGES)
    assert re.findall(r'href="/parking/(\w+)" aria-current="page"', tabs) == [page]


def test_the_board_says_how_each_bay_stands(officer: httpx.Client) -> None:
    page = officer.get("/parking/board").text
    assert totals(page) == {"free": 16, "occupied": 13, "unknown": 2, "over": 3}
    found = rows(page)
    assert len(found) == 31
    assert re.fullmatch(r"a-01 Occupied for 1 h 3\d min Limited waiting 3\d min", found["a-01"])
    assert re.fullmatch(r"a-10 Occupied for 1\d min Limited waiting", found["a-10"])
    assert re.fullmatch(r"a-13 Free for 2\d min Limited waiting", found["a-13"])
    # 2.5 heartbeats of two hours after what was said nine hours ago
    assert re.fullmatch(r"a-19 Unknown: sensor silent for 4 h(?: 1?\d min)? Limited waiting", found["a-19"])
    assert found["a-20"] == "a-20 Unknown: never heard Limited waiting"
    assert "suspended until" in found["a-04"]
    assert "permit until" in found["a-05"]
    assert page.count('<path id="bays-') == 4
    assert "Map of 31 bays: 10 occupied, 2 unknown, 16 free, 3 over their time." in page


@pytest.mark.parametrize(
    ("query", "bays"),
    [
        ("zone=Zone+B", {f"b-{number:02d}" for number in range(1, 11)}),
        ("street=Mill+Lane&state=unknown", {"a-19", "a-20"}),
        ("state=over", {"a-01", "a-02", "a-03"}),
        ("kind=disabled", {"a-03", "home-1"}),
        ("zone=&street=&kind=&state=over&at=", {"a-01", "a-02", "a-03"}),
        ("zone=nowhere", set()),
    ],
)
def test_a_filter_shows_some(officer: httpx.Client, query: str, bays: set[str]) -> None:
    page = officer.get(f"/parking/board?{query}").text
    assert rows(page).keys() == bays
    assert {row["bay"] for row in table(officer.get(f"/parking/board/bays.csv?{query}"))} == bays
    assert ("No bay is like that" in page) == (not bays)


def test_pages_of_the_list_have_each_bay_once(officer: httpx.Client, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.operations.board.PAGE", 12)
    seen: list[str] = []
    address = "/parking/board"
    while address:
        page = officer.get(address).text
        seen += rows(page)
        found = re.search(r'href="([^"]+)">Next page', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 31
    for wrong in (
        "cursor=bm93aGVyZQ",
        "cursor=%FF",
        "kind=garden",
        "state=full",
        "at=2999-01-01T00:00",
        "at=today",
        "at=2026-02-30T10:00",
    ):
        assert officer.get(f"/parking/board?{wrong}").status_code == 400


def test_the_board_as_it_was(officer: httpx.Client) -> None:
    """At an instant before anything came to pass: bays 1 and 2 not yet over, 3 since ten minutes."""
    local = (_now() - timedelta(minutes=80)).astimezone(options("").zone)
    page = officer.get(f"/parking/board?at={local:%Y-%m-%dT%H:%M}").text
    assert "The board as it was" in page
    assert "board.js" not in page
    found = rows(page)
    assert found["a-01"].startswith("a-01 Occupied for 10 min")
    assert found["a-03"] == "a-03 Occupied for 1 h 10 min Disabled (Blue Badge) 10 min"
    assert found["a-10"] == "a-10 Unknown: never heard Limited waiting"
    assert found["a-19"].startswith("a-19 Unknown: sensor silent for 2 h 40 min")
    assert "Not right: at." in officer.get("/parking/board?at=2199-01-01T00:00").text
    # its links lead to the same instant, to the second
    page = officer.get(f"/parking/board?at={local:%Y-%m-%dT%H:%M}:30").text
    assert f"at={local:%Y-%m-%dT%H}%3A{local:%M}%3A30" in page
    (row,) = [
        one for one in table(officer.get(f"/parking/board/bays.csv?at={local:%Y-%m-%dT%H:%M}")) if one["bay"] == "a-03"
    ]
    assert (row["state"], row["minutes_over"]) == ("occupied", "10")


def test_a_household_s_bay_is_for_officers_alone(officer: httpx.Client, engineer: httpx.Client) -> None:
    assert "home-1" in officer.get("/parking/board").text
    for page in (*PAGES, "board/bays.csv", "queue/overstays.csv", "health/sensors.csv", "board?state=occupied"):
        answer = engineer.get(f"/parking/{page}")
        assert answer.status_code == 200
        assert "home-1" not in answer.text, page
    assert totals(engineer.get("/parking/board").text)["occupied"] == 12


def test_what_was_found_at_a_household_s_bay_is_for_officers_alone(
    officer: httpx.Client, url: str, connection: psycopg.Connection
) -> None:
    parking_board.outcome(connection, "household-0123456789", "home-1", "blue-badge", _now() - timedelta(days=3))
    connection.execute(
        "insert into personal.stay (bay_id, arrival, departure, begins, ends, over_seconds, suspended_seconds)"
        " values ('home-1', %s, %s, 'reading', 'reading', 0, 0)",
        (_now() - timedelta(days=4), _now() - timedelta(days=3)),
    )
    session = make_session(connection, None, ["engineer"])
    with client(url, session) as engineer:
        for page in ("precision", "precision/precision.csv"):
            assert "isabled" in officer.get(f"/parking/{page}").text
            assert "isabled" not in engineer.get(f"/parking/{page}").text
        # patterns are of bays that are of no household, as their other figures
        assert sum(int(row["stays"]) for row in table(engineer.get("/parking/patterns/dwell.csv"))) == 40
        form = {
            "csrf": csrf(session), "token": "e" * 32, "bay": "home-1", "arrival": "1760000000000000", "minutes": "9",
            "outcome": "gone",
        }  # fmt: skip
        assert engineer.post("/parking/queue", data=form).status_code == 404
    connection.execute("delete from personal.visit_outcome where bay_id = 'home-1'")


def test_a_form_of_one_stay_says_nothing_of_another(
    officer: httpx.Client, cookie: str, connection: psycopg.Connection
) -> None:
    form = {
        "csrf": csrf(cookie), "token": "o" * 32, "bay": "b-01", "arrival": "1760000000000000", "minutes": "9",
        "outcome": "gone",
    }  # fmt: skip
    assert officer.post("/parking/queue", data=form).headers["location"].startswith("/parking/queue?noted=new")
    for other in ({"bay": "b-02"}, {"arrival": "1760000001000000"}):
        assert officer.post("/parking/queue", data={**form, **other}).status_code == 404
    connection.execute("delete from personal.visit_outcome where bay_id = 'b-01'")


def test_the_queue_goes_to_what_is_worth_most(officer: httpx.Client) -> None:
    found = table(officer.get("/parking/queue/overstays.csv"))
    assert [row["bay"] for row in found] == ["a-03", "a-02", "a-01"]
    assert {row["likely"] for row in found} == {"0.500"}
    passed = (datetime.now(UTC) - _now()) // timedelta(minutes=1)
    assert 89 <= int(found[0]["minutes_over"]) <= 91 + passed
    page = officer.get("/parking/queue").text
    assert page.count('<form method="post"') - page.count('action="/sign-out"') == 3
    assert "of such visits" not in page  # nobody has visited yet, and nothing is known of that


def test_an_outcome_is_noted_once_and_moves_precision(
    officer: httpx.Client, cookie: str, connection: psycopg.Connection
) -> None:
    page = officer.get("/parking/queue").text
    fields = dict(
        re.findall(r'name="(token|bay|arrival|minutes)" value="([^"]+)"', page.partition("visit-a-03")[2])[:4]
    )
    form = {"csrf": csrf(cookie), **fields, "outcome": "confirmed"}
    answer = officer.post("/parking/queue", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/parking/queue?noted=new&was=confirmed")
    assert "% of such visits find an overstay." in officer.get("/parking/queue").text
    # a second press, of another button even, changes nothing
    answer = officer.post("/parking/queue", data={**form, "outcome": "gone"})
    assert answer.headers["location"] == "/parking/queue?noted=again&was=confirmed"
    page = officer.get(answer.headers["location"]).text
    assert "Already noted: Confirmed." in page
    assert "visit-a-03" not in page
    assert "from High Street" in page, "the way begins where the officer was"
    page = officer.get("/parking/queue").text
    fields = dict(
        re.findall(r'name="(token|bay|arrival|minutes)" value="([^"]+)"', page.partition("visit-a-02")[2])[:4]
    )
    officer.post("/parking/queue", data={"csrf": csrf(cookie), **fields, "outcome": "sensor-wrong"})
    assert connection.execute(
        "select bay_id, outcome, account_id is not null, arrival = %s, minutes_over between 59 and 75"
        " from personal.visit_outcome where bay_id = 'a-02'", (_now() - timedelta(minutes=120),)
    ).fetchall() == [("a-02", "sensor-wrong", True, True, True)]  # fmt: skip
    assert "50 % of 2 visits found an overstay" in officer.get("/parking/precision").text
    found = {(row["by"], row["name"]): row for row in table(officer.get("/parking/precision/precision.csv"))}
    assert found["kind", "disabled"]["precision"] == "1.0000"
    assert found["model", "bosch"]["precision"] == "0.0000"
    assert found["street", "High Street"]["not_confirmed"] == "1"
    (left,) = table(officer.get("/parking/queue/overstays.csv"))
    assert left["bay"] == "a-01"


def test_a_form_of_nobody_s_making_is_refused(officer: httpx.Client, cookie: str) -> None:
    good = {
        "csrf": csrf(cookie), "token": "t" * 32, "bay": "a-01", "arrival": "1760000000000000", "minutes": "9",
        "outcome": "confirmed",
    }  # fmt: skip
    for name, wrong, status in (
        ("token", "short", 400), ("token", "<b>" * 10, 400), ("bay", "a 1", 400), ("bay", "none-1", 404),
        ("arrival", "now", 400), ("arrival", str(2**62), 400), ("minutes", "-1", 400), ("minutes", "9" * 18, 400),
        ("outcome", "ticket", 400), ("csrf", "x", 403),
    ):  # fmt: skip
        assert officer.post("/parking/queue", data={**good, name: wrong}).status_code == status, (name, wrong)


def test_a_zone_s_name_may_have_any_letters(officer: httpx.Client, connection: psycopg.Connection) -> None:
    zone = "R&D, Übungsplatz #2?"
    parking_board.zone_day(connection, zone, _now().date() - timedelta(days=1), [0.5] * 24)
    try:
        page = officer.get("/parking/patterns", params={"zone": zone}).text
        files = [html.unescape(one) for one in re.findall(r'href="([^"]+\.csv[^"]*)"', page)]
        assert files
        assert all(re.fullmatch(r"[!-~]+", one) for one in files), files
        named = [row["zone"] for one in files for row in table(officer.get(one)) if "zone" in row]
        assert set(named) == {zone}
    finally:
        connection.execute("delete from public.zone_day where zone = %s", (zone,))


def test_patterns_find_the_full_zone_beside_an_emptier_one(officer: httpx.Client) -> None:
    page = officer.get("/parking/patterns").text
    assert "Monday 10:00 to 12:00: Zone A is full (95 %), and Zone B," in page
    (row,) = table(officer.get("/parking/patterns/beside.csv"))
    assert (row["full_zone"], row["zone_with_room"], row["hours"]) == ("Zone A", "Zone B", "Monday 10:00 to 12:00")
    assert (row["full_occupancy"], row["metres"]) == ("0.9500", "122")
    hours = {
        (row["zone"], row["day"], row["hour"]): row["occupancy"]
        for row in table(officer.get("/parking/patterns/hours.csv"))
    }
    assert len(hours) == 2 * 168
    assert hours["Zone A", "Monday", "10:00"] == "0.9500"
    assert hours["Zone B", "Sunday", "23:00"] == "0.4300"
    turnover = {row["zone"]: row for row in table(officer.get("/parking/patterns/turnover.csv"))}
    assert turnover["Zone B"]["arrivals_per_bay_and_day"] == "9.600"
    assert sum(int(row["stays"]) for row in table(officer.get("/parking/patterns/dwell.csv"))) == 40
    assert officer.get("/parking/patterns?zone=Zone+B").status_code == 200
    assert officer.get("/parking/patterns?zone=nowhere").status_code == 404


def test_health_and_the_suspensions_of_today(officer: httpx.Client) -> None:
    page = officer.get("/parking/health").text
    assert "Silent: 1 bay" in page
    assert "Skip for works at No 4" in page
    found = {row["bay"]: row["problem"] for row in table(officer.get("/parking/health/sensors.csv"))}
    assert found == {"a-19": "silent", "a-20": "never"}
    assert [row["bay"] for row in table(officer.get("/parking/health/suspensions.csv"))] == ["a-04"]


def test_a_bay_that_says_occupied_more_often_than_anybody_comes_misses_departures(
    officer: httpx.Client, connection: psycopg.Connection
) -> None:
    """Over four weeks: b-01 eleven times with nine arrivals; b-02 with eleven; b-03 nine times; b-04 was long ago."""
    today = _now().astimezone(options("").zone).date()
    days = (
        ("b-01", 1, 6, 4), ("b-01", 20, 5, 4), ("b-01", 3, 0, 1), ("b-02", 1, 11, 2), ("b-02", 9, 0, 9),
        ("b-03", 1, 9, 0), ("b-04", 40, 99, 0),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into personal.bay_day (bay_id, day, quarters, arrivals, repeated, carry_state)"
            " values (%s, %s, '', %s, %s, 2)",
            [(bay, today - timedelta(days=back), arrivals, said) for bay, back, said, arrivals in days],
        )
    page = officer.get("/parking/health").text
    assert "Departures missed: 1 bay" in page
    rows = table(officer.get("/parking/health/sensors.csv"))
    assert [row["bay"] for row in rows if row["problem"] == "repeating"] == ["b-01"]
    connection.execute("delete from personal.bay_day")


def test_one_gateway_is_one_alarm_and_what_never_changes_is_suspect(timescale: Cluster) -> None:
    """Six bays of a gateway fell silent together; one that came and went each hour stands still for four days."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        cookie = make_session(connection, None, ["parking-ops"])
        for number in range(6):
            parking_board.make_bay(connection, f"g-{number}", gateway="gw-1")
            parking_board.say(connection, f"sensor-g-{number}", [(_now() - timedelta(hours=9, minutes=number), 0)])
        parking_board.make_bay(connection, "s-1", gateway="gw-2")
        still = _now() - timedelta(days=4)
        hourly = [(still - timedelta(hours=hour), hour % 2) for hour in range(48)]
        heard = [(still + timedelta(hours=hour), 0) for hour in range(1, 96)]
        parking_board.say(connection, "sensor-s-1", [*hourly, *heard])
        (battery,) = series.resolve(connection, [("sensor-s-1", "battery")])
        connection.execute(
            "insert into public.latest (series_id, time, value, arrival) values (%s, %s, 12, now())",
            (battery.series, _now()),
        )
    with connect(timescale.url(name)) as connection:
        assert not runner.run(connection, ParkingOptions(options("").zone)).more
    with running(options(timescale.url(name))) as url, client(url, cookie) as web:
        page = web.get("/parking/health").text
        found = [(row["problem"], row["bay"]) for row in table(web.get("/parking/health/sensors.csv"))]
        board = rows(web.get("/parking/board").text)
    assert "Gateways out: 1 gateway" in page
    # the record knows since when, though the newest reading is an hour old
    assert board["s-1"].startswith("s-1 Free for 4 days")
    assert found == [("gateway", "gw-1"), ("suspect", "s-1"), ("battery", "s-1")]
    timescale.drop(name)


def test_an_empty_town_has_pages_too(timescale: Cluster) -> None:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        cookie = make_session(connection, None, ["parking-ops"])
    with running(options(timescale.url(name))) as url, client(url, cookie) as web:
        for page in PAGES:
            assert web.get(f"/parking/{page}").status_code == 200, page
        assert "There are no bays yet" in web.get("/parking/board").text
        assert web.get("/parking/board?at=2026-01-01T00:00").status_code == 200
    timescale.drop(name)
