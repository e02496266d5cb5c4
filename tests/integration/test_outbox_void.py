"""What may not be told any more is told by nobody: not by a worker that has it, after no fault, by no operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from borough.delivery import rules
from store import air_alerts, homes, outbox, outbox_list, outbox_work
from store.connect import Connection
from store.outbox_work import Answer, Candidate, Verdict
from tests.tools.relay import Relay, Stage
from tests.tools.servers import Cluster
from tests.tools.site import make_home
from tests.worlds.outbox import NOON, World, options

LATER = Answer("content", 451, None, "451 later")


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


def taken(world: World, connection: Connection) -> tuple[int, list[Candidate]]:
    """A worker takes all that is due."""
    worker = outbox_work.enter(connection)
    some, _ = outbox_work.take(
        connection, worker, world.clock(), world.clock.at.date(), ["email"], 20, lambda _one, _held: Verdict("send")
    )
    return worker, some


def withhold(world: World, way: str, message: int) -> None:
    if way == "thread":
        assert outbox.withhold(world.own, kind="care-alert", thread="care:7", reason="withdrawn", at=world.clock()) == 1
    elif way == "number":
        assert outbox.withhold_some(world.own, [message], "withdrawn", world.clock()) == 1
    else:
        assert air_alerts.withhold(world.own, message, world.clock())


@pytest.mark.parametrize("way", ["thread", "number", "episode"])
def test_what_a_worker_has_and_has_not_begun_is_withheld_at_once(world: World, way: str) -> None:
    """Twenty are taken at once, and a slow relay takes minutes for each."""
    message = world.put(world.person(), thread="care:7")
    with world.connect() as connection:
        worker, some = taken(world, connection)
        assert [one.id for one in some] == [message]
        withhold(world, way, message)
        assert world.state(message) == "withheld"
        assert not outbox_work.hand(connection, message, worker, world.clock())
        outbox_work.give_back(connection, worker, [message])
        assert world.state(message) == "withheld"


def test_what_is_handed_over_as_it_is_withheld_is_not_tried_again(world: World) -> None:
    """The relay says later, and then its reader may not know it any more."""
    message = world.put(world.person(), thread="care:7")
    with world.connect() as connection:
        worker, _ = taken(world, connection)
        handed = world.clock()
        assert outbox_work.hand(connection, message, worker, handed)
        assert outbox.withhold_some(world.own, [message], "withdrawn", world.clock()) == 0
        assert world.state(message) == "sending"
        at = world.clock() + timedelta(seconds=15)
        assert outbox_work.again(connection, message, worker, LATER, at, world.clock(), handed)
    assert (world.state(message), world.standing(message).reason) == ("withheld", "withdrawn")


@pytest.mark.parametrize("handed", [False, True])
def test_what_a_killed_worker_had_and_is_withheld_meanwhile_waits_no_more(world: World, handed: bool) -> None:
    message = world.put(world.person(), thread="care:7")
    with world.connect() as connection:
        worker, _ = taken(world, connection)
        if handed:
            assert outbox_work.hand(connection, message, worker, world.clock())
    outbox.withhold_some(world.own, [message], "withdrawn", world.clock())
    outbox_work.recover(world.own, world.clock())
    assert world.state(message) == ("perhaps" if handed else "withheld")
    assert not outbox_list.retry(world.own, message, world.clock())


@pytest.mark.parametrize("state", ["failed", "expired", "withheld"])
def test_no_operator_tries_it_again(world: World, state: str) -> None:
    message = world.put(world.person(), thread="care:7")
    world.own.execute("update personal.message set state = %s, reason = 'so', settled_at = now()", (state,))
    assert outbox.withhold_some(world.own, [message], "withdrawn", world.clock()) == 0
    assert not outbox_list.retry(world.own, message, world.clock())
    assert (world.state(message), world.standing(message).reason) == (state, "so")
    found = outbox_list.one(world.own, message)
    assert found is not None
    assert found.void == "withdrawn"


def test_what_is_withdrawn_while_its_text_is_sent_never_arrives(world: World) -> None:
    """As it would be by a resident: the first one's text is at the relay, and the second one was taken with it."""
    first, second = (world.put(world.person(), thread="care:7") for _ in range(2))

    def withdraw(stage: Stage) -> None:
        if stage == "DATA":
            outbox.withhold(world.own, kind="care-alert", thread="care:7", reason="withdrawn", at=world.clock())

    with Relay(on_stage=withdraw) as relay:
        world.work(options(relay.port))
        assert relay.got == []
    assert (world.state(first), world.state(second)) == ("withheld", "withheld")


def test_a_household_that_agrees_no_more_gets_not_what_was_taken_before(world: World) -> None:
    make_home(world.own, home_id=10_000_000_000_001, tenancy_id=20_000_000_000_001, uprn="100000000001")
    homes.give_consent(world.own, 20_000_000_000_001, "messages", "page", NOON - timedelta(days=1))
    message = world.put(world.person(tenancy=20_000_000_000_001), kind="nudge")

    def withdraw(stage: Stage) -> None:
        if stage == "DATA":
            homes.withdraw_consent(world.own, 20_000_000_000_001, "messages", world.clock())

    with Relay(on_stage=withdraw) as relay:
        world.work(options(relay.port))
        assert relay.got == []
    assert (world.state(message), world.standing(message).reason) == ("withheld", rules.WITHDRAWN)


def test_a_relay_that_takes_no_letters_beyond_ascii_blocks_no_other_message(world: World) -> None:
    """It promised SMTPUTF8, and refuses the e-mail of one address with the sender's command."""
    odd = world.put(world.person("jos\u00e9@home.example"))
    plain = world.put(world.person())
    with Relay() as relay:
        relay.answers["MAIL"] = ["550 5.6.7 no such letters here"]
        worker = world.work(options(relay.port))
        assert worker.problem == ""
        assert len(relay.got) == 1
    assert (world.state(odd), world.state(plain)) == ("failed", "sent")
