"""Series and completeness in a real browser: axe finds nothing in any state, they fit a phone and large letters, work
without scripts, and a closer look asks for finer points.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from store.connect import connect
from tests.tools import site
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds import series_world

pytestmark = pytest.mark.browser

ONE = "series?device=air-1&property=pm2_5"
#: State -> path below /engineer.
STATES = {
    "search": "series",
    "search without a find": "series?q=nobody",
    "series": f"{ONE}&span=all",
    "two series": f"{ONE}&with=bay-1/occupied&span=all",
    "series without a reading": "series?device=air-never&property=pm2_5",
    "series in a wrong span": f"{ONE}&from=2026-03-02T00:00&to=2026-03-01T00:00",
    "few readings": f"{ONE}&from=2026-03-01T00:00&to=2026-03-01T00:10",
    "completeness": "completeness?from=2026-03-01&to=2026-03-03",
    "completeness of households": "completeness?family=smart-meter&from=2026-03-01&to=2026-03-03",
    "completeness in a wrong span": "completeness?from=2025-03-01&to=2026-03-03",
    "calendar": "completeness/air-1?from=2026-02-20&to=2026-03-10",
    "calendar of a device that was never heard": "completeness/air-never",
}
#: One of each kind.
_NARROW = ("search", "two series", "series in a wrong span", "completeness", "calendar")


@pytest.fixture(scope="module")
def world(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        series_world.town(connection)
        series_world.households(connection)
        cookies = {"engineer": site.make_session(connection, None, ["engineer"])}
    with site.running(site.options(timescale.url(name))) as url:
        yield Looking(url, cookies, browser)
    timescale.drop(name)


@ON_A_PHONE
def test_no_state_has_a_finding(world: Looking, everywhere: bool) -> None:
    with world.page("engineer", refused=True) as page:
        for name, path in STATES.items():
            page.goto(f"{world.url}/engineer/{path}")
            open_details(page)
            assert faults(page, phone=everywhere or name in _NARROW) == [], name
            assert page.locator("h1").count() == 1, name
            if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                page.screenshot(path=f"{folder}/engineer-{name}.png", full_page=True)


def test_large_letters_and_the_system_s_own_colours(world: Looking) -> None:
    with world.page("engineer", 640, forced_colors="active") as page:
        for name in ("two series", "completeness", "calendar"):
            page.goto(f"{world.url}/engineer/{STATES[name]}")
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), name
            assert findings(page) == [], name


def test_without_scripts(world: Looking) -> None:
    with world.page("engineer", 390, java_script_enabled=False) as page:
        page.goto(f"{world.url}/engineer/series")
        page.get_by_label("The device's id begins with").fill("air-1")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="pm2.5 of air-1").click()
        assert page.get_by_role("button", name="Explore this chart").count() == 0
        expect(page.get_by_role("img")).to_have_accessible_name(
            "pm2.5 of air-1: 10 to 480.5 µg/m³, 4,140 readings, 1 silence, 2 changed later. The table has the numbers."
        )
        page.get_by_role("link", name="Compare with humidity of air-1").click()
        assert page.get_by_role("img").count() == 2
        page.get_by_role("link", name="Earlier").click()
        assert page.get_by_text("no reading in this time").count() == 2
        page.goto(f"{world.url}/engineer/{STATES['completeness']}")
        page.get_by_role("link", name="air-1").click()
        assert page.get_by_role("heading", name="Completeness of air-1").is_visible()


def test_a_closer_look_asks_for_finer_points_of_both_series(world: Looking) -> None:
    with world.page("engineer", 1280) as page:
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(f"{world.url}/engineer/{STATES['two series']}")
        page.get_by_role("button", name="Explore this chart").last.click()
        expect(page.get_by_role("button", name="Close the chart")).to_be_visible()
        page.get_by_role("button", name="Explore this chart").first.click()
        expect(page.get_by_role("button", name="Close the chart")).to_have_count(2)
        assert findings(page) == []
        points = "document.querySelector('#series-1 .chart').data[0].x.length"
        assert page.evaluate(points) < 2_000
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "points.json" in request.url else None)
        box = page.locator("#series-1 .nsewdrag").bounding_box()
        assert box is not None
        with page.expect_response(lambda answer: "points.json?device=air-1" in answer.url) as answer:
            page.mouse.move(box["x"] + box["width"] * 0.20, box["y"] + 50)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.30, box["y"] + 60, steps=5)
            page.mouse.up()
        found = answer.value.json()
        # a tenth of three days, every minute of it, and the spike in it
        assert len(found["times"]) == pytest.approx(432, abs=15)
        assert 480.5 in found["values"]
        page.wait_for_function(f"{points} === {len(found['times'])}")
        assert {"air-1" in one for one in asked} == {True, False}
        with page.expect_response(lambda answer: "points.json?device=air-1" in answer.url):
            page.mouse.dblclick(box["x"] + box["width"] * 0.5, box["y"] + 50)
        page.wait_for_function(f"{points} > 1000")
        page.get_by_role("button", name="Close the chart").first.click()
        expect(page.get_by_role("button", name="Close the chart")).to_have_count(1)
        assert faults == []
