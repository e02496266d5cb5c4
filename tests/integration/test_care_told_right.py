"""What carers are told, where several things happen to one home, one link or one message at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from store import care, care_alerts, contacts, homes, outbox_list
from store.connect import Connection, connect
from tests.worlds.care import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    TODAY,
    CareHome,
    add_carer,
    alerts,
    heard,
    know,
    look,
    make_care_home,
    messages,
    move,
    quiet_home,
    say,
    sent,
)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def one_silent(connection: Connection) -> CareHome:
    """A home of which the kitchen is not heard since the morning, and the hall moves."""
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    heard(connection, one, NOW - 5 * HOUR)
    move(connection, one, NOW - 10 * MINUTE)
    return one


def states(connection: Connection) -> list[tuple[str, str, str | None]]:
    """(kind, state, reason) of all messages, in the order in which they were put."""
    return connection.execute("select kind, state, reason from personal.message order by id").fetchall()


@pytest.mark.parametrize("how", ["heard", "answered"])
def test_the_end_of_a_note_withholds_no_alarm_of_the_same_home(connection: Connection, how: str) -> None:
    one = one_silent(connection)
    ada = add_carer(connection, one)
    look(connection)
    assert [kind for kind, *_ in states(connection)] == ["care-note"]
    (silent,) = care_alerts.unended(connection)
    # the hall is heard, and nobody moves for longer than is usual twice over: one sensor is missing
    heard(connection, one, NOW + 7 * HOUR - MINUTE, ["hall"])
    look(connection, NOW + 7 * HOUR)
    assert [(kind, state) for kind, state, _ in states(connection)][1:] == [("care-alert", "waiting")]
    if how == "heard":
        heard(connection, one, NOW + 7 * HOUR, ["kitchen"])
        look(connection, NOW + 7 * HOUR + MINUTE)
    else:
        with connection.transaction():
            assert care_alerts.acknowledge(connection, silent.id, ada.id, NOW + 7 * HOUR)
    assert [(kind, state) for kind, state, _ in states(connection)] == [
        ("care-note", "withheld"), ("care-alert", "waiting"),
    ]  # fmt: skip


def test_a_stopped_kind_of_note_is_stopped_for_the_next_alert_too(connection: Connection) -> None:
    one = one_silent(connection)
    add_carer(connection, one)
    look(connection)
    ((contact, thread),) = connection.execute("select contact_id, thread from personal.message").fetchall()
    contacts.stop(connection, contact, "care-note", thread, NOW)
    sent(connection)
    heard(connection, one, NOW + MINUTE)
    look(connection, NOW + 2 * MINUTE)
    move(connection, one, NOW + 47 * HOUR)
    look(connection, NOW + 48 * HOUR)
    rows = connection.execute("select contact_id, kind, thread from personal.message order by id").fetchall()
    assert len(rows) == 2
    assert contacts.stopped(connection, *rows[1]), "who stopped notes of a home gets no other one of it"


def test_what_another_household_felt_is_not_told_to_the_next(connection: Connection) -> None:
    """Temperatures of before the move are the former tenancy's."""
    old = make_care_home(connection, 1, to_day=TODAY)
    connection.execute(
        "insert into personal.tenancy (id, home_id, from_day) values (%s, %s, %s)", (29_000, old.home, TODAY)
    )
    homes.give_consent(connection, 29_000, "care", "page", NOW)
    two = NOW - 10 * HOUR
    for minutes in range(20 * 60, 0, -10):
        say(connection, old.sensor("hall"), "temperature", two - minutes * MINUTE, 9.0)
    heard(connection, old, two - MINUTE)
    look(connection, two)
    assert [kind for kind, *_ in alerts(connection)] == []


def test_an_end_that_waits_is_not_told_after_the_next_beginning(connection: Connection) -> None:
    """It would sound as if what began at night had ended in the morning."""
    one = quiet_home(connection)
    add_carer(connection, one)
    look(connection)
    sent(connection)
    move(connection, one, NOW + 10 * MINUTE)
    look(connection, NOW + 12 * MINUTE)
    assert [(kind, state) for kind, state, _ in states(connection)] == [
        ("care-alert", "sent"),
        ("care-note", "waiting"),
    ]
    heard(connection, one, NOW + 4 * HOUR)
    look(connection, NOW + 4 * HOUR)
    assert [(kind, state) for kind, state, _ in states(connection)] == [
        ("care-alert", "sent"), ("care-note", "withheld"), ("care-alert", "waiting"),
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["withdrawn", "erased"])
def test_an_answer_goes_with_whoever_gave_it(connection: Connection, how: str) -> None:
    one = quiet_home(connection)
    ada, ben = add_carer(connection, one, "Ada"), add_carer(connection, one, "Ben")
    look(connection)
    sent(connection)
    (alert,) = care_alerts.unended(connection)
    with connection.transaction():
        assert care_alerts.acknowledge(connection, alert.id, ada.id, NOW + MINUTE)
    look(connection, NOW + HOUR)
    assert len(messages(connection)) == 1
    with connection.transaction():
        if how == "withdrawn":
            assert care.withdraw(connection, one.tenancy, ada.id, "resident", NOW + HOUR, TODAY)
        else:
            connection.execute("delete from personal.account where id = %s", (ada.account_id,))
    heard(connection, one, NOW + HOUR)
    look(connection, NOW + HOUR + MINUTE)
    assert [address for _, address, _, _ in messages(connection)][-1] == "ben@example.org"
    with connection.transaction():
        assert care_alerts.acknowledge(connection, alert.id, ben.id, NOW + HOUR + 2 * MINUTE)
    assert care_alerts.unended(connection)[0].acknowledged_by == ben.id


def test_what_was_withdrawn_is_sent_by_no_operator(connection: Connection) -> None:
    one = quiet_home(connection)
    ada = add_carer(connection, one)
    look(connection)
    with connection.transaction():
        assert care.withdraw(connection, one.tenancy, ada.id, "resident", NOW, TODAY)
    (number,) = connection.execute("select id from personal.message").fetchone() or (0,)
    assert not outbox_list.retry(connection, number, NOW)
    assert states(connection) == [("care-alert", "withheld", "withdrawn")]


def test_a_failed_message_of_what_is_over_is_not_tried_again(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one)
    look(connection)
    connection.execute("update personal.message set state = 'failed', reason = '554 no', settled_at = %s", (NOW,))
    move(connection, one, NOW + MINUTE)
    look(connection, NOW + 3 * MINUTE)
    (number,) = connection.execute("select id from personal.message").fetchone() or (0,)
    assert not outbox_list.retry(connection, number, NOW)
    found = outbox_list.one(connection, number)
    assert found is not None
    assert (found.state, found.reason) == ("failed", "554 no"), "what became of it stays as it is"


def test_a_spell_that_is_taken_up_again_after_its_end_was_told_is_told_again(connection: Connection) -> None:
    """Somebody takes the sensors out of the homes' file, and puts them back."""
    one = quiet_home(connection)
    add_carer(connection, one)
    look(connection)
    sent(connection)
    connection.execute("update personal.device set retired_at = %s", (NOW,))
    look(connection, NOW + MINUTE)
    assert alerts(connection) == [("quiet", "", True, False)]
    sent(connection)
    connection.execute("update personal.device set retired_at = null")
    heard(connection, one, NOW + 2 * MINUTE)
    look(connection, NOW + 3 * MINUTE)
    assert [(kind, state) for kind, state, _ in states(connection)] == [
        ("care-alert", "sent"), ("care-note", "sent"), ("care-alert", "waiting"),
    ]  # fmt: skip


def test_addresses_that_were_nobodys_are_forgotten(connection: Connection) -> None:
    """One that was mistyped and never confirmed, and that of a carer whose home was erased; not one that is used."""
    one, other = quiet_home(connection), quiet_home(connection, 2)
    add_carer(connection, one, "Ada")
    eve = add_carer(connection, other, "Eve")
    mistyped = contacts.email(connection, "adda@example.org", origin="real", account=eve.account_id)
    assert mistyped is not None
    connection.execute("update personal.contact set made_at = %s", (NOW - timedelta(days=40),))
    care.put_mail_code(connection, eve.id, mistyped, NOW - timedelta(days=40))
    connection.execute("delete from personal.care_link where id = %s", (eve.id,))
    with connection.transaction():
        care_alerts.forget(connection, NOW - timedelta(days=90), NOW)
    assert connection.execute("select address from personal.contact").fetchall() == [("ada@example.org",)]


def test_a_sensor_that_speaks_in_another_home_says_nothing_of_the_former_one(connection: Connection) -> None:
    """Not that it was heard again, so that it would have been quiet there ever since."""
    one, other = quiet_home(connection), quiet_home(connection, 2)
    add_carer(connection, one)
    heard(connection, one, NOW - 10 * HOUR)
    connection.execute(
        "update public.latest set time = %s, arrival = %s where series_id in (select id from personal.series"
        " where device_id like 'pir-1-%%')",
        (NOW - 5 * HOUR + 90 * SECOND, NOW - 5 * HOUR + 90 * SECOND),
    )
    connection.execute("delete from public.reading where time > %s", (NOW - 5 * HOUR + 2 * MINUTE,))
    look(connection)
    assert ("silent", "", False, False) in alerts(connection)
    # tomorrow the kitchen's hangs in the other home, and speaks there; the day after the hall's is heard again
    tomorrow = TODAY + timedelta(days=1)
    connection.execute(
        "update personal.home_sensor set to_day = %s where device_id = %s", (tomorrow, one.sensor("kitchen"))
    )
    connection.execute(
        "insert into personal.home_sensor (device_id, from_day, home_id, room) values (%s, %s, %s, 'kitchen')",
        (one.sensor("kitchen"), tomorrow, other.home),
    )
    for hours in range(24, 48):
        say(connection, one.sensor("kitchen"), "battery", NOW + hours * HOUR, 80)
    heard(connection, one, NOW + 47 * HOUR, ["hall"])
    look(connection, NOW + 47 * HOUR + MINUTE)
    heard(connection, one, NOW + 48 * HOUR, ["hall"])
    look(connection, NOW + 48 * HOUR + MINUTE)
    quiet = connection.execute(
        "select since from personal.quiet_alert where kind = 'quiet' and tenancy_id = %s", (one.tenancy,)
    ).fetchall()
    assert quiet == []


def test_what_was_usual_goes_with_the_household(connection: Connection) -> None:
    one = make_care_home(connection, to_day=TODAY + timedelta(days=1))
    know(connection, one)
    look(connection)
    assert connection.execute("select count(*) from personal.usual_spell").fetchone() == (1,)
    look(connection, NOW + timedelta(days=1))
    assert connection.execute("select count(*) from personal.usual_spell").fetchone() == (0,)
