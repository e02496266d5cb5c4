"""The operations' pages in a real browser: axe finds nothing in any state, they fit a phone and large letters, work
without scripts and without a network, and show what changes.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from store.connect import connect
from tests.tools import site
from tests.tools.chromium import new_context
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds import parking_board

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
#: State -> path, each in the full town; those of `_EMPTY` in one without a bay too.
STATES = {
    "board": "board",
    "board filtered": "board?zone=Zone+A&state=over",
    "board without a bay": "board?zone=Zone+B&state=over",
    "board as it was": f"board?at={(NOW - timedelta(minutes=80)).astimezone(site.options('').zone):%Y-%m-%dT%H:%M}",
    "queue": "queue",
    "queue noted": "queue?noted=again&was=confirmed&street=High+Street",
    "patterns": "patterns",
    "patterns of a zone": "patterns?zone=Zone+A",
    "precision": "precision",
    "health": "health",
    "wall": "wall",
}
_EMPTY = ("board", "queue", "patterns", "precision", "health", "wall")


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        parking_board.town(connection, NOW)
        parking_board.weeks(connection, NOW.date())
        for number, (bay, word) in enumerate((("a-01", "confirmed"), ("a-02", "sensor-wrong"), ("b-01", "gone"))):
            parking_board.outcome(connection, f"{number:032d}", bay, word, NOW - timedelta(days=1))
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def town(database: str, browser: Browser) -> Iterator[Looking]:
    with connect(database, autocommit=True) as connection:
        cookies = {"officer": site.make_session(connection, None, ["parking-ops"])}
    with site.running(site.options(database)) as url:
        yield Looking(url, cookies, browser)


@pytest.fixture(scope="module")
def nothing(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        cookies = {"officer": site.make_session(connection, None, ["parking-ops"])}
    with site.running(site.options(timescale.url(name))) as url:
        yield Looking(url, cookies, browser)
    timescale.drop(name)


@ON_A_PHONE
def test_no_state_has_a_finding(town: Looking, nothing: Looking, everywhere: bool) -> None:
    looks = [(town, name, path) for name, path in STATES.items()] + [(nothing, f"{one} empty", one) for one in _EMPTY]
    for world in (town, nothing):
        with world.page("officer") as page:
            for where, name, path in looks:
                if where is not world:
                    continue
                page.goto(f"{world.url}/parking/{path}")
                open_details(page)
                assert faults(page, phone=everywhere or name in _EMPTY) == [], name
                assert page.locator("h1").count() == 1, name
                if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                    page.screenshot(path=f"{folder}/parking-{name}.png", full_page=True)


def test_the_html_checker_finds_nothing(town: Looking, nothing: Looking, tmp_path: Path) -> None:
    pages = {}
    for world, names in ((town, list(STATES)), (nothing, _EMPTY)):
        with site.client(world.url, world.cookies["officer"]) as web:
            for name in names:
                answer = web.get(f"/parking/{STATES[name]}")
                assert answer.status_code == 200
                pages[f"{name} of {'nothing' if world is nothing else 'the town'}"] = answer.text
    assert html_faults(pages, tmp_path) == []


def test_large_letters_and_the_system_s_own_colours(town: Looking) -> None:
    with town.page("officer", 640, forced_colors="active") as page:
        for path in ("board", "queue", "patterns", "wall"):
            page.goto(f"{town.url}/parking/{path}")
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), path
            assert findings(page) == [], path


def test_the_wall_does_not_scroll(town: Looking) -> None:
    with town.page("officer", 1920) as page:
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.goto(f"{town.url}/parking/wall?refresh=true")
        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
        assert page.locator("main").bounding_box() == {"x": 0, "y": 0, "width": 1920, "height": 1080}
        assert page.locator("meta[http-equiv=refresh]").count() == 1


def test_without_scripts(town: Looking) -> None:
    with town.page("officer", 390, java_script_enabled=False) as page:
        page.goto(f"{town.url}/parking/board")
        page.get_by_text("Choose bays, or another time").click()
        page.get_by_label("State").select_option("over")
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr[id]").count() == 3
        page.goto(f"{town.url}/parking/queue")
        page.get_by_role("button", name="Permit seen in bay a-03").click()
        assert "Noted: Permit seen." in page.inner_text("main")
        assert page.locator("#visit-a-03").count() == 0


def test_without_a_network_an_outcome_waits_and_is_sent_once(town: Looking, database: str) -> None:
    context = new_context(town.browser, viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": site.COOKIE, "value": town.cookies["officer"], "url": town.url}])
    page = context.new_page()
    page.goto(f"{town.url}/parking/queue")
    context.set_offline(True)
    page.get_by_role("button", name="Sensor wrong in bay a-02").click()
    expect(page.locator("#waiting")).to_have_text("1 outcome waits on this device for the network.")
    expect(page.locator("#visit-a-02")).to_contain_text("Noted: Sensor wrong.")
    context.set_offline(False)
    expect(page.locator("#waiting")).to_be_hidden()
    page.goto(f"{town.url}/parking/queue")
    assert page.locator("#visit-a-02").count() == 0
    context.close()
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "select outcome from personal.visit_outcome where bay_id = 'a-02' and at > now() - interval '1 hour'"
        ).fetchall()
    assert found == [("sensor-wrong",)]


def test_a_change_appears_on_the_open_page(town: Looking, database: str) -> None:
    with town.page("officer") as page:
        page.goto(f"{town.url}/parking/board?zone=Zone+B")
        expect(page.locator("#live")).to_have_text("Changes appear by themselves.")
        row = page.locator("#bay-b-05")
        expect(row).to_contain_text("Free for")
        with connect(database, autocommit=True) as connection:
            parking_board.say(connection, "sensor-b-05", [(datetime.now(UTC), 1)])
        expect(row).to_contain_text("Occupied for under a minute")
        expect(page.locator("svg.plan #mark-b-05 use")).to_have_attribute("href", "#key-occupied")


def test_who_was_refused_comes_again_and_sees_what_is_over_by_now(town: Looking, database: str) -> None:
    with site.running(site.options(database, live_clients=1)) as url:
        contexts = [new_context(town.browser, viewport={"width": 1280, "height": 900}) for _ in range(2)]
        for context in contexts:
            context.add_cookies([{"name": site.COOKIE, "value": town.cookies["officer"], "url": url}])
        first, second = (context.new_page() for context in contexts)
        first.goto(f"{url}/parking/board")
        expect(first.locator("#live")).to_have_text("Changes appear by themselves.")
        second.clock.install()
        second.goto(f"{url}/parking/board")
        expect(second.locator("#live")).to_have_text("Not connected. Trying again.")
        # as it was before the bay's time was over, and what was told since is no more to be had
        over = second.locator("#bay-a-02 td").last
        over.evaluate("cell => { cell.textContent = '' }")
        second.locator("#live").evaluate("live => { live.dataset.events = '/parking/events' }")
        contexts[0].close()
        second.clock.fast_forward(45_000)
        expect(second.locator("#live")).to_have_text("Changes appear by themselves.")
        expect(over).to_contain_text("h")
        contexts[1].close()


def test_a_chart_can_be_explored(town: Looking) -> None:
    with town.page("officer") as page:
        page.goto(f"{town.url}/parking/patterns")
        for figure in page.locator("figure[data-chart]").all():
            figure.get_by_role("button", name="Explore this chart").click()
            expect(figure.get_by_role("button", name="Close the chart")).to_be_visible()
            expect(figure.locator(".plot-container")).to_be_visible()
