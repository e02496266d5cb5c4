"""The pages of the base in a real browser: axe finds nothing, they fit a small phone, work without scripts, and print.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from dashboard.audiences import audience_of
from dashboard.options import SignIn
from store import accounts
from tests.tools.chromium import new_context
from tests.tools.resident_browser import ON_A_PHONE, Looking, enlarge, faults, scrolls
from tests.tools.servers import Cluster
from tests.tools.site import COOKIE, erased, make_home, make_session, options, running

pytestmark = pytest.mark.browser

HERS = 20_000_000_000_001
NOW = datetime.now(UTC)
_SIZES: dict[str, ViewportSize] = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 320, "height": 640}}


@dataclass(frozen=True)
class World:
    """A site with sessions for all: ``cookies`` by role (``tenant`` has a home, ``new`` nothing yet)."""

    url: str
    database: str
    cookies: dict[str, str]


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    name = timescale.create()
    with psycopg.connect(timescale.url(name), autocommit=True) as connection:
        make_home(connection, tenancy_id=HERS)
        _compared(connection)
        cookies = {
            role: make_session(connection, None, [role])
            for role in ("engineer", "programme", "data-protection", "assist")
        }
        cookies["tenant"], cookies["new"] = make_session(connection, HERS), make_session(connection)
        accounts.log_access(connection, HERS, None, "assist", "entered the details of a slip", NOW)
    site = options(
        timescale.url(name),
        sign_in=SignIn("https://id.example.gov.uk", "x"),
        help_line="0800 000 0000, weekdays 9 to 5",
        council_address=("Town Hall", "High Street", "TE5 7ST"),
        subject=lambda tenancy, _: iter([b'{"tenancy": %d}' % tenancy]),
        erase=erased(),
    )
    with running(site) as url:
        yield World(url, timescale.url(name), cookies)
    timescale.drop(name)


def _compared(connection: psycopg.Connection) -> None:
    """October: 60 flats in two cells, 25 houses of which one uses half of all."""
    connection.execute("insert into personal.cell_version (quarter, program, homes) values ('2026-10-01', 'x', 85)")
    connection.execute(
        "insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at,"
        " settled_at) values ('month', '2026-10-01', '2026-11-01', 'electricity', '2026-10-01', 'x', now(), now()),"
        " ('month', '2026-10-01', '2026-11-01', 'gas', '2026-10-01', 'x', now(), now()),"
        " ('month', '2026-09-01', '2026-10-01', 'electricity', '2026-10-01', 'x', now(), now()),"
        " ('month', '2026-11-01', '2026-12-01', 'electricity', '2026-10-01', 'x', now(), null)"
    )
    for cell, dwelling, homes in ((0, "flat", 30), (1, "flat", 30), (2, "detached", 25)):
        connection.execute(
            "insert into personal.cell (quarter, cell, dwelling, heating, homes, floor_area, x, y, step, joined, reach)"
            " values ('2026-10-01', %s, %s, 'gas', %s, 60, 0, 0, 'few', '{}', 0)",
            (cell, dwelling, homes),
        )
        for number in range(homes):
            home = 30_000_000_000_000 + cell * 100 + number
            own = 200_000 if cell < 2 else 5_000_000 if number == 0 else 300_000
            make_home(
                connection, home_id=home, tenancy_id=home + 10**13, uprn=str(cell * 100 + number), dwelling=dwelling
            )
            connection.execute(
                "insert into personal.cell_member (quarter, home_id, tenancy_id, cell)"
                " values ('2026-10-01', %s, %s, %s)",
                (home, home + 10**13, cell),
            )
            connection.execute(
                "insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days,"
                " missing_days, state) values (%s, 'month', '2026-10-01', 'electricity', %s, %s, 0, 0, 'good')",
                (home + 10**13, home, own),
            )


def open_context(browser: Browser, world: World, who: str | None, **more: object) -> BrowserContext:
    context = new_context(browser, **more)
    if who is not None:
        context.add_cookies([{"name": COOKIE, "value": world.cookies[who], "url": world.url}])
    return context


def _enter(page: Page, field: str, text: str) -> None:
    page.get_by_label(field, exact=True).fill(text)
    page.get_by_role("button", name="Continue").click()


def _wrong_code(page: Page, _: World) -> None:
    _enter(page, "Code", "BCDF-GHJK-LMNP")


def _wrong_slip(page: Page, _: World) -> None:
    _enter(page, "Code on the slip", "BCDF-GHJK-LMNP")


def _slip(page: Page, world: World) -> str:
    """Open the details by a new code; the code."""
    with psycopg.connect(world.database, autocommit=True) as connection:
        code = accounts.make_code(connection, "slip", HERS, NOW, timedelta(days=1))
    _enter(page, "Code on the slip", code)
    assert page.get_by_label("Kind of home").input_value() == "flat"
    return code


def _slip_with_mistakes(page: Page, world: World) -> None:
    _slip(page, world)
    page.get_by_label("Floor area in square metres").fill("a lot")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("alert").is_visible()


def _slip_saved(page: Page, world: World) -> None:
    _slip(page, world)
    page.get_by_label("Number of bedrooms").fill("3")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_text("The slip is entered.").is_visible()


def _tenancy(page: Page, _: World) -> None:
    _enter(page, "Number of the tenancy", "2000 0000 000 001")
    assert page.get_by_text("entered the details of a slip").first.is_visible()


def _wrong_tenancy(page: Page, _: World) -> None:
    _enter(page, "Number of the tenancy", "1")


def _wrong_erasure(page: Page, world: World) -> None:
    _tenancy(page, world)
    page.get_by_role("button", name="Erase everything").click()
    assert page.get_by_role("alert").is_visible()


def _many_tries(page: Page, _: World) -> None:
    while page.get_by_label("Code", exact=True).count():
        _enter(page, "Code", "BCDF-GHJK-LMNP")
    assert page.get_by_text("Too many tries").is_visible()


#: name -> who, path, what is done there.
STATES: dict[str, tuple[str | None, str, Callable[[Page, World], object] | None]] = {
    "start": (None, "/", None),
    "start-tenant": ("tenant", "/", None),
    "start-new": ("new", "/", None),
    "start-engineer": ("engineer", "/", None),
    "sign-in": (None, "/sign-in?next=/home", None),
    "signed-out": (None, "/sign-out/done", None),
    "sign-in-failed": (None, "/sign-in/callback", None),
    "code": ("new", "/sign-in/code", None),
    "code-wrong": ("new", "/sign-in/code", _wrong_code),
    "code-too-often": ("tenant", "/sign-in/code", _many_tries),
    "accessibility": (None, "/accessibility", None),
    "privacy": (None, "/privacy", None),
    "not-found": (None, "/nowhere", None),
    "forbidden": ("engineer", "/programme", None),
    "bad-request": ("engineer", "/overview?refresh=maybe", None),
    "overview": ("engineer", "/overview", None),
    "programme": ("programme", "/programme", None),
    "programme-nothing": ("programme", "/programme?month=2026-09", None),
    "data-protection": ("data-protection", "/data-protection", None),
    "data-protection-none": ("data-protection", "/data-protection", _wrong_tenancy),
    "data-protection-tenancy": ("data-protection", "/data-protection", _tenancy),
    "data-protection-wrong": ("data-protection", "/data-protection", _wrong_erasure),
    "assist": ("assist", "/assist", None),
    "assist-wrong": ("assist", "/assist", _wrong_slip),
    "assist-details": ("assist", "/assist", _slip),
    "assist-mistakes": ("assist", "/assist", _slip_with_mistakes),
    "assist-saved": ("assist", "/assist", _slip_saved),
}
#: Those that another is like, but for words.
_ALIKE = (
    "start-tenant", "start-new", "signed-out", "code-too-often", "forbidden", "bad-request", "programme-nothing",
    "data-protection-none", "data-protection-wrong", "assist-wrong", "assist-saved",
)  # fmt: skip


def fits(page: Page) -> None:
    """Nothing is wider than the window; wide tables scroll by themselves."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@ON_A_PHONE
@pytest.mark.parametrize("name", STATES)
def test_axe_finds_nothing_and_every_page_fits(browser: Browser, world: World, name: str, everywhere: bool) -> None:
    who, path, do = STATES[name]
    # an answer that is no 200 is told to the console by the browser itself
    with Looking(world.url, world.cookies, browser).page(who, refused=True) as page:
        page.goto(world.url + path)
        if do is not None:
            do(page, world)
        shoot(page, name)
        assert faults(page, phone=everywhere or name not in _ALIKE) == [], name
        assert page.locator("h1").count() == 1, name
        part = audience_of(path.partition("?")[0])
        whose = ["Testborough Council"] if part is None else [part.name, "Testborough Council"]
        assert page.title().split(" \N{EN DASH} ")[1:] == whose, page.title()
        assert page.locator("header .bar p").all_inner_texts() == whose[::-1]


def test_large_text_still_fits(browser: Browser, world: World) -> None:
    for name in ("start", "code", "programme", "data-protection-tenancy", "assist-details"):
        who, path, do = STATES[name]
        with Looking(world.url, world.cookies, browser).page(who) as page:
            page.goto(world.url + path)
            if do is not None:
                do(page, world)
            enlarge(page)
            shoot(page, f"{name}-large")
            assert not scrolls(page), name


def test_everything_works_without_scripts(browser: Browser, world: World) -> None:
    with psycopg.connect(world.database, autocommit=True) as connection:
        own = {"assist": make_session(connection, None, ["assist"])}  # it signs out
    world = World(world.url, world.database, own)
    context = open_context(browser, world, "assist", java_script_enabled=False, viewport=_SIZES["phone"])
    page = context.new_page()
    page.goto(world.url)
    page.get_by_role("region", name="Your work").get_by_role("link", name="Enter a slip").click()
    _slip_saved(page, world)
    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_role("heading", name="You have signed out").is_visible()
    page.goto(f"{world.url}/assist")
    assert page.get_by_role("heading", name="Sign in").is_visible()
    context.close()


def test_by_keyboard_alone(browser: Browser, world: World) -> None:
    context = open_context(browser, world, None, viewport=_SIZES["desktop"])
    page = context.new_page()
    page.goto(world.url)
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to main content"
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Air quality by monitor and place, with advice", (
        "the first of the page"
    )
    passed = 0
    while page.locator(":focus").inner_text() != "Sign in":
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert passed < 20, "the sign-in is not reached"
        passed += 1
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    context.close()


def test_other_ways_to_look_at_it(browser: Browser, world: World) -> None:
    for name, more in (
        ("forced-colours", {"forced_colors": "active"}),
        ("reduced-motion", {"reduced_motion": "reduce"}),
    ):
        context = open_context(browser, world, "tenant", viewport=_SIZES["phone"], **more)
        page = context.new_page()
        page.goto(f"{world.url}/sign-in/code")
        shoot(page, f"code-{name}")
        assert page.get_by_role("button", name="Continue").is_visible()
        fits(page)
        context.close()
    context = open_context(browser, world, "tenant", viewport=_SIZES["desktop"])
    page = context.new_page()
    page.goto(f"{world.url}/privacy")
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").is_visible()
    shoot(page, "privacy-print")
    context.close()


def test_what_the_programme_sees(browser: Browser, world: World) -> None:
    context = open_context(browser, world, "programme", viewport=_SIZES["desktop"])
    page = context.new_page()
    page.goto(f"{world.url}/programme")
    flats = page.get_by_role("row", name="Flat").first.inner_text()
    assert flats.split("\t")[1:] == ["60", "200 kWh"]
    house = page.get_by_role("row", name="Detached house").first.inner_text()
    assert "one home uses too large a part" in house
    assert not any(sign.isdigit() for sign in house)
    assert not page.get_by_text("November").count(), "it may still change"
    # a home that leaves afterwards changes nothing that was published
    with psycopg.connect(world.database, autocommit=True) as connection:
        connection.execute("delete from personal.comparison where home_id = 30000000000000")
    before = page.locator("main").inner_text()
    page.reload()
    assert page.locator("main").inner_text() == before
    context.close()


def test_entering_a_slip_changes_that_home(browser: Browser, world: World) -> None:
    context = open_context(browser, world, "assist", viewport=_SIZES["desktop"])
    page = context.new_page()
    page.goto(f"{world.url}/assist")
    code = _slip(page, world)
    page.get_by_label("Number of bedrooms").fill("4")
    page.get_by_label("How many people live there").fill("5")
    page.get_by_role("button", name="Save").click()
    _enter(page, "Code on the slip", code)
    assert page.get_by_text("this one is wrong, has been used").is_visible()
    context.close()
    with psycopg.connect(world.database) as connection:
        details = connection.execute(
            "select bedrooms, source from personal.home_details where home_id = 10000000000001"
            " order by valid_from desc limit 1"
        ).fetchone()
        people = connection.execute(
            "select occupants, from_day from personal.tenancy where id = %s", (HERS,)
        ).fetchone()
        actions = [row.action for row in accounts.accesses(connection, HERS)]
    assert details == (4, "assist")
    assert people == (5, date(2020, 1, 1))
    assert actions[:2] == ["entered the details of a slip", "opened the details to enter a slip"]
