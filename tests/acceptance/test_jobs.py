"""Jobs from their asking to their score, by real workers, broker, collector and database, whatever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from borough.replay.recording import Recorded, RecordingWriter
from devices.device import Device
from scripts.parts import Parts
from store import registry
from store.connect import connect
from store.jobs import Job
from tests.acceptance.test_serve import serving
from tests.tools import forked, site
from tests.tools.collector import Collector
from tests.tools.servers import TIMESCALE_SETTINGS, Cluster, Mosquitto, own_cluster
from tests.tools.working import Work, end

FLEET = """
name = "{name}"
start = 2026-01-05T00:00:00Z
days = 2
[smart-meter]
count = 40
[parking-bay]
count = 30
[faults]
duplicate = 0.05
malformed = 0.01
out_of_order = 0.05
"""
#: Two days of a fleet, and 500 minutes of a recording, take near a minute: on a busy machine what took 12 s was over
#: before it was stopped.
SLOW, SLOW_REPLAY = "3600", "600"
T0 = 1_767_571_200_000_000
MAPPING = """
name = "meters"
about = "Half-hours of a meter."
files = ["meters.csv"]
family = "smart-meter"
[device]
column = "id"
[time]
path = "time"
zone = "UTC"
[[reading]]
property = "import_interval"
path = "kwh"
unit = "kW.h"
"""
STORED = (
    "select s.device_id, s.property, r.time, r.value from public.reading r join personal.series s on s.id = r.series_id"
    " where s.device_id = any(%s)"
)


class Town:
    """A server of its own, which may be restarted, and what stands around it."""

    def __init__(self, cluster: Cluster, broker: Mosquitto, work: Work) -> None:
        self.cluster, self.broker, self.work = cluster, broker, work


@pytest.fixture(scope="module")
def town(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("jobs")
    cluster = own_cluster("apache", parts.postgres, TIMESCALE_SETTINGS, in_memory=True)
    url = cluster.url(cluster.create())
    with (
        Mosquitto(parts.mosquitto, folder / "mosquitto") as broker,
        Collector(folder, url, broker.url, registry_refresh=0.05, write_timeout=5).start(),
    ):
        yield Town(cluster, broker, Work(folder, url, broker.url))
    cluster.close()


@pytest.fixture
def work(town: Town) -> Iterator[Work]:
    yield town.work
    town.work.kill()


def fleet(folder: Path, name: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(FLEET.format(name=name))
    return path


def assert_whole(work: Work, job: Job, *, published: int | None = None) -> None:
    """Nothing is lost, wrong or stored that the ledger does not have, by its score and by the tables."""
    score = job.score
    assert score is not None
    assert "so_far" not in score
    bad = ("lost", "wrong_value", "wrong_time", "rejected_unexpectedly", "unexpected")
    assert {word: score[word] for word in bad} == dict.fromkeys(bad, 0), score
    if published is not None:
        assert score["published"] == published
    parts = sorted((work.jobs / "runs" / str(job.id) / "ledger").glob("*.parquet"))
    ledger = [row for part in parts for row in pq.read_table(part).to_pylist()]
    assert len(ledger) == score["published"]
    assert all(row["published"] is not None for row in ledger)
    wanted = {
        (row["device"], row["property"], row["stored_time"]): row["stored_value"]
        for row in ledger
        if row["expect"] == "stored"
    }
    assert len(wanted) == score["stored"], "each key is stored once"
    with connect(work.database) as connection:
        rows = connection.execute(STORED, (sorted({row["device"] for row in ledger}),)).fetchall()
    assert {(device, name, time): value for device, name, time, value in rows} == pytest.approx(wanted)
    report = (work.jobs / "runs" / str(job.id) / "report.html").read_text()
    assert "Nothing is lost and nothing is wrong." in report


def test_a_simulation_is_paused_given_back_and_killed(town: Town, work: Work, tmp_path: Path) -> None:
    """A pause, a SIGTERM, a broker that goes away, a SIGKILL: it comes to its end, and its ledger is whole."""
    number = work.ask("simulation", [fleet(tmp_path, "oak")], {"speed": SLOW})
    first = work.start()
    work.sent(number, 500)
    work.wish(number, "pause")
    paused = work.until(number, "paused")
    assert paused.score is None or paused.score["so_far"]
    assert 500 <= paused.progress["sent"] < 4_500
    work.resume(number)
    work.sent(number, paused.progress["sent"] + 300)
    assert end(first) == 0
    waiting = work.job(number)
    assert (waiting.state, waiting.worker) == ("waiting", None)
    second = work.start()
    work.sent(number, waiting.progress["sent"] + 300)
    town.broker.restart()
    told = work.sent(number, work.job(number).progress["sent"] + 300)
    second.kill()
    second.wait(60)
    assert work.job(number).state == "running", "nobody knows yet"
    third = work.start()
    work.age(number)
    done = work.until(number, "done")
    assert done.attempts == 4
    kept = json.loads((work.jobs / "runs" / str(number) / "checkpoint.json").read_text())
    held = [turn[1] for turn in kept["turns"]]
    assert len(held) >= 4, "after the pause, SIGTERM, the broker and SIGKILL the clock went on from where it was"
    assert held == sorted(held)
    assert kept["started"] < held[0]
    assert told.score is not None
    assert told.score["so_far"]
    assert told.score["lost"] == 0
    assert_whole(work, done)
    assert done.score is not None
    assert done.score["duplicates"] > 100
    assert done.score["rejected"] > 20
    assert end(third) == 0


def recording(path: Path, devices: int, each: int) -> Path:
    """Readings of air monitors, a minute after the other, every device's tenth said twice."""
    writer = RecordingWriter(path)
    for turn in range(each):
        for device in range(devices):
            time = T0 + turn * 60_000_000
            text = datetime.fromtimestamp(time / 1e6, UTC).isoformat()
            message = json.dumps({"time": text, "pm2_5": float(turn % 70), "no2": device / 4}).encode()
            for _ in range(2 if turn % 10 == 0 else 1):
                writer.add(Recorded(time + device, f"borough/air-monitor/mon-{device}/reading", message, 1, False))
    writer.flush()
    writer.__exit__(None, None, None)
    return path


def test_a_replay_is_paused_given_back_and_killed(work: Work, tmp_path: Path) -> None:
    with connect(work.database) as connection:
        registry.upsert(connection, [Device(f"mon-{number}", "air-monitor", "native") for number in range(10)])
    path = recording(tmp_path / "air.btr", 10, 500)
    number = work.ask("replay", [path], {"speed": SLOW_REPLAY})
    with _site(work, tmp_path) as (process, web):
        first = work.start()
        work.sent(number, 500)
        assert "Running." in web.get(f"/engineer/jobs/{number}").text
        process.kill()  # the site is nobody's worker
    work.wish(number, "pause")
    paused = work.until(number, "paused")
    work.resume(number)
    work.sent(number, paused.progress["sent"] + 500)
    first.kill()
    first.wait(60)
    second = work.start()
    work.age(number)
    killed = work.sent(number, work.job(number).progress["sent"] + 500)
    assert end(second) == 0
    assert work.job(number).state == "waiting"
    third = work.start()
    done = work.until(number, "done")
    assert done.progress["sent"] == 5_500
    assert done.progress["sent"] > killed.progress["sent"]
    assert_whole(work, done, published=11_000)
    assert done.score is not None
    assert (done.score["stored"], done.score["duplicates"]) == (10_000, 1_000)
    with _site(work, tmp_path) as (_, web):
        assert "Done." in web.get(f"/engineer/jobs/{number}").text
    third.send_signal(signal.SIGTERM)


@contextmanager
def _site(work: Work, folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A site's process over the jobs, and an engineer there."""
    settings = {"BOROUGH_INSTALLATION": "test", "BOROUGH_JOBS_FOLDER": str(work.jobs)}
    with connect(work.database, autocommit=True) as connection:
        cookie = site.make_session(connection, None, ["engineer"])
    with serving(work.database, folder / "site.log", **settings) as (process, url), site.client(url, cookie) as web:
        yield process, web


def test_the_database_goes_away_in_the_middle(town: Town, work: Work, tmp_path: Path) -> None:
    number = work.ask("simulation", [fleet(tmp_path, "elm")], {"speed": SLOW})
    worker = work.start()
    before = work.sent(number, 500)
    assert town.cluster.server is not None
    town.cluster.server.stop("immediate")
    town.cluster.server.start()
    other = work.start()
    done = work.until(number, "done")
    assert done.attempts == 1, "its worker lived, and nobody took it away"
    assert done.progress["sent"] > before.progress["sent"]
    assert_whole(work, done)
    assert end(worker) == 0
    assert end(other) == 0


def test_a_stopped_job_is_scored_and_its_files_go_with_it(work: Work, tmp_path: Path) -> None:
    number = work.ask("simulation", [fleet(tmp_path, "ash")], {"speed": "1800", "hours": 24})
    # of a job of this number in a database that was here before
    left = work.jobs / "runs" / str(number) / "ledger"
    left.mkdir(parents=True)
    (left / "000000.parquet").write_bytes(b"another's")
    (left.parent / "checkpoint.json").write_text('{"plan": {}, "started": 1, "complete": true, "parts": 1}')
    (left.parent / "report.html").write_text("another's")
    worker = work.start()
    work.sent(number, 100)
    assert "still running" in work.command("jobs", "stop", str(number))
    stopped = work.until(number, "stopped")
    assert 100 <= stopped.progress["sent"] < 2_000
    assert_whole(work, stopped)
    said = json.loads(work.command("jobs", "show", str(number), "--json"))
    assert (said["state"], said["score"]["lost"]) == ("stopped", 0)
    work.command("jobs", "remove", str(number))
    assert end(worker) == 0
    assert work.command("work", "--once") == ""
    assert not (work.jobs / "runs" / str(number)).exists(), "a worker tidies when it begins"


def test_whom_no_job_may_speak_for(work: Work, tmp_path: Path) -> None:
    """A real home's meter, whatever the installation is called: nothing of it is sent, and it stays as it is."""
    with connect(work.database) as connection:
        home = Device("mt-1", "smart-meter", "native", personal=True)
        registry.upsert(connection, [home, Device("mon-1", "air-monitor", "native")])
    path = tmp_path / "home.btr"
    writer = RecordingWriter(path)
    for name, family in (("mon-1", "air-monitor"), ("mt-1", "smart-meter")):
        body = b'{"time": "2025-01-05T00:00:00Z", "no2": 1, "import_interval": 1}'
        writer.add(Recorded(T0, f"borough/{family}/{name}/reading", body, 1, False))
    writer.flush()
    writer.__exit__(None, None, None)
    recorded = work.ask("replay", [path], {})
    table = tmp_path / "meters.csv"
    table.write_text("id,time,kwh\nmt-1,2025-01-05T00:00:00Z,1.5\n")
    mapping = tmp_path / "meters.toml"
    mapping.write_text(MAPPING)
    options = ["--set", f"mapping={mapping}", "--set", "register=true"]
    listed = json.loads(work.command("jobs", "ask", str(table), *options, "--json"))["job"]
    spoiled = tmp_path / "spoiled.btr"
    spoiled.write_bytes(b"no recording")
    unread = work.ask("replay", [spoiled], {})
    assert work.start("--once").wait(60) == 0
    problem = work.job(unread).problem
    assert problem is not None
    assert "/spoiled.btr" in problem
    assert str(work.jobs) not in problem, "where the folder stands is nobody's"
    for number, words in ((recorded, "message 1 of the recording is of a device"), (listed, "1 device of these files")):
        failed = work.job(number)
        assert failed.state == "failed"
        assert failed.problem is not None
        assert failed.problem.startswith(words), failed.problem
        assert "real home" in failed.problem
    with connect(work.database) as connection:
        assert registry.get(connection, "mt-1") == home
        assert connection.execute(STORED, (["mt-1"],)).fetchall() == []
    assert "mt-1" not in work.log.read_text()


def test_where_no_job_may_run(work: Work) -> None:
    settings = {**work.settings, "BOROUGH_INSTALLATION": "production"}
    for arguments in (["work"], ["jobs", "ask", "shipped:demo.toml"]):
        done = forked.run(arguments, settings)
        assert done.returncode in (1, 2)
        assert "production" in done.stderr
    problem = work.command("jobs", "ask", "shipped:demo.toml", "--set", "faults.los=1", status=2)
    assert "[faults] los: there is no such fault" in problem
    assert "Nothing was asked for" in work.command("jobs", "ask", "shipped:bays-400.toml", "--dry-run")
    assert json.loads(work.command("jobs", "list", "--json"))["jobs"]
