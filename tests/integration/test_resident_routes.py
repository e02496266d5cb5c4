"""A household's pages, files and API over a real database: its own, all of its own, and nothing of anybody else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from analytics.periods import month_of, week_of
from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.resident_world import MOVED, TODAY, World, living


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        yield found


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def every_get() -> list[str]:
    """All routes of a household that can be asked for, as the routers have them."""
    paths = sorted({route.path for route in site.routes() if "GET" in (route.methods or ())})
    return [path for path in paths if path.startswith(("/home", "/api/v1/home"))]


def wishes(path: str) -> list[str]:
    """A route with and without wishes, right and wrong ones."""
    if "{fuel}" in path:
        week = week_of(TODAY - timedelta(days=7)).key
        return [
            path.format(fuel="electricity", period=week),
            path.format(fuel="gas", period=week),
            path.format(fuel="electricity", period="1999-W01"),
            path.format(fuel="x", period="y"),
        ]
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    return [
        path,
        f"{path}?fuel=electricity",
        f"{path}?fuel=electricity&date={yesterday}&from={yesterday}&to={yesterday}",
        f"{path}?fuel=nonsense&date=nonsense&period=nonsense&cursor=nonsense&before=x",
        f"{path}?tenancy=20000000000777&home=10000000000777&tenancy_id=20000000000777&account=2",
    ]


def test_all_pages_are_tried_below() -> None:
    assert len(every_get()) >= 20
    assert {"/home", "/home/day", "/home/data/all.json", "/api/v1/home/half-hours"} <= set(every_get())


@pytest.mark.parametrize("path", every_get())
def test_no_answer_holds_anything_of_another_household(world: World, path: str) -> None:
    bob = world.people["bob"]
    # 57.770 kWh a week are bob's alone; ann's end in 50.010
    traces = [str(bob.home_id), str(bob.tenancy_id), bob.device, "100000000777", "57.77", "57770", "57.8 kWh"]
    with world.client("ann") as client:
        for wish in wishes(path):
            answer = client.get(wish)
            assert answer.status_code in (200, 400, 404), f"{wish}: {answer.status_code}"
            found = [trace for trace in traces if trace in answer.text or trace in str(answer.headers)]
            assert not found, f"{wish}: {found}"
    # the traces are what bob's own pages show, or this test would see nothing
    own = world.get("bob", "/home").text + world.get("bob", "/home/data/comparisons.csv").text
    assert "57.8 kWh" in own
    assert "57.77" in own


@pytest.mark.parametrize("path", every_get())
def test_nobody_gets_in_without_a_tenancy(world: World, path: str) -> None:
    for wish in wishes(path):
        nobody, engineer = world.get(None, wish), world.get("engineer", wish)
        if path.startswith("/api/"):
            assert (nobody.status_code, engineer.status_code) == (401, 403)
            assert nobody.headers["content-type"] == "application/problem+json"
            assert nobody.json()["status"] == 401
        else:
            assert nobody.status_code == 303
            assert nobody.headers["location"].startswith("/sign-in?next=%2Fhome")
            assert engineer.status_code == 403


def test_ids_of_the_household_itself_are_in_no_page(world: World) -> None:
    ann = world.people["ann"]
    with world.client("ann") as client:
        for path in every_get():
            if path.endswith(".json"):
                continue  # everything that is held: ids too
            text = client.get(wishes(path)[0]).text
            for trace in (str(ann.home_id), str(ann.tenancy_id), ann.device, "100000000001"):
                assert trace not in text, path


def test_pages_say_how_they_may_be_kept(world: World) -> None:
    with world.client("ann") as client:
        for path in every_get():
            answer = client.get(wishes(path)[0])
            assert answer.headers["cache-control"] == "no-store", path


def test_former_and_new_tenants_see_their_own_days_only(world: World) -> None:
    before, after = rows(world.get("former", "/home/data/days.csv")), rows(world.get("new", "/home/data/days.csv"))
    assert before
    assert after
    assert max(row["day"] for row in before) < MOVED.isoformat() <= min(row["day"] for row in after)
    halves = rows(world.get("former", "/home/data/half-hours.csv"))
    assert {row["start"][:10] for row in halves} == {
        (MOVED - timedelta(days=n)).isoformat()
        for n in range(1, 12)
        if MOVED - timedelta(days=n) >= TODAY - timedelta(days=21)
    }
    halves = rows(world.get("new", "/home/data/half-hours.csv"))
    assert min(row["start"][:10] for row in halves) == MOVED.isoformat()
    assert rows(world.get("new", "/home/data/comparisons.csv")) == []
    assert world.get("former", "/api/v1/home").json()["fuels"] == ["electricity"]
    assert world.get("new", "/api/v1/home").json()["fuels"] == ["electricity", "gas"]
    for path in ("/home/year", "/home/day", "/home/data", "/home/data/months.csv"):
        assert "gas" not in world.get("former", path).text.lower().replace("gas boiler", ""), path
    assert world.get("new", "/home").text.count("There is nothing to compare yet") == 1
    days = world.get("new", "/api/v1/home/days?fuel=electricity").json()["items"]
    assert days[0]["day"] == MOVED.isoformat()
    asked = f"/api/v1/home/days?fuel=electricity&from={MOVED - timedelta(days=30)}"
    assert world.get("new", asked).json()["items"][0]["day"] == MOVED.isoformat()
    last = world.get("former", "/api/v1/home/half-hours?fuel=electricity").json()["items"][-1]
    assert last["start"].startswith((MOVED - timedelta(days=1)).isoformat())


def test_days_that_are_not_ones_own_look_like_days_that_never_were(world: World) -> None:
    wanted = [MOVED - timedelta(days=1), date(1999, 1, 1), TODAY, TODAY + timedelta(days=400)]
    answers = [world.get("new", f"/home/day?date={day.isoformat()}") for day in wanted]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert world.get("new", f"/home/day?date={MOVED.isoformat()}").status_code == 200


def test_periods_that_are_not_there_look_alike(world: World) -> None:
    paths = ["/home?period=1999-W01", "/home?fuel=gas", "/home?fuel=export", "/home?fuel=x"]
    answers = [world.get("ann", path) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_a_former_tenant_neither_sees_nor_changes_the_home(world: World) -> None:
    page = world.get("former", "/home/details")
    assert "You do not live in this home any more" in page.text
    assert "<select" not in page.text
    assert world.post("former", "/home/details", dwelling="flat", heating="gas").status_code == 403
    assert world.post("former", "/home/tariff").status_code == 403
    assert world.get("former", "/api/v1/home").json()["details"] is None
    assert world.get("former", "/api/v1/home").json()["to"] == (MOVED - timedelta(days=1)).isoformat()


def test_page_api_and_file_show_the_same(world: World) -> None:
    week = week_of(TODAY - timedelta(days=7))
    page = world.get("ann", f"/home?fuel=electricity&period={week.key}").text
    found = world.get("ann", f"/api/v1/home/comparisons/electricity/{week.key}").json()
    (row,) = rows(world.get("ann", f"/home/data/comparisons.csv?fuel=electricity&period={week.key}"))
    assert found["neighbours"] == {
        "homes": 110,
        "average_kwh": 58.0,
        "efficient_kwh": 36.0,
        "difference_kwh": -7.99,
        "tenths_used_less": 4,
    }
    assert (float(row["average_kwh"]), float(row["efficient_kwh"]), row["homes"]) == (58.0, 36.0, "110")
    assert (float(row["own_kwh"]), found["own_kwh"]) == (50.01, 50.01)
    for shown in ("58 kWh", "36 kWh", "50 kWh", "8 kWh (14%) less", "about 110 flats"):
        assert shown in page
    assert found["headline"].removeprefix("Good: ").capitalize() in page
    for sentence in found["sentences"]:
        assert sentence in page.replace("&#39;", "'"), sentence
    assert (row["state"], found["state"], row["period"], found["period"]) == ("good", "good", week.key, week.key)


def test_what_others_do_is_not_told_to_who_is_not_compared(world: World) -> None:
    """Figures in the row of a neutral home must not get out by any way."""
    with connect(world.database, autocommit=True) as connection:
        quiet = residents.make_resident(connection, 61)
        week = week_of(TODAY - timedelta(days=7))
        month = month_of(TODAY).before()
        for period in (week, month):
            residents.compare(
                connection, quiet, period, "neutral", average=43_000, efficient=21_000, homes=120, tenths=0
            )
        residents.use_days(connection, quiet, month.start, TODAY)
        world.cookies["quiet"] = site.make_session(connection, quiet.tenancy_id)
    paths = ("/home", "/home/year", "/home/data/comparisons.csv", "/home/data/months.csv", "/api/v1/home/comparisons")
    for path in paths:
        text = world.get("quiet", path).text
        assert not re.search(r"\b43(\.0+)?\b( kWh|,)", text), path
        assert not re.search(r"\b21(\.0+)?\b( kWh|,)", text), path
        assert not re.search(r"\b120\b", text), path  # a form's token may have these digits in it
    page = world.get("quiet", "/home").text
    assert "020 7946 0123" in page
    for word in ("Well done", "Great", "You used more than", "Things that may help", "a year"):
        assert word not in page


def test_the_half_hours_of_days_on_which_clocks_change(world: World) -> None:
    with connect(world.database, autocommit=True) as connection:
        one = residents.make_resident(connection, 62)
        residents.add_meter(connection, one, date(2025, 3, 30), 1)
        residents.add_meter(connection, one, date(2025, 10, 26), 1)
        for changed in (date(2025, 3, 30), date(2025, 10, 26)):
            residents.use_days(connection, one, changed, changed + timedelta(days=1))
        world.cookies["clocks"] = site.make_session(connection, one.tenancy_id)
    for day, count, fifth in (("2025-03-30", 46, "02:00:00+01:00"), ("2025-10-26", 50, "01:00:00+00:00")):
        query = f"fuel=electricity&from={day}&to={day}"
        items = world.get("clocks", f"/api/v1/home/half-hours?{query}").json()["items"]
        assert len(items) == count
        # the third half-hour of a long day is 01:00 in summer time, the fifth in winter time
        place = 2 if count == 46 else 4
        assert items[place]["start"] == f"{day}T{fifth}"
        file = rows(world.get("clocks", f"/home/data/half-hours.csv?{query}"))
        assert [row["start"] for row in file] == [item["start"] for item in items]
        assert [float(row["kwh"]) for row in file] == pytest.approx([item["kwh"] for item in items])


def test_an_answer_that_is_known_is_not_sent_again(world: World) -> None:
    for path in ("/api/v1/home", "/api/v1/home/comparisons", "/api/v1/home/consents"):
        first = world.get("ann", path)
        again = world.get("ann", path, **{"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert world.get("ann", path, **{"If-None-Match": '"other"'}).status_code == 200
    assert (
        world.get("bob", "/api/v1/home/comparisons").headers["etag"]
        != world.get("ann", "/api/v1/home/comparisons").headers["etag"]
    )


def test_long_lists_come_in_pages(world: World) -> None:
    found: list[str] = []
    path = "/api/v1/home/comparisons?limit=3"
    for _ in range(20):
        answer = world.get("ann", path)
        found += [item["period"] for item in answer.json()["items"]]
        link = answer.headers.get("link")
        if link is None:
            assert answer.json()["next"] is None
            break
        path = link.split(">")[0].removeprefix("<")
        assert parse_qs(urlsplit(path).query)["cursor"] == [answer.json()["next"]]
    whole = world.get("ann", "/api/v1/home/comparisons?limit=100").json()
    assert found == [item["period"] for item in whole["items"]]
    assert len(found) == 13
    looks: list[str] = []
    path = "/api/v1/home/access?limit=10"
    while path:
        answer = world.get("ann", path)
        looks += [json.dumps(item) for item in answer.json()["items"]]
        path = answer.headers.get("link", "").split(">")[0].removeprefix("<")
    assert len(looks) > 20


@pytest.mark.parametrize(
    "query",
    [
        "days?fuel=electricity&from=2020-01-01",
        "half-hours?fuel=electricity&from=2026-01-01&to=2026-03-01",
        "days?fuel=coal",
        "days",
        "days?fuel=gas&from=tomorrow",
        "comparisons?limit=101",
        "comparisons?limit=0",
        "comparisons?cursor=AAAA",
        "comparisons?cursor=%FF%FE",
        "access?cursor=LTE",
        "access?cursor=" + "A" * 200,
    ],
)
def test_a_wrong_wish_gets_a_problem(world: World, query: str) -> None:
    answer = world.get("ann", f"/api/v1/home/{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert answer.json()["status"] == 400


def test_the_api_is_described_for_anybody(world: World) -> None:
    described = world.get(None, "/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert {
        "getHome", "listComparisons", "getComparison", "listDays", "listHalfHours", "listConsents", "listAccess",
    } <= set(ids)  # fmt: skip
    assert len(ids) == len(set(ids))
    schemas = described["components"]["schemas"]
    for name in ("Home", "Comparison", "Days", "HalfHours", "Consents", "Looks"):
        assert schemas[name]["example"], name
    listed = described["paths"]["/api/v1/home/days"]["get"]
    assert {"400", "401", "403", "404", "304"} <= set(listed["responses"])
    text = json.dumps(described)
    assert "tenancy_id" not in text
    assert "/home/consents" in text


def test_everything_as_one_file(world: World) -> None:
    answer = world.get("ann", "/home/data/all.json")
    assert answer.json() == {"tenancy": world.people["ann"].tenancy_id}
    assert "attachment" in answer.headers["content-disposition"]
