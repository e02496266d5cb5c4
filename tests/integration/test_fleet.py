"""``borough fleet``: in every borough what the single run does there, byte for byte; one that fails stops no other."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import psycopg
import pytest
from dask import config as dask_config
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours import comparison
from analytics.neighbours.cells import make_cells
from analytics.neighbours.joining import join
from borough import cli
from borough.errors import Failure
from borough.fleet.cluster import connected, library, workers_of
from borough.fleet.spread import SpreadComparison
from borough.settings.fleet import Scheduler
from store import session_lock
from store.connect import connect
from tests.examples import examples
from tests.references import homes as reference
from tests.tools import forked
from tests.tools.certificates import Authority
from tests.tools.dask import Dask, dask, gone, kill9
from tests.tools.load import ask, number
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, Cluster, wait_for
from tests.worlds.boroughs import SECRET, Boroughs, analysed, boroughs, street, wrong_password

NAMES = ("ashdown", "birchfield", "cedars")
#: The name of the lock that an analysis of homes holds.
LOCK = "analyse homes"


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """Two workers with a scheduler, for all tests of this module."""
    with dask(tmp_path_factory.mktemp("dask"), 2) as made:
        yield made


@pytest.fixture(scope="module")
def first(timescale: Cluster) -> Iterator[str]:
    """The database that every borough here is a copy of."""
    with street(timescale) as name:
        yield name


@dataclass(frozen=True)
class Single:
    """What the command alone makes of such a borough: what it says, and what it leaves."""

    answer: dict[str, Any]
    text: str
    kept: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def single(timescale: Cluster, first: str) -> Iterator[Single]:
    said, names = [], [timescale.copy(first), timescale.copy(first)]
    for name, words in zip(names, (["analyse", "--json"], ["analyse"]), strict=True):
        done = forked.run(words, {"BOROUGH_DATABASE_URL": timescale.url(name)})
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    kept = analysed(timescale.url(names[0]))
    assert len(kept) > 100
    assert kept == analysed(timescale.url(names[1]))
    yield Single(json.loads(said[0]), said[1], kept)
    for name in names:
        timescale.drop(name)


@pytest.fixture
def three(timescale: Cluster, tmp_path: Path, first: str) -> Iterator[Boroughs]:
    with boroughs(timescale, tmp_path, NAMES, first) as made:
        yield made


def fleet(made: Boroughs, *words: str, options: tuple[str, ...] = (), status: int = 0) -> dict[str, Any]:
    """Run the command; its JSON answer, by borough."""
    done = forked.run(["fleet", "run", str(made.file), "--json", *options, "--", *words], {})
    assert done.returncode == status, f"{done.returncode} {done.stdout} {done.stderr}"
    secrets = {SECRET, urlsplit(made.cluster.url()).password or SECRET}
    assert not [secret for secret in secrets if secret in done.stdout + done.stderr]
    assert "Traceback" not in done.stderr
    return {one["borough"]: one for one in json.loads(done.stdout)["boroughs"]}


@contextmanager
def begun(made: Boroughs, *words: str, options: tuple[str, ...] = ()) -> Iterator[Callable[[], dict[str, Any]]]:
    """The command while it runs; what is called waits for its end and says what came of it."""
    command = [*WITH_US, *BOROUGH, "fleet", "run", str(made.file), "--json", *options, "--", *words]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment({}))

        def ended() -> dict[str, Any]:
            assert process.wait(300) == 0
            out.seek(0)
            text = out.read()
            assert "Traceback" not in text, text
            document = json.loads(text[text.index("{") :])
            return {one["borough"]: one for one in document["boroughs"]}

        try:
            yield ended
        finally:
            process.kill()
            process.wait(60)


def test_each_borough_has_what_the_single_run_makes_and_a_second_run_changes_nothing(
    three: Boroughs, single: Single
) -> None:
    assert single.answer["rows"] > 0
    found = fleet(three, "analyse")
    assert list(found) == list(NAMES)
    assert [found[name]["answer"] for name in NAMES] == [single.answer] * 3
    assert [three.compared(name) == single.kept for name in NAMES] == [True] * 3
    again = fleet(three, "analyse")
    assert {(one["state"], one["answer"]["rows"], one["answer"]["days"]) for one in again.values()} == {("done", 0, 0)}
    assert [three.compared(name) == single.kept for name in NAMES] == [True] * 3


def test_what_a_person_reads_is_what_each_command_said_and_a_table(three: Boroughs, single: Single) -> None:
    done = forked.run(["fleet", "run", str(three.file), "--only", "cedars", "--", "analyse"], {})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:-2] == [f"cedars: {line}" for line in single.text.splitlines()]
    assert lines[-2] == "borough\tstate\tseconds\tmachine"
    assert lines[-1].split("\t")[:2] == ["cedars", "done"]
    assert not ask(three.url("ashdown"), "select 1 from personal.comparison_run"), "it was not asked"


def test_a_borough_that_is_busy_or_away_or_wrong_is_told_and_stops_no_other(three: Boroughs, workers: Dask) -> None:
    three.settings("cedars", "BOROUGH_COVERAGE=much")
    (three.folder / "more.toml").write_text(
        three.file.read_text()
        + '[[borough]]\nname = "downs"\nsettings = "/nowhere/downs.env"\n'
        + f'[[borough]]\nname = "firs"\nsettings = "{three.folder / "firs.env"}"\n'
    )
    (three.folder / "firs.env").write_text(f"BOROUGH_DATABASE_URL={wrong_password(three.url('ashdown'))}\n")
    three.file = three.folder / "more.toml"
    with connect(three.cluster.url(three.databases["ashdown"]), autocommit=True) as connection:
        assert session_lock.take(connection, [LOCK])
        found = fleet(three, "analyse", options=("--scheduler", workers.address, "--wait", "0"), status=1)
    states = {name: one["state"] for name, one in found.items()}
    assert states == {
        "ashdown": "busy or away", "birchfield": "done", "cedars": "failed", "downs": "failed",
        "firs": "busy or away",
    }, [one["why"] for one in found.values()]  # fmt: skip
    assert found["ashdown"]["why"] == "another analysis is running on this database; wait until it has ended"
    assert found["cedars"]["why"].startswith("BOROUGH_COVERAGE: 'much' is not a number")
    assert "/nowhere/downs.env" in found["downs"]["why"]
    assert "No such file" in found["downs"]["why"]
    if urlsplit(three.cluster.url()).password:  # a server that was given to us may ask for none
        assert "password authentication failed" in found["firs"]["why"]
    assert found["birchfield"]["answer"]["rows"] > 0


def test_workers_are_counted_while_the_client_refreshes_what_it_knows_of_them(workers: Dask) -> None:
    # once it was asked in the moment of a refresh: every borough "has no worker", and with --wait 0 failed at once
    library()
    often = dask_config.set({"distributed.client.scheduler-info-interval": "2ms"})
    with often, connected(Scheduler(workers.address, None), 1) as client:
        assert [len(workers_of(client)) for _ in range(400)] == [2] * 400


def test_a_busy_borough_is_asked_again_until_it_is_free(three: Boroughs, workers: Dask) -> None:
    with connect(three.cluster.url(three.databases["ashdown"]), autocommit=True) as connection:
        assert session_lock.take(connection, [LOCK])
        with begun(three, "analyse", options=("--scheduler", workers.address, "--wait", "600")) as ended:
            # refused once when its connection has come and gone
            assert wait_for(lambda: connects(three, "ashdown") > 0, PATIENCE, 0.01)
            assert wait_for(lambda: connects(three, "ashdown") == 0, PATIENCE, 0.01)
            session_lock.give_back(connection, LOCK)
            found = ended()
    assert {one["state"] for one in found.values()} == {"done"}
    assert found["ashdown"]["answer"] == found["birchfield"]["answer"]


def connects(made: Boroughs, name: str) -> int:
    """Analyses that are connected to a borough's database."""
    return number(
        made.cluster.url(),
        "select count(*) from pg_stat_activity where application_name = 'borough analyse' and datname = %s",
        made.databases[name],
    )  # fmt: skip


def waits(made: Boroughs, name: str) -> bool:
    """Whether an analysis of a borough waits for a lock."""
    rows = ask(
        made.cluster.url(),
        "select 1 from pg_stat_activity where application_name = 'borough analyse' and datname = %s"
        " and wait_event_type = 'Lock'",
        made.databases[name],
    )  # fmt: skip
    return bool(rows)


def test_a_worker_that_is_killed_in_the_middle_has_its_borough_done_again_and_once(
    three: Boroughs, workers: Dask, single: Single
) -> None:
    """The killed run's lock outlives it until its server's process notices: the new run is refused, and asks again."""
    holder = psycopg.connect(three.cluster.url(three.databases["birchfield"]))
    holder.execute("lock table personal.comparison in access exclusive mode")
    with begun(three, "analyse", options=("--scheduler", workers.address, "--wait", "600")) as ended:
        assert wait_for(lambda: waits(three, "birchfield"), PATIENCE, 0.02), "no analysis has come to the lock"
        ((worker, child),) = workers.at_work(three.url("birchfield"))
        workers.add()
        assert workers.ready(3)
        kill9(worker)
        assert wait_for(lambda: gone(child), PATIENCE), "the command outlives its worker"
        assert wait_for(lambda: connects(three, "birchfield") > 1, PATIENCE, 0.005), "it is not done again"
        holder.rollback()
        holder.close()
        found = ended()
    assert [found[name]["answer"]["rows"] for name in NAMES] == [single.answer["rows"]] * 3
    assert [three.compared(name) == single.kept for name in NAMES] == [True] * 3


def test_a_task_for_which_no_worker_is_there_is_told(three: Boroughs, workers: Dask) -> None:
    text = three.file.read_text().replace('name = "cedars"', 'name = "cedars"\nresource = "cedars"')
    three.file.write_text(text)
    found = fleet(three, "trial", "status", options=("--scheduler", workers.address, "--wait", "0"), status=1)
    assert found["cedars"]["why"] == "the scheduler is away or has no worker that was started with --resources cedars=1"
    assert (found["ashdown"]["state"], found["cedars"]["status"]) == ("done", None)
    # without a scheduler this machine is every place
    found = fleet(three, "trial", "status", options=("--only", "cedars"))
    assert found["cedars"]["answer"] == []


def test_a_scheduler_that_is_away_is_one_line(three: Boroughs, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.run(["fleet", "run", str(three.file), "--scheduler", "tcp://127.0.0.1:1", "--", "analyse"])
    out, errors = capsys.readouterr()
    assert (status, out, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("borough: the scheduler at tcp://127.0.0.1:1 cannot be reached: ")


def test_by_tls_a_sender_with_a_certificate_of_the_authority_is_served_and_no_other(
    three: Boroughs, workers: Dask, tmp_path: Path
) -> None:
    ours, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "other")

    def send(maker: Authority, address: str) -> subprocess.CompletedProcess[str]:
        pair = maker.client("sender")
        settings = {"CA": ours.ca, "CERT": pair.certificate, "KEY": pair.key}
        return forked.run(
            ["fleet", "run", str(three.file), "--scheduler", address, "--only", "cedars", "--", "trial", "status"],
            {f"BOROUGH_FLEET_{name}_FILE": str(path) for name, path in settings.items()},
        )

    with dask(tmp_path, 1, tls=(ours.ca, ours.peer("peers"))) as encrypted:
        done = send(ours, encrypted.address)
        assert done.returncode == 0, done.stdout + done.stderr
        for refused in (
            send(stranger, encrypted.address),
            send(ours, workers.address.replace("tcp", "tls")),  # one that speaks no TLS
            send(ours, encrypted.address.replace("tls", "tcp")),
        ):
            assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1), refused.stderr
            assert refused.stderr.startswith("borough: the scheduler at t")
            assert " cannot be reached: " in refused.stderr


@pytest.mark.parametrize("compute", [False, True])
def test_nothing_of_ours_listens_beyond_this_machine(compute: bool) -> None:
    ours = psutil.Process()
    before = _listening(ours)
    with connected(None, 1, compute=compute) as client:
        found = set().union(*map(_listening, (ours, *ours.children(recursive=True)))) - before
        assert {address.ip for address in found} <= {"127.0.0.1"}
        if compute:
            assert client.scheduler.address.startswith("tls://")


def _listening(process: psutil.Process) -> set[Any]:
    """Where a process listens. One that has ended and that nobody has waited for yet is shown to root alone."""
    try:
        return {one.laddr for one in process.net_connections() if one.status == psutil.CONN_LISTEN}
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        if psutil.pid_exists(process.pid) and process.status() != psutil.STATUS_ZOMBIE:
            raise
        return set()


# ------------------------------------------------------------------------------------------------- groups of cells


def test_an_analysis_with_spread_comparisons_leaves_what_the_single_one_does(
    three: Boroughs, workers: Dask, single: Single
) -> None:
    done = forked.run(
        ["fleet", "analyse", "--groups", "3", "--json", "--processes", "1"],
        # the scheduler of all boroughs, which is none for one borough's uses: nobody is there
        {"BOROUGH_DATABASE_URL": three.url("ashdown"), "BOROUGH_FLEET_SCHEDULER": "tcp://127.0.0.1:1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == single.answer
    assert three.compared("ashdown") == single.kept


def test_one_boroughs_uses_go_to_the_workers_of_its_resource_alone(
    three: Boroughs, single: Single, tmp_path: Path
) -> None:
    """What a worker was handed is in its log of events; in that of the other one nothing is."""
    homes = reference.some_homes(5, 200)
    cells = make_cells(homes)
    joined, use, counts = join(cells), np.arange(200), np.ones(200, bool)
    with dask(tmp_path, 0) as some:
        some.add("--name", "other")
        address = Scheduler(some.address, None)
        assert some.ready(1)
        with connected(address, 1) as client, pytest.raises(Failure, match="--resources ashdown=1"):
            SpreadComparison(client, 8, "ashdown")(cells, joined, use, counts)
        some.add("--name", "own", "--resources", "ashdown=1")
        assert some.ready(2)
        with connected(address, 1) as client:
            SpreadComparison(client, 8, "ashdown")(cells, joined, use, counts)
            logs = client.run(lambda dask_worker: (dask_worker.name, repr(dask_worker.state.stimulus_log)))
        log = dict(logs.values())
        assert "UpdateDataEvent" in log["own"]
        assert "UpdateDataEvent" not in log["other"]
        assert "ComputeTaskEvent" not in log["other"]
        done = forked.run(
            ["fleet", "analyse", "--groups", "3", "--scheduler", some.address, "--resource", "ashdown", "--json"],
            {"BOROUGH_DATABASE_URL": three.url("cedars")},
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == single.answer
    assert three.compared("cedars") == single.kept


@settings(max_examples=examples(15))
@given(seed=st.integers(0, 2**32), count=st.sampled_from([0, 30, 200, 900]), groups=st.integers(1, 40))
def test_spread_comparisons_are_those_of_one_process(workers: Dask, seed: int, count: int, groups: int) -> None:
    homes = reference.some_homes(seed, count)
    rng = np.random.default_rng(seed)
    use, counts = rng.integers(0, 9_000, count), rng.random(count) < 0.9
    cells = make_cells(homes)
    joined = join(cells)
    with connected(Scheduler(workers.address, None), 1) as client:
        found = SpreadComparison(client, groups)(cells, joined, use, counts)
    plain = comparison.compare(cells, joined, use, counts)
    for name in ("cell", "counts", "n", "total", "largest", "lowest_n", "lowest_total", "lowest_largest", "less"):
        one, other = getattr(found, name), getattr(plain, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), name
