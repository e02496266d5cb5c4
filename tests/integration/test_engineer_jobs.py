"""The pages of jobs: what can be started and why not, forms, wishes, how a job stands, two beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from borough.uploads.site import replays_of
from dashboard.replays import Limits
from store import jobs
from tests.tools.servers import Cluster
from tests.tools.site import client, csrf, make_session, options, running


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


def post(engineer: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return engineer.post(path, data={"csrf": csrf(engineer.cookies["borough"]), **fields})


SIMULATION = {
    "what": "fleet-faults-all",
    "name": "Night",
    "hours": "2",
    "seed": "9",
    "start": "",
    "faults": "file",
    "connections": "one",
    "format": "",
    "speed": "fastest",
    "times": "",
    "register": "yes",
}


def test_a_fleet_is_started(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    page = engineer.get("/engineer/jobs/new").text
    assert 'href="/engineer/jobs/new?what=fleet-faults-all"' in page
    page = engineer.get("/engineer/jobs/new?what=fleet-faults-all").text
    assert "Every fault at once" in page
    answer = post(engineer, "/engineer/jobs/new", **SIMULATION)
    assert (answer.status_code, answer.headers["location"]) == (303, "/engineer/jobs/1"), answer.text
    job = jobs.get(connection, 1)
    assert job is not None
    assert (job.kind, job.name, job.state, list(job.files)) == (
        "simulation",
        "Night",
        "waiting",
        ["shipped:faults-all.toml"],
    )
    assert job.options == {"hours": 2, "seed": 9, "speed": "max", "connections": "one", "register": True}
    page = engineer.get("/engineer/jobs/1").text
    assert "Waiting for a worker." in page
