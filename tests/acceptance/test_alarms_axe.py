"""The page of alarms in a real browser: axe finds nothing in any state, and it fits a phone and large letters.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser

from store import alarms
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.resident_browser import Looking, faults, findings, scrolls

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)


def fill(connection: Connection) -> None:
    """Three that are open, and more than a page that have ended, told in every way."""
    alarms.looked(connection, NOW)
    quiet = "nothing has come since 2026-03-10 12:00 UTC; usually something does every 15 minutes"
    some = [
        ("silent", "parking-bay", "urgent", quiet),
        ("disk", f"/srv/{'long' * 20}", "urgent", "3.2 % is free, 12.1 GB"),
    ]
    some += [("gateway", "gw-north-7", "soon", "41 of its 44 bays fell silent together")]
    for number in range(25):
        at = NOW - timedelta(hours=200 - number)
        own = alarms.add(connection, alarms.Alarm(None, "silent", "air-monitor", "urgent", quiet, "", at, at))
        alarms.note(connection, own, "begun", ("log", "webhook"), at)
        for one in alarms.due(connection, "log", NOW, 1):
            alarms.told(connection, one, "log", NOW)
        for one in alarms.due(connection, "webhook", NOW, 1):
            alarms.failed(connection, one, "webhook", "answered 500", NOW, last=NOW)
        ended = at + timedelta(hours=1)
        alarms.change(connection, alarms.Alarm(own, "silent", "air-monitor", "urgent", quiet, "", at, at, None, ended))
    for rule, subject, severity, text in some:
        own = alarms.add(connection, alarms.Alarm(None, rule, subject, severity, text, "", NOW, NOW))
        alarms.note(connection, own, "begun", ("log", "webhook"), NOW)


def test_no_state_has_a_finding_and_all_fit(database: str, browser: Browser) -> None:
    with connect(database, autocommit=True) as connection, site.running(site.options(database)) as url:
        looking = Looking(url, {"engineer": site.make_session(connection, None, ["engineer"])}, browser)
        for state in ("never watched", "nothing wrong", "busy"):
            if state == "nothing wrong":
                alarms.looked(connection, NOW)
            elif state == "busy":
                fill(connection)
            with looking.page("engineer") as page:
                page.goto(f"{url}/engineer/alarms")
                assert faults(page, phone=True) == [], state
                assert page.locator("h1").count() == 1
                assert page.get_by_role("navigation", name="Engineers").locator("[aria-current]").count() == 1
                if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                    page.screenshot(path=f"{folder}/alarms-{state}.png", full_page=True)
        with looking.page("engineer", 640, forced_colors="active") as page:
            page.goto(f"{url}/engineer/alarms")
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert findings(page) == []
            assert not scrolls(page)
