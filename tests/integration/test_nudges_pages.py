"""A household's page of energy notes: as told, why, by which ways, and one press that stops them; and the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics.periods import month_of
from analytics.report import words as report_words
from borough.delivery import nudges as delivery
from devices.trials import Sight
from store import contacts, homes, nudge_ways, nudges
from store.connect import Connection, connect
from tests.tools.servers import Cluster
from tests.worlds import nudges as worlds
from tests.worlds import residents
from tests.worlds.resident_world import TODAY, World, living

#: A day on which the newest month is settled.
MONTH = month_of(TODAY).before()


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found, connect(found.database, autocommit=True) as connection:
        for who in ("ann", "bob"):
            homes.give_consent(connection, found.people[who].tenancy_id, "messages", "page", datetime.now(UTC))
        delivery.look(connection, worlds.OPTIONS, datetime.now(UTC))
        yield found


@pytest.fixture
def own(world: World) -> Iterator[Connection]:
    with connect(world.database, autocommit=True) as connection:
        yield connection


def code_of(own: Connection, tenancy: int) -> str:
    """The newest code that waits to be sent to a household."""
    ((text,),) = own.execute(
        "select m.text from personal.message m join personal.contact c on c.id = m.contact_id"
        " where c.tenancy_id = %s and m.kind = 'code' order by m.id desc limit 1", (tenancy,),
    ).fetchall()  # fmt: skip
    return str(re.findall(r"[A-Z0-9]{4}(?:-[A-Z0-9]{4})+", text)[0])


def test_it_shows_what_was_told_as_told_and_nothing_of_others_homes(world: World, own: Connection) -> None:
    ann, bob = (nudges.of_tenancy(own, world.people[who].tenancy_id)[0] for who in ("ann", "bob"))
    page = world.get("ann", "/home/nudges").text
    for part in ann.text.strip().split("\n\n"):
        assert part.replace("'", "&#39;") in page
    assert "Why you got this" in page
    made = report_words.day(ann.made_at.astimezone(residents.ZONE).date())
    assert f"<li>On this page, {made}.</li>" in page, "not that it waits to go there, or did not"
    assert "Stop these notes" in page
    own_figure = re.findall(r"You used ([\d.,]+ kWh)", bob.text)[0]
    assert own_figure not in page
    (item,) = world.get("ann", "/api/v1/home/nudges").json()["items"]
    assert (item["text"], item["subject"], item["period"]) == (ann.text, ann.subject, MONTH.key)
    assert [action["title"] for action in item["actions"]] == [action["title"] for action in ann.actions]


def test_one_press_stops_and_another_takes_it_back(world: World, own: Connection) -> None:
    bob = world.people["bob"]
    assert world.post("bob", "/home/nudges/stop").headers["location"] == "/home/nudges?done=stopped"
    page = world.get("bob", "/home/nudges?done=stopped").text
    assert "not here, not by e-mail and not by letter" in page
    assert "Get notes again" in page
    assert world.get("bob", "/api/v1/home/nudges").json()["stopped_at"] is not None
    later = datetime.now(UTC) + timedelta(days=30)
    residents.compare(own, bob, month_of(TODAY), "more")
    asked = [one.tenancy for one in delivery.due_now(own, worlds.OPTIONS, _now_month(), TODAY, later)]
    assert bob.tenancy_id not in asked
    world.post("bob", "/home/nudges/start")
    assert "Stop these notes" in world.get("bob", "/home/nudges").text
    asked = [one.tenancy for one in delivery.due_now(own, worlds.OPTIONS, _now_month(), TODAY, later)]
    assert bob.tenancy_id in asked


def test_the_page_says_after_a_form_only_what_is_so(world: World, own: Connection) -> None:
    bob = world.people["bob"].tenancy_id

    def status(done: str) -> str:
        found = re.findall(r'role="status"><p><strong>([^<]*)', world.get("bob", f"/home/nudges?done={done}").text)
        return str(found[0]) if found else ""

    assert [status(done) for done in ("stopped", "email", "letter", "sent", "nothing")] == [""] * 5
    assert "no-letter" in world.post("bob", "/home/nudges/ways", channel="letter", give="no").headers["location"]
    assert "any more" in status("no-letter")
    world.post("bob", "/home/nudges/ways", channel="letter", give="yes")
    assert status("letter") == "Notes come by letter too from now on."
    world.post("bob", "/home/nudges/stop")
    assert status("started") == ""
    assert "You get no notes for now" in status("letter"), "they stopped them"
    world.post("bob", "/home/nudges/start")
    assert homes.withdraw_consent(own, bob, "messages", datetime.now(UTC))
    assert status("started") == "", "they did not agree to any"
    assert "You get no notes for now" in status("letter")
    homes.give_consent(own, bob, "messages", "page", datetime.now(UTC))
    assert "again" in status("started")
    world.post("bob", "/home/nudges/ways", channel="letter", give="no")


def _now_month() -> nudges.Month:
    month = month_of(TODAY)
    return nudges.Month(month.start, month.end)


def test_an_address_is_told_after_its_code_and_forgotten_when_it_is_given_up(world: World, own: Connection) -> None:
    ann = world.people["ann"].tenancy_id
    assert world.post("ann", "/home/nudges/email", address="ann@home.example").status_code == 303
    page = world.get("ann", "/home/nudges").text
    assert "code that we sent to ann@home.example" in page
    wrong = world.post("ann", "/home/nudges/email/code", code="WRON-GCOD-E000")
    assert wrong.status_code == 400
    assert "Check the code" in wrong.text
    assert world.post("ann", "/home/nudges/email/code", code=code_of(own, ann).lower()).status_code == 303
    assert 'They come to <strong class="whole">ann@home.example' in world.get("ann", "/home/nudges").text
    world.post("ann", "/home/nudges/ways", channel="email", give="no")
    assert "ann@home.example" not in world.get("ann", "/home/nudges").text
    assert own.execute("select from personal.contact where address = 'ann@home.example'").fetchall() == []


def test_a_code_is_worth_nothing_after_a_few_wrong_ones(world: World, own: Connection) -> None:
    bob, now = world.people["bob"].tenancy_id, datetime.now(UTC)
    contact = contacts.email(own, "bob@home.example", origin="real", tenancy=bob)
    assert contact is not None
    code = nudge_ways.ask_email(own, bob, contact, now)
    assert not nudge_ways.enter_code(own, bob, code, now + nudge_ways.CODE_LASTS)
    for _ in range(5):
        assert not nudge_ways.enter_code(own, bob, "WRON-GCOD-E000", now)
    assert not nudge_ways.enter_code(own, bob, code, now)
    code = nudge_ways.ask_email(own, bob, contact, now)
    assert nudge_ways.reached(own, bob) == []
    assert nudge_ways.enter_code(own, bob, code, now)
    assert nudge_ways.reached(own, bob) == [("email", contact)]
    nudge_ways.drop(own, bob, "email")


def test_who_joins_a_trial_sees_what_was_told_before_only_as_far_as_its_arm_allows(
    world: World, own: Connection
) -> None:
    ann = world.people["ann"]
    (told,) = nudges.of_tenancy(own, ann.tenancy_id)
    assert told.kind == "compare"
    own.execute("update personal.message set state = 'sent', settled_at = now() where id = any(%s)", (told.messages,))
    average = re.findall(r"Homes like yours used ([\d.,]+ kWh)", told.text)[0]
    everywhere = ("/home/nudges", "/home/messages", "/api/v1/home/nudges")
    assert all(average in world.get("ann", path).text for path in everywhere)
    members: Any = {"nothing": ann}
    trial = worlds.World(world.database, own).trial(members, begins=date(TODAY.year, TODAY.month, 1))
    assert not any(average in world.get("ann", path).text for path in everywhere)
    assert nudges.shown(own, ann.tenancy_id, TODAY) == ("own", "help")
    # who moved out is no member any more, as one that withdrew
    assert nudges.shown(own, ann.tenancy_id, TODAY) != nudges.SHOWN[Sight.ALL]
    own.execute("update personal.tenancy set to_day = %s where id = %s", (TODAY, ann.tenancy_id))
    assert nudges.shown(own, ann.tenancy_id, TODAY) == nudges.SHOWN[Sight.ALL]
    own.execute("update personal.tenancy set to_day = null where id = %s", (ann.tenancy_id,))
    own.execute("update personal.trial set ended_on = %s where id = %s", (TODAY, trial))
    assert all(average in world.get("ann", path).text for path in everywhere)


def test_a_mistyped_or_bounced_address_can_be_deleted_and_tried_again(world: World, own: Connection) -> None:
    bob = world.people["bob"].tenancy_id
    for _ in range(2):
        assert world.post("bob", "/home/nudges/email", address="neighbour@home.example").status_code == 303
        assert "delete the address" in world.get("bob", "/home/nudges").text, "before a code was entered"
        (way,) = nudge_ways.of_tenancy(own, bob)
        assert not way.bounced
        own.execute("update personal.contact set bounced_at = now(), bounce = '550'"
                    " where tenancy_id = %s and channel = 'email'", (bob,))  # fmt: skip
    own.execute("update personal.nudge_way set code_until = now() - interval '1 minute' where tenancy_id = %s", (bob,))
    page = world.get("bob", "/home/nudges").text
    assert "Nobody entered the code that we sent to" in page
    assert "delete the address" in page
    assert world.post("bob", "/home/nudges/ways", channel="email", give="no").status_code == 303
    assert own.execute("select from personal.contact where address = 'neighbour@home.example'").fetchall() == []


def test_what_waits_to_go_to_a_new_member_of_a_trial_is_not_sent(world: World, own: Connection) -> None:
    ann = world.people["ann"]
    (told,) = nudges.of_tenancy(own, ann.tenancy_id)
    own.execute("update personal.message set state = 'waiting', settled_at = null where id = any(%s)", (told.messages,))
    trial = worlds.World(world.database, own, _made=7).trial(
        {"own-history": ann}, begins=date(TODAY.year, TODAY.month, 1)
    )
    delivery.look(own, worlds.OPTIONS, datetime.now(UTC))
    assert {message.state for message in nudges.messages(own, told)} == {"withheld"}
    own.execute("update personal.trial set ended_on = %s where id = %s", (TODAY, trial))
