"""`borough watch` as real processes: one watches, another stands by and goes on; killed while it tells; its status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics.alarms.rules import BY_KEY, DATABASE
from borough import cli
from borough.commands.watch import _serve
from borough.delivery.webhook import Webhook
from store import alarms
from store.connect import connect
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.receiver import Receiver
from tests.worlds.alarms import OPTIONS


@pytest.fixture
def silent(database: str) -> str:
    """A database in which a family has said nothing for an hour."""
    with connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into personal.device (id, family, model, origin, personal, changed)"
            " values ('one', 'air-monitor', 'native', 'real', false, 0)"
        )
        connection.execute(
            "insert into public.accounting (minute, collector, family, messages_received)"
            " select m, 'a', 'air-monitor', 1 from generate_series(date_trunc('minute', now()) - interval '2 days',"
            " now() - interval '1 hour', interval '5 minutes') m"
        )
    return database


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Watch:
    """A service; its log lines."""

    def __init__(self, database: str, log: Path, **settings: str) -> None:
        self.log = log
        given = {f"BOROUGH_{name.upper()}": value for name, value in settings.items()}
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*WITH_US, *BOROUGH, "watch", "--every", "0.1"],
                env=environment({"BOROUGH_DATABASE_URL": database, **given}),
                stderr=errors,
            )

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]

    def says(self, words: str) -> bool:
        return any(words in line["message"] for line in self.lines())

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def watching(*arguments: object, **settings: str) -> Iterator[Watch]:
    one = Watch(*arguments, **settings)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_one_watches_and_another_goes_on_where_it_is_killed_while_it_tells(silent: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of-the-tests-" * 3)
    with Receiver("hangs") as receiver:
        given = {"alarm_webhook_url": receiver.url, "alarm_webhook_secret_file": str(tmp_path / "secret")}
        with watching(silent, tmp_path / "first.log", **given) as first:
            assert receiver.came.wait(60)
            with watching(silent, tmp_path / "second.log", **given) as second:
                until(lambda: second.says("another one watches; this one stands by"))
                receiver.how = "takes"
                assert first.end(signal.SIGKILL) == -signal.SIGKILL
                until(lambda: len(receiver.got) == 2)
                with connect(silent, autocommit=True) as connection:
                    until(lambda: all(n["told_at"] for n in alarms.history(connection)[0].notices))
                    (only,) = alarms.history(connection)
                # told in the log by the first, and not again
                (line,) = [one for one in first.lines() if one["logger"] == "borough.delivery.alarms"]
                assert line["level"] == "error"
                assert line["message"].startswith(f"alarm {only.id} begun at ")
                assert not second.says("begun at")
                assert second.end(signal.SIGTERM) == 0
        assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
        # nobody's address of a webhook is in a log
        assert all("of-a-secret" not in one.log.read_text() for one in (first, second))


def test_a_database_that_goes_away_is_waited_for(silent: str, tmp_path: Path) -> None:
    with watching(silent, tmp_path / "log") as one, connect(silent, autocommit=True) as connection:
        until(lambda: one.says("begun at"))
        row = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'borough watch' and datname = current_database()"
        ).fetchone()
        assert row == (True,)
        before = alarms.looked_at(connection)
        until(lambda: sum("watches" in line["message"] for line in one.lines()) == 2)
        until(lambda: alarms.looked_at(connection) != before)
        assert one.end(signal.SIGTERM) == 0
        assert sum("begun at" in line["message"] for line in one.lines()) == 1


def test_the_service_tells_of_a_database_that_is_away(
    free_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # at once, in place of two minutes
    monkeypatch.setitem(BY_KEY, DATABASE, replace(BY_KEY[DATABASE], holds=timedelta(0)))
    with Receiver() as receiver:
        options = replace(OPTIONS, webhook=Webhook(receiver.url, b"of-the-tests-" * 3))
        url = f"postgresql://borough:hidden-word@127.0.0.1:{free_port}/borough"
        _serve(url, options, 0.1, receiver.came.is_set)
        (got,) = receiver.got
    data = json.loads(got.body)["data"]
    assert (data["rule"], data["subject"]) == ("database", "system")
    assert data["text"].startswith(f"the database at 127.0.0.1:{free_port}/borough cannot be reached: ")
    assert "hidden-word" not in got.body.decode() + caplog.text


def test_once_it_shows_what_is_wrong_with_its_status(
    silent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("BOROUGH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", silent)
    assert cli.run(["watch"]) == 1
    assert "nothing has come since" in capsys.readouterr().out
    assert cli.run(["watch", "--json"]) == 1
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["rule"], only["subject"], only["ended_at"]) == ("silent", "air-monitor", None)
    with connect(silent, autocommit=True) as connection:
        assert alarms.lock(connection)
        assert cli.run(["watch"]) == 1
        assert "another borough watch is looking already" in capsys.readouterr().err
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        connection.execute(
            "insert into public.accounting (minute, collector, family, messages_received)"
            " values (%s, 'a', 'air-monitor', 1)",
            (now,),
        )
        # as if five minutes had passed without it
        connection.execute("update public.alarm set calm_at = %s", (now - timedelta(minutes=6),))
        connection.execute("update public.alarm set begun_at = %s, seen_at = %s", (now - timedelta(hours=1),) * 2)
    until(lambda: cli.run(["watch"]) == 0)
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")


def test_once_it_does_not_say_that_nothing_is_wrong_of_what_may_become_an_alarm(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("BOROUGH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    with connect(database, autocommit=True) as connection:
        connection.execute("insert into public.archive_failure values ('one', 3, now())")
        assert cli.run(["watch"]) == 0
        said = capsys.readouterr().out
        assert "No alarm yet, until it has lasted for 5 minutes: Messages are not archived (one): 3 messages" in said
        assert "Nothing is wrong" not in said
        connection.execute("truncate public.archive_failure")
    assert cli.run(["watch"]) == 0
    assert capsys.readouterr().out == "Nothing is wrong.\n"
