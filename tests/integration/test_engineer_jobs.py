"""The pages of jobs: what can be started and why not, forms, wishes, and who may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from borough.errors import UsageError
from borough.jobs.folder import JobsFolder
from borough.jobs.options import replay_asked, simulation_asked
from borough.uploads.site import replays_of
from dashboard.engineer.shelf import Shelf
from dashboard.replays import Checked, Kind, Limits
from dashboard.web.forms import new_token
from store import jobs
from tests.tools.servers import Cluster
from tests.tools.site import client, csrf, make_session, options, running
from tests.unit.borough.test_upload_kinds import recording
from tests.unit.borough.test_upload_reading import MAPPING, TABLE


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
    form = {"csrf": csrf(engineer.cookies["borough"]), "token": new_token(), **fields}
    return engineer.post(path, data=form)


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
    for words in ("Simulated hours</dt><dd>2", "Seed</dt><dd>9", "faults-all.toml", "Speed</dt><dd>max"):
        assert words in page


def test_a_form_that_is_sent_twice_starts_one_job(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    page = engineer.get("/engineer/jobs/new?what=fleet-faults-all").text
    (token,) = re.findall(r'name="token" value="([^"]+)"', page)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: post(engineer, "/engineer/jobs/new", **SIMULATION, token=token), range(4)))
    (made,) = {(answer.status_code, answer.headers["location"]) for answer in answers}
    assert made[0] == 303
    (count,) = connection.execute("select count(*) from public.job").fetchone() or ()
    assert count == 1
    again = re.findall(r'name="token" value="([^"]+)"', engineer.get("/engineer/jobs/new?what=fleet-faults-all").text)
    assert again != [token], "the next form asks for another"
    for wrong in ("", "short", "x" * 65, "a b c d e f g h i j"):
        assert post(engineer, "/engineer/jobs/new", **SIMULATION, token=wrong).status_code == 400


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"faults": "none"}, {"faults": {}}),
        ({"faults": "own", "fault-loss": "0.1", "fault-stuck": "0,25"}, {"faults": {"stuck": 0.25, "loss": 0.1}}),
        ({"speed": "real"}, {"speed": "1"}),
        ({"speed": "times", "times": "60"}, {"speed": "60"}),
        ({"start": "2025-10-25T20:00"}, {"start": "2025-10-25T20:00:00+00:00"}),
        ({"format": "vendor", "connections": "device"}, {"format": "vendor", "connections": "device"}),
        ({"register": ""}, {"register": False}),
    ],
)
def test_options_of_a_simulation(
    engineer: httpx.Client, connection: psycopg.Connection, changed: dict[str, str], wanted: dict[str, Any]
) -> None:
    answer = post(engineer, "/engineer/jobs/new", **{**SIMULATION, **changed})
    assert answer.status_code == 303, answer.text
    job = jobs.get(connection, 1)
    assert job is not None
    assert {key: job.options.get(key) for key in wanted} == wanted
    # the worker takes them as they are
    simulation_asked(job.options, [Path("x.toml")])


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"name": ""}, "name", "Give the job a name"),
        ({"hours": "0"}, "hours", "The hours must be a number from 0.001"),
        ({"seed": "-1"}, "seed", "The seed must be a whole number"),
        ({"start": "soon"}, "start", "Enter the beginning as a date and time"),
        ({"start": "2025-02-30T00:00"}, "start", "Enter the beginning as a date and time"),
        ({"start": "9999-12-31T23:59"}, "start", "that is not after now"),
        ({"start": "2020-01-01T00:00"}, "what", "before the fleet&#39;s own start"),
        ({"speed": "times", "times": "0"}, "times", "Enter how many times as fast"),
        ({"speed": "warp"}, "speed", "Choose how fast"),
        ({"faults": "own"}, "faults", "Give at least one fault a share"),
        ({"faults": "own", "fault-loss": "2"}, "fault-loss", "The share of loss must be a number from 0 to 1"),
        ({"faults": "own", "fault-loss": "0.9", "fault-spike": "0.9"}, "what", "add up to 1.8"),
        ({"connections": "many"}, "connections", "Choose how many connections"),
        ({"format": "morse"}, "format", "Choose a format"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    engineer: httpx.Client, connection: psycopg.Connection, changed: dict[str, str], field: str, words: str
) -> None:
    answer = post(engineer, "/engineer/jobs/new", **{**SIMULATION, **changed})
    assert answer.status_code == 400
    assert f'<a href="#{field}">' in answer.text
    assert f'id="{field}"' in answer.text
    assert words in answer.text
    assert jobs.find(connection) == []
    # what was typed is still there
    assert changed.get("name", "Night") in answer.text


# -- recordings and tables ---------------------------------------------------------------------------------------------


REPLAY = {"name": "Again", "format": "native", "speed": "fastest", "times": "", "from": "", "until": "", "shift": ""}


def upload(folder: Path, name: str, suffix: str, data: bytes, kind: Kind = "table") -> str:
    with Shelf(folder, Limits(free=0)).receiving() as incoming:
        incoming.write(data)
        incoming.name(name, suffix)
        return incoming.keep(name, None, Checked(kind, suffix)).id


def test_a_table_is_replayed_by_an_uploaded_mapping(
    engineer: httpx.Client, connection: psycopg.Connection, folder: Path
) -> None:
    table = upload(folder, "air", ".csv", TABLE.encode())
    mapping = upload(folder, "own", ".toml", MAPPING.encode(), "mapping")
    page = engineer.get(f"/engineer/jobs/new?what=upload-{table}").text
    assert f'<option value="upload-{mapping}">own (upload)</option>' in page
    wanted = {**REPLAY, "what": f"upload-{table}", "register": "yes"}
    # without a mapping, and by one that it does not fit
    answer = post(engineer, "/engineer/jobs/new", **wanted)
    assert (answer.status_code, "Choose the mapping" in answer.text) == (400, True)
    answer = post(engineer, "/engineer/jobs/new", **wanted, mapping="openaq")
    assert (answer.status_code, "It does not fit the mapping openaq" in answer.text) == (400, True)
    assert "openaq.toml, line" in answer.text
    answer = post(engineer, "/engineer/jobs/new", **wanted, mapping=f"upload-{mapping}")
    assert answer.status_code == 303, answer.text
    job = jobs.get(connection, 1)
    assert job is not None
    own = f"uploads/{mapping}/own.toml"
    assert list(job.files) == [f"uploads/{table}/air.csv"]
    assert job.options == {"register": True, "speed": "flat-out", "format": "native", "mapping": own}
    # the worker takes it, and the mapping is kept for it as the table is
    options_of_it = JobsFolder(folder).own(job.options)
    assert replay_asked(options_of_it, [folder / job.files[0]]).options.mapping == str((folder / own).resolve())
    assert jobs.names(connection) == {1: [*job.files, own]}
    assert 'href="/engineer/jobs/1"' in engineer.get(f"/engineer/jobs/uploads/{mapping}").text


def test_a_recording_of_the_folder_is_replayed(
    engineer: httpx.Client, connection: psycopg.Connection, folder: Path, tmp_path: Path
) -> None:
    room = folder / "recordings"
    room.mkdir(exist_ok=True)
    (room / "street \u00fc.btr").write_bytes(recording(tmp_path))
    (room / "spoiled.btr").write_bytes(b"no recording")
    (room / "readme.md").write_text("not offered")
    (room / "elsewhere.btr").symlink_to("/etc/hostname")
    page = engineer.get("/engineer/jobs/new").text
    found = dict(re.findall(r'what=(file-[0-9a-f]+)">([^<]+)<', page))
    assert sorted(found.values()) == ["spoiled.btr", "street \u00fc.btr"]
    keys = {name: key for key, name in found.items()}
    wanted = {**REPLAY, "format": "recorded", "from": "2023-11-14T22:00", "shift": "364d"}
    answer = post(engineer, "/engineer/jobs/new", **wanted, what=keys["street \u00fc.btr"])
    assert answer.status_code == 303, answer.text
    job = jobs.get(connection, 1)
    assert job is not None
    assert list(job.files) == ["recordings/street \u00fc.btr"]
    replay_asked(job.options, [JobsFolder(folder).resolve(name) for name in job.files])
    answer = post(engineer, "/engineer/jobs/new", **wanted, what=keys["spoiled.btr"])
    assert (answer.status_code, "There is a problem" in answer.text) == (400, True)
    for changed, words in (
        ({"shift": "later"}, "Enter now, or a length of time"),
        ({"until": "2023-11-14T21:00"}, "The end must be after the beginning"),
        ({"format": "senml"}, "Choose a format"),
    ):
        answer = post(engineer, "/engineer/jobs/new", **{**wanted, **changed}, what=keys["street \u00fc.btr"])
        assert (answer.status_code, words in answer.text) == (400, True)


def test_a_job_reads_nothing_from_elsewhere(folder: Path) -> None:
    for name in ("../x.csv", "/etc/passwd", "runs/1/ledger", "uploads/../../x", "recordings/elsewhere.btr"):
        with pytest.raises(UsageError):
            JobsFolder(folder).resolve(name)


def test_what_is_no_more_there_cannot_be_started(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    assert engineer.get("/engineer/jobs/new?what=fleet-none").status_code == 404
    answer = post(engineer, "/engineer/jobs/new", **{**SIMULATION, "what": "upload-0123456789abcdef"})
    assert (answer.status_code, "is no more here" in answer.text) == (409, True)
    assert jobs.find(connection) == []


# -- where nothing is started ------------------------------------------------------------------------------------------


def test_in_production_nothing_is_started(database: str, connection: psycopg.Connection, folder: Path) -> None:
    cookie = make_session(connection, None, ["engineer"])
    for replays, words in (
        (replays_of("production", folder, Limits()), "This installation is in production"),
        (None, "BOROUGH_JOBS_FOLDER is not set"),
    ):
        with running(options(database, replays=replays)) as url, client(url, cookie) as web:
            for path in ("/engineer/jobs", "/engineer/jobs/new", "/engineer/jobs/new?what=fleet-demo"):
                page = web.get(path)
                assert (page.status_code, words in page.text, "<button>" in page.text) == (200, True, False)
            answer = post(web, "/engineer/jobs/new", **SIMULATION)
            assert (answer.status_code, words in answer.text) == (409, True)
    assert jobs.find(connection) == []


@pytest.mark.parametrize("role", [None, "programme", "parking-ops", "data-protection", "carer"])
def test_nobody_else_starts_stops_or_sees_anything(url: str, connection: psycopg.Connection, role: str | None) -> None:
    job = jobs.ask(connection, "simulation", "x", {}, None, ["shipped:demo.toml"])
    cookie = make_session(connection, None, [role]) if role else None
    refused = 403 if role else 303
    with client(url, cookie) as web:
        headers = {"X-CSRF-Token": csrf(cookie)} if cookie else {}
        for path in ("", "/new", "/events", f"/{job}", "/compare", f"/{job}/report.html", f"/{job}/report.json"):
            assert web.get(f"/engineer/jobs{path}").status_code == refused, path
        assert web.post("/engineer/jobs/new", data=SIMULATION, headers=headers).status_code == refused
        assert web.post(f"/engineer/jobs/{job}", data={"wish": "stop"}, headers=headers).status_code == refused
    assert [one.state for one in jobs.find(connection)] == ["waiting"]


def test_forms_need_their_token(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    job = jobs.ask(connection, "simulation", "x", {}, None, ["shipped:demo.toml"])
    assert engineer.post("/engineer/jobs/new", data=SIMULATION).status_code == 403
    assert engineer.post(f"/engineer/jobs/{job}", data={"wish": "stop"}).status_code == 403
    assert [one.state for one in jobs.find(connection)] == ["waiting"]


# -- wishes ------------------------------------------------------------------------------------------------------------


def buttons(page: str) -> list[str]:
    return re.findall(r'<button name="wish" value="(\w+)"', page)


def test_wishes(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    job = jobs.ask(connection, "simulation", "x", {}, None, ["shipped:demo.toml"])
    path = f"/engineer/jobs/{job}"

    def wish(what: str) -> tuple[str, list[str]]:
        answer = post(engineer, path, wish=what)
        assert answer.status_code == 303
        page = engineer.get(answer.headers["location"])
        return answer.headers["location"], buttons(page.text) if page.status_code == 200 else []

    assert buttons(engineer.get(path).text) == ["pause", "stop", "remove"]
    assert wish("pause") == (path, ["resume", "stop", "remove"])
    assert wish("resume") == (path, ["pause", "stop", "remove"])
    assert jobs.take(connection, "w") is not None
    assert wish("pause") == (path, ["resume", "stop"])
    assert "it will pause in a moment" in engineer.get(path).text
    assert wish("resume") == (path, ["pause", "stop"])
    assert wish("remove") == (f"{path}?refused=remove", ["pause", "stop"])
    assert "It was too late for that" in engineer.get(f"{path}?refused=remove").text
    assert wish("stop") == (path, [])
    assert "it will stop in a moment" in engineer.get(path).text
    jobs.finish(connection, job, "w", "stopped", {}, None)
    assert buttons(engineer.get(path).text) == ["remove"]
    assert wish("pause")[0] == f"{path}?refused=pause"
    assert wish("remove") == (f"/engineer/jobs?removed={job}", [])
    assert post(engineer, path, wish="stop").status_code == 404
    assert engineer.get(path).status_code == 404
    assert f"Job {job} has been removed." in engineer.get(f"/engineer/jobs?removed={job}").text


def test_an_unknown_wish_is_none(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    job = jobs.ask(connection, "simulation", "x", {}, None, ["shipped:demo.toml"])
    assert post(engineer, f"/engineer/jobs/{job}", wish="explode").status_code == 400
