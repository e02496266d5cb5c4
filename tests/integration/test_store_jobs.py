"""Jobs as rows: who may take, beat, wish and finish when, by two workers, by chance and by the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from store import jobs
from store.connect import Connection, connect
from store.jobs import FALLS, Job, Lost, NotSo
from tests.tools.servers import Cluster, wait_for

UP = "select 1 where pg_postmaster_start_time() < clock_timestamp() - %s * interval '1 second'"
LIVE = (
    "update public.job set beat_at = clock_timestamp()"
    " where state = 'running' and beat_at > clock_timestamp() - interval '30 minutes'"
)
LONG = "update public.job set beat_at = beat_at - interval '1 hour' where id = %s"


@pytest.fixture(scope="module")
def url(plain_postgres: Cluster) -> Iterator[str]:
    name = plain_postgres.create()
    with connect(plain_postgres.url(name), autocommit=True) as opened:
        assert wait_for(lambda: bool(opened.execute(UP, (2 * SILENT,)).fetchone()), timeout=30)
    yield plain_postgres.url(name)
    plain_postgres.drop(name)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with connect(url, autocommit=True) as opened:
        opened.execute("delete from public.job")
        yield opened


def asked(connection: Connection, name: str = "air") -> int:
    return jobs.ask(connection, "replay", name, {"speed": "60"}, None, ["uploads/a/air.csv"])


def of(connection: Connection, number: int) -> Job:
    found = jobs.get(connection, number, silent=SILENT)
    assert found is not None
    return found


#: The server of these tests may have been up for a second only: nobody is silent for longer than it was.
SILENT = 1.0


def take(connection: Connection, worker: str) -> Job | None:
    return jobs.take(connection, worker, silent=SILENT)


def fall_silent(connection: Connection, number: int) -> None:
    connection.execute(LONG, (number,))


def test_a_job_from_its_asking_to_its_end(connection: Connection) -> None:
    first, second = asked(connection), asked(connection, "noise")
    taken = take(connection, "one")
    assert taken is not None
    assert (taken.id, taken.kind, taken.name, taken.options, taken.files) == (
        first, "replay", "air", {"speed": "60"}, ["uploads/a/air.csv"],
    )  # fmt: skip
    assert (taken.state, taken.worker, taken.attempts, taken.progress, taken.score) == ("running", "one", 1, {}, None)
    assert (
        jobs.beat(connection, first, "one", {"sent": 3}, {"lost": 0, "first": datetime(2026, 2, 1, tzinfo=UTC)}) is None
    )
    assert jobs.beat(connection, first, "one", {"sent": 5, "rate": 2.5}, None) is None
    assert of(connection, first).score == {"lost": 0, "first": "2026-02-01T00:00:00+00:00"}, (
        "none leaves the one before"
    )
    assert jobs.finish(connection, first, "one", "done", {"sent": 9}, {"lost": 1}) == "done"
    done = of(connection, first)
    assert (done.state, done.worker, done.beat_at, done.progress, done.score) == (
        "done", None, None, {"sent": 9}, {"lost": 1},
    )  # fmt: skip
    assert done.ended_at is not None
    assert [one.id for one in jobs.find(connection)] == [second, first]
    assert [one.id for one in jobs.find(connection, before=second)] == [first]
    assert [one.id for one in jobs.find(connection, limit=1)] == [second]
    assert jobs.names(connection) == {first: ["uploads/a/air.csv"], second: ["uploads/a/air.csv"]}
    own = jobs.ask(connection, "replay", "own", {"mapping": "uploads/b/own.toml"}, None, ["uploads/a/air.csv"])
    assert jobs.names(connection)[own] == ["uploads/a/air.csv", "uploads/b/own.toml"]
    jobs.remove(connection, first)
    assert jobs.get(connection, first) is None


def test_two_workers_never_get_the_same_job(url: str, connection: Connection) -> None:
    numbers = [asked(connection) for _ in range(40)]

    def work(worker: str) -> list[int]:
        with connect(url, autocommit=True) as own:
            found = []
            while (job := take(own, worker)) is not None:
                found.append(job.id)
                jobs.finish(own, job.id, worker, "done", {}, None)
            return found

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(work, ["one", "two"])
    assert sorted(one + two) == numbers


def test_who_takes_waits_for_nobody(url: str, connection: Connection) -> None:
    """A transaction that has taken one and is not done does not hold up the next worker."""
    first, second = asked(connection), asked(connection)
    with connect(url) as slow:
        job = take(slow, "slow")
        assert job is not None
        with connect(url, autocommit=True, lock_timeout=2.0) as quick:
            other = take(quick, "quick")
            assert other is not None
            assert {job.id, other.id} == {first, second}
            assert take(quick, "quick") is None


def test_a_silent_worker_loses_its_job(connection: Connection) -> None:
    number = asked(connection)
    take(connection, "one")
    assert take(connection, "two") is None, "its worker lives"
    fall_silent(connection, number)
    assert of(connection, number).silent
    waiting = asked(connection)
    job = take(connection, "two")
    assert job is not None
    assert job.id == waiting, "what waits goes first"
    job = take(connection, "two")
    assert job is not None
    assert (job.id, job.attempts, job.silent) == (number, 2, False)
    with pytest.raises(Lost):
        jobs.beat(connection, number, "one", {"sent": 1}, None)
    with pytest.raises(Lost):
        jobs.finish(connection, number, "one", "done", {"sent": 1}, None)
    assert of(connection, number).progress == {}
    assert jobs.beat(connection, number, "two", {"sent": 2}, None) is None


def test_nobody_is_silent_for_longer_than_the_server_is_up(connection: Connection) -> None:
    number = asked(connection)
    take(connection, "one")
    fall_silent(connection, number)
    assert jobs.take(connection, "two", silent=1e6) is None
    assert jobs.wish(connection, number, "stop", silent=1e6) == "running"


def test_what_takes_its_workers_down_fails(connection: Connection) -> None:
    number = asked(connection)
    take(connection, "first")
    jobs.beat(connection, number, "first", {"sent": 7}, None)
    for turn in range(FALLS):
        assert of(connection, number).state == "running"
        fall_silent(connection, number)
        job = take(connection, f"worker {turn}")
        if job is not None:
            jobs.beat(connection, number, f"worker {turn}", {"sent": 7}, None)
    failed = of(connection, number)
    assert (failed.state, failed.attempts, failed.worker) == ("failed", FALLS, None)
    assert failed.problem is not None
    assert "none got further" in failed.problem
    assert jobs.resume(connection, number) == "waiting"
    again = take(connection, "last")
    assert again is not None
    assert again.problem is None


def test_a_taking_that_is_no_fall_is_not_counted_as_one(connection: Connection) -> None:
    number = asked(connection)
    states = []
    for turn in range(FALLS + 1):
        take(connection, f"worker {turn}")
        states.append(of(connection, number).state)
        fall_silent(connection, number)
    assert states == ["running"] * FALLS + ["failed"]


def test_what_gets_further_goes_on_however_often(connection: Connection) -> None:
    number = asked(connection)
    for turn in range(2 * FALLS):
        job = take(connection, f"worker {turn}")
        assert job is not None
        jobs.beat(connection, number, f"worker {turn}", {"sent": turn + 1}, None)
        fall_silent(connection, number)
    assert of(connection, number).attempts == 2 * FALLS


def test_wishes_of_a_running_job(connection: Connection) -> None:
    number = asked(connection)
    take(connection, "one")
    assert jobs.wish(connection, number, "pause") == "running"
    assert jobs.beat(connection, number, "one", {}, None) == "pause"
    assert jobs.resume(connection, number) == "running"
    assert jobs.beat(connection, number, "one", {}, None) is None
    with pytest.raises(NotSo, match=f"job {number} is running and cannot be resumed"):
        jobs.resume(connection, number)
    with pytest.raises(NotSo, match=f"job {number} is running and cannot be removed"):
        jobs.remove(connection, number)
    jobs.wish(connection, number, "stop")
    with pytest.raises(NotSo):
        jobs.wish(connection, number, "pause")
    assert jobs.beat(connection, number, "one", {}, None) == "stop"
    assert jobs.finish(connection, number, "one", "waiting", {}, None) == "stopped", "given back, but not to go on"
    assert of(connection, number).ended_at is not None


def test_wishes_where_nobody_holds_it(connection: Connection) -> None:
    number = asked(connection)
    assert jobs.wish(connection, number, "pause") == "paused"
    assert take(connection, "one") is None
    with pytest.raises(NotSo, match=f"job {number} is paused and cannot be paused"):
        jobs.wish(connection, number, "pause")
    assert jobs.resume(connection, number) == "waiting"
    take(connection, "one")
    fall_silent(connection, number)
    assert jobs.wish(connection, number, "pause", silent=SILENT) == "paused"
    with pytest.raises(Lost):
        jobs.beat(connection, number, "one", {}, None)
    assert jobs.wish(connection, number, "stop") == "stopped"
    with pytest.raises(NotSo, match=f"job {number} is stopped and cannot be stopped"):
        jobs.wish(connection, number, "stop")
    with pytest.raises(NotSo, match=f"job {number} is stopped and cannot be resumed"):
        jobs.resume(connection, number)
    with pytest.raises(NotSo, match="there is no job 999999"):
        jobs.wish(connection, 999_999, "stop")


def test_numbers_that_are_none_and_states_that_are_none_are_refused(connection: Connection) -> None:
    number = asked(connection)
    take(connection, "one")
    with pytest.raises(ValueError, match="JSON"):
        jobs.beat(connection, number, "one", {"rate": float("nan")}, None)
    with pytest.raises(ValueError, match="does not run"):
        jobs.finish(connection, number, "one", "running", {}, None)
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("update public.job set worker = null")


@dataclass
class Known:
    """What the machine's own memory knows of one job."""

    state: str = "waiting"
    wish: str | None = None
    worker: str | None = None
    silent: bool = False
    falls: int = 0
    furthest: int = 0


class TwoWorkers(RuleBasedStateMachine):
    """Any sequence of what two workers and a person do, against a model in plain Python."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.connection = connect(self.url, autocommit=True)
        self.connection.execute("delete from public.job")
        self.known: dict[int, Known] = {}

    def teardown(self) -> None:
        self.connection.close()

    def live(self) -> None:
        """Whoever is not meant to be silent beats: this machine may be slow."""
        self.connection.execute(LIVE)

    def pick(self, data: Any) -> int:
        chosen: int = data.draw(st.sampled_from(sorted(self.known)), "job")
        return chosen

    @precondition(lambda self: len(self.known) < 3)
    @rule()
    def ask(self) -> None:
        self.known[asked(self.connection)] = Known()

    @rule(worker=st.sampled_from(["one", "two"]))
    def take(self, worker: str) -> None:
        self.live()
        for one in self.known.values():
            if one.silent and one.falls + 1 >= FALLS:
                one.state, one.worker, one.wish, one.silent, one.falls = "failed", None, None, False, FALLS
        waiting = [number for number, one in self.known.items() if one.state == "waiting"]
        expected = min(waiting or [number for number, one in self.known.items() if one.silent], default=None)
        job = take(self.connection, worker)
        assert (None if job is None else job.id) == expected
        if expected is not None:
            one = self.known[expected]
            one.falls += one.silent
            one.state, one.worker, one.silent = "running", worker, False

    @precondition(lambda self: self.known)
    @rule(data=st.data(), worker=st.sampled_from(["one", "two"]), sent=st.integers(0, 3))
    def beat(self, data: Any, worker: str, sent: int) -> None:
        self.live()
        number = self.pick(data)
        one = self.known[number]
        if one.worker != worker:
            with pytest.raises(Lost):
                jobs.beat(self.connection, number, worker, {"sent": sent}, None)
            return
        assert jobs.beat(self.connection, number, worker, {"sent": sent}, None) == one.wish
        one.silent = False
        if sent > one.furthest:
            one.furthest, one.falls = sent, 0

    @precondition(lambda self: self.known)
    @rule(data=st.data(), wanted=st.sampled_from(["pause", "stop"]))
    def wish(self, data: Any, wanted: Any) -> None:
        self.live()
        number = self.pick(data)
        one = self.known[number]
        held = one.state == "running" and not one.silent
        may = {
            "pause": one.state == "waiting" or (one.state == "running" and one.wish != "stop"),
            "stop": one.state in ("waiting", "paused", "running"),
        }[wanted]
        if not may:
            with pytest.raises(NotSo):
                jobs.wish(self.connection, number, wanted, silent=SILENT)
            return
        jobs.wish(self.connection, number, wanted, silent=SILENT)
        if held:
            one.wish = wanted
        else:
            one.state = "paused" if wanted == "pause" else "stopped"
            one.wish, one.worker, one.silent = None, None, False

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def resume(self, data: Any) -> None:
        self.live()
        number = self.pick(data)
        one = self.known[number]
        if one.state in ("paused", "failed"):
            one.state, one.falls = "waiting", 0
        elif one.state == "running" and one.wish == "pause":
            one.wish, one.falls = None, 0
        else:
            with pytest.raises(NotSo):
                jobs.resume(self.connection, number)
            return
        jobs.resume(self.connection, number)

    @precondition(lambda self: any(one.worker for one in self.known.values()))
    @rule(data=st.data(), state=st.sampled_from(["waiting", "paused", "done", "stopped", "failed"]))
    def finish(self, data: Any, state: Any) -> None:
        number = data.draw(st.sampled_from([number for number, one in self.known.items() if one.worker]), "held")
        one = self.known[number]
        other = "two" if one.worker == "one" else "one"
        with pytest.raises(Lost):
            jobs.finish(self.connection, number, other, state, {}, None)
        assert one.worker is not None
        becomes = state
        if state in ("waiting", "paused"):
            becomes = {"stop": "stopped", "pause": "paused", None: "waiting"}[one.wish]
        assert jobs.finish(self.connection, number, one.worker, state, {}, None, "why") == becomes
        one.state, one.worker, one.wish, one.silent, one.falls = becomes, None, None, False, 0

    @precondition(lambda self: any(one.worker for one in self.known.values()))
    @rule(data=st.data())
    def fall_silent(self, data: Any) -> None:
        number = data.draw(st.sampled_from([number for number, one in self.known.items() if one.worker]), "held")
        fall_silent(self.connection, number)
        self.known[number].silent = True

    @invariant()
    def the_rows_are_what_is_known(self) -> None:
        self.live()
        found = {job.id: job for job in jobs.find(self.connection, silent=SILENT)}
        assert {number: (job.state, job.wish, job.worker, job.silent) for number, job in found.items()} == {
            number: (one.state, one.wish, one.worker, one.silent) for number, one in self.known.items()
        }
        for job in found.values():
            assert (job.ended_at is not None) == (job.state in jobs.ENDED)
            assert json.loads(json.dumps(job.progress)) == job.progress


def test_any_sequence_of_two_workers_keeps_to_the_rules(url: str) -> None:
    TwoWorkers.url = url
    run_state_machine_as_test(
        TwoWorkers,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
