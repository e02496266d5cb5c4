"""Who is told what of a home, and when: through the outbox, once a minute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from borough.delivery import care as delivery
from store import care, care_alerts, homes, outbox
from store.connect import Connection, connect
from tests.tools.servers import wait_for
from tests.worlds.care import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    TODAY,
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


def test_within_what_is_usual_nothing_is_told(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one)
    know(connection, one, 6 * HOUR)
    look(connection)
    assert (alerts(connection), messages(connection)) == ([], [])


def test_beyond_it_the_first_carer_is_told_once(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one, "Ada")
    add_carer(connection, one, "Ben")
    for minutes in range(3):
        look(connection, NOW + minutes * MINUTE)
    assert alerts(connection) == [("quiet", "", False, False)]
    assert [(address, kind, state) for _, address, kind, state in messages(connection)] == [
        ("ada@example.org", "care-alert", "waiting")
    ]
    (alert,) = care_alerts.unended(connection)
    assert alert.since == NOW - 5 * HOUR
    assert alert.usual_seconds == 3 * 3600


def test_a_repeated_zero_and_a_battery_are_no_movement(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one)
    for minutes in range(0, 300, 20):
        heard(connection, one, NOW - 5 * HOUR + (minutes + 10) * MINUTE)
    look(connection)
    assert [alert.since for alert in care_alerts.unended(connection)] == [NOW - 5 * HOUR]


def test_who_does_not_answer_is_followed_by_the_next_to_the_third(connection: Connection) -> None:
    one = quiet_home(connection)
    for name in ("Ada", "Ben", "Cid"):
        add_carer(connection, one, name)
    told = []
    for minutes in range(0, 200, 5):
        heard(connection, one, NOW + minutes * MINUTE)
        look(connection, NOW + minutes * MINUTE)
        told.append(len(messages(connection)))
    assert [told.index(number) * 5 for number in (1, 2, 3)] == [0, 30, 60]
    assert [address for _, address, _, _ in messages(connection)] == [
        "ada@example.org", "ben@example.org", "cid@example.org",
    ]  # fmt: skip


def test_an_answer_ends_the_telling_and_withholds_what_is_not_sent(connection: Connection) -> None:
    one = quiet_home(connection)
    ada, ben = add_carer(connection, one, "Ada"), add_carer(connection, one, "Ben")
    look(connection)
    sent(connection)
    look(connection, NOW + 31 * MINUTE)
    (alert,) = care_alerts.unended(connection)
    with connection.transaction():
        assert care_alerts.acknowledge(connection, alert.id, ada.id, NOW + 32 * MINUTE)
    with connection.transaction():
        assert not care_alerts.acknowledge(connection, alert.id, ben.id, NOW + 33 * MINUTE), "somebody was faster"
    heard(connection, one, NOW + 90 * MINUTE)
    look(connection, NOW + 91 * MINUTE)
    assert [(address, state) for _, address, _, state in messages(connection)] == [
        ("ada@example.org", "sent"), ("ben@example.org", "withheld"),
    ]  # fmt: skip
    assert care_alerts.unended(connection)[0].acknowledged_by == ada.id


def test_who_answers_while_another_does_is_told_that_somebody_was_faster(connection: Connection, database: str) -> None:
    """The update of the second waits for the first, and what it asks of other tables is not asked again after that."""
    one = quiet_home(connection)
    ada, ben = add_carer(connection, one, "Ada"), add_carer(connection, one, "Ben")
    look(connection)
    (alert,) = care_alerts.unended(connection)
    answers: list[bool] = []

    def second() -> None:
        with connect(database) as other:
            answers.append(care_alerts.acknowledge(other, alert.id, ben.id, NOW + MINUTE))

    waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    thread = threading.Thread(target=second)
    with connect(database) as first:
        assert care_alerts.acknowledge(first, alert.id, ada.id, NOW + MINUTE)
        thread.start()
        assert wait_for(lambda: connection.execute(waits).fetchone() is not None, 60)
    thread.join()
    assert answers == [False]
    assert care_alerts.unended(connection)[0].acknowledged_by == ada.id


def test_a_carer_of_another_home_answers_nothing(connection: Connection) -> None:
    one, other = quiet_home(connection), quiet_home(connection, 2)
    add_carer(connection, one, "Ada")
    eve = add_carer(connection, other, "Eve")
    look(connection)
    alert = next(found for found in care_alerts.unended(connection) if found.tenancy_id == one.tenancy)
    assert not care_alerts.acknowledge(connection, alert.id, eve.id, NOW)


def test_the_end_is_told_to_who_was_told(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one, "Ada")
    add_carer(connection, one, "Ben")
    look(connection)
    sent(connection)
    move(connection, one, NOW + 10 * MINUTE, "kitchen")
    look(connection, NOW + 12 * MINUTE)
    look(connection, NOW + 13 * MINUTE)
    assert alerts(connection) == [("quiet", "", True, False)]
    assert [(key.split(":")[3], address, kind) for key, address, kind, _ in messages(connection)] == [
        ("begun", "ada@example.org", "care-alert"),
        ("ended", "ada@example.org", "care-note"),
    ]


def test_what_ended_before_it_was_sent_is_told_to_nobody(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one)
    look(connection)
    move(connection, one, NOW + 2 * MINUTE)
    look(connection, NOW + 4 * MINUTE)
    assert [(kind, state) for _, _, kind, state in messages(connection)] == [("care-alert", "withheld")]


def test_a_longer_usual_by_night_ends_nothing(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one)
    look(connection)
    know(connection, one, 20 * HOUR)
    look(connection, NOW + HOUR)
    assert alerts(connection) == [("quiet", "", False, False)]


def test_without_a_carer_all_is_noted_and_nothing_told(connection: Connection) -> None:
    one = quiet_home(connection)
    look(connection)
    assert (alerts(connection), messages(connection)) == ([("quiet", "", False, True)], [])
    counts = care_alerts.counts(connection, NOW - HOUR, TODAY)
    assert (counts.homes, counts.agreed, counts.carers, counts.quiet, counts.shadow) == (1, 1, 0, 0, 1)
    add_carer(connection, one)
    look(connection, NOW + MINUTE)
    assert alerts(connection) == [("quiet", "", False, False)], "it lasts as the first carer is linked"
    assert len(messages(connection)) == 1


def test_a_carer_without_an_address_counts_as_told_and_the_next_follows(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one, "Ada", mail=None)
    add_carer(connection, one, "Ben")
    look(connection)
    assert messages(connection) == []
    look(connection, NOW + 30 * MINUTE)
    assert [address for _, address, _, _ in messages(connection)] == ["ben@example.org"]


@pytest.mark.parametrize("state", ["failed", "expired", "withheld"])
def test_where_the_message_cannot_arrive_the_next_is_told_at_once(connection: Connection, state: str) -> None:
    one = quiet_home(connection)
    add_carer(connection, one, "Ada")
    add_carer(connection, one, "Ben")
    look(connection)
    connection.execute(
        "update personal.message set state = %s, reason = 'no such mailbox', settled_at = now()", (state,)
    )
    look(connection, NOW + MINUTE)
    assert [address for _, address, _, _ in messages(connection)] == ["ada@example.org", "ben@example.org"]


def test_withdrawn_between_noting_and_sending(connection: Connection) -> None:
    one = quiet_home(connection)
    ada = add_carer(connection, one, "Ada")
    ben = add_carer(connection, one, "Ben")
    look(connection)
    with connection.transaction():
        assert care.withdraw(connection, one.tenancy, ada.id, "resident", NOW, TODAY)
    assert [(address, state) for _, address, _, state in messages(connection)] == [("ada@example.org", "withheld")]
    look(connection, NOW + MINUTE)
    (alert,) = care_alerts.unended(connection)
    assert [(key.split(":")[:4], *more) for key, *more in messages(connection)[1:]] == [
        (["care", str(alert.id), str(ben.id), "begun"], "ben@example.org", "care-alert", "waiting")
    ], "nobody who was told is left, so the next one is told at once"
    assert care.link(connection, ada.account_id or 0, ada.id, TODAY) is None


def test_a_withdrawn_consent_ends_all_of_it(connection: Connection) -> None:
    one = quiet_home(connection)
    ada = add_carer(connection, one)
    look(connection)
    assert homes.withdraw_consent(connection, one.tenancy, "care", NOW)
    assert [state for _, _, _, state in messages(connection)] == ["withheld"]
    assert alerts(connection) == [("quiet", "", True, False)]
    assert care.links_of_tenancy(connection, one.tenancy) == []
    assert care.links_of_account(connection, ada.account_id or 0, TODAY) == []
    assert connection.execute("select count(*) from personal.usual_spell").fetchone() == (0,)
    look(connection, NOW + HOUR)
    assert len(messages(connection)) == 1


def test_the_door_and_then_nothing_is_an_absence(connection: Connection) -> None:
    one = make_care_home(connection, rooms=("hall", "door"), heartbeat="PT1H")
    know(connection, one, away=6 * HOUR)
    add_carer(connection, one)
    move(connection, one, NOW - 5 * HOUR - MINUTE)
    say(connection, one.sensor("door"), "contact", NOW - 5 * HOUR - 5 * SECOND, 0)
    say(connection, one.sensor("door"), "contact", NOW - 5 * HOUR, 1)
    for hours in range(5):
        heard(connection, one, NOW - hours * HOUR - MINUTE, ["hall"])
        say(connection, one.sensor("door"), "contact", NOW - hours * HOUR - MINUTE, 1)
    look(connection)
    assert alerts(connection) == []
    heard(connection, one, NOW + 2 * HOUR - MINUTE, ["hall"])
    look(connection, NOW + 2 * HOUR)
    assert [(kind, device) for kind, device, _, _ in alerts(connection)] == [("quiet", "")]
    assert care_alerts.unended(connection)[0].since == NOW - 5 * HOUR, "the contact that repeats itself is no movement"


def test_a_home_without_any_movement_is_quiet_since_its_sensors_hang_there(connection: Connection) -> None:
    one = make_care_home(connection, since=NOW - 4 * HOUR, heartbeat="PT1H")
    know(connection, one)
    add_carer(connection, one)
    heard(connection, one, NOW - MINUTE)
    look(connection)
    assert [(alert.kind, alert.since) for alert in care_alerts.unended(connection)] == [("quiet", NOW - 4 * HOUR)]


def test_readings_of_the_time_to_come_hide_nothing(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one)
    say(connection, one.sensor("hall"), "motion", NOW + 400 * HOUR, 1)
    heard(connection, one, NOW - MINUTE, ["kitchen"])
    look(connection)
    assert [(kind, device) for kind, device, _, _ in alerts(connection)] == [("quiet", "")]


def test_nothing_of_a_home_that_did_not_agree(connection: Connection) -> None:
    one = make_care_home(connection, consent=False)
    move(connection, one, NOW - 20 * HOUR)
    look(connection)
    assert alerts(connection) == []
    assert care.name_carer(connection, one.tenancy, "family", "Ada", "Home", NOW, TODAY) is None


def test_a_tenancy_that_ends_takes_its_carers_with_it(connection: Connection) -> None:
    one = make_care_home(connection, to_day=(NOW + timedelta(days=1)).date())
    ada = add_carer(connection, one)
    look(connection)
    assert [link.id for link in care.links_of_account(connection, ada.account_id or 0, TODAY)] == [ada.id]
    tomorrow = NOW + timedelta(days=1)
    assert care.links_of_account(connection, ada.account_id or 0, tomorrow.date()) == []
    look(connection, tomorrow)
    assert connection.execute("select withdrawn_by from personal.care_link").fetchall() == [("end",)]


def test_a_message_names_nobody_and_no_place(connection: Connection) -> None:
    one = quiet_home(connection)
    add_carer(connection, one, "Ada")
    look(connection)
    sent(connection)
    move(connection, one, NOW + 10 * MINUTE)
    look(connection, NOW + 12 * MINUTE)
    rows = connection.execute("select subject, text, html from personal.message order by id").fetchall()
    assert len(rows) == 2
    for row in rows:
        words = " ".join(row).lower()
        named = ["ada", "home 1", "test street", "te5", "hall", "kitchen", str(one.tenancy)]
        never = ["quiet", "health", "care ", "carer", "well", "safe", "ill ", "fall", "emergency", "ok ", "green"]
        assert [word for word in (*named, *never) if word in words] == []
        assert "https://borough.test/care" in words
    assert outbox.standing(connection, 1) is not None


@pytest.mark.parametrize("step", ["note", "tell"])
def test_a_look_that_is_killed_between_its_steps_is_made_good(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What a SIGKILL leaves is what was committed: the transaction it fell into is gone, the earlier ones are there."""

    class Killed(BaseException):
        pass

    one = quiet_home(connection)
    add_carer(connection, one)
    done = getattr(delivery, step)

    def killed(*arguments: object) -> None:
        done(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery, step, killed)
        with pytest.raises(Killed):
            look(connection)
    assert messages(connection) == []
    assert len(alerts(connection)) == (0 if step == "note" else 1)
    look(connection, NOW + MINUTE)
    look(connection, NOW + 2 * MINUTE)
    assert len(alerts(connection)) == len(messages(connection)) == 1
