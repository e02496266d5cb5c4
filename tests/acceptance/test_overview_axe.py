"""The start page, complaints and the pattern report in a real browser: axe finds nothing in any state, they fit a phone
and large letters, a wall and paper, and work without scripts.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser

from store import accounts, care, complaints
from store import programme as table
from store.complaints import Given, Letter
from store.connect import Connection, connect
from store.programme import Figure, Month
from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds import air_town, parking_board
from tests.worlds.care import make_care_home
from tests.worlds.pattern_report import ROOMS, live

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)
END = (NOW.astimezone(ZoneInfo("Europe/London")).replace(tzinfo=None) - timedelta(hours=4)).date()
KEY, REFERENCE = "BCDF-GHJK-LMNP-QRTV", "DP-BCDF-GHJK"
#: State -> who, path.
STATES: dict[str, tuple[str | None, str]] = {
    "start": (None, "/"),
    "start near": (None, "/?place=TE5+7ST"),
    "start unknown": (None, "/?place=nowhere"),
    "start several": (None, "/?place=testb"),
    "start large": (None, "/?large=true"),
    "start officer": ("officer", "/"),
    "complaints": (None, "/complaints"),
    "complaints resident": ("resident", "/complaints"),
    "complaint key": (None, f"/complaints/{REFERENCE}"),
    "queue": ("officer", "/data-protection/complaints"),
    "queue new": ("officer", "/data-protection/complaints/new"),
    "queue one": ("officer", f"/data-protection/complaints/{REFERENCE}"),
    "queue done": ("officer", f"/data-protection/complaints/{REFERENCE}?done=acknowledgement"),
    "report": ("practitioner", "/care/{link}/report"),
    "report silent": ("practitioner", "/care/{silent}/report"),
    "privacy": (None, "/privacy"),
}
#: One of each kind.
_NARROW = ("start near", "complaints", "complaint key", "queue", "queue one", "report", "privacy")


def complaint(connection: Connection, days: int, reference: str = "") -> int:
    given = Given(
        "My neighbour knew what my meter says.\nHow?", "energy", "post", "1 Test Street\nTE5 7ST", "Jo Example"
    )
    with connection.transaction():
        taken = complaints.take(
            connection, given, secret=KEY, form=f"{days}{reference}", received_at=NOW - timedelta(days=days), now=NOW
        )
    assert taken is not None
    if reference:
        connection.execute("update personal.complaint set reference = %s where id = %s", (reference, taken.id))
    return taken.id


@pytest.fixture(scope="module")
def world(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    url = timescale.url(name)
    with connect(url, autocommit=True) as connection:
        parking_board.town(connection)
        air_town.town(connection)
        month = Month(datetime(2026, 10, 1, tzinfo=UTC).date(), "electricity", datetime(2026, 10, 1, tzinfo=UTC).date())
        connection.execute("insert into personal.cell_version (quarter, program, homes) values ('2026-10-01', 't', 0)")
        connection.execute(
            "insert into personal.comparison_run"
            " (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)"
            " values ('month', '2026-10-01', '2026-11-01', 'electricity', '2026-10-01', 't', now(), now())"
        )
        table.publish(connection, month, [Figure("flat", 1_230, 210_000, ""), Figure("other", None, None, "few-homes")])
        for days in (2, 25, 40):
            complaint(connection, days)
        number = complaint(connection, 26, REFERENCE)
        letter = Letter("receipt", "page", "We have your complaint.", NOW, None)
        complaints.add_letter(connection, number, letter, None)
        since = NOW - timedelta(days=100)
        lived = make_care_home(connection, 1, ROOMS, since=since, heartbeat="PT1H")
        live(connection, lived, END, [END - timedelta(days=days) for days in (3, 4, 40)])
        silent = make_care_home(connection, 2, ("kitchen",), since=since)
        cookies = {
            "officer": site.make_session(connection, None, ["data-protection"]),
            "resident": site.make_session(connection, lived.tenancy),
            "practitioner": site.make_session(connection, None, ["carer"]),
        }
        session = accounts.session(connection, cookies["practitioner"], NOW, timedelta(hours=1))
        assert session is not None
        for key, home in (("link", lived), ("silent", silent)):
            with connection.transaction():
                named = care.name_carer(connection, home.tenancy, "practitioner", "P", "Mrs E", NOW, NOW.date())
                assert named is not None
                link = care.take_code(connection, session.account_id, named[1], NOW, NOW.date())
            assert link is not None
            LINKS[key] = link.id
    options = site.options(url, demo=True, help_line="020 7946 0000", council_address=("Town Hall", "TE5 7ST"))
    with site.running(options) as address:
        yield Looking(address, cookies, browser)
    timescale.drop(name)


@pytest.fixture(scope="module")
def nothing(timescale: Cluster, browser: Browser) -> Iterator[Looking]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        cookies = {"officer": site.make_session(connection, None, ["data-protection"])}
    with site.running(site.options(timescale.url(name))) as url:
        yield Looking(url, cookies, browser)
    timescale.drop(name)


#: Numbers of the practitioner's links, known once the world stands.
LINKS: dict[str, int] = {}


def states() -> dict[str, tuple[str | None, str]]:
    return {name: (who, path.format(**LINKS)) for name, (who, path) in STATES.items()}


def shoot(page: object, name: str, width: int) -> None:
    if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)  # type: ignore[attr-defined]


@ON_A_PHONE
def test_no_state_has_a_finding(world: Looking, nothing: Looking, everywhere: bool) -> None:
    for who in (None, "officer", "resident", "practitioner"):
        with world.page(who) as page:
            for name, (mine, path) in states().items():
                if mine != who:
                    continue
                page.goto(f"{world.url}{path}")
                open_details(page)
                assert faults(page, phone=everywhere or name in _NARROW) == [], name
                assert page.locator("h1").count() == 1, name
                page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false })")
                shoot(page, name, 1280)
    for who, path in ((None, "/"), (None, "/?large=true"), ("officer", "/data-protection/complaints")):
        with nothing.page(who) as page:
            page.goto(f"{nothing.url}{path}")
            assert faults(page, phone=everywhere) == [], path
            shoot(page, f"nothing {path.replace('/', ' ')}", 1280)


def test_a_complaint_is_sent_and_seen_without_scripts(world: Looking) -> None:
    with world.page(None, 390, java_script_enabled=False, refused=True) as page:
        page.goto(f"{world.url}/complaints")
        page.get_by_role("button", name="Send the complaint").click()
        assert page.get_by_role("alert").is_visible()
        page.get_by_label("What is it about?").select_option("air")
        page.get_by_label("What happened?").fill("You kept my address.\nDelete it.")
        page.get_by_label("By e-mail").check()
        page.get_by_label("E-mail address").fill("jo@example.org")
        shoot(page, "complaint filled", 390)
        page.get_by_role("button", name="Send the complaint").click()
        assert page.get_by_role("heading", name="We have your complaint").is_visible()
        shoot(page, "complaint taken", 390)
        reference, key = (page.locator("dd").nth(place).inner_text() for place in (0, 1))
        page.get_by_role("link", name="See what became of it").click()
        page.get_by_label("Key").fill(key)
        page.get_by_role("button", name="See what became of it").click()
        assert page.get_by_role("heading", name=f"Complaint {reference}").is_visible()
        assert "Delete it." in page.locator("main").inner_text()
        shoot(page, "complaint one", 390)


def test_the_pages_that_answer_a_form_have_no_finding(world: Looking) -> None:
    with world.page(None, 390, refused=True) as page:
        page.goto(f"{world.url}/complaints")
        page.get_by_role("button", name="Send the complaint").click()
        assert findings(page) == []
        shoot(page, "complaints wrong", 390)
        page.get_by_label("What is it about?").select_option("air")
        page.get_by_label("What happened?").fill("Something.")
        page.get_by_label("Not at all").check()
        page.get_by_role("button", name="Send the complaint").click()
        assert findings(page) == []
        page.get_by_role("link", name="See what became of it").click()
        assert findings(page) == []


def test_the_html_checker_finds_nothing(world: Looking, tmp_path: Path) -> None:
    pages = {}
    for name, (who, path) in states().items():
        with site.client(world.url, None if who is None else world.cookies[who]) as web:
            answer = web.get(path)
            assert answer.status_code == 200, name
            assert len(answer.content) < 100_000, name
            pages[name] = answer.text
    assert html_faults(pages, tmp_path) == []


def test_large_letters_and_the_system_s_own_colours(world: Looking) -> None:
    for who in (None, "practitioner", "officer"):
        with world.page(who, 640, forced_colors="active") as page:
            for name, (mine, path) in states().items():
                if mine != who or name not in _NARROW:
                    continue
                page.goto(f"{world.url}{path}")
                page.evaluate("document.documentElement.style.fontSize = '200%'")
                assert not scrolls(page), name


def test_the_report_is_printed_and_a_wall_is_filled(world: Looking, tmp_path: Path) -> None:
    with world.page("practitioner", 800) as page:
        page.goto(f"{world.url}/care/{LINKS['link']}/report")
        page.emulate_media(media="print")
        assert not scrolls(page)
        assert page.locator("figure").first.is_visible()
        shoot(page, "report print", 800)
        printed = page.pdf(format="A4", path=str(tmp_path / "report.pdf"))
        assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 4
    with world.page(None, 1920) as page:
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.goto(f"{world.url}/?large=true")
        assert not scrolls(page)
        shoot(page, "start large", 1920)
