"""The outbox on a real database and a real relay: what arrives, what does not and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borough.delivery import rules
from store import contacts, outbox
from store.outbox import LASTS
from tests.tools.relay import Relay
from tests.tools.servers import Cluster
from tests.worlds.outbox import NOON, SITE, World, options, quiet


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


def test_a_message_arrives_once_with_its_words_and_its_link(world: World, relay: Relay) -> None:
    person = world.person("ana@home.example")
    message = world.put(
        person, kind="air-alert", subject="Ozone is high \u2013 today", text="Line one.\n\nSee https://council.example/air",
        thread="air:7",
    )  # fmt: skip
    worker = world.work(options(relay.port))
    assert worker.done["sent"] == 1
    (one,) = relay.got
    assert (one.sender, one.to) == ("no-reply@council.example", "ana@home.example")
    assert one.mail["Subject"] == "Ozone is high \u2013 today"
    assert one.mail["Auto-Submitted"] == "auto-generated"
    link = str(one.mail["List-Unsubscribe"])
    assert link.startswith(f"<{SITE}/stop/")
    assert "ana" not in link
    assert one.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link[1:-1] in one.part("plain")
    assert f'<a href="{link[1:-1]}">' in one.part("html")
    assert "Line one." in one.part("plain")
    assert "<p>Line one.</p>" in one.part("html")
    assert world.state(message) == "sent"
    world.work(options(relay.port))
    assert len(relay.got) == 1
    with world.connect() as connection:
        found = contacts.by_token(connection, link[1:-1].rpartition("/")[2])
    assert found == contacts.Stop(person, "air-alert", "air:7", False)


def test_the_second_put_of_a_key_does_nothing(world: World, relay: Relay) -> None:
    person = world.person()
    world.put(person, key="same", subject="first")
    with world.connect() as connection:
        again = outbox.put(
            connection, key="same", contact=person, kind="care-alert", origin="real", subject="second", text="t",
            due_at=NOON,
        )  # fmt: skip
    assert again is None
    world.work(options(relay.port))
    assert relay.subjects() == ["first"]


def test_nothing_is_put_for_a_contact_that_is_gone(world: World) -> None:
    person = world.person()
    with world.connect() as connection:
        assert contacts.forget(connection, person)
        assert (
            outbox.put(
                connection, key="late", contact=person, kind="code", origin="real", subject="s", text="t", due_at=NOON
            )
            is None
        )
        assert not contacts.forget(connection, person)


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "two\r\nBcc: all@home.example"},
        {"subject": "two\nlines"},
        {"subject": "x" * 201},
        {"subject": " "},
        {"key": ""},
        {"key": "a\x00b"},
        {"thread": "a\tb"},
        {"text": "a\0b"},
        {"text": "x" * 100_001},
        {"html": "<img src='https://tracker.example/pixel'>"},
        {"html": "<p>open"},
    ],
)
def test_what_can_be_no_message_is_refused_when_it_is_put(world: World, given: dict[str, str]) -> None:
    person = world.person()
    with pytest.raises(ValueError, match=r"sign|html|line"):
        world.put(person, **given)


# ------------------------------------------------------------------------------------------------ who is sent nothing


def test_who_stopped_gets_nothing_of_that_kind_and_thread(world: World, relay: Relay) -> None:
    person = world.person()
    with world.connect() as connection:
        assert contacts.stop(connection, person, "care-alert", "home:1", NOON)
        assert not contacts.stop(connection, person, "care-alert", "home:1", NOON)
        assert contacts.stopped(connection, person, "care-alert", "home:1")
        assert not contacts.stopped(connection, person, "care-alert", "home:2")
    one = world.put(person, thread="home:1")
    two = world.put(person, thread="home:2", subject="of another home")
    code = world.put(person, kind="code", thread="home:1", subject="a code")
    world.work(options(relay.port))
    assert [world.state(each) for each in (one, two, code)] == ["withheld", "sent", "sent"]
    assert world.standing(one).reason == rules.STOPPED
    assert sorted(relay.subjects()) == ["a code", "of another home"]
    with world.connect() as connection:
        assert contacts.start(connection, person, "care-alert", "home:1")
        assert not contacts.stopped(connection, person, "care-alert", "home:1")
        contacts.stop(connection, person, "care-alert", "", NOON)
    three = world.put(person, thread="home:2")
    world.work(options(relay.port))
    assert world.state(three) == "withheld"


def test_who_confirmed_nothing_gets_only_what_asks_for_it(world: World, relay: Relay) -> None:
    person = world.person(confirmed=False)
    alert, confirm = world.put(person, kind="air-alert"), world.put(person, kind="air-confirm", subject="Is it you?")
    world.work(options(relay.port))
    assert (world.state(alert), world.standing(alert).reason) == ("withheld", rules.UNCONFIRMED)
    assert world.state(confirm) == "sent"
    assert relay.subjects() == ["Is it you?"]
    with world.connect() as connection:
        assert contacts.confirm(connection, person, NOON)
        assert not contacts.confirm(connection, person, NOON)
    later = world.put(person, kind="air-alert")
    world.work(options(relay.port))
    assert world.state(later) == "sent"


@pytest.mark.parametrize(
    ("people", "person", "about", "reason"),
    [
        ("real", "real", "real", None),
        ("real", "real", "simulated", rules.SIMULATED),
        ("real", "simulated", "simulated", rules.INVENTED),
        ("real", "simulated", "real", rules.INVENTED),
        ("simulated", "simulated", "simulated", None),
        ("simulated", "real", "simulated", rules.SIMULATED),
    ],
)
def test_no_real_person_is_told_of_a_simulated_home(
    world: World, relay: Relay, people: str, person: str, about: str, reason: str | None
) -> None:
    given = options(relay.port)
    given = replace(given, rules=replace(given.rules, origin=people))  # type: ignore[arg-type]
    message = world.put(world.person(origin=person), origin=about)
    world.work(given)
    assert world.standing(message).reason == reason
    assert len(relay.got) == (reason is None)


def test_caps_count_a_person_by_address_and_kind_whatever_the_contact(world: World, relay: Relay) -> None:
    given = options(relay.port)
    given = replace(given, rules=replace(given.rules, caps={"care-alert": 3}))
    one = world.person("Ana@home.example")
    two = world.person("ana@home.example", origin="real")
    assert one == two
    messages = [world.put(one) for _ in range(5)]
    note = world.put(one, kind="care-note")
    world.work(given)
    assert [world.state(each) for each in messages] == ["sent"] * 3 + ["withheld"] * 2
    assert world.standing(messages[3]).reason == rules.CAP
    assert world.state(note) == "sent"
    world.clock.pass_(timedelta(hours=25))
    later = world.put(one)
    world.work(given)
    assert world.state(later) == "sent"


def test_quiet_hours_hold_some_kinds_until_the_morning_and_others_not(world: World, relay: Relay) -> None:
    given = quiet(options(relay.port))
    world.clock.at = datetime(2026, 6, 2, 20, 30, tzinfo=UTC)  # 21:30 on the wall
    person = world.person()
    note, alert = world.put(person, kind="care-note"), world.put(person)
    short = world.put(person, kind="air-alert", expires_at=world.clock.at + timedelta(hours=2))
    world.work(given)
    assert (world.state(note), world.state(alert), world.state(short)) == ("waiting", "sent", "expired")
    (row,) = world.rows("select next_at from personal.message where id = %s", note)
    assert row == (datetime(2026, 6, 3, 7, tzinfo=UTC),)
    world.clock.at = datetime(2026, 6, 3, 6, 59, tzinfo=UTC)
    world.work(given)
    assert world.state(note) == "waiting"
    world.clock.at = datetime(2026, 6, 3, 7, 0, 1, tzinfo=UTC)
    world.work(given)
    assert world.state(note) == "sent"


def test_what_is_of_no_use_any_more_expires_with_or_without_a_relay(world: World) -> None:
    person = world.person()
    message = world.put(person, kind="code")
    world.work(options(None))
    assert world.state(message) == "waiting"
    world.clock.pass_(LASTS["code"])
    world.work(options(None))
    assert (world.state(message), world.standing(message).reason) == ("expired", "not taken in time")


def test_what_is_taken_back_is_not_sent(world: World, relay: Relay) -> None:
    one, two = world.person(), world.person()
    first, second = world.put(one, thread="home:1"), world.put(two, thread="home:1")
    other = world.put(one, thread="home:2")
    with world.connect() as connection:
        values = {"kind": "care-alert", "thread": "home:1", "reason": "the link was withdrawn", "at": NOON}
        assert outbox.withhold(connection, **values, contact=one) == 1  # type: ignore[arg-type]
        assert outbox.withhold(connection, **values) == 1  # type: ignore[arg-type]
        assert outbox.withhold(connection, **values) == 0  # type: ignore[arg-type]
    world.work(options(relay.port))
    assert [world.state(each) for each in (first, second, other)] == ["withheld", "withheld", "sent"]
