"""Pages of air alerts in a real browser: axe finds nothing in any state, they fit a phone and large letters, and all of
the way from the form to the erasure works without scripts.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from borough.delivery.air_alerts import look
from borough.delivery.triggers import TriggerOptions
from store import air_alerts, contacts
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import Looking, faults, scrolls
from tests.tools.servers import Cluster
from tests.worlds import air_town
from tests.worlds.air_alerts import ZONE, sent, subscribe

pytestmark = pytest.mark.browser

#: State -> path, and what is typed into the form and sent where there is something.
STATES: dict[str, tuple[str, dict[str, str] | None]] = {
    "form": ("/air/alerts", None),
    "form with a place": ("/air/alerts?place=TE5+7ST&band=high", None),
    "wrong everywhere": ("/air/alerts", {"place": "nowhere", "email": "ada"}),
    "several places": ("/air/alerts", {"place": "testb", "email": "ada@example.com"}),
    "sent": ("/air/alerts/sent", None),
    "confirm": ("/air/alerts/confirm/{confirm}", None),
    "manage": ("/air/alerts/manage/{manage}?done=confirmed", None),
    "stopped": ("/air/alerts/manage/{stopped}", None),
    "gone": ("/air/alerts/confirm/nothing", None),
    "erased": ("/air/alerts/erased", None),
    "stop": ("/stop/{manage}", None),
}


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        air_town.town(connection)
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def tokens(database: str) -> dict[str, str]:
    """Somebody with alerts of each kind, somebody who stopped, and a request."""
    now = datetime.now(UTC)
    with connect(database, autocommit=True) as connection:
        for address in ("ada@example.com", "stopped@example.com"):
            for place, band, ends in (("High Street", "moderate", True), ("Testbury", "very-high", False)):
                subscribe(
                    connection, address, place=place, lon=-0.09, lat=51.502, band=band, tell_end=ends,  # type: ignore[arg-type]
                    at=now - timedelta(days=1), origin="simulated",
                )  # fmt: skip
        subscribe(
            connection, "ada@example.com", place="Dock & <b>Quay</b>", at=now, confirmed=False, origin="simulated"
        )
        look(connection, TriggerOptions(ZONE, "http://air.example", "Testborough", None, "simulated"), now)
        found: dict[str, int] = dict(connection.execute("select address, id from personal.contact").fetchall())
        contacts.stop(connection, found["stopped@example.com"], "air-alert", "", now)
        connection.execute(
            "update personal.contact set bounced_at = now(), bounce = '550 5.1.1 no such mailbox' where id = %s",
            (found["stopped@example.com"],),
        )
        with connection.transaction():
            contact = contacts.email(connection, "new@example.com", origin="simulated")
            assert contact is not None
            asked = air_alerts.ask(connection, contact, "TE5 7ST", -0.1, 51.5, "high", now, whole=False, tell_end=True)
            assert asked is not None
        links = {
            name: air_alerts.new_link(connection, found[f"{address}@example.com"], now)
            for name, address in (("manage", "ada"), ("stopped", "stopped"))
        }
    assert all(links.values())
    return {"confirm": asked.token, **{name: str(token) for name, token in links.items()}}


@pytest.fixture(scope="module")
def town(database: str, tokens: dict[str, str], browser: Browser) -> Iterator[Looking]:
    with site.running(site.options(database, demo=True)) as url:
        yield Looking(url, {}, browser)


def show(page: Page, url: str, state: str, tokens: dict[str, str]) -> None:
    path, typed = STATES[state]
    page.goto(url + path.format(**tokens))
    if typed is not None:
        for name, value in typed.items():
            page.locator(f"#{name}").fill(value)
        page.get_by_role("button").first.click()


def test_each_state_judged_small_and_wide(town: Looking, tokens: dict[str, str]) -> None:
    with town.page(None, refused=True) as page:
        for state in STATES:
            show(page, town.url, state, tokens)
            assert faults(page, phone=True) == [], state
            if state == "manage":
                page.locator("summary").first.click()
                assert faults(page, phone=True) == []
            if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                page.screenshot(path=Path(folder) / f"air alerts {state}.png", full_page=True)


def test_large_letters_and_the_systems_own_colours(town: Looking, tokens: dict[str, str]) -> None:
    with town.page(None, 390, refused=True, forced_colors="active", reduced_motion="reduce") as page:
        for state in ("form", "wrong everywhere", "several places", "manage"):
            show(page, town.url, state, tokens)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), state


def test_they_are_valid_html(town: Looking, tokens: dict[str, str], tmp_path: Path) -> None:
    pages = {}
    with site.client(town.url, address="198.51.100.240") as client:
        for state, (path, typed) in STATES.items():
            answer = client.get(path.format(**tokens)) if typed is None else client.post("/air/alerts", data=typed)
            pages[state] = answer.text
    assert html_faults(pages, tmp_path) == []


def test_all_of_the_way_without_scripts(town: Looking, database: str) -> None:
    with connect(database, autocommit=True) as connection, town.page(None, 390, java_script_enabled=False) as page:
        page.goto(f"{town.url}/air/alerts")
        page.get_by_label("Postcode, area or street").fill("high street")
        page.get_by_label("Moderate or above").check()
        page.get_by_label("Tell me too when it is over").check()
        page.get_by_label("E-mail address").fill("scriptless@example.com")
        page.get_by_role("button", name="Send me a link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
        page.goto(_link(connection))
        page.get_by_role("button", name="Yes, write to me").click()
        expect(page.get_by_role("status")).to_contain_text("confirmed")
        expect(page.get_by_text("scriptless@example.com")).to_be_visible()
        page.get_by_role("button", name="Do not tell me of ends").click()
        expect(page.get_by_role("status")).to_contain_text("no more")
        page.get_by_role("button", name="Delete my address and everything").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your air alerts are deleted")
        row = connection.execute("select count(*) from personal.contact where address ~ 'scriptless'").fetchone()
        assert row == (0,)


def test_by_the_keyboard_alone(town: Looking) -> None:
    with town.page(None, 1280, refused=True) as page:
        page.goto(f"{town.url}/air/alerts")
        page.locator("#place").focus()
        page.keyboard.type("nowhere")
        # the bands are one stop, and arrows choose
        for key in ("Tab", "ArrowDown", "Tab", "Space", "Tab"):
            page.keyboard.press(key)
        page.keyboard.type("ada@example.com")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("We do not know this place")
        expect(page.get_by_label("High or above", exact=False).first).to_be_checked()
        expect(page.locator("#tell_end")).to_be_checked()
        page.get_by_role("alert").get_by_role("link").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#place")).to_be_focused()


def _link(connection: Connection) -> str:
    found = re.search(r"http://\S+/air/alerts/confirm/\S+", sent(connection)[-1].text)
    assert found is not None
    return found[0]
