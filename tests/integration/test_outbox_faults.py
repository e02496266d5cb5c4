"""The outbox under faults of the relay and the database at every stage, and several workers at once."""

from __future__ import annotations

import socket
import threading
import time as clock
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta

import psycopg
import pytest

from borough.delivery import outbox as delivery
from borough.delivery import rules, smtp
from borough.delivery.rules import KINDS
from store import contacts, outbox_work
from store.outbox import LASTS
from tests.tools.relay import DRIP, DROP, HANG, Relay
from tests.tools.servers import Cluster
from tests.worlds.outbox import NOON, World, options, quiet


@pytest.fixture(scope="module")
def outbox_database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def world(outbox_database: str) -> Iterator[World]:
    found = World(outbox_database)
    found.empty()
    yield found
    found.close()


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as found:
        yield found


# --------------------------------------------------------------------------------------------- faults at every stage


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize("answer", ["451 4.3.0 later", "421 4.3.2 closing", DROP, HANG, DRIP])
def test_what_passes_is_tried_again_and_arrives_once(world: World, relay: Relay, stage: str, answer: str) -> None:
    silent = answer in (DROP, HANG, DRIP)
    if silent and stage == "CONTENT":
        pytest.skip("after the last dot nobody knows: the next tests")
    message = world.put(world.person())
    relay.answers[stage] = [answer]  # type: ignore[index]
    world.work(options(relay.port, seconds=0.3 if answer in (HANG, DRIP) else 10.0))
    assert world.state(message) == "waiting"
    assert relay.got == []
    (tried,) = world.rows("select number, code, enhanced, answer from personal.message_attempt")
    assert tried[0] == 1
    assert tried[1] == (None if silent else int(answer[:3]))
    world.work(options(relay.port))
    assert relay.got == []  # not before its pause is over
    world.clock.pass_(timedelta(seconds=16))
    world.work(options(relay.port))
    assert (world.state(message), len(relay.got)) == ("sent", 1)


@pytest.mark.parametrize(
    ("stage", "answer", "bounced"),
    [
        ("RCPT", "550 5.1.1 <{to}>: no such user", True),
        ("RCPT", "550 no such user {to}", True),
        ("RCPT", "551 5.1.6 moved", True),
        ("RCPT", "550 5.7.1 refused by policy", False),
        ("RCPT", "552 5.2.2 mailbox full", False),
        ("RCPT", "554 not here", False),
        ("DATA", "554 5.6.0 no", False),
        ("CONTENT", "554 5.7.1 looks like spam", False),
        ("CONTENT", "550 5.1.1 said too late", False),
        ("MAIL", "552 5.3.4 too large", False),
    ],
)
def test_what_is_refused_for_good_fails_and_a_mailbox_that_is_none_is_left_alone(
    world: World, relay: Relay, stage: str, answer: str, bounced: bool
) -> None:
    person = world.person("ben@home.example")
    message = world.put(person)
    relay.answers[stage] = [answer.format(to="ben@home.example")]  # type: ignore[index]
    world.work(options(relay.port))
    assert world.state(message) == "failed"
    reason = world.standing(message).reason
    assert reason is not None
    assert reason.startswith(answer[:3])
    assert "ben" not in reason
    assert relay.got == []
    (row,) = world.rows("select bounced_at is not null, bounce is not null from personal.contact")
    assert row == (bounced, bounced)
    later = world.put(person)
    world.work(options(relay.port))
    assert world.state(later) == ("withheld" if bounced else "sent")


@pytest.mark.parametrize("fault", [DROP, HANG, DRIP, "mumble"])
def test_an_answer_that_is_lost_after_the_last_dot_is_perhaps_and_never_repeated(
    world: World, relay: Relay, fault: str
) -> None:
    message = world.put(world.person())
    relay.answers["TAKEN"] = [fault]
    world.work(options(relay.port, seconds=0.1))
    assert world.state(message) == "perhaps"
    assert len(relay.got) == 1
    world.clock.pass_(timedelta(days=2))
    world.work(options(relay.port))
    assert (world.state(message), len(relay.got)) == ("perhaps", 1)


@pytest.mark.parametrize(("stage", "answer"), [("MAIL", "550 5.7.1 who are you"), ("MAIL", "530 5.7.0 sign in first")])
def test_a_sender_that_is_refused_fails_no_message(world: World, relay: Relay, stage: str, answer: str) -> None:
    messages = [world.put(world.person()) for _ in range(3)]
    relay.always[stage] = answer  # type: ignore[index]
    worker = world.work(options(relay.port))
    assert worker.problem.startswith("the relay takes nothing from no-reply@council.example: 5")
    assert {world.state(each) for each in messages} == {"waiting"}
    assert relay.seen.count("MAIL") == 1
    ((since, problem),) = world.rows("select failing_since is not null, problem from public.relay")
    assert since
    assert problem == worker.problem
    del relay.always[stage]  # type: ignore[arg-type]
    world.work(options(relay.port))
    assert {world.state(each) for each in messages} == {"sent"}
    assert world.rows("select failing_since, problem from public.relay") == [(None, None)]


def test_a_relay_that_is_away_costs_no_try_and_is_asked_now_and_then(world: World, relay: Relay) -> None:
    message = world.put(world.person())
    relay.away()
    worker = world.worker(options(relay.port))
    with world.connect() as connection:
        for _ in range(5):
            worker.turn(connection, lambda: False)
        assert "cannot be reached" in worker.problem
        assert world.rows("select tries from personal.message") == [(0,)]
        relay.back()
        worker.turn(connection, lambda: False)
        assert world.state(message) == "waiting"  # its pause of five seconds is not over
        world.clock.pass_(timedelta(seconds=6))
        worker.turn(connection, lambda: False)
        assert (world.state(message), worker.problem) == ("sent", "")
    worker.close()


@pytest.mark.parametrize("stage", ["connect", "EHLO"])
def test_a_relay_that_lets_us_in_byte_by_byte_holds_no_worker(world: World, relay: Relay, stage: str) -> None:
    """Each answer has its time as a whole: reads that each bring a byte do not lengthen it."""
    message = world.put(world.person())
    relay.always[stage] = DRIP  # type: ignore[index]
    worker = world.work(options(relay.port, seconds=0.2))
    assert "does not answer within 0.2 s" in worker.problem
    assert world.state(message) == "waiting"


def test_many_slow_answers_are_bounded_together(world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that each come in time may not hold a worker for all their times until the last dot."""
    message = world.put(world.person())
    monkeypatch.setattr(smtp, "BEFORE", 0.5)
    given = options(relay.port, seconds=1.0)
    relay.on_stage = lambda stage: clock.sleep(0.3) if stage in ("MAIL", "RCPT", "DATA") else None
    world.work(given)
    assert (world.state(message), relay.got) == ("waiting", [])
    reason = world.standing(message).reason
    assert reason is not None
    assert "no answer in time" in reason


def test_the_last_dot_does_not_wait_for_an_acknowledgement(relay: Relay) -> None:
    """Small packets go at once: else each e-mail takes 40 ms of doing nothing (Nagle, and the other's delayed ACK)."""
    mail = options(relay.port).mail
    assert mail is not None
    connection = smtp.Connection(mail.relay, "council.example")
    sock = connection._smtp.sock
    assert sock is not None
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    connection.close()


def test_an_answer_without_end_fills_no_memory(world: World, relay: Relay) -> None:
    message = world.put(world.person())
    relay.always["RCPT"] = "\r\n".join(["250-well"] * 20_000)
    world.work(options(relay.port))
    assert (world.state(message), relay.got) == ("waiting", [])
    assert "bytes" in str(world.standing(message).reason)


def test_one_bad_message_harms_no_other(world: World, relay: Relay) -> None:
    bad = world.put(world.person(), subject="first")
    good = [world.put(world.person()) for _ in range(12)]
    relay.answers["RCPT"] = ["550 5.1.1 no"]
    world.work(options(relay.port))
    assert world.state(bad) == "failed"
    assert {world.state(each) for each in good} == {"sent"}


def test_what_is_urgent_goes_before_what_waits_longer(world: World, relay: Relay) -> None:
    person = world.person()
    for number in range(30):
        world.put(world.person(), kind="care-note", subject=f"note {number}")
    world.put(person, kind="code", subject="the code", due_at=world.clock.at + timedelta(milliseconds=1))
    worker = world.worker(options(relay.port))
    world.clock.pass_(timedelta(seconds=1))
    with world.connect() as connection:
        worker.turn(connection, lambda: False)
    worker.close()
    assert relay.subjects()[0] == "the code"


def test_an_address_beyond_ascii_is_sent_or_refused_in_words(world: World) -> None:
    for utf8, state in ((True, "sent"), (False, "failed")):
        world.empty()
        with Relay(utf8=utf8) as relay:
            message = world.put(world.person("jos\u00e9@b\u00fccher.example"), subject="\u00fc")
            world.work(options(relay.port))
            assert world.state(message) == state
            if utf8:
                assert relay.got[0].to == "jos\u00e9@xn--bcher-kva.example"
                assert relay.got[0].mail["Subject"] == "\u00fc"
            else:
                assert "SMTPUTF8" in str(world.standing(message).reason)


def test_dots_and_long_lines_arrive_as_they_were(world: World, relay: Relay) -> None:
    text = ".\n..two\n" + "long " * 500 + "\n.last\n\u00fc" + "y" * 3000
    world.put(world.person(), text=text)
    world.work(options(relay.port))
    assert relay.got[0].part("plain").startswith(text + "\n\n-- \n")
    assert max(map(len, relay.got[0].data.split(b"\r\n"))) <= 998
    assert b"\n" not in relay.got[0].data.replace(b"\r\n", b"")


# ------------------------------------------------------------------------------------------ several workers, and races


def test_several_workers_share_the_work_and_no_message_goes_twice(world: World, relay: Relay) -> None:
    people = [world.person() for _ in range(10)]
    messages = [world.put(people[number % 10]) for number in range(120)]
    workers = [world.worker(options(relay.port)) for _ in range(4)]

    def work(worker: delivery.Worker) -> None:
        with world.connect() as connection:
            while worker.turn(connection, lambda: False):
                pass
        worker.close()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(relay.subjects()).most_common(1)[0][1] == 1
    assert len(relay.got) == 120
    assert {world.state(each) for each in messages} == {"sent"}
    assert sum(worker.done["sent"] for worker in workers) == 120


def test_a_stop_that_comes_before_the_last_dot_holds_the_message_back(world: World, relay: Relay) -> None:
    person = world.person()
    message = world.put(person)
    hand = outbox_work.hand
    with world.connect() as other, pytest.MonkeyPatch.context() as patch:

        def stopped_first(connection: object, number: int, *rest: object, **more: object) -> bool:
            contacts.stop(other, person, "care-alert", "", NOON)
            return hand(connection, number, *rest, **more)  # type: ignore[arg-type]

        patch.setattr(outbox_work, "hand", stopped_first)
        world.work(options(relay.port))
    assert relay.got == []
    assert (world.state(message), world.standing(message).reason) == ("withheld", rules.STOPPED)


def test_a_worker_that_was_thought_dead_does_no_harm(world: World, relay: Relay) -> None:
    """Its database connection ends after it took a message: another takes it, and the first sends nothing."""
    message = world.put(world.person())
    worker = world.worker(options(relay.port))
    hand = outbox_work.hand
    with world.connect() as connection, pytest.MonkeyPatch.context() as patch:

        def overtaken(connection_: object, *rest: object, **more: object) -> bool:
            patch.undo()
            _end(world, connection.info.backend_pid)
            world.work(options(relay.port))
            return hand(connection_, *rest, **more)  # type: ignore[arg-type]

        patch.setattr(outbox_work, "hand", overtaken)
        with pytest.raises(psycopg.OperationalError):
            worker.turn(connection, lambda: False)
    assert len(relay.got) == 1
    with world.connect() as connection:
        worker.turn(connection, lambda: False)
    worker.close()
    assert (len(relay.got), world.state(message)) == (1, "sent")


def _end(world: World, pid: int) -> None:
    """End a connection of the database, and wait until it has ended."""
    world.rows("select pg_terminate_backend(%s, 10000)", pid)


def test_a_database_that_goes_after_the_last_dot_loses_no_answer(world: World, relay: Relay) -> None:
    message = world.put(world.person())
    worker = world.worker(options(relay.port))
    with world.connect() as connection:
        pid = connection.info.backend_pid
        relay.on_taken = lambda _: _end(world, pid)
        with pytest.raises(psycopg.OperationalError):
            worker.turn(connection, lambda: False)
    relay.on_taken = None
    assert len(relay.got) == 1
    other = world.work(options(relay.port))
    assert world.state(message) == "perhaps"  # all that anybody else can know
    assert other.done["sent"] == 0
    with world.connect() as connection:
        worker.turn(connection, lambda: False)
    worker.close()
    assert (len(relay.got), world.state(message)) == (1, "sent")


def test_a_database_that_goes_before_the_last_dot_costs_nothing(world: World, relay: Relay) -> None:
    message = world.put(world.person())
    worker = world.worker(options(relay.port))
    hand = outbox_work.hand
    with world.connect() as connection, pytest.MonkeyPatch.context() as patch:

        def lost(connection_: object, *rest: object, **more: object) -> bool:
            assert hand(connection_, *rest, **more)  # type: ignore[arg-type]
            raise psycopg.OperationalError("the answer to the commit was lost")

        patch.setattr(outbox_work, "hand", lost)
        with pytest.raises(psycopg.OperationalError):
            worker.turn(connection, lambda: False)
    assert relay.got == []
    with world.connect() as connection:
        worker.turn(connection, lambda: False)
        assert world.state(message) == "waiting"
        world.clock.pass_(timedelta(minutes=1))
        worker.turn(connection, lambda: False)
    worker.close()
    assert (len(relay.got), world.state(message)) == (1, "sent")


def test_a_worker_that_stops_gives_back_what_it_has_not_begun(world: World, relay: Relay) -> None:
    messages = [world.put(world.person()) for _ in range(5)]
    worker = world.worker(options(relay.port))
    with world.connect() as connection:
        worker.turn(connection, lambda: len(relay.got) >= 2)
        assert Counter(map(world.state, messages)) == {"sent": 2, "waiting": 3}
    worker.close()


def test_every_kind_has_a_rule_an_end_and_a_place_in_the_schema(world: World, relay: Relay) -> None:
    assert KINDS.keys() == LASTS.keys()
    given = options(relay.port)
    person = world.person()
    for kind in KINDS:
        world.put(person, kind=kind)
    world.work(quiet(given, time(0), time(0)))
    found = dict(world.rows("select kind, state from personal.message"))
    # those that need a household that agrees have none here
    assert {kind for kind, state in found.items() if state != "sent"} == {"nudge", "letter-notice"}


def test_a_worker_whose_message_is_anothers_by_now_may_not_send_its_last_dot(world: World, relay: Relay) -> None:
    """Its lock has gone, as after a pause that the server took for its end, and its connection works all the same."""
    message = world.put(world.person())
    worker = world.worker(options(relay.port))
    hand = outbox_work.hand
    with world.connect() as connection, world.connect() as other, pytest.MonkeyPatch.context() as patch:

        def overtaken(connection_: object, number: int, own: int, now: datetime, **more: object) -> bool:
            connection.execute("select pg_advisory_unlock_all()")
            assert outbox_work.recover(other, now) == (1, 0)
            next_one = outbox_work.enter(other)
            taken, _ = outbox_work.take(
                other, next_one, now, now.date(), ["email"], 5, lambda *_: outbox_work.Verdict("send")
            )
            assert [one.id for one in taken] == [message]
            return hand(connection_, number, own, now, **more)  # type: ignore[arg-type]

        patch.setattr(outbox_work, "hand", overtaken)
        worker.turn(connection, lambda: bool(relay.got))
        assert relay.got == []
        assert world.state(message) == "sending"  # the other's still: nothing was given back that is not one's own
    worker.close()
