"""What becomes of contacts and messages where somebody leaves, asks, or time passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from borough.delivery import rules
from store import contacts, erasure, homes, maintain, outbox, subject
from store.connect import connect
from tests.tools.relay import Relay
from tests.tools.servers import Cluster
from tests.worlds import household
from tests.worlds.household import KEY, ZONE, Household
from tests.worlds.outbox import World, options

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
BERT = Household("100021048378", "meter-bert-7732", "Bert Ottershaw", "4 Nightjar Row", 0.314159, date(2026, 1, 1))
TABLES = ("contact", "contact_stop", "stop_token", "message", "message_attempt")


@pytest.fixture
def world(timescale: Cluster) -> Iterator[World]:
    name = timescale.create()
    found = World(timescale.url(name))
    yield found
    found.close()
    timescale.drop(name)


def counts(world: World) -> dict[str, int]:
    return {table: world.rows(f"select count(*) from personal.{table}")[0][0] for table in TABLES}


def moved_in(world: World, who: Household) -> int:
    with connect(world.url) as connection:
        tenancy = household.add(connection, who)
        household.trace(connection, who, tenancy, date(2026, 3, 28))
    return tenancy


def test_an_erasure_takes_what_a_household_was_told_and_what_others_were_told_of_it(world: World) -> None:
    anna, _ = moved_in(world, ANNA), moved_in(world, BERT)
    assert counts(world) == dict.fromkeys(TABLES, 6)
    plan = erasure.plan(world.own, anna, ZONE)
    assert plan is not None
    with world.own.transaction():
        erasure.bury(world.own, KEY, plan)
    with world.own.transaction():
        done = erasure.erase(world.own, KEY, plan)
    assert (done["personal.message"], done["personal.contact"]) == (3, 2)
    # the carer's own address stays: it is theirs, and other homes may need it
    assert counts(world) == {"contact": 4, "contact_stop": 3, "stop_token": 3, "message": 3, "message_attempt": 3}
    left = world.rows("select address from personal.contact order by id")
    assert [address for (address,) in left if "Anna" in address] == []
    assert "Anna" not in str(household.dump(world.url)["personal.message"])


def test_nothing_is_put_for_a_household_that_is_being_erased(world: World) -> None:
    anna = moved_in(world, ANNA)
    person = world.person("late@home.example", tenancy=anna)
    with world.connect() as erasing, erasing.transaction():
        erasing.execute("select from personal.tenancy where id = %s for update", (anna,))
        with world.connect() as other:
            assert contacts.email(other, "later@home.example", origin="real", tenancy=anna) is None
            given = {"contact": person, "kind": "care-note", "origin": "real", "subject": "s", "text": "t"}
            assert outbox.put(other, key="late", tenancy=anna, due_at=world.clock.at, **given) is None  # type: ignore[arg-type]


def test_a_message_goes_with_its_account_and_an_unknown_tenancy_has_none(world: World) -> None:
    with world.connect() as connection:
        row = connection.execute(
            "insert into personal.account (issuer, subject) values ('https://id.test', 'x') returning id"
        ).fetchone()
        assert row is not None
        world.put(world.person(account=row[0]))
        connection.execute("delete from personal.account where id = %s", row)
        assert counts(world) == dict.fromkeys(TABLES, 0)
        assert contacts.email(connection, "a@b.example", origin="real", tenancy=17) is None
        assert contacts.page(connection, origin="real", tenancy=17) is None
        assert contacts.letter(connection, origin="real", tenancy=17) is None


def test_a_subject_reads_its_messages_and_no_carers_address(world: World) -> None:
    anna = moved_in(world, ANNA)
    moved_in(world, BERT)
    plan = erasure.plan(world.own, anna, ZONE)
    assert plan is not None
    found = subject.everything(lambda: nullcontext(world.own), plan)

    def read(name: str) -> list[dict[str, object]]:
        table = found[name]
        assert callable(table)
        return [row for rows in table() for row in rows]

    assert [row["address"] for row in read("contacts")] == [
        "Anna.Quillfeather@home.example", "Anna.Quillfeather@work.example",
    ]  # fmt: skip
    told = read("messages")
    assert len(told) == 3
    assert [row["contact"] is None for row in told] == [False, False, True]
    assert all("Anna" in str(row["text"]) for row in told)
    assert "care.example" not in str(told)
    assert "Bert" not in str(told)


def test_a_household_that_withdraws_or_moves_out_gets_no_more(world: World) -> None:
    anna = moved_in(world, ANNA)
    world.rows("delete from personal.message returning 1")
    with Relay() as relay:
        person = world.person("anna@home.example", tenancy=anna)
        given = options(relay.port)
        first = world.put(person, kind="nudge")
        world.work(given)
        assert world.state(first) == "sent"
        world.clock.pass_(timedelta(hours=25))
        homes.withdraw_consent(world.own, anna, "messages", world.clock.at)
        second, code = world.put(person, kind="nudge"), world.put(person, kind="code")
        world.work(given)
        assert (world.state(second), world.standing(second).reason) == ("withheld", rules.WITHDRAWN)
        assert world.state(code) == "sent"
        world.rows("update personal.tenancy set to_day = '2026-06-03' where id = %s returning 1", anna)
        world.clock.at = datetime(2026, 6, 2, 22, 59, tzinfo=UTC)  # its last day, for a minute yet
        third = world.put(person)
        world.work(given)
        assert world.state(third) == "sent"
        world.clock.at = datetime(2026, 6, 2, 23, 0, 1, tzinfo=UTC)
        fourth = world.put(person)
        world.work(given)
        assert (world.state(fourth), world.standing(fourth).reason) == ("withheld", rules.LEFT)


def test_messages_are_kept_for_their_time_after_their_end(world: World) -> None:
    person = world.person()
    with Relay() as relay:
        old, young = world.put(person), None
        world.work(options(relay.port))
        world.clock.pass_(timedelta(days=100))
        young = world.put(person)
        world.work(options(relay.port))
        world.clock.pass_(timedelta(days=1))
        waits = world.put(person, due_at=world.clock.at - timedelta(days=400), expires_at=world.clock.at + timedelta(1))
        report = maintain.maintain(world.own, {}, world.clock.at, message_days=90)
    assert report.messages == 1
    assert outbox.standing(world.own, old) is None
    assert (world.state(young), world.state(waits)) == ("sent", "waiting")


def test_a_page_shows_what_is_due_there_and_no_relay_hears_of_it(world: World) -> None:
    anna = moved_in(world, ANNA)
    world.rows("delete from personal.message returning 1")
    page = contacts.page(world.own, origin="real", tenancy=anna)
    letter = contacts.letter(world.own, origin="real", tenancy=anna)
    assert page is not None
    assert letter is not None
    shown, printed = world.put(page, kind="care-note"), world.put(letter, kind="letter-notice")
    with Relay() as relay:
        world.work(replace(options(relay.port)))
        assert relay.seen == []
    assert (world.state(shown), world.state(printed)) == ("sent", "waiting")


def test_the_schema_keeps_what_can_be_no_contact_out(world: World) -> None:
    for statement in (
        "insert into personal.contact (channel, address, origin) values ('email', E'a@b\\nBcc: c', 'real')",
        "insert into personal.contact (channel, origin) values ('email', 'real')",
        "insert into personal.contact (channel, address, origin) values ('letter', 'a@b.example', 'real')",
        "insert into personal.contact (channel, origin) values ('page', 'real')",
        "insert into personal.contact (channel, address, origin) values ('email', 'a@b.example', 'odd')",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            world.rows(statement + " returning 1")
