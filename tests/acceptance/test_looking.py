"""The way that tests look at pages: planted faults are found, and a window that is used again is as good as new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.tools import site
from tests.tools.resident_browser import Looking, faults
from tests.tools.servers import Cluster

pytestmark = pytest.mark.browser

WELL = (
    "<!doctype html><html lang=en><title>A page</title><meta name=viewport content='width=device-width'>"
    "<main><h1>A page</h1>{}</main>"
)
#: What is wrong -> what is found, on a screen and on a phone.
PLANTED = {
    "<p>Nothing": [],
    "<img src='data:,'>": ["image-alt: <img"],
    "<p style='color: #999; background: #fff'>Hardly to be read": ["color-contrast: <p"],
    "<style>@media (max-width: 400px) { p { color: #999 } }</style><p>Hardly to be read on a phone": [
        "at 320 px: color-contrast: <p"
    ],
    "<div style='width: 500px'>Wide": ["is wider than 320 px"],
    "<div style='width: 1500px'>Wider": ["is wider than 1280 px", "is wider than 320 px"],
    "<style>@media (min-width: 600px) { div { width: 1500px } }</style><div>Wide on a screen": [
        "is wider than 1280 px"
    ],
}


@pytest.fixture(scope="module")
def looking(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    with site.running(site.options(timescale.url(name))) as url:
        yield Looking(url, {"somebody": "x"}, browser)
    timescale.drop(name)


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_wrong_is_found(browser: Browser, planted: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_content(WELL.format(planted))
    found = faults(page, phone=True)
    # what is wrong at any width is found at both
    both = [f"at 320 px: {one}" for one in PLANTED[planted] if "-" in one.partition(":")[0] and "px" not in one]
    assert len(found) == len(PLANTED[planted]) + len(both), found
    for wanted in (*PLANTED[planted], *both):
        assert any(one.startswith(wanted) for one in found), (wanted, found)
    assert page.viewport_size == {"width": 1280, "height": 900}
    page.close()


def test_a_window_that_is_used_again_knows_nothing_of_who_had_it(looking: Looking) -> None:
    with looking.page("somebody", 390, forced_colors="active") as page:
        first = page
        page.goto(f"{looking.url}/privacy")
        page.evaluate("localStorage.setItem('a', 'b'); sessionStorage.setItem('a', 'b')")
        page.context.new_page()
    with looking.page(None) as page:
        assert page is first
        page.goto(f"{looking.url}/privacy")
        assert page.context.cookies() == []
        assert page.context.pages == [page]
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert page.evaluate("[innerWidth, matchMedia('(forced-colors: active)').matches]") == [1280, False]


def look(looking: Looking, script: str) -> None:
    with looking.page(None) as page:
        page.goto(f"{looking.url}/privacy")
        page.evaluate(script)


def test_what_stands_on_the_console_or_is_asked_of_others_is_told(looking: Looking) -> None:
    with pytest.raises(AssertionError, match="planted"):
        look(looking, "console.log('planted')")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        look(looking, "fetch('http://127.0.0.1:9/elsewhere').catch(() => null)")
    # nor has the next one anything of it
    look(looking, "1")
