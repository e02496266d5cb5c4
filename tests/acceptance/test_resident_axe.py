"""A household's pages are accessible: axe finds nothing in any state, on any page, wide or narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.resident_browser import PAGES, STATES, Looking, findings, looking, scrolls
from tests.tools.servers import Cluster

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[Looking]:
    with looking(timescale) as found:
        yield found


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("state", STATES)
def test_each_state_has_no_finding(world: Looking, state: str, width: int) -> None:
    with world.page(state, width) as page:
        page.goto(f"{world.url}/home")
        assert STATES[state] in page.inner_text("main")
        assert findings(page) == []
        assert not scrolls(page)


@pytest.mark.parametrize("width", [1280, 320])
def test_each_page_has_no_finding(world: Looking, width: int) -> None:
    with world.page("good", width) as page:
        for path in PAGES:
            page.goto(world.url + path)
            for details in page.locator("details").all():
                details.evaluate("element => { element.open = true }")
            assert findings(page) == [], path
            assert not scrolls(page), path
        assert page.locator("h1").count() == 1


@pytest.mark.parametrize("width", [1280, 320])
def test_pages_of_who_is_signed_out_have_no_finding(world: Looking, width: int) -> None:
    with world.page(None, width) as page:
        for path in ("/home", "/left", "/"):
            page.goto(world.url + path)
            assert findings(page) == [], path
            assert not scrolls(page), path


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
