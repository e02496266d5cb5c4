"""How jobs stand, their scores, two beside each other, and what is kept of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import psycopg
import pytest

from borough.uploads.site import replays_of
from dashboard.engineer.job_events import JobEvents
from dashboard.engineer.jobs import PAGE
from dashboard.replays import Limits
from store import jobs
from tests.tools.servers import Cluster
from tests.tools.site import client, make_session, options, running
from tests.worlds import engineer_jobs


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def url(database: str, folder: Path) -> Iterator[str]:
    with running(options(database, replays=replays_of("test", folder, Limits(free=0)))) as found:
        yield found


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as found:
        found.execute("truncate public.job restart identity")
        yield found


@pytest.fixture
def engineer(url: str, connection: psycopg.Connection) -> Iterator[httpx.Client]:
    with client(url, make_session(connection, None, ["engineer"])) as found:
        yield found


# -- how it stands -----------------------------------------------------------------------------------------------------


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_how_a_job_stands(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    ids = engineer_jobs.every_state(connection)
    page = text_of(engineer.get(f"/engineer/jobs/{ids['running']}").text)
    assert "Simulation. Running." in page
    assert "31,200 of 50,000" in page
    assert "1,234 messages a second" in page
    assert "2025-10-25 23:10:00 UTC" in page
    assert "about 1 min 15 s" in page
    assert "Under way" in page
    assert "Of 23,000 readings so far nothing is lost and nothing is wrong." in page
    assert "smart-meter 20,000 18,800 200 1,000 0 0 0 0 0" in page
    assert "Overstays 12 11 0 1 2" in page
    assert "no analysis that looks for them" in page
    bad = text_of(engineer.get(f"/engineer/jobs/{ids['bad']}").text)
    assert "Of 23,000 readings: lost 17, wrong value 3." in bad
    assert "This is its last word." in bad
    assert "It forms while the job runs" in page
    ended = text_of(engineer.get(f"/engineer/jobs/{ids['stopped']}").text)
    assert "This is how it stood when the job ended" in ended
    assert "It forms while the job runs" not in ended
    assert "cannot be reached: Connection refused" in engineer.get(f"/engineer/jobs/{ids['failed']}").text
    listed = text_of(engineer.get("/engineer/jobs").text)
    assert "9: Fleet, waiting Simulation Waiting for a worker. none yet" in listed
    assert "62 % Of 23,000 readings so far" in listed


def test_many_jobs_come_page_by_page(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    for number in range(PAGE + 5):
        jobs.ask(connection, "replay", f"n{number}", {}, None, ["shipped:demo.toml"])
    page = engineer.get("/engineer/jobs").text
    assert page.count('<th scope="row">') == PAGE
    following = re.search(r'href="(/engineer/jobs\?before=\d+)">Older', page)
    assert following is not None
    page = engineer.get(following[1]).text
    assert page.count('<th scope="row">') == 5
    assert "Older jobs" not in page


def test_text_from_outside_is_shown_and_not_run(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    name = "<script>alert(1)</script>\u202e"
    job = jobs.ask(connection, "replay", name, {"shift": name}, None, [f"uploads/0/{name}.csv"])
    jobs.take(connection, "w")
    jobs.finish(connection, job, "w", "failed", {"phase": name}, engineer_jobs.score(), name)
    for path in ("", f"/{job}", "/compare", f"/compare?a={job}&b={job}", f"/{job}/report.html"):
        page = engineer.get(f"/engineer/jobs{path}").text
        assert "<script>alert" not in page, path
        assert "\u202e" not in page, path


# -- documents ---------------------------------------------------------------------------------------------------------


def test_two_runs_side_by_side(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    ids = engineer_jobs.every_state(connection)
    page = engineer.get(f"/engineer/jobs/compare?a={ids['done']}&b={ids['bad']}").text
    said = text_of(page)
    assert "Not as it should be: 20 readings in job 2, 0 in job 1" in said
    assert "smart-meter: lost 0 17 +17, job 2 worse" in said
    assert "smart-meter: published 20,000 20,000 the same" in said
    assert "smart-meter 0.400 s 1.900 s +1.500 s, job 2 worse" in said
    assert "Version 0.1.0 0.2.0 differs" in said
    assert page.count('<tr class="differs">') == 6
    same = engineer.get(f"/engineer/jobs/compare?a={ids['done']}&b={ids['done']}").text
    assert 'class="differs"' not in same
    assert "<figure" not in same
    # the other way round
    said = text_of(engineer.get(f"/engineer/jobs/compare?a={ids['bad']}&b={ids['done']}").text)
    assert "smart-meter: lost 17 0 -17, job 2 worse" in said
    for query in (f"a={ids['done']}&b=999", f"a={ids['waiting']}&b={ids['done']}"):
        assert engineer.get(f"/engineer/jobs/compare?{query}").status_code == 404


def test_a_report_is_one_file(engineer: httpx.Client, connection: psycopg.Connection, folder: Path) -> None:
    ids = engineer_jobs.every_state(connection)
    answer = engineer.get(f"/engineer/jobs/{ids['bad']}/report.html")
    assert answer.headers["content-disposition"] == f'attachment; filename="job-{ids["bad"]}.html"'
    assert answer.text.startswith("<!doctype html>")
    assert re.findall(r'(?:src|href)="([^"]+)"', answer.text) == ["data:,"]
    assert "<script" not in answer.text
    assert "Of 23,000 readings: lost 17, wrong value 3." in answer.text
    document = engineer.get(f"/engineer/jobs/{ids['bad']}/report.json").json()
    assert (document["job"], document["score"]["lost"], document["options"]["seed"]) == (ids["bad"], 17, 7)
    assert engineer.get(f"/engineer/jobs/{ids['waiting']}/report.html").status_code == 404
    # the worker's own, with charts, once it has written it
    path = f"/engineer/jobs/{ids['bad']}/charts.html"
    assert engineer.get(path).status_code == 404
    made = folder / "runs" / str(ids["bad"]) / "report.html"
    made.parent.mkdir(parents=True)
    made.write_text("<p>charts")
    assert engineer.get(path).text == "<p>charts"
    assert path in engineer.get(f"/engineer/jobs/{ids['bad']}").text
    jobs.remove(connection, ids["bad"])
    assert engineer.get(path).status_code == 404, "the worker removes its files later"


def test_changes_are_told(connection: psycopg.Connection) -> None:
    events = JobEvents()
    first, second = (jobs.ask(connection, "replay", "x", {}, None, []) for _ in range(2))
    assert events.changes(connection) == []
    assert [one["id"] for one in orjson.loads(events.snapshot())["jobs"]] == [second, first]
    assert events.changes(connection) == []
    jobs.take(connection, "w")
    (said,) = map(orjson.loads, events.changes(connection))
    assert (said["id"], said["state"]) == (first, "running")
    jobs.beat(connection, first, "w", {"sent": 5}, None)
    (said,) = map(orjson.loads, events.changes(connection))
    assert said["id"] == first
    jobs.remove(connection, second)
    assert [orjson.loads(one) for one in events.changes(connection)] == [{"id": second, "gone": 1}]


def test_the_page_of_a_job_that_nobody_takes_comes_to_say_so(
    engineer: httpx.Client, connection: psycopg.Connection
) -> None:
    events = JobEvents()
    number = jobs.ask(connection, "replay", "x", {}, None, [])
    assert events.changes(connection) == []
    before = engineer.get(f"/engineer/jobs/{number}").text
    assert "Is borough work running?" not in before
    connection.execute("update public.job set asked_at = asked_at - interval '35 s' where id = %s", (number,))
    (said,) = map(orjson.loads, events.changes(connection))
    assert (said["id"], said["state"]) == (number, "waiting")
    assert f'data-mark="{said["mark"]}"' not in before, "so the page asks for its parts again"
    after = engineer.get(f"/engineer/jobs/{number}").text
    assert "Is borough work running?" in after
    assert f'data-mark="{said["mark"]}"' in after
