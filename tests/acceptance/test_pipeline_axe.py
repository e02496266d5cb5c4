"""The pipeline page in a real browser: axe finds nothing in any state, it fits a phone and large letters, works without
scripts, and its numbers change by themselves when a message is published.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from store.connect import connect
from store.flow import KEPT
from tests.tools import site
from tests.tools.collector import Collector
from tests.tools.load import device, message, now, register, rfc3339
from tests.tools.publisher import publish
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster, Mosquitto
from tests.worlds import pipeline

pytestmark = pytest.mark.browser

#: State -> path, each in a database of 30 days; those of `_EMPTY` in an empty one too, `_NARROW` on a phone.
STATES = {
    "hour": "/engineer",
    "day": "/engineer?span=24h",
    "month": "/engineer?span=30d",
    "family": "/engineer?span=6h&family=air-monitor",
    "silent": "/engineer/silent",
}
_EMPTY = _NARROW = ("hour", "silent")


def looking(cluster: Cluster, browser: Browser, length: timedelta | None) -> Iterator[Looking]:
    name = cluster.create()
    with connect(cluster.url(name), autocommit=True) as connection:
        if length is not None:
            pipeline.fill(connection, datetime.now(UTC), length, every=timedelta(minutes=20))
        cookies = {"engineer": site.make_session(connection, None, ["engineer"])}
    with site.running(site.options(cluster.url(name))) as url:
        yield Looking(url, cookies, browser)
    cluster.drop(name)


@pytest.fixture(scope="module")
def busy(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    yield from looking(timescale, browser, KEPT)


@pytest.fixture(scope="module")
def nothing(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    yield from looking(timescale, browser, None)


@ON_A_PHONE
def test_no_state_has_a_finding(busy: Looking, nothing: Looking, everywhere: bool) -> None:
    for world, kind in ((busy, "busy"), (nothing, "empty")):
        with world.page("engineer") as page:
            for name, path in STATES.items():
                if kind == "empty" and name not in _EMPTY:
                    continue
                page.goto(world.url + path)
                if name == "hour":
                    open_details(page)
                assert faults(page, phone=everywhere or name in _NARROW) == [], (kind, name)
                assert page.locator("h1").count() == 1
                # the way is drawn as it fits, once
                for width in (1280, 320):
                    page.set_viewport_size({"width": width, "height": 900})
                    assert page.locator("svg.way:visible").count() == (name != "silent")
                page.set_viewport_size({"width": 1280, "height": 900})
                if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                    page.screenshot(path=f"{folder}/pipeline-{kind}-{name}.png", full_page=True)


def test_large_letters_and_the_system_s_own_colours(busy: Looking) -> None:
    with busy.page("engineer", 640, forced_colors="active") as page:
        for path in ("/engineer", "/engineer/silent"):
            page.goto(busy.url + path)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), path
            assert findings(page) == [], path


def test_without_scripts(busy: Looking) -> None:
    with busy.page("engineer", 390, java_script_enabled=False) as page:
        page.goto(f"{busy.url}/engineer")
        assert "As of" in page.inner_text("#live")
        page.get_by_role("link", name="7 days").click()
        page.get_by_text("The account by hour", exact=True).click()
        page.locator("#shown details[open] tbody a").nth(1).click()
        assert page.locator("#time").inner_text().startswith("1 hour to")
        page.get_by_role("link", name="Car parks").first.click()
        assert "car parks" in page.inner_text("#time")


def test_a_published_message_changes_the_open_page(
    database: str, mosquitto: Mosquitto, browser: Browser, tmp_path: Path
) -> None:
    """From the publisher through broker, collector and database to the screen, without a reload."""
    monitor = device("air", "air-monitor")
    register(database, [monitor])
    with connect(database, autocommit=True) as connection:
        cookies = {"engineer": site.make_session(connection, None, ["engineer"])}
    with (
        Collector(tmp_path, database, mosquitto.url).start(),
        site.running(site.options(database)) as url,
        Looking(url, cookies, browser).page("engineer") as page,
    ):
        page.goto(f"{url}/engineer")
        page.evaluate("window.here = true")
        expect(page.locator("#live")).to_have_text("Numbers change by themselves.")
        count = page.locator('svg.way.across [data-live="all.messages_received"]')
        expect(count).to_have_text("0")
        publish(mosquitto.port, [message(monitor, {"time": rfc3339(now()), "no2": 20.0}), message(monitor, b"{")])
        expect(count).to_have_text("2")
        expect(page.locator('svg.way.across [data-live="all.messages_rejected"]')).to_have_text("1")
        # a family and a reason that were not there come by themselves too, and the family's lag
        expect(page.locator('#shown [data-live="air-monitor.readings_stored"]')).to_have_text("1")
        expect(page.locator('#shown [data-live="air-monitor.reason.unreadable"]')).to_have_text("1")
        expect(page.locator('[data-live="now.all.p99"]')).not_to_have_text("\N{EN DASH}")
        publish(mosquitto.port, [message(monitor, b"[")])
        expect(page.locator('#shown [data-live="air-monitor.reason.unreadable"]')).to_have_text("2")
        assert page.evaluate("window.here") is True, "the page was loaded again"
