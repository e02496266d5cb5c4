"""What a household changes on its pages: consents, details, prices, leaving; and the log that it can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from devices.homes import HomeDetails, Register, Tariff, Tenancy
from store import homes
from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.resident_world import World, living


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        yield found


def test_a_consent_is_given_and_taken_back(world: World) -> None:
    sent = world.post("ann", "/home/consents", purpose="messages", give="yes")
    assert (sent.status_code, sent.headers["location"]) == (303, "/home/consents?done=messages")
    assert "You agreed to: sending me letters and messages" in world.get("ann", sent.headers["location"]).text
    held = world.get("ann", "/api/v1/home/consents").json()["items"]
    assert [(one["purpose"], one["withdrawn_at"], one["channel"]) for one in held] == [("messages", None, "page")]
    world.post("ann", "/home/consents", purpose="messages", give="no")
    page = world.get("ann", "/home/consents?done=messages").text
    assert "You took back your consent" in page
    assert "You took this back on" in page
    held = world.get("ann", "/api/v1/home/consents").json()["items"]
    assert held[0]["withdrawn_at"] is not None
    log = [(look["who"], look["action"]) for look in world.get("ann", "/api/v1/home/access").json()["items"]]
    assert ("You", "gave a consent") in log
    assert ("You", "withdrew a consent") in log
    assert world.get("bob", "/api/v1/home/consents").json() == {"items": []}


def test_who_took_back_being_compared_is_not_told_that_it_is(world: World) -> None:
    with connect(world.database, autocommit=True) as connection:
        one = residents.make_resident(connection, 66)
        residents.furnish(connection, one)
        world.cookies["withdrew"] = site.make_session(connection, one.tenancy_id)
    world.post("withdrew", "/home/consents", purpose="comparison", give="yes")
    assert "Your home is compared with about" in world.get("withdrew", "/home/neighbours").text
    world.post("withdrew", "/home/consents", purpose="comparison", give="no")
    page = world.get("withdrew", "/home/neighbours").text
    assert "Your home is compared with about" not in page
    assert "There is no group of similar homes" not in page, "that is not why"
    assert "You took back your agreement to be compared" in page
    world.post("withdrew", "/home/consents", purpose="comparison", give="yes")
    assert "Your home is compared with about" in world.get("withdrew", "/home/neighbours").text


def test_a_choice_that_there_is_not(world: World) -> None:
    assert world.post("ann", "/home/consents", purpose="everything", give="yes").status_code == 400
    assert world.post("ann", "/home/consents", purpose="messages", give="perhaps").status_code == 400
    assert world.get("ann", "/home/consents?done=<script>").text.count("<script>") == 0


@pytest.mark.parametrize(
    "path", ["/home/consents", "/home/details", "/home/tariff", "/home/tariff/remove", "/home/leave"]
)
def test_a_form_without_its_token_changes_nothing(world: World, path: str) -> None:
    with world.client("bob") as client:
        fields = {"purpose": "messages", "give": "yes", "understood": "yes", "dwelling": "detached", "heating": "oil"}
        assert client.post(path, data=fields).status_code == 403
        assert client.post(path, data={**fields, "csrf": site.csrf(world.cookies["ann"])}).status_code == 403
        assert client.post(path, data={**fields, "csrf": site.csrf(world.cookies["bob"])}, headers={
            "Origin": "https://elsewhere.example"
        }).status_code == 403  # fmt: skip
    with connect(world.database) as connection:
        known = homes.home(connection, world.people["bob"].home_id)
        assert known is not None
        assert known.details.dwelling == "flat"
        assert homes.consents(connection, world.people["bob"].tenancy_id) == []
    assert world.people["bob"].tenancy_id not in world.erased


def details_of(world: World, who: str) -> tuple[HomeDetails, Tenancy]:
    with connect(world.database) as connection:
        home = homes.home(connection, world.people[who].home_id)
        tenancy = homes.tenancy(connection, world.people[who].tenancy_id)
    assert home is not None
    assert tenancy is not None
    return home.details, tenancy


def test_details_are_corrected(world: World) -> None:
    fields = {
        "dwelling": "maisonette", "heating": "heat-pump", "floor_area": "71,5", "bedrooms": "3", "epc": "C",
        "tenure": "owner", "occupants": "4", "electric_vehicle": "yes", "medical_equipment": "no", "large_print": "yes",
    }  # fmt: skip
    sent = world.post("empty", "/home/details", **fields)
    assert (sent.status_code, sent.headers["location"]) == (303, "/home/details?done=details")
    details, tenancy = details_of(world, "empty")
    assert details == HomeDetails("maisonette", "heat-pump", None, 71.5, 3, "C", "owner", None)
    assert (tenancy.occupants, tenancy.electric_vehicle, tenancy.medical_equipment) == (4, True, False)
    assert (tenancy.large_print, tenancy.letters) == (True, False)
    page = world.get("empty", sent.headers["location"]).text
    assert "Your details are saved." in page
    assert re.search(r"count for comparisons from 1 (January|April|July|October) 20\d\d", page)
    assert 'value="71.5"' in page
    again = world.post("empty", "/home/details", **fields)
    assert again.headers["location"] == "/home/details?done=same"


def test_what_cannot_be_is_said_beside_the_field(world: World) -> None:
    before = details_of(world, "ann")
    answer = world.post(
        "ann", "/home/details", dwelling="castle", heating="gas", floor_area="2", bedrooms="two", occupants="<b>9</b>"
    )
    assert answer.status_code == 400
    page = answer.text
    assert "<title>Error: " in page
    assert "There is a problem" in page
    for name in ("dwelling", "floor_area", "bedrooms", "occupants"):
        assert f'href="#{name}"' in page
        assert f'id="{name}-error"' in page
        assert re.search(rf'<(input|select)[^>]* id="{name}"[^>]*aria-invalid="true"', page), name
    assert "&lt;b&gt;9&lt;/b&gt;" in page
    assert "<b>9" not in page
    assert details_of(world, "ann") == before


def test_a_price_with_two_rates(world: World) -> None:
    fields = {
        "fuel": "electricity", "name": "Night Saver", "from-day": "1", "from-month": "4", "from-year": "2025",
        "payment": "prepayment", "standing": "57.19", "rate": "29.1", "night_rate": "12.5", "night_from": "00:30",
        "night_to": "7.30",
    }  # fmt: skip
    sent = world.post("ann", "/home/tariff", **fields)
    assert (sent.status_code, sent.headers["location"]) == (303, "/home/details?done=tariff")
    page = world.get("ann", sent.headers["location"]).text
    assert "12.5p a kWh from 00:30 to 07:30" in page
    assert "29.1p a kWh at all other hours" in page
    with connect(world.database) as connection:
        (tariff,) = homes.tariffs(connection, world.people["ann"].tenancy_id)
    assert (tariff.from_day, tariff.payment, tariff.standing_charge) == (date(2025, 4, 1), "prepayment", 57.19)
    assert [(one.rate, one.start, one.end) for one in tariff.registers] == [(12.5, 30, 450), (29.1, 0, 0)]
    world.post("ann", "/home/tariff", **fields, night_gmt="yes")
    page = world.get("ann", "/home/details").text
    assert "12.5p a kWh from 00:30 to 07:30 GMT (01:30 to 08:30 in summer)" in page
    assert "Night Saver" not in world.get("bob", "/home/details").text
    world.post("bob", "/home/tariff/remove", fuel="electricity", **{"from": "2025-04-01"})
    assert "Night Saver" in world.get("ann", "/home/details").text
    world.post("ann", "/home/tariff/remove", fuel="electricity", **{"from": "2025-04-01"})
    assert "Night Saver" not in world.get("ann", "/home/details").text


def test_a_price_that_cannot_be(world: World) -> None:
    answer = world.post(
        "ann", "/home/tariff", fuel="coal", **{"from-day": "31", "from-month": "2", "from-year": "2026"}
    )
    assert answer.status_code == 400
    for name in ("fuel", "name", "from-day", "payment", "standing", "rate"):
        assert f'href="#{name}"' in answer.text, name
        assert f'id="{name}"' in answer.text, name


def test_a_price_whose_name_would_turn_the_page_round_is_refused_beside_its_field(world: World) -> None:
    fields = {
        "fuel": "gas", "name": "Fixed\u202e5202", "from-day": "1", "from-month": "4", "from-year": "2025",
        "payment": "direct-debit", "standing": "30", "rate": "7",
    }  # fmt: skip
    answer = world.post("ann", "/home/tariff", **fields)
    assert answer.status_code == 400
    sentence = "The name of the tariff holds a sign that turns the order of text round (U+202E)"
    assert re.search(rf'id="name-error"[^>]*>[^<]*(<[^>]*>[^<]*)*{re.escape(sentence)}', answer.text)
    with connect(world.database) as connection:
        assert not homes.tariffs(connection, world.people["ann"].tenancy_id)


def test_leaving_takes_two_steps(world: World) -> None:
    with connect(world.database, autocommit=True) as connection:
        one = residents.make_resident(connection, 63)
        world.cookies["leaving"] = site.make_session(connection, one.tenancy_id)
    first = world.get("leaving", "/home/leave")
    assert "What goes" in first.text
    assert "What stays" in first.text
    assert '<form method="post" action="/home/leave"' not in first.text
    assert "Erase everything and sign out" in world.get("leaving", "/home/leave?sure=true").text
    refused = world.post("leaving", "/home/leave")
    assert refused.status_code == 400
    assert "Tick the box" in refused.text
    assert world.erased == []
    done = world.post("leaving", "/home/leave", understood="yes")
    assert (done.status_code, done.headers["location"]) == (303, "/left?reference=0123456789abcdef")
    assert world.erased == [one.tenancy_id]
    assert f'{site.COOKIE}=""' in done.headers["set-cookie"]
    for path in ("/left", done.headers["location"], "/left?reference=nobody"):
        page = world.get(None, path)
        assert page.status_code == 200
        assert "You have left" in page.text
        assert "has been erased" not in page.text, "nobody knows of such an erasure"


def test_every_look_is_noted_and_can_be_read(world: World) -> None:
    with connect(world.database, autocommit=True) as connection:
        one = residents.make_resident(connection, 64)
        residents.furnish(connection, one)
        cookie = site.make_session(connection, one.tenancy_id)
        world.cookies["noted"] = cookie
        other = site.make_session(connection, one.tenancy_id)
        connection.execute(
            "insert into personal.access (tenancy_id, account_id, role, action) values (%s, 1, 'assist', %s)",
            (one.tenancy_id, "entered a slip"),
        )
    paths = [
        "/home", "/home/year", "/home/day", "/home/neighbours", "/home/data", "/home/data/days.csv",
        "/home/data/half-hours.csv", "/home/data/comparisons.csv", "/home/data/months.csv", "/home/data/all.json",
        "/home/details", "/home/consents", "/api/v1/home", "/api/v1/home/comparisons", "/api/v1/home/consents",
        "/api/v1/home/days?fuel=electricity", "/api/v1/home/half-hours?fuel=electricity",
    ]  # fmt: skip
    for path in paths:
        assert world.get("noted", path).status_code == 200
    world.cookies["partner"] = other
    world.get("partner", "/home")
    with psycopg.connect(world.database) as connection:
        row = connection.execute(
            "select count(*) from personal.access where tenancy_id = %s", (one.tenancy_id,)
        ).fetchone()
    assert row is not None
    # each look once, the partner's, and the slip
    assert row[0] == len(paths) + 2
    page = world.get("noted", "/home/access").text
    assert "Council helper" in page
    assert "Entered a slip" in page
    assert "Another sign-in of your household" in page
    assert "Everybody in this list is you" not in page
    assert "Council helper" not in world.get("ann", "/home/access").text


def test_times_of_the_log_are_local(world: World) -> None:
    at = datetime(2026, 7, 1, 11, 0, tzinfo=UTC)
    with connect(world.database, autocommit=True) as connection:
        one = residents.make_resident(connection, 65)
        world.cookies["summer"] = site.make_session(connection, one.tenancy_id)
        connection.execute(
            "insert into personal.access (at, tenancy_id, role, action) values (%s, %s, 'resident', 'made a letter')",
            (at, one.tenancy_id),
        )
    page = world.get("summer", "/home/access").text
    assert "1 July 2026, 12:00" in page
    assert "This service" in page


def test_so_many_prices_and_no_more(world: World) -> None:
    assert homes.MOST_TARIFFS == 240
    fields = {
        "fuel": "gas", "name": "Fix", "payment": "direct-debit", "standing": "30", "rate": "6", "from-day": "1",
        "from-month": "4", "from-year": "2025",
    }  # fmt: skip
    tenancy = world.people["bob"].tenancy_id
    rate = (Register("all hours", 1.0),)
    with connect(world.database, autocommit=True) as connection:
        for number in range(homes.MOST_TARIFFS):
            day = date(2030, 1, 1) + timedelta(days=number)
            homes.set_tariff(connection, tenancy, Tariff("gas", day, "x", "prepayment", 1.0, rate))
        answer = world.post("bob", "/home/tariff", **fields)
        assert answer.status_code == 400
        assert f"You have told us {homes.MOST_TARIFFS} prices." in answer.text
        # one that takes the place of another is no further one
        replacing = {**fields, "from-day": "1", "from-month": "1", "from-year": "2030"}
        assert world.post("bob", "/home/tariff", **replacing).status_code == 303
        connection.execute("delete from personal.tariff where tenancy_id = %s", (tenancy,))
    assert world.post("bob", "/home/tariff", **fields).status_code == 303
