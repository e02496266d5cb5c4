"""A site with a household in each state, and a real browser that looks at its pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, ViewportSize

from borough.delivery import nudges
from devices.trials import Arm
from store import comparisons, contacts, homes
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.chromium import new_context
from tests.tools.servers import PATIENCE, Cluster
from tests.worlds import residents, trial_sight, weather
from tests.worlds.nudges import OPTIONS
from tests.worlds.outbox import Clock, World, options
from tests.worlds.residents import Resident

_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
#: Of what is right axe would tell each element by a selector: two thirds of its time.
_RULES = {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}
_FIND = """async options => (await axe.run(document, options)).violations
    .flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 200)}`))"""
#: State -> words that only its page has.
STATES = {
    "great": "one of those that use least",
    "good": "you are on the right track",
    "more": "Using more than average",
    "above-zone": "Room to save",
    "neutral": "The talk is private",
    "suppressed": "too few homes like yours",
    "trial": "your home sees only its own use",
    "nothing": "There is nothing to compare yet",
}
PAGES = (
    "/home/year", "/home/year?fuel=gas", "/home/day", "/home/neighbours", "/home/data", "/home/consents",
    "/home/details", "/home/tariff", "/home/access", "/home/messages", "/home/nudges",
    "/home/leave", "/home/leave?sure=true",
)  # fmt: skip


@dataclass
class Looking:
    """Where the site is, the sessions of its people by state, and the browser."""

    url: str
    cookies: dict[str, str]
    browser: Browser

    @contextmanager
    def page(self, who: str | None, width: int = 1280, *, refused: bool = False, **options: Any) -> Iterator[Page]:
        """A window as if it were new, signed in as one of the people or as nobody.

        At its end nothing stood on the console (``refused``: but that an answer was no 200, which the browser itself
        says), and nothing was asked of another origin.
        """
        with _window(self.browser, width, **options) as page:
            if who is not None:
                page.context.add_cookies([{"name": site.COOKIE, "value": self.cookies[who], "url": self.url}])
            said: list[str] = []
            asked: list[str] = []
            with listening(page, said, asked):
                yield page
            kept = [text for text in said if not (refused and "the server responded with a status of" in text)]
            assert kept == [], kept
            assert all(address.startswith((self.url, "data:")) for address in asked), asked


#: Windows that nobody has in use, by browser and by what they were opened with: a new one costs six times a page.
_SPARE: WeakKeyDictionary[Browser, dict[str, list[Page]]] = WeakKeyDictionary()
#: What a window can be told later; all else is told when it is opened.
_MEDIA = ("color_scheme", "forced_colors", "reduced_motion")
_EMPTY = "about:blank"


@contextmanager
def _window(browser: Browser, width: int, **options: Any) -> Iterator[Page]:
    media = {"media": "null", "color_scheme": "light", "forced_colors": "none", "reduced_motion": "no-preference"}
    media |= {name: options.pop(name) for name in _MEDIA if name in options}
    size: ViewportSize = {"width": width, "height": 900}
    spare = _SPARE.setdefault(browser, {}).setdefault(repr(sorted(options.items())), [])
    page = spare.pop() if spare else new_context(browser, viewport=size, **options).new_page()
    if page.is_closed():  # with the module that had it
        page = new_context(browser, viewport=size, **options).new_page()
    try:
        page.set_default_timeout(PATIENCE * 1000)
        page.set_viewport_size(size)
        page.emulate_media(**media)  # type: ignore[arg-type]
        yield page
        page.unroute_all()
        page.context.clear_cookies()
        if page.url != _EMPTY:
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto(_EMPTY)
        for other in page.context.pages:
            if other != page:
                other.close()
    except BaseException:
        page.context.close()
        raise
    spare.append(page)


@contextmanager
def listening(page: Page, said: list[str], asked: list[str]) -> Iterator[None]:
    """Note what stands on the console of a page, and what it asks for."""

    def console(message: ConsoleMessage) -> None:
        said.append(message.text)

    def error(fault: Error) -> None:
        said.append(str(fault))

    def request(one: Request) -> None:
        asked.append(one.url)

    page.on("console", console)
    page.on("pageerror", error)
    page.on("request", request)
    yield
    page.remove_listener("console", console)
    page.remove_listener("pageerror", error)
    page.remove_listener("request", request)


@contextmanager
def looking(cluster: Cluster, browser: Browser) -> Iterator[Looking]:
    """The site and a browser."""
    with _site(cluster) as (url, cookies):
        yield Looking(url, cookies, browser)


@contextmanager
def _site(cluster: Cluster) -> Iterator[tuple[str, dict[str, str]]]:
    name = cluster.create()
    cookies = {}
    with connect(cluster.url(name), autocommit=True) as connection:
        tenancies = {}
        for number, state in enumerate(residents.STATES, 1):
            one = residents.make_resident(connection, number)
            residents.furnish(connection, one, state, 420 if state == "good" else 60)
            cookies[state] = site.make_session(connection, one.tenancy_id)
            tenancies[state] = one.tenancy_id
            if state == "good":
                _told(cluster.url(name), one.tenancy_id)
                _heated(connection, one)
                homes.give_consent(connection, one.tenancy_id, "messages", "page", datetime.now(UTC))
                nudges.look(connection, OPTIONS, datetime.now(UTC))
        held = residents.make_resident(connection, 11)
        residents.furnish(connection, held)
        cookies["trial"] = site.make_session(connection, held.tenancy_id)
        first = datetime.now(residents.ZONE).date().replace(day=1)
        drawn = {held.tenancy_id: Arm.NOTHING, tenancies["above-zone"]: Arm.ZONE}
        trial_sight.begin(connection, drawn, first)
        comparisons.hide(connection, first)
        part = residents.make_resident(connection, 10)
        residents.part_of_a_day(connection, part, datetime.now(residents.ZONE).date() - timedelta(days=3), 20)
        cookies["part"] = site.make_session(connection, part.tenancy_id)
        cookies["nothing"] = site.make_session(connection, residents.make_resident(connection, 9).tenancy_id)
    given = site.options(
        cluster.url(name), help_line="020 7946 0123", erase=site.erased(), subject=lambda *_: iter((b"{}",))
    )
    with site.running(given) as url:
        yield url, cookies
    cluster.drop(name)


def _heated(connection: Connection, one: Resident) -> None:
    """A year and two months of gas, and the temperatures that go with it."""
    today = datetime.now(residents.ZONE).date()
    first = today - timedelta(days=460)
    residents.use_days(connection, one, first, today, "gas")
    weather.take(connection, weather.warmth(first, today))


def _told(database: str, tenancy: int) -> None:
    """Messages on a household's page: a short one, and one with a word that is longer than a phone is wide."""
    given = World(database, Clock(datetime.now(UTC)))
    contact = contacts.page(given.own, origin="real", tenancy=tenancy)
    assert contact is not None
    given.put(contact, kind="care-note", subject="The sensor in your hall is heard again", text="Line one.\nLine two.")
    link = f"https://energy.haverley.example/{'long' * 20}"
    given.put(contact, kind="care-note", subject="A visit is planned", text=f"On 3 March.\n\nSee {link}")
    given.work(options(None))
    given.close()


def findings(page: Page) -> list[str]:
    """What axe finds, rule and element: the one of our packages, or another that ``BOROUGH_TEST_AXE`` names (a file
    axe.min.js)."""
    if not page.evaluate("'axe' in window"):
        other = os.environ.get("BOROUGH_TEST_AXE")
        page.evaluate(AXE_SCRIPT if other is None else Path(other).read_text("utf-8"))
    found: list[str] = page.evaluate(_FIND, _RULES)
    return found


def open_details(page: Page) -> None:
    """Open what is folded, so that it is looked at too."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def enlarge(page: Page) -> None:
    """A narrow window with letters of twice their size."""
    page.set_viewport_size({"width": 640, "height": 900})
    page.evaluate("document.documentElement.style.fontSize = '200%'")


def scrolls(page: Page) -> bool:
    """Whether the page is wider than its window."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


#: What axe looks at is the same at any width, but for what a phone hides, breaks or lets scroll. So on a phone it looks
#: at one page of each kind; a test that has this mark is given ``everywhere``, and looks at all in ``make soak``.
ON_A_PHONE = pytest.mark.parametrize(
    "everywhere", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["some", "everywhere"]
)


def faults(page: Page, *, phone: bool) -> list[str]:
    """What is wrong with the page that is shown: what axe finds, and the windows that are too narrow for it.

    Axe looks at it in the window as it is and, where ``phone`` says so, in one of 320 px; it is to fit into both. At
    the end the window is as it was.
    """
    before = page.viewport_size
    assert before is not None
    found = findings(page)
    if scrolls(page):
        found.append(f"is wider than {before['width']} px")
    page.set_viewport_size({"width": 320, "height": 900})
    if scrolls(page):
        found.append("is wider than 320 px")
    if phone:
        found += [f"at 320 px: {one}" for one in findings(page)]
    page.set_viewport_size(before)
    return found
