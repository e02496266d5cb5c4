"""The pages of open data in a real browser: axe finds nothing, they fit a phone and large letters, work without scripts
and on paper, and their structured data stand in them without breaking the policy of what may run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from borough.publishing import placing
from dashboard.open_data import shelf
from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import Looking, findings, scrolls
from tests.tools.servers import Cluster
from tests.worlds.open_snapshots import PAGES, filled

pytestmark = pytest.mark.browser

#: State -> address.
STATES = {
    "start": "/",
    **{path.strip("/").replace("/", " "): path for path in PAGES},
    "withdrawn": "/open-data/snapshots/parking-bay-readings/2026-01/1",
    "without snapshots": "/open-data/about/parking-account",
    "older months": "/open-data/about/air-readings?cursor=YWJj",
}


@pytest.fixture(scope="module")
def town(timescale: Cluster, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looking]:
    name = timescale.create()
    world = filled(timescale.url(name), tmp_path_factory.mktemp("snapshots"))
    found = shelf.read(world.folder).find("parking-bay-readings", "2026-01", 1)
    assert found is not None
    placing.withdraw(found, shelf.Withdrawal(datetime(2026, 4, 9, tzinfo=UTC), "The sensor lay in another bay."))
    with site.running(world.options) as url:
        yield Looking(url, {}, browser)
    timescale.drop(name)


@pytest.mark.parametrize("width", [1280, 320])
def test_no_state_has_a_finding(town: Looking, width: int) -> None:
    # the console would say so where the policy refuses what stands in a page
    with town.page(None, width, refused=True) as page:
        for name, path in STATES.items():
            page.goto(town.url + path)
            if width == 1280:
                assert findings(page) == [], name
            assert not scrolls(page), name
            assert page.locator("h1").count() == 1, name
            for text in page.locator("script[type='application/ld+json']").all():
                assert json.loads(text.inner_text())["@context"] == "https://schema.org/"


def test_the_html_checker_finds_nothing(town: Looking, tmp_path: Path) -> None:
    with site.client(town.url) as web:
        pages = {name: web.get(path).text for name, path in STATES.items()}
    assert html_faults(pages, tmp_path) == []


def test_large_letters_paper_and_no_scripts(town: Looking) -> None:
    with town.page(None, 640, java_script_enabled=False) as page:
        page.goto(f"{town.url}/open-data")
        page.get_by_role("link", name="Air quality: readings of monitors").click()
        page.get_by_role("link", name="2026-02", exact=True).click()
        assert "revision 2" in page.inner_text("h1")
        assert page.get_by_role("link", name="air-readings-2026-02.r2.csv", exact=True).count() == 1
        page.emulate_media(media="print")
        assert not page.get_by_role("link", name="Air quality: readings of monitors", exact=True).is_visible()
        assert page.get_by_text("SHA-256").is_visible()
    with town.page(None, 640, refused=True) as page:
        for path in STATES.values():
            page.goto(town.url + path)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), path
