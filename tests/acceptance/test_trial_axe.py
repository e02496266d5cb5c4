"""The programme's pages of trials, and a report as one file, in a real browser: axe finds nothing in any state, they
fit a phone and large letters, and the HTML checker has nothing to say.

``BOROUGH_TEST_SHOTS`` names a folder that pictures go to, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from analytics.trial.report_document import document
from dashboard.staff.trial_report import html
from store.connect import connect
from tests.tools import site
from tests.tools.html_checker import html_faults
from tests.tools.resident_browser import Looking, faults, findings
from tests.worlds import trial_pages, trial_report

pytestmark = pytest.mark.browser

#: The colours of a page: as it comes, of a dark system, and the system's own.
_COLOURS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
}
_SHOTS = os.environ.get("BOROUGH_TEST_SHOTS")
FILES = {
    "simulated": html(trial_report.full("simulated")),
    "empty": html(trial_report.empty()),
}


def looked_at(looking: Looking, address: str, name: str, colours: Sequence[str] = ("light",)) -> None:
    """Look at a page in every window, and in some colours."""
    with looking.page("programme") as page:
        page.goto(address)
        in_colours(page, name, colours)
        assert page.locator("h1").count() == 1


def in_colours(page: Page, name: str, colours: Sequence[str]) -> None:
    for place, colour in enumerate(colours):
        page.emulate_media(**_COLOURS[colour])
        if _SHOTS is not None:
            page.screenshot(path=str(Path(_SHOTS) / f"{name}-{colour}.png"), full_page=True)
        # how wide it is has nothing to do with its colours
        assert (findings(page) if place else faults(page, phone=True)) == [], (name, colour)
        page.emulate_media(color_scheme="light", forced_colors="none")


def test_trials_in_every_state(database: str, browser: Browser) -> None:
    example = document(trial_report.full("simulated", "worked-example"))
    with (
        connect(database, autocommit=True) as own,
        site.running(site.options(database, example=lambda: example)) as url,
    ):
        looking = Looking(url, {"programme": site.make_session(own, None, ["programme"])}, browser)
        looked_at(looking, f"{url}/programme/trials", "trials-none")
        designed = trial_pages.design(own, "only-designed-with-a-name-as-long-as-40")
        looked_at(looking, f"{url}/programme/trials/{designed}", "trial-designed")
        reported = trial_pages.design(own, "winter-2025")
        trial_pages.draw(own, reported)
        trial_pages.look(own, reported)
        trial_pages.report(own, reported)
        looked_at(looking, f"{url}/programme/trials", "trials", ["light", "dark"])
        looked_at(looking, f"{url}/programme/trials/{reported}", "trial", list(_COLOURS))
        # what stands in a report is looked at in its file
        looked_at(looking, f"{url}/programme/trials/{reported}/report", "trial-report")
        looked_at(looking, f"{url}/programme/trials/example/report", "trial-example", ["forced"])
        with looking.page("programme", 320) as page:
            page.goto(f"{url}/programme")
            page.get_by_role("link", name="Trials", exact=True).click()
            page.get_by_role("link", name="winter-2025").click()
            page.get_by_role("link", name="Report", exact=True).click()
            assert page.get_by_role("heading", level=1).text_content() == "Report of the trial winter-2025"


def _note(asked: list[str], request: Request) -> None:
    asked.append(request.url)


@pytest.mark.parametrize("name", FILES)
def test_a_report_as_one_file(browser: Browser, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(FILES[name], encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    page.on("request", partial(_note, asked))
    page.goto(file.as_uri())
    in_colours(page, f"file-{name}", list(_COLOURS))
    assert [one for one in asked if not one.startswith(("file:", "data:"))] == []
    page.close()


def test_the_checker_finds_nothing_in_the_files(tmp_path: Path) -> None:
    assert html_faults(FILES, tmp_path) == []
