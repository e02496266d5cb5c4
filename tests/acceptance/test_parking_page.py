"""The public page of free bays in a real browser: each state judged, small and wide, live, and without scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from store.connect import Connection, connect
from tests.tools import site
from tests.tools.chromium import new_context
from tests.tools.resident_browser import faults, findings
from tests.tools.servers import Cluster
from tests.worlds import parking_board
from tests.worlds.parking_public import HERE, NOWHERE, town

#: State of the page -> its address.
STATES = {
    "start": "/parking",
    "results": f"/parking?place={quote(HERE)}&badge=true",
    "unknown": f"/parking?place={quote(NOWHERE)}",
    "several": "/parking?place=test",
    "nothing-free": f"/parking?place={quote(HERE)}&kind=electric",
    "no-bays": "/parking?place=TE9+9AA",
}
#: Where pictures go, for who wants to look at them.
PICTURES = os.environ.get("BOROUGH_TEST_SHOTS")


@pytest.fixture(scope="module")
def served(timescale: Cluster) -> Iterator[tuple[str, Connection]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        town(connection)
        with site.running(site.options(timescale.url(name), demo=True)) as url:
            yield url, connection
    timescale.drop(name)


@contextmanager
def looking(browser: Browser, url: str, width: int, **options: Any) -> Iterator[Page]:
    """A window; at its end nothing stood on the console, and nothing was asked of another origin."""
    context = new_context(browser, viewport={"width": width, "height": 900}, base_url=url, **options)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert said == []
    assert all(address.startswith((url, "data:")) for address in asked), asked
    assert context.cookies() == []
    context.close()


@pytest.mark.browser
def test_each_state_is_accessible(served: tuple[str, Connection], browser: Browser) -> None:
    url, _ = served
    with looking(browser, url, 1280) as page:
        for state, address in STATES.items():
            page.goto(address)
            assert faults(page, phone=True) == [], state
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"parking-{state}.png", full_page=True)
        page.goto(STATES["results"])
        page.emulate_media(forced_colors="active")
        assert findings(page) == []


@pytest.mark.browser
def test_a_bay_is_taken_while_one_looks(served: tuple[str, Connection], browser: Browser) -> None:
    url, connection = served
    with looking(browser, url, 390) as page:
        page.goto(STATES["results"])
        state = page.locator('[data-bay="a-13"] .state')
        expect(state).to_contain_text("Free for")
        parking_board.say(connection, "sensor-a-13", [(datetime.now(UTC), 1)])
        expect(state).to_have_text("Taken now")
        expect(page.locator("#live")).to_contain_text("Taken now")
        parking_board.say(connection, "sensor-a-13", [(datetime.now(UTC), 0)])
        expect(state).to_have_text("Free now")


@pytest.mark.browser
def test_a_bay_that_went_while_nobody_told_the_page_is_not_shown_as_free(
    served: tuple[str, Connection], browser: Browser, timescale: Cluster
) -> None:
    _, connection = served
    with site.running(site.options(timescale.url(connection.info.dbname), demo=True, live_clients=1)) as url:
        with looking(browser, url, 390) as first:
            # who watches keeps the second page out
            first.goto(STATES["results"])
            parking_board.say(connection, "sensor-a-13", [(datetime.now(UTC), 1)])
            expect(first.locator('[data-bay="a-13"] .state')).to_have_text("Taken now")
            parking_board.say(connection, "sensor-a-13", [(datetime.now(UTC), 0)])
            expect(first.locator('[data-bay="a-13"] .state')).to_have_text("Free now")
            context = new_context(browser, viewport={"width": 390, "height": 900}, base_url=url)
            page = context.new_page()
            page.clock.install()
            with page.expect_response("**/parking/live**") as refused:
                page.goto(STATES["results"])
            assert refused.value.status == 503
        # what was told since is no more to be had: everything comes anew
        page.locator("#live").evaluate("live => { live.dataset.events = '/parking/live' }")
        connection.execute("update personal.bay set personal = true where id = 'a-13'")
        try:
            page.clock.fast_forward(45_000)
            expect(page.locator('[data-bay="a-13"] .state')).to_have_text("No bay any more")
            expect(page.locator('[data-bay="a-14"] .state')).not_to_have_text("No bay any more")
        finally:
            connection.execute("update personal.bay set personal = false where id = 'a-13'")
            context.close()


@pytest.mark.browser
def test_without_scripts(served: tuple[str, Connection], browser: Browser) -> None:
    url, _ = served
    with looking(browser, url, 320, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("link", name="Find a free parking bay").click()
        page.get_by_label("Postcode, area or street").fill(HERE)
        page.get_by_label("I have a Blue Badge").check()
        page.get_by_role("button", name="Find bays").click()
        assert page.locator("h3").first.inner_text() == "Church Walk, 300 m"
        expect(page.get_by_label("I have a Blue Badge")).to_be_checked()
        page.get_by_role("link", name="Refresh this page every minute").click()
        expect(page.get_by_role("link", name="Stop refreshing this page")).to_be_visible()
