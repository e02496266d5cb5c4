"""Carers' links in a real database, what is usual learnt from stored readings, and nothing left of who is erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from psycopg import errors

from analytics.movement import runner, usual
from analytics.movement.arrays import SECOND
from borough.delivery import care as delivery
from borough.delivery import care_telling
from devices.bank_holidays import bank_holidays
from devices.homes_file import read_homes
from store import accounts, care, care_alerts, erasure, homes, homes_import, maintain, movement, tombstones
from store.connect import Connection, connect
from store.subject import everything
from store.times import local_day, midnight
from tests.worlds.care import (
    HOUR,
    MINUTE,
    NOW,
    OPTIONS,
    TODAY,
    ZONE,
    add_carer,
    alerts,
    heard,
    know,
    make_care_home,
    messages,
    move,
    say,
)
from tests.worlds.homes import homes_csv

KEY = b"k" * 32
DAY = timedelta(days=1)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


# ---------------------------------------------------------------- links


def test_codes_are_worth_nothing_when_used_over_renewed_or_withdrawn(connection: Connection) -> None:
    one = make_care_home(connection)
    who = accounts.sign_in(connection, "i", "x").id
    number, code = care.name_carer(connection, one.tenancy, "family", "Ada", "Mum", NOW, TODAY) or (0, "")
    later = NOW + care.CODE_LIFETIME
    assert care.take_code(connection, who, code, later, TODAY) is None, "it is over"
    renewed = care.make_code(connection, number, NOW)
    assert care.take_code(connection, who, code, NOW, TODAY) is None, "a newer one was made"
    assert care.withdraw(connection, one.tenancy, number, "resident", NOW, TODAY)
    assert care.take_code(connection, who, renewed, NOW, TODAY) is None, "the link was withdrawn"
    assert connection.execute("select count(*) from personal.care_code").fetchone() == (0,)


def test_an_account_is_one_carer_of_a_home(connection: Connection) -> None:
    one = make_care_home(connection)
    add_carer(connection, one, "Ada")
    _, code = care.name_carer(connection, one.tenancy, "practitioner", "Ada again", "Mum", NOW, TODAY) or (0, "")
    account = accounts.sign_in(connection, "https://issuer.test", "Ada").id
    assert care.take_code(connection, account, code, NOW, TODAY) is None


def test_ranks_stay_one_after_the_other(connection: Connection) -> None:
    one = make_care_home(connection)
    links = [add_carer(connection, one, name) for name in ("Ada", "Ben", "Cid")]
    with pytest.raises(care.TooManyCarers):
        care.name_carer(connection, one.tenancy, "family", "Dan", "Mum", NOW, TODAY)
    assert not care.move_up(connection, one.tenancy, links[0].id, TODAY)
    assert care.move_up(connection, one.tenancy, links[2].id, TODAY)
    assert care.withdraw(connection, one.tenancy, links[0].id, "resident", NOW, TODAY)
    assert not care.withdraw(connection, one.tenancy, links[0].id, "resident", NOW, TODAY), "once"
    assert [(found.carer, found.rank) for found in care.links_of_tenancy(connection, one.tenancy)] == [
        ("Cid", 1), ("Ben", 2),
    ]  # fmt: skip


def test_a_link_that_is_withdrawn_while_it_is_told_gets_no_message(database: str, connection: Connection) -> None:
    """The withdrawal waits for the telling and then finds the message; it is never sent."""
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, NOW - 5 * HOUR)
    heard(connection, one, NOW - MINUTE)
    ada = add_carer(connection, one)
    with connection.transaction():
        delivery.note(connection, ZONE, NOW)
    (alert,) = care_alerts.unended(connection)
    done: list[bool] = []

    def withdraw() -> None:
        with connect(database, autocommit=True) as other, other.transaction():
            done.append(care.withdraw(other, one.tenancy, ada.id, "resident", NOW, TODAY))

    thread = threading.Thread(target=withdraw)
    with connection.transaction():
        care_telling.tell(connection, OPTIONS, alert.id, NOW)
        thread.start()
        with connect(database, autocommit=True) as looking:
            while not looking.execute(
                "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            ).fetchall():
                assert thread.is_alive()
        assert done == []
    thread.join()
    assert done == [True]
    assert [state for _, _, _, state in messages(connection)] == ["withheld"]


# ---------------------------------------------------------------- what is usual


def test_what_is_usual_is_learnt_once_a_day_over_a_change_of_the_clock(database: str) -> None:
    """Somebody moves each day from 07:00 to 22:00 by the clock on the wall, on both sides of 25 October 2026."""
    now = datetime(2026, 11, 5, 12, tzinfo=UTC)
    today = local_day(now, ZONE)
    with connect(database, autocommit=True) as connection:
        one = make_care_home(connection, since=now - 40 * DAY, heartbeat="PT1H")
        few = make_care_home(connection, 2, since=now - 5 * DAY, from_day=today - timedelta(days=5), heartbeat="PT1H")
        none = make_care_home(connection, 3, consent=False)
        for back in range(30):
            day = today - timedelta(days=back)
            begin = datetime.fromtimestamp(midnight(day, ZONE) / 1e6, UTC)
            for home in (one, few, none):
                if home is few and back > 4:
                    continue
                for half in range(50):
                    at = begin + half * HOUR / 2
                    local = at.astimezone(ZONE)
                    if local.date() != day or at > now:
                        continue
                    heard(connection, home, at + 5 * MINUTE)
                    if 7 <= local.hour < 22:
                        move(connection, home, at + 10 * MINUTE)
    with connect(database) as connection:
        done = runner.run(connection, ZONE, bank_holidays().keys(), now)
        assert (done.homes, done.learning) == (2, 1)
        assert runner.run(connection, ZONE, bank_holidays().keys(), now).homes == 0, "once a day"
        found = movement.usual(connection, [one.tenancy, few.tenancy, none.tenancy])
    assert set(found) == {one.tenancy, few.tenancy}
    assert found[one.tenancy].days == 29, "all that are over, fewer than eight weeks"
    active = found[one.tenancy].active
    assert (active[:, 14:44] == 100).all(), "from 07:00 to 22:00 by the clock on the wall, before and after the change"
    assert (active[:, :14] == 0).all()
    assert (active[:, 44:] == 0).all()
    night, noon = found[one.tenancy].limits[0, 12], found[one.tenancy].limits[0, 28]
    assert 8 * 3600 < night < 13 * 3600, "06:00: quiet since 22:00"
    assert noon == usual.LEAST // SECOND, "somebody moves each half-hour"
    assert (found[few.tenancy].limits == -1).all()


def test_where_no_door_is_watched_an_outing_counts_as_a_whole(database: str) -> None:
    """Nobody is in from 10:00 to 15:00. Half an hour into it, a home without a contact is as quiet as it will get."""
    now = datetime(2026, 2, 20, 12, tzinfo=UTC)
    today = local_day(now, ZONE)
    with connect(database, autocommit=True) as connection:
        bare = make_care_home(connection, since=now - 40 * DAY, heartbeat="PT1H")
        watched = make_care_home(connection, 2, ("hall", "door"), since=now - 40 * DAY, heartbeat="PT1H")
        for back in range(1, 30):
            begin = datetime.fromtimestamp(midnight(today - timedelta(days=back), ZONE) / 1e6, UTC)
            for half in range(48):
                for home in (bare, watched):
                    heard(connection, home, begin + half * HOUR / 2 + 5 * MINUTE, ("hall",))
                    if not 20 <= half < 30:
                        move(connection, home, begin + half * HOUR / 2 + 10 * MINUTE)
    with connect(database) as connection:
        runner.run(connection, ZONE, bank_holidays().keys(), now)
        found = movement.usual(connection, [bare.tenancy, watched.tenancy])
    assert found[bare.tenancy].limits[0, 21] > 5 * 3600
    assert found[watched.tenancy].limits[0, 21] < 5 * 3600


def test_what_another_household_did_is_not_learnt(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        one = make_care_home(connection, from_day=TODAY - timedelta(days=3), since=NOW - 40 * DAY, heartbeat="PT1H")
        for back in range(30 * 24):
            move(connection, one, NOW - back * HOUR)
    with connect(database) as connection:
        runner.run(connection, ZONE, bank_holidays().keys(), NOW)
        found = movement.usual(connection, [one.tenancy])[one.tenancy]
        assert found.days <= 3
        (sensor, _) = movement.sensors(connection, NOW, ZONE, one.tenancy)
    assert sensor.start >= datetime.fromtimestamp(midnight(TODAY - timedelta(days=3), ZONE) / 1e6, UTC)


# ---------------------------------------------------------------- imports


def test_sensors_of_a_homes_file(connection: Connection) -> None:
    one = make_care_home(connection, consent=False)
    connection.execute("delete from personal.home_sensor")
    names = f"{one.sensor('hall')}=entrance; {one.sensor('kitchen')}"

    def take(sensors: str, uprn: str = "700", day: str = "2026-01-01", **more: str) -> homes_import.Plan:
        row = {"uprn": uprn, "from": day, "sensors": sensors, "meters": "", "consent_care": "2026-01-02", **more}
        with connection.transaction():
            return homes_import.import_rows(connection, read_homes(homes_csv([row])), NOW)

    first = take(names)
    assert [(sensor.device_id, sensor.room) for sensor in first.sensors] == [
        ("pir-1-hall", "entrance"),
        ("pir-1-kitchen", ""),
    ]
    assert first.counts()["consents_given"] == 2
    again = take(names)
    assert (again.sensors, again.sensors_changed, again.unchanged) == ([], [], 1)
    moved = take(f"{one.sensor('hall')}=hall")
    assert [(sensor.room, sensor.to_day) for sensor in moved.sensors_changed] == [("hall", None)]
    other = take(names, uprn="701", day="2026-06-01")
    assert [sensor.to_day for sensor in other.sensors_changed] == [date(2026, 6, 1)] * 2
    rows = connection.execute(
        "select device_id, from_day, to_day, room from personal.home_sensor order by 1, 2"
    ).fetchall()
    assert rows == [
        ("pir-1-hall", date(2026, 1, 1), date(2026, 6, 1), "hall"),
        ("pir-1-hall", date(2026, 6, 1), None, "entrance"),
        ("pir-1-kitchen", date(2026, 1, 1), date(2026, 6, 1), ""),
        ("pir-1-kitchen", date(2026, 6, 1), None, ""),
    ]
    assert [problem.text for problem in take("nobody", uprn="702").problems] == [
        "sensor nobody is not a registered device"
    ]


# ---------------------------------------------------------------- erasure, export, retention


def test_an_erasure_takes_sensors_carers_alerts_and_messages_and_nothing_of_a_neighbour(connection: Connection) -> None:
    one, other = make_care_home(connection, 1, heartbeat="PT1H"), make_care_home(connection, 2, heartbeat="PT1H")
    for home in (one, other):
        know(connection, home)
        move(connection, home, NOW - 5 * HOUR)
        heard(connection, home, NOW - MINUTE)
        add_carer(connection, home, f"Carer{home.number}")
    # somebody of the erased household is a carer of the neighbour, too
    neighbourly = add_carer(connection, other, "Nell")
    accounts.bind(connection, neighbourly.account_id or 0, one.tenancy, "code", NOW, TODAY)
    care.name_carer(connection, one.tenancy, "family", "Waits", "Mum", NOW, TODAY)
    delivery.look(connection, OPTIONS, NOW)
    assert len(messages(connection)) == 2
    plan = erasure.plan(connection, one.tenancy, ZONE)
    assert plan is not None
    assert {meter.device_id for meter in plan.meters} == {"pir-1-hall", "pir-1-kitchen"}
    with connection.transaction():
        erasure.bury(connection, KEY, plan)
    with connection.transaction():
        done = erasure.erase(connection, KEY, plan)
    assert done["personal.care_link"] == 3
    assert {name: done[f"personal.{name}"] for name in ("quiet_alert", "usual_spell", "home_sensor", "care_code")} == {
        "quiet_alert": 1, "usual_spell": 1, "home_sensor": 2, "care_code": 2,
    }  # fmt: skip
    left = {
        name: connection.execute(f"select count(*) from personal.{name}".encode()).fetchone()
        for name in ("care_link", "quiet_alert", "usual_spell", "home_sensor", "alert_notice", "message")
    }
    assert left == {
        "care_link": (1,), "quiet_alert": (1,), "usual_spell": (1,), "home_sensor": (2,), "alert_notice": (1,),
        "message": (1,),
    }  # fmt: skip
    stones, _ = tombstones.load(connection, KEY)
    assert len([stone for stone in stones if stone.kind == "meter" and stone.gone]) == 2
    assert connection.execute("select id from personal.device order by id").fetchall() == [
        ("pir-2-hall",), ("pir-2-kitchen",),
    ]  # fmt: skip
    delivery.look(connection, OPTIONS, NOW + MINUTE)
    assert len(messages(connection)) == 1


def test_the_next_household_begins_with_nothing(connection: Connection) -> None:
    gone = make_care_home(connection, 1, to_day=TODAY - timedelta(days=10), heartbeat="PT1H")
    connection.execute(
        "insert into personal.tenancy (id, home_id, from_day) values (%s, %s, %s)",
        (20_000_000_000_099, gone.home, TODAY - timedelta(days=10)),
    )
    for back in range(0, 30 * 24, 6):
        move(connection, gone, NOW - back * HOUR)
    plan = erasure.plan(connection, gone.tenancy, ZONE)
    assert plan is not None
    with connection.transaction():
        erasure.bury(connection, KEY, plan)
    with connection.transaction():
        erasure.erase(connection, KEY, plan)
    (first,) = connection.execute("select min(time) from public.reading").fetchone() or (None,)
    assert first is not None
    assert first.astimezone(ZONE).date() >= TODAY - timedelta(days=10)
    assert connection.execute("select count(*) from personal.home_sensor").fetchone() == (2,)
    assert movement.sensors(connection, NOW, ZONE) == [], "the next household has agreed to nothing"


def test_the_export_has_it_all_and_names_no_account(connection: Connection) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, NOW - 5 * HOUR)
    heard(connection, one, NOW - MINUTE)
    add_carer(connection, one, "Ada")
    delivery.look(connection, OPTIONS, NOW)
    plan = erasure.plan(connection, one.tenancy, ZONE)
    assert plan is not None

    class Held:
        def __enter__(self) -> Connection:
            return connection

        def __exit__(self, *_: object) -> None:
            return None

    found = everything(Held, plan)
    tables = {name: [row for rows in part() for row in rows] for name, part in found.items() if callable(part)}
    assert [row["room"] for row in tables["sensors"]] == ["hall", "kitchen"]
    assert [(row["carer"], row["rank"]) for row in tables["carers"]] == [("Ada", 1)]
    (notice,) = tables["movement_notices"]
    assert (notice["kind"], [told["carer"] for told in notice["told"]]) == ("quiet", ["Ada"])
    assert len(tables["usual_movement"]) == 1
    assert "ada@example.org" not in str(tables)
    assert len(tables["readings"]) == 8


def test_notices_are_kept_a_year_after_their_end(connection: Connection) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, NOW - 5 * HOUR)
    heard(connection, one, NOW - MINUTE)
    ada = add_carer(connection, one)
    delivery.look(connection, OPTIONS, NOW)
    move(connection, one, NOW + MINUTE)
    delivery.look(connection, OPTIONS, NOW + 3 * MINUTE)
    with connection.transaction():
        care.withdraw(connection, one.tenancy, ada.id, "resident", NOW + HOUR, TODAY)
    maintain.maintain(connection, {}, NOW + 365 * DAY)
    assert len(alerts(connection)) == 1
    assert connection.execute("select count(*) from personal.contact").fetchone() == (0,), "no carer for a month"
    report = maintain.maintain(connection, {}, NOW + 367 * DAY)
    assert report.care_alerts == 2, "the notice, and the carer who was withdrawn"
    assert (alerts(connection), connection.execute("select count(*) from personal.care_link").fetchone()) == ([], (0,))


def test_a_tenancy_that_is_being_erased_gets_no_alert(database: str, connection: Connection) -> None:
    one = make_care_home(connection, heartbeat="PT1H")
    know(connection, one)
    move(connection, one, NOW - 5 * HOUR)
    heard(connection, one, NOW - MINUTE)
    with connect(database) as other:
        other.execute("select from personal.tenancy where id = %s for update", (one.tenancy,))
        with connection.transaction():
            connection.execute("set local lock_timeout = '2s'")
            delivery.note(connection, ZONE, NOW)
    assert alerts(connection) == []


def test_a_consent_of_this_purpose_and_of_no_other(connection: Connection) -> None:
    one = make_care_home(connection, consent=False)
    assert homes.give_consent(connection, one.tenancy, "care", "paper", NOW)
    with pytest.raises(errors.CheckViolation):
        homes.give_consent(connection, one.tenancy, "everything", "paper", NOW)
    say(connection, one.sensor("hall"), "motion", NOW, 1)
    assert np.array([sensor.moved == NOW for sensor in movement.sensors(connection, NOW, ZONE)]).any()
