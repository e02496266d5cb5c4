"""The pages of jobs and uploads in a real browser: axe finds nothing in any state, they fit a phone and large letters,
work without scripts, and show what changes.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from borough.uploads.site import replays_of
from dashboard.replays import Limits
from store.connect import connect
from tests.tools import site
from tests.tools.resident_browser import Looking, findings, scrolls
from tests.tools.servers import Cluster
from tests.worlds import engineer_jobs

pytestmark = pytest.mark.browser

FLEET = 'name = "small"\nseed = 3\nstart = 2026-01-05T00:00:00Z\ndays = 0.1\n\n[parking-bay]\ncount = 5\n'
BAD = FLEET.replace("count = 5", 'count = "many"')


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
    here = replays_of("test", tmp_path_factory.mktemp("jobs"), Limits(free=0))
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


def look(world: World, where: str, states: dict[str, str], width: int) -> None:
    with world.sites[where].page("engineer", width) as page:
        for name, path in states.items():
            page.goto(f"{world.sites[where].url}/engineer/jobs{path}")
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            assert findings(page) == [], name
            assert not scrolls(page), name
            assert page.locator("h1").count() == 1, name
            if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
                page.screenshot(path=f"{folder}/jobs-{where}-{name}-{width}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 320])
def test_no_state_has_a_finding(world: World, width: int) -> None:
    states = {f"job {name}": f"/{number}" for name, number in world.ids.items()}
    pair = f"/compare?a={world.ids['done']}&b={world.ids['bad']}"
    states |= {"list": "", "new": "/new", "form": "/new?what=fleet-faults-all", "compare": pair, "choose": "/compare"}
    states |= {"too late": f"/{world.ids['done']}?refused=stop", "uploads": "/uploads"}
    look(world, "test", states, width)
    look(world, "production", {"list": "", "new": "/new", "uploads": "/uploads"}, width)
    look(world, "new", {"list": "", "compare": "/compare"}, width)
