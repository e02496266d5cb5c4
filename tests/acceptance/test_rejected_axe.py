"""Rejected messages in a real browser: axe finds nothing in any state, they fit a phone and large letters, and what is
to be done is done with and without scripts.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from borough.trials import Trials
from dashboard.engineer import rejected_portions
from store.connect import connect
from tests.tools import site
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds import rejections as worlds
from tests.worlds.rejections import RIGHT, WRONG, World

pytestmark = pytest.mark.browser

ROOT = "/engineer/rejected"
#: One of each kind.
_NARROW = ("list", "place", "hostile", "try")


@pytest.fixture(scope="module")
def world(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with worlds.rejections(timescale, tmp_path_factory.mktemp("rejected")) as found:
        yield found


@pytest.fixture(scope="module")
def looking(world: World, browser: Browser) -> Iterator[Looking]:
    with connect(world.url, autocommit=True) as connection:
        cookies = {
            "engineer": site.make_session(connection, None, ["engineer"]),
            "officer": site.make_session(connection, None, ["engineer", "data-protection"]),
        }
    with site.running(site.options(world.url, trials=Trials(world.settings))) as url:
        yield Looking(url, cookies, browser)


def first(world: World, which: str) -> str:
    """The page of the first rejection of a kind."""
    with connect(world.url) as connection:
        row = connection.execute(f"select min(id) from rejected where {which}").fetchone()
    assert row is not None
    return f"{ROOT}/{row[0]}"


def _look(page: Page, name: str, *, phone: bool = True) -> None:
    open_details(page)
    assert faults(page, phone=phone) == [], name
    assert page.locator("h1").count() == 1, name
    if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/rejected-{name}.png", full_page=True)


def _try(page: Page, mapping: str | None = None) -> None:
    if mapping is not None:
        page.get_by_label("By this mapping").check()
        page.get_by_label("Text of a mapping file").fill(mapping)
    page.get_by_role("button", name="Try, and store nothing").click()


@ON_A_PHONE
def test_no_state_has_a_finding(looking: Looking, world: World, everywhere: bool) -> None:
    with looking.page("engineer", refused=True) as page:
        for name, path in (
            ("list", ROOT),
            ("chosen", f"{ROOT}?reason=bad_value&device=v-1&from=2026-01-01T00%3A00"),
            ("none like that", f"{ROOT}?reason=conflict"),
            ("not admitted", f"{ROOT}?device={worlds.METER}"),
            ("place", first(world, "reason = 'unreadable' and device = 'v-1'")),
            ("hostile", first(world, "reason = 'unreadable' and device = 'bay-1'")),
            ("hidden", first(world, "family = 'smart-meter'")),
            ("try", f"{ROOT}/try"),
        ):
            page.goto(looking.url + path)
            _look(page, name, phone=everywhere or name in _NARROW)
        _try(page)
        _look(page, "tried")
        _try(page, RIGHT)
        _look(page, "tried by a mapping")
        _try(page, "x = ")
        _look(page, "wrong mapping")
    with looking.page("officer") as page:
        page.goto(looking.url + first(world, "family = 'smart-meter'"))
        _look(page, "may look")
        page.get_by_role("button", name="Show the message").click()
        assert worlds.METER in page.inner_text("main")
        _look(page, "looked at")


def test_large_letters_and_the_system_s_own_colours(looking: Looking, world: World) -> None:
    with looking.page("engineer", 640, forced_colors="active") as page:
        for path in (ROOT, f"{ROOT}/try", first(world, "reason = 'unreadable' and device = 'v-1'")):
            page.goto(looking.url + path)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), path
            assert findings(page) == [], path


@pytest.mark.parametrize("scripts", [False, True])
def test_mended_and_taken_portion_by_portion(
    looking: Looking, world: World, scripts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With scripts it goes on by itself, without them somebody presses the button."""
    monkeypatch.setattr(rejected_portions, "PORTION", 2)
    monkeypatch.setattr(rejected_portions, "SECONDS", 0.0)
    device = "v-1" if scripts else "v-2"
    (world.mappings / "bay.toml").write_text(RIGHT)
    with looking.page("engineer", 390, java_script_enabled=scripts) as page:
        page.goto(f"{looking.url}{ROOT}/try?reason=bad_value&device={device}")
        _try(page)
        page.get_by_role("button", name="Take 3 messages").click()
        if not scripts:
            assert "2 of 3 messages are done" in page.inner_text("main")
            page.get_by_role("button", name="Go on").click()
        page.get_by_role("heading", name="3 rejections were taken").wait_for()
        if scripts:
            _look(page, "taken")
        page.get_by_role("link", name="What is left in the list").click()
        assert "There is none like that" in page.inner_text("main")
    (world.mappings / "bay.toml").write_text(WRONG)
