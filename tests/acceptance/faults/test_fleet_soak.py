"""``borough fleet`` with a real scheduler and three workers, which are killed one after another in the middle."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psycopg
import pytest

from analytics.neighbours import comparison
from analytics.neighbours.cells import make_cells
from analytics.neighbours.joining import join
from borough.fleet.cluster import connected
from borough.fleet.spread import SpreadComparison
from borough.settings.fleet import Scheduler
from tests.references import homes as reference
from tests.tools import forked
from tests.tools.dask import dask, kill9
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, Cluster, wait_for
from tests.worlds.boroughs import analysed, boroughs, street

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600)]

NAMES = [f"borough-{number:02}" for number in range(12)]
#: Dask gives a task up after three killed workers: so many kills at most may meet the same one.
KILLS = 3
WORKERS = 3
FIGURES = ("n", "total", "largest", "lowest_n", "lowest_total", "lowest_largest", "less")


def test_three_workers_killed_one_after_another(timescale: Cluster, tmp_path: Path, seed: int) -> None:
    """Every borough is analysed in the end, exactly as by the single run."""
    chance = random.Random(seed)
    with (
        street(timescale, homes=150) as first,
        boroughs(timescale, tmp_path, NAMES, first) as made,
        dask(tmp_path, WORKERS) as workers,
    ):
        single = forked.run(["analyse", "--json"], {"BOROUGH_DATABASE_URL": timescale.url(first)})
        assert single.returncode == 0
        expected = json.loads(single.stdout)
        command = [*WITH_US, *BOROUGH, "fleet", "run", str(made.file), "--json", "--scheduler", workers.address]
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen([*command, "--wait", "600", "--", "analyse"], stdout=out, env=environment({}))
            for number in range(KILLS):
                assert wait_for(lambda: bool(workers.at_work()), PATIENCE, 0.02)
                time.sleep(chance.uniform(0, 1))  # somewhere in the middle of a run, or between two
                alive = [worker for worker in workers.workers if worker.poll() is None]
                busy = [worker for worker, _ in workers.at_work()]
                kill9(chance.choice(busy or alive))
                workers.add()
                assert workers.ready(WORKERS + number + 1)
            assert process.wait(1_200) == 0
            out.seek(0)
            found = json.load(out)["boroughs"]
        assert [one["state"] for one in found] == ["done"] * len(NAMES)
        # one that was killed in the middle was gone on with: together both made what one makes
        kept = analysed(timescale.url(first))
        assert [name for name in NAMES if made.compared(name) != kept] == []
        whole = [one for one in found if one["answer"] == expected]
        assert len(whole) >= len(NAMES) - KILLS


def test_comparisons_of_workers_that_are_killed(tmp_path: Path, seed: int) -> None:
    """Groups whose worker goes away are sent again, and the figures are those of one process."""
    count = 100_000
    homes = reference.some_homes(seed, count)
    rng = np.random.default_rng(seed)
    use, counts = rng.integers(0, 9_000_000, count), rng.random(count) < 0.95
    cells = make_cells(homes)
    joined = join(cells)
    plain = comparison.compare(cells, joined, use, counts)
    with dask(tmp_path, WORKERS) as workers, connected(Scheduler(workers.address, None), 1) as client:
        spread = SpreadComparison(client, 200)
        stop = threading.Event()
        wrong: list[object] = []
        rounds: list[int] = []

        def compare() -> None:
            while not stop.is_set() and not wrong:
                try:
                    found = spread(cells, joined, use, counts)
                    wrong.extend(
                        name for name in FIGURES if getattr(found, name).tobytes() != getattr(plain, name).tobytes()
                    )
                except Exception as error:  # noqa: BLE001  # told by the thread that looks
                    wrong.append(error)
                rounds.append(len(wrong))

        thread = threading.Thread(target=compare)
        thread.start()

        # workers are begun by this thread: the kernel ends them with the one that began them
        def compared(more: int) -> bool:
            goal = len(rounds) + more
            return wait_for(lambda: len(rounds) >= goal or bool(wrong), PATIENCE, 0.02)

        for number in range(KILLS):
            workers.add()
            assert workers.ready(WORKERS + number + 1)
            assert compared(1)
            time.sleep(random.Random(seed + number).uniform(0, 0.5))
            kill9(workers.workers[number])
        assert compared(2)
        stop.set()
        thread.join()
        assert wrong == []


def test_a_scheduler_that_is_killed_in_the_middle_is_told_of_every_borough(timescale: Cluster, tmp_path: Path) -> None:
    with (
        street(timescale) as first,
        boroughs(timescale, tmp_path, NAMES[:3], first) as made,
        dask(tmp_path, 1) as workers,
    ):
        command = [*WITH_US, *BOROUGH, "fleet", "run", str(made.file), "--scheduler", workers.address, "--wait", "1"]
        with psycopg.connect(made.url(NAMES[0])) as holder:
            holder.execute("lock table personal.comparison in access exclusive mode")
            process = subprocess.Popen(
                [*command, "--", "analyse"], env=environment({}), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            assert wait_for(lambda: bool(workers.at_work(made.url(NAMES[0]))), PATIENCE, 0.02)
            kill9(workers.scheduler)
            out, errors = process.communicate(timeout=300)
        assert process.returncode == 1
        assert "Traceback" not in errors, errors
        told = [line for line in errors.splitlines() if not line.endswith("are done")]
        assert told == [f"{name}: the scheduler is away or has no worker" for name in NAMES[:3]]
        assert [line.split("\t")[:2] for line in out.splitlines()[1:]] == [[name, "failed"] for name in NAMES[:3]]
