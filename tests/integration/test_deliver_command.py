"""`borough deliver` as real processes: killed anywhere, several at once, told to end, without a database or a relay."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

from borough.delivery import outbox as delivery
from borough.delivery.trigger_list import TRIGGERS
from borough.delivery.triggers import Trigger, TriggerOptions
from store import outbox
from store.connect import Connection, connect
from tests.tools import forked
from tests.tools.forked import Forked
from tests.tools.relay import HANG, Relay
from tests.tools.servers import Cluster
from tests.worlds.outbox import World, options, settings


@pytest.fixture(scope="module")
def outbox_database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def world(outbox_database: str) -> Iterator[World]:
    found = World(outbox_database)
    found.empty()
    found.clock.at = datetime.now(UTC) - timedelta(minutes=1)
    yield found
    found.close()


class Deliver:
    """A service and its log."""

    def __init__(self, process: Forked, log: IO[bytes]) -> None:
        self.process, self._log = process, log

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    def messages(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.log().splitlines() if line.startswith("{")]


@contextmanager
def delivering(given: dict[str, str], *arguments: str) -> Iterator[Deliver]:
    with tempfile.TemporaryFile("w+b") as log:
        process = forked.start(("deliver", *(arguments or ("--every", "0.2"))), given, log.fileno())
        try:
            yield Deliver(process, log)
        finally:
            process.kill()
            process.wait(60)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def settled(world: World) -> bool:
    return not world.rows("select from personal.message where state in ('waiting', 'sending') and next_at <= now()")


@pytest.mark.parametrize("stage", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "TAKEN"])
def test_killed_at_any_stage_nothing_goes_twice_and_nothing_is_lost(world: World, stage: str) -> None:
    messages = [world.put(world.person(), subject=f"m{number}") for number in range(3)]
    with Relay() as relay:
        given = settings(world.url, relay.url)
        killed: list[int] = []
        with delivering(given) as one:

            def kill(at: str) -> None:
                # of the second message, so that the first has gone and the third waits; before that there is no message
                count = relay.seen.count(at)
                if at == stage and not killed and count >= (1 if stage in ("connect", "EHLO") else 2):
                    killed.append(one.process.pid)
                    os.kill(one.process.pid, signal.SIGKILL)

            relay.on_stage = kill
            assert one.process.wait(60) == -signal.SIGKILL
        with delivering(given):
            until(lambda: settled(world))
        states = [world.state(each) for each in messages]
        if stage in ("CONTENT", "TAKEN"):
            # the relay has its last dot: nobody can know, and it did come
            assert states == ["sent", "perhaps", "sent"]
        else:
            assert states == ["sent"] * 3
        assert Counter(relay.subjects()) == {"m0": 1, "m1": 1, "m2": 1}


def test_killed_again_and_again_what_is_called_sent_came_once(world: World) -> None:
    chance = random.Random(20261129)
    messages = {world.put(world.person(), subject=f"m{number}"): f"m{number}" for number in range(60)}
    kills = 0
    with Relay() as relay:
        given = settings(world.url, relay.url)
        while not settled(world) and kills < 6:
            before = len(relay.got)
            with delivering(given) as one:
                until(lambda before=before: len(relay.got) > before or settled(world))  # type: ignore[misc]
                time.sleep(chance.uniform(0, 0.08))
                one.process.kill()
                kills += 1
        with delivering(given):
            until(lambda: settled(world))
        came = Counter(relay.subjects())
        states = {subject: world.state(message) for message, subject in messages.items()}
    assert kills >= 2
    assert max(came.values()) == 1
    assert set(states.values()) <= {"sent", "perhaps"}
    assert [subject for subject, state in states.items() if state == "sent" and came[subject] != 1] == []
    assert list(states.values()).count("perhaps") <= kills


def test_three_at_once_share_the_work_and_end_well_when_told(world: World) -> None:
    for number in range(60):
        world.put(world.person(), subject=f"m{number}")
    with Relay() as relay:
        given = settings(world.url, relay.url)
        with delivering(given) as one, delivering(given) as two, delivering(given) as three:
            until(lambda: settled(world))
            for each in (one, two, three):
                until(lambda each=each: "begins" in each.log())  # type: ignore[misc]
                each.process.send_signal(signal.SIGTERM)
            assert [each.process.wait(60) for each in (one, two, three)] == [0, 0, 0]
            said = "".join(each.log() for each in (one, two, three))
        assert max(Counter(relay.subjects()).values()) == 1
        assert len(relay.got) == 60
    assert "@home.example" not in said
    assert "ended: " in said


def pending(pid: int) -> bool:
    """Whether a signal to a process has not been taken yet."""
    status = Path(f"/proc/{pid}/status").read_text()
    return any(int(mask, 16) for mask in re.findall(r"^S(?:ig|hd)Pnd:\s*(\w+)", status, re.MULTILINE))


def test_told_to_end_it_ends_the_message_that_it_hands_over_and_gives_back_the_rest(world: World) -> None:
    messages = [world.put(world.person()) for _ in range(5)]
    with Relay() as relay:
        with delivering(settings(world.url, relay.url)) as one:

            def stop(stage: str) -> None:
                if stage == "CONTENT" and relay.seen.count("CONTENT") == 2:
                    os.kill(one.process.pid, signal.SIGTERM)
                    until(lambda: not pending(one.process.pid))  # it is told while it waits for this answer

            relay.on_stage = stop
            assert one.process.wait(60) == 0
        assert Counter(map(world.state, messages)) == {"sent": 2, "waiting": 3}


def test_a_database_that_goes_is_waited_for(plain_postgres: Cluster) -> None:
    name = plain_postgres.create()
    world = World(plain_postgres.url(name))
    world.clock.at = datetime.now(UTC) - timedelta(minutes=1)
    try:
        with Relay() as relay, delivering(settings(world.url, relay.url)) as one:
            until(lambda: "begins" in one.log())
            world.put(world.person(), subject="before")
            until(lambda: relay.subjects() == ["before"])
            world.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'borough deliver'"
            )
            world.put(world.person(), subject="after")
            until(lambda: "after" in relay.subjects())
            assert relay.subjects() == ["before", "after"]
            one.process.send_signal(signal.SIGTERM)
            assert one.process.wait(60) == 0
            assert any("gave up" in said or "cannot be reached" in said for said in one.messages())
    finally:
        world.close()
        plain_postgres.drop(name)


def test_once_it_says_what_it_did(world: World) -> None:
    world.put(world.person("ana@home.example"))
    world.put(world.person("ben@home.example"), subject="refused")
    with Relay() as relay:
        relay.answers["RCPT"] = ["550 5.1.1 <ana@home.example> unknown"]
        done = forked.run(("deliver",), settings(world.url, relay.url))
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.splitlines() == [
            "1 e-mail handed over of 2 messages due.",
            "1 message: failed; see: borough outbox list",
        ]
        again = forked.run(("deliver", "--json"), settings(world.url, relay.url))
        assert again.returncode == 0
        assert json.loads(again.stdout) == {"done": {"looked": 0}, "triggers_failed": [], "relay": None}
    world.put(world.person())
    away = forked.run(("deliver",), settings(world.url, relay.url))
    assert away.returncode == 1
    assert "The relay: 127.0.0.1:" in away.stdout
    none = forked.run(("deliver",), settings(world.url, None))
    assert (none.returncode, none.stdout.splitlines()[1]) == (0, "No relay is set (BOROUGH_SMTP_URL): e-mails wait.")


def test_operators_see_what_became_of_messages_and_no_address(world: World) -> None:
    one = world.put(world.person("ana@home.example"), subject="Secret subject", text="Secret text")
    with Relay() as relay:
        relay.answers["RCPT"] = ["550 5.1.1 <ana@home.example> unknown"]
        given = settings(world.url, relay.url)
        forked.run(("deliver",), given)
        listed = forked.run(("outbox", "list", "--state", "failed"), given)
        shown = forked.run(("outbox", "show", str(one)), given)
        both = listed.stdout + shown.stdout
        assert (listed.returncode, shown.returncode) == (0, 0)
        assert "550 5.1.1 (address) unknown" in both
        assert not [word for word in ("ana", "home.example", "Secret") if word in both]
        found = json.loads(forked.run(("outbox", "show", str(one), "--json"), given).stdout)
        assert found["attempts"][0]["enhanced"] == "5.1.1"
        assert forked.run(("outbox", "retry", str(one)), given).returncode == 0
        forked.run(("deliver",), given)
        assert world.state(one) == "sent"
        refused = forked.run(("outbox", "retry", str(one), "999999"), given)
        assert refused.returncode == 1
        assert "it was sent" in refused.stdout
        assert "there is none of this number" in refused.stdout
        assert forked.run(("outbox", "show", "999999"), given).returncode == 1
        assert forked.run(("outbox", "list", "--state", "odd"), given).returncode == 2
        assert forked.run(("outbox", "list", "--kind", "odd"), given).returncode == 2


def test_what_was_perhaps_sent_is_repeated_by_an_operator_alone(world: World) -> None:
    one = world.put(world.person())
    with Relay() as relay:
        relay.answers["TAKEN"] = [HANG]
        given = settings(world.url, relay.url)
        # so long for each answer, also of a relay that is slow for want of a processor
        forked.run(("deliver",), settings(world.url, relay.url, smtp_timeout="3"))
        assert world.state(one) == "perhaps"
        assert forked.run(("outbox", "retry", str(one)), given).returncode == 1
        assert world.state(one) == "perhaps"
        assert forked.run(("outbox", "retry", "--perhaps", str(one)), given).returncode == 0
        forked.run(("deliver",), given)
        assert (world.state(one), len(relay.got)) == ("sent", 2)


def test_triggers_are_looked_at_by_one_and_one_that_fails_harms_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    person = world.person()

    def well(connection: Connection, given: TriggerOptions, now: datetime) -> None:
        outbox.put(
            connection, key=f"trigger:{given.council}", contact=person, kind="care-note", origin="real",
            subject="caused", text="t", due_at=now,
        )  # fmt: skip

    def ill(_connection: Connection, _given: TriggerOptions, _now: datetime) -> None:
        raise KeyError("of a trigger")

    given = options(None).triggers
    with connect(world.url, autocommit=True) as connection:
        triggers = (Trigger("ill", ill), Trigger("well", well))
        assert delivery.look(connection, given, datetime.now(UTC), triggers) == ["ill"]
        assert delivery.look(connection, given, datetime.now(UTC), triggers) == ["ill"]
    assert world.rows("select subject, count(*) from personal.message group by 1") == [("caused", 1)]
    assert "trigger ill failed" in caplog.text
    assert all(isinstance(one, Trigger) for one in TRIGGERS)


def test_settings_that_are_wrong_are_said_in_a_line_without_a_password(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    base = settings(world.url, None)
    for more, words in (
        ({"BOROUGH_SMTP_URL": "smtp://user:hunter2@relay.example:99999"}, "port"),
        ({"BOROUGH_SMTP_URL": "http://relay.example"}, "is no address of a relay"),
        ({"BOROUGH_SMTP_URL": "smtps://relay.example/?x=hunter2"}, "has a part after the port"),
        ({"BOROUGH_SMTP_URL": "smtps://u@relay.example"}, "BOROUGH_SMTP_PASSWORD_FILE"),
        (
            {"BOROUGH_SMTP_URL": "smtps://u:hunter2@relay.example", "BOROUGH_SMTP_PASSWORD_FILE": str(secret)},
            "keep one",
        ),
        ({"BOROUGH_SMTP_URL": "smtps://relay.example", "BOROUGH_MAIL_SENDER": "Council <a@b.example>"}, "SENDER"),
        ({"BOROUGH_SMTP_URL": "smtps://relay.example", "BOROUGH_WEB_URL": ""}, "BOROUGH_WEB_URL"),
        ({"BOROUGH_MAIL_QUIET_HOURS": "9pm to 8am"}, "BOROUGH_MAIL_QUIET_HOURS"),
        ({"BOROUGH_MAIL_QUIET_HOURS": "29:00-08:00"}, "BOROUGH_MAIL_QUIET_HOURS"),
        ({"BOROUGH_MAIL_CAPS": '{"odd": 1}'}, "'odd' is no kind of message"),
        ({"BOROUGH_MAIL_CAPS": "{"}, "BOROUGH_MAIL_CAPS"),
    ):
        done = forked.run(("deliver",), {**base, **more})
        assert done.returncode == 2, more
        assert words in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert "hunter2" not in done.stderr
