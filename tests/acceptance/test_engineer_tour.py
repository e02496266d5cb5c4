"""An engineer's way with a browser, real worker, broker, collector and database.

A fleet with faults is uploaded, its problem mended, started, watched, paused, and its score kept; a rejected message is
opened from the pipeline, its mapping mended, and what was rejected taken, until the account closes; and without scripts
a fleet is started by links. ``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from borough.settings.settings import Settings
from borough.trials import Trials
from borough.uploads.site import replays_of
from dashboard.replays import Limits
from scripts.parts import Parts
from store.connect import connect
from tests.tools import site
from tests.tools.chromium import new_context
from tests.tools.collector import Collector
from tests.tools.load import count, device, register
from tests.tools.publisher import publish
from tests.tools.resident_browser import Looking, findings
from tests.tools.servers import Cluster, Mosquitto, wait_for
from tests.tools.working import Work
from tests.worlds.rejections import RIGHT, WRONG

pytestmark = pytest.mark.browser

STREAM = "/engineer/pipeline/events"
FLEET = """
name = "tour"
start = 2026-01-05T00:00:00Z
days = 0.8
[smart-meter]
count = 40
[air-monitor]
count = 3
[faults]
duplicate = 0.05
malformed = 0.02
"""


class Town:
    """A site, a worker and what stands around them; ``mappings``: the collector's folder of mappings."""

    def __init__(self, looking: Looking, work: Work, broker: Mosquitto, collector: Collector, mappings: Path) -> None:
        self.looking, self.work, self.broker, self.collector = looking, work, broker, collector
        self.mappings = mappings

    def rejected(self) -> int:
        """Minutes in which messages were rejected because of a value."""
        return count(self.work.database, "rejection_minute where reason = 'bad_value'")


@pytest.fixture(scope="module")
def town(
    parts: Parts, timescale: Cluster, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("tour")
    mappings, subscriptions = folder / "mappings", folder / "subscriptions.toml"
    mappings.mkdir()
    (mappings / "bay.toml").write_text(WRONG)
    subscriptions.write_text('[[subscription]]\nformat = "native"\n[[subscription]]\nformat = "bay-vendor"\n')
    formats: dict[str, Any] = {"mappings": mappings, "subscriptions": subscriptions}
    name = timescale.create()
    database = timescale.url(name)
    with connect(database, autocommit=True) as connection:
        cookie = site.make_session(connection, None, ["engineer"])
    register(database, [device("v-1", "parking-bay", "bay-vendor")])
    with (
        Mosquitto(parts.mosquitto, folder / "mosquitto") as broker,
        Collector(folder, database, broker.url, registry_refresh=0.05, **formats).start() as collector,
    ):
        work = Work(folder, database, broker.url)
        work.start()
        trials = Trials(Settings(database_url=database, **formats))
        there = site.options(database, replays=replays_of("test", work.jobs, Limits(free=0)), trials=trials)
        with site.running(there) as url:
            yield Town(Looking(url, {"engineer": cookie}, browser), work, broker, collector, mappings)
        work.kill()
    timescale.drop(name)


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("BOROUGH_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/tour-{name}.png", full_page=True)


def upload(page: Page, path: Path) -> None:
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload it").click()


def test_a_fleet_with_faults_from_its_upload_to_its_report(town: Town, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(FLEET.replace("count = 40", 'count = "forty"'))
    (tmp_path / "tour.toml").write_text(FLEET)
    with town.looking.page("engineer", refused=True) as page:
        page.goto(f"{town.looking.url}/engineer/jobs")
        page.get_by_role("link", name="Uploads").click()
        upload(page, tmp_path / "wrong.toml")
        expect(page.get_by_role("alert")).to_contain_text("line 6: smart-meter.count = 'forty'")
        assert findings(page) == []
        picture(page, "refused")
        upload(page, tmp_path / "tour.toml")
        expect(page.get_by_role("heading", level=1)).to_have_text("tour.toml")
        assert findings(page) == []
        picture(page, "upload")
        page.get_by_role("link", name="Start a simulation with it").click()
        page.get_by_label("Name of the job").fill("Tour")
        page.get_by_label("So many times as fast:").check()
        # on a busy machine it must not be over before it is looked at and paused
        page.get_by_label("Times as fast", exact=True).fill("900")
        page.get_by_role("button", name="Start it").click()
        # nothing is reloaded: what changes comes by itself
        now, scored = page.locator("#now"), page.locator("#scored")
        expect(page.locator("#live")).to_have_text("Changes appear by themselves.")
        expect(now).to_contain_text("Simulation. Running.")
        expect(now).to_contain_text("messages a second")
        expect(scored).to_contain_text("so far nothing is lost and nothing is wrong")
        seen = page.locator("#scored tbody td").first.inner_text()
        expect(page.locator("#scored tbody td").first).not_to_have_text(seen)
        assert findings(page) == []
        picture(page, "running")
        page.get_by_role("button", name="Pause").click()
        expect(now).to_contain_text("Paused.")
        expect(page.get_by_role("button", name="Go on")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        expect(now).to_contain_text("Simulation. Done.", timeout=300_000)
        expect(scored).to_contain_text("This is its last word.")
        picture(page, "done")
        expect(scored).to_contain_text("nothing is lost and nothing is wrong.")
        page.reload()
        with page.expect_download() as told:
            page.get_by_role("link", name="The same with charts").click()
        assert "Nothing is lost and nothing is wrong." in told.value.path().read_text()
        with page.expect_download() as told:
            page.get_by_role("link", name="Report to keep and share").click()
        kept = told.value.path().read_text()
        (tmp_path / "kept.html").write_text(kept)
    # the kept file needs nobody
    context = new_context(town.looking.browser, offline=True, java_script_enabled=True)
    page = context.new_page()
    page.goto((tmp_path / "kept.html").as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("Job 1: Tour")
    assert findings(page) == []
    picture(page, "report")
    context.close()


def test_a_rejected_message_until_the_account_closes(town: Town) -> None:
    def late(route: Route) -> None:
        """What is rejected after the page was made and before it hears of changes has its row too. It hears what the
        stream begins with and no more: a later minute would bring the row anyway."""
        if town.rejected() == 0:
            publish(town.broker.port, [("vendor/v-1", b'{"state": "taken"}')] * 4)
            assert wait_for(lambda: town.rejected() > 0, 30)
        heard = b""
        with (
            site.client(town.looking.url, town.looking.cookies["engineer"]) as web,
            web.stream("GET", STREAM) as answer,
        ):
            for piece in answer.iter_raw():
                heard += piece
                if b"event: snapshot" in heard and heard.endswith(b"\n\n"):
                    break
        route.fulfill(status=200, headers={"Content-Type": "text/event-stream"}, body=heard)

    with town.looking.page("engineer") as page:
        page.route(f"**{STREAM}", late)
        page.goto(f"{town.looking.url}/engineer")
        rejected = page.get_by_role("row", name="bad_value")
        expect(rejected).to_contain_text("4")
        picture(page, "pipeline")
        rejected.get_by_role("link").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Rejected messages")
        page.get_by_role("link", name=", rejection ").first.click()
        expect(page.locator("pre.payload")).to_have_text('{"state": "taken"}')
        picture(page, "rejected")
        page.get_by_role("link", name="All of this reason and family").click()
        page.get_by_role("link", name="Try these again").click()
        page.get_by_label("By this mapping, to see whether it is right").check()
        page.get_by_label("Text of a mapping file").fill(RIGHT)
        page.get_by_role("button", name="Try, and store nothing").click()
        expect(page.locator("#outcome")).to_have_text("4 of 4 messages would be taken")
        assert page.get_by_role("button", name="Take").count() == 0
        picture(page, "tried")
        # installed, and read by the collector from its start on
        (town.mappings / "bay.toml").write_text(RIGHT)
        assert town.collector.stop() == 0
        town.collector.start()
        page.get_by_label("As things are now").check()
        page.get_by_role("button", name="Try, and store nothing").click()
        page.get_by_role("button", name="Take 4 messages").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("4 rejections were taken")
        page.get_by_role("link", name="The account").click()
        bays = page.get_by_role("region", name="The account").get_by_role("row", name="parking-bay")
        assert [cell.inner_text() for cell in bays.get_by_role("cell").all()] == ["4", "0", "0", "4", "0"]
        assert findings(page) == []
        picture(page, "account")


def test_without_scripts(town: Town, tmp_path: Path) -> None:
    (tmp_path / "again.toml").write_text(FLEET.replace("tour", "again"))
    with town.looking.page("engineer", 390, java_script_enabled=False) as page:
        page.goto(f"{town.looking.url}/engineer/jobs/uploads")
        upload(page, tmp_path / "again.toml")
        page.get_by_role("link", name="Start a simulation with it").click()
        page.get_by_label("So many times as fast:").check()
        page.get_by_label("Times as fast", exact=True).fill("3600")
        page.get_by_role("button", name="Start it").click()
        page.get_by_role("link", name="every 5 seconds").click()
        assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "5"
        address = page.url.partition("?")[0]
        job = town.work.sent(int(address.rsplit("/", 1)[1]), 1)
        page.get_by_role("link", name="stop that").click()
        expect(page.locator("#now")).to_contain_text("Running.")
        page.get_by_role("button", name="Stop").click()
        town.work.until(job.id, "stopped")
        page.goto(address)
        expect(page.locator("#now")).to_contain_text("Stopped.")
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_role("status").first).to_have_text(f"Job {job.id} has been removed.")
