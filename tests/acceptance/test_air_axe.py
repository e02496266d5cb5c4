"""The pages of air in a real browser: axe finds nothing in any state, they fit a phone and large letters, work without
scripts and on paper, and a chart can be explored.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from store.connect import connect
from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds import air_town

pytestmark = pytest.mark.browser

#: State -> address.
STATES = {
    "now": "/air",
    "now of a band": "/air?band=high",
    "now of an empty band": "/air?band=moderate",
    "place": "/air?place=TE5+7ST",
    "place with a silent one nearer": "/air?place=old",
    "place far from all": "/air?place=TE9+9AA",
    "place that may be several": "/air?place=test",
    "place that is a name": "/air?place=lane",
    "place unknown": "/air?place=ZZ1+1ZZ",
    "day": "/air/monitor/mill",
    "day damp": "/air/monitor/dock",
    "day with gaps": "/air/monitor/gaps",
    "day long ago": "/air/monitor/old",
    "never heard": "/air/monitor/new",
    "out of service": "/air/monitor/gone?span=month",
    "month": "/air/monitor/high?span=month",
    "year": "/air/monitor/high?span=year",
    "year of little": "/air/monitor/park?span=year",
    "usual day": "/air/monitor/mill/usual",
    "limits": "/air/monitor/high/limits",
    "checks": "/air/monitor/dock/checks",
    "beside its reference": "/air/compare?one=mill&other=near",
    "two": "/air/compare?one=mill&other=high",
    "two without anything in common": "/air/compare?one=mill&other=new",
}
_LARGE = ("now", "place", "day", "year", "two")


@pytest.fixture(scope="module")
def town(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        air_town.town(connection)
    with site.running(site.options(timescale.url(name), demo=True)) as url:
        yield Looking(url, {}, browser)
    timescale.drop(name)


@ON_A_PHONE
def test_no_state_has_a_finding(town: Looking, everywhere: bool) -> None:
    with town.page(None) as page:
        for name, path in STATES.items():
            page.goto(town.url + path)
            open_details(page)
            assert faults(page, phone=everywhere or name in _LARGE) == [], name
            assert page.locator("h1").count() == 1, name
            # axe says nothing of a drawing's text: each has one of its own
            for drawing in page.locator("svg[role=img]").all():
                assert len(drawing.get_attribute("aria-label") or "") > 20, name
            if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                page.screenshot(path=f"{folder}/air-{name}.png", full_page=True)


def test_nothing_yet(timescale: Cluster, browser: Browser) -> None:
    name = timescale.create()
    with site.running(site.options(timescale.url(name))) as url:
        town = Looking(url, {}, browser)
        with town.page(None) as page:
            page.goto(f"{url}/air")
            assert faults(page, phone=True) == []
            assert "There are no air monitors yet" in page.inner_text("main")
    timescale.drop(name)


def test_the_html_checker_finds_nothing(town: Looking, tmp_path: Path) -> None:
    with site.client(town.url) as web:
        pages = {name: web.get(path).text for name, path in STATES.items()}
    assert html_faults(pages, tmp_path) == []


def test_large_letters_and_the_system_s_own_colours(town: Looking) -> None:
    with town.page(None, 640, forced_colors="active") as page:
        for name in _LARGE:
            page.goto(town.url + STATES[name])
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), name
            assert findings(page) == [], name
            if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                page.screenshot(path=f"{folder}/air-{name}-large.png", full_page=True)


def test_without_scripts(town: Looking) -> None:
    with town.page(None, 390, java_script_enabled=False) as page:
        page.goto(f"{town.url}/air")
        page.get_by_label("Postcode, area or street").fill("te57st")
        page.get_by_role("button", name="Show the air there").click()
        assert page.inner_text("h1") == "Air near TE5 7ST"
        page.get_by_role("link", name="Mill Lane").first.click()
        page.get_by_role("link", name="A year").click()
        assert page.locator("figure svg[role=img]").count() == 5
        page.get_by_text("These numbers as a table").first.click()
        assert page.locator("figure table").first.is_visible()
        assert page.get_by_role("button", name="Explore this chart").count() == 0


def test_by_keyboard_alone(town: Looking) -> None:
    with town.page(None) as page:
        page.goto(f"{town.url}/air")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
        page.get_by_label("Postcode, area or street").focus()
        page.keyboard.type("te57st")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Air near TE5 7ST")


def test_on_paper(town: Looking) -> None:
    with town.page(None) as page:
        page.goto(town.url + STATES["day"])
        page.emulate_media(media="print")
        for gone in (
            page.locator("nav").first,
            page.locator(".tabs"),
            page.get_by_text("Download these numbers").first,
        ):
            expect(gone).to_be_hidden()
        expect(page.locator("figure svg").first).to_be_visible()


def heights(drawing: Locator, selector: str) -> list[float]:
    """Where these begin on the page [px], from the top."""
    boxes = [one.bounding_box() for one in drawing.locator(selector).all()]
    return sorted(box["y"] for box in boxes if box is not None)


def test_a_reference_value_s_name_stands_at_its_line(town: Looking) -> None:
    with town.page(None, 390) as page:
        page.goto(town.url + STATES["year"])
        drawings = page.locator("figure svg.drawing").all()
        apart = [
            gap
            for drawing in drawings
            for line, name in zip(heights(drawing, "line.reference"), heights(drawing, "text.of"), strict=True)
            for gap in [line - name]
        ]
        # a line of text above, or on it where another is near: nowhere near the line before
        assert len(apart) == 9
        assert min(apart) > 5, apart
        assert max(apart) < 23, apart
        page.goto(town.url + STATES["day"])
        for mark in page.locator("figure .keys svg").all():
            assert mark.evaluate("one => getComputedStyle(one.firstElementChild).stroke") != "none"


def test_a_chart_can_be_explored(town: Looking) -> None:
    with town.page(None) as page:
        page.goto(town.url + STATES["two"])
        figure = page.locator("figure[data-chart=line]").first
        figure.get_by_role("button", name="Explore this chart").click()
        expect(figure.get_by_role("button", name="Close the chart")).to_be_visible()
        expect(figure.locator(".plot-container")).to_be_visible()
        assert figure.locator(".scatterlayer .trace").count() == 2
        assert figure.locator("text=Mill Lane").count() > 0
