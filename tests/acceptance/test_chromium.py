"""The browser of a test process is lent to one module after another."""

from __future__ import annotations

import asyncio

import pytest

from tests.tools.chromium import Chromium

pytestmark = pytest.mark.browser


def test_between_modules_a_loop_of_ones_own_can_run(chromium: Chromium) -> None:
    """Playwright's loop, which seems to run, is hidden while nobody looks at pages."""
    with chromium.lent() as browser:
        assert asyncio.get_running_loop().is_running()
        assert browser.contexts == []
        browser.new_page()
    asyncio.run(asyncio.sleep(0))
    with chromium.lent() as again:
        assert again is browser
        assert again.contexts == []


def test_after_one_that_died_there_is_another(chromium: Chromium) -> None:
    with chromium.lent() as browser:
        browser.close()
    with chromium.lent() as another:
        page = another.new_page()
        page.set_content("<h1>Here")
        assert page.get_by_role("heading").inner_text() == "Here"


def test_a_window_that_is_emptied_and_used_again_needs_no_new_process(chromium: Chromium) -> None:
    """Our pages say that no other page is to share theirs: by itself the browser begins one for each way to and fro."""
    with chromium.lent() as browser:
        session = browser.new_browser_cdp_session()
        page = browser.new_page()
        headers = {"Content-Type": "text/html", "Cross-Origin-Opener-Policy": "same-origin"}
        page.route("**/*", lambda route: route.fulfill(headers=headers, body="<h1>Here"))

        def drawing() -> set[int]:
            page.goto("http://127.0.0.1:9/")
            assert page.get_by_role("heading").inner_text() == "Here"
            found = session.send("SystemInfo.getProcessInfo")["processInfo"]
            return {one["id"] for one in found if one["type"] == "renderer"}

        before = drawing()
        for _ in range(3):
            page.goto("about:blank")
            assert drawing() <= before
