"""Pages of carers, and what a resident sees of them, in a real browser: axe finds nothing in any state, they fit a
phone and large letters, and work without JavaScript.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser

from borough.delivery import care as delivery
from store import accounts, care_alerts
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import ON_A_PHONE, Looking, enlarge, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds.care import HOUR, MINUTE, OPTIONS, add_carer, heard, know, make_care_home, move, say

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC).replace(microsecond=0)
#: Who sees each kind of page.
_KINDS = ("quiet", "resident of quiet", "no home")


def fill(connection: Connection) -> dict[str, str]:
    """Homes in every state, and who sees them; cookies by state, and the path that each looks at."""
    states = {"quiet": 1, "answered": 2, "silent": 3, "learning": 4, "nothing": 5}
    cookies = {}
    for state, number in states.items():
        rooms = ("hall", "living-room", "kitchen", "bathroom", "door") if state != "nothing" else ("hall",)
        made_up = "simulated" if state == "quiet" else "real"
        one = make_care_home(
            connection, number, rooms, origin=made_up, since=NOW - timedelta(days=20), heartbeat="PT1H"
        )
        if state != "learning":
            know(connection, one)
        if state != "nothing":
            for hours in range(6, 14):
                for room in rooms[:-1]:
                    move(connection, one, NOW - hours * HOUR - 7 * MINUTE, room)
        if state != "silent":
            for room in rooms:
                say(connection, one.sensor(room), "battery", NOW - MINUTE, 9 if room == "hall" else 80)
            heard(connection, one, NOW - MINUTE, [room for room in rooms if room != "door"])
        ada = add_carer(connection, one, f"Ada {number}", now=NOW - timedelta(days=1), mail=f"ada{number}@example.org")
        add_carer(connection, one, f"Ben {number}", kind="practitioner", now=NOW - timedelta(days=1), mail=None)
        account = ada.account_id
        assert account is not None
        cookies[state] = accounts.open_session(connection, account, (), NOW, 12 * HOUR)
        own = site.make_session(connection, one.tenancy)
        cookies[f"resident of {state}"] = own
    delivery.look(connection, OPTIONS, NOW)
    for alert in care_alerts.unended(connection):
        if alert.tenancy_id == 20_000_000_000_002:
            (link,) = connection.execute(
                "select id from personal.care_link where tenancy_id = %s and rank = 1", (alert.tenancy_id,)
            ).fetchone() or (0,)
            assert care_alerts.acknowledge(connection, alert.id, link, NOW)
    make_care_home(connection, 6, consent=False)
    cookies["resident who did not agree"] = site.make_session(connection, 20_000_000_000_006)
    cookies["no home"] = site.make_session(connection, None, ["carer"])
    return cookies


#: What each state's page says.
SAYS = {
    "quiet": ("/care/1", "No movement noticed since"),
    "answered": ("/care/3", "Answered: Ada 2"),
    "silent": ("/care/5", "nothing can be said about movement now"),
    "learning": ("/care/7", "What is usual here is not known yet"),
    "nothing": ("/care/9", "No movement is known of the last 28 days"),
}
PATHS = {
    **{
        state: ("/care", path, f"{path}?done=answered", f"{path}?done=faster", "/sign-in/code")
        for state, (path, _) in SAYS.items()
    },
    **{f"resident of {state}": ("/home/movement", "/home/carers", "/home/carers?done=ended") for state in SAYS},
    "resident who did not agree": ("/home/movement", "/home/carers", "/home/consents"),
    "no home": ("/care", "/care?left=yes"),
}


@pytest.fixture(scope="module")
def world(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        cookies = fill(connection)
    with site.running(site.options(timescale.url(name))) as url:
        yield Looking(url, cookies, browser)
    timescale.drop(name)


@ON_A_PHONE
def test_no_page_has_a_finding_and_all_fit(world: Looking, everywhere: bool) -> None:
    for who, paths in PATHS.items():
        with world.page(who) as page:
            for number, path in enumerate(paths):
                page.goto(world.url + path)
                open_details(page)
                assert faults(page, phone=everywhere or who in _KINDS) == [], (who, path)
                assert page.locator("h1").count() == 1
                if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                    page.screenshot(path=f"{folder}/care-{who}-{number}.png", full_page=True)
                if who in _KINDS:
                    enlarge(page)
                    assert not scrolls(page), (who, path)
                    page.emulate_media(forced_colors="active")
                    assert findings(page) == [], (who, path)
                    page.emulate_media(forced_colors="none")
                    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("state", SAYS)
def test_each_state_says_what_it_is(world: Looking, state: str) -> None:
    path, words = SAYS[state]
    with world.page(state, 390) as page:
        page.goto(world.url + path)
        assert words in page.inner_text("main")


def test_forms_work_without_javascript_and_their_errors_have_no_finding(world: Looking) -> None:
    with world.page("resident of nothing", 320, refused=True, java_script_enabled=True) as page:
        page.goto(f"{world.url}/home/carers")
        page.locator("form[action='/home/carers']").evaluate("form => { form.noValidate = true }")
        page.get_by_role("button", name="Name them and make a code").click()
        assert page.title().startswith("Error: ")
        assert findings(page) == []
        page.get_by_role("link", name="Choose who they are").click()
        assert page.evaluate("document.activeElement.id") == "kind"
    with world.page("quiet", 320, java_script_enabled=False) as page:
        page.goto(f"{world.url}/care/1")
        page.get_by_role("button", name="I will look into it").click()
        assert "You have answered" in page.inner_text("main")
        assert page.get_by_role("button", name="I will look into it").count() == 0
        page.get_by_label("Another e-mail address").fill("new@example.org")
        page.get_by_role("button", name="Send a code").click()
        assert "Code that we sent to new@example.org" in page.inner_text("main")
    with world.page("resident of nothing", 320, java_script_enabled=False) as page:
        page.goto(f"{world.url}/home/carers")
        page.get_by_label("What you call them").fill("Cid")
        page.get_by_label("What they read as the name of your home").fill("Mum")
        page.get_by_label("Family or friend").check()
        page.get_by_role("button", name="Name them and make a code").click()
        assert "Give Cid this code" in page.inner_text("main")
        page.get_by_role("button", name=re.compile("End it now.*Cid")).click()
        assert "sees nothing of your home any more" in page.inner_text("main")


def test_the_html_checker_finds_nothing(world: Looking, tmp_path: Any) -> None:
    pages = {}
    for who, paths in PATHS.items():
        with site.client(world.url, world.cookies[who]) as client:
            for path in paths:
                name = f"{who} {path}".replace("/", "-").replace("?", "-")
                pages[name] = client.get(path).text
    assert html_faults(pages, tmp_path) == []
