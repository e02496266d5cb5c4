"""The programme's pages of trials: what was noted is shown as it was noted, small numbers are not told, nobody else
gets in, and no page works anything out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import NamedTuple

import httpx
import pytest

from analytics.trial.report_document import document, read
from dashboard import roles
from dashboard.staff.trial_report import html
from store import trials
from store.connect import Connection, connect
from tests.tools.servers import Cluster
from tests.tools.site import client, make_session, options, running
from tests.worlds import trial_pages, trial_report

OTHERS = (None, *(role for role in roles.ROLES if role not in ("programme", "carer", "resident")))


class World(NamedTuple):
    url: str
    web: httpx.Client
    own: Connection
    #: Of each state: a design, one that was drawn, one that was looked at and reported.
    designed: int
    drawn: int
    reported: int
    tenancies: list[int]


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    name = timescale.create()
    database = timescale.url(name)
    with connect(database, autocommit=True) as own:
        designed = trial_pages.design(own, "only-designed")
        drawn = trial_pages.design(own, "only-drawn", date(2100, 1, 1))
        trial_pages.draw(own, drawn)
        reported = trial_pages.design(own, "winter-2025")
        tenancies = trial_pages.draw(own, reported)
        trial_pages.look(own, reported)
        trial_pages.report(own, reported)
        cookie = make_session(own, None, ["programme"])
        example = document(trial_report.full("simulated", "worked-example"))
        with running(options(database, example=lambda: example)) as url, client(url, cookie) as web:
            yield World(url, web, own, designed, drawn, reported, tenancies)
    timescale.drop(name)


def words(page: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def paths(world: World) -> list[str]:
    own = f"/programme/trials/{world.reported}"
    return [
        "/programme/trials",
        *(f"/programme/trials/{one}" for one in (world.designed, world.drawn, world.reported)),
        *(f"{at}/report{ending}" for at in (own, "/programme/trials/example") for ending in ("", ".html", ".json")),
    ]


def test_the_list_says_where_each_trial_stands(world: World) -> None:
    page = words(world.web.get("/programme/trials").text)
    assert "only-designed (simulated) designed; no home is drawn yet" in page
    assert "only-drawn (simulated) drawn; begins on 1 January 2100" in page
    assert "winter-2025 (simulated) runs since 1 February 2026" in page
    assert "Report of the worked example (simulated)" in page
    assert page.index("winter-2025") < page.index("only-drawn") < page.index("only-designed")


def test_a_trial_shows_looks_as_noted_and_members_by_arm(world: World) -> None:
    page = world.web.get(f"/programme/trials/{world.reported}").text
    text = words(page)
    for one in trial_report.full().looks:
        if one.arm == "zone":
            low, high = (f"{abs(value):.3f}" for value in (one.low, one.high))
            assert low in text
            assert high in text
    assert "Efficiency zone sees itself beside the fifth of similar homes that uses least 20 0 0 0" in text
    assert page.count("<figure>") == 2
    assert "Homes drawn for its arms" in text
    assert "5 January 2026, 10:00" in text


def test_numbers_of_homes_below_fifteen_are_not_told(world: World) -> None:
    page = words(world.web.get(f"/programme/trials/{world.reported}").text)
    assert "sees itself beside similar homes nearby fewer than 15 0 0 0" in page
    assert not re.search(r"nearby 7\b", page)


def test_an_erased_home_is_not_those_drawn_less_those_that_are_left(world: World) -> None:
    trial = trial_pages.design(world.own, "one-erased", date(2100, 1, 1))
    (first, *_) = trial_pages.draw(world.own, trial)
    found = trials.one(world.own, trial)
    assert found is not None
    before = [one.members for one in trials.members_by_arm(world.own, found, date(2026, 1, 1)).values()]
    world.own.execute("delete from personal.trial_member where trial_id = %s and tenancy_id = %s", (trial, first))
    page = words(world.web.get(f"/programme/trials/{trial}").text)
    assert f"until the trial ends {before[0]} 0 0 fewer than 15" in page


def test_a_look_at_a_month_again_counts_last(world: World) -> None:
    trial = trial_pages.design(world.own, "twice")
    for effect in (-0.111, -0.222):
        one = {"month": "2026-02-01", "arm": "zone", "effect": effect, "low": -1.0, "high": 1.0,
               "fixed_low": -0.5, "fixed_high": 0.5}  # fmt: skip
        trials.note(world.own, trial, "looked", {"looks": [one]}, datetime.now(UTC))
    page = words(world.web.get(f"/programme/trials/{trial}").text)
    assert "0.222" in page
    assert "0.111" not in page


def test_the_newest_report_is_shown_and_its_figures_are_those_that_were_noted(world: World) -> None:
    own = f"/programme/trials/{world.reported}/report"
    page = words(world.web.get(own).text)
    assert "Report of the trial winter-2025" in page
    assert "begun-yesterday" not in page
    assert "simulated." not in page.partition("What was found")[0]
    given = world.web.get(f"{own}.json").json()
    assert given == document(trial_report.full())
    file = world.web.get(f"{own}.html")
    assert file.text == html(read(given))
    assert file.headers["Content-Disposition"] == f'attachment; filename="trial-{world.reported}.html"'


def test_the_worked_example_is_shown_as_what_it_is(world: World) -> None:
    page = words(world.web.get("/programme/trials/example/report").text)
    assert "This trial is simulated. Its homes do not exist" in page
    assert "Whether the planted effect was recovered" in page
    assert "recovered" in page


def test_what_is_not_there(world: World) -> None:
    for path in (
        "/programme/trials/999999",
        "/programme/trials/999999/report",
        f"/programme/trials/{world.designed}/report",
        f"/programme/trials/{world.designed}/report.html",
        f"/programme/trials/{world.drawn}/report.json",
    ):
        assert world.web.get(path).status_code == 404, path
    assert world.web.get("/programme/trials/nonsense").status_code == 400


def test_a_report_of_another_version_is_not_shown_half(world: World) -> None:
    trial = trial_pages.design(world.own, "of-another-version")
    trials.note(world.own, trial, "reported", {"version": 99}, datetime.now(UTC))
    for ending in ("", ".html"):
        answer = world.web.get(f"/programme/trials/{trial}/report{ending}")
        assert answer.status_code == 410
        assert "This report cannot be shown any more" in answer.text
    for detail in ({}, {"looks": 3}, {"looks": [{"arm": "zone"}]}):
        trials.note(world.own, trial, "looked", detail, datetime.now(UTC))
    page = world.web.get(f"/programme/trials/{trial}")
    assert "3 looks of another version of the program cannot be shown." in page.text


def test_no_page_names_a_home(world: World) -> None:
    for path in paths(world):
        text = world.web.get(path).text
        assert not [one for one in world.tenancies if str(one) in text or trial_pages.uprn(one) in text], path


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_gets_in(world: World, role: str | None) -> None:
    cookie = None if role is None else make_session(world.own, None, [role])
    with client(world.url, cookie) as web:
        for path in paths(world):
            answer = web.get(path)
            assert answer.status_code == (303 if role is None else 403), path
            assert "winter-2025" not in answer.text


def test_an_example_that_is_not_ready_or_not_here(timescale: Cluster) -> None:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as own:
        cookie = make_session(own, None, ["programme"])
    for example, said in ((None, "borough trial example --out example.html"), (lambda: None, "It is being made")):
        with running(options(timescale.url(name), example=example)) as url, client(url, cookie) as web:
            assert said in words(web.get("/programme/trials").text)
            for ending in ("", ".html", ".json"):
                assert web.get(f"/programme/trials/example/report{ending}").status_code == 404
    timescale.drop(name)


def test_the_noted_looks_are_kept_apart_by_time(world: World) -> None:
    """A look at a later month adds to those before it."""
    trial = trial_pages.design(world.own, "month-by-month")
    for month in (2, 3, 4):
        one = {"month": f"2026-{month:02d}-01", "arm": "zone", "effect": -month / 10, "low": -1.0, "high": 1.0,
               "fixed_low": -0.5, "fixed_high": 0.5}  # fmt: skip
        trials.note(world.own, trial, "looked", {"looks": [one]}, trial_pages.AT + timedelta(days=30 * month))
    page = words(world.web.get(f"/programme/trials/{trial}").text)
    assert [page.index(text) for text in ("February 2026 Eff", "March 2026 Eff", "April 2026 Eff")] == sorted(
        page.index(text) for text in ("February 2026 Eff", "March 2026 Eff", "April 2026 Eff")
    )
