"""A household's pages in a real browser: without scripts, with Plotly, by keyboard, in few colours and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Response

from dashboard.web.site import HERE
from tests.tools import site
from tests.tools.chromium import new_context
from tests.tools.resident_browser import PAGES, Looking, findings, looking, scrolls
from tests.tools.servers import Cluster

pytestmark = pytest.mark.browser

_KILOBYTE = 1_000
_COLOURS = """
[...document.querySelectorAll("rect.fill")].map(r => [getComputedStyle(r).fill, getComputedStyle(r).stroke])
"""


@pytest.fixture(scope="module")
def world(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    with looking(timescale, browser) as found:
        yield found


def test_without_scripts_everything_is_there(world: Looking) -> None:
    with world.page("more", 320, java_script_enabled=False) as page:
        page.goto(f"{world.url}/home")
        assert page.locator(".bars li").count() == 3
        assert "26 kWh" in page.locator(".bars").inner_text()
        page.get_by_text("These numbers as a table").click()
        assert page.locator("figure table").is_visible()
        assert page.get_by_role("button", name="Explore this chart").count() == 0
        page.get_by_role("link", name="Last month").click()
        assert "four-weeks" not in page.url
        assert page.locator(".tabs a[aria-current]", has_text="Last month").count() == 1
        page.get_by_role("link", name="Year", exact=True).click()
        drawing = page.locator("svg[role=img]")
        assert drawing.is_visible()
        assert "Column chart of your electricity by month" in (drawing.get_attribute("aria-label") or "")
        page.get_by_role("link", name="Day", exact=True).click()
        day = page.locator("time, .when-line").first.inner_text()
        page.get_by_role("link", name="The day before").click()
        assert page.locator("time, .when-line").first.inner_text() != day
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] <= 320
        page.goto(f"{world.url}/home/consents")
        page.get_by_role("button", name=re.compile("Agree.*letters")).click()
        assert page.url.endswith("/home/consents?done=messages")
        assert "You agreed to" in page.locator(".done").inner_text()


def test_a_page_is_small(world: Looking) -> None:
    own = sum((HERE / "static" / name).stat().st_size for name in ("style.css", "pages.css", "explore.js"))
    with world.page("good") as page:
        for path in ("/home", *PAGES):
            answer = page.goto(world.url + path)
            assert isinstance(answer, Response)
            assert len(answer.body()) + own < 100 * _KILOBYTE, path
            assert page.locator("script[src*=plotly]").count() == 0


def test_plotly_comes_after_a_tap_and_says_the_same(world: Looking) -> None:
    with world.page("good") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for path, shape in (("/home/year", ".barlayer .point"), ("/home/day", ".scatterlayer .trace")):
            asked.clear()
            page.goto(world.url + path)
            assert not any("plotly" in address for address in asked)
            button = page.get_by_role("button", name="Explore this chart")
            button.focus()
            page.keyboard.press("Enter")
            page.wait_for_selector(f".chart {shape}")
            assert any("plotly" in address for address in asked)
            assert page.locator(".modebar").count() == 0
            assert findings(page) == []
            page.get_by_role("button", name="Close the chart").click()
            assert page.locator(".chart").is_hidden()
        page.goto(f"{world.url}/home/year")
        page.get_by_role("button", name="Explore this chart").click()
        page.wait_for_selector(".chart .barlayer .point")
        drawn = page.evaluate("document.querySelector('.chart').data[0].y")
        table = page.evaluate(
            "[...document.querySelectorAll('#year tbody td:nth-child(2)')].map(c => Number(c.dataset.value))"
        )
        assert drawn == table


def test_a_chart_that_cannot_be_loaded_says_so(world: Looking) -> None:
    context = new_context(world.browser)
    context.add_cookies([{"name": site.COOKIE, "value": world.cookies["good"], "url": world.url}])
    page = context.new_page()
    page.route("**/plotly.min.js", lambda route: route.abort())
    page.goto(f"{world.url}/home/year")
    page.get_by_role("button", name="Explore this chart").click()
    page.get_by_text("The chart could not be loaded. The table has the same numbers.").wait_for()
    context.close()


def test_by_keyboard_alone(world: Looking) -> None:
    with world.page("more", 390) as page:
        page.goto(f"{world.url}/home")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        reached = []
        for _ in range(60):
            page.keyboard.press("Tab")
            element = page.evaluate(
                "(() => { const e = document.activeElement; const box = e.getBoundingClientRect();"
                " return [e.textContent.trim(), getComputedStyle(e).outlineStyle, box.width * box.height] })()"
            )
            reached.append(element)
            if element[0] == "Leave":
                break
        names = [name for name, _, _ in reached]
        for wanted in ("Year", "Last month", "These numbers as a table", "How we chose them", "Earlier weeks", "Leave"):
            assert wanted in names, wanted
        assert all(outline != "none" for _, outline, _ in reached), reached
        assert all(area >= 24 * 24 for _, _, area in reached), reached
        page.goto(f"{world.url}/home")
        table = page.get_by_text("These numbers as a table")
        table.focus()
        page.keyboard.press("Enter")
        assert page.locator("figure table").is_visible()


def test_large_letters_do_not_overflow(world: Looking) -> None:
    with world.page("good", 640) as page:
        for path in ("/home", "/home/year", "/home/day"):
            page.goto(world.url + path)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), path


def test_forced_colours_and_paper(world: Looking, tmp_path: Path) -> None:
    """Bars stay visible: each has an edge or a fill that is not the ground's colour."""
    with world.page("more", forced_colors="active") as page:
        page.goto(f"{world.url}/home")
        colours = page.evaluate(_COLOURS)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert len(colours) == 3
        for fill, stroke in colours:
            assert {fill, stroke} - {ground, "none"}
        assert colours[0][0] not in (ground, "none")
        assert all(stroke not in (ground, "none") for _, stroke in colours[1:])
    with world.page("more") as page:
        page.goto(f"{world.url}/home")
        page.emulate_media(media="print")
        assert page.locator(".result").is_visible()
        assert page.locator("figure .bars").is_visible()
        assert not page.locator(".tabs").first.is_visible()
        assert not page.get_by_role("link", name="Leave").is_visible()
        page.pdf(path=tmp_path / "home.pdf", format="A4", tagged=True)
        assert (tmp_path / "home.pdf").stat().st_size > 10 * _KILOBYTE
