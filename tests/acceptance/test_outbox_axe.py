"""Pages of the outbox in a real browser: axe finds nothing in any state, and they fit a phone and large letters.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from borough.demo.mailbox import Mailbox, relay
from borough.demo.pages import demo_site
from store import outbox_work
from tests.tools import site
from tests.tools.relay import DROP, Relay
from tests.tools.resident_browser import Looking, enlarge, faults, findings, scrolls
from tests.worlds import outbox as worlds
from tests.worlds.outbox import World

pytestmark = pytest.mark.browser

_SHOTS = os.environ.get("BOROUGH_TEST_SHOTS")


def looked_at(looking: Looking, who: str | None, address: str, name: str) -> None:
    """Look at a page in every window, and in the system's own colours."""
    with looking.page(who) as page:
        page.goto(address)
        if _SHOTS is not None:
            page.screenshot(path=str(Path(_SHOTS) / f"{name}.png"), full_page=True)
        assert faults(page, phone=True) == [], name
        enlarge(page)
        assert not scrolls(page), name
        page.emulate_media(forced_colors="active")
        assert findings(page) == [], name
        assert page.locator("h1").count() == 1


def test_the_outbox_and_the_link(database: str, browser: Browser) -> None:
    world = World(database)
    world.clock.at = datetime.now(UTC) - timedelta(minutes=1)
    with site.running(site.options(database)) as url, Relay() as taking:
        looking = Looking(url, {"engineer": site.make_session(world.own, None, ["engineer"])}, browser)
        looked_at(looking, "engineer", f"{url}/engineer/outbox", "outbox-empty")
        taking.answers["RCPT"] = ["550 5.1.1 no"]
        taking.answers["TAKEN"] = [DROP]
        for kind in ("air-alert", "care-alert", "code", "complaint", "care-note"):
            world.put(world.person(), kind=kind)
        world.put(world.person(confirmed=False), kind="air-alert")
        world.work(worlds.options(taking.port))
        looked_at(looking, "engineer", f"{url}/engineer/outbox", "outbox-well")
        world.clock.at -= timedelta(hours=3)
        world.put(world.person())
        outbox_work.relay_ill(world.own, "relay.example:587 " + "cannot be reached " * 8, datetime.now(UTC))
        looked_at(looking, "engineer", f"{url}/engineer/outbox", "outbox-ill")
        link = next(str(one.mail["List-Unsubscribe"]) for one in taking.got if one.mail["List-Unsubscribe"])
        link = link.strip("<> ").replace(worlds.SITE, url)
        looked_at(looking, None, link, "stop-ask")
        with looking.page(None, 320) as page:
            page.goto(link)
            page.get_by_role("button", name="Stop these e-mails").click()
            assert page.get_by_role("heading", level=1).text_content() == "E-mails stopped"
            assert findings(page) == []
            page.get_by_role("button", name="Send them to me again").click()
            assert page.get_by_role("heading", level=1).text_content() == "You get these e-mails again"
            assert findings(page) == []
            page.get_by_role("button", name="Stop these e-mails").click()
        looked_at(looking, None, link, "stop-stopped")
        # not by Looking, which lets a browser complain of no status
        gone = browser.new_page(viewport={"width": 320, "height": 800})
        gone.goto(f"{url}/stop/none")
        assert gone.get_by_role("heading", level=1).text_content() == "This link stops nothing"
        assert findings(gone) == []
        assert not scrolls(gone)
        gone.close()
    world.close()


def test_the_mailbox_of_a_demo(database: str, browser: Browser, tmp_path: Path) -> None:
    world = World(database)
    world.clock.at = datetime.now(UTC) - timedelta(minutes=1)
    box = Mailbox(tmp_path / "mailbox")
    with relay(box) as port, site.running(demo_site(database, mailbox=box)) as url:
        looking = Looking(url, {}, browser)
        looked_at(looking, None, f"{url}/demo/mailbox", "mailbox-empty")
        for number in range(3):
            world.put(
                world.person(), kind="air-alert", subject=f"The air at Market Place {number} is High " + "very " * 20,
                text=f"The air is High.\n\n{'long' * 60}\n\nSee {url}/parking",
            )  # fmt: skip
        world.work(worlds.options(port))
        looked_at(looking, None, f"{url}/demo/mailbox", "mailbox")
        looked_at(looking, None, f"{url}/demo/mailbox/{box.mails()[0].name}", "mail")
        with looking.page(None, 320) as page:
            page.goto(f"{url}/demo/mailbox/{box.mails()[0].name}")
            for summary in page.locator("summary").all():
                summary.click()
            assert findings(page) == []
            assert not scrolls(page)
    world.close()
