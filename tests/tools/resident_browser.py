"""A site with a household in each state, and a real browser that looks at its pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from store.connect import connect
from tests.tools import site
from tests.tools.chromium import chromium
from tests.tools.servers import Cluster
from tests.worlds import residents

_TAGS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}
#: State -> words that only its page has.
STATES = {
    "great": "one of those that use least",
    "good": "you are on the right track",
    "more": "Using more than average",
    "neutral": "The talk is private",
    "suppressed": "too few homes like yours",
    "nothing": "There is nothing to compare yet",
}
PAGES = (
    "/home/year", "/home/day", "/home/neighbours", "/home/data", "/home/consents", "/home/details", "/home/tariff",
    "/home/access", "/home/leave", "/home/leave?sure=true",
)  # fmt: skip


@dataclass
class Looking:
    """Where the site is, the sessions of its people by state, and the browser."""

    url: str
    cookies: dict[str, str]
    browser: Browser

    @contextmanager
    def page(self, who: str | None, width: int = 1280, *, refused: bool = False, **options: Any) -> Iterator[Page]:
        """A fresh window, signed in as one of the people or as nobody.

        At its end nothing stood on the console (``refused``: but that an answer was 400) and nothing was asked of
        another origin.
        """
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **options)
        if who is not None:
            context.add_cookies([{"name": site.COOKIE, "value": self.cookies[who], "url": self.url}])
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        yield page
        assert [text for text in said if not (refused and "status of 400" in text)] == []
        assert all(address.startswith((self.url, "data:")) for address in asked), asked
        context.close()


@contextmanager
def looking(cluster: Cluster) -> Iterator[Looking]:
    """The site and the browser; skips where there is no Chromium."""
    with chromium() as browser, _site(cluster) as (url, cookies):
        yield Looking(url, cookies, browser)


@contextmanager
def _site(cluster: Cluster) -> Iterator[tuple[str, dict[str, str]]]:
    name = cluster.create()
    cookies = {}
    with connect(cluster.url(name), autocommit=True) as connection:
        for number, state in enumerate(residents.STATES, 1):
            one = residents.make_resident(connection, number)
            residents.furnish(connection, one, state, 420 if state == "good" else 60)
            cookies[state] = site.make_session(connection, one.tenancy_id)
        part = residents.make_resident(connection, 10)
        residents.part_of_a_day(connection, part, datetime.now(residents.ZONE).date() - timedelta(days=3), 20)
        cookies["part"] = site.make_session(connection, part.tenancy_id)
        cookies["nothing"] = site.make_session(connection, residents.make_resident(connection, 9).tenancy_id)
    options = site.options(
        cluster.url(name), help_line="020 7946 0123", erase=site.erased(), subject=lambda *_: iter((b"{}",))
    )
    with site.running(options) as url:
        yield url, cookies
    cluster.drop(name)


def findings(page: Page) -> list[str]:
    """What axe finds, rule and element: the one of our packages, or another that ``BOROUGH_TEST_AXE`` names (a file
    axe.min.js)."""
    other = os.environ.get("BOROUGH_TEST_AXE")
    axe = Axe() if other is None else Axe.from_file(other)
    found = axe.run(page, options=_TAGS).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def scrolls(page: Page) -> bool:
    """Whether the page is wider than its window."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide
