"""The pages of jobs and uploads in a real browser: axe finds nothing in any state, they fit a phone and large letters,
work without scripts, and show what changes.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from borough.uploads.site import replays_of
from dashboard.replays import Limits
from store import jobs
from store.connect import connect
from tests.tools import site
from tests.tools.chromium import new_context
from tests.tools.resident_browser import ON_A_PHONE, Looking, faults, findings, open_details, scrolls
from tests.tools.servers import Cluster
from tests.worlds import engineer_jobs

pytestmark = pytest.mark.browser


#: States at which axe looks on a phone too.
_NARROW = ("list", "form", "compare", "job running")


class World:
    """A site with a job of each state, and one in production over the same database."""

    def __init__(self, browser: Browser, database: str, urls: dict[str, str], ids: dict[str, int], cookie: str) -> None:
        self.database, self.ids = database, ids
        self.sites = {name: Looking(url, {"engineer": cookie}, browser) for name, url in urls.items()}
        self.test = self.sites["test"]


@pytest.fixture(scope="module")
def world(timescale: Cluster, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name, empty = timescale.create(), timescale.create()
    database = timescale.url(name)
    with connect(database, autocommit=True) as connection:
        cookie = site.make_session(connection, None, ["engineer"])
        ids = engineer_jobs.every_state(connection)
    with connect(timescale.url(empty), autocommit=True) as connection:
        nobody = site.make_session(connection, None, ["engineer"])
    here = replays_of("test", tmp_path_factory.mktemp("jobs"), Limits(size=1 << 20, free=0))
    with (
        site.running(site.options(database, replays=here)) as url,
        site.running(site.options(database, replays=replace(here, installation="production"))) as refused,
        site.running(site.options(timescale.url(empty), replays=here)) as new,
    ):
        found = World(browser, database, {"test": url, "production": refused}, ids, cookie)
        found.sites["new"] = Looking(new, {"engineer": nobody}, browser)
        yield found
    timescale.drop(name)
    timescale.drop(empty)


def look(world: World, where: str, states: dict[str, str], *, everywhere: bool) -> None:
    with world.sites[where].page("engineer") as page:
        for name, path in states.items():
            page.goto(f"{world.sites[where].url}/engineer/jobs{path}")
            open_details(page)
            assert faults(page, phone=everywhere or name in _NARROW) == [], name
            assert page.locator("h1").count() == 1, name
            if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                page.screenshot(path=f"{folder}/jobs-{where}-{name}.png", full_page=True)


@ON_A_PHONE
def test_no_state_has_a_finding(world: World, everywhere: bool) -> None:
    states = {f"job {name}": f"/{number}" for name, number in world.ids.items()}
    pair = f"/compare?a={world.ids['done']}&b={world.ids['bad']}"
    states |= {"list": "", "new": "/new", "form": "/new?what=fleet-faults-all", "compare": pair, "choose": "/compare"}
    states |= {"too late": f"/{world.ids['done']}?refused=stop", "uploads": "/uploads"}
    look(world, "test", states, everywhere=everywhere)
    look(world, "production", {"list": "", "new": "/new", "uploads": "/uploads"}, everywhere=everywhere)
    look(world, "new", {"list": "", "compare": "/compare"}, everywhere=everywhere)


def test_large_letters_and_the_system_s_own_colours(world: World) -> None:
    pair = f"/compare?a={world.ids['done']}&b={world.ids['bad']}"
    with world.test.page("engineer", 640, forced_colors="active") as page:
        for path in ("", "/new?what=fleet-faults-all", f"/{world.ids['running']}", pair, "/uploads"):
            page.goto(f"{world.test.url}/engineer/jobs{path}")
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not scrolls(page), path
            assert findings(page) == [], path


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_that_is_too_large_is_refused_in_words(world: World, tmp_path: Path, scripts: bool) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"a,b\n" * (5 << 20))
    context = new_context(world.test.browser, java_script_enabled=scripts)
    context.add_cookies([{"name": site.COOKIE, "value": world.test.cookies["engineer"], "url": world.test.url}])
    page = context.new_page()
    page.goto(f"{world.test.url}/engineer/jobs/uploads")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload it").click()
    if scripts:
        # it is not even sent
        assert page.get_by_label("File").evaluate("one => one.validationMessage") == "The file is larger than is taken."
        assert page.get_by_role("alert").count() == 0
    else:
        expect(page.get_by_role("alert")).to_contain_text("The file has more than 1 MB, as much as is taken.")
    context.close()


def test_a_form_tells_what_is_wrong_beside_its_fields(world: World) -> None:
    with world.test.page("engineer", 390, refused=True) as page:
        page.goto(f"{world.test.url}/engineer/jobs/new?what=fleet-faults-all")
        page.get_by_label("Simulated hours").fill("-2")
        page.get_by_text("Shares of faults").click()
        page.get_by_label("These shares:").check()
        page.get_by_label("Loss, of messages").fill("3")
        page.get_by_role("button", name="Start it").click()
        expect(page.get_by_role("alert").locator("a")).to_have_count(2)
        assert page.get_by_label("Loss, of messages").get_attribute("aria-invalid") == "true"
        assert page.get_by_label("Loss, of messages").is_visible()
        assert findings(page) == []
        assert not scrolls(page)
        page.get_by_role("alert").locator("a").first.click()
        assert page.get_by_label("Simulated hours").evaluate("one => one === document.activeElement")


def test_the_list_shows_what_changes(world: World) -> None:
    with connect(world.database, autocommit=True) as connection, world.test.page("engineer") as page:
        page.goto(f"{world.test.url}/engineer/jobs")
        expect(page.locator("#live")).to_have_text("Changes appear by themselves.")
        made = jobs.ask(connection, "simulation", "Newcomer", {}, None, ["shipped:demo.toml"])
        expect(page.locator("#jobs")).to_contain_text("Newcomer")
        jobs.wish(connection, made, "stop")
        expect(page.locator("#jobs tbody tr").first).to_contain_text("Stopped.")
        jobs.remove(connection, made)
        expect(page.locator("#jobs")).not_to_contain_text("Newcomer")
