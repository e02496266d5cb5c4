"""A household's pages are accessible: axe finds nothing in any state, on any page, wide or narrow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import (
    ON_A_PHONE,
    PAGES,
    STATES,
    Looking,
    faults,
    findings,
    looking,
    open_details,
    scrolls,
)
from tests.tools.servers import Cluster

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    with looking(timescale, browser) as found:
        yield found


@ON_A_PHONE
@pytest.mark.parametrize("state", STATES)
def test_each_state_has_no_finding(world: Looking, state: str, everywhere: bool) -> None:
    with world.page(state) as page:
        page.goto(f"{world.url}/home")
        assert STATES[state] in page.inner_text("main")
        assert faults(page, phone=everywhere or state in ("good", "suppressed")) == []


def test_each_page_has_no_finding(world: Looking) -> None:
    with world.page("good") as page:
        for path in PAGES:
            page.goto(world.url + path)
            if path == "/home/year?fuel=gas":
                assert "Apart from the weather" in page.inner_text("main")
            if path == "/home/day":
                assert "of your electricity from 16:00 to 19:00" in page.inner_text("main")
            open_details(page)
            assert faults(page, phone=True) == [], path
        assert page.locator("h1").count() == 1


@ON_A_PHONE
def test_pages_of_a_trials_members_have_no_finding(world: Looking, everywhere: bool) -> None:
    folder = os.environ.get("BOROUGH_TEST_SHOTS")
    for state, paths in (("trial", ("/home/neighbours", "/home/year", "/")), ("above-zone", ("/home/neighbours",))):
        with world.page(state) as page:
            for path in paths:
                page.goto(world.url + path)
                assert "takes part in a trial" in page.inner_text("main") or path == "/home/year"
                assert faults(page, phone=everywhere or path == "/home/neighbours") == [], path
                if folder:
                    page.screenshot(path=f"{folder}/{state}{path.replace('/', '-')}.png", full_page=True)
            if folder:
                page.goto(f"{world.url}/home")
                page.screenshot(path=f"{folder}/{state}-home.png", full_page=True)


def test_the_html_checker_finds_nothing(world: Looking, tmp_path: Path) -> None:
    pages: dict[str, str] = {}
    for state in STATES:
        with site.client(world.url, world.cookies[state]) as client:
            own = PAGES if state in ("good", "trial") else ("/home/neighbours", "/home/year")
            pages |= {f"{state} {path.replace('/', ' ')}": client.get(path).text for path in ("/home", *own)}
    assert html_faults(pages, tmp_path) == []


def test_a_part_of_a_day_has_no_finding(world: Looking) -> None:
    with world.page("part") as page:
        page.goto(f"{world.url}/home/day")
        assert "so far, until 10:00" in page.locator("figcaption").inner_text()
        drawing = page.get_by_role("img").get_attribute("aria-label")
        assert drawing is not None
        assert "Readings have reached us until 10:00" in drawing
        page.locator("details").evaluate("element => { element.open = true }")
        assert page.get_by_role("cell", name="not here yet").count() == 28
        assert faults(page, phone=True) == []
        if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
            page.screenshot(path=f"{folder}/part-of-a-day.png", full_page=True)


def test_pages_of_who_is_signed_out_have_no_finding(world: Looking) -> None:
    with world.page(None) as page:
        for path in ("/home", "/left", "/"):
            page.goto(world.url + path)
            assert faults(page, phone=True) == [], path


def test_energy_notes_have_no_finding_in_any_state(world: Looking) -> None:
    with world.page("good") as page:
        page.goto(f"{world.url}/home/nudges")
        assert "Well done!" in page.inner_text("article")
        page.locator("article details").evaluate("element => { element.open = true }")
        if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
            page.screenshot(path=f"{folder}/energy-notes.png", full_page=True)
        assert faults(page, phone=True) == []
        page.get_by_role("button", name="Stop these notes").click()
        assert "You get no more notes" in page.inner_text("main")
        assert faults(page, phone=True) == []
        page.get_by_role("button", name="Get notes again").click()


def test_forms_of_energy_notes_have_no_finding(world: Looking) -> None:
    with world.page("good", 320, refused=True) as page:
        page.goto(f"{world.url}/home/nudges")
        page.get_by_label("e-mail address").fill("nobody")
        page.get_by_role("button", name="Send me a code").click()
        assert page.title().startswith("Error: ")
        assert findings(page) == []
        page.get_by_label("e-mail address").fill(f"a-very-long-name-{'of-somebody-' * 3}@home.example")
        page.get_by_role("button", name="Send me a code").click()
        page.get_by_label("Enter the code").fill("WRON-GCOD-E000")
        page.get_by_role("button", name="Confirm").click()
        assert page.title().startswith("Error: ")
        assert findings(page) == []
        assert not scrolls(page)
        page.get_by_role("button", name="Send letters too").click()
        assert findings(page) == []
        page.get_by_role("button", name="No letters").click()


def test_errors_of_forms_have_no_finding(world: Looking) -> None:
    with world.page("nothing", 320, refused=True) as page:
        page.goto(f"{world.url}/home/tariff")
        page.get_by_role("button", name="Save this price").click()
        assert page.title().startswith("Error: ")
        assert findings(page) == []
        page.get_by_role("link", name="Enter the unit rate in pence a kWh").click()
        assert page.evaluate("document.activeElement.id") == "rate"
        page.goto(f"{world.url}/home/leave?sure=true")
        page.get_by_role("button", name="Erase everything and sign out").click()
        assert findings(page) == []
