"""What holds a code or a link for its reader alone does not keep it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from store import contacts, maintain, outbox_list
from store.outbox import CUT, LASTS, SECRET, Kind
from tests.tools import forked
from tests.tools.relay import DROP, Relay
from tests.tools.servers import Cluster
from tests.worlds.outbox import World, options, settings

#: What no database may keep.
WORD = "wq7-fish-lantern"


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def world(database: str) -> Iterator[World]:
    found = World(database)
    found.empty()
    yield found
    found.close()


def put(world: World, kind: Kind) -> int:
    return world.put(world.person(), kind=kind, text=f"Go to {WORD}.", html=f"<p>Go to {WORD}.</p>")


def kept(world: World) -> str:
    return str(world.rows("select to_jsonb(m) from personal.message m order by id"))


@pytest.mark.parametrize("kind", SECRET)
def test_what_was_sent_keeps_no_secret_and_is_not_sent_again(world: World, kind: Kind) -> None:
    message = put(world, kind)
    other = world.put(world.person(), kind="care-alert", text="The words of another.")
    assert WORD in kept(world)
    with Relay() as relay:
        world.work(options(relay.port))
        assert WORD in relay.got[0].part("plain")
        assert WORD in relay.got[0].part("html")
    assert world.state(message) == "sent"
    assert WORD not in kept(world)
    assert CUT in kept(world)
    assert world.rows("select text from personal.message where id = %s", other) == [("The words of another.",)]
    with world.connect() as connection:
        assert not outbox_list.retry(connection, message, world.clock.at)
    assert world.state(message) == "sent"


def test_one_that_was_perhaps_sent_keeps_it_as_long_as_it_is_of_use(world: World) -> None:
    """An operator may have it tried again until then, and no longer; then the secret goes."""
    perhaps = put(world, "code")
    with Relay() as relay:
        relay.answers["TAKEN"] = [DROP]
        world.work(options(relay.port))
    assert world.state(perhaps) == "perhaps"
    waits, note = put(world, "code"), world.put(world.person(), kind="care-note", text=f"No secret: {WORD}-note")
    maintain.maintain(world.own, {}, world.clock.at)
    texts = dict(world.rows("select id, text from personal.message"))
    assert WORD in texts[perhaps]
    world.clock.pass_(LASTS["code"] + timedelta(minutes=1))
    with world.connect() as connection:
        assert not outbox_list.retry(connection, perhaps, world.clock.at)
    world.work(options(None))
    assert (world.state(waits), world.state(note)) == ("expired", "waiting")
    maintain.maintain(world.own, {}, world.clock.at)
    texts = dict(world.rows("select id, text from personal.message"))
    assert (texts[perhaps], texts[waits]) == (CUT, CUT)
    assert texts[note] == f"No secret: {WORD}-note"


def test_one_that_failed_is_tried_again_with_its_words_and_in_its_own_time(world: World) -> None:
    person = world.person("ana@home.example")
    message = world.put(person, kind="code", text=f"Go to {WORD}.")
    with Relay() as relay:
        relay.answers["RCPT"] = ["550 5.7.1 no"]
        world.work(options(relay.port))
        assert world.state(message) == "failed"
        ((before,),) = world.rows("select expires_at from personal.message")
        with world.connect() as connection:
            assert outbox_list.retry(connection, message, world.clock.at)
        assert world.rows("select expires_at from personal.message") == [(before,)]
        world.work(options(relay.port))
        assert WORD in relay.got[0].part("plain")
    assert (world.state(message), WORD in kept(world)) == ("sent", False)
    with world.connect() as connection:
        assert contacts.forget(connection, person)


def test_an_operator_is_told_that_a_code_is_of_no_use_any_more(world: World) -> None:
    message = put(world, "code")
    world.clock.pass_(timedelta(hours=1))
    world.work(options(None))
    assert world.state(message) == "expired"
    done = forked.run(["outbox", "retry", str(message)], settings(world.url, None))
    assert done.returncode == 1
    assert "of no use any more" in done.stdout
    assert world.state(message) == "expired"
